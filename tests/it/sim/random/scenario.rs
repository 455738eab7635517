//! One seeded scenario: what happens to the service, then a fair end, and whether the daemon tells the truth of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::model::{Block, Fail, Key, Outcome};
use evenkeel::sandbox::levers::HookOutcome;
use serde_json::{Value, json};

use super::monitors::{Bars, Moment, judge, verdict};
use super::sight::{End, Eyes, Sight};
use super::stage::{self, Engine, Stage};
use super::words::{self, Word};
use crate::sim::faults::{Odds, Witness};
use crate::sim::world::{Daemon, World};

/// What a scenario came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) moments: usize,
    pub(super) rollouts: usize,
    pub(super) heeded: BTreeMap<Word, usize>,
    pub(super) outcome: Outcome,
    pub(super) wrong: Vec<String>,
    /// What was seen, said and written, for a person.
    pub(super) trace: String,
}

/// What was seen so far.
#[derive(Debug)]
struct Recorder {
    mounted: evenkeel::mount::Mounted,
    stage: Stage,
    clock: evenkeel::clock::Clock,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    eyes: Eyes,
    history: Vec<Moment>,
    texts: usize,
    meddled: bool,
    said: words::Said,
}

impl Recorder {
    fn look(&self) -> Sight {
        let mut seen = self.seen.lock().unwrap();
        let sight = seen.eyes.look(&self.mounted, &self.stage);
        let healthy = |(_, weight, count): &(String, u32, usize)| *weight == 0 || *count > 0;
        let running: u64 = sight.running.values().sum();
        let mut serving = sight.production.iter().filter(|(_, weight, _)| *weight > 0);
        let whole = serving.next().is_some() && serving.next().is_none();
        if whole && sight.production.iter().all(healthy) && running >= sight.desired {
            seen.meddled = false;
        }
        let before = seen
            .history
            .last()
            .map_or_else(|| sight.clone(), |last| last.after.clone());
        let moment = Moment {
            operation: String::new(),
            starts: None,
            before,
            after: sight.clone(),
            texts: seen.texts,
            meddled: seen.meddled,
            bars: self.bars(&seen),
        };
        seen.history.push(moment);
        sight
    }

    /// What may not be started now.
    fn bars(&self, seen: &Seen) -> Bars {
        Bars {
            // What a person orders is done all the same.
            held: seen.said.held && !seen.said.ordering,
            closed: self.stage.windows && !seen.said.ordering && stage::closed(self.clock.now()),
            content: seen.said.taken_back.clone(),
            finish: self.stage.finish,
            ordered: seen.said.ordering,
        }
    }

    /// What a call of the daemon starts, by its input.
    fn started(&self, operation: &str, input: &Value) -> Option<String> {
        let definition = match operation {
            "UpdateService" => input["taskDefinition"].as_str()?.to_owned(),
            "CreateDeployment" => {
                let content = input["revision"]["appSpecContent"]["content"].as_str()?;
                let spec: Value = serde_json::from_str(content).ok()?;
                let properties = &spec["Resources"][0]["TargetService"]["Properties"];
                properties["TaskDefinition"].as_str()?.to_owned()
            }
            _ => return None,
        };
        let mut seen = self.seen.lock().unwrap();
        Some(seen.eyes.image(&self.mounted, &definition))
    }
}

impl Witness for Recorder {
    fn saw(&self, operation: &str, body: &[u8], carry: &mut dyn FnMut() -> Option<Vec<u8>>) {
        let reads = ["Describe", "List", "Get", "BatchGet"];
        if reads.iter().any(|verb| operation.starts_with(verb)) {
            carry();
            return;
        }
        let input: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let starts = self.started(operation, &input);
        let before = self
            .seen
            .lock()
            .unwrap()
            .eyes
            .look(&self.mounted, &self.stage);
        let Some(answer) = carry() else {
            return;
        };
        let mut seen = self.seen.lock().unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        if let (Some(content), Some(id)) = (&starts, answer["deploymentId"].as_str()) {
            seen.eyes.told(id, content);
        }
        let after = seen.eyes.look(&self.mounted, &self.stage);
        let moment = Moment {
            operation: operation.to_owned(),
            starts,
            before,
            after,
            texts: seen.texts,
            meddled: seen.meddled,
            bars: self.bars(&seen),
        };
        seen.history.push(moment);
    }
}

