use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::document::Change;

const RULES: Rules = Rules {
    members: &[
        ("/tags", Treat::Ignored),
        ("/subnets", Treat::Set),
        ("/conditions", Treat::Set),
        ("/containers", Treat::Keyed(&["name"])),
        ("/containers/*/environment", Treat::Keyed(&["name"])),
        ("/containers/*/ports", Treat::Keyed(&["port", "protocol"])),
        ("/labels", Treat::Map),
        ("/policy", Treat::JsonText),
        ("/cluster", Treat::NameOrArn),
        ("/namespace", Treat::NameOrOpaqueArn),
        ("/platformVersion", Treat::AnyIf("LATEST")),
    ],
    scalars_by_text: false,
    changes: &[],
    other_changes: Change::Recreate,
};

const BY_TEXT: Rules = Rules {
    scalars_by_text: true,
    ..RULES
};

fn paths(desired: &Value, live: &Value) -> Vec<String> {
    compare(desired, live, &RULES)
        .into_iter()
        .map(|d| d.path)
        .collect()
}

#[test]
fn what_is_undeclared_is_no_difference() {
    assert!(
        paths(
            &json!({"a": {"b": 1}}),
            &json!({"a": {"b": 1, "c": 2}, "d": 3})
        )
        .is_empty()
    );
    assert!(paths(&json!({"a": null}), &json!({"a": 1})).is_empty());
}

#[test]
fn empty_equals_absent() {
    for empty in [
        json!(null),
        json!([]),
        json!({}),
        json!({"a": [], "b": {"c": null}}),
    ] {
        assert!(
            paths(&json!({"x": empty}), &json!({})).is_empty(),
            "{empty}"
        );
        assert!(
            paths(&json!({"x": empty}), &json!({"x": null})).is_empty(),
            "{empty}"
        );
    }
    assert_eq!(
        paths(&json!({"subnets": []}), &json!({"subnets": ["a"]})),
        ["/subnets/a"]
    );
}

#[test]
fn what_is_equal_in_other_words() {
    let arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/nova";
    let namespace = "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1";
    for (desired, live) in [
        (
            json!({"subnets": ["a", "b"]}),
            json!({"subnets": ["b", "a"]}),
        ),
        (
            json!({"policy": "{\"a\": 1, \"b\": 2}"}),
            json!({"policy": "{\"b\":2,\"a\":1}"}),
        ),
        (json!({"cluster": "nova"}), json!({"cluster": arn})),
        (json!({"cluster": ""}), json!({"cluster": arn})),
        (json!({"cluster": arn}), json!({"cluster": "nova"})),
        (
            json!({"namespace": "shop"}),
            json!({"namespace": namespace}),
        ),
        (
            json!({"platformVersion": "LATEST"}),
            json!({"platformVersion": "1.4.0"}),
        ),
        (json!({"tags": [{"key": "a"}]}), json!({})),
        (json!({"n": 5}), json!({"n": 5.0})),
        (
            json!({"conditions": [{"f": 1}, {"f": 1, "g": 2}]}),
            json!({"conditions": [{"f": 1, "g": 2}, {"f": 1, "h": 3}]}),
        ),
    ] {
        assert_eq!(compare(&desired, &live, &RULES), [], "{desired} {live}");
    }
}

#[test]
fn what_differs_is_named() {
    for (desired, live, expected) in [
        (json!({"a": 1}), json!({"a": "1"}), "/a"),
        (json!({"a": 1}), json!({}), "/a"),
        (
            json!({"a": {"b": false}}),
            json!({"a": {"b": true}}),
            "/a/b",
        ),
        (
            json!({"list": [1, 2]}),
            json!({"list": [2, 1]}),
            "/list/0 /list/1",
        ),
        (json!({"list": [1]}), json!({"list": [1, 2]}), "/list/1"),
        (
            json!({"subnets": ["a"]}),
            json!({"subnets": ["b"]}),
            "/subnets/a /subnets/b",
        ),
        (
            json!({"cluster": "nova"}),
            json!({"cluster": "orion"}),
            "/cluster",
        ),
        (
            json!({"namespace": "arn:a/1"}),
            json!({"namespace": "arn:a/2"}),
            "/namespace",
        ),
        (
            json!({"platformVersion": "1.3.0"}),
            json!({"platformVersion": "1.4.0"}),
            "/platformVersion",
        ),
        (
            json!({"policy": "{\"a\":1}"}),
            json!({"policy": "{\"a\":2}"}),
            "/policy",
        ),
        (
            json!({"labels": {"a": "1"}}),
            json!({"labels": {"a": "1", "b": "2"}}),
            "/labels/b",
        ),
        (json!({"a/b": 1}), json!({"a/b": 2}), "/a~1b"),
        (
            json!({"conditions": [{"f": 1}]}),
            json!({"conditions": [{"f": 2}]}),
            "/conditions/0/f",
        ),
        (
            json!({"containers": [{"name": "app", "ports": [{"port": 80, "protocol": "tcp", "x": 1}]}]}),
            json!({"containers": [{"name": "app", "ports": [{"port": 80, "protocol": "tcp", "x": 2}]}]}),
            "/containers/app/ports/80:tcp/x",
        ),
    ] {
        assert_eq!(
            paths(&desired, &live).join(" "),
            expected,
            "{desired} {live}"
        );
    }
}

#[test]
fn a_keyed_list_is_closed_and_masked() {
    let desired = json!({"containers": [
        {"name": "app", "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]});
    let live = json!({"containers": [
        {"name": "app", "environment": [{"name": "C", "value": "3"}, {"name": "A", "value": "9"}]},
        {"name": "side"}]});
    let found = compare(&desired, &live, &RULES);
    let named: Vec<&str> = found.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(
        named,
        [
            "/containers/app/environment/A/value",
            "/containers/app/environment/B",
            "/containers/app/environment/C",
            "/containers/side",
        ]
    );
    assert!(
        !format!("{found:?}").contains('9') && !format!("{found:?}").contains('3'),
        "{found:?}"
    );
}

#[test]
fn scalars_by_text_only_where_the_rules_say_so() {
    for (desired, live) in [(json!(8080), json!("8080")), (json!(true), json!("true"))] {
        let (desired, live) = (json!({"a": desired}), json!({"a": live}));
        assert_eq!(compare(&desired, &live, &BY_TEXT), []);
        assert_eq!(compare(&desired, &live, &RULES).len(), 1);
    }
    assert_eq!(
        compare(&json!({"a": 1}), &json!({"a": "2"}), &BY_TEXT).len(),
        1
    );
}

/// Any document with the members that the rules know.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..3).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "subnets",
        "conditions",
        "containers",
        "environment",
        "ports",
        "labels",
        "policy",
        "name",
        "port",
    ]);
    leaf.prop_recursive(4, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..4).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(n, v)| (n.to_owned(), v))
                    .collect::<Map<_, _>>()
                    .into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_equals_itself(document in documents()) {
        prop_assert_eq!(compare(&document, &document, &RULES), vec![]);
        prop_assert_eq!(compare(&document, &document, &BY_TEXT), vec![]);
    }

    #[test]
    fn more_live_members_are_no_difference(document in documents(), more in documents()) {
        prop_assume!(document.is_object());
        let mut live = document.clone();
        live["undeclared"] = more;
        prop_assert_eq!(compare(&document, &live, &RULES), vec![]);
    }
}
