//! `rollout.retries`: how often a deployment is started again that failed before production traffic moved.

use std::time::Duration;

use super::{changed, load_text};
use crate::model::Kind;

fn with(retries: &str) -> String {
    changed("rollout:\n", &format!("rollout:\n  retries: {retries}\n"))
}

#[test]
fn retries_are_as_many_as_the_manifest_says_and_none_otherwise() {
    let of = |text: &str| {
        let loaded = load_text(text);
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let services = loaded.set.resources.values();
        let services = services.filter(|one| one.key.kind == Kind::Service);
        services.map(super::super::Resource::retries).max()
    };
    assert_eq!(of(&with("3")), Some(3));
    assert_eq!(of(&changed("rollout:\n", "rollout:\n")), Some(0));
}

#[test]
fn times_of_a_rollout_are_read_and_what_is_none_is_named() {
    let with = |member: &str, time: &str| {
        load_text(&changed(
            "rollout:\n",
            &format!("rollout:\n  {member}: {time}\n"),
        ))
    };
    let loaded = with("deadline", "45m");
    let mut services = loaded.set.resources.values();
    assert!(services.any(|one| one.deadline() == Some(Duration::from_mins(45))));
    let loaded = with("retryFor", "24h");
    let mut services = loaded.set.resources.values();
    assert!(services.any(|one| one.retry_for() == Some(Duration::from_hours(24))));
    for (member, time) in [
        ("deadline", "0m"),
        ("deadline", "soon"),
        ("deadline", "[1]"),
        ("retryFor", "0s"),
        ("retryFor", "25h"),
    ] {
        let loaded = with(member, time);
        let path = format!("rollout.{member}");
        let mut found = loaded.diagnostics.iter();
        assert!(
            found.any(|found| found.path == path),
            "{member} {time}: {:#?}",
            loaded.diagnostics
        );
    }
}

#[test]
fn a_number_that_is_none_or_too_large_is_named() {
    for retries in ["6", "-1", "1.5", "many", "\"2\"", "true"] {
        let loaded = load_text(&with(retries));
        let mut found = loaded.diagnostics.iter();
        let found = found.find(|found| found.path == "rollout.retries");
        let found = found.unwrap_or_else(|| panic!("{retries}: {:#?}", loaded.diagnostics));
        assert!(found.message.contains("0 to 5"), "{}", found.message);
    }
}