struct Scenario {
    world: World,
    recorder: Arc<Recorder>,
    luck: fastrand::Rng,
    daemon: Option<Daemon>,
    /// The declared tag and count.
    tag: &'static str,
    count: usize,
}

/// Runs the scenario of a seed.
pub(super) async fn run(seed: u64) -> Report {
    let (stage, world) = stage::of(seed).await;
    let daemon = world.daemon().await;
    daemon.converged().await;
    stage.learn(&world).await;
    stage.shut_windows(&world);
    let recorder = Arc::new(Recorder {
        mounted: world.mounted.clone(),
        seen: Mutex::default(),
        clock: world.clock.clone(),
        stage,
    });
    world.wire.witness(recorder.clone());
    let tag = recorder.stage.tags[0];
    let mut scenario = Scenario {
        world,
        recorder,
        luck: fastrand::Rng::with_seed(seed),
        daemon: Some(daemon),
        tag,
        count: 2,
    };
    for _ in 0..8 {
        scenario.happen().await;
        let seconds = [5, 20, 60, 150][scenario.luck.usize(..4)];
        scenario.wait(seconds).await;
    }
    scenario.fair().await;
    let outcome = scenario.settle().await;
    scenario.report(outcome)
}

impl Scenario {
    fn stage(&self) -> &Stage {
        &self.recorder.stage
    }

