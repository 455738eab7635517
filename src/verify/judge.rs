//! What the judges share: the manifests, the facts, the places of what they find. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::question::{Answer, Facts, Ignorance, Question};
use crate::manifest::{DesiredSet, Resource, Severity};
use crate::model::{Key, Kind};

/// The account and region that are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The account's id.
    pub(super) account: String,
    /// The region's name.
    pub(super) region: String,
}

/// One finding about a member of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// An error is what AWS will refuse, or what cannot work; a warning wants a look.
    pub severity: Severity,
    /// A stable word for the sort of finding.
    pub code: &'static str,
    /// The manifest.
    pub key: Key,
    /// JSON pointer into its spec, or a path of what stands beside it.
    pub pointer: String,
    /// What is wrong, with the value.
    pub message: String,
    /// The cure.
    pub hint: String,
}

/// Something that was not looked at, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What it is about.
    pub what: String,
    /// Why.
    pub why: Ignorance,
    /// The members that need it: manifest and pointer.
    pub places: BTreeSet<(Key, String)>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// What is wrong, by manifest.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub unknown: Vec<Open>,
    /// What this program does not look at.
    pub unchecked: Vec<Open>,
    /// How many things were looked at.
    pub looked_at: usize,
    /// What must be known to judge the rest.
    pub(super) open: BTreeSet<Question>,
}

/// Judges everything by what is known so far.
pub(super) fn judge(set: &DesiredSet, place: &Place, facts: &Facts) -> Judged {
    let mut judge = Judge::new(set, place, facts);
    for resource in set.resources.values() {
        judge.about(resource);
        match resource.key.kind {
            Kind::TaskDefinition => {
                judge.task_roles();
                judge.images();
                judge.secrets();
                judge.log_groups();
            }
            Kind::Service => {
                judge.cluster();
                judge.service_roles();
                judge.service_network();
                judge.service_targets();
                judge.service_secrets();
                judge.native_routing();
                judge.hooks();
            }
            Kind::TargetGroup => judge.vpc(),
            Kind::LoadBalancer => judge.load_balancer_network(),
            Kind::Listener | Kind::ListenerRule => judge.forwards(),
            Kind::DeploymentGroup => judge.deployment_group(),
            // They name nothing that would have to be there.
            Kind::Cluster | Kind::ImageRepository | Kind::ScalableTarget | Kind::ScalingPolicy => {}
        }
    }
    judge.finished()
}

/// A judge of one manifest after the other.
pub(super) struct Judge<'a> {
    pub(super) set: &'a DesiredSet,
    pub(super) place: &'a Place,
    facts: &'a Facts,
    /// Listeners and rules of the set by the target groups that they forward to.
    fronts: BTreeMap<&'a Key, Vec<&'a Resource>>,
    resource: Option<&'a Resource>,
    findings: Vec<Finding>,
    unknown: BTreeMap<&'a Question, Open>,
    unchecked: BTreeMap<(String, String), BTreeSet<(Key, String)>>,
    open: BTreeSet<Question>,
}

/// The document of a manifest that lacks one.
static NOTHING: Value = Value::Null;

impl<'a> Judge<'a> {
    pub(super) fn new(set: &'a DesiredSet, place: &'a Place, facts: &'a Facts) -> Self {
        let mut fronts: BTreeMap<&Key, Vec<&Resource>> = BTreeMap::new();
        let all = set
            .of_kind(Kind::Listener)
            .chain(set.of_kind(Kind::ListenerRule));
        for front in all {
            for reference in &front.references {
                if reference.target.kind == Kind::TargetGroup {
                    fronts.entry(&reference.target).or_default().push(front);
                }
            }
        }
        Self {
            set,
            place,
            facts,
            fronts,
            resource: None,
            findings: Vec::new(),
            unknown: BTreeMap::new(),
            unchecked: BTreeMap::new(),
            open: BTreeSet::new(),
        }
    }

    /// Turns to a manifest.
    pub(super) fn about(&mut self, resource: &'a Resource) {
        self.resource = Some(resource);
    }

    pub(super) fn finished(self) -> Judged {
        let unchecked = self
            .unchecked
            .into_iter()
            .map(|((what, why), places)| Open {
                what,
                why: Ignorance { why, action: None },
                places,
            });
        Judged {
            findings: self.findings,
            unknown: self.unknown.into_values().collect(),
            unchecked: unchecked.collect(),
            looked_at: self.facts.known(),
            open: self.open,
        }
    }

