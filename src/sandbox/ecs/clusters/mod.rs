//! Clusters: making, changing and deleting them. Not their capacity: there are no container
//! instances, and Fargate has no bound.
//!
//! Invariant: a deleted cluster stays describable as `INACTIVE` until its name is used again.

pub(crate) mod capacity_providers;
pub(crate) mod describe;

use super::refuse::{cluster_not_found, invalid};
use super::services::ServiceStatus;
use super::{AwsError, State, World, arn, input, order, tags};
use serde_json::{Map, Value, json};

/// One cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// Its ARN.
    pub(crate) arn: String,
    /// Whether it is `ACTIVE` (else `INACTIVE`).
    pub(crate) active: bool,
    /// The stored members, as `DescribeClusters` shows them.
    pub(crate) doc: Map<String, Value>,
}

impl State {
    /// The name of the ACTIVE cluster that a request's member `cluster` leads to.
    pub(crate) fn active_cluster<'a>(&self, request: &'a Value) -> Result<&'a str, AwsError> {
        let name = arn::cluster(input::text(request, "cluster"));
        self.clusters
            .get(name)
            .filter(|it| it.active)
            .ok_or_else(cluster_not_found)?;
        Ok(name)
    }
}

/// The members that `CreateCluster` and `UpdateCluster` store, with their checks.
fn stored(world: &World, request: &Value) -> Result<Map<String, Value>, AwsError> {
    let mut doc = request.as_object().cloned().unwrap_or_default();
    for member in ["cluster", "clusterName", "tags"] {
        doc.shift_remove(member);
    }
    doc.retain(|_, value| !value.is_null());
    capacity_providers::check(request)?;
    // A namespace may be sent by name and is always shown as an ARN.
    if let Some(namespace) = doc
        .get_mut("serviceConnectDefaults")
        .and_then(|it| it.get_mut("namespace"))
        && let Some(name) = namespace.as_str().filter(|name| !name.starts_with("arn:"))
    {
        *namespace = format!(
            "arn:aws:servicediscovery:{}:{}:namespace/ns-{:016x}",
            world.region,
            super::ACCOUNT,
            order::hash(name)
        )
        .into();
    }
    Ok(doc)
}

