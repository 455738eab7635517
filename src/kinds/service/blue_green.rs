//! `CODE_DEPLOY` services: one `CodeDeploy` deployment per declared payload. Pure.
//!
//! | live payload vs declared | last deployment | decision |
//! |---|---|---|
//! | any | in flight, ours, of the declared payload | wait, show it, record its digest |
//! | any | in flight, ours, of an older one | stop it as long as no production traffic has moved (`supersede`), else wait |
//! | any | in flight, `CodeDeploy`'s rollback | wait |
//! | any | in flight, somebody's | wait, `ForeignDeployment` |
//! | equal | ended | quiet fields, tags, tasks; traffic where the tasks are (`listeners`) and served (`traffic`), or `TrafficMismatch` |
//! | differs | this payload's newest attempt ended badly | `RolloutFailed` or `Quarantined`, never again |
//! | differs | the same, before traffic moved, and `rollout.retries` allows one more | `CreateDeployment` after a wait (`retries`) |
//! | differs, recorded digest = declared | ended, of an earlier manifest of ours | `CreateDeployment` |
//! | differs, recorded digest = declared | ended otherwise | somebody changed it: heal after the grace time |
//! | differs | ended, or none | `CreateDeployment` |
//! | differs, and no `AppSpec` can say it | any | `RecreateRequired` |
//! | any of the `CreateDeployment` above, traffic in no state to shift from | any | `TrafficMismatch` |
//! | the same, only that no target that serves is healthy, and a new retry annotation | any | `CreateDeployment` |
//! | any | unknown where it matters | nothing |

use serde_json::Value;

use super::history::{
    BadEnd, attempt_of, bad_end, explain, in_flight, is_rollback, left_by_us, of_retry, undone_by,
};
use super::mark::{Mark, TAKEN_BACK_TAG};
use super::payload::{attempt_digest, carried_drift, primary_task_set};
use super::plan::{
    because, declared_tag, fields, in_grace, quiet, settled, tag_step, unresolved, update,
    waiting_for, ways,
};
use super::rolling::or_kept;
use super::rules::ALLOWED_UNDER_CODE_DEPLOY;
use super::supersede::{self, Cause, Marks};
use super::traffic::{Trouble, served};
use super::{Observed, RETRY_ANNOTATION, appspec, items, listeners, progress, retries, text};
use crate::kinds::{View, heal};
use crate::manifest::InFlight;
use crate::model::{Block, Drift, Fail, Outcome, Plan, Rollout, RolloutStage, Seen, Step, Wait};

/// Decides about a service that exists.
pub(super) fn plan(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    if let Some(Seen::Unknown(why)) = &observed.group {
        return Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why.clone()));
    }
    match &observed.deployment {
        Some(Seen::Unknown(why)) => {
            return Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why.clone()));
        }
        Some(Seen::Present(deployment)) if in_flight(deployment) => {
            return flying(view, observed, service, deployment);
        }
        Some(Seen::Present(last)) if supersede::is_leaving(service, last, view.now) => {
            let id = text(last, "deploymentId");
            let cause = Marks::of(service).cause(id).unwrap_or(Cause::Newer);
            let why = format!(
                "deployment {id} {}; CodeDeploy is taking its tasks away",
                cause.text()
            );
            return Plan::only(Outcome::Waiting(Wait::RolloutInProgress, why));
        }
        Some(Seen::Present(_) | Seen::Absent) | None => {}
    }
    let plan = ended(view, observed, service);
    from_legal_traffic(view, observed, service, plan)
}

/// The plan, unless it would start a deployment that shifts traffic from where it should not be.
fn from_legal_traffic(view: &View<'_>, observed: &Observed, service: &Value, plan: Plan) -> Plan {
    let starts = |step: &Step| step.call.operation == "CreateDeployment";
    let Some(live) = primary_task_set(service).filter(|_| plan.steps.iter().any(starts)) else {
        return plan;
    };
    let rest = |outcome: Outcome| resting(view, observed, service, None, outcome);
    match listeners::check(observed, service, live, true) {
        Ok(()) => plan,
        Err(Trouble::Health(_)) if may_retry(view, service) => plan,
        Err(trouble @ Trouble::Unknown(_)) => Plan::only(trouble.outcome()).with_drift(plan.drift),
        Err(trouble @ Trouble::Rules(_)) => rest(trouble.outcome()).with_drift(plan.drift),
        Err(Trouble::Health(why)) => {
            let cure = format!(
                "to deploy all the same, give the annotation {RETRY_ANNOTATION} a new text"
            );
            let trouble = Trouble::Health(format!("{why}; {cure}"));
            rest(trouble.outcome()).with_drift(plan.drift)
        }
    }
}

