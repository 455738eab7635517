//! From files to the desired set: the order of the steps. Each step is a module of its own.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, Findings};
use super::envelope::{self, Content, Draft, Reading};
use super::environment::ENVIRONMENT;
use super::file_reference::Library;
use super::jsonnet::{self, Computed, UNJUDGED};
use super::link::{self, Needs};
use super::located::Located;
use super::overlays::{self, Overlays};
use super::schema::Link;
use super::scope::{self, Scope, environments};
use super::set::{DesiredSet, Origin, Reference, Resource};
use super::tree::Place;
use super::world::{Ledger, World};
use super::{claims, mask, rules};
use crate::jsonnet::Answers;
use crate::model::Kind;

/// Larger files are refused: a task definition may have 64 KiB (aws-facts 3.2), so this is a dozen
/// of the largest in one file, and reading it takes well under a second.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// More files are refused: twice the services that one cluster may have (5,000, aws-facts 3.2), at
/// one file a service.
pub const MAX_FILES: usize = 10_000;

/// Findings shown of one file; more help nobody, and a file of rubbish could have a million.
const MAX_FINDINGS: usize = 100;

/// A file as it was read from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, relative to the source's root.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// How strictly to load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Members and enum values that the catalogue does not have give a warning and reach AWS.
    pub allow_unknown_fields: bool,
}

/// What the files hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The manifests.
    pub set: DesiredSet,
    /// Every finding, by file and line.
    pub diagnostics: Vec<Diagnostic>,
    /// The `SandboxSeed` documents, whole.
    pub seeds: Vec<Value>,
    /// How many manifests were read, those with errors included, seeds not.
    pub manifests: usize,
    /// Whether a file may come out otherwise the next time, though nothing changes: its evaluation was not
    /// finished.
    pub unfinished: bool,
}

/// A text and what to mask in it.
#[derive(Debug)]
pub(super) struct Readable<'a> {
    pub(super) path: &'a str,
    pub(super) content: &'a str,
    pub(super) secrets: Vec<(usize, usize)>,
}

/// Reads every file, for no environment and without Jsonnet. Never fails: what is wrong is among the
/// diagnostics, and the rest is in the set.
pub fn load(files: &[SourceFile], options: &LoadOptions) -> Loaded {
    load_in(files, options, &Scope::default(), &Answers::new())
}

/// Reads every file for one environment. `answers`: what came of the Jsonnet files that
/// [`super::jsonnet()`] wants evaluated.
pub fn load_in(
    files: &[SourceFile],
    options: &LoadOptions,
    scope: &Scope,
    answers: &Answers,
) -> Loaded {
    load_located(files, options, scope, answers).0
}

