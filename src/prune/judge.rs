//! What becomes of one orphan that may go, beside the others. Pure.
//!
//! | what | goes when | otherwise |
//! |---|---|---|
//! | scalable target | its service goes, or is declared | waits, or stays with the service |
//! | service with tasks | no deployment is in flight, and no scalable target is left: its count is noted, then set to 0 | waits |
//! | service without tasks | it has one deployment or task set at most | waits |
//! | deployment group | no service deploys through it, and its last deployment has ended | waits, or stays |
//! | application | it has no group | waits, or stays |
//! | rule, listener | it leads to no service that is there, and has no rules of others | waits, or stays |
//! | target group | no balancer, service or group uses it, and no target is registered | waits, or stays |
//! | load balancer | it has no listener and no deletion protection | waits, or stays |
//! | repository | it has no image | stays |
//! | cluster | nothing is in it | waits, or stays |

use serde_json::{Value, json};

use super::orphan::{count, items, text};
use super::plan::{Verdict, Why};
use super::uses::{is_deploying, is_shifting, uses};
use super::{Live, Orphan, Subject};
use crate::kinds::{DRAINED_TAG, MOST_TAGS};
use crate::model::{Call, Service, Step};

/// Decides. `going` are those that may go, this one included; `staying` the other orphans.
pub(super) fn judge(orphan: &Orphan, going: &[&Orphan], staying: &[&Orphan]) -> Verdict {
    if let Live::ImageRepository(true) = orphan.live {
        return Verdict::Stays(Why::HasImages, "it holds images".to_owned());
    }
    if let Live::LoadBalancer {
        protected: true, ..
    } = orphan.live
    {
        let text = "its deletion protection is on (deletion_protection.enabled)";
        return Verdict::Stays(Why::Protected, text.to_owned());
    }
    if let Some(user) = staying.iter().find(|user| uses(user, orphan)) {
        let text = format!("{} uses it, which stays", user.subject.told());
        return Verdict::Stays(Why::InUse, text);
    }
    let user = going.iter().find(|user| uses(user, orphan));
    match &orphan.live {
        Live::Service(service) => of_service(orphan, service, user.copied(), going),
        Live::ScalableTarget => of_target(orphan, going, staying),
        live => match user {
            Some(user) => {
                let text = format!("{} goes first", user.subject.told());
                Verdict::Waits(Why::InUse, text)
            }
            None => in_use(live).unwrap_or_else(|| delete(orphan)),
        },
    }
}

fn of_service(
    orphan: &Orphan,
    service: &Value,
    scaler: Option<&Orphan>,
    going: &[&Orphan],
) -> Verdict {
    let (desired, running) = (count(service, "desiredCount"), tasks(service));
    if text(service, "status") == "DRAINING" {
        return Verdict::Waits(Why::Draining, "ECS is stopping its tasks".to_owned());
    }
    if let Some(why) = busy(orphan, service, going) {
        return Verdict::Waits(Why::DeploymentInFlight, why);
    }
    if let Some(scaler) = scaler {
        let text = format!("{} goes first", scaler.subject.told());
        return Verdict::Waits(Why::InUse, text);
    }
    // ECS has a daemon's count, and deletes it with its tasks.
    let daemon = text(service, "schedulingStrategy") == "DAEMON";
    if !daemon && desired > 0 {
        return note(orphan, service, desired).unwrap_or_else(|| drain(orphan));
    }
    if !daemon && running > 0 {
        let text = format!("{running} tasks are still stopping");
        return Verdict::Waits(Why::Draining, text);
    }
    delete(orphan)
}

/// Why a service is not touched now: a deployment of it is in flight. A count of zero is none, whatever ECS
/// calls it.
fn busy(orphan: &Orphan, service: &Value, going: &[&Orphan]) -> Option<String> {
    let several = ["taskSets", "deployments"]
        .iter()
        .any(|member| items(service, member).count() > 1);
    if several || (count(service, "desiredCount") > 0 && is_deploying(service)) {
        return Some("a deployment of it is in flight".to_owned());
    }
    let shifting = going.iter().find(|one| match &one.live {
        Live::DeploymentGroup { group, .. } => uses(orphan, one) && is_shifting(group),
        _ => false,
    });
    shifting.map(|group| format!("a deployment of {} is in flight", group.subject.told()))
}

fn tasks(service: &Value) -> u64 {
    count(service, "runningCount") + count(service, "pendingCount")
}

/// A scalable target goes right before its service is drained, so that a service which has to wait is scaled
/// meanwhile; and alone where the service stays declared.
fn of_target(orphan: &Orphan, going: &[&Orphan], staying: &[&Orphan]) -> Verdict {
    let is_its = |one: &&&Orphan| uses(orphan, one);
    if let Some(service) = staying.iter().find(is_its) {
        let text = format!("{} stays, and it scales that", service.subject.told());
        return Verdict::Stays(Why::InUse, text);
    }
    let Some(service) = going.iter().find(is_its) else {
        return delete(orphan);
    };
    let Live::Service(live) = &service.live else {
        return delete(orphan);
    };
    match busy(service, live, going) {
        Some(why) => Verdict::Waits(
            Why::InUse,
            format!("it scales {}: {why}", service.subject.told()),
        ),
        None => delete(orphan),
    }
}

