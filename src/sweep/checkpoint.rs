//! The statistics of a checkpoint ([`crate::checkpoint`]): `ranges` of the quantiles' histograms and `tally`, the sums over the first
//! `tally.next` trajectories. Floats read back to the same bits; `"inf"`, `"-inf"` and `"nan"` stand for what JSON has no number
//! for. A file is replaced by a whole one or stays as it was. Since what is summed is summed block by block in order, an
//! interrupted sweep ends with the same bits as one that was not.

use super::tally::Tally;
use super::wanted::{MOST_COUNTS, Wanted};
use crate::checkpoint::{Keeper, Kind, get};
use crate::error::{Error, Result};
use crate::job::Progress;
use crate::reduce::{Accumulator, Comoment, Failure, Histogram, StepCount};
use crate::spec::json::{Json, Place};
use crate::status::Status;
use serde_json::{Value, json};
use std::time::Instant;

/// What a checkpoint holds.
pub struct Saved {
    pub ranges: Vec<Histogram>,
    pub tally: Tally,
}

/// Writes a checkpoint.
pub fn save(keeper: &mut Keeper, tally: &Tally, wanted: &Wanted) -> Result<()> {
    let Some(file) = keeper.to.as_ref().map(|to| to.file.clone()) else { return Ok(()) };
    let range = |h: &Histogram| json!([h.quantity, number(h.low), number(h.high), h.n_bin]);
    let ranges = wanted.ranges().map(range).collect::<Vec<_>>();
    keeper.replace(&file, [("ranges", Value::from(ranges)), ("tally", written(tally))])?;
    (keeper.last, keeper.held) = (Some(Instant::now()), Some(tally.next));
    Ok(())
}

/// Writes one if it is time: the next one may work where this one does not, and the user may do something about it.
pub fn save_if_due(keeper: &mut Keeper, tally: &Tally, wanted: &Wanted, progress: &dyn Progress) {
    if keeper.is_due() {
        let before = std::mem::take(&mut keeper.warnings);
        save_at_end(keeper, tally, wanted);
        keeper.warnings.iter().filter(|_| before.is_empty()).for_each(|warning| progress.warn(warning));
    }
}

/// Writes one, and keeps what goes wrong for the result.
pub fn save_at_end(keeper: &mut Keeper, tally: &Tally, wanted: &Wanted) {
    keeper.warnings.clear();
    if let Err(error) = save(keeper, tally, wanted) {
        keeper.warn(&error);
        keeper.last = Some(Instant::now());
    }
}

/// What the checkpoint to begin with holds.
pub fn resumed(keeper: &mut Keeper) -> Result<Option<Saved>> {
    let Some(path) = &keeper.from else { return Ok(None) };
    let (saved, _) = keeper.read(path, Kind::Statistics, read)?;
    if keeper.in_place {
        keeper.held = Some(saved.tally.next);
    }
    Ok(Some(saved))
}

fn number(x: f64) -> Value {
    match serde_json::Number::from_f64(x) {
        Some(number) => Value::Number(number),
        None if x.is_nan() => Value::from("nan"),
        None => Value::from(if x > 0.0 { "inf" } else { "-inf" }),
    }
}

fn written(tally: &Tally) -> Value {
    let moments =
        |a: &Accumulator| json!([a.n, number(a.mean), number(a.m2), number(a.min), number(a.max), a.argmin, a.argmax]);
    let comoment = |c: &Comoment| json!([c.n, number(c.mean_a), number(c.mean_b), number(c.c)]);
    let failure = |f: &Failure| json!([f.trajectory, f.status as u32, number(f.t), f.culprit.map_or(0, |row| row + 1)]);
    let best = |list: &Vec<(u64, f64)>| list.iter().map(|(i, x)| json!([i, number(*x)])).collect::<Vec<_>>();
    // Most counts are zero.
    let counts = tally.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    json!({
        "next": tally.next,
        "moments": tally.moments.iter().map(moments).collect::<Vec<_>>(),
        "comoments": tally.comoments.iter().map(comoment).collect::<Vec<_>>(),
        "n_count": tally.counts.len(),
        "counts": counts.flat_map(|(i, count)| [i as u64, *count]).collect::<Vec<_>>(),
        "statuses": tally.statuses,
        "accepted": [tally.accepted.sum, u64::from(tally.accepted.max)],
        "rejected": [tally.rejected.sum, u64::from(tally.rejected.max)],
        "failures": tally.failures.iter().map(failure).collect::<Vec<_>>(),
        "best": tally.best.iter().map(best).collect::<Vec<_>>(),
    })
}

