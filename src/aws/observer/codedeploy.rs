//! Reads of CodeDeploy.

use serde_json::{Value, json};

use super::{NEXT_TOKEN, Observer, by, list, text};
use crate::aws::Class;
use crate::model::{Call, Moment, Seen, Service};

impl Observer {
    /// An application (`ApplicationInfo`).
    pub async fn application(&self, name: &str, fresh: Moment) -> Seen<Value> {
        self.applications
            .get(
                &self.clock,
                &name.to_owned(),
                fresh,
                |_, _| true,
                |names: Vec<_>| async move {
                    let mut answer = self
                        .codedeploy("BatchGetApplications", json!({"applicationNames": names}))
                        .await?;
                    Ok(by(list(&mut answer, "applicationsInfo"), "applicationName"))
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
        self.deployment_groups
            .get(
                &self.clock,
                &key,
                fresh,
                |one, other| one.0 == other.0,
                |keys: Vec<_>| async move {
                    let groups: Vec<&String> = keys.iter().map(|(_, group)| group).collect();
                    let input =
                        json!({"applicationName": application, "deploymentGroupNames": groups});
                    let mut answer = self.codedeploy("BatchGetDeploymentGroups", input).await?;
                    Ok(list(&mut answer, "deploymentGroupsInfo")
                        .into_iter()
                        .map(|info| {
                            (
                                (application.to_owned(), text(&info, "deploymentGroupName")),
                                info,
                            )
                        })
                        .collect())
                },
            )
            .await
    }

    /// The tags of an application or a group, `[{"Key", "Value"}]`.
    pub async fn codedeploy_tags(&self, arn: &str, fresh: Moment) -> Seen<Value> {
        if self.account().is_empty() {
            return Seen::Unknown(
                "the account id, which the ARN holds, is not known yet".to_owned(),
            );
        }
        self.codedeploy_tags
            .get(
                &self.clock,
                &arn.to_owned(),
                fresh,
                |_, _| false,
                |arns: Vec<_>| async move {
                    let Some(arn) = arns.into_iter().next() else {
                        return Ok([].into());
                    };
                    let mut answer = self
                        .codedeploy("ListTagsForResource", json!({"ResourceArn": arn}))
                        .await?;
                    Ok([(arn, Value::from(list(&mut answer, "Tags")))].into())
                },
            )
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
                    let mut answer = self
                        .codedeploy("BatchGetDeployments", json!({"deploymentIds": ids}))
                        .await?;
                    Ok(by(list(&mut answer, "deploymentsInfo"), "deploymentId"))
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
                    let answer = self.codedeploy("BatchGetDeploymentTargets", input).await;
                    let mut answer = match answer {
                        Err(fault) if fault.code.starts_with("DeploymentNotStarted") => {
                            return Ok([].into());
                        }
                        other => other?,
                    };
                    let found = list(&mut answer, "deploymentTargets").into_iter().next();
                    let target =
                        found.and_then(|mut target| target.get_mut("ecsTarget").map(Value::take));
                    Ok(keys.into_iter().zip(target).collect())
                },
            )
            .await
    }

    /// Every deployment of a group from `since` on, newest first, at most 100. AWS keeps no order
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

    async fn read_history(
        &self,
        application: &str,
        group: &str,
    ) -> Result<Vec<Value>, super::Fault> {
        let input = json!({"applicationName": application, "deploymentGroupName": group});
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
        for chunk in ids.chunks(25).take(4) {
            let mut answer = self
                .codedeploy("BatchGetDeployments", json!({"deploymentIds": chunk}))
                .await?;
            all.extend(list(&mut answer, "deploymentsInfo"));
        }
        let created = |d: &Value| {
            d.get("createTime")
                .and_then(Value::as_f64)
                .unwrap_or_default()
        };
        all.sort_by(|a, b| created(b).total_cmp(&created(a)));
        Ok(all)
    }

    async fn codedeploy(
        &self,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, super::Fault> {
        self.aws
            .call(&Call {
                service: Service::CodeDeploy,
                operation,
                input,
            })
            .await
    }
}
