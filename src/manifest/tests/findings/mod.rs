//! Every sort of finding: what is typed wrong, and the code, line, text and cure that come of it. The
//! mistakes are in the modules of their subjects; how findings are reported is in `reporting`.

mod balancing;
mod envelope;
mod fields;
mod reporting;
mod services;
mod task_definitions;

use super::super::{Diagnostic, render_text};
use super::{changed, load_text};

/// Change, the change, the code, a text of the line, a part of message or cure.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Makes each change to the base, alone, and looks for its finding.
fn verify(rows: &[Row]) {
    for (from, to, code, needle, text) in rows {
        let yaml = changed(from, to);
        let at = yaml
            .find(needle)
            .unwrap_or_else(|| panic!("`{needle}` is not in the changed text"));
        let line = yaml[..at].matches('\n').count() + 1;
        let loaded = load_text(&yaml);
        let said = |found: &Diagnostic| {
            found.message.contains(text)
                || found.hint.as_ref().is_some_and(|hint| hint.contains(text))
        };
        let good = loaded
            .diagnostics
            .iter()
            .any(|found| found.code == *code && found.line == line && said(found));
        let all = render_text(&loaded.diagnostics, false);
        assert!(
            good,
            "`{from}` -> `{to}`: expected {code} at line {line}: {text}\n{all}"
        );
        assert!(
            !loaded.set.invalid.is_empty(),
            "an error makes a manifest invalid: {to}"
        );
    }
}
