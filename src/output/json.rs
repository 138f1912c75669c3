//! JSON: one object, streamed, so that no second copy of the values is held.
//!
//! Always: `model backend method precision arithmetic compensated tspan seed sampling n first t names status timings
//! warnings partial`, `status` counting trajectories by how they ended, `timings` being `{startup_ms, jit_ms, timings_ms,
//! warm_ms}`, `partial` saying what is missing if the user stopped the run. One trajectory: `trajectories` is `{number, status, non_finite, accepted, rejected, t_end, parameters: {name: number}, t,
//! x: {name: [..]}}`, `non_finite` being the name of what was not finite first, or null. An ensemble: `statistics` over
//! the trajectories that succeeded, `by_name` holding `mean std min q05 .. q95 max` over the save times, and `trajectories`
//! is `{status, non_finite, accepted, rejected, t_end, parameters: {name: number, or a list where it varies}, values: {name:
//! [[..] for each trajectory]}}`. Parameters are as drawn, in the number format of the run, or as listed.
//!
//! Where save times differ from trajectory to trajectory the common `t` is null, and `trajectories` has `t: [[..] for each
//! trajectory]`; these lists and those of `values` are as long as the trajectory has save times. `statistics` are over the
//! last saved row of each then, in lists of one element. Where the time spans differ `trajectories` has `tspan` too.
//!
//! Where callbacks fire: `firings`, a list of `{t, callbacks}`, of one trajectory those until it ended; those of several
//! with time spans of their own are not known. Where it was asked for: `verification`, errors in units of the run's
//! tolerances (see [`Verification`]), one for each of its `trajectories`, null where there was nothing to compare. What is
//! not finite becomes null, since JSON has no other word for it.

use crate::real::Precision;
use crate::solution::{EnsembleResult, Firing, Timings, Verification, WorstError};
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
            Precision::F64 | Precision::F32x2 => serializer.serialize_f64(self.0),
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

    /// Name of what was not finite first in a trajectory, whether it is a column of the file or not.
    fn culprit(&self, i: usize) -> Option<&str> {
        self.result.culprit[i].map(|row| self.result.names[row].as_str())
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
        map.serialize_entry("arithmetic", info.arithmetic.name())?;
        map.serialize_entry("compensated", &info.compensated)?;
        map.serialize_entry("tspan", &info.tspan)?;
        map.serialize_entry("seed", &info.seed)?;
        map.serialize_entry("sampling", info.sampling.name())?;
        map.serialize_entry("n", &result.n_traj())?;
        map.serialize_entry("first", &result.first)?;
        let has_common_times = result.times.is_none();
        map.serialize_entry("t", &has_common_times.then_some(List(result.t.len(), |k| result.t[k])))?;
        map.serialize_entry("names", &List(self.rows.len(), |column| &result.names[self.rows[column]]))?;
        map.serialize_entry("status", &Object(counts.len(), |i: usize| (counts[i].0.name(), counts[i].1)))?;
        map.serialize_entry("timings", &Times(&info.timings))?;
        map.serialize_entry("warnings", &info.warnings)?;
        map.serialize_entry("partial", &result.partial_note())?;
        let firings: Vec<&Firing> =
            if result.n_traj() == 1 { result.fired(0).collect() } else { result.firings.iter().collect() };
        if !firings.is_empty() {
            map.serialize_entry("firings", &List(firings.len(), |i: usize| Fired(firings[i])))?;
        }
        if let Some(verification) = &result.verification {
            map.serialize_entry("verification", &Verified(verification))?;
        }
        if result.n_traj() == 1 {
            map.serialize_entry("trajectories", &Single(self))?;
        } else {
            map.serialize_entry("statistics", &Summary(self, Statistics::of(result)))?;
            map.serialize_entry("trajectories", &Many(self))?;
        }
        map.end()
    }
}

/// Where the wall time went.
struct Times<'a>(&'a Timings);

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Times(timings) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("startup_ms", &timings.startup_ms())?;
        map.serialize_entry("jit_ms", &timings.jit_ms())?;
        map.serialize_entry("timings_ms", &timings.timings_ms())?;
        map.serialize_entry("warm_ms", &timings.warm_ms())?;
        map.end()
    }
}

/// What fired when.
struct Fired<'a>(&'a Firing);

impl Serialize for Fired<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Fired(firing) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("t", &firing.t)?;
        map.serialize_entry("callbacks", &firing.callbacks)?;
        map.end()
    }
}

/// A number that all trajectories share, or one for each.
enum Varied<T> {
    One(f64),
    Each(T),
}

impl<T: Serialize> Serialize for Varied<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Varied::One(value) => value.serialize(serializer),
            Varied::Each(list) => list.serialize(serializer),
        }
    }
}

