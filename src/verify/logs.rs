//! Log groups of containers that log by `awslogs`: that they exist, or that the driver may make them.

use super::judge::{Judge, items, scalar, text};
use super::question::Question;

impl Judge<'_> {
    /// The log group of every container.
    pub(super) fn log_groups(&mut self) {
        for (pointer, container) in items(self.spec(), "/containerDefinitions") {
            if text(container, "/logConfiguration/logDriver") != Some("awslogs") {
                continue;
            }
            let pointer = format!("{pointer}/logConfiguration/options");
            let option = |name: &str| scalar(self.spec(), &format!("{pointer}/{name}"));
            let Some(name) = option("awslogs-group") else {
                continue;
            };
            let region = option("awslogs-region").unwrap_or_else(|| self.place.region.clone());
            let is_made = option("awslogs-create-group").is_some_and(|flag| flag == "true");
            let at = format!("{pointer}/awslogs-group");
            let question = Question::LogGroup {
                region: region.clone(),
                name: name.clone(),
            };
            if self.ask(question, &at) != Some(None) {
                continue;
            }
            if is_made {
                self.may_create(&name, &region, &pointer);
            } else {
                let message = format!("the log group `{name}` does not exist in {region}");
                let hint = format!(
                    "Create it: aws logs create-log-group --region {region} --log-group-name {name}; or set \
                     `awslogs-create-group: \"true\"` and allow the execution role logs:CreateLogGroup."
                );
                self.error("missing-log-group", &at, message, hint);
            }
        }
    }

    /// Whether the execution role may create the log group.
    fn may_create(&mut self, name: &str, region: &str, options: &str) {
        let at = format!("{options}/awslogs-create-group");
        let account = &self.place.account;
        let Some(role) = text(self.spec(), "/executionRoleArn") else {
            let why = "the instance's role makes it, which a task definition does not name";
            self.unchecked(format!("log group {name}"), why, &at);
            return;
        };
        let bare = role.rsplit('/').next().unwrap_or(role);
        let arn = if role.starts_with("arn:") {
            role.to_owned()
        } else {
            format!("arn:aws:iam::{account}:role/{role}")
        };
        // A role that is missing has a finding of its own.
        if self
            .ask(Question::Role(bare.to_owned()), &at)
            .flatten()
            .is_none()
        {
            return;
        }
        let partition = arn.split(':').nth(1).unwrap_or("aws");
        let question = Question::Allowed {
            role: arn.clone(),
            action: "logs:CreateLogGroup",
            resource: format!("arn:{partition}:logs:{region}:{account}:log-group:{name}"),
        };
        let answer = self.ask(question, &at).flatten();
        if answer.and_then(|answer| answer.get("allowed")?.as_bool()) == Some(false) {
            let message = format!(
                "the log group `{name}` does not exist in {region}, and the execution role `{role}` may not create it"
            );
            let hint = format!(
                "Allow it logs:CreateLogGroup, or create the group: aws logs create-log-group --region {region} \
                 --log-group-name {name}"
            );
            self.error("missing-log-group", &at, message, hint);
        }
    }
}
