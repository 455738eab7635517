//! Reads of CodeDeploy.

use std::collections::btree_map::Entry;
use std::time::Duration;

use serde_json::{Value, json};

use super::batch::Found;
use super::{NEXT_TOKEN, Observer, by, list, present};
use crate::aws::{Class, Fault};
use crate::model::{Call, Moment, Seen, Service};

/// How far back a failed attempt is remembered: `CodeDeploy` keeps no more order in its history than
/// its times, so all of it has to be read, 25 to a call.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

impl Observer {
    /// An application (`ApplicationInfo`).
    pub async fn application(&self, name: &str, fresh: Moment) -> Seen<Value> {
        let together = |_: &String, _: &String| true;
        self.applications
            .get(
                &self.clock,
                &name.to_owned(),
                fresh,
                together,
                |names: Vec<_>| async move {
                    let found = self
                        .listed(
                            "BatchGetApplications",
                            json!({"applicationNames": names}),
                            "applicationsInfo",
                        )
                        .await?;
                    let mut named = present(by(found, "applicationName"));
                    for name in names {
                        if let Entry::Vacant(over) = named.entry(name) {
                            let input = json!({"applicationName": over.key()});
                            let seen = self.alone("GetApplication", input, "application").await?;
                            over.insert(seen);
                        }
                    }
                    Ok(named)
                },
            )
            .await
    }

    /// A deployment group (`DeploymentGroupInfo`); absent if its application is.
    pub async fn deployment_group(
        &self,
        application: &str,
        group: &str,
        fresh: Moment,
    ) -> Seen<Value> {
        let key = (application.to_owned(), group.to_owned());
        let together = |one: &(String, String), other: &(String, String)| one.0 == other.0;
        self.deployment_groups
            .get(&self.clock, &key, fresh, together, |keys: Vec<_>| async move {
                let groups: Vec<&String> = keys.iter().map(|(_, group)| group).collect();
                let input = json!({"applicationName": application, "deploymentGroupNames": groups});
                let found =
                    self.listed("BatchGetDeploymentGroups", input, "deploymentGroupsInfo").await?;
                let mut named = by(found, "deploymentGroupName");
                let mut seen = Found::new();
                for key in keys {
                    let mut info = named.remove(&key.1);
 if info.is_none() {
                            let input =
                                json!({"applicationName": application, "deploymentGroupName": key.1});
                            info = self.alone("GetDeploymentGroup", input, "deploymentGroupInfo").await?;
 }
                    seen.insert(key, info);
                }
                Ok(seen)
            })
            .await
    }

