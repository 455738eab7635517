//! Application Auto Scaling by its operations.

use super::super::{AwsError, World, ecs};
use super::{Value, json, operation, scale};

const ID: &str = "service/main/web";

struct Fixture {
    world: World,
}

impl Fixture {
    /// A service `web` in `main` that wants two tasks.
    fn new() -> Self {
        let mut world = World::new("us-east-1", 0);
        let mut call = |name: &str, request: Value| {
            ecs::operation(name).unwrap().0(&mut world, &request).unwrap()
        };
        call("CreateCluster", json!({"clusterName": "main"}));
        call(
            "RegisterTaskDefinition",
            json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "app", "image": "nginx:1"}]}),
        );
        call(
            "CreateService",
            json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2,
            "launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}}),
        );
        Self { world }
    }

    fn call(&mut self, name: &str, members: &Value) -> Result<Value, AwsError> {
        let mut input = json!({"ServiceNamespace": "ecs"});
        if !name.starts_with("Describe") && !name.contains("Tag") {
            input["ResourceId"] = json!(ID);
            input["ScalableDimension"] = json!("ecs:service:DesiredCount");
        }
        input
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        operation(name).unwrap().0(&mut self.world, &input)
    }

    fn ok(&mut self, name: &str, members: &Value) -> Value {
        self.call(name, members)
            .unwrap_or_else(|error| panic!("{name} {members}: {error:?}"))
    }

    fn refused(&mut self, name: &str, members: &Value) -> (String, String) {
        match self.call(name, members) {
            Err(error) => (error.code, error.message),
            Ok(answer) => panic!("{name} {members}: {answer}"),
        }
    }

    fn count(&mut self) -> Value {
        let request = json!({"cluster": "main", "services": ["web"]});
        let describe = ecs::operation("DescribeServices").unwrap().0;
        describe(&mut self.world, &request).unwrap()["services"][0]["desiredCount"].clone()
    }

    fn target(&mut self) -> Value {
        self.ok("DescribeScalableTargets", &json!({"ResourceIds": [ID]}))["ScalableTargets"][0]
            .clone()
    }
}

fn tracking() -> Value {
    json!({"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 50,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}})
}

#[test]
fn a_registration_brings_the_service_into_its_range_each_time() {
    let mut aws = Fixture::new();
    aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 3, "MaxCapacity": 5}),
    );
    assert_eq!(aws.count(), 3);
    for (by_hand, expected) in [(9, 5), (0, 3), (4, 4)] {
        let update = ecs::operation("UpdateService").unwrap().0;
        let request = json!({"cluster": "main", "service": "web", "desiredCount": by_hand});
        update(&mut aws.world, &request).unwrap();
        assert_eq!(aws.count(), by_hand);
        let suspend = json!({"SuspendedState": {"DynamicScalingInSuspended": true}});
        aws.ok("RegisterScalableTarget", &suspend);
        assert_eq!(aws.count(), expected);
    }
    let target = aws.target();
    assert_eq!(
        (&target["MinCapacity"], &target["MaxCapacity"]),
        (&json!(3), &json!(5))
    );
    let suspended = json!({"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false,
        "ScheduledScalingSuspended": false});
    assert_eq!(target["SuspendedState"], suspended);
    let causes = aws.ok("DescribeScalingActivities", &json!({"ResourceId": ID}));
    let causes: Vec<&str> = causes["ScalingActivities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["Cause"].as_str().unwrap())
        .collect();
    assert_eq!(
        causes,
        [
            "minimum capacity was set to 3",
            "maximum capacity was set to 5",
            "minimum capacity was set to 3"
        ]
    );
}

#[test]
fn what_is_scaled_stays_in_range_and_heeds_suspension() {
    let mut aws = Fixture::new();
    aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 1, "MaxCapacity": 5}),
    );
    let by = |aws: &mut Fixture, to: i64| scale(&mut aws.world, "main", "web", to).unwrap();
    assert_eq!(
        by(&mut aws, 9),
        json!({"from": 2, "to": 5, "reason": "scaled"})
    );
    assert_eq!(by(&mut aws, 9)["reason"], "at the limit");
    let held = json!({"SuspendedState": {"DynamicScalingInSuspended": true}});
    aws.ok("RegisterScalableTarget", &held);
    assert_eq!(by(&mut aws, 1)["reason"], "suspended");
    assert_eq!(aws.count(), 5);
    let resumed = json!({"SuspendedState": {"DynamicScalingInSuspended": false}});
    aws.ok("RegisterScalableTarget", &resumed);
    assert_eq!(by(&mut aws, 0)["to"], 1);
}

