//! What persons say to the daemon in a scenario, and what follows of it for the monitors.

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel::ask::{Answer, HoldChange, Question};
use evenkeel::model::{Command, Moment, NewHold};

use crate::sim::world::Daemon;

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    Hold,
    Resume,
    Abort,
    Rollback,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The service is held, and the daemon has looked at it since.
    pub(super) held: bool,
    /// Content that a person took back, until the manifest says something else.
    pub(super) taken_back: Option<String>,
    /// A word is being carried out.
    pub(super) ordering: bool,
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

    /// `content` is what an abort or a rollback takes back.
    pub(super) fn end(&mut self, word: Word, heeded: bool, content: Option<String>) {
        self.ordering = false;
        *self.heeded.entry(word).or_default() += usize::from(heeded);
        match word {
            _ if !heeded => {}
            Word::Hold => self.held = true,
            Word::Resume => {}
            Word::Abort | Word::Rollback => self.taken_back = content,
        }
    }
}

/// Says it; whether the daemon has confirmed it. A daemon that dies or is answered by nobody confirms nothing.
pub(super) async fn say(daemon: &Daemon, key: &str, word: Word, now: Moment) -> bool {
    let patience = Duration::from_secs(600);
    let said = tokio::time::timeout(patience, async {
        match word {
            Word::Hold | Word::Resume => change(daemon, key, word == Word::Hold, now).await,
            Word::Abort => {
                let order = daemon.order(key, Command::Abort { foreign: false });
                order.await.is_ok()
            }
            Word::Rollback => {
                let order = daemon.order(key, Command::Rollback { foreign: false });
                order.await.is_ok()
            }
        }
    });
    said.await.unwrap_or(false)
}

async fn change(daemon: &Daemon, key: &str, hold: bool, now: Moment) -> bool {
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
        return false;
    };
    while changed.confirmed && daemon.board.read().resyncs.completed < changed.resync {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    changed.confirmed
}
