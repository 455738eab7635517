//! The event `Install`: the replacement task set is made on the pair's free target group and becomes
//! steady. Crashing tasks do not fail it: ECS keeps replacing them, and the deployment ends by the
//! timeout (CircleCI-Public/aws-ecs-orb#134).

use serde_json::{Value, json};

use super::super::super::ecs::{self, task_sets};
use super::super::super::{Time, World};
use super::super::deployments::{Deployment, Failure};
use super::{delete, ecs_failure, find, record};

/// Makes the replacement task set.
pub(super) fn begin(world: &mut World, deployment: &mut Deployment) -> Result<(), Failure> {
    let (cluster, service) = (
        deployment.settings.cluster.clone(),
        deployment.settings.service.clone(),
    );
    match task_sets::service_controller(world, &cluster, &service).as_deref() {
        Some("CODE_DEPLOY") => {}
        Some(other) => {
            return Err(Failure::new(
                "INVALID_ECS_SERVICE",
                format!("The ECS service {service} has the deployment controller {other}."),
            ));
        }
        None => {
            return Err(Failure::new(
                "INVALID_ECS_SERVICE",
                format!("The ECS service {service} of cluster {cluster} is not ACTIVE."),
            ));
        }
    }
    let Some(primary) = task_sets::primary(world, &cluster, &service) else {
        return Err(Failure::new(
            "INVALID_ECS_SERVICE",
            format!("The ECS service {service} of cluster {cluster} has no primary task set."),
        ));
    };
    let pair = pair(world, deployment, &primary.target_group_arn)?;
    check_listeners(world, deployment, &pair)?;
    deployment.blue = Some(record(world, &primary, 100.0));
    deployment.pair = Some(pair.clone());
    remove_leftovers(world, deployment, &primary.id, &pair)?;
    check_task_definition(world, deployment).map_err(|reason| ecs_failure(&reason))?;
    let spec = task_sets::GreenSpec {
        task_definition: deployment.spec.task_definition.clone(),
        target_group_arn: pair[1].clone(),
        container_name: deployment.spec.container_name.clone(),
        container_port: deployment.spec.container_port,
        network_configuration: deployment.spec.network_configuration.clone(),
        platform_version: Some(
            deployment
                .spec
                .platform_version
                .clone()
                .unwrap_or_else(|| "LATEST".to_owned()),
        ),
        capacity_provider_strategy: deployment.spec.capacity_provider_strategy.clone(),
        external_id: deployment.id.clone(),
    };
    let id = task_sets::create(world, &cluster, &service, spec)
        .map_err(|reason: String| ecs_failure(&reason))?;
    deployment.green = find(world, deployment, &id).map(|view| record(world, &view, 0.0));
    Ok(())
}

/// The pair's ARNs: that of the primary task set, then the free one.
fn pair(world: &World, deployment: &Deployment, primary: &str) -> Result<[String; 2], Failure> {
    let arn = |name: &str| {
        world
            .elb
            .target_group_by_name(name)
            .map(|group| group.arn.clone())
            .ok_or_else(|| {
                let text = format!("The target group {name} does not exist.");
                Failure::new("CODEDEPLOY_RESOURCE_CANNOT_BE_FOUND", text)
            })
    };
    let [one, two] = [
        arn(&deployment.settings.pair[0])?,
        arn(&deployment.settings.pair[1])?,
    ];
    if one == primary {
        Ok([one, two])
    } else if two == primary {
        Ok([two, one])
    } else {
        Err(Failure::new(
            "ELASTIC_LOAD_BALANCING_INVALID",
            format!(
                "The primary task set's target group {primary} is not in the deployment group's \
                 pair {}, {}.",
                deployment.settings.pair[0], deployment.settings.pair[1]
            ),
        ))
    }
}

/// Traffic can be moved only by listeners that already name the pair.
fn check_listeners(
    world: &World,
    deployment: &Deployment,
    pair: &[String; 2],
) -> Result<(), Failure> {
    let settings = &deployment.settings;
    for listener in [
        Some(&settings.production_listener),
        settings.test_listener.as_ref(),
    ] {
        let Some(listener) = listener else { continue };
        if world
            .elb
            .pair_weights(listener, [&pair[0], &pair[1]])
            .is_none()
        {
            return Err(not_behind(listener));
        }
    }
    Ok(())
}

