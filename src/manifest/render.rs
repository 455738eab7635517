//! Findings for a person and for a program. Not the findings themselves (`diagnostic`).

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
};
use miette::{SourceCode, SourceSpan, SpanContents};
use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Excerpt, Severity};

/// Every finding with its source line, as text for a terminal.
pub fn render_text(diagnostics: &[Diagnostic], color: bool) -> String {
    let theme = if color {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100)
        .with_context_lines(1);
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing into a `String` does not fail; should drawing fail, the plain line says it all.
        if handler.render_report(&mut out, &Drawn(diagnostic)).is_err() {
            out.push_str(&plain_line(diagnostic));
        }
        out.push('\n');
    }
    out
}

/// Every finding as JSON: an array of objects with `severity`, `code`, `file`, `line`, `column`,
/// `path`, `message` and `hint` (null if there is none; so are `line` and `column` of a computed document).
pub fn render_json(diagnostics: &[Diagnostic]) -> Value {
    diagnostics
        .iter()
        .map(|found| {
            json!({
                "severity": found.severity.label(),
                "code": found.code,
                "file": found.file,
                "line": (found.line > 0).then_some(found.line),
                "column": (found.line > 0).then_some(found.column),
                "path": found.path,
                "message": found.message,
                "hint": found.hint,
            })
        })
        .collect()
}

fn plain_line(found: &Diagnostic) -> String {
    let label = found.severity.label();
    let path = if found.path.is_empty() {
        String::new()
    } else {
        format!("{}: ", found.path)
    };
    format!("{}: {label}: {path}{}", found.whereabouts(), found.message)
}

/// A finding as miette wants it.
struct Drawn<'a>(&'a Diagnostic);

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.excerpt.is_some(), self.0.path.is_empty()) {
            (true, true) => f.write_str(&self.0.message),
            (true, false) => write!(f, "{}: {}", self.0.path, self.0.message),
            (false, _) => f.write_str(&plain_line(self.0)),
        }
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0
            .hint
            .as_ref()
            .map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.excerpt.is_some().then_some(self as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Excerpt { at, length, .. } = self.0.excerpt.as_ref()?;
        let label = LabeledSpan::new_primary_with_span(None, (*at, *length));
        Some(Box::new(std::iter::once(label)))
    }
}

/// The excerpt under its true file name and line numbers.
impl SourceCode for Drawn<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Some(excerpt) = &self.0.excerpt else {
            return Err(MietteError::OutOfBounds);
        };
        let inner = excerpt.text.read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + excerpt.first_line - 1,
            inner.column(),
            inner.line_count(),
        )))
    }
}
