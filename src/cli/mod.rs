//! The command line: what was typed. Commands are in the modules of their names.
//!
//! Invariants:
//! - Exit codes: each command's own, and 64 for a usage error (`EX_USAGE`), in every command.
//! - Results go to stdout, everything else to stderr. Colour only on a terminal (`anstream`).

mod args;
mod convert;
mod daemon;
mod import;
mod output;
mod plan;
mod progress;
mod prune;
mod push;
mod run;
mod sandbox;
mod schema;
mod signals;
mod start;
mod sync;
mod validate;
mod verify;
mod write;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command, SandboxCommand};
use crate::source::worker;
use crate::{jsonnet, telemetry};

/// The exit code of a command that was typed wrong.
const USAGE: u8 = 64;

/// Runs the program: a command, or the part that reads Git, which has no business with the rest.
pub fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == worker::WORKER)
    {
        return worker::main();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run_command()),
        Err(error) => {
            output::error(&format!("cannot start: {error}"));
            ExitCode::from(1)
        }
    }
}

/// Parses the command line, runs the command, and gives the exit code.
async fn run_command() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            // A closed pipe is nobody's error.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    if let Err(error) = start_log(&cli.command) {
        output::error(&error);
        return ExitCode::from(USAGE);
    }
    let result = match cli.command {
        Command::Run(args) => run::run(&args).await,
        Command::Sync(args) => sync::sync(&args).await,
        Command::Plan(args) => plan::plan(&args).await,
        Command::Validate(args) => validate::validate(&args).await,
        Command::Verify(args) => verify::verify(&args).await,
        Command::Daemon(command) => daemon::run(&command).await,
        Command::Schema => Ok(schema::schema()),
        Command::Convert(args) => convert::convert(&args),
        Command::EvaluateJsonnet => {
            jsonnet::serve(std::io::stdin().lock(), std::io::stdout().lock())
                .map(|()| 0)
                .map_err(|error| error.to_string())
        }
        Command::Import(args) => import::import(&args).await,
        Command::Sandbox(args) => match &args.command {
            Some(SandboxCommand::Push(push)) => push::push(push).await,
            None => sandbox::sandbox(&args).await,
        },
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::error(&error);
            ExitCode::from(1)
        }
    }
}

/// Starts the log. Commands that end by themselves say what they did on stdout, so they log errors
/// alone.
fn start_log(command: &Command) -> Result<(), String> {
    let (log, default) = match command {
        Command::Run(args) => (&args.source.log, "info"),
        Command::Sync(args) => (&args.source.log, "error"),
        Command::Plan(args) => (&args.source.log, "error"),
        Command::Verify(args) => (&args.source.log, "error"),
        Command::Import(args) => (&args.log, "error"),
        Command::Sandbox(args) if args.command.is_none() => (&args.log, "info"),
        Command::Convert(_)
        | Command::Daemon(_)
        | Command::EvaluateJsonnet
        | Command::Sandbox(_)
        | Command::Schema
        | Command::Validate(_) => {
            return Ok(());
        }
    };
    telemetry::init(log.log_format, log.log.as_deref().unwrap_or(default))
}
