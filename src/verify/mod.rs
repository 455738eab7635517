//! `verify`: whether AWS has what the manifests build on, before anybody builds on it.
//!
//! What it is: reads only, none of which changes anything, returns a secret's value or pulls an image.
//! What it is not: a plan (what would be written), nor the checks that need no AWS (`validate`).
//!
//! The flow. The judges, one file a subject, are pure functions of the manifests and of the facts that are
//! known so far; a judge that lacks a fact names the [`Question`]. The questions of all judges, each once,
//! are answered together (`observe`), and the judges start again with what is known then, until nobody
//! asks any more. So what is judged and what is read for it cannot drift apart, and whatever depends on
//! another answer (a listener's rules, say) is simply asked in the next round.
//!
//! Invariants:
//! - A read that failed is unknown: it is reported with the action that the caller lacks, it is no
//!   failure of the manifest, and nothing that depends on it is called right.
//! - What is not looked at is said not to be checked, never taken for right.
//! - One cause, one finding: a judge is silent about what follows from a thing that is missing.

mod addresses;
mod code_deploy;
mod images;
mod judge;
mod logs;
mod names;
mod network;
mod observe;
mod question;
mod reach;
mod roles;
mod routing;
mod secrets;
mod targets;
mod trust;

pub use judge::{Finding, Judged, Open};
pub use question::{Answer, Facts, Ignorance, Question};

use crate::aws::Aws;
use crate::manifest::DesiredSet;
use crate::model::Service;

/// Every operation that a verification may call; `deploy/iam-policy-verify.json` allows these.
pub const OPERATIONS: &[(Service, &str)] = &[
    (Service::CodeDeploy, "GetDeploymentConfig"),
    (Service::CodeDeploy, "GetDeploymentGroup"),
    (Service::Ec2, "DescribeSecurityGroups"),
    (Service::Ec2, "DescribeSubnets"),
    (Service::Ec2, "DescribeVpcs"),
    (Service::Ecr, "BatchGetImage"),
    (Service::Ecs, "DescribeClusters"),
    (Service::Ecs, "DescribeServices"),
    (Service::Elb, "DescribeListeners"),
    (Service::Elb, "DescribeLoadBalancers"),
    (Service::Elb, "DescribeRules"),
    (Service::Elb, "DescribeTargetGroups"),
    (Service::Iam, "GetRole"),
    (Service::Iam, "SimulatePrincipalPolicy"),
    (Service::Logs, "DescribeLogGroups"),
    (Service::SecretsManager, "DescribeSecret"),
    (Service::Ssm, "DescribeParameters"),
    (Service::Sts, "GetCallerIdentity"),
];

/// More rounds than the longest chain of questions has: target group, load balancer, listener, rules.
const MAX_ROUNDS: usize = 10;

/// Verifies a set of manifests. `progress` is told how many questions are answered, of how many.
///
/// # Errors
/// If AWS does not say whose credentials these are: then it says nothing else either.
pub async fn verify(
    aws: &Aws,
    set: &DesiredSet,
    progress: impl Fn(usize, usize),
) -> Result<Judged, String> {
    let account = aws
        .account()
        .await
        .map_err(|fault| format!("no AWS to verify against: {fault}"))?;
    let place = judge::Place {
        account,
        region: aws.region().to_owned(),
    };
    let mut facts = Facts::default();
    for _ in 0..MAX_ROUNDS {
        let judged = judge::judge(set, &place, &facts);
        if judged.open.is_empty() {
            return Ok(judged);
        }
        observe::answer(aws, judged.open, &mut facts, &progress).await;
    }
    Err(format!(
        "more than {MAX_ROUNDS} rounds of questions; this is a defect of this program"
    ))
}
