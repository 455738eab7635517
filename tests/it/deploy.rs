//! `deploy/` against the program: permissions, alert rules, and how it is run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use evenkeel::aws::OPERATIONS;
use evenkeel::model::Service;
use evenkeel::verify;
use evenkeel::wake::{Heard, heard};
use serde_json::Value;

/// What AWS asks of the caller behind operations that we do call. EC2: "Elastic Load Balancing API
/// permissions" in its user guide. `CreateDeployment` registers the revision and reads the
/// deployment configuration as the caller. Services are handed roles, and the service-linked ones
/// are made on first use. A `SecureString` and a secret are decrypted as the caller; an S3 object is
/// read by no document call. Target tracking keeps its alarms as the caller ("IAM permissions required
/// for Amazon ECS service auto scaling" in the ECS developer guide). An Environment's role is assumed by
/// the SDK's credentials.
const BEHIND: [&str; 16] = [
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
    "codedeploy:GetDeploymentConfig",
    "codedeploy:RegisterApplicationRevision",
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "kms:Decrypt",
    "s3:GetObject",
    "sts:AssumeRole",
];

/// What only a verification calls, so that the daemon's policy need not allow it.
const ONLY_VERIFY: [(Service, &str); 5] = [
    (Service::CodeDeploy, "GetDeploymentConfig"),
    (Service::Iam, "GetRole"),
    (Service::Iam, "SimulatePrincipalPolicy"),
    (Service::Logs, "DescribeLogGroups"),
    (Service::Ssm, "DescribeParameters"),
];

/// The reads of EC2 are a verification's alone too, and behind others of the daemon's calls.
fn is_of_daemon(operation: &(Service, &str)) -> bool {
    ![Service::Ec2, Service::Sqs].contains(&operation.0) && !ONLY_VERIFY.contains(operation)
}

/// Behind a verification: the role of an Environment.
const BEHIND_VERIFY: [&str; 1] = ["sts:AssumeRole"];

/// The policies of the task role; IAM takes no longer one than the first is.
const DAEMON: [&str; 5] = [
    "deploy/iam-policy.json",
    "deploy/iam-policy-prune.json",
    "deploy/iam-policy-scaling.json",
    "deploy/iam-policy-tasks.json",
    "deploy/iam-policy-values.json",
];

/// The policy of `--wake-queue`.
const WAKE: &str = "deploy/iam-policy-wake.json";

/// The policy of a verification.
const VERIFY: &str = "deploy/iam-policy-verify.json";

/// The actions that take no resource (Service Authorization Reference), so that `*` is no laxity.
/// Every `Describe` of load balancing and of EC2 is another.
const UNSCOPED: [&str; 14] = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "cloudformation:ListExports",
    "cloudwatch:DescribeAlarms",
    "codedeploy:BatchGetDeploymentTargets",
    "ecs:CreateCluster",
    "ecs:DescribeTaskDefinition",
    "ecs:ListServices",
    "ecs:ListTaskDefinitions",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "ssm:DescribeParameters",
    "sts:GetCallerIdentity",
    "tag:GetResources",
];

fn read(path: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A member that is one string or a list of them.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}

/// Compares what policies allow together with what is called and what AWS asks for behind that.
fn allow_exactly(paths: &[&str], called: &[(Service, &str)], behind: &[&str]) {
    let mut allowed = BTreeSet::new();
    for path in paths {
        let policy = json(path);
        let mut own = BTreeSet::new();
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            for action in strings(&statement["Action"]) {
                assert!(own.insert(action.to_owned()), "{action} is allowed twice");
            }
        }
        allowed.extend(own);
    }
    // A batch is allowed by the action of one (Service Authorization Reference, Amazon SQS).
    let called = called.iter().map(|(service, name)| {
        let name = if *service == Service::Sqs {
            name.trim_end_matches("Batch")
        } else {
            name
        };
        format!("{}:{name}", service.iam_prefix())
    });
    let behind = behind.iter().map(|action| (*action).to_owned());
    let needed: BTreeSet<String> = called.chain(behind).collect();
    let missing: Vec<_> = needed.difference(&allowed).collect();
    let idle: Vec<_> = allowed.difference(&needed).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "{paths:?}: missing: {missing:?}; not needed: {idle:?}"
    );
}

#[test]
fn the_policies_allow_exactly_what_is_called() {
    let daemon: Vec<_> = OPERATIONS.iter().copied().filter(is_of_daemon).collect();
    allow_exactly(&DAEMON, &daemon, &BEHIND);
    allow_exactly(&[VERIFY], verify::OPERATIONS, &BEHIND_VERIFY);
    let queue: Vec<_> = OPERATIONS
        .iter()
        .filter(|one| one.0 == Service::Sqs)
        .copied()
        .collect();
    allow_exactly(&[WAKE], &queue, &[]);
    for operation in verify::OPERATIONS {
        assert!(OPERATIONS.contains(operation), "{operation:?}");
    }
    for operation in ONLY_VERIFY {
        assert!(verify::OPERATIONS.contains(&operation), "{operation:?}");
    }
}

#[test]
fn the_policies_are_no_wider_than_iam_allows() {
    for path in DAEMON.into_iter().chain([WAKE, VERIFY]) {
        no_wider(path);
    }
}

