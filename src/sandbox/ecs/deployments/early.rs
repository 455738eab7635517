//! Early success criteria of a rolling deployment (service model, `DeploymentEarlySuccessCriteria`): it is complete once this
//! share of its tasks is healthy, and ECS goes on in the background until all of them are.
//!
//! Invariant: with `BLOCKING` the tasks that it replaces are gone before it completes; with `DEFERRED` they go afterwards.
//! The bake time between the two is not simulated.

use serde_json::Value;

use super::super::AwsError;
use super::super::refuse::invalid;
use super::super::services::Service;

/// Whether the service's PRIMARY deployment is complete by these criteria; `None` without such.
pub(super) fn is_met(service: &Service) -> Option<bool> {
    let criteria = service
        .doc
        .get("deploymentConfiguration")?
        .get("earlySuccessCriteria")?;
    if criteria["enable"] != true {
        return None;
    }
    let primary = service.primary()?;
    let percent = criteria["healthyPercent"].as_u64().unwrap_or(100);
    let wanted = (u64::from(service.desired) * percent).div_ceil(100);
    let healthy = u64::from(service.counts(&primary.id).ready) >= wanted;
    let cleaned = criteria["sourceServiceRevisionCleanup"] == "DEFERRED" || service.sets.len() == 1;
    Some(healthy && cleaned)
}

/// Refuses criteria that cannot be.
pub(super) fn check(config: &Value, strategy: &str) -> Result<(), AwsError> {
    let Some(criteria) = config
        .get("earlySuccessCriteria")
        .filter(|it| !it.is_null())
    else {
        return Ok(());
    };
    // Worded here.
    if strategy != "ROLLING" {
        return Err(invalid(
            "earlySuccessCriteria is only supported with the ROLLING deployment strategy.",
        ));
    }
    if criteria["enable"] != true {
        return Ok(());
    }
    let least = config["minimumHealthyPercent"].as_i64().unwrap_or(100);
    // Left out, it is 100 (ecs-deploy-tools c), and the cleanup is BLOCKING.
    let percent = criteria["healthyPercent"].as_i64().unwrap_or(100);
    if !(least.min(100)..=100).contains(&percent) {
        return Err(invalid(format!(
            "earlySuccessCriteria.healthyPercent must be between minimumHealthyPercent ({least}) and 100."
        )));
    }
    match criteria["sourceServiceRevisionCleanup"].as_str() {
        None | Some("BLOCKING" | "DEFERRED") => Ok(()),
        _ => Err(invalid(
            "earlySuccessCriteria.sourceServiceRevisionCleanup must be BLOCKING or DEFERRED.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::World;
    use super::super::super::behaviour::Behaviour;
    use super::super::super::testing::{
        call, define, described, network, refusal, seconds, service, world,
    };

    fn request(criteria: &Value) -> Value {
        json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web", "launchType": "FARGATE",
            "desiredCount": 4, "networkConfiguration": network(),
            "deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 200, "earlySuccessCriteria": criteria}})
    }

    fn criteria(cleanup: &str) -> Value {
        json!({"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": cleanup})
    }

    /// A service that is up, and its second deployment begun.
    fn deploying(cleanup: &str, second: Behaviour) -> World {
        let mut world = world();
        world.behaviours.set("nginx:2", second);
        call(&mut world, "CreateService", &request(&criteria(cleanup)));
        seconds(&mut world, 120);
        define(&mut world, "web", "nginx:2");
        let update = json!({"cluster": "main", "service": "web", "taskDefinition": "web"});
        call(&mut world, "UpdateService", &update);
        world
    }

    fn newest(world: &mut World) -> Value {
        let arn = service(world, "web").history[0].arn.clone();
        let input = json!({"serviceDeploymentArns": [arn]});
        call(world, "DescribeServiceDeployments", &input)["serviceDeployments"][0].take()
    }

    #[test]
    fn it_is_complete_at_its_share_and_the_rest_follows() {
        for (cleanup, sets) in [("DEFERRED", 2), ("BLOCKING", 1)] {
            let mut world = deploying(cleanup, Behaviour::default());
            while newest(&mut world)["status"] != "SUCCESSFUL" {
                seconds(&mut world, 1);
                assert!(world.now < 600_000, "{:#}", newest(&mut world));
            }
            let shown = described(&mut world, "web");
            let deployments = shown["deployments"].as_array().unwrap();
            assert_eq!(deployments.len(), sets, "{cleanup}");
            assert_eq!(deployments[0]["rolloutState"], "COMPLETED");
            seconds(&mut world, 60);
            let shown = described(&mut world, "web");
            assert_eq!(shown["deployments"].as_array().unwrap().len(), 1);
            assert_eq!(
                (&shown["runningCount"], &shown["pendingCount"]),
                (&json!(4), &json!(0))
            );
            assert!(service(&world, "web").settled);
        }
    }

    /// Without a healthy half it is no success.
    #[test]
    fn tasks_that_crash_meet_no_criteria() {
        let crash = Behaviour {
            crash: Some(1),
            ..Behaviour::default()
        };
        let mut world = deploying("DEFERRED", crash);
        seconds(&mut world, 600);
        assert_eq!(newest(&mut world)["status"], "IN_PROGRESS");
    }

    #[test]
    fn refusals() {
        let mut world = world();
        for (criteria, part) in [
            (
                json!({"enable": true, "healthyPercent": 40, "sourceServiceRevisionCleanup": "BLOCKING"}),
                "healthyPercent",
            ),
            (
                json!({"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "LATER"}),
                "sourceServiceRevisionCleanup",
            ),
        ] {
            let (code, message) = refusal(&mut world, "CreateService", &request(&criteria));
            assert_eq!(code, "InvalidParameterException");
            assert!(message.contains(part), "{message}");
        }
        let mut native = request(&criteria("BLOCKING"));
        native["deploymentConfiguration"]["strategy"] = json!("BLUE_GREEN");
        let (_, message) = refusal(&mut world, "CreateService", &native);
        assert!(
            message.contains("only supported with the ROLLING"),
            "{message}"
        );
        call(
            &mut world,
            "CreateService",
            &request(&json!({"enable": false})),
        );
        let mut defaults = request(&json!({"enable": true}));
        defaults["serviceName"] = json!("other");
        call(&mut world, "CreateService", &defaults);
    }
}
