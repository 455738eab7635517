//! What must hold of the sources themselves: layers, lengths, headers, nothing unfinished; and that
//! README and `manifests/` keep up with the program.
//!
//! Invariant: every check is also run on a sample that breaks it, so that none can pass by blindness.

use std::collections::BTreeSet;
use std::path::Path;

use evenkeel::manifest::{LoadOptions, SourceFile, load, render_text};
use evenkeel::source::Dir;

use crate::e2e::program::run;

/// A source file: its path from the package's root, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn sample(path: &str, text: &str) -> Self {
        let (path, text) = (path.to_owned(), text.to_owned());
        Self { path, text }
    }

    /// The module under the crate's root that it belongs to.
    fn module(&self) -> &str {
        let rest = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let first = rest.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether the whole file is compiled for tests alone; the names say so.
    fn is_test(&self) -> bool {
        self.path.split('/').any(|part| {
            [
                "tests",
                "tests.rs",
                "contract_tests",
                "testing.rs",
                "bench.rs",
            ]
            .contains(&part)
                || part.ends_with("_tests.rs")
        })
    }

    /// What stands before the tests in the file.
    fn before_tests(&self) -> &str {
        let mark = "#[cfg(test)]\nmod tests {";
        let end = self.text.find(mark).unwrap_or(self.text.len());
        &self.text[..end]
    }

    /// The lines before the tests that are no comments.
    fn code(&self) -> String {
        let lines = self.before_tests().lines();
        let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under a folder of the package.
fn rust_files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap().to_str().unwrap();
                found.push(Source::sample(path, &text));
            }
        }
    }
    found
}

