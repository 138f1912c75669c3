//! Trajectories of a checkpoint: after its first line a record for each chunk, in order, each added when the chunk is done.
//!
//! A record is [`HEADER`] words of 64 bits (number of the first trajectory, trajectories, a hash of what follows, bytes of a state
//! or saved value, and the lengths of the arrays of a [`RawOutput`]), then the arrays one after the other, all little-endian. A
//! process that is killed leaves a record that is cut short; it is dropped, and its chunk is solved again.

use super::fingerprint::hash_bytes;
use super::{Keeper, Kind};
use crate::error::{Error, Result};
use crate::job::RawOutput;
use crate::output;
use crate::real::Precision;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

/// Arrays of numbers and of counts in a [`RawOutput`].
const N_REAL: usize = 4;
const N_COUNT: usize = 5;

/// Words of a header.
const HEADER: usize = 4 + N_REAL + N_COUNT;

/// A chunk as the file has it.
pub struct Record {
    /// Number of the first trajectory.
    pub first: u64,
    /// What came of it.
    pub output: RawOutput,
}

/// A checkpoint that grows.
pub struct Journal {
    keeper: Keeper,
    /// Where records are added.
    out: Option<File>,
    /// Where those of an earlier run are read, until there are no more.
    replay: Option<BufReader<File>>,
    is_narrow: bool,
}

impl Journal {
    /// Opens the files. Where trajectories are numbers of f32, so are they in the file.
    ///
    /// # Errors
    /// [`Error::File`] for checkpoints of other runs, and files that cannot be read or written.
    pub fn open(keeper: Keeper, precision: Precision) -> Result<Journal> {
        let mut journal = Journal { keeper, out: None, replay: None, is_narrow: precision == Precision::F32 };
        let keeper = &mut journal.keeper;
        if let Some(path) = &keeper.from {
            let ((), start) = keeper.read(path, Kind::Trajectories, |_| Ok(()))?;
            let mut file = File::open(path).map_err(|e| Error::file(path, e))?;
            file.seek(SeekFrom::Start(start)).map_err(|e| Error::file(path, e))?;
            journal.replay = Some(BufReader::new(file));
        }
        if let Some(to) = keeper.to.as_ref().map(|to| to.file.clone()) {
            if !keeper.goes_on_in_place() {
                let line = keeper.line([("kind", Value::from("trajectories"))]);
                keeper.claimed = Some(output::replace(&to, |out| out.write_all(line.as_bytes()))?);
            }
            let mut file = OpenOptions::new().write(true).open(&to).map_err(|e| Error::file(&to, e))?;
            file.seek(SeekFrom::End(0)).map_err(|e| Error::file(&to, e))?;
            (journal.out, keeper.held, keeper.last) = (Some(file), Some(0), Some(Instant::now()));
        }
        Ok(journal)
    }

    /// What it knows of the run.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The next chunk that an earlier run has done. After the last one the file to write ends with it.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is damaged, and where reading fails.
    pub fn next(&mut self) -> Result<Option<Record>> {
        let Some(file) = &mut self.replay else { return Ok(None) };
        let path = self.keeper.from.clone().unwrap_or_default();
        let failed = |e: std::io::Error| Error::file(&path, e);
        let start = file.stream_position().map_err(failed)?;
        let length = file.get_ref().metadata().map_err(failed)?.len();
        let header = read_header(file, length - start).map_err(failed)?;
        let Some(header) = header.filter(|header| header.end(start).is_some_and(|end| end <= length)) else {
            return self.end_replay(start).map(|()| None);
        };
        let mut bytes = vec![0; header.bytes().unwrap_or(0) as usize];
        file.read_exact(&mut bytes).map_err(failed)?;
        if hash_bytes(&bytes) != header.hash {
            return match header.end(start) == Some(length) {
                true => self.end_replay(start).map(|()| None),
                false => Err(Error::file(
                    &path,
                    format!(
                        "is a damaged checkpoint: trajectories from {} on are not what was written; take an older copy, or begin anew without it",
                        header.first
                    ),
                )),
            };
        }
        let record =
            Record { first: header.first, output: header.output(&bytes).ok_or_else(|| self.keeper.damaged())? };
        match self.keeper.goes_on_in_place() {
            true => self.hold(&record),
            false => drop(self.add(record.first, &record.output)),
        }
        Ok(Some(record))
    }

    /// Drops what a record that was cut short has left.
    fn end_replay(&mut self, length: u64) -> Result<()> {
        self.replay = None;
        if let Some(out) = self.out.as_mut().filter(|_| self.keeper.goes_on_in_place()) {
            let path = self.keeper.from.clone().unwrap_or_default();
            let cut = out.set_len(length).and_then(|()| out.seek(SeekFrom::End(0)));
            cut.map_err(|e| Error::file(&path, e))?;
        }
        Ok(())
    }

    /// Adds a chunk that follows on what is there. What goes wrong is kept for the result, and nothing is added after it; false
    /// where it goes wrong now.
    pub fn add(&mut self, first: u64, raw: &RawOutput) -> bool {
        let Some(out) = &mut self.out else { return true };
        let written = out.write_all(&encoded(first, raw, self.is_narrow));
        let is_due = self.keeper.is_due();
        match written.and_then(|()| if is_due { out.sync_data() } else { Ok(()) }) {
            Ok(()) => {
                self.keeper.held = Some(self.keeper.held.unwrap_or(0) + raw.n_traj as u64);
                self.keeper.last = if is_due { Some(Instant::now()) } else { self.keeper.last };
            }
            Err(e) => self.give_up(&e),
        }
        self.out.is_some()
    }

