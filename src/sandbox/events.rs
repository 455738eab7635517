//! The simulated AWS's own events, in the form in which `EventBridge` hands them to a target: pushes of images,
//! the changes of deployments, and what is written to parameters. Into the queues that were told to take them; not a bus: no rules, no
//! patterns, no `PutEvents`.
//!
//! Shapes: "Amazon ECR events" (ECR user guide), "Amazon ECS service deployment state change events" (ECS developer
//! guide), "Monitoring deployments with Amazon `CloudWatch` Events" (`CodeDeploy` user guide), "Reference: Amazon
//! `EventBridge` event patterns and types for Systems Manager" (its user guide).

use serde_json::{Value, json};

use super::time::iso8601;
use super::{ACCOUNT, Time, World, sqs};

/// What happened.
pub(super) enum Event<'a> {
    /// A tag, or an image without one, was pushed or deleted.
    Image {
        action: &'static str,
        repository: &'a str,
        digest: &'a str,
        tag: Option<&'a str>,
    },
    /// A rolling or native deployment of a service began, or ended.
    Deployment {
        service: &'a str,
        name: &'static str,
        id: &'a str,
        reason: String,
    },
    /// A `CodeDeploy` deployment changed its state.
    CodeDeploy {
        application: &'a str,
        group: &'a str,
        id: &'a str,
        state: &'static str,
    },
    /// A parameter was written, labelled or deleted.
    Parameter {
        operation: &'static str,
        name: &'a str,
        kind: &'a str,
    },
}

/// Puts the event into every queue that takes the region's events.
pub(super) fn emit(world: &mut World, event: &Event<'_>) {
    let queues = world.sqs.of_events();
    if queues.is_empty() {
        return;
    }
    let document = document(world, event).to_string();
    for queue in queues {
        sqs::put(world, &queue, document.clone(), 0);
    }
}

fn document(world: &mut World, event: &Event<'_>) -> Value {
    let (source, kind) = match event {
        Event::Image { .. } => ("aws.ecr", "ECR Image Action"),
        Event::Deployment { .. } => ("aws.ecs", "ECS Deployment State Change"),
        Event::CodeDeploy { .. } => (
            "aws.codedeploy",
            "CodeDeploy Deployment State-change Notification",
        ),
        Event::Parameter { .. } => ("aws.ssm", "Parameter Store Change"),
    };
    let region = world.region.clone();
    let (resources, detail) = match event {
        Event::Image {
            action,
            repository,
            digest,
            tag,
        } => {
            let mut detail = json!({
                "result": "SUCCESS",
                "repository-name": repository,
                "image-digest": digest,
                "action-type": action
            });
            if let Some(tag) = tag {
                detail["image-tag"] = (*tag).into();
            }
            (json!([]), detail)
        }
        Event::Deployment {
            service,
            name,
            id,
            reason,
        } => {
            let failed = *name == "SERVICE_DEPLOYMENT_FAILED";
            let detail = json!({
                "eventType": if failed { "ERROR" } else { "INFO" },
                "eventName": name,
                "deploymentId": id,
                "updatedAt": iso8601(world.now),
                "reason": reason
            });
            (json!([service]), detail)
        }
        Event::CodeDeploy {
            application,
            group,
            id,
            state,
        } => {
            let arn =
                |resource: String| format!("arn:aws:codedeploy:{region}:{ACCOUNT}:{resource}");
            let detail = json!({
                "region": region,
                "deploymentId": id,
                "instanceGroupId": sqs::uuid(&world.next_hex()),
                "deploymentGroup": group,
                "state": state,
                "application": application
            });
            let resources = json!([
                arn(format!("application:{application}")),
                arn(format!("deploymentgroup:{application}/{group}"))
            ]);
            (resources, detail)
        }
        Event::Parameter {
            operation,
            name,
            kind,
        } => {
            let slash = if name.starts_with('/') { "" } else { "/" };
            let arn = format!("arn:aws:ssm:{region}:{ACCOUNT}:parameter{slash}{name}");
            let detail = json!({"operation": operation, "name": name, "type": kind});
            (json!([arn]), detail)
        }
    };
    json!({
        "version": "0",
        "id": sqs::uuid(&world.next_hex()),
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": whole_seconds(world.now),
        "region": region,
        "resources": resources,
        "detail": detail
    })
}

/// `2019-11-16T01:54:34Z`.
fn whole_seconds(time: Time) -> String {
    iso8601(time - time.rem_euclid(1000)).replace(".000Z", "Z")
}
