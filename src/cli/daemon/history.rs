//! `evenkeel history`: the rollouts that AWS remembers.

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::args::HistoryArgs;
use super::client::{Client, path_of};
use super::text::{age, items, table, text};
use crate::cli::args::Output;
use crate::cli::output;

/// Lists them.
pub(super) async fn history(args: &HistoryArgs) -> Result<u8, String> {
    let client = Client::new(&args.server)?;
    let path = format!("{}/history", path_of(&args.key));
    let document = client.get(&path).await?;
    match args.server.output {
        Output::Json => output::json(&document),
        Output::Text => show(&document),
    }
    Ok(0)
}

fn show(document: &Value) {
    let rollouts = items(document, "rollouts");
    if rollouts.is_empty() {
        output::note("AWS remembers no rollout\n");
        return;
    }
    let now = text(document, "now");
    let rows: Vec<Vec<String>> = rollouts
        .iter()
        .map(|one| {
            let ended = one["endedAt"].as_str();
            vec![
                text(one, "id").to_owned(),
                text(one, "status").to_owned(),
                text(one, "revision").to_owned(),
                text(one, "by").to_owned(),
                age(now, text(one, "createdAt")),
                age(ended.unwrap_or(now), text(one, "createdAt")),
                text(one, "commit").chars().take(12).collect(),
                text(one, "why").to_owned(),
            ]
        })
        .collect();
    let head = [
        "ID", "STATUS", "REVISION", "BY", "AGE", "TOOK", "COMMIT", "WHY",
    ];
    output::result(&table(&head, &rows, |column, cell| {
        let colour = match (column, cell) {
            (1, "Succeeded" | "SUCCESSFUL") => AnsiColor::Green,
            (1, "Failed" | "Stopped" | "STOPPED") => AnsiColor::Red,
            (1, word) if word.starts_with("ROLLBACK") => AnsiColor::Red,
            (1, _) => AnsiColor::Yellow,
            _ => return Style::new(),
        };
        Style::new().fg_color(Some(colour.into()))
    }));
}
