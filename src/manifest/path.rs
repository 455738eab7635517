//! A place in a spec as a list of steps, and its three spellings. Not a place in a file.

use std::fmt::Write as _;

/// Steps from the spec's root.
#[derive(Clone, Debug, Default)]
pub(super) struct Path(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Index(usize),
}

impl Path {
    pub(super) fn push_member(&mut self, name: &str) {
        self.0.push(Step::Member(name.to_owned()));
    }

    pub(super) fn push_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// For people: `spec.containerDefinitions[0].cpu`.
    pub(super) fn shown(&self) -> String {
        self.written("spec", ".", |index| format!("[{index}]"))
    }

    /// As the catalogue spells it: `containerDefinitions[].cpu`.
    pub(super) fn in_catalogue(&self) -> String {
        let path = self.written("", ".", |_| "[]".to_owned());
        path.trim_start_matches('.').to_owned()
    }

    /// As a JSON pointer: `/containerDefinitions/0/cpu`.
    pub(super) fn pointer(&self) -> String {
        self.written("", "/", |index| format!("/{index}"))
    }

    /// Whether any step satisfies the question, by name.
    pub(super) fn any(&self, question: impl Fn(&str) -> bool) -> bool {
        self.0
            .iter()
            .any(|step| matches!(step, Step::Member(name) if question(name)))
    }

    fn written(&self, root: &str, between: &str, index: impl Fn(usize) -> String) -> String {
        let mut out = root.to_owned();
        for step in &self.0 {
            match step {
                // Writing into a `String` does not fail.
                Step::Member(name) => write!(out, "{between}{name}").unwrap_or_default(),
                Step::Index(at) => out.push_str(&index(*at)),
            }
        }
        out
    }
}
