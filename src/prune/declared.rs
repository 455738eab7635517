//! Whether a manifest declares a resource at AWS, or names it. Pure.
//!
//! Invariants:
//! - By name where the kind has one, so that a manifest whose resource could not be read still declares it.
//! - Listeners and rules have none: while the ARN of one that is declared is not known, none is an orphan.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Subject;
use super::orphan::{items, text};
use crate::manifest::{DesiredSet, Resource};
use crate::model::{FactBoard, Key, Kind};

/// The identities of everything that is declared.
#[derive(Debug)]
pub(super) struct Declared<'a> {
    set: &'a DesiredSet,
    arns: BTreeSet<&'a str>,
    subjects: BTreeSet<Subject>,
    /// A declared listener or rule whose ARN is not known.
    unknown: [Option<&'a Key>; 2],
}

/// What is known of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// A manifest declares it.
    Declared,
    /// None does.
    Orphan,
    /// It cannot be told; the text says why.
    Unknown(String),
}

impl<'a> Declared<'a> {
    /// Of this set, with what its last passes told.
    pub(super) fn new(set: &'a DesiredSet, facts: &'a FactBoard) -> Self {
        let arn = |key: &Key| facts.get(key).and_then(|facts| facts.arn.as_deref());
        let unknown = [Kind::Listener, Kind::ListenerRule].map(|kind| {
            let mut all = set.of_kind(kind).map(|one| &one.key);
            all.find(|key| arn(key).is_none())
        });
        Self {
            set,
            arns: set.resources.keys().filter_map(arn).collect(),
            subjects: set
                .resources
                .values()
                .flat_map(|one| subjects(set, one))
                .collect(),
            unknown,
        }
    }

    /// Whether this one is declared.
    pub(super) fn is(&self, subject: &Subject, arn: &str) -> Is {
        if self.arns.contains(arn) || self.subjects.contains(subject) {
            return Is::Declared;
        }
        let unknown = match subject {
            Subject::Listener(_) => self.unknown[0],
            Subject::ListenerRule(_) => self.unknown[1],
            _ => None,
        };
        match unknown {
            Some(key) => Is::Unknown(format!(
                "{subject} may be that of {key}, whose ARN is not known"
            )),
            None => Is::Orphan,
        }
    }

    /// A manifest that names a resource which none declares: by ARN anywhere, or by name where names stand
    /// for what is not in the set.
    pub(super) fn naming(&self, subject: &Subject, arn: &str) -> Option<&'a Key> {
        let mut all = self.set.resources.values();
        all.find(|one| mentions(&one.spec, arn) || self.names(one, subject))
            .map(|one| &one.key)
    }

    fn names(&self, one: &Resource, subject: &Subject) -> bool {
        match (subject, one.key.kind) {
            (Subject::Cluster(cluster), Kind::Service) => self.set.service_names(one).0 == cluster,
            (Subject::Cluster(cluster), Kind::DeploymentGroup) => {
                services(&one.spec).any(|(named, _)| named == cluster)
            }
            (Subject::Service(cluster, name), Kind::DeploymentGroup) => {
                services(&one.spec).any(|named| named == (cluster, name))
            }
            (Subject::Service(cluster, name), Kind::ScalableTarget | Kind::ScalingPolicy) => {
                text(&one.spec, "ResourceId") == format!("service/{cluster}/{name}")
            }
            (Subject::ScalableTarget(id), Kind::ScalingPolicy) => {
                text(&one.spec, "ResourceId") == id
            }
            (Subject::TargetGroup(name), Kind::DeploymentGroup) => {
                let balancing = one.spec.get("loadBalancerInfo");
                balancing.is_some_and(|balancing| mentions(balancing, name))
            }
            (Subject::ImageRepository(name), Kind::TaskDefinition) => {
                self.set.uses_images_of(one, name)
            }
            _ => false,
        }
    }
}

/// What a manifest declares at AWS, as far as names tell.
fn subjects(set: &DesiredSet, one: &Resource) -> Vec<Subject> {
    let name = || one.aws_name().to_owned();
    match one.key.kind {
        Kind::Cluster => vec![Subject::Cluster(name())],
        Kind::ImageRepository => vec![Subject::ImageRepository(name())],
        Kind::TargetGroup => vec![Subject::TargetGroup(name())],
        Kind::LoadBalancer => vec![Subject::LoadBalancer(name())],
        Kind::Service => {
            let (cluster, name) = set.service_names(one);
            vec![Subject::Service(cluster.to_owned(), name.to_owned())]
        }
        Kind::DeploymentGroup => {
            let application = text(&one.spec, "applicationName").to_owned();
            vec![
                Subject::DeploymentGroup(application.clone(), name()),
                Subject::Application(application),
            ]
        }
        Kind::ScalableTarget => {
            vec![Subject::ScalableTarget(
                text(&one.spec, "ResourceId").to_owned(),
            )]
        }
        Kind::TaskDefinition | Kind::Listener | Kind::ListenerRule | Kind::ScalingPolicy => {
            Vec::new()
        }
    }
}

/// Cluster and name of each service that a deployment group names.
pub(super) fn services(group: &Value) -> impl Iterator<Item = (&str, &str)> {
    items(group, "ecsServices").map(|named| {
        let cluster = text(named, "clusterName");
        let cluster = cluster
            .rsplit_once(":cluster/")
            .map_or(cluster, |(_, name)| name);
        let cluster = if cluster.is_empty() {
            "default"
        } else {
            cluster
        };
        (cluster, text(named, "serviceName"))
    })
}

/// Whether a text stands anywhere in a document, as a whole.
fn mentions(document: &Value, text: &str) -> bool {
    match document {
        Value::String(one) => one == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(members) => members.values().any(|member| mentions(member, text)),
        _ => false,
    }
}
