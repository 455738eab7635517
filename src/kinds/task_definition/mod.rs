//! An ECS task definition family. A revision never changes: what changes is which revision the
//! manifest asks for. One is registered only if no existing one has the content.
//!
//! Facts: ARN of the revision with the manifest's content, family, content digest; ready once it
//! exists. While an image is missing: not ready, and the newest other revision as a fallback.
//!
//! Tags are those of registration. A change of tags alone registers nothing; it takes effect with
//! the next revision.

mod images;
mod observe;
mod plan;
mod reuse;

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) use plan::differences;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Task definitions as a kind.
#[derive(Clone, Copy, Debug)]
pub struct TaskDefinition;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Digests by repository name and tag, for the images that lie in repositories of the set.
    pub images: BTreeMap<String, BTreeMap<String, Seen<String>>>,
    /// `ACTIVE` revision ARNs of the family, newest first, at most [`REVISIONS_LISTED`].
    pub revisions: Seen<Vec<String>>,
    /// Revisions of the family that services run now.
    pub running: Vec<String>,
    /// `{"taskDefinition", "tags"}` by ARN: of the running revisions and the newest few.
    pub documents: BTreeMap<String, Seen<Value>>,
}

/// How many ARNs [`Observed::revisions`] holds at most; fewer are all that there are.
pub const REVISIONS_LISTED: usize = 10;

/// How many of the newest revisions are looked at besides the running ones. Enough to take back a
/// change or two without a new revision, and few reads for a large set after a start.
const NEWEST_READ: usize = 3;

/// How two canonical task definitions are compared to name what has changed.
const RULES: Rules = Rules {
    members: &[
        ("/containerDefinitions", Treat::Keyed(&["name"])),
        (
            "/containerDefinitions/*/environment",
            Treat::Keyed(&["name"]),
        ),
        ("/containerDefinitions/*/secrets", Treat::Keyed(&["name"])),
        (
            "/containerDefinitions/*/dependsOn",
            Treat::Keyed(&["containerName"]),
        ),
        (
            "/containerDefinitions/*/mountPoints",
            Treat::Keyed(&["containerPath"]),
        ),
        (
            "/containerDefinitions/*/portMappings",
            Treat::Keyed(&["containerPort", "protocol"]),
        ),
        ("/containerDefinitions/*/ulimits", Treat::Keyed(&["name"])),
        (
            "/containerDefinitions/*/volumesFrom",
            Treat::Keyed(&["sourceContainer"]),
        ),
        ("/volumes", Treat::Keyed(&["name"])),
    ],
    scalars_by_text: false,
    changes: &[],
    other_changes: Change::By("RegisterTaskDefinition"),
};

impl Reconciled for TaskDefinition {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}
