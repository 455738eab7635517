//! A revision that somebody put in the place of the declared one is told by what it holds.

use serde_json::{Value, json};

use super::{Bench, Payload};
use crate::model::{Plan, Seen};

use Payload::{A, B};

/// What is declared was started once, and somebody has put B there since, with another image.
fn hotfix(mut bench: Bench) -> Plan {
    let attempt = bench.attempt();
    bench.tag(&attempt);
    let of = |image: &str, secret: &str| {
        Seen::Present(
            json!({"taskDefinition": {"family": "web", "containerDefinitions": [
            {"name": "web", "image": image, "environment": [{"name": "PASSWORD", "value": secret}]}]}}),
        )
    };
    bench.observed.content = vec![of("web:2", "one"), of("web:1", "two")];
    bench.plan()
}

#[test]
fn the_image_of_a_hotfix_is_told_under_every_engine() {
    let native = super::native::bench(
        A,
        B,
        vec![super::native::deployment("1", B, "SUCCESSFUL", "blue")],
    );
    let mut blue_green = Bench::blue_green(A, B);
    blue_green.deployments(Vec::new());
    for bench in [Bench::rolling(A, B, "COMPLETED"), blue_green, native] {
        let mut bench = bench;
        bench
            .observed
            .service_deployments
            .get_or_insert(Seen::Present(json!([])));
        let plan = hotfix(bench);
        assert_eq!(plan.outcome.reason(), "DriftGrace", "{plan:?}");
        let at = "/taskDefinition/containerDefinitions/web";
        let image = plan
            .drift
            .iter()
            .find(|one| one.path == format!("{at}/image"));
        let image = image.unwrap();
        assert_eq!(
            (&image.live, &image.desired),
            (&json!("web:2"), &json!("web:1"))
        );
        let whole = plan.drift.iter().find(|one| one.path == "/taskDefinition");
        assert!(whole.is_some(), "{plan:?}");
        let message = plan.outcome.message();
        assert!(
            message.contains(r#"/image from "web:2" to "web:1""#),
            "{message}"
        );
        let told: Vec<&Value> = plan.drift.iter().map(|one| &one.live).collect();
        let told = format!("{told:?}{message}");
        assert!(told.contains("****") && !told.contains("\"one\""), "{told}");
    }
}

#[test]
fn a_change_of_the_manifest_is_told_as_before() {
    let mut bench = Bench::rolling(A, B, "COMPLETED");
    bench.observed.service_deployments = Some(Seen::Present(json!([])));
    bench.tag("v1:another");
    let document = Seen::Present(json!({"taskDefinition": {"family": "web"}}));
    bench.observed.content = vec![document.clone(), document];
    let plan = bench.plan();
    let all: Vec<&str> = plan.drift.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(all, ["/taskDefinition"], "{plan:?}");
}