    /// Lets time pass and looks on; a daemon that dies is followed by another.
    async fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            let crashed = tokio::select! {
                biased;
                () = self.world.wire.crashed() => true,
                () = tokio::time::sleep(Duration::from_secs(5)) => false,
            };
            if crashed {
                self.restart().await;
            }
            self.recorder.look();
        }
    }

    async fn restart(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
        let away = self.luck.u64(..40);
        tokio::time::sleep(Duration::from_secs(away)).await;
        self.daemon = Some(self.world.daemon().await);
    }

    async fn told(&self) {
        if let Some(daemon) = &self.daemon {
            daemon.look().await;
        }
    }

    fn meddle(&self) {
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
                self.told().await;
            }
            6 => {
                let texts = {
                    let mut seen = self.recorder.seen.lock().unwrap();
                    seen.said.taken_back = None;
                    seen.texts += 1;
                    seen.texts
                };
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
                    self.stage().stop(&self.world, &one.id, rollback);
                }
            }
            13 => self.stage().deploy_by_hand(&self.world),
            14 => self.stage().update(&self.world, json!({"desiredCount": 1})),
            15 => self.meddle_with_traffic(),
            16 => self.say(Word::Hold).await,
            17 => self.say(Word::Resume).await,
            18 => self.say(Word::Abort).await,
            _ => self.say(Word::Rollback).await,
        }
    }

    async fn ship(&mut self) {
        let tags = self.stage().tags;
        let mut to = tags[self.luck.usize(..tags.len())];
        // Most images work; and CodeDeploy gives a broken one an hour.
        let broken = if self.stage().engine == Engine::CodeDeploy {
            4
        } else {
            2
        };
        if !Stage::works(to) && self.luck.u8(..broken) > 0 {
            to = tags[self.luck.usize(..2)];
        }
        if to == self.tag {
            return;
        }
        self.recorder.seen.lock().unwrap().said.taken_back = None;
        self.stage().ship(&self.world, self.tag, to);
        self.tag = to;
        self.told().await;
    }

    /// A person says something to the daemon; whether it is heeded is AWS's and the daemon's.
    async fn say(&mut self, word: Word) {
        let sight = self.recorder.look();
        let taken_back = match word {
            Word::Abort => {
                let flying = sight.rollouts.iter().find(|one| one.end == End::Flying);
                flying.and_then(|one| one.content.clone())
            }
            _ => Some(self.stage().image(&self.world, self.tag)),
        };
        let Some(daemon) = &self.daemon else { return };
        self.recorder.seen.lock().unwrap().said.begin(word);
        let heeded = words::say(daemon, &self.stage().key(), word, self.world.clock.now()).await;
        let mut seen = self.recorder.seen.lock().unwrap();
        seen.said.end(word, heeded, taken_back);
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
        self.wait(10).await;
        self.say(Word::Resume).await;
        // Somebody puts the traffic where the tasks are, if no deployment is about to.
        for _ in 0..720 {
            let sight = self.recorder.look();
            if sight.rollouts.iter().all(|one| one.end != End::Flying) {
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
        let key: Key = self.stage().key().parse().unwrap();
        let mut still = (0, Vec::new(), None);
        for _ in 0..1_500 {
            self.wait(20).await;
            let outcome = self.daemon.as_ref().and_then(|daemon| {
                let status = daemon.board.read();
                status.resources.get(&key).map(|one| one.outcome.clone())
            });
            let writes = self.world.writes();
            let sight = self.recorder.look();
            let flying = sight.rollouts.iter().any(|one| one.end == End::Flying);
            let moving = matches!(
                outcome,
                None | Some(Outcome::Acting(_) | Outcome::Waiting(..))
            );
            if flying || moving || still.1 != writes || still.2 != outcome {
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

    /// Judges what was seen, and whether the outcome is the truth.
    fn report(&self, outcome: Outcome) -> Report {
        let sight = self.recorder.look();
        let seen = self.recorder.seen.lock().unwrap();
        let barred = seen.said.taken_back.is_some();
        let mut wrong = judge(self.stage().engine, &seen.history);
        if let Some(lie) = self.lie(&outcome, &sight, barred) {
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
        Report {
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

    /// How an outcome is not what AWS has.
    fn lie(&self, outcome: &Outcome, sight: &Sight, barred: bool) -> Option<String> {
        let digest = self.stage().digest(&self.world, self.tag);
        let declared = |image: &str| image.ends_with(&digest);
        let served: Vec<_> = sight
            .production
            .iter()
            .filter(|(_, weight, _)| *weight > 0)
            .collect();
        let legal = served.iter().all(|(_, _, healthy)| *healthy > 0)
            && (self.stage().engine == Engine::Rolling || served.len() == 1);
        let bad = sight
            .rollouts
            .iter()
            .filter_map(|one| one.content.as_deref())
            .find(|image| declared(image))
            .is_some_and(|image| verdict(sight, image) == Some(End::Bad));
        let newest_bad = sight
            .rollouts
            .first()
            .is_some_and(|one| one.end == End::Bad);
        let runs = |(image, count): (&String, &u64)| {
            *count
                == if declared(image) {
                    self.count as u64
                } else {
                    0
                }
        };
        let as_declared = sight.running.iter().all(runs) && sight.desired == self.count as u64;
        match outcome {
            Outcome::Converged if !as_declared => Some("not what is declared runs".to_owned()),
            Outcome::Converged if !legal => Some("traffic is not where the tasks are".to_owned()),
            Outcome::Converged => None,
            Outcome::Failed(Fail::RolloutFailed, _) | Outcome::Blocked(Block::Quarantined, _) => {
                (!bad && !newest_bad && !barred).then(|| "nothing failed".to_owned())
            }
            Outcome::Blocked(Block::TrafficMismatch, _) => {
                (legal && !newest_bad).then(|| "traffic is as it should be".to_owned())
            }
            _ => Some("no rest".to_owned()),
        }
    }
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
