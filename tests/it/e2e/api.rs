//! The commands to a running daemon, over its API.

use std::io::Write as _;

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::folder::Folder;
use super::program::{Finished, Program, command, run, until};
use super::talk;

/// A token, in a file.
pub(super) fn token() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "a token of the tests, long enough").unwrap();
    file
}

impl Daemon {
    /// Where its API is.
    pub(super) fn server(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Runs a command against it.
    pub(super) fn ask(&self, args: &[&str]) -> Finished {
        run(&[args, &["--server", &self.server()]].concat())
    }

    /// The document that a command prints.
    pub(super) fn json(&self, args: &[&str]) -> Value {
        let done = self.ask(&[args, &["--output", "json"]].concat());
        serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
    }
}

#[test]
fn a_rollout_is_watched_by_the_commands() {
    let folder = Folder::copy("nova");
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start(folder.path(), &["--api-token-file", path]);
    talk::converged(daemon.http, 68);

    let services = daemon.ask(&["get", "services"]);
    assert_eq!(services.code, Some(0), "{services:?}");
    let lines: Vec<&str> = services.stdout.lines().collect();
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    assert_eq!(
        words(lines[0]),
        ["RESOURCE", "OUTCOME", "REASON", "REVISION", "AGE"]
    );
    let auth = "Service/auth-service";
    let before = words(lines[1]);
    assert_eq!(
        before[..4],
        [auth, "Converged", "Succeeded", "nova-auth-service:1"]
    );
    assert_eq!(lines.len(), 9);
    let same = daemon.ask(&["diff"]);
    assert_eq!((same.code, same.stdout.as_str()), (Some(0), ""));

    let server = daemon.server();
    let follow = ["events", auth, "--follow", "--server", &server];
    let follower = Program::start(&mut command(&follow));
    folder.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.5.0",
    );
    let described = until("a tenth of the traffic on the new tasks", || {
        let shown = daemon.ask(&["describe", "service/auth-service"]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        if shown.stdout.contains("traffic: 90.0% old, 10.0% new") {
            Ok(shown.stdout)
        } else {
            Err(shown.stdout)
        }
    });
    for part in [
        "Outcome:   Waiting (RolloutInProgress)",
        ": Shifting",
        "Progressing        True",
        "deploy service auth-service blue/green",
        "(CreateDeployment)",
        "Last events:",
    ] {
        assert!(described.contains(part), "{part}:\n{described}");
    }
    let followed = until("the write among the events that are followed", || {
        let seen = follower.stdout();
        if seen.contains("(CreateDeployment)") {
            Ok(seen)
        } else {
            Err(seen)
        }
    });
    assert!(
        followed.contains("Write    Service/auth-service"),
        "{followed}"
    );

    let history = daemon.json(&["history", auth]);
    let rollout = &history["rollouts"][0];
    let id = rollout["id"].as_str().unwrap().to_owned();
    assert_eq!(rollout["by"], "evenkeel", "{history}");
    assert_eq!(rollout["status"], "InProgress", "{history}");
    talk::converged(daemon.http, 68);
    let history = daemon.ask(&["history", auth]);
    let line = history.stdout.lines().nth(1).unwrap();
    assert!(
        line.starts_with(&id) && line.contains("Succeeded"),
        "{history:?}"
    );
    let revision = &daemon.json(&["get", auth])["resources"][0]["revision"];
    assert_eq!(*revision, "nova-auth-service:2");
    // The log has what the events have.
    let screen = daemon.program.stop("TERM").stderr;
    assert!(
        screen.contains("deploy service auth-service blue/green"),
        "{screen}"
    );
}

#[test]
fn a_resync_takes_the_token_and_is_served() {
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start("manifests/p2", &["--api-token-file", path]);
    talk::converged(daemon.http, 10);
    let requested = || talk::status(daemon.http)["resyncs"]["requested"].clone();

    let refused = daemon.ask(&["resync"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no token was given"), "{refused:?}");
    let other = token();
    std::fs::write(other.path(), "a token of somebody else's").unwrap();
    let wrong = other.path().to_str().unwrap();
    let refused = daemon.ask(&["resync", "--api-token-file", wrong]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("the token is not the daemon's"),
        "{refused:?}"
    );
    assert_eq!(requested(), 0);

    let served = daemon.ask(&["resync", "--wait", "--api-token-file", path]);
    assert_eq!(served.code, Some(0), "{served:?}");
    assert_eq!(served.stdout, "resync of everything served\n");
    let service = "Service/test-api-service";
    let one = daemon.ask(&["resync", service, "--wait", "--api-token-file", path]);
    assert_eq!(
        one.stdout,
        format!("resync of {service} served: Converged (Succeeded)\n")
    );
    assert_eq!(talk::status(daemon.http)["resyncs"]["completed"], 2);
    let none = daemon.ask(&["resync", "Service/none", "--api-token-file", path]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(
        none.stderr.contains("is not among the manifests"),
        "{none:?}"
    );
    let metrics = talk::get(daemon.http, "/metrics");
    let line = "evenkeel_forced_resyncs_total{scope=\"resource\",trigger=\"api\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

/// A script that pushes and resyncs must not be told that all is well while the source is gone.
#[test]
fn a_source_that_cannot_be_read_is_told_by_resync_and_diff() {
    let folder = Folder::copy("p2");
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start(folder.path(), &["--api-token-file", path]);
    talk::converged(daemon.http, 10);
    let same = daemon.ask(&["diff"]);
    assert_eq!(same.code, Some(0), "{same:?}");
    std::fs::remove_dir_all(folder.path()).unwrap();
    let served = daemon.ask(&["resync", "--wait", "--api-token-file", path]);
    assert_eq!(served.code, Some(1), "{served:?}");
    assert!(
        served.stderr.contains("the source could not be read"),
        "{served:?}"
    );
    let unknown = daemon.ask(&["diff"]);
    assert_eq!(unknown.code, Some(3), "{unknown:?}");
}

#[test]
fn every_failure_names_its_cure() {
    let nobody = run(&["get", "--server", "http://127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    for part in ["no daemon answers at http://127.0.0.1:1", "--server URL"] {
        assert!(nobody.stderr.contains(part), "{nobody:?}");
    }
    let folder = Folder::copy("p2");
    let daemon = Daemon::start(folder.path(), &[]);
    talk::converged(daemon.http, 10);
    let file = token();
    let path = file.path().to_str().unwrap();
    let closed = daemon.ask(&["resync", "--api-token-file", path]);
    assert_eq!(closed.code, Some(1), "{closed:?}");
    assert!(
        closed.stderr.contains("start it with --api-token-file"),
        "{closed:?}"
    );
    let not_ours = format!("http://{}", daemon.sandbox);
    let other = run(&["get", "--server", &not_ours]);
    assert!(other.stderr.contains("is no Even Keel daemon"), "{other:?}");
    let group = "TargetGroup/test-tg-01";
    let none = daemon.ask(&["history", group]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("has no rollouts"), "{none:?}");

    // What AWS cannot change stays a difference.
    let text = std::fs::read_to_string("manifests/p2/load-balancer.yaml").unwrap();
    folder.write(
        "load-balancer.yaml",
        &text.replacen("Port: 8080", "Port: 8088", 1),
    );
    let told = until("the difference", || {
        let done = daemon.ask(&["diff", group]);
        if done.code == Some(2) {
            Ok(done.stdout)
        } else {
            Err(format!("{done:?}"))
        }
    });
    assert!(
        told.contains("/Port: \"8080\" -> 8088") || told.contains("/Port: 8080 -> 8088"),
        "{told}"
    );
    let all = daemon.json(&["diff"]);
    assert_eq!(all["differences"][0]["resource"], group, "{all}");
}

#[test]
fn a_rollout_is_aborted_by_a_command_with_the_token() {
    let folder = Folder::copy("nova");
    // It waits for a person, so that the test has all the time that it needs.
    folder.edit(
        "services/auth.yaml",
        "deploymentReadyOption: {actionOnTimeout: CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0}",
        "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 2880}",
    );
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start(folder.path(), &["--api-token-file", path]);
    talk::converged(daemon.http, 68);
    let auth = "Service/auth-service";
    let with_token = ["--api-token-file", path, "--by", "ann"];

    let idle = daemon.ask(&[&["abort", auth], &with_token[..]].concat());
    assert_eq!(idle.code, Some(1), "{idle:?}");
    assert!(idle.stderr.contains("no deployment of service"), "{idle:?}");
    folder.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.5.0",
    );
    let digest = until("a deployment that waits for a person", || {
        let one = &daemon.json(&["get", auth])["resources"][0];
        if one["reason"] == "ApprovalPending" {
            Ok(one["digest"].as_str().unwrap().to_owned())
        } else {
            Err(one.to_string())
        }
    });
    let refused = daemon.ask(&["abort", auth, "--by", "ann"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no token was given"), "{refused:?}");
    let other = ["approve", auth, "--digest", "v1:00000000"];
    let other = daemon.ask(&[&other[..], &with_token[..]].concat());
    assert_eq!(other.code, Some(1), "{other:?}");
    let told = format!("is of content {digest}, not of v1:00000000");
    assert!(other.stderr.contains(&told), "{other:?}");
    assert_eq!(talk::count(daemon.sandbox, "StopDeployment"), 0);
    assert_eq!(talk::count(daemon.sandbox, "ContinueDeployment"), 0);

    let abort = ["abort", "service/auth-service", "--wait"];
    let done = daemon.ask(&[&abort[..], &with_token[..]].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let end =
        format!("abort of {auth}: Blocked (Quarantined): content {digest} was aborted by ann at ");
    assert!(done.stdout.starts_with(&end), "{done:?}");
    assert!(done.stderr.contains("stop deployment d-"), "{done:?}");
    let described = daemon.ask(&["describe", auth]).stdout;
    for part in [
        digest.as_str(),
        "Quarantined        True",
        "(StopDeployment)",
        "Command  abort by ann: carried out on d-",
    ] {
        assert!(described.contains(part), "{part}:\n{described}");
    }
    let metrics = talk::get(daemon.http, "/metrics");
    for line in [
        "evenkeel_commands_total{command=\"abort\",result=\"done\"} 1",
        "evenkeel_commands_total{command=\"abort\",result=\"refused\"} 1",
        "evenkeel_commands_total{command=\"approve\",result=\"refused\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}:\n{metrics}");
    }

    // Once more, approved this time, and taken back while the old tasks are there.
    folder.edit(
        "services/auth.yaml",
        "terminationWaitTimeInMinutes: 5",
        "terminationWaitTimeInMinutes: 2880",
    );
    folder.edit(
        "services/auth.yaml",
        "kind: Service\nmetadata:\n  name: auth-service\n",
        "kind: Service\nmetadata:\n  name: auth-service\n  annotations: {evenkeel.dev/retry: again}\n",
    );
    let second = until("another deployment that waits", || {
        let one = &daemon.json(&["get", auth])["resources"][0];
        let waits = one["reason"] == "ApprovalPending" && one["digest"] != digest.as_str();
        let digest = one["digest"].as_str().unwrap_or_default().to_owned();
        waits.then_some(digest).ok_or_else(|| one.to_string())
    });
    let order = |words: &[&str]| {
        let done = daemon.ask(&[words, &with_token, &["--output", "json"]].concat());
        assert_eq!(done.code, Some(0), "{done:?}");
        serde_json::from_str::<Value>(&done.stdout).unwrap()
    };
    let approved = order(&["approve", auth, "--digest", &second]);
    assert_eq!(approved["resource"], auth, "{approved}");
    until("all traffic on the new tasks", || {
        let one = &daemon.json(&["get", auth])["resources"][0];
        let stage = &one["rollout"]["stage"];
        (stage == "Baking")
            .then_some(())
            .ok_or_else(|| one.to_string())
    });
    let taken_back = order(&["rollback", auth, "--wait"]);
    let (done, end) = (&taken_back["command"]["done"], &taken_back["resource"]);
    assert!(done[0].as_str().unwrap().contains("stop"), "{taken_back}");
    assert_eq!(
        (&end["outcome"], &end["reason"]),
        (&json!("Blocked"), &json!("Quarantined"))
    );
    let message = end["message"].as_str().unwrap();
    let told = format!("content {second} was rolled back by ann");
    assert!(message.contains(&told), "{message}");
}

#[test]
fn a_command_about_a_rollout_names_what_is_wrong_with_it() {
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start("manifests/p2", &["--api-token-file", path]);
    talk::converged(daemon.http, 10);
    let service = "Service/test-api-service";
    let given = ["--api-token-file", path, "--by"];
    for (args, by, part) in [
        (
            &["abort", "TargetGroup/test-tg-01"][..],
            "ann",
            "has no rollouts",
        ),
        (
            &["abort", "Service/none"],
            "ann",
            "is not among the manifests",
        ),
        (&["promote", service], "ann", "nothing of service"),
        (&["promote", service], "a\nb", "`by` is to say who"),
        (&["reject", service], " ", "nobody is said to order it"),
        (
            &["approve", service, "--digest", "ä"],
            "ann",
            "is no digest of a content",
        ),
    ] {
        let done = daemon.ask(&[args, &given[..], &[by]].concat());
        assert_eq!(done.code, Some(1), "{args:?}: {done:?}");
        assert!(done.stderr.contains(part), "{args:?}: {done:?}");
        assert_eq!(done.stdout, "", "{args:?}");
    }
    let usage = daemon.ask(&[&["approve", service], &given[..], &["ann"]].concat());
    assert_eq!(usage.code, Some(64), "{usage:?}");
    assert!(usage.stderr.contains("--digest"), "{usage:?}");
}
