//! What a run would do, without doing it: the passes of the daemon in `Mode::Plan`, level by level of
//! the references.
//!
//! Writes to nothing but our own tags are not told: they change nothing that anybody else sees, and
//! adopting what is live would never be silent.
//!
//! What does not exist yet is given to its dependents as a placeholder, so that the whole chain of a
//! first deployment is shown and not only its first link.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::fight::Writes;
use super::limits::Limits;
use super::pass::{Context, Mode, Request, pass};
use super::prune;
use super::slots::foretell;
use crate::aws::Aws;
use crate::clock::Clock;
use crate::kinds::Policy;
use crate::manifest::DesiredSet;
use crate::model::{FactBoard, Facts, Fail, Key, Outcome, PLACEHOLDER, Plan};
use crate::prune::{Hold, Terms, ground};
use crate::source::Sources;
use crate::status::PruneStatus;

/// The plan of every key.
pub type Preview = BTreeMap<Key, Plan>;

/// Plans the whole set without writing.
pub async fn preview(aws: Aws, clock: Clock, policy: Policy, set: DesiredSet) -> Preview {
    let context = context(aws, &clock, policy);
    plans(&context, &clock, &Arc::new(set)).await.0
}

/// What pruning, and the order of rollouts, are foreseen by.
#[derive(Clone, Copy, Debug)]
pub struct Foresight<'a> {
    /// Where the manifests are from.
    pub sources: &'a Sources,
    /// What is wrong with some of them.
    pub errors: Option<&'a str>,
    /// The share of each kind that may go, in percent.
    pub percent: u8,
    /// How many rollouts the daemon has in flight at once.
    pub limits: &'a Limits,
}

/// Plans the whole set, and what pruning would do beside it, whether it is on or not.
pub async fn foresee(
    aws: Aws,
    clock: Clock,
    policy: Policy,
    set: DesiredSet,
    by: Foresight<'_>,
) -> (Preview, PruneStatus) {
    let context = context(aws, &clock, policy);
    let set = Arc::new(set);
    let (mut plans, facts) = plans(&context, &clock, &set).await;
    foretell(by.limits, &set, &mut plans);
    let held = |(hold, text): (Hold, String)| PruneStatus {
        held: Some((hold.label(), text)),
        ..PruneStatus::default()
    };
    if let Err(hold) = ground(&set, None, by.errors) {
        return (plans, held(hold));
    }
    let seen = prune::look(&context, by.sources, &set, &facts, clock.now()).await;
    let (inventory, histories) = match seen {
        Ok(seen) => seen,
        Err(why) => return (plans, held((Hold::Unreadable, set.secrets.hide(&why)))),
    };
    let terms = Terms {
        set: &set,
        facts: &facts,
        declared: &inventory.declared,
        histories: &histories,
        missed_lately: &BTreeSet::new(),
        percent: by.percent,
    };
    let pruning = crate::prune::plan(&inventory.orphans, &terms);
    (plans, prune::shown(&pruning))
}

fn context(aws: Aws, clock: &Clock, policy: Policy) -> Arc<Context> {
    // What a run would do in the end: drift is healed, though not at once, and rollouts start when what keeps
    // them now is over.
    let policy = Policy {
        heal_at_once: true,
        in_the_end: true,
        ..policy
    };
    Arc::new(Context::new(aws, clock, policy, Mode::Plan))
}

/// The plans, and the facts as they will be.
async fn plans(
    context: &Arc<Context>,
    clock: &Clock,
    set: &Arc<DesiredSet>,
) -> (Preview, FactBoard) {
    let start = clock.now();
    let mut facts = FactBoard::new();
    let mut plans = Preview::new();
    let mut left: BTreeSet<Key> = set.resources.keys().cloned().collect();
    while !left.is_empty() {
        let level: Vec<Key> = left
            .iter()
            .filter(|key| {
                set.get(key)
                    .is_none_or(|resource| resource.needs.is_disjoint(&left))
            })
            .cloned()
            .collect();
        if level.is_empty() {
            // Cannot be: a cycle is an error at load. Whatever is left is not planned.
            break;
        }
        let mut passes = JoinSet::new();
        let shared = Arc::new(facts.clone());
        for key in level {
            left.remove(&key);
            let context = Arc::clone(context);
            let request = Request {
                key: key.clone(),
                set: Arc::clone(set),
                facts: Arc::clone(&shared),
                now: clock.now(),
                drifting_since: None,
                asked: None,
                fresh: start,
                floor: start,
                failures: 0,
                heal: false,
                turn: None,
                writes: Writes::default(),
            };
            passes.spawn(async move { (key, pass(&context, &request).await) });
        }
        while let Some(joined) = passes.join_next().await {
            let Ok((key, Some(done))) = joined else {
                continue;
            };
            let plan = told(done.plan);
            facts.insert(key.clone(), expected(&key, &plan));
            plans.insert(key, plan);
        }
    }
    for key in set.resources.keys() {
        // Only a pass that broke leaves its key without a plan.
        plans.entry(key.clone()).or_insert_with(|| {
            let why = "the pass broke; this is a defect of this program".to_owned();
            Plan::only(Outcome::Failed(Fail::Internal, why))
        });
    }
    (plans, facts)
}

/// The plan as a person is told it.
fn told(mut plan: Plan) -> Plan {
    let before = plan.steps.len();
    plan.steps.retain(|step| !step.only_records());
    if plan.steps.is_empty() && before > 0 {
        plan.outcome = Outcome::Converged;
    }
    plan
}

/// The facts that a resource will have once its plan is carried out.
fn expected(key: &Key, plan: &Plan) -> Facts {
    let mut facts = plan.facts.clone().unwrap_or_default();
    if !plan.steps.is_empty() && (facts.arn.is_none() || !facts.ready) {
        let placeholder = format!("{PLACEHOLDER}{key} is made)");
        facts.arn.get_or_insert_with(|| placeholder.clone());
        facts.label.get_or_insert_with(|| placeholder.clone());
        facts.uri.get_or_insert(placeholder);
        facts.ready = true;
    }
    if facts.name.is_empty() {
        key.name.clone_into(&mut facts.name);
    }
    facts
}
