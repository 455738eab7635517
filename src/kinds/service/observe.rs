//! What a pass over a service reads. I/O; decides nothing about the service. Which of the dearer
//! reads are made follows from the cheap ones, so that the fixpoint costs one batched
//! `DescribeServices`, for blue/green one batched look at the group's last deployment, rules that their
//! manifests read too, and once in ten minutes the targets of a target group that serves.

use std::collections::BTreeMap;

use serde_json::Value;

use super::history::{bad_end, failed_one, in_flight, is_rollback};
use super::payload::{
    attempt_digest, carried_drift, deploying_drift, primary_deployment, primary_task_set,
};
use super::rolling::{overlaid, target_groups};
use super::supersede::Marks;
use super::{
    drained, last_segment, listeners, migration, native, queued, retries, revision, scaling, side,
    tasks, text, traffic,
};
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
    /// The rules of listeners that `CodeDeploy` shifts traffic with, by their ARNs, while no deployment is in flight:
    /// the production listener's, and the test listener's where one might be started.
    pub(super) listeners: BTreeMap<String, Seen<Vec<Value>>>,
    /// The target groups of the deployment group's pair by name; read only where a deployment might be started.
    pub(super) pair: BTreeMap<String, Seen<Value>>,
    /// The targets of the target groups that get production traffic, by ARN, while no deployment is in flight: read now
    /// and then at rest (`traffic::HEALTH_AGE`), and afresh where one might be started. Where ECS shifts
    /// traffic that is also where one ended badly, and of both target groups.
    pub(super) health: BTreeMap<String, Seen<Value>>,
    /// The revisions of the declared task definition's family that may be in the queue (`queued`), oldest first; read only where
    /// there is one.
    pub(super) family: Option<Seen<Vec<Value>>>,
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
        listeners: BTreeMap::new(),
        pair: BTreeMap::new(),
        health: BTreeMap::new(),
        family: None,
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
    let refilled = drained::with_count(view, &service);
    let (_, view) = &super::plan::compared(&refilled, &service);
    seen.family = queued::revisions(observer, view, &service, fresh).await;
    if migration::is_asked(view, &service) {
        shifted(observer, view, fresh, true, &mut seen).await;
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
    let mut found = tasks::observe::found(observer, asked, fresh, &seen).await;
    if let Some(found) = &mut found {
        let queued = queued::definitions(seen.family.as_ref());
        found.definitions.extend(queued);
    }
    seen.tasks = found;
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
        pair(observer, view, fresh, service, false, seen).await;
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
    let last = seen.deployment.as_ref().and_then(Seen::present);
    if !last.is_some_and(in_flight) {
        let starts = differs && (seen.family.is_some() || may_start(view, service, seen));
        pair(observer, view, fresh, service, starts, seen).await;
    }
}

/// Whether a deployment of the declared content is not ruled out by how the last one ended.
fn may_start(view: &View<'_>, service: &Value, seen: &Observed) -> bool {
    let (Some(Seen::Present(history)), Some(attempt)) = (&seen.history, attempt_digest(view))
    else {
        return false;
    };
    let marks = Marks::of(service);
    bad_end(history, &attempt, &marks)
        .is_none_or(|end| retries::next(view, seen, history, &attempt, &marks, &end).is_some())
}

/// The traffic of a service that `CodeDeploy` deploys. At rest the rules of its production listener are read with
/// those that manifests of its rules read too.
async fn pair(
    observer: &Observer,
    view: &View<'_>,
    fresh: Moment,
    service: &Value,
    starts: bool,
    seen: &mut Observed,
) {
    let group = seen.group.as_ref().and_then(Seen::present).cloned();
    if let Some(pair) = group.as_ref().and_then(listeners::Pair::of) {
        let test = Some(pair.test).filter(|_| starts);
        let listeners = std::iter::once(pair.production).chain(test);
        for listener in listeners.filter(|arn| !arn.is_empty()) {
            let rules = observer.rules(listener, fresh).await;
            seen.listeners.insert(listener.to_owned(), rules);
        }
        for name in pair.names.iter().filter(|_| starts) {
            let group = observer.target_group(name, fresh).await;
            seen.pair.insert((*name).to_owned(), group);
        }
    }
    let used = primary_task_set(service).map_or("", listeners::used);
    if !used.is_empty() {
        let at_rest = Some((view.now, service)).filter(|_| !starts);
        health(observer, fresh, at_rest, used, seen).await;
    }
}

/// The targets of a target group. Of a service at rest (given with the time of the pass) a look will do that is not
/// older than its last change, and saw a healthy one.
async fn health(
    observer: &Observer,
    fresh: Moment,
    at_rest: Option<(Moment, &Value)>,
    arn: &str,
    seen: &mut Observed,
) {
    let mut known = Seen::Absent;
    if let Some((now, service)) = at_rest {
        let changed = traffic::changed(seen, service).min(now);
        let since = fresh.minus(traffic::HEALTH_AGE).max(changed);
        known = observer.target_health(arn, since).await;
    }
    if !traffic::sees_healthy(&known) {
        known = observer.target_health(arn, fresh).await;
    }
    seen.health.insert(arn.to_owned(), known);
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
        if seen.family.is_none() {
            return;
        }
    }
    // Of a pair that ECS shifted traffic between once, one has stayed.
    shifted(observer, view, fresh, false, seen).await;
    let groups = target_groups(view, seen, service).into_iter();
    let groups: Vec<String> = groups.map(str::to_owned).collect();
    for arn in &groups {
        health(observer, fresh, Some((view.now, service)), arn, seen).await;
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
    shifted(observer, view, fresh, shifts, seen).await;
    if !shifts && !is_flying(seen) {
        let groups = native::with_traffic(&view.spec, seen);
        let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
        for arn in &groups {
            health(observer, fresh, Some((view.now, service)), arn, seen).await;
        }
    }
}

/// Whether ECS's newest deployment, if the deployments were read, is in flight.
fn is_flying(seen: &Observed) -> bool {
    let newest = seen.service_deployments.as_ref().and_then(Seen::present);
    newest
        .and_then(|list| list.as_array()?.first())
        .is_some_and(native::in_flight)
}

/// The rules that traffic goes through; the targets behind them, if it is about to be shifted.
async fn shifted(
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
