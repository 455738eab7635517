//! Tells of deployments that began or ended since the last look, as events. Not the messages that
//! `DescribeServices` shows of a service (see `events` of ECS).

use std::collections::BTreeMap;

use super::super::super::events::{Event, emit};
use super::super::World;
use super::super::services::{Controller, Rollout, Service};

/// Only what the controller ECS deploys: `CodeDeploy` tells of its own deployments.
pub(super) fn tell(world: &mut World, service: &mut Service) {
    if service.controller != Controller::Ecs {
        return;
    }
    let mut now = BTreeMap::new();
    for set in &service.sets {
        now.insert(set.id.clone(), set.rollout);
        if service.told.get(&set.id) == Some(&set.rollout) {
            continue;
        }
        let name = match set.rollout {
            Rollout::InProgress => "SERVICE_DEPLOYMENT_IN_PROGRESS",
            Rollout::Completed => "SERVICE_DEPLOYMENT_COMPLETED",
            Rollout::Failed => "SERVICE_DEPLOYMENT_FAILED",
        };
        let event = Event::Deployment {
            service: &service.arn,
            name,
            id: &set.id,
            reason: set.rollout_reason.clone(),
        };
        emit(world, &event);
    }
    service.told = now;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::super::sqs;
    use super::super::super::testing::{fargate_service, service, world};

    #[test]
    fn a_rolling_deployment_is_told_of_when_it_begins_and_when_it_ends() {
        let mut world = world();
        world.sqs.set("wake", true, 0);
        fargate_service(&mut world, "web", 1);
        world.tick(120_000);
        let (receive, _) = sqs::operation("ReceiveMessage").unwrap();
        let input = json!({"QueueUrl": "x/wake", "MaxNumberOfMessages": 10});
        let answer = receive(&mut world, &input).unwrap();
        let told: Vec<Value> = answer["Messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
            .collect();
        let names: Vec<&Value> = told.iter().map(|one| &one["detail"]["eventName"]).collect();
        assert_eq!(
            names,
            [
                "SERVICE_DEPLOYMENT_IN_PROGRESS",
                "SERVICE_DEPLOYMENT_COMPLETED"
            ]
        );
        let service = service(&world, "web");
        for event in &told {
            assert_eq!(event["detail-type"], "ECS Deployment State Change");
            assert_eq!(event["resources"], json!([service.arn]));
            assert_eq!(event["detail"]["deploymentId"], json!(service.sets[0].id));
            assert_eq!(event["detail"]["eventType"], "INFO");
        }
    }
}
