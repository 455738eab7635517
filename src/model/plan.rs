//! What a planner answers: steps to take, the outcome if they succeed, and what a person sees.

use serde_json::Value;

use super::{Facts, Hold, Moment, Outcome};

/// The AWS services that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon ECS.
    Ecs,
    /// Amazon ECR.
    Ecr,
    /// AWS CodeDeploy.
    CodeDeploy,
    /// Elastic Load Balancing v2.
    Elb,
    /// Application Auto Scaling.
    Scaling,
    /// AWS STS.
    Sts,
    /// Systems Manager: its Parameter Store.
    Ssm,
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS `CloudFormation`.
    CloudFormation,
    /// Amazon S3.
    S3,
    /// AWS IAM.
    Iam,
    /// Amazon EC2: subnets, VPCs and security groups.
    Ec2,
    /// Amazon `CloudWatch` Logs.
    Logs,
    /// Amazon SQS: the queue that wakes the daemon.
    Sqs,
    /// Resource Groups Tagging API: which resources carry a tag.
    Tagging,
}

impl Service {
    /// The service's name as metrics and messages spell it (the AWS CLI's spelling).
    pub fn label(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ecr => "ecr",
            Self::CodeDeploy => "codedeploy",
            Self::Elb => "elbv2",
            Self::Scaling => "application-autoscaling",
            Self::Sts => "sts",
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
            Self::CloudFormation => "cloudformation",
            Self::S3 => "s3",
            Self::Iam => "iam",
            Self::Ec2 => "ec2",
            Self::Logs => "logs",
            Self::Sqs => "sqs",
            Self::Tagging => "resourcegroupstaggingapi",
        }
    }

    /// The prefix of its actions in IAM policies (Service Authorization Reference).
    pub fn iam_prefix(self) -> &'static str {
        match self {
            Self::Elb => "elasticloadbalancing",
            Self::Tagging => "tag",
            other => other.label(),
        }
    }

    /// The first label of its endpoints' names, by which requests to it are signed too (service models).
    pub fn endpoint_prefix(self) -> &'static str {
        match self {
            Self::Elb => "elasticloadbalancing",
            Self::Tagging => "tagging",
            other => other.label(),
        }
    }
}

/// One AWS request as a document: it reaches AWS whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The operation's name in the service model, such as `CreateService`.
    pub operation: &'static str,
    /// The request's document, spelled as the service model spells it.
    pub input: Value,
}

/// One write, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The request.
    pub call: Call,
    /// What it does and why, for a person: `create target group nova-auth-blue`.
    pub why: String,
}

impl Step {
    /// Whether it changes nothing but Even Keel's own tags (`evenkeel.dev/…`), in which it keeps
    /// what was declared last.
    pub fn only_records(&self) -> bool {
        let tags = ["tags", "Tags"].map(|member| self.call.input.get(member));
        let tags = tags.into_iter().flatten().next().and_then(Value::as_array);
        let ours = |tag: &Value| {
            let key = tag.get("key").or_else(|| tag.get("Key"));
            key.and_then(Value::as_str)
                .is_some_and(|key| key.starts_with("evenkeel.dev/"))
        };
        let keys = self.call.input.get("tagKeys").and_then(Value::as_array);
        let our_key = |key: &Value| {
            key.as_str()
                .is_some_and(|key| key.starts_with("evenkeel.dev/"))
        };
        match self.call.operation {
            "TagResource" | "AddTags" => tags.is_some_and(|tags| tags.iter().all(ours)),
            "UntagResource" => keys.is_some_and(|keys| keys.iter().all(our_key)),
            _ => false,
        }
    }
}

/// One difference between the manifest and live state.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// JSON-pointer-like path in the spec, such as `/HealthCheckPath`.
    pub path: String,
    /// The live value (`Null` when absent). Masked where it may be a secret.
    pub live: Value,
    /// The desired value (`Null` when it should be absent). Masked where it may be a secret.
    pub desired: Value,
    /// Whether the manifest declared the member before and does so no longer, so that it goes back to
    /// AWS's default, which is the desired value.
    pub reset: bool,
}

