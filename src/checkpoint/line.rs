//! The line of JSON that every checkpoint begins with: sealed by a hash, and opened if it is what was written.

use super::fingerprint::hash_text;
use crate::error::{Error, Result};
use crate::spec::json::{Json, Place};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

const VERSION: &str = "2";

/// How every checkpoint begins.
pub const HEAD: &str = "{\"ensolve_checkpoint\":";

pub const NO_CHECKPOINT: &str = "is no checkpoint of ensolve";

/// The text of a checkpoint up to the end of its first line; how the file begins, if it is none.
pub fn first_line(path: &Path) -> std::io::Result<String> {
    let (mut file, mut line) = (BufReader::new(File::open(path)?), String::new());
    // Of what is no checkpoint a line may be long.
    Read::by_ref(&mut file).take(HEAD.len() as u64).read_to_string(&mut line)?;
    if line == HEAD {
        file.read_line(&mut line)?;
    }
    Ok(line)
}

/// A line: the document behind the version of the format and a hash of all that follows.
pub fn sealed(document: &Value) -> String {
    let body = document.to_string();
    let rest = body.strip_prefix('{').unwrap_or(&body);
    format!("{HEAD}{VERSION},\"checksum\":\"{}\",{rest}\n", hash_text(rest))
}

/// The document of a line that is as it was written.
pub fn opened(path: &Path, text: &str) -> Result<Json> {
    let none = || Error::file(path, NO_CHECKPOINT);
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

pub fn unreadable(path: &Path) -> impl Fn(Error) -> Error {
    move |e| Error::file(path, format!("is no checkpoint that can be read: {e}"))
}

/// An entry by its name.
pub fn get<'a>(entries: &[(&str, Place<'a>)], key: &str) -> Result<Place<'a>> {
    let found = entries.iter().find(|(k, _)| *k == key).map(|(_, place)| place.clone());
    found.ok_or_else(|| Error::model("", format!("'{key}' is missing")))
}
