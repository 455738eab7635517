//! What may never be seen, over a history of moments. Pure: a history that somebody forged is judged as one
//! that was recorded, and each monitor has one here that it must not let pass.

use std::collections::{BTreeMap, BTreeSet};

use super::sight::{End, Rollout, Sight};
use super::stage::Engine;

/// One moment: a look, or a call of the daemon that AWS carried out.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// The operation; empty for a look.
    pub(super) operation: String,
    /// The content of the rollout that it starts.
    pub(super) starts: Option<String>,
    pub(super) before: Sight,
    pub(super) after: Sight,
    /// How many texts the retry annotation has had.
    pub(super) texts: usize,
    /// Whether a person has meddled with traffic or tasks since all was well last.
    pub(super) meddled: bool,
    pub(super) bars: Bars,
}

impl Moment {
    /// The content of the rollout that it started. A call that is sent once more, because its answer was lost, starts
    /// nothing that was not there.
    fn started(&self) -> Option<&String> {
        let known: BTreeSet<&str> = ids(&self.before).collect();
        let new = ids(&self.after).any(|id| !known.contains(id));
        self.starts.as_ref().filter(|_| new)
    }
}

/// What keeps the daemon from starting something.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "none of them excludes another"
)]
pub(super) struct Bars {
    /// A person holds the service, and the daemon has said that it heeds it.
    pub(super) held: bool,
    /// A window has been closed for two minutes.
    pub(super) closed: bool,
    /// What a person aborted or rolled back, until the manifest says something else.
    pub(super) content: Option<String>,
    /// A rollout in flight makes no room.
    pub(super) finish: bool,
    /// A person's order is being carried out: a rollback may go to what was good once and failed since.
    pub(super) ordered: bool,
}

/// What is wrong with a history; the texts begin with the monitor's name.
pub(super) fn judge(engine: Engine, history: &[Moment]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut memory = Memory::default();
    for moment in history {
        wrong.extend(one_rollout(engine, moment, &memory).map(|why| format!("one rollout: {why}")));
        wrong.extend(quarantine(moment, &memory).map(|why| format!("quarantine: {why}")));
        wrong.extend(traffic(engine, moment).map(|why| format!("traffic: {why}")));
        wrong.extend(barred(moment).map(|why| format!("barred: {why}")));
        wrong.extend(old_revision(moment, &memory).map(|why| format!("old revision: {why}")));
        memory.learn(moment);
    }
    wrong
}

/// What the monitors know of the moments before.
#[derive(Default)]
struct Memory {
    /// The rollouts that the daemon started.
    ours: BTreeSet<String>,
    /// How often content was started again that had ended badly.
    retried: BTreeMap<String, usize>,
    /// What ran when the last rollout was started.
    old: Option<String>,
    /// The fewest tasks that the service was to have since then: so many have taken over.
    least: u64,
    /// Whether so many of the new content ran once: from then on it is no longer on its way.
    taken_over: bool,
}

impl Memory {
    fn learn(&mut self, moment: &Moment) {
        self.least = self.least.min(moment.after.desired);
        let Some(content) = moment.started() else {
            let newest = moment.after.rollouts.first();
            let running = newest
                .and_then(|newest| moment.after.running.get(newest.content.as_ref()?))
                .copied()
                .unwrap_or(0);
            self.taken_over |= running > 0 && running >= self.least;
            return;
        };
        self.taken_over = false;
        self.least = moment.after.desired;
        let known: BTreeSet<&str> = ids(&moment.before).collect();
        let new = ids(&moment.after).filter(|id| !known.contains(id));
        self.ours.extend(new.map(str::to_owned));
        if verdict(&moment.before, content) == Some(End::Bad) {
            *self.retried.entry(content.clone()).or_default() += 1;
        }
        let most = moment
            .before
            .running
            .iter()
            .max_by_key(|(_, count)| **count);
        self.old = most
            .filter(|(image, count)| **count > 0 && *image != content)
            .map(|(image, _)| image.clone());
    }
}

fn ids(sight: &Sight) -> impl Iterator<Item = &str> {
    sight.rollouts.iter().map(|one| one.id.as_str())
}

fn flying(sight: &Sight) -> impl Iterator<Item = &Rollout> {
    sight.rollouts.iter().filter(|one| one.end == End::Flying)
}

/// How the newest rollout of a content that came to an end of its own ended.
pub(super) fn verdict(sight: &Sight, content: &str) -> Option<End> {
    let mut of = sight.rollouts.iter();
    of.find(|one| {
        one.content.as_deref() == Some(content) && matches!(one.end, End::Good | End::Bad)
    })
    .map(|one| one.end)
}

/// At most one rollout is in flight, and a start takes the place of one of ours that has moved no
/// production traffic, or of none.
fn one_rollout(engine: Engine, moment: &Moment, memory: &Memory) -> Option<String> {
    let count = flying(&moment.after).count();
    if count > 1 {
        return Some(format!("{count} in flight after {:?}", moment.operation));
    }
    let content = moment.started()?;
    let other = flying(&moment.before).next()?;
    let makes_room = match engine {
        _ if moment.bars.finish => false,
        Engine::CodeDeploy => false,
        Engine::Rolling => true,
        Engine::Native => !other.moved && memory.ours.contains(&other.id),
    };
    (!makes_room).then(|| format!("{content} was started on top of {other:?}"))
}

