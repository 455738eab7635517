//! Who looks on: takes down what AWS has before and after every call of the daemon, and now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use evenkeel::mount::Mounted;
use serde_json::{Value, json};

use super::monitors::{Bars, Moment, Run};
use super::sight::{Eyes, Sight};
use super::stage::{self, Stage};
use super::truth::agrees;
use super::wishes::{Asks, PATIENCE};
use super::words;
use crate::sim::console::ECS;
use crate::sim::direct::json_call;
use crate::sim::faults::Witness;

/// Looks, five seconds apart, after which what is so is taken to be known to the daemon.
const KNOWN: usize = 24;

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) mounted: Mounted,
    pub(super) stage: Stage,
    pub(super) clock: evenkeel::clock::Clock,
    pub(super) seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "none of them excludes another"
)]
pub(super) struct Seen {
    pub(super) eyes: Eyes,
    pub(super) history: Vec<Moment>,
    /// What was in flight when the retry annotation got its last text: of an attempt that is no longer asked for.
    pub(super) of_older_text: Option<String>,
    /// How many texts the retry annotation has had.
    pub(super) texts: usize,
    pub(super) meddled: bool,
    pub(super) said: words::Said,
    /// The declared image and count.
    pub(super) image: String,
    pub(super) count: u64,
    /// What the daemon says last of all that is declared: whether it is as declared.
    pub(super) converged: bool,
    /// For how many looks it has been so, and AWS has shown it.
    agreed: usize,
    /// Whether AWS has shown what is declared since it was.
    reached: bool,
    /// Until when what a person deployed, and a count that a person set, is not to be changed.
    kept: Option<evenkeel::model::Moment>,
    kept_count: Option<evenkeel::model::Moment>,
    /// Whether windows are no more.
    pub(super) opened: bool,
    /// Whether a person has changed anything by hand.
    pub(super) by_hand: bool,
    /// The image of the service that comes first, and for how many looks it was not as declared.
    base: String,
    unready: usize,
    /// One-off tasks by their ARN.
    tasks: BTreeMap<String, Task>,
    /// Those that ended well before anybody looked.
    done: BTreeSet<Run>,
}

/// A one-off task.
#[derive(Debug)]
struct Task {
    run: Run,
    /// Once it has ended: whether well.
    well: Option<bool>,
}

impl Seen {
    /// Before anything was seen: two tasks of this image are declared.
    pub(super) fn of(image: String, base: String, done: BTreeSet<Run>) -> Self {
        Self {
            image,
            count: 2,
            base,
            done,
            ..Self::default()
        }
    }

    /// The manifest says something else.
    pub(super) fn declare(&mut self) {
        self.agreed = 0;
        self.reached = false;
        self.kept = None;
        self.kept_count = None;
    }

    /// The manifest of what comes first says something else, which may be so already.
    pub(super) fn declare_base(&mut self, image: String) {
        self.base = image;
        self.unready = 0;
    }

    /// A person wants something done now.
    pub(super) fn release(&mut self) {
        self.kept = None;
        self.kept_count = None;
    }

    /// The content is another one, of the same image: its tasks run again.
    pub(super) fn forget_tasks(&mut self) {
        self.tasks.clear();
        self.done.clear();
    }

    /// Whether a one-off task ended badly, or nobody knows how.
    pub(super) fn task_failed(&self) -> bool {
        self.tasks.values().any(|task| task.well != Some(true))
    }
}

impl Recorder {
    pub(super) fn look(&self) -> Sight {
        self.follow_tasks();
        let mut seen = self.seen.lock().unwrap();
        let sight = seen.eyes.look(&self.mounted, &self.stage);
        let healthy = |(_, weight, count): &(String, u32, usize)| *weight == 0 || *count > 0;
        let running: u64 = sight.running.values().sum();
        let mut serving = sight.production.iter().filter(|(_, weight, _)| *weight > 0);
        let whole = serving.next().is_some() && serving.next().is_none();
        if whole && sight.production.iter().all(healthy) && running >= sight.desired {
            seen.meddled = false;
        }
        if agrees(&sight, &seen.image, seen.count, &self.stage.wishes) {
            seen.reached = true;
            seen.agreed = if seen.converged { seen.agreed + 1 } else { 0 };
        } else {
            seen.agreed = 0;
        }
        self.look_at_base(&mut seen);
        let before = seen
            .history
            .last()
            .map_or_else(|| sight.clone(), |last| last.after.clone());
        let moment = self.moment(&seen, before, sight.clone());
        seen.history.push(moment);
        sight
    }

    /// Looks at what comes first.
    fn look_at_base(&self, seen: &mut Seen) {
        if self.stage.wishes.ordered {
            let base = seen.base.clone();
            let ready = seen.eyes.base(&self.mounted, &base);
            seen.unready = if ready { 0 } else { seen.unready + 1 };
        }
    }

