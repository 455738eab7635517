use serde_json::json;

use super::*;
use crate::kinds::testing::Scene;
use crate::model::{Facts, Key, Step};

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/blue/1";

/// A target group with this `sync.selfHeal`.
fn scene(self_heal: &Value) -> Scene {
    let mut scene = Scene::default().with(
        Kind::TargetGroup,
        "blue",
        json!({"Name": "blue", "HealthCheckPath": "/health"}),
    );
    let key = Key::new(Kind::TargetGroup, "blue");
    let resource = scene.set.resources.get_mut(&key).unwrap();
    let sync = json!({"selfHeal": self_heal});
    resource.beside.extend([("sync".to_owned(), sync)]);
    scene
}

fn drift() -> Drift {
    Drift {
        path: "/HealthCheckPath".to_owned(),
        live: json!("/up"),
        desired: json!("/health"),
        reset: false,
    }
}

/// What is done about a difference, or about none, with these live tags.
fn settled(
    view: &View<'_>,
    drift: Option<Drift>,
    live_tags: &Value,
) -> (Vec<&'static str>, Outcome) {
    let mut changes = Changes::new("target group blue", Vec::new());
    if let Some(drift) = drift {
        let call = tagging::write(
            Kind::TargetGroup,
            ARN,
            &json!([{"Key": "not", "Value": "ours"}]),
        );
        changes.mend(call, vec![drift]);
    }
    settle(view, ARN, Some(live_tags), &mut changes);
    let plan = changes.into_plan(Facts::default());
    let told = |step: &Step| {
        if step.only_records() {
            "record"
        } else {
            "heal"
        }
    };
    (plan.steps.iter().map(told).collect(), plan.outcome)
}

fn record(scene: &Scene) -> Value {
    let view = scene.view(Kind::TargetGroup, "blue");
    json!([to_record(&view, Some(&json!([]))).unwrap()])
}

#[test]
fn a_change_is_somebodys_only_if_the_record_is_of_this_manifest() {
    for (mode, reason) in [
        (json!("off"), "DriftKept"),
        (json!("notify"), "DriftFound"),
        (json!({"after": "10m"}), "DriftGrace"),
    ] {
        let scene = scene(&mode);
        let view = scene.view(Kind::TargetGroup, "blue");
        let (steps, _) = settled(&view, Some(drift()), &json!([]));
        assert_eq!(steps, ["heal"], "no record: the manifest's change");
        let (steps, _) = settled(&view, None, &json!([]));
        assert_eq!(steps, ["record"]);
        let ours = record(&scene);
        let (steps, outcome) = settled(&view, None, &ours);
        assert_eq!((steps.as_slice(), &outcome), (&[][..], &Outcome::Converged));
        let (steps, outcome) = settled(&view, Some(drift()), &ours);
        assert_eq!(
            (steps.as_slice(), outcome.reason()),
            (&[][..], reason),
            "{outcome}"
        );
        for part in [
            "/HealthCheckPath from \"/up\" to \"/health\"",
            "--output patch",
            "--heal-now",
        ] {
            assert!(outcome.message().contains(part), "{outcome}");
        }

        let mut other = scene;
        let key = Key::new(Kind::TargetGroup, "blue");
        other.set.resources.get_mut(&key).unwrap().spec["HealthCheckPath"] = json!("/health/2");
        let view = other.view(Kind::TargetGroup, "blue");
        let (steps, _) = settled(&view, Some(drift()), &ours);
        assert_eq!(steps, ["heal"], "another manifest");
        let (steps, _) = settled(&view, None, &ours);
        assert_eq!(steps, ["record"], "another manifest");
    }
}

#[test]
fn what_heals_at_once_keeps_no_record() {
    let scene = scene(&json!("immediate"));
    let view = scene.view(Kind::TargetGroup, "blue");
    assert_eq!(to_record(&view, Some(&json!([]))), None);
    let (steps, _) = settled(&view, Some(drift()), &json!([]));
    assert_eq!(steps, ["heal"]);
}

#[test]
fn it_is_healed_after_its_time_or_when_a_person_asks() {
    let scene = scene(&json!({"after": "10m"}));
    let tags = record(&scene);
    let minutes = |minutes: i64| Moment(minutes * 60_000);
    let mut view = scene.view(Kind::TargetGroup, "blue");
    view.now = minutes(60);
    for (since, reason) in [
        (None, "DriftGrace"),
        (Some(51), "DriftGrace"),
        (Some(50), "Progressing"),
    ] {
        view.drifting_since = since.map(minutes);
        let (_, outcome) = settled(&view, Some(drift()), &tags);
        assert_eq!(outcome.reason(), reason, "{since:?}: {outcome}");
    }
    view.drifting_since = None;
    view.heal_now = true;
    let (steps, _) = settled(&view, Some(drift()), &tags);
    assert_eq!(steps, ["heal"]);
    let (steps, _) = settled(&view, None, &json!([]));
    assert_eq!(steps, ["record"], "the record is kept all the same");
}

#[test]
fn where_there_is_no_room_for_a_record_there_is_none() {
    let scene = scene(&json!("off"));
    let view = scene.view(Kind::TargetGroup, "blue");
    let tag = |n: usize| json!({"Key": format!("k{n}"), "Value": "v"});
    let full: Vec<Value> = (0..MOST_TAGS).map(tag).collect();
    let (steps, outcome) = settled(&view, None, &Value::from(full));
    assert_eq!((steps.as_slice(), outcome), (&[][..], Outcome::Converged));
}