/// Whether a person asks for one more attempt that was not made yet.
fn may_retry(view: &View<'_>, service: &Value) -> bool {
    let asked = view.resource.annotations.contains_key(RETRY_ANNOTATION);
    asked && declared_tag(service) != attempt_digest(view).as_deref()
}

/// Decides where no deployment is in flight. Where traffic goes is no question here.
fn ended(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    let Some(live) = primary_task_set(service) else {
        return Plan::only(Outcome::Waiting(
            Wait::Provisioning,
            "the service has no primary task set yet".to_owned(),
        ));
    };
    if let Some(outside) = foreign_target_group(view, observed, live) {
        return Plan::only(Outcome::Blocked(Block::RecreateRequired, outside));
    }
    let carried = carried_drift(&view.spec, live);
    let waits = unresolved(view);
    if !waits.is_empty() && !zero_task_fallback(view) {
        return resting(view, observed, service, None, waiting_for(&waits).outcome)
            .with_drift(carried);
    }
    let attempt = attempt_digest(view);
    if carried.is_empty() {
        let outcome = as_declared(view, observed, service, live);
        return resting(view, observed, service, attempt.as_deref(), outcome);
    }
    let Some(attempt) = attempt else {
        return resting(view, observed, service, None, waiting_for(&waits).outcome)
            .with_drift(carried);
    };
    if back_to_launch_type(&view.spec, live) {
        let why = "a deployment cannot take a CODE_DEPLOY service from /capacityProviderStrategy back to its launch type: declare the providers, or make a new service";
        let outcome = Outcome::Blocked(Block::RecreateRequired, why.to_owned());
        return resting(view, observed, service, None, outcome).with_drift(carried);
    }
    deploy(view, observed, service, live, &attempt, carried)
}

/// How a service stands that is as declared.
fn as_declared(view: &View<'_>, observed: &Observed, service: &Value, live: &Value) -> Outcome {
    if let Err(trouble) = listeners::check(observed, service, live, false) {
        return trouble.outcome();
    }
    let steady = text(live, "stabilityStatus") == "STEADY_STATE";
    let outcome = settled(service, observed, steady);
    let group = std::iter::once(listeners::used(live));
    served(outcome, observed, service, group, view.now)
}

/// Whether the manifest declares no capacity provider where some are live. An `AppSpec` without them
/// leaves the service's (aws-facts 2.3), so a deployment would succeed and change nothing.
fn back_to_launch_type(spec: &Value, live: &Value) -> bool {
    let declared = spec.get("capacityProviderStrategy");
    declared.is_some_and(Value::is_array)
        && items(spec, "capacityProviderStrategy").next().is_none()
        && items(live, "capacityProviderStrategy").next().is_some()
}

/// Whether the service is declared with no tasks on a task definition whose image is not there:
/// then it stays on the revision that it was created with.
fn zero_task_fallback(view: &View<'_>) -> bool {
    view.spec.get("desiredCount").and_then(Value::as_u64) == Some(0)
        && view.unresolved.iter().all(|key| {
            view.facts
                .get(key)
                .is_some_and(|facts| facts.fallback_arn.is_some())
        })
}

