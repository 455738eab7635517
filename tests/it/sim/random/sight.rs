//! What stands at the simulated AWS at one moment, as far as the monitors ask. Reads by AWS's own operations,
//! beside the daemon's client; decides nothing.

use std::collections::BTreeMap;

use evenkeel::mount::Mounted;
use serde_json::{Value, json};

use super::stage::{Engine, Stage};
use crate::sim::console::{CODE_DEPLOY, ECS};
use crate::sim::direct::{json_call, served};

/// A rollout as AWS remembers it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rollout {
    pub(super) id: String,
    /// The image of what it deploys, where that is known.
    pub(super) content: Option<String>,
    pub(super) end: End,
    /// Whether it failed by itself before that.
    pub(super) early: bool,
    /// Whether production traffic has begun to move.
    pub(super) moved: bool,
    /// Whether all of it has.
    pub(super) took_over: bool,
}

/// Where a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Flying,
    Good,
    Bad,
    /// It made room for another one, which says nothing of its content.
    Superseded,
    /// It is AWS's own way back of another one.
    Rollback,
}

/// One moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sight {
    /// Newest first.
    pub(super) rollouts: Vec<Rollout>,
    /// Target group, its weight in the production rule, and how many healthy targets it has.
    pub(super) production: Vec<(String, u32, usize)>,
    /// Running tasks by image.
    pub(super) running: BTreeMap<String, u64>,
    /// How many tasks the service should have.
    pub(super) desired: u64,
    /// Whether it was moved from `CodeDeploy` to a strategy of ECS's own.
    pub(super) moved_over: bool,
}

/// Eyes that remember what cannot change.
#[derive(Debug, Default)]
pub(super) struct Eyes {
    /// Image by task definition ARN.
    images: BTreeMap<String, String>,
    /// Task definition by service revision ARN.
    revisions: BTreeMap<String, String>,
    /// Content by `CodeDeploy` deployment, as its task set or its caller told.
    deployed: BTreeMap<String, String>,
    /// Whether a `CodeDeploy` deployment failed by itself before traffic moved.
    early: BTreeMap<String, bool>,
}

impl Eyes {
    /// Looks; before the service is there, at nothing.
    pub(super) fn look(&mut self, mounted: &Mounted, stage: &Stage) -> Sight {
        let ask = json!({"cluster": "nova", "services": [stage.service], "include": ["TAGS"]});
        let found = json_call(mounted, ECS, "DescribeServices", &ask);
        let Some(service) = found["services"]
            .get(0)
            .filter(|it| it["status"] == "ACTIVE")
        else {
            return Sight::default();
        };
        let mut sight = Sight {
            desired: service["desiredCount"].as_u64().unwrap_or(0),
            production: served(mounted, &stage.rule.lock().unwrap()),
            ..Sight::default()
        };
        let by_code_deploy = service["deploymentController"]["type"] == "CODE_DEPLOY";
        sight.moved_over = stage.engine == Engine::CodeDeploy && !by_code_deploy;
        for list in ["deployments", "taskSets"] {
            for set in service[list].as_array().into_iter().flatten() {
                let image = self.image(mounted, set["taskDefinition"].as_str().unwrap());
                if let Some(id) = set["externalId"].as_str() {
                    self.deployed.insert(id.to_owned(), image.clone());
                }
                let running = set["runningCount"].as_u64().unwrap_or(0);
                *sight.running.entry(image).or_default() += running;
            }
        }
        // What made room for a newer manifest, or for the end of a window, says nothing of its content.
        let mut tags = service["tags"].as_array().into_iter().flatten();
        let tag = tags.find(|tag| tag["key"] == "evenkeel.dev/superseded");
        let superseded = tag.map(|tag| tag["value"].to_string()).unwrap_or_default();
        sight.rollouts = match stage.engine {
            Engine::CodeDeploy if by_code_deploy => self.code_deploy(mounted, stage, &superseded),
            _ => self.ecs(mounted, stage, &superseded),
        };
        sight
    }

    /// Whether the service that comes first runs just this image, with nothing in flight.
    pub(super) fn base(&mut self, mounted: &Mounted, image: &str) -> bool {
        let ask = json!({"cluster": "nova", "services": ["worker"]});
        let found = json_call(mounted, ECS, "DescribeServices", &ask);
        let service = &found["services"][0];
        let Some([only]) = service["deployments"].as_array().map(Vec::as_slice) else {
            return false;
        };
        let definition = only["taskDefinition"].as_str().unwrap_or_default();
        only["rolloutState"] == "COMPLETED"
            && service["runningCount"] == service["desiredCount"]
            && self.image(mounted, definition).ends_with(image)
    }

    /// Notes what a deployment that is about to be made brings.
    pub(super) fn told(&mut self, id: &str, content: &str) {
        self.deployed.insert(id.to_owned(), content.to_owned());
    }

