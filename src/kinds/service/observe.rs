//! What a pass over a service reads. I/O; decides nothing about the service. Which of the dearer
//! reads are made follows from the cheap ones, so that the fixpoint costs one batched
//! `DescribeServices` and, for blue/green, one batched look at the group's last deployment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::history::{failed_one, in_flight, is_rollback};
use super::payload::{carried_drift, deploying_drift, primary_deployment, primary_task_set};
use super::rolling::overlaid;
use super::{last_segment, migration, native, revision, scaling, side, tasks, text};
use crate::aws::Observer;
use crate::kinds::View;
use crate::model::{Moment, Seen};

/// What one pass reads.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The member of `DescribeServices.services`.
    pub(super) service: Seen<Value>,
    /// The newest of the service revisions that run; read only when the manifest declares what only it
    /// reads back, and not there for a service that has none.
    pub(super) revision: Option<Seen<Value>>,
    /// The rules of the production listener, for a `CODE_DEPLOY` service that is to be made.
    pub(super) front: Option<Seen<Vec<Value>>>,
    /// The deployment group, for a `CODE_DEPLOY` service that a manifest's group names.
    pub(super) group: Option<Seen<Value>>,
    /// The group's last attempted deployment, if it has one.
    pub(super) deployment: Option<Seen<Value>>,
    /// That deployment's ECS target, while it is in flight; afterwards that of the one that failed, if the
    /// service is not as declared or the last one ended badly.
    pub(super) target: Seen<Value>,
    /// The group's deployments, newest first; read only when a deployment might be started or one
    /// ended badly.
    pub(super) history: Option<Seen<Vec<Value>>>,
    /// A rolling service's deployments, newest first, each with the service revision that it was of
    /// as `revision`; read only when what is live is not what is declared, or did not complete.
    pub(super) service_deployments: Option<Seen<Value>>,
    /// The scalable target of the service; read only where it matters (`scaling`).
    pub(super) scalable_target: Option<Seen<Value>>,
    /// The only service revision with tasks, of a service whose traffic ECS shifts.
    pub(super) serving: Option<Seen<Value>>,
    /// The rules that such a service's traffic goes through, by the ARN that it names.
    pub(super) rules: BTreeMap<String, Seen<Value>>,
    /// The targets of such a service's target groups, by ARN; read only when what is live is not what is
    /// declared, or its deployment ended badly.
    pub(super) health: BTreeMap<String, Seen<Value>>,
    /// The service's one-off tasks; read only where a rollout waits for them, or they for it.
    pub(super) tasks: Option<tasks::Found>,
    /// Why tasks stopped lately; read only when tasks are missing or a deployment ended badly.
    pub(super) stop_reasons: Vec<String>,
}

/// The name of the service's cluster at AWS.
pub(super) fn cluster_of<'a>(view: &'a View<'_>) -> &'a str {
    match last_segment(text(&view.spec, "cluster")) {
        "" => "default",
        name => name,
    }
}

/// Reads.
pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let cluster = cluster_of(view);
    let name = view.resource.aws_name();
    let mut seen = Observed {
        service: observer.service(cluster, name, fresh).await,
        revision: None,
        front: None,
        group: None,
        deployment: None,
        target: Seen::Absent,
        history: None,
        service_deployments: None,
        scalable_target: None,
        serving: None,
        rules: BTreeMap::new(),
        health: BTreeMap::new(),
        tasks: None,
        stop_reasons: Vec::new(),
    };
    if seen.service == Seen::Absent
        && super::plan::controller(&view.spec) == "CODE_DEPLOY"
        && let Some(listener) = side::production_listener(view)
    {
        seen.front = Some(observer.rules(&listener, fresh).await);
    }
    let asked = view;
    let Seen::Present(service) = &seen.service else {
        seen.tasks = tasks::observe::found(observer, asked, fresh, &seen).await;
        return seen;
    };
    let service = service.clone();
    let mut revisions = Vec::new();
    for arn in revision::wanted(view, &service) {
        revisions.push(observer.service_revision(&arn).await);
    }
    seen.revision = revision::newest(revisions);
    let known = seen.revision.as_ref().and_then(Seen::present);
    let service = revision::overlaid(&service, known, view);
    let (_, view) = &super::plan::compared(view, &service);
    if migration::is_asked(view, &service) {
        traffic(observer, view, fresh, true, &mut seen).await;
    } else if super::plan::controller(&service) == "CODE_DEPLOY" {
        blue_green(observer, view, fresh, &service, &mut seen, cluster).await;
    } else if native::is_native(&service) || native::is_native(&view.spec) {
        shifting(observer, view, fresh, &service, &mut seen, cluster).await;
    } else {
        rolling(observer, view, fresh, &service, &mut seen, cluster).await;
    }
    if scaling::concerns(view, &service) {
        let id = scaling::resource_id(cluster, &service);
        seen.scalable_target = Some(observer.scalable_target(&id, fresh).await);
    }
    if (tasks_missing(&service) || ended_badly(&seen))
        && let Seen::Present(reasons) = observer.stop_reasons(cluster, name, fresh).await
    {
        seen.stop_reasons = reasons;
    }
    seen.tasks = tasks::observe::found(observer, asked, fresh, &seen).await;
    seen
}

