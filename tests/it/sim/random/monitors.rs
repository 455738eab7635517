//! What may never be seen, over a history of moments. Pure: a history that somebody forged is judged as one
//! that was recorded, and each monitor has one in `forged` that it must not let pass.

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
    /// The rollout that it stops.
    pub(super) stops: Option<String>,
    /// The one-off task that it starts.
    pub(super) runs: Option<Run>,
    pub(super) before: Sight,
    pub(super) after: Sight,
    /// How many texts the retry annotation has had.
    pub(super) texts: usize,
    /// How often what failed by itself before traffic moved may be started again for each of them.
    pub(super) retries: usize,
    /// Whether a person has meddled with traffic or tasks since all was well last.
    pub(super) meddled: bool,
    pub(super) bars: Bars,
}

/// A one-off task: what it runs, and of which content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) command: String,
    pub(super) content: String,
}

/// The commands of the tasks before and after.
pub(super) const BEFORE: &str = "./migrate";
pub(super) const AFTER: &str = "./smoke";

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
    /// The end of a window stops what has moved nothing.
    pub(super) overrun: bool,
    /// A person's order is being carried out: a rollback may go to what was good once and failed since.
    pub(super) ordered: bool,
    /// What a person deployed is left as it is.
    pub(super) kept: bool,
    /// A count that a person set is.
    pub(super) kept_count: bool,
    /// The service that comes first has not been as declared for two minutes.
    pub(super) unready: bool,
    /// The contents that a person approved, where that is asked for and what is declared has not been reached.
    pub(super) approved: Option<BTreeSet<String>>,
    /// One-off tasks come before and after.
    pub(super) tasks: bool,
    /// Those that ended well.
    pub(super) done: BTreeSet<Run>,
}

/// What is wrong with a history; the texts begin with the monitor's name.
pub(super) fn judge(engine: Engine, history: &[Moment]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut memory = Memory::default();
    for moment in history {
        let engine = if moment.after.moved_over {
            Engine::Native
        } else {
            engine
        };
        wrong.extend(one_rollout(engine, moment, &memory).map(|why| format!("one rollout: {why}")));
        wrong.extend(quarantine(moment, &memory).map(|why| format!("quarantine: {why}")));
        wrong.extend(traffic(engine, moment).map(|why| format!("traffic: {why}")));
        wrong.extend(barred(moment, &memory).map(|why| format!("barred: {why}")));
        wrong.extend(unasked(engine, moment, &memory).map(|why| format!("unasked: {why}")));
        wrong.extend(tasks(moment).map(|why| format!("tasks: {why}")));
        wrong.extend(old_revision(moment, &memory).map(|why| format!("old revision: {why}")));
        memory.learn(engine, moment);
    }
    wrong
}

/// What the monitors know of the moments before.
#[derive(Default)]
struct Memory {
    /// The rollouts that the daemon started.
    ours: BTreeSet<String>,
    /// The rollouts of content that had ended badly before; and that had failed by itself early.
    retried: BTreeMap<String, Vec<String>>,
    retried_early: BTreeMap<String, Vec<String>>,
    /// What was started last.
    last: Option<String>,
    /// The newest rollout, where production traffic went when it came, and how many looks have shown it elsewhere since.
    newest: Option<String>,
    origin: BTreeSet<String>,
    moved: usize,
    /// What ran when the last rollout was started.
    old: Option<String>,
    /// The fewest tasks that the service was to have since then: so many have taken over.
    least: u64,
    /// Whether so many of the new content ran once: from then on it is no longer on its way.
    taken_over: bool,
}

