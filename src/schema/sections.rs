//! What stands beside a spec, as schemas.

use serde_json::{Map, Value, json};

use crate::catalogue;
use crate::manifest::{
    AFTER, DEADLINE, HOOKS, HookTime, IN_FLIGHT, InFlight, LONGEST_TASK_NAME, MODES, MOST_RETRIES,
    MOST_TASKS, OVERRUN, Overrun, PRUNE, PRUNE_WORDS, RETRIES, RETRY_FOR, SELF_HEAL, SUSPEND,
    TASK_MEMBERS, TASKS, WINDOW_KINDS, WINDOW_MEMBERS, WINDOWS, has_windows, self_heal_governs,
    sync_members,
};
use crate::model::Kind;

/// The schema of a member beside a spec; anything goes for one that has none here (a test sees that
/// all have).
pub(super) fn section(kind: Kind, member: &str) -> Value {
    match member {
        "attributes" => json!({
            "type": "array",
            "description": "Attributes as the Modify...Attributes operation takes them; values are texts.",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["Key", "Value"],
                "properties": {
                    "Key": {"type": "string", "enum": catalogue::attributes(kind).collect::<Vec<_>>()},
                    "Value": {"type": "string"},
                },
            },
        }),
        "lifecyclePolicyText" => {
            policy("The repository's lifecycle policy: JSON text, or the document itself.")
        }
        "policyText" => {
            policy("The repository's permissions policy: JSON text, or the document itself.")
        }
        "rollout" => rollout(),
        "sync" => sync(kind),
        _ => json!({}),
    }
}

fn policy(text: &str) -> Value {
    json!({"type": ["string", "object"], "description": text})
}

fn rollout() -> Value {
    let hooks: Map<String, Value> = HOOKS
        .iter()
        .map(|event| {
            let function = json!({"type": "string", "minLength": 1});
            ((*event).to_owned(), function)
        })
        .collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "How a service's rollouts go.",
        "properties": {
            "approval": {
                "type": "object",
                "additionalProperties": false,
                "description": "A person has to approve a content before its rollout starts, with `evenkeel approve`.",
                "properties": {
                    "required": {"type": "boolean", "description": "Whether that is so; true if it is left out."},
                    "timeout": {
                        "type": "string",
                        "pattern": "^([0-9]+[smhd])+$",
                        "description": "For how long an approval counts, such as `24h`, which is the default.",
                    },
                },
            },
            "dependsOn": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "Service manifests by name: a rollout starts only while all of them are as their manifests say, \
                    and healthy.",
            },
            "hooks": {
                "type": "object",
                "additionalProperties": false,
                "description": "Lambda functions, by name or ARN, that CodeDeploy calls at its lifecycle events.",
                "properties": hooks,
            },
            TASKS: tasks(),
            IN_FLIGHT: {
                "enum": InFlight::ALL.map(InFlight::word),
                "description": "What a newer manifest does about a deployment in flight: takes its place until \
                    production traffic moves (the default), or waits until it ends; `queue` rolls out all that came \
                    meanwhile, in order.",
            },
            DEADLINE: {
                "type": "string",
                "pattern": "^([0-9]+[smhd])+$",
                "description": "How long the new tasks of a rollout may take to come up; one that takes longer is stopped and \
                    goes back. Without it, only what AWS itself ends.",
            },
            RETRY_FOR: {
                "type": "string",
                "pattern": "^([0-9]+[smhd])+$",
                "description": "After so many retries, a deployment of CodeDeploy that failed before production traffic moved is \
                    started again every 15 minutes, for this long after the first one failed; at most `24h`.",
            },
            RETRIES: {
                "type": "integer",
                "minimum": 0,
                "maximum": MOST_RETRIES,
                "description": "How often a deployment of CodeDeploy is started again that failed before production \
                    traffic moved, other than by an alarm, a hook or a person; 0 by default.",
            },
        },
    })
}

