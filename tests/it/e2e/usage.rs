//! Commands typed wrong, and surroundings that are not as they must be.

use std::net::TcpListener;

use super::program::{Program, command, run};

#[test]
fn a_usage_error_exits_64_in_every_command() {
    let source = "manifests/p2";
    for args in [
        &[][..],
        &["reconcile"],
        &["run"],
        &["run", "--source", source, "--poll", "soon"],
        &["run", "--source", source, "--metrics-addr", "9464"],
        &["run", "--source", source, "--webhook-addr", "127.0.0.1:0"],
        &["run", "--source", source, "--sandbox", "--speed", "0"],
        &["run", "--source", source, "--speed", "10"],
        &["run", "--source", source, "--sandbox-listen", "127.0.0.1:0"],
        &["run", "--source", source, "--log", "evenkeel=loud"],
        &["sync", "--sandbox"],
        &["sync", "--source", source, "--timeout", "-1s"],
        &["plan", "--source", source, "--output", "xml"],
        &["plan", "--source", source, "--apply"],
        &["validate"],
        &["sandbox", "--speed", "3601"],
        &["sandbox", "--listen", "localhost"],
        &["sandbox", "push"],
        &["sandbox", "push", "nova/auth-service"],
        &[
            "sandbox",
            "push",
            "nova/auth-service:1",
            "--to",
            "192.0.2.1:4566",
        ],
    ] {
        let done = run(args);
        assert_eq!(done.code, Some(64), "{args:?}: {}", done.stderr);
        assert_eq!(done.stdout, "", "{args:?}");
        assert_ne!(done.stderr, "", "{args:?}");
    }
    for args in [&["--help"][..], &["--version"], &["help", "run"]] {
        let done = run(args);
        assert_eq!(done.code, Some(0), "{args:?}: {}", done.stderr);
        assert_eq!(done.stderr, "", "{args:?}");
    }
}

#[test]
fn a_source_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    // A link to itself: nobody can read it, not even root.
    let unreadable = folder.path().join("unreadable");
    std::fs::create_dir(&unreadable).unwrap();
    let link = unreadable.join("link.yaml");
    std::os::unix::fs::symlink("link.yaml", &link).unwrap();
    for (path, named, told) in [
        (&missing, &missing, "cannot read"),
        (&empty, &empty, "no .yaml, .yml, .json or .jsonnet file"),
        (&unreadable, &link, "cannot read"),
    ] {
        let path = path.to_str().unwrap();
        for args in [
            &["sync", "--source", path, "--sandbox"][..],
            &["plan", "--source", path, "--sandbox"],
            &[
                "run",
                "--source",
                path,
                "--sandbox",
                "--metrics-addr",
                "127.0.0.1:0",
            ],
            &["validate", path],
        ] {
            let done = run(args);
            assert_eq!(done.code, Some(1), "{args:?}: {}", done.stderr);
            assert_eq!(done.stdout, "", "{args:?}");
            let named = named.to_str().unwrap();
            assert!(done.stderr.contains(named), "{args:?}: {}", done.stderr);
            assert!(done.stderr.contains(told), "{args:?}: {}", done.stderr);
        }
    }
}

#[test]
fn a_port_in_use_is_told_with_the_option_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let source = "manifests/p2";
    for (args, option) in [
        (
            &[
                "run",
                "--source",
                source,
                "--sandbox",
                "--metrics-addr",
                &address,
            ][..],
            "--metrics-addr",
        ),
        (
            &[
                "sync",
                "--source",
                source,
                "--sandbox",
                "--sandbox-listen",
                &address,
            ],
            "--sandbox-listen",
        ),
        (&["sandbox", "--listen", &address], "--listen"),
    ] {
        let done = run(args);
        assert_eq!(done.code, Some(1), "{args:?}: {}", done.stderr);
        let told = format!("cannot listen at {address}");
        assert!(done.stderr.contains(&told), "{args:?}: {}", done.stderr);
        let cure = format!("choose another {option}");
        assert!(done.stderr.contains(&cure), "{args:?}: {}", done.stderr);
    }
}

#[test]
fn a_seed_file_without_a_seed_is_refused() {
    let args = ["sandbox", "--listen", "127.0.0.1:0", "--seed"];
    for (file, told) in [
        (
            "manifests/p2/cluster.yaml",
            "no document of kind SandboxSeed",
        ),
        ("Cargo.toml", "is no seed"),
        ("manifests/p2/none.yaml", "cannot read"),
    ] {
        let done = run(&[&args[..], &[file]].concat());
        assert_eq!(done.code, Some(1), "{file}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{file}: {}", done.stderr);
        assert!(done.stderr.contains(file), "{file}: {}", done.stderr);
    }
}

#[test]
fn sources_of_the_environment_stand_one_a_line() {
    for (typed, code, told) in [
        ("manifests/p2\n", 2, ""),
        ("\r\nmanifests/p2\r\n\r\n", 2, ""),
        ("\n", 1, "no source is named"),
        ("manifests/p2\nmissing\n", 1, "missing"),
    ] {
        let mut command = command(&["plan", "--sandbox"]);
        let done = Program::start(command.env("EVENKEEL_SOURCE", typed)).finished();
        assert_eq!(done.code, Some(code), "{typed:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{typed:?}: {}", done.stderr);
    }
}
