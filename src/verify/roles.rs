//! Roles: that they exist and that the service which is handed one may assume it. Not what their policies
//! allow, which depends on what is done with them.

use super::judge::{Judge, items, text};
use super::question::Question;
use super::trust::{Trust, policy_of, trusts};

/// The members of a service that hand a role to ECS, outside lists (aws-facts 1.1, 8).
const OF_SERVICE: [&str; 1] = ["/role"];

/// The lists of a service whose elements hand a role to ECS, and where in them.
const IN_LISTS: [(&str, &str); 5] = [
    ("/loadBalancers", "/advancedConfiguration/roleArn"),
    ("/deploymentConfiguration/lifecycleHooks", "/roleArn"),
    ("/volumeConfigurations", "/managedEBSVolume/roleArn"),
    ("/vpcLatticeConfigurations", "/roleArn"),
    ("/serviceConnectConfiguration/services", "/tls/roleArn"),
];

impl Judge<'_> {
    /// Task role and execution role.
    pub(super) fn task_roles(&mut self) {
        for pointer in ["/executionRoleArn", "/taskRoleArn"] {
            self.role(pointer, "ecs-tasks");
        }
    }

    /// The roles that a service hands to ECS.
    pub(super) fn service_roles(&mut self) {
        for pointer in OF_SERVICE {
            self.role(pointer, "ecs");
        }
        for (list, member) in IN_LISTS {
            for (pointer, _) in items(self.spec(), list) {
                self.role(&format!("{pointer}{member}"), "ecs");
            }
        }
    }

    /// The role at a pointer, which this service must be able to assume.
    pub(super) fn role(&mut self, pointer: &str, service: &str) {
        let Some(given) = text(self.spec(), pointer).filter(|given| !given.is_empty()) else {
            return;
        };
        let place = self.place;
        if let Some(account) = account_of(given)
            && account != place.account
        {
            let why = format!("it is in account {account}; verify it with credentials of that");
            self.unchecked(format!("role {given}"), &why, pointer);
            return;
        }
        let name = given.rsplit('/').next().unwrap_or(given);
        let Some(role) = self.ask(Question::Role(name.to_owned()), pointer) else {
            return;
        };
        let Some(role) = role else {
            let hint = format!(
                "Create it with a trust policy for {service}.amazonaws.com, or name one that exists."
            );
            let message = format!(
                "the role `{given}` does not exist in account {}",
                place.account
            );
            self.error("missing-role", pointer, message, hint);
            return;
        };
        let actual = text(role, "/Arn").unwrap_or(given);
        if given.starts_with("arn:") && actual != given {
            let message = format!("the role `{given}` does not exist; `{actual}` does");
            let hint = format!("Write `{actual}`: the path is a part of the ARN.");
            self.error("missing-role", pointer, message, hint);
            return;
        }
        let Some(policy) = policy_of(role) else {
            let why = "its trust policy cannot be read";
            self.unchecked(format!("who may assume role {name}"), why, pointer);
            return;
        };
        match trusts(&policy, service, &place.region, &place.account) {
            Trust::Yes => {}
            Trust::Unknown => {
                let why = "its trust policy denies it under a condition that is not looked into";
                let what = format!("whether {service}.amazonaws.com may assume role {name}");
                self.unchecked(what, why, pointer);
            }
            Trust::No => {
                let message =
                    format!("the role `{given}` cannot be assumed by {service}.amazonaws.com");
                let hint = format!(
                    "Allow `sts:AssumeRole` to the principal service `{service}.amazonaws.com` in its trust policy, \
                     or name the role that is meant."
                );
                self.error("role-trust", pointer, message, hint);
            }
        }
    }
}

/// The account of a role's ARN; `None` for a bare name.
fn account_of(role: &str) -> Option<&str> {
    role.strip_prefix("arn:")?.split(':').nth(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_stands_in_the_arn() {
        let arn = "arn:aws:iam::123456789012:role/a/b";
        assert_eq!(account_of(arn), Some("123456789012"));
        assert_eq!(account_of("a"), None);
    }
}
