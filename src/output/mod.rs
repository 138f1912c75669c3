//! Results to files: CSV, JSON and NPZ, chosen by the file's extension.
//!
//! In: an [`EnsembleResult`] and the columns wanted. Out: a whole file or none, since it is written beside its place
//! and renamed. [`check`] finds a bad name or place before a long run; the writers take any stream. Numbers are written
//! in the precision of the run with the shortest text that reads back to the same number. It draws no conclusions: the
//! statistics in the JSON are those of [`crate::stats`].

mod csv;
mod json;
#[cfg(feature = "npz")]
mod npz;

pub use csv::write_csv;
pub use json::write_json;
#[cfg(feature = "npz")]
pub use npz::write_npz;

use crate::error::{Error, Result, suggest};
use crate::real::Precision;
use crate::solution::EnsembleResult;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One row for each save time, and a header.
    Csv,
    /// One object: how the result was made, statistics, statuses and values.
    Json,
    /// NumPy arrays, one for each column.
    #[cfg(feature = "npz")]
    Npz,
}

impl Format {
    /// Every format and its extension.
    pub const ALL: &[(Format, &'static str)] = &[
        (Format::Csv, "csv"),
        (Format::Json, "json"),
        #[cfg(feature = "npz")]
        (Format::Npz, "npz"),
    ];

    /// The format of a file name, in any case.
    ///
    /// # Errors
    /// [`Error::File`] with the known extensions.
    pub fn of(path: &Path) -> Result<Format> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        Format::ALL.iter().find(|(_, known)| *known == extension).map(|(format, _)| *format).ok_or_else(|| {
            let known = Format::ALL.iter().map(|(_, known)| format!(".{known}")).collect::<Vec<_>>().join(", ");
            let what = match extension.as_str() {
                "" => "the name has no extension to tell the format".to_string(),
                other => format!("no format has the extension '.{other}'"),
            };
            Error::file(path, format!("{what}; known: {known}"))
        })
    }
}

/// Positions of the columns wanted, all of them if none are named; the name of a vector stands for all its elements.
///
/// # Errors
/// [`Error::Run`] for unknown names and for names given twice.
pub fn select(names: &[String], columns: Option<&[String]>) -> Result<Vec<usize>> {
    let Some(columns) = columns else { return Ok((0..names.len()).collect()) };
    let mut rows = Vec::new();
    for column in columns {
        let element = format!("{column}[");
        let found: Vec<usize> =
            (0..names.len()).filter(|i| names[*i] == *column || names[*i].starts_with(&element)).collect();
        if found.is_empty() {
            let hint = suggest("known columns", column, names.iter().map(String::as_str));
            return Err(Error::run(format!("columns: no state or output is named '{column}'{hint}")));
        }
        if found.iter().any(|i| rows.contains(i)) {
            return Err(Error::run(format!("columns: '{column}' is given twice; name each column once")));
        }
        rows.extend(found);
    }
    Ok(rows)
}

/// Checks that a result can be written to a path, by opening the temporary file that it would be written to first.
///
/// # Errors
/// [`Error::File`] if the extension is unknown or the place cannot be written to.
pub fn check(path: &Path) -> Result<()> {
    Format::of(path)?;
    if path.is_dir() {
        return Err(Error::file(path, "is a folder; give the name of a file in it"));
    }
    check_place(path)
}

/// Writes a result to a file in the format of its extension; an older file of that name is replaced.
///
/// # Errors
/// As [`check`] and [`select`], and [`Error::File`] if writing fails; the path is then as it was.
pub fn write(result: &EnsembleResult, path: &Path, columns: Option<&[String]>) -> Result<()> {
    let format = Format::of(path)?;
    let rows = select(&result.names, columns)?;
    replace(path, |out| match format {
        Format::Csv => write_csv(result, &rows, out),
        Format::Json => write_json(result, &rows, out),
        #[cfg(feature = "npz")]
        Format::Npz => write_npz(result, &rows, out),
    })
    .map(drop)
}

/// Replaces a file by what is written, if all of it can be; else it stays as it was.
/// Returns the file, which is locked as long as it is held.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<File> {
    let (temporary, file) = create(path)?;
    if let Ok(there) = std::fs::metadata(path) {
        // Who may read it stays as it is, where the system lets it be so.
        let _ = file.set_permissions(there.permissions());
    }
    let _ = lock(&file);
    let mut out = BufWriter::new(file);
    write(&mut out)
        .and_then(|()| out.flush())
        .and_then(|()| out.get_ref().sync_all())
        .and_then(|()| std::fs::rename(&temporary.0, resolved(path)))
        .and_then(|()| Ok(out.into_inner()?))
        .map_err(|e| Error::file(path, format!("cannot be written: {e}")))
}

