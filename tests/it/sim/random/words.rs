//! What persons say to the daemon in a scenario, and what follows of it for the monitors.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evenkeel::ask::{Answer, HoldChange, Question, Refusal};
use evenkeel::model::{Command, Moment, NewHold};

use crate::sim::world::Daemon;

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    Hold,
    Resume,
    Abort,
    Rollback,
    Approve,
    Reject,
    Promote,
    Heal,
}

/// What came of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Heeded,
    /// It did not apply.
    Refused,
    /// It may have been heeded.
    Unknown,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The service is held, and the daemon has looked at it since.
    pub(super) held: bool,
    /// Content that a person took back, until the manifest says something else.
    pub(super) taken_back: Option<String>,
    /// All of it that a person ever took back: the record outlives other manifests.
    pub(super) ever: BTreeSet<String>,
    /// A word is being carried out.
    pub(super) ordering: bool,
    /// When each content was approved last.
    pub(super) approved: BTreeMap<String, Moment>,
    /// How often each word was heeded.
    pub(super) heeded: BTreeMap<Word, usize>,
}

impl Said {
    pub(super) fn begin(&mut self, word: Word) {
        self.ordering = true;
        if word == Word::Resume {
            self.held = false;
        }
    }

    /// `content` is what an abort, a rejection or a rollback takes back, and what an approval is of.
    pub(super) fn end(&mut self, word: Word, heard: Heard, content: Option<String>, now: Moment) {
        self.ordering = false;
        let heeded = heard == Heard::Heeded;
        *self.heeded.entry(word).or_default() += usize::from(heeded);
        match word {
            Word::Approve if heard != Heard::Refused => {
                self.approved.extend(content.map(|content| (content, now)));
            }
            _ if !heeded => {}
            Word::Hold => self.held = true,
            Word::Resume | Word::Approve | Word::Promote | Word::Heal => {}
            Word::Abort | Word::Rollback | Word::Reject => {
                self.ever.extend(content.clone());
                self.taken_back = content;
            }
        }
    }
}

/// Says it, and what the daemon has confirmed. A daemon that dies or is answered by nobody confirms nothing.
pub(super) async fn say(daemon: &Daemon, key: &str, word: Word, now: Moment) -> Heard {
    let command = match word {
        Word::Hold | Word::Resume => {
            let changed = change(daemon, key, word == Word::Hold, now);
            return within(changed).await;
        }
        Word::Heal => {
            let asked = async {
                let asked = Question::Heal(key.parse().unwrap());
                let asked = daemon.asker.ask(asked).await;
                heard(matches!(asked, Ok(Answer::Resync(_))))
            };
            return within(asked).await;
        }
        Word::Abort => Command::Abort { foreign: false },
        Word::Rollback => Command::Rollback { foreign: false },
        Word::Reject => Command::Reject { digest: None },
        Word::Promote => Command::Promote {
            foreign: false,
            terminate: false,
        },
        Word::Approve => {
            let status = daemon.board.read();
            let one = status.resources.get(&key.parse().unwrap());
            let Some(digest) = one.and_then(|one| one.digest.clone()) else {
                return Heard::Refused;
            };
            Command::Approve { digest }
        }
    };
    within(async {
        match daemon.order(key, command).await {
            Ok(_) => Heard::Heeded,
            Err(Refusal::NotApplicable(_) | Refusal::NotFound(_)) => Heard::Refused,
            Err(_) => Heard::Unknown,
        }
    })
    .await
}

fn heard(heeded: bool) -> Heard {
    if heeded {
        Heard::Heeded
    } else {
        Heard::Unknown
    }
}

async fn within(said: impl Future<Output = Heard>) -> Heard {
    let patience = Duration::from_mins(10);
    let said = tokio::time::timeout(patience, said).await;
    said.unwrap_or(Heard::Unknown)
}

async fn change(daemon: &Daemon, key: &str, hold: bool, now: Moment) -> Heard {
    let hold = hold.then(|| NewHold {
        reason: "incident".to_owned(),
        by: "ann".to_owned(),
        until: None,
    });
    let change = HoldChange {
        key: Some(key.parse().unwrap()),
        by: "ann".to_owned(),
        text: hold.map(|hold| hold.text(now).unwrap()),
    };
    let Ok(Answer::Hold(changed)) = daemon.asker.ask(Question::Hold(change)).await else {
        return Heard::Unknown;
    };
    while changed.confirmed && daemon.board.read().resyncs.completed < changed.resync {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    heard(changed.confirmed)
}
