//! Scalable targets and scaling policies: what is filled in, and each rule with its path.

use serde_json::{Value, json};

use super::{changed, key, load_text};

const TARGET: &str = "ScalableTarget";
const POLICY: &str = "ScalingPolicy";
const ID: &str = "ResourceId: service/nova/auth";

/// The findings of one manifest alone, but for the policy's want of a target.
fn findings(kind: &str, spec: &str) -> Vec<(&'static str, String)> {
    let text = format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"
    );
    let found = load_text(&text).diagnostics.into_iter();
    found
        .filter(|one| one.code != "no-scalable-target")
        .map(|one| (one.code, one.path))
        .collect()
}

fn spec_of(text: &str, resource: &str) -> Value {
    let loaded = load_text(text);
    loaded.set.get(&key(resource)).unwrap().spec.clone()
}

#[test]
fn a_service_by_reference_and_by_id_are_one() {
    let base = super::BASE.to_owned();
    let spec = spec_of(&base, "ScalableTarget/auth-scaling");
    let expected = json!({"ServiceNamespace": "ecs", "ResourceId": "service/nova/auth-service",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 6});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(spec[member], *value, "{member}");
    }
    assert_eq!(spec.get("ServiceRef"), None);
    let set = load_text(&base).set;
    let target = set
        .scalable_target_of(&key("Service/auth-service"))
        .unwrap();
    assert_eq!(target.key, key("ScalableTarget/auth-scaling"));
    assert!(target.suspends_during_deployments());
    let policy = spec_of(&base, "ScalingPolicy/auth-cpu");
    assert_eq!(policy["PolicyName"], "auth-cpu");
    let by_id = changed(
        "  ServiceRef: auth-service\n  MinCapacity: 2",
        "  ResourceId: service/nova/auth-service\n  MinCapacity: 2",
    );
    let set = load_text(&by_id).set;
    assert!(
        set.scalable_target_of(&key("Service/auth-service"))
            .is_some()
    );
    assert!(
        set.get(&key("ScalableTarget/auth-scaling"))
            .unwrap()
            .needs
            .contains(&key("Service/auth-service"))
    );
}