    fn moment(&self, seen: &Seen, before: Sight, after: Sight) -> Moment {
        Moment {
            operation: String::new(),
            starts: None,
            stops: None,
            runs: None,
            before,
            after,
            texts: seen.texts,
            retries: self.stage.wishes.retries,
            meddled: seen.meddled,
            bars: self.bars(seen),
        }
    }

    /// What may not be started now.
    fn bars(&self, seen: &Seen) -> Bars {
        let wishes = &self.stage.wishes;
        let now = self.clock.now();
        // What a person orders is done all the same.
        let unless_ordered = |bar: bool| bar && !seen.said.ordering;
        let until = |at: Option<evenkeel::model::Moment>| at.is_some_and(|at| now < at);
        let ended = seen.tasks.values().filter(|task| task.well == Some(true));
        let ended = ended.map(|task| task.run.clone());
        let patience = PATIENCE + Duration::from_mins(2);
        let counts = |(_, at): &(&String, &evenkeel::model::Moment)| now.since(**at) < patience;
        let approved = seen.said.approved.iter().filter(counts);
        Bars {
            held: unless_ordered(seen.said.held),
            closed: unless_ordered(wishes.windows && !seen.opened && stage::closed(now)),
            content: seen.said.taken_back.clone(),
            finish: wishes.finish,
            overrun: wishes.overrun,
            ordered: seen.said.ordering,
            kept: unless_ordered(until(seen.kept)),
            kept_count: unless_ordered(until(seen.kept_count)),
            unready: unless_ordered(seen.unready > KNOWN),
            approved: (wishes.asks == Asks::Before && !seen.reached)
                .then(|| approved.map(|(image, _)| image.clone()).collect()),
            tasks: wishes.tasks,
            done: ended.chain(seen.done.iter().cloned()).collect(),
        }
    }

    /// A person is about to deploy, or to set the count: what becomes of it depends on whether all was as declared.
    pub(super) fn by_hand(&self, count: bool, other: bool) {
        let mut seen = self.seen.lock().unwrap();
        seen.by_hand = true;
        if seen.agreed < KNOWN || !other {
            return;
        }
        let now = self.clock.now();
        let wishes = &self.stage.wishes;
        let left = |time: Option<Duration>| now.plus(time.unwrap_or(Duration::from_hours(1_000)));
        if count {
            seen.kept_count = Some(left(wishes.count_left_alone()));
        } else {
            seen.kept = Some(left(wishes.left_alone()));
        }
    }

    /// What a call of the daemon starts, by its input.
    fn started(&self, operation: &str, input: &Value) -> Option<String> {
        let definition = match operation {
            "UpdateService" if input["service"] == self.stage.service => {
                input["taskDefinition"].as_str()?.to_owned()
            }
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

    /// Which one-off task a call starts.
    fn ran(&self, operation: &str, input: &Value) -> Option<Run> {
        if operation != "RunTask" {
            return None;
        }
        let command = input.pointer("/overrides/containerOverrides/0/command/0")?;
        let definition = input["taskDefinition"].as_str()?;
        let mut seen = self.seen.lock().unwrap();
        Some(Run {
            command: command.as_str()?.to_owned(),
            content: seen.eyes.image(&self.mounted, definition),
        })
    }

    /// Sees how one-off tasks end.
    fn follow_tasks(&self) {
        let mut seen = self.seen.lock().unwrap();
        for (arn, task) in &mut seen.tasks {
            if task.well.is_some() {
                continue;
            }
            let ask = json!({"cluster": "nova", "tasks": [arn]});
            let found = json_call(&self.mounted, ECS, "DescribeTasks", &ask);
            let found = &found["tasks"][0];
            if found["lastStatus"] == "STOPPED" {
                // What is stopped may end with 0 too.
                let by_itself = found["stopCode"] == "EssentialContainerExited";
                task.well = Some(by_itself && found["containers"][0]["exitCode"] == 0);
            }
        }
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
        let run = self.ran(operation, &input);
        self.follow_tasks();
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
        if starts.is_some() {
            self.look_at_base(&mut seen);
        }
        let mut moment = self.moment(&seen, before, after);
        // What is sent once more with its token starts nothing more.
        if let (Some(run), Some(arn)) = (run, answer["tasks"][0]["taskArn"].as_str())
            && !seen.tasks.contains_key(arn)
        {
            moment.runs = Some(run.clone());
            seen.tasks.insert(arn.to_owned(), Task { run, well: None });
        }
        moment.stops = match operation {
            "StopDeployment" => input["deploymentId"].as_str().map(str::to_owned),
            "StopServiceDeployment" => input["serviceDeploymentArn"].as_str().map(str::to_owned),
            _ => None,
        };
        operation.clone_into(&mut moment.operation);
        moment.starts = starts;
        seen.history.push(moment);
    }
}
