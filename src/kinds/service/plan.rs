//! What to do about a service: the one decision entry, and the part that both engines share. Pure.
//!
//! | service | decision |
//! |---|---|
//! | unknown | nothing, `ObservationUnknown` |
//! | absent | create, once everything that it refers to is ready, where production traffic goes (`side`) |
//! | draining | wait: AWS gives the name back when it is inactive |
//! | `CODE_DEPLOY`, declared with a strategy of ECS's own that shifts traffic | `migration` |
//! | another controller, an immutable member differs | `RecreateRequired` |
//! | `EXTERNAL` | `Unsupported`, left alone |
//! | `CODE_DEPLOY` | `blue_green` |
//! | `ECS`, strategy `ROLLING`, declared and live | `rolling` |
//! | `ECS`, another strategy | `native` |

use serde_json::{Map, Value, json};

use super::payload::primary_deployment;
use super::rules::{CARRIED, DEPLOYING, RULES};
use super::{
    DECLARED_TAG, Observed, blue_green, deadline, drained, failed, flight, gates, intent, items,
    migration, native, overrun, payload, queued, resets, revision, rolling, scaling, side,
    taken_back, tasks, text,
};
use crate::document::{Change, compare};
use crate::kinds::common::acting;
use crate::kinds::members::Recalled;
use crate::kinds::tags::Spelling;
use crate::kinds::{INSTANCE_TAG, MEMBERS_TAG, View, heal, marks, members, tagging, tags};
use crate::model::{
    Block, Call, Drift, Facts, Kind, Outcome, Plan, Seen, Service, Step, Tasks, Wait,
};

/// Decides.
pub(super) fn plan(view: &View<'_>, observed: &Observed) -> Plan {
    let plan = whole(view, observed);
    // Before its cluster is known, it was looked for elsewhere. In one that was looked for and is not there, there is none.
    let elsewhere = view.unresolved.iter().any(|key| {
        let facts = view.facts.get(key);
        key.kind == Kind::Cluster && facts.is_none_or(|facts| facts.arn.is_some())
    });
    Plan {
        flying: plan.flying.filter(|_| !elsewhere),
        ..plan
    }
}

fn whole(view: &View<'_>, observed: &Observed) -> Plan {
    let name = view.resource.aws_name();
    match &observed.service {
        Seen::Unknown(why) => Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why.clone())),
        // Whoever needs it waits until it is there again.
        Seen::Absent => {
            let plan = Plan {
                flying: Some(false),
                ..create(view, observed)
            };
            gates::before_start(view, observed, None, plan).with_facts(Facts {
                name: name.to_owned(),
                ..Facts::default()
            })
        }
        Seen::Present(service) if text(service, "status") == "DRAINING" => {
            let why = format!(
                "service {name} is being deleted; it can be created again once its tasks have stopped"
            );
            Plan {
                flying: Some(false),
                ..Plan::only(Outcome::Waiting(Wait::Provisioning, why))
            }
        }
        Seen::Present(service) => {
            if let Some(Seen::Unknown(why)) = &observed.revision {
                let why = format!("cannot read the revision of service {name}: {why}");
                return Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why));
            }
            let known = observed.revision.as_ref().and_then(Seen::present);
            let whole = revision::overlaid(service, known, view);
            let mut plan = existing(view, observed, &in_the_words_of_the_request(&whole));
            plan.facts = Some(Facts {
                arn: Some(text(service, "serviceArn").to_owned()),
                name: name.to_owned(),
                ready: true,
                settled: plan.outcome == Outcome::Converged,
                ..Facts::default()
            });
            plan.tasks = Some(counts(service));
            plan.revision = payload::live_revision(service);
            plan
        }
    }
}

/// The service with the members that an answer names otherwise than the request does.
pub(super) fn in_the_words_of_the_request(service: &Value) -> Value {
    let mut service = service.clone();
    if let Some(role) = service.get("roleArn").cloned() {
        service["role"] = role;
    }
    service
}

