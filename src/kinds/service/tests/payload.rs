//! The attempt's digest: equal for equal content, another for other content.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::bench::target_group;
use super::{Bench, Payload};
use crate::model::{Key, Kind};

fn blue_green() -> Bench {
    Bench::blue_green(Payload::A, Payload::A)
}

#[test]
fn it_is_versioned_and_short_enough_for_a_tag() {
    let attempt = blue_green().attempt();
    assert!(
        attempt.starts_with("v1:") && attempt.len() == 35,
        "{attempt}"
    );
}

#[test]
fn without_a_task_definition_there_is_none() {
    let mut bench = blue_green();
    bench
        .spec()
        .as_object_mut()
        .unwrap()
        .remove("taskDefinition");
    assert_eq!(super::super::payload::attempt_digest(&bench.view()), None);
}

#[test]
fn another_revision_of_equal_content_is_the_same_attempt() {
    let mut bench = blue_green();
    let attempt = bench.attempt();
    let other = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:77";
    bench.spec()["taskDefinition"] = json!(other);
    let definition = Key::new(Kind::TaskDefinition, "web");
    bench.scene.facts.get_mut(&definition).unwrap().arn = Some(other.to_owned());
    assert_eq!(bench.attempt(), attempt);
    // A revision that no manifest of the set stands for is known by its ARN alone.
    bench.scene.facts.clear();
    assert_ne!(bench.attempt(), attempt);
}

#[test]
fn the_side_of_the_pair_is_not_part_of_it() {
    let mut bench = blue_green();
    let attempt = bench.attempt();
    bench.spec()["loadBalancers"][0]["targetGroupArn"] = json!(target_group("web-green"));
    assert_eq!(bench.attempt(), attempt);
}

#[test]
fn what_no_deployment_carries_is_not_part_of_it() {
    let mut bench = blue_green();
    let attempt = bench.attempt();
    bench.spec()["desiredCount"] = json!(50);
    bench.spec()["propagateTags"] = json!("SERVICE");
    bench.spec()["tags"] = json!([{"key": "a", "value": "b"}]);
    assert_eq!(bench.attempt(), attempt);
}

/// The object with its members in this order of their names.
fn reordered(object: &Value, reverse: bool) -> Value {
    match object {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            if reverse {
                names.reverse();
            }
            Value::Object(
                names
                    .into_iter()
                    .map(|name| (name.clone(), reordered(&members[name], reverse)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(|item| reordered(item, reverse)).collect(),
        other => other.clone(),
    }
}

fn names(what: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(0_u32..40, 1..6)
        .prop_map(move |ids| {
            ids.into_iter()
                .map(|id| format!("{what}-{id}"))
                .collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn providers() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::btree_map(0_u32..5, (0_u32..9, 0_u32..9), 0..4)
        .prop_map(|all| {
            let one = |(name, (weight, base)): (u32, (u32, u32))| {
                json!({"capacityProvider": format!("p{name}"), "weight": weight, "base": base})
            };
            all.into_iter().map(one).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn neither_the_order_of_sets_nor_that_of_members_is_part_of_it(
        subnets in names("subnet"), groups in names("sg"), providers in providers(), rotate in 0_usize..6,
    ) {
        let mut one = blue_green();
        one.spec()["networkConfiguration"]["awsvpcConfiguration"] =
            json!({"subnets": subnets, "securityGroups": groups, "assignPublicIp": "ENABLED"});
        one.spec()["capacityProviderStrategy"] = json!(providers);
        let turned = |list: &Value| {
            let mut list = list.as_array().unwrap().clone();
            let by = rotate % list.len().max(1);
            list.rotate_left(by);
            Value::from(list)
        };
        let mut other = blue_green();
        let mut spec = one.spec().clone();
        for pointer in ["/networkConfiguration/awsvpcConfiguration/subnets",
            "/networkConfiguration/awsvpcConfiguration/securityGroups", "/capacityProviderStrategy"] {
            let list = spec.pointer_mut(pointer).unwrap();
            *list = turned(list);
        }
        // Members in another order in every second element only.
        if let Value::Array(list) = &mut spec["capacityProviderStrategy"] {
            for (index, item) in list.iter_mut().enumerate() {
                *item = reordered(item, index % 2 == 0);
            }
        }
        *other.spec() = reordered(&spec, true);
        prop_assert_eq!(one.attempt(), other.attempt());
        // And a set that differs is another attempt.
        spec["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0] = json!("subnet-other");
        *other.spec() = spec;
        prop_assert_ne!(one.attempt(), other.attempt());
    }

    #[test]
    fn every_retry_text_is_an_attempt_of_its_own(first in "[ -~]{1,20}", second in "[ -~]{1,20}") {
        let mut plain = blue_green();
        let without = plain.attempt();
        plain.retry(&first);
        let mut other = blue_green();
        other.retry(&second);
        prop_assert_ne!(&plain.attempt(), &without);
        prop_assert_eq!(plain.attempt() == other.attempt(), first == second);
    }
}