async fn blue_green(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
    service: &Value,
    seen: &mut Observed,
    cluster: &str,
) {
    let Some(group) = view.set.deployment_group_of(&view.resource.key) else {
        return;
    };
    let (application, name) = (text(&group.spec, "applicationName"), group.aws_name());
    let group = observer.deployment_group(application, name, fresh).await;
    let last = group
        .present()
        .and_then(|group| group.get("lastAttemptedDeployment"))
        .map(|last| text(last, "deploymentId").to_owned())
        .filter(|id| !id.is_empty());
    seen.group = Some(group);
    let mut ended_badly = false;
    let differs =
        primary_task_set(service).is_none_or(|live| !carried_drift(&view.spec, live).is_empty());
    if let Some(id) = last {
        let deployment = observer.deployment(&id, fresh).await;
        if let Seen::Present(info) = &deployment {
            ended_badly = matches!(text(info, "status"), "Failed" | "Stopped");
            let failed = ended_badly || (differs && is_rollback(info));
            let of = if in_flight(info) {
                Some(id.as_str())
            } else {
                failed.then(|| failed_one(info))
            };
            if let Some(of) = of {
                let target = format!("{cluster}:{}", view.resource.aws_name());
                seen.target = observer.deployment_target(of, &target, fresh).await;
            }
        }
        seen.deployment = Some(deployment);
    }
    if matches!(seen.group, Some(Seen::Present(_))) && (differs || ended_badly) {
        seen.history = Some(observer.history(application, name).await);
    }
}

async fn rolling(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
    service: &Value,
    seen: &mut Observed,
    cluster: &str,
) {
    let completed = primary_deployment(service)
        .is_some_and(|primary| text(primary, "rolloutState") == "COMPLETED");
    if !completed || !deploying_drift(&view.spec, &overlaid(service)).is_empty() {
        let arn = text(service, "serviceArn");
        seen.service_deployments = Some(observer.service_deployments(arn, cluster, fresh).await);
    }
}

/// A service whose traffic ECS shifts. At the fixpoint the revision is kept for ever and the rules are
/// read with those of their listener, which their manifests read too.
async fn shifting(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
    service: &Value,
    seen: &mut Observed,
    cluster: &str,
) {
    let unrest = native::unrest(view, service);
    if unrest.moving {
        let arn = text(service, "serviceArn");
        seen.service_deployments = Some(observer.service_deployments(arn, cluster, fresh).await);
    }
    let revision = native::only_revision(service);
    if !revision.is_empty() {
        seen.serving = Some(observer.service_revision(revision).await);
    }
    let shifts = unrest.differs || ended_badly(seen);
    traffic(observer, view, fresh, shifts, seen).await;
}

/// The rules that traffic goes through; the targets behind them, if it is about to be shifted.
async fn traffic(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
    shifts: bool,
    seen: &mut Observed,
) {
    for arn in native::rules(&view.spec) {
        let all = observer.rules(&native::listener_of(arn), fresh).await;
        let rule = match all {
            Seen::Present(rules) => pick(rules, arn),
            Seen::Absent => Seen::Absent,
            Seen::Unknown(why) => Seen::Unknown(why),
        };
        seen.rules.insert(arn.to_owned(), rule);
    }
    if shifts {
        for arn in native::target_groups(&view.spec) {
            let health = observer.target_health(arn, fresh).await;
            seen.health.insert(arn.to_owned(), health);
        }
    }
}

/// The rule of this ARN; the default rule where it is a listener's.
fn pick(rules: Vec<Value>, arn: &str) -> Seen<Value> {
    let is_it = |rule: &Value| {
        text(rule, "RuleArn") == arn
            || (arn.contains(":listener/") && text(rule, "Priority") == "default")
    };
    rules
        .into_iter()
        .find(is_it)
        .map_or(Seen::Absent, Seen::Present)
}

/// Whether the newest service deployment ended otherwise than well, or the target of a deployment that failed was
/// read.
fn ended_badly(seen: &Observed) -> bool {
    let last = seen.deployment.as_ref().and_then(Seen::present);
    if last.is_some_and(|last| !in_flight(last)) && seen.target.present().is_some() {
        return true;
    }
    let newest = seen.service_deployments.as_ref().and_then(Seen::present);
    newest
        .and_then(|list| list.as_array()?.first())
        .is_some_and(|newest| !native::in_flight(newest) && text(newest, "status") != "SUCCESSFUL")
}

/// Whether tasks are missing: of the service, or of a rolling deployment whose predecessor's tasks
/// still make up the number.
fn tasks_missing(service: &Value) -> bool {
    let short = |of: &Value| count(of, "runningCount") < count(of, "desiredCount");
    short(service) || primary_deployment(service).is_some_and(short)
}

fn count(service: &Value, member: &str) -> u64 {
    service.get(member).and_then(Value::as_u64).unwrap_or(0)
}
