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
const HEADER_BYTES: usize = HEADER * size_of::<u64>();

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
                keeper.replace(&to, [("kind", Value::from("trajectories"))])?
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
        match read_header(&mut file, length - at).map_err(failed)? {
            Ok(header) => (at, n) = (at + header.size(), n.saturating_add(header.n_traj)),
            Err(Unread::CutShort) => break,
            Err(Unread::Damaged) => return Err(Error::run(format!("it is damaged after its first {n} trajectories"))),
        }
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
        Ok(header) => header,
        Err(why) => return Ok(Err(why)),
    };
    let mut bytes = vec![0; header.bytes as usize];
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
    /// Of all arrays, and their bytes.
    hash: u64,
    bytes: u64,
}

/// Bytes of each element of an array.
fn widths(width: u64) -> [u64; N_REAL + N_COUNT] {
    [width, 8, width, 8, 4, 4, 4, 4, 4]
}

impl Header {
    /// Bytes of the whole record.
    fn size(&self) -> u64 {
        HEADER_BYTES as u64 + self.bytes
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
        let widths = widths(self.width);
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

/// The header at the place of a reader that has so many bytes left, if all of its record is there.
fn read_header(file: &mut impl Read, left: u64) -> std::io::Result<std::result::Result<Header, Unread>> {
    let Some(left) = left.checked_sub(HEADER_BYTES as u64) else { return Ok(Err(Unread::CutShort)) };
    let mut head = [0; HEADER_BYTES];
    file.read_exact(&mut head)?;
    let mut words = [0; HEADER];
    for (word, bytes) in words.iter_mut().zip(head.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [first, n_traj, width, lengths @ .., hash, own_hash] = words;
    if hash_bytes(&head[..HEADER_BYTES - 8]) != own_hash || !matches!(width, 4 | 8) {
        return Ok(Err(Unread::Damaged));
    }
    // These are the lengths that were written, of a record that may not be all there.
    let sizes = lengths.iter().zip(widths(width)).map(|(length, width)| length.checked_mul(width));
    let bytes = sizes.into_iter().try_fold(0u64, |sum, size| sum.checked_add(size?));
    let header = |bytes| Header { first, n_traj, width, lengths, hash, bytes };
    Ok(bytes.filter(|bytes| *bytes <= left).map(header).ok_or(Unread::CutShort))
}

/// A record.
fn encoded(first: u64, raw: &RawOutput, is_narrow: bool) -> Vec<u8> {
    let width = if is_narrow { 4 } else { 8 };
    let mut bytes = vec![0; HEADER_BYTES];
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
    let hash = hash_bytes(&bytes[HEADER_BYTES..]);
    let words = [first, raw.n_traj as u64, width].into_iter().chain(lengths).chain([hash]);
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    let own_hash = hash_bytes(&bytes[..HEADER_BYTES - 8]);
    bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&own_hash.to_le_bytes());
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
