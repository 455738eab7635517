//! `rollout.tasks`: one-off tasks before and after rollouts.

use std::time::Duration;

use super::{changed, key, load_text};
use crate::manifest::{HookTask, HookTime};

fn with(tasks: &str) -> String {
    changed("rollout:\n", &format!("rollout:\n  tasks: {tasks}\n"))
}

#[test]
fn the_tasks_of_a_service_are_read_in_their_order() {
    let text = with(
        "{postDeploy: [{name: smoke, overrides: {cpu: '512', containerOverrides: [{name: auth, command: [./smoke]}]}}],
    preDeploy: [{name: migrate, command: [./migrate, --all], timeout: 1h30m}, {name: index, container: auth, command: [./index]}]}",
    );
    let loaded = load_text(&text);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let service = loaded.set.get(&key("Service/auth-service")).unwrap();
    let tasks: Vec<HookTask> = service.hook_tasks().collect();
    let told: Vec<_> = tasks
        .iter()
        .map(|task| (task.time, task.name.as_str(), task.timeout.as_secs() / 60))
        .collect();
    let (before, after) = (HookTime::Before, HookTime::After);
    assert_eq!(
        told,
        [
            (before, "migrate", 90),
            (before, "index", 15),
            (after, "smoke", 15)
        ]
    );
    assert_eq!(tasks[0].command, ["./migrate", "--all"]);
    assert_eq!(tasks[1].container.as_deref(), Some("auth"));
    assert_eq!(tasks[2].overrides.as_ref().unwrap()["cpu"], "512");
    assert_eq!(tasks[0].timeout, Duration::from_mins(90));
}

#[test]
fn what_is_wrong_with_a_task_is_named_with_its_cure() {
    let one = |task: &str| format!("{{preDeploy: [{task}]}}");
    let six: Vec<String> = (0..6)
        .map(|n| format!("{{name: t{n}, command: [a]}}"))
        .collect();
    for (tasks, path, part) in [
        ("[]".to_owned(), "", "expected a map"),
        ("{before: []}".to_owned(), ".before", "unknown field"),
        (
            "{preDeploy: {}}".to_owned(),
            ".preDeploy",
            "expected a list",
        ),
        (
            format!("{{preDeploy: [{}]}}", six.join(", ")),
            ".preDeploy",
            "more than 5",
        ),
        (one("{command: [a]}"), ".preDeploy[0]", "`name` is missing"),
        (one("{name: a}"), ".preDeploy[0]", "./migrate"),
        (
            one("{name: a b, command: [a]}"),
            ".preDeploy[0].name",
            "at most 32",
        ),
        (
            one("{name: a, command: a}"),
            ".preDeploy[0].command",
            "expected a list",
        ),
        (
            one("{name: a, command: []}"),
            ".preDeploy[0].command",
            "empty",
        ),
        (
            one("{name: a, command: [1]}"),
            ".preDeploy[0].command[0]",
            "quotes",
        ),
        (
            one("{name: a, command: [a], timeout: 0s}"),
            ".preDeploy[0].timeout",
            "15m",
        ),
        (
            one("{name: a, command: [a], comand: [b]}"),
            ".preDeploy[0].comand",
            "`command`",
        ),
        (
            one("{name: a, command: [a]}, {name: a, command: [b]}"),
            ".preDeploy[1].name",
            "another task",
        ),
        (
            one("{name: a, command: [a], overrides: {containerOverrides: [{name: auth, cpu: 1}]}}"),
            ".preDeploy[0]",
            "both say",
        ),
        (
            one("{name: a, overrides: {}}"),
            ".preDeploy[0].overrides.containerOverrides",
            "exit code 0",
        ),
        (
            one("{name: a, overrides: {containerOverrides: [{name: auth}]}}"),
            ".preDeploy[0].overrides.containerOverrides[0]",
            "other than",
        ),
        (
            one("{name: a, overrides: {containerOverrides: [{name: auth, comand: [a]}]}}"),
            ".preDeploy[0].overrides.containerOverrides[0].comand",
            "`command`",
        ),
        (
            one("{name: a, container: web, command: [a]}"),
            ".preDeploy[0]",
            "`web`, which the task definition does not have",
        ),
        (
            one("{name: a, overrides: {containerOverrides: [{name: auht, command: [a]}]}}"),
            ".preDeploy[0]",
            "Did you mean `auth`?",
        ),
    ] {
        let loaded = load_text(&with(&tasks));
        let path = format!("rollout.tasks{path}");
        let all = &loaded.diagnostics;
        let said = all.iter().filter(|found| found.path == path).map(|found| {
            let hint = found.hint.clone().unwrap_or_default();
            format!("{} {hint}", found.message)
        });
        let said: Vec<String> = said.collect();
        assert!(
            said.iter().any(|one| one.contains(part)),
            "{tasks}: {path}: {part}: {all:#?}"
        );
        assert!(
            loaded.set.get(&key("Service/auth-service")).is_none(),
            "{tasks}"
        );
    }
}

