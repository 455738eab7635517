//! The read-back of a task definition: what AWS fills in, normalizes and re-orders. Only what was
//! recorded from live accounts or stands in the API's text; anything else is echoed whole.

use super::super::{AwsError, order};
use super::fargate;
use serde_json::{Map, Value, json};

/// The document that AWS would store for a valid request.
pub(crate) fn shape(request: &Value) -> Result<Map<String, Value>, AwsError> {
    let mut doc = request.as_object().cloned().unwrap_or_default();
    doc.shift_remove("tags");
    doc.retain(|_, value| !value.is_null());
    size(&mut doc, "cpu", fargate::cpu)?;
    size(&mut doc, "memory", fargate::memory)?;
    let mode = doc
        .get("networkMode")
        .and_then(Value::as_str)
        .unwrap_or("bridge")
        .to_owned();
    if let Some(Value::Array(containers)) = doc.get_mut("containerDefinitions") {
        for container in containers.iter_mut().filter_map(Value::as_object_mut) {
            shape_container(container, &mode);
        }
    }
    if let Some(containers) = doc.get_mut("containerDefinitions") {
        order::shuffle(containers);
    }
    for volume in objects(doc.get_mut("volumes")) {
        shape_volume(volume);
    }
    for list in ["volumes", "placementConstraints"] {
        doc.entry(list).or_insert_with(|| json!([]));
    }
    if let Some(Value::Array(types)) = doc.get_mut("requiresCompatibilities") {
        types.sort_by_key(ToString::to_string);
    }
    if doc
        .get("requiresCompatibilities")
        .is_some_and(|it| *it == json!([]))
    {
        doc.shift_remove("requiresCompatibilities");
    }
    Ok(doc)
}

/// A size becomes a whole number, written as a string.
fn size(
    doc: &mut Map<String, Value>,
    member: &str,
    read: fn(&str) -> Result<u64, AwsError>,
) -> Result<(), AwsError> {
    if let Some(value) = doc.get_mut(member)
        && let Some(text) = value.as_str()
    {
        *value = read(text)?.to_string().into();
    }
    Ok(())
}

/// The objects of a list.
fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// Fills one container in and re-orders its lists.
fn shape_container(container: &mut Map<String, Value>, network_mode: &str) {
    container.retain(|_, value| !value.is_null());
    container.entry("cpu").or_insert_with(|| 0.into());
    container.entry("essential").or_insert_with(|| true.into());
    for list in [
        "environment",
        "mountPoints",
        "portMappings",
        "systemControls",
        "volumesFrom",
    ] {
        container.entry(list).or_insert_with(|| json!([]));
    }
    for port in objects(container.get_mut("portMappings")) {
        port.retain(|_, value| !value.is_null());
        port.entry("protocol").or_insert_with(|| "tcp".into());
        if !port.contains_key("hostPort")
            && let Some(own) = port.get("containerPort").cloned()
        {
            let host = if matches!(network_mode, "awsvpc" | "host") {
                own
            } else {
                0.into()
            };
            port.insert("hostPort".to_owned(), host);
        }
    }
    if let Some(check) = container
        .get_mut("healthCheck")
        .and_then(Value::as_object_mut)
    {
        for (member, default) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            check.entry(member).or_insert_with(|| default.into());
        }
    }
    if let Some(linux) = container
        .get_mut("linuxParameters")
        .and_then(Value::as_object_mut)
    {
        for list in ["devices", "tmpfs"] {
            linux.entry(list).or_insert_with(|| json!([]));
        }
    }
    if let Some(log) = container
        .get_mut("logConfiguration")
        .and_then(Value::as_object_mut)
    {
        log.entry("secretOptions").or_insert_with(|| json!([]));
    }
    for list in [
        "environment",
        "links",
        "portMappings",
        "secrets",
        "volumesFrom",
    ] {
        if let Some(list) = container.get_mut(list) {
            order::shuffle(list);
        }
    }
}

