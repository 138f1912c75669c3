//! Trajectories of a checkpoint: after its first line a record for each chunk, in order, each added when the chunk is done.
//!
//! A record is [`HEADER`] words of 64 bits (number of the first trajectory, trajectories, bytes of a state or saved value, the
//! lengths of the arrays of a [`RawOutput`], a hash of what follows, and one of the words before), then the arrays one after the
//! other, all little-endian. A process that is killed leaves a record that is cut short; it is dropped, and its chunk is solved
//! again. Anything else that is not what was written is refused, and nothing of it is touched; to another file a run goes on from
//! what comes before.

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
const HEADER: usize = 5 + N_REAL + N_COUNT;

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
    /// Trajectories that were read.
    n_read: u64,
}

impl Journal {
    /// Opens the files. Where trajectories are numbers of f32, so are they in the file.
    ///
    /// # Errors
    /// [`Error::File`] for checkpoints of other runs, and files that cannot be read or written.
    pub fn open(keeper: Keeper, precision: Precision) -> Result<Journal> {
        let mut journal =
            Journal { keeper, out: None, replay: None, is_narrow: precision == Precision::F32, n_read: 0 };
        let keeper = &mut journal.keeper;
        if let Some(path) = &keeper.from {
            let ((), start) = keeper.read(path, Kind::Trajectories, |_| Ok(()))?;
            let mut file = File::open(path).map_err(|e| Error::file(path, e))?;
            file.seek(SeekFrom::Start(start)).map_err(|e| Error::file(path, e))?;
            journal.replay = Some(BufReader::new(file));
        }
        if let Some(to) = keeper.to.as_ref().map(|to| to.file.clone()) {
            let failed = |e: std::io::Error| Error::file(&to, e);
            let mut file = if keeper.in_place {
                OpenOptions::new().write(true).open(&to).map_err(failed)?
            } else {
                let line = keeper.line([("kind", Value::from("trajectories"))]);
                let file = output::replace(&to, |out| out.write_all(line.as_bytes()))?;
                keeper.claimed = if cfg!(unix) { Some(file.try_clone().map_err(failed)?) } else { None };
                file
            };
            file.seek(SeekFrom::End(0)).map_err(failed)?;
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
        match read_record(file, length - start).map_err(failed)? {
            Ok(record) => {
                self.n_read += record.output.n_traj as u64;
                match self.keeper.in_place {
                    true => self.hold(record.output.n_traj),
                    false => drop(self.add(record.first, &record.output)),
                }
                Ok(Some(record))
            }
            Err(Unread::CutShort) => self.end_replay(start).map(|()| None),
            Err(Unread::Damaged) => self.end_at_damage(&path).map(|()| None),
        }
    }

    /// What is damaged is left as it is.
    fn end_at_damage(&mut self, path: &Path) -> Result<()> {
        let damaged = format!("is damaged after its first {} trajectories", self.n_read);
        if self.keeper.in_place {
            let how = format!("--resume {} --checkpoint OTHER goes on from those", path.display());
            return Err(Error::file(path, format!("{damaged}; {how}")));
        }
        self.keeper.warnings.push(Error::file(path, format!("{damaged}, which this run has gone on from")).to_string());
        self.replay = None;
        Ok(())
    }

    /// Drops what a record that was cut short has left.
    fn end_replay(&mut self, length: u64) -> Result<()> {
        self.replay = None;
        if let Some(out) = self.out.as_mut().filter(|_| self.keeper.in_place) {
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
                self.hold(raw.n_traj);
                self.keeper.last = if is_due { Some(Instant::now()) } else { self.keeper.last };
            }
            Err(e) => self.give_up(&e),
        }
        self.out.is_some()
    }

    fn hold(&mut self, n_traj: usize) {
        self.keeper.held = Some(self.keeper.held.unwrap_or(0) + n_traj as u64);
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
        self.keeper.warnings.iter_mut().for_each(|warning| warning.push_str("; this run saves no more"));
        self.out = None;
    }
}

/// How many trajectories a file holds, whose records begin at a position.
pub fn held(path: &Path, start: u64) -> Result<u64> {
    let failed = |e: std::io::Error| Error::file(path, e);
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let (mut at, mut n) = (start, 0u64);
    while at < length {
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let header = match read_header(&mut file, length - at).map_err(failed)? {
            None => break,
            Some(Err(Spoilt)) => return Err(Error::run(format!("it is damaged after its first {n} trajectories"))),
            Some(Ok(header)) => header,
        };
        let Some(end) = header.size().and_then(|size| at.checked_add(size)).filter(|end| *end <= length) else { break };
        (at, n) = (end, n.saturating_add(header.n_traj));
    }
    Ok(n)
}

/// Why there is no record at a place of a file.
enum Unread {
    CutShort,
    Damaged,
}

/// Reads what stands at the place of a reader that has so many bytes left.
fn read_record(file: &mut impl Read, left: u64) -> std::io::Result<std::result::Result<Record, Unread>> {
    let header = match read_header(file, left)? {
        None => return Ok(Err(Unread::CutShort)),
        Some(Err(_)) => return Ok(Err(Unread::Damaged)),
        Some(Ok(header)) => header,
    };
    // Its own hash is right, so that these are the lengths that were written.
    if header.size().is_none_or(|size| size > left) {
        return Ok(Err(Unread::CutShort));
    }
    let mut bytes = vec![0; header.bytes().unwrap_or(0) as usize];
    file.read_exact(&mut bytes)?;
    let output = (hash_bytes(&bytes) == header.hash).then(|| header.output(&bytes)).flatten();
    Ok(output.map(|output| Record { first: header.first, output }).ok_or(Unread::Damaged))
}

struct Header {
    first: u64,
    n_traj: u64,
    /// Bytes of a state or a saved value.
    width: u64,
    lengths: [u64; N_REAL + N_COUNT],
    /// Of all arrays.
    hash: u64,
}

/// A header that is not what was written.
struct Spoilt;

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

    /// Bytes of the whole record.
    fn size(&self) -> Option<u64> {
        self.bytes()?.checked_add((HEADER * 8) as u64)
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
fn read_header(file: &mut impl Read, left: u64) -> std::io::Result<Option<std::result::Result<Header, Spoilt>>> {
    if left < (HEADER * 8) as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER * 8];
    file.read_exact(&mut bytes)?;
    let mut words = [0; HEADER];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [first, n_traj, width, lengths @ .., hash, own_hash] = words;
    let is_whole = hash_bytes(&bytes[..(HEADER - 1) * 8]) == own_hash && matches!(width, 4 | 8);
    Ok(Some(if is_whole { Ok(Header { first, n_traj, width, lengths, hash }) } else { Err(Spoilt) }))
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
    let words = [first, raw.n_traj as u64, width].into_iter().chain(lengths).chain([hash]);
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    let own_hash = hash_bytes(&bytes[..(HEADER - 1) * 8]);
    bytes[(HEADER - 1) * 8..HEADER * 8].copy_from_slice(&own_hash.to_le_bytes());
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
