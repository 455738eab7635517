//! `rollback`: to the last good content. While a deployment is in flight its old tasks are warm, and stopping it
//! is the way; afterwards it is a new deployment of what AWS remembers. Pure.
//!
//! | in flight | live | decision |
//! |---|---|---|
//! | goes back already | any | no |
//! | somebody else's | any | stop it, if asked for by name; nothing is marked |
//! | ours | any | stop it; then mark the declared content |
//! | none | not as declared | no: nothing of the manifest's is there to be taken back |
//! | none | as declared, production traffic not where the tasks are | no: a deployment would shift from there |
//! | none | as declared | mark it; then deploy the last content that AWS has seen succeed besides it |
//! | none | as declared, and nothing else is remembered | no |
//!
//! Before a new deployment the mark comes first: without it the next pass would deploy the manifest's content again.

use serde_json::{Map, Value, json};

use super::super::history::{attempt_of, rollback_description};
use super::super::mark::TAKEN_BACK_TAG;
use super::super::native;
use super::super::payload::{deploying_drift, primary_task_set};
use super::super::rolling::overlaid;
use super::super::traffic::Trouble;
use super::super::{Observed, items, last_segment, listeners, taken_back, text};
use super::{Case, Verdict, call};
use crate::model::{Outcome, Seen, Service, Step};

/// What a rolled back content is marked with.
pub(super) const WORD: &str = "rolled back";

/// Members of which an empty list takes away what a later content added (aws-facts 1.5).
const CLEARED: [&str; 4] = [
    "loadBalancers",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// What a later content may have added that is not taken away by an empty list.
const CONNECT: &str = "serviceConnectConfiguration";

/// The deployment of `CodeDeploy` to go back to: the newest that succeeded, of another content than the live and
/// declared one. `history` is newest first.
pub(super) fn last_good<'a>(
    service: &Value,
    attempt: Option<&str>,
    history: &'a [Value],
) -> Option<&'a Value> {
    let sha = |deployment: &Value| {
        let at = "/revision/appSpecContent/sha256";
        deployment
            .pointer(at)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let by = primary_task_set(service).map_or("", |set| text(set, "externalId"));
    let made_it = |one: &&Value| !by.is_empty() && text(one, "deploymentId") == by;
    let live = history.iter().find(made_it).and_then(sha);
    history.iter().find(|one| {
        text(one, "status") == "Succeeded"
            && (attempt.is_none() || attempt_of(one) != attempt)
            && text(one, "deploymentId") != by
            && (live.is_none() || sha(one) != live)
    })
}

/// Why nothing is to be rolled back; `None` if the declared content is live.
fn not_live(case: &Case<'_>) -> Option<Verdict> {
    let key = case.key();
    let name = text(case.service, "serviceName");
    let Some(attempt) = &case.attempt else {
        return Some(Verdict::No(format!(
            "the manifest of service {name} refers to what is not ready, so it is not known whether its content runs; \
             `evenkeel describe {key}` says what it waits for"
        )));
    };
    if taken_back::is_live(case.view, case.service) {
        return None;
    }
    let held = taken_back::marked(case.service).filter(|mark| mark.digest == *attempt);
    Some(Verdict::No(match held {
        Some(mark) => format!(
            "content {attempt} of service {name} was {} already, and what ran before it runs",
            mark.sentence()
        ),
        None => format!(
            "service {name} does not run the content {attempt} of its manifest, so there is nothing of it to roll back; \
             `evenkeel describe {key}` says how it stands"
        ),
    }))
}