/// The parameters of all trajectories by name.
struct Parameters<'a>(&'a EnsembleResult);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Parameters(result) = self;
        let varied = result.varied_parameters();
        let names = &result.fields.parameter_names;
        let value = |slot: usize| {
            let row = result.parameters.row(slot);
            match varied.contains(&slot) {
                // Where the user stopped the run it is known of the first ones.
                false => Varied::One(row[0]),
                true => Varied::Each(List(row.len(), move |i| row[i])),
            }
        };
        serializer.collect_map((0..names.len()).map(|slot| (&names[slot], value(slot))))
    }
}

/// The only trajectory.
struct Single<'a>(&'a Document<'a>);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let result = self.0.result;
        let n_save = result.n_saved(0);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", &result.first)?;
        map.serialize_entry("status", result.status[0].name())?;
        map.serialize_entry("non_finite", &self.0.culprit(0))?;
        map.serialize_entry("accepted", &result.accepted[0])?;
        map.serialize_entry("rejected", &result.rejected[0])?;
        map.serialize_entry("t_end", &result.t_end[0])?;
        map.serialize_entry("parameters", &Parameters(result))?;
        map.serialize_entry("t", &List(n_save, |k| result.time(k, 0)))?;
        map.serialize_entry("x", &self.0.by_name(|row| List(n_save, move |k| self.0.value(k, row, 0))))?;
        map.end()
    }
}

/// All trajectories, as lists over them.
struct Many<'a>(&'a Document<'a>);

impl Serialize for Many<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let result = self.0.result;
        let n_traj = result.n_traj();
        let series = |row, i| List(result.n_saved(i), move |k| self.0.value(k, row, i));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &List(n_traj, |i| Status::name(result.status[i])))?;
        map.serialize_entry("non_finite", &List(n_traj, |i| self.0.culprit(i)))?;
        map.serialize_entry("accepted", &result.accepted)?;
        map.serialize_entry("rejected", &result.rejected)?;
        map.serialize_entry("t_end", &result.t_end)?;
        map.serialize_entry("parameters", &Parameters(result))?;
        if let Some(tspans) = &result.tspans {
            map.serialize_entry("tspan", tspans)?;
        }
        if result.times.is_some() {
            let times = |i| List(result.n_saved(i), move |k| result.time(k, i));
            map.serialize_entry("t", &List(n_traj, times))?;
        }
        map.serialize_entry("values", &self.0.by_name(|row| List(n_traj, move |i| series(row, i))))?;
        map.end()
    }
}

/// Statistics over the trajectories that succeeded.
struct Summary<'a>(&'a Document<'a>, Statistics);

/// How large the errors are.
struct Verified<'a>(&'a Verification);

impl Serialize for Verified<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Verified(verification) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", &verification.method)?;
        map.serialize_entry("n_compared", &verification.n_compared())?;
        map.serialize_entry("n_run_failed", &verification.n_run_failed)?;
        map.serialize_entry("n_reference_failed", &verification.n_reference_failed)?;
        map.serialize_entry("n_both_failed", &verification.n_both_failed)?;
        map.serialize_entry("n_stopped", &verification.n_stopped)?;
        let names = Verification::QUANTILES.map(|q| if q < 1.0 { quantile_name(q) } else { "max".to_string() });
        let quantile = |i: usize| verification.quantiles.map(|quantiles| quantiles[i]);
        map.serialize_entry("error", &Object(names.len(), |i: usize| (&names[i], quantile(i))))?;
        map.serialize_entry("worst", &verification.worst.as_ref().map(Worst))?;
        map.serialize_entry("trajectories", &verification.trajectories)?;
        map.serialize_entry("errors", &verification.errors)?;
        map.end()
    }
}

/// Where the largest error is.
struct Worst<'a>(&'a WorstError);

impl Serialize for Worst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Worst(worst) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("trajectory", &worst.trajectory)?;
        map.serialize_entry("state", &worst.state)?;
        map.serialize_entry("t", &worst.t)?;
        map.serialize_entry("error", &worst.error)?;
        map.end()
    }
}

/// `q05` for 0.05.
fn quantile_name(q: f64) -> String {
    format!("q{:02.0}", 100.0 * q)
}

/// Name of a statistic and how to read it.
type Statistic = (String, Box<dyn Fn(&Moments) -> f64>);

fn statistics() -> Vec<Statistic> {
    let named =
        |name: &str, read: fn(&Moments) -> f64| (name.to_string(), Box::new(read) as Box<dyn Fn(&Moments) -> f64>);
    let mut all = vec![named("mean", |m| m.mean), named("std", |m| m.std), named("min", |m| m.min)];
    for (i, q) in QUANTILES.into_iter().enumerate() {
        all.push((quantile_name(q), Box::new(move |m| m.quantiles[i])));
    }
    all.push(named("max", |m| m.max));
    all
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Summary(document, values) = self;
        let all = &statistics();
        // Empty lists where no trajectory succeeded: there are no moments then.
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
