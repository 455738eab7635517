//! Services whose traffic ECS itself shifts (`BLUE_GREEN`, `LINEAR`, `CANARY`): one `UpdateService` per
//! declared payload, and then ECS's own service deployment is followed to its end. Pure.
//!
//! | live vs declared | newest service deployment | decision |
//! |---|---|---|
//! | any | going back | wait |
//! | any | in flight, of the declared content | wait, show it; record it as ours |
//! | any | in flight, ours, of older content, before production traffic moves | start: AWS supersedes it, unless `rollout.inFlight` is `finish` |
//! | any | in flight, ours, of older content, later | wait until it ends |
//! | any | in flight, somebody's | wait, `ForeignDeployment` |
//! | equal | ended badly | `RolloutFailed`; another retry annotation starts it again |
//! | equal | ended well | traffic where the tasks are and served (`traffic` of the service), or `TrafficMismatch`; quiet fields, tags |
//! | differs | the declared content's newest ended badly | `RolloutFailed` or `Quarantined`, never again |
//! | differs, recorded digest = declared | ended | somebody changed it: heal after the grace time |
//! | differs | ended | start, if the traffic is in a legal state (`traffic`) |
//! | any | unknown where it matters | nothing |
//!
//! Invariants: the weights of the pair are never written here, and which of the two target groups is
//! live is asked of the live service revision (aws-facts 1.4), never of `loadBalancers`. Before a start
//! the service is tagged with what is started and after which deployment (`intent`): neither a
//! deployment nor a revision can be marked itself.

mod course;
mod traffic;

use serde_json::{Map, Value, json};

pub(super) use course::{
    before_traffic, explain as explained, in_flight, is_condemned, is_of, rollout, sentence,
};
pub(super) use traffic::{Gap, listener_of, rules, target_groups, with_traffic};

use super::payload::{attempt_digest, deploying_drift, primary_deployment};
use super::plan::{
    because, declared_tag, fields, in_grace, quiet, settled, tag_step, tag_with, unresolved,
    update, waiting_for, ways,
};
use super::rolling::{overlaid, resting};
use super::rules::DEPLOYING;
use super::supersede::Marks;
use super::traffic::{Trouble, served};
use super::{Observed, RETRY_ANNOTATION, intent, items, text};
use crate::kinds::View;
use crate::manifest::InFlight;
use crate::model::{
    Block, Drift, Fail, Outcome, PLACEHOLDER, Plan, Rollout, RolloutStage, Seen, Step, Wait,
};
use course::BadEnd;

/// Whether the strategy of a service, declared or live, is one of ECS's own that shift traffic.
pub(super) fn is_native(document: &Value) -> bool {
    let strategy = document.pointer("/deploymentConfiguration/strategy");
    let strategy = strategy.and_then(Value::as_str).unwrap_or("ROLLING");
    strategy != "ROLLING"
}

/// The digest of what was started last, if the newest deployment is the one that followed.
pub(super) fn started<'a>(service: &'a Value, history: &[Value]) -> Option<&'a str> {
    intent::of(service)?.newest(history)
}

/// The record that a deployment is about to be started, of no declared content.
pub(super) fn starting(
    view: &View<'_>,
    service: &Value,
    what: &str,
    history: &[Value],
) -> Option<Step> {
    let mark = intent::value(what, history, service);
    tag_with(view, service, &[(intent::TAG, &mark)])
}

/// Whether production traffic is where the live tasks are; else why it is not, or what could not be read.
pub(super) fn traffic_is_legal(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    history: &[Value],
) -> Result<(), Outcome> {
    if !is_native(service) {
        return Ok(());
    }
    let live = course::live_revision(history, observed);
    traffic::check(&view.spec, observed, service, live, false).map_err(Trouble::outcome)
}

/// How far a service is from its manifest and from rest, as far as `DescribeServices` tells.
pub(super) struct Unrest {
    /// Whether a deployment would be needed.
    pub(super) differs: bool,
    /// Whether the service's deployments have to be looked at.
    pub(super) moving: bool,
}

/// What has to be read besides the service.
pub(super) fn unrest(view: &View<'_>, service: &Value) -> Unrest {
    let differs = !deploying_drift(&view.spec, &overlaid(service)).is_empty();
    let completed = primary_deployment(service)
        .is_some_and(|primary| text(primary, "rolloutState") == "COMPLETED");
    let recorded = attempt_digest(view).as_deref() == declared_tag(service);
    let alone = items(service, "deployments").count() == 1;
    let moving = !text(service, "currentServiceDeployment").is_empty();
    Unrest {
        differs,
        moving: differs || moving || !completed || !recorded || !alone,
    }
}