/// `CreateCluster`. A name that is in use answers with the cluster that has it.
pub(crate) fn create(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let name = input::filled(request, "clusterName").unwrap_or("default");
    if !arn::is_name(name) {
        return Err(invalid(
            "Cluster name must have 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    let mut doc = stored(world, request)?;
    let tags = tags::parse(request)?;
    if world.ecs.clusters.get(name).is_none_or(|it| !it.active) {
        let arn = arn::of(&world.region, &format!("cluster/{name}"));
        doc.entry("settings")
            .or_insert_with(|| json!([{"name": "containerInsights", "value": "disabled"}]));
        doc.entry("capacityProviders").or_insert_with(|| json!([]));
        doc.entry("defaultCapacityProviderStrategy")
            .or_insert_with(|| json!([]));
        world.ecs.tags.insert(arn.clone(), tags);
        world.ecs.clusters.insert(
            name.to_owned(),
            Cluster {
                arn,
                active: true,
                doc,
            },
        );
    }
    Ok(
        json!({"cluster": describe::view(&world.ecs, name, &["SETTINGS", "CONFIGURATIONS", "TAGS"])}),
    )
}

/// `UpdateCluster`: `settings`, `configuration`, `serviceConnectDefaults`. An empty namespace takes the
/// defaults away (service model).
pub(crate) fn update(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let name = world.ecs.active_cluster(request)?;
    let new = stored(world, request)?;
    if let Some(cluster) = world.ecs.clusters.get_mut(name) {
        cluster.doc.extend(new);
        if request.pointer("/serviceConnectDefaults/namespace") == Some(&json!("")) {
            cluster.doc.shift_remove("serviceConnectDefaults");
        }
    }
    Ok(json!({"cluster": describe::view(&world.ecs, name, &["SETTINGS", "CONFIGURATIONS"])}))
}

/// `UpdateClusterSettings`.
pub(crate) fn update_settings(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let name = world.ecs.active_cluster(request)?;
    let settings = input::list(request, "settings");
    if settings.is_empty() {
        return Err(super::refuse::missing("settings"));
    }
    if let Some(cluster) = world.ecs.clusters.get_mut(name) {
        cluster.doc.insert("settings".to_owned(), json!(settings));
    }
    Ok(json!({"cluster": describe::view(&world.ecs, name, &["SETTINGS"])}))
}

/// `DeleteCluster`.
pub(crate) fn delete(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let name = world.ecs.active_cluster(request)?;
    let state = &mut world.ecs;
    let services = state
        .services
        .iter()
        .filter(|((cluster, _), _)| cluster == name);
    if services
        .clone()
        .any(|(_, service)| service.status != ServiceStatus::Inactive)
    {
        return Err(AwsError::new(
            "ClusterContainsServicesException",
            "The Cluster cannot be deleted while Services are active.",
        ));
    }
    if state.tasks_of(name).any(|task| !task.is_stopped()) {
        return Err(AwsError::new(
            "ClusterContainsTasksException",
            "The Cluster cannot be deleted while Tasks are active.",
        ));
    }
    if let Some(cluster) = state.clusters.get_mut(name) {
        cluster.active = false;
    }
    Ok(json!({"cluster": describe::view(&world.ecs, name, &["SETTINGS", "CONFIGURATIONS"])}))
}

/// `ListAccountSettings`: the settings that are on in every account of today.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every operation")]
pub(crate) fn account_settings(_: &mut World, request: &Value) -> Result<Value, AwsError> {
    let principal = format!("arn:aws:iam::{}:root", super::ACCOUNT);
    let settings = [
        "serviceLongArnFormat",
        "taskLongArnFormat",
        "containerInstanceLongArnFormat",
    ];
    let wanted = input::text(request, "name");
    let settings: Vec<Value> = settings
        .into_iter()
        .filter(|name| wanted.is_none_or(|wanted| wanted == *name))
        .map(|name| json!({"name": name, "value": "enabled", "principalArn": principal}))
        .collect();
    Ok(json!({"settings": settings}))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fargate_service, world};
    use super::*;

    #[test]
    fn a_cluster_is_made_changed_and_deleted() {
        let mut world = World::new("us-east-1", 0);
        let made = create(&mut world, &json!({"clusterName": "a", "new": {"deep": 1}})).unwrap();
        let again = create(&mut world, &json!({"clusterName": "a"})).unwrap();
        assert_eq!(made, again);
        assert_eq!(made["cluster"]["status"], "ACTIVE");
        assert_eq!(
            made["cluster"]["new"],
            json!({"deep": 1}),
            "unknown members are echoed"
        );
        let settings = json!([{"name": "containerInsights", "value": "enabled"}]);
        let request = json!({"cluster": "a", "settings": settings, "serviceConnectDefaults": {"namespace": "x"}});
        let updated = update(&mut world, &request).unwrap();
        assert_eq!(updated["cluster"]["settings"], settings);
        let namespace = &updated["cluster"]["serviceConnectDefaults"]["namespace"];
        assert!(
            namespace
                .as_str()
                .unwrap()
                .starts_with("arn:aws:servicediscovery:")
        );
        let request_away = json!({"cluster": "a", "serviceConnectDefaults": {"namespace": ""}});
        let without = update(&mut world, &request_away).unwrap();
        assert_eq!(without["cluster"].get("serviceConnectDefaults"), None);
        let deleted = delete(&mut world, &json!({"cluster": "a"})).unwrap();
        assert_eq!(deleted["cluster"]["status"], "INACTIVE");
        let refused = update(&mut world, &request).unwrap_err();
        assert_eq!(refused.code, "ClusterNotFoundException");
    }

    #[test]
    fn a_cluster_with_services_stays() {
        let mut world = world();
        fargate_service(&mut world, "web", 1);
        let refused = delete(&mut world, &json!({"cluster": "main"})).unwrap_err();
        assert_eq!(refused.code, "ClusterContainsServicesException");
    }
}
