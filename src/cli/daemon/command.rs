//! `evenkeel abort`, `promote`, `approve`, `reject`, `rollback`: act on the rollout of a service, now.

use std::time::Duration;

use serde_json::{Value, json};

use super::args::OrderArgs;
use super::client::{Client, Failure, path_of};
use super::text::{clean, items, stands, text};
use super::who::who;
use crate::cli::args::Output;
use crate::cli::output;

/// How often it is looked how the rollout stands.
const LOOK: Duration = Duration::from_millis(500);

/// How long (by the daemon's clock) a wait for a person may still be the one that was just answered: AWS's
/// reads lag behind its writes.
const LAG: jiff::SignedDuration = jiff::SignedDuration::from_secs(15);

/// Orders, and follows to the end if that is asked for. `name` is the command's.
pub(super) async fn order(name: &str, args: &OrderArgs, mut body: Value) -> Result<u8, String> {
    let client = Client::writing(&args.server, &args.token)?;
    body["by"] = Value::from(who(args.by.as_deref())?);
    let path = path_of(&args.key);
    let carried = client.post(&format!("{path}/{name}"), &body).await?;
    let json = matches!(args.server.output, Output::Json);
    if !args.wait {
        if json {
            output::json(&carried);
        } else {
            output::result(&told(name, &carried));
        }
        return Ok(0);
    }
    output::note(&told(name, &carried));
    let since = text(&carried, "now").to_owned();
    let end = tokio::time::timeout(args.timeout, end(&client, &path, &since)).await;
    let mut document = end.map_err(|_| {
        format!(
            "{name} of {} was carried out, and is not over after {} s; `evenkeel describe {}` says how it stands",
            args.key,
            args.timeout.as_secs(),
            args.key
        )
    })??;
    let one = &document["resource"];
    let code = code(name, text(one, "outcome"));
    let shown = format!("{name} of {}: {}\n", args.key, stands(one));
    if json {
        document["command"] = carried;
        output::json(&document);
    } else {
        output::result(&clean(&shown));
    }
    Ok(code)
}

/// The exit code of an end: whether it is the one that was ordered.
fn code(name: &str, outcome: &str) -> u8 {
    let forward = matches!(name, "promote" | "approve");
    if outcome == "Failed" || (forward && outcome == "Blocked") {
        2
    } else if forward && outcome != "Converged" {
        3
    } else {
        0
    }
}

fn told(name: &str, carried: &Value) -> String {
    let done: Vec<&str> = items(carried, "done")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let resource = text(carried, "resource");
    clean(&format!("{name} of {resource}: {}\n", done.join("; ")))
}

/// Shows how the rollout stands until it is over, or waits for a person; gives the resource's document.
async fn end(client: &Client, path: &str, since: &str) -> Result<Value, String> {
    let mut shown = String::new();
    let mut away = false;
    loop {
        match client.get(path).await {
            Ok(document) => {
                let one = &document["resource"];
                if later(text(one, "observedAt"), since).is_some() {
                    let line = stands(one);
                    if shown != line {
                        output::note(&format!("{line}\n"));
                        shown = line;
                    }
                    if is_over(one, since) {
                        return Ok(document);
                    }
                }
            }
            // A daemon that is being restarted does not know the resource at once.
            Err(Failure::Unreachable(_)) => away = true,
            Err(Failure::Refused(_)) if away => {}
            Err(failure) => return Err(failure.into()),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How much later a time is, if it is.
fn later(time: &str, since: &str) -> Option<jiff::SignedDuration> {
    let (time, since): (jiff::Timestamp, jiff::Timestamp) =
        (time.parse().ok()?, since.parse().ok()?);
    (time > since).then(|| time.duration_since(since))
}

/// Whether nothing moves any more without a person, a manifest or another resource.
fn is_over(one: &Value, since: &str) -> bool {
    let seen_for = later(text(one, "observedAt"), since).unwrap_or_default();
    match text(one, "reason") {
        "ApprovalPending" => seen_for >= LAG,
        "RolloutInProgress" | "TaskRunning" | "Provisioning" | "ForeignDeployment"
        | "ObservationUnknown" | "TransientError" => false,
        _ => text(one, "outcome") != "Acting",
    }
}

/// The body of a command.
pub(super) fn body(members: &[(&str, Option<Value>)]) -> Value {
    let mut body = json!({});
    for (name, value) in members {
        if let Some(value) = value {
            body[*name] = value.clone();
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_order_is_told_from_its_course() {
        let now = "2026-01-01T00:00:00Z";
        let one = |outcome: &str, reason: &str, at: &str| {
            let one = json!({"outcome": outcome, "reason": reason, "observedAt": at});
            is_over(&one, now)
        };
        let soon = "2026-01-01T00:00:05Z";
        let late = "2026-01-01T00:00:15Z";
        for (outcome, reason, at, over) in [
            ("Converged", "Succeeded", soon, true),
            ("Blocked", "Quarantined", soon, true),
            ("Failed", "RolloutFailed", soon, true),
            ("Waiting", "RolloutInProgress", late, false),
            ("Waiting", "ObservationUnknown", late, false),
            ("Acting", "Progressing", late, false),
            ("Waiting", "ApprovalPending", soon, false),
            ("Waiting", "ApprovalPending", late, true),
        ] {
            assert_eq!(one(outcome, reason, at), over, "{outcome} {reason} {at}");
        }
        assert_eq!(later(now, now), None);
        assert_eq!(later("-", now), None);
    }

    #[test]
    fn the_exit_code_says_whether_it_ended_as_ordered() {
        for (name, outcome, expected) in [
            ("approve", "Converged", 0),
            ("promote", "Blocked", 2),
            ("promote", "Failed", 2),
            ("approve", "Waiting", 3),
            ("abort", "Blocked", 0),
            ("reject", "Converged", 0),
            ("abort", "Waiting", 0),
            ("abort", "Failed", 2),
        ] {
            assert_eq!(code(name, outcome), expected, "{name} {outcome}");
        }
    }
}
