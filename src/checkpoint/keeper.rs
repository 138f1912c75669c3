//! Which files a run saves to and begins with, and what it may do with them.

use super::journal;
use super::line::{self, HEAD, NO_CHECKPOINT, first_line, get, opened, unreadable};
use super::{Checkpoint, RunOptions};
use crate::error::{Error, Result};
use crate::output;
use crate::spec::json::{Json, Place};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the trajectories of a checkpoint are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Statistics,
    Trajectories,
}

impl Kind {
    fn of(entries: &[(&str, Place)]) -> Kind {
        if get(entries, "kind").is_ok() { Kind::Trajectories } else { Kind::Statistics }
    }

    fn describe(self) -> &'static str {
        match self {
            Kind::Statistics => "makes statistics",
            Kind::Trajectories => "stores trajectories",
        }
    }
}

/// Knows the file to write and the one to begin with, and what the former holds.
#[derive(Default)]
pub struct Keeper {
    pub to: Option<Checkpoint>,
    pub from: Option<PathBuf>,
    /// What the numbers depend on, by name.
    pub of: Vec<(&'static str, String)>,
    /// Trajectories of the run.
    pub n: u64,
    /// When the file was written last.
    pub last: Option<Instant>,
    /// Trajectories in the file, once it is one of this run.
    pub held: Option<u64>,
    /// Checkpoints that could not be written.
    pub warnings: Vec<String>,
    /// The file to write, claimed against other processes; an empty one was made for that.
    pub claimed: Option<File>,
    /// Whether the file to begin with is the one to write.
    pub in_place: bool,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let is_empty = |file: &File| file.metadata().is_ok_and(|there| there.is_file() && there.len() == 0);
        if let Some(to) = self.to.as_ref().filter(|_| self.claimed.as_ref().is_some_and(is_empty)) {
            // Nothing was written, and an empty file is nothing to anybody.
            let _ = std::fs::remove_file(&to.file);
        }
    }
}

impl Keeper {
    /// Refuses a file to write that is something else or holds work that is not finished.
    pub fn new(options: RunOptions) -> Result<Keeper> {
        let from = options.resume.cloned();
        let to = options.checkpoint.cloned().or(from.clone().map(Checkpoint::new));
        let in_place = from.as_ref().zip(to.as_ref()).is_some_and(|(from, to)| output::is_same(from, &to.file));
        let mut keeper = Keeper::default();
        (keeper.to, keeper.from, keeper.in_place) = (to, from, in_place);
        if let Some(file) = keeper.to.as_ref().map(|to| to.file.clone()) {
            output::check_place(&file)?;
            keeper.claim(&file)?;
            keeper.check_target(&file)?;
        }
        Ok(keeper)
    }

