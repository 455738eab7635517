//! Requests to the API over a socket.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::net::TcpListener;

use super::*;
use crate::ask::{Answer, Question, Refusal, channel};
use crate::clock::Clock;
use crate::http::testing::exchange;
use crate::metrics::Metrics;
use crate::model::{Key, Kind, Moment, Outcome};
use crate::status::{Board, EventKind, ResourceStatus};

const TOKEN: &str = "0123456789abcdef0123";

struct Running {
    address: SocketAddr,
    board: Board,
}

/// A server whose loop answers every question with this.
async fn start(
    tokens: Option<&str>,
    answer: impl Fn(&Question) -> Result<Answer, Refusal> + Send + 'static,
) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let board = Board::default();
    let (asker, mut asks) = channel();
    tokio::spawn(async move {
        while let Some(ask) = asks.recv().await {
            ask.answer.send(answer(&ask.question)).ok();
        }
    });
    let tokens = tokens.map(|text| Secrets::parse(text).unwrap());
    tokio::spawn(crate::http::serve(
        listener,
        board.clone(),
        Arc::new(Metrics::new()),
        Clock::starting_at(Moment(1_000_000), 1),
        Api::new(asker, tokens),
        std::future::pending(),
    ));
    Running { address, board }
}

impl Running {
    async fn send(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (code, body) = exchange(self.address, request).await;
        (code, serde_json::from_str(&body).unwrap())
    }
}

fn nothing(_: &Question) -> Result<Answer, Refusal> {
    panic!("nothing was to be asked");
}

