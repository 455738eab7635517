//! A process of the shipped binary, killed when it is dropped.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long any wait may take before the test fails. Far more than a starved machine needs.
pub(crate) const DEADLINE: Duration = Duration::from_mins(3);

/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(50);

/// How long a stop may take when no call is in flight: the documented bound.
const STOP: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running process.
pub(crate) struct Program {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

/// What a process has written so far, gathered by a thread so that it never blocks on a full pipe.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn gather(from: Option<impl Read + Send + 'static>) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let reader = from.map(|mut from| {
            let text = Arc::clone(&text);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut buffer) {
                    text.lock().unwrap().extend_from_slice(&buffer[..count]);
                }
            })
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

/// The binary with these arguments, in an environment with nothing of the machine's AWS
/// configuration, colour wishes or settings in it.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command
        .args(args)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The daemon over this source on a sandbox of its own, woken by a webhook alone for a day.
pub(crate) fn woken_by_webhook(source: &str, secrets: &std::path::Path) -> Command {
    command(&[
        "run",
        "--source",
        source,
        "--sandbox",
        "--poll",
        "24h",
        "--metrics-addr",
        "127.0.0.1:0",
        "--webhook-addr",
        "127.0.0.1:0",
        "--webhook-secret-file",
        secrets.to_str().unwrap(),
    ])
}

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str]) -> Finished {
    Program::start(&mut command(args)).finished()
}

impl Program {
    /// Starts a process.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = Stream::gather(child.stdout.take());
        let stderr = Stream::gather(child.stderr.take());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Waits for its end.
    pub(crate) fn finished(self) -> Finished {
        self.finished_within(DEADLINE)
    }

    fn finished_within(mut self, limit: Duration) -> Finished {
        let end = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < end,
                "it did not end within {limit:?}; stderr:\n{}",
                self.stderr()
            );
            std::thread::sleep(LOOK);
        };
        Finished {
            code: status.code(),
            stdout: self.stdout.whole(),
            stderr: self.stderr.whole(),
        }
    }

    /// Waits until it has written `before` and an address to stderr; gives the address.
    pub(crate) fn address(&mut self, before: &str) -> SocketAddr {
        until(&format!("an address after `{before}`"), || {
            let stderr = self.stderr();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}; stderr:\n{}", self.stderr.whole());
            }
            let (_, rest) = stderr.split_once(before).ok_or_else(|| stderr.clone())?;
            // More than the address, so that no half of it is taken for the whole.
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')
                .ok_or_else(|| stderr.clone())?;
            rest[..end].parse().map_err(|_| stderr.clone())
        })
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("/bin/sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success(), "{kill}");
    }

    /// Tells it to stop by this signal; it must end within [`STOP`], with exit code 0.
    pub(crate) fn stop(self, signal: &str) -> Finished {
        self.signal(signal);
        let finished = self.finished_within(STOP);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished
    }

    /// Kills it (SIGKILL), as a crash of the machine would.
    pub(crate) fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Polls until `look` gives a value; fails with what it saw last.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) => assert!(
                Instant::now() < end,
                "waited {DEADLINE:?} for {what}; last seen:\n{seen}"
            ),
        }
        std::thread::sleep(LOOK);
    }
}