/// Content that ended badly is started again at most once for each text of the retry annotation.
fn quarantine(moment: &Moment, memory: &Memory) -> Option<String> {
    let content = moment.started().filter(|_| !moment.bars.ordered)?;
    let used = memory.retried.get(content).copied().unwrap_or(0);
    let bad = verdict(&moment.before, content) == Some(End::Bad);
    (bad && used >= moment.texts).then(|| format!("{content} was started again"))
}

/// Nothing starts under a hold, in a closed window, or after a person took it back.
fn barred(moment: &Moment) -> Option<String> {
    let content = moment.started()?;
    let bars = &moment.bars;
    let why = if bars.held {
        "under a hold"
    } else if bars.closed {
        "in a closed window"
    } else if bars.content.as_ref() == Some(content) {
        "after it was taken back"
    } else {
        return None;
    };
    Some(format!("{content} was started {why}"))
}

fn unserved(sight: &Sight) -> Vec<&str> {
    let empty = sight
        .production
        .iter()
        .filter(|(_, weight, healthy)| *weight > 0 && *healthy == 0);
    empty.map(|(group, ..)| group.as_str()).collect()
}

/// Production traffic goes to no target group without healthy targets because of a call or of a rollout of ours;
/// and no rollout starts that ECS or `CodeDeploy` would shift from a state that they do not leave.
fn traffic(engine: Engine, moment: &Moment) -> Option<String> {
    let before = unserved(&moment.before);
    let after = unserved(&moment.after);
    if let Some(group) = after.iter().find(|group| !before.contains(group))
        && !moment.meddled
    {
        return Some(format!(
            "nothing healthy in {group} after {:?}",
            moment.operation
        ));
    }
    let first = engine == Engine::Native && moment.before.rollouts.is_empty();
    if engine == Engine::Rolling || moment.started().is_none() || first {
        return None;
    }
    // What makes room has moved nothing, so the weights are as they were before it.
    let serving = moment
        .before
        .production
        .iter()
        .filter(|(_, weight, _)| *weight > 0)
        .count();
    let tasks: u64 = moment.before.running.values().sum();
    if serving != 1 {
        return Some(format!("started with {serving} target groups that serve"));
    }
    (!before.is_empty() && tasks > 0 && moment.texts == 0)
        .then(|| format!("started with nothing healthy in {}", before[0]))
}

/// What ran before a rollout of ours runs until the new content has taken over, or the rollout is over.
fn old_revision(moment: &Moment, memory: &Memory) -> Option<String> {
    let old = memory.old.as_ref();
    let old = old.filter(|_| !moment.meddled && !memory.taken_over)?;
    let newest = moment.after.rollouts.first()?;
    let content = newest.content.as_ref()?;
    if newest.end != End::Flying || !memory.ours.contains(&newest.id) || newest.took_over {
        return None;
    }
    let running = |image: &str| moment.after.running.get(image).copied().unwrap_or(0);
    let enough = memory.least.min(moment.after.desired);
    let gone = running(old) == 0 && running(content) < enough;
    let tasks = &moment.after.running;
    (gone && content != old)
        .then(|| format!("{old} was gone before {enough} of {content} had taken over: {tasks:?}"))
}

mod forged {
    use super::*;

    fn rollout(id: &str, content: &str, end: End) -> Rollout {
        Rollout {
            id: id.to_owned(),
            content: Some(content.to_owned()),
            end,
            moved: false,
            took_over: false,
        }
    }

    /// A service that runs `a`, with what has been rolled out, newest first.
    fn sight(rollouts: Vec<Rollout>) -> Sight {
        Sight {
            rollouts,
            production: vec![("blue".to_owned(), 100, 2), ("green".to_owned(), 0, 0)],
            running: [("a".to_owned(), 2)].into(),
            desired: 2,
        }
    }

    fn moment(starts: Option<&str>, before: Sight, after: Sight) -> Moment {
        Moment {
            operation: starts.map_or("", |_| "UpdateService").to_owned(),
            starts: starts.map(str::to_owned),
            before,
            after,
            texts: 0,
            meddled: false,
            bars: Bars::default(),
        }
    }

    fn good() -> Rollout {
        rollout("1", "a", End::Good)
    }

    /// The start of `b` from a service at rest.
    fn start() -> Moment {
        let after = sight(vec![rollout("2", "b", End::Flying), good()]);
        moment(Some("b"), sight(vec![good()]), after)
    }

    #[track_caller]
    fn finds(engine: Engine, history: &[Moment], monitor: &str) {
        let wrong = judge(engine, history);
        let found = !wrong.is_empty() && wrong.iter().all(|why| why.starts_with(monitor));
        assert!(found, "{monitor}: {wrong:#?}");
    }

