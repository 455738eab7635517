//! One message of the queue: what it says is worth a look. Pure.
//!
//! Shapes: "Parameter Store events" (Systems Manager user guide), "Amazon ECR events" (ECR user guide), "Amazon
//! ECS deployment state change events", "service action events" and "task state change events" (ECS developer
//! guide), "Monitoring deployments with Amazon `CloudWatch` Events" (`CodeDeploy` user guide).
//!
//! Invariants:
//! - An event of another account or region says nothing of the resources here, whoever forwarded it: it
//!   is [`Heard::Foreign`].
//! - Names longer than AWS allows, and everything that has not the shape of an event, are [`Heard::Broken`].

use serde_json::Value;

use crate::model::Hint;

/// The largest message that is read, in bytes: what SQS and `EventBridge` took of one until 2025 and more
/// than any event here has.
pub const LARGEST: usize = 256 * 1024;

/// The longest name in any of the events: a repository's has at most 256 characters.
const LONGEST_NAME: usize = 256;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something to look at.
    Look(Hint),
    /// An event that nothing here follows from: a detail type that is unknown, or one of a task that is of
    /// no service.
    Ignored,
    /// An event of another account or region.
    Foreign,
    /// Not an event.
    Broken,
}

impl Heard {
    /// One word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Look(_) => "woken",
            Self::Ignored => "ignored",
            Self::Foreign => "foreign",
            Self::Broken => "broken",
        }
    }
}

/// Reads a message's body. `account` is `None` while it is not known whose credentials these are; then
/// every account's events count.
pub fn heard(body: &str, account: Option<&str>, region: &str) -> Heard {
    if body.len() > LARGEST {
        return Heard::Broken;
    }
    let Ok(event) = serde_json::from_str::<Value>(body) else {
        return Heard::Broken;
    };
    let text = |member: &str| event.get(member).and_then(Value::as_str);
    let (Some(source), Some(kind), Some(owner), Some(place)) = (
        text("source"),
        text("detail-type"),
        text("account"),
        text("region"),
    ) else {
        return Heard::Broken;
    };
    if account.is_some_and(|account| account != owner) || place != region {
        return Heard::Foreign;
    }
    let told = match (source, kind) {
        ("aws.ssm", "Parameter Store Change") => Some(Hint::Source),
        (
            "aws.ecr",
            "ECR Image Action" | "ECR Replication Action" | "ECR Pull Through Cache Action",
        ) => detail(&event, "repository-name").map(|name| Hint::Images(name.to_owned())),
        ("aws.ecs", "ECS Deployment State Change" | "ECS Service Action") => service(&event),
        ("aws.ecs", "ECS Task State Change") => {
            let Some(group) = detail(&event, "group") else {
                // A task that was run by hand may have none.
                return Heard::Ignored;
            };
            let Some(name) = group.strip_prefix("service:") else {
                return Heard::Ignored;
            };
            cluster(&event).map(|cluster| Hint::Tasks {
                cluster,
                name: name.to_owned(),
            })
        }
        ("aws.codedeploy", "CodeDeploy Deployment State-change Notification") => {
            detail(&event, "application")
                .zip(detail(&event, "deploymentGroup"))
                .map(|(application, group)| Hint::DeploymentGroup {
                    application: application.to_owned(),
                    group: group.to_owned(),
                })
        }
        _ => return Heard::Ignored,
    };
    told.map_or(Heard::Broken, Heard::Look)
}

/// A name in the event's detail.
fn detail<'a>(event: &'a Value, member: &str) -> Option<&'a str> {
    event
        .get("detail")?
        .get(member)?
        .as_str()
        .filter(|name| is_name(name))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME
}

/// The name of the cluster whose ARN the detail holds.
fn cluster(event: &Value) -> Option<String> {
    let (_, name) = event
        .get("detail")?
        .get("clusterArn")?
        .as_str()?
        .rsplit_once(":cluster/")?;
    is_name(name).then(|| name.to_owned())
}

/// The service that the event's first resource is: `…:service/CLUSTER/NAME`, or the older
/// `…:service/NAME` beside the cluster's ARN.
fn service(event: &Value) -> Option<Hint> {
    let arn = event.get("resources")?.get(0)?.as_str()?;
    let (_, names) = arn.split_once(":service/")?;
    let (cluster, name) = match names.split_once('/') {
        Some((cluster, name)) => (cluster.to_owned(), name),
        None => (cluster(event)?, names),
    };
    (is_name(&cluster) && is_name(name)).then(|| Hint::Service {
        cluster,
        name: name.to_owned(),
    })
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