#[test]
fn targets_are_refused_as_aws_refuses_them() {
    let mut aws = Fixture::new();
    let wrong = "ValidationException";
    for (members, text) in [
        (json!({"MinCapacity": 1}), "must be specified"),
        (
            json!({"MinCapacity": 3, "MaxCapacity": 2}),
            "less than minimum capacity",
        ),
        (json!({"MinCapacity": -1, "MaxCapacity": 2}), "less than 0"),
        (
            json!({"ResourceId": "service/main/gone", "MinCapacity": 1, "MaxCapacity": 2}),
            "ECS service doesn't exist: service/main/gone",
        ),
        (
            json!({"ResourceId": "web"}),
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            json!({"ScalableDimension": "dynamodb:table:ReadCapacityUnits"}),
            "Unsupported service namespace",
        ),
        (
            json!({"ServiceNamespace": "ecz"}),
            "Value 'ecz' at 'serviceNamespace' failed",
        ),
        (json!({"ServiceNamespace": "rds"}), "namespace ecs only"),
        (json!({"ResourceId": null}), "Value null at 'resourceId'"),
    ] {
        let (code, message) = aws.refused("RegisterScalableTarget", &members);
        assert_eq!(code, wrong, "{members}");
        assert!(message.contains(text), "{members}: {message}");
    }
    aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 1, "MaxCapacity": 2, "Tags": {"a": "1"}}),
    );
    let (_, message) = aws.refused("RegisterScalableTarget", &json!({"Tags": {"a": "2"}}));
    assert!(message.starts_with("The scalable target that you tried to tag already exists."));
    let ids: Vec<String> = (0..51).map(|n| format!("service/main/{n}")).collect();
    let (code, _) = aws.refused("DescribeScalableTargets", &json!({"ResourceIds": ids}));
    assert_eq!(code, wrong);
    let (code, _) = aws.refused(
        "DescribeScalableTargets",
        &json!({"ScalableDimension": "ecs:service:DesiredCount"}),
    );
    assert_eq!(code, wrong);
    let (code, _) = aws.refused("DescribeScalableTargets", &json!({"NextToken": "x"}));
    assert_eq!(code, "InvalidNextTokenException");
}

#[test]
fn tags_belong_to_targets() {
    let mut aws = Fixture::new();
    let made = aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 1, "MaxCapacity": 2, "Tags": {"a": "1"}}),
    );
    let arn = &made["ScalableTargetARN"];
    aws.ok(
        "TagResource",
        &json!({"ResourceARN": arn, "Tags": {"a": "2", "b": "3"}}),
    );
    aws.ok(
        "UntagResource",
        &json!({"ResourceARN": arn, "TagKeys": ["b"]}),
    );
    let tags = aws.ok("ListTagsForResource", &json!({"ResourceARN": arn}));
    assert_eq!(tags, json!({"Tags": {"a": "2"}}));
    let many: serde_json::Map<String, Value> =
        (0..50).map(|n| (n.to_string(), json!(""))).collect();
    let (code, _) = aws.refused("TagResource", &json!({"ResourceARN": arn, "Tags": many}));
    assert_eq!(code, "TooManyTagsException");
    let (code, _) = aws.refused(
        "TagResource",
        &json!({"ResourceARN": arn, "Tags": {"aws:x": "1"}}),
    );
    assert_eq!(code, "ValidationException");
    let (code, _) = aws.refused("ListTagsForResource", &json!({"ResourceARN": "arn:x"}));
    assert_eq!(code, "ResourceNotFoundException");
}

