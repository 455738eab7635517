//! `rollout.inFlight: queue`: revisions of the service's task definition that were registered while an earlier one was
//! rolled out are rolled out too, one after the other, before the one that the manifest declares now. Pure.
//!
//! The queue is nothing of our own: every content that was declared once is a revision of its family, with our tags. What
//! waits are the revisions between the one whose rollout was started last and the declared one. So it survives the process.
//!
//! | the revision that was started last | decision |
//! |---|---|
//! | is not known, is somebody else's, or its service was declared otherwise | no queue: the declared one follows |
//! | in flight, or something of it is to be done or waited for | it is planned for as if it were declared |
//! | failed less than [`SHOWN`] ago | the same: its end is told |
//! | runs, well or not, or failed before that | the next revision that did not fail before, as if it were declared |
//! | was taken back by a person | the same, of those that were registered since; none of the others is started, the declared one included |
//! | none is left | the manifest, as it is |
//!
//! Only the task definition waits in the queue; all else of the service is as the manifest declares it now. A change of
//! what else a deployment carries makes another content of every revision, and is rolled out with the newest alone.
//!
//! Invariants:
//! - Every gate stands before each revision, each approval is bound to its own digest.
//! - A family that could not be read starts nothing.
//! - The newest revisions of a family alone are listed (`task_definition::REVISIONS_LISTED`): of more that wait, the oldest are passed over.

mod observe;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

pub(super) use observe::revisions;

use super::payload::{attempt_digest, primary_task_set};
use super::plan::{compared, controller, declared_tag};
use super::{Observed, deadline, gates, history, intent, taken_back, text};
use crate::document::{canonical_task_definition, digest as content_digest};
use crate::kinds::heal::time;
use crate::kinds::tags::{self, Spelling};
use crate::kinds::{COMMIT_TAG, DIGEST_TAG, INSTANCE_TAG, View};
use crate::manifest::InFlight;
use crate::model::{Block, FactBoard, Kind, Moment, Outcome, Plan, Seen, Wait};

/// How long the end of a revision that failed is told before the next one follows: longer than the daemon looks
/// away from a service whose rollout it follows.
const SHOWN: Duration = Duration::from_mins(1);

/// How a service is planned for.
pub(super) type Decide = fn(&View<'_>, &Observed, &Value) -> Plan;

/// A revision that was declared once.
struct Entry<'a> {
    arn: &'a str,
    number: u64,
    /// The digest of its content.
    digest: String,
    /// The digest of the attempt that it is of the service as it is declared now.
    attempt: Option<String>,
    commit: Option<String>,
    registered: Moment,
}

/// The family and the numbers of its revisions that may be in the queue; `None` where there is none.
fn between<'a>(
    view: &'a View<'_>,
    service: &Value,
) -> Option<(&'a str, std::ops::RangeInclusive<u64>)> {
    if view.resource.in_flight() != InFlight::Queue || !view.unresolved.is_empty() {
        return None;
    }
    let (family, declared) = parsed(text(&view.spec, "taskDefinition"))?;
    let runs = primary_task_set(service).unwrap_or(service);
    let (live_family, live) = parsed(text(runs, "taskDefinition"))?;
    (family == live_family && live < declared).then_some((family, live..=declared))
}

/// Family and number of a revision's ARN.
fn parsed(arn: &str) -> Option<(&str, u64)> {
    let (family, number) = super::last_segment(arn).rsplit_once(':')?;
    Some((family, number.parse().ok()?))
}

/// The documents of the queue by ARN, as `DescribeTaskDefinition` answers.
pub(super) fn definitions(
    family: Option<&Seen<Vec<Value>>>,
) -> impl Iterator<Item = (String, Seen<Value>)> {
    let all = family.and_then(Seen::present).into_iter().flatten();
    all.filter_map(|document| {
        let definition = document.get("taskDefinition")?;
        let arn = text(definition, "taskDefinitionArn").to_owned();
        Some((arn, Seen::Present(document.clone())))
    })
}

