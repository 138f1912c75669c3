//! JSON: one object, streamed, so that no second copy of the values is held.
//!
//! Always: `model backend method precision tspan seed n first t names status`, the last one counting trajectories by how they
//! ended. One trajectory: `trajectories` is `{number, status, accepted, rejected, t_end, t, x: {name: [..]}}`. An
//! ensemble: `statistics` over the finished trajectories, `by_name` holding `mean std min q05 .. q95 max` over the save
//! times, and `trajectories` is `{status, accepted, rejected, t_end, values: {name: [[..] for each trajectory]}}`. What
//! is not finite becomes null, since JSON has no other word for it.

use crate::real::Precision;
use crate::solution::EnsembleResult;
use crate::stats::{Moments, QUANTILES, Statistics};
use crate::status::Status;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::io::{Result, Write};

/// Writes the given rows of the result (see [`super::select`]).
///
/// # Errors
/// What the stream says.
pub fn write_json(result: &EnsembleResult, rows: &[usize], mut out: impl Write) -> Result<()> {
    serde_json::to_writer(&mut out, &Document { result, rows })?;
    out.write_all(b"\n")
}

/// A list whose elements are made while it is written.
struct List<F>(usize, F);

impl<T: Serialize, F: Fn(usize) -> T> Serialize for List<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0).map(&self.1))
    }
}

/// An object whose entries are made while it is written.
struct Object<F>(usize, F);

impl<K: Serialize, T: Serialize, F: Fn(usize) -> (K, T)> Serialize for Object<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map((0..self.0).map(&self.1))
    }
}

/// A value with the digits of its precision.
struct Digits(f64, Precision);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.1 {
            Precision::F32 => serializer.serialize_f32(self.0 as f32),
            Precision::F64 => serializer.serialize_f64(self.0),
        }
    }
}

struct Document<'a> {
    result: &'a EnsembleResult,
    rows: &'a [usize],
}

impl Document<'_> {
    fn value(&self, k: usize, row: usize, i: usize) -> Digits {
        Digits(self.result.saved[[k, row, i]], self.result.info.precision)
    }

    /// An object of one entry for each column.
    fn by_name<'a, T: Serialize>(&'a self, make: impl Fn(usize) -> T + 'a) -> impl Serialize + 'a {
        Object(self.rows.len(), move |column| {
            let row = self.rows[column];
            (&self.result.names[row], make(row))
        })
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let (result, info) = (self.result, &self.result.info);
        let counts = result.status_counts();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", &info.model)?;
        map.serialize_entry("backend", &info.backend)?;
        map.serialize_entry("method", &info.method)?;
        map.serialize_entry("precision", info.precision.name())?;
        map.serialize_entry("tspan", &info.tspan)?;
        map.serialize_entry("seed", &info.seed)?;
        map.serialize_entry("n", &result.n_traj())?;
        map.serialize_entry("first", &result.first)?;
        map.serialize_entry("t", &List(result.t.len(), |k| result.t[k]))?;
        map.serialize_entry("names", &List(self.rows.len(), |column| &result.names[self.rows[column]]))?;
        map.serialize_entry("status", &Object(counts.len(), |i: usize| (counts[i].0.name(), counts[i].1)))?;
        if result.n_traj() == 1 {
            map.serialize_entry("trajectories", &Single(self))?;
        } else {
            map.serialize_entry("statistics", &Summary(self, Statistics::of(result)))?;
            map.serialize_entry("trajectories", &Many(self))?;
        }
        map.end()
    }
}

/// The only trajectory.
struct Single<'a>(&'a Document<'a>);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let result = self.0.result;
        let n_save = result.t.len();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", &result.first)?;
        map.serialize_entry("status", result.status[0].name())?;
        map.serialize_entry("accepted", &result.accepted[0])?;
        map.serialize_entry("rejected", &result.rejected[0])?;
        map.serialize_entry("t_end", &result.t_end[0])?;
        map.serialize_entry("t", &List(n_save, |k| result.t[k]))?;
        map.serialize_entry("x", &self.0.by_name(|row| List(n_save, move |k| self.0.value(k, row, 0))))?;
        map.end()
    }
}

/// All trajectories, as lists over them.
struct Many<'a>(&'a Document<'a>);

impl Serialize for Many<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let result = self.0.result;
        let (n_traj, n_save) = (result.n_traj(), result.t.len());
        let series = |row, i| List(n_save, move |k| self.0.value(k, row, i));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &List(n_traj, |i| Status::name(result.status[i])))?;
        map.serialize_entry("accepted", &result.accepted)?;
        map.serialize_entry("rejected", &result.rejected)?;
        map.serialize_entry("t_end", &result.t_end)?;
        map.serialize_entry("values", &self.0.by_name(|row| List(n_traj, move |i| series(row, i))))?;
        map.end()
    }
}

/// Statistics over the finished trajectories.
struct Summary<'a>(&'a Document<'a>, Statistics);

/// Name of a statistic and how to read it.
type Statistic = (String, Box<dyn Fn(&Moments) -> f64>);

fn statistics() -> Vec<Statistic> {
    let named =
        |name: &str, read: fn(&Moments) -> f64| (name.to_string(), Box::new(read) as Box<dyn Fn(&Moments) -> f64>);
    let mut all = vec![named("mean", |m| m.mean), named("std", |m| m.std), named("min", |m| m.min)];
    for (i, q) in QUANTILES.into_iter().enumerate() {
        all.push((format!("q{:02.0}", 100.0 * q), Box::new(move |m| m.quantiles[i])));
    }
    all.push(named("max", |m| m.max));
    all
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Summary(document, values) = self;
        let all = &statistics();
        // Empty lists where no trajectory finished: there are no moments then.
        let series = |row: usize, statistic: usize| {
            List(values.moments.len(), move |k: usize| all[statistic].1(&values.moments[k][row]))
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("n_used", &values.n_used)?;
        map.serialize_entry("n_left_out", &values.n_left_out)?;
        let columns = document.by_name(|row| Object(all.len(), move |s: usize| (&all[s].0, series(row, s))));
        map.serialize_entry("by_name", &columns)?;
        map.end()
    }
}