#[test]
fn each_rule_gives_one_finding_with_its_path() {
    let tracking = |inner: &str| {
        format!(
            "{{{ID}, PolicyType: TargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: {{TargetValue: 1, {inner}}}}}"
        )
    };
    let metric = |inner: &str| tracking(&format!("PredefinedMetricSpecification: {{{inner}}}"));
    let steps = |kind: &str, list: &str| {
        format!(
            "{{{ID}, PolicyType: StepScaling, StepScalingPolicyConfiguration: {{AdjustmentType: {kind}, StepAdjustments: [{list}]}}}}"
        )
    };
    let step = "{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}";
    let forecast = |inner: &str, more: &str| {
        format!(
            "{{{ID}, PolicyType: PredictiveScaling, PredictiveScalingPolicyConfiguration: {{MetricSpecifications: [{{TargetValue: 1, {inner}}}]{more}}}}}"
        )
    };
    let pair =
        "PredefinedMetricPairSpecification: {PredefinedMetricType: ECSServiceCPUUtilization}";
    let of_tracking = "TargetTrackingScalingPolicyConfiguration";
    let of_steps = "StepScalingPolicyConfiguration";
    let of_forecast = "PredictiveScalingPolicyConfiguration";
    for (kind, spec, code, path) in [
        (
            TARGET,
            "{MinCapacity: 1, MaxCapacity: 2}".to_owned(),
            "missing-field",
            String::new(),
        ),
        (
            TARGET,
            format!("{{{ID}, MaxCapacity: 2}}"),
            "missing-field",
            "MinCapacity".to_owned(),
        ),
        (
            TARGET,
            format!("{{{ID}, MinCapacity: 3, MaxCapacity: 2}}"),
            "out-of-range",
            "MinCapacity".to_owned(),
        ),
        (
            TARGET,
            format!("{{{ID}, MinCapacity: -1, MaxCapacity: 2}}"),
            "out-of-range",
            "MinCapacity".to_owned(),
        ),
        (
            TARGET,
            "{ResourceId: nova/auth, MinCapacity: 1, MaxCapacity: 2}".to_owned(),
            "bad-value",
            "ResourceId".to_owned(),
        ),
        (
            TARGET,
            format!("{{{ID}, ServiceNamespace: rds, MinCapacity: 1, MaxCapacity: 2}}"),
            "not-allowed",
            "ServiceNamespace".to_owned(),
        ),
        (
            TARGET,
            format!("{{{ID}, RoleARN: r, MinCapacity: 1, MaxCapacity: 2}}"),
            "no-effect",
            "RoleARN".to_owned(),
        ),
        (
            TARGET,
            format!("{{{ID}, Tags: {{'aws:x': y}}, MinCapacity: 1, MaxCapacity: 2}}"),
            "bad-name",
            "Tags.aws:x".to_owned(),
        ),
        (
            POLICY,
            format!("{{{ID}}}"),
            "missing-field",
            "PolicyType".to_owned(),
        ),
        (
            POLICY,
            format!("{{{ID}, PolicyType: StepScaling}}"),
            "missing-field",
            of_steps.to_owned(),
        ),
        (
            POLICY,
            tracking(""),
            "missing-field",
            of_tracking.to_owned(),
        ),
        (
            POLICY,
            metric("PredefinedMetricType: KafkaBrokerStorageUtilization"),
            "bad-value",
            format!("{of_tracking}.PredefinedMetricSpecification.PredefinedMetricType"),
        ),
        (
            POLICY,
            metric("PredefinedMetricType: ALBRequestCountPerTarget"),
            "missing-field",
            format!("{of_tracking}.PredefinedMetricSpecification"),
        ),
        (
            POLICY,
            metric("PredefinedMetricType: ALBRequestCountPerTarget, ResourceLabel: web"),
            "bad-value",
            format!("{of_tracking}.PredefinedMetricSpecification.ResourceLabel"),
        ),
        (
            POLICY,
            metric(
                "PredefinedMetricType: ECSServiceAverageCPUUtilization, ResourceLabel: app/a/1/targetgroup/b/2",
            ),
            "not-allowed",
            format!("{of_tracking}.PredefinedMetricSpecification.ResourceLabel"),
        ),
        (
            POLICY,
            tracking("CustomizedMetricSpecification: {MetricName: m, Namespace: n}"),
            "missing-field",
            format!("{of_tracking}.CustomizedMetricSpecification"),
        ),
        (
            POLICY,
            tracking("CustomizedMetricSpecification: {MetricName: m, Metrics: [{Id: a}]}"),
            "two-ways",
            format!("{of_tracking}.CustomizedMetricSpecification"),
        ),
        (
            POLICY,
            steps("ChangeInCapacity", ""),
            "missing-field",
            format!("{of_steps}.StepAdjustments"),
        ),
        (
            POLICY,
            steps("ChangeInCapacity", "{ScalingAdjustment: 1}"),
            "step-intervals",
            format!("{of_steps}.StepAdjustments[0]"),
        ),
        (
            POLICY,
            steps(
                "ChangeInCapacity",
                "{MetricIntervalUpperBound: 5, ScalingAdjustment: 1}",
            ),
            "step-intervals",
            format!("{of_steps}.StepAdjustments[0]"),
        ),
        (
            POLICY,
            steps("ChangeInCapacity", &format!("{step}, {step}")),
            "step-intervals",
            format!("{of_steps}.StepAdjustments[1]"),
        ),
        (
            POLICY,
            steps(
                "ExactCapacity",
                "{MetricIntervalLowerBound: 0, ScalingAdjustment: -1}",
            ),
            "out-of-range",
            format!("{of_steps}.StepAdjustments[0].ScalingAdjustment"),
        ),
        (
            POLICY,
            forecast(
                "PredefinedScalingMetricSpecification: {PredefinedMetricType: x}",
                "",
            ),
            "missing-field",
            format!("{of_forecast}.MetricSpecifications[0]"),
        ),
        (
            POLICY,
            forecast(pair, ", MaxCapacityBuffer: 5"),
            "not-allowed",
            format!("{of_forecast}.MaxCapacityBuffer"),
        ),
        (
            POLICY,
            forecast(pair, ", MaxCapacityBreachBehavior: IncreaseMaxCapacity"),
            "missing-field",
            of_forecast.to_owned(),
        ),
    ] {
        let path = if path.is_empty() {
            "spec".to_owned()
        } else {
            format!("spec.{path}")
        };
        assert_eq!(findings(kind, &spec), [(code, path)], "{kind} {spec}");
    }
}

