//! Starting a Git worker, giving it its job, and taking its answer. The worker is ended when it does not
//! go on, and with whoever waits for it.
//!
//! Invariant: what a worker says is checked before it is used: it has talked to strangers.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::wire::{Answer, Job, Limits, Line, Reason, Trouble, clean};
use super::worker::WORKER;

/// A line of a worker is not longer: it names every file.
const MAX_LINE: u64 = 32 * 1024 * 1024;

/// Environment variables that a worker gets: where programs and certificates are, and proxies of what is
/// encrypted; another would see a credential. Not the credentials of AWS, nor anything that Git or ssh would
/// take for a setting.
const KEPT: [&str; 11] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// How to start a worker.
#[derive(Clone, Debug)]
pub struct Worker {
    program: PathBuf,
}

impl Default for Worker {
    fn default() -> Self {
        Self::own()
    }
}

impl Worker {
    /// The worker of this program, which has [`super::worker::main`] behind the word [`WORKER`].
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
        }
    }

    /// The running program itself.
    pub fn own() -> Self {
        // On Linux the file that runs, even if another has taken its path since.
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() {
            own
        } else {
            std::env::current_exe().unwrap_or_else(|_| PathBuf::from("evenkeel"))
        };
        Self { program }
    }

    /// Has a worker do the job. `limit` is how long it may take from one step to the next; all together
    /// may take [`STEPS`] times as long.
    pub(super) async fn work(&self, job: &Job, limit: Duration) -> Result<Vec<Answered>, Trouble> {
        let internal = |why: String| Trouble::new(Reason::Internal, why);
        let text = serde_json::to_vec(job).map_err(|error| internal(error.to_string()))?;
        let mut command = Command::new(&self.program);
        command
            .arg(WORKER)
            .env_clear()
            .envs(
                KEPT.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            internal(format!("the part that reads Git does not start: {error}"))
        })?;
        let heard = match child.stdout.take() {
            Some(out) => {
                // A worker that does not read its job has ended, and its end is told below.
                let mut pipe = child.stdin.take();
                let told = async move {
                    if let Some(pipe) = &mut pipe {
                        pipe.write_all(&text).await.ok();
                    }
                    drop(pipe);
                };
                let mut listening = Listening {
                    out: BufReader::new(out),
                    limits: job.limits,
                    answers: job.wanted.len(),
                    step: "starting".to_owned(),
                };
                let all = async {
                    told.await;
                    listening.listen(limit).await
                };
                tokio::time::timeout(limit * STEPS, all)
                    .await
                    .unwrap_or_else(|_| Err(Some(late(limit * STEPS, "reading"))))
            }
            None => Err(None),
        };
        match heard {
            Ok(answers) => Ok(answers),
            Err(trouble) => Err(ended(child, trouble).await),
        }
    }
}

/// How many steps a job may take to the full.
const STEPS: u32 = 4;

/// How long the last words of a worker are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An answer with its files: path and bytes.
pub(super) type Answered = (Answer, Vec<(String, Vec<u8>)>);

struct Listening {
    out: BufReader<ChildStdout>,
    limits: Limits,
    answers: usize,
    step: String,
}

impl Listening {
    /// Takes the answer; `None` if the worker ended without one.
    async fn listen(&mut self, limit: Duration) -> Result<Vec<Answered>, Option<Trouble>> {
        loop {
            let next = tokio::time::timeout(limit, self.line()).await;
            let line = match next {
                Ok(line) => line.ok_or(None)?,
                Err(_) => return Err(Some(late(limit, &self.step))),
            };
            match line {
                Line::Step(step) => self.step = clean(&step, 100),
                Line::Failed(trouble) => return Err(Some(cleaned(&trouble))),
                Line::Done(answers) => {
                    let files = tokio::time::timeout(limit, self.files(answers)).await;
                    return files.unwrap_or_else(|_| Err(Some(late(limit, &self.step))));
                }
            }
        }
    }

