//! From `CODE_DEPLOY` to a strategy of ECS's own, in place, by AWS's recipe (aws-facts 1.6, its page
//! `migrate-codedeploy-to-ecs-bluegreen`): first both target groups in the rules, the idle one without
//! weight, then one `UpdateService` with the controller, the strategy and the load balancers. Pure.
//!
//! | seen | decision |
//! |---|---|
//! | no task set, or several | wait: AWS refuses until the deployment in `CodeDeploy` is over |
//! | the production rule is not where the tasks are, or no target there is healthy | `TrafficMismatch` |
//! | a target group of the pair is in neither rule | put it into the production rule with weight 0 |
//! | both are | `UpdateService`; from then on it is a service of the engine `native` |
//!
//! Which step is next is seen at AWS, so a crash between two of them loses nothing. The application and
//! the group in `CodeDeploy` are left: nothing deploys through them any more.
//!
//! Invariant: the only weight that is given is 0, to a target group that had none. A deployment of
//! `CodeDeploy` moves weights only while there are two task sets, so none does at the same time. One that has not
//! made its task set yet is not seen (the manifest has no group to ask any more): it fails after the move.

use serde_json::{Value, json};

use super::native::{self, Gap};
use super::payload::{attempt_digest, primary_task_set};
use super::plan::{change_of_controller, controller, unresolved, waiting_for};
use super::{Observed, items, text};
use crate::kinds::View;
use crate::model::{Call, Drift, Outcome, Plan, Service, Step, Wait};

/// Whether a live service of `CodeDeploy` is declared with a strategy of ECS's own that shifts traffic.
pub(super) fn is_asked(view: &View<'_>, service: &Value) -> bool {
    controller(service) == "CODE_DEPLOY"
        && controller(&view.spec) == "ECS"
        && native::is_native(&view.spec)
}

/// The next step.
pub(super) fn plan(view: &View<'_>, observed: &Observed, service: &Value) -> Plan {
    let differences = native::differences(view, service);
    let controller = change_of_controller(view, service).into_iter();
    let drift: Vec<Drift> = controller.chain(differences.iter().cloned()).collect();
    let waits = unresolved(view);
    if !waits.is_empty() {
        return waiting_for(&waits).with_drift(drift);
    }
    let Some(attempt) = attempt_digest(view) else {
        return waiting_for(&waits).with_drift(drift);
    };
    let sets = items(service, "taskSets").count();
    let Some(live) = primary_task_set(service).filter(|_| sets == 1) else {
        return between_deployments(service).with_drift(drift);
    };
    let gaps = match native::gaps(view, observed, service, live) {
        Ok(gaps) => gaps,
        Err(outcome) => return Plan::only(outcome).with_drift(drift),
    };
    let steps = if gaps.is_empty() {
        native::take_over(view, service, &attempt, &differences)
    } else {
        gaps.iter().map(attach).collect()
    };
    let why: Vec<&str> = steps.iter().map(|step| step.why.as_str()).collect();
    let outcome = Outcome::Acting(why.join("; "));
    Plan {
        steps,
        drift,
        ..Plan::only(outcome)
    }
}

/// AWS changes the controller of a service with one task set alone.
fn between_deployments(service: &Value) -> Plan {
    let others: Vec<String> = items(service, "taskSets")
        .filter(|set| text(set, "status") != "PRIMARY")
        .map(|set| format!("{} of {}", text(set, "id"), text(set, "externalId")))
        .collect();
    let why = if others.is_empty() {
        "the service has no primary task set yet".to_owned()
    } else {
        format!(
            "the service moves from CodeDeploy to ECS when it has one task set; still there: {}. A deployment that is over and left its task set behind does not take it away: once no rule sends traffic to its target group, delete it with `aws ecs delete-task-set --force`",
            others.join(", ")
        )
    };
    Plan::only(Outcome::Waiting(Wait::RolloutInProgress, why))
}

/// Puts a target group of the pair into a rule, without weight. All else of the rule stays as it is live.
fn attach(gap: &Gap<'_>) -> Step {
    let mut actions = gap.rule.get("Actions").cloned().unwrap_or_default();
    for action in actions.as_array_mut().into_iter().flatten() {
        if text(action, "Type") == "forward" {
            forward_to_one_more(action, gap.group);
        }
        // The secret is not read back; AWS keeps the one that it has.
        if let Some(oidc) = action.get_mut("AuthenticateOidcConfig") {
            oidc["UseExistingClientSecret"] = json!(true);
        }
    }
    let is_default = matches!(gap.rule.get("IsDefault"), Some(Value::Bool(true)))
        || gap.rule.get("IsDefault").and_then(Value::as_str) == Some("true");
    let (operation, input) = if is_default {
        let listener = native::listener_of(gap.arn);
        (
            "ModifyListener",
            json!({"ListenerArn": listener, "DefaultActions": actions}),
        )
    } else {
        (
            "ModifyRule",
            json!({"RuleArn": gap.arn, "Actions": actions}),
        )
    };
    Step {
        call: Call {
            service: Service::Elb,
            operation,
            input,
        },
        why: format!(
            "attach target group {} with weight 0 to {}",
            gap.group, gap.arn
        ),
    }
}

fn forward_to_one_more(action: &mut Value, group: &str) {
    let lone = text(action, "TargetGroupArn").to_owned();
    let mut config = action.get("ForwardConfig").cloned().unwrap_or(json!({}));
    let mut groups: Vec<Value> = items(&config, "TargetGroups").cloned().collect();
    if groups.is_empty() {
        groups.push(json!({"TargetGroupArn": lone, "Weight": 1}));
    }
    groups.push(json!({"TargetGroupArn": group, "Weight": 0}));
    config["TargetGroups"] = Value::from(groups);
    if let Some(members) = action.as_object_mut() {
        members.remove("TargetGroupArn");
        members.insert("ForwardConfig".to_owned(), config);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attaching_leaves_everything_else_of_a_rule_as_it_is() {
        let rule = json!({"RuleArn": "arn:rule", "IsDefault": "false", "Actions": [
            {"Type": "authenticate-oidc", "Order": "1", "AuthenticateOidcConfig": {"ClientId": "web"}},
            {"Type": "forward", "Order": "2", "TargetGroupArn": "arn:blue", "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": "arn:blue", "Weight": "1"}],
                "TargetGroupStickinessConfig": {"Enabled": "true", "DurationSeconds": "60"}}}]});
        let gap = |rule| Gap {
            arn: "arn:rule",
            rule,
            group: "arn:green",
        };
        let step = attach(&gap(&rule));
        assert_eq!(step.call.operation, "ModifyRule");
        let expected = json!({"RuleArn": "arn:rule", "Actions": [
            {"Type": "authenticate-oidc", "Order": "1",
                "AuthenticateOidcConfig": {"ClientId": "web", "UseExistingClientSecret": true}},
            {"Type": "forward", "Order": "2", "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": "arn:blue", "Weight": "1"},
                    {"TargetGroupArn": "arn:green", "Weight": 0}],
                "TargetGroupStickinessConfig": {"Enabled": "true", "DurationSeconds": "60"}}}]});
        assert_eq!(step.call.input, expected);
        let lone = json!({"IsDefault": "false", "Actions": [{"Type": "forward", "TargetGroupArn": "arn:blue"}]});
        let groups = &attach(&gap(&lone)).call.input["Actions"][0]["ForwardConfig"]["TargetGroups"];
        let expected = json!([{"TargetGroupArn": "arn:blue", "Weight": 1}, {"TargetGroupArn": "arn:green", "Weight": 0}]);
        assert_eq!(groups, &expected);
    }
}
