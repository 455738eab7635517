//! The process in which files are evaluated: a request on its standard input, an answer a line on its
//! standard output. Not the starting and stopping of it (`process`).

use std::io::{self, Read, Write};
use std::rc::Rc;

use super::{MEMORY_BYTES, Request, evaluate};

/// The argument that makes the program this process. Nobody types it.
pub const ARGUMENT: &str = "evaluate-jsonnet";

/// Reads a request to its end, then answers file after file.
///
/// # Errors
/// If the other side goes away or is not Even Keel.
pub fn serve(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    limit_memory()?;
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let request: Request = serde_json::from_slice(&text)?;
    drop(text);
    let request = Rc::new(request);
    for path in &request.entries {
        let answer = evaluate(&request, path);
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn limit_memory() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit {
        current: Some(MEMORY_BYTES),
        maximum: Some(MEMORY_BYTES),
    };
    setrlimit(Resource::Data, limit)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A process that dies of its input leaves nothing behind.
    Ok(setrlimit(Resource::Core, none)?)
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() -> io::Result<()> {
    Ok(())
}
