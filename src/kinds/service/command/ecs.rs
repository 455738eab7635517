//! Orders about a service that ECS itself deploys: rolling, or with traffic that it shifts. Pure.

use serde_json::{Value, json};

use super::super::{Observed, items, native, text};
use super::{Case, Verdict, call, rollback};
use crate::model::{Command, RolloutStage, Seen, Service, Step};

/// Decides.
pub(super) fn decide(case: &Case<'_>, observed: &Observed) -> Verdict {
    let none = Vec::new();
    let history: &Vec<Value> = match &observed.service_deployments {
        Some(Seen::Present(list)) => list.as_array().unwrap_or(&none),
        Some(Seen::Absent) => &none,
        Some(Seen::Unknown(why)) => return Verdict::Unknown(why.clone()),
        None => return Verdict::Unknown("the service's deployments were not read".to_owned()),
    };
    match history.first().filter(|newest| native::in_flight(newest)) {
        Some(newest) => flying(case, history, newest),
        None if matches!(case.order.command, Command::Rollback { .. }) => {
            rollback::by_ecs(case, observed, history)
        }
        None => case.resting(),
    }
}

fn flying(case: &Case<'_>, history: &[Value], newest: &Value) -> Verdict {
    let declared = case
        .attempt
        .as_deref()
        .filter(|_| native::is_of(newest, &case.view.spec));
    let started = || native::started(case.service, history);
    let digest = declared.or_else(started);
    if let Some(verdict) = case.at_the_gate(digest) {
        return verdict;
    }
    let rollout = native::rollout(newest, digest.is_some());
    let course = native::sentence(&rollout);
    if rollout.stage == RolloutStage::RollingBack {
        return Verdict::No(format!("{course}; it goes back already"));
    }
    let what = format!("service deployment {}", rollout.id);
    if digest.is_none()
        && let Some(no) = case.respected(&what)
    {
        return no;
    }
    if let Some(digest) = digest
        && let Some(no) = case.of_other_content(&what, digest)
    {
        return no;
    }
    let id = rollout.id.as_str();
    let arn = text(newest, "serviceDeploymentArn");
    let pauses: Vec<&str> = items(newest, "lifecycleHookDetails")
        .filter(|hook| text(hook, "status") == "AWAITING_ACTION")
        .map(|hook| text(hook, "hookId"))
        .collect();
    match case.order.command {
        Command::Abort { .. } | Command::Rollback { .. } => case.stop(id, stop(arn, id), digest),
        Command::Promote {
            terminate: true, ..
        } => Verdict::No(format!(
            "{course}; ECS stops the old tasks when its bake time is over, and takes no word to do it sooner: leave \
             out --terminate"
        )),
        // One that goes back is enough, and AWS takes the others with it.
        Command::Reject { .. } if !pauses.is_empty() => {
            case.stop(id, answer(arn, id, pauses[0], "ROLLBACK"), digest)
        }
        Command::Promote { .. } | Command::Approve { .. } if !pauses.is_empty() => {
            let calls = pauses.iter().map(|hook| answer(arn, id, hook, "CONTINUE"));
            case.let_on(id, digest, calls.collect())
        }
        Command::Promote { .. } | Command::Approve { .. } | Command::Reject { .. } => {
            case.goes_on_by_itself(&course)
        }
    }
}

fn stop(arn: &str, id: &str) -> Step {
    let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    let why = format!("stop service deployment {id} and go back");
    call(Service::Ecs, "StopServiceDeployment", input, why)
}

fn answer(arn: &str, id: &str, hook: &str, action: &str) -> Step {
    let input = json!({"serviceDeploymentArn": arn, "hookId": hook, "action": action});
    let why = match action {
        "ROLLBACK" => format!("let service deployment {id} go back from its pause {hook}"),
        _ => format!("let service deployment {id} go on from its pause {hook}"),
    };
    call(Service::Ecs, "ContinueServiceDeployment", input, why)
}
