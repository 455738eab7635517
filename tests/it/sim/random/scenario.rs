//! One seeded scenario: what happens to the service, then a fair end, and whether the daemon tells the truth of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::model::{Block, Key, Outcome, Wait};
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::json;

use super::monitors::{AFTER, BEFORE, Moment, Run, judge, verdict};
use super::recorder::{Recorder, Seen};
use super::sight::End;
use super::stage::{self, Engine, Stage};
use super::truth::{Told, lie};
use super::words::Word;
use crate::sim::faults::Odds;
use crate::sim::world::{Daemon, World};

/// What a scenario came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) moments: usize,
    pub(super) rollouts: usize,
    pub(super) heeded: BTreeMap<Word, usize>,
    /// The daemon's starts, stops and the like.
    pub(super) calls: BTreeMap<String, usize>,
    pub(super) outcome: Outcome,
    pub(super) wrong: Vec<String>,
    /// What was seen, said and written, for a person.
    pub(super) trace: String,
}

pub(super) struct Scenario {
    pub(super) world: World,
    pub(super) recorder: Arc<Recorder>,
    pub(super) luck: fastrand::Rng,
    pub(super) daemon: Option<Daemon>,
    /// A second one beside it.
    pub(super) second: Option<Daemon>,
    /// The declared tag and count.
    pub(super) tag: &'static str,
    pub(super) count: usize,
    /// The declared tag of the service that comes first.
    pub(super) base: &'static str,
    /// Whether it was to move over.
    pub(super) moved: bool,
}

/// Runs the scenario of a seed.
pub(super) async fn run(seed: u64) -> Report {
    let (stage, world) = stage::of(seed).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    stage.learn(&world).await;
    stage.tighten(&world);
    let tag = stage.tags[0];
    let image = stage.image(&world, tag);
    let done = [BEFORE, AFTER].map(|command| Run {
        command: command.to_owned(),
        content: image.clone(),
    });
    let seen = Seen::of(image, stage::base_digest(&world, "v1"), done.into());
    let recorder = Arc::new(Recorder {
        mounted: world.mounted.clone(),
        seen: Mutex::new(seen),
        clock: world.clock.clone(),
        stage,
    });
    world.wire.witness(recorder.clone());
    let mut scenario = Scenario {
        world,
        recorder,
        luck: fastrand::Rng::with_seed(seed),
        daemon: Some(daemon),
        second: None,
        tag,
        count: 2,
        base: "v1",
        moved: false,
    };
    for _ in 0..8 {
        if !scenario.happens_besides().await {
            scenario.happen().await;
        }
        let seconds = [5, 20, 60, 150][scenario.luck.usize(..4)];
        scenario.wait(seconds).await;
    }
    scenario.fair().await;
    let outcome = scenario.settle().await;
    scenario.report(outcome)
}

impl Scenario {
    pub(super) fn stage(&self) -> &Stage {
        &self.recorder.stage
    }