#[test]
fn what_aws_takes_has_no_finding() {
    for (kind, spec) in [
        (
            TARGET,
            format!(
                "{{{ID}, MinCapacity: 0, MaxCapacity: 0, SuspendedState: {{ScheduledScalingSuspended: true}}}}"
            ),
        ),
        (
            POLICY,
            format!(
                "{{{ID}, PolicyType: StepScaling, StepScalingPolicyConfiguration: {{AdjustmentType: PercentChangeInCapacity, \
            MinAdjustmentMagnitude: 1, StepAdjustments: [{{MetricIntervalUpperBound: 0, ScalingAdjustment: -10}}, \
            {{MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 2.5, ScalingAdjustment: 10}}, \
            {{MetricIntervalLowerBound: 2.5, ScalingAdjustment: 30}}]}}}}"
            ),
        ),
        (
            POLICY,
            format!(
                "{{{ID}, PolicyType: TargetTrackingScaling, TargetTrackingScalingPolicyConfiguration: {{TargetValue: 1.5, \
            PredefinedMetricSpecification: {{PredefinedMetricType: ALBRequestCountPerTarget, ResourceLabel: app/a/1/targetgroup/b/2}}}}}}"
            ),
        ),
    ] {
        assert_eq!(findings(kind, &spec), [], "{kind} {spec}");
    }
}

/// The base's findings after a change.
fn codes(from: &str, to: &str) -> Vec<&'static str> {
    let found = load_text(&changed(from, to)).diagnostics.into_iter();
    found.map(|one| one.code).collect()
}

#[test]
fn targets_and_policies_are_held_against_their_service() {
    let cpu = "PredefinedMetricType: ECSServiceAverageCPUUtilization";
    let requests = |group: &str| {
        format!("PredefinedMetricType: ALBRequestCountPerTarget\n      TargetGroupRef: {group}")
    };
    // Either of the pair is the service's, and only for every other deployment.
    assert_eq!(codes(cpu, &requests("blue")), ["one-of-a-pair"]);
    assert_eq!(codes(cpu, &requests("green")), ["one-of-a-pair"]);
    let other = "PredefinedMetricType: ALBRequestCountPerTarget\n      ResourceLabel: app/a/1/targetgroup/other/2";
    assert_eq!(codes(cpu, other), ["not-behind"]);
    assert_eq!(codes("  MinCapacity: 2", "  MinCapacity: 3"), ["no-effect"]);
    assert_eq!(
        codes(
            "  ServiceRef: auth-service\n  MinCapacity",
            "  ResourceId: service/nova/else\n  MinCapacity"
        ),
        ["no-scalable-target"]
    );
    assert_eq!(
        codes("    type: CODE_DEPLOY", "    type: EXTERNAL")
            .iter()
            .filter(|one| **one == "no-effect")
            .count(),
        1
    );
    let twice = "  name: auth-scaling\nspec:\n  ServiceRef: auth-service\n  MinCapacity: 1\n  MaxCapacity: 2\n---\napiVersion: evenkeel.dev/v1alpha1\nkind: ScalableTarget\nmetadata:\n  name: second\nspec:";
    assert!(codes("  name: auth-scaling\nspec:", twice).contains(&"duplicate-identity"));
    assert_eq!(
        codes(
            "suspendDuringDeployments: true",
            "suspendDuringDeployments: sometimes"
        ),
        ["wrong-type", "held-back"]
    );
    assert!(
        codes("  driftGrace: 10m", "  suspendDuringDeployments: true").contains(&"unknown-field")
    );
}
