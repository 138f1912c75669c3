//! The one error type of the crate.
//!
//! Bad input becomes an [`Error`] that says what is wrong, where, and what to do about it. A single trajectory in
//! trouble is not an error: it is a [`Status`](crate::Status) in the result. Texts are lower case, quote the values
//! they speak of and end without a full stop.

use std::fmt;

/// What can go wrong before or around an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The model is wrong: `path` is its place in the JSON document (`derivatives.x`).
    Model {
        /// JSON path of the offending entry; empty for the document as a whole.
        path: String,
        /// What is wrong there and what to do about it.
        message: String,
    },
    /// A tableau or a method choice is inconsistent.
    Method(String),
    /// Tolerances, times, inputs or options of a run are out of range or contradict each other.
    Run(String),
    /// The model needs a feature that the chosen backend does not have.
    Unsupported(String),
    /// Systems or callbacks are functions written in Rust, which the chosen backend cannot call.
    MissingFunction(String),
    /// No usable GPU adapter, or the device failed.
    Device(String),
    /// A backend has not the memory for a chunk of trajectories; a smaller one may fit.
    Memory(String),
    /// The generated kernel was rejected; always a bug of this crate, the text holds the place.
    Shader(String),
    /// A file could not be read or written.
    File {
        /// The file's path.
        path: String,
        /// The operating system's or the format's own words.
        message: String,
    },
}

impl Error {
    /// A model error at a JSON path.
    pub fn model(path: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Model { path: path.into(), message: message.into() }
    }

    /// A run error.
    pub fn run(message: impl Into<String>) -> Self {
        Error::Run(message.into())
    }

    /// A file error.
    pub fn file(path: impl AsRef<std::path::Path>, message: impl fmt::Display) -> Self {
        Error::File { path: path.as_ref().display().to_string(), message: message.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Model { path, message } if path.is_empty() => write!(f, "model: {message}"),
            Error::Model { path, message } => write!(f, "{path}: {message}"),
            Error::Method(message) => write!(f, "method: {message}"),
            Error::Run(message) | Error::Unsupported(message) | Error::MissingFunction(message) => f.write_str(message),
            Error::Device(message) => write!(f, "gpu: {message}"),
            Error::Memory(message) => write!(f, "out of memory: {message}"),
            Error::Shader(message) => write!(f, "generated kernel (please report this): {message}"),
            Error::File { path, message } => write!(f, "{path}: {message}"),
        }
    }
}

impl std::error::Error for Error {}

/// The crate's result type.
pub type Result<T> = std::result::Result<T, Error>;

/// `; did you mean 'sigma'? known names: x, sigma`: the end of every unknown-name message, `what` being `known names`.
pub(crate) fn suggest<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const LISTED: usize = 24;
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&name.to_lowercase(), &k.to_lowercase()), *k))
        .filter(|(distance, k)| {
            *distance < name.chars().count() && *distance <= 1 + name.chars().count().min(k.chars().count()) / 3
        })
        .min_by_key(|(distance, _)| *distance);
    let hint = nearest.map(|(_, k)| format!("; did you mean '{k}'?")).unwrap_or_default();
    let more = known.len().saturating_sub(LISTED);
    let mut list = known[..known.len() - more].join(", ");
    if more > 0 {
        list += &format!(" and {more} more");
    }
    match (hint.is_empty(), list.is_empty()) {
        (_, true) => format!("{hint}; none are known here"),
        (true, false) => format!("; {what}: {list}"),
        (false, false) => format!("{hint} {what}: {list}"),
    }
}