/// A new deployment through `CodeDeploy`. `revision` is what the deployment to go back to carried.
pub(super) fn by_code_deploy(
    case: &Case<'_>,
    observed: &Observed,
    revision: Option<&Seen<Value>>,
    history: &[Value],
) -> Verdict {
    if let Some(no) = not_live(case) {
        return no;
    }
    let attempt = case.attempt.as_deref();
    let name = text(case.service, "serviceName");
    let nothing = || {
        Verdict::No(format!(
            "CodeDeploy remembers no deployment of service {name} that succeeded with other content: set the manifest \
             back to what is to run"
        ))
    };
    let (Some(good), Some(Seen::Present(group))) =
        (last_good(case.service, attempt, history), &observed.group)
    else {
        return nothing();
    };
    let revision = match revision {
        Some(Seen::Present(revision)) => revision,
        Some(Seen::Unknown(why)) => return Verdict::Unknown(why.clone()),
        Some(Seen::Absent) | None => return nothing(),
    };
    if let Some(live) = primary_task_set(case.service)
        && let Err(trouble) = listeners::check(observed, case.service, live, false)
    {
        return match trouble {
            Trouble::Unknown(why) => Verdict::Unknown(why),
            Trouble::Rules(why) | Trouble::Health(why) => Verdict::No(why),
        };
    }
    let id = text(good, "deploymentId");
    let input = json!({
        "applicationName": text(group, "applicationName"),
        "deploymentGroupName": text(group, "deploymentGroupName"),
        "revision": revision,
        "description": rollback_description(good, &case.order.by),
    });
    let why = format!("roll service {name} back to what deployment {id} brought");
    let start = call(Service::CodeDeploy, "CreateDeployment", input, why);
    marked_first(case, Vec::new(), start)
}

/// A new deployment by ECS.
pub(super) fn by_ecs(case: &Case<'_>, observed: &Observed, history: &[Value]) -> Verdict {
    if let Some(no) = not_live(case) {
        return no;
    }
    let name = text(case.service, "serviceName");
    let good = history.iter().find_map(|one| {
        let revision = one.get("revision")?;
        let other = !native::is_of(one, &case.view.spec);
        (text(one, "status") == "SUCCESSFUL" && other).then_some((one, revision))
    });
    let Some((good, revision)) = good else {
        return Verdict::No(format!(
            "ECS remembers no deployment of service {name} that succeeded with other content, among the newest twenty: \
             set the manifest back to what is to run"
        ));
    };
    match native::traffic_is_legal(case.view, observed, case.service, history) {
        Err(Outcome::Waiting(_, why)) => return Verdict::Unknown(why),
        Err(outcome) => return Verdict::No(outcome.message().to_owned()),
        Ok(()) => {}
    }
    let to = last_segment(text(good, "serviceDeploymentArn"));
    let why = format!("roll service {name} back to what service deployment {to} brought");
    let mut input = restoring(&overlaid(case.service), revision);
    input.insert("cluster".to_owned(), case.service["clusterArn"].clone());
    input.insert("service".to_owned(), Value::from(name));
    let start = call(Service::Ecs, "UpdateService", Value::Object(input), why);
    let started = native::starting(
        case.view,
        case.service,
        &format!("rollback-to-{to}"),
        history,
    );
    marked_first(case, started.into_iter().collect(), start)
}

fn marked_first(case: &Case<'_>, between: Vec<Step>, start: Step) -> Verdict {
    let attempt = case.attempt.as_deref();
    let mark = attempt.map(|attempt| case.mark(TAKEN_BACK_TAG, attempt, WORD));
    Verdict::Do {
        steps: mark.into_iter().chain(between).chain([start]).collect(),
        deployment: None,
    }
}

/// The members of a service revision in which the live service differs.
fn restoring(live: &Value, revision: &Value) -> Map<String, Value> {
    let mut input = Map::new();
    for drift in deploying_drift(revision, live) {
        let member = drift.path.trim_start_matches('/').split('/').next();
        if let Some((member, value)) = member.and_then(|name| Some((name, revision.get(name)?))) {
            input.insert(member.to_owned(), value.clone());
        }
    }
    let connects = |document: &Value| document[CONNECT]["enabled"] == json!(true);
    if connects(live) && revision.get(CONNECT).is_none_or(Value::is_null) {
        input.insert(CONNECT.to_owned(), json!({"enabled": false}));
    }
    for member in CLEARED {
        if items(revision, member).next().is_none() && items(live, member).next().is_some() {
            input.insert(member.to_owned(), json!([]));
        }
    }
    input
}
