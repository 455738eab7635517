//! A resource of ours that no manifest declares, as its own service told it. Values only.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Subject;
use super::declared::services;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    /// What it is.
    pub subject: Subject,
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What else was read of it.
    pub live: Live,
}

/// What was read of it, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Live {
    /// Nothing but that it is there.
    ScalableTarget,
    /// The member of `DescribeServices`.
    Service(Value),
    /// The group (`DeploymentGroupInfo`), and those of its services that are there.
    DeploymentGroup {
        /// The group.
        group: Value,
        /// The members of `DescribeServices`, by cluster and name.
        services: BTreeMap<(String, String), Value>,
    },
    /// The names of the application's groups.
    Application(Vec<String>),
    /// The member of `DescribeRules`.
    ListenerRule(Value),
    /// The listener and its rules.
    Listener {
        /// The member of `DescribeListeners`.
        listener: Value,
        /// The members of `DescribeRules`, the default one included; none of a network load balancer.
        rules: Vec<Value>,
    },
    /// The group and its targets.
    TargetGroup {
        /// The member of `DescribeTargetGroups`.
        group: Value,
        /// How many targets are registered.
        targets: usize,
        /// How many are draining besides.
        draining: usize,
    },
    /// The load balancer.
    LoadBalancer {
        /// Whether deletion protection is on.
        protected: bool,
        /// The ARNs of its listeners.
        listeners: Vec<String>,
    },
    /// Whether the repository holds images.
    ImageRepository(bool),
    /// The member of `DescribeClusters`.
    Cluster(Value),
}

impl Orphan {
    /// The value of a tag.
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }

    /// Cluster and name of the services that it is or belongs to.
    pub(super) fn services(&self) -> Vec<(String, String)> {
        let owned = |(cluster, name): (&str, &str)| (cluster.to_owned(), name.to_owned());
        match (&self.subject, &self.live) {
            (Subject::Service(cluster, name), _) => vec![owned((cluster, name))],
            (Subject::ScalableTarget(id), _) => {
                let names = id.strip_prefix("service/");
                let names = names.and_then(|names| names.split_once('/'));
                names.map(owned).into_iter().collect()
            }
            (_, Live::DeploymentGroup { group, .. }) => services(group).map(owned).collect(),
            _ => Vec::new(),
        }
    }
}

/// The string member of a document; empty if it has none.
pub(super) fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The elements of a list member; none if it is missing, as an empty list of a Query answer is.
pub(super) fn items<'a>(document: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    let list = document.get(member).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// A count; 0 if it is missing.
pub(super) fn count(document: &Value, member: &str) -> u64 {
    document
        .get(member)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// Whether the commit in force of a source comes after another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// The source has no history, or the person who named its commit answers for it.
    None,
    /// It does.
    Follows,
    /// That is not known, or known not to be so; the text says why.
    NotKnown(String),
}

/// What is known of histories, by source mark and commit (empty where none is marked).
pub type Histories = BTreeMap<(String, String), History>;