#[tokio::test]
async fn no_write_passes_without_the_token() {
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let resync = "POST /api/v1/resync";
    let closed = start(None, nothing).await;
    let (code, answer) = closed.send(resync, &bearer(TOKEN), "{}").await;
    assert_eq!(
        (code, &answer["error"]["code"]),
        (403, &Value::from("WritesDisabled"))
    );
    let open = start(Some(TOKEN), nothing).await;
    for headers in [
        String::new(),
        bearer(""),
        bearer("0123456789abcdef012"),
        bearer("another token as long"),
        format!("Authorization: Basic {TOKEN}\r\n"),
    ] {
        let (code, answer) = open.send(resync, &headers, "{}").await;
        assert_eq!(code, 401, "{headers}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("--api-token-file") && !message.contains(TOKEN),
            "{message}"
        );
    }
    let two = format!("{TOKEN}\nanother token as long");
    let open = start(Some(&two), |question| {
        assert_eq!(
            *question,
            Question::Resync(Some(Key::new(Kind::Service, "auth")))
        );
        Ok(Answer::Resync(7))
    })
    .await;
    for token in two.lines() {
        let body = r#"{"resource": "Service/auth"}"#;
        let (code, answer) = open.send(resync, &bearer(token), body).await;
        assert_eq!((code, &answer["resync"]), (202, &Value::from(7)));
    }
    let healing = start(Some(TOKEN), |question| {
        assert_eq!(*question, Question::Heal(Key::new(Kind::Service, "auth")));
        Ok(Answer::Resync(8))
    })
    .await;
    let body = r#"{"resource": "Service/auth", "heal": true}"#;
    let (code, answer) = healing.send(resync, &bearer(TOKEN), body).await;
    assert_eq!((code, &answer["resync"]), (202, &Value::from(8)));
    for (body, part) in [
        (r#"{"heal": true}"#, "one resource at a time"),
        (r#"{"resource": "auth"}"#, "Kind/name"),
        (r#"{"resource": "Serving/auth"}"#, "the kinds are Cluster"),
        (r#"{"key": "Service/auth"}"#, "unknown field"),
    ] {
        let (code, answer) = open.send(resync, &bearer(TOKEN), body).await;
        assert!(code == 400 || code == 422, "{code} {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_refusal_has_its_status_code() {
    for (refusal, expected) in [
        (Refusal::NotFound(String::new()), 404),
        (Refusal::NotApplicable(String::new()), 409),
        (Refusal::Unavailable(String::new()), 503),
    ] {
        let given = refusal.clone();
        let running = start(None, move |_| Err(given.clone())).await;
        let path = "GET /api/v1/resources/Service/auth/history";
        let (code, answer) = running.send(path, "", "").await;
        assert_eq!(code, expected);
        assert_eq!(answer["error"]["code"], refusal.label());
    }
}

#[tokio::test]
async fn resources_are_listed_by_kind_and_described() {
    let running = start(None, nothing).await;
    let (service, cluster) = (
        Key::new(Kind::Service, "auth"),
        Key::new(Kind::Cluster, "nova"),
    );
    running.board.write(|status| {
        for key in [&service, &cluster] {
            let one = ResourceStatus::new(Outcome::Converged, Moment(0));
            status.resources.insert(key.clone(), one);
        }
    });
    let events = running.board.events();
    events.record(Moment(0), EventKind::Outcome, Some(&service), "Converged");
    events.record(Moment(0), EventKind::Outcome, Some(&cluster), "Converged");
    let get = async |path: &str| running.send(&format!("GET /api/v1/{path}"), "", "").await;

    let (_, all) = get("resources").await;
    assert_eq!(all["resources"].as_array().unwrap().len(), 2);
    let (_, some) = get("resources?kind=Cluster").await;
    assert_eq!(some["resources"][0]["name"], "nova");
    assert_eq!(some["resources"].as_array().unwrap().len(), 1);
    assert_eq!(get("resources?kind=Pod").await.0, 400);
    let (_, one) = get("resources/Service/auth").await;
    assert_eq!(one["conditions"][0]["type"], "Ready");
    assert_eq!(one["events"].as_array().unwrap().len(), 1);
    assert_eq!(get("resources/Service/other").await.0, 404);
    assert_eq!(get("nothing").await.0, 404);
}

#[tokio::test]
async fn events_are_waited_for_and_followed_by_their_numbers() {
    let running = start(None, nothing).await;
    let key = Key::new(Kind::Service, "auth");
    let events = running.board.events();
    events.record(Moment(0), EventKind::Source, None, "read");
    events.record(Moment(0), EventKind::Write, Some(&key), "update");
    let get = async |path: &str| {
        running
            .send(&format!("GET /api/v1/events{path}"), "", "")
            .await
            .1
    };

    let all = get("").await;
    assert_eq!(
        (&all["last"], &all["lost"]),
        (&Value::from(2), &Value::from(0))
    );
    assert_eq!(all["events"][0]["text"], "read");
    let some = get("?after=1&resource=Service/auth").await;
    assert_eq!(some["events"][0]["number"], 2);
    let board = running.board.clone();
    let later = async {
        tokio::task::yield_now().await;
        let events = board.events();
        events.record(Moment(0), EventKind::Command, None, "pause");
    };
    let (waited, ()) = tokio::join!(get("?after=2&wait=30"), later);
    assert_eq!(waited["events"][0]["text"], "pause");
}

#[tokio::test]
async fn every_error_is_a_document() {
    let running = start(None, |_| Err(Refusal::Unavailable("later".to_owned()))).await;
    for (line, expected) in [
        ("DELETE /api/v1/status", 405),
        ("POST /api/v1/resources", 405),
        ("GET /api", 404),
        ("PUT /api/v1/nothing", 404),
    ] {
        let (code, document) = running.send(line, "", "").await;
        assert_eq!(code, expected, "{line}: {document}");
        assert_eq!(document["error"]["code"], "NotFound", "{line}");
    }
}

#[tokio::test]
async fn a_hold_is_set_and_ended_with_the_token_and_the_right_words() {
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let closed = start(Some(TOKEN), nothing).await;
    let good = r#"{"resource": "Service/auth", "reason": "x", "by": "ana"}"#;
    for verb in ["pause", "resume"] {
        let (code, _) = closed.send(&format!("POST /api/v1/{verb}"), "", good).await;
        assert_eq!(code, 401, "{verb}");
    }
    for (verb, body, part) in [
        (
            "pause",
            r#"{"reason": "x", "by": "ana"}"#,
            "`\"all\": true`",
        ),
        (
            "pause",
            r#"{"all": true, "resource": "Service/auth", "reason": "x", "by": "ana"}"#,
            "name what is meant",
        ),
        (
            "pause",
            r#"{"resource": "auth", "reason": "x", "by": "ana"}"#,
            "Kind/name",
        ),
        (
            "pause",
            r#"{"all": true, "by": "ana"}"#,
            "missing field `reason`",
        ),
        (
            "pause",
            r#"{"all": true, "reason": " ", "by": "ana"}"#,
            "needs a reason",
        ),
        (
            "pause",
            r#"{"all": true, "reason": "x", "by": ""}"#,
            "--by ana",
        ),
        (
            "pause",
            r#"{"all": true, "reason": "x", "by": "ana", "forSeconds": 0}"#,
            "`forSeconds` is 0",
        ),
        (
            "pause",
            r#"{"all": true, "reason": "x", "by": "ana", "forSeconds": 99999999999}"#,
            "leave the end out",
        ),
        (
            "pause",
            r#"{"all": true, "reason": "x", "by": "ana", "until": "tomorrow"}"#,
            "2026-01-02T15:00:00Z",
        ),
        (
            "pause",
            r#"{"all": true, "reason": "x", "by": "ana", "until": "1970-01-01T00:00:01Z"}"#,
            "is over",
        ),
        (
            "pause",
            r#"{"all": true, "reason": "x", "by": "ana", "until": "2030-01-01T00:00:00Z", "forSeconds": 1}"#,
            "not both",
        ),
        ("resume", r#"{"by": "ana"}"#, "name what is meant"),
        ("resume", r#"{"all": true, "by": " "}"#, "`by` is empty"),
        (
            "resume",
            r#"{"all": true, "by": "ana", "reason": "x"}"#,
            "unknown field",
        ),
    ] {
        let (code, answer) = closed
            .send(&format!("POST /api/v1/{verb}"), &bearer, body)
            .await;
        assert!(code == 400 || code == 422, "{code} {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{body}: {message}");
    }
    let open = start(Some(TOKEN), |question| {
        let Question::Hold(change) = question else {
            panic!("{question:?}")
        };
        assert_eq!(change.key, Some(Key::new(Kind::Cluster, "nova")));
        // The server's clock stands at second 1000.
        let text = "by=ana since=1970-01-01T00:16:40Z until=1970-01-01T02:16:40Z reason=x =23 1";
        assert_eq!(change.text.as_deref(), Some(text));
        Ok(Answer::Hold(crate::ask::HoldChanged {
            resync: 3,
            on: vec!["cluster nova".to_owned()],
            absent: Vec::new(),
            confirmed: true,
        }))
    })
    .await;
    let body =
        r#"{"resource": "Cluster/nova", "reason": "x # 1", "by": "ana", "forSeconds": 7200}"#;
    let (code, answer) = open.send("POST /api/v1/pause", &bearer, body).await;
    let expected =
        serde_json::json!({"resync": 3, "on": ["cluster nova"], "absent": [], "confirmed": true});
    assert_eq!((code, answer), (200, expected));
}
