//! Manifests in Jsonnet under a running daemon, and files that never end.

use serde_json::Value;

use super::daemon::Daemon;
use super::folder::Folder;
use super::program::{run, until};
use super::talk;

const TASK: &str = "local task = import 'lib/task.libsonnet';
task {
  metadata: {name: 'test-api-td-prod'},
  spec+: {
    containerDefinitions: [
      {name: 'test-api-server', image: 'test-api-server:latest', portMappings: [{containerPort: 8080}]},
    ],
  },
}
";

const LIBRARY: &str = "{
  apiVersion: 'evenkeel.dev/v1alpha1',
  kind: 'TaskDefinition',
  spec: {
    requiresCompatibilities: ['FARGATE'], networkMode: 'awsvpc', cpu: '256', memory: '512',
    executionRoleArn: 'arn:aws:iam::123456789012:role/ecsTaskExecutionRole',
  },
}
";

/// The shipped service, its task definition in Jsonnet.
fn folder() -> Folder {
    let folder = Folder::copy("p2");
    folder.remove("task-definition.yaml");
    folder.write("task-definition.jsonnet", TASK);
    folder.make("lib");
    folder.write("lib/task.libsonnet", LIBRARY);
    folder
}

#[test]
fn a_change_of_a_library_is_a_deployment_and_a_mistake_freezes_its_own() {
    let folder = folder();
    let daemon = Daemon::start(folder.path(), &[]);
    talk::converged(daemon.http, 10);
    let revision = |status: &Value| {
        let task = talk::resource(status, "TaskDefinition", "test-api-td-prod");
        task["arn"].as_str().unwrap_or_default().to_owned()
    };
    assert!(revision(&talk::status(daemon.http)).ends_with(":1"));

    folder.edit("lib/task.libsonnet", "memory: '512'", "memory: '1024'");
    until("the second revision", || {
        let status = talk::status(daemon.http);
        let revision = revision(&status);
        if revision.ends_with(":2") {
            Ok(())
        } else {
            Err(status.to_string())
        }
    });
    talk::converged(daemon.http, 10);

    let before = talk::writes(daemon.sandbox);
    folder.edit("lib/task.libsonnet", "memory: '1024'", "memory: self.mem");
    let seen = until("the finding in /status", || {
        let status = talk::status(daemon.http);
        if status["source"]["errors"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
            || status["source"]["invalid"].as_u64().unwrap_or(0) > 0
        {
            Ok(status)
        } else {
            Err(status["source"].to_string())
        }
    });
    // What needs nothing of the broken file goes on.
    let cluster = talk::resource(&seen, "Cluster", "test-cluster");
    assert_eq!(cluster["outcome"], "Converged", "{seen}");
    assert_eq!(talk::writes(daemon.sandbox), before);
    let screen = daemon.program.stop("TERM").stderr;
    assert!(screen.contains("no such field: mem"), "{screen}");
    assert!(screen.contains("lib/task.libsonnet:5"), "{screen}");
}

#[test]
fn files_that_never_end_have_an_error_each_and_hold_up_no_other() {
    let folder = folder();
    let endless = "local f(n) = if n == 0 then 0 else f(n - 1) + f(n - 1);\nf(100)\n";
    folder.write("a-endless.jsonnet", endless);
    folder.write("b-large.jsonnet", "std.length(std.repeat('x', 4e9))\n");
    folder.write("c-deep.jsonnet", &"(".repeat(500_000));
    folder.write("d-infinite.jsonnet", "local f(n) = {a: f(n + 1)};\nf(0)\n");
    let done = run(&["validate", folder.path(), "--output", "json"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let found: Value = serde_json::from_str(&done.stdout).unwrap();
    let found: Vec<(String, String)> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |member: &str| one[member].as_str().unwrap().to_owned();
            let file = text("file").rsplit('/').next().unwrap().to_owned();
            (file, text("message"))
        })
        .collect();
    let files: Vec<&str> = found.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(
        files,
        [
            "a-endless.jsonnet",
            "b-large.jsonnet",
            "c-deep.jsonnet",
            "d-infinite.jsonnet"
        ],
        "{found:?}"
    );
    for ((_, message), said) in found.iter().zip([
        "longer than 10 s",
        "MiB of memory",
        "nested too deeply",
        "nested deeper than",
    ]) {
        assert!(message.contains(said), "{message}");
    }
}
