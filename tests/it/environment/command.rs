//! `--environment` of the commands.

use std::path::Path;
use std::process::{Command, Output};

use super::stage::{folder, write};
use super::{ENVIRONMENTS, TASK};

fn evenkeel(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(args)
        .env_clear()
        .env("EVENKEEL_SOURCE", folder)
        .output()
        .unwrap()
}

fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn plan_and_sync_work_for_the_chosen_environment() {
    let folder = folder(&[("environments.yaml", ENVIRONMENTS), ("web.yaml", TASK)]);
    let args = ["plan", "--sandbox", "--environment", "staging"];
    let (code, stdout, stderr) = texts(&evenkeel(folder.path(), &args));
    assert_eq!(code, 2, "{stdout}{stderr}");
    let args = ["sync", "--sandbox", "--environment", "staging"];
    let (code, stdout, stderr) = texts(&evenkeel(folder.path(), &args));
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains("1 of 1 converged"), "{stdout}");
}

#[test]
fn the_wrong_account_ends_plan_and_sync_with_one() {
    let folder = folder(&[("environments.yaml", ENVIRONMENTS), ("web.yaml", TASK)]);
    for command in ["plan", "sync"] {
        let args = [command, "--sandbox", "--environment", "production"];
        let (code, _, stderr) = texts(&evenkeel(folder.path(), &args));
        assert_eq!(code, 1, "{stderr}");
        assert!(
            stderr.contains("for account 999999999999") && stderr.contains("123456789012"),
            "{stderr}"
        );
    }
}

#[test]
fn one_must_be_chosen_where_there_are_some() {
    let folder = folder(&[("environments.yaml", ENVIRONMENTS), ("web.yaml", TASK)]);
    for args in [
        &["plan", "--sandbox"][..],
        &["sync", "--sandbox"],
        &["plan", "--sandbox", "--environment", "stagin"],
    ] {
        let (code, _, stderr) = texts(&evenkeel(folder.path(), args));
        assert_eq!(code, 1, "{stderr}");
        assert!(stderr.contains("`production`, `staging`"), "{stderr}");
    }
}

#[test]
fn validate_checks_every_environment_and_tells_a_mistake_once() {
    let folder = folder(&[("environments.yaml", ENVIRONMENTS), ("web.yaml", TASK)]);
    let path = folder.path().to_str().unwrap();
    let (code, stdout, _) = texts(&evenkeel(folder.path(), &["validate", path]));
    assert_eq!(
        (code, stdout.as_str()),
        (0, "1 valid manifests, 0 errors, 0 warnings\n")
    );
    write(
        folder.path(),
        "web.yaml",
        &TASK
            .replace("${LEVEL:-info}", "${LEVEL}")
            .replace("networkMode:", "netwrkMode:"),
    );
    let (code, stdout, _) = texts(&evenkeel(folder.path(), &["validate", path]));
    assert_eq!(code, 1);
    assert_eq!(stdout.matches("unknown field").count(), 1, "{stdout}");
    assert!(stdout.contains("`LEVEL` has no value"), "{stdout}");
    assert!(stdout.contains("`production`"), "{stdout}");
    let args = ["validate", path, "--environment", "staging"];
    let (_, stdout, _) = texts(&evenkeel(folder.path(), &args));
    assert!(!stdout.contains("`LEVEL`"), "{stdout}");
}
