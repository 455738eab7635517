//! Who uses what, among the orphans: as AWS shows it. Pure.

use serde_json::Value;

use super::declared::services;
use super::orphan::{items, text};
use super::{Live, Orphan, Subject};

/// The target groups that an orphan sends traffic to or registers tasks in, by ARN.
pub(super) fn target_groups(orphan: &Orphan) -> Vec<&str> {
    match &orphan.live {
        Live::Service(service) => {
            let sets = items(service, "taskSets");
            let holders = std::iter::once(service).chain(sets);
            let balancers = holders.flat_map(|holder| items(holder, "loadBalancers"));
            let both = balancers.flat_map(|one| {
                let other = one.pointer("/advancedConfiguration/alternateTargetGroupArn");
                [
                    Some(text(one, "targetGroupArn")),
                    other.and_then(Value::as_str),
                ]
            });
            both.flatten().filter(|arn| !arn.is_empty()).collect()
        }
        Live::ListenerRule(rule) => forwarded(items(rule, "Actions")),
        Live::Listener { listener, .. } => forwarded(items(listener, "DefaultActions")),
        _ => Vec::new(),
    }
}

/// The target groups of some actions.
fn forwarded<'a>(actions: impl Iterator<Item = &'a Value>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for action in actions {
        let config = action.get("ForwardConfig").unwrap_or(&Value::Null);
        let weighted = items(config, "TargetGroups").map(|one| text(one, "TargetGroupArn"));
        found.extend(std::iter::once(text(action, "TargetGroupArn")).chain(weighted));
    }
    found.retain(|arn| !arn.is_empty());
    found
}

/// Whether an orphan still uses another one.
pub(super) fn uses(user: &Orphan, used: &Orphan) -> bool {
    match (&user.subject, &used.subject) {
        // What leads to the tasks of a service goes after it.
        (Subject::Service(..), Subject::ListenerRule(_) | Subject::Listener(_)) => {
            let own = target_groups(user);
            target_groups(used).iter().any(|arn| own.contains(arn))
        }
        (
            Subject::Service(..) | Subject::ListenerRule(_) | Subject::Listener(_),
            Subject::TargetGroup(_),
        ) => target_groups(user).contains(&used.arn.as_str()),
        (Subject::DeploymentGroup(..), Subject::TargetGroup(name)) => match &user.live {
            Live::DeploymentGroup { group, .. } => pairs(group).any(|one| one == name),
            _ => false,
        },
        // Also what test traffic comes by, which leads to the group without tasks.
        (Subject::DeploymentGroup(..), Subject::ListenerRule(_) | Subject::Listener(_)) => {
            let Live::DeploymentGroup { group, .. } = &user.live else {
                return false;
            };
            let leads = target_groups(used);
            pairs(group).any(|name| {
                let own = format!(":targetgroup/{name}/");
                leads.iter().any(|arn| arn.contains(&own))
            })
        }
        (Subject::Service(cluster, name), Subject::DeploymentGroup(..)) => match &used.live {
            Live::DeploymentGroup { group, .. } => {
                services(group).any(|named| named == (cluster.as_str(), name.as_str()))
            }
            _ => false,
        },
        (Subject::DeploymentGroup(application, _), Subject::Application(name)) => {
            application == name
        }
        (Subject::ScalableTarget(id), Subject::Service(cluster, name)) => {
            *id == format!("service/{cluster}/{name}")
        }
        (Subject::ListenerRule(_), Subject::Listener(_)) => match &used.live {
            Live::Listener { rules, .. } => {
                rules.iter().any(|rule| text(rule, "RuleArn") == user.arn)
            }
            _ => false,
        },
        (Subject::Listener(_), Subject::LoadBalancer(_)) => match &used.live {
            Live::LoadBalancer { listeners, .. } => listeners.contains(&user.arn),
            _ => false,
        },
        (Subject::Service(own, _), Subject::Cluster(cluster)) => own == cluster,
        _ => false,
    }
}

/// The names of the target groups that a deployment group shifts traffic between.
fn pairs(group: &Value) -> impl Iterator<Item = &str> {
    let infos = group.pointer("/loadBalancerInfo/targetGroupPairInfoList");
    let infos = infos.and_then(Value::as_array).into_iter().flatten();
    infos.flat_map(|info| items(info, "targetGroups").map(|one| text(one, "name")))
}

/// Whether a deployment of this service is in flight, by what ECS shows of it.
pub(super) fn is_deploying(service: &Value) -> bool {
    let moving = |one: &Value| text(one, "rolloutState") == "IN_PROGRESS";
    items(service, "taskSets").count() > 1
        || items(service, "deployments").count() > 1
        || items(service, "deployments").any(moving)
        || !text(service, "currentServiceDeployment").is_empty()
}

/// Whether the last deployment of this group has not ended.
pub(super) fn is_shifting(group: &Value) -> bool {
    let last = group.get("lastAttemptedDeployment");
    let status = last.map(|last| text(last, "status")).unwrap_or_default();
    !["", "Succeeded", "Failed", "Stopped"].contains(&status)
}
