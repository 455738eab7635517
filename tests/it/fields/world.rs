//! What stands around the cases: the least valid spec of each kind, and the manifests that they refer
//! to.

use evenkeel::model::Kind;
use serde_json::{Value, json};

/// The least that is valid, for a case of its own.
pub(super) fn base(kind: Kind, index: usize) -> Value {
    let name = format!("case-{index}");
    match kind {
        Kind::Cluster => json!({ "clusterName": name }),
        Kind::ImageRepository => json!({ "repositoryName": name }),
        Kind::TaskDefinition => {
            json!({"family": name, "containerDefinitions": [{"name": "app", "image": "nginx:1", "memory": 128}]})
        }
        Kind::TargetGroup => {
            json!({"Name": name, "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-0a1b2c3d4e5f60001", "TargetType": "ip"})
        }
        Kind::LoadBalancer => {
            json!({"Name": name, "Subnets": ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]})
        }
        Kind::Listener => {
            json!({"LoadBalancerRef": "back", "Protocol": "HTTP", "Port": 1000 + index,
            "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]})
        }
        Kind::ListenerRule => json!({"ListenerRef": "public", "Priority": 100 + index,
            "Conditions": [{"Field": "path-pattern", "Values": [format!("/{name}")]}],
            "Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]}),
        Kind::Service => {
            json!({"clusterRef": "main", "serviceName": name, "taskDefinitionRef": "web", "desiredCount": 0, "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60001"]}}})
        }
        Kind::DeploymentGroup => {
            json!({"applicationName": format!("app-{index}"), "deploymentGroupName": name,
            "serviceRoleArn": "arn:aws:iam::123456789012:role/codedeploy",
            "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "ecsServices": [{"serviceRef": format!("service-{index}")}],
            "loadBalancerInfo": {"targetGroupPairInfoList": [{"targetGroups": [{"targetGroupRef": "blue"}, {"targetGroupRef": "green"}],
                "prodTrafficRoute": {"listenerRefs": ["public"]}}]},
            "blueGreenDeploymentConfiguration": {"deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
                "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE"}}})
        }
        Kind::ScalableTarget => {
            json!({"ServiceRef": format!("service-{index}"), "MinCapacity": 0, "MaxCapacity": 4})
        }
        Kind::ScalingPolicy => {
            json!({"PolicyName": name, "ServiceRef": format!("service-{index}"), "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}})
        }
    }
}

/// What the cases of a kind refer to.
pub(super) fn surroundings(kind: Kind) -> Vec<(Kind, &'static str, &'static str)> {
    const VPC: [(Kind, &str, &str); 10] = [
        (
            Kind::LoadBalancer,
            "front",
            r#"{"Subnets":["subnet-0a1b2c3d4e5f60001","subnet-0a1b2c3d4e5f60002"]}"#,
        ),
        (
            Kind::LoadBalancer,
            "back",
            r#"{"Subnets":["subnet-0a1b2c3d4e5f60001","subnet-0a1b2c3d4e5f60002"]}"#,
        ),
        (
            Kind::LoadBalancer,
            "net",
            r#"{"Type":"network","Subnets":["subnet-0a1b2c3d4e5f60001","subnet-0a1b2c3d4e5f60002"]}"#,
        ),
        (Kind::TargetGroup, "blue", IP_GROUP),
        (Kind::TargetGroup, "green", IP_GROUP),
        (Kind::TargetGroup, "third", IP_GROUP),
        (
            Kind::TargetGroup,
            "streams",
            r#"{"TargetType":"ip","Protocol":"TCP","Port":80,"VpcId":"vpc-0a1b2c3d4e5f60001"}"#,
        ),
        (
            Kind::Listener,
            "public",
            r#"{"LoadBalancerRef":"front","Protocol":"HTTP","Port":80,"DefaultActions":[{"Type":"forward","TargetGroupRef":"blue"}]}"#,
        ),
        (
            Kind::Listener,
            "test",
            r#"{"LoadBalancerRef":"front","Protocol":"HTTP","Port":9080,"DefaultActions":[{"Type":"forward","TargetGroupRef":"green"}]}"#,
        ),
        (
            Kind::Listener,
            "secure",
            r#"{"LoadBalancerRef":"front","Protocol":"HTTPS","Port":443,"Certificates":[{"CertificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/first"}],
            "DefaultActions":[{"Type":"forward","TargetGroupRef":"blue"}]}"#,
        ),
    ];
    const ECS: [(Kind, &str, &str); 5] = [
        (
            Kind::Cluster,
            "main",
            r#"{"capacityProviders":["FARGATE","FARGATE_SPOT"]}"#,
        ),
        (
            Kind::Cluster,
            "other",
            r#"{"capacityProviders":["FARGATE","FARGATE_SPOT"]}"#,
        ),
        (Kind::TaskDefinition, "web", WEB),
        (Kind::TaskDefinition, "api", API),
        (
            Kind::TaskDefinition,
            "bridge",
            r#"{"containerDefinitions":[{"name":"app","image":"nginx:1","memory":128}]}"#,
        ),
    ];
    /// Rules that ECS may shift traffic with.
    const SHIFTS: [(Kind, &str, &str); 6] = [
        (
            Kind::ListenerRule,
            "shift",
            r#"{"ListenerRef":"public","Priority":2001,"Conditions":[{"Field":"path-pattern","Values":["/shift"]}],
            "Actions":[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupRef":"blue","Weight":1},{"TargetGroupRef":"green","Weight":0}]}}]}"#,
        ),
        (
            Kind::ListenerRule,
            "shift-too",
            r#"{"ListenerRef":"public","Priority":2002,"Conditions":[{"Field":"path-pattern","Values":["/shift-too"]}],
            "Actions":[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupRef":"blue","Weight":1},{"TargetGroupRef":"green","Weight":0}]}}]}"#,
        ),
        (
            Kind::ListenerRule,
            "shift-third",
            r#"{"ListenerRef":"public","Priority":2003,"Conditions":[{"Field":"path-pattern","Values":["/shift-third"]}],
            "Actions":[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupRef":"blue","Weight":1},{"TargetGroupRef":"third","Weight":0}]}}]}"#,
        ),
        (
            Kind::ListenerRule,
            "probe",
            r#"{"ListenerRef":"test","Priority":2001,"Conditions":[{"Field":"path-pattern","Values":["/probe"]}],
            "Actions":[{"Type":"forward","TargetGroupRef":"green"}]}"#,
        ),
        (
            Kind::ListenerRule,
            "probe-too",
            r#"{"ListenerRef":"test","Priority":2002,"Conditions":[{"Field":"path-pattern","Values":["/probe-too"]}],
            "Actions":[{"Type":"forward","TargetGroupRef":"green"}]}"#,
        ),
        (
            Kind::ListenerRule,
            "probe-third",
            r#"{"ListenerRef":"test","Priority":2003,"Conditions":[{"Field":"path-pattern","Values":["/probe-third"]}],
            "Actions":[{"Type":"forward","TargetGroupRef":"third"}]}"#,
        ),
    ];
    match kind {
        Kind::Listener | Kind::ListenerRule => VPC.to_vec(),
        Kind::Service => VPC.into_iter().chain(ECS).chain(SHIFTS).collect(),
        Kind::DeploymentGroup | Kind::ScalingPolicy => VPC.into_iter().chain(ECS).collect(),
        Kind::ScalableTarget => ECS.to_vec(),
        _ => Vec::new(),
    }
}

