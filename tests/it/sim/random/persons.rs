//! What persons, scalers and second daemons do in a scenario, as far as its wishes give them anything to do.

use super::monitors::{AFTER, BEFORE};
use super::scenario::Scenario;
use super::sight::End;
use super::stage::{self, Stage};
use super::wishes::{Asks, Heals, Wishes};
use super::words::{self, Word};

/// What may happen besides.
#[derive(Clone, Copy, Debug)]
enum Besides {
    Say(Word),
    /// The manifest's image changes.
    Ship,
    /// A person deploys or sets the count, once all has been as declared for a while.
    ByHand,
    /// A command of one-off tasks ends otherwise from now on.
    Command,
    /// The service that comes first gets another image.
    Base,
    Scale,
    /// A second daemon comes, or goes.
    Second,
    /// The manifest moves the service over to a strategy of ECS's own.
    Move,
    /// An image that does not come up.
    Broken,
}

impl Scenario {
    /// Lets something happen that the wishes ask for, if it is its turn.
    pub(super) async fn happens_besides(&mut self) -> bool {
        let wishes = self.stage().wishes;
        let mut all = Vec::new();
        if wishes.asks != Asks::Nobody {
            all.push(Besides::Ship);
            let words = [Word::Approve, Word::Approve, Word::Reject, Word::Promote];
            all.extend(words.map(Besides::Say));
        }
        if wishes.heals != Heals::Default {
            all.extend([Besides::ByHand, Besides::ByHand, Besides::Say(Word::Heal)]);
        }
        let own = [
            (wishes.tasks, Besides::Command),
            (wishes.ordered, Besides::Base),
            (wishes.scaled, Besides::Scale),
            (wishes.doubled, Besides::Second),
            (wishes.retries > 0, Besides::Broken),
        ];
        for (_, besides) in own.into_iter().filter(|(asked, _)| *asked) {
            all.extend([besides, besides]);
        }
        if wishes.moves && !self.moved {
            all.extend([Besides::Move, Besides::Move]);
        }
        if all.is_empty() || self.luck.u8(..5) > 1 {
            return false;
        }
        let which = all[self.luck.usize(..all.len())];
        self.besides(which).await;
        true
    }

    async fn besides(&mut self, which: Besides) {
        match which {
            Besides::Say(word) => self.say(word).await,
            Besides::Ship => self.ship().await,
            Besides::ByHand => {
                self.wait(130).await;
                let count = self.luck.bool();
                self.by_hand(count);
            }
            Besides::Command => {
                let command = [BEFORE, AFTER][self.luck.usize(..2)];
                let code = i64::from(self.luck.bool()) * 3;
                let seconds = [10, 60, 300][self.luck.usize(..3)];
                Stage::command_ends(&self.world, command, code, seconds);
            }
            Besides::Base => {
                let to = Wishes::base_tag(&mut self.luck, self.base);
                self.ship_base(to).await;
            }
            Besides::Scale => {
                let to = self.luck.u64(1..7);
                self.stage().scale(&self.world, to);
            }
            Besides::Second => match self.second.take() {
                Some(daemon) => daemon.kill(),
                None => self.second = Some(self.world.daemon().await),
            },
            Besides::Move => {
                self.moved = true;
                self.declare(|seen| {
                    seen.said.taken_back = None;
                    seen.forget_tasks();
                });
                self.stage().move_over(&self.world);
                self.told().await;
            }
            Besides::Broken => {
                let tags = self.stage().tags;
                self.ship_to(tags[tags.len() - 1]).await;
            }
        }
    }

    async fn ship_base(&mut self, to: &'static str) {
        let digest = stage::base_digest(&self.world, to);
        self.recorder.seen.lock().unwrap().declare_base(digest);
        Wishes::ship_base(&self.world, self.base, to);
        self.base = to;
        self.told().await;
    }

    /// Nothing of it goes wrong any more.
    pub(super) async fn mend_besides(&mut self) {
        if let Some(daemon) = self.second.take() {
            daemon.kill();
        }
        if self.stage().wishes.overrun {
            self.recorder.seen.lock().unwrap().opened = true;
            Stage::open_windows(&self.world);
        }
        for command in [BEFORE, AFTER] {
            Stage::command_ends(&self.world, command, 0, 10);
        }
        if self.stage().wishes.ordered {
            let to = if self.base == "v2" { "v3" } else { "v2" };
            self.ship_base(to).await;
        }
    }

    /// A person says something to the daemon; whether it is heeded is AWS's and the daemon's.
    pub(super) async fn say(&mut self, word: Word) {
        let sight = self.recorder.look();
        let flying = sight.rollouts.iter().find(|one| one.end == End::Flying);
        // To take it back says nothing of the attempt that the manifest asks for since.
        let older = self.recorder.seen.lock().unwrap().of_older_text.clone();
        let older = flying.is_some_and(|one| older.as_ref() == Some(&one.id));
        let flying = flying.and_then(|one| one.content.clone());
        let declared = self.stage().image(&self.world, self.tag);
        let about = match word {
            Word::Abort | Word::Reject if older => None,
            Word::Abort => flying,
            Word::Reject => Some(flying.unwrap_or(declared)),
            _ => Some(declared),
        };
        let Some(daemon) = &self.daemon else { return };
        {
            let mut seen = self.recorder.seen.lock().unwrap();
            seen.said.begin(word);
            if matches!(word, Word::Heal | Word::Abort | Word::Rollback) {
                seen.release();
            }
        }
        let key = self.stage().key();
        let asked = self.world.clock.now();
        let heard = words::say(daemon, &key, word, asked).await;
        let mut seen = self.recorder.seen.lock().unwrap();
        seen.said.end(word, heard, about, self.world.clock.now());
    }
}