/// A deployment is in flight: nothing is written but the record of what was started, and the stop of what
/// a newer manifest supersedes.
fn flying(view: &View<'_>, observed: &Observed, service: &Value, deployment: &Value) -> Plan {
    let mut rollout = progress::rollout(deployment, &observed.target);
    let attempt = attempt_digest(view);
    let theirs = attempt_of(deployment);
    let mut message = progress::sentence(&rollout);
    let marks = Marks::of(service);
    rollout.superseded = marks.hold(&rollout.id) || marks.hold(undone_by(deployment));
    let older = attempt.is_some() && theirs != attempt.as_deref();
    let wait = if is_rollback(deployment) {
        if rollout.superseded {
            let undone = undone_by(deployment);
            message = match marks.cause(undone) {
                Some(Cause::Window) => {
                    format!("{message}; {undone} {}", Cause::Window.text())
                }
                _ => format!("{message}; {undone} is superseded, and the manifest follows"),
            };
        }
        Wait::RolloutInProgress
    } else if theirs.is_none() {
        message = format!("{message}, started by somebody else; it is respected until it ends");
        Wait::ForeignDeployment
    } else {
        if older {
            if makes_room(view, observed, service, deployment) {
                rollout.superseded = true;
                return superseding(view, service, rollout);
            }
            message =
                format!("{message}; the manifest has changed since, and follows when it ends");
            message.push_str(view.resource.in_flight().hint());
        } else if rollout.superseded {
            message = format!(
                "{message}; it was to make room for another manifest, or for the end of its window: if it is stopped, this \
                 content is deployed again"
            );
        }
        if rollout.stage == RolloutStage::AwaitingApproval {
            let ways = theirs.map_or_else(String::new, |digest| ways(view, digest));
            message =
                format!("{message}{ways}; or continue it with `aws deploy continue-deployment`");
            Wait::ApprovalPending
        } else {
            Wait::RolloutInProgress
        }
    };
    let record = attempt
        .as_deref()
        .filter(|attempt| theirs == Some(*attempt));
    let step = record.and_then(|attempt| {
        (declared_tag(service) != Some(attempt))
            .then(|| tag_step(view, service, Some(attempt)))
            .flatten()
    });
    Plan {
        steps: step.into_iter().collect(),
        rollout: Some(rollout),
        ..Plan::only(Outcome::Waiting(wait, message))
    }
}

/// Whether a deployment of an older manifest of ours makes room: by policy, before its traffic, and only for
/// what would really follow.
fn makes_room(view: &View<'_>, observed: &Observed, service: &Value, deployment: &Value) -> bool {
    let before = supersede::has_moved(deployment, &observed.target) == Some(false);
    if !before || view.resource.in_flight() != InFlight::Supersede {
        return false;
    }
    // What a person took back does not come in the place of what it was taken back for.
    let taken_back = Mark::of(service, TAKEN_BACK_TAG).map(|mark| mark.digest);
    if taken_back.is_some() && taken_back == attempt_digest(view) {
        return false;
    }
    let live = primary_task_set(service);
    let is_live = live.is_some_and(|live| carried_drift(&view.spec, live).is_empty());
    if is_live && unresolved(view).is_empty() {
        return true;
    }
    // The attempt may differ by its retry annotation alone.
    let id = text(deployment, "deploymentId");
    let mut sets = items(service, "taskSets").filter(|set| text(set, "externalId") == id);
    if sets.any(|set| carried_drift(&view.spec, set).is_empty()) {
        return false;
    }
    // As it will be seen when this one is over.
    let mut after = observed.clone();
    after.deployment = None;
    if let Some(Seen::Present(history)) = &mut after.history {
        history.retain(|one| !in_flight(one));
    }
    let steps = ended(view, &after, service).steps;
    steps
        .iter()
        .any(|step| step.call.operation == "CreateDeployment")
}

/// Stops a deployment that a newer manifest supersedes.
fn superseding(view: &View<'_>, service: &Value, rollout: Rollout) -> Plan {
    let steps = supersede::steps(view, service, &rollout.id);
    let why = steps.last().map(|step| step.why.clone());
    Plan {
        steps,
        rollout: Some(rollout),
        ..Plan::only(Outcome::Acting(why.unwrap_or_default()))
    }
}

