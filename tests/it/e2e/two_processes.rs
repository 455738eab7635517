//! The daemon and the simulated AWS as two processes, joined by `AWS_ENDPOINT_URL` alone: what a
//! real AWS would be to it.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use super::folder::Folder;
use super::program::{Finished, Program, command, run, until};
use super::talk;

/// `evenkeel sandbox` at a free port.
pub(super) struct Sandbox {
    program: Program,
    address: SocketAddr,
}

impl Sandbox {
    pub(super) fn start(more: &[&str]) -> Self {
        let mut args = vec!["sandbox", "--listen", "127.0.0.1:0"];
        args.extend(more);
        let mut program = Program::start(&mut command(&args));
        let address = program.address("simulated AWS at http://");
        Self { program, address }
    }

    /// The mutating requests that it has had.
    pub(super) fn writes(&self) -> Vec<Value> {
        talk::writes(self.address)
    }

    /// Refuses an operation from now on.
    pub(super) fn deny(&self, operation: &str) {
        talk::deny(self.address, operation);
    }

    fn push(&self, image: &str) -> Finished {
        run(&["sandbox", "push", image, "--to", &self.address.to_string()])
    }
}

/// The binary with these arguments, on this sandbox.
pub(super) fn connected(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = command(args);
    command
        .env("AWS_ENDPOINT_URL", format!("http://{}", sandbox.address))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any");
    command
}

/// A daemon on this sandbox, with the address of its HTTP side.
fn daemon(sandbox: &Sandbox, folder: &Folder) -> (Program, SocketAddr) {
    let args = [
        "run",
        "--source",
        folder.path(),
        "--metrics-addr",
        "127.0.0.1:0",
    ];
    let mut program = Program::start(&mut connected(sandbox, &args));
    let http = program.address("status at http://");
    (program, http)
}

#[test]
fn a_pushed_image_is_picked_up() {
    let sandbox = Sandbox::start(&[]);
    let folder = Folder::copy("p2");
    let (daemon, http) = daemon(&sandbox, &folder);
    until("the wait for the image", || {
        let status = talk::status(http);
        let open = talk::unconverged(&status);
        let expected = [
            "TaskDefinition/test-api-td-prod Waiting ImageNotFound",
            "Service/test-api-service Waiting DependencyNotReady",
            "DeploymentGroup/test-api-service Waiting DependencyNotReady",
        ];
        (open == expected)
            .then_some(())
            .ok_or_else(|| format!("{open:?}"))
    });
    talk::ready(http);
    assert_eq!(talk::count(sandbox.address, "CreateService"), 0);

    let pushed = sandbox.push("test-api-server:latest");
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    let answer: Value = serde_json::from_str(&pushed.stdout).unwrap();
    assert_eq!(answer["held"], false, "the repository is there: {answer}");
    talk::converged(http, 10);
    daemon.stop("TERM");
    assert_eq!(sandbox.program.stop("TERM").code, Some(0));
}

#[test]
fn a_daemon_killed_in_a_deployment_is_replaced_by_one_that_adopts_it() {
    // Five minutes between the shift and the end are fifteen real seconds.
    let sandbox = Sandbox::start(&["--seed", "manifests/p2/sandbox.yaml", "--speed", "20"]);
    let folder = Folder::copy("p2");
    let (first, http) = daemon(&sandbox, &folder);
    talk::converged(http, 10);

    let pushed = sandbox.push("test-api-server:next");
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    folder.edit("task-definition.yaml", "server:latest", "server:next");
    until("the deployment", || {
        let count = talk::count(sandbox.address, "CreateDeployment");
        (count == 1).then_some(()).ok_or_else(|| count.to_string())
    });
    first.crash();

    let (second, http) = daemon(&sandbox, &folder);
    let rollout = until("the deployment in the second daemon's status", || {
        let status = talk::status(http);
        let service = talk::resource(&status, "Service", "test-api-service");
        if service["rollout"].is_object() {
            Ok(service["rollout"].clone())
        } else {
            Err(service.to_string())
        }
    });
    assert_eq!(rollout["ours"], true, "it knows its own: {rollout}");
    talk::converged(http, 10);
    let status = talk::status(http);
    let task = talk::resource(&status, "TaskDefinition", "test-api-td-prod");
    let service = talk::describe_service(sandbox.address, "test-cluster", "test-api-service");
    assert_eq!(service["taskDefinition"], task["arn"], "{service}");
    assert!(task["arn"].as_str().unwrap().ends_with(":2"), "{task}");
    assert_eq!(talk::count(sandbox.address, "CreateDeployment"), 1);
    assert_eq!(talk::count(sandbox.address, "RegisterTaskDefinition"), 2);
    second.stop("TERM");
}

#[test]
fn a_push_tells_what_is_wrong() {
    let sandbox = Sandbox::start(&[]);
    let refused = sandbox.push("Nova/Auth:1");
    assert_eq!(refused.code, Some(1));
    let told = "the sandbox refused Nova/Auth:1";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    let address = sandbox.address.to_string();
    sandbox.program.stop("INT");
    let alone = run(&["sandbox", "push", "nova/auth:1", "--to", &address]);
    assert_eq!(alone.code, Some(1));
    let told = "start one with `evenkeel sandbox`";
    assert!(alone.stderr.contains(told), "{}", alone.stderr);
}
