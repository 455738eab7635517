//! One-off tasks before and after a rollout (`rollout.tasks`), such as a database migration. Pure, but for the
//! read (`observe`). What runs before is a gate ([`super::gates`]); what runs after is here.
//!
//! | recorded of this content | seen | decision |
//! |---|---|---|
//! | ended well | any | the next task, or none |
//! | failed | any | `TaskFailed`: not again until the manifest changes or the retry annotation does |
//! | it is not known how it ended | it runs, or has stopped | wait, or record how it ended after all |
//! | it is not known how it ended | none | `TaskFailed` |
//! | nothing | a task of the service runs, of whatever content | wait; stop it when its time is over |
//! | nothing | it has stopped | record how it ended |
//! | nothing, but its start was sent an hour ago or longer | none | record that it is not known how it ended |
//! | nothing | none | record that it is started, then `RunTask`; again for as long as AWS refuses |
//! | any | unknown, where it matters | nothing |
//!
//! Invariants:
//! - A task that ended well is never run again for its content while its service is there, and none is run twice at
//!   once: the start is recorded before it is made, and its client token follows from it (`run`).
//! - What is known of a task does not hang on its tags, which `StopTask` deletes.
//! - At most one task of a service is started by a pass, and none while one runs. A newer manifest waits for a
//!   task of an older one: half a migration is worse than a late one.
//! - How a task ended is recorded whatever gate is shut, and under a hold: AWS forgets it after an hour.
//! - What fails after a rollout takes nothing back.

mod course;
pub(super) mod observe;
mod record;
mod run;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

pub(crate) use record::{records_ends, tags};

use self::course::Course;
use self::record::{End, FORGOTTEN, How, Id, Record, Start};
use super::payload::content_digest;
use super::plan::{compared, plan as planned};
use super::{Observed, RETRY_ANNOTATION, items, last_segment, text};
use crate::kinds::View;
use crate::kinds::common::acting;
use crate::kinds::heal::time as at;
use crate::kinds::tags::MOST_TAGS;
use crate::manifest::{HookTask, HookTime, TASK_TIMEOUT};
use crate::model::{Block, Fail, Outcome, Plan, Seen, Step, Wait};

/// How long a task whose start was sent may not be listed yet.
const LAG: Duration = Duration::from_mins(1);

/// What was read of a service's tasks.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Those started for it, as `DescribeTasks` gives them.
    pub(super) tasks: Seen<Vec<Value>>,
    /// `DescribeTaskDefinition`'s answers, by ARN: of the declared revision, and of the tasks'.
    pub(super) definitions: BTreeMap<String, Seen<Value>>,
}

/// The tasks of one service.
pub(super) struct Case<'a> {
    view: View<'a>,
    service: Option<&'a Value>,
    /// What stands in the keys of the record.
    scope: String,
    found: Option<&'a Found>,
    content: Option<String>,
    declared: Vec<HookTask>,
}

/// What the tasks that are seen ask for.
pub(super) struct Look {
    /// Records of those that ended, and stops of those that take too long.
    pub(super) chores: Vec<Step>,
    /// The one that runs, for a person.
    running: Option<String>,
}

/// What is next of the tasks of one time.
#[derive(Debug)]
pub(super) enum Next {
    /// All of them have ended well.
    Nothing,
    /// One is to be started.
    Run(Vec<Step>),
    /// Nothing now, for this reason.
    Shut(Outcome),
}

/// What is said where the tasks would have to be known and were not read.
fn not_read() -> Outcome {
    let why = "the tasks of `rollout.tasks` were not read".to_owned();
    Outcome::Waiting(Wait::ObservationUnknown, why)
}

/// Whether what is decided of what was read so far depends on the service's tasks.
fn needed(view: &View<'_>, observed: &Observed) -> bool {
    Case::of(view, observed, observed.service.present()).is_some()
        && planned(view, observed).outcome == not_read()
}

