//! How a service is scaled comes with it.

use evenkeel::model::Service;
use serde_json::{Value, json};

use super::{by_path, imported, nothing_to_do};
use crate::sim::world::{World, pass};

/// A rolling service behind a load balancer.
const MANIFESTS: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: Cluster
metadata: {name: main}
spec: {}
---
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web}
spec: {networkMode: awsvpc, requiresCompatibilities: [FARGATE], cpu: "256", memory: "512",
  containerDefinitions: [{name: app, image: "nginx:1", portMappings: [{containerPort: 80}]}]}
---
apiVersion: evenkeel.dev/v1alpha1
kind: TargetGroup
metadata: {name: web}
spec: {TargetType: ip, Protocol: HTTP, Port: 80, VpcId: vpc-0a1b2c3d4e5f60001}
---
apiVersion: evenkeel.dev/v1alpha1
kind: LoadBalancer
metadata: {name: front}
spec: {Subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Listener
metadata: {name: front}
spec: {LoadBalancerRef: front, Protocol: HTTP, Port: 80, DefaultActions: [{Type: forward, TargetGroupRef: web}]}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: web}
spec: {clusterRef: main, taskDefinitionRef: web, desiredCount: 2, launchType: FARGATE,
  networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-0a1b2c3d4e5f60001]}},
  loadBalancers: [{targetGroupRef: web, containerName: app, containerPort: 80}]}
---
apiVersion: evenkeel.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: requests}
spec: {ServiceRef: web, PolicyType: TargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: {TargetValue: 100,
  ScaleInCooldown: 60, PredefinedMetricSpecification: {PredefinedMetricType: ALBRequestCountPerTarget, TargetGroupRef: web}}}
"#;

async fn scaling(world: &World, operation: &'static str, members: Value) {
    let mut input = json!({"ServiceNamespace": "ecs", "ResourceId": "service/main/web",
        "ScalableDimension": "ecs:service:DesiredCount"});
    input
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    world.person.call(Service::Scaling, operation, input).await;
}

#[tokio::test(start_paused = true)]
async fn targets_and_policies_of_every_type_come_back() {
    let world = World::of(&[("all.yaml".to_owned(), MANIFESTS.into())]).await;
    let daemon = world.daemon().await;
    // The policy waits for a target that somebody else registers.
    let key = "ScalingPolicy/requests";
    let waits =
        |outcome: &evenkeel::model::Outcome| outcome.message().contains("none is registered");
    daemon.outcome(key, waits).await;
    scaling(
        &world,
        "RegisterScalableTarget",
        json!({"MinCapacity": 1, "MaxCapacity": 9, "Tags": {"team": "sea"},
        "SuspendedState": {"ScheduledScalingSuspended": true}}),
    )
    .await;
    daemon.converged().await;
    daemon.kill();
    scaling(&world, "PutScalingPolicy", json!({"PolicyName": "more than 80 %", "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 10},
                {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 30}]}})).await;
    scaling(&world, "PutScalingPolicy", json!({"PolicyName": "forecast", "PolicyType": "PredictiveScaling",
        "PredictiveScalingPolicyConfiguration": {"Mode": "ForecastAndScale", "MetricSpecifications": [{"TargetValue": 40,
            "PredefinedMetricPairSpecification": {"PredefinedMetricType": "ECSServiceCPUUtilization"}}]}})).await;
    scaling(&world, "PutScalingPolicy", json!({"PolicyName": "depth", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 7.5, "DisableScaleIn": true,
            "CustomizedMetricSpecification": {"MetricName": "Depth", "Namespace": "App", "Statistic": "Average",
                "Dimensions": [{"Name": "queue", "Value": "a"}]}}})).await;
    pass(std::time::Duration::from_mins(5)).await;
    let imported = imported(&world, "main", &["web"]).await;
    assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    let text = by_path(&imported)["services/web.yaml"];
    for part in [
        "kind: ScalableTarget",
        "ServiceRef: web",
        "team: sea",
        "ScheduledScalingSuspended: true",
        "PolicyName: more than 80 %",
        "TargetGroupRef: web",
        "ForecastAndScale",
        "DisableScaleIn: true",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for part in [
        "ServiceNamespace",
        "ScalableDimension",
        "RoleARN",
        "ResourceLabel",
        "DynamicScaling",
        "Cooldown: 300",
        "Alarms",
    ] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    nothing_to_do(&world, &imported).await;
}
