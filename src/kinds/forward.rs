//! Actions of listeners and rules, and the target group pairs of deployment groups and of services whose
//! traffic ECS shifts. Within a pair, which group an action forwards to and with what weight belongs to the deployment engine
//! (aws-facts 1.4, 2.4): it is no difference, and it is sent back as it is live.

use serde_json::{Map, Value, json};

use super::View;
use super::common::with_member;
use crate::document::{Change, Rules, Treat, compare, scalar_text};
use crate::manifest::Side;
use crate::model::{Drift, Key, Kind};

/// How normal actions are compared. What is sent as a secret is not read back.
const RULES: Rules = Rules {
    members: &[
        (
            "/*/ForwardConfig/TargetGroups",
            Treat::Keyed(&["TargetGroupArn"]),
        ),
        ("/*/AuthenticateOidcConfig/ClientSecret", Treat::Ignored),
        (
            "/*/AuthenticateOidcConfig/UseExistingClientSecret",
            Treat::Ignored,
        ),
        (
            "/*/AuthenticateOidcConfig/AuthenticationRequestExtraParams",
            Treat::Map,
        ),
        (
            "/*/AuthenticateCognitoConfig/AuthenticationRequestExtraParams",
            Treat::Map,
        ),
        (
            "/*/JwtValidationConfig/AdditionalClaims",
            Treat::Keyed(&["Name"]),
        ),
    ],
    scalars_by_text: true,
    changes: &[],
    other_changes: Change::Recreate,
};

/// The pairs of the set, and whether they are all that there are.
pub(super) struct Pairs {
    pairs: Vec<[Member; 2]>,
    /// Manifests with an error that may hold a pair, so that [`Pairs`] may lack one.
    pub(super) doubtful: Vec<Key>,
}

/// A target group of a pair: known by its ARN once it was observed, and by its name from the start.
struct Member {
    name: String,
    arn: Option<String>,
}

impl Pairs {
    pub(super) fn of(view: &View<'_>) -> Self {
        let member = |key: &Key| Member {
            name: view
                .set
                .get(key)
                .map_or(key.name.clone(), |group| group.aws_name().to_owned()),
            arn: view.facts.get(key).and_then(|facts| facts.arn.clone()),
        };
        let side = |side: &Side| match side {
            Side::Manifest(key) => member(key),
            Side::Literal(arn) => Member {
                name: name_in(arn).unwrap_or_default().to_owned(),
                arn: Some(arn.clone()),
            },
        };
        let doubtful = view.set.invalid.keys();
        let holds_pairs = |key: &&Key| {
            matches!(
                key.kind,
                Kind::DeploymentGroup | Kind::Service | Kind::TargetGroup
            )
        };
        let of_groups = view.set.pairs();
        let of_groups = of_groups.iter().map(|pair| pair.each_ref().map(&member));
        let of_services = view.set.shifted_pairs();
        let of_services = of_services.iter().map(|pair| pair.each_ref().map(&side));
        Self {
            pairs: of_groups.chain(of_services).collect(),
            doubtful: doubtful.filter(holds_pairs).cloned().collect(),
        }
    }

    /// Which pair a target group is in.
    fn position(&self, arn: &str) -> Option<usize> {
        self.pairs
            .iter()
            .position(|pair| pair.iter().any(|member| member.is(arn)))
    }

    /// What stands for a pair in a normal action.
    fn token(&self, pair: usize) -> String {
        let names = self
            .pairs
            .get(pair)
            .map(|[a, b]| format!("{} or {}", a.name, b.name));
        names.unwrap_or_default()
    }
}

impl Member {
    fn is(&self, arn: &str) -> bool {
        match &self.arn {
            Some(known) => known == arn,
            // arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
            None => name_in(arn) == Some(self.name.as_str()),
        }
    }
}

/// The name in a target group's ARN.
fn name_in(arn: &str) -> Option<&str> {
    arn.split(":targetgroup/").nth(1)?.split('/').next()
}

/// The differences between two lists of actions, as differences of this member of the spec.
pub(super) fn drift(member: &str, desired: &Value, live: &Value, pairs: &Pairs) -> Vec<Drift> {
    let desired = normal(desired, pairs);
    let live: Vec<Value> = normal(live, pairs)
        .into_iter()
        .map(with_stickiness)
        .collect();
    let mut found = compare(&Value::Array(desired), &Value::Array(live), &RULES);
    for difference in &mut found {
        difference.path = format!("/{member}{}", difference.path);
    }
    found
}

/// The desired actions, with those that forward into a pair as they are live.
pub(super) fn to_send(desired: &Value, live: &[Value], pairs: &Pairs) -> Value {
    let sent = |action: &Value| {
        let Some(wanted) = targets(action, pairs) else {
            return action.clone();
        };
        if !wanted.iter().any(|target| target.pair) {
            return action.clone();
        }
        let groups = |targets: &[Target]| -> Vec<String> {
            targets.iter().map(|target| target.group.clone()).collect()
        };
        let same = |live: &&Value| {
            targets(live, pairs).is_some_and(|present| groups(&present) == groups(&wanted))
        };
        live.iter()
            .find(same)
            .map_or_else(|| action.clone(), |live| forwarding_as(action, live))
    };
    desired.as_array().into_iter().flatten().map(sent).collect()
}

