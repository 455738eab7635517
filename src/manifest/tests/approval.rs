//! `rollout.approval`: whether a person has to approve a content, and for how long that counts.

use std::time::Duration;

use super::{changed, load_text};
use crate::model::{Key, Kind};

const HOOKS: &str = "rollout:\n";

fn with(approval: &str) -> String {
    changed(HOOKS, &format!("rollout:\n  approval: {approval}\n"))
}

#[test]
fn an_approval_is_asked_for_by_its_section_unless_it_says_no() {
    let of = |approval: &str| {
        let loaded = load_text(&with(approval));
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let services = loaded.set.resources.values();
        let mut services = services.filter(|one| one.key.kind == Kind::Service);
        services.find_map(super::super::Resource::approval)
    };
    let hours = |hours| Some(Duration::from_hours(hours));
    assert_eq!(of("{}"), hours(24));
    assert_eq!(of("{required: true}"), hours(24));
    assert_eq!(of("{timeout: 1d12h}"), hours(36));
    assert_eq!(of("{required: false, timeout: 2h}"), None);
}

#[test]
fn what_is_wrong_with_an_approval_is_named() {
    for (approval, path, part) in [
        ("true", "rollout.approval", "expected a map"),
        (
            "{required: please}",
            "rollout.approval.required",
            "true or false",
        ),
        ("{timeout: 24}", "rollout.approval.timeout", "24h"),
        ("{timeout: 0s}", "rollout.approval.timeout", "some length"),
        ("{timeuot: 24h}", "rollout.approval.timeuot", "timeout"),
    ] {
        let loaded = load_text(&with(approval));
        let found = loaded.diagnostics.iter().find(|found| found.path == path);
        let found = found.unwrap_or_else(|| panic!("{approval}: {:#?}", loaded.diagnostics));
        let said = format!(
            "{} {}",
            found.message,
            found.hint.clone().unwrap_or_default()
        );
        assert!(said.contains(part), "{approval}: {said}");
        let invalid = loaded.set.invalid.keys();
        let services: Vec<&Key> = invalid.filter(|key| key.kind == Kind::Service).collect();
        assert!(!services.is_empty(), "{approval}");
    }
}
