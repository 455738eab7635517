//! No secret in any text that a person or a log sees.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bench, Payload, deployment};
use crate::model::{Key, Kind, Plan};

/// Every text of a plan that is shown: not the requests themselves, which go to AWS alone.
fn texts(plan: &Plan) -> String {
    let whys: Vec<&str> = plan.steps.iter().map(|step| step.why.as_str()).collect();
    format!(
        "{} {whys:?} {:?} {:?} {:?}",
        plan.outcome, plan.drift, plan.facts, plan.rollout
    )
}

/// The bench with this value in every place of the set that may hold a secret.
fn hide(bench: &mut Bench, secret: &str) {
    let environment = json!([{"name": "DB_PASSWORD", "value": secret}]);
    let definition = Key::new(Kind::TaskDefinition, "web");
    bench.scene.set.resources.get_mut(&definition).unwrap().spec = json!({"family": "web", "containerDefinitions": [{"name": "web", "environment": environment}]});
    let connect = |value: &str| -> Value {
        json!({"enabled": true, "logConfiguration": {"logDriver": "splunk",
            "options": {"splunk-token": value}, "secretOptions": [{"name": "t", "valueFrom": value}]}})
    };
    bench.spec()["serviceConnectConfiguration"] = connect(secret);
    let old = connect(&format!("{secret}-old"));
    bench.live()["serviceConnectConfiguration"] = old;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn environment_values_and_tokens_are_in_no_text(
        secret in "[a-z]{4}[0-9]{8}", live in 0_usize..2, state in 0_usize..3, tagged: bool, status in 0_usize..4,
    ) {
        let live = Payload::ALL[live];
        let mut blue_green = Bench::blue_green(Payload::B, live);
        let state = ["IN_PROGRESS", "COMPLETED", "FAILED"][state];
        let mut rolling = Bench::rolling(Payload::B, live, state);
        for bench in [&mut blue_green, &mut rolling] {
            hide(bench, &secret);
            let attempt = bench.attempt();
            prop_assert!(!attempt.contains(&secret));
            if tagged {
                bench.tag(&attempt);
            }
        }
        let attempt = blue_green.attempt();
        let status = ["InProgress", "Succeeded", "Failed", "Stopped"][status];
        blue_green.deployments(vec![deployment("d-1", &attempt, status)]);
        for bench in [blue_green, rolling] {
            let shown = texts(&bench.plan());
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }
}
