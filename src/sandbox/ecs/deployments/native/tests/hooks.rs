//! Lambda hooks and pauses.

use super::super::super::super::super::levers::HookOutcome;
use super::*;

const HOOK: &str = "arn:aws:lambda:us-east-1:123456789012:function:smoke";

#[test]
fn functions_are_asked_at_their_stages() {
    for stage in [
        "PRE_SCALE_UP",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ] {
        let config = with(
            blue_green(0),
            &json!({"lifecycleHooks": [{"hookTargetArn": HOOK, "roleArn": ROLE, "lifecycleStages": [stage]}]}),
        );
        let mut stand = Stand::up(&config);
        let hooks = &mut stand.world.levers.hooks;
        hooks.insert("smoke".to_owned(), HookOutcome::Hang);
        stand.deploy("nginx:2");
        let waiting = stand.until("called", |it| it["lifecycleHookDetails"] != json!([]));
        let hook = &waiting["lifecycleHookDetails"][0];
        assert_eq!(
            (&hook["status"], &hook["targetArn"], &hook["timeoutAction"]),
            (&json!("IN_PROGRESS"), &json!(HOOK), &json!("ROLLBACK"))
        );
        seconds(&mut stand.world, 600);
        assert_eq!(stand.newest()["lifecycleStage"], stage);
        let hooks = &mut stand.world.levers.hooks;
        hooks.insert("smoke".to_owned(), HookOutcome::Failed);
        let ended = stand.ends("ROLLBACK_SUCCESSFUL");
        assert_eq!(
            ended["statusReason"],
            format!(
                "Service deployment rolled back because {stage} lifecycle hook(s) failed. Lifecycle hook target {HOOK} returned FAILED status."
            )
        );
        assert_eq!(stand.weights(&stand.production), [0, 100], "{stage}");
        stand.world.levers.hooks.clear();
        stand.deploy("nginx:3");
        stand.ends("SUCCESSFUL");
    }
}

fn paused(timeout: &Value) -> Value {
    with(
        blue_green(0),
        &json!({"lifecycleHooks": [{"targetType": "PAUSE",
            "lifecycleStages": ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"], "timeoutConfiguration": timeout}]}),
    )
}

#[test]
fn a_pause_waits_for_a_person() {
    let mut stand = Stand::up(&blue_green(0));
    stand.update(&json!({"deploymentConfiguration": paused(&Value::Null)}));
    stand.deploy("nginx:2");
    let awaiting = |it: &Value| {
        let hooks = it["lifecycleHookDetails"].as_array().unwrap();
        hooks.iter().any(|hook| hook["status"] == "AWAITING_ACTION")
    };
    for stage in ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"] {
        let waiting = stand.until(stage, awaiting);
        assert_eq!(waiting["lifecycleStage"], stage);
        seconds(&mut stand.world, 7_200);
        assert_eq!(stand.newest()["lifecycleStage"], stage);
        let hooks = waiting["lifecycleHookDetails"].as_array().unwrap();
        let id = hooks.last().unwrap()["hookId"].clone();
        let arn = waiting["serviceDeploymentArn"].clone();
        for (id, text) in [
            (json!("pause"), "must follow the format"),
            (json!("ecs-pause-0"), "either completed, unavailable"),
        ] {
            let request = json!({"serviceDeploymentArn": arn, "hookId": id});
            let refused = refusal(&mut stand.world, "ContinueServiceDeployment", &request);
            assert!(refused.1.contains(text), "{refused:?}");
        }
        let request = json!({"serviceDeploymentArn": arn, "hookId": id});
        call(&mut stand.world, "ContinueServiceDeployment", &request);
    }
    let ended = stand.ends("SUCCESSFUL");
    let request = json!({"serviceDeploymentArn": ended["serviceDeploymentArn"],
        "hookId": ended["lifecycleHookDetails"][0]["hookId"]});
    let refused = refusal(&mut stand.world, "ContinueServiceDeployment", &request);
    assert!(refused.1.contains("terminal states"), "{refused:?}");
}

#[test]
fn a_pause_can_go_back_and_can_time_out() {
    for (timeout, action, status) in [
        (json!({"timeoutInMinutes": 5}), None, "ROLLBACK_SUCCESSFUL"),
        (
            json!({"timeoutInMinutes": 5, "action": "CONTINUE"}),
            None,
            "SUCCESSFUL",
        ),
        (json!({}), Some("ROLLBACK"), "ROLLBACK_SUCCESSFUL"),
    ] {
        let mut stand = Stand::up(&blue_green(0));
        stand.update(&json!({"deploymentConfiguration": paused(&timeout)}));
        stand.deploy("nginx:2");
        let waiting = stand.at("POST_SCALE_UP");
        seconds(&mut stand.world, 2);
        let hook = stand.newest()["lifecycleHookDetails"][0]["hookId"].clone();
        if let Some(action) = action {
            let request = json!({"serviceDeploymentArn": waiting["serviceDeploymentArn"], "hookId": hook, "action": action});
            call(&mut stand.world, "ContinueServiceDeployment", &request);
        }
        let ended = stand.ends(status);
        if action.is_none() && status != "SUCCESSFUL" {
            assert_eq!(
                ended["statusReason"],
                "Service deployment rolled back because POST_SCALE_UP pause hook timed out."
            );
        }
    }
}