/// Plans for the revision that comes first, and gives `act` the view in which that is the declared one.
pub(super) fn first<T>(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    decide: Decide,
    act: impl FnOnce(&View<'_>, Plan) -> T,
) -> T {
    let documents = match &observed.family {
        Some(Seen::Present(documents)) => documents.as_slice(),
        Some(Seen::Unknown(why)) => {
            let mut plan = decide(view, observed, service);
            if plan.steps.iter().any(gates::starts) {
                let why = format!("which revisions come first is not known: {why}");
                plan.steps = Vec::new();
                plan.outcome = Outcome::Waiting(Wait::ObservationUnknown, why);
            }
            return act(view, plan);
        }
        Some(Seen::Absent) | None => &[],
    };
    let all = entries(view, service, documents);
    let Some((entry, plan)) = picked(view, observed, service, &all, decide) else {
        let plan = decide(view, observed, service);
        return act(view, plan);
    };
    let behind = all.iter().filter(|other| other.number > entry.number);
    let plan = told(entry, behind.count(), plan);
    as_declared(view, entry, |view| act(view, plan))
}

/// Those of the documents that we registered, oldest first.
fn entries<'a>(view: &View<'_>, service: &Value, documents: &'a [Value]) -> Vec<Entry<'a>> {
    let mut all: Vec<Entry<'a>> = Vec::new();
    for document in documents {
        let Some(definition) = document.get("taskDefinition") else {
            continue;
        };
        let of = |tag| tags::value_of(document.get("tags"), tag, Spelling::Lower);
        let ours = of(INSTANCE_TAG).is_some_and(|instance| instance == view.policy.instance);
        let arn = text(definition, "taskDefinitionArn");
        let (Some(digest), Some((_, number))) = (of(DIGEST_TAG).filter(|_| ours), parsed(arn))
        else {
            continue;
        };
        // A console copies the tags of the revision that a person edits.
        let as_tagged = content_digest(&canonical_task_definition(definition)) == digest;
        if text(definition, "status") != "ACTIVE" || !as_tagged {
            continue;
        }
        let registered = definition.get("registeredAt").and_then(Value::as_f64);
        let mut entry = Entry {
            arn,
            number,
            digest,
            attempt: None,
            commit: of(COMMIT_TAG),
            registered: Moment::of_seconds(registered.unwrap_or_default()),
        };
        let attempt = |view: &View<'_>| attempt_digest(&compared(view, service).1);
        entry.attempt = as_declared(view, &entry, attempt);
        all.push(entry);
    }
    all
}

/// Whose turn it is before the declared revision, and the plan for it; `None` if it is the declared one's.
fn picked<'e, 'a>(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    all: &'e [Entry<'a>],
    decide: Decide,
) -> Option<(&'e Entry<'a>, Plan)> {
    let (declared, earlier) = all.split_last()?;
    if declared.arn != text(&view.spec, "taskDefinition") {
        return None;
    }
    let started = started(observed, service)?;
    let at = earlier
        .iter()
        .rposition(|one| one.attempt.as_deref() == Some(started))?;
    let plan_for =
        |entry: &Entry<'_>| as_declared(view, entry, |view| decide(view, observed, service));
    // A person's word holds for all that was declared then.
    let mark = taken_back::marked(service).filter(|mark| mark.by != deadline::BY);
    let word = mark.and_then(|mark| {
        let mut of = all.iter();
        let held = of.find(|one| one.attempt.as_deref() == Some(&mark.digest))?;
        Some((held, mark.at))
    });
    if let Some((held, at)) = word
        && declared.registered <= at
    {
        let earlier = held.number < declared.number;
        return earlier.then(|| (held, plan_for(held)));
    }
    let plan = plan_for(&earlier[at]);
    if let Some(plan) = unfinished(observed, view.now, plan) {
        return Some((&earlier[at], plan));
    }
    let since = word.map_or(Moment(0), |(_, at)| at);
    let next = earlier[at + 1..]
        .iter()
        .filter(|one| one.registered >= since);
    next.map(|entry| (entry, plan_for(entry)))
        .find(|(_, plan)| !is_over(plan))
}

