//! Service deployments: the history of a service under the ECS controller, and the operations that
//! read and stop them.
//!
//! Invariants: newest first; at most one goes on, and then it is the first. Behind it others may
//! stand that are to stop (`STOP_REQUESTED`).

use super::super::page::page;
use super::super::refuse::{invalid, missing, service_not_found};
use super::super::services::{Counts, Rollout, Service, TaskSet};
use super::super::{AwsError, Time, World, arn, input, stamp};
use super::alarms::Alarms;
use super::{breaker, native, revisions, roll_back};
use serde_json::{Value, json};

/// One service deployment.
#[derive(Clone, Debug)]
pub(crate) struct ServiceDeployment {
    /// Its ARN.
    pub(crate) arn: String,
    /// The id of its set.
    pub(crate) set: String,
    /// The ARN of the revision that it deploys.
    pub(crate) target: String,
    /// The ARNs of the revisions that ran when it began.
    sources: Vec<String>,
    /// The status, as the API spells it.
    pub(super) status: &'static str,
    /// `statusReason`.
    pub(super) reason: Option<String>,
    /// When it was created and started.
    pub(super) created_at: Time,
    /// When it was over.
    pub(super) finished_at: Option<Time>,
    /// The deployment configuration when it began.
    pub(super) config: Value,
    /// `deploymentCircuitBreaker`.
    pub(super) breaker: Value,
    /// The alarms that it watches, if its strategy is `ROLLING`.
    pub(super) alarms: Alarms,
    /// `rollback`.
    pub(super) rollback: Option<Value>,
    /// Its course through the stages, if its strategy is not `ROLLING`.
    pub(super) run: Option<native::Run>,
    /// The counts when it was over.
    pub(super) last: Option<(u32, Counts)>,
}

impl ServiceDeployment {
    /// Whether the status is final.
    pub(crate) fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }

    /// Whether it is being or was rolled back.
    pub(crate) fn is_rollback(&self) -> bool {
        self.rollback.is_some()
    }
}

/// Records the beginning of a deployment and supersedes the one that was running. A rollback goes on
/// under the record of the deployment that it undoes.
pub(crate) fn begin(
    world: &mut World,
    service: &mut Service,
    set: &TaskSet,
    target: String,
    failed: Option<&str>,
) {
    let now = world.now;
    if let Some(failed) = failed
        && let Some(record) = service.history.iter_mut().find(|it| it.set == failed)
    {
        record.set.clone_from(&set.id);
        return;
    }
    if let Some(running) = service.history.first_mut().filter(|it| !it.is_over()) {
        running.reason =
            Some("Service deployment stopped because of a newer deployment.".to_owned());
        running.status = "STOP_REQUESTED";
        // One that moves traffic is stopped once the newer one has brought the traffic back.
        if running.run.is_none() {
            running.status = "STOPPED";
            running.finished_at = Some(now);
        }
    }
    let sources = service.sets.iter().map(|set| set.revision.clone());
    let sources = sources.filter(|revision| !revision.is_empty()).collect();
    let hex = world.next_hex();
    let resource = format!(
        "service-deployment/{}/{}/{}",
        service.cluster,
        service.name,
        &hex[..21]
    );
    let status = if breaker::enabled(service) {
        "MONITORING"
    } else {
        "DISABLED"
    };
    let mut record = ServiceDeployment {
        arn: arn::of(&world.region, &resource),
        set: set.id.clone(),
        target,
        sources,
        status: "IN_PROGRESS",
        reason: None,
        created_at: now,
        finished_at: None,
        config: service
            .doc
            .get("deploymentConfiguration")
            .cloned()
            .unwrap_or(Value::Null),
        breaker: json!({"status": status, "failureCount": 0, "threshold": breaker::threshold(service)}),
        alarms: Alarms::default(),
        rollback: None,
        run: None,
        last: None,
    };
    if native::strategy(&record.config) == "ROLLING" {
        record.alarms = Alarms::of(world, &record.config);
    }
    service.history.insert(0, record);
}

