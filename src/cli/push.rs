//! `evenkeel sandbox push`: a fake image into a running sandbox, by its own API. Loopback only: there
//! is no way to push anything to a real AWS with it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::args::PushArgs;
use super::output;

/// Pushes.
pub(super) async fn push(args: &PushArgs) -> Result<u8, String> {
    let (repository, tag) = &args.image;
    let mut image = json!({"region": args.region, "repository": repository, "tags": [tag]});
    if let Some(code) = args.crash {
        image["crash"] = Value::from(code);
    }
    for (member, set) in [("hang", args.hang), ("unhealthy", args.unhealthy)] {
        if set {
            image[member] = Value::from(true);
        }
    }
    let (status, answer) = post(args, &image.to_string()).await.map_err(|error| {
        format!(
            "no sandbox answers at {}: {error}; start one with `evenkeel sandbox`",
            args.to
        )
    })?;
    if status != 200 {
        return Err(format!(
            "the sandbox refused {repository}:{tag}: {}",
            answer.trim()
        ));
    }
    output::result(&format!("{}\n", answer.trim()));
    Ok(0)
}

/// One request of the simplest sort: no keep-alive, so the answer ends with the connection.
async fn post(args: &PushArgs, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(args.to).await?;
    let request = format!(
        "POST /_evenkeel/images HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        args.to,
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    Ok((status, body))
}