    /// The manifest in hand.
    pub(super) fn resource(&self) -> Option<&'a Resource> {
        self.resource
    }

    /// Its spec.
    pub(super) fn spec(&self) -> &'a Value {
        self.resource.map_or(&NOTHING, |resource| &resource.spec)
    }

    /// Asks for a fact. `None`: it is not known (yet), and whoever asked has nothing to say;
    /// `Some(None)`: it is not there.
    #[expect(
        clippy::option_option,
        reason = "whether it is known, and if so, whether it is there"
    )]
    pub(super) fn ask(&mut self, question: Question, pointer: &str) -> Option<Option<&'a Value>> {
        let here = self
            .resource
            .map(|resource| (resource.key.clone(), pointer.to_owned()));
        match self.facts.entry(&question) {
            None => {
                self.open.insert(question);
                None
            }
            Some((_, Answer::Present(value))) => Some(Some(value)),
            Some((_, Answer::Absent)) => Some(None),
            Some((question, Answer::Unknown(why))) => {
                let open = self.unknown.entry(question).or_insert_with(|| Open {
                    what: question.what(),
                    why: why.clone(),
                    places: BTreeSet::new(),
                });
                open.places.extend(here);
                None
            }
            Some((question, Answer::NotAsked(why))) => {
                self.unchecked(question.what(), why, pointer);
                None
            }
        }
    }

    /// What is known without asking.
    pub(super) fn known(&self, question: &Question) -> Option<&'a Answer> {
        self.facts.get(question)
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.find(Severity::Error, code, pointer, message.into(), hint.into());
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.find(
            Severity::Warning,
            code,
            pointer,
            message.into(),
            hint.into(),
        );
    }

    fn find(
        &mut self,
        severity: Severity,
        code: &'static str,
        pointer: &str,
        message: String,
        hint: String,
    ) {
        let Some(resource) = self.resource else {
            return;
        };
        self.findings.push(Finding {
            severity,
            code,
            key: resource.key.clone(),
            pointer: pointer.to_owned(),
            message,
            hint,
        });
    }

    /// Says that something is not looked at.
    pub(super) fn unchecked(&mut self, what: String, why: &str, pointer: &str) {
        let Some(resource) = self.resource else {
            return;
        };
        self.unchecked
            .entry((what, why.to_owned()))
            .or_default()
            .insert((resource.key.clone(), pointer.to_owned()));
    }

    /// The manifest that stands in the place of an AWS member, if one does: `parent` is the pointer of
    /// what holds the member.
    pub(super) fn referred(
        &self,
        resource: &'a Resource,
        parent: &str,
        member: &str,
    ) -> Option<&'a Resource> {
        let reference = resource.references.iter().find(|reference| {
            let stands_in = reference.pointer.strip_prefix(parent).and_then(|rest| {
                let mut steps = rest.strip_prefix('/')?.split('/');
                steps.next()?;
                // `listenerRefs/0` stands for an element of `listenerArns`.
                Some(match steps.next() {
                    None => true,
                    Some(index) => index == "0" && steps.next().is_none(),
                })
            });
            reference.member == member && stands_in == Some(true)
        })?;
        self.set.get(&reference.target)
    }

    /// The listeners and rules of the set that forward to a target group of the set.
    pub(super) fn fronts(&self, target_group: &Key) -> &[&'a Resource] {
        self.fronts.get(target_group).map_or(&[], Vec::as_slice)
    }
}

/// The string member `name` at a pointer of a document.
pub(super) fn text<'a>(document: &'a Value, pointer: &str) -> Option<&'a str> {
    document.pointer(pointer).and_then(Value::as_str)
}

/// A scalar as a text: the answers of Query services have no numbers and no booleans.
pub(super) fn scalar(document: &Value, pointer: &str) -> Option<String> {
    match document.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

/// The elements of the list at a pointer, each with its own pointer.
pub(super) fn items<'a>(
    document: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (String, &'a Value)> {
    let list = document.pointer(pointer).and_then(Value::as_array);
    let pointer = pointer.to_owned();
    list.into_iter()
        .flatten()
        .enumerate()
        .map(move |(at, item)| (format!("{pointer}/{at}"), item))
}

/// The strings of the list at a pointer, each with its own pointer.
pub(super) fn texts<'a>(
    document: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (String, &'a str)> {
    items(document, pointer).filter_map(|(at, item)| Some((at, item.as_str()?)))
}
