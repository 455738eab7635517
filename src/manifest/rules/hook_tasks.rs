//! The one-off tasks of a service (`rollout.tasks`) against its task definition, and the room for their record.

use super::super::hook_tasks::{
    HookTask, HookTime, MOST_TAGS, OWN_TAGS, OWN_TAGS_OF_A_REVISION, TASK_TAGS,
    TASK_TAGS_OF_A_REVISION, TASKS,
};
use super::super::nearest::suggestion;
use super::super::schema::listed;
use super::super::tree::Node;
use super::Rules;

impl Rules<'_, '_, '_> {
    pub(super) fn hook_tasks(&mut self, task_definition: &Node) {
        let containers = task_definition.list("containerDefinitions");
        let named = |one: &&Node| one.text("name").is_some();
        let known: Vec<&str> = containers
            .iter()
            .filter_map(|one| one.text("name"))
            .collect();
        let essential: Vec<&str> = containers
            .iter()
            .filter(named)
            .filter(|one| one.flag("essential") != Some(false))
            .filter_map(|one| one.text("name"))
            .collect();
        let tasks: Vec<HookTask> = HookTask::all(&self.draft.beside).collect();
        for time in HookTime::ALL {
            let tasks = tasks.iter().filter(|task| task.time == time);
            for (index, task) in tasks.enumerate() {
                let path = format!("rollout.{TASKS}.{}[{index}]", time.word());
                self.hook_task(task, &path, &known, &essential);
            }
        }
    }

    fn hook_task(&mut self, task: &HookTask, path: &str, known: &[&str], essential: &[&str]) {
        let overridden = task.overrides.as_ref();
        let overridden = overridden.and_then(|one| one.get("containerOverrides")?.as_array());
        let overridden = overridden.into_iter().flatten();
        let overridden = overridden.filter_map(|one| one.get("name")?.as_str());
        let names = task.container.as_deref().into_iter().chain(overridden);
        for name in names.filter(|name| !known.contains(name)) {
            let message = format!(
                "the task `{}` runs in the container `{name}`, which the task definition does not have",
                task.name
            );
            let hint = suggestion(name, known.iter().copied())
                .unwrap_or_else(|| format!("It has {}.", listed(known)));
            self.of_rollout("unknown-container", path, message, hint);
        }
        let left_out = task.container.is_none() && task.overrides.is_none();
        if left_out && essential.len() != 1 && !known.is_empty() {
            let message = format!(
                "the task `{}` does not say in which container it runs, and {} of them are essential",
                task.name,
                essential.len()
            );
            let hint = format!("Give `container`: {}.", listed(known));
            self.of_rollout("missing-field", path, message, hint);
        }
    }

    /// The record of the tasks is in tags on the service, and until it is made on the revision that it will run,
    /// which others may be made of too.
    pub(super) fn room_for_tasks(&mut self) {
        let tasks = |beside| HookTask::all(beside).count();
        let own = tasks(&self.draft.beside);
        if own == 0 {
            return;
        }
        let declared = self.spec().list("tags").len();
        self.room("the service", declared, OWN_TAGS, own + TASK_TAGS);
        let Some(key) = self.draft.linked("/taskDefinitionRef") else {
            return;
        };
        let Some(definition) = self.world.get(key) else {
            return;
        };
        let declared = definition.spec.list("tags").len();
        let services = self.world.with_tasks(key).iter();
        let recorded = services.map(|one| tasks(&one.beside) + TASK_TAGS_OF_A_REVISION);
        let what = format!("a revision of {key}");
        self.room(&what, declared, OWN_TAGS_OF_A_REVISION, recorded.sum());
    }

    fn room(&mut self, what: &str, declared: usize, own: usize, recorded: usize) {
        let all = declared + own + recorded;
        if all <= MOST_TAGS {
            return;
        }
        let message = format!(
            "the tags of {what} may become {all}, and AWS takes {MOST_TAGS}: {declared} are declared, up to {own} are \
             Even Keel's own, and {recorded} are the record of one-off tasks"
        );
        let hint = format!(
            "Declare {} fewer, or put the commands that belong together into one task.",
            all - MOST_TAGS
        );
        let path = format!("rollout.{TASKS}");
        self.of_rollout("too-many-tags", &path, message, hint);
    }

    /// An error in the section, which stands in the manifest wherever the spec does.
    fn of_rollout(&mut self, code: &'static str, path: &str, message: String, hint: String) {
        let place = self.draft.rollout_place.unwrap_or(self.draft.place);
        let found = self.findings.error(code, place, path, message);
        found.hint(hint);
        self.draft.file.clone_into(&mut found.file);
    }
}
