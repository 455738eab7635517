use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::document::digest;

#[test]
fn a_bare_container_equals_its_read_back() {
    let sent = json!({
        "family": "f", "networkMode": "awsvpc", "cpu": ".25 vCPU", "memory": "0.5 GB",
        "requiresCompatibilities": ["FARGATE", "EC2"],
        "containerDefinitions": [{
            "name": "app", "image": "i", "portMappings": [{"containerPort": 80}],
            "healthCheck": {"command": ["CMD", "true"]},
            "linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}],
        "volumes": [{"name": "v"}], "tags": [{"key": "a", "value": "b"}]});
    let answered = json!({
        "taskDefinitionArn": "arn:x", "revision": 3, "status": "ACTIVE", "registeredAt": 1.5,
        "registeredBy": "me", "compatibilities": ["EC2"], "requiresAttributes": [{"name": "x"}],
        "family": "f", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["EC2", "FARGATE"], "placementConstraints": [],
        "containerDefinitions": [{
            "name": "app", "image": "i", "cpu": 0, "essential": true, "environment": [],
            "mountPoints": [], "volumesFrom": [], "systemControls": [],
            "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
            "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
            "linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}, "tmpfs": [], "devices": []}}],
        "volumes": [{"name": "v", "host": {}}]});
    assert_eq!(
        canonical_task_definition(&sent),
        canonical_task_definition(&answered)
    );
}

#[test]
fn what_means_something_stays() {
    for (one, other) in [
        (json!({"essential": false}), json!({})),
        (json!({"cpu": 10}), json!({})),
        (
            json!({"command": ["a", "b"]}),
            json!({"command": ["b", "a"]}),
        ),
        (
            json!({"dnsServers": ["a", "b"]}),
            json!({"dnsServers": ["b", "a"]}),
        ),
        (
            json!({"portMappings": [{"containerPort": 80, "hostPort": 8080}]}),
            json!({"portMappings": [{"containerPort": 80}]}),
        ),
        (
            json!({"portMappings": [{"containerPort": 80, "hostPort": 80}]}),
            json!({"portMappings": [{"containerPort": 80}]}),
        ),
        (
            json!({"environment": [{"name": "A", "value": ""}]}),
            json!({}),
        ),
        (json!({"dockerLabels": {"cpu": "0"}}), json!({})),
        (
            json!({"healthCheck": {"command": ["x"], "interval": 31}}),
            json!({"healthCheck": {"command": ["x"]}}),
        ),
        (
            json!({"resourceRequirements": [{"sharingStrategy": {"nvidiaMps": {}}}]}),
            json!({}),
        ),
    ] {
        let of = |c: &Value| canonical_task_definition(&json!({"containerDefinitions": [c]}));
        assert_ne!(of(&one), of(&other), "{one} {other}");
    }
}

#[test]
fn host_ports_depend_on_the_network_mode() {
    let of = |mode: &str, host: i64| {
        canonical_task_definition(&json!({"networkMode": mode, "containerDefinitions": [
            {"portMappings": [{"containerPort": 80, "hostPort": host}]}]}))
        .pointer("/containerDefinitions/0/portMappings/0/hostPort")
        .cloned()
    };
    assert_eq!(of("awsvpc", 80), None);
    assert_eq!(of("host", 80), None);
    assert_eq!(of("bridge", 80), Some(json!(80)));
    assert_eq!(of("bridge", 0), None);
}

prop_compose! {
    fn containers()(
        name in "[a-d]{1,3}",
        environment in prop::collection::btree_map("[A-E]{1,2}", "[a-z]{0,3}", 0..4),
        ports in prop::collection::btree_map(1u16..9000, select(vec![None, Some("tcp"), Some("udp")]), 0..3),
        cpu in prop::option::of(0i64..3),
        essential in prop::option::of(any::<bool>()),
        command in prop::collection::vec("[a-c]{0,2}", 0..3),
        health in prop::option::of((select(vec![None, Some(30i64), Some(9)]), select(vec![None, Some(3i64), Some(8)]))),
        read_only in prop::option::of(any::<bool>()),
        labels in prop::collection::btree_map("[a-c]", "[a-c]", 0..2),
        host_ports in any::<bool>(),
    ) -> Value {
        let mut c = json!({"name": name, "image": "i", "command": command, "dockerLabels": labels});
        c["environment"] = environment.iter().map(|(n, v)| json!({"name": n, "value": v})).collect();
        c["portMappings"] = ports.iter().map(|(p, protocol)| {
            let mut m = json!({"containerPort": p});
            if let Some(protocol) = protocol { m["protocol"] = json!(protocol); }
            if host_ports { m["hostPort"] = json!(p); }
            m
        }).collect();
        if let Some(cpu) = cpu { c["cpu"] = json!(cpu); }
        if let Some(essential) = essential { c["essential"] = json!(essential); }
        if let Some((interval, retries)) = health {
            c["healthCheck"] = json!({"command": ["x"], "interval": interval, "retries": retries});
        }
        if let Some(read_only) = read_only {
            c["mountPoints"] = json!([{"containerPath": "/a", "sourceVolume": "v", "readOnly": read_only}]);
        }
        c
    }
}

prop_compose! {
    fn task_definitions()(
        containers in prop::collection::vec(containers(), 0..3),
        mode in select(vec![None, Some("awsvpc"), Some("bridge"), Some("host")]),
        cpu in select(vec![None, Some("1 vCPU"), Some("256"), Some(".5 vcpu")]),
        volumes in prop::collection::btree_set("[a-c]", 0..3),
        compatibilities in select(vec![vec![], vec!["FARGATE", "EC2"], vec!["EC2"]]),
    ) -> Value {
        let mut t = json!({"family": "f", "containerDefinitions": containers, "requiresCompatibilities": compatibilities});
        if let Some(mode) = mode { t["networkMode"] = json!(mode); }
        if let Some(cpu) = cpu { t["cpu"] = json!(cpu); }
        t["volumes"] = volumes.iter().map(|name| json!({"name": name})).collect();
        t
    }
}

/// What ECS answers for a registered document, by the table of aws-facts 3.1; written apart from
/// the code under test.
fn answered(sent: &Value) -> Value {
    let mut t = sent.clone();
    let mode = sent["networkMode"].as_str().unwrap_or("bridge").to_owned();
    for c in t["containerDefinitions"].as_array_mut().unwrap() {
        for (name, value) in [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("systemControls", json!([])),
        ] {
            if c.get(name).is_none() {
                c[name] = value;
            }
        }
        for name in ["environment", "mountPoints", "portMappings", "volumesFrom"] {
            if c.get(name).is_none() {
                c[name] = json!([]);
            }
        }
        for m in c["portMappings"].as_array_mut().unwrap() {
            if m.get("protocol").is_none() {
                m["protocol"] = json!("tcp");
            }
            if m.get("hostPort").is_none() {
                m["hostPort"] = if mode == "bridge" {
                    json!(0)
                } else {
                    m["containerPort"].clone()
                };
            }
        }
        if let Some(h) = c.get_mut("healthCheck") {
            for (name, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
                if h[name].is_null() {
                    h[name] = json!(value);
                }
            }
        }
        c["environment"].as_array_mut().unwrap().reverse();
        c["portMappings"].as_array_mut().unwrap().reverse();
    }
    t["containerDefinitions"].as_array_mut().unwrap().reverse();
    t["requiresCompatibilities"]
        .as_array_mut()
        .unwrap()
        .sort_by_key(ToString::to_string);
    for v in t["volumes"].as_array_mut().unwrap() {
        v["host"] = json!({});
    }
    match sent["cpu"].as_str() {
        Some("1 vCPU") => t["cpu"] = json!("1024"),
        Some(".5 vcpu") => t["cpu"] = json!("512"),
        _ => {}
    }
    t["placementConstraints"] = json!([]);
    t["revision"] = json!(7);
    t["status"] = json!("ACTIVE");
    t["requiresAttributes"] = json!([{"name": "com.amazonaws.ecs.capability.x"}]);
    t
}

/// The same document with the members of every object in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .rev()
                .map(|(k, v)| (k.clone(), reversed(v)))
                .collect(),
        ),
        _ => value.clone(),
    }
}

proptest! {
    #[test]
    fn canonical_is_idempotent(document in task_definitions()) {
        let once = canonical_task_definition(&document);
        prop_assert_eq!(&canonical_task_definition(&once), &once);
    }

    #[test]
    fn a_read_back_has_the_digest_of_what_was_sent(document in task_definitions()) {
        let sent = canonical_task_definition(&document);
        let read = canonical_task_definition(&answered(&document));
        prop_assert_eq!(digest(&sent), digest(&read), "{} {}", sent, read);
    }

    #[test]
    fn order_of_members_does_not_count(document in task_definitions()) {
        let one = canonical_task_definition(&document);
        let other = canonical_task_definition(&reversed(&document));
        prop_assert_eq!(digest(&one), digest(&other));
    }

    #[test]
    fn another_image_has_another_digest(document in task_definitions()) {
        prop_assume!(!document["containerDefinitions"].as_array().unwrap().is_empty());
        let mut changed = document.clone();
        changed["containerDefinitions"][0]["image"] = json!("other");
        let of = |d: &Value| digest(&canonical_task_definition(d));
        prop_assert_ne!(of(&document), of(&changed));
    }
}