/// Runs a check on every file of `src`; it must find nothing there.
fn clean(check: impl Fn(&Source) -> Vec<String>) {
    let files = rust_files("src");
    assert!(files.len() > 100, "the sources were found: {}", files.len());
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = &file.path;
            check(file)
                .into_iter()
                .map(move |what| format!("{path}: {what}"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The modules whose every file decides and touches nothing.
const PURE: [&str; 10] = [
    "model",
    "manifest",
    "catalogue",
    "document",
    "queue",
    "sandbox",
    "kinds",
    "prune",
    "verify",
    "wake",
];

/// What only the edges may name: the runtime, AWS's types, files, the environment, clocks, chance.
const IMPURE: [&str; 10] = [
    "tokio",
    "aws_sdk",
    "aws_smithy",
    "aws_config",
    "std::fs",
    "std::env",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "fastrand",
];

fn impurities(file: &Source) -> Vec<String> {
    // Reading is what these are for.
    let reads = ["kinds", "prune", "verify"].contains(&file.module())
        && file.path.ends_with("/observe.rs")
        || file.path == "src/wake/listen.rs";
    if !PURE.contains(&file.module()) || reads {
        return Vec::new();
    }
    let named = IMPURE.iter().filter(|word| file.text.contains(*word));
    named
        .map(|word| format!("{} is pure and names `{word}`", file.module()))
        .collect()
}

#[test]
fn what_decides_touches_nothing() {
    clean(impurities);
    for word in IMPURE {
        for module in PURE {
            let bad = Source::sample(&format!("src/{module}/x.rs"), &format!("use {word}::x;"));
            assert_eq!(impurities(&bad).len(), 1, "{module} {word}");
        }
    }
    let plan = Source::sample("src/kinds/service/plan.rs", "tokio::spawn(x)");
    assert_eq!(impurities(&plan).len(), 1);
    let queue = Source::sample("src/queue.rs", "std::time::Instant::now()");
    assert_eq!(impurities(&queue).len(), 1);
    let edge = Source::sample("src/clock.rs", "use tokio::time::Instant;");
    assert!(impurities(&edge).is_empty());
}

/// Who may use whom: module and the modules that its code may name.
const USES: [(&str, &[&str]); 29] = [
    ("lib", &[]),
    ("main", &[]),
    ("model", &[]),
    ("sandbox", &[]),
    ("telemetry", &[]),
    ("catalogue", &["model", "document"]),
    ("document", &["model"]),
    ("queue", &["model"]),
    ("clock", &["model"]),
    ("status", &["model"]),
    ("ask", &["model"]),
    ("manifest", &["model", "catalogue", "document", "jsonnet"]),
    ("kinds", &["model", "manifest", "document", "aws"]),
    ("schema", &["model", "catalogue", "manifest"]),
    ("jsonnet", &[]),
    ("verify", &["model", "manifest", "aws"]),
    ("prune", &["model", "document", "manifest", "kinds", "aws"]),
    (
        "import",
        &[
            "model",
            "document",
            "manifest",
            "kinds",
            "aws",
            "catalogue",
            "clock",
        ],
    ),
    (
        "convert",
        &[
            "model",
            "document",
            "manifest",
            "import",
            "jsonnet",
            "catalogue",
        ],
    ),
    // A source yields bytes; of the model it knows how to ask AWS.
    ("source", &["model", "manifest", "document", "aws"]),
    (
        "environment",
        &["manifest", "source", "aws", "values", "jsonnet"],
    ),
    ("values", &["model", "manifest", "aws"]),
    ("metrics", &["model", "status"]),
    ("http", &["model", "ask", "status", "clock", "metrics"]),
    ("aws", &["model", "clock", "metrics"]),
    ("mount", &["model", "clock", "sandbox"]),
    (
        "wake",
        &["model", "aws", "clock", "status", "metrics", "controller"],
    ),
    (
        "controller",
        &[
            "model",
            "document",
            "manifest",
            "queue",
            "kinds",
            "aws",
            "clock",
            "source",
            "ask",
            "status",
            "metrics",
            "environment",
            "prune",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "environment",
            "manifest",
            "kinds",
            "aws",
            "clock",
            "source",
            "ask",
            "status",
            "metrics",
            "http",
            "controller",
            "mount",
            "telemetry",
            "schema",
            "import",
            "convert",
            "jsonnet",
            "verify",
            "wake",
            "prune",
        ],
    ),
];

/// The crate's modules that a text names, in paths and in `use crate::{..}` lists.
fn named_modules(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let mut found = BTreeSet::new();
    for (at, mark) in code.match_indices("crate::") {
        let rest = &code[at + mark.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (0_usize, 0);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    found.insert(word(list[start..at].trim_start()));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    found.remove("");
    found
}

fn strangers(file: &Source) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let module = file.module();
    let Some((_, uses)) = USES.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "the module `{module}` has no layer; give it one in {}",
            file!()
        )];
    };
    // Within a kind only the reads, and the folder's own `mod.rs` that starts them, know AWS.
    let decides =
        module == "kinds" && !file.path.ends_with("/observe.rs") && !file.path.ends_with("/mod.rs");
    named_modules(&file.code())
        .into_iter()
        .filter(|name| name != module)
        .filter(|name| !uses.contains(&name.as_str()) || (decides && name == "aws"))
        .map(|name| format!("{module} may not use `crate::{name}`"))
        .collect()
}

#[test]
fn each_module_uses_only_the_layers_below_it() {
    clean(strangers);
    for (path, text) in [
        ("src/sandbox/wire/json.rs", "use crate::model::Key;"),
        ("src/source/dir.rs", "use crate::kinds::View;"),
        ("src/http/status.rs", "let aws = crate::aws::Aws::new();"),
        ("src/status.rs", "use crate::{aws, model};"),
        ("src/controller/mod.rs", "use crate::sandbox::Sandbox;"),
        ("src/kinds/service/plan.rs", "use crate::aws::Observer;"),
        ("src/status.rs", "use crate::{model::{Key, Plan}, queue};"),
        ("src/newcomer.rs", ""),
    ] {
        assert_eq!(strangers(&Source::sample(path, text)).len(), 1, "{path}");
    }
    for (path, text) in [
        ("src/kinds/service/observe.rs", "use crate::aws::Observer;"),
        ("src/mount/mod.rs", "use crate::sandbox::Sandbox;"),
        ("src/http/x.rs", "use crate::http::y;\n/// crate::aws"),
        (
            "src/model/x.rs",
            "pub(crate) fn x() {}\n#[cfg(test)]\nmod tests {\n crate::aws }",
        ),
    ] {
        let found = strangers(&Source::sample(path, text));
        assert!(found.is_empty(), "{path}: {found:?}");
    }
    let list = "use crate::{a::{b, c}, d, e::F}; crate::g::h(); use crate::{\n    i,\n};";
    let names: Vec<String> = named_modules(list).into_iter().collect();
    assert_eq!(names, ["a", "d", "e", "g", "i"]);
}

/// The SDK's types end where documents begin.
fn sdk(file: &Source) -> Vec<String> {
    if ["aws", "mount", "cli"].contains(&file.module()) {
        return Vec::new();
    }
    let code = file.code();
    let named = ["aws_sdk", "aws_smithy", "aws_config"].into_iter();
    // The log filter names the SDK's crates as targets.
    let named = named
        .filter(|word| code.contains(&format!("{word}_")) || code.contains(&format!("{word}::")));
    let named = named.filter(|_| file.module() != "telemetry");
    named.map(|word| format!("names `{word}`")).collect()
}

#[test]
fn only_the_edges_to_aws_know_the_sdk() {
    clean(sdk);
    for text in [
        "use aws_sdk_ecs::Client;",
        "aws_smithy_types::X",
        "aws_config::load()",
    ] {
        assert_eq!(sdk(&Source::sample("src/controller/x.rs", text)).len(), 1);
        assert!(sdk(&Source::sample("src/aws/x.rs", text)).is_empty());
    }
}

fn headless(file: &Source) -> Vec<String> {
    // These are pieces of the file that they are named after.
    let piece = file.path.ends_with("_tests.rs");
    if piece || file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec!["does not start with `//!`: what it is, what it is not, invariants".to_owned()]
}

#[test]
fn every_file_says_what_it_is() {
    clean(headless);
    for file in rust_files("tests") {
        assert!(headless(&file).is_empty(), "{}", file.path);
    }
    for text in ["use x;\n//! Late.", "", "// A comment.", "//!\n"] {
        assert_eq!(headless(&Source::sample("src/model/x.rs", text)).len(), 1);
    }
}

/// No file has more lines before its tests.
const LONGEST: usize = 600;

/// Half of the files have fewer lines before their tests.
const MEDIAN: usize = 200;

fn too_long(file: &Source) -> Vec<String> {
    let lines = file.before_tests().lines().count();
    if file.is_test() || lines <= LONGEST {
        return Vec::new();
    }
    vec![format!(
        "{lines} lines before the tests; split it by subject"
    )]
}

fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

#[test]
fn files_are_short() {
    clean(too_long);
    let lines = rust_files("src")
        .into_iter()
        .filter(|file| !file.is_test())
        .map(|file| file.before_tests().lines().count())
        .collect();
    let median = median(lines);
    assert!(median < MEDIAN, "{median}");

    let long = "x\n".repeat(LONGEST + 1);
    assert_eq!(too_long(&Source::sample("src/a.rs", &long)).len(), 1);
    let tested = format!("x\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert!(too_long(&Source::sample("src/a.rs", &tested)).is_empty());
    assert!(too_long(&Source::sample("src/a/tests/b.rs", &long)).is_empty());
}

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(vec![900, 1, 2]), 2);
    assert_eq!(median(vec![300, 250, 1, 240]), 250);
}

