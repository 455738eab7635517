//! Orders about rollouts: one is carried out in the place of a pass over its service, so that no pass decides
//! beside it; the next pass follows at once. What it takes is decided in [`service::ordered`].
//!
//! Invariants:
//! - Whoever gave the order gets the answer, unless they have gone; who has gone before it began has given none.
//! - Nothing is tried again: what AWS refused is told.

use tokio::sync::oneshot;

use super::Controller;
use super::asked::of_service;
use super::pass::{Context, Request, viewed, write_all};
use crate::ask::{Answer, Carried, Refusal};
use crate::aws::{Class, Fault};
use crate::kinds::service::{self, Verdict};
use crate::model::{Key, Order, Step};
use crate::status::{EventKind, WRITES, Write};

/// How many orders may wait for their turn.
const WAITING: usize = 16;

type Reply = oneshot::Sender<Result<Answer, Refusal>>;

/// An order that waits for its turn.
#[derive(Debug)]
pub(super) struct Ordered {
    order: Order,
    reply: Reply,
}

impl Ordered {
    /// Whether somebody still waits for it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// What came of an order.
#[derive(Debug)]
pub(super) struct Carrying {
    order: Order,
    reply: Reply,
    /// The calls that AWS accepted.
    done: Vec<Step>,
    /// Whether any reached AWS, or may have.
    touched: bool,
    result: Result<Option<String>, Refusal>,
}

/// Carries an order out.
pub(super) async fn carry_out(context: &Context, request: &Request, ordered: Ordered) -> Carrying {
    let Ordered { order, reply } = ordered;
    let (done, touched, result) = match verdict(context, request, &order).await {
        Err(refusal) => (Vec::new(), false, Err(refusal)),
        Ok((mut steps, deployment)) => {
            let written = write_all(context, &request.key, &steps).await;
            let rest = steps.split_off(written.accepted);
            let result = match rest.first() {
                None => Ok(deployment),
                Some(step) => Err(failed(&request.key, step, written.fault.as_ref())),
            };
            (steps, written.touched, result)
        }
    };
    Carrying {
        order,
        reply,
        done,
        touched,
        result: result
            .map_err(|refusal| refusal.with_message(|text| request.set.secrets.hide(text))),
    }
}

/// Why a call was not carried out.
fn failed(key: &Key, step: &Step, fault: Option<&Fault>) -> Refusal {
    let Some(fault) = fault else {
        let text = "the controller is stopping, or may not write just now; ask again";
        return Refusal::Unavailable(text.to_owned());
    };
    let text = format!(
        "{}: {fault}; `evenkeel describe {key}` says how it stands now",
        step.why
    );
    match fault.class {
        Class::Throttled | Class::Transient => Refusal::Unavailable(text),
        _ => Refusal::RefusedByAws(text),
    }
}

/// The calls that carry an order out, and the deployment that it is about.
async fn verdict(
    context: &Context,
    request: &Request,
    order: &Order,
) -> Result<(Vec<Step>, Option<String>), Refusal> {
    let key = &request.key;
    let gone = || Refusal::NotFound(format!("{key} has just gone"));
    let resource = request.set.get(key).ok_or_else(gone)?;
    let view = viewed(context, request, resource);
    match service::ordered(&context.observer, &view, order, request.now).await {
        Verdict::Do { steps, deployment } => Ok((steps, deployment)),
        Verdict::No(why) => Err(Refusal::NotApplicable(why)),
        Verdict::Unknown(why) => {
            let text = format!("cannot read how {key} stands: {why}; ask again");
            Err(Refusal::Unavailable(text))
        }
    }
}

impl Controller {
    /// Takes an order on, to be carried out when its service's turn comes: now, or after the pass that runs.
    pub(super) fn order(&mut self, key: Key, order: Order, reply: Reply) {
        let busy = |text: &str| Err(Refusal::Unavailable(text.to_owned()));
        let taken = self
            .known(&key)
            .and_then(|()| of_service(&key))
            .and_then(|()| {
                if self.orders.contains_key(&key) {
                    return busy("another command for it waits for its turn; ask again");
                }
                if self.orders.len() >= WAITING {
                    return busy("too many commands wait for their turn; ask again");
                }
                Ok(())
            });
        if let Err(refusal) = taken {
            self.refuse(&order, reply, refusal);
            return;
        }
        self.state.queue.add(key.clone(), self.clock.now());
        self.orders.insert(key, Ordered { order, reply });
    }

