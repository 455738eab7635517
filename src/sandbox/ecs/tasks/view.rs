//! A task as `DescribeTasks` shows it.

use super::super::{Time, World, arn, stamp, tags};
use super::{Phase, Task};
use serde_json::{Map, Value, json};

/// The task, with its tags if they are wanted.
pub(crate) fn view(world: &World, task: &Task, with_tags: bool) -> Value {
    let now = world.now;
    let mut view = Map::new();
    let mut put = |member: &str, value: Value| view.insert(member.to_owned(), value);
    put("attachments", attachments(task));
    put(
        "attributes",
        json!([{"name": "ecs.cpu-architecture", "value": "x86_64"}]),
    );
    put("availabilityZone", task.zone.clone().into());
    put(
        "clusterArn",
        arn::of(&world.region, &format!("cluster/{}", task.cluster)).into(),
    );
    put("connectivity", "CONNECTED".into());
    put("containers", containers(task, now));
    put(
        "desiredStatus",
        if task.is_stopping() {
            "STOPPED"
        } else {
            "RUNNING"
        }
        .into(),
    );
    put("group", task.group.clone().into());
    put("healthStatus", task.health(now).into());
    put("lastStatus", task.phase.name().into());
    put("taskArn", task.arn.clone().into());
    put("taskDefinitionArn", task.definition.clone().into());
    put("version", version(task.phase).into());
    if let Some(by) = &task.started_by {
        put("startedBy", by.clone().into());
    }
    if let Some(stop) = &task.stop {
        put("stopCode", stop.code.into());
        put("stoppedReason", stop.reason.clone().into());
    }
    let times = [
        ("createdAt", Some(task.created_at)),
        ("connectivityAt", task.pending_at),
        ("pullStartedAt", task.pending_at),
        ("pullStoppedAt", task.started_at),
        ("startedAt", task.started_at),
        ("stoppingAt", task.stopping_at),
        ("executionStoppedAt", task.stopped_at),
        ("stoppedAt", task.stopped_at),
    ];
    for (member, time) in times {
        if let Some(time) = time {
            put(member, stamp(time));
        }
    }
    put(
        "tags",
        if with_tags {
            tags::view(&world.ecs, &task.arn)
        } else {
            json!([])
        },
    );
    for (member, value) in &task.doc {
        put(member, value.clone());
    }
    Value::Object(view)
}

/// AWS counts the changes of a task; the phase tells how many there were.
fn version(phase: Phase) -> u32 {
    match phase {
        Phase::Provisioning => 1,
        Phase::Pending => 2,
        Phase::Running => 3,
        Phase::Stopping => 4,
        Phase::Stopped => 5,
    }
}

/// The network interface of an `awsvpc` task.
fn attachments(task: &Task) -> Value {
    if task.subnet.is_empty() {
        return json!([]);
    }
    let status = match task.phase {
        Phase::Provisioning => "ATTACHING",
        Phase::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    let n = task.interface;
    let [_, high, middle, low] = n.to_be_bytes();
    let detail = |name: &str, value: &str| json!({"name": name, "value": value});
    json!([{
        "id": format!("{:08x}-0000-4000-8000-{n:012x}", super::super::order::hash(&task.id) >> 32),
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": [
            detail("subnetId", &task.subnet),
            detail("networkInterfaceId", &format!("eni-{n:017x}")),
            detail("macAddress", &format!("0a:00:00:{high:02x}:{middle:02x}:{low:02x}")),
            detail("privateIPv4Address", &task.address()),
        ],
    }])
}

/// The containers.
fn containers(task: &Task, now: Time) -> Value {
    let of = |index: usize| {
        let container = task.containers.get(index)?;
        let status = match task.phase {
            Phase::Provisioning | Phase::Pending => "PENDING",
            _ if container.exit_code.is_some() || task.is_stopped() => "STOPPED",
            _ => "RUNNING",
        };
        let mut view = json!({
            "containerArn": task.arn.replacen(":task/", ":container/", 1) + "/" + &container.name,
            "taskArn": task.arn,
            "name": container.name,
            "image": container.image,
            "runtimeId": format!("{}-{:010}", task.id, task.interface),
            "lastStatus": status,
            "networkBindings": [],
            "networkInterfaces": [],
            "healthStatus": task.container_health(index, now).unwrap_or("UNKNOWN"),
        });
        if !task.subnet.is_empty() {
            view["networkInterfaces"] = json!([{"privateIpv4Address": task.address(),
                "attachmentId": format!("eni-{:017x}", task.interface)}]);
        }
        if let Some(digest) = &container.digest {
            view["imageDigest"] = digest.clone().into();
        }
        if let Some(code) = container.exit_code {
            view["exitCode"] = code.into();
        }
        if let Some(reason) = &container.reason {
            view["reason"] = reason.clone().into();
        }
        Some(view)
    };
    (0..task.containers.len()).filter_map(of).collect()
}
