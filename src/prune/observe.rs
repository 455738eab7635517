//! Reads what this installation made: the inventory by its tag, and each resource that no manifest declares by
//! its own service. Decides nothing but whom to read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::declared::{Declared, Is, services};
use super::orphan::{items, text};
use super::subject::TYPES;
use super::{Live, Orphan, Subject};
use crate::aws::{Bag, Observer};
use crate::kinds::INSTANCE_TAG;
use crate::manifest::DesiredSet;
use crate::model::{FactBoard, Moment, Seen};

/// Candidates that are read at once.
const AT_ONCE: usize = 32;

/// What there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// What no manifest declares, as it was read again.
    pub orphans: Vec<Orphan>,
    /// How many of each kind were made here and are declared.
    pub declared: BTreeMap<&'static str, usize>,
}

/// Reads.
///
/// # Errors
/// What could not be read: then nothing is known.
pub async fn observe(
    observer: &Arc<Observer>,
    set: &DesiredSet,
    facts: &FactBoard,
    instance: &str,
    fresh: Moment,
) -> Result<Inventory, String> {
    let arns = observer
        .tagged(INSTANCE_TAG, instance, &TYPES)
        .await
        .map_err(|fault| format!("cannot list what this installation made: {fault}"))?;
    let index = Declared::new(set, facts);
    let target = |arn: &&String| arn.contains(":scalable-target/");
    let targets = if arns.iter().any(|arn| target(&arn)) {
        let ids = observer.scalable_target_ids().await;
        ids.map_err(|fault| format!("cannot list scalable targets: {fault}"))?
    } else {
        BTreeMap::new()
    };
    let mut inventory = Inventory::default();
    let mut candidates = Vec::new();
    for arn in arns {
        let Some(subject) = Subject::of(&arn, &targets) else {
            continue;
        };
        match index.is(&subject, &arn) {
            Is::Declared => *inventory.declared.entry(subject.kind()).or_default() += 1,
            Is::Orphan => candidates.push((subject, arn)),
            Is::Unknown(why) => return Err(why),
        }
    }
    for some in candidates.chunks(AT_ONCE) {
        let mut reads = JoinSet::new();
        for (subject, arn) in some.iter().cloned() {
            let observer = Arc::clone(observer);
            reads.spawn(async move {
                let seen = read(&observer, &subject, &arn, fresh).await;
                (subject, arn, seen)
            });
        }
        while let Some(joined) = reads.join_next().await {
            let (subject, arn, seen) = joined.map_err(|error| format!("a read broke: {error}"))?;
            match seen {
                Seen::Present((live, tags)) => {
                    // The listing may be of before somebody took the tag away.
                    if tags.get(INSTANCE_TAG).map(String::as_str) == Some(instance) {
                        inventory.orphans.push(Orphan {
                            subject,
                            arn,
                            tags,
                            live,
                        });
                    }
                }
                Seen::Absent => {}
                Seen::Unknown(why) => return Err(format!("cannot read {}: {why}", subject.told())),
            }
        }
    }
    let order = |one: &Orphan| (one.subject.clone(), one.arn.clone());
    inventory.orphans.sort_by_key(order);
    Ok(inventory)
}

/// What was read of one, and its tags.
type Read = Seen<(Live, BTreeMap<String, String>)>;

