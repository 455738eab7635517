//! One pass over one key: observe (I/O) → plan (pure) → apply (I/O). When to look again is decided
//! by the loop, from the outcome, by `requeue`.
//!
//! Invariants:
//! - A step that fails ends the pass; nothing is retried in it.
//! - With `Mode::Plan` nothing is written.
//! - No waiting: the longest a pass takes is its calls' timeouts.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::RwLock;

use super::fight::{Verdict, Writes};
use crate::aws::{Aws, Class, Fault, Observer};
use crate::clock::Clock;
use crate::document::{self, Secrets};
use crate::kinds::{
    Policy, Reconciled, View, cluster::Cluster, deployment_group::DeploymentGroup, heal, hold,
    image_repository::ImageRepository, listener::Listener, listener_rule::ListenerRule,
    load_balancer::LoadBalancer, scalable_target::ScalableTarget, scaling_policy::ScalingPolicy,
    service::Service, target_group::TargetGroup, task_definition::TaskDefinition,
};
use crate::manifest::{DesiredSet, Resource, resolve};
use crate::model::{Block, Call, FactBoard, Fail, Key, Kind, Moment, Outcome, Plan, Step, Wait};

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
    pub(super) observer: Arc<Observer>,
    pub(super) policy: Policy,
    pub(super) mode: Mode,
    /// Each write holds it for reading, so that whoever changes it waits for the writes in flight and for
    /// nothing else.
    gate: RwLock<Gate>,
    /// The credentials are of an account that the environment does not allow.
    refused: AtomicBool,
}

/// Which writes may begin.
#[derive(Debug)]
struct Gate {
    /// Whether any may.
    open: bool,
    /// Those of passes that began at or before this may not.
    after: Moment,
}

impl Context {
    pub(super) fn new(aws: Aws, clock: &Clock, policy: Policy, mode: Mode) -> Self {
        let observer = Arc::new(Observer::new(aws.clone(), clock.clone()));
        Self {
            aws,
            observer,
            policy,
            mode,
            gate: RwLock::new(Gate {
                open: true,
                after: Moment(i64::MIN),
            }),
            refused: AtomicBool::new(false),
        }
    }

    /// Lets no write begin any more, and waits for those in flight.
    pub(super) async fn close(&self) {
        self.gate.write().await.open = false;
    }

    /// Lets no pass that has begun by now write any more, and waits for the writes in flight: what such a
    /// pass has seen is out of date.
    pub(super) async fn outdate(&self, now: Moment) {
        self.gate.write().await.after = now;
    }

    /// Lets no write begin while the credentials are of the wrong account.
    pub(super) fn refuse(&self, refused: bool) {
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// Whether the credentials are of the wrong account.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// What a pass is about: values, taken at its start.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) key: Key,
    pub(super) set: Arc<DesiredSet>,
    pub(super) facts: Arc<FactBoard>,
    pub(super) now: Moment,
    pub(super) drifting_since: Option<Moment>,
    /// What waits for an approval, and since when.
    pub(super) asked: Option<(String, Moment)>,
    /// Observations from before this moment are not used.
    pub(super) fresh: Moment,
    /// The same of what is only shown and not decided by.
    pub(super) floor: Moment,
    /// Passes that failed in a row before this one.
    pub(super) failures: u32,
    /// Whether a person asked to have drift healed now.
    pub(super) heal: bool,
    /// Why it is not its turn to start a rollout, where there are limits; `None` if it may.
    pub(super) turn: Option<String>,
    /// What was written for it lately.
    pub(super) writes: Writes,
}

/// How a pass ended.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// The plan; its outcome is the pass's, a failed step included.
    pub(super) plan: Plan,
    /// The digest of the plan's writes, if AWS accepted all of them.
    pub(super) written: Option<String>,
    /// How many of the plan's steps AWS accepted.
    pub(super) accepted: usize,
    /// Whether any write reached AWS, or may have.
    pub(super) touched: bool,
}

impl Done {
    /// A pass that wrote nothing.
    pub(super) fn without_writes(plan: Plan) -> Self {
        Self {
            plan,
            written: None,
            accepted: 0,
            touched: false,
        }
    }
}

/// Passes over a key, whatever its kind. `None` if the set has no such key any more.
pub(super) async fn pass(context: &Context, request: &Request) -> Option<Done> {
    let pass = match request.key.kind {
        Kind::Cluster => boxed::<Cluster>(context, request),
        Kind::ImageRepository => boxed::<ImageRepository>(context, request),
        Kind::TaskDefinition => boxed::<TaskDefinition>(context, request),
        Kind::TargetGroup => boxed::<TargetGroup>(context, request),
        Kind::LoadBalancer => boxed::<LoadBalancer>(context, request),
        Kind::Listener => boxed::<Listener>(context, request),
        Kind::ListenerRule => boxed::<ListenerRule>(context, request),
        Kind::Service => boxed::<Service>(context, request),
        Kind::DeploymentGroup => boxed::<DeploymentGroup>(context, request),
        Kind::ScalableTarget => boxed::<ScalableTarget>(context, request),
        Kind::ScalingPolicy => boxed::<ScalingPolicy>(context, request),
    };
    pass.await
}