    fn hold(&mut self, record: &Record) {
        self.keeper.held = Some(self.keeper.held.unwrap_or(0) + record.output.n_traj as u64);
    }

    /// Has all that was added go to the disk.
    pub fn end(&mut self) {
        if let Some(Err(e)) = self.out.as_mut().map(|out| out.sync_data()) {
            self.give_up(&e);
        }
    }

    fn give_up(&mut self, error: &std::io::Error) {
        let path = self.keeper.to.as_ref().map(|to| to.file.clone()).unwrap_or_default();
        self.keeper.warn(&Error::file(&path, error));
        self.out = None;
    }
}

/// How many trajectories a file holds, whose records begin at a position.
pub fn held(path: &Path, start: u64) -> Result<u64> {
    let failed = |e: std::io::Error| Error::file(path, e);
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let (mut at, mut n) = (start, 0);
    while at < length {
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let Some(header) = read_header(&mut file, length - at).map_err(failed)? else { break };
        let Some(end) = header.end(at).filter(|end| *end <= length) else { break };
        (at, n) = (end, header.n_traj.saturating_add(n));
    }
    Ok(n)
}

struct Header {
    first: u64,
    n_traj: u64,
    hash: u64,
    /// Bytes of a state or a saved value.
    width: u64,
    lengths: [u64; N_REAL + N_COUNT],
}

impl Header {
    /// Bytes of each element of an array.
    fn widths(&self) -> [u64; N_REAL + N_COUNT] {
        [self.width, 8, self.width, 8, 4, 4, 4, 4, 4]
    }

    /// Bytes of all arrays.
    fn bytes(&self) -> Option<u64> {
        let sizes = self.lengths.iter().zip(self.widths()).map(|(length, width)| length.checked_mul(width));
        sizes.into_iter().try_fold(0u64, |sum, size| sum.checked_add(size?))
    }

    /// Where a record ends that begins at a position.
    fn end(&self, start: u64) -> Option<u64> {
        start.checked_add((HEADER * 8) as u64)?.checked_add(self.bytes()?)
    }

    /// The arrays, if they are of so many trajectories.
    fn output(&self, mut bytes: &[u8]) -> Option<RawOutput> {
        let n = self.n_traj;
        let [y, t, saved, tau_saved, counts @ ..] = self.lengths;
        let is_whole = |length: u64| n > 0 && length.is_multiple_of(n);
        if !(is_whole(y) && t == n && is_whole(saved) && is_whole(tau_saved) && counts == [n; N_COUNT]) {
            return None;
        }
        let mut take = |length: u64, width: u64| {
            let (array, rest) = bytes.split_at((length * width) as usize);
            bytes = rest;
            array
        };
        let widths = self.widths();
        let [y, t, saved, tau_saved, culprit, status, accepted, rejected, n_cut] =
            std::array::from_fn(|k| take(self.lengths[k], widths[k]));
        Some(RawOutput {
            n_traj: n as usize,
            y: reals(y, self.width),
            t: reals(t, 8),
            saved: reals(saved, self.width),
            tau_saved: reals(tau_saved, 8),
            culprit: words(culprit),
            status: words(status),
            accepted: words(accepted),
            rejected: words(rejected),
            n_cut: words(n_cut),
        })
    }
}

/// The header at the place of a reader, if what is left is long enough.
fn read_header(file: &mut impl Read, left: u64) -> std::io::Result<Option<Header>> {
    if left < (HEADER * 8) as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER * 8];
    file.read_exact(&mut bytes)?;
    let mut words = [0; HEADER];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [first, n_traj, hash, width, lengths @ ..] = words;
    Ok(matches!(width, 4 | 8).then_some(Header { first, n_traj, hash, width, lengths }))
}

/// A record.
fn encoded(first: u64, raw: &RawOutput, is_narrow: bool) -> Vec<u8> {
    let width = if is_narrow { 4 } else { 8 };
    let mut bytes = vec![0; HEADER * 8];
    let mut lengths = Vec::with_capacity(N_REAL + N_COUNT);
    for (values, width) in [(&raw.y, width), (&raw.t, 8), (&raw.saved, width), (&raw.tau_saved, 8)] {
        lengths.push(values.len() as u64);
        match width {
            4 => values.iter().for_each(|x| bytes.extend((*x as f32).to_le_bytes())),
            _ => values.iter().for_each(|x| bytes.extend(x.to_le_bytes())),
        }
    }
    for counts in [&raw.culprit, &raw.status, &raw.accepted, &raw.rejected, &raw.n_cut] {
        lengths.push(counts.len() as u64);
        counts.iter().for_each(|count| bytes.extend(count.to_le_bytes()));
    }
    let hash = hash_bytes(&bytes[HEADER * 8..]);
    let words = [first, raw.n_traj as u64, hash, width].into_iter().chain(lengths);
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    bytes
}

/// Numbers of so many bytes each.
fn reals(bytes: &[u8], width: u64) -> Vec<f64> {
    match width {
        4 => bytes.as_chunks().0.iter().map(|x| f64::from(f32::from_le_bytes(*x))).collect(),
        _ => bytes.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x)).collect(),
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}