/// Nothing to deploy: heals quiet fields and tags, else rests with `outcome`.
fn resting(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    attempt: Option<&str>,
    outcome: Outcome,
) -> Plan {
    let (allowed, refused): (Vec<Drift>, Vec<Drift>) =
        quiet(view, service, true).into_iter().partition(|drift| {
            ALLOWED_UNDER_CODE_DEPLOY.contains(
                &drift
                    .path
                    .trim_start_matches('/')
                    .split('/')
                    .next()
                    .unwrap_or_default(),
            )
        });
    let kept = heal::kept(view, service.get("tags"), &allowed);
    let mut steps: Vec<Step> = Vec::new();
    if !allowed.is_empty() && kept.is_none() {
        steps.push(update(view, service, &allowed));
    }
    steps.extend(tag_step(view, service, attempt));
    let bad = ended_badly(view, observed, service).or_else(|| left_behind(observed, service));
    let outcome = match (outcome, bad) {
        (Outcome::Converged | Outcome::Waiting(Wait::Provisioning, _), Some(bad)) => bad,
        (Outcome::Blocked(Block::TrafficMismatch, why), Some(bad)) => {
            Outcome::Blocked(Block::TrafficMismatch, format!("{why}; {}", bad.message()))
        }
        // What else stands in the way (a failure, the grace time) is told first.
        (Outcome::Converged | Outcome::Waiting(Wait::Provisioning, _), None)
            if !refused.is_empty() =>
        {
            Outcome::Blocked(
                Block::RecreateRequired,
                format!(
                    "AWS does not let a CODE_DEPLOY service change {}",
                    fields(&refused)
                ),
            )
        }
        (outcome, _) => or_kept(outcome, kept),
    };
    let outcome = steps
        .first()
        .map_or(outcome, |step| Outcome::Acting(step.why.clone()));
    Plan {
        steps,
        drift: allowed.into_iter().chain(refused).collect(),
        ..Plan::only(outcome)
    }
}

/// The declared payload is live, yet its last deployment ended badly (stopped after all traffic had
/// moved, say). Not converged: the record says failed, and so do we.
fn ended_badly(view: &View<'_>, observed: &Observed, service: &Value) -> Option<Outcome> {
    let Some(Seen::Present(history)) = &observed.history else {
        return None;
    };
    let attempt = attempt_digest(view)?;
    let end = bad_end(history, &attempt, &Marks::of(service)).filter(|end| end.newest)?;
    Some(Outcome::Failed(Fail::RolloutFailed, end.why))
}

/// What stands behind a bad end, as far as it was read: the lifecycle event that failed, and why tasks stopped.
fn more(observed: &Observed, service: &Value, end: &BadEnd) -> String {
    let target = observed.target.present();
    let target = target.filter(|target| text(target, "deploymentId") == end.id);
    let event = target.map(|target| progress::failed_event(target, &end.why));
    let because = if end.newest {
        because(observed, service)
    } else {
        String::new()
    };
    event.unwrap_or_default() + &because
}

/// A deployment that ended badly left its task set beside the `PRIMARY` one (stopped without a
/// rollback while traffic was moving, say). Nothing of AWS's takes it away before the next deployment,
/// and it may still get traffic.
fn left_behind(observed: &Observed, service: &Value) -> Option<Outcome> {
    let last = observed.deployment.as_ref()?.present()?;
    if !matches!(text(last, "status"), "Failed" | "Stopped") {
        return None;
    }
    let set = items(service, "taskSets").find(|set| text(set, "status") == "ACTIVE")?;
    Some(Outcome::Failed(
        Fail::RolloutFailed,
        format!(
            "{}; its task set {} was left behind and may still get traffic: the next deployment removes it, and starts once no weight is left on its target group",
            explain(last, &[]),
            text(set, "id")
        ),
    ))
}

