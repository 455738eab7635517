//! The members of a repository that go back to a default when no longer declared. Data.
//!
//! Sources: the service model of ecr 2015-09-21 (`CreateRepository`, `DeleteLifecyclePolicy`,
//! `DeleteRepositoryPolicy`). Encryption cannot change.

use super::{LIFECYCLE_PATH, POLICY_PATH};
use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    Reset::to("mu", "/imageTagMutability", r#""MUTABLE""#),
    Reset::to("fi", "/imageTagMutabilityExclusionFilters", "[]"),
    Reset::to(
        "sc",
        "/imageScanningConfiguration",
        r#"{"scanOnPush": false}"#,
    ),
    Reset::absent("lp", LIFECYCLE_PATH),
    Reset::absent("rp", POLICY_PATH),
];
