//! The canonical form of a task definition: the same for what is sent and for what ECS answers
//! (aws-facts 3.1). Not what is registered: registration sends the document as it is written.

use serde_json::{Map, Value, json};

use super::digest::sorted_text;
use super::units;

/// Members of a described task definition that registration does not take, and `tags`, which are
/// no content (aws-facts 3.1).
const NOT_CONTENT: [&str; 10] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "tags",
    "taskDefinitionArn",
];

/// Lists whose order means nothing: those that ECS reorders (aws-facts 3.1), and those that it
/// keeps in order but reads as sets.
const SETS: [&str; 21] = [
    "/containerDefinitions",
    "/containerDefinitions/*/dependsOn",
    "/containerDefinitions/*/environment",
    "/containerDefinitions/*/linuxParameters/capabilities/add",
    "/containerDefinitions/*/linuxParameters/capabilities/drop",
    "/containerDefinitions/*/linuxParameters/devices",
    "/containerDefinitions/*/linuxParameters/devices/*/permissions",
    "/containerDefinitions/*/linuxParameters/tmpfs",
    "/containerDefinitions/*/links",
    "/containerDefinitions/*/logConfiguration/secretOptions",
    "/containerDefinitions/*/mountPoints",
    "/containerDefinitions/*/portMappings",
    "/containerDefinitions/*/resourceRequirements",
    "/containerDefinitions/*/secrets",
    "/containerDefinitions/*/systemControls",
    "/containerDefinitions/*/ulimits",
    "/containerDefinitions/*/volumesFrom",
    "/placementConstraints",
    "/proxyConfiguration/properties",
    "/requiresCompatibilities",
    "/volumes",
];

/// A value that means the same as the member's absence.
enum Default {
    True,
    False,
    Number(i64),
    Text(&'static str),
}

impl Default {
    fn is(&self, value: &Value) -> bool {
        match self {
            Self::True => value == true,
            Self::False => value == false,
            Self::Number(number) => value.as_f64() == json!(number).as_f64(),
            Self::Text(text) => value == text,
        }
    }
}

/// Defaults that ECS fills in, or documents for an absent member (service model and aws-facts 3.1).
const DEFAULTS: [(&str, Default); 21] = [
    ("/containerDefinitions/*/cpu", Default::Number(0)),
    ("/containerDefinitions/*/disableNetworking", Default::False),
    ("/containerDefinitions/*/essential", Default::True),
    (
        "/containerDefinitions/*/healthCheck/interval",
        Default::Number(30),
    ),
    (
        "/containerDefinitions/*/healthCheck/retries",
        Default::Number(3),
    ),
    (
        "/containerDefinitions/*/healthCheck/timeout",
        Default::Number(5),
    ),
    ("/containerDefinitions/*/interactive", Default::False),
    (
        "/containerDefinitions/*/linuxParameters/initProcessEnabled",
        Default::False,
    ),
    (
        "/containerDefinitions/*/mountPoints/*/readOnly",
        Default::False,
    ),
    (
        "/containerDefinitions/*/portMappings/*/protocol",
        Default::Text("tcp"),
    ),
    ("/containerDefinitions/*/privileged", Default::False),
    ("/containerDefinitions/*/pseudoTerminal", Default::False),
    (
        "/containerDefinitions/*/readonlyRootFilesystem",
        Default::False,
    ),
    (
        "/containerDefinitions/*/versionConsistency",
        Default::Text("enabled"),
    ),
    (
        "/containerDefinitions/*/volumesFrom/*/readOnly",
        Default::False,
    ),
    ("/enableFaultInjection", Default::False),
    ("/networkMode", Default::Text("bridge")),
    ("/volumes/*/configuredAtLaunch", Default::False),
    (
        "/volumes/*/efsVolumeConfiguration/authorizationConfig/iam",
        Default::Text("DISABLED"),
    ),
    (
        "/volumes/*/efsVolumeConfiguration/rootDirectory",
        Default::Text("/"),
    ),
    (
        "/volumes/*/efsVolumeConfiguration/transitEncryption",
        Default::Text("DISABLED"),
    ),
];

/// The one structure that says something by being there, empty or not.
const MEANT_WHEN_EMPTY: &str =
    "/containerDefinitions/*/resourceRequirements/*/sharingStrategy/nvidiaMps";

const PORT_MAPPING: &str = "/containerDefinitions/*/portMappings/*";

/// The canonical form of a `RegisterTaskDefinition` document or of the `taskDefinition` that ECS
/// answers: read-only members, tags, defaults and empty members are gone, task sizes are integer
/// texts, lists that are sets are sorted, and so are the members of objects.
///
/// Idempotent. For a document and its read-back the result is the same.
pub fn canonical_task_definition(document: &Value) -> Value {
    let network_mode = document
        .get("networkMode")
        .and_then(Value::as_str)
        .unwrap_or("bridge");
    let ports_fixed = matches!(network_mode, "awsvpc" | "host");
    let mut canonical =
        reduce(document, "", ports_fixed).unwrap_or_else(|| Value::Object(Map::new()));
    canonical.sort_all_objects();
    canonical
}

/// The canonical value; `None` if it means the same as nothing.
fn reduce(value: &Value, pattern: &str, ports_fixed: bool) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(members) => reduce_object(members, pattern, ports_fixed),
        Value::Array(items) => reduce_list(items, pattern, ports_fixed),
        _ if is_default(pattern, value) => None,
        _ => Some(match pattern {
            "/cpu" => units::cpu(value),
            "/memory" => units::memory(value),
            _ => value.clone(),
        }),
    }
}

fn reduce_object(members: &Map<String, Value>, pattern: &str, ports_fixed: bool) -> Option<Value> {
    let mut kept = Map::new();
    for (name, value) in members {
        if pattern.is_empty() && NOT_CONTENT.contains(&name.as_str()) {
            continue;
        }
        if let Some(value) = reduce(value, &format!("{pattern}/{name}"), ports_fixed) {
            kept.insert(name.clone(), value);
        }
    }
    if pattern == PORT_MAPPING && host_port_says_nothing(&kept, ports_fixed) {
        kept.remove("hostPort");
    }
    (!kept.is_empty() || pattern == MEANT_WHEN_EMPTY).then_some(Value::Object(kept))
}

/// Whether the host port is what it would be anyway: chosen by the host (0), or the container's
/// own in the modes where the two must be equal (aws-facts 3.1, 3.3).
fn host_port_says_nothing(mapping: &Map<String, Value>, ports_fixed: bool) -> bool {
    let Some(host) = mapping.get("hostPort") else {
        return false;
    };
    host == 0 || (ports_fixed && Some(host) == mapping.get("containerPort"))
}

fn reduce_list(items: &[Value], pattern: &str, ports_fixed: bool) -> Option<Value> {
    let element = format!("{pattern}/*");
    let mut kept: Vec<Value> = items
        .iter()
        .filter_map(|item| reduce(item, &element, ports_fixed))
        .collect();
    if SETS.contains(&pattern) {
        kept.sort_by_cached_key(sorted_text);
    }
    (!kept.is_empty()).then_some(Value::Array(kept))
}

/// Whether the value of this member of a task definition is the documented default.
pub(crate) fn is_default(pattern: &str, value: &Value) -> bool {
    DEFAULTS
        .iter()
        .any(|(place, default)| *place == pattern && default.is(value))
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
