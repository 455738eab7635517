//! The program over Git: what a person types and sees.

use serde_json::Value;

use super::*;
use crate::e2e::program::{Program, command, run, until, woken_by_webhook};

fn daemon(address: &str) -> (Program, SocketAddr) {
    let mut command = command(&[
        "run",
        "--source",
        address,
        "--sandbox",
        "--speed",
        "3600",
        "--log",
        "trace",
        "--metrics-addr",
        "127.0.0.1:0",
    ]);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut program = Program::start(&mut command);
    let http = program.address("metrics, probes and status at http://");
    (program, http)
}

fn get(address: SocketAddr, path: &str) -> String {
    crate::e2e::talk::get(address, path)
}

fn source(http: SocketAddr) -> Value {
    let status: Value = serde_json::from_str(&get(http, "/status")).unwrap();
    status["sources"][0].clone()
}

#[test]
fn the_daemon_follows_a_branch_holds_a_rewrite_and_takes_it_on_sighup() {
    let repo = Repo::new();
    let address = repo.address("branch=main&path=prod&interval=5s");
    let (program, http) = daemon(&address);
    until("the first commit", || {
        let status: Value = serde_json::from_str(&get(http, "/status")).unwrap();
        let done = status["ready"] == true && status["sources"][0]["commit"]["message"] == "first";
        done.then_some(()).ok_or_else(|| status.to_string())
    });
    repo.write("elsewhere.txt", "x");
    let quiet = repo.commit("elsewhere");
    until("the second", || {
        let source = source(http);
        let found = source["commit"]["id"] == quiet.as_str();
        found.then_some(()).ok_or_else(|| source.to_string())
    });
    repo.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    let new = repo.git(&["rev-parse", "HEAD"]);
    until("the hold", || {
        let source = source(http);
        let held = source["reason"] == "HistoryRewritten" && source["held"]["id"] == new.as_str();
        held.then_some(()).ok_or_else(|| source.to_string())
    });
    assert_eq!(source(http)["commit"]["id"], quiet.as_str());
    let metrics = get(http, "/metrics");
    let shown = evenkeel::source::Address::parse(&address)
        .unwrap()
        .to_string();
    for line in [
        format!("evenkeel_source_trouble{{source=\"{shown}\",reason=\"HistoryRewritten\"}} 1"),
        format!("evenkeel_source_up_to_date{{source=\"{shown}\"}} 0"),
        format!(
            "evenkeel_source_commit_info{{source=\"{shown}\",reference=\"refs/heads/main\",commit=\"{quiet}\"}} 1"
        ),
    ] {
        assert!(metrics.contains(&line), "{line}:\n{metrics}");
    }
    program.signal("HUP");
    until("the new head", || {
        let source = source(http);
        let taken = source["commit"]["id"] == new.as_str() && source["reason"].is_null();
        taken.then_some(()).ok_or_else(|| source.to_string())
    });
    let log = program.stop("TERM").stderr;
    assert!(
        log.contains("commit in force") && log.contains("elsewhere"),
        "{log}"
    );
}

#[test]
fn a_password_is_shown_by_no_command() {
    let repo = Repo::new();
    let server = Server::http(&repo, &["--auth", "user:canary"]);
    let good = server.address(&repo, "user:canary@", "path=prod");
    let wrong = server.address(&repo, "user:canary2@", "path=prod");
    let broken = "git+https://user:canary@h/r?brunch=x";
    for (arguments, code) in [
        (vec!["validate", &good], 0),
        (vec!["validate", &wrong], 1),
        (vec!["validate", broken], 1),
        (
            vec!["plan", "--sandbox", "--source", &good, "--log", "trace"],
            2,
        ),
        (
            vec!["sync", "--sandbox", "--source", &good, "--log", "trace"],
            0,
        ),
        (
            vec!["sync", "--sandbox", "--source", &wrong, "--log", "trace"],
            1,
        ),
        (vec!["sync", "--sandbox", "--source", broken], 1),
        (
            vec!["sync", "--sandbox", "--source", &good, "--nonsense"],
            64,
        ),
    ] {
        let done = run(&arguments);
        assert_eq!(done.code, Some(code), "{arguments:?}: {}", done.stderr);
        let all = format!("{}{}", done.stdout, done.stderr);
        assert!(!all.contains("canary"), "{arguments:?}: {all}");
        // printf 'user:canary' | base64, the part that does not depend on what follows
        assert!(!all.contains("dXNlcjpjYW5hcn"), "{arguments:?}: {all}");
    }
    let named = server.address(&repo, "", "path=prod&username=user&passwordEnv=GIT_TOKEN");
    let mut with = command(&["validate", &named]);
    with.env("GIT_TOKEN", "canary");
    let done = Program::start(&mut with).finished();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("canary"));
    let mut help = command(&["run", "--help"]);
    help.env("EVENKEEL_SOURCE", &good);
    let shown = Program::start(&mut help).finished();
    assert!(!shown.stdout.contains("canary"), "{}", shown.stdout);
}

