//! `evenkeel pause` and `evenkeel resume`, against a daemon.

use super::api::token;
use super::daemon::Daemon;
use super::folder::Folder;
use super::program::{run, until};
use super::talk;

const SERVICE: &str = "Service/test-api-service";

#[test]
fn a_service_is_held_and_resumed_by_the_commands() {
    let folder = Folder::copy("p2");
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start(folder.path(), &["--api-token-file", path]);
    talk::converged(daemon.http, 10);
    let pause = [
        "pause",
        "service/test-api-service",
        "--reason",
        "incident #4711",
        "--by",
        "ana",
    ];
    let refused = daemon.ask(&pause);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no token was given"), "{refused:?}");
    assert_eq!(talk::count(daemon.sandbox, "TagResource"), tags(&daemon));

    let token = ["--api-token-file", path];
    let held = daemon.ask(&[&pause[..], &token, &["--for", "8000h", "--wait"]].concat());
    assert_eq!(held.code, Some(0), "{held:?}");
    assert_eq!(
        held.stdout,
        format!(
            "{SERVICE} is held: nothing is written for it until the hold ends\n{SERVICE}: Converged (Succeeded)\n"
        )
    );
    let hold = &daemon.json(&["get", SERVICE])["resources"][0]["hold"];
    assert_eq!(
        (&hold["scope"], &hold["by"], &hold["reason"]),
        (&"service".into(), &"ana".into(), &"incident #4711".into()),
        "{hold}"
    );
    let told = daemon.ask(&["get", SERVICE]).stdout;
    assert!(told.contains("Succeeded (held)"), "{told}");
    let told = daemon.ask(&["describe", SERVICE]).stdout;
    for part in ["Hold:", "by ana", ": incident #4711", "Suspended"] {
        assert!(told.contains(part), "{told}");
    }
    let metrics = talk::get(daemon.http, "/metrics");
    assert!(
        metrics.contains("evenkeel_service_held{")
            && metrics.contains("evenkeel_held{scope=\"service\"} ")
    );

    folder.edit("service.yaml", "desiredCount: 0", "desiredCount: 1");
    let told = until("the change is held back", || {
        let told = daemon.ask(&["describe", SERVICE]).stdout;
        if told.contains("Waiting (Held)") {
            Ok(told)
        } else {
            Err(told)
        }
    });
    assert!(told.contains("without the hold: "), "{told}");
    assert_eq!(talk::count(daemon.sandbox, "UpdateService"), 0);
    let resumed = daemon.ask(
        &[
            &["resume", SERVICE, "--by", "bob", "--output", "json"][..],
            &token,
        ]
        .concat(),
    );
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let answer: serde_json::Value = serde_json::from_str(&resumed.stdout).unwrap();
    assert_eq!(answer["confirmed"], true, "{answer}");
    until("the change is made", || {
        match talk::count(daemon.sandbox, "UpdateService") {
            0 => Err("none".to_owned()),
            _ => Ok(()),
        }
    });
    let again = daemon.ask(&[&["resume", SERVICE, "--by", "bob"][..], &token].concat());
    assert_eq!(again.stdout, format!("{SERVICE} had no hold of its own\n"));
    let events = daemon.ask(&["events"]).stdout;
    assert!(
        events.contains("ana holds Service/test-api-service"),
        "{events}"
    );
    assert!(
        events.contains("bob ends the hold of Service/test-api-service"),
        "{events}"
    );
}

/// Writes of tags that the daemon made for itself.
fn tags(daemon: &Daemon) -> usize {
    let writes = talk::writes(daemon.sandbox);
    let holds = |entry: &&serde_json::Value| entry.to_string().contains("evenkeel.dev/hold");
    assert_eq!(writes.iter().filter(holds).count(), 0);
    talk::count(daemon.sandbox, "TagResource")
}

#[test]
fn wrong_input_is_told_with_its_cure() {
    for (args, code, part) in [
        (&["pause", "service/x"][..], 64, "--reason"),
        (&["pause", "--reason", "x"], 64, "--all"),
        (
            &["pause", "--all", "service/x", "--reason", "x"],
            64,
            "cannot be used with",
        ),
        (
            &["pause", "--all", "--reason", "x", "--for", "soon"],
            64,
            "is not a duration",
        ),
        (
            &["pause", "--all", "--reason", "x", "--for", "0s"],
            64,
            "shorter than a second",
        ),
        (
            &[
                "pause", "--all", "--reason", "x", "--for", "1h", "--until", "y",
            ],
            64,
            "cannot be used with",
        ),
        (&["resume"], 64, "--all"),
        (&["resume", "pod/x"], 64, "the kinds are Cluster"),
    ] {
        let done = run(args);
        assert_eq!(done.code, Some(code), "{done:?}");
        assert!(done.stderr.contains(part), "{part}: {done:?}");
    }
    let file = token();
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start("manifests/p2", &["--api-token-file", path]);
    talk::converged(daemon.http, 10);
    let long = "x".repeat(300);
    for (args, part) in [
        (&["pause", "--all", "--reason", &long][..], "too long by"),
        (
            &["pause", "--all", "--reason", "x", "--until", "tomorrow"],
            "2026-01-02T15:00:00Z",
        ),
        (
            &["pause", "targetgroup/test-tg-01", "--reason", "x"],
            "a hold is of a Service, a Cluster or everything",
        ),
        (
            &["pause", "service/none", "--reason", "x"],
            "is not among the manifests",
        ),
    ] {
        let done = daemon.ask(&[args, &["--by", "ana", "--api-token-file", path]].concat());
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.stderr.contains(part), "{part}: {done:?}");
    }
}
