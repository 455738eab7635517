//! Writing to the terminal: colour only where there is one, a closed pipe is no error.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::model::Outcome;

/// Writes a text to stdout, as it is.
pub(super) fn result(text: &str) {
    let mut out = anstream::stdout().lock();
    // Whoever closed the pipe has read enough.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes a document to stdout.
pub(super) fn json(document: &Value) {
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    result(&format!("{text}\n"));
}

/// Writes a text to stderr, as it is.
pub(super) fn note(text: &str) {
    let mut out = anstream::stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes an error to stderr.
pub(super) fn error(text: &str) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    note(&format!("{style}error{style:#}: {text}\n"));
}

/// Whether colour goes to stdout.
pub(super) fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The colour of an outcome.
pub(super) fn style(outcome: &Outcome) -> Style {
    let colour = match outcome {
        Outcome::Converged => AnsiColor::Green,
        Outcome::Acting(_) => AnsiColor::Cyan,
        Outcome::Waiting(..) => AnsiColor::Yellow,
        Outcome::Blocked(..) => AnsiColor::Magenta,
        Outcome::Failed(..) => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into()))
}
