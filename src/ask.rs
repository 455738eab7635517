//! What a person may ask of the running controller, and what it answers: the values that pass between
//! the API and the loop. Not HTTP, and no decision.
//!
//! Invariant: whoever asks gets an answer or a [`Refusal`], also when the loop ends meanwhile.

use tokio::sync::{mpsc, oneshot};

use crate::model::{Key, Moment, Order, PastRollout};

/// How many questions may wait for the loop at once.
const WAITING: usize = 64;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Read the source again and pass over this resource, or over all of them; answered when it is
    /// taken on, by [`Answer::Resync`].
    Resync(Option<Key>),
    /// The same of one resource, whose drift is healed then, whatever its manifest says of that.
    Heal(Key),
    /// What AWS knows of a resource's rollouts; answered by [`Answer::History`].
    History(Key),
    /// Set or end a hold; answered by [`Answer::Hold`] when AWS has taken it.
    Hold(HoldChange),
    /// Act on a resource's rollout; answered by [`Answer::Carried`] when AWS has accepted it.
    Command(Key, Order),
}

/// A hold to set or to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldChange {
    /// The service or cluster; everything if it is left out.
    pub key: Option<Key>,
    /// Who asks.
    pub by: String,
    /// The text of the tag that sets it; ends it if it is left out.
    pub text: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldChanged {
    /// The number of the look at all that it concerns: served when that many resyncs are completed.
    pub resync: u64,
    /// The resources at AWS whose tag was written or taken away, for a person: `service nova/auth`.
    pub on: Vec<String>,
    /// Clusters that could not be written because they are not there.
    pub absent: Vec<String>,
    /// Whether AWS's reads show it already.
    pub confirmed: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A resync was taken on. It is served when that many are completed.
    Resync(u64),
    /// The rollouts, newest first.
    History(Vec<PastRollout>),
    /// A hold was set or ended.
    Hold(HoldChanged),
    /// A command was carried out.
    Carried(Carried),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// When AWS had accepted it: what is observed later shows it.
    pub at: Moment,
    /// The deployment that it was about, by its id at AWS; none if nothing was in flight.
    pub deployment: Option<String>,
    /// What was done, for a person: one text for each call.
    pub done: Vec<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such resource.
    NotFound(String),
    /// It does not apply to this resource, or not as things stand now.
    NotApplicable(String),
    /// AWS refused what was to be done.
    RefusedByAws(String),
    /// It cannot be told or done just now: AWS cannot be read, or the program is stopping.
    Unavailable(String),
}

impl Refusal {
    /// One word for text and JSON.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NotFound",
            Self::NotApplicable(_) => "NotApplicable",
            Self::RefusedByAws(_) => "RefusedByAws",
            Self::Unavailable(_) => "Unavailable",
        }
    }

    /// What a person needs to know, with the cure.
    pub fn message(&self) -> &str {
        match self {
            Self::NotFound(text)
            | Self::NotApplicable(text)
            | Self::RefusedByAws(text)
            | Self::Unavailable(text) => text,
        }
    }
}

impl Refusal {
    /// The same refusal with its text changed.
    #[must_use]
    pub fn with_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        let (Self::NotFound(text)
        | Self::NotApplicable(text)
        | Self::RefusedByAws(text)
        | Self::Unavailable(text)) = &mut self;
        *text = change(text);
        self
    }
}

/// A question with the way back.
#[derive(Debug)]
pub struct Ask {
    /// What is asked.
    pub question: Question,
    /// Where the answer goes. Nobody may be listening any more.
    pub answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// Where to ask.
#[derive(Clone, Debug)]
pub struct Asker(mpsc::Sender<Ask>);

/// A place to ask and the loop's end of it.
pub fn channel() -> (Asker, mpsc::Receiver<Ask>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Asker(sender), receiver)
}

impl Asker {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The loop's [`Refusal`]; [`Refusal::Unavailable`] if the loop has ended.
    pub async fn ask(&self, question: Question) -> Result<Answer, Refusal> {
        let ended = || Refusal::Unavailable("the controller is stopping; ask again".to_owned());
        let (answer, answered) = oneshot::channel();
        let asked = self.0.send(Ask { question, answer }).await;
        asked.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_has_ended_refuses() {
        let (asker, receiver) = channel();
        drop(receiver);
        let refused = asker.ask(Question::Resync(None)).await.unwrap_err();
        assert_eq!(refused.label(), "Unavailable");

        let (asker, mut receiver) = channel();
        let asking = tokio::spawn(async move { asker.ask(Question::Resync(None)).await });
        drop(receiver.recv().await.unwrap());
        assert!(asking.await.unwrap().is_err(), "dropped unanswered");
    }
}
