//! The keys of load balancing's attributes.

use super::super::{LoadOptions, Severity, load};
use super::{changed, file, load_text};
use crate::catalogue;
use crate::model::Kind;

/// The base with another key in the first attribute of a target group.
fn misspelt() -> String {
    changed(
        "deregistration_delay.timeout_seconds",
        "deregistration_delay.timeout_second",
    )
}

#[test]
fn a_misspelt_key_is_named_with_the_right_one() {
    let loaded = load_text(&misspelt());
    let [finding, held_back] = &loaded.diagnostics[..] else {
        panic!("{:?}", loaded.diagnostics)
    };
    assert_eq!(
        (finding.code, finding.severity),
        ("bad-value", Severity::Error)
    );
    assert_eq!(held_back.code, "held-back");
    assert_eq!(finding.path, "attributes[0].Key");
    assert_eq!(
        finding.message,
        "AWS has no attribute `deregistration_delay.timeout_second` of a TargetGroup"
    );
    assert_eq!(
        finding.hint.as_deref(),
        Some("Did you mean `deregistration_delay.timeout_seconds`?")
    );
    let line = misspelt()
        .lines()
        .position(|line| line.contains("timeout_second"))
        .unwrap();
    assert_eq!(finding.line, line + 1);
}

#[test]
fn a_key_that_is_newer_than_the_catalogue_passes_when_that_is_asked_for() {
    let options = LoadOptions {
        allow_unknown_fields: true,
    };
    let loaded = load(&[file("a.yaml", &misspelt())], &options);
    let severities: Vec<Severity> = loaded.diagnostics.iter().map(|one| one.severity).collect();
    assert_eq!(severities, [Severity::Warning]);
    let sent = loaded.set.resources.values().any(|resource| {
        resource.beside.get("attributes").is_some_and(|list| {
            list.to_string()
                .contains("deregistration_delay.timeout_second\"")
        })
    });
    assert!(sent, "it reaches AWS");
}

#[test]
fn a_key_of_another_kind_is_none_of_this() {
    let of = |kind| catalogue::attributes(kind).collect::<Vec<_>>();
    assert!(of(Kind::LoadBalancer).contains(&"idle_timeout.timeout_seconds"));
    assert!(!of(Kind::TargetGroup).contains(&"idle_timeout.timeout_seconds"));
    assert!(of(Kind::Listener).contains(&"routing.http.response.server.enabled"));
    assert!(of(Kind::Service).is_empty());
}
