//! The binary: everything is in the library, so that tests can link it.

use std::process::ExitCode;

fn main() -> ExitCode {
    evenkeel::cli::main()
}