    #[test]
    fn a_history_as_it_should_be_passes() {
        let mut baking = start().after;
        baking.rollouts[0].took_over = true;
        baking.running = [("b".to_owned(), 2)].into();
        baking.production = vec![("blue".to_owned(), 0, 0), ("green".to_owned(), 100, 2)];
        let calm = [start(), moment(None, baking.clone(), baking)];
        for engine in [Engine::CodeDeploy, Engine::Native, Engine::Rolling] {
            assert_eq!(judge(engine, &calm), Vec::<String>::new());
        }
    }

    #[test]
    fn a_second_rollout_is_found() {
        let two = vec![
            rollout("3", "c", End::Flying),
            rollout("2", "b", End::Flying),
            good(),
        ];
        let look = moment(None, sight(two.clone()), sight(two));
        finds(Engine::CodeDeploy, &[start(), look], "one rollout");
        // On top of one that has moved traffic, and of somebody else's.
        for moved in [true, false] {
            let mut before = start().after;
            before.rollouts[0].moved = moved;
            let mut after = before.clone();
            after.rollouts[0].end = End::Superseded;
            after.rollouts.insert(0, rollout("3", "c", End::Flying));
            let second = moment(Some("c"), before, after);
            let history = [start(), second.clone()];
            if moved {
                finds(Engine::Native, &history, "one rollout");
            } else {
                assert_eq!(judge(Engine::Native, &history), Vec::<String>::new());
                finds(Engine::Native, &[second], "one rollout");
            }
        }
    }

    #[test]
    fn content_that_failed_and_is_started_again_is_found() {
        let failed = vec![rollout("2", "b", End::Bad), good()];
        let mut again = start();
        again.before = sight(failed.clone());
        again.after = sight([vec![rollout("3", "b", End::Flying)], failed].concat());
        finds(Engine::Rolling, std::slice::from_ref(&again), "quarantine");
        // Each text is one attempt.
        again.texts = 1;
        assert_eq!(
            judge(Engine::Rolling, std::slice::from_ref(&again)),
            Vec::<String>::new()
        );
        finds(Engine::Rolling, &[again.clone(), again], "quarantine");
    }

    #[test]
    fn a_start_that_something_bars_is_found() {
        let bars = [
            Bars {
                held: true,
                ..Bars::default()
            },
            Bars {
                closed: true,
                ..Bars::default()
            },
            Bars {
                content: Some("b".to_owned()),
                ..Bars::default()
            },
        ];
        for bars in bars {
            let mut barred = start();
            barred.bars = bars;
            finds(Engine::Rolling, &[barred], "barred");
        }
        let mut other = start();
        other.bars.content = Some("c".to_owned());
        assert_eq!(judge(Engine::Rolling, &[other]), Vec::<String>::new());
        // What is to finish makes no room.
        let mut second = start();
        second.before = start().after;
        second.before.rollouts[0].content = Some("c".to_owned());
        second.after.rollouts[0].end = End::Superseded;
        let third = rollout("3", "b", End::Flying);
        second.after.rollouts.insert(0, third);
        assert_eq!(
            judge(Engine::Rolling, &[second.clone()]),
            Vec::<String>::new()
        );
        second.bars.finish = true;
        finds(Engine::Rolling, &[second], "one rollout");
    }

    #[test]
    fn traffic_to_nowhere_is_found() {
        let mut shifted = sight(vec![good()]);
        shifted.production = vec![("blue".to_owned(), 0, 2), ("green".to_owned(), 100, 0)];
        let mut call = moment(None, sight(vec![good()]), shifted.clone());
        call.operation = "ModifyRule".to_owned();
        for engine in [Engine::CodeDeploy, Engine::Native, Engine::Rolling] {
            finds(engine, std::slice::from_ref(&call), "traffic");
        }
        call.meddled = true;
        assert_eq!(judge(Engine::Native, &[call]), Vec::<String>::new());
        // A start from a state that ECS does not leave.
        let mut split = start();
        split.before.production = vec![("blue".to_owned(), 50, 2), ("green".to_owned(), 50, 2)];
        split.after.production = split.before.production.clone();
        finds(Engine::Native, std::slice::from_ref(&split), "traffic");
        finds(Engine::CodeDeploy, &[split], "traffic");
        let mut sick = start();
        sick.before.production = vec![("blue".to_owned(), 100, 0)];
        sick.after.production = sick.before.production.clone();
        finds(Engine::Native, std::slice::from_ref(&sick), "traffic");
        finds(Engine::CodeDeploy, &[sick], "traffic");
    }

    #[test]
    fn an_old_revision_that_is_gone_too_early_is_found() {
        let mut early = start().after;
        early.running = [("a".to_owned(), 0), ("b".to_owned(), 1)].into();
        let look = moment(None, early.clone(), early);
        finds(Engine::Native, &[start(), look.clone()], "old revision");
        // After all of the new content ran, it may go back.
        let mut over = start().after;
        over.running = [("b".to_owned(), 2)].into();
        let history = [start(), moment(None, over.clone(), over), look];
        assert_eq!(judge(Engine::Native, &history), Vec::<String>::new());
    }
}
