//! Names of things: a [`Kind`] and a [`Key`]. Not the AWS name of a resource (that is in its spec).

use std::fmt;
use std::str::FromStr;

/// The kinds of manifest, in the order in which a set comes up from nothing.
///
/// The order is for display only; what waits for what follows from the references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An ECS cluster.
    Cluster,
    /// An ECR repository.
    ImageRepository,
    /// An ECS task definition family.
    TaskDefinition,
    /// An ELBv2 target group.
    TargetGroup,
    /// An ELBv2 load balancer.
    LoadBalancer,
    /// An ELBv2 listener.
    Listener,
    /// An ELBv2 listener rule.
    ListenerRule,
    /// An ECS service.
    Service,
    /// A CodeDeploy application and its deployment group.
    DeploymentGroup,
    /// An Application Auto Scaling target of an ECS service.
    ScalableTarget,
    /// An Application Auto Scaling policy of an ECS service.
    ScalingPolicy,
}

impl Kind {
    /// Every kind, in display order.
    pub const ALL: [Self; 11] = [
        Self::Cluster,
        Self::ImageRepository,
        Self::TaskDefinition,
        Self::TargetGroup,
        Self::LoadBalancer,
        Self::Listener,
        Self::ListenerRule,
        Self::Service,
        Self::DeploymentGroup,
        Self::ScalableTarget,
        Self::ScalingPolicy,
    ];

    /// The word that stands in a manifest's `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::ImageRepository => "ImageRepository",
            Self::TaskDefinition => "TaskDefinition",
            Self::TargetGroup => "TargetGroup",
            Self::LoadBalancer => "LoadBalancer",
            Self::Listener => "Listener",
            Self::ListenerRule => "ListenerRule",
            Self::Service => "Service",
            Self::DeploymentGroup => "DeploymentGroup",
            Self::ScalableTarget => "ScalableTarget",
            Self::ScalingPolicy => "ScalingPolicy",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One manifest's identity: its kind and `metadata.name`. Displays as `Service/auth-service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind of resource.
    pub kind: Kind,
    /// The manifest's `metadata.name`.
    pub name: String,
}

impl Key {
    /// A key of this kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A text that is not `Kind/name`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form Kind/name, such as Service/auth-service")]
pub struct ParseKeyError(String);

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseKeyError(text.to_owned());
        let (kind, name) = text.split_once('/').ok_or_else(wrong)?;
        let kind = Kind::ALL
            .into_iter()
            .find(|k| k.as_str() == kind)
            .ok_or_else(wrong)?;
        if name.is_empty() {
            Err(wrong())
        } else {
            Ok(Self::new(kind, name))
        }
    }
}