/// The ARN of the only service revision that has tasks; empty if there are several.
pub(super) fn only_revision(service: &Value) -> &str {
    let mut revisions = items(service, "currentServiceRevisions");
    match (revisions.next(), revisions.next()) {
        (Some(revision), None) => text(revision, "arn"),
        _ => "",
    }
}

/// What keeps a service that is to be made from being one whose traffic ECS can shift: ECS makes it, finds that out
/// afterwards, and calls it a failed deployment. Where nothing runs yet no target is asked for. In a preview a rule
/// may not be there yet.
pub(super) fn bars_making(view: &View<'_>, observed: &Observed) -> Option<Outcome> {
    let foreseen = |arn: &&str| arn.starts_with(PLACEHOLDER);
    let named = [rules(&view.spec), target_groups(&view.spec)].concat();
    if !is_native(&view.spec) || named.iter().any(foreseen) {
        return None;
    }
    let without_tasks = json!({"runningCount": 0});
    let looked = traffic::check(&view.spec, observed, &without_tasks, None, true);
    Some(match looked.err()? {
        Trouble::Rules(why) => {
            Trouble::Rules(format!("{why}; the service is made when the rules are so")).outcome()
        }
        other => other.outcome(),
    })
}

/// Decides about a service that exists.
pub(super) fn plan(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    let live = overlaid(service);
    let deploying = deploying_drift(&view.spec, &live);
    let none = Vec::new();
    let history: &Vec<Value> = match &observed.service_deployments {
        Some(Seen::Unknown(why)) => return unknown(why.clone()).with_drift(deploying),
        Some(Seen::Present(list)) => list.as_array().unwrap_or(&none),
        None if unrest(view, service).moving => {
            let why = "the service's deployments were not read".to_owned();
            return unknown(why).with_drift(deploying);
        }
        Some(Seen::Absent) | None => &none,
    };
    let waits = unresolved(view);
    let attempt = attempt_digest(view).filter(|_| waits.is_empty());
    if history.first().is_some_and(in_flight)
        && let Some(plan) = flying(view, observed, service, history, attempt.as_deref())
    {
        return plan;
    }
    let Some(attempt) = attempt else {
        return resting(view, service, &live, None, waiting_for(&waits).outcome)
            .with_drift(deploying);
    };
    let case = Case {
        view,
        observed,
        service,
        live: &live,
        history,
        attempt: &attempt,
    };
    if deploying.is_empty() {
        case.as_declared()
    } else {
        case.differing(deploying)
    }
}

fn unknown(why: String) -> Plan {
    Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why))
}

/// A deployment is in flight: it is followed, unless a newer manifest may supersede it (`None`).
fn flying(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    history: &[Value],
    attempt: Option<&str>,
) -> Option<Plan> {
    let newest = history.first()?;
    let declared = course::is_of(newest, &view.spec);
    let ours = declared || intent::of(service).is_some_and(|intent| intent.led_to_newest(history));
    let rollout = course::rollout(newest, ours);
    let mut message = course::sentence(&rollout);
    let step = attempt
        .filter(|_| declared)
        .and_then(|attempt| tag_step(view, service, Some(attempt)));
    let wait = if rollout.stage == RolloutStage::RollingBack {
        message = format!("{message}; {}", text(newest, "statusReason"));
        if let Some(cause) = Marks::of(service).cause(&rollout.id) {
            message = format!("{message}; it {}", cause.text());
        }
        Wait::RolloutInProgress
    } else if declared {
        if let Some(hook) = course::paused(newest) {
            let ways = attempt.map_or_else(String::new, |attempt| ways(view, attempt));
            message = format!(
                "{message}{ways}; or continue it with `aws ecs continue-service-deployment --service-deployment-arn {} --hook-id {hook}`",
                text(newest, "serviceDeploymentArn")
            );
            Wait::ApprovalPending
        } else {
            if rollout.stage == RolloutStage::ScalingUp {
                message.push_str(&because(observed, service));
            }
            Wait::RolloutInProgress
        }
    } else if ours {
        let policy = view.resource.in_flight();
        let may = policy == InFlight::Supersede && attempt.is_some();
        if may && course::before_traffic(newest) {
            return None;
        }
        message = format!("{message}; the manifest has changed since, and follows when it ends");
        message.push_str(policy.hint());
        let digest = started(service, history);
        match digest.filter(|_| course::paused(newest).is_some()) {
            Some(digest) => {
                message.push_str(&ways(view, digest));
                Wait::ApprovalPending
            }
            None => Wait::RolloutInProgress,
        }
    } else {
        message = format!("{message}, started by somebody else; it is respected until it ends");
        Wait::ForeignDeployment
    };
    Some(Plan {
        steps: step.into_iter().collect(),
        rollout: Some(rollout),
        ..Plan::only(Outcome::Waiting(wait, message))
    })
}