#[test]
fn of_several_essential_containers_one_has_to_be_named() {
    let text = with("{preDeploy: [{name: migrate, command: [./migrate]}]}");
    let two = "  containerDefinitions:\n    - {name: proxy, image: envoy:1}\n";
    assert_eq!(text.matches("  containerDefinitions:\n").count(), 1);
    let text = text.replace("  containerDefinitions:\n", two);
    let loaded = load_text(&text);
    let found = &loaded.diagnostics[0];
    assert_eq!(found.path, "rollout.tasks.preDeploy[0]");
    assert!(
        found.message.contains("2 of them are essential"),
        "{found:?}"
    );
    let named = text.replace("name: migrate,", "name: migrate, container: auth,");
    assert!(load_text(&named).diagnostics.is_empty());
}

#[test]
fn no_excerpt_shows_what_a_task_is_given() {
    let text = with(
        "{preDeploy: [{name: a, overrides: {containerOverrides: [{name: auth, environment: [{name: PW, value: hunter2}], x: 1}]}}]}",
    );
    let loaded = load_text(&text);
    assert!(!loaded.diagnostics.is_empty());
    let told = format!("{:?}", loaded.diagnostics);
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn the_record_of_the_tasks_has_to_have_room_among_fifty_tags() {
    let text =
        with("{preDeploy: [{name: a, command: [a]}], postDeploy: [{name: b, command: [b]}]}");
    let tags = |count: usize| {
        let tags = (0..count).map(|n| format!("{{key: k{n}, value: v}}"));
        format!("  tags: [{}]\n", tags.collect::<Vec<_>>().join(", "))
    };
    // 14, one for each of two tasks and 2; or 3, two and 3.
    let service = "  taskDefinitionRef: auth-task\n";
    let definition = "  containerDefinitions:\n";
    for (before, room, what) in [
        (service, 32, "the service"),
        (definition, 42, "a revision of TaskDefinition/auth-task"),
    ] {
        assert_eq!(text.matches(before).count(), 1);
        let of = |count| text.replace(before, &format!("{}{before}", tags(count)));
        let loaded = load_text(&of(room));
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let loaded = load_text(&of(room + 1));
        let found = &loaded.diagnostics[0];
        assert_eq!(
            (found.code, found.path.as_str()),
            ("too-many-tags", "rollout.tasks")
        );
        let line = text.lines().position(|line| line == "rollout:").unwrap();
        assert!(
            found.line.abs_diff(line) < 5 && found.file == "a.yaml",
            "{found:?}"
        );
        assert!(
            found.message.contains(what) && found.message.contains("51"),
            "{found:?}"
        );
        assert!(
            found.hint.as_deref().unwrap().contains("1 fewer"),
            "{found:?}"
        );
        assert!(loaded.set.get(&key("Service/auth-service")).is_none());
        // Without tasks the room is not needed.
        let plain = of(room + 1).replace(
            "preDeploy: [{name: a, command: [a]}], postDeploy: [{name: b, command: [b]}]",
            "",
        );
        assert!(load_text(&plain).diagnostics.is_empty());
    }
}
