//! `sync`, `plan` and `validate`: results and exit codes.

use serde_json::Value;

use super::folder::Folder;
use super::program::{Program, command, run};
use super::two_processes::{Sandbox, connected};

#[test]
fn sync_brings_up_everything_that_is_shipped() {
    let done = run(&["sync", "--source", "manifests", "--sandbox", "-o", "json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(document["ended"], "settled");
    assert_eq!(document["converged"], true);
    let resources = document["status"]["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 78);
    for resource in resources {
        assert_eq!(resource["outcome"], "Converged", "{resource}");
    }
}

#[test]
fn sync_says_one_line_a_resource_and_ends_when_only_a_push_can_help() {
    let folder = Folder::copy("p2");
    // Without the seed nobody has pushed the image.
    folder.remove("sandbox.yaml");
    let done = run(&["sync", "--source", folder.path(), "--sandbox"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines.len(), 10 + 1, "{}", done.stdout);
    assert_eq!(lines[10], "settled: 7 of 10 converged");
    let of = |key: &str| *lines.iter().find(|line| line.starts_with(key)).unwrap();
    let task = of("TaskDefinition/test-api-td-prod ");
    assert!(task.contains("Waiting (ImageNotFound)"), "{task}");
    assert!(task.contains("test-api-server:latest"), "{task}");
    let service = of("Service/test-api-service ");
    assert!(
        service.contains("Waiting (DependencyNotReady)"),
        "{service}"
    );
}

#[test]
fn sync_gives_up_at_its_timeout() {
    let done = run(&[
        "sync",
        "--source",
        "manifests/p2",
        "--sandbox",
        "--timeout",
        "0s",
    ]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stdout.contains("timed out: "), "{}", done.stdout);
}

#[test]
fn the_exit_code_of_plan_says_whether_there_is_work() {
    let sandbox = Sandbox::start(&["--seed", "manifests/p2/sandbox.yaml"]);
    let folder = Folder::copy("p2");
    let evenkeel = |verb: &str| {
        let mut command = connected(&sandbox, &[verb, "--source", folder.path()]);
        Program::start(&mut command).finished()
    };

    let done = evenkeel("plan");
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(
        done.stdout
            .contains("7 changes, 3 waiting or blocked, 0 as declared"),
        "{}",
        done.stdout
    );
    assert_eq!(sandbox.writes().len(), 0, "a plan writes nothing");

    let done = evenkeel("sync");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let done = evenkeel("plan");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(
        done.stdout,
        "0 changes, 0 waiting or blocked, 10 as declared\n"
    );

    folder.edit("service.yaml", "Seconds: 200", "Seconds: 100");
    let done = evenkeel("plan");
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    let update = "(ecs UpdateService)";
    assert!(done.stdout.contains(update), "{}", done.stdout);
    assert!(done.stdout.contains("200 -> 100"), "{}", done.stdout);

    folder.edit("service.yaml", "desiredCount", "desiredCuont");
    let done = evenkeel("plan");
    assert_eq!(done.code, Some(1), "{}", done.stdout);
    assert!(done.stderr.contains("service.yaml:11:3"), "{}", done.stderr);
}

#[test]
fn plan_tells_what_pruning_would_do_and_sync_does_it() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::copy("p2");
    for file in [
        "load-balancer",
        "repository",
        "sandbox",
        "service",
        "task-definition",
    ] {
        folder.remove(&format!("{file}.yaml"));
    }
    let cluster =
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: old}\nspec: {}\n";
    folder.write("old.yaml", cluster);
    let evenkeel = |words: &[&str]| {
        let arguments = [words, &["--source", folder.path()]].concat();
        Program::start(&mut connected(&sandbox, &arguments)).finished()
    };
    let done = evenkeel(&["sync"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    folder.remove("old.yaml");
    let before = sandbox.writes();

    let done = evenkeel(&["plan"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let told = "pruning, which is off (--prune), would do this:\n- Cluster/old";
    assert!(done.stdout.contains(told), "{}", done.stdout);
    let count = "1 to go, 0 of them later; 0 stay\n";
    assert!(done.stdout.ends_with(count), "{}", done.stdout);
    let done = evenkeel(&["plan", "--prune"]);
    assert_eq!(done.code, Some(2), "{}{}", done.stdout, done.stderr);
    let told = "\npruning:\n- Cluster/old";
    assert!(done.stdout.contains(told), "{}", done.stdout);
    assert_eq!(evenkeel(&["sync"]).code, Some(0));
    assert_eq!(sandbox.writes(), before, "it was not asked for");

    let done = evenkeel(&["sync", "--prune"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let wrote = sandbox.writes().split_off(before.len());
    let operations: Vec<&Value> = wrote.iter().map(|entry| &entry["operation"]).collect();
    assert_eq!(operations, ["DeleteCluster"]);
    assert_eq!(wrote[0]["input"]["cluster"], "old", "{wrote:?}");
    let done = evenkeel(&["plan", "--prune"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
}

#[test]
fn verify_is_clean_for_everything_that_is_shipped() {
    let done = run(&["verify", "--source", "manifests", "--sandbox"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let last = done.stdout.lines().last().unwrap();
    assert!(last.contains("0 errors, 0 warnings, 0 unknown"), "{last}");
}

#[test]
fn the_exit_code_of_verify_tells_failures_from_what_could_not_be_read() {
    let sandbox = Sandbox::start(&["--seed", "manifests/p2/sandbox.yaml"]);
    let folder = Folder::copy("p2");
    let evenkeel = |verb: &str| {
        let mut command = connected(&sandbox, &[verb, "--source", folder.path()]);
        Program::start(&mut command).finished()
    };
    let done = evenkeel("sync");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let writes = sandbox.writes().len();

    let done = evenkeel("verify");
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let all = "0 errors, 0 warnings, 0 unknown, 0 not checked\n";
    assert!(done.stdout.ends_with(all), "{}", done.stdout);

    sandbox.deny("ec2:DescribeSubnets");
    let done = evenkeel("verify");
    assert_eq!(done.code, Some(3), "{}{}", done.stdout, done.stderr);
    let needed = "missing permissions: ec2:DescribeSubnets\n";
    assert!(done.stdout.contains(needed), "{}", done.stdout);
    assert!(done.stdout.contains("service.yaml:16"), "{}", done.stdout);

    folder.edit("service.yaml", "ecsCodeDeployRole", "ecsTaskExecutionRole");
    let done = evenkeel("verify");
    assert_eq!(done.code, Some(2), "{}{}", done.stdout, done.stderr);
    assert!(
        done.stdout.contains("service.yaml:29:19"),
        "{}",
        done.stdout
    );

    folder.edit("service.yaml", "desiredCount", "desiredCuont");
    let done = evenkeel("verify");
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("service.yaml:11:3"), "{}", done.stderr);
    assert_eq!(sandbox.writes().len(), writes, "it writes nothing");
}

#[test]
fn plan_without_an_aws_is_an_error() {
    let mut command = command(&["plan", "--source", "manifests/p2"]);
    let done = Program::start(&mut command).finished();
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("set AWS_REGION"), "{}", done.stderr);
    assert_eq!(done.stdout, "");

    // A port that was free a moment ago and that nobody listens at.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    command
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .env("AWS_ENDPOINT_URL", format!("http://{address}"));
    let done = Program::start(&mut command).finished();
    assert_eq!(done.code, Some(1));
    let told = "no AWS to plan against";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}

#[test]
fn validate_needs_no_aws() {
    let done = run(&["validate", "manifests"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(done.stdout, "78 valid manifests, 0 errors, 0 warnings\n");
    let done = run(&["validate", "tests/it/cli/wrong"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
}