/// Reads every file for one environment, as [`load_in`]; gives the places of every member too.
pub fn load_located<'a>(
    files: &'a [SourceFile],
    options: &LoadOptions,
    scope: &Scope,
    answers: &'a Answers,
) -> (Loaded, Located<'a>) {
    let environments = environments(files);
    let variables = scope.variables(&environments);
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| scope.rank(&a.path).cmp(&scope.rank(&b.path)));
    let unfetched = variables.as_ref().map(|(all, _)| all.unfetched.clone());
    let computed = Computed::new(answers, &files, scope, unfetched.unwrap_or_default());
    let library = Library::of(&files, &computed);
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut loaded = Loaded::default();
    let mut ledger = Ledger::default();
    let mut texts = Vec::new();
    let mut unreadable = Vec::new();
    let mut written = Vec::new();
    let mut overlays = Overlays::new(scope, &environments);
    for (index, file) in files.iter().enumerate() {
        let mut findings = Findings::of(&file.path);
        let text = match index.cmp(&MAX_FILES) {
            Ordering::Less => text_of(file, &mut findings),
            Ordering::Equal => too_many(&mut findings),
            Ordering::Greater => None,
        };
        ledger.diagnostics.append(&mut findings.list);
        let Some(text) = text else {
            unreadable.push(file.path.as_str());
            continue;
        };
        let parsed = computed.documents(file);
        let mut secrets: Vec<_> = match jsonnet::form(&file.path) {
            Some(_) => mask::guessed_spans(text),
            None => parsed
                .documents
                .iter()
                .flat_map(|one| mask::secret_spans(&one.root))
                .collect(),
        };
        let is_library =
            parsed.broken.is_none() && computed.is_library(&file.path, &parsed.documents);
        if let Some(broken) = parsed.broken {
            unreadable.push(&file.path);
            secrets = mask::guessed_spans(text);
            let found = if broken.code == UNJUDGED {
                findings.warning(broken.code, broken.place, "", broken.message)
            } else {
                findings.error(broken.code, broken.place, "", broken.message)
            };
            found.hint = broken.hint.map(str::to_owned);
        }
        secrets.sort_unstable();
        texts.push(Readable {
            path: &file.path,
            content: text,
            secrets,
        });
        if library.holds(&file.path) {
            for document in parsed.documents {
                overlays::report(document.mistakes, &mut findings);
            }
            ledger.diagnostics.append(&mut findings.list);
            continue;
        }
        if is_library {
            continue;
        }
        overlays.sort_in(
            index,
            &file.path,
            parsed.documents,
            &mut written,
            &mut findings,
        );
        ledger.diagnostics.append(&mut findings.list);
    }
    overlays.merge_into(&mut written, &library, &paths);
    let reading = Reading {
        allow_unknown: options.allow_unknown_fields,
        library: &library,
        variables: variables.as_ref().map(|(variables, _)| variables),
    };
    let mut drafts = Vec::new();
    let mut names = BTreeSet::new();
    for mut document in written {
        let mut findings = Findings::of(document.file);
        findings.list = document.findings;
        if let Some((variables, _)) = &variables
            && document.root.text("kind") != Some(ENVIRONMENT)
        {
            variables.put_in(&mut document.root, &mut findings);
        }
        let content = envelope::read(&document.root, &reading, &mut findings);
        match content {
            Content::Manifest(draft) => drafts.push(*draft),
            Content::Seed(seed) if findings.first_error().is_none() => loaded.seeds.push(seed),
            Content::Environment(_, place) if place.is_computed() => {
                jsonnet::refuse_environment(place, &mut findings);
            }
            Content::Environment(one, place) => {
                if !names.insert(one.name.clone()) {
                    scope::duplicate(&one.name, place, &mut findings);
                }
            }
            Content::Seed(_) | Content::Unknown => {}
        }
        ledger.diagnostics.append(&mut findings.list);
    }
    for draft in &drafts {
        if let Some(error) = &draft.error {
            ledger
                .errors
                .entry(draft.key.clone())
                .or_insert_with(|| error.clone());
        }
    }
    loaded.manifests = drafts.len();
    loaded.unfinished = computed.is_unfinished();
    loaded.set = join(&drafts, &unreadable, &mut ledger);
    loaded.set.secrets = variables.map(|(_, secrets)| secrets).unwrap_or_default();
    for found in &mut ledger.diagnostics {
        found.message = loaded.set.secrets.hide(&found.message);
    }
    loaded.diagnostics = finished(ledger.diagnostics, &texts, &paths);
    let located = Located::new(drafts, texts, paths, loaded.set.secrets.clone());
    (loaded, located)
}

fn text_of<'a>(file: &'a SourceFile, findings: &mut Findings<'_>) -> Option<&'a str> {
    let start = Place::default();
    if file.bytes.len() > MAX_FILE_BYTES {
        let message = format!(
            "the file has {} bytes; at most {MAX_FILE_BYTES} are read",
            file.bytes.len()
        );
        findings
            .error("too-large", start, "", message)
            .hint("Spread its manifests over several files.");
        return None;
    }
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = &file.bytes[..error.valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            let message = "the file is not UTF-8";
            findings
                .error(
                    "encoding",
                    Place {
                        line,
                        column: 1,
                        ..start
                    },
                    "",
                    message,
                )
                .hint("Save it as UTF-8.");
            None
        }
    }
}