    /// Asks for one thing that a batch answer passed over: only the call for it alone says without
    /// doubt that it is absent. (What the batch calls answer for a missing name is not documented.)
    async fn alone(
        &self,
        operation: &'static str,
        input: Value,
        member: &str,
    ) -> Result<Option<Value>, Fault> {
        match self.codedeploy(operation, input).await {
            Ok(mut answer) => match answer.get_mut(member).map(Value::take) {
                Some(info @ Value::Object(_)) => Ok(Some(info)),
                _ => Err(Fault::internal(
                    Service::CodeDeploy,
                    operation,
                    format!("the answer has no {member}"),
                )),
            },
            Err(fault) if fault.class == Class::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn listed(
        &self,
        operation: &'static str,
        input: Value,
        member: &str,
    ) -> Result<Vec<Value>, Fault> {
        let mut answer = self.codedeploy(operation, input).await?;
        list(Service::CodeDeploy, operation, &mut answer, member)
    }

    /// The tags of an application or a group, `[{"Key", "Value"}]`.
    pub async fn codedeploy_tags(&self, arn: &str, fresh: Moment) -> Seen<Value> {
        if self.account().is_empty() {
            return Seen::Unknown(
                "the account id, which the ARN holds, is not known yet".to_owned(),
            );
        }
        self.codedeploy_tags
            .get_alone(&self.clock, &arn.to_owned(), fresh, |arn| async move {
                let input = json!({"ResourceArn": arn});
                let tags = self.listed("ListTagsForResource", input, "Tags").await?;
                Ok(Value::from(tags))
            })
            .await
    }

    /// One deployment (`DeploymentInfo`); 25 to a call.
    pub async fn deployment(&self, id: &str, fresh: Moment) -> Seen<Value> {
        self.deployments
            .get(
                &self.clock,
                &id.to_owned(),
                fresh,
                |_, _| true,
                |ids: Vec<_>| async move {
                    let input = json!({"deploymentIds": ids});
                    let found = self
                        .listed("BatchGetDeployments", input, "deploymentsInfo")
                        .await?;
                    Ok(present(by(found, "deploymentId")))
                },
            )
            .await
    }

    /// The `ecsTarget` of a deployment: lifecycle events and task sets with their weights. Absent
    /// while the deployment has not started.
    pub async fn deployment_target(
        &self,
        deployment: &str,
        target: &str,
        fresh: Moment,
    ) -> Seen<Value> {
        let key = (deployment.to_owned(), target.to_owned());
        self.targets
            .get(
                &self.clock,
                &key,
                fresh,
                |_, _| false,
                |keys: Vec<_>| async move {
                    let input = json!({"deploymentId": deployment, "targetIds": [target]});
                    let found = self
                        .listed("BatchGetDeploymentTargets", input, "deploymentTargets")
                        .await;
                    let found = match found {
                        Err(fault) if fault.code.starts_with("DeploymentNotStarted") => Vec::new(),
                        other => other?,
                    };
                    let target = found.into_iter().next();
                    let target =
                        target.and_then(|mut target| target.get_mut("ecsTarget").map(Value::take));
                    Ok(keys.into_iter().map(|key| (key, target.clone())).collect())
                },
            )
            .await
    }

    /// Every deployment of a group in the last `REMEMBERED`, newest first. AWS keeps no order
    /// promise for `ListDeployments`, so they are sorted by `createTime`.
    ///
    /// Asked only before a deployment is about to start, never at the fixpoint.
    pub async fn history(&self, application: &str, group: &str) -> Seen<Vec<Value>> {
        match self.read_history(application, group).await {
            Ok(history) => Seen::Present(history),
            Err(fault) if fault.class == Class::NotFound => Seen::Absent,
            Err(fault) => Seen::Unknown(fault.to_string()),
        }
    }

    /// The revision (`RevisionLocation`) of an application, with its text. Asked only when it is about to be
    /// deployed again.
    pub async fn application_revision(&self, application: &str, location: &Value) -> Seen<Value> {
        let mut location = location.clone();
        // The deployment's own document has the digest alone, and AWS wants no empty text.
        for kind in ["appSpecContent", "string"] {
            if let Some(members) = location.get_mut(kind).and_then(Value::as_object_mut) {
                members.remove("content");
            }
        }
        let input = json!({"applicationName": application, "revision": location});
        match self
            .alone("GetApplicationRevision", input, "revision")
            .await
        {
            Ok(Some(revision)) => Seen::Present(revision),
            Ok(None) => Seen::Absent,
            Err(fault) => Seen::Unknown(fault.to_string()),
        }
    }

    async fn read_history(&self, application: &str, group: &str) -> Result<Vec<Value>, Fault> {
        let since = self.clock.now().minus(REMEMBERED).seconds();
        let input = json!({"applicationName": application, "deploymentGroupName": group,
            "createTimeRange": {"start": since}});
        let ids = self
            .pages(
                Service::CodeDeploy,
                "ListDeployments",
                input,
                "deployments",
                NEXT_TOKEN,
            )
            .await?;
        let mut all = Vec::new();
        for chunk in ids.chunks(25) {
            let input = json!({"deploymentIds": chunk});
            all.extend(
                self.listed("BatchGetDeployments", input, "deploymentsInfo")
                    .await?,
            );
        }
        let created = |d: &Value| {
            d.get("createTime")
                .and_then(Value::as_f64)
                .unwrap_or_default()
        };
        all.sort_by(|a, b| created(b).total_cmp(&created(a)));
        Ok(all)
    }

    async fn codedeploy(&self, operation: &'static str, input: Value) -> Result<Value, Fault> {
        self.aws
            .call(&Call {
                service: Service::CodeDeploy,
                operation,
                input,
            })
            .await
    }
}