    async fn line(&mut self) -> Option<Line> {
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.out).take(MAX_LINE);
        bounded.read_until(b'\n', &mut bytes).await.ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    async fn files(&mut self, answers: Vec<Answer>) -> Result<Vec<Answered>, Option<Trouble>> {
        let odd = |what: &str| {
            let what = format!("the part that reads Git gave an answer that cannot be: {what}");
            Some(Trouble::new(Reason::Internal, what))
        };
        if answers.len() != self.answers {
            return Err(odd("not as many as asked for"));
        }
        let mut out = Vec::new();
        for answer in answers {
            let mut files = Vec::new();
            let mut total = 0_u64;
            if let Answer::Read { files: sizes, .. } = &answer {
                if sizes.len() > self.limits.files {
                    return Err(odd("too many files"));
                }
                for (path, size) in sizes {
                    total = total.saturating_add(*size);
                    if *size > self.limits.file_bytes || total > self.limits.total_bytes {
                        return Err(odd("a file is too large"));
                    }
                    if !is_plain(path) {
                        return Err(odd("a path leads out"));
                    }
                    let mut bytes = vec![0; usize::try_from(*size).unwrap_or(usize::MAX)];
                    self.out.read_exact(&mut bytes).await.map_err(|_| None)?;
                    files.push((path.clone(), bytes));
                }
            }
            out.push((cleaned_answer(answer), files));
        }
        Ok(out)
    }
}

/// Whether a path stays where it is put.
fn is_plain(path: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    path.split('/').all(part) && !path.contains(char::is_control)
}

fn cleaned(trouble: &Trouble) -> Trouble {
    Trouble::new(trouble.reason, clean(&trouble.message, 800))
}

fn cleaned_answer(answer: Answer) -> Answer {
    match answer {
        Answer::Trouble(trouble) => Answer::Trouble(cleaned(&trouble)),
        Answer::Read {
            mut commit,
            descends,
            files,
        } => {
            commit.author = clean(&commit.author, 100);
            commit.message = clean(&commit.message, 203);
            commit.reference = clean(&commit.reference, 250);
            Answer::Read {
                commit,
                descends,
                files,
            }
        }
        known @ Answer::Known(_) => known,
    }
}

fn late(limit: Duration, step: &str) -> Trouble {
    let what = format!("it took more than {}s: {step}", limit.as_secs());
    Trouble::new(Reason::TimedOut, what)
}

/// Why a worker gave no answer, with what it or ssh said last.
async fn ended(mut child: Child, trouble: Option<Trouble>) -> Trouble {
    let mut said = Vec::new();
    let stderr = child.stderr.take();
    let status = match &trouble {
        // It is there still, and not to be trusted with more time.
        Some(_) => {
            child.start_kill().ok();
            // Another is started on the same store once this one is gone.
            tokio::time::timeout(LAST_WORDS, child.wait()).await.ok();
            None
        }
        None => tokio::time::timeout(LAST_WORDS, child.wait())
            .await
            .ok()
            .and_then(Result::ok),
    };
    if let Some(stderr) = stderr {
        let mut bounded = stderr.take(4096);
        tokio::time::timeout(LAST_WORDS, bounded.read_to_end(&mut said))
            .await
            .ok();
    }
    let said = clean(&String::from_utf8_lossy(&said), 4096);
    let mut trouble = trouble.unwrap_or_else(|| died(status));
    if !said.is_empty() {
        if said.contains("Permission denied") || said.contains("Host key verification failed") {
            trouble.reason = Reason::Denied;
        }
        // ssh says last what counts.
        let skipped = said.chars().count().saturating_sub(300);
        let said: String = said.chars().skip(skipped).collect();
        trouble.message = format!("{} ({said})", trouble.message);
    }
    trouble
}

fn died(status: Option<ExitStatus>) -> Trouble {
    #[cfg(unix)]
    let signal = status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let (reason, why) = match signal {
        // SIGXCPU and SIGXFSZ on Linux; SIGABRT is how a failed allocation ends.
        Some(24) => (Reason::TooLarge, "it took too much of the processor"),
        Some(25) => (
            Reason::TooLarge,
            "what the server sent is larger than `maxPackMiB`",
        ),
        Some(6) => (Reason::TooLarge, "it took too much memory"),
        Some(_) => (Reason::Internal, "a signal ended it"),
        None => (Reason::Internal, "it ended without an answer"),
    };
    Trouble::new(reason, format!("the part that reads Git gave up: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_where_it_is_put() {
        for plain in ["a", "a/b.yaml", "..a/b..", "a b"] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in ["", "/a", "a/", "a//b", "../a", "a/./b", "a\nb", "a/.."] {
            assert!(!is_plain(odd), "{odd}");
        }
    }
}
