//! What a sweep has done, in a file, so that another run goes on from there.
//!
//! JSON: `ensolve_checkpoint` (the version of the format), `checksum` (of the text after it), `of` (what the numbers depend on),
//! `n`, `ranges` of the quantiles' histograms and `tally`, the sums over the first `tally.next` trajectories. Floats read back to
//! the same bits; `"inf"`, `"-inf"` and `"nan"` stand for what JSON has no number for. A file is replaced by a whole one or stays
//! as it was; work that is not finished is never replaced by other work. Since what is summed is summed block by block in order,
//! an interrupted sweep ends with the same bits as one that was not.

use super::SweepOptions;
use super::fingerprint::hash_text;
use super::pass::next_length;
use super::tally::Tally;
use super::wanted::{MOST_COUNTS, Wanted};
use crate::error::{Error, Result};
use crate::output;
use crate::reduce::{Accumulator, Comoment, Failure, Histogram, StepCount};
use crate::spec::json::{Json, Place};
use crate::status::Status;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const VERSION: &str = "2";

/// How every checkpoint begins.
const HEAD: &str = "{\"ensolve_checkpoint\":";

/// Time between two checkpoints where nothing else is said.
const EVERY: Duration = Duration::from_secs(60);

/// Where and how often to save what is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file, which is replaced.
    pub file: PathBuf,
    /// Time between two of them; one more is written at the end, and where the run is stopped or fails.
    pub every: Duration,
}

impl Checkpoint {
    /// Once a minute.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Checkpoint { file: file.into(), every: EVERY }
    }
}

/// What a checkpoint holds.
pub struct Saved {
    pub ranges: Vec<Histogram>,
    pub tally: Tally,
}