async fn read(observer: &Observer, subject: &Subject, arn: &str, fresh: Moment) -> Read {
    match subject {
        Subject::ScalableTarget(id) => {
            let target = observer.scalable_target(id, fresh).await;
            let tags = async { observer.scalable_target_tags(arn, fresh).await };
            with_tags(target.map(|_| Live::ScalableTarget), tags).await
        }
        Subject::Service(cluster, name) => {
            let service = observer.service(cluster, name, fresh).await;
            with_own_tags(service, Live::Service)
        }
        Subject::DeploymentGroup(application, name) => {
            let group = deployment_group(observer, application, name, fresh).await;
            let tags = async { observer.codedeploy_tags(arn, fresh).await };
            with_tags(group, tags).await
        }
        Subject::Application(name) => {
            let live = match observer.application(name, fresh).await {
                Seen::Present(_) => match observer.deployment_group_names(name).await {
                    Ok(groups) => Seen::Present(Live::Application(groups)),
                    Err(fault) => Seen::Unknown(fault.to_string()),
                },
                Seen::Absent => Seen::Absent,
                Seen::Unknown(why) => Seen::Unknown(why),
            };
            let tags = async { observer.codedeploy_tags(arn, fresh).await };
            with_tags(live, tags).await
        }
        Subject::ImageRepository(name) => {
            let live = match observer.repository(name, fresh).await {
                Seen::Present(_) => observer.has_images(name).await.map(Live::ImageRepository),
                Seen::Absent => Seen::Absent,
                Seen::Unknown(why) => Seen::Unknown(why),
            };
            let tags = async { observer.repository_tags(arn, fresh).await };
            with_tags(live, tags).await
        }
        Subject::Cluster(name) => {
            let cluster = observer.cluster(name, fresh).await;
            with_own_tags(cluster, Live::Cluster)
        }
        Subject::ListenerRule(_)
        | Subject::Listener(_)
        | Subject::TargetGroup(_)
        | Subject::LoadBalancer(_) => {
            let live = balancing(observer, subject, arn, fresh).await;
            let tags = async { observer.elb_tags(arn, fresh).await };
            with_tags(live, tags).await
        }
    }
}

async fn deployment_group(
    observer: &Observer,
    application: &str,
    name: &str,
    fresh: Moment,
) -> Seen<Live> {
    let group = match observer.deployment_group(application, name, fresh).await {
        Seen::Present(group) => group,
        Seen::Absent => return Seen::Absent,
        Seen::Unknown(why) => return Seen::Unknown(why),
    };
    let mut found = BTreeMap::new();
    for (cluster, name) in services(&group) {
        match observer.service(cluster, name, fresh).await {
            Seen::Present(service) => {
                found.insert((cluster.to_owned(), name.to_owned()), service);
            }
            Seen::Absent => {}
            Seen::Unknown(why) => return Seen::Unknown(why),
        }
    }
    Seen::Present(Live::DeploymentGroup {
        group,
        services: found,
    })
}

/// What ELBv2 tells of one of its resources. An answer for another ARN than was asked for is of another
/// resource of the same name.
async fn balancing(observer: &Observer, subject: &Subject, arn: &str, fresh: Moment) -> Seen<Live> {
    match subject {
        Subject::TargetGroup(name) => match observer.target_group(name, fresh).await {
            Seen::Present(group) if text(&group, "TargetGroupArn") == arn => {
                let health = observer.target_health(arn, fresh).await;
                health.map(|targets| {
                    let all = targets.as_array().map_or(0, Vec::len);
                    let list = targets.as_array().into_iter().flatten();
                    let state = |one: &&Value| {
                        one.pointer("/TargetHealth/State") == Some(&json!("draining"))
                    };
                    let draining = list.filter(state).count();
                    Live::TargetGroup {
                        group,
                        targets: all - draining,
                        draining,
                    }
                })
            }
            Seen::Present(_) | Seen::Absent => Seen::Absent,
            Seen::Unknown(why) => Seen::Unknown(why),
        },
        Subject::LoadBalancer(name) => {
            match own_balancer(observer, name, arn, fresh).await {
                Seen::Present(_) => {}
                Seen::Absent => return Seen::Absent,
                Seen::Unknown(why) => return Seen::Unknown(why),
            }
            let attributes = observer.elb_attributes(Bag::LoadBalancer, arn, fresh).await;
            let protected = match &attributes {
                Seen::Present(bag) => is_protected(bag),
                Seen::Absent => return Seen::Absent,
                Seen::Unknown(why) => return Seen::Unknown(why.clone()),
            };
            let listeners = observer.listeners(arn, fresh).await;
            listeners.map(|all| Live::LoadBalancer {
                protected,
                listeners: all
                    .iter()
                    .map(|one| text(one, "ListenerArn").to_owned())
                    .collect(),
            })
        }
        Subject::Listener(_) => {
            let Some(listener) = listener(observer, arn, fresh).await else {
                return Seen::Unknown("its ARN is of no known form".to_owned());
            };
            let listener = match listener {
                Seen::Present(listener) => listener,
                Seen::Absent => return Seen::Absent,
                Seen::Unknown(why) => return Seen::Unknown(why),
            };
            // A network load balancer has no rules.
            if arn.contains(":listener/net/") {
                let rules = Vec::new();
                return Seen::Present(Live::Listener { listener, rules });
            }
            let rules = observer.rules(arn, fresh).await;
            rules.map(|rules| Live::Listener { listener, rules })
        }
        _ => {
            let listener = arn.replacen(":listener-rule/", ":listener/", 1);
            let Some((listener, _)) = listener.rsplit_once('/') else {
                return Seen::Unknown("its ARN is of no known form".to_owned());
            };
            match observer.rules(listener, fresh).await {
                Seen::Present(rules) => rules
                    .into_iter()
                    .find(|rule| text(rule, "RuleArn") == arn)
                    .map_or(Seen::Absent, |rule| Seen::Present(Live::ListenerRule(rule))),
                Seen::Absent => Seen::Absent,
                Seen::Unknown(why) => Seen::Unknown(why),
            }
        }
    }
}