impl<'a> Case<'a> {
    /// `None` for a service without such tasks. `service` is the live one, if there is one.
    pub(super) fn of(
        view: &View<'a>,
        observed: &'a Observed,
        service: Option<&'a Value>,
    ) -> Option<Self> {
        let declared: Vec<HookTask> = view.resource.hook_tasks().collect();
        let open = service.is_some_and(|service| Record::of(service).open().is_some());
        if declared.is_empty() && !open {
            return None;
        }
        let view = match service {
            Some(service) => compared(view, service).1,
            None => view.clone(),
        };
        let resolved = view.unresolved.is_empty();
        Some(Self {
            content: content_digest(&view).filter(|_| resolved),
            scope: match service {
                Some(_) => String::new(),
                None => run::scope(&view),
            },
            view,
            service,
            found: observed.tasks.as_ref(),
            declared,
        })
    }

    /// The declared revision.
    fn revision(&self) -> &str {
        text(&self.view.spec, "taskDefinition")
    }

    fn definition(&self, arn: &str) -> Option<&'a Seen<Value>> {
        self.found?.definitions.get(arn)
    }

    /// What the record is on, and its ARN.
    fn holder(&self) -> (Option<&'a Value>, &str) {
        if let Some(service) = self.service {
            return (Some(service), text(service, "serviceArn"));
        }
        let revision = self.revision();
        (self.definition(revision).and_then(Seen::present), revision)
    }

    fn record(&self) -> Record<'_> {
        Record::on(self.holder().0, &self.scope)
    }

    fn open(&self) -> Option<Start<'_>> {
        self.record().open()
    }

    /// Whether it is not known how the task that was started last ended.
    pub(super) fn is_open(&self) -> bool {
        self.open().is_some()
    }

    /// The families of the task definitions that its tasks are of, as far as they are known: a task that has
    /// stopped is found by that.
    fn families(&self) -> Vec<String> {
        let mut families = vec![family(self.revision())];
        families.extend(self.open().map(|start| start.family));
        families.retain(|family| !family.is_empty());
        families.dedup();
        families.into_iter().map(str::to_owned).collect()
    }

    /// The tasks of one time that have not ended well yet, with what they are of this content.
    fn left(&self, time: HookTime) -> Vec<(&HookTask, Id)> {
        let Some(content) = &self.content else {
            return Vec::new();
        };
        let tasks = self.declared.iter().filter(|task| task.time == time);
        let tasks = tasks.map(|task| (task, run::id(&self.view, task, content)));
        tasks
            .filter(|(_, id)| self.record().ended(id) != Some(How::Well))
            .collect()
    }

    /// Whether any task of one time has not ended well yet.
    pub(super) fn is_left(&self, time: HookTime) -> bool {
        !self.left(time).is_empty()
    }

    /// Looks at the tasks; an outcome if they are not known.
    pub(super) fn look(&self) -> Result<Look, Outcome> {
        let found = self.found.ok_or_else(not_read)?;
        let unknown = |why: &str| {
            let name = self.view.resource.aws_name();
            let why = format!("cannot read the one-off tasks of service {name}: {why}");
            Err(Outcome::Waiting(Wait::ObservationUnknown, why))
        };
        let tasks = match &found.tasks {
            Seen::Unknown(why) => return unknown(why),
            Seen::Present(tasks) => tasks.as_slice(),
            Seen::Absent => &[],
        };
        if let Some(Seen::Unknown(why)) = self.definition(self.revision()) {
            return unknown(why);
        }
        let (mut ends, mut stops, mut running) = (Vec::new(), Vec::new(), None);
        let mut seen = Vec::new();
        let life = run::life(self.record());
        for task in tasks {
            let Some((id, of)) = course::id(task) else {
                continue;
            };
            let definition = text(task, "taskDefinitionArn");
            match course::course(task, self.view.now) {
                Course::Ended { well, why } => {
                    // Without a service the record is on the revision, of what ran it. What ran for a service
                    // that was deleted since says nothing of this one.
                    let here = self.service.is_some() || definition == self.revision();
                    let here = here && of == life;
                    let recorded = self.record().ended(&id);
                    if here && matches!(recorded, None | Some(How::Unknown)) {
                        let definition = self.definition(definition).and_then(Seen::present);
                        let why = format!("{why}; {}", course::logs_of(task, definition));
                        let how = if well { How::Well } else { How::Failed };
                        let id = id.clone();
                        ends.push(End { id, how, why });
                    }
                }
                Course::Runs { since, stopping } => {
                    let limit = self.limit(&id);
                    if since >= limit && !stopping {
                        let limit = format!("{:#}", shown(limit));
                        stops.push(run::stop(&self.view, task, &id.name, &limit));
                    }
                    let definition = self.definition(definition).and_then(Seen::present);
                    running.get_or_insert_with(|| runs(task, &id, limit, definition));
                }
            }
            if of == life {
                seen.push(id.attempt);
            }
        }
        if let Some(start) = self.open()
            && !seen.contains(&start.id.attempt)
            && self.view.now.since(start.at) >= FORGOTTEN
        {
            let why = format!(
                "it is not known how it ended, nor whether AWS started it: it was to be at {}, and AWS knows no such \
                 task by now",
                at(start.at)
            );
            let (id, how) = (start.id, How::Unknown);
            ends.push(End { id, how, why });
        }
        let mut chores = Vec::new();
        if !ends.is_empty() {
            chores.push(self.record().end(self.holder().1, &ends));
        }
        chores.extend(stops);
        Ok(Look { chores, running })
    }

    /// How long a task may take: as the manifest says of the one of this name.
    fn limit(&self, id: &Id) -> Duration {
        let mut declared = self.declared.iter();
        let task = declared.find(|task| task.name == id.name);
        task.map_or(TASK_TIMEOUT, |task| task.timeout)
    }

    /// What is next of the tasks of one time.
    pub(super) fn next(&self, time: HookTime, look: &Look) -> Next {
        let waits = |why: String| Next::Shut(Outcome::Waiting(Wait::TaskRunning, why));
        if let Some(running) = &look.running {
            return waits(running.clone());
        }
        let left = self.left(time);
        let (Some((task, id)), Some(content)) = (left.first(), &self.content) else {
            return Next::Nothing;
        };
        if self.record().ended(id).is_some() {
            return Next::Shut(self.failed(task, id));
        }
        if let Some(other) = self.open()
            && other.id.attempt != id.attempt
            && self.view.now.since(other.at) < LAG
        {
            return waits(format!(
                "task {} of another content was started at {}, and is not seen yet",
                other.id.name,
                at(other.at)
            ));
        }
        if let Some(full) = self.full() {
            return Next::Shut(full);
        }
        let definition = self.definition(self.revision()).and_then(Seen::present);
        let step = match self.start(definition, task, content) {
            Ok(step) => step,
            Err(why) => return Next::Shut(Outcome::Blocked(Block::ManifestInvalid, why)),
        };
        // Each time anew: by its time it is told whether AWS would still know the task.
        let (arn, family) = (self.holder().1, family(self.revision()));
        let mark = self.record().start(arn, id, family, self.view.now);
        Next::Run(vec![mark, step])
    }

    fn start(
        &self,
        definition: Option<&Value>,
        task: &HookTask,
        content: &str,
    ) -> Result<Step, String> {
        let life = run::life(self.record());
        run::start(&self.view, self.service, definition, task, content, &life)
    }

    /// That there is no room for the record: it would be refused between the start and the end of a task.
    fn full(&self) -> Option<Outcome> {
        let tags = self.record().with_room_for(self.view.resource);
        let (name, arn) = (self.view.resource.aws_name(), self.holder().1);
        let why = format!(
            "the record of the one-off tasks of service {name} would make {tags} tags of {}, and AWS takes {MOST_TAGS}: \
             take tags away, or tasks",
            last_segment(arn)
        );
        (tags > MOST_TAGS).then_some(Outcome::Blocked(Block::Unsupported, why))
    }

    /// The starts of all tasks of one time that were not run yet, and the failure of one that was: for previews.
    pub(super) fn foreseen(&self, time: HookTime) -> (Vec<Step>, Option<Outcome>) {
        let (mut steps, mut failure) = (Vec::new(), None);
        let Some(content) = &self.content else {
            return (steps, failure);
        };
        let definition = self.definition(self.revision()).and_then(Seen::present);
        for (task, id) in self.left(time) {
            if self.record().ended(&id).is_some() {
                failure.get_or_insert_with(|| self.failed(task, &id));
                continue;
            }
            match self.start(definition, task, content) {
                Ok(step) => steps.push(step),
                Err(why) => {
                    failure.get_or_insert(Outcome::Blocked(Block::ManifestInvalid, why));
                }
            }
        }
        (steps, failure)
    }

    fn failed(&self, task: &HookTask, id: &Id) -> Outcome {
        let why = self.record().failure(id);
        let why = why.unwrap_or("another has failed since, so why is not remembered");
        let (when, stays) = match task.time {
            HookTime::Before => (
                "before",
                "the rollout does not start, and what runs stays as it is".to_owned(),
            ),
            HookTime::After => (
                "after",
                format!(
                    "the rollout stays as it is: `evenkeel rollback {}` takes it back",
                    self.view.resource.key
                ),
            ),
        };
        let text = format!(
            "task {} {when} the rollout failed: {why}; {stays}; it is not tried again until the manifest changes or \
             the annotation {RETRY_ANNOTATION} gets a new text",
            task.name
        );
        Outcome::Failed(Fail::TaskFailed, text)
    }

    /// The plan with what is remembered on the revision put on the service that is made, and then emptied there.
    pub(super) fn carried(&self, mut plan: Plan) -> Plan {
        let ours = self.record().moved();
        if self.service.is_some() || ours.is_empty() {
            return plan;
        }
        let made = |step: &Step| step.call.operation == "CreateService";
        if let Some(at) = plan.steps.iter().position(made) {
            let input = &mut plan.steps[at].call.input;
            let mut tags: Vec<Value> = items(input, "tags").cloned().collect();
            // The declared ones stand first. What else is remembered has less weight than what was run.
            tags.truncate(MOST_TAGS.saturating_sub(ours.len()));
            tags.extend(ours);
            input["tags"] = Value::from(tags);
            let made = self.record().made(self.holder().1, self.view.now);
            plan.steps.insert(at + 1, made);
        }
        plan
    }
}

