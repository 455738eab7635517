//! What tests of planners share: a desired set, facts, and views of it. Not compiled otherwise.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::tags::Spelling;
use super::{MEMBERS_TAG, Policy, View, members};
use crate::manifest::{DesiredSet, Origin, Resource};
use crate::model::{FactBoard, Facts, Key, Kind, Moment, Outcome, Plan, Seen};

/// A desired set with the facts that are known of it.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub(crate) set: DesiredSet,
    pub(crate) facts: FactBoard,
    pub(crate) policy: Policy,
}

impl Scene {
    /// Adds a manifest.
    pub(crate) fn with(mut self, kind: Kind, name: &str, spec: Value) -> Self {
        let key = Key::new(kind, name);
        let resource = Resource {
            key: key.clone(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            spec,
            beside: Map::new(),
            references: Vec::new(),
            needs: BTreeSet::new(),
            origin: Origin {
                file: "test.yaml".to_owned(),
                line: 1,
            },
        };
        self.set.resources.insert(key, resource);
        self
    }

    /// Puts a member beside the spec of a manifest.
    pub(crate) fn beside(mut self, kind: Kind, name: &str, member: &str, value: Value) -> Self {
        let resource = self.set.resources.get_mut(&Key::new(kind, name)).unwrap();
        resource.beside.insert(member.to_owned(), value);
        self
    }

    /// Lets a manifest need another one.
    pub(crate) fn needing(mut self, kind: Kind, name: &str, needed: Key) -> Self {
        self.set
            .resources
            .get_mut(&Key::new(kind, name))
            .unwrap()
            .needs
            .insert(needed);
        self
    }

    /// Makes a resource known by its ARN.
    pub(crate) fn known(mut self, kind: Kind, name: &str, arn: &str) -> Self {
        let facts = Facts {
            arn: Some(arn.to_owned()),
            ready: true,
            ..Facts::default()
        };
        self.facts.insert(Key::new(kind, name), facts);
        self
    }

    /// The view of one manifest, every reference of which is resolved.
    pub(crate) fn view(&self, kind: Kind, name: &str) -> View<'_> {
        let resource = self.set.get(&Key::new(kind, name)).unwrap();
        View {
            resource,
            spec: resource.spec.clone(),
            unresolved: Vec::new(),
            set: &self.set,
            facts: &self.facts,
            now: Moment(0),
            drifting_since: None,
            asked: None,
            heal_now: false,
            turn: None,
            policy: &self.policy,
            resetting: Vec::new(),
        }
    }
}

/// The live tags with the record of what the manifest declares, as the pass before left it. Tags that
/// were not read, or could not be, stay so.
pub(crate) fn recorded(view: &View<'_>, tags: Option<&Seen<Value>>) -> Option<Seen<Value>> {
    let kind = view.resource.key.kind;
    let text = members::to_remember(view, members::table(kind));
    let record = text.map(|text| Spelling::of(kind).tag(MEMBERS_TAG, &text));
    tags.cloned().map(|seen| {
        seen.map(|mut tags| {
            tags.as_array_mut().unwrap().extend(record);
            tags
        })
    })
}

/// Operation and input of each step.
pub(crate) fn calls(plan: &Plan) -> Vec<(&'static str, Value)> {
    plan.steps
        .iter()
        .map(|step| (step.call.operation, step.call.input.clone()))
        .collect()
}

/// The only step's operation and input.
pub(crate) fn only_call(plan: &Plan) -> (&'static str, Value) {
    let mut calls = calls(plan);
    assert_eq!(calls.len(), 1, "{plan:?}");
    calls.remove(0)
}

/// Asserts that nothing is to be done, and that nothing is wrong.
pub(crate) fn assert_converged(plan: &Plan) {
    assert_eq!(
        (plan.steps.as_slice(), &plan.outcome),
        (&[][..], &Outcome::Converged),
        "{plan:?}"
    );
    assert_eq!(plan.drift, []);
    assert!(
        plan.facts
            .as_ref()
            .is_some_and(|facts| facts.ready && facts.arn.is_some()),
        "{plan:?}"
    );
}

/// Asserts that nothing is written, for this reason.
pub(crate) fn assert_inert(plan: &Plan, reason: &str) {
    assert_eq!(plan.steps, [], "{plan:?}");
    assert_eq!(plan.outcome.reason(), reason, "{plan:?}");
}