fn existing(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    queued::first(view, observed, service, of_content, |_, plan| plan)
}

/// Plans for the content that the view declares.
pub(super) fn of_content(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    let refilled = drained::with_count(view, service);
    let scaled = scaling::with_count(&refilled, observed, service);
    let mut plan = engine(&scaled, observed, service);
    plan.flying = flight::of(observed, service, &plan);
    let plan = gates::before_start(view, observed, Some(service), plan);
    let plan = overrun::around(view, observed, service, plan);
    let plan = deadline::around(view, observed, service, plan);
    let code_deploy = controller(service) == "CODE_DEPLOY";
    let plan = scaling::around(view, observed, service, code_deploy, plan);
    let plan = drained::around(&scaled, service, plan);
    tasks::after(view, observed, service, plan)
}

/// What the engine of the service's controller decides.
fn engine(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    let (recalled, view) = &compared(view, service);
    let plan = of_controller(view, observed, service, recalled);
    let plan = failed::kept(view, observed, service, plan);
    let mut plan = taken_back::kept(view, observed, service, plan);
    plan.digest = payload::attempt_digest(view);
    plan
}

fn of_controller(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    recalled: &Recalled,
) -> Plan {
    if text(service, "resourceManagementType") == "ECS" {
        return unsupported("an Express service is driven by ECS itself");
    }
    let moves = migration::is_asked(view, service);
    let mut immutable: Vec<Drift> = compare(&view.spec, service, &RULES)
        .into_iter()
        .filter(|drift| RULES.change(&drift.path) == Change::Recreate)
        .filter(|drift| !drift.path.starts_with("/deploymentController"))
        .collect();
    if !moves {
        immutable.splice(0..0, change_of_controller(view, service));
    }
    if !immutable.is_empty() {
        return recreate(view, immutable);
    }
    if moves {
        return migration::plan(view, observed, service);
    }
    match controller(service) {
        "CODE_DEPLOY" => {
            let plan = blue_green::plan(view, observed, service);
            settled_tags(view, service, recalled, plan)
        }
        "ECS" if native::is_native(service) || native::is_native(&view.spec) => {
            let plan = native::plan(view, observed, service);
            settled_tags(view, service, recalled, plan)
        }
        "ECS" => {
            let plan = rolling::plan(view, observed, service);
            settled_tags(view, service, recalled, plan)
        }
        other => unsupported(&format!(
            "a service with deployment controller {other} is driven by somebody else"
        )),
    }
}

/// The difference between the declared controller and the live one.
pub(super) fn change_of_controller(view: &View<'_>, service: &Value) -> Option<Drift> {
    let (live, desired) = (controller(service), controller(&view.spec));
    (live != desired).then(|| Drift {
        path: "/deploymentController/type".to_owned(),
        live: Value::from(live),
        desired: Value::from(desired),
        reset: false,
    })
}

/// What a service is compared with, for what is read and what is decided alike: the manifest with what
/// it leaves to others as that is live, and with what it no longer declares at AWS's default.
pub(super) fn compared<'a>(view: &View<'a>, service: &Value) -> (Recalled, View<'a>) {
    let view = view.over(&rolling::overlaid(service), &RULES);
    let recalled = recall(&view, service);
    let over = recalled.over(&view);
    (recalled, over)
}

/// What the service's tag remembers of members that are no longer declared.
pub(super) fn recall(view: &View<'_>, service: &Value) -> Recalled {
    let none = json!([]);
    // Left out of an answer where there are none.
    let tags = service.get("tags").unwrap_or(&none);
    let rows = resets::rows(controller(service));
    let live = rolling::overlaid(service);
    members::recall(view, &rows, &live, Some(tags), &RULES, is_moving(service))
}