/// One-off tasks before and after rollouts.
fn tasks() -> Value {
    let [name, container, command, overrides, timeout] = TASK_MEMBERS;
    let task = json!({
        "type": "object",
        "additionalProperties": false,
        "required": [name],
        "oneOf": [
            {"required": [command]},
            {"required": [overrides], "properties": {container: false}},
        ],
        "properties": {
            name: {
                "type": "string",
                "pattern": format!("^[A-Za-z0-9_-]{{1,{LONGEST_TASK_NAME}}}$"),
                "description": "By it the task's outcome is remembered; of the service's tasks only this one has it.",
            },
            container: {
                "type": "string",
                "minLength": 1,
                "description": "The container that runs the command; may be left out where only one is essential.",
            },
            command: {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string"},
                "description": "What that container runs in the place of its own command.",
            },
            overrides: {
                "type": "object",
                "required": ["containerOverrides"],
                "description": "RunTask's overrides, whole. Every container in it has to end with exit code 0.",
            },
            timeout: {
                "type": "string",
                "pattern": DURATION,
                "description": "How long it may take before it is stopped and has failed, such as `15m`, which is the default.",
            },
        },
    });
    let list = |when: &str| {
        json!({
            "type": "array",
            "maxItems": MOST_TASKS,
            "items": task,
            "description": format!("Tasks that run {when}, one after the other, once for each content."),
        })
    };
    let [before, after] = [HookTime::Before, HookTime::After].map(HookTime::word);
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "One-off tasks on the new task definition, such as a database migration.",
        "properties": {
            before: list("before a rollout starts, which waits for all of them to end with exit code 0"),
            after: list("after a rollout has ended well"),
        },
    })
}

/// A duration as manifests have it.
const DURATION: &str = "^([0-9]+[smhd])+$";

fn sync(kind: Kind) -> Value {
    let mut section = json!({
        "type": "object",
        "additionalProperties": false,
        "description": "How this resource is kept as declared.",
        "properties": {
            "driftGrace": {
                "type": "string",
                "pattern": DURATION,
                "description": "How long drift that takes a deployment to heal is left alone, such as `10m`.",
            },
            "ignore": {
                "type": "array",
                "items": { "type": "string", "pattern": "^/." },
                "description": "Members that are left to others: JSON pointers into the spec, `/tags/KEY` or \
                    `/attributes/KEY`.",
            },
        },
    });
    let properties = &mut section["properties"];
    if self_heal_governs(kind) {
        properties[SELF_HEAL] = self_heal();
    }
    if has_windows(kind) {
        properties[WINDOWS] = windows(kind);
    }
    if sync_members(kind).contains(&PRUNE) {
        properties[PRUNE] = json!({
            "type": "string",
            "enum": PRUNE_WORDS,
            "description": "What becomes of the resource when this manifest is gone and pruning is on: it stays, \
                or goes only after a person has confirmed. Default: it goes.",
        });
    }
    if kind == Kind::ScalableTarget {
        properties[SUSPEND] = json!({
            "type": "boolean",
            "description": "Whether scaling is suspended while CodeDeploy deploys the service.",
        });
    }
    section
}

fn windows(kind: Kind) -> Value {
    let mut window = json!({
        "type": "object",
        "additionalProperties": false,
        "required": &WINDOW_MEMBERS[..4],
        "properties": {
            "kind": {"type": "string", "enum": WINDOW_KINDS},
            "schedule": {
                "type": "string",
                "description": "When it opens, as a cron expression of five fields, such as `0 9 * * MON-FRI`.",
            },
            "duration": {"type": "string", "pattern": DURATION, "description": "How long it is open."},
            "timeZone": {
                "type": "string",
                "description": "IANA name of the time zone of the schedule, such as `Europe/Berlin`.",
            },
        },
    });
    window["properties"][OVERRUN] = json!({
        "type": "string",
        "enum": Overrun::ALL.map(Overrun::word),
        "description": "What becomes of a rollout in flight when rollouts may no longer start: it goes on, is held where it waits \
            for a person, or is stopped if no production traffic has moved. Default: finish.",
    });
    if kind == Kind::Cluster {
        window["properties"]["labels"] = json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string"},
            "description": "Only for services whose manifests have all these labels.",
        });
        window["properties"]["names"] = json!({
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "minLength": 1},
            "description": "Only for the Service manifests of these names.",
        });
    }
    json!({
        "type": "array",
        "maxItems": 50,
        "items": window,
        "description": "When rollouts may start, or may not; of a cluster, those of its services.",
    })
}

fn self_heal() -> Value {
    json!({
        "description": "What becomes of a change that somebody makes of live state: it stays (`off`), it stays and a \
            person is to decide (`notify`), it is changed back at once (`immediate`) or after a while.",
        "oneOf": [
            {"type": "string", "enum": MODES},
            {
                "type": "object",
                "additionalProperties": false,
                "required": [AFTER],
                "properties": {AFTER: {"type": "string", "pattern": DURATION}},
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::beside;
    use crate::model::Kind;

    #[test]
    fn every_section_of_every_kind_has_a_schema() {
        for kind in Kind::ALL {
            for member in beside(kind) {
                assert_ne!(section(kind, member), json!({}), "{kind}: {member}");
            }
        }
    }
}