#[test]
fn a_password_is_shown_by_no_page_of_the_daemon() {
    let repo = Repo::new();
    let theirs = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(theirs.path(), "user:canary").unwrap();
    let server = Server::http(&repo, &["--auth-file", theirs.path().to_str().unwrap()]);
    let (program, http) = daemon(&server.address(&repo, "user:canary@", "branch=main&path=prod"));
    let mut all = String::new();
    for reason in [Value::Null, "Denied".into()] {
        until("the look", || {
            let source = source(http);
            let done = source["commit"]["message"] == "first" && source["reason"] == reason;
            done.then_some(()).ok_or_else(|| source.to_string())
        });
        for path in ["/status", "/metrics", "/api/v1/events?after=0"] {
            all.push_str(&get(http, path));
        }
        // From now on it is wrong.
        std::fs::write(theirs.path(), "user:other").unwrap();
        program.signal("HUP");
    }
    let log = program.stop("TERM");
    all.push_str(&log.stdout);
    all.push_str(&log.stderr);
    // The source is told of, and what is wrong, without what it is asked with.
    assert!(all.contains(&server.address.to_string()), "{all}");
    assert!(all.contains("does not let it in"), "{all}");
    for secret in ["canary", "dXNlcjpjYW5hcn"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[test]
fn the_worker_alone_says_what_it_is() {
    let done = run(&["git-worker"]);
    assert_eq!(done.code, Some(64));
    assert!(
        done.stderr.contains("evenkeel starts it"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_webhook_has_a_repository_asked_before_its_interval_is_over() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let repo = Repo::new();
    let secrets = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secrets.path(), SECRET).unwrap();
    let address = repo.address("branch=main&path=prod&interval=24h");
    let mut command = woken_by_webhook(&address, secrets.path());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut program = Program::start(&mut command);
    let http = program.address("metrics, probes and status at http://");
    let hook = program.address("webhook at http://");
    until("the first commit", || {
        let source = source(http);
        let there = source["commit"]["message"] == "first";
        there.then_some(()).ok_or_else(|| source.to_string())
    });
    repo.write("elsewhere.txt", "x");
    let pushed = repo.commit("elsewhere");
    let head = format!(
        "POST /webhook/gitlab HTTP/1.1\r\nX-Gitlab-Event: Push Hook\r\nX-Gitlab-Token: {SECRET}"
    );
    let (code, answer) = crate::e2e::talk::request(hook, &head, "{}").unwrap();
    assert_eq!(code, 202, "{answer}");
    until("the pushed commit", || {
        let source = source(http);
        let found = source["commit"]["id"] == pushed.as_str();
        found.then_some(()).ok_or_else(|| source.to_string())
    });
}

#[test]
fn a_commit_that_is_old_is_not_planned_or_told_as_synced() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod");
    let store = store.path().to_str().unwrap();
    let of = |verb| {
        run(&[
            verb,
            "--sandbox",
            "--source",
            &address,
            "--git-store",
            store,
        ])
    };
    assert_eq!(of("sync").code, Some(0));
    repo.git(&["commit", "--quiet", "--amend", "-m", "rewritten"]);
    for verb in ["plan", "verify", "sync"] {
        let done = of(verb);
        assert_eq!(done.code, Some(1), "{verb}: {}{}", done.stdout, done.stderr);
        assert!(
            done.stderr.contains("history was rewritten"),
            "{verb}: {}",
            done.stderr
        );
    }
    drop(server);
    for verb in ["plan", "verify", "sync"] {
        let done = of(verb);
        assert_eq!(done.code, Some(1), "{verb}: {}{}", done.stdout, done.stderr);
        assert!(
            done.stderr.contains("does not answer"),
            "{verb}: {}",
            done.stderr
        );
    }
}

#[test]
fn a_commit_whose_values_are_not_to_be_had_is_not_told_to_be_in_force() {
    let repo = Repo::new();
    let environment = |variables: &str| {
        format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Environment\nmetadata: {{name: staging}}\n\
             spec: {{variables: {{{variables}}}}}\n"
        )
    };
    repo.write("prod/env.yaml", &environment("X: one"));
    repo.commit("one");
    let address = repo.address("branch=main&path=prod&interval=5s");
    let mut command = command(&[
        "run",
        "--source",
        &address,
        "--environment",
        "staging",
        "--sandbox",
        "--speed",
        "3600",
        "--metrics-addr",
        "127.0.0.1:0",
    ]);
    let mut program = Program::start(&mut command);
    let http = program.address("metrics, probes and status at http://");
    until("the first commit", || {
        let source = source(http);
        let done = source["commit"]["message"] == "one";
        done.then_some(()).ok_or_else(|| source.to_string())
    });
    repo.write("prod/env.yaml", &environment("X: {fromSsm: /nowhere}"));
    repo.commit("two");
    until("the missing value", || {
        let status: Value = serde_json::from_str(&get(http, "/status")).unwrap();
        let error = status["source"]["error"].as_str().unwrap_or_default();
        error
            .contains("/nowhere")
            .then_some(())
            .ok_or_else(|| status.to_string())
    });
    assert_eq!(source(http)["commit"]["message"], "one");
    repo.write("prod/env.yaml", &environment("X: three"));
    repo.commit("three");
    until("the third commit", || {
        let source = source(http);
        let done = source["commit"]["message"] == "three";
        done.then_some(()).ok_or_else(|| source.to_string())
    });
    let log = program.stop("TERM").stderr;
    assert!(!log.contains("subject=two"), "{log}");
    assert!(log.contains("subject=three"), "{log}");
}