/// The deployment of this set has replaced everything.
pub(crate) fn complete(service: &mut Service, set: &str, now: Time) {
    let last = (service.desired, service.counts(set));
    let Some(record) = service.history.iter_mut().find(|it| it.set == set) else {
        return;
    };
    record.status = if record.rollback.is_some() {
        "ROLLBACK_SUCCESSFUL"
    } else {
        "SUCCESSFUL"
    };
    if record.breaker["status"] == "MONITORING" {
        record.breaker["status"] = "MONITORING_COMPLETE".into();
    }
    record.finished_at = Some(now);
    record.last = Some(last);
}

/// ECS gave up on the deployment of this set.
pub(crate) fn fail(
    service: &mut Service,
    set: &str,
    why: &str,
    target: Option<(String, String)>,
    now: Time,
) {
    let Some(record) = service.history.iter_mut().find(|it| it.set == set) else {
        return;
    };
    if let Some((target, _)) = target {
        let reason = format!("Service deployment rolled back because {why}");
        record.status = "ROLLBACK_IN_PROGRESS";
        record.reason = Some(reason.clone());
        record.rollback =
            Some(json!({"reason": reason, "startedAt": stamp(now), "serviceRevisionArn": target}));
    } else {
        record.status = if record.rollback.is_some() {
            "ROLLBACK_FAILED"
        } else {
            "STOPPED"
        };
        let circuit = why.strip_prefix("the circuit");
        record.reason = Some(match circuit {
            Some(rest) => format!("Deployment circuit{rest}"),
            None => format!("Deployment failed because {why}"),
        });
        record.finished_at = Some(now);
    }
}

/// The revision and the set of the last deployment that succeeded, other than that of `except`.
pub(crate) fn last_successful(service: &Service, except: &str) -> Option<(String, String)> {
    let good = |it: &&ServiceDeployment| it.set != except && it.status == "SUCCESSFUL";
    service
        .history
        .iter()
        .find(good)
        .map(|it| (it.target.clone(), it.set.clone()))
}

/// `ListServiceDeployments`.
pub(crate) fn list(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let cluster = world.ecs.active_cluster(request)?;
    let reference = input::filled(request, "service").ok_or_else(|| missing("service"))?;
    let name = arn::inside("service", reference, cluster)?;
    let service = world
        .ecs
        .service(cluster, name)
        .ok_or_else(service_not_found)?;
    let statuses = input::texts(request, "status");
    let bound = |member: &str| {
        request
            .get("createdAt")
            .and_then(|it| it.get(member))
            .and_then(Value::as_f64)
    };
    let (after, before) = (bound("after"), bound("before"));
    let records = service
        .history
        .iter()
        .filter(|it| statuses.is_empty() || statuses.iter().any(|status| status == it.status))
        .filter(|it| {
            let at = stamp(it.created_at).as_f64().unwrap_or_default();
            after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
        });
    let brief = [
        "serviceDeploymentArn",
        "serviceArn",
        "clusterArn",
        "startedAt",
        "createdAt",
        "finishedAt",
        "targetServiceRevisionArn",
        "status",
        "statusReason",
    ];
    let records = records
        .map(|it| {
            let mut view = view(world, service, it);
            view["targetServiceRevisionArn"] = it.target.clone().into();
            if let Some(view) = view.as_object_mut() {
                view.retain(|member, _| brief.contains(&member.as_str()));
            }
            view
        })
        .collect();
    page("serviceDeployments", records, request, 20, 100)
}