fn float(place: &Place) -> Result<f64> {
    match place.json {
        Json::Text(text) if text == "nan" => Ok(f64::NAN),
        Json::Text(text) if text == "inf" => Ok(f64::INFINITY),
        Json::Text(text) if text == "-inf" => Ok(f64::NEG_INFINITY),
        _ => place.number(),
    }
}

fn small(place: &Place) -> Result<u32> {
    u32::try_from(place.whole()?).map_err(|_| place.error("too large"))
}

/// A list of so many entries.
fn tuple<'a, const N: usize>(place: &Place<'a>) -> Result<[Place<'a>; N]> {
    <[Place; N]>::try_from(place.list()?).map_err(|_| place.error(format!("expected a list of {N}")))
}

fn read(entries: &[(&str, Place)]) -> Result<Saved> {
    let ranges = get(entries, "ranges")?.list()?.iter().map(range).collect::<Result<_>>()?;
    let tally = get(entries, "tally")?.entries()?;
    let all = |key: &str| get(&tally, key)?.list();
    let n_count = get(&tally, "n_count")?;
    let mut counts = match n_count.whole()? as usize {
        n if n <= MOST_COUNTS => vec![0; n],
        n => return Err(n_count.error(format!("more counts than there may be: {n}"))),
    };
    for pair in all("counts")?.chunks(2) {
        let [at, count] = pair else { return Err(Error::model("tally.counts", "expected pairs")) };
        let count_of = counts.get_mut(at.whole()? as usize).ok_or_else(|| at.error("there is no such count"))?;
        *count_of = count.whole()?;
    }
    let statuses = tuple::<{ Status::ALL.len() }>(&get(&tally, "statuses")?)?;
    let mut tally = Tally {
        next: get(&tally, "next")?.whole()?,
        moments: all("moments")?.iter().map(moments).collect::<Result<_>>()?,
        comoments: all("comoments")?.iter().map(comoment).collect::<Result<_>>()?,
        counts,
        statuses: [0; Status::ALL.len()],
        accepted: steps(&get(&tally, "accepted")?)?,
        rejected: steps(&get(&tally, "rejected")?)?,
        failures: all("failures")?.iter().map(failure).collect::<Result<_>>()?,
        best: all("best")?.iter().map(best).collect::<Result<_>>()?,
    };
    for (count, place) in tally.statuses.iter_mut().zip(&statuses) {
        *count = place.whole()?;
    }
    Ok(Saved { ranges, tally })
}

fn range(place: &Place) -> Result<Histogram> {
    let [quantity, low, high, n_bin] = tuple(place)?;
    Ok(Histogram { quantity: small(&quantity)?, low: float(&low)?, high: float(&high)?, n_bin: small(&n_bin)? })
}

fn moments(place: &Place) -> Result<Accumulator> {
    let [n, mean, m2, min, max, argmin, argmax] = tuple(place)?;
    Ok(Accumulator {
        n: n.whole()?,
        mean: float(&mean)?,
        m2: float(&m2)?,
        min: float(&min)?,
        max: float(&max)?,
        argmin: argmin.whole()?,
        argmax: argmax.whole()?,
    })
}

fn comoment(place: &Place) -> Result<Comoment> {
    let [n, mean_a, mean_b, c] = tuple(place)?;
    Ok(Comoment { n: n.whole()?, mean_a: float(&mean_a)?, mean_b: float(&mean_b)?, c: float(&c)? })
}

fn steps(place: &Place) -> Result<StepCount> {
    let [sum, max] = tuple(place)?;
    Ok(StepCount { sum: sum.whole()?, max: small(&max)? })
}

fn failure(place: &Place) -> Result<Failure> {
    let [trajectory, status, t, culprit] = tuple(place)?;
    let code = small(&status)?;
    Ok(Failure {
        trajectory: trajectory.whole()?,
        status: Status::from_code(code).ok_or_else(|| status.error(format!("unknown status {code}")))?,
        t: float(&t)?,
        culprit: small(&culprit)?.checked_sub(1),
    })
}

fn best(place: &Place) -> Result<Vec<(u64, f64)>> {
    let pair = |place: &Place| {
        let [i, x] = tuple(place)?;
        Ok((i.whole()?, float(&x)?))
    };
    place.list()?.iter().map(pair).collect()
}
