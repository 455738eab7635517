//! `evenkeel diff`: how live state differs, as the daemon saw it last.

use serde_json::{Value, json};

use super::args::{DiffArgs, DiffOutput};
use super::client::Client;
use super::get::picked;
use super::patch::{of_files, patch};
use super::text::{age, clean, items, name, stands, text};
use crate::cli::output;

/// Something differs.
const DIFFERENCES: u8 = 2;

/// Nothing is known to differ, and not all is known.
const NOT_KNOWN: u8 = 3;

/// What a resource's look gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Same,
    Differs,
    Unknown,
}

fn found(one: &Value) -> Found {
    let sync = text(one, "sync");
    if !items(one, "drift").is_empty() || sync == "OutOfSync" {
        Found::Differs
    } else if sync == "Synced" {
        Found::Same
    } else {
        Found::Unknown
    }
}

/// Diffs.
pub(super) async fn diff(args: &DiffArgs) -> Result<u8, String> {
    if args.source.is_some() && args.output != DiffOutput::Patch {
        return Err("--source is for --output patch: add that".to_owned());
    }
    let client = Client::at(&args.server)?;
    let document = picked(&client, args.pick.as_ref()).await?;
    let now = text(&document, "now");
    let resources = items(&document, "resources");
    let of = |wanted: Found| resources.iter().filter(move |one| found(one) == wanted);
    let doubt = doubt(&document);
    match args.output {
        DiffOutput::Json => {
            let differing: Vec<Value> = of(Found::Differs).map(record).collect();
            let unknown: Vec<Value> = of(Found::Unknown).map(record).collect();
            output::json(
                &json!({"now": now, "differences": differing, "unknown": unknown, "doubt": doubt}),
            );
        }
        DiffOutput::Patch => {
            let (text, notes) = match &args.source {
                Some(source) => of_files(resources, source, args.environment.as_deref())?,
                None => (patch(resources)?, String::new()),
            };
            output::note(&notes);
            output::result(&text);
        }
        DiffOutput::Text => {
            let shown: Vec<String> = of(Found::Differs).map(|one| lines(one, now)).collect();
            output::result(&shown.concat());
            for one in of(Found::Unknown) {
                output::note(&format!("not known of {}: {}\n", name(one), stands(one)));
            }
            if let Some(why) = &doubt {
                output::note(&clean(&format!("{why}\n")));
            }
        }
    }
    if of(Found::Differs).next().is_some() {
        return Ok(DIFFERENCES);
    }
    if doubt.is_some() || of(Found::Unknown).next().is_some() {
        return Ok(NOT_KNOWN);
    }
    if args.output == DiffOutput::Text {
        output::note("nothing differs\n");
    }
    Ok(0)
}

/// Why what the daemon saw may not be all that there is to see.
fn doubt(document: &Value) -> Option<String> {
    if let Some(why) = document.pointer("/source/error").and_then(Value::as_str) {
        return Some(format!("the source could not be read: {why}"));
    }
    let ready = document["ready"].as_bool().unwrap_or(false);
    (!ready).then(|| "the daemon has not looked at everything yet".to_owned())
}

fn record(one: &Value) -> Value {
    json!({
        "resource": name(one),
        "observedAt": one["observedAt"],
        "sync": one["sync"],
        "outcome": one["outcome"],
        "reason": one["reason"],
        "message": one["message"],
        "drift": one["drift"],
    })
}

fn lines(one: &Value, now: &str) -> String {
    let seen = age(now, text(one, "observedAt"));
    let mut out = format!("{}  (seen {seen} ago)\n", name(one));
    for drift in items(one, "drift") {
        out.push_str(&format!("  {}\n", difference(drift)));
    }
    if items(one, "drift").is_empty() {
        out.push_str(&format!("  {}\n", stands(one)));
    }
    out
}

/// One difference in a line.
pub(super) fn difference(drift: &Value) -> String {
    let reset = match (drift.get("reset").is_some(), drift["desired"].is_null()) {
        (false, _) => "",
        (true, false) => " (AWS default; no longer declared)",
        (true, true) => " (no longer declared)",
    };
    clean(&format!(
        "{}: {} -> {}{reset}",
        text(drift, "path"),
        drift["live"],
        drift["desired"]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_agreement() {
        let drift = json!([{"path": "/cpu", "live": "1", "desired": "2"}]);
        for (sync, drift, expected) in [
            ("Synced", json!([]), Found::Same),
            ("OutOfSync", json!([]), Found::Differs),
            ("Unknown", json!([]), Found::Unknown),
            ("Invalid", json!([]), Found::Unknown),
            ("Unknown", drift, Found::Differs),
        ] {
            assert_eq!(
                found(&json!({"sync": sync, "drift": drift})),
                expected,
                "{sync}"
            );
        }
        assert_eq!(
            doubt(&json!({"ready": true, "source": {"error": null}})),
            None
        );
        for document in [
            json!({"ready": false, "source": {"error": null}}),
            json!({"ready": true, "source": {"error": "cannot read it"}}),
            json!({}),
        ] {
            assert!(doubt(&document).is_some(), "{document}");
        }
    }
}