    /// Refuses the orders that cannot have their turn any more.
    pub(super) fn refuse_orders(&mut self) {
        let refused = self.context.is_refused();
        let gone: Vec<Key> = self
            .orders
            .keys()
            .filter(|key| refused || self.state.set.get(key).is_none())
            .cloned()
            .collect();
        for key in gone {
            let Some(Ordered { order, reply }) = self.orders.remove(&key) else {
                continue;
            };
            let refusal = if refused {
                let text = "the credentials are of another account than the environment's, so nothing is written; \
                    `evenkeel get` says which";
                Refusal::Unavailable(text.to_owned())
            } else {
                Refusal::NotFound(format!("{key} has just gone"))
            };
            self.refuse(&order, reply, refusal);
        }
    }

    fn refuse(&self, order: &Order, reply: Reply, refusal: Refusal) {
        let answer = Err(refusal);
        self.metrics
            .commanded(order.command.label(), result(&answer));
        reply.send(answer).ok();
    }

    /// Tells what came of an order, and has the service looked at.
    pub(super) fn carried(&mut self, key: &Key, carrying: Carrying) {
        let now = self.clock.now();
        let Carrying {
            order,
            reply,
            done,
            touched,
            result: outcome,
        } = carrying;
        self.state.commanded(key, touched, now);
        let label = order.command.label();
        let events = self.board.events();
        for step in &done {
            let text = format!("{} ({})", step.why, step.call.operation);
            events.record(now, EventKind::Write, Some(key), text);
        }
        let by = &order.by;
        match &outcome {
            Ok(deployment) => {
                let about = deployment.as_deref().unwrap_or("no deployment");
                tracing::info!(%key, command = label, by, deployment = about, "command carried out");
                let text = format!("{label} by {by}: carried out on {about}");
                events.record(now, EventKind::Command, Some(key), text);
            }
            Err(refusal) => {
                let why = refusal.message();
                tracing::warn!(%key, command = label, by, "command refused: {why}");
                let text = format!("{label} by {by}: {}: {why}", refusal.label());
                events.record(now, EventKind::Command, Some(key), text);
            }
        }
        self.board.write(|status| {
            let Some(resource) = status.resources.get_mut(key) else {
                return;
            };
            for step in &done {
                let write = Write {
                    at: now,
                    operation: step.call.operation,
                    why: step.why.clone(),
                };
                resource.writes.insert(0, write);
            }
            resource.writes.truncate(WRITES);
        });
        let done: Vec<String> = done.into_iter().map(|step| step.why).collect();
        let answer = match outcome {
            Ok(deployment) => Ok(Answer::Carried(Carried {
                at: now,
                deployment,
                done,
            })),
            Err(refusal) if done.is_empty() => Err(refusal),
            Err(refusal) => Err(refusal
                .with_message(|text| format!("done: {}; then not done: {text}", done.join("; ")))),
        };
        self.metrics.commanded(label, result(&answer));
        reply.send(answer).ok();
    }
}

/// The `result` label of a command.
fn result(answer: &Result<Answer, Refusal>) -> &'static str {
    match answer {
        Ok(_) => "done",
        Err(Refusal::NotFound(_) | Refusal::NotApplicable(_)) => "refused",
        Err(Refusal::RefusedByAws(_)) => "refused_by_aws",
        Err(Refusal::Unavailable(_)) => "unavailable",
    }
}
