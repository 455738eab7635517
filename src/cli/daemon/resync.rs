//! `evenkeel resync`: look again, now.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::ResyncArgs;
use super::client::{Client, path_of};
use super::text::{clean, stands};
use crate::cli::args::Output;
use crate::cli::output;

/// How often it is looked whether the request was served.
const LOOK: Duration = Duration::from_millis(300);

/// Resyncs.
pub(super) async fn resync(args: &ResyncArgs) -> Result<u8, String> {
    let client = Client::writing(&args.server, &args.token)?;
    let body = match &args.key {
        Some(key) if args.heal_now => json!({"resource": key.to_string(), "heal": true}),
        Some(key) => json!({"resource": key.to_string()}),
        None => json!({}),
    };
    let taken = client.post("resync", &body).await?;
    let number = taken["resync"]
        .as_u64()
        .ok_or("what answers is no Even Keel daemon of this version")?;
    let what = args
        .key
        .as_ref()
        .map_or_else(|| "everything".to_owned(), ToString::to_string);
    if !args.wait {
        match args.server.output {
            Output::Json => output::json(&taken),
            Output::Text => output::result(&format!("resync of {what} taken on\n")),
        }
        return Ok(0);
    }
    let served = tokio::time::timeout(args.timeout, served(&client, number)).await;
    let source = served.map_err(|_| {
        format!(
            "the resync of {what} was not served within {} s; `evenkeel get` says what is being waited for",
            args.timeout.as_secs()
        )
    })??;
    if let Some(why) = source.as_deref() {
        return Err(format!(
            "{what} was looked at, but the source could not be read: {}",
            clean(why)
        ));
    }
    let document = match &args.key {
        Some(key) => Some(client.get(&path_of(key)).await?),
        None => None,
    };
    match (args.server.output, document) {
        (Output::Json, Some(document)) => output::json(&document),
        (Output::Json, None) => output::json(&json!({"resync": number, "served": true})),
        (Output::Text, Some(document)) => {
            let line = stands(&document["resource"]);
            output::result(&clean(&format!("resync of {what} served: {line}\n")));
        }
        (Output::Text, None) => output::result("resync of everything served\n"),
    }
    Ok(0)
}

/// Waits until that many resyncs were served. Gives what was wrong with the source then.
pub(super) async fn served(client: &Client, number: u64) -> Result<Option<String>, String> {
    loop {
        let status: Value = client.get("status").await?;
        let count = |member: &str| status["resyncs"][member].as_u64().unwrap_or(0);
        if count("completed") >= number {
            let error = status.pointer("/source/error").and_then(Value::as_str);
            return Ok(error.map(str::to_owned));
        }
        if count("requested") < number {
            return Err(
                "the daemon was restarted meanwhile; its start looks at everything".to_owned(),
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}
