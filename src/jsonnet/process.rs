//! Starts, feeds, bounds and ends the process in which files are evaluated. Not the evaluation.
//!
//! One process serves all files of a request. Where it dies or has to be killed, the file that it was
//! at has an error, and another process goes on with the rest.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use super::{
    ARGUMENT, Answer, Answers, FILE_TIME, Fault, MAX_OUTPUT_BYTES, MEMORY_BYTES, Request,
    TOTAL_TIME,
};

/// How much of what a dying process says is read.
const LAST_WORDS: u64 = 16 * 1024;

/// A line may hold a value, its imports and JSON's escapes around both.
const LINE_BYTES: u64 = 8 * MAX_OUTPUT_BYTES as u64;

/// Evaluates the entries of a request in another process of this program. Never fails: a file that has
/// no value says why.
pub fn evaluate_all(mut request: Request) -> Answers {
    let mut answers = Answers::new();
    let end = Instant::now() + TOTAL_TIME;
    let mut rest = std::mem::take(&mut request.entries);
    while !rest.is_empty() {
        request.entries.clone_from(&rest);
        let (mut done, why) = round(&request, end);
        let mut count = done.len();
        if let Some((fault, why)) = why.filter(|_| count < rest.len()) {
            done.push(Answer::failed(fault, why));
            count += 1;
        }
        if count == 0 {
            break;
        }
        answers.extend(rest.drain(..count).zip(done));
        if Instant::now() >= end {
            break;
        }
    }
    for path in rest {
        let why = format!(
            "was not evaluated: the Jsonnet files of the source took longer than {} s together",
            TOTAL_TIME.as_secs()
        );
        answers.insert(path, Answer::failed(Fault::Unfinished, why));
    }
    answers
}

/// The answers of one process, and why it gave no more.
fn round(request: &Request, end: Instant) -> (Vec<Answer>, Option<(Fault, String)>) {
    let mut worker = match Worker::start(request) {
        Ok(worker) => worker,
        Err(error) => {
            let why = format!("cannot be evaluated: no process for it: {error}");
            return (Vec::new(), Some((Fault::Unfinished, why)));
        }
    };
    let mut answers = Vec::new();
    while answers.len() < request.entries.len() {
        let left = end.saturating_duration_since(Instant::now());
        match worker.answers.recv_timeout(FILE_TIME.min(left)) {
            Ok(answer) => answers.push(answer),
            Err(RecvTimeoutError::Timeout) => {
                let why = format!(
                    "evaluating it takes longer than {} s and was stopped",
                    FILE_TIME.as_secs()
                );
                return (answers, Some((Fault::Unfinished, why)));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return (answers, Some((Fault::Bound, worker.last_words())));
            }
        }
    }
    (answers, None)
}

struct Worker {
    child: Child,
    answers: Receiver<Answer>,
}

impl Worker {
    fn start(request: &Request) -> std::io::Result<Self> {
        let text = serde_json::to_vec(request)?;
        let mut child = Command::new(program()?)
            .arg(ARGUMENT)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // It reads to the end before it answers. One that died is found out by its silence.
            thread::spawn(move || stdin.write_all(&text).ok());
        }
        let (sender, answers) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || forward(stdout, &sender));
        }
        Ok(Self { child, answers })
    }

    /// Why it died.
    fn last_words(&mut self) -> String {
        self.child.kill().ok();
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            stderr.take(LAST_WORDS).read_to_string(&mut said).ok();
        }
        if said.contains("memory allocation") || said.contains("out of memory") {
            let limit = MEMORY_BYTES / 1024 / 1024;
            format!("evaluating it takes more than {limit} MiB of memory")
        } else if said.contains("overflowed its stack") {
            "it is nested too deeply".to_owned()
        } else {
            "the evaluator broke at it".to_owned()
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends on every answer, until there are no more.
fn forward(stdout: ChildStdout, sender: &mpsc::Sender<Answer>) {
    let mut lines = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        let Ok(answer) = read.map(|_| serde_json::from_slice(&line)) else {
            return;
        };
        let Ok(answer) = answer else { return };
        if sender.send(answer).is_err() {
            return;
        }
    }
}

/// This very program: on Linux also if its file was replaced meanwhile.
fn program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() {
        return Ok(running);
    }
    std::env::current_exe()
}
