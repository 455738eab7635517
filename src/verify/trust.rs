//! Whether a role's trust policy lets a service of AWS assume it. Pure.

use serde_json::Value;

/// Whether a service may assume a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// Something is denied under a condition that is not understood here.
    Unknown,
}

/// Reads the trust policy of a role as `GetRole` gives it: JSON, escaped as in a URL (IAM API reference,
/// `Role`).
pub(super) fn policy_of(role: &Value) -> Option<Value> {
    let escaped = role.get("AssumeRolePolicyDocument")?.as_str()?;
    // The parser of forms takes `+` for a blank; IAM writes one as %2B.
    let form = format!("p={escaped}");
    let (_, text) = form_urlencoded::parse(form.as_bytes()).next()?;
    serde_json::from_str(&text).ok()
}

/// Whether `service` (`ecs-tasks`) of this region may assume a role with this policy, for resources of
/// this account. A condition is looked at where it is known what the service sends. One that is not is
/// taken to hold where it allows, since nobody writes one that never does; where it denies, it may be about
/// others alone.
pub(super) fn trusts(policy: &Value, service: &str, region: &str, account: &str) -> Trust {
    let statements = many(policy.get("Statement"));
    let of = |wanted: &'static str| {
        let effect = |one: &Value| one.get("Effect").and_then(Value::as_str) == Some(wanted);
        let meant = move |one: &&&Value| effect(one) && may_mean(one, service, region);
        statements.iter().filter(meant).map(|one| {
            let excepts = one.get("NotPrincipal").or(one.get("NotAction")).is_some();
            if excepts { None } else { holds(one, account) }
        })
    };
    let denied = || of("Deny");
    if !of("Allow").any(|holds| holds != Some(false)) || denied().any(|holds| holds == Some(true)) {
        Trust::No
    } else if denied().any(|holds| holds.is_none()) {
        Trust::Unknown
    } else {
        Trust::Yes
    }
}

/// Whether a statement is about this service's assuming. One that names exceptions may be if it denies;
/// as one that allows it is not read.
fn may_mean(statement: &Value, service: &str, region: &str) -> bool {
    let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    let excepts = |member: &str| denies && statement.get(member).is_some();
    (names(statement, service, region) || excepts("NotPrincipal"))
        && (assumes(statement) || excepts("NotAction"))
}

/// One value or a list of them.
fn many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

/// The principals that stand for a service: its global name and its regional one, in every partition.
fn principals(service: &str, region: &str) -> [String; 4] {
    [
        format!("{service}.amazonaws.com"),
        format!("{service}.amazonaws.com.cn"),
        format!("{service}.{region}.amazonaws.com"),
        format!("{service}.{region}.amazonaws.com.cn"),
    ]
}

fn names(statement: &Value, service: &str, region: &str) -> bool {
    let Some(principal) = statement.get("Principal") else {
        return false;
    };
    if principal.as_str() == Some("*") {
        return true;
    }
    let known = principals(service, region);
    many(principal.get("Service"))
        .into_iter()
        .filter_map(Value::as_str)
        .any(|name| known.iter().any(|known| known == name))
}

fn assumes(statement: &Value) -> bool {
    many(statement.get("Action"))
        .into_iter()
        .filter_map(Value::as_str)
        .any(|action| {
            let action = action.to_ascii_lowercase();
            let begins = action.strip_suffix('*');
            action == ASSUME || begins.is_some_and(|begins| ASSUME.starts_with(begins))
        })
}

/// What a service does with a role, in small letters: actions are compared without regard to case.
const ASSUME: &str = "sts:assumerole";

