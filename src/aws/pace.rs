//! How fast AWS is called: a token bucket per documented category, at half of the published rate.
//!
//! Half, so that people and CI in the same account keep the other half (gitops-controllers d.9).
//! Not a retry policy: the SDK retries a throttled call, and the pass after it backs off.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::model::{Moment, Service};

/// A category of operations that share one bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Category {
    name: &'static str,
    /// Published burst.
    burst: f64,
    /// Published refill per second.
    rate: f64,
}

/// The category of an operation. ECS: aws-facts 7 (API request throttling page). ELBv2: 40/10 for
/// reads, because one account-level bucket of that size stands behind the larger table; 20/3 for
/// writes, 10/0.2 for load balancers and subnets. CodeDeploy and ECR publish none for what we
/// call; the numbers here are ours, chosen below the smallest ECS read category.
fn category(service: Service, operation: &str) -> Category {
    let (name, burst, rate) = match service {
        Service::Ecs => match operation {
            "RegisterTaskDefinition" => ("ecs-task-definition-modify", 20.0, 1.0),
            "DescribeTaskDefinition" | "ListTaskDefinitions" => {
                ("ecs-task-definition-read", 50.0, 20.0)
            }
            "CreateService" | "UpdateService" | "DeleteService" => {
                ("ecs-service-modify", 50.0, 5.0)
            }
            "DescribeServices" => ("ecs-service-read", 100.0, 20.0),
            "ListServiceDeployments"
            | "DescribeServiceDeployments"
            | "StopServiceDeployment"
            | "ContinueServiceDeployment" => ("ecs-service-deployment", 50.0, 20.0),
            "DescribeServiceRevisions" => ("ecs-service-revision", 50.0, 20.0),
            "DescribeClusters" => ("ecs-cluster-read", 50.0, 20.0),
            "DescribeTasks" | "ListTasks" => ("ecs-cluster-resource-read", 100.0, 20.0),
            "RunTask" | "StopTask" => ("ecs-cluster-resource-modify", 100.0, 40.0),
            "TagResource" | "UntagResource" => ("ecs-tag-modify", 20.0, 10.0),
            _ => ("ecs-cluster-modify", 20.0, 1.0),
        },
        Service::Elb => match operation {
            "CreateLoadBalancer" | "DeleteLoadBalancer" | "SetSubnets" => {
                ("elbv2-load-balancer-modify", 10.0, 0.2)
            }
            read if read.starts_with("Describe") => ("elbv2-read", 40.0, 10.0),
            _ => ("elbv2-modify", 20.0, 3.0),
        },
        Service::CodeDeploy => ("codedeploy", 20.0, 10.0),
        Service::Ecr if operation == "BatchGetImage" => ("ecr-image-read", 100.0, 100.0),
        Service::Ecr => ("ecr", 20.0, 10.0),
        // Application Auto Scaling publishes none either; reads of hundreds of policies are ten to a page.
        Service::Scaling if operation.starts_with("Describe") => {
            ("application-autoscaling-read", 20.0, 20.0)
        }
        Service::Scaling => ("application-autoscaling", 10.0, 10.0),
        Service::Sts => ("sts", 10.0, 5.0),
        // 3 a second for DescribeParameters (aws-facts 6).
        Service::Ssm if operation == "DescribeParameters" => ("ssm-describe", 3.0, 3.0),
        // 40 a second for GetParameters (AWS General Reference, Systems Manager endpoints and quotas).
        Service::Ssm => ("ssm", 40.0, 40.0),
        // Secrets Manager takes thousands a second, S3 too, CloudFormation publishes none; these are
        // ours: a few values once a minute.
        Service::SecretsManager => ("secretsmanager", 40.0, 40.0),
        Service::CloudFormation => ("cloudformation", 10.0, 5.0),
        Service::S3 => ("s3", 40.0, 40.0),
        // IAM publishes none; ours.
        Service::Iam => ("iam", 40.0, 20.0),
        // Reads without paging: burst 50, 10 a second (EC2 developer guide, request throttling).
        Service::Ec2 => ("ec2-read", 50.0, 10.0),
        // 10 a second for DescribeLogGroups (CloudWatch Logs quotas).
        Service::Logs => ("logs", 10.0, 10.0),
        // A standard queue takes nearly any number (SQS quotas); ours: 500 messages a second are read and
        // deleted with half of it.
        Service::Sqs => ("sqs", 200.0, 200.0),
        // The Resource Groups Tagging API publishes none; ours: a page of a hundred resources now and then.
        Service::Tagging => ("tagging", 10.0, 5.0),
    };
    Category { name, burst, rate }
}

/// The bucket of the whole account that every ELBv2 call takes from besides its category's
/// (aws-facts 7).
const ELB_ACCOUNT: Category = Category {
    name: "elbv2-account",
    burst: 40.0,
    rate: 10.0,
};

/// The share of a published rate that this program uses.
const SHARE: f64 = 0.5;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Moment,
}

/// Takes one token, going into debt if there is none; gives how long to wait for it.
fn take(bucket: &mut Bucket, category: Category, now: Moment) -> Duration {
    let capacity = (category.burst * SHARE).max(1.0);
    let rate = category.rate * SHARE;
    let refill = now.since(bucket.at).as_secs_f64() * rate;
    bucket.tokens = (bucket.tokens + refill).min(capacity) - 1.0;
    bucket.at = bucket.at.max(now);
    if bucket.tokens >= 0.0 {
        Duration::ZERO
    } else {
        Duration::from_secs_f64(-bucket.tokens / rate)
    }
}

/// All buckets of one account and region.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: Clock,
    buckets: Mutex<BTreeMap<&'static str, Bucket>>,
}

impl Pacer {
    /// Full buckets.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            buckets: Mutex::new(BTreeMap::new()),
        }
    }

    /// Waits until this operation may be called; gives the category and how long it waited.
    pub(super) async fn admit(
        &self,
        service: Service,
        operation: &str,
    ) -> (&'static str, Duration) {
        let category = category(service, operation);
        let account = (service == Service::Elb).then_some(ELB_ACCOUNT);
        let now = self.clock.now();
        let wait = {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            let mut waits = std::iter::once(category).chain(account).map(|category| {
                let full = Bucket {
                    tokens: category.burst * SHARE,
                    at: now,
                };
                take(buckets.entry(category.name).or_insert(full), category, now)
            });
            waits
                .next()
                .unwrap_or_default()
                .max(waits.next().unwrap_or_default())
        };
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        (category.name, wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_half_the_published_rate() {
        let category = category(Service::Ecs, "RegisterTaskDefinition");
        let start = Moment(0);
        let mut bucket = Bucket {
            tokens: category.burst * SHARE,
            at: start,
        };
        let waits: Vec<Duration> = (0..12)
            .map(|_| take(&mut bucket, category, start))
            .collect();
        assert!(waits[..10].iter().all(Duration::is_zero), "{waits:?}");
        assert_eq!(waits[10], Duration::from_secs(2));
        assert_eq!(waits[11], Duration::from_secs(4));
        let later = start.plus(Duration::from_hours(1));
        assert_eq!(take(&mut bucket, category, later), Duration::ZERO);
    }

    #[test]
    fn time_going_backwards_gives_no_tokens() {
        let category = category(Service::Sts, "GetCallerIdentity");
        let mut bucket = Bucket {
            tokens: 0.0,
            at: Moment(10_000),
        };
        assert!(take(&mut bucket, category, Moment(0)) > Duration::ZERO);
    }
}