const IP_GROUP: &str =
    r#"{"TargetType":"ip","Protocol":"HTTP","Port":80,"VpcId":"vpc-0a1b2c3d4e5f60001"}"#;
const WEB: &str = r#"{"networkMode":"awsvpc","requiresCompatibilities":["FARGATE","EC2"],"cpu":"256","memory":"512",
    "volumes":[{"name":"data","configuredAtLaunch":true}],
    "containerDefinitions":[
        {"name":"app","image":"nginx:1","portMappings":[{"name":"web","containerPort":80},{"name":"admin","containerPort":81}]},
        {"name":"side","image":"nginx:1","portMappings":[{"name":"side","containerPort":82}]}]}"#;

/// Another revision's content, with another volume.
const API: &str = r#"{"networkMode":"awsvpc","requiresCompatibilities":["FARGATE","EC2"],"cpu":"256","memory":"512",
    "volumes":[{"name":"more","configuredAtLaunch":true}],
    "containerDefinitions":[{"name":"app","image":"nginx:2","portMappings":[{"name":"web","containerPort":80}]}]}"#;

/// Manifests that one case needs for itself.
pub(super) fn companions(kind: Kind, case: &str) -> String {
    let name = case.replace("case", "service");
    if matches!(kind, Kind::ScalableTarget | Kind::ScalingPolicy) {
        let spec = json!({"clusterRef": "main", "serviceName": name, "taskDefinitionRef": "web", "desiredCount": 0,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60001"]}}});
        let mut text = super::cases::manifest(Kind::Service, &name, &spec);
        if kind == Kind::ScalingPolicy {
            let spec = json!({"ServiceRef": name, "MinCapacity": 0, "MaxCapacity": 4});
            text.push_str(&super::cases::manifest(Kind::ScalableTarget, &name, &spec));
        }
        return text;
    }
    if kind != Kind::DeploymentGroup {
        return String::new();
    }
    let spec = json!({"clusterRef": "main", "serviceName": name, "taskDefinitionRef": "web", "desiredCount": 0, "launchType": "FARGATE",
        "deploymentController": {"type": "CODE_DEPLOY"},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60001"]}},
        "loadBalancers": [{"targetGroupRef": "blue", "containerName": "app", "containerPort": 80}]});
    super::cases::manifest(Kind::Service, &name, &spec)
}
