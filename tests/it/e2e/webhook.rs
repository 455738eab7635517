//! `run --webhook-addr`: a push wakes the daemon, and a hook that is set up wrong says why.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::folder::Folder;
use super::program::{Program, run, until, woken_by_webhook};
use super::talk;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// How often the source was read, by the metrics.
fn fetches(metrics: &str) -> f64 {
    metrics
        .lines()
        .filter(|line| line.starts_with("evenkeel_source_fetch_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

#[test]
fn a_signed_push_has_the_source_read_at_once() {
    let folder = Folder::copy("p2");
    let secrets = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secrets.path(), format!("{SECRET}\n")).unwrap();
    let mut program = Program::start(&mut woken_by_webhook(folder.path(), secrets.path()));
    let http = program.address("status at http://");
    let hook = program.address("webhook at http://");
    talk::ready(http);
    let before = fetches(&talk::get(http, "/metrics"));
    let body = "{\"ref\":\"refs/heads/main\"}";
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digest = hex::encode(mac.finalize().into_bytes());
    let head = format!(
        "POST /webhook/github HTTP/1.1\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: sha256={digest}"
    );
    let wrong = talk::request(hook, &head, "{}").unwrap();
    assert_eq!(wrong.0, 401, "{}", wrong.1);
    let (code, answer) = talk::request(hook, &head, body).unwrap();
    assert_eq!((code, answer.as_str()), (202, "looking\n"));
    until("another read of the source", || {
        let now = fetches(&talk::get(http, "/metrics"));
        if now > before {
            Ok(())
        } else {
            Err(format!("{now} reads"))
        }
    });
    // What is for the inside is not served to the outside.
    for path in ["/status", "/metrics", "/"] {
        let answer = talk::request(hook, &format!("GET {path} HTTP/1.1"), "").unwrap();
        assert_eq!(answer.0, 404, "{path}");
    }
    let stderr = program.stderr();
    assert!(!stderr.contains(SECRET), "{stderr}");
}

#[test]
fn a_bad_secret_stops_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "short\n").unwrap();
    let path = file.path().to_str().unwrap();
    let start = |secret: &str| {
        run(&[
            "run",
            "--source",
            "manifests/p2",
            "--sandbox",
            "--metrics-addr",
            "127.0.0.1:0",
            "--webhook-addr",
            "127.0.0.1:0",
            "--webhook-secret-file",
            secret,
        ])
    };
    for (secret, reason) in [
        (path, "line 1 is shorter than 16 characters"),
        ("/nonexistent/secret", "No such file"),
    ] {
        let done = start(secret);
        assert_eq!(done.code, Some(1), "{}", done.stderr);
        assert!(done.stderr.contains(reason), "{}", done.stderr);
        assert!(done.stderr.contains(secret), "{}", done.stderr);
    }
}
