//! The `statistics` section of a model file: what is computed of an ensemble whose trajectories are not stored.
//!
//! In: JSON, or the texts of quantities (`x`, `max(x)`) and of what to keep (`largest(x, 10)`). Out: plain data; names are
//! looked up when the statistics are made.

use super::json::{Json, Place};
use crate::error::{Result, suggest};
use crate::reduce::{NAMED_FAILURES, SummaryKind};
use std::fmt::{Display, Formatter};

/// Probabilities of the quantiles where none are named.
pub const DEFAULT_QUANTILES: [f64; 3] = [0.05, 0.5, 0.95];

/// Most trajectories that one entry keeps: each is solved again alone, and held.
pub const MAX_KEPT: u64 = 100_000;

/// What is computed of an ensemble, besides moments and extremes of everything that is saved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatisticsSettings {
    /// Numbers of a whole trajectory; those named elsewhere here are added.
    pub summaries: Vec<Measure>,
    /// Covariances of states and outputs at each save time, and of summaries among each other.
    pub covariance: Option<Covariance>,
    /// Thresholds for which the probability of a larger value is wanted.
    pub exceed: Vec<(Quantity, Vec<f64>)>,
    /// Counts of values by size.
    pub histograms: Vec<(Quantity, Bins)>,
    /// Probabilities of quantiles; `None` are [`DEFAULT_QUANTILES`], if there are not too many quantities.
    pub quantiles: Option<Vec<f64>>,
    /// Trajectories to keep.
    pub keep: Vec<Keep>,
}

/// Whose covariances are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covariance {
    /// Of nothing.
    None,
    /// Of all states and outputs.
    All,
    /// Of some.
    Of(Vec<String>),
}

/// A number of a whole trajectory, by the name of a state or an output: `max(x)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Which number.
    pub kind: SummaryKind,
    /// State or output.
    pub name: String,
}

/// A number of each trajectory: at each save time, or of the whole.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// A state or an output at each save time.
    Saved(String),
    /// A number of the whole trajectory.
    Summary(Measure),
}

/// Equal bins of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bins {
    /// Where the first one begins.
    pub from: f64,
    /// Where the last one ends.
    pub to: f64,
    /// How many.
    pub bins: u32,
}

/// Which trajectories to keep. They are solved again when all are done.
#[derive(Debug, Clone, PartialEq)]
pub enum Keep {
    /// So many with the largest values, of a state or an output at the last save time.
    Largest(Quantity, usize),
    /// So many with the smallest values.
    Smallest(Quantity, usize),
    /// The first ones that failed.
    Failed(usize),
}

const KINDS: [(&str, SummaryKind); 7] = [
    ("min", SummaryKind::Min),
    ("max", SummaryKind::Max),
    ("time_of_min", SummaryKind::TimeOfMin),
    ("time_of_max", SummaryKind::TimeOfMax),
    ("time_above", SummaryKind::TimeAbove(0.0)),
    ("integral", SummaryKind::Integral),
    ("final", SummaryKind::Final),
];

impl Measure {
    /// Reads `max(x)` or `time_above(x, 10)`.
    ///
    /// # Errors
    /// A sentence that says what is expected.
    pub fn parse(text: &str) -> std::result::Result<Measure, String> {
        let Some((kind, inside)) = call(text) else {
            return Err(format!("expected a number of a whole trajectory, such as max(x), found '{text}'"));
        };
        let Some((_, found)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            let hint = suggest("known", kind, KINDS.map(|(name, _)| name));
            return Err(format!("unknown summary '{kind}'{hint}"));
        };
        let (kind, name) = match found {
            SummaryKind::TimeAbove(_) => {
                let (name, threshold) = inside.rsplit_once(',').unwrap_or((inside, ""));
                let threshold = threshold.trim().parse().ok().filter(|x: &f64| x.is_finite());
                let threshold = threshold.ok_or_else(|| {
                    format!("'time_above' takes a name and a threshold, such as time_above(x, 10), got '{text}'")
                })?;
                (SummaryKind::TimeAbove(threshold), name)
            }
            other => (*other, inside),
        };
        match name.trim() {
            "" => Err(format!("'{text}' names no state or output")),
            name => Ok(Measure { kind, name: name.to_string() }),
        }
    }
}