/// Off the stack: the passes of all kinds side by side are too large for it.
fn boxed<'a, K: Reconciled + 'a>(
    context: &'a Context,
    request: &'a Request,
) -> Pin<Box<dyn Future<Output = Option<Done>> + Send + 'a>> {
    Box::pin(run::<K>(context, request))
}

async fn run<K: Reconciled>(context: &Context, request: &Request) -> Option<Done> {
    let resource = request.set.get(&request.key)?;
    let view = viewed(context, request, resource);
    let observed = K::observe(&context.observer, &view, request.fresh).await; // I/O
    let plan = K::plan(&view, &observed); // pure
    let mut plan = under_holds(context, request, plan).await;
    hide(&mut plan, &request.set.secrets);
    let mut done = match context.mode {
        Mode::Apply => apply(context, request, plan).await, // I/O
        Mode::Plan => Done::without_writes(plan),
    };
    // AWS may quote in its refusal what it was sent.
    hide(&mut done.plan, &request.set.secrets);
    Some(done)
}

/// How old the tags may be by which a plan that writes is held. Other than what is compared, they are the word
/// of a person who expects to be heeded at once.
const HOLDS_AGE: Duration = Duration::from_secs(1);

/// How old the tags may be of which only is told. Clusters and services are read more often than that by
/// passes of their own, so that it costs no call.
const SHOWN_AGE: Duration = Duration::from_mins(2);

/// The plan as far as holds let it.
async fn under_holds(context: &Context, request: &Request, plan: Plan) -> Plan {
    let (key, set, now) = (&request.key, &request.set, request.now);
    let fresh = if hold::matters(&plan) {
        request.fresh.max(now.minus(HOLDS_AGE))
    } else {
        request.floor.max(now.minus(SHOWN_AGE))
    };
    let places = hold::places(set, key);
    let read = hold::observe(&context.observer, places, fresh).await; // I/O
    let holding = hold::holding(key, &read, now);
    match context.mode {
        Mode::Apply => hold::around(key, plan, holding),
        // What would be done is told, and that it is held.
        Mode::Plan => Plan {
            hold: holding.in_force,
            ..plan
        },
    }
}

/// What a planner looks at besides the observation.
pub(super) fn viewed<'a>(
    context: &'a Context,
    request: &'a Request,
    resource: &'a Resource,
) -> View<'a> {
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
    View {
        resource,
        spec,
        unresolved,
        set: &request.set,
        facts: &request.facts,
        now: request.now,
        drifting_since: request.drifting_since,
        asked: request
            .asked
            .as_ref()
            .map(|(digest, since)| (digest.as_str(), *since)),
        heal_now: request.heal,
        turn: request.turn.as_deref(),
        policy: &context.policy,
        resetting: Vec::new(),
    }
}

/// Takes the values that may be shown nowhere out of everything that is shown of a plan; the
/// requests keep them. Where they may stand is hidden anyway; this is the second line.
fn hide(plan: &mut Plan, secrets: &Secrets) {
    if secrets.is_empty() {
        return;
    }
    let outcome = std::mem::replace(&mut plan.outcome, Outcome::Converged);
    plan.outcome = outcome.with_message(|text| secrets.hide(text));
    if let Some(hold) = &mut plan.hold {
        hold.reason = secrets.hide(&hold.reason);
    }
    for step in &mut plan.steps {
        step.why = secrets.hide(&step.why);
    }
    for drift in &mut plan.drift {
        drift.path = secrets.hide(&drift.path);
        drift.live = secrets.hide_in(&drift.live);
        drift.desired = secrets.hide_in(&drift.desired);
    }
}

/// Whether dependents may build on this resource.
fn ready(key: &Key, facts: &FactBoard) -> bool {
    facts
        .get(key)
        .is_some_and(|facts| facts.ready && facts.arn.is_some())
}

async fn apply(context: &Context, request: &Request, mut plan: Plan) -> Done {
    let digest = writes(&plan.steps);
    if let Some(digest) = &digest {
        match request.writes.verdict(digest, request.now) {
            Verdict::Write => {}
            Verdict::Wait(times, until) => {
                let text = waits(&plan.steps, times, until);
                plan.outcome = Outcome::Waiting(Wait::HealBackoff, text);
                plan.again = Some(until);
                return Done::without_writes(plan);
            }
            Verdict::Hold(times) => {
                plan.outcome = Outcome::Blocked(Block::Contested, contested(&plan.steps, times));
                return Done::without_writes(plan);
            }
        }
    }
    let begun = Some(request.now);
    let written = write_all(context, &request.key, &plan.steps, begun).await;
    let whole = written.accepted == plan.steps.len();
    if let Some(fault) = &written.fault {
        let step = &plan.steps[written.accepted];
        plan.outcome = refused(step, fault, request.failures);
    }
    Done {
        plan,
        written: digest.filter(|_| whole),
        accepted: written.accepted,
        touched: written.touched,
    }
}