/// Where a rollout stands. Controller-neutral: `CodeDeploy` events map onto it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RolloutStage {
    /// Accepted, not started.
    Pending,
    /// The new tasks are starting.
    ScalingUp,
    /// Test traffic goes to the new tasks.
    TestTraffic,
    /// A person must say go.
    AwaitingApproval,
    /// Production traffic is moving.
    Shifting,
    /// All traffic is on the new tasks; the old ones are kept for a while.
    Baking,
    /// The old tasks are being stopped.
    CleaningUp,
    /// Going back to the old revision.
    RollingBack,
}

impl RolloutStage {
    /// Every stage, in order.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::ScalingUp,
        Self::TestTraffic,
        Self::AwaitingApproval,
        Self::Shifting,
        Self::Baking,
        Self::CleaningUp,
        Self::RollingBack,
    ];

    /// One word for text, JSON and metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::ScalingUp => "ScalingUp",
            Self::TestTraffic => "TestTraffic",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::Shifting => "Shifting",
            Self::Baking => "Baking",
            Self::CleaningUp => "CleaningUp",
            Self::RollingBack => "RollingBack",
        }
    }
}

/// A rollout as a person watches it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// The deployment's id at AWS.
    pub id: String,
    /// Whether this program started it for this service.
    pub ours: bool,
    /// Where it stands.
    pub stage: RolloutStage,
    /// The engine's own lifecycle events with their states, in order.
    pub events: Vec<(String, String)>,
    /// Production weight in percent of the old and of the new tasks, when known.
    pub weights: Option<(f64, f64)>,
    /// Whether it is stopped, or was, because a newer manifest takes its place; of a rollback: whether
    /// what it undoes was.
    pub superseded: bool,
}

/// The planner's answer for one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What to write now, in order. A failed step ends the pass.
    pub steps: Vec<Step>,
    /// The outcome, if every step succeeds.
    pub outcome: Outcome,
    /// What dependents may know; `None` when nothing could be observed (keep the old facts).
    pub facts: Option<Facts>,
    /// Differences found, also those that no step mends.
    pub drift: Vec<Drift>,
    /// The rollout in flight, if any.
    pub rollout: Option<Rollout>,
    /// A service: whether a rollout of it is in flight, whoever started it; `None` for other kinds and when unknown.
    pub flying: Option<bool>,
    /// A service's task counts; `None` for other kinds and when unknown.
    pub tasks: Option<Tasks>,
    /// What a service is said to run: a task definition's family and revision (`auth:5`).
    pub revision: Option<String>,
    /// The hold that concerns it, whether or not there is anything to do.
    pub hold: Option<Hold>,
    /// When to look again at the latest, where time alone changes what is decided.
    pub again: Option<Moment>,
    /// The reason that a person gave to start a rollout although no window is open.
    pub overridden: Option<String>,
    /// A service: the digest of the content that its manifest declares, once all of it is resolved.
    pub digest: Option<String>,
}

/// How many tasks a service wants and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    /// `desiredCount` at AWS.
    pub desired: u64,
    /// Running.
    pub running: u64,
    /// Pending.
    pub pending: u64,
}

impl Plan {
    /// A plan that writes nothing.
    pub fn only(outcome: Outcome) -> Self {
        Self {
            steps: Vec::new(),
            outcome,
            facts: None,
            drift: Vec::new(),
            rollout: None,
            flying: None,
            tasks: None,
            revision: None,
            hold: None,
            again: None,
            overridden: None,
            digest: None,
        }
    }

    /// The same plan with these facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Facts) -> Self {
        self.facts = Some(facts);
        self
    }

    /// The same plan with these differences before its own.
    #[must_use]
    pub fn with_drift(mut self, mut drift: Vec<Drift>) -> Self {
        drift.append(&mut self.drift);
        self.drift = drift;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_only_records_if_all_its_tags_are_ours() {
        let step = |operation, input| Step {
            call: Call {
                service: Service::Ecs,
                operation,
                input,
            },
            why: String::new(),
        };
        let ours = json!({"tags": [{"key": "evenkeel.dev/declared", "value": "v1:0"}]});
        let both = json!({"Tags": [{"Key": "evenkeel.dev/instance", "Value": "a"}, {"Key": "team", "Value": "b"}]});
        assert!(step("TagResource", ours.clone()).only_records());
        assert!(!step("TagResource", both).only_records());
        assert!(!step("CreateService", ours).only_records());
        let untag = |key: &str| step("UntagResource", json!({"tagKeys": [key]}));
        assert!(untag("evenkeel.dev/scaling-suspended").only_records());
        assert!(!untag("team").only_records());
    }
}
