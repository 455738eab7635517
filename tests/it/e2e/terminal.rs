//! Streams that are no terminal, or closed: no escape codes, no panic.

use std::process::Stdio;

use super::program::{Finished, Program, command};

/// Commands that write results, findings and errors.
const WRITERS: [&[&str]; 4] = [
    &["sync", "--source", "manifests/p2", "--sandbox"],
    &["plan", "--source", "manifests/p2", "--sandbox"],
    &["validate", "tests/it/cli/wrong"],
    &["validate", "no-such-folder"],
];

fn with(args: &[&str], variables: &[(&str, &str)]) -> Finished {
    Program::start(command(args).envs(variables.iter().copied())).finished()
}

#[test]
fn colour_is_for_terminals_alone() {
    for args in WRITERS {
        let coloured = |variables: &[(&str, &str)]| {
            let done = with(args, variables);
            let text = done.stdout + &done.stderr;
            assert_ne!(text, "", "{args:?}");
            text.contains('\x1b')
        };
        assert!(coloured(&[("CLICOLOR_FORCE", "1")]), "{args:?} has colours");
        assert!(!coloured(&[]), "{args:?} into a pipe");
        let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
        assert!(!coloured(&both), "{args:?} with NO_COLOR");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let broken = [&["--help"][..], &["validate", "manifests"]];
    for args in WRITERS.into_iter().chain(broken) {
        let expected = with(args, &[]).code;
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = Program::start(command(args).stdout(writer)).finished();
        assert_eq!(done.code, expected, "{args:?}: {}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{}", done.stderr);

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = Program::start(command(args).stdout(Stdio::null()).stderr(writer)).finished();
        assert_eq!(done.code, expected, "{args:?} without stderr");
    }
}

#[test]
fn a_daemon_outlives_the_reader_of_its_log() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let at = address.to_string();
    let args = [
        "run",
        "--source",
        "manifests/p2",
        "--sandbox",
        "--metrics-addr",
        &at,
    ];
    let daemon = Program::start(command(&args).stderr(writer));
    super::talk::ready(address);
    super::talk::converged(address, 10);
    daemon.stop("TERM");
}