/// A listener that names no target group of the pair (from memory of AWS's wording).
pub(super) fn not_behind(listener: &str) -> Failure {
    Failure::new(
        "ELASTIC_LOAD_BALANCING_INVALID",
        format!(
            "The ELB could not be updated due to the following error: Primary taskset target \
             group must be behind listener {listener}"
        ),
    )
}

/// Removes the task sets that earlier deployments of the group left beside the primary one: they
/// occupy the free target group. Traffic that still goes to them is brought back first.
fn remove_leftovers(
    world: &mut World,
    deployment: &Deployment,
    primary: &str,
    pair: &[String; 2],
) -> Result<(), Failure> {
    let earlier = world.codedeploy.deployments.values();
    let earlier =
        earlier.filter(|d| d.application == deployment.application && d.group == deployment.group);
    let mut ids: Vec<String> = earlier
        .flat_map(|d| [d.blue.as_ref(), d.green.as_ref()])
        .flatten()
        .map(|set| set.id.clone())
        .filter(|id| id != primary)
        .collect();
    ids.sort();
    ids.dedup();
    ids.retain(|id| find(world, deployment, id).is_some_and(|view| view.status != "DRAINING"));
    if ids.is_empty() {
        return Ok(());
    }
    let listener = deployment.settings.production_listener.clone();
    world
        .elb
        .route_pair(&listener, [&pair[0], &pair[1]], [100, 0])
        .map_err(|reason| super::traffic::elb_failure(&reason))?;
    for id in ids {
        delete(world, deployment, &id).map_err(|reason| ecs_failure(&reason))?;
    }
    Ok(())
}

/// The task definition must be ACTIVE and define the container and the port. Asked of ECS as
/// anybody would ask it; the texts are those of ECS.
fn check_task_definition(world: &mut World, deployment: &Deployment) -> Result<(), String> {
    let spec = &deployment.spec;
    let Some((describe, _)) = ecs::operation("DescribeTaskDefinition") else {
        return Err("DescribeTaskDefinition is not there".to_owned());
    };
    let found = describe(world, &json!({"taskDefinition": spec.task_definition}));
    let found = found.map_err(|error| error.message)?;
    let definition = &found["taskDefinition"];
    if definition["status"] != "ACTIVE" {
        return Err("TaskDefinition is inactive".to_owned());
    }
    let containers = definition["containerDefinitions"].as_array();
    let mut containers = containers.map_or(&[][..], Vec::as_slice).iter();
    let name = &spec.container_name;
    let Some(container) = containers.find(|c| c["name"] == name.as_str()) else {
        return Err(format!(
            "The container {name} does not exist in the task definition."
        ));
    };
    let ports = container["portMappings"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if ports
        .iter()
        .all(|p| p["containerPort"].as_u64() != Some(u64::from(spec.container_port)))
    {
        return Err(format!(
            "The container {name} did not have a container port {} defined.",
            spec.container_port
        ));
    }
    Ok(())
}

/// Whether the replacement task set is steady.
pub(super) fn poll(world: &World, deployment: &Deployment, since: Time) -> Result<bool, Failure> {
    let view = deployment
        .green
        .as_ref()
        .and_then(|set| find(world, deployment, &set.id));
    let Some(view) = view else {
        return Err(ecs_failure(
            "The replacement task set does not exist any more.",
        ));
    };
    let limit = Time::from(world.codedeploy.install_timeout_seconds);
    if !view.steady && world.now - since >= limit * 1000 {
        // From memory of AWS's wording.
        return Err(Failure::new(
            "TIMEOUT",
            format!(
                "The deployment timed out while waiting for the replacement task set to become \
                 healthy. This time out period is {} minutes.",
                limit / 60
            ),
        ));
    }
    Ok(view.steady)
}

/// The container and the port of the primary task set's load balancer, from the service as ECS
/// describes it.
pub(super) fn serving(world: &mut World, deployment: &Deployment) -> Option<(String, u16)> {
    let (describe, _) = ecs::operation("DescribeServices")?;
    let settings = &deployment.settings;
    let input = json!({"cluster": settings.cluster, "services": [settings.service]});
    let found = describe(world, &input).ok()?;
    let balancer: &Value = found["services"][0]["loadBalancers"].get(0)?;
    let port = balancer["containerPort"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())?;
    Some((balancer["containerName"].as_str()?.to_owned(), port))
}