async fn own_balancer(observer: &Observer, name: &str, arn: &str, fresh: Moment) -> Seen<Value> {
    match observer.load_balancer(name, fresh).await {
        Seen::Present(one) if text(&one, "LoadBalancerArn") == arn => Seen::Present(one),
        Seen::Present(_) => Seen::Absent,
        other => other,
    }
}

/// The listener of this ARN; `None` if it is no listener's.
async fn listener(observer: &Observer, arn: &str, fresh: Moment) -> Option<Seen<Value>> {
    // `…:listener/app/NAME/BALANCER/LISTENER`
    let balancer = arn.replacen(":listener/", ":loadbalancer/", 1);
    let (balancer, _) = balancer.rsplit_once('/')?;
    let name = balancer.rsplit('/').nth(1)?;
    Some(match own_balancer(observer, name, balancer, fresh).await {
        Seen::Present(_) => match observer.listeners(balancer, fresh).await {
            Seen::Present(all) => all
                .into_iter()
                .find(|one| text(one, "ListenerArn") == arn)
                .map_or(Seen::Absent, Seen::Present),
            Seen::Absent => Seen::Absent,
            Seen::Unknown(why) => Seen::Unknown(why),
        },
        Seen::Absent => Seen::Absent,
        Seen::Unknown(why) => Seen::Unknown(why),
    })
}

fn is_protected(bag: &Value) -> bool {
    let mut all = bag.as_array().into_iter().flatten();
    all.any(|one| text(one, "Key") == "deletion_protection.enabled" && text(one, "Value") == "true")
}

/// Adds the tags, which are read only of what is there.
async fn with_tags(live: Seen<Live>, tags: impl Future<Output = Seen<Value>>) -> Read {
    let live = match live {
        Seen::Present(live) => live,
        Seen::Absent => return Seen::Absent,
        Seen::Unknown(why) => return Seen::Unknown(why),
    };
    tags.await.map(|tags| (live, map(&json!({"tags": tags}))))
}

/// Of what ECS describes the tags are a part.
fn with_own_tags(seen: Seen<Value>, live: impl FnOnce(Value) -> Live) -> Read {
    seen.map(|one| {
        let tags = map(&one);
        (live(one), tags)
    })
}

fn map(document: &Value) -> BTreeMap<String, String> {
    let pair = |tag: &Value| {
        let member = |lower: &str, upper: &str| {
            let value = tag.get(lower).or_else(|| tag.get(upper))?;
            Some(value.as_str()?.to_owned())
        };
        Some((
            member("key", "Key")?,
            member("value", "Value").unwrap_or_default(),
        ))
    };
    items(document, "tags").filter_map(pair).collect()
}
