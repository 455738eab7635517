//! The walk-through of `docs/code-deploy-to-canary`: its commands, typed one after the other, and what they print.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/code-deploy-to-canary/README.md");

/// Comes before each command's output, and after it with the exit code.
const MARK: &str = "-- walk-through --";

/// A command of the page, and the lines that it prints there.
struct Typed {
    command: String,
    prints: Vec<&'static str>,
}

fn commands() -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    let blocks = PAGE.split("```console\n").skip(1);
    for line in blocks.flat_map(|block| block.split("```").next().unwrap().lines()) {
        match line.strip_prefix("$ ") {
            Some(command) => all.push(Typed {
                command: command.to_owned(),
                prints: Vec::new(),
            }),
            None => all.last_mut().unwrap().prints.push(line),
        }
    }
    all
}

/// Whether a line that was printed is one of the page, on which `...` stands for any text.
fn is_it(printed: &str, of_page: &str) -> bool {
    let mut parts = of_page.split("...");
    let mut rest = printed.strip_prefix(parts.next().unwrap_or_default());
    let mut last = None;
    for part in parts {
        last = Some(part);
        rest = rest.and_then(|rest| Some(&rest[rest.find(part)? + part.len()..]));
    }
    rest.is_some_and(|rest| rest.is_empty() || last == Some(""))
}

#[test]
fn the_move_from_code_deploy_to_canary_goes_as_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for name in ["docs", "manifests"] {
        symlink(root.join(name), folder.path().join(name)).unwrap();
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let all = commands();
    let program = Path::new(env!("CARGO_BIN_EXE_evenkeel")).parent().unwrap();
    // Its own port is all that is otherwise than on the page, for other tests run beside it.
    let mut script = format!(
        "exec 2>&1\nexport PATH={}:$PATH\ntrap 'kill $(jobs -p)' EXIT\n",
        program.display()
    );
    for Typed { command, .. } in &all {
        let mine = command.replace("127.0.0.1:4566", &address);
        let mine = mine.replace(
            "evenkeel sandbox --",
            &format!("evenkeel sandbox --listen {address} --"),
        );
        let mine = mine.replace(
            "evenkeel sandbox push",
            &format!("evenkeel sandbox push --to {address}"),
        );
        script.push_str(&format!("echo '{MARK}'\n{mine}\necho '{MARK}' $?\n"));
        if mine.ends_with('&') {
            let port = address.rsplit(':').next().unwrap();
            script.push_str(&format!(
                "until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done\n"
            ));
        }
    }
    let done = Command::new("timeout")
        .args(["--kill-after=10", "300", "bash", "-c", &script])
        .current_dir(folder.path())
        .env_remove("AWS_PROFILE")
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    let parts: Vec<&str> = printed.split(MARK).skip(1).step_by(2).collect();
    let codes: Vec<&str> = printed.split(MARK).skip(2).step_by(2).collect();
    assert_eq!(
        (parts.len(), codes.len()),
        (all.len(), all.len()),
        "{printed}"
    );
    let mut plans = 0;
    for (typed, (part, code)) in all.iter().zip(parts.into_iter().zip(codes)) {
        let code = code.lines().next().unwrap().trim();
        let expected = if typed.command.starts_with("evenkeel plan") {
            plans += 1;
            if plans == 1 { "2" } else { "0" }
        } else {
            "0"
        };
        assert_eq!(code, expected, "{}:\n{printed}", typed.command);
        let mut lines = part.lines();
        for wanted in typed.prints.iter().filter(|line| **line != "...") {
            assert!(
                lines.any(|line| is_it(line, wanted)),
                "`{}` does not print `{wanted}`:\n{part}",
                typed.command
            );
        }
    }
    assert_eq!(plans, 2, "the page has changed");
}
