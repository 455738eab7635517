//! How findings are reported: severity, order, drawing, JSON; and what is let through.

use super::super::super::{LoadOptions, Severity, load, render_json, render_text};
use super::super::{BASE, changed, file, key, load_text};

#[test]
fn warnings_leave_the_manifest_valid() {
    let swapped =
        changed("role/auth\n", "role/execution-role\n").replace("role/execution\n", "role/auth\n");
    let alone = BASE
        .split("---\n")
        .filter(|one| !one.contains("kind: DeploymentGroup"));
    let alone = alone.collect::<Vec<_>>().join("---\n");
    let twice = changed(
        "        - name: DB_URL",
        "        - {name: DB_URL, value: a}\n        - name: DB_URL",
    );
    for (text, code) in [
        (swapped, "roles-swapped"),
        (alone, "no-deployment-group"),
        (twice, "duplicate"),
    ] {
        let loaded = load_text(&text);
        let found = loaded
            .diagnostics
            .iter()
            .map(|one| (one.severity, one.code))
            .collect::<Vec<_>>();
        assert_eq!(found, [(Severity::Warning, code)]);
        assert!(loaded.set.invalid.is_empty());
    }
}

#[test]
fn unknown_fields_reach_aws_when_they_are_allowed() {
    let text = changed(
        "  desiredCount: 2",
        "  brandNewField: {x: [1]}\n  launchTyp: X",
    );
    let options = LoadOptions {
        allow_unknown_fields: true,
    };
    let loaded = load(&[file("a.yaml", &text)], &options);
    let found = loaded
        .diagnostics
        .iter()
        .map(|one| (one.severity, one.code))
        .collect::<Vec<_>>();
    assert_eq!(found, [(Severity::Warning, "unknown-field"); 2]);
    let service = &loaded.set.resources[&key("Service/auth-service")];
    assert_eq!(service.spec["brandNewField"], serde_json::json!({"x": [1]}));
}

#[test]
fn everything_is_reported_at_once_in_the_order_of_files_and_lines() {
    let bad = changed("  desiredCount: 2", "  desiredCuont: 2")
        .replace("  memory: \"512\"", "  memory: 512")
        .replace("  Port: 9080", "  Port: 0");
    let loaded = load(
        &[
            file("z.yaml", "a: [\n"),
            file("b.yaml", &bad),
            file("a.yaml", "- 1\n"),
        ],
        &LoadOptions::default(),
    );
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| (found.file.as_str(), found.code))
        .collect();
    assert_eq!(
        errors,
        [
            ("a.yaml", "not-a-manifest"),
            ("b.yaml", "out-of-range"),
            ("b.yaml", "wrong-type"),
            ("b.yaml", "unknown-field"),
            ("z.yaml", "syntax"),
        ]
    );
}

#[test]
fn a_finding_is_drawn_with_its_line_and_without_secrets() {
    let text = changed(
        "          value: postgres://hunter2\n",
        "          vaule: postgres://hunter2\n",
    );
    let drawn = render_text(&load_text(&text).diagnostics, false);
    let line = text
        .lines()
        .position(|line| line.contains("vaule"))
        .unwrap()
        + 1;
    assert!(drawn.contains(&format!("[a.yaml:{line}:11]")), "{drawn}");
    assert!(
        drawn.contains("vaule: \"****\"") && !drawn.contains("hunter2"),
        "{drawn}"
    );
    assert!(
        drawn.contains("spec.containerDefinitions[0].environment[0].vaule"),
        "{drawn}"
    );
    assert!(!drawn.contains('\u{1b}'));
    assert!(render_text(&load_text(&text).diagnostics, true).contains('\u{1b}'));
    let unquoted = changed("value: postgres://hunter2", "value: 987654321");
    let loaded = load_text(&unquoted);
    let said = format!(
        "{}{}",
        render_text(&loaded.diagnostics, false),
        render_json(&loaded.diagnostics)
    );
    assert!(
        said.contains("Put the value in quotes.") && !said.contains("987654321"),
        "{said}"
    );
}

#[test]
fn findings_as_json() {
    let loaded = load_text("kind: Cluster\n");
    let expected = serde_json::json!([{
        "severity": "error",
        "code": "api-version",
        "file": "a.yaml",
        "line": 1,
        "column": 1,
        "path": "apiVersion",
        "message": "`apiVersion` is missing",
        "hint": "Write `apiVersion: evenkeel.dev/v1alpha1`."
    }]);
    assert_eq!(render_json(&loaded.diagnostics), expected);
}
