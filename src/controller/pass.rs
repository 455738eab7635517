//! One pass over one key: observe (I/O) → plan (pure) → apply (I/O). When to look again is decided
//! by the loop, from the outcome, by `requeue`.
//!
//! Invariants:
//! - A step that fails ends the pass; nothing is retried in it.
//! - With `Mode::Plan` nothing is written.
//! - No waiting: the longest a pass takes is its calls' timeouts.

use std::sync::Arc;

use crate::aws::{Aws, Class, Fault, Observer};
use crate::kinds::{
    Policy, Reconciled, View, cluster::Cluster, deployment_group::DeploymentGroup,
    image_repository::ImageRepository, listener::Listener, listener_rule::ListenerRule,
    load_balancer::LoadBalancer, service::Service, target_group::TargetGroup,
    task_definition::TaskDefinition,
};
use crate::manifest::{DesiredSet, resolve};
use crate::model::{FactBoard, Fail, Key, Kind, Moment, Outcome, Plan, Step, Wait};

/// Whether a pass writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Observe, plan, apply.
    Apply,
    /// Observe, plan.
    Plan,
}

/// Everything that a pass may touch.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) aws: Aws,
    pub(super) observer: Observer,
    pub(super) policy: Policy,
    pub(super) mode: Mode,
}

/// What a pass is about: values, taken at its start.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) key: Key,
    pub(super) set: Arc<DesiredSet>,
    pub(super) facts: Arc<FactBoard>,
    pub(super) now: Moment,
    pub(super) drifting_since: Option<Moment>,
    /// Observations from before this moment are not used.
    pub(super) fresh: Moment,
}

/// How a pass ended.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// The plan; its outcome is the pass's, a failed step included.
    pub(super) plan: Plan,
    /// How many writes AWS accepted.
    pub(super) written: usize,
    /// The write that AWS refused.
    pub(super) fault: Option<Fault>,
}

/// Passes over a key, whatever its kind. `None` if the set has no such key any more.
pub(super) async fn pass(context: &Context, request: &Request) -> Option<Done> {
    match request.key.kind {
        Kind::Cluster => run::<Cluster>(context, request).await,
        Kind::ImageRepository => run::<ImageRepository>(context, request).await,
        Kind::TaskDefinition => run::<TaskDefinition>(context, request).await,
        Kind::TargetGroup => run::<TargetGroup>(context, request).await,
        Kind::LoadBalancer => run::<LoadBalancer>(context, request).await,
        Kind::Listener => run::<Listener>(context, request).await,
        Kind::ListenerRule => run::<ListenerRule>(context, request).await,
        Kind::Service => run::<Service>(context, request).await,
        Kind::DeploymentGroup => run::<DeploymentGroup>(context, request).await,
    }
}

async fn run<K: Reconciled>(context: &Context, request: &Request) -> Option<Done> {
    let resource = request.set.get(&request.key)?;
    let (spec, mut unresolved) = resolve(resource, &request.facts);
    // What is implied by names (a rule that puts a target group behind its load balancer) is as
    // good a reason to wait as a reference.
    unresolved.extend(
        resource
            .needs
            .iter()
            .filter(|need| !ready(need, &request.facts))
            .cloned(),
    );
    unresolved.sort();
    unresolved.dedup();
    let view = View {
        resource,
        spec,
        unresolved,
        set: &request.set,
        facts: &request.facts,
        now: request.now,
        drifting_since: request.drifting_since,
        policy: &context.policy,
    };
    let observed = K::observe(&context.observer, &view, request.fresh).await; // I/O
    let plan = K::plan(&view, &observed); // pure
    Some(match context.mode {
        Mode::Apply => apply(context, request, plan).await, // I/O
        Mode::Plan => Done {
            plan,
            written: 0,
            fault: None,
        },
    })
}

/// Whether dependents may build on this resource.
fn ready(key: &Key, facts: &FactBoard) -> bool {
    facts
        .get(key)
        .is_some_and(|facts| facts.ready && facts.arn.is_some())
}

async fn apply(context: &Context, request: &Request, mut plan: Plan) -> Done {
    let mut written = 0;
    for step in &plan.steps {
        match context.aws.call(&step.call).await {
            Ok(answer) => {
                written += 1;
                tracing::info!(key = %request.key, operation = step.call.operation, "{}", step.why);
                if step.call.operation == "RegisterTaskDefinition" {
                    context.observer.registered(&answer);
                }
            }
            Err(fault) => {
                plan.outcome = refused(step, &fault);
                return Done {
                    plan,
                    written,
                    fault: Some(fault),
                };
            }
        }
    }
    Done {
        plan,
        written,
        fault: None,
    }
}

/// What a refused write means. Pure.
fn refused(step: &Step, fault: &Fault) -> Outcome {
    let text = format!("{}: {fault}", step.why);
    match fault.class {
        Class::Throttled | Class::Transient => Outcome::Waiting(Wait::TransientError, text),
        Class::Conflict => Outcome::Waiting(Wait::TransientError, format!("{text}; looking again")),
        Class::Denied => Outcome::Failed(Fail::AccessDenied, text),
        Class::Quota => Outcome::Failed(Fail::QuotaExceeded, text),
        Class::Invalid | Class::NotFound => Outcome::Failed(Fail::Rejected, text),
        Class::Internal => Outcome::Failed(Fail::Internal, text),
    }
}