/// Whether a new text of the retry annotation asks for what is live already, as its newest deployment ended badly.
pub(super) fn is_retried(view: &View<'_>, observed: &Observed, service: &Value) -> bool {
    if !is_native(&view.spec) {
        return false;
    }
    let list = observed
        .service_deployments
        .as_ref()
        .and_then(Seen::present);
    let (Some(Value::Array(history)), Some(attempt)) = (list, attempt_digest(view)) else {
        return false;
    };
    let case = Case {
        view,
        observed,
        service,
        live: service,
        history,
        attempt: &attempt,
    };
    case.bad_end().is_some_and(|end| end.newest) && case.may_retry()
}

/// What the decisions about a service look at.
struct Case<'a> {
    view: &'a View<'a>,
    observed: &'a Observed,
    service: &'a Value,
    live: &'a Value,
    history: &'a [Value],
    attempt: &'a str,
}

impl Case<'_> {
    /// Nothing in flight, and the declared content is what the service is said to run.
    fn as_declared(&self) -> Plan {
        if let Some(end) = self.bad_end().filter(|end| end.newest) {
            if self.may_retry() {
                return self.start(Vec::new());
            }
            return self.rest(None, self.failed(&end));
        }
        let outcome = if let Err(trouble) = self.traffic(false) {
            trouble.outcome()
        } else {
            let alone = items(self.service, "deployments").count() == 1;
            let outcome = settled(self.service, self.observed, alone);
            let groups = with_traffic(&self.view.spec, self.observed).into_iter();
            served(outcome, self.observed, self.service, groups, self.view.now)
        };
        self.rest(Some(self.attempt), outcome)
    }

    /// The service is not as declared, and nothing in flight has to be waited for.
    fn differing(&self, mut deploying: Vec<Drift>) -> Plan {
        if let Some(end) = self.bad_end()
            && !self.may_retry()
        {
            let outcome = if self.tried() || end.newest {
                self.failed(&end)
            } else {
                Outcome::Blocked(
                    Block::Quarantined,
                    format!("this content was tried before: {}; {}", end.why, cure()),
                )
            };
            return self.rest(None, outcome).with_drift(deploying);
        }
        if !self.left_by_us()
            && let Some(outcome) = in_grace(
                self.view,
                self.observed,
                self.service,
                self.attempt,
                &mut deploying,
            )
        {
            return self.rest(None, outcome).with_drift(deploying);
        }
        self.start(deploying)
    }

    /// The bad end of the declared content's newest deployment, if there is one; what we stopped ourselves is none.
    fn bad_end(&self) -> Option<BadEnd> {
        let marks = Marks::of(self.service);
        course::bad_end(self.history, &self.view.spec, &marks)
    }

    /// Whether the newest deployment was stopped by us because its window closed, or is ours, of another payload than
    /// the declared one: the manifest has gone back since, and what is live is nobody's change. The record on the service comes a pass after the start.
    fn left_by_us(&self) -> bool {
        let marks = Marks::of(self.service);
        if self
            .history
            .first()
            .is_some_and(|newest| marks.went_back(newest))
        {
            return true;
        }
        started(self.service, self.history).is_some_and(|attempt| attempt != self.attempt)
    }

    /// Whether the declared attempt, the retry annotation's text included, was started already.
    fn tried(&self) -> bool {
        let started = |intent: intent::Intent<'_>| {
            intent.attempt == self.attempt && intent.led_to_something(self.history)
        };
        declared_tag(self.service) == Some(self.attempt)
            || intent::of(self.service).is_some_and(started)
    }

    fn may_retry(&self) -> bool {
        let asked = self
            .view
            .resource
            .annotations
            .contains_key(RETRY_ANNOTATION);
        asked && !self.tried()
    }

    fn failed(&self, end: &BadEnd) -> Outcome {
        let because = because(self.observed, self.service);
        let why = format!("{}{because}; {}", end.why, cure());
        Outcome::Failed(Fail::RolloutFailed, why)
    }

    /// Whether production traffic is where it should be; `starting` asks for all that a deployment
    /// needs.
    fn traffic(&self, starting: bool) -> Result<(), Trouble> {
        if !is_native(&self.view.spec) {
            return Ok(());
        }
        // Without a history that revision alone tells where the tasks are.
        if self.history.is_empty()
            && let Some(Seen::Unknown(why)) = &self.observed.serving
        {
            let why = format!("cannot read the service revision that serves: {why}");
            return Err(Trouble::Unknown(why));
        }
        traffic::check(
            &self.view.spec,
            self.observed,
            self.service,
            course::live_revision(self.history, self.observed),
            starting,
        )
    }

    fn rest(&self, attempt: Option<&str>, outcome: Outcome) -> Plan {
        resting(self.view, self.service, self.live, attempt, outcome)
    }

    /// Starts a deployment of the declared payload, forced where nothing differs.
    fn start(&self, deploying: Vec<Drift>) -> Plan {
        match self.traffic(true) {
            Err(trouble @ Trouble::Unknown(_)) => {
                return Plan::only(trouble.outcome()).with_drift(deploying);
            }
            Err(Trouble::Health(why)) if !self.may_retry() => {
                let cure = format!(
                    "to deploy all the same, give the annotation {RETRY_ANNOTATION} a new text"
                );
                let outcome = Trouble::Health(format!("{why}; {cure}")).outcome();
                return self.rest(None, outcome).with_drift(deploying);
            }
            Err(trouble @ Trouble::Rules(_)) => {
                return self.rest(None, trouble.outcome()).with_drift(deploying);
            }
            Err(Trouble::Health(_)) | Ok(()) => {}
        }
        let force = deploying.is_empty();
        let mut drift = deploying;
        drift.extend(quiet(self.view, self.live, false));
        let mut step = update(self.view, self.service, &drift);
        if let Some(input) = step.call.input.as_object_mut() {
            complete(input, &self.view.spec, force);
        }
        let name = text(self.service, "serviceName");
        step.why = if force {
            format!("deploy service {name} once more")
        } else {
            format!("deploy service {name}: {}", fields(&drift))
        };
        let outcome = Outcome::Acting(step.why.clone());
        let mark = intent::value(self.attempt, self.history, self.service);
        let mark = tag_with(self.view, self.service, &[(intent::TAG, &mark)]);
        let older = self.history.first().filter(|newest| in_flight(newest));
        let rollout = older.map(|older| Rollout {
            superseded: true,
            ..course::rollout(older, true)
        });
        Plan {
            steps: mark.into_iter().chain([step]).collect(),
            drift,
            rollout,
            ..Plan::only(outcome)
        }
    }
}

