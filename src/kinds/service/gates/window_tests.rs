use serde_json::{Value, json};

use super::*;
use crate::kinds::testing::Scene;
use crate::model::{Key, Kind};

fn window(kind: &str, schedule: &str, duration: &str, zone: &str) -> Value {
    json!({"kind": kind, "schedule": schedule, "duration": duration, "timeZone": zone})
}

/// A service `web` of the team `pay` in the cluster `main`, with these windows of its own and of its cluster.
fn scene(own: &Value, clusters: &Value) -> Scene {
    let mut scene = Scene::default()
        .with(Kind::Cluster, "main", json!({"clusterName": "main"}))
        .with(Kind::Service, "web", json!({"cluster": "main"}));
    for (kind, name, windows) in [
        (Kind::Service, "web", own),
        (Kind::Cluster, "main", clusters),
    ] {
        let resource = scene.set.resources.get_mut(&Key::new(kind, name)).unwrap();
        let sync = json!({"windows": windows});
        resource.beside.extend([("sync".to_owned(), sync)]);
        resource
            .labels
            .extend([("team".to_owned(), "pay".to_owned())]);
    }
    scene
}

fn at(time: &str) -> Moment {
    Moment(time.parse::<Timestamp>().unwrap().as_millisecond())
}

/// The message at a time; nothing if a rollout may start.
fn told(scene: &Scene, time: &str) -> Option<String> {
    let mut view = scene.view(Kind::Service, "web");
    view.now = at(time);
    let shut = shut(&view)?;
    assert_eq!(shut.outcome.reason(), "WindowClosed");
    Some(shut.outcome.message().to_owned())
}

fn opens(scene: &Scene, time: &str) -> Option<String> {
    let mut view = scene.view(Kind::Service, "web");
    view.now = at(time);
    let again = shut(&view)?.again?;
    Some(Timestamp::from_millisecond(again.0).unwrap().to_string())
}

