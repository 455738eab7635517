//! `evenkeel get`: how every resource stands.

use anstyle::Style;
use serde_json::{Value, json};

use super::args::{GetArgs, Pick};
use super::client::{Client, path_of};
use super::text::{age, items, name, style, table, text};
use crate::cli::args::Output;
use crate::cli::output;

/// Gets.
pub(super) async fn get(args: &GetArgs) -> Result<u8, String> {
    let client = Client::new(&args.server)?;
    let document = picked(&client, args.pick.as_ref()).await?;
    match args.server.output {
        Output::Json => output::json(&document),
        Output::Text => show(&document),
    }
    Ok(0)
}

/// The document of these resources, as `/api/v1/resources` gives it.
pub(super) async fn picked(client: &Client, pick: Option<&Pick>) -> Result<Value, String> {
    let document = match pick {
        None => client.get("resources").await?,
        Some(Pick::Kind(kind)) => client.get(&format!("resources?kind={kind}")).await?,
        Some(Pick::One(key)) => {
            let one = client.get(&path_of(key)).await?;
            json!({"now": one["now"], "ready": one["ready"], "source": one["source"],
                "resources": [one["resource"]]})
        }
    };
    Ok(document)
}

/// The reason, and that something is held although there is nothing to hold back.
fn reason(one: &Value) -> String {
    let reason = text(one, "reason");
    if one["hold"].is_null() || reason == "Held" {
        return reason.to_owned();
    }
    format!("{reason} (held)")
}

fn show(document: &Value) {
    let source = document.pointer("/source/error").and_then(Value::as_str);
    if let Some(why) = source {
        output::note(&format!("source: {}\n", super::text::clean(why)));
    }
    let resources = items(document, "resources");
    if resources.is_empty() {
        output::note("no resources\n");
        return;
    }
    let now = text(document, "now");
    let rows: Vec<Vec<String>> = resources
        .iter()
        .map(|one| {
            vec![
                name(one),
                text(one, "outcome").to_owned(),
                reason(one),
                text(one, "revision").to_owned(),
                age(now, text(one, "since")),
            ]
        })
        .collect();
    let head = ["RESOURCE", "OUTCOME", "REASON", "REVISION", "AGE"];
    let paint = |column, cell: &str| {
        if column == 1 {
            style(cell)
        } else {
            Style::new()
        }
    };
    output::result(&table(&head, &rows, paint));
}
