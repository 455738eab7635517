//! How each kind's observation is made of the model, and how it looks when a read fails.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::aws::Live;
use crate::kinds::{
    Reconciled, View, attributes, cluster, deployment_group, image_repository, listener,
    listener_rule, load_balancer, members, scalable_target, scaling_policy, target_group,
    task_definition,
};
use crate::model::{Kind, Seen};

/// A planner under test.
pub(super) trait Tried: Reconciled<Observed: Clone> {
    const KIND: Kind;
    fn observed(view: &View<'_>, live: &Live) -> Self::Observed;
    /// The same observation with one read that has failed, for each read that was made.
    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed>;
}

fn failed<T>() -> Seen<T> {
    Seen::Unknown("ThrottlingException: Rate exceeded".to_owned())
}

fn seen<T>(value: Option<T>) -> Seen<T> {
    value.map_or(Seen::Absent, Seen::Present)
}

/// A part that is read only if it is declared and its owner is there.
fn part<T>(live: &Live, declared: bool, value: Seen<T>) -> Option<Seen<T>> {
    (declared && live.document.is_some()).then_some(value)
}

fn tag_part(live: &Live) -> Option<Seen<Value>> {
    part(live, true, Seen::Present(live.tag_list("Key", "Value")))
}

fn attribute_part(view: &View<'_>, live: &Live) -> Option<Seen<Value>> {
    let tags = Seen::Present(live.tag_list("Key", "Value"));
    let read = attributes::are_read(view, &tags);
    part(live, read, Seen::Present(live.attribute_list()))
}

/// Where one part stands in an observation.
type Part<O, T> = fn(&mut O) -> &mut Option<Seen<T>>;

/// Each observation that comes of one of these parts failing, if it was read at all.
fn blind_parts<O: Clone, T>(observed: &O, parts: &[Part<O, T>]) -> Vec<O> {
    let mut all = Vec::new();
    for part in parts {
        let mut blind = observed.clone();
        let read = part(&mut blind);
        if read.is_some() {
            *read = Some(failed());
            all.push(blind);
        }
    }
    all
}

impl Tried for cluster::Cluster {
    const KIND: Kind = Kind::Cluster;

    fn observed(_: &View<'_>, live: &Live) -> Self::Observed {
        let answer = live.answer(&json!({"clusterArn": "arn:cluster", "status": "ACTIVE",
            "capacityProviders": [], "settings": [], "tags": live.tag_list("key", "value")}));
        cluster::Observed {
            cluster: seen(answer),
        }
    }

    fn blinded(_: &View<'_>, _: &Live) -> Vec<Self::Observed> {
        vec![cluster::Observed { cluster: failed() }]
    }
}

impl Tried for image_repository::ImageRepository {
    const KIND: Kind = Kind::ImageRepository;

    fn observed(view: &View<'_>, live: &Live) -> Self::Observed {
        let tags = live.tag_list("Key", "Value");
        let beside = |member: &str| {
            let remembered = members::remembers(Self::KIND, Some(&tags), &format!("/{member}"));
            remembered || view.resource.beside.contains_key(member)
        };
        let answer = live.answer(&json!({"repositoryArn": "arn:r", "repositoryUri": "host/r",
            "imageTagMutability": "MUTABLE", "encryptionConfiguration": {"encryptionType": "AES256"},
            "imageScanningConfiguration": {"scanOnPush": false}}));
        image_repository::Observed {
            repository: seen(answer),
            tags: tag_part(live),
            lifecycle_policy: part(
                live,
                beside("lifecyclePolicyText"),
                seen(live.lifecycle_policy.clone()),
            ),
            policy: part(live, beside("policyText"), seen(live.policy.clone())),
        }
    }

    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
        let observed = Self::observed(view, live);
        let mut all = blind_parts(&observed, &[|o: &mut Self::Observed| &mut o.tags]);
        all.extend(blind_parts(
            &observed,
            &[
                |o: &mut Self::Observed| &mut o.lifecycle_policy,
                |o: &mut Self::Observed| &mut o.policy,
            ],
        ));
        all.push(image_repository::Observed {
            repository: failed(),
            ..observed
        });
        all
    }
}

