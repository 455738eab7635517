//! `run --sandbox`: the daemon, by what it shows on screen, over HTTP, and in the simulated AWS.

use std::net::SocketAddr;

use super::folder::Folder;
use super::program::{Program, command, until};
use super::talk;

/// A daemon with its own simulated AWS.
pub(super) struct Daemon {
    pub(super) program: Program,
    pub(super) http: SocketAddr,
    pub(super) sandbox: SocketAddr,
}

impl Daemon {
    pub(super) fn start(source: &str, more: &[&str]) -> Self {
        let mut args = vec!["run", "--source", source, "--sandbox"];
        args.extend(["--sandbox-listen", "127.0.0.1:0"]);
        args.extend(["--metrics-addr", "127.0.0.1:0"]);
        args.extend(more);
        let mut program = Program::start(&mut command(&args));
        let sandbox = program.address("sandbox at http://");
        let http = program.address("status at http://");
        Self {
            program,
            http,
            sandbox,
        }
    }
}

#[test]
fn an_edited_tag_becomes_one_deployment_and_ends_with_the_new_revision() {
    let folder = Folder::copy("nova");
    let daemon = Daemon::start(folder.path(), &[]);
    talk::ready(daemon.http);
    talk::converged(daemon.http, 68);
    assert_eq!(talk::get(daemon.http, "/healthz"), "ok\n");
    assert_eq!(talk::count(daemon.sandbox, "CreateDeployment"), 0);

    folder.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.5.0",
    );
    // Canary: ten percent first. The stage lasts five simulated minutes.
    let rollout = until("a tenth of the traffic on the new tasks", || {
        let service = talk::resource(&talk::status(daemon.http), "Service", "auth-service");
        let rollout = &service["rollout"];
        if rollout["weights"]["new"] == 10.0 {
            Ok(rollout.clone())
        } else {
            Err(service.to_string())
        }
    });
    assert_eq!(rollout["stage"], "Shifting", "{rollout}");
    assert_eq!(rollout["weights"]["old"], 90.0, "{rollout}");
    assert_eq!(rollout["ours"], true, "{rollout}");
    assert_eq!(rollout["events"][1]["name"], "Install", "{rollout}");
    assert_eq!(rollout["events"][1]["status"], "Succeeded", "{rollout}");
    let metrics = talk::get(daemon.http, "/metrics");
    let shifting = metrics
        .lines()
        .find(|line| line.contains("service=\"auth-service\",phase=\"Shifting\""));
    assert!(
        shifting.is_some_and(|line| line.ends_with(" 1")),
        "{shifting:?}"
    );

    talk::converged(daemon.http, 68);
    let status = talk::status(daemon.http);
    let task = talk::resource(&status, "TaskDefinition", "nova-auth-service");
    let revision = task["arn"].as_str().unwrap();
    assert!(
        revision.ends_with("task-definition/nova-auth-service:2"),
        "{task}"
    );
    let service = talk::describe_service(daemon.sandbox, "nova", "auth-service");
    assert_eq!(service["taskDefinition"], revision, "{service}");
    assert_eq!(service["runningCount"], 2, "{service}");
    let sets = service["taskSets"].as_array().unwrap();
    assert_eq!(sets.len(), 1, "the old tasks are gone: {service}");
    assert_eq!(sets[0]["status"], "PRIMARY");
    let rule = talk::resource(&status, "ListenerRule", "auth-production");
    let rule = talk::describe_rule(daemon.sandbox, rule["arn"].as_str().unwrap());
    assert_eq!(talk::weight(&rule, "nova-auth-green"), "100", "{rule}");
    assert_eq!(talk::weight(&rule, "nova-auth-blue"), "0", "{rule}");
    assert_eq!(talk::count(daemon.sandbox, "CreateDeployment"), 1);

    let metrics = talk::get(daemon.http, "/metrics");
    for name in [
        "evenkeel_build_info{",
        "evenkeel_ready 1",
        "evenkeel_aws_api_requests_total{code=\"ok\",operation=\"CreateDeployment\",service=\"codedeploy\"} 1",
        "controller_runtime_reconcile_total{controller=\"service\",result=\"success\"}",
        "controller_runtime_active_workers{",
        "workqueue_depth",
    ] {
        assert!(metrics.contains(&format!("\n{name}")), "{name}:\n{metrics}");
    }

    // What a person saw on the screen.
    let screen = daemon.program.stop("TERM").stderr;
    for text in [
        "deploy service auth-service blue/green",
        "Shifting: AllowTraffic InProgress, traffic 90% old 10% new",
        "traffic 0% old 100% new",
    ] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn a_wrong_manifest_is_told_with_its_cure_and_changes_nothing() {
    let folder = Folder::copy("p2");
    let daemon = Daemon::start(folder.path(), &[]);
    talk::converged(daemon.http, 10);
    let before = talk::writes(daemon.sandbox);

    folder.edit(
        "task-definition.yaml",
        "  memory: \"512\"",
        "  memroy: \"512\"",
    );
    let seen = until("the finding in /status", || {
        let status = talk::status(daemon.http);
        // The service and the group that need it are held back with it.
        if status["source"]["invalid"] == 3 {
            Ok(status)
        } else {
            Err(status["source"].to_string())
        }
    });
    let told = "task-definition.yaml:12:3: spec.memroy: unknown field `memroy`; Did you mean \
                `memory`?";
    let listed = seen["source"]["diagnostics"].to_string();
    assert!(listed.contains(told), "{listed}");
    let screen = daemon.program.stderr();
    assert!(screen.contains(told), "{screen}");
    let task = talk::resource(&seen, "TaskDefinition", "test-api-td-prod");
    assert_eq!(task["outcome"], "Blocked", "{task}");
    assert_eq!(task["reason"], "ManifestInvalid", "{task}");

    // Everything is passed over again, and nothing is written.
    daemon.program.signal("HUP");
    let after = until("the resync", || {
        let status = talk::status(daemon.http);
        if status["resyncs"]["completed"] == 1 {
            Ok(status)
        } else {
            Err(status["resyncs"].to_string())
        }
    });
    let broken = ["TaskDefinition/", "Service/", "DeploymentGroup/"];
    for line in talk::unconverged(&after) {
        assert!(broken.iter().any(|kind| line.starts_with(kind)), "{line}");
    }
    assert_eq!(talk::writes(daemon.sandbox), before);

    folder.edit(
        "task-definition.yaml",
        "  memroy: \"512\"",
        "  memory: \"512\"",
    );
    talk::converged(daemon.http, 10);
    assert_eq!(talk::writes(daemon.sandbox), before);
    daemon.program.stop("TERM");
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core() {
    let daemon = Daemon::start("manifests/p2", &[]);
    let limits = format!("/proc/{}/limits", daemon.program.id());
    let limits = std::fs::read_to_string(limits).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    // Neither now nor when it changes its mind.
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
}

#[test]
fn sighup_is_counted_and_served_and_each_stop_signal_stops() {
    let daemon = Daemon::start("manifests/p2", &["--log-format", "json"]);
    talk::converged(daemon.http, 10);
    let before = talk::status(daemon.http);
    assert_eq!(before["resyncs"]["requested"], 0);
    assert_eq!(before["resyncs"]["completedAt"], serde_json::Value::Null);
    for served in 1..=2 {
        daemon.program.signal("HUP");
        until("the resync", || {
            let status = talk::status(daemon.http);
            let resyncs = &status["resyncs"];
            if resyncs["requested"] == served && resyncs["completed"] == served {
                Ok(())
            } else {
                Err(resyncs.to_string())
            }
        });
    }
    let after = talk::status(daemon.http);
    let observed = |status: &serde_json::Value| {
        let all = status["resources"].as_array().unwrap().clone();
        all.iter()
            .map(|one| one["observedAt"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for (old, new) in observed(&before).iter().zip(observed(&after)) {
        assert!(*old < new, "every resource was observed again: {old} {new}");
    }
    let log = daemon.program.stop("INT").stderr;
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with('{')).collect();
    assert!(lines.len() > 10, "{log}");
    for line in lines {
        assert!(
            serde_json::from_str::<serde_json::Value>(line).is_ok(),
            "{line}"
        );
    }
}

#[test]
fn a_source_that_goes_away_leaves_the_last_desired_state_in_force() {
    let folder = Folder::copy("p2");
    let daemon = Daemon::start(folder.path(), &[]);
    talk::converged(daemon.http, 10);
    let status = folder.without(|| {
        daemon.program.signal("HUP");
        until("the error of the source", || {
            let status = talk::status(daemon.http);
            if status["source"]["error"].is_string() && status["resyncs"]["completed"] == 1 {
                Ok(status)
            } else {
                Err(status["source"].to_string())
            }
        })
    });
    assert!(
        status["source"]["error"]
            .as_str()
            .unwrap()
            .contains(folder.path())
    );
    assert_eq!(talk::unconverged(&status), Vec::<String>::new());
    assert_eq!(status["resources"].as_array().unwrap().len(), 10);
    daemon.program.stop("TERM");
}
