//! What somebody changed of live state put into the manifests' own files, to be committed. Pure. Not how a patch is
//! written (`cli`), and no part of what is desired.
//!
//! A member is looked for in every document of its manifest: in an overlay of the chosen environment first, then in the
//! base, and in the file that `specFile` names. An edit counts only if the files, read again, then declare what is
//! live at that member and nothing else that they did not declare before.
//!
//! Invariants:
//! - Every difference is in an edit or in a note that says what to do by hand.
//! - No value that is masked is put into a file.
//! - Of an image whose tag would be resolved to its digest, the tag is declared as the image: what is live was
//!   registered so, and another revision would be another deployment.

use std::path::Path;

use serde_json::Value;

use super::image::ImageReference;
use super::load::{Loaded, SourceFile};
use super::patch::{masked, unescaped};
use super::scope::{Scope, environments, overlay_of};
use super::sections::beside;
use super::tree::{Data, Node};
use super::{SPEC_FILE, edit, file_reference, jsonnet, yaml};
use crate::model::{Drift, Key, Kind};

/// The annotation that says how a task definition's images are registered.
pub const IMAGES_ANNOTATION: &str = "evenkeel.dev/images";

/// Its value for images as they stand in the manifest, tags included: what others registered by tag
/// stays as it is. With `=` and names it is so of these containers alone.
pub const AS_WRITTEN: &str = "as-written";

/// Whether this value of the annotation wants the image of a container as it stands.
pub(crate) fn is_as_written(annotation: Option<&str>, container: &str) -> bool {
    match annotation.and_then(|text| text.strip_prefix(AS_WRITTEN)) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('=').is_some_and(|names| {
            let mut names = names.split(',').map(str::trim);
            names.any(|name| name == container)
        }),
        None => false,
    }
}

/// One file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Its path as it was read.
    pub path: String,
    /// Its text.
    pub before: String,
    /// Its text with what is live.
    pub after: String,
    /// The byte ranges of what may be a secret in the text before.
    pub secrets: Vec<(usize, usize)>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The files that change, by path.
    pub files: Vec<Edited>,
    /// What is left to be done by hand, and what the edits mean besides.
    pub notes: Vec<String>,
}

/// Reads files for an environment.
type Load<'a> = &'a dyn Fn(&[SourceFile], &Scope) -> Loaded;

/// Puts these differences into the files that are read for `scope`.
pub fn accept(
    files: &[SourceFile],
    scope: &Scope,
    load: Load<'_>,
    changes: &[(Key, Vec<Drift>)],
) -> Accepted {
    let mut work = Work {
        files: files.to_vec(),
        loaded: load(files, scope),
        scope,
        load,
        notes: Vec::new(),
    };
    for (key, drift) in changes {
        work.resource(key, drift);
    }
    let edited = files
        .iter()
        .zip(&work.files)
        .filter(|(old, new)| old != new);
    let text = |file: &SourceFile| String::from_utf8_lossy(&file.bytes).into_owned();
    let mut edited: Vec<Edited> = edited
        .map(|(old, new)| Edited {
            path: new.path.clone(),
            before: text(old),
            after: text(new),
            secrets: secrets(&text(old)),
        })
        .collect();
    edited.sort_by(|a, b| a.path.cmp(&b.path));
    if !edited.is_empty() {
        work.tell_others(files);
    }
    Accepted {
        files: edited,
        notes: work.notes,
    }
}

fn secrets(text: &str) -> Vec<(usize, usize)> {
    let documents = yaml::parse(text).documents;
    let mut spans: Vec<_> = documents
        .iter()
        .flat_map(|one| super::mask::secret_spans(&one.root))
        .collect();
    spans.sort_unstable();
    spans
}

/// The files as edited so far, and what they declare.
struct Work<'a> {
    files: Vec<SourceFile>,
    loaded: Loaded,
    scope: &'a Scope,
    load: Load<'a>,
    notes: Vec<String>,
}

