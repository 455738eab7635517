//! What persons ask of the running loop: it takes a resync on, and answers from AWS beside itself. No
//! request holds up the loop, and one at a time reads AWS, so that whoever asks often delays no pass.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Controller;
use super::pass::{Context, Request, viewed};
use crate::ask::{Answer, Ask, Question, Refusal};
use crate::kinds::service;
use crate::model::{Key, Kind, Moment, Seen};
use crate::status::EventKind;

/// Waits for the next question; for ever where nobody can ask.
pub(super) async fn next(asks: &mut Option<mpsc::Receiver<Ask>>) -> Option<Ask> {
    match asks {
        Some(asks) => asks.recv().await,
        None => std::future::pending().await,
    }
}

impl Controller {
    /// Lets persons ask through this.
    #[must_use]
    pub fn with_asks(mut self, asks: mpsc::Receiver<Ask>) -> Self {
        self.asks = Some(asks);
        self
    }

    /// Takes a question on. Gives whether the source is to be read now.
    pub(super) fn asked(&mut self, ask: Ask) -> bool {
        let mut look = false;
        let answer = match ask.question {
            Question::Resync(None) => {
                look = true;
                Ok(Answer::Resync(self.ask_resync("api")))
            }
            Question::Resync(Some(key)) => self.known(&key).map(|()| {
                look = true;
                Answer::Resync(self.ask_resync_of(key))
            }),
            Question::Hold(change) => {
                self.change_hold(change, ask.answer);
                return look;
            }
            Question::Heal(key) => self.known(&key).map(|()| {
                look = true;
                let text = format!("what differs of {key} is to be healed now");
                let now = self.clock.now();
                self.board
                    .events()
                    .record(now, EventKind::Command, Some(&key), text);
                self.healing.insert(key.clone());
                Answer::Resync(self.ask_resync_of(key))
            }),
            Question::Command(key, order) => {
                self.order(key, order, ask.answer);
                return look;
            }
            Question::History(key) => match self.known(&key).and_then(|()| of_service(&key)) {
                Ok(()) => {
                    let Ok(place) = Arc::clone(&self.histories).try_acquire_owned() else {
                        let text = "another history is being read from AWS; ask again";
                        let refusal = Refusal::Unavailable(text.to_owned());
                        ask.answer.send(Err(refusal)).ok();
                        return look;
                    };
                    let now = self.clock.now();
                    let mut request = self.state.request(&key, now);
                    request.fresh = now;
                    let context = Arc::clone(&self.context);
                    let mut answer = ask.answer;
                    tokio::spawn(async move {
                        let _place = place;
                        let told = tokio::select! {
                            // Whoever asked has gone.
                            () = answer.closed() => return,
                            told = history(&context, &request) => told,
                        };
                        answer.send(told).ok();
                    });
                    return look;
                }
                Err(refusal) => Err(refusal),
            },
        };
        ask.answer.send(answer).ok();
        look
    }

    /// Whether a key can be acted on.
    pub(super) fn known(&self, key: &Key) -> Result<(), Refusal> {
        if self.state.set.get(key).is_some() {
            return Ok(());
        }
        if let Some(why) = self.state.set.invalid.get(key) {
            let text = format!("the manifest of {key} has an error: {why}; mend it first");
            return Err(Refusal::NotApplicable(text));
        }
        if self.revision.is_none() {
            let text = "no manifest has been read yet; see `evenkeel get` for why";
            return Err(Refusal::Unavailable(text.to_owned()));
        }
        let text = format!("{key} is not among the manifests in force; `evenkeel get` lists them");
        Err(Refusal::NotFound(text))
    }

    /// Takes a request to look at one resource again, at the newest that its source has. Gives the
    /// request's number.
    fn ask_resync_of(&mut self, key: Key) -> u64 {
        tracing::info!(trigger = "api", %key, "resync");
        self.metrics.resync_requested("api", "resource");
        let number = self.note_resync(Some(&key));
        self.resyncing.insert(key);
        // A head that is held stays so: that takes a resync of everything.
        self.pushed = true;
        number
    }

    /// Counts a request to resync. Gives its number.
    pub(super) fn note_resync(&mut self, key: Option<&Key>) -> u64 {
        let now = self.clock.now();
        let what = key.map_or_else(|| "everything".to_owned(), ToString::to_string);
        let text = format!("resync of {what} was asked for");
        self.board
            .events()
            .record(now, EventKind::Resync, key, text);
        // A read that began before the request may have missed what the person wants read.
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
        self.count_resync(now)
    }

    /// Counts a look at what the loop has been told to look at. Gives its number.
    pub(super) fn count_resync(&mut self, now: Moment) -> u64 {
        self.board.write(|status| {
            status.resyncs.requested += 1;
            status.resyncs.requested_at = Some(now);
            status.resyncs.requested
        })
    }
}

pub(super) fn of_service(key: &Key) -> Result<(), Refusal> {
    if key.kind == Kind::Service {
        return Ok(());
    }
    let text = format!("{key} has no rollouts; name a Service, such as Service/auth-service");
    Err(Refusal::NotApplicable(text))
}

async fn history(context: &Context, request: &Request) -> Result<Answer, Refusal> {
    let gone = || Refusal::NotFound(format!("{} has just gone", request.key));
    let resource = request.set.get(&request.key).ok_or_else(gone)?;
    let view = viewed(context, request, resource);
    let mut past = match service::rollouts(&context.observer, &view, request.fresh).await {
        Seen::Present(past) => past,
        Seen::Absent => Vec::new(),
        Seen::Unknown(why) => {
            let text = format!("cannot read the rollouts of {}: {why}", request.key);
            return Err(Refusal::Unavailable(request.set.secrets.hide(&text)));
        }
    };
    for one in &mut past {
        one.why = request.set.secrets.hide(&one.why);
    }
    Ok(Answer::History(past))
}
