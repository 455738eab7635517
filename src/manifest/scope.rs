//! Which environment is loaded, and the files' part in it: what is base, what is overlay. Not the
//! merging (`overlay`) nor the putting in of values (`variables`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::diagnostic::Findings;
use super::envelope::{self, Content, Reading};
use super::environment::{ENVIRONMENT, Environments, Known, ValueFrom, names_in};
use super::file_reference::Library;
use super::jsonnet;
use super::load::{MAX_FILE_BYTES, SourceFile};
use super::variables::Variables;
use super::yaml;
use crate::document::Secrets;

/// The folder in which overlays lie, each in a folder of its environment's name.
const OVERLAYS: &str = "overlays";

/// Values that were fetched, by the variable's name.
pub type Fetched = BTreeMap<String, Known>;

/// For which environment to load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Its name; `None`: nothing is put in, and no overlay is read.
    pub environment: Option<String>,
    /// The roots of the sources, in their order, which say nothing about what is an overlay. Files come
    /// in the order of their roots.
    pub roots: Vec<PathBuf>,
    /// The values that do not stand in the Environment itself; `None`: they are not known here, and
    /// what would hold them is not judged.
    pub fetched: Option<Fetched>,
}

/// Every Environment of the files.
pub fn environments(files: &[SourceFile]) -> Environments {
    let mut found = Environments::default();
    let library = Library::default();
    let reading = Reading {
        allow_unknown: false,
        library: &library,
        variables: None,
    };
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for file in files {
        // Few files hold one; the rest need not be read twice. Jsonnet cannot: it is evaluated with what
        // an Environment says.
        let text = String::from_utf8_lossy(&file.bytes);
        if jsonnet::form(&file.path).is_some() || !text.contains(ENVIRONMENT) {
            continue;
        }
        let at = |line: usize, message: &str| format!("{}:{line}: {message}", file.path);
        if matches!(text, Cow::Owned(_)) || text.len() > MAX_FILE_BYTES {
            if said(&text) > 0 {
                found
                    .unread
                    .push(at(1, "the file is too large or not UTF-8"));
            }
            continue;
        }
        let parsed = yaml::parse(&text);
        let is_one = |one: &yaml::Document| one.root.text("kind") == Some(ENVIRONMENT);
        let read = parsed.documents.iter().filter(|one| is_one(one)).count();
        if let Some(broken) = parsed.broken
            && said(&text) > read
        {
            found.unread.push(at(broken.place.line, &broken.message));
        }
        for document in parsed.documents.into_iter().filter(is_one) {
            let mut findings = Findings::of(&file.path);
            for mistake in document.mistakes {
                findings.error(mistake.code, mistake.place, "", mistake.message);
            }
            let content = envelope::read(&document.root, &reading, &mut findings);
            found.names.extend(names_in(&document.root));
            let Content::Environment(one, place) = content else {
                let error = findings.first_error();
                found
                    .unread
                    .extend(error.map(|error| at(error.line, &error.message)));
                continue;
            };
            if found.valid.contains_key(&one.name) || found.broken.contains_key(&one.name) {
                duplicate(&one.name, place, &mut findings);
                found.valid.remove(&one.name);
            }
            if let Some(error) = findings.first_error() {
                let error = at(error.line, &error.message);
                found.broken.entry(one.name).or_insert(error);
            } else {
                found.valid.insert(one.name.clone(), *one);
            }
        }
    }
    found
}

/// How many documents of a text that may not be parsed say that they are an Environment.
fn said(text: &str) -> usize {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let says = |line: &&str| {
        let mut parts = line.split("kind").skip(1);
        parts.any(|after| {
            let value = after.trim_start_matches(['"', '\'', ':', ' ', '\t']);
            let rest = value.strip_prefix(ENVIRONMENT);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    };
    lines.filter(says).count()
}

/// Reports a second Environment of one name.
pub(super) fn duplicate(name: &str, place: super::tree::Place, findings: &mut Findings<'_>) {
    let message = format!("{ENVIRONMENT}/{name} is already in the source");
    findings
        .error("duplicate", place, "metadata.name", message)
        .hint("Give each a name of its own. Neither can be chosen.");
}

/// The environment whose overlay this file belongs to; `None` for the base.
pub(super) fn overlay_of<'a>(path: &'a str, roots: &[PathBuf]) -> Option<&'a str> {
    let path = Path::new(path);
    let mut below = roots.iter().filter_map(|root| path.strip_prefix(root).ok());
    let inside = below.next().unwrap_or(path);
    let mut folders = inside.parent()?.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    folders.find(|name| *name == OVERLAYS)?;
    folders.next()
}

impl Scope {
    /// Whether a file is of the overlay of another environment.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let overlay = overlay_of(path, &self.roots);
        overlay.is_some() && overlay != self.environment.as_deref()
    }

    /// Where a file stands among all: by its source, then by its path.
    pub(super) fn rank<'a>(&self, path: &'a str) -> (usize, &'a str) {
        let mut roots = self.roots.iter();
        let root = roots.position(|root| Path::new(path).starts_with(root));
        (root.unwrap_or(self.roots.len()), path)
    }

    /// The variables of the chosen environment, and those of their values that may not be shown.
    pub(super) fn variables<'a>(
        &'a self,
        environments: &'a Environments,
    ) -> Option<(Variables<'a>, Secrets)> {
        let chosen = environments.valid.get(self.environment.as_deref()?)?;
        let mut secrets = Secrets::default();
        let mut variables = Variables {
            environment: &chosen.name,
            declared: environments.declared(),
            ..Variables::default()
        };
        for (name, variable) in &chosen.variables {
            let Some(variable) = variable else { continue };
            let known = match (&variable.from, &self.fetched) {
                (ValueFrom::Literal(json), _) => Some(Known {
                    value: serde_json::from_str(json).unwrap_or_else(|_| Value::from(json.clone())),
                    secret: variable.secret.unwrap_or(false),
                }),
                (_, Some(fetched)) => fetched.get(name).cloned(),
                (_, None) => {
                    variables.unfetched.insert(name);
                    None
                }
            };
            if let Some(known) = known {
                if known.secret {
                    secrets.add(&known.value);
                }
                variables.known.insert(name, known);
            }
        }
        Some((variables, secrets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_under_overlays_is_its_environments() {
        let roots = ["/srv/other", "/srv/overlays/x"].map(PathBuf::from);
        for (path, expected) in [
            ("/srv/overlays/x/overlays/staging/a.yaml", Some("staging")),
            (
                "/srv/overlays/x/nova/overlays/staging/b/a.yaml",
                Some("staging"),
            ),
            ("/srv/overlays/x/a.yaml", None),
            ("/srv/overlays/x/overlays/a.yaml", None),
            ("overlays/staging/a.yaml", Some("staging")),
        ] {
            assert_eq!(overlay_of(path, &roots), expected, "{path}");
        }
    }
}