/// The kinds of ELB that have attributes and tags differ in the name of one field.
macro_rules! elb_kind {
    ($kind:ty, $module:ident, $field:ident, $variant:expr, $answer:expr $(, $unread:ident)?) => {
        impl Tried for $kind {
            const KIND: Kind = $variant;

            fn observed(view: &View<'_>, live: &Live) -> Self::Observed {
                let answer: fn(&Live) -> Option<Value> = $answer;
                $module::Observed {
                    $field: seen(answer(live)),
                    attributes: attribute_part(view, live),
                    tags: tag_part(live),
                    $($unread: None,)?
                }
            }

            fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
                let observed = Self::observed(view, live);
                let mut all = blind_parts(
                    &observed,
                    &[
                        |o: &mut Self::Observed| &mut o.attributes,
                        |o: &mut Self::Observed| &mut o.tags,
                    ],
                );
                all.push($module::Observed {
                    $field: failed(),
                    ..observed
                });
                all
            }
        }
    };
}

elb_kind!(
    target_group::TargetGroup,
    target_group,
    target_group,
    Kind::TargetGroup,
    |live| {
        live.answer(
            &json!({"TargetGroupArn": "arn:tg", "Protocol": "HTTP", "HealthCheckPath": "/"}),
        )
    }
);
elb_kind!(
    listener::Listener,
    listener,
    listener,
    Kind::Listener,
    |live| { live.answer(&json!({"ListenerArn": "arn:listener"})) },
    rules
);
elb_kind!(
    load_balancer::LoadBalancer,
    load_balancer,
    load_balancer,
    Kind::LoadBalancer,
    |live| {
        let mut answer = live.answer(
            &json!({"LoadBalancerArn": "arn:lb", "State": {"Code": "active"},
        "Scheme": "internal"}),
        )?;
        let subnets = answer.as_object_mut()?.remove("Subnets")?;
        let zone = |subnet: &Value| json!({"ZoneName": "z", "SubnetId": subnet, "LoadBalancerAddresses": []});
        answer["AvailabilityZones"] = subnets.as_array()?.iter().rev().map(zone).collect();
        Some(answer)
    }
);

impl Tried for listener_rule::ListenerRule {
    const KIND: Kind = Kind::ListenerRule;

    fn observed(_: &View<'_>, live: &Live) -> Self::Observed {
        let default = json!({"RuleArn": "arn:default", "Priority": "default", "Actions": []});
        let rule = live.answer(&json!({"RuleArn": "arn:rule"}));
        let rules = [Some(default), rule].into_iter().flatten().collect();
        listener_rule::Observed {
            rules: Seen::Present(rules),
            tags: tag_part(live),
        }
    }

    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
        let observed = Self::observed(view, live);
        let mut all = blind_parts(&observed, &[|o: &mut Self::Observed| &mut o.tags]);
        all.push(listener_rule::Observed {
            rules: failed(),
            ..observed
        });
        all
    }
}

impl Tried for deployment_group::DeploymentGroup {
    const KIND: Kind = Kind::DeploymentGroup;

    fn observed(_: &View<'_>, live: &Live) -> Self::Observed {
        let application = json!({"applicationName": "App", "computePlatform": "ECS"});
        let mut group = live.answer(&json!({"outdatedInstancesStrategy": "UPDATE"}));
        if let Some(alarms) = group
            .as_mut()
            .and_then(|g| g.pointer_mut("/alarmConfiguration/alarms"))
        {
            alarms.as_array_mut().unwrap().reverse();
        }
        deployment_group::Observed {
            arn: "arn:group".to_owned(),
            application: seen(live.application.then_some(application)),
            group: seen(group),
            tags: tag_part(live),
        }
    }

    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
        let observed = Self::observed(view, live);
        let mut all = blind_parts(&observed, &[|o: &mut Self::Observed| &mut o.tags]);
        all.push(deployment_group::Observed {
            application: failed(),
            ..observed.clone()
        });
        all.push(deployment_group::Observed {
            group: failed(),
            ..observed
        });
        all
    }
}

impl Tried for scalable_target::ScalableTarget {
    const KIND: Kind = Kind::ScalableTarget;