    /// The image of a task definition's first container.
    pub(super) fn image(&mut self, mounted: &Mounted, task_definition: &str) -> String {
        if let Some(image) = self.images.get(task_definition) {
            return image.clone();
        }
        let ask = json!({"taskDefinition": task_definition});
        let found = json_call(mounted, ECS, "DescribeTaskDefinition", &ask);
        let image = found["taskDefinition"]["containerDefinitions"][0]["image"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.images
            .insert(task_definition.to_owned(), image.clone());
        image
    }

    fn ecs(&mut self, mounted: &Mounted, stage: &Stage, superseded: &str) -> Vec<Rollout> {
        let ask = json!({"cluster": "nova", "service": stage.service, "maxResults": 20});
        let listed = json_call(mounted, ECS, "ListServiceDeployments", &ask);
        let arns: Value = listed["serviceDeployments"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["serviceDeploymentArn"].clone())
            .collect();
        if arns.as_array().is_none_or(Vec::is_empty) {
            return Vec::new();
        }
        let ask = json!({"serviceDeploymentArns": arns});
        let whole = json_call(mounted, ECS, "DescribeServiceDeployments", &ask);
        let all = whole["serviceDeployments"].as_array().cloned();
        let all = all.unwrap_or_default();
        let mut rollouts = Vec::new();
        for (index, one) in all.iter().enumerate() {
            let target = &one["targetServiceRevision"];
            let revision = target["arn"].as_str().unwrap_or_default().to_owned();
            let status = one["status"].as_str().unwrap_or_default();
            let mut hooks = one["lifecycleHookDetails"].as_array().into_iter().flatten();
            let failed =
                hooks.any(|hook| hook["status"] == "FAILED" || hook["status"] == "TIMED_OUT");
            let struck = failed
                || ["deploymentCircuitBreaker", "alarms"]
                    .iter()
                    .any(|member| one[*member]["status"] == "TRIGGERED");
            let id = one["serviceDeploymentArn"].as_str().unwrap_or_default();
            let marked = superseded.contains(id.rsplit('/').next().unwrap_or(id));
            let share = target["requestedProductionTrafficWeight"].as_f64();
            let end = match status {
                "SUCCESSFUL" => End::Good,
                "PENDING" | "IN_PROGRESS" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => {
                    End::Flying
                }
                "STOPPED" | "STOP_REQUESTED"
                    if index > 0 && !struck && one.get("rollback").is_none() =>
                {
                    End::Superseded
                }
                "STOPPED" | "ROLLBACK_SUCCESSFUL" if marked && !struck => End::Superseded,
                _ => End::Bad,
            };
            let back = status.starts_with("ROLLBACK");
            rollouts.push(Rollout {
                id: id.to_owned(),
                content: self.of_revision(mounted, &revision),
                end,
                early: false,
                moved: back || share.is_some_and(|share| share > 0.0),
                took_over: !back && share.is_some_and(|share| share >= 100.0),
            });
        }
        rollouts
    }

    fn of_revision(&mut self, mounted: &Mounted, arn: &str) -> Option<String> {
        if !self.revisions.contains_key(arn) {
            let ask = json!({"serviceRevisionArns": [arn]});
            let found = json_call(mounted, ECS, "DescribeServiceRevisions", &ask);
            let definition = found["serviceRevisions"][0]["taskDefinition"].as_str()?;
            self.revisions.insert(arn.to_owned(), definition.to_owned());
        }
        let definition = self.revisions[arn].clone();
        Some(self.image(mounted, &definition))
    }

    fn code_deploy(&mut self, mounted: &Mounted, stage: &Stage, superseded: &str) -> Vec<Rollout> {
        let Some((application, group)) = stage.group else {
            return Vec::new();
        };
        let ask = json!({"applicationName": application, "deploymentGroupName": group});
        let listed = json_call(mounted, CODE_DEPLOY, "ListDeployments", &ask);
        if listed["deployments"].as_array().is_none_or(Vec::is_empty) {
            return Vec::new();
        }
        let ask = json!({"deploymentIds": listed["deployments"]});
        let whole = json_call(mounted, CODE_DEPLOY, "BatchGetDeployments", &ask);
        let mut all: Vec<Value> = whole["deploymentsInfo"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let made = |one: &Value| one["createTime"].as_f64().unwrap_or_default();
        all.sort_by(|a, b| made(b).total_cmp(&made(a)));
        let rollout = |one: &Value| {
            let id = one["deploymentId"].as_str().unwrap_or_default().to_owned();
            let code = one["errorInformation"]["code"].as_str();
            let condemned = matches!(code, Some("ALARM_ACTIVE" | "HOOK_EXECUTION_FAILURE"));
            let end = match one["status"].as_str().unwrap_or_default() {
                "Succeeded" | "Failed" | "Stopped" if one["creator"] == "codeDeployRollback" => {
                    End::Rollback
                }
                "Succeeded" => End::Good,
                "Stopped" if superseded.contains(&id) && !condemned => End::Superseded,
                "Failed" | "Stopped" => End::Bad,
                _ => End::Flying,
            };
            Rollout {
                content: self.deployed.get(&id).cloned(),
                early: stage.wishes.retries > 0
                    && one["status"] == "Failed"
                    && !condemned
                    && self.failed_early(mounted, &id),
                id,
                end,
                moved: true,
                // Nothing here says how far it is: the weights do.
                took_over: false,
            }
        };
        all.iter().map(rollout).collect()
    }

    /// Whether a `CodeDeploy` deployment failed before the event that moves traffic.
    fn failed_early(&mut self, mounted: &Mounted, id: &str) -> bool {
        if let Some(early) = self.early.get(id) {
            return *early;
        }
        let ask = json!({"deploymentId": id});
        let listed = json_call(mounted, CODE_DEPLOY, "ListDeploymentTargets", &ask);
        let ask = json!({"deploymentId": id, "targetId": listed["targetIds"][0]});
        let found = json_call(mounted, CODE_DEPLOY, "GetDeploymentTarget", &ask);
        let events = found["deploymentTarget"]["ecsTarget"]["lifecycleEvents"].as_array();
        let mut events = events.into_iter().flatten();
        let shift = |event: &&Value| event["lifecycleEventName"] == "AllowTraffic";
        // What comes after a failure is skipped, and never began.
        let early = events
            .find(shift)
            .is_some_and(|event| event.get("startTime").is_none());
        self.early.insert(id.to_owned(), early);
        early
    }
}
