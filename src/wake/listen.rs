//! Reads the queue by long poll, tells the loop what to look at, deletes what was read. I/O; what a message
//! means and how often it counts is decided by `event` and `held`.
//!
//! A message is deleted whatever it says, after the loop was told: read again it would say nothing else. A
//! crash in between loses nothing but a wake-up.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Address, Heard, Held, heard};
use crate::aws::{Aws, Class, Fault};
use crate::clock::Clock;
use crate::controller::Event;
use crate::metrics::Metrics;
use crate::model::{Call, Moment, Service};
use crate::status::{Board, WakeStatus};

/// The longest wait for a message, and the most messages of an answer (SQS API reference,
/// `ReceiveMessage`).
const WAIT: Duration = Duration::from_secs(20);
const MOST: usize = 10;

/// A queue that answers "nothing" sooner than this does not wait as it is asked to (some emulators):
/// so long the next question is put off.
const QUICK: Duration = Duration::from_secs(1);

/// The first wait after a failure, and the longest (simulated time).
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What reads a queue.
#[derive(Debug)]
pub struct Listener {
    /// The queue.
    pub address: Address,
    /// Whose credentials read it, and whose events count.
    pub aws: Aws,
    /// The clock of pauses.
    pub clock: Clock,
    /// Where it counts.
    pub metrics: std::sync::Arc<Metrics>,
    /// Where it tells how the queue stands.
    pub board: Board,
    /// Seed of the jitter. Tests fix it.
    pub seed: u64,
}

/// A message: its body, and what deletes it.
#[derive(Clone, Debug)]
struct Message {
    body: Option<String>,
    handle: Option<String>,
}

/// Reads until nobody takes events any more.
pub async fn listen(listener: Listener, events: mpsc::Sender<Event>) {
    listener.board.write(|status| {
        status.wake = Some(WakeStatus {
            queue: listener.address.to_string(),
            ..WakeStatus::default()
        });
    });
    let mut luck = fastrand::Rng::with_seed(listener.seed);
    let mut held = Held::default();
    let mut failures = 0;
    // Never dropped before it ends: messages that were on their way would be hidden for a while.
    let mut turn = Box::pin(listener.turn(Vec::new(), Duration::ZERO));
    loop {
        let next = held.next();
        let ended = tokio::select! {
            biased;
            ended = &mut turn => Some(ended),
            () = until(&listener.clock, next), if next.is_some() => None,
        };
        let mut read = Vec::new();
        let mut rest = Duration::ZERO;
        match &ended {
            None => {}
            Some(Ok((messages, took))) => {
                failures = 0;
                if messages.is_empty() && *took < QUICK {
                    rest = QUICK;
                }
                listener.stands(None, !messages.is_empty());
                listener.take_in(messages, &mut held);
                read.extend(messages.iter().filter_map(|message| message.handle.clone()));
            }
            Some(Err(fault)) => {
                failures += 1;
                rest = backoff(failures, luck.f64());
                listener.stands(Some(fault), false);
            }
        }
        let due = held.due(listener.clock.now());
        for hint in &due {
            listener.metrics.woken(hint.label());
            tracing::debug!(about = hint.label(), "woken by the queue");
        }
        // Waits while the loop has not taken the last; the loop waits for nobody.
        if !due.is_empty() && events.send(Event::Woken(due)).await.is_err() {
            return;
        }
        if ended.is_some() {
            turn = Box::pin(listener.turn(read, rest));
        }
    }
}

impl Listener {
    /// Deletes what was read, rests, and waits for messages; how long that took.
    async fn turn(
        &self,
        read: Vec<String>,
        rest: Duration,
    ) -> Result<(Vec<Message>, Duration), Fault> {
        if !read.is_empty() {
            self.delete(&read).await?;
        }
        self.clock.sleep(rest).await;
        let asked = self.clock.now();
        let messages = self.receive().await?;
        Ok((messages, self.clock.now().since(asked)))
    }