impl Display for Measure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let same = |kind: &SummaryKind| std::mem::discriminant(kind) == std::mem::discriminant(&self.kind);
        let name = KINDS.iter().find(|(_, kind)| same(kind)).map_or("", |(name, _)| name);
        match self.kind {
            SummaryKind::TimeAbove(threshold) => write!(f, "{name}({}, {threshold})", self.name),
            _ => write!(f, "{name}({})", self.name),
        }
    }
}

impl Quantity {
    /// Reads `x` or `max(x)`.
    ///
    /// # Errors
    /// A sentence that says what is expected.
    pub fn parse(text: &str) -> std::result::Result<Quantity, String> {
        match text.trim() {
            "" => Err("expected the name of a state or an output, or a summary such as max(x)".to_string()),
            text if text.contains('(') => Measure::parse(text).map(Quantity::Summary),
            name => Ok(Quantity::Saved(name.to_string())),
        }
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Quantity::Saved(name) => f.write_str(name),
            Quantity::Summary(measure) => measure.fmt(f),
        }
    }
}

impl Bins {
    /// Bins between two different finite numbers.
    ///
    /// # Errors
    /// A sentence that says what is expected.
    pub fn new(from: f64, to: f64, bins: u64) -> std::result::Result<Bins, String> {
        const MOST: u64 = 1_000_000;
        if !(from < to && (to - from).is_finite()) {
            return Err(format!("a histogram goes from a number to a larger one, got {from} to {to}"));
        }
        match bins {
            1..=MOST => Ok(Bins { from, to, bins: bins as u32 }),
            _ => Err(format!("a histogram has 1 to {MOST} bins, got {bins}")),
        }
    }
}

impl Keep {
    /// Reads `largest(x, 10)`, `smallest(max(x), 5)` or `failed(20)`.
    ///
    /// # Errors
    /// A sentence that says what is expected.
    pub fn parse(text: &str) -> std::result::Result<Keep, String> {
        let shape = || format!("expected largest(x, 10), smallest(max(x), 5) or failed(20), found '{text}'");
        let (which, inside) = call(text).ok_or_else(shape)?;
        let (quantity, count) = inside.rsplit_once(',').unwrap_or(("", inside));
        let most = if which == "failed" { NAMED_FAILURES as u64 } else { MAX_KEPT };
        let count = count.trim().parse().map_err(|_| shape())?;
        if !(1..=most).contains(&count) {
            return Err(format!("'{which}' keeps 1 to {most} trajectories, got {count}"));
        }
        match (which, quantity.trim()) {
            ("failed", "") => Ok(Keep::Failed(count as usize)),
            ("largest", quantity) if !quantity.is_empty() => {
                Ok(Keep::Largest(Quantity::parse(quantity)?, count as usize))
            }
            ("smallest", quantity) if !quantity.is_empty() => {
                Ok(Keep::Smallest(Quantity::parse(quantity)?, count as usize))
            }
            _ => Err(shape()),
        }
    }

    /// By what trajectories are chosen, unless by how they end.
    pub fn quantity(&self) -> Option<&Quantity> {
        match self {
            Keep::Largest(quantity, _) | Keep::Smallest(quantity, _) => Some(quantity),
            Keep::Failed(_) => None,
        }
    }

    /// How many at most.
    pub fn count(&self) -> usize {
        match self {
            Keep::Largest(_, count) | Keep::Smallest(_, count) | Keep::Failed(count) => *count,
        }
    }
}

impl Display for Keep {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Keep::Largest(quantity, count) => write!(f, "largest({quantity}, {count})"),
            Keep::Smallest(quantity, count) => write!(f, "smallest({quantity}, {count})"),
            Keep::Failed(count) => write!(f, "failed({count})"),
        }
    }
}

