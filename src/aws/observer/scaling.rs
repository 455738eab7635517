//! Reads of Application Auto Scaling, as far as it scales ECS services.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::batch::Found;
use super::{Observer, Token, text};
use crate::model::{Call, Moment, Seen, Service};

/// The namespace and the dimension of ECS services.
const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

/// Application Auto Scaling spells it so.
pub(super) const NEXT_TOKEN: Token = Token {
    asked: "NextToken",
    answered: "NextToken",
};

impl Observer {
    /// The scalable target of a service (`service/CLUSTER/SERVICE`); fifty to a call. An id that a
    /// whole answer passes over has no target (`DescribeScalableTargets` filters by id).
    pub async fn scalable_target(&self, id: &str, fresh: Moment) -> Seen<Value> {
        self.scalable_targets
            .get(
                &self.clock,
                &id.to_owned(),
                fresh,
                |_, _| true,
                |ids: Vec<_>| async move {
                    let input = json!({"ServiceNamespace": NAMESPACE, "ResourceIds": ids,
                        "ScalableDimension": DIMENSION});
                    let operation = "DescribeScalableTargets";
                    let found = self
                        .pages(
                            Service::Scaling,
                            operation,
                            input,
                            "ScalableTargets",
                            NEXT_TOKEN,
                        )
                        .await?;
                    let mut all: Found<String, Value> =
                        ids.into_iter().map(|id| (id, None)).collect();
                    for target in found {
                        all.insert(text(&target, "ResourceId"), Some(target));
                    }
                    Ok(all)
                },
            )
            .await
    }

    /// The tags of a scalable target, as a list (`[{"Key", "Value"}]`) although AWS gives a map.
    pub async fn scalable_target_tags(&self, arn: &str, fresh: Moment) -> Seen<Value> {
        self.scalable_target_tags
            .get_alone(&self.clock, &arn.to_owned(), fresh, |arn| async move {
                let call = Call {
                    service: Service::Scaling,
                    operation: "ListTagsForResource",
                    input: json!({"ResourceARN": arn}),
                };
                let answer = self.aws.call(&call).await?;
                // A target without tags may be answered without the member.
                let tags = answer.get("Tags").and_then(Value::as_object);
                let tags = tags.into_iter().flatten();
                let tags: Value = tags
                    .map(|(key, value)| json!({"Key": key, "Value": value}))
                    .collect();
                Ok(tags)
            })
            .await
    }

    /// The scaling policy of this name of a service (`service/CLUSTER/SERVICE`). All policies of ECS
    /// services are listed at once, ten to a page: AWS has no read of several services' policies.
    pub async fn scaling_policy(&self, id: &str, name: &str, fresh: Moment) -> Seen<Value> {
        match self.scaling_policies(fresh).await {
            Seen::Present(all) => all
                .get(&(id.to_owned(), name.to_owned()))
                .cloned()
                .map_or(Seen::Absent, Seen::Present),
            Seen::Absent => Seen::Absent,
            Seen::Unknown(why) => Seen::Unknown(why),
        }
    }

    /// The scaling policies of a service.
    pub async fn scaling_policies_of(&self, id: &str, fresh: Moment) -> Seen<Vec<Value>> {
        self.scaling_policies(fresh).await.map(|all| {
            let own = all.iter().filter(|((of, _), _)| of == id);
            own.map(|(_, policy)| policy.clone()).collect()
        })
    }

    async fn scaling_policies(&self, fresh: Moment) -> Seen<Arc<Policies>> {
        self.scaling_policies
            .get(
                &self.clock,
                &(),
                fresh,
                |(), ()| true,
                |_: Vec<()>| async move {
                    let input = json!({"ServiceNamespace": NAMESPACE});
                    let operation = "DescribeScalingPolicies";
                    let found = self
                        .pages(
                            Service::Scaling,
                            operation,
                            input,
                            "ScalingPolicies",
                            NEXT_TOKEN,
                        )
                        .await?;
                    let named = found.into_iter().map(|policy| {
                        let key = (text(&policy, "ResourceId"), text(&policy, "PolicyName"));
                        (key, policy)
                    });
                    Ok([((), Some(Arc::new(named.collect())))].into())
                },
            )
            .await
    }
}

/// Policies by resource id and name.
pub(super) type Policies = BTreeMap<(String, String), Value>;
