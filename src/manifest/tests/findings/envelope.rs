//! Mistakes around the spec: `apiVersion`, `kind`, `metadata`, sections.

use super::super::load_text;
use super::{Row, verify};

const ENVELOPE: &[Row] = &[
    (
        "spec: {}",
        "spec: []",
        "wrong-type",
        "spec: []",
        "expected a map",
    ),
    (
        "sync:\n",
        "snyc:\n",
        "unknown-field",
        "snyc",
        "Did you mean `sync`?",
    ),
    (
        "driftGrace: 10m",
        "driftGrace: 10",
        "bad-value",
        "driftGrace",
        "`10m`",
    ),
    (
        "driftGrace: 10m",
        "selfHeal: of",
        "bad-value",
        "selfHeal: of",
        "Write `off`, `notify`, `immediate`",
    ),
    (
        "driftGrace: 10m",
        "selfHeal: {after: 10}",
        "bad-value",
        "selfHeal",
        "`10m`",
    ),
    (
        "driftGrace: 10m",
        "selfHeal: {afer: 10m}",
        "unknown-field",
        "afer",
        "Did you mean `after`?",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  selfHeal: off",
        "bad-value",
        "driftGrace",
        "Keep `selfHeal`",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: alow, schedule: '0 9 * * *', duration: 8h, timeZone: UTC}]",
        "bad-value",
        "windows",
        "Write `allow` or `deny`",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 25 * * *', duration: 8h, timeZone: UTC}]",
        "bad-value",
        "windows",
        "no cron expression",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 0 9 * * *', duration: 8h, timeZone: UTC}]",
        "bad-value",
        "windows",
        "Five fields",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 9 * * *', duration: 0s, timeZone: UTC}]",
        "bad-value",
        "windows",
        "at most 366d",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 9 * * *', duration: 8h, timeZone: Europe/Berln}]",
        "bad-value",
        "windows",
        "Did you mean `Europe/Berlin`?",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 9 * * *', duration: 8h}]",
        "missing-field",
        "windows",
        "there is no default",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 9 * * *', duration: 8h, timeZone: UTC, overrun: pause}]",
        "bad-value",
        "windows",
        "Write `finish`",
    ),
    (
        "  driftGrace: 10m",
        "  driftGrace: 10m\n  windows: [{kind: deny, schedule: '0 9 * * *', duration: 8h, timeZone: UTC, names: [a]}]",
        "unknown-field",
        "windows",
        "names",
    ),
    (
        "AfterAllowTestTraffic",
        "afterAllowTestTraffic",
        "unknown-field",
        "afterAllow",
        "case matters",
    ),
    (
        "{team: identity}",
        "{team: 5}",
        "wrong-type",
        "team",
        "Put the value in quotes",
    ),
    (
        "'{\"rules\": []}'",
        "'{\"rules\": ['",
        "wrong-type",
        "lifecycle",
        "not valid JSON",
    ),
    (
        "    Value: \"15\"",
        "    Value: 15",
        "wrong-type",
        "Value: 15",
        "put the value in quotes",
    ),
    (
        "  - Key: dereg",
        "  - key: dereg",
        "unknown-field",
        "- key",
        "spelled `Key`",
    ),
];

#[test]
fn mistakes_of_the_envelope() {
    verify(ENVELOPE);
}

#[test]
fn documents_without_an_identity_are_reported_alone() {
    for (text, code, said) in [
        ("kind: Cluster\n", "api-version", "`apiVersion` is missing"),
        (
            "apiVersion: v1\nkind: Cluster\n",
            "api-version",
            "evenkeel.dev/v1alpha1",
        ),
        (
            "containerDefinitions: []\n",
            "not-a-manifest",
            "goes under `spec:`",
        ),
        ("- 1\n", "not-a-manifest", "a list"),
        ("just words\n", "not-a-manifest", "a text"),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nmetadata: {name: x}\n",
            "missing-field",
            "`kind` is missing",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Clutser\n",
            "unknown-kind",
            "`Cluster`",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\n",
            "missing-field",
            "`metadata` is missing",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {name: -x}\n",
            "bad-name",
            "cannot name a manifest",
        ),
        (
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {}\n",
            "missing-field",
            "`metadata.name`",
        ),
        ("a: 'unclosed\n", "syntax", "not valid YAML"),
    ] {
        let loaded = load_text(text);
        assert_eq!(
            loaded.diagnostics.len(),
            1,
            "{text}: {:?}",
            loaded.diagnostics
        );
        let found = &loaded.diagnostics[0];
        let all = format!("{} {:?}", found.message, found.hint);
        assert!(
            found.code == code && all.contains(said),
            "{text}: {found:?}"
        );
        assert_eq!((loaded.manifests, loaded.set.invalid.len()), (0, 0));
    }
}

#[test]
fn the_policies_beside_a_repository_can_be_left_to_others_and_our_own_sections_cannot() {
    let codes = |pointer: &str| {
        let text = format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: ImageRepository\nmetadata: {{name: web}}\nspec: {{}}\n\
             sync: {{ignore: [{pointer}]}}\n"
        );
        let found = load_text(&text).diagnostics;
        found.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    for known in ["/policyText", "/lifecyclePolicyText", "/tags/team"] {
        assert_eq!(codes(known), Vec::<&str>::new(), "{known}");
    }
    for unknown in ["/sync", "/attributes", "/policy"] {
        assert_eq!(codes(unknown), ["unknown-pointer"], "{unknown}");
    }
}
