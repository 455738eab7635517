//! Capacity providers: the two of Fargate, which every account has. Auto Scaling group providers are
//! not simulated.

use super::super::refuse::invalid;
use super::super::{AwsError, World, arn, input};
use super::describe::view;
use serde_json::{Value, json};

/// The providers that exist in every account and region.
pub(crate) const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// The longest strategy (ECS API, `CreateService`).
const MOST: usize = 20;

/// Refuses providers that do not exist and strategies that cannot be.
pub(crate) fn check(request: &Value) -> Result<(), AwsError> {
    for provider in input::texts(request, "capacityProviders") {
        known(&provider)?;
    }
    for member in [
        "defaultCapacityProviderStrategy",
        "capacityProviderStrategy",
    ] {
        let items = input::list(request, member);
        if items.is_empty() {
            continue;
        }
        if items.len() > MOST {
            return Err(invalid(format!(
                "A capacity provider strategy can contain a maximum of {MOST} capacity providers."
            )));
        }
        let (mut bases, mut weighted) = (0, false);
        for item in items {
            known(input::text(item, "capacityProvider").unwrap_or_default())?;
            let (weight, base) = (
                input::int(item, "weight")?.unwrap_or(0),
                input::int(item, "base")?.unwrap_or(0),
            );
            if !(0..=1000).contains(&weight) || !(0..=100_000).contains(&base) {
                return Err(invalid(
                    "The weight must be 0 to 1000 and the base 0 to 100000.",
                ));
            }
            bases += usize::from(base > 0);
            weighted |= weight > 0;
        }
        if bases > 1 {
            return Err(invalid(
                "Only one capacity provider in a strategy can have a base defined.",
            ));
        }
        if !weighted {
            return Err(invalid(
                "At least one capacity provider must have a weight greater than 0.",
            ));
        }
    }
    Ok(())
}

/// Refuses a provider that does not exist.
fn known(provider: &str) -> Result<(), AwsError> {
    if FARGATE.contains(&arn::last(provider)) {
        return Ok(());
    }
    Err(invalid(format!(
        "The specified capacity provider '{provider}' was not found. Specify a valid name or ARN \
         and try again."
    )))
}

/// `PutClusterCapacityProviders`: replaces both lists.
pub(crate) fn put(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let name = world.ecs.active_cluster(request)?;
    check(request)?;
    for member in ["capacityProviders", "defaultCapacityProviderStrategy"] {
        if !input::sent(request, member) {
            return Err(super::super::refuse::missing(member));
        }
    }
    let providers = input::texts(request, "capacityProviders");
    for item in input::list(request, "defaultCapacityProviderStrategy") {
        let provider = input::text(item, "capacityProvider").unwrap_or_default();
        if !providers.iter().any(|it| it == provider) {
            return Err(invalid(format!(
                "The capacity provider '{provider}' of the default strategy is not associated with \
                 the cluster. Add it to capacityProviders and try again."
            )));
        }
    }
    if let Some(cluster) = world.ecs.clusters.get_mut(name) {
        for member in ["capacityProviders", "defaultCapacityProviderStrategy"] {
            let mut list = json!(input::list(request, member));
            fill_base(&mut list);
            cluster.doc.insert(member.to_owned(), list);
        }
    }
    Ok(json!({"cluster": view(&world.ecs, name, &["SETTINGS", "CONFIGURATIONS"])}))
}

/// Items of a strategy are read back with both numbers filled in.
pub(crate) fn fill_base(strategy: &mut Value) {
    for item in strategy.as_array_mut().into_iter().flatten() {
        if let Some(item) = item.as_object_mut() {
            item.entry("weight").or_insert_with(|| 0.into());
            item.entry("base").or_insert_with(|| 0.into());
        }
    }
}

/// `DescribeCapacityProviders`.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every operation")]
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let asked = input::texts(request, "capacityProviders");
    let wanted: Vec<&str> = if asked.is_empty() {
        FARGATE.to_vec()
    } else {
        asked.iter().map(|it| arn::last(it)).collect()
    };
    let arn = |name: &str| arn::of(&world.region, &format!("capacity-provider/{name}"));
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        wanted.into_iter().partition(|name| FARGATE.contains(name));
    let providers: Vec<Value> = known
        .into_iter()
        .map(|name| {
            json!({"capacityProviderArn": arn(name), "name": name, "status": "ACTIVE", "tags": []})
        })
        .collect();
    let failures: Vec<Value> = unknown
        .into_iter()
        .map(|name| json!({"arn": arn(name), "reason": "MISSING"}))
        .collect();
    Ok(json!({"capacityProviders": providers, "failures": failures}))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::world;
    use super::*;

    #[test]
    fn strategies_that_cannot_be_are_refused() {
        let item = |name: &str, weight: i64, base: i64| json!({"capacityProvider": name, "weight": weight, "base": base});
        let rows = [
            (json!([item("GPU", 1, 0)]), "was not found"),
            (json!([item("FARGATE", 0, 0)]), "greater than 0"),
            (
                json!([item("FARGATE", 1, 1), item("FARGATE_SPOT", 1, 1)]),
                "Only one",
            ),
            (json!([item("FARGATE", 1001, 0)]), "0 to 1000"),
        ];
        for (strategy, part) in rows {
            let refused = check(&json!({"capacityProviderStrategy": strategy})).unwrap_err();
            assert!(refused.message.contains(part), "{}", refused.message);
        }
    }

    #[test]
    fn a_cluster_takes_providers_and_reads_them_back_filled() {
        let mut world = world();
        let request = json!({"cluster": "main", "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]});
        let cluster = &put(&mut world, &request).unwrap()["cluster"];
        assert_eq!(cluster["defaultCapacityProviderStrategy"][0]["base"], 0);
        let request = json!({"cluster": "main", "capacityProviders": [],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]});
        assert!(
            put(&mut world, &request)
                .unwrap_err()
                .message
                .contains("not associated")
        );
        let all = describe(&mut world, &json!({})).unwrap();
        assert_eq!(all["capacityProviders"].as_array().map(Vec::len), Some(2));
        let none = describe(&mut world, &json!({"capacityProviders": ["x"]})).unwrap();
        assert_eq!(none["failures"][0]["reason"], "MISSING");
    }
}