    /// Lets time pass and looks on; a daemon that dies is followed by another.
    pub(super) async fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            let crashed = tokio::select! {
                biased;
                () = self.world.wire.crashed() => true,
                () = tokio::time::sleep(Duration::from_secs(5)) => false,
            };
            if crashed {
                self.restart().await;
            }
            self.look();
        }
    }

    /// Looks, and listens to what the daemon says.
    fn look(&self) {
        let converged = self.outcome() == Some(Outcome::Converged);
        self.recorder.seen.lock().unwrap().converged = converged;
        self.recorder.look();
    }

    /// What the daemon says of the service.
    fn outcome(&self) -> Option<Outcome> {
        let key: Key = self.stage().key().parse().unwrap();
        let status = self.daemon.as_ref()?.board.read();
        Some(status.resources.get(&key)?.outcome.clone())
    }

    pub(super) async fn restart(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
        let away = self.luck.u64(..40);
        tokio::time::sleep(Duration::from_secs(away)).await;
        self.daemon = Some(self.world.daemon().await);
    }

    pub(super) async fn told(&self) {
        for daemon in self.second.iter().chain(&self.daemon) {
            daemon.look().await;
        }
    }

    /// The manifest says something else.
    pub(super) fn declare(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.recorder.seen.lock().unwrap();
        seen.declare();
        change(&mut seen);
    }

    pub(super) fn meddle(&self) {
        self.recorder.seen.lock().unwrap().meddled = true;
    }

    async fn happen(&mut self) {
        match self.luck.u8(..20) {
            0..=4 => self.ship().await,
            5 => {
                let count = 5 - self.count;
                let text = |n: usize| format!("desiredCount: {n}");
                self.world
                    .edit(self.stage().file, &text(self.count), &text(count));
                self.count = count;
                self.declare(|seen| seen.count = count as u64);
                self.told().await;
            }
            6 => {
                let mut texts = 0;
                let sight = self.recorder.look();
                let flying = sight
                    .rollouts
                    .into_iter()
                    .find(|one| one.end == End::Flying);
                self.declare(|seen| {
                    seen.said.taken_back = None;
                    seen.of_older_text = flying.map(|one| one.id);
                    seen.texts += 1;
                    texts = seen.texts;
                });
                self.stage().retry(&self.world, texts);
                self.told().await;
            }
            7 => {
                let hang = self.stage().engine == Engine::Native && self.luck.bool();
                let outcome = if hang {
                    HookOutcome::Hang
                } else {
                    HookOutcome::Failed
                };
                Stage::function(&self.world, outcome);
            }
            8 => self.world.alarm(self.luck.bool()),
            9 => self.world.wire.set(Odds {
                throttled: 150,
                broken: 100,
                hollow: 30,
                lost: 100,
            }),
            10 => {
                let so_far = self
                    .world
                    .mounted
                    .with(|sandbox| sandbox.mutations().count());
                let more = self.luck.u64(1..6);
                self.world.wire.crash_after(so_far as u64 + more);
            }
            11 => self.restart().await,
            12 => {
                let sight = self.recorder.look();
                let flying = sight.rollouts.iter().find(|one| one.end == End::Flying);
                if let Some(one) = flying {
                    let rollback = self.luck.bool();
                    Stage::stop(&self.world, &one.id, rollback);
                }
            }
            13 => self.by_hand(false),
            14 => self.by_hand(true),
            15 => self.meddle_with_traffic(),
            16 => self.say(Word::Hold).await,
            17 => self.say(Word::Resume).await,
            18 => self.say(Word::Abort).await,
            _ => self.say(Word::Rollback).await,
        }
    }

    /// A person deploys the first revision, or sets the count.
    pub(super) fn by_hand(&self, count: bool) {
        // What is declared already is in nobody's place.
        let other = count || self.tag != self.stage().tags[0];
        self.recorder.by_hand(count, other);
        if count {
            let one = json!({"desiredCount": 1});
            self.stage().update(&self.world, one);
        } else {
            self.stage().deploy_by_hand(&self.world);
        }
    }

    pub(super) async fn ship(&mut self) {
        let tags = self.stage().tags;
        let tag = self.tag;
        let other = |luck: &mut fastrand::Rng, tags: &[&'static str]| {
            let others: Vec<_> = tags.iter().filter(|one| **one != tag).collect();
            *others[luck.usize(..others.len())]
        };
        let mut to = other(&mut self.luck, tags);
        // Most images work; and CodeDeploy gives a broken one an hour.
        let broken = if self.stage().engine == Engine::CodeDeploy {
            4
        } else {
            2
        };
        if !Stage::works(to) && self.luck.u8(..broken) > 0 {
            to = other(&mut self.luck, &tags[..2]);
        }
        self.ship_to(to).await;
    }

    pub(super) async fn ship_to(&mut self, to: &'static str) {
        if to == self.tag {
            return;
        }
        let image = self.stage().image(&self.world, to);
        self.declare(|seen| {
            seen.said.taken_back = None;
            seen.image = image;
        });
        self.stage().ship(&self.world, self.tag, to);
        self.tag = to;
        self.told().await;
    }

    /// A person stops a task, or sets weights that no deployment leaves.
    fn meddle_with_traffic(&mut self) {
        self.meddle();
        if self.stage().engine == Engine::Rolling || self.luck.bool() {
            self.stage().stop_a_task(&self.world);
            return;
        }
        let production = self.recorder.look().production;
        let weights = [[50, 50], [0, 0], [30, 70]][self.luck.usize(..3)];
        self.weigh(&production, weights);
        self.meddle();
    }

    fn weigh(&self, production: &[(String, u32, usize)], weights: [u32; 2]) {
        let groups: Vec<(String, u32)> = production
            .iter()
            .map(|(arn, ..)| arn.clone())
            .zip(weights)
            .collect();
        let rule = self.stage().rule.lock().unwrap().clone();
        self.world.mounted.with(|sandbox| {
            let elb = &mut sandbox.region("us-east-1").elb;
            elb.route_rule(&rule, &groups).unwrap();
        });
    }

    /// Nothing goes wrong any more.
    async fn fair(&mut self) {
        self.world.wire.set(Odds::default());
        self.world.wire.crash_after(0);
        self.world.alarm(false);
        Stage::function(&self.world, HookOutcome::Succeeded);
        self.mend_besides().await;
        self.wait(10).await;
        self.say(Word::Resume).await;
        // Somebody puts the traffic where the tasks are, if no deployment is about to.
        for _ in 0..720 {
            let sight = self.recorder.look();
            if sight.rollouts.iter().all(|one| one.end != End::Flying) {
                if self.moved && !sight.moved_over {
                    self.stage().tidy(&self.world);
                }
                let [(_, first, one), (_, second, other)] = &sight.production[..] else {
                    break;
                };
                let split = (*first > 0) == (*second > 0);
                let lost = (*first > 0 && *one == 0 && *other > 0)
                    || (*second > 0 && *other == 0 && *one > 0);
                // CodeDeploy may have left tasks behind that are healthy, and are not what serves.
                let own = self.stage().serving(&self.world);
                let astray = own.is_some_and(|own| {
                    let to = &sight.production[usize::from(*first == 0)].0;
                    *to != own
                });
                if self.stage().engine != Engine::Rolling && (split || lost || astray) {
                    let first = match self.stage().serving(&self.world) {
                        Some(own) => sight.production[0].0 == own,
                        None => one >= other,
                    };
                    let weights = if first { [100, 0] } else { [0, 100] };
                    self.weigh(&sight.production, weights);
                }
                break;
            }
            self.wait(10).await;
        }
    }

    /// Waits until nothing moves, and gives what the daemon says then.
    async fn settle(&mut self) -> Outcome {
        let answered = self.stage().wishes.answered;
        let mut still = (0, Vec::new(), None);
        for _ in 0..1_500 {
            self.wait(20).await;
            let outcome = self.outcome();
            let pending = matches!(
                outcome,
                Some(
                    Outcome::Waiting(Wait::ApprovalPending, _)
                        | Outcome::Blocked(Block::ApprovalTimedOut, _)
                )
            );
            if pending && answered {
                let word = if self.luck.bool() {
                    Word::Approve
                } else {
                    Word::Promote
                };
                self.say(word).await;
            }
            let writes = self.world.writes();
            let sight = self.recorder.look();
            let flying = sight.rollouts.iter().any(|one| one.end == End::Flying);
            let moving = !pending && outcome.as_ref().is_none_or(moves);
            if flying || moving || self.others_move() || still.1 != writes || still.2 != outcome {
                still = (0, writes, outcome);
                continue;
            }
            still.0 += 1;
            if still.0 >= 6 {
                break;
            }
        }
        still.2.unwrap()
    }

    /// Whether anything but the service is still on its way.
    fn others_move(&self) -> bool {
        let key: Key = self.stage().key().parse().unwrap();
        let Some(daemon) = &self.daemon else {
            return true;
        };
        let status = daemon.board.read();
        let mut others = status.resources.iter().filter(|(one, _)| **one != key);
        others.any(|(_, one)| moves(&one.outcome))
    }

    /// Judges what was seen, and whether the outcome is the truth.
    fn report(&self, outcome: Outcome) -> Report {
        let sight = self.recorder.look();
        let seen = self.recorder.seen.lock().unwrap();
        let told = Told {
            engine: self.stage().engine,
            wishes: &self.stage().wishes,
            image: &seen.image,
            count: seen.count,
            barred: seen.said.taken_back.is_some() || seen.said.ever.contains(&seen.image),
            // What CodeDeploy knew is not among what ECS knows.
            failed_before: self.moved
                && seen
                    .history
                    .iter()
                    .any(|moment| verdict(&moment.after, &seen.image) == Some(End::Bad)),
            task_failed: seen.task_failed(),
            by_hand: seen.by_hand,
        };
        let mut wrong = judge(self.stage().engine, &seen.history);
        if let Some(lie) = lie(&told, &outcome, &sight) {
            wrong.push(format!("the end: {lie}: {outcome}\n{sight:#?}"));
        }
        if let Some(daemon) = &self.daemon {
            let key: Key = self.stage().key().parse().unwrap();
            for (other, one) in &daemon.board.read().resources {
                if *other != key && one.outcome != Outcome::Converged {
                    wrong.push(format!("{other}: {}", one.outcome));
                }
            }
        }
        let told = |moment: &&Moment| {
            moment.starts.is_some()
                || ["Stop", "Continue", "RunTask"]
                    .iter()
                    .any(|verb| moment.operation.starts_with(verb))
        };
        let mut calls = BTreeMap::new();
        for moment in seen.history.iter().filter(told) {
            *calls.entry(moment.operation.clone()).or_default() += 1;
        }
        Report {
            calls,
            moments: seen.history.len(),
            rollouts: sight.rollouts.len(),
            heeded: seen.said.heeded.clone(),
            outcome,
            wrong,
            trace: self.trace(&seen.history),
        }
    }

    fn trace(&self, history: &[Moment]) -> String {
        let mut text = trace(history);
        let board = self.daemon.as_ref().map(|daemon| &daemon.board);
        let events = board.map(|board| board.events().after(0).events);
        for event in events.unwrap_or_default() {
            text.push_str(&format!("{event:?}\n"));
        }
        self.world.mounted.with(|sandbox| {
            for call in sandbox.mutations() {
                text.push_str(&format!(
                    "{} {} {:?}\n",
                    call.operation, call.input, call.error
                ));
            }
        });
        text
    }
}

/// Whether time alone will change it.
fn moves(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Acting(_) | Outcome::Waiting(..))
}

/// Every moment at which something changed, a line each.
fn trace(history: &[Moment]) -> String {
    let mut text = String::new();
    for moment in history {
        let (one, other) = (&moment.before, &moment.after);
        if !moment.operation.is_empty() || format!("{one:?}") != format!("{other:?}") {
            let newest = other.rollouts.first();
            text.push_str(&format!(
                "{} {:?} tasks {:?} of {} traffic {:?} newest {newest:?} meddled {}\n",
                moment.operation,
                moment.starts,
                other.running,
                other.desired,
                other.production,
                moment.meddled
            ));
        }
    }
    text
}