    async fn receive(&self) -> Result<Vec<Message>, Fault> {
        let input = json!({
            "QueueUrl": self.address.url(),
            "MaxNumberOfMessages": MOST,
            "WaitTimeSeconds": WAIT.as_secs(),
        });
        let mut answer = self.call("ReceiveMessage", input).await?;
        match answer.get_mut("Messages").map(Value::take) {
            // An answer without a message lacks the list.
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(messages)) => Ok(messages.into_iter().map(message).collect()),
            Some(_) => Err(Fault::internal(
                Service::Sqs,
                "ReceiveMessage",
                "the answer's Messages are no list",
            )),
        }
    }

    /// Those that are not deleted come again, and say nothing new.
    async fn delete(&self, handles: &[String]) -> Result<(), Fault> {
        let entries: Vec<Value> = handles
            .iter()
            .enumerate()
            .map(|(at, handle)| json!({"Id": at.to_string(), "ReceiptHandle": handle}))
            .collect();
        let input = json!({"QueueUrl": self.address.url(), "Entries": entries});
        self.call("DeleteMessageBatch", input).await?;
        Ok(())
    }

    async fn call(&self, operation: &'static str, input: Value) -> Result<Value, Fault> {
        let call = Call {
            service: Service::Sqs,
            operation,
            input,
        };
        let region = self.address.region().unwrap_or(self.aws.region());
        self.aws.call_in(region, &call).await
    }

    /// Takes in what messages say.
    fn take_in(&self, messages: &[Message], held: &mut Held) {
        let account = self.aws.known_account();
        let mut hints = BTreeSet::new();
        for message in messages {
            let heard = message.body.as_deref().map_or(Heard::Broken, |body| {
                heard(body, account, self.aws.region())
            });
            self.metrics.wake_heard(heard.label());
            if let Heard::Look(hint) = heard {
                hints.insert(hint);
            }
        }
        for hint in hints {
            held.told(hint, self.clock.now());
        }
    }

    /// Tells how the queue stands; logs what has changed.
    fn stands(&self, fault: Option<&Fault>, message: bool) {
        let now = self.clock.now();
        let trouble = fault.map(|fault| (fault.class.label(), why(fault)));
        let changed = self.board.write(|status| {
            let wake = status.wake.get_or_insert_default();
            if message {
                wake.last_message = Some(now);
            }
            let before = wake
                .reached
                .then(|| wake.trouble.as_ref().map(|(word, _)| *word));
            let after = trouble.as_ref().map(|(word, _)| *word);
            wake.reached = true;
            wake.trouble.clone_from(&trouble);
            let changed = before != Some(after);
            if changed {
                wake.since = now;
            }
            changed
        });
        if !changed {
            return;
        }
        let queue = &self.address;
        match trouble {
            None => tracing::info!(%queue, "woken by a queue"),
            Some((_, why)) => {
                tracing::warn!(%queue, "no wake-ups: {why}; everything is still found by polling");
            }
        }
    }
}

/// What is wrong, and the cure where there is one.
fn why(fault: &Fault) -> String {
    let cure = match fault.class {
        Class::Denied => {
            "; allow sqs:ReceiveMessage and sqs:DeleteMessage on it (deploy/iam-policy-wake.json)"
        }
        Class::NotFound => "; is it the URL of --wake-queue, in the right region and account?",
        _ => "",
    };
    format!("{fault}{cure}")
}

fn message(document: Value) -> Message {
    let Value::Object(mut document) = document else {
        return Message {
            body: None,
            handle: None,
        };
    };
    let mut text = |member: &str| match document.remove(member) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    Message {
        body: text("Body"),
        handle: text("ReceiptHandle"),
    }
}

/// How long to rest after this many failures in a row; `luck` is a random number in 0..1.
fn backoff(failures: u32, luck: f64) -> Duration {
    let doubled = BACKOFF
        .0
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    doubled
        .min(BACKOFF.1)
        .mul_f64(0.8 + 0.4 * luck.clamp(0.0, 1.0))
}

async fn until(clock: &Clock, moment: Option<Moment>) {
    match moment {
        Some(moment) => clock.sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_wait_longer_up_to_a_minute() {
        assert_eq!(backoff(1, 0.5), Duration::from_secs(1));
        assert_eq!(backoff(4, 0.0), Duration::from_millis(6400));
        assert_eq!(backoff(u32::MAX, 1.0), Duration::from_secs(72));
    }

    #[test]
    fn a_message_without_its_members_breaks_nothing() {
        for document in [
            json!(7),
            json!({}),
            json!({"Body": 7, "ReceiptHandle": null}),
        ] {
            let message = message(document);
            assert!(message.body.is_none() && message.handle.is_none());
        }
    }
}