/// A target of a normal forward action: a group, or a whole pair.
struct Target {
    group: String,
    weight: String,
    pair: bool,
}

/// Where a forward action forwards to, sorted, each pair as one; `None` for other actions.
fn targets(action: &Value, pairs: &Pairs) -> Option<Vec<Target>> {
    if action.get("Type").and_then(Value::as_str) != Some("forward") {
        return None;
    }
    let mut found: Vec<Target> = Vec::new();
    for (arn, weight) in groups(action) {
        let pair = pairs.position(&arn);
        let group = pair.map_or(arn, |pair| pairs.token(pair));
        if !found.iter().any(|target| target.group == group) {
            found.push(Target {
                group,
                weight,
                pair: pair.is_some(),
            });
        }
    }
    found.sort_by(|one, other| one.group.cmp(&other.group));
    Some(found)
}

/// ARN and weight of each group; both ways of writing a forward to one group give the same.
fn groups(action: &Value) -> Vec<(String, String)> {
    let listed = action
        .pointer("/ForwardConfig/TargetGroups")
        .and_then(Value::as_array);
    let one = |group: &Value| {
        let weight = group
            .get("Weight")
            .and_then(scalar_text)
            .unwrap_or_else(|| "1".to_owned());
        Some((group.get("TargetGroupArn")?.as_str()?.to_owned(), weight))
    };
    let listed: Vec<_> = listed.into_iter().flatten().filter_map(one).collect();
    let scalar = || {
        action
            .get("TargetGroupArn")?
            .as_str()
            .map(|arn| (arn.to_owned(), "1".to_owned()))
    };
    if listed.is_empty() {
        scalar().into_iter().collect()
    } else {
        listed
    }
}

/// Actions in order, without `Order`, forwards written in one way and pairs as one target.
fn normal(actions: &Value, pairs: &Pairs) -> Vec<Value> {
    let mut sorted: Vec<&Value> = actions.as_array().into_iter().flatten().collect();
    sorted.sort_by_key(|action| action.get("Order").and_then(number).unwrap_or(0));
    sorted
        .into_iter()
        .map(|action| normal_action(action, pairs))
        .collect()
}

fn normal_action(action: &Value, pairs: &Pairs) -> Value {
    let mut normal = action.as_object().cloned().unwrap_or_default();
    normal.remove("Order");
    let Some(targets) = targets(action, pairs) else {
        return Value::Object(normal);
    };
    normal.remove("TargetGroupArn");
    let alone = targets.len() == 1;
    let only_pairs = targets.iter().all(|target| target.pair);
    let listed = targets.iter().map(|target| {
        if alone || target.pair {
            json!({"TargetGroupArn": target.group})
        } else {
            json!({"TargetGroupArn": target.group, "Weight": target.weight})
        }
    });
    let mut config = Map::from_iter([("TargetGroups".to_owned(), listed.collect())]);
    let stickiness = action.pointer("/ForwardConfig/TargetGroupStickinessConfig");
    if let Some(stickiness) = stickiness.filter(|_| !only_pairs) {
        config.insert("TargetGroupStickinessConfig".to_owned(), stickiness.clone());
    }
    normal.insert("ForwardConfig".to_owned(), Value::Object(config));
    Value::Object(normal)
}

/// A live forward action with the stickiness that AWS fills in (aws-facts 4), whether or not it said so.
fn with_stickiness(mut action: Value) -> Value {
    if let Some(Value::Object(config)) = action.get_mut("ForwardConfig") {
        let stickiness = config
            .entry("TargetGroupStickinessConfig")
            .or_insert_with(|| json!({}));
        if let Value::Object(stickiness) = stickiness {
            stickiness.entry("Enabled").or_insert(json!(false));
        }
    }
    action
}

/// The action, forwarding where the live one does, typed as the operations take it: ELB answers
/// texts.
fn forwarding_as(action: &Value, live: &Value) -> Value {
    let mut sent = action.as_object().cloned().unwrap_or_default();
    sent.remove("TargetGroupArn");
    let listed = groups(live).into_iter().map(|(arn, weight)| {
        json!({"TargetGroupArn": arn, "Weight": weight.parse::<i64>().unwrap_or(1)})
    });
    let mut config = Map::from_iter([("TargetGroups".to_owned(), listed.collect())]);
    if let Some(live) = live.pointer("/ForwardConfig/TargetGroupStickinessConfig") {
        let enabled = live
            .get("Enabled")
            .and_then(scalar_text)
            .is_some_and(|text| text == "true");
        let mut stickiness = json!({"Enabled": enabled});
        if let Some(seconds) = live.get("DurationSeconds").and_then(number) {
            stickiness = with_member(stickiness, "DurationSeconds", json!(seconds));
        }
        config.insert("TargetGroupStickinessConfig".to_owned(), stickiness);
    }
    sent.insert("ForwardConfig".to_owned(), Value::Object(config));
    Value::Object(sent)
}

fn number(value: &Value) -> Option<i64> {
    scalar_text(value)?.parse().ok()
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