/// Marks of unfinished work, cut so that this file does not hold them.
const UNFINISHED: [&str; 5] = [
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
    concat!("#[ign", "ore"),
    concat!("FIX", "ME"),
];

fn unfinished(file: &Source) -> Vec<String> {
    let found = UNFINISHED.iter().filter(|mark| file.text.contains(*mark));
    found.map(|mark| format!("holds `{mark}`")).collect()
}

#[test]
fn nothing_is_unfinished_or_switched_off() {
    clean(unfinished);
    for file in rust_files("tests") {
        assert_eq!(unfinished(&file), Vec::<String>::new(), "{}", file.path);
    }
    for mark in UNFINISHED {
        let text = format!("//! x\n#[cfg(test)]\nmod tests {{ {mark} }}");
        assert_eq!(unfinished(&Source::sample("src/a.rs", &text)).len(), 1);
    }
}

/// Findings of the shipped manifests with some more beside them.
fn findings(more: Vec<SourceFile>) -> String {
    let mut files = Dir::new(root().join("manifests")).read().unwrap().files;
    files.extend(more);
    render_text(&load(&files, &LoadOptions::default()).diagnostics, false)
}

#[test]
fn every_shipped_manifest_loads() {
    assert_eq!(findings(Vec::new()), "");
    let bad = SourceFile {
        path: "bad.yaml".to_owned(),
        bytes: b"kind: Cluster\n".to_vec(),
    };
    assert!(findings(vec![bad]).contains("bad.yaml"));

    // A file of another ending would rot unseen.
    let mut open = vec![root().join("manifests")];
    let mut count = 0;
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                count += 1;
            }
        }
    }
    let read = Dir::new(root().join("manifests"))
        .read()
        .unwrap()
        .files
        .len();
    assert_eq!(read, count);
}

