//! Talking to a process: HTTP of the plainest sort, its status, and the simulated AWS behind it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::program::{DEADLINE, until};

/// The region that every test uses: the default one.
const REGION: &str = "us-east-1";

/// One request on a connection of its own; the status code and the body.
pub(crate) fn request(to: SocketAddr, head: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    write!(
        stream,
        "{head}\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || std::io::Error::other(format!("no HTTP answer: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((code.ok_or_else(broken)?, body.to_owned()))
}

/// GETs a page that is there.
pub(crate) fn get(from: SocketAddr, path: &str) -> String {
    let (code, body) = request(from, &format!("GET {path} HTTP/1.1"), "").unwrap();
    assert_eq!(code, 200, "{path}: {body}");
    body
}

/// The `/status` document.
pub(crate) fn status(from: SocketAddr) -> Value {
    serde_json::from_str(&get(from, "/status")).unwrap()
}

/// A resource's part of a status.
pub(crate) fn resource(status: &Value, kind: &str, name: &str) -> Value {
    let all = status["resources"].as_array().unwrap();
    let found = all
        .iter()
        .find(|one| one["kind"] == kind && one["name"] == name);
    found.cloned().unwrap_or(Value::Null)
}

/// The resources that are not converged, as `Kind/name Outcome Reason`.
pub(crate) fn unconverged(status: &Value) -> Vec<String> {
    let all = status["resources"].as_array().unwrap();
    all.iter()
        .filter(|one| one["outcome"] != "Converged")
        .map(|one| {
            let word = |member: &str| one[member].as_str().unwrap().to_owned();
            let (kind, name) = (word("kind"), word("name"));
            format!("{kind}/{name} {} {}", word("outcome"), word("reason"))
        })
        .collect()
}

/// Waits until `/readyz` answers 200.
pub(crate) fn ready(daemon: SocketAddr) {
    until("/readyz", || {
        match request(daemon, "GET /readyz HTTP/1.1", "") {
            Ok((200, _)) => Ok(()),
            Ok((code, body)) => Err(format!("{code} {body}")),
            Err(error) => Err(error.to_string()),
        }
    });
}

/// Waits until this many resources are there and all of them are converged.
pub(super) fn converged(daemon: SocketAddr, count: usize) {
    until("convergence", || {
        let status = status(daemon);
        let open = unconverged(&status);
        let there = status["resources"].as_array().unwrap().len();
        if there == count && open.is_empty() {
            Ok(())
        } else {
            Err(format!("{there} resources, of them {open:?}"))
        }
    });
}

/// The mutating requests that the simulated AWS has had.
pub(crate) fn writes(sandbox: SocketAddr) -> Vec<Value> {
    let body = get(sandbox, "/_evenkeel/journal?mutating=true&limit=100000");
    let journal: Value = serde_json::from_str(&body).unwrap();
    journal["entries"].as_array().unwrap().clone()
}

/// How many times this operation was asked for.
pub(crate) fn count(sandbox: SocketAddr, operation: &str) -> usize {
    let writes = writes(sandbox);
    writes
        .iter()
        .filter(|entry| entry["operation"] == operation)
        .count()
}

/// Asks the simulated AWS for something in JSON, as any client of AWS asks.
pub(crate) fn ask(sandbox: SocketAddr, service: &str, target: &str, input: &Value) -> Value {
    let head = format!(
        "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: {target}\r\n{}",
        authorization(service)
    );
    let (code, body) = request(sandbox, &head, &input.to_string()).unwrap();
    assert_eq!(code, 200, "{target}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// `DescribeServices` of one service.
pub(crate) fn describe_service(sandbox: SocketAddr, cluster: &str, service: &str) -> Value {
    let target = "AmazonEC2ContainerServiceV20141113.DescribeServices";
    let input = json!({"cluster": cluster, "services": [service]});
    ask(sandbox, "ecs", target, &input)["services"][0].clone()
}

/// `DescribeRules` of one listener rule, as XML.
pub(super) fn describe_rule(sandbox: SocketAddr, arn: &str) -> String {
    let head = format!(
        "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n{}",
        authorization("elasticloadbalancing")
    );
    let body = format!("Action=DescribeRules&Version=2015-12-01&RuleArns.member.1={arn}");
    let (code, body) = request(sandbox, &head, &body).unwrap();
    assert_eq!(code, 200, "{body}");
    body
}

/// The weight of a target group in a rule's `forward`.
pub(super) fn weight(rule: &str, group: &str) -> String {
    let (_, rest) = rule.split_once(&format!("targetgroup/{group}/")).unwrap();
    let (_, rest) = rest.split_once("<Weight>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// A signature's scope, which is all that the sandbox reads of it.
fn authorization(service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=any/20250101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

/// Lets the simulated AWS refuse an operation (`ec2:DescribeSubnets`) from now on.
pub(super) fn deny(sandbox: SocketAddr, operation: &str) {
    let fault = json!({"operation": operation, "code": "UnauthorizedOperation", "message": "not authorized"});
    let (code, body) = request(
        sandbox,
        "POST /_evenkeel/faults HTTP/1.1",
        &fault.to_string(),
    )
    .unwrap();
    assert_eq!(code, 200, "{body}");
}