/// Whether the conditions hold; `None` if that hangs on one that is not understood. Understood are the
/// account that a service acts for, and the external id, which no service sends.
fn holds(statement: &Value, account: &str) -> Option<bool> {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let mut all = Some(true);
    for (operator, keys) in operators.into_iter().flatten() {
        let is_equality =
            ["stringequals", "stringlike"].contains(&operator.to_ascii_lowercase().as_str());
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = || many(Some(values)).into_iter().filter_map(Value::as_str);
            let one = match key.to_ascii_lowercase().as_str() {
                "sts:externalid" if is_equality => Some(false),
                "aws:sourceaccount" if is_equality => {
                    let open = |value: &str| value.contains(['*', '?', '$']);
                    if values().any(|value| value == account) {
                        Some(true)
                    } else if values().any(open) {
                        None
                    } else {
                        Some(false)
                    }
                }
                _ => None,
            };
            match one {
                Some(false) => return Some(false),
                Some(true) => {}
                None => all = None,
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(statement: &Value) -> Trust {
        let policy = json!({"Statement": statement});
        trusts(&policy, "ecs-tasks", "eu-west-1", "123456789012")
    }

    #[test]
    fn strings_and_lists_mean_the_same() {
        let one = json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"});
        assert_eq!(ask(&one), Trust::Yes);
        let list = json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Principal": {"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}}]);
        assert_eq!(ask(&list), Trust::Yes);
        let deny = json!([one, {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}]);
        assert_eq!(ask(&deny), Trust::No);
    }

    /// The statements of a data perimeter, which AWS's own guidance puts into every trust policy.
    #[test]
    fn a_denial_under_a_condition_that_is_not_understood_is_not_known() {
        let allow = json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"});
        let condition = |condition: Value| json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Condition": condition});
        let perimeter = condition(json!({
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}));
        let own = |operator: &str, account: &str| {
            let mut keys = json!({});
            keys[operator] = json!({"aws:SourceAccount": account});
            condition(keys)
        };
        for (deny, trust) in [
            (perimeter, Trust::Unknown),
            (own("StringEquals", "123456789012"), Trust::No),
            (own("StringEquals", "999999999999"), Trust::Yes),
            (own("StringNotEquals", "123456789012"), Trust::Unknown),
            (own("StringLike", "1234*"), Trust::Unknown),
            (
                json!({"Effect": "Deny", "NotPrincipal": {"AWS": "x"}, "Action": "*"}),
                Trust::Unknown,
            ),
            (
                json!({"Effect": "Deny", "Principal": "*", "NotAction": "sts:TagSession"}),
                Trust::Unknown,
            ),
            (
                json!({"Effect": "Deny", "Principal": "*", "Action": "sts:TagSession"}),
                Trust::Yes,
            ),
        ] {
            assert_eq!(ask(&json!([allow, deny])), trust, "{deny}");
        }
    }

    #[test]
    fn an_action_may_end_in_a_star() {
        for (action, trust) in [
            ("sts:AssumeRole*", Trust::Yes),
            ("STS:assumerole", Trust::Yes),
            ("sts:A*", Trust::Yes),
            ("*", Trust::Yes),
            ("sts:AssumeRoleWithSAML", Trust::No),
            ("sts:AssumeRoleWith*", Trust::No),
        ] {
            let statement = json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": action});
            assert_eq!(ask(&statement), trust, "{action}");
        }
    }

    #[test]
    fn another_service_another_action_or_another_account_is_no_trust() {
        for statement in [
            json!({"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}),
            json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}),
            json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:TagSession"}),
            json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}),
        ] {
            assert_eq!(ask(&statement), Trust::No, "{statement}");
        }
        let guarded = json!({"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole", "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": "arn:aws:ecs:eu-west-1:123456789012:*"}}});
        assert_eq!(ask(&guarded), Trust::Yes);
    }

    #[test]
    fn the_autoscaling_principal_is_not_that_of_ecs() {
        let policy = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs.application-autoscaling.amazonaws.com"}}});
        assert_eq!(trusts(&policy, "ecs", "eu-west-1", "1"), Trust::No);
        let regional = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "codedeploy.eu-west-1.amazonaws.com"}}});
        assert_eq!(
            trusts(&regional, "codedeploy", "eu-west-1", "1"),
            Trust::Yes
        );
    }

    #[test]
    fn a_policy_comes_escaped() {
        let role = json!({"AssumeRolePolicyDocument": "%7B%22Version%22%3A%20%22a%2Bb%22%7D"});
        assert_eq!(policy_of(&role), Some(json!({"Version": "a+b"})));
        assert_eq!(policy_of(&json!({})), None);
    }
}
