//! Jsonnet to plain values.
//!
//! What it is: [`evaluate()`], which gives the value of one file (pure, in this process), and
//! [`evaluate_all`], which does so for files that are not trusted to end: in a process of their own.
//! What it is not: it reads no disk; what a file may import is given to it, by path.
//!
//! # What is bounded
//!
//! The evaluator has one limit of its own, on the depth of calls ([`evaluate()`] sets it). It cannot be
//! interrupted, and it allocates what it is asked for (`std.repeat('x', 4e9)`), so a thread could be
//! neither stopped nor kept from taking its process down. Hence the process:
//!
//! | What | Bound | What happens at it |
//! |---|---|---|
//! | time of one file | [`FILE_TIME`], real time | the process is killed; this file has an error |
//! | time of them all | [`TOTAL_TIME`] | the files that are left have an error |
//! | memory | [`MEMORY_BYTES`] of data, on Linux (`RLIMIT_DATA`) | the process dies; this file has an error |
//! | depth of calls | [`MAX_DEPTH`] | this file has an error |
//! | stack, nesting of the text | the process's own stack | the process dies; this file has an error |
//! | output of one file | [`MAX_OUTPUT_BYTES`] | this file has an error |
//!
//! A file that took too long is evaluated anew at the next read of the source, as it may have been the
//! machine that was slow.
//!
//! Not bounded: memory on other systems than Linux, and the processor's use within the time.
//!
//! Invariants:
//! - A file is evaluated with what it is given alone: texts by path, external variables. The process has
//!   no environment variables, and so no credentials.
//! - One file's failure is that file's alone.
//! - `std.trace` prints nothing.

mod evaluate;
mod process;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use evaluate::{MAX_DEPTH, evaluate};
pub use process::evaluate_all;
pub use worker::{ARGUMENT, serve};

/// How long (real time) the evaluation of one file may take. Configurations take milliseconds.
pub const FILE_TIME: Duration = Duration::from_secs(10);

/// How long (real time) the evaluation of a source's files may take: a change of the source waits for it.
pub const TOTAL_TIME: Duration = Duration::from_mins(1);

/// How much data (heap, stacks) the evaluating process may have.
pub const MEMORY_BYTES: u64 = 256 * 1024 * 1024;

/// How large the value of one file may be, written as JSON: as large as a manifest file.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;

/// What to evaluate, and all that it may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The files to evaluate, by path.
    pub entries: Vec<String>,
    /// The texts that may be imported, by path; the entries among them.
    pub files: BTreeMap<String, String>,
    /// The external variables (`std.extVar`): texts, numbers, booleans.
    pub ext: BTreeMap<String, Value>,
    /// Whether `std.native` gives the Go template that asks for the same (ecspresso's own functions).
    pub natives: bool,
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its value, or why there is none.
    pub value: Result<Value, Mistake>,
    /// The files that it imported.
    pub imports: BTreeSet<String>,
}

/// What came of each file, by path.
pub type Answers = BTreeMap<String, Answer>;

/// Why a file has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// What sort of fault it is.
    pub fault: Fault,
    /// What Jsonnet says, in one line.
    pub message: String,
    /// Where, if that is known.
    pub at: Option<At>,
}

/// The sorts of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The text is no Jsonnet, or imports what is not there.
    Text,
    /// The evaluation failed.
    Evaluation,
    /// An external variable is asked for that is not given.
    Variable,
    /// Its value is a function, so that it is a library.
    Function,
    /// It takes more than it may: memory, nesting, output.
    Bound,
    /// It was not evaluated to its end, which may be another time: it took too long, or there was no process
    /// for it.
    Unfinished,
}

/// A place in one of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The file: the one evaluated, or one that it imports.
    pub file: String,
    /// First byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Answer {
    fn failed(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            value: Err(Mistake {
                fault,
                message: message.into(),
                at: None,
            }),
            imports: BTreeSet::new(),
        }
    }
}
