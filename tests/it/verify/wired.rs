//! A service that names target groups by ARN: what is live, not what is declared, is looked at.

use evenkeel::model::Service;
use serde_json::json;

use super::stage::{Stage, only};

const VPC: &str = "vpc-0a1b2c3d4e5f60001";

fn manifests(target_group: &str, cluster: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {{name: web}}
spec:
  networkMode: awsvpc
  containerDefinitions:
    - {{name: app, image: x, memory: 64, portMappings: [{{containerPort: 80}}]}}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {{name: web}}
spec:
  {cluster}
  taskDefinitionRef: web
  networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-0a1b2c3d4e5f60003]}}}}
  loadBalancers: [{{targetGroupArn: \"{target_group}\", containerName: app, containerPort: 80}}]
---
apiVersion: evenkeel.dev/v1alpha1
kind: SandboxSeed
metadata: {{name: x}}
spec:
  vpcs: [{VPC}]
"
    )
}

const CLUSTER: &str = "cluster: default";
const PLACE: &str = "Service/web /loadBalancers/0/targetGroupArn";

/// A stage with a live cluster and target group of this type, and the manifests that name it.
async fn stage(kind: &str) -> (Stage, String) {
    let arn = |name: &str| {
        format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/0")
    };
    let stage = Stage::of(&manifests(&arn("none"), CLUSTER)).await;
    stage
        .call(
            Service::Ecs,
            "CreateCluster",
            json!({"clusterName": "default"}),
        )
        .await;
    let input =
        json!({"Name": "web", "TargetType": kind, "Protocol": "HTTP", "Port": 80, "VpcId": VPC});
    let made = stage.call(Service::Elb, "CreateTargetGroup", input).await;
    let arn = made["TargetGroups"][0]["TargetGroupArn"].as_str().unwrap();
    let arn = arn.to_owned();
    (stage.with(&manifests(&arn, CLUSTER)), arn)
}

/// Puts the target group behind a load balancer in these subnets.
async fn attach(stage: &Stage, arn: &str) {
    let input = json!({"Name": "front", "Subnets": ["subnet-0a1b2c3d4e5f60003", "subnet-0a1b2c3d4e5f60001"]});
    let made = stage.call(Service::Elb, "CreateLoadBalancer", input).await;
    let balancer = &made["LoadBalancers"][0]["LoadBalancerArn"];
    let actions = json!([{"Type": "forward", "TargetGroupArn": arn}]);
    let input = json!({"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": actions});
    stage.call(Service::Elb, "CreateListener", input).await;
}

#[tokio::test(start_paused = true)]
async fn a_live_target_group_behind_a_load_balancer_is_right() {
    let (stage, arn) = stage("ip").await;
    attach(&stage, &arn).await;
    let judged = stage.verified().await;
    assert_eq!(judged.findings, []);
    assert_eq!(judged.unknown, []);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_without_a_load_balancer() {
    let (stage, _) = stage("ip").await;
    let judged = stage.verified().await;
    let words = ["ECS refuses one without a load balancer"];
    only(&judged, "error target-group-unused", PLACE, &words);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_for_instances() {
    let (stage, arn) = stage("instance").await;
    attach(&stage, &arn).await;
    let judged = stage.verified().await;
    let words = ["target type `instance`", "registered as `ip`"];
    only(&judged, "error target-type", PLACE, &words);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_or_a_cluster_that_is_not_there() {
    let (stage, arn) = stage("ip").await;
    attach(&stage, &arn).await;
    let gone = stage.with(&manifests(&format!("{arn}0"), CLUSTER));
    let words = ["does not exist in us-east-1"];
    only(
        &gone.verified().await,
        "error missing-target-group",
        PLACE,
        &words,
    );
    let nowhere = gone.with(&manifests(&arn, "cluster: nowhere"));
    let judged = nowhere.verified().await;
    let words = ["the cluster `nowhere` does not exist"];
    only(
        &judged,
        "error missing-cluster",
        "Service/web /cluster",
        &words,
    );
}
