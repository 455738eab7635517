//! Requests to the webhook over a socket, and what they wake.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::http::testing::exchange;
use crate::status::Status;

const SECRET: &str = "It's a Secret to Everybody";

/// `X-Hub-Signature-256` of "Hello, World!" under [`SECRET`]: GitHub's example.
const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

struct Running {
    address: SocketAddr,
    woken: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (woken, metrics) = (Arc::new(AtomicUsize::new(0)), Arc::new(Metrics::new()));
    let count = Arc::clone(&woken);
    tokio::spawn(serve(
        listener,
        Secrets::parse(SECRET).unwrap(),
        Arc::clone(&metrics),
        move || {
            count.fetch_add(1, Ordering::SeqCst);
        },
        std::future::pending(),
    ));
    Running {
        address,
        woken,
        metrics,
    }
}

impl Running {
    /// The answer's status code and body.
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut request = format!("POST {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        exchange(self.address, request).await
    }

    fn woken(&self) -> usize {
        self.woken.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_signed_push_wakes_and_nothing_else_does() {
    let running = start().await;
    let push = ("X-GitHub-Event", "push");
    let signed = ("X-Hub-Signature-256", SIGNED);
    let hello = "Hello, World!";
    for (code, path, headers, body) in [
        (401, "/webhook/github", vec![push], hello),
        (401, "/webhook/github", vec![push, signed], "Hello, world!"),
        (404, "/webhook/other", vec![push, signed], hello),
        (401, "/webhook/gitlab", vec![push, signed], hello),
        (
            200,
            "/webhook/github",
            vec![("X-GitHub-Event", "ping"), signed],
            hello,
        ),
    ] {
        let (found, text) = running.post(path, &headers, body).await;
        assert_eq!(found, code, "{path} {headers:?}: {text}");
        assert_eq!(running.woken(), 0, "{path} {headers:?}");
    }
    let answer = running
        .post("/webhook/github", &[push, signed], hello)
        .await;
    assert_eq!((answer.0, running.woken()), (202, 1));
    let gitlab = [("X-Gitlab-Token", SECRET), ("X-Gitlab-Event", "Push Hook")];
    let answer = running.post("/webhook/gitlab", &gitlab, "{}").await;
    assert_eq!((answer.0, running.woken()), (202, 2));
    let text = running.metrics.render(&Status::default());
    for line in [
        r#"evenkeel_webhook_requests_total{provider="github",result="woken"} 1"#,
        r#"evenkeel_webhook_requests_total{provider="github",result="refused"} 2"#,
        r#"evenkeel_webhook_requests_total{provider="github",result="ignored"} 1"#,
        r#"evenkeel_webhook_requests_total{provider="bitbucket",result="woken"} 0"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// The digest that a server signs a body with.
fn digest(secret: &str, body: &str) -> String {
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

type Proof<'a> = &'a dyn Fn(&str, &str) -> String;

#[tokio::test]
async fn of_each_server_only_what_the_secret_signs_wakes() {
    let running = start().await;
    let body = r#"{"ref": "refs/heads/main"}"#;
    let prefixed = |secret: &str, body: &str| format!("sha256={}", digest(secret, body));
    let token = |secret: &str, _: &str| secret.to_owned();
    let servers: [(&str, (&str, &str), &str, Proof<'_>); 5] = [
        (
            "github",
            ("X-GitHub-Event", "push"),
            "X-Hub-Signature-256",
            &prefixed,
        ),
        (
            "gitlab",
            ("X-Gitlab-Event", "Push Hook"),
            "X-Gitlab-Token",
            &token,
        ),
        (
            "bitbucket",
            ("X-Event-Key", "repo:push"),
            "X-Hub-Signature",
            &prefixed,
        ),
        (
            "gitea",
            ("X-Gitea-Event", "push"),
            "X-Gitea-Signature",
            &digest,
        ),
        (
            "gitea",
            ("X-Forgejo-Event", "push"),
            "X-Forgejo-Signature",
            &digest,
        ),
    ];
    for (count, (server, event, header, proof)) in servers.into_iter().enumerate() {
        let path = format!("/webhook/{server}");
        let right = proof(SECRET, body);
        let mut wrong = vec![proof("another secret than that", body), String::new()];
        wrong.push(format!("{}0", &right[..right.len() - 1]));
        if server != "gitlab" {
            wrong.push(proof(SECRET, "{}"));
        }
        for claimed in wrong {
            let headers = [event, (header, claimed.as_str())];
            let (code, text) = running.post(&path, &headers, body).await;
            assert_eq!(code, 401, "{server} {claimed:?}: {text}");
            assert!(!text.contains(SECRET) && !text.contains(&right), "{text}");
        }
        assert_eq!(running.post(&path, &[event], body).await.0, 401, "{server}");
        assert_eq!(running.woken(), count, "{server}");
        let headers = [event, (header, right.as_str())];
        assert_eq!(running.post(&path, &headers, body).await.0, 202, "{server}");
        assert_eq!(running.woken(), count + 1, "{server}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let running = start().await;
    let body = "x".repeat(usize::try_from(LARGEST).unwrap() + 1);
    let headers = [("X-Hub-Signature-256", SIGNED), ("X-GitHub-Event", "push")];
    let (code, text) = running.post("/webhook/github", &headers, &body).await;
    assert_eq!((code, running.woken()), (413, 0), "{text}");
}
