//! Manifests that Jsonnet files evaluate to: what is to be evaluated, and what came of it as documents.
//! Not the evaluation (`crate::jsonnet`), which is done between the reading of the files and their
//! loading.
//!
//! - A `.jsonnet` file is one manifest or an array of them; a spec, if a manifest names it. A `.libsonnet`
//!   file is there to be imported.
//! - `std.extVar('NAME')` is the value of an environment's variable. A secret, and a value that is not
//!   fetched, is the text `${NAME}` instead, which is replaced in the finished manifest like any other:
//!   no secret is in the evaluation, and so none is in its messages.
//!
//! Invariants:
//! - What was computed has no line: its places say which document of the file they are in, and findings
//!   give the path within it.
//! - A file that is imported and holds no manifest of its own is a library, not a mistake.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::diagnostic::Findings;
use super::environment::Environments;
use super::load::{MAX_FILE_BYTES, SourceFile};
use super::scope::{Scope, environments};
use super::tree::{Data, Entry, Made, Node, Place};
use super::yaml::{self, Document, Mistake, Parsed};
use crate::jsonnet::{Answer, Answers, Fault, Mistake as Wrong, Request};

/// A file that has no value.
const CODE: &str = "jsonnet";
/// A file that may have no value for want of the environment's values alone: a warning.
pub(super) const UNJUDGED: &str = "jsonnet-unjudged";

/// As deep as YAML may be nested.
const MAX_DEPTH: usize = 64;

/// What a Jsonnet file is to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is evaluated.
    Main,
    /// It is imported.
    Library,
}

/// Whether a file is Jsonnet, by its name's ending.
pub(super) fn form(path: &str) -> Option<Form> {
    let (_, ending) = path.rsplit_once('.')?;
    if ending.eq_ignore_ascii_case("jsonnet") {
        return Some(Form::Main);
    }
    ending
        .eq_ignore_ascii_case("libsonnet")
        .then_some(Form::Library)
}

/// What has to be evaluated before the files can be loaded for a scope; `None`: nothing.
pub fn jsonnet(files: &[SourceFile], scope: &Scope) -> Option<Request> {
    let wanted = |file: &&SourceFile| {
        form(&file.path) == Some(Form::Main)
            && file.bytes.len() <= MAX_FILE_BYTES
            && std::str::from_utf8(&file.bytes).is_ok()
            && !scope.excludes(&file.path)
    };
    let entries: Vec<String> = files
        .iter()
        .filter(wanted)
        .map(|file| file.path.clone())
        .collect();
    if entries.is_empty() {
        return None;
    }
    let importable = |file: &&SourceFile| file.bytes.len() <= MAX_FILE_BYTES;
    let texts = files.iter().filter(importable).filter_map(|file| {
        let text = String::from_utf8(file.bytes.clone()).ok()?;
        Some((file.path.clone(), text))
    });
    Some(Request {
        entries,
        files: texts.collect(),
        ext: external(scope, &environments(files)),
        natives: false,
    })
}

/// The environment's variables as external variables.
fn external(scope: &Scope, environments: &Environments) -> BTreeMap<String, Value> {
    let Some((variables, _)) = scope.variables(environments) else {
        return BTreeMap::new();
    };
    let placeholder = |name: &str| Value::from(format!("${{{name}}}"));
    // A text that looks like a variable would be taken for one in the finished manifest.
    let fit = |value: &Value| !value.as_str().is_some_and(|text| text.contains("${"));
    let known = variables.known.iter().map(|(name, known)| {
        let shown = !known.secret && fit(&known.value);
        let value = if shown {
            known.value.clone()
        } else {
            placeholder(name)
        };
        ((*name).to_owned(), value)
    });
    let unfetched = variables
        .unfetched
        .iter()
        .map(|name| ((*name).to_owned(), placeholder(name)));
    known.chain(unfetched).collect()
}

/// The files of a source and what came of those that were evaluated, as the loader looks at them.
#[derive(Debug)]
pub(super) struct Computed<'a> {
    answers: &'a Answers,
    files: &'a [&'a SourceFile],
    scope: &'a Scope,
    imported: BTreeSet<&'a str>,
    /// Variables whose values are not known, but placeholders.
    unfetched: BTreeSet<&'a str>,
}