/// `DescribeServiceDeployments`.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let (mut records, mut failures) = (Vec::new(), Vec::new());
    for arn in revisions::wanted(request, "serviceDeploymentArns")? {
        let found = world.ecs.services.values().find_map(|service| {
            let record = service.history.iter().find(|it| it.arn == arn)?;
            Some(view(world, service, record))
        });
        match found {
            Some(record) => records.push(record),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceDeployments": records, "failures": failures}))
}

/// `StopServiceDeployment` with `stopType` `ROLLBACK`, the only one that works.
pub(crate) fn stop(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let wanted = input::filled(request, "serviceDeploymentArn")
        .ok_or_else(|| missing("serviceDeploymentArn"))?;
    if input::filled(request, "stopType").is_some_and(|it| it != "ROLLBACK") {
        return Err(invalid("Only the stopType ROLLBACK is supported."));
    }
    let gone = || {
        AwsError::new(
            "ServiceDeploymentNotFoundException",
            "The service deployment does not exist.",
        )
    };
    let services = world.ecs.services.iter();
    let mut found = services.filter(|(_, it)| it.history.iter().any(|it| it.arn == wanted));
    let key = found.next().map(|(key, _)| key.clone()).ok_or_else(gone)?;
    let mut service = world.ecs.services.remove(&key).ok_or_else(gone)?;
    let result = undo(world, &mut service, wanted);
    world.ecs.services.insert(key, service);
    result.map(|()| json!({"serviceDeploymentArn": wanted}))
}

/// Rolls the running deployment back to the last one that succeeded.
fn undo(world: &mut World, service: &mut Service, wanted: &str) -> Result<(), AwsError> {
    let running = service
        .history
        .first()
        .filter(|it| it.arn == wanted && !it.is_over());
    let Some(running) = running else {
        return Err(invalid(
            "Stopping a service deployment is not allowed for service deployment in terminal states.",
        ));
    };
    if running.rollback.is_some() {
        return Ok(());
    }
    if running.run.is_some() {
        return native::request_rollback(service);
    }
    let set = running.set.clone();
    let Some((target, _)) = last_successful(service, &set) else {
        return Err(invalid(
            "There is no completed service deployment to roll back to.",
        ));
    };
    let spec = service
        .revisions
        .iter()
        .find(|it| it.arn == target)
        .map(|it| it.spec.clone());
    if let Some(spec) = spec {
        service.follow(&spec);
    }
    if let Some(record) = service.history.first_mut() {
        let reason = "Service deployment rolled back because of a StopServiceDeployment request.";
        record.status = "ROLLBACK_IN_PROGRESS";
        record.reason = Some(reason.to_owned());
        record.rollback = Some(
            json!({"reason": reason, "startedAt": stamp(world.now), "serviceRevisionArn": target}),
        );
    }
    if let Some(primary) = service.set_mut(&set) {
        primary.rollout = Rollout::Failed;
    }
    roll_back(world, service, &target, &set);
    Ok(())
}

/// A record as `DescribeServiceDeployments` shows it.
fn view(world: &World, service: &Service, record: &ServiceDeployment) -> Value {
    let counts = |target: &str| {
        let set = service.sets.iter().find(|set| set.revision == target);
        let (desired, counts) = match set {
            Some(set) => (set.desired, service.counts(&set.id)),
            None => Some(record)
                .filter(|it| it.target == target)
                .and_then(|it| it.last)
                .unwrap_or_default(),
        };
        json!({"arn": target, "requestedTaskCount": desired, "runningTaskCount": counts.running,
            "pendingTaskCount": counts.pending})
    };
    let mut view = json!({
        "serviceDeploymentArn": record.arn,
        "serviceArn": service.arn,
        "clusterArn": arn::of(&world.region, &format!("cluster/{}", service.cluster)),
        "createdAt": stamp(record.created_at),
        "startedAt": stamp(record.created_at),
        "updatedAt": stamp(record.finished_at.unwrap_or(world.now)),
        "sourceServiceRevisions": record.sources.iter().map(|it| counts(it)).collect::<Value>(),
        "targetServiceRevision": counts(&record.target),
        "status": record.status,
        "deploymentConfiguration": record.config,
        "deploymentCircuitBreaker": record.breaker,
        "alarms": record.alarms.show(record.is_over()),
    });
    if let Some(run) = &record.run {
        native::show(run, &mut view);
    }
    if !record.is_over() && record.breaker["status"] == "MONITORING" {
        view["deploymentCircuitBreaker"]["failureCount"] = breaker::failures(service).into();
    }
    if let Some(at) = record.finished_at {
        let member = if record.status == "STOPPED" {
            "stoppedAt"
        } else {
            "finishedAt"
        };
        view[member] = stamp(at);
        view["finishedAt"] = stamp(at);
    }
    if let Some(reason) = &record.reason {
        view["statusReason"] = reason.clone().into();
    }
    if let Some(rollback) = &record.rollback {
        view["rollback"] = rollback.clone();
    }
    view
}