    fn observed(view: &View<'_>, live: &Live) -> Self::Observed {
        let mut target = live.answer(&json!({"ScalableTargetARN": "arn:target"}));
        if let Some(target) = &mut target {
            let declared = target.get("SuspendedState").cloned().unwrap_or_default();
            let flag = |member: &str| json!(declared[member] == true);
            target["SuspendedState"] = json!({
                "DynamicScalingInSuspended": flag("DynamicScalingInSuspended"),
                "DynamicScalingOutSuspended": flag("DynamicScalingOutSuspended"),
                "ScheduledScalingSuspended": flag("ScheduledScalingSuspended"),
            });
            target["RoleARN"] = json!("arn:aws:iam::1:role/aws-service-role/x");
        }
        let declared = view.spec["Tags"]
            .as_object()
            .is_some_and(|tags| !tags.is_empty());
        scalable_target::Observed {
            target: seen(target),
            tags: part(live, declared, Seen::Present(live.tag_list("Key", "Value"))),
            service: part(live, true, Seen::Present(json!({"tags": []}))),
        }
    }

    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
        let observed = Self::observed(view, live);
        let mut all = blind_parts(&observed, &[|o: &mut Self::Observed| &mut o.tags]);
        all.push(scalable_target::Observed {
            target: failed(),
            ..observed
        });
        all
    }
}

impl Tried for scaling_policy::ScalingPolicy {
    const KIND: Kind = Kind::ScalingPolicy;

    fn observed(_: &View<'_>, live: &Live) -> Self::Observed {
        let mut policy = live.answer(&json!({"PolicyARN": "arn:policy", "Alarms": []}));
        let dimensions =
            "/TargetTrackingScalingPolicyConfiguration/CustomizedMetricSpecification/Dimensions";
        if let Some(list) = policy
            .as_mut()
            .and_then(|policy| policy.pointer_mut(dimensions))
        {
            list.as_array_mut().unwrap().reverse();
        }
        scaling_policy::Observed {
            target: policy.is_none().then(|| Seen::Present(json!({}))),
            policy: seen(policy),
        }
    }

    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
        let observed = Self::observed(view, live);
        let mut all = blind_parts(&observed, &[|o: &mut Self::Observed| &mut o.target]);
        all.push(scaling_policy::Observed {
            policy: failed(),
            ..observed
        });
        all
    }
}

impl Tried for task_definition::TaskDefinition {
    const KIND: Kind = Kind::TaskDefinition;

    fn observed(_: &View<'_>, live: &Live) -> Self::Observed {
        let arn = |index: usize| format!("arn:aws:ecs:r:1:task-definition/auth:{}", index + 1);
        let documents = live.revisions.iter().enumerate();
        let digest = Seen::Present("sha256:aa".to_owned());
        task_definition::Observed {
            images: BTreeMap::from([(
                "nova/auth".to_owned(),
                BTreeMap::from([("1".to_owned(), digest)]),
            )]),
            revisions: Seen::Present((0..live.revisions.len()).rev().map(arn).collect()),
            running: (!live.revisions.is_empty())
                .then(|| arn(0))
                .into_iter()
                .collect(),
            documents: documents
                .map(|(i, d)| (arn(i), Seen::Present(described(d))))
                .collect(),
        }
    }

    fn blinded(view: &View<'_>, live: &Live) -> Vec<Self::Observed> {
        let observed = Self::observed(view, live);
        let mut documents = observed.clone();
        documents
            .documents
            .values_mut()
            .for_each(|document| *document = failed());
        let mut all = vec![task_definition::Observed {
            revisions: failed(),
            ..observed.clone()
        }];
        if !live.revisions.is_empty() {
            all.push(documents);
        }
        let containers = view.spec["containerDefinitions"].to_string();
        if containers.contains("nova/auth:1") {
            let mut images = observed;
            images
                .images
                .values_mut()
                .flat_map(BTreeMap::values_mut)
                .for_each(|d| *d = failed());
            all.push(images);
        }
        all
    }
}

/// A registered document as it is described; without its tags, so that content has to tell.
fn described(registered: &Value) -> Value {
    let mut content = registered.clone();
    content.as_object_mut().unwrap().remove("tags");
    for container in content["containerDefinitions"].as_array_mut().unwrap() {
        for (member, value) in [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("mountPoints", json!([])),
        ] {
            container
                .as_object_mut()
                .unwrap()
                .entry(member)
                .or_insert(value);
        }
        if let Some(environment) = container.get_mut("environment") {
            environment.as_array_mut().unwrap().reverse();
        }
    }
    content["containerDefinitions"]
        .as_array_mut()
        .unwrap()
        .reverse();
    content["placementConstraints"] = json!([]);
    content["status"] = json!("ACTIVE");
    json!({"taskDefinition": content, "tags": []})
}