fn no_wider(path: &str) {
    let policy = json(path);
    for statement in policy["Statement"].as_array().unwrap() {
        let everything = strings(&statement["Resource"]).contains(&"*");
        for action in strings(&statement["Action"]) {
            assert!(!action.contains('*'), "{action} is a pattern");
            let describes = ["elasticloadbalancing:Describe", "ec2:Describe"]
                .iter()
                .any(|start| action.starts_with(start));
            let unscoped = describes || UNSCOPED.contains(&action);
            assert_eq!(everything, unscoped, "{action}: {}", statement["Resource"]);
        }
        if everything && statement["Action"][0] != "sts:GetCallerIdentity" {
            assert!(
                statement["Condition"].is_object(),
                "no condition: {statement}"
            );
        }
        if statement["Action"][0] == "iam:PassRole" {
            let services = &statement["Condition"]["StringEquals"]["iam:PassedToService"];
            assert!(services.is_array(), "PassRole to any service: {statement}");
        }
    }
    // IAM counts a managed policy without white space, to 6,144 characters.
    let size = read(path).chars().filter(|c| !c.is_whitespace()).count();
    assert!(size <= 6_144, "{path}: {size} characters");
}

#[test]
fn every_event_of_the_rules_is_understood_and_may_be_sent() {
    let template: Value = serde_yaml::from_str(&read("deploy/wake.yaml")).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let rules: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Events::Rule")
        .collect();
    assert_eq!(rules.len(), 5);
    let statement = &resources["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
    let senders = statement["Condition"]["ArnEquals"]["aws:SourceArn"].to_string();
    for (name, rule) in rules {
        let pattern = &rule["Properties"]["EventPattern"];
        for kind in strings(&pattern["detail-type"]) {
            let event = serde_json::json!({
                "source": pattern["source"][0], "detail-type": kind, "account": "1", "region": "r",
                "resources": ["arn:aws:ecs:r:1:service/c/s"],
                "detail": {
                    "repository-name": "a", "application": "a", "deploymentGroup": "g", "group": "service:s",
                    "clusterArn": "arn:aws:ecs:r:1:cluster/c"
                }
            });
            let heard = heard(&event.to_string(), Some("1"), "r");
            assert!(matches!(heard, Heard::Look(_)), "{name}: {kind}: {heard:?}");
        }
        assert!(
            senders.contains(&format!("[\"{name}\",")),
            "{name} may not send: {senders}"
        );
        let target = &rule["Properties"]["Targets"][0]["Arn"]["Fn::GetAtt"][0];
        assert_eq!(target, "Queue", "{name}");
    }
    let arn = &json(WAKE)["Statement"][0]["Resource"];
    let name = template["Parameters"]["QueueName"]["Default"]
        .as_str()
        .unwrap();
    assert!(
        arn.as_str().unwrap().ends_with(&format!(":{name}")),
        "{arn}"
    );
}

/// The metrics that a text names, without a histogram's suffix.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| {
            ["evenkeel_", "controller_runtime_", "workqueue_"]
                .iter()
                .any(|p| word.starts_with(p))
        })
        // A bare prefix, as in `workqueue_*`, is no name.
        .filter(|word| !word.ends_with('_'))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned())
        .collect()
}

#[test]
fn every_metric_that_is_used_exists_and_every_alert_has_its_absent_twin() {
    let documented = metrics_in(&read("docs/metrics.md"));
    assert!(documented.len() > 40, "{documented:?}");
    let rules = read("deploy/prometheus/alerts.yaml");
    let (alerts, twins) = rules.split_once("- name: evenkeel-absent").unwrap();
    let used = metrics_in(alerts);
    assert!(used.len() > 10, "{used:?}");
    let unknown: Vec<_> = used.difference(&documented).collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
    let drawn = metrics_in(&read("deploy/grafana/dashboard.json"));
    let unknown: Vec<_> = drawn.difference(&documented).collect();
    assert!(
        unknown.is_empty(),
        "the dashboard's are not in docs/metrics.md: {unknown:?}"
    );
    for metric in &used {
        let twin = [")", "{", "_bucket)"]
            .iter()
            .any(|end| twins.contains(&format!("absent({metric}{end}")));
        assert!(twin, "no absent({metric})");
    }
}

#[test]
fn the_task_definition_runs_the_image_as_it_is_built() {
    let task = json("deploy/ecs/task-definition.json");
    let container = &task["containerDefinitions"][0];
    let dockerfile = read("deploy/Dockerfile");
    let line = |start: &str| {
        dockerfile
            .lines()
            .find_map(|line| line.strip_prefix(start))
            .unwrap_or_default()
            .trim()
    };
    let command: Value = serde_json::from_str(line("CMD")).unwrap();
    assert_eq!(container["command"], command);
    assert_eq!(container["user"], line("USER"));
    let port = line("EXPOSE");
    assert_eq!(
        container["portMappings"][0]["containerPort"].to_string(),
        port
    );
    assert!(
        container["healthCheck"]["command"][3]
            .as_str()
            .unwrap()
            .contains(&format!("/{port} "))
    );
    assert_eq!(container["readonlyRootFilesystem"], true);
    assert_eq!(container["mountPoints"][0]["readOnly"], true);
}
