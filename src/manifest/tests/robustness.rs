//! Whatever the files hold: no panic, the same answer twice, findings where the text is.

use proptest::prelude::*;

use super::super::{LoadOptions, MAX_FILE_BYTES, SourceFile, load, render_json, render_text};
use super::{BASE, load_text};

#[test]
fn files_that_are_no_text_too_large_or_empty() {
    let of = |bytes: Vec<u8>| {
        load(
            &[SourceFile {
                path: "x".to_owned(),
                bytes,
            }],
            &LoadOptions::default(),
        )
    };
    let found = of(b"a: 1\nb: \xff\n".to_vec()).diagnostics;
    assert_eq!((found[0].code, found[0].line), ("encoding", 2));
    assert_eq!(
        of(vec![b' '; MAX_FILE_BYTES + 1]).diagnostics[0].code,
        "too-large"
    );
    for text in [
        "",
        "\n\n",
        "# only words\n",
        "---\n---\n# x\n---\n",
        "\u{feff}",
        "...\n",
    ] {
        let loaded = load_text(text);
        assert_eq!(
            (loaded.diagnostics.len(), loaded.manifests),
            (0, 0),
            "{text:?}"
        );
    }
    let with_mark = format!("\u{feff}{BASE}").replace('\n', "\r\n");
    assert_eq!(load_text(&with_mark).diagnostics, []);
}

#[test]
fn a_thousand_services_load_as_one_set() {
    let documents: Vec<&str> = BASE.split("---\n").collect();
    let own = [
        "TaskDefinition",
        "TargetGroup",
        "ListenerRule",
        "Service",
        "DeploymentGroup",
        "ScalableTarget",
        "ScalingPolicy",
    ];
    let shared = |text: &&&str| {
        !own.iter()
            .any(|kind| text.contains(&format!("kind: {kind}\n")))
    };
    let common: Vec<&str> = documents.iter().filter(shared).copied().collect();
    let common = common
        .join("---\n")
        .replace("TargetGroupRef: green", "TargetGroupRef: green-0");
    let mut files = vec![super::file("common.yaml", &common)];
    let each: Vec<&str> = documents
        .iter()
        .filter(|text| !shared(text))
        .copied()
        .collect();
    let each = each.join("---\n");
    for n in 0..1000 {
        let text = each
            .replace(": blue", &format!(": blue-{n}"))
            .replace(": green", &format!(": green-{n}"))
            .replace("auth-task", &format!("task-{n}"))
            .replace("auth-service\n", &format!("service-{n}\n"))
            .replace("auth-group", &format!("group-{n}"))
            .replace("auth-scaling", &format!("scaling-{n}"))
            .replace("auth-cpu", &format!("cpu-{n}"))
            .replace("  name: auth\n", &format!("  name: rule-{n}\n"))
            .replace("Priority: 10", &format!("Priority: {}", n + 1));
        files.push(super::file(&format!("services/{n}.yaml"), &text));
    }
    let loaded = load(&files, &LoadOptions::default());
    assert_eq!(loaded.diagnostics.first(), None);
    assert_eq!(loaded.manifests, 5 + 8 * 1000);
    assert_eq!(loaded.set.pairs().len(), 1000);
}

#[test]
fn a_file_of_rubbish_gives_a_bounded_report() {
    let text = "- x\n---\n".repeat(4000);
    let found = load_text(&text).diagnostics;
    assert_eq!(found.len(), 101);
    assert!(
        found[100].message.starts_with("3900 more findings"),
        "{}",
        found[100].message
    );
}

/// What is put in.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("\n".to_owned()),
        Just("- ".to_owned()),
        Just("---\n".to_owned()),
        Just("{".to_owned()),
        Just("\"".to_owned()),
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("ü: 99999999999999999999\n".to_owned()),
        Just("null".to_owned()),
        "[ -~]{0,6}",
    ]
}

/// Where and how the base text is spoilt.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let edit = (0..BASE.len(), 0..40usize, piece());
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut bytes = BASE.as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece.into_bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn loading_never_panics_and_is_deterministic(bytes in spoilt()) {
        let lines = bytes.split(|byte| *byte == b'\n').count();
        let files = [SourceFile { path: "spoilt.yaml".to_owned(), bytes }];
        let loaded = load(&files, &LoadOptions::default());
        prop_assert_eq!(&loaded, &load(&files, &LoadOptions::default()));
        for found in &loaded.diagnostics {
            prop_assert!((1..=lines + 1).contains(&found.line), "{found:?}");
            if let Some(excerpt) = &found.excerpt {
                prop_assert!(excerpt.text.is_char_boundary(excerpt.at), "{found:?}");
            }
        }
        let text = render_text(&loaded.diagnostics, false);
        prop_assert_eq!(text.is_empty(), loaded.diagnostics.is_empty());
        let count = render_json(&loaded.diagnostics).as_array().map(Vec::len);
        prop_assert_eq!(count, Some(loaded.diagnostics.len()));
        for (key, resource) in &loaded.set.resources {
            prop_assert!(!loaded.set.invalid.contains_key(key));
            for target in &resource.needs {
                prop_assert!(loaded.set.resources.contains_key(target), "{key} needs {target}");
            }
        }
    }

    /// Edits outside of the environment itself: whether the rest can be parsed or not, its value is
    /// neither drawn nor quoted.
    #[test]
    fn a_secret_is_never_shown(at in 0..BASE.len(), cut in 0..30usize, piece in piece()) {
        let region = BASE.find("      environment:").unwrap()..BASE.find("      mountPoints:").unwrap();
        let end = (at + cut).min(BASE.len());
        prop_assume!(end < region.start || at >= region.end);
        let mut bytes = BASE.as_bytes().to_vec();
        bytes.splice(at..end, piece.into_bytes());
        let files = [SourceFile { path: "spoilt.yaml".to_owned(), bytes }];
        let found = load(&files, &LoadOptions::default()).diagnostics;
        let said = format!("{}{}", render_text(&found, false), render_json(&found));
        prop_assert!(!said.contains("hunter2"), "{said}");
    }
}
