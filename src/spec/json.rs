//! JSON documents with the place of every value.
//!
//! serde_json reads the text; this module keeps what its own value type would lose, duplicate keys and the path to
//! each value, so that every error names its place.

use crate::error::{Error, Result, suggest};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value; objects keep order and duplicates.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// Any number; whole ones up to 2^64 keep all digits.
    Number(serde_json::Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> std::result::Result<Json, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }
    fn visit_str<E>(self, value: &str) -> std::result::Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> std::result::Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

impl Json {
    /// Reads a document.
    pub fn parse(text: &str) -> Result<Json> {
        serde_json::from_str(text).map_err(|e| Error::model("", format!("not valid JSON: {e}")))
    }

    fn kind(&self) -> String {
        match self {
            Json::Null => "null".to_string(),
            Json::Bool(b) => b.to_string(),
            Json::Number(n) => format!("number {n}"),
            Json::Text(t) => format!("string \"{t}\""),
            Json::List(_) => "a list".to_string(),
            Json::Object(_) => "an object".to_string(),
        }
    }
}

/// A value and its place in the document.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The value.
    pub json: &'a Json,
    /// Its path, empty for the document.
    pub path: String,
}

/// `path.key`, or `path["key"]` where the key is not a plain name.
pub fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    match (plain, path.is_empty()) {
        (true, true) => key.to_string(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{key:?}]"),
    }
}

impl<'a> Place<'a> {
    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::model(self.path.clone(), message)
    }

    fn expected<T>(&self, what: &str) -> Result<T> {
        Err(self.error(format!("expected {what}, found {}", self.json.kind())))
    }

    /// The entries of an object; duplicate keys are an error.
    pub fn entries(&self) -> Result<Vec<(&'a str, Place<'a>)>> {
        let Json::Object(entries) = self.json else { return self.expected("an object") };
        let mut seen = std::collections::HashSet::new();
        entries
            .iter()
            .map(|(key, json)| {
                let place = Place { json, path: join(&self.path, key) };
                if seen.insert(key) {
                    Ok((key.as_str(), place))
                } else {
                    Err(place.error(format!("'{key}' is defined twice")))
                }
            })
            .collect()
    }

    /// The entries of an object that may have only these keys.
    pub fn known_entries(&self, known: &[&str]) -> Result<Vec<(&'a str, Place<'a>)>> {
        let entries = self.entries()?;
        for (key, place) in &entries {
            if !known.contains(key) {
                let hint = suggest("known keys", key, known.iter().copied());
                return Err(place.error(format!("unknown key '{key}'{hint}")));
            }
        }
        Ok(entries)
    }

    /// The elements of a list.
    pub fn list(&self) -> Result<Vec<Place<'a>>> {
        let Json::List(list) = self.json else { return self.expected("a list") };
        Ok(list.iter().enumerate().map(|(i, json)| Place { json, path: format!("{}[{i}]", self.path) }).collect())
    }

    /// A string.
    pub fn text(&self) -> Result<&'a str> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => self.expected("a string"),
        }
    }

    /// true or false.
    pub fn boolean(&self) -> Result<bool> {
        match self.json {
            Json::Bool(value) => Ok(*value),
            _ => self.expected("true or false"),
        }
    }

    /// A number.
    pub fn number(&self) -> Result<f64> {
        match self.json {
            Json::Number(n) => Ok(n.as_f64().unwrap_or(f64::NAN)),
            _ => self.expected("a number"),
        }
    }

    /// A whole number, not negative. `1e6` counts as one.
    pub fn whole(&self) -> Result<u64> {
        let Json::Number(n) = self.json else { return self.expected("a whole number") };
        let from_float = || n.as_f64().filter(|x| *x >= 0.0 && *x == x.trunc() && *x < 9e15).map(|x| x as u64);
        match n.as_u64().or_else(from_float) {
            Some(value) => Ok(value),
            None => self.expected("a whole number that is not negative"),
        }
    }

    /// A list of numbers.
    pub fn numbers(&self) -> Result<Vec<f64>> {
        self.list()?.iter().map(Place::number).collect()
    }
}