/// The commands that a help text lists.
fn listed_commands(help: &str) -> Vec<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list);
    list.lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .map(str::to_owned)
        .collect()
}

/// The long flags that a help text describes.
fn listed_flags(help: &str) -> BTreeSet<String> {
    help.lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
        .map(str::to_owned)
        .collect()
}

/// Every command and flag of the binary, as it is typed.
fn surface() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(command) = open.pop() {
        let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
        args.push("--help");
        let done = run(&args);
        assert_eq!(done.code, Some(0), "{args:?}");
        found.extend(listed_flags(&done.stdout));
        for word in listed_commands(&done.stdout) {
            let command = [&command[..], &[word]].concat();
            found.insert(format!("evenkeel {}", command.join(" ")));
            open.push(command);
        }
    }
    // clap's own, the same in every program.
    found.remove("--version");
    found
}

/// What of the surface a text does not mention as a word of its own.
fn unmentioned<'a>(surface: &'a BTreeSet<String>, text: &str) -> Vec<&'a str> {
    let mentions = |what: &str| {
        text.match_indices(what).any(|(at, _)| {
            let after = text[at + what.len()..].chars().next();
            !after.is_some_and(|c| c.is_alphanumeric() || c == '-')
        })
    };
    let missing = surface.iter().filter(|what| !mentions(what));
    missing.map(String::as_str).collect()
}

#[test]
fn the_readme_mentions_every_command_and_flag() {
    let surface = surface();
    for known in [
        "evenkeel run",
        "evenkeel sandbox push",
        "--source",
        "--crash",
        "--drift-grace",
    ] {
        assert!(surface.contains(known), "{known} of {surface:?}");
    }
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert_eq!(unmentioned(&surface, &readme), Vec::<&str>::new());
    for gone in ["evenkeel plan", "--sandbox", "--sandbox-listen", "--hang"] {
        let without = readme.replace(gone, "x");
        assert!(unmentioned(&surface, &without).contains(&gone), "{gone}");
    }
    assert!(!surface.contains("--version"));
}

#[test]
fn a_help_text_is_read_whole() {
    let help = "Usage: x\n\nCommands:\n  run   Runs\n  help  Helps\n\nOptions:\n  -o, --output <O>\n      --speed <N>  \
                See --other\n          text - --no\n";
    assert_eq!(listed_commands(help), ["run"]);
    let flags: Vec<String> = listed_flags(help).into_iter().collect();
    assert_eq!(flags, ["--output", "--speed"]);
}
