//! The options of `ensolve run` for checkpoints.

use clap::Args;
use ensolve::checkpoint::{Checkpoint, RunOptions};
use ensolve::job::Progress;
use ensolve::solution::RunInfo;
use ensolve::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
#[command(next_help_heading = "Checkpoints (what is done outlasts Ctrl-C, a failure, and a process that is killed)")]
pub struct CheckpointArgs {
    /// Save what is done to FILE now and then, and where the run is stopped or fails
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Time between two checkpoints, such as 30s, 5m or 1h [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub every: Option<Duration>,
    /// Go on from the checkpoint FILE, and keep it up to date unless --checkpoint names another one
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
}

/// Seconds, or so many with a unit.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let (number, unit) = match text.trim_end_matches(|c: char| c.is_alphabetic()) {
        number if number.len() == text.len() => (number, "s"),
        number => (number, &text[number.len()..]),
    };
    let seconds = [("s", 1.0), ("m", 60.0), ("h", 3600.0)].iter().find(|(name, _)| *name == unit).map(|(_, s)| *s);
    let time = seconds.zip(number.parse().ok()).map(|(unit, n): (f64, f64)| n * unit);
    let time = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "expected a time, such as 30s, 5m or 1h".to_string())
}

impl CheckpointArgs {
    /// Where to save what is done.
    ///
    /// # Errors
    /// A time between checkpoints without a file.
    pub fn saved_to(&self) -> Result<Option<Checkpoint>> {
        let Some(file) = self.checkpoint.as_ref().or(self.resume.as_ref()) else {
            return match self.every {
                None => Ok(None),
                Some(_) => {
                    Err(Error::run("--every is the time between checkpoints; name their file with --checkpoint FILE"))
                }
            };
        };
        let checkpoint = Checkpoint::new(file);
        Ok(Some(Checkpoint { every: self.every.unwrap_or(checkpoint.every), ..checkpoint }))
    }

    /// How to go about a run.
    pub fn options<'a>(&'a self, progress: &'a dyn Progress, checkpoint: Option<&'a Checkpoint>) -> RunOptions<'a> {
        RunOptions { progress, checkpoint, resume: self.resume.as_ref() }
    }
}

/// How to go on with a run that is not finished; empty where nothing was saved.
pub fn goes_on(info: &RunInfo, checkpoint: Option<&Checkpoint>) -> String {
    match (checkpoint, info.n_saved.filter(|n| *n > 0)) {
        (Some(checkpoint), Some(n)) => format!("  --resume {} goes on from the first {n}\n", checkpoint.file.display()),
        _ => String::new(),
    }
}
