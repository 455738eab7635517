//! Reads what AWS remembers of a service's rollouts. I/O; decides nothing.

use serde_json::Value;

use super::super::plan::controller;
use super::super::text;
use super::Remembered;
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Moment, Seen};

/// Reads.
pub(super) async fn remembered(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
) -> Seen<Remembered> {
    let (cluster, name) = view.set.service_names(view.resource);
    let service = match observer.service(cluster, name, fresh).await {
        Seen::Present(service) => service,
        Seen::Absent => return Seen::Absent,
        Seen::Unknown(why) => return Seen::Unknown(why),
    };
    if controller(&service) != "CODE_DEPLOY" {
        let arn = text(&service, "serviceArn");
        let list = observer.service_deployments(arn, cluster, fresh).await;
        let all = match list {
            Seen::Present(Value::Array(all)) => all,
            Seen::Present(_) => Vec::new(),
            Seen::Absent => return Seen::Absent,
            Seen::Unknown(why) => return Seen::Unknown(why),
        };
        let mut with = Vec::new();
        for deployment in all {
            let revision = deployment.get("revision");
            let task = match revision.map(|revision| text(revision, "taskDefinition")) {
                // Each is read once, however often it is asked for.
                Some(arn) if !arn.is_empty() => observer.task_definition(arn).await,
                _ => Seen::Absent,
            };
            let task = task.present().cloned();
            with.push((deployment, task));
        }
        return Seen::Present(Remembered::Ecs(with));
    }
    let Some(group) = view.set.deployment_group_of(&view.resource.key) else {
        let why = "no DeploymentGroup manifest names this service, so its deployments at CodeDeploy cannot be listed";
        return Seen::Unknown(why.to_owned());
    };
    let application = text(&group.spec, "applicationName");
    let history = observer.history(application, group.aws_name()).await;
    history.map(|all| Remembered::CodeDeploy { service, all })
}
