//! Where the holds that concern a key are kept. Pure.

use serde_json::Value;

use crate::manifest::{DesiredSet, Resource};
use crate::model::{HoldScope, Key, Kind};

/// A resource whose tags may hold something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A service at AWS.
    Service {
        /// Its cluster's name.
        cluster: String,
        /// Its name.
        name: String,
    },
    /// A cluster at AWS.
    Cluster {
        /// Its name.
        name: String,
        /// Whether the key is this cluster's, or of something in it.
        own: bool,
    },
}

impl Place {
    /// Its name for a person.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Service { cluster, name } => format!("service {cluster}/{name}"),
            Self::Cluster { name, .. } => format!("cluster {name}"),
        }
    }

    /// Whether the key belongs to it, and not only to the same set.
    pub(super) fn is_own(&self) -> bool {
        match self {
            Self::Service { .. } => true,
            Self::Cluster { own, .. } => *own,
        }
    }
}

/// The places that may hold a key. Clusters without a manifest hold nothing.
pub(crate) fn places(set: &DesiredSet, key: &Key) -> Vec<Place> {
    let resource = set.get(key);
    let service = resource.and_then(|resource| service_of(set, resource));
    let cluster = match key.kind {
        Kind::Cluster => resource.map(Resource::aws_name),
        _ => service.map(|(cluster, _)| cluster),
    };
    let own = service.map(|(cluster, name)| Place::Service {
        cluster: cluster.to_owned(),
        name: name.to_owned(),
    });
    let clusters = set.of_kind(Kind::Cluster).map(|one| Place::Cluster {
        name: one.aws_name().to_owned(),
        own: Some(one.aws_name()) == cluster,
    });
    own.into_iter().chain(clusters).collect()
}

/// The places that may hold a resource without manifest: the services that it is or belongs to (by cluster and name),
/// the clusters that they are in, itself if it is a cluster, and every cluster of the set.
pub(crate) fn places_of_orphan(
    set: &DesiredSet,
    arn: &str,
    services: &[(String, String)],
) -> Vec<Place> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let itself = resource.strip_prefix("cluster/");
    let itself = itself.filter(|_| arn.contains(":ecs:"));
    let own: Vec<&str> = services
        .iter()
        .map(|(cluster, _)| cluster.as_str())
        .chain(itself)
        .collect();
    let mut clusters: Vec<&str> = set.of_kind(Kind::Cluster).map(Resource::aws_name).collect();
    for name in &own {
        if !clusters.contains(name) {
            clusters.push(name);
        }
    }
    let clusters = clusters.into_iter().map(|name| Place::Cluster {
        name: name.to_owned(),
        own: own.contains(&name),
    });
    let services = services.iter().map(|(cluster, name)| Place::Service {
        cluster: cluster.clone(),
        name: name.clone(),
    });
    services.chain(clusters).collect()
}

/// The keys that a hold of this scope on this place concerns.
pub(crate) fn concerned(set: &DesiredSet, place: &Place, scope: HoldScope) -> Vec<Key> {
    let all = set.resources.keys();
    let concerns = |key: &&Key| {
        scope == HoldScope::Everything
            || places(set, key)
                .iter()
                .any(|one| one.is_own() && one.name() == place.name())
    };
    all.filter(concerns).cloned().collect()
}

/// The service, by cluster and name, that a resource is or belongs to, if it has a manifest.
fn service_of<'a>(set: &'a DesiredSet, resource: &'a Resource) -> Option<(&'a str, &'a str)> {
    match resource.key.kind {
        Kind::Service => Some(set.service_names(resource)),
        Kind::DeploymentGroup => {
            let application = resource
                .spec
                .get("applicationName")
                .and_then(Value::as_str)?;
            let services = set.services_of(application, resource.aws_name());
            Some(set.service_names(set.get(services.first()?)?))
        }
        Kind::ScalableTarget | Kind::ScalingPolicy => {
            let id = resource.spec.get("ResourceId").and_then(Value::as_str)?;
            let (cluster, name) = id.strip_prefix("service/")?.split_once('/')?;
            set.of_kind(Kind::Service)
                .map(|one| set.service_names(one))
                .find(|names| *names == (cluster, name))
        }
        _ => None,
    }
}
