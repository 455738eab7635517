//! Shared, batched reads of AWS. I/O; decides nothing.
//!
//! One read serves every pass that wants it: services by ten, target groups and load balancers by
//! page, images by repository, task definitions for ever by ARN (they are immutable).
//!
//! Invariants:
//! - No read fails: a fault becomes [`Seen::Unknown`].
//! - A read taken before the moment that its reader names is not used.
//! - Every paged read follows its token to the end, or is unknown.

mod batch;
mod codedeploy;
mod ecr;
mod ecs;
mod elb;
mod inventory;
mod scaling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use self::batch::Batch;
use super::pages::{Listing, Token, list};
use super::{Aws, Fault};
use crate::clock::Clock;
use crate::model::{Call, Moment, Seen, Service};

pub use ecr::MANIFESTS;
pub use elb::Bag;

/// The reader of one account and region.
#[derive(Debug)]
pub struct Observer {
    aws: Aws,
    clock: Clock,
    clusters: Batch<String, Value>,
    services: Batch<(String, String), Value>,
    task_definitions: Batch<String, Value>,
    revisions: Batch<String, Vec<String>>,
    /// Revisions that this process registered lately, by family, until AWS's listing shows them.
    registered: Mutex<BTreeMap<String, (String, Moment)>>,
    service_deployments: Batch<String, Value>,
    service_revisions: Batch<String, Value>,
    repositories: Batch<String, Value>,
    repository_tags: Batch<String, Value>,
    lifecycle_policies: Batch<String, String>,
    repository_policies: Batch<String, String>,
    images: Batch<(String, String), String>,
    target_groups: Batch<(), Arc<BTreeMap<String, Value>>>,
    load_balancers: Batch<(), Arc<BTreeMap<String, Value>>>,
    listeners: Batch<String, Vec<Value>>,
    rules: Batch<String, Vec<Value>>,
    target_health: Batch<String, Value>,
    elb_tags: Batch<String, Value>,
    elb_attributes: Batch<(Bag, String), Value>,
    applications: Batch<String, Value>,
    deployment_groups: Batch<(String, String), Value>,
    codedeploy_tags: Batch<String, Value>,
    deployments: Batch<String, Value>,
    targets: Batch<(String, String), Value>,
    failures: Batch<(String, String), Vec<String>>,
    scalable_targets: Batch<String, Value>,
    scalable_target_tags: Batch<String, Value>,
    scaling_policies: Batch<(), Arc<scaling::Policies>>,
}

impl Observer {
    /// A reader with empty caches.
    pub fn new(aws: Aws, clock: Clock) -> Self {
        Self {
            aws,
            clock,
            clusters: Batch::new(100),
            services: Batch::new(10),
            task_definitions: Batch::new(1),
            revisions: Batch::new(1),
            registered: Mutex::default(),
            service_deployments: Batch::new(1),
            service_revisions: Batch::new(20),
            repositories: Batch::new(100),
            repository_tags: Batch::new(1),
            lifecycle_policies: Batch::new(1),
            repository_policies: Batch::new(1),
            images: Batch::new(100),
            target_groups: Batch::new(1),
            load_balancers: Batch::new(1),
            listeners: Batch::new(1),
            rules: Batch::new(1),
            target_health: Batch::new(1),
            elb_tags: Batch::new(20),
            elb_attributes: Batch::new(1),
            applications: Batch::new(100),
            deployment_groups: Batch::new(100),
            codedeploy_tags: Batch::new(1),
            deployments: Batch::new(25),
            targets: Batch::new(1),
            failures: Batch::new(1),
            scalable_targets: Batch::new(50),
            scalable_target_tags: Batch::new(1),
            scaling_policies: Batch::new(1),
        }
    }

    /// The region that is read.
    pub fn region(&self) -> &str {
        self.aws.region()
    }

    /// The account that is read; empty until STS has told it.
    pub fn account(&self) -> &str {
        self.aws.known_account().unwrap_or_default()
    }

    /// Takes in that a call was carried out: tags that it wrote are read anew when next asked for,
    /// however old a reading would do.
    pub fn wrote(&self, call: &Call) {
        if !["AddTags", "RemoveTags", "TagResource", "UntagResource"].contains(&call.operation) {
            return;
        }
        let member = |name: &str| text(&call.input, name);
        let now = self.clock.now();
        match call.service {
            Service::Elb => {
                let arns = call.input.get("ResourceArns").and_then(Value::as_array);
                for arn in arns.into_iter().flatten().filter_map(Value::as_str) {
                    self.elb_tags.outdate(&arn.to_owned(), now);
                }
            }
            Service::Ecr => self.repository_tags.outdate(&member("resourceArn"), now),
            Service::CodeDeploy => self.codedeploy_tags.outdate(&member("ResourceArn"), now),
            Service::Scaling => self
                .scalable_target_tags
                .outdate(&member("ResourceARN"), now),
            // ECS reads tags with their resources.
            _ => {}
        }
    }

    /// Every page of a listing, joined: the items under `items` of each answer.
    async fn pages(
        &self,
        service: Service,
        operation: &'static str,
        input: Value,
        items: &str,
        token: Token,
    ) -> Result<Vec<Value>, Fault> {
        let listing = Listing {
            service,
            operation,
            items,
            token,
            region: None,
        };
        self.aws.pages(&listing, input).await
    }
}

/// ECS, ECR and CodeDeploy.
const NEXT_TOKEN: Token = Token {
    asked: "nextToken",
    answered: "nextToken",
};

/// ELBv2.
const MARKER: Token = Token {
    asked: "Marker",
    answered: "NextMarker",
};

/// The string member `name` of a document, or the empty string.
fn text(document: &Value, name: &str) -> String {
    document
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The documents by the string member `name`.
fn by(documents: Vec<Value>, name: &str) -> BTreeMap<String, Value> {
    documents
        .into_iter()
        .map(|document| (text(&document, name), document))
        .collect()
}

/// Everything found is present; what is not in it is unknown.
fn present<K: Ord, V>(found: BTreeMap<K, V>) -> batch::Found<K, V> {
    found
        .into_iter()
        .map(|(key, value)| (key, Some(value)))
        .collect()
}

/// Tag → digest for what was asked, each absent, present or unknown.
type Images = BTreeMap<String, Seen<String>>;

/// The tags asked for.
type Tags = BTreeSet<String>;