/// What came of some writes.
#[derive(Debug)]
pub(super) struct Written {
    /// How many of them AWS accepted, from the first on.
    pub(super) accepted: usize,
    /// Whether any reached AWS, or may have.
    pub(super) touched: bool,
    /// Why the one after those failed; `None` where it was not begun, because the program is stopping or may
    /// not write.
    pub(super) fault: Option<Fault>,
}

/// Writes, one after the other; the first failure ends it. `begun` as of [`send`].
pub(super) async fn write_all(
    context: &Context,
    key: &Key,
    steps: &[Step],
    begun: Option<Moment>,
) -> Written {
    let mut written = Written {
        accepted: 0,
        touched: false,
        fault: None,
    };
    for step in steps {
        let Some(sent) = send(context, &step.call, begun).await else {
            // The next pass finds the same difference.
            return written;
        };
        written.touched = true;
        match sent {
            Ok(answer) => {
                written.accepted += 1;
                let operation = step.call.operation;
                tracing::info!(%key, operation, "{}", step.why);
                if operation == "RegisterTaskDefinition" {
                    context.observer.registered(&answer);
                }
            }
            Err(fault) => {
                written.fault = Some(fault);
                return written;
            }
        }
    }
    written
}

/// Sends one write; nothing if the program is stopping or may not write, or if somebody has set a hold since
/// `begun`, when what decides it was looked at. Without that moment it is a person's order.
pub(super) async fn send(
    context: &Context,
    call: &Call,
    begun: Option<Moment>,
) -> Option<Result<Value, Fault>> {
    // Before the gate, so that stopping waits for writes and not for their turn.
    context.aws.admit(call).await;
    let gate = context.gate.read().await;
    let outdated = begun.is_some_and(|begun| begun <= gate.after);
    if !gate.open || outdated || context.is_refused() {
        return None;
    }
    let sent = context.aws.send(call).await;
    if sent.is_ok() {
        context.observer.wrote(call);
    }
    Some(sent)
}

/// The digest of some writes, our own records left out where there are others; `None` if there are none.
fn writes(steps: &[Step]) -> Option<String> {
    if steps.is_empty() {
        return None;
    }
    let only_records = steps.iter().all(Step::only_records);
    let told = steps
        .iter()
        .filter(|step| only_records || !step.only_records());
    let calls: Vec<Value> = told
        .map(|step| json!([step.call.operation, step.call.input]))
        .collect();
    Some(document::digest(&Value::from(calls)))
}

fn whys(steps: &[Step]) -> String {
    let whys: Vec<&str> = steps.iter().map(|step| step.why.as_str()).collect();
    whys.join("; ")
}

/// Says that writes are made again later.
fn waits(steps: &[Step], times: usize, until: Moment) -> String {
    let times = match times {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    format!(
        "written {times} lately, and somebody has changed it again: {}; it is written again at {}",
        whys(steps),
        heal::time(until)
    )
}

/// Says that writes are made no more.
fn contested(steps: &[Step], times: usize) -> String {
    format!(
        "written again and again ({times} times), and AWS still answers otherwise: {}; somebody else, another \
         controller perhaps, may be writing too. Find them, or name the member in `sync.ignore`; it is not \
         written again until the manifest changes or a resync is asked for",
        whys(steps)
    )
}

/// After how many failures in a row "not found" is believed of something that a write needs. What
/// was just created may not be seen yet by the next call (aws-facts 3.3, 3.4).
const LAG_FAILURES: u32 = 3;

/// What a refused write means. Pure.
fn refused(step: &Step, fault: &Fault, failures: u32) -> Outcome {
    let text = format!("{}: {fault}", step.why);
    match fault.class {
        Class::Throttled | Class::Transient => Outcome::Waiting(Wait::TransientError, text),
        Class::NotFound if failures < LAG_FAILURES => Outcome::Waiting(Wait::TransientError, text),
        Class::Conflict => Outcome::Waiting(Wait::TransientError, format!("{text}; looking again")),
        Class::Denied => Outcome::Failed(Fail::AccessDenied, text),
        Class::Quota => Outcome::Failed(Fail::QuotaExceeded, text),
        Class::Invalid | Class::NotFound => Outcome::Failed(Fail::Rejected, text),
        Class::Internal => Outcome::Failed(Fail::Internal, text),
    }
}
