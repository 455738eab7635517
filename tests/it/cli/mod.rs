//! What the commands print, as snapshots: help, plans, findings. A change shows in review.
//!
//! What it is: the shipped binary's words, paths and versions cut out. What it is not: exit codes and
//! behaviour; those are in `e2e`. After a wanted change: `INSTA_UPDATE=always cargo test`.

use crate::e2e::program::{Finished, run};

/// The commands, as they are typed.
const COMMANDS: [&[&str]; 19] = [
    &[],
    &["run"],
    &["sync"],
    &["plan"],
    &["validate"],
    &["verify"],
    &["get"],
    &["describe"],
    &["diff"],
    &["history"],
    &["events"],
    &["resync"],
    &["abort"],
    &["promote"],
    &["approve"],
    &["reject"],
    &["rollback"],
    &["sandbox"],
    &["sandbox", "push"],
];

/// The text without what differs from one machine or release to the next.
fn redacted(text: &str) -> String {
    assert!(!text.contains('\x1b'), "{text}");
    let text = text
        .replace(env!("CARGO_MANIFEST_DIR"), "[root]")
        .replace(env!("CARGO_PKG_VERSION"), "[version]");
    // Aligned columns end in blanks, which editors cut off.
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// Everything that a person sees.
fn shown(done: &Finished) -> String {
    redacted(&format!(
        "exit code: {}\n----- stdout -----\n{}----- stderr -----\n{}",
        done.code.unwrap(),
        done.stdout,
        done.stderr
    ))
}

fn check(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn help() {
    for command in COMMANDS {
        for (length, flag) in [("", "--help"), ("_short", "-h")] {
            let done = run(&[command, &[flag]].concat());
            assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
            let name = format!(
                "help_{}{length}",
                [&["evenkeel"], command].concat().join("_")
            );
            check(&name, &redacted(&done.stdout));
        }
    }
}

#[test]
fn version() {
    check("version", &redacted(&run(&["--version"]).stdout));
}

#[test]
fn usage_errors() {
    let source = "manifests/p2";
    let shown: Vec<String> = [
        &["reconcile"][..],
        &["sync", "--sandbox"],
        &["run", "--source", source, "--poll", "soon"],
        &["run", "--source", source, "--log", "evenkeel=loud"],
        &["run", "--source", source, "--speed", "10"],
        &["sandbox", "push", "nova/auth-service"],
        &[
            "sandbox",
            "push",
            "nova/auth-service:1",
            "--to",
            "192.0.2.1:4566",
        ],
    ]
    .into_iter()
    .map(|args| format!("$ evenkeel {}\n{}", args.join(" "), run(args).stderr))
    .collect();
    check("usage_errors", &redacted(&shown.join("\n")));
}

#[test]
fn a_plan_on_an_empty_aws() {
    for output in ["text", "json"] {
        let source = "manifests/p2";
        let done = run(&["plan", "--source", source, "--sandbox", "--output", output]);
        check(&format!("plan_{output}"), &shown(&done));
    }
}

#[test]
fn findings() {
    for output in ["text", "json"] {
        let done = run(&["validate", "tests/it/cli/wrong", "--output", output]);
        check(&format!("validate_{output}"), &shown(&done));
    }
}

#[test]
fn findings_in_jsonnet() {
    for output in ["text", "json"] {
        let done = run(&["validate", "tests/it/cli/jsonnet", "--output", output]);
        check(&format!("validate_jsonnet_{output}"), &shown(&done));
    }
}

#[test]
fn a_verification() {
    for output in ["text", "json"] {
        let source = "tests/it/cli/amiss";
        let args = [
            "verify",
            "--source",
            source,
            "--sandbox",
            "--output",
            output,
        ];
        check(&format!("verify_{output}"), &shown(&run(&args)));
    }
}

#[test]
fn the_redaction_cuts_out_paths_versions_and_blanks() {
    let text = format!(
        "{}/a.yaml {}  \nb",
        env!("CARGO_MANIFEST_DIR"),
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(redacted(&text), "[root]/a.yaml [version]\nb\n");
}