/// Whether a deployment is under way, from which AWS may yet go back.
fn is_moving(service: &Value) -> bool {
    let completed = |deployment: &Value| text(deployment, "rolloutState") == "COMPLETED";
    primary_deployment(service).is_some_and(|primary| !completed(primary))
        || items(service, "deployments").count() > 1
        || items(service, "taskSets").count() > 1
}

/// The plan with the tags that go away, and with the record of what is declared before everything
/// that it writes. A service that something is in the way of is left alone until it is written to.
fn settled_tags(view: &View<'_>, service: &Value, recalled: &Recalled, mut plan: Plan) -> Plan {
    members::mark(view, &mut plan.drift);
    let rests = matches!(
        plan.outcome,
        Outcome::Converged | Outcome::Waiting(Wait::Provisioning, _)
    );
    let alone = plan.steps.is_empty();
    // What only makes room writes nothing of the manifest yet.
    let stops = |step: &Step| step.call.operation == "StopDeployment";
    if (alone && !rests) || plan.steps.iter().any(stops) {
        return plan;
    }
    let (kind, arn) = (view.resource.key.kind, text(service, "serviceArn"));
    let name = text(service, "serviceName");
    let gone = recalled.tag_drift();
    if !gone.is_empty() {
        plan.steps.push(Step {
            call: tagging::remove(kind, arn, &recalled.tag_keys()),
            why: format!("update service {name}: {}", fields(&gone)),
        });
        plan.drift.extend(gone);
    }
    let none = json!([]);
    let live_tags = service.get("tags").unwrap_or(&none);
    let (mut records, lifted) = tagging::records(view, Some(live_tags), recalled);
    if alone && plan.drift.is_empty() {
        records.extend(heal::to_record(view, Some(live_tags)));
    }
    let mut record = |call: Call| {
        let why = format!("record what is declared of service {name}");
        plan.steps.insert(0, Step { call, why });
    };
    if !lifted.is_empty() {
        record(tagging::remove(kind, arn, &lifted));
    }
    if !records.is_empty() {
        record(tagging::write(kind, arn, &Value::from(records)));
    }
    if alone && let Some(outcome) = acting(&plan.steps) {
        plan.outcome = outcome;
    }
    plan
}

fn unsupported(why: &str) -> Plan {
    Plan::only(Outcome::Blocked(
        Block::Unsupported,
        format!("{why}; the service is left alone"),
    ))
}

fn recreate(view: &View<'_>, drift: Vec<Drift>) -> Plan {
    let fields: Vec<String> = drift.iter().map(heal::change).collect();
    let why = format!(
        "service {} would have to be deleted and created again to change {}",
        view.resource.aws_name(),
        fields.join(", ")
    );
    Plan::only(Outcome::Blocked(Block::RecreateRequired, why)).with_drift(drift)
}

