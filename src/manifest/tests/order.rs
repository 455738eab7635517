//! `rollout.dependsOn`: the services whose rollouts come first.

use super::{BASE, changed, key, load_text};

const HOOKS: &str = "rollout:\n";

fn depending(on: &str) -> String {
    changed(HOOKS, &format!("rollout:\n  dependsOn: {on}\n"))
}

/// A second service, made of the base's: it has no deployment group and no load balancer.
fn second(name: &str, depends_on: &str) -> String {
    format!(
        "---\napiVersion: evenkeel.dev/v1alpha1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  clusterRef: nova\n  \
         taskDefinitionRef: auth-task\n  launchType: FARGATE\n  networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-3]}}}}\n\
         rollout: {{dependsOn: {depends_on}}}\n"
    )
}

#[test]
fn a_service_knows_which_come_first() {
    let loaded = load_text(&format!("{}{}", BASE, second("user", "[auth-service]")));
    assert_eq!(loaded.diagnostics, []);
    let user = loaded.set.get(&key("Service/user")).unwrap();
    let first: Vec<_> = user.depends_on().collect();
    assert_eq!(first, [key("Service/auth-service")]);
    assert!(!user.needs.contains(&first[0]), "it is no need");
}

#[test]
fn what_is_no_list_of_names_is_an_error_where_it_stands() {
    for (text, code) in [
        ("auth-service", "wrong-type"),
        ("[1]", "wrong-type"),
        ("[\"\"]", "wrong-type"),
    ] {
        let loaded = load_text(&depending(text));
        let found = &loaded.diagnostics[0];
        assert_eq!(found.code, code, "{text}");
        assert!(found.path.starts_with("rollout.dependsOn"), "{found:?}");
        assert!(loaded.set.get(&key("Service/auth-service")).is_none());
    }
}

#[test]
fn an_unknown_service_is_named_with_the_nearest() {
    let text = format!("{}{}", BASE, second("user", "[auth-servise]"));
    let loaded = load_text(&text);
    let found = &loaded.diagnostics[0];
    let line = text.lines().position(|line| line.contains("auth-servise"));
    assert_eq!(
        (found.code, Some(found.line - 1)),
        ("dangling-reference", line)
    );
    assert_eq!(found.hint.as_deref(), Some("Did you mean `auth-service`?"));
    assert!(loaded.set.get(&key("Service/user")).is_none());
    assert!(loaded.set.get(&key("Service/auth-service")).is_some());
}

#[test]
fn services_that_wait_for_each_other_are_an_error_of_both() {
    let loaded = load_text(&format!(
        "{}{}",
        depending("[user]"),
        second("user", "[auth-service]")
    ));
    let codes: Vec<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
    let circles = codes.iter().filter(|code| **code == "reference-cycle");
    assert_eq!(circles.count(), 2, "{codes:?}");
    for service in ["Service/user", "Service/auth-service"] {
        assert!(loaded.set.invalid.contains_key(&key(service)), "{service}");
    }
    let itself = load_text(&depending("[auth-service]"));
    assert_eq!(itself.diagnostics[0].code, "reference-cycle");
}
