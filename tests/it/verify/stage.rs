//! The auth service of Nova, and a simulated AWS that holds what its seed says.

use std::path::Path;
use std::sync::Arc;

use evenkeel::aws::{Aws, Connection, connect};
use evenkeel::clock::Clock;
use evenkeel::manifest::{LoadOptions, SourceFile, load, render_text};
use evenkeel::metrics::Metrics;
use evenkeel::model::{Call, Moment, Service};
use evenkeel::mount::Mounted;
use evenkeel::source::Dir;
use evenkeel::verify::{Finding, Judged, verify};
use serde_json::Value;

/// 2026-01-01, in milliseconds since the epoch.
const START: Moment = Moment(1_767_225_600_000);

/// The files of one service with all that it needs.
pub(super) const AUTH: [&str; 4] = [
    "cluster.yaml",
    "load-balancer.yaml",
    "sandbox.yaml",
    "services/auth.yaml",
];

/// Manifests and an AWS.
pub(super) struct Stage {
    pub(super) mounted: Mounted,
    pub(super) aws: Aws,
    files: Vec<SourceFile>,
}

/// The shipped files of `manifests/nova` with these names; all of them if none is named.
pub(super) fn nova(names: &[&str]) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/nova");
    let mut files = Dir::new(&root).read().unwrap().files;
    for file in &mut files {
        let path = Path::new(&file.path).strip_prefix(&root).unwrap();
        file.path = path.to_str().unwrap().to_owned();
    }
    files.retain(|file| names.is_empty() || names.contains(&file.path.as_str()));
    files
}

/// Replaces a text that stands in one of the files once.
pub(super) fn edit(files: &mut [SourceFile], path: &str, from: &str, to: &str) {
    let file = files.iter_mut().find(|file| file.path == path).unwrap();
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{path}: {from}");
    file.bytes = text.replace(from, to).into_bytes();
}

impl Stage {
    /// These manifests, and an AWS that holds what the seeds among them say.
    pub(super) async fn new(files: Vec<SourceFile>) -> Self {
        let clock = Clock::starting_at(START, 1);
        let mounted = Mounted::new(clock.clone());
        let loaded = load(&files, &LoadOptions::default());
        let told = render_text(&loaded.diagnostics, false);
        assert!(loaded.set.invalid.is_empty(), "{told}");
        mounted.seed("us-east-1", &loaded.seeds).unwrap();
        let connection = Connection::Sandbox {
            http: mounted.http_client(),
            region: "us-east-1".to_owned(),
        };
        let aws = connect(connection, clock, Arc::new(Metrics::new()));
        Self {
            mounted,
            aws: aws.await.unwrap(),
            files,
        }
    }

    /// A text as the only manifests.
    pub(super) async fn of(text: &str) -> Self {
        Self::new(vec![SourceFile {
            path: "a.yaml".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }])
        .await
    }

    /// The manifests of a folder over an AWS that is there already.
    pub(super) fn over(mounted: &Mounted, aws: &Aws, folder: &Path) -> Self {
        Self {
            mounted: mounted.clone(),
            aws: aws.clone(),
            files: Dir::new(folder).read().unwrap().files,
        }
    }

    /// Other manifests over the same AWS.
    pub(super) fn with(&self, text: &str) -> Self {
        Self {
            mounted: self.mounted.clone(),
            aws: self.aws.clone(),
            files: vec![SourceFile {
                path: "a.yaml".to_owned(),
                bytes: text.as_bytes().to_vec(),
            }],
        }
    }

    /// Asks the simulated AWS something.
    pub(super) async fn call(
        &self,
        service: Service,
        operation: &'static str,
        input: Value,
    ) -> Value {
        let call = Call {
            service,
            operation,
            input,
        };
        self.aws.call(&call).await.unwrap()
    }

    pub(super) async fn verified(&self) -> Judged {
        let set = load(&self.files, &LoadOptions::default()).set;
        verify(&self.aws, &set, |_, _| {}).await.unwrap()
    }
}

/// A finding as the tests compare it: severity and code, manifest and member.
pub(super) fn short(found: &Finding) -> (String, String) {
    (
        format!("{} {}", found.severity.label(), found.code),
        format!("{} {}", found.key, found.pointer),
    )
}

/// Fails unless there is this one finding, with these words in what it says, and nothing unknown.
pub(super) fn only(judged: &Judged, what: &str, place: &str, words: &[&str]) {
    let all: Vec<_> = judged.findings.iter().map(short).collect();
    let expected = (what.to_owned(), place.to_owned());
    assert_eq!(all, [expected], "{:#?}", judged.findings);
    let found = &judged.findings[0];
    for word in words {
        let text = format!("{} {}", found.message, found.hint);
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!found.hint.is_empty());
    assert_eq!(judged.unknown, []);
}