/// Users that are no orphans of ours.
fn in_use(live: &Live) -> Option<Verdict> {
    let stays = |text: String| Some(Verdict::Stays(Why::InUse, text));
    match live {
        Live::DeploymentGroup { group, services } => {
            if is_shifting(group) {
                let text = "its last deployment has not ended".to_owned();
                return Some(Verdict::Waits(Why::DeploymentInFlight, text));
            }
            let deployed = services
                .iter()
                .find(|(_, service)| is_by_code_deploy(service));
            deployed.and_then(|((cluster, name), _)| {
                stays(format!("service {cluster}/{name} is deployed through it"))
            })
        }
        Live::Application(groups) if !groups.is_empty() => {
            stays(format!("it has groups that stay: {}", groups.join(", ")))
        }
        Live::Listener { rules, .. } => {
            let others = rules
                .iter()
                .filter(|rule| text(rule, "Priority") != "default");
            let others = others.count();
            (others > 0)
                .then(|| stays(format!("{others} rules of it stay")))
                .flatten()
        }
        Live::LoadBalancer { listeners, .. } if !listeners.is_empty() => {
            stays(format!("{} listeners of it stay", listeners.len()))
        }
        Live::TargetGroup {
            group,
            targets,
            draining,
        } => {
            let before = items(group, "LoadBalancerArns").next();
            match (before.and_then(Value::as_str), targets, draining) {
                (Some(balancer), ..) => {
                    stays(format!("a listener or rule of {balancer} forwards to it"))
                }
                (None, 0, 0) => None,
                (None, 0, draining) => {
                    let text = format!("{draining} targets of it are draining");
                    Some(Verdict::Waits(Why::Draining, text))
                }
                (None, targets, _) => stays(format!("{targets} targets are registered in it")),
            }
        }
        Live::Cluster(cluster) => {
            let members = [
                ("activeServicesCount", "services"),
                ("runningTasksCount", "running tasks"),
                ("pendingTasksCount", "pending tasks"),
                ("registeredContainerInstancesCount", "container instances"),
            ];
            let held = members
                .into_iter()
                .map(|(member, what)| (count(cluster, member), what));
            let held = held.into_iter().find(|(number, _)| *number > 0);
            held.and_then(|(number, what)| stays(format!("it holds {number} {what}")))
        }
        _ => None,
    }
}

fn is_by_code_deploy(service: &Value) -> bool {
    let controller = service.pointer("/deploymentController/type");
    controller.and_then(Value::as_str) == Some("CODE_DEPLOY")
        && text(service, "status") != "INACTIVE"
}

/// Notes the count on the service, for a manifest that comes back and declares none. None if it is noted, or there is no
/// room for another tag.
fn note(orphan: &Orphan, service: &Value, desired: u64) -> Option<Verdict> {
    let (tags, count) = (&orphan.tags, desired.to_string());
    let noted = orphan.tag(DRAINED_TAG);
    if noted == Some(count.as_str()) || (noted.is_none() && tags.len() >= MOST_TAGS) {
        return None;
    }
    let call = Call {
        service: Service::Ecs,
        operation: "TagResource",
        input: json!({"resourceArn": text(service, "serviceArn"), "tags": [{"key": DRAINED_TAG, "value": count}]}),
    };
    let why = format!(
        "drain {}: no manifest declares it any more (its count of {count} is noted first)",
        orphan.subject.told()
    );
    Some(Verdict::Goes(Step { call, why }))
}

fn drain(orphan: &Orphan) -> Verdict {
    let Subject::Service(cluster, name) = &orphan.subject else {
        return delete(orphan);
    };
    let call = Call {
        service: Service::Ecs,
        operation: "UpdateService",
        input: json!({"cluster": cluster, "service": name, "desiredCount": 0}),
    };
    let why = format!(
        "drain {}: no manifest declares it any more",
        orphan.subject.told()
    );
    Verdict::Goes(Step { call, why })
}

fn delete(orphan: &Orphan) -> Verdict {
    let arn = &orphan.arn;
    let (service, operation, input) = match &orphan.subject {
        Subject::ScalableTarget(id) => (
            Service::Scaling,
            "DeregisterScalableTarget",
            json!({"ServiceNamespace": "ecs", "ResourceId": id, "ScalableDimension": "ecs:service:DesiredCount"}),
        ),
        Subject::Service(cluster, name) => (
            Service::Ecs,
            "DeleteService",
            json!({"cluster": cluster, "service": name}),
        ),
        Subject::DeploymentGroup(application, name) => (
            Service::CodeDeploy,
            "DeleteDeploymentGroup",
            json!({"applicationName": application, "deploymentGroupName": name}),
        ),
        Subject::Application(name) => (
            Service::CodeDeploy,
            "DeleteApplication",
            json!({"applicationName": name}),
        ),
        Subject::ListenerRule(_) => (Service::Elb, "DeleteRule", json!({"RuleArn": arn})),
        Subject::Listener(_) => (Service::Elb, "DeleteListener", json!({"ListenerArn": arn})),
        Subject::TargetGroup(_) => (
            Service::Elb,
            "DeleteTargetGroup",
            json!({"TargetGroupArn": arn}),
        ),
        Subject::LoadBalancer(_) => (
            Service::Elb,
            "DeleteLoadBalancer",
            json!({"LoadBalancerArn": arn}),
        ),
        Subject::ImageRepository(name) => (
            Service::Ecr,
            "DeleteRepository",
            json!({"repositoryName": name}),
        ),
        Subject::Cluster(name) => (Service::Ecs, "DeleteCluster", json!({"cluster": name})),
    };
    let why = format!(
        "delete {}: no manifest declares it any more",
        orphan.subject.told()
    );
    let call = Call {
        service,
        operation,
        input,
    };
    Verdict::Goes(Step { call, why })
}