/// The family of a revision.
fn family(revision: &str) -> &str {
    let name = last_segment(revision).split(':').next();
    name.unwrap_or_default()
}

fn shown(long: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(long).unwrap_or(jiff::SignedDuration::MAX)
}

/// The plan of a service that is as declared, with the tasks that come after its rollout.
pub(super) fn after(view: &View<'_>, observed: &Observed, service: &Value, mut plan: Plan) -> Plan {
    if plan.outcome != Outcome::Converged || !plan.steps.is_empty() {
        return plan;
    }
    let Some(case) = Case::of(view, observed, Some(service)) else {
        return plan;
    };
    if !case.is_left(HookTime::After) {
        return plan;
    }
    let look = match case.look() {
        Ok(look) => look,
        Err(outcome) => return Plan { outcome, ..plan },
    };
    if view.policy.in_the_end {
        let (steps, failure) = case.foreseen(HookTime::After);
        plan.outcome = failure.or_else(|| acting(&steps)).unwrap_or(plan.outcome);
        plan.steps = steps;
        return plan;
    }
    let steps = match case.next(HookTime::After, &look) {
        _ if !look.chores.is_empty() => look.chores,
        Next::Nothing => return plan,
        Next::Shut(outcome) => return Plan { outcome, ..plan },
        Next::Run(steps) => steps,
    };
    plan.outcome = acting(&steps).unwrap_or(plan.outcome);
    plan.steps = steps;
    plan
}

/// A task that runs, for a person.
fn runs(task: &Value, id: &Id, limit: Duration, definition: Option<&Value>) -> String {
    format!(
        "task {} runs ({}), for {:#} at most; {}",
        id.name,
        last_segment(text(task, "taskArn")),
        shown(limit),
        course::logs_of(task, definition)
    )
}