#[test]
fn a_policy_needs_its_target_and_goes_with_it() {
    let mut aws = Fixture::new();
    let (code, message) = aws.refused("PutScalingPolicy", &tracking());
    assert_eq!(code, "ObjectNotFoundException");
    assert_eq!(
        message,
        "No scalable target registered for service namespace: ecs, resource ID: service/main/web, \
         scalable dimension: ecs:service:DesiredCount"
    );
    aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 1, "MaxCapacity": 2}),
    );
    let made = aws.ok("PutScalingPolicy", &tracking());
    assert_eq!(made["Alarms"].as_array().unwrap().len(), 2);
    let read = |aws: &mut Fixture| {
        aws.ok("DescribeScalingPolicies", &json!({"ResourceId": ID}))["ScalingPolicies"].clone()
    };
    let live = read(&mut aws)[0].clone();
    assert_eq!(live["PolicyARN"], made["PolicyARN"]);
    let configuration = &live["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(configuration["DisableScaleIn"], false);

    let mut only_out = tracking();
    only_out["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] = json!(true);
    let again = aws.ok("PutScalingPolicy", &only_out);
    assert_eq!(again["PolicyARN"], made["PolicyARN"]);
    assert_eq!(again["Alarms"].as_array().unwrap().len(), 1);

    let steps = json!({"PolicyName": "steps", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration":
        {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}});
    assert_eq!(aws.ok("PutScalingPolicy", &steps)["Alarms"], json!([]));
    assert_eq!(
        read(&mut aws)[1]["StepScalingPolicyConfiguration"]["Cooldown"],
        300
    );
    aws.ok("DeleteScalingPolicy", &json!({"PolicyName": "steps"}));
    let (code, _) = aws.refused("DeleteScalingPolicy", &json!({"PolicyName": "steps"}));
    assert_eq!(code, "ObjectNotFoundException");
    aws.ok("DeregisterScalableTarget", &json!({}));
    assert_eq!(read(&mut aws), json!([]));
    let (code, _) = aws.refused("DeregisterScalableTarget", &json!({}));
    assert_eq!(code, "ObjectNotFoundException");
}

#[test]
fn policies_are_refused_as_aws_refuses_them() {
    let mut aws = Fixture::new();
    aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 1, "MaxCapacity": 2}),
    );
    let target = |configuration: Value| {
        json!({"PolicyName": "p", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration})
    };
    let metric = |name: &str| json!({"PredefinedMetricType": name});
    let steps = |configuration: Value| json!({"PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": configuration});
    let step = |lower: Value, upper: Value| json!({"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper, "ScalingAdjustment": 1});
    let change = |adjustments: Value| {
        steps(json!({"AdjustmentType": "ChangeInCapacity", "StepAdjustments": adjustments}))
    };
    let forecast = |one: Value| {
        json!({"PolicyName": "p", "PolicyType": "PredictiveScaling",
            "PredictiveScalingPolicyConfiguration": {"MetricSpecifications": [one]}})
    };
    let label = json!({"PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": "app/a/1/targetgroup/b/2"});
    for (members, text) in [
        (json!({"PolicyName": "p"}), "policy type is required"),
        (
            json!({"PolicyName": "p", "PolicyType": "StepScaling"}),
            "configuration of a StepScaling policy is missing",
        ),
        (
            json!({"PolicyName": "p", "PolicyType": "Magic"}),
            "'Magic' at 'policyType'",
        ),
        (
            json!({"PolicyName": "p", "PolicyType": "StepScaling", "TargetTrackingScalingPolicyConfiguration": {}}),
            "cannot be used with the policy type StepScaling",
        ),
        (target(json!({"TargetValue": 1})), "Exactly one of"),
        (
            target(
                json!({"PredefinedMetricSpecification": metric("ECSServiceAverageCPUUtilization")}),
            ),
            "TargetValue",
        ),
        (
            target(
                json!({"TargetValue": 1, "PredefinedMetricSpecification": metric("KafkaBrokerStorageUtilization")}),
            ),
            "not for the service namespace ecs",
        ),
        (
            target(
                json!({"TargetValue": 1, "PredefinedMetricSpecification": metric("ALBRequestCountPerTarget")}),
            ),
            "Resource label should be specified",
        ),
        (
            target(json!({"TargetValue": 1, "PredefinedMetricSpecification": label})),
            "is not behind",
        ),
        (
            target(json!({"TargetValue": 1, "CustomizedMetricSpecification": {"MetricName": "x"}})),
            "customized metric",
        ),
        (
            steps(json!({"StepAdjustments": []})),
            "AdjustmentType is required",
        ),
        (change(json!([])), "At least one step"),
        (
            change(json!([step(json!(null), json!(null))])),
            "can't be null in the same",
        ),
        (
            change(json!([step(json!(0), json!(1))])),
            "null upper bound",
        ),
        (
            change(json!([
                step(json!(0), json!(1)),
                step(json!(2), json!(null))
            ])),
            "overlap or have a gap",
        ),
        (
            change(json!([step(json!(1), json!(0))])),
            "greater than its lower bound",
        ),
        (forecast(json!({"TargetValue": 1})), "metric pair"),
    ] {
        let (code, message) = aws.refused("PutScalingPolicy", &members);
        assert_eq!(code, "ValidationException", "{members}");
        assert!(message.contains(text), "{members}: {message}");
    }
    assert_eq!(
        aws.ok("DescribeScalingPolicies", &json!({}))["ScalingPolicies"],
        json!([])
    );
}

#[test]
fn policies_come_by_ten() {
    let mut aws = Fixture::new();
    aws.ok(
        "RegisterScalableTarget",
        &json!({"MinCapacity": 1, "MaxCapacity": 2}),
    );
    for n in 0..13 {
        let mut policy = tracking();
        policy["PolicyName"] = json!(format!("p{n:02}"));
        aws.ok("PutScalingPolicy", &policy);
    }
    let first = aws.ok("DescribeScalingPolicies", &json!({}));
    assert_eq!(first["ScalingPolicies"].as_array().unwrap().len(), 10);
    let rest = aws.ok(
        "DescribeScalingPolicies",
        &json!({"NextToken": first["NextToken"]}),
    );
    assert_eq!(rest["ScalingPolicies"].as_array().unwrap().len(), 3);
    assert!(rest.get("NextToken").is_none());
    let (code, _) = aws.refused("DescribeScalingPolicies", &json!({"MaxResults": 11}));
    assert_eq!(code, "ValidationException");
}
