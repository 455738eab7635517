//! An ECR repository with its lifecycle and repository policies. Images in it are pushed by others.
//!
//! Facts: ARN, name and URI; ready as soon as it exists, with images or without.

mod observe;
mod plan;
mod resets;

pub(crate) use resets::RESETS;

use serde_json::Value;

use super::{Reconciled, View};
use crate::aws::Observer;
use crate::document::{Change, Rules, Treat};
use crate::model::{Moment, Plan, Seen};

/// Image repositories as a kind.
#[derive(Clone, Copy, Debug)]
pub struct ImageRepository;

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The member of `DescribeRepositories`.
    pub repository: Seen<Value>,
    /// Tags (`[{Key, Value}]`); not read when the repository is not there.
    pub tags: Option<Seen<Value>>,
    /// Text of the lifecycle policy; not read when none is declared or remembered, or the repository is not there.
    pub lifecycle_policy: Option<Seen<String>>,
    /// Text of the repository policy; not read when none is declared or remembered, or the repository is not there.
    pub policy: Option<Seen<String>>,
}

/// The member beside `spec` that `PutLifecyclePolicy` takes.
const LIFECYCLE: &str = "lifecyclePolicyText";
const LIFECYCLE_PATH: &str = "/lifecyclePolicyText";
/// The member beside `spec` that `SetRepositoryPolicy` takes.
const POLICY: &str = "policyText";
const POLICY_PATH: &str = "/policyText";

const PUT_MUTABILITY: &str = "PutImageTagMutability";
const PUT_SCANNING: &str = "PutImageScanningConfiguration";

/// aws-facts 5: mutability and scanning change in place, name and encryption do not.
const RULES: Rules = Rules {
    members: &[
        ("/repositoryName", Treat::Ignored),
        ("/tags", Treat::Ignored),
        ("/imageTagMutabilityExclusionFilters", Treat::Set),
    ],
    scalars_by_text: false,
    changes: &[
        ("imageTagMutability", Change::By(PUT_MUTABILITY)),
        (
            "imageTagMutabilityExclusionFilters",
            Change::By(PUT_MUTABILITY),
        ),
        ("imageScanningConfiguration", Change::By(PUT_SCANNING)),
    ],
    other_changes: Change::Recreate,
};

impl Reconciled for ImageRepository {
    type Observed = Observed;

    async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
        observe::observe(observer, view, fresh).await
    }

    fn plan(view: &View<'_>, observed: &Observed) -> Plan {
        plan::plan(view, observed)
    }
}