/// Name and inside of `name(inside)`.
fn call(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim().split_once('(')?;
    Some((name.trim(), rest.strip_suffix(')')?.trim()))
}

/// A probability that a quantile can have.
///
/// # Errors
/// A sentence that says what is expected.
pub fn check_probability(p: f64) -> std::result::Result<f64, String> {
    if (0.0..=1.0).contains(&p) { Ok(p) } else { Err(format!("the probability of a quantile is from 0 to 1, got {p}")) }
}

/// Reads the section.
pub(super) fn statistics(place: &Place) -> Result<StatisticsSettings> {
    let mut settings = StatisticsSettings::default();
    for (key, place) in place.known_entries(&["summaries", "covariance", "exceed", "histogram", "quantiles", "keep"])? {
        match key {
            "summaries" => settings.summaries = texts(&place, Measure::parse)?,
            "covariance" => settings.covariance = Some(covariance(&place)?),
            "exceed" => settings.exceed = by_quantity(&place, thresholds)?,
            "histogram" => settings.histograms = by_quantity(&place, bins)?,
            "quantiles" => {
                let probability = |p: &Place| check_probability(p.number()?).map_err(|message| p.error(message));
                settings.quantiles = Some(place.list()?.iter().map(probability).collect::<Result<_>>()?);
            }
            _ => settings.keep = texts(&place, Keep::parse)?,
        }
    }
    Ok(settings)
}

fn texts<T>(place: &Place, parse: fn(&str) -> std::result::Result<T, String>) -> Result<Vec<T>> {
    let read = |place: &Place| parse(place.text()?).map_err(|message| place.error(message));
    place.list()?.iter().map(read).collect()
}

fn covariance(place: &Place) -> Result<Covariance> {
    match place.json {
        Json::Bool(true) => Ok(Covariance::All),
        Json::Bool(false) => Ok(Covariance::None),
        Json::List(_) => {
            let names = place.list()?.iter().map(|p| p.text().map(str::to_string)).collect::<Result<_>>()?;
            Ok(Covariance::Of(names))
        }
        _ => Err(place.error("expected true, false or a list of states and outputs")),
    }
}

fn by_quantity<T>(place: &Place, read: fn(&Place) -> Result<T>) -> Result<Vec<(Quantity, T)>> {
    let entry = |(key, place): (&str, Place)| {
        Ok((Quantity::parse(key).map_err(|message| place.error(message))?, read(&place)?))
    };
    place.entries()?.into_iter().map(entry).collect()
}

fn thresholds(place: &Place) -> Result<Vec<f64>> {
    match place.json {
        Json::List(_) => place.numbers(),
        _ => Ok(vec![place.number()?]),
    }
}

fn bins(place: &Place) -> Result<Bins> {
    let entries = place.known_entries(&["from", "to", "bins"])?;
    let get = |key: &str| {
        let found = entries.iter().find(|(k, _)| *k == key).map(|(_, place)| place);
        found.ok_or_else(|| {
            place.error(format!("'{key}' is missing; a histogram is {{\"from\": A, \"to\": B, \"bins\": N}}"))
        })
    };
    Bins::new(get("from")?.number()?, get("to")?.number()?, get("bins")?.whole()?)
        .map_err(|message| place.error(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back() {
        for text in ["min(x)", "time_of_max(a.b.c)", "time_above(v[0], 1.5)", "integral(x)", "final(x)", "x", "v[1]"] {
            assert_eq!(Quantity::parse(text).map(|quantity| quantity.to_string()), Ok(text.to_string()));
        }
        for text in ["largest(x, 10)", "smallest(max(x), 5)", "smallest(time_above(x, 2), 5)", "failed(20)"] {
            assert_eq!(Keep::parse(text).map(|keep| keep.to_string()), Ok(text.to_string()));
        }
        assert_eq!(Measure::parse(" time_above( x ,1e1) ").map(|m| m.to_string()), Ok("time_above(x, 10)".to_string()));
    }
}