/// Which value of a manifest's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Spec,
    Beside,
    Metadata,
}

impl Work<'_> {
    fn resource(&mut self, key: &Key, drift: &[Drift]) {
        let Some(resource) = self.loaded.set.get(key) else {
            self.notes.push(format!(
                "{key} is not among the valid manifests of this source; name the folder that holds it with --source, and its environment with --environment"
            ));
            return;
        };
        let runs = |one: &&super::Reference| one.target.kind == Kind::TaskDefinition;
        let content = resource.references.iter().find(runs);
        let content = content
            .filter(|_| key.kind == Kind::Service)
            .map(|one| one.target.clone());
        let of_content = |path: &str| path.strip_prefix("/taskDefinition/").map(str::len);
        let known = drift.iter().any(|one| of_content(&one.path).is_some());
        for one in drift {
            let inner = one.path.strip_prefix("/taskDefinition");
            match (inner, &content) {
                (Some(""), Some(_)) if known => {}
                (Some(""), Some(target)) => self.by_hand(
                    key,
                    one,
                    &format!("what differs from {target} is not known yet; ask again in a minute"),
                ),
                (Some(inner), Some(target)) if !inner.is_empty() => {
                    let target = target.clone();
                    let inner = Drift {
                        path: inner.to_owned(),
                        ..one.clone()
                    };
                    self.member(&target, &inner);
                }
                // Where the manifest names a revision, that is what changes.
                (Some(inner), None) if !inner.is_empty() => {}
                _ => self.member(key, one),
            }
        }
    }

    fn by_hand(&mut self, key: &Key, drift: &Drift, why: &str) {
        let Drift {
            path,
            live,
            desired,
            ..
        } = drift;
        self.notes.push(format!(
            "By hand: {path} of {key}: {live} live, {desired} declared; {why}."
        ));
    }

    fn member(&mut self, key: &Key, drift: &Drift) {
        if masked(&drift.live) {
            return self.by_hand(
                key,
                drift,
                "it may be a secret, so it is not shown; read it at AWS",
            );
        }
        let mut path: Vec<String> = drift.path.split('/').skip(1).map(unescaped).collect();
        let first = path.first().cloned().unwrap_or_default();
        if key.kind == Kind::TaskDefinition && first == "family" {
            return self.by_hand(
                key,
                drift,
                "the service runs another family; have the Service's manifest name that one",
            );
        }
        let part = if beside(key.kind).contains(&first.as_str()) {
            Part::Beside
        } else {
            Part::Spec
        };
        // A tag or an attribute is told by its value alone.
        if matches!(first.as_str(), "tags" | "Tags" | "attributes") && path.len() == 2 {
            let value = if first == "tags" { "value" } else { "Value" };
            path.push(value.to_owned());
        }
        match self.put(key, part, &path, &drift.live) {
            Ok(()) => self.keep_image(key, &path, &drift.live),
            Err(why) => self.by_hand(key, drift, &why),
        }
    }

    /// Has an image that was put in registered as it stands, if its tag would be resolved otherwise.
    fn keep_image(&mut self, key: &Key, path: &[String], live: &Value) {
        let (Kind::TaskDefinition, [list, container, member], Some(image)) =
            (key.kind, path, live.as_str())
        else {
            return;
        };
        let used = self.loaded.set.repository_of(image);
        let is_tag = used.is_some_and(|used| matches!(used.reference, ImageReference::Tag(_)));
        let annotations = self.loaded.set.get(key).map(|one| &one.annotations);
        let old = annotations
            .and_then(|all| all.get(IMAGES_ANNOTATION))
            .cloned();
        if list != "containerDefinitions"
            || member != "image"
            || !is_tag
            || is_as_written(old.as_deref(), container)
        {
            return;
        }
        let new = match old {
            Some(old) if old.starts_with(AS_WRITTEN) => format!("{old},{container}"),
            _ => format!("{AS_WRITTEN}={container}"),
        };
        let named = ["annotations", IMAGES_ANNOTATION].map(str::to_owned);
        let whole = serde_json::json!({IMAGES_ANNOTATION: new});
        let done = self
            .put(key, Part::Metadata, &named, &Value::from(new.as_str()))
            .or_else(|_| self.put(key, Part::Metadata, &named[..1], &whole));
        self.notes.push(match done {
            Ok(()) => format!(
                "{image} was registered by its tag, so {key} says `{IMAGES_ANNOTATION}: {new}`, and nothing is deployed. Without that annotation its digest is registered, which is one deployment, and from then on a moved tag is seen."
            ),
            Err(_) => format!(
                "By hand: give {key} the annotation `{IMAGES_ANNOTATION}: {new}`; without it the digest of {image} is registered, which is one deployment."
            ),
        });
    }

    /// Puts one value in where it then counts.
    fn put(&mut self, key: &Key, part: Part, path: &[String], want: &Value) -> Result<(), String> {
        let mut found = "no document of its manifest holds it or has a sure place for it";
        let mut order: Vec<usize> = (0..self.files.len()).collect();
        let rank = |index: &usize| {
            let path = &self.files[*index].path;
            let overlay = overlay_of(path, &self.scope.roots).is_some();
            (overlay, self.scope.rank(path))
        };
        order.sort_by(|a, b| rank(b).cmp(&rank(a)));
        for index in order {
            for (index, root) in self.roots(index, key, part) {
                let Ok(text) = std::str::from_utf8(&self.files[index].bytes) else {
                    continue;
                };
                let own = edit::at(&root, path);
                if own
                    .and_then(Node::as_text)
                    .is_some_and(|text| text.contains("${"))
                {
                    found = "its value is a variable of the Environment; change that";
                    continue;
                }
                let Some(new) = edit::with(text, &root, path, want) else {
                    continue;
                };
                // What other tools read as JSON stays that.
                let json = Path::new(&self.files[index].path)
                    .extension()
                    .is_some_and(|extension| extension == "json");
                if json && serde_json::from_str::<serde::de::IgnoredAny>(&new).is_err() {
                    continue;
                }
                let mut files = self.files.clone();
                files[index].bytes = new.into_bytes();
                let loaded = (self.load)(&files, self.scope);
                if self.means(&loaded, key, part, path, want) {
                    self.files = files;
                    self.loaded = loaded;
                    return Ok(());
                }
                found = "a change where it stands would not give it, or would change more than it";
            }
        }
        let origin = self.loaded.set.get(key).map(|one| one.origin.file.as_str());
        let origin = origin.unwrap_or_default();
        if jsonnet::form(origin).is_some() {
            return Err(format!("{origin} computes it"));
        }
        Err(format!("{found} (the manifest is in {origin})"))
    }

    /// The values below which a path of this manifest may stand in a file, or in the file that it names for its spec:
    /// with the index of their file.
    fn roots(&self, index: usize, key: &Key, part: Part) -> Vec<(usize, Node)> {
        let file = &self.files[index];
        let (None, Ok(text)) = (jsonnet::form(&file.path), std::str::from_utf8(&file.bytes)) else {
            return Vec::new();
        };
        // Most files do not name it, and need not be parsed.
        if self.scope.excludes(&file.path) || !text.contains(key.name.as_str()) {
            return Vec::new();
        }
        let mut roots = Vec::new();
        for document in yaml::parse(text).documents {
            let root = document.root;
            let name = root.get(&["metadata", "name"]).and_then(Node::as_text);
            if root.text("kind") != Some(key.kind.as_str()) || name != Some(&key.name) {
                continue;
            }
            let member = |name: &str| root.get(&[name]).cloned();
            match part {
                Part::Beside => roots.push((index, root.clone())),
                Part::Metadata => roots.extend(member("metadata").map(|one| (index, one))),
                Part::Spec => {
                    roots.extend(member("spec").map(|one| (index, one)));
                    let name = root.text(SPEC_FILE);
                    let path = name.and_then(|name| file_reference::beside(&file.path, name));
                    roots.extend(
                        path.map(|path| self.of_spec_file(&path))
                            .unwrap_or_default(),
                    );
                }
            }
        }
        roots
    }

    fn of_spec_file(&self, path: &str) -> Vec<(usize, Node)> {
        let Some(index) = self.files.iter().position(|file| file.path == path) else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(&self.files[index].bytes);
        let documents = yaml::parse(&text).documents.into_iter();
        let roots = documents.flat_map(|one| {
            // As AWS describes it, too.
            let within = one.root.get(&["taskDefinition"]).cloned();
            let within = within.filter(|one| matches!(one.data, Data::Map(_)));
            within.into_iter().chain([one.root])
        });
        roots.map(|root| (index, root)).collect()
    }

    /// Whether what was read declares the wanted value at that path, and all else as before.
    fn means(&self, loaded: &Loaded, key: &Key, part: Part, path: &[String], want: &Value) -> bool {
        let (old, new) = (&self.loaded.set, &loaded.set);
        let others = |set: &super::DesiredSet| set.resources.len();
        let same = old.invalid == new.invalid && others(old) == others(new);
        let differs = |one: &&super::Resource| {
            one.key != *key
                && new
                    .get(&one.key)
                    .is_none_or(|other| !one.same_desire(other))
        };
        let (Some(before), Some(after)) = (old.get(key), new.get(key)) else {
            return false;
        };
        if !same || old.resources.values().find(differs).is_some() {
            return false;
        }
        let [mut was, mut is] = [before, after].map(|one| match part {
            Part::Spec => one.spec.clone(),
            Part::Beside => Value::Object(one.beside.clone()),
            Part::Metadata => serde_json::json!({"annotations": one.annotations}),
        });
        let rest = before.spec == after.spec || part == Part::Spec;
        let rest = rest && (before.beside == after.beside || part == Part::Beside);
        let rest = rest && (before.annotations == after.annotations || part == Part::Metadata);
        if part == Part::Metadata {
            // What stands there is the annotations' own document.
            for one in [&mut was, &mut is] {
                if let Some(all) = one["annotations"].as_object_mut() {
                    all.remove(IMAGES_ANNOTATION);
                }
            }
            let wanted = want.as_str().or_else(|| want[IMAGES_ANNOTATION].as_str());
            let given = after.annotations.get(IMAGES_ANNOTATION).map(String::as_str);
            return rest && was == is && given == wanted;
        }
        let was = was.to_string();
        let Some(root) = yaml::parse(&was).documents.into_iter().next() else {
            return false;
        };
        let expected = edit::with(&was, &root.root, path, want);
        let expected = expected.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        rest && expected == Some(is)
    }

    /// Says for which other environments the files now declare something else.
    fn tell_others(&mut self, before: &[SourceFile]) {
        let all = environments(before);
        let chosen = self.scope.environment.as_deref();
        let mut touched = Vec::new();
        for name in all.names().filter(|name| Some(*name) != chosen) {
            let scope = Scope {
                environment: Some(name.to_owned()),
                ..self.scope.clone()
            };
            let [old, new] =
                [before, self.files.as_slice()].map(|files| (self.load)(files, &scope));
            let same = |one: &super::Resource| {
                let other = new.set.get(&one.key);
                other.is_some_and(|other| one.same_desire(other))
            };
            if !old.set.resources.values().all(same) {
                touched.push(name.to_owned());
            }
        }
        if !touched.is_empty() {
            self.notes.push(format!(
                "These files are shared: this changes what is declared of the environments {} too. To have it in one alone, put it into its overlay.",
                touched.join(", ")
            ));
        }
    }
}

#[cfg(test)]
#[path = "tests/accept.rs"]
mod tests;
