//! Reads of ELBv2. Every scalar in these documents is a string.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{MARKER, Observer, by, list, text};
use crate::model::{Call, Moment, PLACEHOLDER, Seen, Service};

/// Which resource's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bag {
    /// `DescribeTargetGroupAttributes`.
    TargetGroup,
    /// `DescribeLoadBalancerAttributes`.
    LoadBalancer,
    /// `DescribeListenerAttributes`.
    Listener,
}

impl Observer {
    /// One member of `DescribeTargetGroups.TargetGroups`, by name.
    ///
    /// The whole region by pages of 400, because a call by names fails whole for one that is missing.
    pub async fn target_group(&self, name: &str, fresh: Moment) -> Seen<Value> {
        let all = self
            .target_groups
            .get(
                &self.clock,
                &(),
                fresh,
                |(), ()| false,
                |_: Vec<_>| async move {
                    let input = json!({"PageSize": 400});
                    let found = self
                        .pages(
                            Service::Elb,
                            "DescribeTargetGroups",
                            input,
                            "TargetGroups",
                            MARKER,
                        )
                        .await?;
                    Ok([((), Some(Arc::new(by(found, "TargetGroupName"))))].into())
                },
            )
            .await;
        one(all, name)
    }

    /// One member of `DescribeLoadBalancers.LoadBalancers`, by name.
    pub async fn load_balancer(&self, name: &str, fresh: Moment) -> Seen<Value> {
        let all = self
            .load_balancers
            .get(
                &self.clock,
                &(),
                fresh,
                |(), ()| false,
                |_: Vec<_>| async move {
                    let input = json!({"PageSize": 400});
                    let found = self
                        .pages(
                            Service::Elb,
                            "DescribeLoadBalancers",
                            input,
                            "LoadBalancers",
                            MARKER,
                        )
                        .await?;
                    Ok([((), Some(Arc::new(by(found, "LoadBalancerName"))))].into())
                },
            )
            .await;
        one(all, name)
    }

    /// The listeners of a load balancer.
    pub async fn listeners(&self, load_balancer_arn: &str, fresh: Moment) -> Seen<Vec<Value>> {
        if load_balancer_arn.starts_with(PLACEHOLDER) {
            return Seen::Absent;
        }
        self.listeners
            .get_alone(
                &self.clock,
                &load_balancer_arn.to_owned(),
                fresh,
                |arn| async move {
                    let input = json!({"LoadBalancerArn": arn, "PageSize": 400});
                    let found = self
                        .pages(
                            Service::Elb,
                            "DescribeListeners",
                            input,
                            "Listeners",
                            MARKER,
                        )
                        .await?;
                    Ok(found)
                },
            )
            .await
    }

    /// The rules of a listener, the default one included.
    pub async fn rules(&self, listener_arn: &str, fresh: Moment) -> Seen<Vec<Value>> {
        if listener_arn.starts_with(PLACEHOLDER) {
            return Seen::Absent;
        }
        self.rules
            .get_alone(
                &self.clock,
                &listener_arn.to_owned(),
                fresh,
                |arn| async move {
                    let input = json!({"ListenerArn": arn, "PageSize": 400});
                    let found = self
                        .pages(Service::Elb, "DescribeRules", input, "Rules", MARKER)
                        .await?;
                    Ok(found)
                },
            )
            .await
    }

    /// The targets of a target group with their health, `TargetHealthDescriptions`.
    pub async fn target_health(&self, target_group_arn: &str, fresh: Moment) -> Seen<Value> {
        if target_group_arn.starts_with(PLACEHOLDER) {
            return Seen::Absent;
        }
        self.target_health
            .get_alone(
                &self.clock,
                &target_group_arn.to_owned(),
                fresh,
                |arn| async move {
                    let operation = "DescribeTargetHealth";
                    let mut answer = self.elb(operation, json!({"TargetGroupArn": arn})).await?;
                    let member = "TargetHealthDescriptions";
                    let found = list(Service::Elb, operation, &mut answer, member)?;
                    Ok(Value::from(found))
                },
            )
            .await
    }

    /// A resource's tags, `[{"Key", "Value"}]`; twenty resources to a call.
    pub async fn elb_tags(&self, arn: &str, fresh: Moment) -> Seen<Value> {
        if arn.starts_with(PLACEHOLDER) {
            return Seen::Absent;
        }
        self.elb_tags
            .get(
                &self.clock,
                &arn.to_owned(),
                fresh,
                |_, _| true,
                |arns: Vec<_>| async move {
                    let mut answer = self
                        .elb("DescribeTags", json!({"ResourceArns": arns}))
                        .await?;
                    let found = list(Service::Elb, "DescribeTags", &mut answer, "TagDescriptions")?;
                    // A resource without tags has an empty element, which the codec leaves out.
                    let tags = |one: &Value| one.get("Tags").cloned().unwrap_or_else(|| json!([]));
                    Ok(found
                        .iter()
                        .map(|one| (text(one, "ResourceArn"), Some(tags(one))))
                        .collect())
                },
            )
            .await
    }

    /// A resource's attributes, `[{"Key", "Value"}]`.
    pub async fn elb_attributes(&self, bag: Bag, arn: &str, fresh: Moment) -> Seen<Value> {
        if arn.starts_with(PLACEHOLDER) {
            return Seen::Absent;
        }
        self.elb_attributes
            .get_alone(
                &self.clock,
                &(bag, arn.to_owned()),
                fresh,
                |key| async move {
                    let (operation, member) = match bag {
                        Bag::TargetGroup => ("DescribeTargetGroupAttributes", "TargetGroupArn"),
                        Bag::LoadBalancer => ("DescribeLoadBalancerAttributes", "LoadBalancerArn"),
                        Bag::Listener => ("DescribeListenerAttributes", "ListenerArn"),
                    };
                    let mut input = json!({});
                    input[member] = Value::from(key.1.clone());
                    let mut answer = self.elb(operation, input).await?;
                    Ok(Value::from(list(
                        Service::Elb,
                        operation,
                        &mut answer,
                        "Attributes",
                    )?))
                },
            )
            .await
    }

    async fn elb(&self, operation: &'static str, input: Value) -> Result<Value, super::Fault> {
        self.aws
            .call(&Call {
                service: Service::Elb,
                operation,
                input,
            })
            .await
    }
}

/// The document of this name in a listing. A listing that was read and lacks it says absent.
fn one(all: Seen<Arc<BTreeMap<String, Value>>>, name: &str) -> Seen<Value> {
    match all {
        Seen::Present(all) => all.get(name).cloned().map_or(Seen::Absent, Seen::Present),
        Seen::Absent => Seen::Absent,
        Seen::Unknown(why) => Seen::Unknown(why),
    }
}
