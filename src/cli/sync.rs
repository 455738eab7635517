//! `evenkeel sync`: the daemon's passes until nothing moves any more.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::args::{Output, SyncArgs};
use super::{output, progress, prune, signals, start};
use crate::controller::{Controller, Ended, Settings, Until};
use crate::http;
use crate::kinds::Policy;
use crate::model::Outcome;
use crate::status::{Board, Status};

/// Syncs.
pub(super) async fn sync(args: &SyncArgs) -> Result<u8, String> {
    let started = start::start(&args.source).await?;
    started
        .aws
        .account()
        .await
        .map_err(|fault| format!("no AWS to sync with: {fault}"))?;
    let (sender, events) = mpsc::channel(16);
    signals::listen(sender.clone())?;
    let board = Board::default();
    let clock = started.clock.clone();
    let settings = Settings {
        // Somebody asked for it now.
        policy: Policy {
            heal_at_once: true,
            ..started.policy
        },
        load: started.load,
        chosen: started.chosen,
        prune: args.prune.settings(Duration::ZERO),
        limits: args.limits.limits(),
        ..Settings::default()
    };
    let deadline = clock.now().plus(args.timeout * clock.speed());
    let controller = Controller::new(
        started.aws,
        started.clock,
        started.metrics,
        board.clone(),
        started.source,
        settings,
    );
    let shown = progress::show(board.clone());
    let ended = controller.run(events, Until::Settled(deadline)).await;
    shown.finish().await;
    drop(sender);
    let status = board.read();
    if ended == Ended::SourceUnreadable {
        return Err(status
            .source
            .error
            .unwrap_or_else(|| "the source could not be read".to_owned()));
    }
    match args.output {
        Output::Json => output::json(&document(&status, ended)),
        Output::Text => output::result(&text(&status, ended)),
    }
    Ok(u8::from(ended != Ended::Settled || !converged(&status)))
}

fn converged(status: &Status) -> bool {
    // With trouble, what is in force may not be what the source holds now.
    status.source.error.is_none()
        && !status.prune.as_ref().is_some_and(prune::is_kept_up)
        && status.source.invalid == 0
        && status
            .resources
            .values()
            .all(|resource| resource.outcome == Outcome::Converged)
}

fn word(ended: Ended) -> &'static str {
    match ended {
        Ended::Settled => "settled",
        Ended::TimedOut => "timed out",
        Ended::Stopped => "stopped",
        Ended::SourceUnreadable => "source unreadable",
    }
}

fn document(status: &Status, ended: Ended) -> Value {
    json!({"ended": word(ended), "converged": converged(status), "status": http::status_json(status)})
}

fn text(status: &Status, ended: Ended) -> String {
    let mut out = String::new();
    let width = status
        .resources
        .keys()
        .map(|key| key.to_string().len())
        .max()
        .unwrap_or(0);
    for (key, resource) in &status.resources {
        let style = output::style(&resource.outcome);
        let line = format!("{:width$}", key.to_string());
        out.push_str(&format!("{line}  {style}{}{style:#}\n", resource.outcome));
    }
    if let Some(prune) = &status.prune {
        out.push_str(&prune::text(prune));
    }
    for line in &status.source.diagnostics {
        out.push_str(&format!("{line}\n"));
    }
    if let Some(why) = &status.source.error {
        out.push_str(&format!("{why}\n"));
    }
    let done = status
        .resources
        .values()
        .filter(|resource| resource.outcome == Outcome::Converged)
        .count();
    out.push_str(&format!(
        "{}: {done} of {} converged\n",
        word(ended),
        status.resources.len()
    ));
    out
}