    /// Says what run it is for. What its numbers depend on may be long, and is looked at only where there are files.
    pub fn keeps(mut self, of: impl FnOnce() -> Vec<(&'static str, String)>, n: u64) -> Keeper {
        self.of = if self.to.is_some() { of() } else { Vec::new() };
        self.n = n;
        self
    }

    /// Has other processes know that the file is taken, where systems have locks that bind only those who ask.
    fn claim(&mut self, file: &Path) -> Result<()> {
        // A resumed file has to be there; what cannot be opened is refused later, in clearer words.
        let options = OpenOptions::new().write(true).create(!self.in_place).truncate(false).open(file);
        let Some(opened) = options.ok().filter(|_| cfg!(unix)) else { return Ok(()) };
        if !output::lock(&opened) {
            return Err(Error::file(file, "another process is writing it; name another file for the checkpoint"));
        }
        self.claimed = Some(opened);
        Ok(())
    }

    fn check_target(&self, file: &Path) -> Result<()> {
        let Some(there) = std::fs::metadata(file).ok().filter(|_| !self.in_place) else { return Ok(()) };
        let refuse = |what: &str| Err(Error::file(file, format!("{what}; name another file for the checkpoint")));
        if !there.is_file() {
            return refuse("is no regular file");
        }
        let line = match first_line(file) {
            Err(error) if error.kind() != std::io::ErrorKind::InvalidData => return Err(Error::file(file, error)),
            Err(_) => return refuse("exists, and is no checkpoint"),
            Ok(line) if line.is_empty() => return Ok(()),
            Ok(line) if !line.starts_with(HEAD) => return refuse("exists, and is no checkpoint"),
            Ok(line) => line,
        };
        let Ok(json) = opened(file, &line) else {
            return refuse("is a checkpoint that this version cannot read, or a damaged one; delete it");
        };
        match progress(file, &json, line.len() as u64).map_err(unreadable(file))? {
            (n, next) if 0 < next && next < n => Err(Error::file(
                file,
                format!(
                    "holds a run that is not finished, {next} of {n} trajectories; --resume {} goes on with it; to begin anew delete it, or name another file",
                    file.display()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether it is time to write.
    pub fn is_due(&self) -> bool {
        self.to.as_ref().is_some_and(|to| self.last.is_none_or(|last| last.elapsed() >= to.every))
    }

    /// Replaces the file to write by the line that every file of this run begins with, with more entries, and claims it.
    pub fn replace(&mut self, path: &Path, more: impl IntoIterator<Item = (&'static str, Value)>) -> Result<File> {
        let of = self.of.iter().map(|(what, text)| (what.to_string(), Value::from(text.as_str()))).collect();
        let entries = [("of", Value::Object(of)), ("n", Value::from(self.n))].into_iter().chain(more);
        let line = line::sealed(&Value::Object(entries.map(|(key, value)| (key.to_string(), value)).collect()));
        let file = output::replace(path, |out| out.write_all(line.as_bytes()))?;
        // Elsewhere an open file may be in the way of the next one.
        self.claimed = if cfg!(unix) { Some(file.try_clone().map_err(|e| Error::file(path, e))?) } else { None };
        Ok(file)
    }

    /// Has `read` look at the first line of a file, if it is of a run like this one.
    pub fn read<T>(
        &self,
        path: &Path,
        kind: Kind,
        read: impl FnOnce(&[(&str, Place)]) -> Result<T>,
    ) -> Result<(T, u64)> {
        let line = first_line(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData => Error::file(path, NO_CHECKPOINT),
            std::io::ErrorKind::NotFound => Error::file(path, "there is no such checkpoint to go on from"),
            _ => Error::file(path, e),
        })?;
        let json = opened(path, &line)?;
        let entries = Place { json: &json, path: String::new() };
        let entries = entries.entries().map_err(unreadable(path))?;
        let theirs = Kind::of(&entries);
        if theirs != kind {
            return Err(Error::file(
                path,
                format!("is the checkpoint of a run that {}, and this one {}", theirs.describe(), kind.describe()),
            ));
        }
        self.check_origin(path, &entries)?;
        Ok((read(&entries).map_err(unreadable(path))?, line.len() as u64))
    }

    /// Refuses the checkpoint of another run, and says what differs.
    fn check_origin(&self, path: &Path, entries: &[(&str, Place)]) -> Result<()> {
        let of = get(entries, "of").and_then(|of| of.entries()).map_err(unreadable(path))?;
        for (what, ours) in &self.of {
            let theirs = get(&of, what).and_then(|text| text.text()).map_err(unreadable(path))?;
            if theirs != ours {
                return Err(Error::file(
                    path,
                    format!(
                        "is the checkpoint of another run: its {what} is '{theirs}', here it is '{ours}'; go on with what it was made from, or begin anew without --resume"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What a checkpoint is called that contradicts itself.
    pub fn damaged(&self) -> Error {
        let path = self.from.clone().unwrap_or_default();
        Error::file(path, "is a damaged checkpoint: its sizes contradict each other; begin anew without --resume")
    }

    /// Keeps what goes wrong for the result. A disk that is full does not end a run of hours.
    pub fn warn(&mut self, error: &Error) {
        let held = self.held.filter(|held| *held > 0).map(|held| format!("; it holds the first {held} trajectories"));
        self.warnings = vec![format!("the checkpoint could not be written: {error}{}", held.unwrap_or_default())];
    }

    /// Says with an error of the machine what is done and how to go on.
    pub fn explain(&self, error: Error, done: u64) -> Error {
        let (file, n) = (self.to.as_ref().map(|to| to.file.display()), self.n);
        if done == 0 && self.to.is_none() {
            return error;
        }
        let warning = self.warnings.first().map(|warning| format!("; {warning}")).unwrap_or_default();
        let told = match (file, self.held) {
            (Some(file), Some(held)) if held == done => {
                format!("{done} of {n} trajectories are done and saved in {file}; --resume {file} goes on from there")
            }
            (Some(file), Some(held)) => format!(
                "{done} of {n} trajectories were done{warning}; --resume {file} goes on from {held} that are saved"
            ),
            (Some(_), None) => format!("{done} of {n} trajectories were done, and nothing is saved{warning}"),
            (None, _) => format!(
                "{done} of {n} trajectories were done, and nothing is saved; --checkpoint FILE keeps what is done"
            ),
        };
        match error {
            Error::Device(text) => Error::Device(format!("{text}; {told}")),
            Error::Memory(text) => Error::Memory(format!("{text}; {told}")),
            other => other,
        }
    }
}

/// Trajectories of the run that a checkpoint is of, and how many of them it holds.
fn progress(path: &Path, json: &Json, line: u64) -> Result<(u64, u64)> {
    let entries = Place { json, path: String::new() };
    let entries = entries.entries()?;
    let n = get(&entries, "n")?.whole()?;
    let next = match Kind::of(&entries) {
        Kind::Trajectories => journal::held(path, line)?,
        Kind::Statistics => get(&get(&entries, "tally")?.entries()?, "next")?.whole()?,
    };
    Ok((n, next))
}
