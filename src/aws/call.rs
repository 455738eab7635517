//! One AWS request as a document, by the real SDK client: whole there, whole back.
//!
//! The SDK builds, signs, sends, retries and checks; this replaces the body before signing, so that
//! members newer than the SDK reach AWS, and keeps the answer's body, so that they come back.
//!
//! Invariants:
//! - Only the operations in the table below can be called; a [`Call`] to any other is a defect and
//!   says so. `deploy/iam-policy.json` lists the same operations, and a test compares the two.
//! - What AWS would do twice is sent once: the SDK does not repeat it.
//! - The answer of a Query service is a document of strings (see `query`).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use serde_json::Value;

use super::fault::{Class, Fault};
use super::query;
use super::raw::Raw;
use crate::model::{Call, Service};

/// The SDK clients.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) ecr: aws_sdk_ecr::Client,
    pub(super) codedeploy: aws_sdk_codedeploy::Client,
    pub(super) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) scaling: aws_sdk_applicationautoscaling::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) secretsmanager: aws_sdk_secretsmanager::Client,
    #[cfg(feature = "cloudformation")]
    pub(super) cloudformation: aws_sdk_cloudformation::Client,
    #[cfg(feature = "s3")]
    pub(super) s3: aws_sdk_s3::Client,
    #[cfg(feature = "iam")]
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) raw: Raw,
}

/// Keeps the body of the last answer, and the SDK from sending a request again that is not to be.
#[derive(Clone, Debug, Default)]
struct Kept {
    body: Arc<Mutex<Vec<u8>>>,
    once: bool,
}

/// Whether a request is not sent again when no answer comes: AWS may have carried it out, and would once more. A forced
/// deployment is another one each time. The next pass looks, and decides.
fn is_for_once(call: &Call) -> bool {
    call.operation == "UpdateService" && call.input["forceNewDeployment"] == true
}

#[dyn_dispatch_hint]
impl Intercept for Kept {
    fn name(&self) -> &'static str {
        "KeepResponseBody"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.once {
            config
                .interceptor_state()
                .store_put(RetryConfig::disabled());
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(bytes) = context.response().body().bytes() {
            *self.body.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        }
        Ok(())
    }
}

