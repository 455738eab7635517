//! Recalling what was declared: what goes back, what is recorded, and what is left alone.

use serde_json::json;

use super::*;
use crate::document::{Change, Treat};
use crate::kinds::testing::Scene;

const KIND: Kind = Kind::TargetGroup;

const ROWS: &[Reset] = &[
    Reset::to("pa", "/HealthCheckPath", r#""/""#),
    Reset::by("in", "/HealthCheckIntervalSeconds", |_, live| {
        (live["Protocol"] == "HTTP").then(|| json!(30))
    }),
    Reset::to("ma", "/Matcher", r#"{"HttpCode": "200"}"#),
    Reset::to("he", "/Matcher/GrpcCode", r#""12""#).inner(),
    Reset::absent("po", "/HealthCheckPort"),
    Reset::to("a0", "/attributes/stickiness.enabled", r#""false""#),
];

const RULES: Rules = Rules {
    members: &[("/Tags", Treat::Ignored)],
    scalars_by_text: true,
    changes: &[],
    other_changes: Change::Recreate,
};

fn live() -> Value {
    json!({"Protocol": "HTTP", "HealthCheckPath": "/x", "HealthCheckIntervalSeconds": "10",
        "HealthCheckPort": "81", "Matcher": {"HttpCode": "200", "GrpcCode": "3"},
        "attributes": {"stickiness.enabled": "true"}})
}

fn tags(record: &str) -> Value {
    json!([{"Key": "evenkeel.dev/members", "Value": record}, {"Key": "team", "Value": "a"},
        {"Key": "theirs", "Value": "b"}, {"Key": "evenkeel.dev/instance", "Value": "default"}])
}

fn recalled(spec: Value, ignore: &[&str], tags: &Value) -> Recalled {
    let scene = Scene::default().with(KIND, "blue", spec).beside(
        KIND,
        "blue",
        "sync",
        json!({"ignore": ignore}),
    );
    let view = scene.view(KIND, "blue");
    recall(&view, ROWS, &live(), Some(tags), &RULES, false)
}

fn paths(recalled: &Recalled) -> Vec<&str> {
    recalled.resets.iter().map(|(path, _)| *path).collect()
}

#[test]
fn what_is_remembered_and_not_declared_goes_back_and_nothing_else_does() {
    let recalled = recalled(
        json!({"HealthCheckPath": "/y"}),
        &[],
        &tags("1:a0.in.ma.pa.po"),
    );
    let expected = [
        ("/HealthCheckIntervalSeconds", json!(30)),
        ("/HealthCheckPort", Value::Null),
        ("/attributes/stickiness.enabled", json!("false")),
    ];
    assert_eq!(recalled.resets, expected);
    // The matcher is at its default already; all is remembered until all is.
    assert_eq!(recalled.record, None);
}

#[test]
fn without_a_record_nothing_undeclared_is_touched_and_the_declared_is_recorded() {
    let none = json!([{"Key": "theirs", "Value": "b"}]);
    let adopted = recalled(json!({"HealthCheckPath": "/y"}), &[], &none);
    assert!(adopted.resets.is_empty() && adopted.tags.is_empty());
    assert_eq!(adopted.record.as_deref(), Some("1:pa"));
    assert_eq!(recalled(json!({}), &[], &none), Recalled::default());
    for foreign in ["2:pa.in", "anything", ""] {
        let found = recalled(json!({"HealthCheckPath": "/y"}), &[], &tags(foreign));
        assert_eq!(found, Recalled::default(), "{foreign}");
    }
}

#[test]
fn codes_of_a_newer_program_are_kept() {
    let found = recalled(json!({"HealthCheckPath": "/y"}), &[], &tags("1:zz9"));
    assert_eq!(paths(&found), Vec::<&str>::new());
    assert_eq!(found.record.as_deref(), Some("1:pa.zz9"));
    let same = recalled(json!({"HealthCheckPath": "/y"}), &[], &tags("1:pa.zz9"));
    assert_eq!(same, Recalled::default());
}

#[test]
fn what_is_left_to_others_is_neither_remembered_nor_reset() {
    for pointer in ["/HealthCheckPath", "/Matcher/HttpCode", "/Matcher"] {
        let spec = json!({"HealthCheckPath": "/y", "Matcher": {"HttpCode": "201"}});
        let found = recalled(spec, &[pointer], &tags("1:"));
        let other = if pointer.starts_with("/Matcher") {
            "1:pa"
        } else {
            "1:ma"
        };
        assert_eq!(found.record.as_deref(), Some(other), "{pointer}");
    }
    let found = recalled(
        json!({}),
        &["/HealthCheckPath", "/attributes"],
        &tags("1:a0.pa"),
    );
    assert_eq!(paths(&found), Vec::<&str>::new());
    assert_eq!(found.record.as_deref(), Some("1:"));
}

#[test]
fn part_of_a_structure_goes_back_only_with_the_structure() {
    let with = recalled(
        json!({"Matcher": {"HttpCode": "200"}}),
        &[],
        &tags("1:he.ma"),
    );
    assert_eq!(paths(&with), ["/Matcher/GrpcCode"]);
    let without = recalled(json!({}), &[], &tags("1:he"));
    assert_eq!(paths(&without), Vec::<&str>::new());
    assert_eq!(without.record.as_deref(), Some("1:"));
}

#[test]
fn only_a_tag_that_was_declared_is_taken_away() {
    let team = memory::hash("team");
    let ours = memory::hash("evenkeel.dev/instance");
    let record = format!("1::{ours}{team}");
    let found = recalled(json!({}), &[], &tags(&record));
    assert_eq!(found.tag_keys(), ["team"]);
    let drift = found.tag_drift();
    assert_eq!(
        (drift[0].path.as_str(), drift[0].reset),
        ("/tags/team", true)
    );
    assert_eq!(found.record, None);
    let kept = recalled(json!({}), &["/tags/team"], &tags(&record));
    assert_eq!(kept.tag_keys(), Vec::<&str>::new());
    let declared = recalled(
        json!({"Tags": [{"Key": "team", "Value": "a"}]}),
        &[],
        &tags(&record),
    );
    assert_eq!(declared.tag_keys(), Vec::<&str>::new());
}

#[test]
fn the_last_room_for_a_tag_is_left_to_the_manifest() {
    let many: Vec<Value> = (0..50)
        .map(|n| json!({"Key": n.to_string(), "Value": ""}))
        .collect();
    let full = recalled(json!({"HealthCheckPath": "/y"}), &[], &json!(many));
    assert_eq!(full, Recalled::default());
    let one_free = recalled(json!({"HealthCheckPath": "/y"}), &[], &json!(many[1..]));
    assert_eq!(one_free.record.as_deref(), Some("1:pa"));
}

#[test]
fn a_default_in_the_spec_is_marked_and_can_be_taken_out_again() {
    let found = recalled(json!({}), &[], &tags("1:pa.po"));
    let scene = Scene::default().with(KIND, "blue", json!({}));
    let view = found.over(&scene.view(KIND, "blue"));
    assert_eq!(view.spec, json!({"HealthCheckPath": "/"}));
    let mut drift = compare(&view.spec, &live(), &RULES);
    mark(&view, &mut drift);
    assert!(drift[0].reset);
    let mut spec = view.spec;
    take(&mut spec, "/HealthCheckPath");
    assert_eq!(spec, json!({}));
}
