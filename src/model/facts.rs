//! What a resource tells those that refer to it. A cache of observation, rebuilt by the first
//! passes after a start; never a memory of what was done.

use std::collections::BTreeMap;

use super::Key;

/// What the last observation of one resource gave to its dependents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its ARN (a task definition: of the revision that the manifest asks for), once it exists.
    pub arn: Option<String>,
    /// Its AWS name (`family`, `serviceName`, `repositoryName`, `Name`...).
    pub name: String,
    /// Whether dependents may build on it (a load balancer still provisioning may be used, an
    /// image that is missing makes its task definition not ready).
    pub ready: bool,
    /// A service: whether it runs what its manifest asks for, and healthily. Those whose rollouts come after
    /// its own (`rollout.dependsOn`) wait for that.
    pub settled: bool,
    /// A task definition's content digest (`v1:...`); `None` for other kinds.
    pub digest: Option<String>,
    /// A task definition whose image is missing: the newest revision that exists all the same.
    /// A service that is declared with zero tasks may be created on it.
    pub fallback_arn: Option<String>,
    /// An image repository's URI, without tag.
    pub uri: Option<String>,
    /// A target group behind an application load balancer: what `CloudWatch` knows the pair by
    /// (`app/BALANCER/ID/targetgroup/GROUP/ID`). A listener: the ARN by which ECS shifts its traffic, of its
    /// default rule (application load balancer) or its own (network load balancer; aws-facts 1.1).
    pub label: Option<String>,
}

/// The facts of every resource observed so far.
pub type FactBoard = BTreeMap<Key, Facts>;

/// How an ARN begins that will be known only after something is made. Stands in previews only; a
/// read by such an ARN is [`super::Seen::Absent`] without a call.
pub const PLACEHOLDER: &str = "(known after ";
