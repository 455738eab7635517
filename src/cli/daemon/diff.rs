//! `evenkeel diff`: how live state differs, as the daemon saw it last.

use serde_json::{Value, json};

use super::args::DiffArgs;
use super::client::Client;
use super::get::picked;
use super::text::{age, clean, items, name, text};
use crate::cli::args::Output;
use crate::cli::output;

/// Something differs.
const DIFFERENCES: u8 = 2;

/// Diffs.
pub(super) async fn diff(args: &DiffArgs) -> Result<u8, String> {
    let client = Client::new(&args.server)?;
    let document = picked(&client, args.pick.as_ref()).await?;
    let now = text(&document, "now");
    let differing: Vec<&Value> = items(&document, "resources")
        .iter()
        .filter(|one| !items(one, "drift").is_empty())
        .collect();
    match args.server.output {
        Output::Json => {
            let all: Vec<Value> = differing
                .iter()
                .map(|one| {
                    json!({
                        "resource": name(one),
                        "observedAt": one["observedAt"],
                        "drift": one["drift"],
                    })
                })
                .collect();
            output::json(&json!({"now": now, "differences": all}));
        }
        Output::Text => {
            let shown: Vec<String> = differing.iter().map(|one| lines(one, now)).collect();
            output::result(&shown.concat());
            if differing.is_empty() {
                output::note("nothing differs\n");
            }
        }
    }
    Ok(if differing.is_empty() { 0 } else { DIFFERENCES })
}

fn lines(one: &Value, now: &str) -> String {
    let seen = age(now, text(one, "observedAt"));
    let mut out = format!("{}  (seen {seen} ago)\n", name(one));
    for drift in items(one, "drift") {
        out.push_str(&format!("  {}\n", difference(drift)));
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