impl Memory {
    fn learn(&mut self, engine: Engine, moment: &Moment) {
        self.least = self.least.min(moment.after.desired);
        let newest = moment.after.rollouts.first();
        let id = newest.map(|newest| newest.id.clone());
        if id != self.newest {
            self.newest = id;
            self.origin = serving(&moment.before);
            self.moved = 0;
        }
        let elsewhere = serving(&moment.after) != self.origin;
        let moved = match engine {
            Engine::CodeDeploy => elsewhere,
            _ => newest.is_some_and(|newest| newest.moved),
        };
        self.moved += usize::from(moved && moment.operation.is_empty());
        let Some(content) = moment.started() else {
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
        let new: Vec<String> = new.map(str::to_owned).collect();
        self.ours.extend(new.iter().cloned());
        if verdict(&moment.before, content) == Some(End::Bad) {
            let count = if failed_early(&moment.before, content) {
                &mut self.retried_early
            } else {
                &mut self.retried
            };
            count.entry(content.clone()).or_default().extend(new);
        }
        self.last = Some(content.clone());
        // What is on its way itself goes back before anything else.
        let coming = |image: &String| {
            let mut flying = flying(&moment.before);
            flying.any(|one| one.content.as_ref() == Some(image))
        };
        let running = moment.before.running.iter();
        let most = running.max_by_key(|(image, count)| (**count > 0 && !coming(image), **count));
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

/// Whether the newest rollout that came to an end of its own is of this content, and failed by itself before it
/// moved traffic.
fn failed_early(sight: &Sight, content: &str) -> bool {
    let mut own = sight
        .rollouts
        .iter()
        .filter(|one| matches!(one.end, End::Good | End::Bad));
    own.next()
        .is_some_and(|one| one.early && one.content.as_deref() == Some(content))
}

/// The target groups that get production traffic.
fn serving(sight: &Sight) -> BTreeSet<String> {
    let serving = sight.production.iter().filter(|(_, weight, _)| *weight > 0);
    serving.map(|(group, ..)| group.clone()).collect()
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

/// Content that ended badly is started again at most once for each text of the retry annotation; what failed by itself
/// before it moved traffic so often as the manifest says too.
fn quarantine(moment: &Moment, memory: &Memory) -> Option<String> {
    let content = moment.started().filter(|_| !moment.bars.ordered)?;
    // What moves the service over is another manifest, and another content, of whatever image.
    if moment.after.moved_over && !moment.before.moved_over {
        return None;
    }
    if verdict(&moment.before, content) != Some(End::Bad) {
        return None;
    }
    let (used, most) = if failed_early(&moment.before, content) {
        let most = moment.retries * (moment.texts + 1) + moment.texts;
        (&memory.retried_early, most)
    } else {
        (&memory.retried, moment.texts)
    };
    // What made room, for a person's deployment too, was no attempt.
    let made_room = |id: &&String| {
        let mut of = moment.before.rollouts.iter();
        of.any(|one| one.id == **id && one.end == End::Superseded)
    };
    let used = used.get(content).into_iter().flatten();
    let used = used.filter(|id| !made_room(id)).count();
    (used >= most).then(|| format!("{content} was started again"))
}

/// Nothing starts under a hold, in a closed window, after a person took it back or before one approved it, in the place
/// of what a person deployed, or before what comes first.
fn barred(moment: &Moment, memory: &Memory) -> Option<String> {
    let bars = &moment.bars;
    let desired = (moment.before.desired, moment.after.desired);
    if bars.kept_count && !moment.operation.is_empty() && desired.0 != desired.1 {
        return Some(format!("the count was set {desired:?}, which a person did"));
    }
    let content = moment.started()?;
    let unapproved = |approved: &BTreeSet<String>| {
        // What was started once with this approval may be started anew.
        !bars.ordered && !approved.contains(content) && memory.last.as_ref() != Some(content)
    };
    let why = if bars.held {
        "under a hold"
    } else if bars.closed {
        "in a closed window"
    } else if bars.content.as_ref() == Some(content) {
        "after it was taken back"
    } else if bars.kept {
        "in the place of what a person deployed"
    } else if bars.unready {
        "before what comes first"
    } else if bars.approved.as_ref().is_some_and(unapproved) {
        "before it was approved"
    } else {
        return None;
    };
    Some(format!("{content} was started {why}"))
}

/// Without a person's order nothing is stopped but what is ours and has moved no traffic for a minute, and nothing that
/// waits for a person goes on.
fn unasked(engine: Engine, moment: &Moment, memory: &Memory) -> Option<String> {
    let bars = &moment.bars;
    if bars.ordered {
        return None;
    }
    if moment.operation.starts_with("Continue") {
        return Some(format!("{} without a word", moment.operation));
    }
    let id = moment.stops.as_ref()?;
    let moved = memory.moved >= 12 && !moment.meddled;
    let why = if !memory.ours.contains(id) {
        "is somebody else's"
    } else if moved {
        "has moved traffic"
    } else if engine == Engine::Rolling {
        "gives its tasks traffic as they come"
    } else if bars.finish && !bars.overrun {
        "was to finish"
    } else {
        return None;
    };
    Some(format!("{id} was stopped, which {why}"))
}

/// The task before a rollout has ended well when it starts; none runs again that has; the one after runs after it.
fn tasks(moment: &Moment) -> Option<String> {
    let bars = &moment.bars;
    if let Some(run) = &moment.runs {
        let of = |one: &&Rollout| one.content.as_ref() == Some(&run.content);
        let newest = moment.before.rollouts.iter().find(of);
        let over = newest.is_none_or(|one| one.end == End::Good);
        return if bars.done.contains(run) {
            Some(format!("{run:?} was run again"))
        } else if run.command == AFTER && !over {
            Some(format!("{run:?} was run after {newest:?}"))
        } else {
            None
        };
    }
    let content = moment.started().filter(|_| bars.tasks && !bars.ordered)?;
    let before = Run {
        command: BEFORE.to_owned(),
        content: content.clone(),
    };
    (!bars.done.contains(&before)).then(|| format!("{content} was started before its task"))
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