impl Kept {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.body.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn replace_body(request: &mut HttpRequest, body: &str) {
    request
        .headers_mut()
        .insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

/// The version of the ELBv2 API (service model `apiVersion`).
const ELB_VERSION: &str = "2015-12-01";

/// The version of the STS API (service model `apiVersion`).
const STS_VERSION: &str = "2011-06-15";

/// The version of the `CloudFormation` API (service model `apiVersion`).
const CLOUDFORMATION_VERSION: &str = "2010-05-15";

/// The version of the IAM API (service model `apiVersion`).
const IAM_VERSION: &str = "2010-05-08";

/// An operation of an SDK client on its way.
type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>>;

macro_rules! table {
    (
        $( $service:ident $field:ident { $( $name:literal => $method:ident $(if $feature:literal)?, )* } )*
        @raw { $( $raw_service:ident $raw_name:literal, )* }
    ) => {
        /// Every operation that can be called: service and name.
        pub const OPERATIONS: &[(Service, &str)] = &[
            $( $( $( #[cfg(feature = $feature)] )? (Service::$service, $name), )* )*
            $( (Service::$raw_service, $raw_name), )*
        ];

        impl Clients {
            /// Sends one request and gives the answer's document.
            ///
            /// A region is for the calls under `raw`; the SDK clients have theirs.
            pub(super) async fn send(&self, call: &Call, region: Option<&str>) -> Result<Value, Fault> {
                let body = match call.service {
                    Service::Elb => query::form(call.operation, ELB_VERSION, &call.input),
                    Service::Sts => query::form(call.operation, STS_VERSION, &call.input),
                    Service::CloudFormation => {
                        query::form(call.operation, CLOUDFORMATION_VERSION, &call.input)
                    }
                    Service::Iam => query::form(call.operation, IAM_VERSION, &call.input),
                    _ => call.input.to_string(),
                };
                let kept = Kept {
                    once: is_for_once(call),
                    ..Kept::default()
                };
                let sending = match (call.service, call.operation) {
                    // Each in a function of its own: in one, all of these futures together are more than the
                    // stack of a thread takes in a build without optimization.
                    $( $( $( #[cfg(feature = $feature)] )? (Service::$service, $name) => {
                        let start = || -> Sending<'_> {
                            let request = self.$field
                                .$method()
                                .customize()
                                .mutate_request(move |request| replace_body(request, &body))
                                .interceptor(kept.clone());
                            Box::pin(async move {
                                let sent = request.send().await;
                                sent.map(drop).map_err(|error| Fault::from_sdk(call.service, call.operation, &error))
                            })
                        };
                        start()
                    } )* )*
                    $( (Service::$raw_service, $raw_name) => return self.raw.send(call, region).await, )*
                    _ => return Err(Fault::internal(call.service, call.operation, "not in the table of operations, or of a Cargo feature that this build lacks")),
                };
                sending.await?;
                let answer = read(call, &kept.take())?;
                not_started(call, &answer).map_or(Ok(answer), Err)
            }
        }
    };
}

table! {
    Ecs ecs {
        "ContinueServiceDeployment" => continue_service_deployment,
        "CreateCluster" => create_cluster,
        "CreateService" => create_service,
        "DeleteCluster" => delete_cluster,
        "DeleteService" => delete_service,
        "DescribeClusters" => describe_clusters,
        "DescribeServiceDeployments" => describe_service_deployments,
        "DescribeServiceRevisions" => describe_service_revisions,
        "DescribeServices" => describe_services,
        "DescribeTaskDefinition" => describe_task_definition,
        "DescribeTasks" => describe_tasks,
        "ListServiceDeployments" => list_service_deployments,
        "ListServices" => list_services,
        "ListTaskDefinitions" => list_task_definitions,
        "ListTasks" => list_tasks,
        "PutClusterCapacityProviders" => put_cluster_capacity_providers,
        "RegisterTaskDefinition" => register_task_definition,
        "RunTask" => run_task,
        "StopServiceDeployment" => stop_service_deployment,
        "StopTask" => stop_task,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
        "UpdateCluster" => update_cluster,
        "UpdateService" => update_service,
    }
    Ecr ecr {
        "BatchGetImage" => batch_get_image,
        "CreateRepository" => create_repository,
        "DeleteLifecyclePolicy" => delete_lifecycle_policy,
        "DeleteRepository" => delete_repository,
        "DeleteRepositoryPolicy" => delete_repository_policy,
        "DescribeImages" => describe_images,
        "DescribeRepositories" => describe_repositories,
        "GetLifecyclePolicy" => get_lifecycle_policy,
        "GetRepositoryPolicy" => get_repository_policy,
        "ListTagsForResource" => list_tags_for_resource,
        "PutImageScanningConfiguration" => put_image_scanning_configuration,
        "PutImageTagMutability" => put_image_tag_mutability,
        "PutLifecyclePolicy" => put_lifecycle_policy,
        "SetRepositoryPolicy" => set_repository_policy,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
    }
    CodeDeploy codedeploy {
        "BatchGetApplications" => batch_get_applications,
        "BatchGetDeploymentGroups" => batch_get_deployment_groups,
        "BatchGetDeploymentTargets" => batch_get_deployment_targets,
        "BatchGetDeployments" => batch_get_deployments,
        "ContinueDeployment" => continue_deployment,
        "CreateApplication" => create_application,
        "CreateDeployment" => create_deployment,
        "CreateDeploymentGroup" => create_deployment_group,
        "DeleteApplication" => delete_application,
        "DeleteDeploymentGroup" => delete_deployment_group,
        "GetApplication" => get_application,
        "GetApplicationRevision" => get_application_revision,
        "GetDeploymentConfig" => get_deployment_config,
        "GetDeploymentGroup" => get_deployment_group,
        "ListDeploymentGroups" => list_deployment_groups,
        "ListDeployments" => list_deployments,
        "ListTagsForResource" => list_tags_for_resource,
        "StopDeployment" => stop_deployment,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
        "UpdateDeploymentGroup" => update_deployment_group,
    }
    Elb elb {
        "AddTags" => add_tags,
        "CreateListener" => create_listener,
        "CreateLoadBalancer" => create_load_balancer,
        "CreateRule" => create_rule,
        "CreateTargetGroup" => create_target_group,
        "DeleteListener" => delete_listener,
        "DeleteLoadBalancer" => delete_load_balancer,
        "DeleteRule" => delete_rule,
        "DeleteTargetGroup" => delete_target_group,
        "DescribeListenerAttributes" => describe_listener_attributes,
        "DescribeListeners" => describe_listeners,
        "DescribeLoadBalancerAttributes" => describe_load_balancer_attributes,
        "DescribeLoadBalancers" => describe_load_balancers,
        "DescribeRules" => describe_rules,
        "DescribeTags" => describe_tags,
        "DescribeTargetGroupAttributes" => describe_target_group_attributes,
        "DescribeTargetGroups" => describe_target_groups,
        "DescribeTargetHealth" => describe_target_health,
        "ModifyIpPools" => modify_ip_pools,
        "ModifyListener" => modify_listener,
        "ModifyListenerAttributes" => modify_listener_attributes,
        "ModifyLoadBalancerAttributes" => modify_load_balancer_attributes,
        "ModifyRule" => modify_rule,
        "ModifyTargetGroup" => modify_target_group,
        "ModifyTargetGroupAttributes" => modify_target_group_attributes,
        "RemoveTags" => remove_tags,
        "SetIpAddressType" => set_ip_address_type,
        "SetSecurityGroups" => set_security_groups,
        "SetSubnets" => set_subnets,
    }
    Scaling scaling {
        "DeregisterScalableTarget" => deregister_scalable_target,
        "DescribeScalableTargets" => describe_scalable_targets,
        "DescribeScalingPolicies" => describe_scaling_policies,
        "ListTagsForResource" => list_tags_for_resource,
        "PutScalingPolicy" => put_scaling_policy,
        "RegisterScalableTarget" => register_scalable_target,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
    }
    Sts sts {
        "GetCallerIdentity" => get_caller_identity,
    }
    Ssm ssm {
        "DescribeParameters" => describe_parameters,
        "GetParameter" => get_parameter,
        "GetParameters" => get_parameters,
        "GetParametersByPath" => get_parameters_by_path,
    }
    SecretsManager secretsmanager {
        "DescribeSecret" => describe_secret,
        "GetSecretValue" => get_secret_value,
    }
    CloudFormation cloudformation {
        "DescribeStacks" => describe_stacks if "cloudformation",
        "ListExports" => list_exports if "cloudformation",
    }
    Iam iam {
        "GetRole" => get_role if "iam",
        "SimulatePrincipalPolicy" => simulate_principal_policy if "iam",
    }
    @raw {
        Ec2 "DescribeSecurityGroups",
        Ec2 "DescribeSubnets",
        Ec2 "DescribeVpcs",
        Logs "DescribeLogGroups",
        Sqs "DeleteMessageBatch",
        Sqs "ReceiveMessage",
        Tagging "GetResources",
    }
}

/// The answer's document.
fn read(call: &Call, body: &[u8]) -> Result<Value, Fault> {
    let wrong = |why: String| {
        Fault::internal(
            call.service,
            call.operation,
            format!("unreadable answer: {why}"),
        )
    };
    match call.service {
        Service::Elb | Service::Sts | Service::CloudFormation | Service::Iam => {
            let text = std::str::from_utf8(body).map_err(|e| wrong(e.to_string()))?;
            query::document(text).map_err(wrong)
        }
        // Some writes of CodeDeploy and ECR answer nothing; a read always answers.
        _ if body.is_empty() && !is_read(call.operation) => Ok(Value::Null),
        _ => serde_json::from_slice(body).map_err(|e| wrong(e.to_string())),
    }
}

/// The failure of a `RunTask` that started nothing: it answers 200, and says why under `failures` (ECS API
/// reference). There may be room later.
fn not_started(call: &Call, answer: &Value) -> Option<Fault> {
    let list = |member: &str| answer.get(member).and_then(Value::as_array);
    let started = list("tasks").is_some_and(|tasks| !tasks.is_empty());
    if call.operation != "RunTask" || started {
        return None;
    }
    let text = |one: &Value, member: &str| one.get(member)?.as_str().map(str::to_owned);
    let reason = |one: &Value| {
        let reason = text(one, "reason").unwrap_or_default();
        match text(one, "detail") {
            Some(detail) => format!("{reason} ({detail})"),
            None => reason,
        }
    };
    let mut reasons: Vec<String> = list("failures").into_iter().flatten().map(reason).collect();
    if reasons.is_empty() {
        reasons.push("the answer names no task".to_owned());
    }
    Some(Fault {
        service: call.service,
        operation: call.operation,
        class: Class::Transient,
        code: "NotStarted".to_owned(),
        message: reasons.join("; "),
    })
}

/// Whether an operation only reads.
fn is_read(operation: &str) -> bool {
    ["Describe", "List", "Get", "BatchGet"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_that_was_not_started_is_a_failure_that_says_why() {
        let mut call = Call {
            service: Service::Ecs,
            operation: "RunTask",
            input: json!({}),
        };
        let none =
            json!({"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY", "detail": "512"}]});
        let fault = not_started(&call, &none).unwrap();
        assert_eq!(fault.class, Class::Transient);
        assert!(fault.message.contains("RESOURCE:MEMORY (512)"), "{fault}");
        assert_eq!(
            not_started(&call, &json!({"tasks": [{}], "failures": []})),
            None
        );
        call.operation = "DescribeTasks";
        assert_eq!(not_started(&call, &none), None);
    }
}
