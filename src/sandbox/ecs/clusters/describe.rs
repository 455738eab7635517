//! `DescribeClusters` and `ListClusters`. Not the stored cluster.

use super::super::page::page;
use super::super::refuse::invalid;
use super::super::services::ServiceStatus;
use super::super::tasks::Phase;
use super::super::{AwsError, State, World, arn, input, tags};
use serde_json::{Map, Value, json};

/// `DescribeClusters`; unknown clusters are failures with the reason `MISSING`.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let mut wanted = input::texts(request, "clusters");
    if wanted.is_empty() {
        wanted.push("default".to_owned());
    }
    if wanted.len() > 100 {
        return Err(invalid("Clusters can have at most 100 items."));
    }
    let include = input::texts(request, "include");
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for reference in &wanted {
        let name = arn::cluster(Some(reference));
        if world.ecs.clusters.contains_key(name) {
            clusters.push(view(&world.ecs, name, &include));
        } else {
            let arn = arn::of(&world.region, &format!("cluster/{name}"));
            failures.push(json!({"arn": arn, "reason": "MISSING"}));
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

/// `ListClusters`: the ARNs of the ACTIVE ones.
pub(crate) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let active = world.ecs.clusters.values().filter(|it| it.active);
    let arns = active.map(|it| Value::from(it.arn.clone())).collect();
    page("clusterArns", arns, request, 100, 100)
}

/// A cluster as the API shows it, with the parts that `include` names. Null if there is none.
pub(crate) fn view(state: &State, name: &str, include: &[&str]) -> Value {
    let Some(cluster) = state.clusters.get(name) else {
        return Value::Null;
    };
    let services = state.services.iter().filter(|((of, _), _)| of == name);
    let active = services
        .filter(|(_, it)| it.status == ServiceStatus::Active)
        .count();
    let phase = |wanted: &[Phase]| {
        state
            .tasks_of(name)
            .filter(|it| wanted.contains(&it.phase))
            .count()
    };
    let mut view = Map::new();
    let mut put = |member: &str, value: Value| view.insert(member.to_owned(), value);
    put("clusterArn", cluster.arn.clone().into());
    put("clusterName", name.into());
    put(
        "status",
        if cluster.active { "ACTIVE" } else { "INACTIVE" }.into(),
    );
    put("registeredContainerInstancesCount", 0.into());
    put("runningTasksCount", phase(&[Phase::Running]).into());
    put(
        "pendingTasksCount",
        phase(&[Phase::Provisioning, Phase::Pending]).into(),
    );
    put("activeServicesCount", active.into());
    put("statistics", json!([]));
    let tags = if include.contains(&"TAGS") {
        tags::view(state, &cluster.arn)
    } else {
        json!([])
    };
    put("tags", tags);
    for (member, value) in &cluster.doc {
        let hidden = match member.as_str() {
            "settings" if !include.contains(&"SETTINGS") => Some(json!([])),
            "configuration" if !include.contains(&"CONFIGURATIONS") => continue,
            _ => None,
        };
        put(member, hidden.unwrap_or_else(|| value.clone()));
    }
    Value::Object(view)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{fargate_service, world};
    use super::*;

    #[test]
    fn unknown_clusters_are_missing() {
        let mut world = world();
        let answer = describe(&mut world, &json!({"clusters": ["main", "gone"]})).unwrap();
        assert_eq!(answer["clusters"][0]["clusterName"], "main");
        assert_eq!(
            answer["clusters"][0]["settings"],
            json!([]),
            "not asked for"
        );
        assert_eq!(answer["failures"][0]["reason"], "MISSING");
        assert_eq!(
            describe(&mut world, &json!({})).unwrap()["clusters"],
            json!([])
        );
    }

    #[test]
    fn counts_are_counted() {
        let mut world = world();
        fargate_service(&mut world, "web", 3);
        world.tick(60_000);
        let request = json!({"clusters": ["main"], "include": ["SETTINGS"]});
        let cluster = &describe(&mut world, &request).unwrap()["clusters"][0];
        assert_eq!(
            (
                &cluster["runningTasksCount"],
                &cluster["activeServicesCount"]
            ),
            (&3.into(), &1.into())
        );
        assert_eq!(cluster["settings"][0]["name"], "containerInsights");
        let list = list(&mut world, &json!({})).unwrap();
        assert_eq!(list["clusterArns"], json!([cluster["clusterArn"]]));
    }
}
