//! The command line: what was typed to library calls, what came back to text and an exit code.
//!
//! Each command is a function from its arguments to a [`Report`]; only this file prints. Exit codes: 0 all trajectories
//! succeeded, 3 some did not or the user stopped the run, 2 bad input, 1 a benchmark's answers were wrong, 130 the user
//! ended the process.

mod adapters;
mod args;
mod bench;
mod check;
mod checkpoint;
mod interrupt;
mod progress;
mod run;
mod save_at;
mod statistics;
mod summary;
mod sweep;
mod vary;
mod verification;
mod wgsl;

use clap::{Parser, Subcommand};
use ensolve::{Error, Result};
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Answers of a benchmark are wrong.
const WRONG: u8 = 1;
/// Some trajectories failed, or the user stopped the run.
const UNFINISHED: u8 = 3;
/// Something in the input is wrong; also clap's own code.
const BAD_INPUT: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  ensolve check lorenz.json                       what the model is, and whether it can be run
  ensolve run lorenz.json --n 1 --out one.csv     one trajectory to a table
  ensolve run lorenz.json --n 1e5 --vary 'rho=uniform(0,28)' --out all.npz

'ensolve help run' explains every option of a run.
Exit codes: 0 all trajectories succeeded, 3 some did not (reasons on stderr) or Ctrl-C stopped the run, 2 bad input.";

/// Solves one ODE model for very many initial conditions and parameters at once, on a GPU or on the CPU
#[derive(Parser)]
#[command(name = "ensolve", version, about, after_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Solve a model: one trajectory or an ensemble, a summary on stdout, results to a file
    #[command(after_help = run::EXAMPLES)]
    Run(Box<args::RunArgs>),
    /// Show what a model file says: states, parameters, equations, and which backends can run it
    Check {
        /// Model file (JSON)
        model: PathBuf,
    },
    /// Print the GPU kernel that is generated for a model
    Wgsl(wgsl::WgslArgs),
    /// List the GPU adapters of this machine, with the features that matter
    Adapters,
    /// Measure how fast this machine solves fixed workloads; answers are verified before a time is printed
    #[command(after_help = bench::help())]
    Bench(bench::BenchArgs),
}

impl Command {
    fn execute(self) -> Result<Report> {
        match self {
            Command::Run(args) => run::run(&args),
            Command::Check { model } => check::check(&model),
            Command::Wgsl(args) => wgsl::wgsl(&args),
            Command::Adapters => Ok(adapters::adapters()),
            Command::Bench(args) => bench::bench(&args),
        }
    }
}

/// What a command has to say.
struct Report {
    /// For stdout.
    summary: String,
    /// For stderr.
    warnings: String,
    code: u8,
}

impl Report {
    /// All went well.
    fn good(summary: String) -> Self {
        Report { summary, warnings: String::new(), code: 0 }
    }

    /// Adds warnings, which do not change the exit code.
    fn warned(mut self, warnings: &[String]) -> Self {
        warnings.iter().for_each(|warning| self.warnings += &format!("warning: {warning}\n"));
        self
    }

    /// Adds an error.
    fn failed(mut self, error: &Error) -> Self {
        self.warnings += &format!("error: {error}\n");
        self.code = BAD_INPUT;
        self
    }

    /// Prints; a reader that has gone away (`| head`) is no error.
    fn print(self) -> ExitCode {
        let printed = std::io::stdout().write_all(self.summary.as_bytes()).and_then(|()| std::io::stdout().flush());
        // There is nobody left to tell if stderr is closed.
        let _ = std::io::stderr().write_all(self.warnings.as_bytes());
        match printed {
            Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                let _ = writeln!(std::io::stderr(), "error: stdout cannot be written: {e}");
                ExitCode::from(BAD_INPUT)
            }
            _ => ExitCode::from(self.code),
        }
    }
}

/// Prints lines while a command is still at work; false where the reader has gone away (`| head`).
fn print_now(lines: &str) -> Result<bool> {
    match std::io::stdout().write_all(lines.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Error::run(format!("stdout cannot be written: {e}"))),
    }
}

/// clap takes `-1e-3` and `-.5` for options: negative numbers are spelled in the one way that it knows, without exponent.
fn plain_number(argument: OsString) -> OsString {
    match argument.to_str().filter(|text| text.starts_with('-')).and_then(|text| text.parse::<f64>().ok()) {
        Some(x) if x.is_finite() => x.to_string().into(),
        _ => argument,
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(std::env::args_os().map(plain_number)) {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version come this way too, with exit code 0. A closed pipe is no reason to panic.
            let _ = message.print();
            return if message.use_stderr() { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS };
        }
    };
    cli.command.execute().unwrap_or_else(|error| Report::good(String::new()).failed(&error)).print()
}