/// What is live is not what is declared.
fn deploy(
    view: &View<'_>,
    observed: &Observed,
    service: &Value,
    live: &Value,
    attempt: &str,
    carried: Vec<Drift>,
) -> Plan {
    let name = text(service, "serviceName");
    let Some(manifest) = view.set.deployment_group_of(&view.resource.key) else {
        let why = format!(
            "{} differs and service {name} is deployed by CodeDeploy, but no DeploymentGroup manifest names it in ecsServices",
            fields(&carried)
        );
        return Plan::only(Outcome::Blocked(Block::NoDeploymentGroup, why)).with_drift(carried);
    };
    // A group whose manifest has changed is brought up to date first: the deployment takes its
    // configuration.
    let up_to_date = view.facts.get(&manifest.key).map(|facts| facts.ready);
    if up_to_date == Some(false) {
        return waiting_for(&[manifest.key.to_string()]).with_drift(carried);
    }
    let group = match &observed.group {
        Some(Seen::Present(group)) => group,
        Some(Seen::Unknown(why)) => {
            return Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why.clone()))
                .with_drift(carried);
        }
        Some(Seen::Absent) | None => {
            return waiting_for(&[manifest.key.to_string()]).with_drift(carried);
        }
    };
    let none = Vec::new();
    let history = match &observed.history {
        Some(Seen::Present(history)) => history,
        Some(Seen::Absent) => &none,
        Some(Seen::Unknown(why)) => {
            return Plan::only(Outcome::Waiting(Wait::ObservationUnknown, why.clone()))
                .with_drift(carried);
        }
        None => {
            return Plan::only(Outcome::Waiting(
                Wait::ObservationUnknown,
                "the deployment group's history was not read".to_owned(),
            ))
            .with_drift(carried);
        }
    };
    // The group was looked at a moment before its history.
    if let Some(started) = history.iter().find(|deployment| in_flight(deployment)) {
        return flying(view, observed, service, started).with_drift(carried);
    }
    let marks = Marks::of(service);
    let bad = bad_end(history, attempt, &marks);
    let next = bad
        .as_ref()
        .and_then(|end| retries::next(view, observed, history, attempt, &marks, end));
    let due = next.is_some_and(|next| next.at <= view.now);
    if let Some(mut end) = bad.filter(|_| !due) {
        end.why.push_str(&more(observed, service, &end));
        let cure = match next {
            Some(next) => format!(
                "no production traffic had moved: it is tried again at {}, {}",
                heal::time(next.at),
                next.bounds()
            ),
            None => format!(
                "it is not tried again until the manifest changes or the annotation {RETRY_ANNOTATION} gets a new text"
            ),
        };
        let outcome = if end.newest {
            Outcome::Failed(Fail::RolloutFailed, format!("{}; {cure}", end.why))
        } else {
            Outcome::Blocked(
                Block::Quarantined,
                format!("this content was tried before: {}; {cure}", end.why),
            )
        };
        return Plan {
            again: next.map(|next| next.at),
            ..resting(view, observed, service, None, outcome).with_drift(carried)
        };
    }
    // The record on the service comes a pass after the deployment's start: a manifest that has gone back
    // before that finds its own digest there still.
    let grace = in_grace(view, service, attempt, &carried);
    if let Some(outcome) = grace.filter(|_| !due && !left_by_us(history, attempt, &marks)) {
        return resting(view, observed, service, None, outcome).with_drift(carried);
    }
    let mut call = appspec::create_deployment(view, live, group, attempt);
    let mut why = format!("deploy service {name} blue/green: {}", fields(&carried));
    if let Some(next) = next {
        why.push_str(&format!("; retry {}", next.bounds()));
        let described = of_retry(text(&call.input, "description"), next.number);
        call.input["description"] = described.into();
    }
    let rollout = Rollout {
        id: String::new(),
        ours: true,
        stage: RolloutStage::Pending,
        events: Vec::new(),
        weights: None,
        superseded: false,
    };
    let outcome = Outcome::Acting(why.clone());
    Plan {
        steps: vec![Step { call, why }],
        drift: carried,
        rollout: Some(rollout),
        ..Plan::only(outcome)
    }
}

/// Why the declared target group cannot be reached by a deployment: it is neither the live one nor
/// the other one of the group's pair.
fn foreign_target_group(view: &View<'_>, observed: &Observed, live: &Value) -> Option<String> {
    let declared = items(&view.spec, "loadBalancers")
        .next()
        .map(|b| text(b, "targetGroupArn"))?;
    let serving = items(live, "loadBalancers")
        .next()
        .map(|b| text(b, "targetGroupArn"))
        .unwrap_or_default();
    if declared.is_empty() || declared == serving {
        return None;
    }
    let group = observed.group.as_ref()?.present()?;
    let pair: Vec<&str> = items(group.get("loadBalancerInfo")?, "targetGroupPairInfoList")
        .flat_map(|pair| items(pair, "targetGroups"))
        .map(|target_group| text(target_group, "name"))
        .collect();
    let named = |arn: &str| {
        pair.iter()
            .any(|name| arn.contains(&format!(":targetgroup/{name}/")))
    };
    if named(declared) && named(serving) {
        return None;
    }
    Some(format!(
        "target group {declared} is not the live one ({serving}) nor the other of the deployment group's pair ({})",
        pair.join(", ")
    ))
}