#[test]
fn an_allow_window_opens_by_the_clock_on_the_wall_in_winter_and_in_summer() {
    let hours = json!([window("allow", "0 9 * * MON-FRI", "8h", "Europe/Berlin")]);
    let scene = scene(&hours, &json!([]));
    for (time, open) in [
        ("2026-03-27T07:59:59Z", false),
        ("2026-03-27T08:00:00Z", true),
        ("2026-03-27T15:59:59Z", true),
        ("2026-03-27T16:00:00Z", false),
        // Clocks went forward on the 29th.
        ("2026-03-30T06:59:59Z", false),
        ("2026-03-30T07:00:00Z", true),
        ("2026-03-30T15:00:00Z", false),
    ] {
        assert_eq!(told(&scene, time).is_none(), open, "{time}");
    }
    let message = told(&scene, "2026-03-28T12:00:00Z").unwrap();
    for part in [
        "`0 9 * * MON-FRI` for 8h (Europe/Berlin)",
        "opens at 2026-03-30 09:00 (Europe/Berlin)",
        "evenkeel.dev/ignore-windows",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(
        opens(&scene, "2026-03-28T12:00:00Z").unwrap(),
        "2026-03-30T07:00:00Z"
    );
}

#[test]
fn a_time_that_is_skipped_opens_after_the_gap_and_one_that_comes_twice_opens_once() {
    let night = json!([window("allow", "30 2 * * *", "1h", "Europe/Berlin")]);
    let scene = scene(&night, &json!([]));
    for (time, open) in [
        // 02:00 to 03:00 is not there.
        ("2026-03-29T00:59:59Z", false),
        ("2026-03-29T01:00:00Z", true),
        ("2026-03-29T01:59:59Z", true),
        ("2026-03-29T02:00:00Z", false),
        // 02:30 comes at 00:30 and at 01:30 UTC.
        ("2026-10-25T00:29:59Z", false),
        ("2026-10-25T00:30:00Z", true),
        ("2026-10-25T01:29:59Z", true),
        ("2026-10-25T01:30:00Z", false),
        ("2026-10-25T02:00:00Z", false),
    ] {
        assert_eq!(told(&scene, time).is_none(), open, "{time}");
    }
    assert_eq!(
        opens(&scene, "2026-03-29T00:00:00Z").unwrap(),
        "2026-03-29T01:00:00Z"
    );
    assert_eq!(
        opens(&scene, "2026-10-25T01:30:00Z").unwrap(),
        "2026-10-26T01:30:00Z"
    );
}

#[test]
fn a_while_is_real_time_also_across_the_change() {
    let day = json!([window("allow", "0 0 * * SUN", "24h", "Europe/Berlin")]);
    let scene = scene(&day, &json!([]));
    assert_eq!(
        told(&scene, "2026-03-29T22:59:59Z"),
        None,
        "01:00 on Monday"
    );
    assert!(told(&scene, "2026-03-29T23:00:00Z").is_some());
}

#[test]
fn deny_wins_and_the_next_opening_heeds_all() {
    let both = json!([
        window("allow", "0 9 * * *", "8h", "UTC"),
        window("deny", "0 0 * * SAT", "2d", "UTC"),
    ]);
    let scene = scene(&both, &json!([]));
    assert_eq!(told(&scene, "2026-01-02T09:00:00Z"), None, "Friday");
    let message = told(&scene, "2026-01-03T10:00:00Z").unwrap();
    assert!(
        message.contains("the deny window `0 0 * * SAT`"),
        "{message}"
    );
    assert_eq!(
        opens(&scene, "2026-01-03T10:00:00Z").unwrap(),
        "2026-01-05T09:00:00Z"
    );
    assert_eq!(
        opens(&scene, "2026-01-02T18:00:00Z").unwrap(),
        "2026-01-05T09:00:00Z"
    );
}

#[test]
fn without_an_allow_window_all_but_the_denied_time_is_open() {
    let freeze = json!([window("deny", "0 0 20 12 *", "14d", "America/New_York")]);
    let scene = scene(&json!([]), &freeze);
    assert_eq!(told(&scene, "2026-12-20T04:59:59Z"), None);
    assert!(told(&scene, "2026-12-20T05:00:00Z").is_some());
    assert_eq!(
        opens(&scene, "2026-12-25T00:00:00Z").unwrap(),
        "2027-01-03T05:00:00Z"
    );
    assert_eq!(told(&scene, "2027-01-03T05:00:00Z"), None);
}

#[test]
fn a_clusters_window_is_for_whom_it_selects() {
    let time = "2026-01-01T00:00:00Z";
    for (labels, names, closed) in [
        (json!({"team": "pay"}), None, true),
        (json!({"team": "web"}), None, false),
        (json!({"team": "pay", "tier": "1"}), None, false),
        (json!({"team": "pay"}), Some(json!(["web"])), true),
        (json!({"team": "pay"}), Some(json!(["api"])), false),
    ] {
        let mut always = window("deny", "* * * * *", "1h", "UTC");
        always["labels"] = labels.clone();
        if let Some(names) = &names {
            always["names"] = names.clone();
        }
        let scene = scene(&json!([]), &json!([always]));
        assert_eq!(told(&scene, time).is_some(), closed, "{labels} {names:?}");
    }
}

#[test]
fn what_never_opens_is_said_so() {
    let never = json!([window("deny", "* * * * *", "1h", "UTC")]);
    let scene = scene(&never, &json!([]));
    let message = told(&scene, "2026-01-01T00:00:00Z").unwrap();
    assert!(message.contains("does not open"), "{message}");
    assert_eq!(opens(&scene, "2026-01-01T00:00:00Z"), None);
}

#[test]
fn a_rollout_in_flight_is_stopped_only_where_what_closed_says_so() {
    let with = |mut window: Value, overrun: &str| {
        window["overrun"] = json!(overrun);
        window
    };
    let morning = || window("allow", "0 8 * * *", "2h", "UTC");
    let noon = || window("allow", "0 12 * * *", "2h", "UTC");
    let evening = || window("deny", "0 18 * * *", "2h", "UTC");
    let all = json!([
        with(morning(), "abort"),
        with(noon(), "finish"),
        with(evening(), "abort"),
        with(window("deny", "0 18 * * *", "1h", "UTC"), "hold"),
        with(window("deny", "0 21 * * *", "1h", "UTC"), "hold"),
    ]);
    let scene = scene(&all, &json!([]));
    let stops = |hour: &str| {
        let mut view = scene.view(Kind::Service, "web");
        view.now = at(&format!("2026-01-05T{hour}:00:00Z"));
        let stops = overrun(&view);
        stops.filter(|(overrun, _)| *overrun == Overrun::Abort)
    };
    for (hour, stopped) in [
        ("09", false),
        // The morning's has closed, then the noon's.
        ("10", true),
        ("12", false),
        ("14", false),
        ("18", true),
        ("20", false),
        ("21", false),
    ] {
        assert_eq!(stops(hour).is_some(), stopped, "{hour}");
    }
    assert!(stops("18").unwrap().1.contains("the deny window"));
    // The stricter one of two counts, and one alone holds.
    let held_at = |hour: &str| {
        let mut view = scene.view(Kind::Service, "web");
        view.now = at(&format!("2026-01-05T{hour}:30:00Z"));
        held(&view)
    };
    assert_eq!(held_at("18"), None);
    assert_eq!(held_at("09"), None);
    let told = held_at("21").unwrap();
    assert!(told.contains("opens at 2026-01-06 08:00 (UTC)"), "{told}");
    let mut ignoring = scene.view(Kind::Service, "web");
    let mut resource = ignoring.resource.clone();
    let reason = (IGNORE.to_owned(), "incident 7".to_owned());
    resource.annotations.extend([reason]);
    ignoring.resource = &resource;
    ignoring.now = at("2026-01-05T18:00:00Z");
    assert_eq!(overrun(&ignoring), None);
}
