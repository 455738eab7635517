//! Orders about a service that `CodeDeploy` deploys. Pure.

use serde_json::{Value, json};

use super::super::history::{attempt_of, in_flight, is_rollback};
use super::super::{migration, progress, text};
use super::{Case, Standing, Verdict, call, rollback};
use crate::model::{Command, RolloutStage, Seen, Service, Step};

/// Decides.
pub(super) fn decide(case: &Case<'_>, standing: &Standing) -> Verdict {
    let observed = &standing.observed;
    let history = match &observed.history {
        Some(Seen::Present(history)) => history.as_slice(),
        Some(Seen::Absent) => &[],
        Some(Seen::Unknown(why)) => return Verdict::Unknown(why.clone()),
        None if waits_to_move(case) => return case.resting(),
        None => {
            return Verdict::No(format!(
                "service {} is deployed by CodeDeploy, and no DeploymentGroup manifest names it in ecsServices: declare \
                 its group",
                text(case.service, "serviceName")
            ));
        }
    };
    match history.iter().find(|deployment| in_flight(deployment)) {
        Some(deployment) => flying(case, deployment, &observed.target),
        None if matches!(case.order.command, Command::Rollback { .. }) => {
            rollback::by_code_deploy(case, observed, standing.revision.as_ref(), history)
        }
        None => case.resting(),
    }
}

/// Whether the order is about a move to ECS that waits for an approval: its manifest has no group any more whose
/// deployments could be looked at, and the gate asks for none.
fn waits_to_move(case: &Case<'_>) -> bool {
    let about = matches!(
        case.order.command,
        Command::Approve { .. } | Command::Reject { .. } | Command::Promote { .. }
    );
    about && case.gated().is_some() && migration::is_asked(case.view, case.service)
}

fn flying(case: &Case<'_>, deployment: &Value, target: &Seen<Value>) -> Verdict {
    let id = text(deployment, "deploymentId");
    let rollout = progress::rollout(deployment, target);
    let course = progress::sentence(&rollout);
    let digest = attempt_of(deployment);
    if let Some(verdict) = case.at_the_gate(digest) {
        return verdict;
    }
    if is_rollback(deployment) {
        return Verdict::No(format!("{course}; it goes back already"));
    }
    if digest.is_none()
        && let Some(no) = case.respected(&format!("deployment {id}"))
    {
        return no;
    }
    if let Some(digest) = digest
        && let Some(no) = case.of_other_content(&format!("deployment {id}"), digest)
    {
        return no;
    }
    let ready = rollout.stage == RolloutStage::AwaitingApproval;
    let warm = deployment.get("instanceTerminationWaitTimeStarted") == Some(&Value::Bool(true));
    match case.order.command {
        Command::Abort { .. } | Command::Rollback { .. } => case.stop(id, stop(id), digest),
        Command::Reject { .. } if ready => case.stop(id, stop(id), digest),
        Command::Promote {
            terminate: true, ..
        } if warm => case.go_on(id, digest, vec![go_on(id, "TERMINATION_WAIT")]),
        Command::Promote {
            terminate: true, ..
        } => Verdict::No(format!(
            "{course}; its old tasks do not wait to be stopped yet: leave out --terminate"
        )),
        Command::Promote { .. } | Command::Approve { .. } if ready => {
            case.let_on(id, digest, vec![go_on(id, "READY_WAIT")])
        }
        Command::Promote { .. } if warm => Verdict::No(format!(
            "{course}; all traffic is on the new tasks, and the old ones are kept for the way back until the group's \
             wait is over: to stop them now, add --terminate"
        )),
        Command::Promote { .. } | Command::Approve { .. } | Command::Reject { .. } => {
            case.goes_on_by_itself(&course)
        }
    }
}

fn stop(id: &str) -> Step {
    let input = json!({"deploymentId": id, "autoRollbackEnabled": true});
    let why = format!("stop deployment {id} and go back");
    call(Service::CodeDeploy, "StopDeployment", input, why)
}

fn go_on(id: &str, wait: &str) -> Step {
    let input = json!({"deploymentId": id, "deploymentWaitType": wait});
    let why = match wait {
        "TERMINATION_WAIT" => format!("let deployment {id} stop the old tasks now"),
        _ => format!("let deployment {id} move production traffic"),
    };
    call(Service::CodeDeploy, "ContinueDeployment", input, why)
}
