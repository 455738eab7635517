//! The rollouts of a service as AWS remembers them: `CodeDeploy`'s deployments of its group, or ECS's
//! service deployments. Not a memory of our own.

mod observe;

use serde_json::Value;

use super::history::{attempt_of, commit_of, explain, is_rollback};
use super::native::explained;
use super::supersede::{Cause, Marks};
use super::{last_segment, text};
use crate::aws::Observer;
use crate::kinds::tags::{self, Spelling};
use crate::kinds::{COMMIT_TAG, View};
use crate::model::{Moment, PastRollout, Seen};

/// What was read.
enum Remembered {
    /// The group's deployments (`DeploymentInfo`), newest first.
    CodeDeploy {
        /// The service, for what was superseded.
        service: Value,
        /// The deployments.
        all: Vec<Value>,
    },
    /// The service's deployments with their revisions, newest first; each with what its task definition is, if
    /// that could be read.
    Ecs(Vec<(Value, Option<Value>)>),
}

/// The rollouts of the service that the view is of, newest first; absent if there is no such service.
pub async fn rollouts(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
) -> Seen<Vec<PastRollout>> {
    let remembered = observe::remembered(observer, view, fresh).await;
    remembered.map(|remembered| match remembered {
        Remembered::CodeDeploy { service, all } => {
            let marks = Marks::of(&service);
            let past = all.iter().map(|one| code_deploy(one, &all, &marks));
            past.collect()
        }
        Remembered::Ecs(all) => all
            .iter()
            .map(|(deployment, task)| ecs(deployment, task.as_ref()))
            .collect(),
    })
}

fn code_deploy(deployment: &Value, all: &[Value], marks: &Marks<'_>) -> PastRollout {
    let by = match text(deployment, "creator") {
        _ if attempt_of(deployment).is_some() && !is_rollback(deployment) => "evenkeel",
        creator => creator,
    };
    let status = text(deployment, "status");
    let id = text(deployment, "deploymentId");
    let cause = marks.cause(id).filter(|_| marks.made_room(deployment));
    let why = if let Some(cause) = cause {
        let told = match cause {
            Cause::Newer => "superseded by a newer manifest",
            Cause::Window => Cause::Window.text(),
        };
        format!("{told}: {}", explain(deployment, all))
    } else if matches!(status, "Failed" | "Stopped") {
        explain(deployment, all)
    } else {
        String::new()
    };
    PastRollout {
        id: id.to_owned(),
        status: status.to_owned(),
        created: moment(deployment, "createTime"),
        ended: moment(deployment, "completeTime"),
        by: Some(by.to_owned()).filter(|by| !by.is_empty()),
        // The AppSpec is not among what `BatchGetDeployments` gives (aws-facts 2.3).
        revision: None,
        commit: commit_of(deployment).map(str::to_owned),
        why,
    }
}

/// ECS keeps no description of a deployment: its commit is that of which its task definition was registered.
fn ecs(deployment: &Value, task: Option<&Value>) -> PastRollout {
    let tags = task.and_then(|task| task.get("tags"));
    let revision = deployment
        .get("revision")
        .map(|revision| last_segment(text(revision, "taskDefinition")))
        .filter(|revision| !revision.is_empty());
    let status = text(deployment, "status");
    let ended_well = matches!(status, "SUCCESSFUL" | "PENDING" | "IN_PROGRESS");
    PastRollout {
        id: last_segment(text(deployment, "serviceDeploymentArn")).to_owned(),
        status: status.to_owned(),
        created: moment(deployment, "createdAt"),
        ended: moment(deployment, "finishedAt"),
        by: None,
        revision: revision.map(str::to_owned),
        commit: tags::value_of(tags, COMMIT_TAG, Spelling::Lower),
        why: if ended_well {
            String::new()
        } else {
            explained(deployment)
        },
    }
}

/// A time of the JSON protocols: seconds since the epoch.
fn moment(document: &Value, member: &str) -> Option<Moment> {
    let seconds = document.get(member)?.as_f64()?;
    Some(Moment::of_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_codedeploy_deployment_says_who_why_and_of_which_commit() {
        let failed = json!({"deploymentId": "d-1", "status": "Failed", "creator": "user",
            "description": "evenkeel attempt=v1:ab commit=c0ffee Ann: fix", "createTime": 1.5,
            "completeTime": 3, "errorInformation": {"code": "TIMEOUT", "message": "no steady state"}});
        let past = code_deploy(&failed, std::slice::from_ref(&failed), &Marks::default());
        assert_eq!(past.by.as_deref(), Some("evenkeel"));
        assert_eq!(past.commit.as_deref(), Some("c0ffee"));
        assert_eq!(
            (past.created, past.ended),
            (Some(Moment(1500)), Some(Moment(3000)))
        );
        assert!(past.why.contains("TIMEOUT"), "{past:?}");
        let other = json!({"deploymentId": "d-2", "status": "InProgress", "creator": "user"});
        let past = code_deploy(&other, &[], &Marks::default());
        assert_eq!(
            (past.by.as_deref(), past.why.as_str(), past.commit),
            (Some("user"), "", None)
        );
    }

    #[test]
    fn a_service_deployment_says_which_revision() {
        let bad = json!({"serviceDeploymentArn": "arn:aws:ecs:r:1:service-deployment/c/web/77",
            "status": "ROLLBACK_SUCCESSFUL", "statusReason": "hook failed",
            "revision": {"taskDefinition": "arn:aws:ecs:r:1:task-definition/web:4"}});
        let tags = json!({"tags": [{"key": COMMIT_TAG, "value": "c0ffee"}]});
        let past = ecs(&bad, Some(&tags));
        assert_eq!(past.commit.as_deref(), Some("c0ffee"));
        assert_eq!(
            (past.id.as_str(), past.revision.as_deref()),
            ("77", Some("web:4"))
        );
        assert!(past.why.contains("hook failed"), "{past:?}");
        let good = ecs(
            &json!({"serviceDeploymentArn": "a/1", "status": "SUCCESSFUL"}),
            None,
        );
        assert_eq!(
            (good.why.as_str(), good.revision, good.commit),
            ("", None, None)
        );
    }
}
