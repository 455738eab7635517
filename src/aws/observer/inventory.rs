//! Reads of what there is, whether a manifest declares it or not: for pruning. Read anew at each call.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::scaling::NEXT_TOKEN as SCALING_TOKEN;
use super::{NEXT_TOKEN, Observer, Token, list};
use crate::aws::{Class, Fault};
use crate::model::{Call, Seen, Service};

/// The Resource Groups Tagging API pages by these.
const PAGINATION_TOKEN: Token = Token {
    asked: "PaginationToken",
    answered: "PaginationToken",
};

impl Observer {
    /// The ARNs of the resources of these types (`ecs:service`, `codedeploy`) that carry this tag, a hundred
    /// to a call. It may lag behind: it may name what has just gone, and lack what has just come.
    ///
    /// # Errors
    /// A [`Fault`] if a page could not be read.
    pub async fn tagged(
        &self,
        key: &str,
        value: &str,
        types: &[&str],
    ) -> Result<Vec<String>, Fault> {
        let input = json!({
            "TagFilters": [{"Key": key, "Values": [value]}],
            "ResourceTypeFilters": types,
            "ResourcesPerPage": 100,
        });
        let found = self
            .pages(
                Service::Tagging,
                "GetResources",
                input,
                "ResourceTagMappingList",
                PAGINATION_TOKEN,
            )
            .await?;
        let arn = |one: &Value| Some(one.get("ResourceARN")?.as_str()?.to_owned());
        Ok(found.iter().filter_map(arn).collect())
    }

    /// The names of an application's deployment groups.
    ///
    /// # Errors
    /// A [`Fault`] if a page could not be read.
    pub async fn deployment_group_names(&self, application: &str) -> Result<Vec<String>, Fault> {
        let input = json!({"applicationName": application});
        let found = self
            .pages(
                Service::CodeDeploy,
                "ListDeploymentGroups",
                input,
                "deploymentGroups",
                NEXT_TOKEN,
            )
            .await?;
        let name = |one: &Value| Some(one.as_str()?.to_owned());
        Ok(found.iter().filter_map(name).collect())
    }

    /// The resource ids (`service/CLUSTER/SERVICE`) of all scalable targets of ECS services, by ARN; fifty to
    /// a call.
    ///
    /// # Errors
    /// A [`Fault`] if a page could not be read.
    pub async fn scalable_target_ids(&self) -> Result<BTreeMap<String, String>, Fault> {
        let input = json!({"ServiceNamespace": "ecs"});
        let found = self
            .pages(
                Service::Scaling,
                "DescribeScalableTargets",
                input,
                "ScalableTargets",
                SCALING_TOKEN,
            )
            .await?;
        let named = |one: &Value| {
            let text = |member: &str| Some(one.get(member)?.as_str()?.to_owned());
            Some((text("ScalableTargetARN")?, text("ResourceId")?))
        };
        Ok(found.iter().filter_map(named).collect())
    }

    /// Whether a repository holds an image.
    pub async fn has_images(&self, repository: &str) -> Seen<bool> {
        let operation = "DescribeImages";
        let call = Call {
            service: Service::Ecr,
            operation,
            input: json!({"repositoryName": repository, "maxResults": 1}),
        };
        let answer = match self.aws.call(&call).await {
            Err(fault) if fault.class == Class::NotFound => return Seen::Absent,
            Err(fault) => return Seen::Unknown(fault.to_string()),
            Ok(mut answer) => {
                let more = answer.get("nextToken").is_some_and(Value::is_string);
                list(Service::Ecr, operation, &mut answer, "imageDetails")
                    .map(|images| more || !images.is_empty())
            }
        };
        match answer {
            Ok(has) => Seen::Present(has),
            Err(fault) => Seen::Unknown(fault.to_string()),
        }
    }
}