/// The changed fields for a person.
pub(super) fn fields(drift: &[Drift]) -> String {
    drift
        .iter()
        .map(|drift| drift.path.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The service's controller; ECS when AWS leaves it out (aws-facts 1.7).
pub(super) fn controller(service: &Value) -> &str {
    service
        .pointer("/deploymentController/type")
        .and_then(Value::as_str)
        .unwrap_or("ECS")
}

fn create(view: &View<'_>, observed: &Observed) -> Plan {
    let mut spec = view.spec.clone();
    let waits: Vec<String> = view
        .unresolved
        .iter()
        .filter(|key| {
            // A service with no tasks needs no image: any revision that exists will do (P2).
            let revision = view
                .facts
                .get(*key)
                .and_then(|facts| facts.fallback_arn.clone());
            match revision {
                Some(arn)
                    if key.kind == Kind::TaskDefinition && spec["desiredCount"] == json!(0) =>
                {
                    spec["taskDefinition"] = Value::from(arn);
                    false
                }
                _ => true,
            }
        })
        .map(ToString::to_string)
        .collect();
    if !waits.is_empty() {
        return waiting_for(&waits);
    }
    match &observed.front {
        Some(Seen::Unknown(why)) => {
            return Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why.clone()));
        }
        Some(Seen::Present(rules)) => {
            if let Some(other) = side::serving(view, rules) {
                spec["loadBalancers"][0]["targetGroupArn"] = Value::from(other);
            }
        }
        Some(Seen::Absent) | None => {}
    }
    count_at_first(&mut spec);
    let mut ours = vec![(INSTANCE_TAG, view.policy.instance.clone())];
    if let Some(attempt) = payload::attempt_digest(view) {
        if controller(&spec) == "ECS" {
            ours.push((intent::TAG, intent::value(&attempt, &[])));
        }
        ours.push((DECLARED_TAG, attempt));
    }
    let rows = resets::rows(controller(&spec));
    if let Some(members) = members::to_remember(view, &rows) {
        ours.push((MEMBERS_TAG, members));
    }
    ours.extend(marks::of(view));
    let ours: Vec<(&str, &str)> = ours.iter().map(|(key, text)| (*key, &**text)).collect();
    spec["tags"] = tags::with(spec.get("tags"), Spelling::Lower, &ours);
    let name = view.resource.aws_name();
    let step = Step {
        call: Call {
            service: Service::Ecs,
            operation: "CreateService",
            input: spec,
        },
        why: format!("create service {name}"),
    };
    let outcome = Outcome::Acting(step.why.clone());
    Plan {
        steps: vec![step],
        ..Plan::only(outcome)
    }
}

/// A service whose manifest leaves the count to others starts with one task: `CreateService` demands a
/// count of a `REPLICA` service (service model), and `CloudFormation` takes one in this place. It is
/// neither compared nor sent afterwards.
fn count_at_first(spec: &mut Value) {
    let replica = text(spec, "schedulingStrategy") != "DAEMON" && controller(spec) != "EXTERNAL";
    let declared = spec
        .get("desiredCount")
        .is_some_and(|count| !count.is_null());
    if replica && !declared {
        spec["desiredCount"] = json!(1);
    }
}

/// Waits for manifests that are not ready.
pub(super) fn waiting_for(keys: &[String]) -> Plan {
    Plan::only(Outcome::Waiting(
        Wait::DependencyNotReady,
        format!("waiting for {}", keys.join(", ")),
    ))
}

/// The manifests that the view could not resolve, as texts.
pub(super) fn unresolved(view: &View<'_>) -> Vec<String> {
    view.unresolved.iter().map(ToString::to_string).collect()
}

/// Differences outside what a deployment carries.
pub(super) fn quiet(view: &View<'_>, service: &Value, blue_green: bool) -> Vec<Drift> {
    let deploying: &[&str] = if blue_green { &CARRIED } else { &DEPLOYING };
    payload::quiet_drift(&view.spec, service, deploying)
}

/// One `UpdateService` with the members that these differences are in, and nothing else.
pub(super) fn update(view: &View<'_>, service: &Value, drift: &[Drift]) -> Step {
    let mut input = Map::new();
    input.insert(
        "cluster".to_owned(),
        Value::from(text(service, "clusterArn")),
    );
    input.insert(
        "service".to_owned(),
        Value::from(text(service, "serviceName")),
    );
    for difference in drift {
        let member = difference
            .path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        if let Some(value) = view.spec.get(member) {
            input.insert(member.to_owned(), value.clone());
        }
    }
    Step {
        call: Call {
            service: Service::Ecs,
            operation: "UpdateService",
            input: Value::Object(input),
        },
        why: format!(
            "update service {}: {}",
            text(service, "serviceName"),
            fields(drift)
        ),
    }
}

/// Tags that the manifest declares or that are ours, as far as they are not there yet.
///
/// `attempt` is the digest to record, if one was started or is live.
pub(super) fn tag_step(view: &View<'_>, service: &Value, attempt: Option<&str>) -> Option<Step> {
    let ours: Vec<(&str, &str)> = attempt
        .into_iter()
        .map(|attempt| (DECLARED_TAG, attempt))
        .collect();
    tag_with(view, service, &ours)
}