impl<'a> Computed<'a> {
    pub(super) fn new(
        answers: &'a Answers,
        files: &'a [&'a SourceFile],
        scope: &'a Scope,
        unfetched: BTreeSet<&'a str>,
    ) -> Self {
        let imported = answers.values().flat_map(|answer| &answer.imports);
        Self {
            answers,
            files,
            scope,
            imported: imported.map(String::as_str).collect(),
            unfetched,
        }
    }

    /// Whether the evaluation of a file was not finished.
    pub(super) fn is_unfinished(&self) -> bool {
        let mut mistakes = self
            .answers
            .values()
            .filter_map(|one| one.value.as_ref().err());
        mistakes.any(|mistake| mistake.fault == Fault::Unfinished)
    }

    /// The documents of a file, whatever it is written in.
    pub(super) fn documents(&self, file: &SourceFile) -> Parsed {
        match form(&file.path) {
            None => yaml::parse(text_of(file)),
            Some(Form::Main) => self.computed(&file.path),
            Some(Form::Library) => Parsed::default(),
        }
    }

    /// Whether a file is a library rather than a manifest: it is imported, and none of its documents says
    /// that it is a manifest.
    pub(super) fn is_library(&self, path: &str, documents: &[Document]) -> bool {
        let manifest = |one: &Document| {
            one.root.entry("apiVersion").is_some() || one.root.entry("kind").is_some()
        };
        self.imported.contains(path) && !documents.iter().any(manifest)
    }

    fn computed(&self, path: &str) -> Parsed {
        let Some(answer) = self.answers.get(path) else {
            if self.scope.excludes(path) {
                return Parsed::default();
            }
            let message = "the file was not evaluated".to_owned();
            return broken(nowhere(Made::Computed), CODE, message, None);
        };
        let value = match &answer.value {
            Ok(value) => value,
            Err(mistake) if mistake.fault == Fault::Function && self.imported.contains(path) => {
                return Parsed::default();
            }
            Err(mistake) => return self.mistaken(path, answer, mistake),
        };
        let documents: Vec<(Made, &Value)> = match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .filter(|(_, item)| !item.is_null())
                .map(|(index, item)| (Made::Element(index), item))
                .collect(),
            Value::Null => Vec::new(),
            one => vec![(Made::Computed, one)],
        };
        let mut parsed = Parsed::default();
        for (made, value) in documents {
            let Some(root) = node(value, made, &mut 0, 0) else {
                let message = "its value is nested too deeply".to_owned();
                return broken(nowhere(made), CODE, message, None);
            };
            parsed.documents.push(Document {
                root,
                mistakes: Vec::new(),
            });
        }
        parsed
    }

    fn mistaken(&self, path: &str, answer: &Answer, mistake: &Wrong) -> Parsed {
        let place = mistake.at.as_ref().and_then(|at| {
            let (index, file) = self.find(&at.file)?;
            let before = text_of(file).get(..at.start)?;
            let line_start = before.rfind('\n').map_or(0, |end| end + 1);
            Some(Place {
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                start: at.start,
                end: at.end,
                other_file: if at.file == path { 0 } else { index + 1 },
                ..Place::default()
            })
        });
        let place = place.unwrap_or(nowhere(Made::Computed));
        let mut message = mistake.message.clone();
        if place.other_file != 0 {
            message.push_str(&format!(" (in the evaluation of {path})"));
        }
        if mistake.fault == Fault::Evaluation && self.asks_for_unfetched(path, answer) {
            let hint = "It may be one of the variables whose values are not fetched here: each is the text ${NAME}. \
                        `evenkeel plan` has the values.";
            return broken(place, UNJUDGED, message, Some(hint));
        }
        let hint = match mistake.fault {
            Fault::Variable => Some(
                "Give it a value under `variables` of the Environment; `std.extVar` has those alone.",
            ),
            Fault::Function => Some("Call it, or name the file .libsonnet."),
            Fault::Text if mistake.message.starts_with("imports ") => Some(
                "An import is relative to its own file, and leads to a .libsonnet, .jsonnet, .json or .yaml file \
                 of the source.",
            ),
            _ => None,
        };
        broken(place, CODE, message, hint)
    }

    /// Whether a file, or one that it imports, names a variable whose value is not known.
    fn asks_for_unfetched(&self, path: &str, answer: &Answer) -> bool {
        let all = answer.imports.iter().map(String::as_str).chain([path]);
        let mut texts = all.filter_map(|path| Some(text_of(self.find(path)?.1)));
        texts.any(|text| self.unfetched.iter().any(|name| text.contains(name)))
    }

    fn find(&self, path: &str) -> Option<(usize, &'a SourceFile)> {
        let index = self.files.iter().position(|file| file.path == path)?;
        Some((index, self.files[index]))
    }
}

fn text_of(file: &SourceFile) -> &str {
    std::str::from_utf8(&file.bytes).unwrap_or_default()
}

/// Tells that an Environment was computed.
pub(super) fn refuse_environment(place: Place, findings: &mut Findings<'_>) {
    let message = "an Environment cannot come from Jsonnet, which is evaluated with what it says";
    findings
        .error("environment-computed", place, "kind", message)
        .hint("Write it as YAML or JSON.");
}

fn broken(place: Place, code: &'static str, message: String, hint: Option<&'static str>) -> Parsed {
    Parsed {
        documents: Vec::new(),
        broken: Some(Mistake {
            place,
            code,
            message,
            hint,
        }),
    }
}

fn nowhere(made: Made) -> Place {
    Place {
        made,
        ..Place::default()
    }
}

/// The next place.
fn numbered(made: Made, count: &mut usize) -> Place {
    *count += 1;
    Place {
        start: *count,
        end: *count,
        ..nowhere(made)
    }
}

/// A value as a tree whose places are no lines. `start` counts the values, so that no two places are
/// alike. `None` if it is nested too deeply.
fn node(value: &Value, made: Made, count: &mut usize, depth: usize) -> Option<Node> {
    if depth > MAX_DEPTH {
        return None;
    }
    let own = numbered(made, count);
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(flag) => Data::Bool(*flag),
        Value::Number(number) => Data::Number(number.clone()),
        Value::String(text) => Data::Text(text.clone()),
        Value::Array(all) => {
            let mut items = Vec::new();
            for item in all {
                items.push(node(item, made, count, depth + 1)?);
            }
            Data::List(items)
        }
        Value::Object(members) => {
            let mut entries = Vec::new();
            for (key, value) in members {
                entries.push(Entry {
                    key: key.clone(),
                    key_place: numbered(made, count),
                    value: node(value, made, count, depth + 1)?,
                });
            }
            Data::Map(entries)
        }
    };
    Some(Node { place: own, data })
}
