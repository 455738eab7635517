//! The one-off tasks of a service (`rollout.tasks`) against its task definition.

use super::super::hook_tasks::{HookTask, HookTime, TASKS};
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

    /// An error in the section, which stands in the manifest wherever the spec does.
    fn of_rollout(&mut self, code: &'static str, path: &str, message: String, hint: String) {
        let place = self.draft.rollout_place.unwrap_or(self.draft.place);
        let found = self.findings.error(code, place, path, message);
        found.hint(hint);
        self.draft.file.clone_into(&mut found.file);
    }
}
