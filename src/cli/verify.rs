//! `evenkeel verify`: the manifests against what is there at AWS.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::args::{Output, VerifyArgs};
use super::{output, start};
use crate::environment::evaluated;
use crate::manifest::{Diagnostic, Located, Severity, load_located, render_json, render_text};
use crate::source::{Eagerness, Together};
use crate::verify::{Judged, Open, verify as ask};

/// Something is wrong.
const FAILURES: u8 = 2;

/// Nothing that was read is wrong, but not everything could be read.
const UNKNOWN: u8 = 3;

/// Places named of one thing that was not checked; the rest is counted.
const PLACES: usize = 3;

/// Verifies.
pub(super) async fn verify(args: &VerifyArgs) -> Result<u8, String> {
    let started = start::start(&args.source).await?;
    let read = started.source.read(Eagerness::Due).await;
    let snapshot = read
        .and_then(Together::current)
        .map_err(|error| error.to_string())?;
    let (files, states) = (&snapshot.files, &snapshot.states);
    let scope = started.chosen.scope(files, states, &started.aws).await;
    let scope = scope.map_err(|error| error.to_string())?;
    let answers = evaluated(&snapshot.files, &scope);
    let (loaded, located) = load_located(&snapshot.files, &started.load, &scope, &answers);
    if !loaded.diagnostics.is_empty() {
        output::note(&render_text(&loaded.diagnostics, output::colour()));
    }
    let bar = bar();
    let judged = ask(&started.aws, &loaded.set, |done, all| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    })
    .await;
    bar.finish_and_clear();
    let judged = judged?;
    let report = Report::new(&judged, &located);
    let is_error = |found: &Diagnostic| found.severity == Severity::Error;
    let broken = loaded.diagnostics.iter().any(is_error);
    match args.output {
        Output::Json => {
            let account = started.aws.known_account().unwrap_or_default();
            output::json(&report.document(account, started.aws.region(), &loaded.diagnostics));
        }
        Output::Text => output::result(&report.text()),
    }
    Ok(if broken {
        1
    } else if report.findings.iter().any(is_error) {
        FAILURES
    } else if report.unknown.is_empty() {
        0
    } else {
        UNKNOWN
    })
}

/// A bar where somebody sees it.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30.green} {pos}/{len} answers from AWS");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// What is told.
struct Report {
    findings: Vec<Diagnostic>,
    unknown: Vec<Unanswered>,
    unchecked: Vec<Unanswered>,
    looked_at: usize,
}

/// One thing that was not looked at, or could not be.
struct Unanswered {
    what: String,
    why: String,
    action: Option<String>,
    /// The members that need it: findings without a message.
    places: Vec<Diagnostic>,
}

impl Report {
    fn new(judged: &Judged, located: &Located<'_>) -> Self {
        let mut findings: Vec<Diagnostic> = judged
            .findings
            .iter()
            .map(|found| {
                located.finding(
                    found.severity,
                    found.code,
                    &found.key,
                    &found.pointer,
                    &found.message,
                    &found.hint,
                )
            })
            .collect();
        findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        let told = |all: &[Open]| {
            all.iter()
                .map(|open| Unanswered::new(open, located))
                .collect()
        };
        Self {
            findings,
            unknown: told(&judged.unknown),
            unchecked: told(&judged.unchecked),
            looked_at: judged.looked_at,
        }
    }

    fn text(&self) -> String {
        let mut out = render_text(&self.findings, output::colour());
        for one in &self.unknown {
            out.push_str(&one.line("unknown"));
            if let Some(action) = &one.action {
                out.push_str(&format!("    the caller needs {action}\n"));
            }
        }
        for one in &self.unchecked {
            out.push_str(&one.line("not checked"));
        }
        let actions: BTreeSet<&str> = self
            .unknown
            .iter()
            .filter_map(|one| one.action.as_deref())
            .collect();
        if !actions.is_empty() {
            let list: Vec<&str> = actions.into_iter().collect();
            out.push_str(&format!("missing permissions: {}\n", list.join(", ")));
        }
        let count = |severity| {
            let of = |found: &&Diagnostic| found.severity == severity;
            self.findings.iter().filter(of).count()
        };
        out.push_str(&format!(
            "{} things at AWS looked at: {} errors, {} warnings, {} unknown, {} not checked\n",
            self.looked_at,
            count(Severity::Error),
            count(Severity::Warning),
            self.unknown.len(),
            self.unchecked.len()
        ));
        out
    }

    fn document(&self, account: &str, region: &str, diagnostics: &[Diagnostic]) -> Value {
        let list = |all: &[Unanswered]| all.iter().map(Unanswered::document).collect::<Vec<_>>();
        json!({
            "account": account,
            "region": region,
            "looked_at": self.looked_at,
            "findings": render_json(&self.findings),
            "unknown": list(&self.unknown),
            "not_checked": list(&self.unchecked),
            "diagnostics": render_json(diagnostics),
        })
    }
}

impl Unanswered {
    fn new(open: &Open, located: &Located<'_>) -> Self {
        let mut places: Vec<Diagnostic> = open
            .places
            .iter()
            .map(|(key, pointer)| located.finding(Severity::Warning, "", key, pointer, "", ""))
            .collect();
        places.sort_by(|a, b| (&a.file, a.line, &a.path).cmp(&(&b.file, b.line, &b.path)));
        Self {
            what: located.hidden(&open.what),
            why: located.hidden(&open.why.why),
            action: open.why.action.clone(),
            places,
        }
    }

    fn line(&self, word: &str) -> String {
        let shown = self.places.iter().take(PLACES);
        let mut places: Vec<String> = shown.map(Diagnostic::whereabouts).collect();
        if self.places.len() > PLACES {
            places.push(format!("and {} more", self.places.len() - PLACES));
        }
        format!(
            "{word}: {}: {} ({})\n",
            self.what,
            self.why,
            places.join(", ")
        )
    }

    fn document(&self) -> Value {
        let place = |found: &Diagnostic| {
            let line = (found.line > 0).then_some(found.line);
            json!({"file": found.file, "line": line, "path": found.path})
        };
        json!({
            "what": self.what,
            "why": self.why,
            "action": self.action,
            "places": self.places.iter().map(place).collect::<Vec<Value>>(),
        })
    }
}
