//! Lifecycle hooks: Lambda functions that a lever speaks for, and pauses that a person ends
//! (deployment-lifecycle-hooks page). Not the stages that call them.

use super::super::super::super::levers::HookOutcome;
use super::super::super::{Time, World, input, stamp};
use super::Run;
use super::stages::Stage;
use serde_json::{Value, json};

/// How long a function takes, and when it is called again after `IN_PROGRESS`.
const DURATION: Time = 2_000;
const AGAIN: Time = 30_000;

/// `timeoutInMinutes` if none is given.
const TIMEOUT: i64 = 1440;

/// A hook of a stage that was reached.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    /// `ecs-{hookType}-{id}`.
    pub(super) id: String,
    /// The function's ARN; none for a pause.
    target: Option<String>,
    stage: Stage,
    /// `AWAITING_ACTION`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `TIMED_OUT`.
    pub(super) status: &'static str,
    /// When the function was last called.
    called_at: Time,
    expires_at: Time,
    /// Whether the deployment goes on when the time is up.
    continues: bool,
}

impl Hook {
    /// Whether it is still waited for.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status, "AWAITING_ACTION" | "IN_PROGRESS")
    }

    /// Whether a person ends it.
    pub(super) fn is_pause(&self) -> bool {
        self.target.is_none()
    }

    /// As `lifecycleHookDetails` shows it.
    pub(super) fn view(&self) -> Value {
        let mut view = json!({
            "hookId": self.id,
            "targetType": if self.is_pause() { "PAUSE" } else { "AWS_LAMBDA" },
            "status": self.status,
            "expiresAt": stamp(self.expires_at),
            "timeoutAction": if self.continues { "CONTINUE" } else { "ROLLBACK" },
        });
        if let Some(target) = &self.target {
            view["targetArn"] = target.clone().into();
        }
        view
    }
}

/// Calls the stage's hooks, once, and tells whether they are done. An error is the reason of the
/// rollback.
pub(super) fn attend(world: &mut World, run: &mut Run, config: &Value) -> Result<bool, String> {
    if !run.called {
        run.called = true;
        for hook in input::list(config, "lifecycleHooks") {
            let stages = input::texts(hook, "lifecycleStages");
            if stages.iter().any(|stage| stage == run.stage.name()) {
                let hook = call(world, run.stage, hook);
                run.hooks.push(hook);
            }
        }
    }
    for hook in run.hooks.iter_mut().filter(|hook| hook.is_open()) {
        poll(world, hook);
    }
    let stage = run.stage.name();
    let mut ended = run.hooks.iter().filter(|hook| hook.stage == run.stage);
    let bad = ended
        .find(|hook| hook.status == "FAILED" || (hook.status == "TIMED_OUT" && !hook.continues));
    match bad {
        None => Ok(!run.hooks.iter().any(Hook::is_open)),
        Some(Hook {
            target: Some(target),
            status: "FAILED",
            ..
        }) => Err(format!(
            "Service deployment rolled back because {stage} lifecycle hook(s) failed. Lifecycle hook \
             target {target} returned FAILED status."
        )),
        // From memory of AWS's wording.
        Some(Hook {
            target: Some(target),
            ..
        }) => Err(format!(
            "Service deployment rolled back because {stage} lifecycle hook(s) failed. Lifecycle hook \
             target {target} timed out."
        )),
        Some(Hook {
            status: "TIMED_OUT",
            ..
        }) => Err(format!(
            "Service deployment rolled back because {stage} pause hook timed out."
        )),
        // Worded here.
        Some(_) => Err(format!(
            "Service deployment rolled back because a rollback was requested at the {stage} pause hook."
        )),
    }
}

fn call(world: &mut World, stage: Stage, hook: &Value) -> Hook {
    let pause = input::text(hook, "targetType") == Some("PAUSE");
    let timeout = &hook["timeoutConfiguration"];
    let minutes = timeout["timeoutInMinutes"].as_i64().unwrap_or(TIMEOUT);
    let hex = world.next_hex();
    Hook {
        id: format!(
            "ecs-{}-{}",
            if pause { "pause" } else { "lambda" },
            &hex[..16]
        ),
        target: (!pause).then(|| {
            input::text(hook, "hookTargetArn")
                .unwrap_or_default()
                .to_owned()
        }),
        stage,
        status: if pause {
            "AWAITING_ACTION"
        } else {
            "IN_PROGRESS"
        },
        called_at: world.now,
        expires_at: world.now + minutes * 60_000,
        continues: timeout["action"] == "CONTINUE",
    }
}

fn poll(world: &World, hook: &mut Hook) {
    if let Some(target) = &hook.target
        && world.now >= hook.called_at + DURATION
    {
        match world.levers.hook(target) {
            HookOutcome::Succeeded => hook.status = "SUCCEEDED",
            HookOutcome::Failed => hook.status = "FAILED",
            HookOutcome::Hang => hook.called_at = world.now + AGAIN - DURATION,
        }
    }
    if hook.is_open() && world.now >= hook.expires_at {
        hook.status = "TIMED_OUT";
    }
}
