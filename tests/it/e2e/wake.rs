//! `run --wake-queue`: what the queue tells of is looked at, and trouble with it is said.

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::folder::Folder;
use super::program::{run, until};
use super::talk;

const URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/evenkeel-wake";

fn post(to: std::net::SocketAddr, path: &str, body: &Value) -> Value {
    let head = format!("POST /_evenkeel/{path} HTTP/1.1");
    let (code, answer) = talk::request(to, &head, &body.to_string()).unwrap();
    assert_eq!(code, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

/// The value of a series; none if it is not there.
fn metric(daemon: &Daemon, series: &str) -> Option<u64> {
    let text = talk::get(daemon.http, "/metrics");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{series} ")));
    line.map(|value| value.parse().unwrap())
}

#[test]
fn a_push_and_a_deployment_wake_the_daemon_by_the_queue() {
    let folder = Folder::copy("p2");
    let daemon = Daemon::start(folder.path(), &["--wake-queue", URL, "--poll", "24h"]);
    talk::ready(daemon.http);
    // There is no queue yet: the daemon runs all the same, and says what is wrong.
    let wake = until("the trouble with the queue", || {
        let wake = talk::status(daemon.http)["wakeQueue"].clone();
        if wake["reason"] == "not_found" {
            Ok(wake)
        } else {
            Err(wake.to_string())
        }
    });
    assert_eq!(wake["up"], false, "{wake}");
    assert_eq!(wake["queue"], URL);
    assert_eq!(metric(&daemon, "evenkeel_wake_queue_up"), Some(0));
    let made = post(
        daemon.sandbox,
        "queues",
        &json!({"name": "evenkeel-wake", "events": true}),
    );
    assert_eq!(made["url"], URL);
    until("the queue", || {
        let wake = talk::status(daemon.http)["wakeQueue"].clone();
        if wake["up"] == true {
            Ok(())
        } else {
            Err(wake.to_string())
        }
    });
    let image = json!({"repository": "test-api-server", "tags": ["latest"], "build": "next"});
    post(daemon.sandbox, "images", &image);
    until("a wake-up about images", || {
        match metric(&daemon, r#"evenkeel_wakes_total{about="images"}"#) {
            Some(1..) => Ok(()),
            count => Err(format!("{count:?}")),
        }
    });
    until("the last message", || {
        let wake = talk::status(daemon.http)["wakeQueue"].clone();
        if wake["lastMessage"].is_string() {
            Ok(())
        } else {
            Err(wake.to_string())
        }
    });
    let finished = daemon.program.stop("TERM");
    let told: Vec<&str> = finished
        .stderr
        .lines()
        .filter(|line| line.contains("no wake-ups"))
        .collect();
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(
        told[0].contains("everything is still found by polling"),
        "{told:?}"
    );
    assert!(
        finished.stderr.contains("woken by a queue"),
        "{}",
        finished.stderr
    );
}

#[test]
fn what_is_no_url_of_a_queue_is_refused_with_what_to_give() {
    let start = |queue: &str| {
        run(&[
            "run",
            "--source",
            "manifests/p2",
            "--sandbox",
            "--wake-queue",
            queue,
        ])
    };
    for (queue, cure) in [
        (
            "evenkeel-wake",
            "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
        ),
        (
            "arn:aws:sqs:eu-west-1:123456789012:wake",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/wake",
        ),
    ] {
        let done = start(queue);
        assert_eq!(done.code, Some(64), "{}", done.stderr);
        assert!(done.stderr.contains(cure), "{}", done.stderr);
    }
}