/// Writes checkpoints, and reads the one to begin with.
#[derive(Default)]
pub struct Keeper {
    to: Option<Checkpoint>,
    from: Option<PathBuf>,
    of: Vec<(&'static str, String)>,
    n: u64,
    last: Option<Instant>,
    /// Trajectories in the file, once it is one of this run.
    held: Option<u64>,
    warnings: Vec<String>,
}

impl Keeper {
    pub fn new(options: SweepOptions, of: Vec<(&'static str, String)>, n: u64) -> Keeper {
        let from = options.resume.cloned();
        let to = options.checkpoint.cloned().or(from.clone().map(Checkpoint::new));
        Keeper { to, from, of, n, last: None, held: None, warnings: Vec::new() }
    }

    /// How many trajectories the file holds, if there is one of this run to go on from.
    pub fn held(&self) -> Option<u64> {
        self.held
    }

    /// Refuses a file that is about to be replaced, and is something else or holds work that is not finished.
    pub fn check_target(&self) -> Result<()> {
        let Some(Checkpoint { file, .. }) = &self.to else { return Ok(()) };
        let is_resumed = self.from.as_ref().is_some_and(|from| output::is_same(from, file));
        let Some(there) = std::fs::metadata(file).ok().filter(|_| !is_resumed) else { return Ok(()) };
        let refuse = |what: &str| Err(Error::file(file, format!("{what}; name another file for the checkpoint")));
        if !there.is_file() {
            return refuse("is no regular file");
        }
        let text = match std::fs::read_to_string(file) {
            Err(error) if error.kind() != std::io::ErrorKind::InvalidData => return Err(Error::file(file, error)),
            Err(_) => return refuse("exists, and is no checkpoint"),
            Ok(text) if text.is_empty() => return Ok(()),
            Ok(text) if !text.starts_with(HEAD) => return refuse("exists, and is no checkpoint"),
            Ok(text) => text,
        };
        let Ok(opened) = opened(file, &text) else {
            return refuse("is a checkpoint that this version cannot read, or a damaged one; delete it");
        };
        let place = Place { json: &opened, path: String::new() };
        let number = |entries: &[(&str, Place)], key| get(entries, key)?.whole();
        let progress = place
            .entries()
            .and_then(|entries| Ok((number(&entries, "n")?, number(&get(&entries, "tally")?.entries()?, "next")?)));
        match progress.map_err(unreadable(file))? {
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

    /// Whether nothing is to be written.
    pub fn is_idle(&self) -> bool {
        self.to.is_none()
    }

    /// How many trajectories to ask for next.
    pub fn next_length(&self, done: u64, took: Duration) -> u64 {
        self.to.as_ref().map_or(u64::MAX, |to| next_length(done, took, to.every))
    }

    /// Checkpoints that could not be written.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes a checkpoint.
    pub fn save(&mut self, tally: &Tally, wanted: &Wanted) -> Result<()> {
        let Some(to) = &self.to else { return Ok(()) };
        let of = self.of.iter().map(|(what, text)| (what.to_string(), Value::from(text.as_str())));
        let document = json!({
            "of": Value::Object(of.collect()),
            "n": self.n,
            "ranges": wanted.ranges().map(|h| json!([h.quantity, number(h.low), number(h.high), h.n_bin])).collect::<Vec<_>>(),
            "tally": written(tally),
        });
        output::replace(&to.file, |out| std::io::Write::write_all(out, sealed(&document).as_bytes()))?;
        (self.last, self.held) = (Some(Instant::now()), Some(tally.next));
        Ok(())
    }

    /// Writes one if it is time. A disk that is full does not end a run of hours: the next one may work.
    pub fn save_if_due(&mut self, tally: &Tally, wanted: &Wanted) {
        if self.to.as_ref().is_some_and(|to| self.last.is_none_or(|last| last.elapsed() >= to.every)) {
            self.save_at_end(tally, wanted);
        }
    }

    /// Writes one, and keeps what goes wrong for the result.
    pub fn save_at_end(&mut self, tally: &Tally, wanted: &Wanted) {
        self.warnings.clear();
        if let Err(error) = self.save(tally, wanted) {
            self.warnings = vec![format!("the checkpoint could not be written: {error}")];
            self.last = Some(Instant::now());
        }
    }

    /// Says with an error of the machine what is done and how to go on.
    pub fn explain(&self, error: Error, done: u64, n: u64) -> Error {
        let file = self.to.as_ref().map(|to| to.file.display());
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

    /// What the checkpoint to begin with holds.
    pub fn resumed(&mut self) -> Result<Option<Saved>> {
        let Some(path) = &self.from else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
        let json = opened(path, &text)?;
        let root = Place { json: &json, path: String::new() };
        let entries = root.entries().map_err(unreadable(path))?;
        self.check_origin(path, &entries)?;
        let saved = read(&entries).map_err(unreadable(path))?;
        if self.to.as_ref().is_some_and(|to| output::is_same(path, &to.file)) {
            self.held = Some(saved.tally.next);
        }
        Ok(Some(saved))
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
}

/// The text of a file: the document behind the version of the format and a hash of all that follows.
fn sealed(document: &Value) -> String {
    let body = document.to_string();
    let rest = body.strip_prefix('{').unwrap_or(&body);
    format!("{HEAD}{VERSION},\"checksum\":\"{}\",{rest}\n", hash_text(rest))
}

/// The document of a file whose text is as it was written.
fn opened(path: &Path, text: &str) -> Result<Json> {
    let none = || Error::file(path, "is no checkpoint of ensolve");
    let (version, rest) = text.strip_prefix(HEAD).and_then(|rest| rest.split_once(',')).ok_or_else(none)?;
    if version != VERSION {
        return Err(Error::file(
            path,
            format!("is a checkpoint of format {version}, and this version of ensolve reads format {VERSION}"),
        ));
    }
    match rest.strip_prefix("\"checksum\":\"").and_then(|rest| rest.split_once("\",")) {
        Some((checksum, rest)) if hash_text(rest.trim_end()) == checksum => Json::parse(text).map_err(unreadable(path)),
        _ => Err(Error::file(
            path,
            "is a damaged checkpoint: its text is not what was written; take an older copy, or begin anew without it",
        )),
    }
}

fn unreadable(path: &Path) -> impl Fn(Error) -> Error {
    move |e| Error::file(path, format!("is no checkpoint that can be read: {e}"))
}

fn number(x: f64) -> Value {
    match serde_json::Number::from_f64(x) {
        Some(number) => Value::Number(number),
        None if x.is_nan() => Value::from("nan"),
        None => Value::from(if x > 0.0 { "inf" } else { "-inf" }),
    }
}

fn written(tally: &Tally) -> Value {
    let moments =
        |a: &Accumulator| json!([a.n, number(a.mean), number(a.m2), number(a.min), number(a.max), a.argmin, a.argmax]);
    let comoment = |c: &Comoment| json!([c.n, number(c.mean_a), number(c.mean_b), number(c.c)]);
    let failure = |f: &Failure| json!([f.trajectory, f.status as u32, number(f.t), f.culprit.map_or(0, |row| row + 1)]);
    let best = |list: &Vec<(u64, f64)>| list.iter().map(|(i, x)| json!([i, number(*x)])).collect::<Vec<_>>();
    // Most counts are zero.
    let counts = tally.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    json!({
        "next": tally.next,
        "moments": tally.moments.iter().map(moments).collect::<Vec<_>>(),
        "comoments": tally.comoments.iter().map(comoment).collect::<Vec<_>>(),
        "n_count": tally.counts.len(),
        "counts": counts.flat_map(|(i, count)| [i as u64, *count]).collect::<Vec<_>>(),
        "statuses": tally.statuses,
        "accepted": [tally.accepted.sum, u64::from(tally.accepted.max)],
        "rejected": [tally.rejected.sum, u64::from(tally.rejected.max)],
        "failures": tally.failures.iter().map(failure).collect::<Vec<_>>(),
        "best": tally.best.iter().map(best).collect::<Vec<_>>(),
    })
}

fn get<'a>(entries: &[(&str, Place<'a>)], key: &str) -> Result<Place<'a>> {
    let found = entries.iter().find(|(k, _)| *k == key).map(|(_, place)| place.clone());
    found.ok_or_else(|| Error::model("", format!("'{key}' is missing")))
}

fn float(place: &Place) -> Result<f64> {
    match place.json {
        Json::Text(text) if text == "nan" => Ok(f64::NAN),
        Json::Text(text) if text == "inf" => Ok(f64::INFINITY),
        Json::Text(text) if text == "-inf" => Ok(f64::NEG_INFINITY),
        _ => place.number(),
    }
}

fn small(place: &Place) -> Result<u32> {
    u32::try_from(place.whole()?).map_err(|_| place.error("too large"))
}

/// A list of so many entries.
fn tuple<'a, const N: usize>(place: &Place<'a>) -> Result<[Place<'a>; N]> {
    <[Place; N]>::try_from(place.list()?).map_err(|_| place.error(format!("expected a list of {N}")))
}

fn read(entries: &[(&str, Place)]) -> Result<Saved> {
    let ranges = get(entries, "ranges")?.list()?.iter().map(range).collect::<Result<_>>()?;
    let tally = get(entries, "tally")?.entries()?;
    let all = |key: &str| get(&tally, key)?.list();
    let n_count = get(&tally, "n_count")?;
    let mut counts = match n_count.whole()? as usize {
        n if n <= MOST_COUNTS => vec![0; n],
        n => return Err(n_count.error(format!("more counts than there may be: {n}"))),
    };
    for pair in all("counts")?.chunks(2) {
        let [at, count] = pair else { return Err(Error::model("tally.counts", "expected pairs")) };
        let count_of = counts.get_mut(at.whole()? as usize).ok_or_else(|| at.error("there is no such count"))?;
        *count_of = count.whole()?;
    }
    let statuses = tuple::<{ Status::ALL.len() }>(&get(&tally, "statuses")?)?;
    let mut tally = Tally {
        next: get(&tally, "next")?.whole()?,
        moments: all("moments")?.iter().map(moments).collect::<Result<_>>()?,
        comoments: all("comoments")?.iter().map(comoment).collect::<Result<_>>()?,
        counts,
        statuses: [0; Status::ALL.len()],
        accepted: steps(&get(&tally, "accepted")?)?,
        rejected: steps(&get(&tally, "rejected")?)?,
        failures: all("failures")?.iter().map(failure).collect::<Result<_>>()?,
        best: all("best")?.iter().map(best).collect::<Result<_>>()?,
    };
    for (count, place) in tally.statuses.iter_mut().zip(&statuses) {
        *count = place.whole()?;
    }
    Ok(Saved { ranges, tally })
}

fn range(place: &Place) -> Result<Histogram> {
    let [quantity, low, high, n_bin] = tuple(place)?;
    Ok(Histogram { quantity: small(&quantity)?, low: float(&low)?, high: float(&high)?, n_bin: small(&n_bin)? })
}

fn moments(place: &Place) -> Result<Accumulator> {
    let [n, mean, m2, min, max, argmin, argmax] = tuple(place)?;
    Ok(Accumulator {
        n: n.whole()?,
        mean: float(&mean)?,
        m2: float(&m2)?,
        min: float(&min)?,
        max: float(&max)?,
        argmin: argmin.whole()?,
        argmax: argmax.whole()?,
    })
}

fn comoment(place: &Place) -> Result<Comoment> {
    let [n, mean_a, mean_b, c] = tuple(place)?;
    Ok(Comoment { n: n.whole()?, mean_a: float(&mean_a)?, mean_b: float(&mean_b)?, c: float(&c)? })
}

fn steps(place: &Place) -> Result<StepCount> {
    let [sum, max] = tuple(place)?;
    Ok(StepCount { sum: sum.whole()?, max: small(&max)? })
}

fn failure(place: &Place) -> Result<Failure> {
    let [trajectory, status, t, culprit] = tuple(place)?;
    let code = small(&status)?;
    Ok(Failure {
        trajectory: trajectory.whole()?,
        status: Status::from_code(code).ok_or_else(|| status.error(format!("unknown status {code}")))?,
        t: float(&t)?,
        culprit: small(&culprit)?.checked_sub(1),
    })
}

fn best(place: &Place) -> Result<Vec<(u64, f64)>> {
    let pair = |place: &Place| {
        let [i, x] = tuple(place)?;
        Ok((i.whole()?, float(&x)?))
    };
    place.list()?.iter().map(pair).collect()
}
