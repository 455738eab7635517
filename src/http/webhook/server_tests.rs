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

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let running = start().await;
    let body = "x".repeat(usize::try_from(LARGEST).unwrap() + 1);
    let headers = [("X-Hub-Signature-256", SIGNED), ("X-GitHub-Event", "push")];
    let (code, text) = running.post("/webhook/github", &headers, &body).await;
    assert_eq!((code, running.woken()), (413, 0), "{text}");
}
