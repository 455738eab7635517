//! What can be pruned: a resource at AWS by its ARN. Not whether it is to go.

use std::collections::BTreeMap;
use std::fmt;

/// A resource. The order of the variants is that in which they go: what uses before what is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An Application Auto Scaling target of a service, by its resource id (`service/CLUSTER/SERVICE`). First:
    /// it would bring a count of zero back up.
    ScalableTarget(String),
    /// An ECS service, by cluster and name.
    Service(String, String),
    /// A CodeDeploy deployment group, by application and name.
    DeploymentGroup(String, String),
    /// A CodeDeploy application.
    Application(String),
    /// An ELBv2 rule, by its ARN.
    ListenerRule(String),
    /// An ELBv2 listener, by its ARN.
    Listener(String),
    /// An ELBv2 target group, by its name.
    TargetGroup(String),
    /// An ELBv2 load balancer, by its name.
    LoadBalancer(String),
    /// An ECR repository.
    ImageRepository(String),
    /// An ECS cluster.
    Cluster(String),
}

/// The types that are asked for, as the Resource Groups Tagging API names them. Task definitions are left
/// out: nothing becomes of them, and there may be thousands.
pub(super) const TYPES: [&str; 6] = [
    "application-autoscaling",
    "codedeploy",
    "ecr",
    "ecs:cluster",
    "ecs:service",
    "elasticloadbalancing",
];

impl Subject {
    /// What an ARN names; `None` if it is nothing that can be pruned. `targets` are the resource ids of
    /// scalable targets, whose ARNs do not tell them.
    pub fn of(arn: &str, targets: &BTreeMap<String, String>) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(2);
        let service = parts.next()?;
        let resource = parts.nth(2)?;
        let (kind, rest) = resource.split_once(['/', ':'])?;
        let second = || rest.split('/').nth(1).map(str::to_owned);
        Some(match (service, kind) {
            ("application-autoscaling", "scalable-target") => {
                Self::ScalableTarget(targets.get(arn)?.clone())
            }
            ("codedeploy", "application") => Self::Application(rest.to_owned()),
            ("codedeploy", "deploymentgroup") => {
                let (application, name) = rest.split_once('/')?;
                Self::DeploymentGroup(application.to_owned(), name.to_owned())
            }
            ("ecr", "repository") => Self::ImageRepository(rest.to_owned()),
            ("ecs", "cluster") => Self::Cluster(rest.to_owned()),
            ("ecs", "service") => {
                let (cluster, name) = rest.split_once('/')?;
                Self::Service(cluster.to_owned(), name.to_owned())
            }
            ("elasticloadbalancing", "loadbalancer") => Self::LoadBalancer(second()?),
            ("elasticloadbalancing", "targetgroup") => {
                Self::TargetGroup(rest.split('/').next()?.to_owned())
            }
            ("elasticloadbalancing", "listener") => Self::Listener(arn.to_owned()),
            ("elasticloadbalancing", "listener-rule") => Self::ListenerRule(arn.to_owned()),
            _ => return None,
        })
    }

    /// Its kind in one word, as manifests name it; `Application` has none of its own.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ScalableTarget(_) => "ScalableTarget",
            Self::Service(..) => "Service",
            Self::DeploymentGroup(..) => "DeploymentGroup",
            Self::Application(_) => "Application",
            Self::ListenerRule(_) => "ListenerRule",
            Self::Listener(_) => "Listener",
            Self::TargetGroup(_) => "TargetGroup",
            Self::LoadBalancer(_) => "LoadBalancer",
            Self::ImageRepository(_) => "ImageRepository",
            Self::Cluster(_) => "Cluster",
        }
    }

    /// Its kind as a metric's label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::ScalableTarget(_) => "scalable_target",
            Self::Service(..) => "service",
            Self::DeploymentGroup(..) => "deployment_group",
            Self::Application(_) => "application",
            Self::ListenerRule(_) => "listener_rule",
            Self::Listener(_) => "listener",
            Self::TargetGroup(_) => "target_group",
            Self::LoadBalancer(_) => "load_balancer",
            Self::ImageRepository(_) => "image_repository",
            Self::Cluster(_) => "cluster",
        }
    }

    /// What it goes by among its kind.
    pub fn name(&self) -> String {
        match self {
            Self::Service(one, other) | Self::DeploymentGroup(one, other) => {
                format!("{one}/{other}")
            }
            Self::ScalableTarget(id) => id.strip_prefix("service/").unwrap_or(id).to_owned(),
            Self::ListenerRule(arn) | Self::Listener(arn) => {
                let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
                let name = resource.split_once('/').map_or(resource, |(_, name)| name);
                name.to_owned()
            }
            Self::Application(name)
            | Self::TargetGroup(name)
            | Self::LoadBalancer(name)
            | Self::ImageRepository(name)
            | Self::Cluster(name) => name.clone(),
        }
    }

    /// As a person reads it in a sentence: `target group nova-auth-blue`.
    pub fn told(&self) -> String {
        let noun = match self {
            Self::ScalableTarget(_) => "scalable target",
            Self::Service(..) => "service",
            Self::DeploymentGroup(..) => "deployment group",
            Self::Application(_) => "application",
            Self::ListenerRule(_) => "listener rule",
            Self::Listener(_) => "listener",
            Self::TargetGroup(_) => "target group",
            Self::LoadBalancer(_) => "load balancer",
            Self::ImageRepository(_) => "image repository",
            Self::Cluster(_) => "cluster",
        };
        format!("{noun} {}", self.name())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name())
    }
}
