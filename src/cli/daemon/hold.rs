//! `evenkeel pause` and `evenkeel resume`: let nothing be written for now, and let it be written again.

use serde_json::{Value, json};

use super::args::{HeldArgs, PauseArgs, ResumeArgs};
use super::client::{Client, path_of};
use super::resync::served;
use super::text::{clean, items, stands, text};
use super::who::who;
use crate::cli::args::Output;
use crate::cli::output;

/// Pauses.
pub(super) async fn pause(args: &PauseArgs) -> Result<u8, String> {
    let mut body = named(&args.held)?;
    body["reason"] = json!(args.reason);
    if let Some(time) = args.length {
        body["forSeconds"] = json!(time.as_secs());
    }
    if let Some(until) = &args.until {
        body["until"] = json!(until);
    }
    change(&args.held, "pause", &body).await
}

/// Resumes.
pub(super) async fn resume(args: &ResumeArgs) -> Result<u8, String> {
    let body = named(&args.held)?;
    change(&args.held, "resume", &body).await
}

/// What is meant, and by whom.
fn named(args: &HeldArgs) -> Result<Value, String> {
    let by = who(args.by.as_deref())?;
    Ok(match &args.key {
        Some(key) => json!({"resource": key.to_string(), "by": by}),
        None => json!({"all": true, "by": by}),
    })
}

async fn change(args: &HeldArgs, verb: &str, body: &Value) -> Result<u8, String> {
    let client = Client::writing(&args.server, &args.token)?;
    let done = client.post(verb, body).await?;
    let number = done["resync"]
        .as_u64()
        .ok_or("what answers is no Even Keel daemon of this version")?;
    let what = args
        .key
        .as_ref()
        .map_or_else(|| "everything".to_owned(), ToString::to_string);
    if args.server.output == Output::Text {
        output::result(&clean(&said(verb, &what, &done)));
    }
    for absent in items(&done, "absent") {
        let absent = absent.as_str().unwrap_or_default();
        output::note(&clean(&format!(
            "{absent} is not at AWS yet and keeps no hold; those that are hold everything\n"
        )));
    }
    if done["confirmed"] != json!(true) {
        output::note(
            "AWS took it, but does not show it yet; `evenkeel get` tells when the daemon sees it\n",
        );
    }
    if !args.wait {
        if args.server.output == Output::Json {
            output::json(&done);
        }
        return Ok(0);
    }
    // What is wrong with the source is no matter here.
    let looked = tokio::time::timeout(args.timeout, served(&client, number)).await;
    looked.map_err(|_| {
        format!(
            "{verb} of {what} was done, but not all that it concerns was looked at within {} s; `evenkeel get` says \
             what is being waited for",
            args.timeout.as_secs()
        )
    })??;
    let document = match &args.key {
        Some(key) => Some(client.get(&path_of(key)).await?),
        None => None,
    };
    match (args.server.output, document) {
        (Output::Json, Some(document)) => output::json(&document),
        (Output::Json, None) => {
            let mut done = done;
            done["served"] = json!(true);
            output::json(&done);
        }
        (Output::Text, Some(document)) => {
            let line = stands(&document["resource"]);
            output::result(&clean(&format!("{what}: {line}\n")));
        }
        (Output::Text, None) => output::result("all that it concerns was looked at\n"),
    }
    Ok(0)
}

fn said(verb: &str, what: &str, done: &Value) -> String {
    let on: Vec<&str> = items(done, "on").iter().filter_map(Value::as_str).collect();
    match (verb, on.is_empty()) {
        ("pause", _) => format!("{what} is held: nothing is written for it until the hold ends\n"),
        (_, true) => format!("{what} had no hold of its own\n"),
        (_, false) => format!("the hold of {what} is ended\n"),
    }
}

/// A hold in a line.
pub(super) fn line(hold: &Value) -> String {
    let mut line = match text(hold, "scope") {
        "everything" => "everything".to_owned(),
        _ => text(hold, "on").to_owned(),
    };
    for (word, member) in [("by", "by"), ("since", "since"), ("until", "until")] {
        if text(hold, member) != "-" {
            line.push_str(&format!(" {word} {}", text(hold, member)));
        }
    }
    line.push_str(&format!(": {}", text(hold, "reason")));
    line
}