/// A volume of a name only is a bind mount; an EFS volume has a root directory.
fn shape_volume(volume: &mut Map<String, Value>) {
    volume.retain(|_, value| !value.is_null());
    if volume.len() == 1 && volume.contains_key("name") {
        volume.insert("host".to_owned(), json!({}));
    }
    if let Some(efs) = volume
        .get_mut("efsVolumeConfiguration")
        .and_then(Value::as_object_mut)
    {
        efs.entry("rootDirectory").or_insert_with(|| "/".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(request: &Value) -> Value {
        Value::Object(shape(request).unwrap())
    }

    #[test]
    fn a_bare_container_is_filled_in() {
        let doc =
            shaped(&json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "i"}]}));
        let container = json!({"name": "a", "image": "i", "cpu": 0, "essential": true, "environment": [],
            "mountPoints": [], "portMappings": [], "systemControls": [], "volumesFrom": []});
        assert_eq!(
            doc,
            json!({"family": "f", "containerDefinitions": [container], "volumes": [],
            "placementConstraints": []})
        );
    }

    #[test]
    fn members_are_filled_by_kind() {
        let one = |mode: Option<&str>, container: Value| {
            shaped(&json!({"networkMode": mode, "containerDefinitions": [container]}))
                ["containerDefinitions"][0].clone()
        };
        let port = json!({"portMappings": [{"containerPort": 80}]});
        for (mode, host) in [
            (Some("awsvpc"), 80),
            (Some("host"), 80),
            (Some("bridge"), 0),
            (None, 0),
        ] {
            let wanted = json!([{"containerPort": 80, "protocol": "tcp", "hostPort": host}]);
            assert_eq!(one(mode, port.clone())["portMappings"], wanted, "{mode:?}");
        }
        let check = one(
            None,
            json!({"healthCheck": {"command": ["CMD", "x"], "retries": 1}}),
        );
        assert_eq!(
            check["healthCheck"],
            json!({"command": ["CMD", "x"], "retries": 1, "interval": 30, "timeout": 5})
        );
        let linux = one(
            None,
            json!({"linuxParameters": {"initProcessEnabled": true}}),
        );
        assert_eq!(
            linux["linuxParameters"],
            json!({"initProcessEnabled": true, "devices": [], "tmpfs": []})
        );
        let log = one(None, json!({"logConfiguration": {"logDriver": "awslogs"}}));
        assert_eq!(log["logConfiguration"]["secretOptions"], json!([]));
        let unknown = one(None, json!({"brandNew": {"deep": [1, 2]}}));
        assert_eq!(unknown["brandNew"], json!({"deep": [1, 2]}), "echoed whole");
    }

    #[test]
    fn sizes_volumes_and_launch_types_are_normalized() {
        let doc = shaped(&json!({"cpu": "1 vCPU", "memory": "2 GB",
            "requiresCompatibilities": ["FARGATE", "EC2"],
            "volumes": [{"name": "v"}, {"name": "e", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}));
        assert_eq!(
            (&doc["cpu"], &doc["memory"]),
            (&json!("1024"), &json!("2048"))
        );
        assert_eq!(doc["requiresCompatibilities"], json!(["EC2", "FARGATE"]));
        assert_eq!(doc["volumes"][0], json!({"name": "v", "host": {}}));
        assert_eq!(
            doc["volumes"][1]["efsVolumeConfiguration"]["rootDirectory"],
            "/"
        );
    }

    #[test]
    fn some_lists_come_back_in_another_order_and_some_do_not() {
        let pair = |n: u32| json!({"name": format!("V{n}"), "value": n.to_string()});
        let sent: Value = (0..8).map(pair).collect();
        let reversed: Value = (0..8).rev().map(pair).collect();
        let mounts = json!([{"containerPath": "/b"}, {"containerPath": "/a"}]);
        let one = |environment: &Value| {
            shaped(
                &json!({"containerDefinitions": [{"environment": environment, "mountPoints": mounts,
                "command": ["z", "a"]}]}),
            )["containerDefinitions"][0]
                .clone()
        };
        let container = one(&sent);
        assert_ne!(container["environment"], sent);
        assert_eq!(container["environment"], one(&reversed)["environment"]);
        assert_eq!(
            (&container["mountPoints"], &container["command"]),
            (&mounts, &json!(["z", "a"]))
        );
    }
}