/// Tags that the manifest declares and these of ours, as far as they are not there yet.
pub(super) fn tag_with(view: &View<'_>, service: &Value, ours: &[(&str, &str)]) -> Option<Step> {
    let live = |key: &str| {
        items(service, "tags")
            .find(|tag| text(tag, "key") == key)
            .map(|tag| text(tag, "value"))
    };
    let mut wanted: Vec<(&str, &str)> = items(&view.spec, "tags")
        .map(|tag| (text(tag, "key"), text(tag, "value")))
        .collect();
    wanted.extend(ours);
    let missing: Vec<Value> = wanted
        .into_iter()
        .filter(|(key, value)| live(key) != Some(*value))
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let names: Vec<&str> = missing.iter().map(|tag| text(tag, "key")).collect();
    Some(Step {
        why: format!(
            "tag service {}: {}",
            text(service, "serviceName"),
            names.join(", ")
        ),
        call: Call {
            service: Service::Ecs,
            operation: "TagResource",
            input: json!({"resourceArn": text(service, "serviceArn"), "tags": missing}),
        },
    })
}

/// The digest recorded on the service.
pub(super) fn declared_tag(service: &Value) -> Option<&str> {
    items(service, "tags")
        .find(|tag| text(tag, "key") == DECLARED_TAG)
        .map(|tag| text(tag, "value"))
}

/// Whether this difference is somebody's change of live state, not of the manifest, and is to be left
/// alone, for now or for good; the text says how long.
///
/// The manifest's change is told by the recorded digest: if it is the declared payload's, that
/// payload was started once, and live state has left it since.
pub(super) fn in_grace(
    view: &View<'_>,
    service: &Value,
    attempt: &str,
    drift: &[Drift],
) -> Option<Outcome> {
    if declared_tag(service) != Some(attempt) {
        return None;
    }
    heal::left_alone(view, heal::Takes::Deployment, drift)
}

/// The commands by which a person lets content that waits go on, or back.
pub(super) fn ways(view: &View<'_>, digest: &str) -> String {
    let key = &view.resource.key;
    format!(
        "; approve it with `evenkeel approve {key} --digest {digest}`, or send it back with `evenkeel reject {key}`"
    )
}

/// Converged if every task runs, else what is missing.
pub(super) fn settled(service: &Value, observed: &Observed, steady: bool) -> Outcome {
    let Tasks {
        desired,
        running,
        pending,
    } = counts(service);
    if steady && running == desired && pending == 0 {
        return Outcome::Converged;
    }
    let because = because(observed, service);
    let message = format!("{running} of {desired} tasks running, {pending} pending{because}");
    Outcome::Waiting(Wait::Provisioning, message)
}

/// Why tasks do not run, to be put behind a sentence: the last one that failed, and what the scheduler could not
/// do since all was well last. Empty where nothing is known.
pub(super) fn because(observed: &Observed, service: &Value) -> String {
    let mut text = String::new();
    if let Some(reason) = observed.stop_reasons.first() {
        text.push_str(&format!("; the last task to stop: {reason}"));
    }
    let events = items(service, "events").map(|event| super::text(event, "message"));
    let lately = events.take_while(|message| !message.contains("has reached a steady state"));
    let told = ["unable to place a task", "failed to launch a task"];
    let trouble = |message: &&str| told.iter().any(|told| message.contains(told));
    if let Some(message) = lately.into_iter().find(trouble) {
        text.push_str(&format!("; ECS says: {message}"));
    }
    text
}

/// The service's counts.
fn counts(service: &Value) -> Tasks {
    let count = |member: &str| service.get(member).and_then(Value::as_u64).unwrap_or(0);
    Tasks {
        desired: count("desiredCount"),
        running: count("runningCount"),
        pending: count("pendingCount"),
    }
}