/// What keeps ECS from shifting the traffic of a service that `CodeDeploy` has deployed so far: nothing, or
/// target groups that have to be attached first. `live` is its only task set.
pub(super) fn gaps<'a>(
    view: &'a View<'_>,
    observed: &'a Observed,
    service: &Value,
    live: &Value,
) -> Result<Vec<Gap<'a>>, Outcome> {
    let used = items(live, "loadBalancers").map(|balancer| text(balancer, "targetGroupArn"));
    let used: Vec<&str> = used.collect();
    traffic::gaps(&view.spec, observed, service, &used).map_err(Trouble::outcome)
}

/// What is declared of a service that `CodeDeploy` has deployed so far and is not so.
pub(super) fn differences(view: &View<'_>, service: &Value) -> Vec<Drift> {
    let live = overlaid(service);
    let mut drift = deploying_drift(&view.spec, &live);
    drift.extend(quiet(view, &live, false));
    drift.retain(|one| !one.path.starts_with("/deploymentController"));
    drift
}

/// Puts a service under ECS's own controller, with all that is declared of it. This starts its first
/// service deployment.
pub(super) fn take_over(
    view: &View<'_>,
    service: &Value,
    attempt: &str,
    drift: &[Drift],
) -> Vec<Step> {
    let mut step = update(view, service, drift);
    if let Some(input) = step.call.input.as_object_mut() {
        complete(input, &view.spec, false);
        input.insert("deploymentController".to_owned(), json!({"type": "ECS"}));
    }
    let strategy = view.spec.pointer("/deploymentConfiguration/strategy");
    step.why = format!(
        "move service {} from CodeDeploy to ECS's own {}",
        text(service, "serviceName"),
        strategy.and_then(Value::as_str).unwrap_or_default()
    );
    let mark = intent::value(attempt, &[], service);
    let mark = tag_with(view, service, &[(intent::TAG, &mark)]);
    mark.into_iter().chain([step]).collect()
}

/// The whole payload: what differs may not be all that does, because not all is read back.
fn complete(input: &mut Map<String, Value>, spec: &Value, force: bool) {
    for member in DEPLOYING.iter().chain(&["deploymentConfiguration"]) {
        if let Some(value) = spec.get(*member) {
            input.insert((*member).to_owned(), value.clone());
        }
    }
    if force {
        input.insert("forceNewDeployment".to_owned(), Value::Bool(true));
    }
}

fn cure() -> String {
    format!(
        "it is not tried again until the manifest changes or the annotation {RETRY_ANNOTATION} gets a new text"
    )
}