fn too_many(findings: &mut Findings<'_>) -> Option<&'static str> {
    let message = format!(
        "the source has more than {MAX_FILES} manifest files; this one and those after it are not read"
    );
    findings
        .error("too-many", Place::default(), "", message)
        .hint("Split the source.");
    None
}

/// Checks the drafts together and joins those without an error into the set.
fn join(drafts: &[Draft], unreadable: &[&str], ledger: &mut Ledger) -> DesiredSet {
    let world = World::new(drafts);
    claims::check(drafts, &world, ledger);
    link::dangling(drafts, &world, unreadable, ledger);
    for draft in drafts {
        let mut findings = Findings::of(draft.file_of_spec());
        rules::check(draft, &world, &mut findings);
        ledger.take(&draft.key, findings);
    }
    let needs = link::needs(&world);
    link::circles(&link::order(&needs, drafts, &world), &world, ledger);
    link::hold_back(&needs, &world, ledger);
    let invalid = ledger
        .errors
        .iter()
        .map(|(key, error)| (key.clone(), error.message.clone()));
    let mut set = DesiredSet {
        invalid: invalid.collect(),
        ..DesiredSet::default()
    };
    for draft in drafts
        .iter()
        .filter(|draft| !set.invalid.contains_key(&draft.key))
    {
        set.resources
            .insert(draft.key.clone(), resource(draft, &needs, &world));
    }
    set
}

fn resource(draft: &Draft, needs: &Needs, world: &World<'_>) -> Resource {
    let mut spec = draft.spec.to_value();
    let written_in = |link: &&Link| link.target.kind == Kind::Service;
    for link in draft.links.iter().filter(written_in) {
        write_service_names(&mut spec, link, world);
    }
    Resource {
        key: draft.key.clone(),
        labels: draft.labels.clone(),
        annotations: draft.annotations.clone(),
        spec,
        beside: draft.beside.clone(),
        references: draft
            .links
            .iter()
            .filter(|link| !written_in(link))
            .map(|link| Reference {
                pointer: link.pointer.clone(),
                member: link.row.aws,
                ask: link.row.ask,
                target: link.target.clone(),
            })
            .collect(),
        needs: needs.get(&draft.key).cloned().unwrap_or_default(),
        origin: Origin {
            file: draft.file.clone(),
            line: draft.place.line,
        },
    }
}

/// A service's names are in its manifest: they are written in at once, and nothing has to be known
/// of the live service.
fn write_service_names(spec: &mut Value, link: &Link, world: &World<'_>) -> Option<()> {
    let service = world.get(&link.target)?;
    let (parent, member) = link.pointer.rsplit_once('/')?;
    let element: &mut Map<_, _> = spec.pointer_mut(parent)?.as_object_mut()?;
    element.shift_remove(member);
    if link.row.aws == "ResourceId" {
        let id = format!(
            "service/{}/{}",
            world.cluster_of(service),
            service.aws_name()
        );
        element.insert("ResourceId".to_owned(), id.into());
        return Some(());
    }
    element.insert("serviceName".to_owned(), service.aws_name().into());
    element.insert("clusterName".to_owned(), world.cluster_of(service).into());
    Some(())
}

/// The findings in order, with their excerpts: of each file the first [`MAX_FINDINGS`].
fn finished(
    mut diagnostics: Vec<Diagnostic>,
    texts: &[Readable<'_>],
    paths: &[&str],
) -> Vec<Diagnostic> {
    for found in &mut diagnostics {
        let other = found.place.other_file.checked_sub(1);
        if let Some(path) = other.and_then(|index| paths.get(index)) {
            (*path).clone_into(&mut found.file);
        }
    }
    let by_path: BTreeMap<&str, &Readable<'_>> =
        texts.iter().map(|text| (text.path, text)).collect();
    diagnostics.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let mut out = Vec::new();
    for of_file in diagnostics.chunk_by(|a, b| a.file == b.file) {
        let (shown, rest) = of_file.split_at(of_file.len().min(MAX_FINDINGS));
        for found in shown {
            let text = by_path.get(found.file.as_str());
            let text = text.filter(|_| !found.place.is_computed());
            let excerpt = text.map(|text| mask::excerpt(text.content, &text.secrets, found.place));
            out.push(Diagnostic {
                excerpt,
                ..found.clone()
            });
        }
        if let Some(next) = rest.first() {
            let mut findings = Findings::of(&next.file);
            let message = format!("{} more findings in this file are not shown", rest.len());
            findings.error("too-many-findings", next.place, "", message);
            out.append(&mut findings.list);
        }
    }
    out
}
