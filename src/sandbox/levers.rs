//! The levers that stand in for Lambda and `CloudWatch`: what functions report when a lifecycle
//! hook calls them, and which alarms fire. Not the deployments that ask (see `codedeploy` and `ecs`).
//!
//! Invariant: a function that nobody spoke of succeeds, and an alarm that nobody spoke of is quiet.

use std::collections::{BTreeMap, BTreeSet};

/// What a hook function reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HookOutcome {
    /// Success after two seconds.
    #[default]
    Succeeded,
    /// Failure after two seconds.
    Failed,
    /// Nothing to `CodeDeploy`, and `IN_PROGRESS` to ECS: the stage goes on until its timeout, or
    /// until the function reports something else.
    Hang,
}

impl HookOutcome {
    /// The outcome that ECS's `hookStatus` spells like this.
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "SUCCEEDED" => Some(Self::Succeeded),
            "FAILED" => Some(Self::Failed),
            "IN_PROGRESS" => Some(Self::Hang),
            _ => None,
        }
    }
}

/// The levers of one region.
#[derive(Clone, Debug, Default)]
pub struct Levers {
    /// What the Lambda function of this name or ARN reports.
    pub hooks: BTreeMap<String, HookOutcome>,
    /// The names of the `CloudWatch` alarms that are in state `ALARM`.
    pub alarms_firing: BTreeSet<String>,
}

impl Levers {
    /// What a function reports, by its name or its ARN, whichever the lever was given.
    pub fn hook(&self, function: &str) -> HookOutcome {
        // arn:aws:lambda:REGION:ACCOUNT:function:NAME
        let name = function
            .split_once(":function:")
            .map_or(function, |(_, name)| name);
        let known = [function, name].iter().find_map(|it| self.hooks.get(*it));
        known.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_known_by_its_name_and_by_its_arn() {
        let mut levers = Levers::default();
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:smoke";
        levers.hooks.insert("smoke".to_owned(), HookOutcome::Failed);
        assert_eq!(levers.hook(arn), HookOutcome::Failed);
        assert_eq!(levers.hook("smoke"), HookOutcome::Failed);
        assert_eq!(levers.hook("other"), HookOutcome::Succeeded);
        levers.hooks.insert(arn.to_owned(), HookOutcome::Hang);
        assert_eq!(levers.hook(arn), HookOutcome::Hang);
    }
}
