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
use super::pass::{Context, Mode, Request, pass};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::kinds::Policy;
use crate::manifest::DesiredSet;
use crate::model::{FactBoard, Facts, Fail, Key, Outcome, PLACEHOLDER, Plan};

/// The plan of every key.
pub type Preview = BTreeMap<Key, Plan>;

/// Plans the whole set without writing.
pub async fn preview(aws: Aws, clock: Clock, policy: Policy, set: DesiredSet) -> Preview {
    // What a run would do in the end: drift is healed, though not at once, and rollouts start when what keeps
    // them now is over.
    let policy = Policy {
        heal_at_once: true,
        in_the_end: true,
        ..policy
    };
    let context = Arc::new(Context::new(aws, &clock, policy, Mode::Plan));
    let set = Arc::new(set);
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
            let context = Arc::clone(&context);
            let request = Request {
                key: key.clone(),
                set: Arc::clone(&set),
                facts: Arc::clone(&shared),
                now: clock.now(),
                drifting_since: None,
                fresh: start,
                failures: 0,
                heal: false,
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
    plans
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
