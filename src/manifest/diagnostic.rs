//! What is wrong with a manifest, where, and what to do about it. Not the drawing of it (`render`).
//!
//! Invariants:
//! - The message quotes no value that may hold a secret, and the excerpt is masked.
//! - Codes are stable: tools may match on them.

use super::tree::{Made, Place};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The manifest is not acted on.
    Error,
    /// The manifest is acted on; somebody should look.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for the sort of finding, such as `unknown-field`.
    pub code: &'static str,
    /// The file's path, relative to the source's root.
    pub file: String,
    /// Line, from 1; 0 if there is none, because the document was computed from the file (Jsonnet).
    pub line: usize,
    /// Column in characters, from 1; 0 if there is no line.
    pub column: usize,
    /// Where in the document, such as `spec.containerDefinitions[0].cpu`; empty for the whole. Of a
    /// Jsonnet file that gives an array of documents: `[2].spec.cpu`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// The cure, if one is known.
    pub hint: Option<String>,
    /// The source lines around it, values that may hold secrets masked.
    pub excerpt: Option<Excerpt>,
    /// Where to cut the excerpt.
    pub(super) place: Place,
}

/// A few lines of a manifest, masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The number of the first line, from 1.
    pub first_line: usize,
    /// The lines.
    pub text: String,
    /// The byte in `text` at which the finding begins.
    pub at: usize,
    /// How many bytes of `text` it covers.
    pub length: usize,
}

impl Diagnostic {
    /// `FILE:LINE:COLUMN`, or the file alone where there is no line.
    pub fn whereabouts(&self) -> String {
        if self.line == 0 {
            return self.file.clone();
        }
        format!("{}:{}:{}", self.file, self.line, self.column)
    }

    /// The finding's order: by file, then from top to bottom.
    pub(super) fn rank(&self) -> (&str, usize, usize, Severity, &str, &str, &str) {
        (
            &self.file,
            self.line,
            self.column,
            self.severity,
            self.code,
            &self.path,
            &self.message,
        )
    }
}

/// Collects the findings of one file.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) file: &'a str,
    pub(super) list: Vec<Diagnostic>,
    /// What was found about values that are not known. Nobody sees it.
    idle: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(file: &'a str) -> Self {
        Self {
            file,
            list: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// Adds an error and lends it, for a hint to be added.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        place: Place,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Error, code, place, path.into(), message.into())
    }

    /// Adds a warning and lends it.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        place: Place,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, place, path.into(), message.into())
    }

    /// The first error's message.
    pub(super) fn first_error(&self) -> Option<&Diagnostic> {
        self.list
            .iter()
            .find(|found| found.severity == Severity::Error)
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: Place,
        path: String,
        message: String,
    ) -> &mut Diagnostic {
        let list = if place.unjudged {
            &mut self.idle
        } else {
            &mut self.list
        };
        let at = list.len();
        let (line, column) = match place.made {
            Made::Written => (place.line.max(1), place.column.max(1)),
            Made::Computed | Made::Element(_) => (0, 0),
        };
        let path = match place.made {
            Made::Element(index) if path.is_empty() => format!("[{index}]"),
            Made::Element(index) => format!("[{index}].{path}"),
            Made::Written | Made::Computed => path,
        };
        list.push(Diagnostic {
            severity,
            code,
            file: self.file.to_owned(),
            line,
            column,
            path,
            message,
            hint: None,
            excerpt: None,
            place,
        });
        &mut list[at]
    }
}

impl Diagnostic {
    /// Sets the cure.
    pub(super) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}
