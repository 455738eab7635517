//! `evenkeel describe`: all that is known of one resource.

use serde_json::Value;

use super::args::DescribeArgs;
use super::client::{Client, path_of};
use super::diff::difference;
use super::text::{age, clean, items, name, style, text, time};
use crate::cli::args::Output;
use crate::cli::output;

/// Describes.
pub(super) async fn describe(args: &DescribeArgs) -> Result<u8, String> {
    let client = Client::new(&args.server)?;
    let document = client.get(&path_of(&args.key)).await?;
    match args.server.output {
        Output::Json => output::json(&document),
        Output::Text => output::result(&shown(&document)),
    }
    Ok(0)
}

fn shown(document: &Value) -> String {
    let now = text(document, "now");
    let one = &document["resource"];
    let outcome = text(one, "outcome");
    let colour = style(outcome);
    let mut out = format!("{}\n", name(one));
    out.push_str(&format!(
        "  Outcome:   {colour}{outcome}{colour:#} ({}) for {}\n",
        text(one, "reason"),
        age(now, text(one, "since"))
    ));
    let mut line = |label: &str, value: &str| {
        if value != "-" {
            out.push_str(&format!("  {:10} {}\n", format!("{label}:"), clean(value)));
        }
    };
    line("Why", text(one, "message"));
    line("Revision", text(one, "revision"));
    line("Digest", text(one, "digest"));
    line("ARN", text(one, "arn"));
    line("File", text(one, "file"));
    line("Commit", text(one, "commit"));
    line(
        "Observed",
        &format!("{} ago", age(now, text(one, "observedAt"))),
    );
    if let Some(tasks) = one.get("tasks").filter(|tasks| !tasks.is_null()) {
        let counts = format!(
            "{} of {} running, {} pending",
            tasks["running"], tasks["desired"], tasks["pending"]
        );
        line("Tasks", &counts);
    }
    if one["failures"].as_u64().is_some_and(|count| count > 0) {
        line("Failures", &format!("{} in a row", one["failures"]));
    }
    if let Some(rollout) = one.get("rollout").filter(|rollout| !rollout.is_null()) {
        out.push_str(&rollout_lines(rollout));
    }
    let conditions: Vec<String> = items(document, "conditions")
        .iter()
        .map(|one| {
            format!(
                "{:18} {:8} {}",
                text(one, "type"),
                text(one, "status"),
                text(one, "reason")
            )
        })
        .collect();
    section(&mut out, "Conditions", &conditions);
    let drift: Vec<String> = items(one, "drift").iter().map(difference).collect();
    section(&mut out, "Differences, live -> desired", &drift);
    let writes: Vec<String> = items(one, "writes")
        .iter()
        .map(|write| {
            format!(
                "{}  {} ({})",
                time(write, "at"),
                text(write, "why"),
                text(write, "operation")
            )
        })
        .collect();
    section(&mut out, "Last writes", &writes);
    let events: Vec<String> = items(document, "events")
        .iter()
        .map(|event| {
            format!(
                "{}  {:8} {}",
                time(event, "at"),
                text(event, "kind"),
                text(event, "text")
            )
        })
        .collect();
    section(&mut out, "Last events", &events);
    out
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("  {title}:\n"));
    for line in lines {
        out.push_str(&format!("    {}\n", clean(line)));
    }
}

fn rollout_lines(rollout: &Value) -> String {
    let whose = match (text(rollout, "id"), rollout["ours"].as_bool()) {
        ("-", _) => "being started".to_owned(),
        (id, Some(true)) => id.to_owned(),
        (id, _) => format!("{id}, started by somebody else"),
    };
    let mut out = format!(
        "  Rollout:   {}: {}\n",
        clean(&whose),
        text(rollout, "stage")
    );
    if let Some(weights) = rollout.get("weights").filter(|weights| !weights.is_null()) {
        out.push_str(&format!(
            "    traffic: {}% old, {}% new\n",
            weights["old"], weights["new"]
        ));
    }
    for event in items(rollout, "events") {
        out.push_str(&format!(
            "    {:24} {}\n",
            clean(text(event, "name")),
            clean(text(event, "status"))
        ));
    }
    out
}
