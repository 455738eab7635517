//! What the caller may not read is unknown: it is told with the action, and is no finding. And what is
//! read is read once, by operations that only read.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel::sandbox::{AwsError, Fault};
use evenkeel::verify::OPERATIONS;

use super::stage::{AUTH, Stage, edit, nova};

/// The auth service with one of everything that is asked for.
async fn stage() -> Stage {
    let mut files = nova(&AUTH);
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf";
    let more = format!(
        "          awslogs-create-group: \"true\"\n      secrets:\n        - {{name: A, valueFrom: \"{arn}\"}}\n        \
         - {{name: B, valueFrom: /auth/key}}\n---\napiVersion: evenkeel.dev/v1alpha1\nkind: Service"
    );
    let from = "---\napiVersion: evenkeel.dev/v1alpha1\nkind: Service";
    edit(&mut files, "services/auth.yaml", from, &more);
    let held = "  secrets: [prod/db]\n  parameters: [{name: /auth/key, value: v}]\n  logGroups:";
    edit(&mut files, "sandbox.yaml", "  logGroups:", held);
    let name = "name: /ecs/nova/auth-service,";
    edit(&mut files, "sandbox.yaml", name, "name: /ecs/nova/other,");
    edit(
        &mut files,
        "services/auth.yaml",
        "  clusterRef: nova",
        "  cluster: other",
    );
    Stage::new(files).await
}

/// The operations that the sandbox was asked for, with how often.
fn asked(stage: &Stage) -> BTreeMap<(&'static str, String), usize> {
    stage.mounted.with(|sandbox| {
        assert_eq!(
            sandbox.mutations().count(),
            0,
            "a verification writes nothing"
        );
        let mut asked = BTreeMap::new();
        for entry in sandbox.journal() {
            *asked
                .entry((entry.service, entry.operation.clone()))
                .or_default() += 1;
        }
        asked
    })
}

#[tokio::test(start_paused = true)]
async fn every_denied_read_is_unknown_and_names_its_action() {
    let clean = stage().await;
    let judged = clean.verified().await;
    assert_eq!(judged.unknown, []);
    let before = judged.findings.len();
    let mut operations: BTreeSet<_> = asked(&clean).into_keys().collect();
    operations.remove(&("sts", "GetCallerIdentity".to_owned()));
    assert!(operations.len() > 10, "{operations:?}");
    for (service, operation) in operations {
        let stage = stage().await;
        let action = format!("{service}:{operation}");
        let code = if service == "ec2" {
            "UnauthorizedOperation"
        } else {
            "AccessDeniedException"
        };
        stage.mounted.with(|sandbox| {
            sandbox.inject(Fault {
                operation: action.clone(),
                error: AwsError::new(code, "not authorized to perform this"),
                times: None,
                takes_effect: false,
            });
        });
        let judged = stage.verified().await;
        assert!(
            judged.findings.len() <= before,
            "{action}: {:#?}",
            judged.findings
        );
        assert!(!judged.unknown.is_empty(), "{action}");
        for one in &judged.unknown {
            assert_eq!(one.why.action.as_deref(), Some(action.as_str()), "{one:#?}");
            assert!(!one.places.is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_otherwise_is_unknown_without_an_action() {
    let stage = stage().await;
    stage.mounted.with(|sandbox| {
        sandbox.inject(Fault {
            operation: "iam:GetRole".to_owned(),
            error: AwsError {
                status: 500,
                ..AwsError::new("ServiceFailure", "try again")
            },
            times: None,
            takes_effect: false,
        });
    });
    let judged = stage.verified().await;
    let roles: Vec<_> = judged
        .unknown
        .iter()
        .filter(|one| one.what.starts_with("role "))
        .collect();
    assert_eq!(roles.len(), 3, "{roles:#?}");
    for one in roles {
        assert_eq!(one.why.action, None);
        assert!(one.why.why.contains("ServiceFailure"), "{one:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_many_services_share_is_read_once() {
    let stage = Stage::new(nova(&[])).await;
    stage.verified().await;
    let asked = asked(&stage);
    let known: BTreeSet<(&str, &str)> = OPERATIONS
        .iter()
        .map(|(service, operation)| (service.iam_prefix(), *operation))
        .collect();
    for (service, operation) in asked.keys() {
        let operation = (*service, operation.as_str());
        assert!(known.contains(&operation), "{operation:?}");
    }
    let times = |service, operation: &str| asked[&(service, operation.to_owned())];
    for (service, operation) in [
        ("ec2", "DescribeSecurityGroups"),
        ("ec2", "DescribeSubnets"),
        ("ec2", "DescribeVpcs"),
        ("logs", "DescribeLogGroups"),
        ("elasticloadbalancing", "DescribeTargetGroups"),
    ] {
        assert_eq!(times(service, operation), 1, "{operation}");
    }
    // Eight groups share four configurations.
    assert_eq!(times("codedeploy", "GetDeploymentConfig"), 4);
    // One execution role, one role of CodeDeploy, and a task role for each of eight services.
    assert_eq!(times("iam", "GetRole"), 10);
}
