//! Contents whose rollout failed, remembered for longer than AWS remembers the rollout. Pure.
//!
//! How a rollout ended is read of AWS, which tells less with time: of ECS the newest 20 deployments of 90 days are read
//! (aws-facts 1.2), of `CodeDeploy` those of a month. What failed before that would look like a content that somebody
//! took away by hand, and be started again. So its digest is noted as a tag of the service while AWS still tells of the
//! failure, and counts from when AWS tells nothing more of that content.
//!
//! | the engine's plan | noted | AWS tells of the content | decision |
//! |---|---|---|---|
//! | `RolloutFailed` or `Quarantined` | no | as of a day ago or before, or behind [`MANY`] others | note it |
//! | `RolloutFailed` or `Quarantined` | no | as of lately | none: most failures are mended, and cost no write |
//! | starts the content, or waits for the grace time of drift | yes | yes | the engine's: it is a retry that may be |
//! | starts the content, or waits for the grace time of drift | yes | no | `Quarantined` |
//! | converged | yes | any | it runs after all: forget it |
//! | any other | any | any | the engine's |
//!
//! Invariants:
//! - The digest is the attempt's, so another manifest, or another text of the retry annotation, is another content.
//! - The note forgets the oldest.
//! - Not remembered: what failed less than a day before the daemon went away for as long as AWS remembers.

use std::time::Duration;

use serde_json::{Value, json};

use super::payload::attempt_digest;
use super::{Observed, RETRY_ANNOTATION, gates, history, items, native, text};
use crate::kinds::{MOST_TAGS, View, tagging};
use crate::model::{Block, Fail, Kind, Moment, Outcome, Plan, Rollout, Seen, Step, Wait};

/// The tag: digests, newest first.
pub(super) const TAG: &str = "evenkeel.dev/failed";

/// How long after a failure it is noted.
const AFTER: Duration = Duration::from_hours(24);

/// Behind how many newer deployments it is noted.
const MANY: usize = 5;

/// Characters of a tag's value, at most (the service model of ECS).
const LONGEST: usize = 256;

fn noted(service: &Value) -> Vec<&str> {
    let mut tags = items(service, "tags");
    let tag = tags.find(|tag| text(tag, "key") == TAG);
    let digests = tag.map(|tag| text(tag, "value").split_whitespace());
    digests.into_iter().flatten().collect()
}

/// The plan with what is remembered of its content.
pub(super) fn kept(view: &View<'_>, observed: &Observed, service: &Value, plan: Plan) -> Plan {
    let Some(attempt) = attempt_digest(view) else {
        return plan;
    };
    let digests = noted(service);
    let is_noted = digests.contains(&attempt.as_str());
    match &plan.outcome {
        Outcome::Failed(Fail::RolloutFailed, _) | Outcome::Blocked(Block::Quarantined, _)
            if !is_noted && is_aging(view, observed, &attempt) =>
        {
            noting(service, &attempt, &digests, plan)
        }
        Outcome::Converged if is_noted && plan.steps.is_empty() => {
            forgetting(service, &attempt, &digests, plan)
        }
        _ if is_noted && comes_back(&plan) && told(view, observed, &attempt).is_none() => {
            quarantined(&attempt, plan)
        }
        _ => plan,
    }
}

/// Whether the plan brings the declared content back, now or after the grace time of drift.
fn comes_back(plan: &Plan) -> bool {
    let waits = matches!(plan.outcome, Outcome::Waiting(Wait::DriftGrace, _));
    waits || plan.steps.iter().any(gates::starts)
}

/// The newest deployment of this content of which AWS tells: how many are newer, and when it ended.
fn told(view: &View<'_>, observed: &Observed, attempt: &str) -> Option<(usize, Option<Moment>)> {
    let moment = |one: &Value, member: &str| {
        let at = one.get(member)?.as_f64();
        at.map(Moment::of_seconds)
    };
    let code_deploy = observed.history.as_ref().and_then(Seen::present);
    let ecs = observed.service_deployments.as_ref();
    let ecs = ecs.and_then(|seen| seen.present()?.as_array());
    let by_code_deploy = code_deploy.and_then(|all| {
        let at = all
            .iter()
            .position(|one| history::attempt_of(one) == Some(attempt))?;
        Some((at, moment(&all[at], "completeTime")))
    });
    by_code_deploy.or_else(|| {
        let all = ecs?;
        let at = all.iter().position(|one| native::is_of(one, &view.spec))?;
        Some((at, moment(&all[at], "finishedAt")))
    })
}

/// Whether AWS will not tell of a failure for ever so long.
fn is_aging(view: &View<'_>, observed: &Observed, attempt: &str) -> bool {
    told(view, observed, attempt).is_some_and(|(newer, ended)| {
        newer >= MANY || ended.is_some_and(|ended| view.now.since(ended) >= AFTER)
    })
}

fn noting(service: &Value, attempt: &str, digests: &[&str], mut plan: Plan) -> Plan {
    let has_tag = !digests.is_empty();
    if !has_tag && items(service, "tags").count() >= MOST_TAGS {
        return plan;
    }
    let mut value = attempt.to_owned();
    for digest in digests {
        if value.len() + 1 + digest.len() > LONGEST {
            break;
        }
        value.push(' ');
        value.push_str(digest);
    }
    plan.steps.push(tag(
        service,
        &value,
        format!(
            "record on service {} that content {attempt} failed",
            text(service, "serviceName")
        ),
    ));
    plan
}

fn forgetting(service: &Value, attempt: &str, digests: &[&str], mut plan: Plan) -> Plan {
    let why = format!(
        "take away the record that content {attempt} of service {} failed: it runs",
        text(service, "serviceName")
    );
    let others: Vec<&str> = digests
        .iter()
        .copied()
        .filter(|one| *one != attempt)
        .collect();
    let step = if others.is_empty() {
        let call = tagging::remove(Kind::Service, text(service, "serviceArn"), &[TAG]);
        Step { call, why }
    } else {
        tag(service, &others.join(" "), why)
    };
    plan.outcome = Outcome::Acting(step.why.clone());
    plan.steps.push(step);
    plan
}

fn tag(service: &Value, value: &str, why: String) -> Step {
    let tags = json!([{"key": TAG, "value": value}]);
    Step {
        call: tagging::write(Kind::Service, text(service, "serviceArn"), &tags),
        why,
    }
}

fn quarantined(attempt: &str, plan: Plan) -> Plan {
    let why = format!(
        "content {attempt} failed before (tag {TAG} of the service), and AWS tells nothing more of it; it is not tried again until \
         the manifest changes or the annotation {RETRY_ANNOTATION} gets a new text"
    );
    // What is in flight meanwhile, and was to make room, goes on and is shown.
    let flying = plan.rollout.filter(|rollout| !rollout.id.is_empty());
    Plan {
        steps: Vec::new(),
        rollout: flying.map(|rollout| Rollout {
            superseded: false,
            ..rollout
        }),
        outcome: Outcome::Blocked(Block::Quarantined, why),
        ..plan
    }
}