/// Claims a file as long as it is held; false if another process has. Where locks bind those who do not ask for them there are none.
pub(crate) fn lock(file: &File) -> bool {
    !cfg!(unix) || !matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// Checks that a file can be written, by opening the temporary file that it would be written to first.
///
/// # Errors
/// [`Error::File`] if the place cannot be written to.
pub(crate) fn check_place(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("") && !folder.is_dir()) {
        return Err(Error::file(path, format!("there is no folder '{}'; create it first", folder.display())));
    }
    create(path).map(drop)
}

/// A stream that remembers its first error and takes everything after it: writers that end what they have begun, whatever
/// happens, then have nothing to say of it.
#[cfg(feature = "npz")]
pub(crate) struct Remembering<W> {
    inner: W,
    error: Option<std::io::Error>,
}

#[cfg(feature = "npz")]
impl<W> Remembering<W> {
    /// Has `write` fill a stream.
    pub fn fill<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        inner: W,
        write: impl FnOnce(&mut Self) -> std::result::Result<(), E>,
    ) -> std::io::Result<()> {
        let mut stream = Remembering { inner, error: None };
        let written = write(&mut stream);
        stream.error.map_or(written.map_err(std::io::Error::other), Err)
    }

    fn remember<T>(&mut self, done: impl FnOnce(&mut W) -> std::io::Result<T>, instead: T) -> std::io::Result<T> {
        if self.error.is_none() {
            match done(&mut self.inner) {
                Ok(value) => return Ok(value),
                Err(error) => self.error = Some(error),
            }
        }
        Ok(instead)
    }
}

#[cfg(feature = "npz")]
impl<W: Write> Write for Remembering<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.remember(|inner| inner.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.remember(|inner| inner.flush(), ())
    }
}

#[cfg(feature = "npz")]
impl<W: std::io::Seek> std::io::Seek for Remembering<W> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.remember(|inner| inner.seek(to), 0)
    }
}

/// A file that is removed unless it has been renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing to remove, and that is no failure.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether two paths lead to the same file, or would if there were one.
pub fn is_same(a: &Path, b: &Path) -> bool {
    resolved(a) == resolved(b)
}

/// Links that are followed to a file that does not exist yet.
const MOST_LINKS: usize = 40;

/// Where a link leads: the file is replaced, not the link.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        path = folder.join(path.file_name().unwrap_or_default());
        match path.read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => break,
        }
    }
    path
}

/// Where a file is written before it takes the place of `path`: in the same folder, so that renaming it never crosses a
/// file system. A process that is ended while it writes leaves it behind.
pub fn temporary(path: &Path) -> PathBuf {
    let target = resolved(path);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// A new file, to be renamed when it is whole.
fn create(path: &Path) -> Result<(Temporary, File)> {
    let temporary = temporary(path);
    let file = File::create(&temporary).map_err(|e| Error::file(path, format!("cannot be written: {e}")))?;
    Ok((Temporary(temporary), file))
}

/// The shortest text that reads back to the same number of the precision: `0.1`, `1e-9`, `NaN`, `inf`.
pub fn shortest(x: f64, precision: Precision) -> String {
    // Without an exponent, very large and very small numbers would be rows of zeros.
    let plain = x == 0.0 || !x.is_finite() || (1e-5..1e16).contains(&x.abs());
    match (precision, plain) {
        (Precision::F32, true) => (x as f32).to_string(),
        (Precision::F32, false) => format!("{:e}", x as f32),
        (Precision::F64 | Precision::F32x2, true) => x.to_string(),
        (Precision::F64 | Precision::F32x2, false) => format!("{x:e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_text_reads_back() {
        let tenth = f64::from(0.1f32);
        assert_eq!(shortest(tenth, Precision::F32), "0.1");
        assert_eq!(shortest(tenth, Precision::F64), "0.10000000149011612");
        for x in [0.0, -0.0, 1.0, 0.1, -1e-5, 9.999e-6, 1.5e300, 5e-324, 1e16, 123_456_789.123] {
            assert_eq!(shortest(x, Precision::F64).parse::<f64>().map(f64::to_bits), Ok(x.to_bits()));
            let single = x as f32;
            assert_eq!(
                shortest(f64::from(single), Precision::F32).parse::<f32>().map(f32::to_bits),
                Ok(single.to_bits())
            );
        }
        assert_eq!(shortest(1e-300, Precision::F64), "1e-300");
        assert_eq!(shortest(f64::NAN, Precision::F32), "NaN");
    }

    #[test]
    fn columns_by_name_and_by_vector() {
        let names = ["v[0]", "v[1]", "x"].map(String::from);
        let select =
            |columns: &[&str]| select(&names, Some(&columns.iter().map(|c| c.to_string()).collect::<Vec<_>>()));
        assert_eq!(select(&["x", "v"]), Ok(vec![2, 0, 1]));
        assert_eq!(select(&["v[1]"]), Ok(vec![1]));
        assert_eq!(select(&["v", "v[1]"]), Err(Error::run("columns: 'v[1]' is given twice; name each column once")));
    }
}