/// The digest of the attempt that we started last; `None` if that is not known, or somebody else started something
/// since.
fn started<'a>(observed: &'a Observed, service: &'a Value) -> Option<&'a str> {
    if controller(service) == "CODE_DEPLOY" {
        let all = observed.history.as_ref()?.present()?;
        let newest = all.iter().find(|one| !history::is_rollback(one));
        return newest.map_or_else(|| declared_tag(service), history::attempt_of);
    }
    let all = observed.service_deployments.as_ref()?.present()?;
    let all = all.as_array()?;
    match intent::of(service) {
        Some(intent) => match intent.newest(all) {
            // What was to be started was refused, or never sent.
            None if !intent.led_to_something(all) => declared_tag(service),
            newest => newest,
        },
        None => declared_tag(service),
    }
}

/// The plan, where the revision that it is for is not done with.
fn unfinished(observed: &Observed, now: Moment, mut plan: Plan) -> Option<Plan> {
    let rests = matches!(
        plan.outcome,
        Outcome::Converged | Outcome::Waiting(Wait::Provisioning | Wait::DriftGrace, _)
    );
    // Tasks that do not stay up are no reason to keep what may mend that.
    if rests && plan.steps.is_empty() && plan.flying != Some(true) {
        return None;
    }
    if !is_over(&plan) {
        return Some(plan);
    }
    let until = ended(observed)?.plus(SHOWN);
    if until <= now {
        return None;
    }
    plan.again = Some(until);
    let follows = format!("; the next revision follows at {}", time(until));
    plan.outcome = plan
        .outcome
        .with_message(|message| format!("{message}{follows}"));
    Some(plan)
}

/// Whether nothing more becomes of the revision that this plan is for. What nobody approved in time can still be approved, or
/// rejected: the queue waits for that.
fn is_over(plan: &Plan) -> bool {
    let ended = matches!(plan.outcome, Outcome::Failed(..) | Outcome::Blocked(..));
    let asks = matches!(plan.outcome, Outcome::Blocked(Block::ApprovalTimedOut, _));
    ended && !asks && plan.steps.is_empty() && plan.again.is_none() && plan.flying != Some(true)
}

/// When the newest deployment ended.
fn ended(observed: &Observed) -> Option<Moment> {
    let code_deploy = observed.deployment.as_ref().and_then(Seen::present);
    let ecs = observed
        .service_deployments
        .as_ref()
        .and_then(Seen::present);
    let ecs = ecs.and_then(|all| all.as_array()?.first()?.get("finishedAt"));
    let at = code_deploy
        .and_then(|one| one.get("completeTime"))
        .or(ecs)?;
    at.as_f64().map(Moment::of_seconds)
}

/// The view in which this revision is the declared one.
fn as_declared<T>(view: &View<'_>, entry: &Entry<'_>, act: impl FnOnce(&View<'_>) -> T) -> T {
    let declared = text(&view.spec, "taskDefinition");
    let mut facts: FactBoard = BTreeMap::new();
    facts.clone_from(view.facts);
    let mut task_definitions = facts
        .iter_mut()
        .filter(|(key, _)| key.kind == Kind::TaskDefinition);
    let own = task_definitions.find(|(_, facts)| facts.arn.as_deref() == Some(declared));
    if let Some((_, own)) = own {
        own.arn = Some(entry.arn.to_owned());
        own.digest = Some(entry.digest.clone());
    }
    let mut view = view.clone();
    view.spec["taskDefinition"] = entry.arn.into();
    view.facts = &facts;
    act(&view)
}

/// The plan, with what it is for.
fn told(entry: &Entry<'_>, behind: usize, mut plan: Plan) -> Plan {
    for step in &mut plan.steps {
        if step.call.operation == "CreateDeployment"
            && let Some(attempt) = &entry.attempt
        {
            let description = &mut step.call.input["description"];
            let retry = description.as_str().and_then(history::retry_of);
            let described = history::described_by(attempt, entry.commit.as_deref());
            *description = match retry {
                Some(number) => history::of_retry(&described, number).into(),
                None => described.into(),
            };
        }
    }
    let revision = super::last_segment(entry.arn);
    let queue =
        format!("{revision} comes first, {behind} wait behind it (rollout.inFlight is queue)");
    plan.outcome = plan
        .outcome
        .with_message(|message| format!("{message}; {queue}"));
    plan
}
