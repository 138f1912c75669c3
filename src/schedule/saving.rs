//! When the solution is saved: what the user asks for and what a policy adds, united, at stops where they are near.

use super::{Stop, multiples, rounding, slack, snapped};
use crate::error::{Error, Result};
use crate::spec::{Save, SavePolicy};
use std::iter::{empty, once, repeat_n};

/// Most save times of one run.
pub const MAX_SAVE_TIMES: usize = 100_000_000;

/// A save time that misses a stop by this fraction of the time is at the stop: lists of times are running sums, or are
/// printed with 15 digits,
const SNAPPED_OF_TIME: f64 = 1e-12;

/// if it also misses it by less than this fraction of the shortest distance of stops. That fraction alone would not do:
/// after a stop in the middle of a million seconds, times that are spaced by factors begin within half a second.
const SNAPPED_OF_DISTANCE: f64 = 1e-6;

/// When to save. Offsets ascend; one at which the solution is saved before and after a firing stands twice in a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaveTimes {
    /// Times as reported: those that the user gave, as given.
    pub t: Vec<f64>,
    /// Offsets from t0 at which the solution is taken.
    pub tau: Vec<f64>,
}

/// What is to be saved.
#[derive(Debug, Clone, Default)]
pub struct Saving {
    /// What the user asks for.
    pub save: Option<Save>,
    /// What is saved besides.
    pub policy: SavePolicy,
    /// Whether the solution is saved before and after a firing.
    pub after_firing: bool,
    /// Whether the model has callbacks, of which none may fire within the span.
    pub has_callbacks: bool,
}

impl Saving {
    /// When to save, or `None` for after every accepted step: where nothing or [`Save::Steps`] is asked for. `span` is the
    /// offset of t1, which may differ from t1 - t0 by rounding ([`Clocks::end`](super::Clocks::end)).
    ///
    /// # Errors
    /// [`Error::Run`] with what was asked for and cannot be.
    pub fn times(&self, (t0, t1): (f64, f64), span: f64, stops: &[Stop]) -> Result<Option<SaveTimes>> {
        if self.is_every_step(stops.iter().any(|stop| stop.is_sample)) {
            return Ok(None);
        }
        let mut times = Vec::new();
        if let Some(save) = &self.save {
            check_asked(save, t0, t1)?;
            times = asked(save, self.policy, (t0, t1), span);
        }
        // numen with callbacks saves the end and leaves out t0.
        let end = (self.policy == SavePolicy::Numen && self.has_callbacks).then_some(span);
        snap(&mut times, t0, span, stops, end);
        let added = stops.iter().filter(|stop| self.adds(stop)).map(|stop| stop.tau).chain(end);
        times.extend(added.map(|tau| (tau, reported(tau, (t0, t1), span))));
        // Of equal offsets the one asked for stays: it is the first of them, and the order is stable.
        times.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        times.dedup_by_key(|(tau, _)| *tau);
        if end.is_some() {
            times.retain(|(tau, _)| *tau > 0.0);
        }
        let copies = |tau| if self.after_firing && fires_at(tau, stops) { 2 } else { 1 };
        let (tau, t) = times.into_iter().flat_map(|time| repeat_n(time, copies(time.0))).unzip();
        Ok(Some(SaveTimes { t, tau }))
    }

    /// Whether every accepted step is saved, where discrete fields are sampled or not.
    pub fn is_every_step(&self, has_samples: bool) -> bool {
        match self.save {
            None => !(self.policy == SavePolicy::Numen && (self.has_callbacks || has_samples)),
            Some(Save::Steps) => true,
            Some(_) => false,
        }
    }

    /// At least as many as there are save times in a span, counted quickly.
    pub fn most(&self, span: f64, stops: &[Stop]) -> usize {
        let asked = match &self.save {
            None | Some(Save::Steps) => 0,
            Some(Save::Final) => 1,
            Some(Save::At(times)) => times.len(),
            Some(Save::Points(n)) => *n,
            Some(Save::Every(h)) => (span / h) as usize,
        };
        let count = |is: &dyn Fn(&Stop) -> bool| stops.iter().filter(|stop| is(stop)).count();
        // Both ends may come on top.
        let single = asked.min(MAX_SAVE_TIMES) + count(&|stop| self.adds(stop)) + 2;
        single + if self.after_firing { single.min(count(&Stop::fires)) } else { 0 }
    }

    /// Whether the time of a stop is saved although nobody has asked for it.
    fn adds(&self, stop: &Stop) -> bool {
        match self.policy {
            SavePolicy::Standard => stop.is_sample && self.save != Some(Save::Final),
            SavePolicy::AsGiven => false,
            SavePolicy::Numen => stop.is_sample || stop.fires(),
        }
    }
}

/// Save times must lie in the span and ascend.
///
/// # Errors
/// [`Error::Run`] with the time at fault.
pub fn check_times(times: &[f64], t0: f64, t1: f64) -> Result<()> {
    if let Some(t) = times.iter().find(|t| !(t0 <= **t && **t <= t1)) {
        return Err(Error::run(format!("save time {t} is outside tspan [{t0}, {t1}]")));
    }
    match times.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(Error::run(format!("save times must ascend, found {} before {}", pair[0], pair[1]))),
        None => Ok(()),
    }
}

/// Refuses what cannot be saved, or not in this span.
fn check_asked(save: &Save, t0: f64, t1: f64) -> Result<()> {
    match save {
        Save::At(times) if times.is_empty() => {
            Err(Error::run("the list of save times is empty; give at least one time"))
        }
        Save::At(times) => check_times(times, t0, t1),
        Save::Points(n) if *n < 2 => Err(Error::run(format!(
            "save points include both ends, so at least 2 are needed, got {n}; use save \"final\" for the end alone"
        ))),
        Save::Points(n) if *n > MAX_SAVE_TIMES => {
            Err(Error::run(format!("{n} save points are more than the {MAX_SAVE_TIMES} possible")))
        }
        Save::Every(h) if !(*h > 0.0 && h.is_finite()) => {
            Err(Error::run(format!("the save interval must be positive and finite, got {h}")))
        }
        Save::Every(h) if (t1 - t0) / h > MAX_SAVE_TIMES as f64 => Err(Error::run(format!(
            "a save interval of {h} makes {:.1e} save times in tspan [{t0}, {t1}]; at most {MAX_SAVE_TIMES} are possible",
            (t1 - t0) / h
        ))),
        _ => Ok(()),
    }
}

/// Offsets and reported times that are asked for, ascending.
fn asked(save: &Save, policy: SavePolicy, (t0, t1): (f64, f64), span: f64) -> Vec<(f64, f64)> {
    let offsets: Box<dyn Iterator<Item = f64>> = match save {
        Save::At(times) => {
            let offset = |t: f64| if t == t1 { span } else { (t - t0).min(span) };
            return times.iter().map(|t| (offset(*t), *t)).collect();
        }
        Save::Points(n) => Box::new((0..*n).map(move |i| span * (i as f64 / (n - 1) as f64))),
        Save::Every(h) => {
            let end = (policy != SavePolicy::Numen).then_some(span);
            let slack = slack(*h, rounding(t0, t1));
            let grid = multiples(*h, span + slack).map(move |tau| snapped(tau, span, slack));
            Box::new(once(0.0).chain(grid).chain(end))
        }
        Save::Final => Box::new(once(span)),
        Save::Steps => Box::new(empty()),
    };
    offsets.map(|tau| (tau, reported(tau, (t0, t1), span))).collect()
}

/// The time of an offset, t1 itself at the end.
fn reported(tau: f64, (t0, t1): (f64, f64), span: f64) -> f64 {
    if tau == span { t1 } else { t0 + tau }
}

/// Moves offsets that miss a stop, or the `end` where that is saved anyway, by rounding; what is reported stays. Of several
/// that miss one stop by more than the last digits only the nearest is moved, so that none is lost.
fn snap(times: &mut [(f64, f64)], t0: f64, span: f64, stops: &[Stop], end: Option<f64>) {
    let ends = stops.iter().map(|stop| stop.tau).chain([span]);
    let starts = once(0.0).chain(stops.iter().map(|stop| stop.tau));
    let distances = ends.zip(starts).map(|(end, start)| end - start);
    let shortest = distances.filter(|distance| *distance > 0.0).fold(f64::INFINITY, f64::min);
    let moved = |&(tau, t): &(f64, f64)| {
        let of_time = SNAPPED_OF_TIME * t0.abs().max(t.abs());
        let tolerance = of_time.min(SNAPPED_OF_DISTANCE * shortest).max(rounding(t0, t));
        let later = stops.partition_point(|stop| stop.tau < tau);
        let beside = stops[later.saturating_sub(1)..].iter().take(2).map(|stop| stop.tau).chain(end);
        let distance = |stop: f64| (stop - tau).abs();
        let nearest = beside.min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        nearest.filter(|stop| distance(*stop) <= tolerance)
    };
    let aims: Vec<Option<f64>> = times.iter().map(moved).collect();
    let mut first = 0;
    for same in aims.chunk_by(|a, b| a == b) {
        let those = &mut times[first..first + same.len()];
        first += same.len();
        let Some(stop) = same[0] else { continue };
        let distance = |(tau, _): &(f64, f64)| (tau - stop).abs();
        let nearest = those.iter_mut().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.into_iter().for_each(|time| time.0 = stop);
        let is_same = |time: &(f64, f64)| distance(time) <= rounding(t0, time.1);
        those.iter_mut().filter(|time| is_same(time)).for_each(|time| time.0 = stop);
    }
}

fn fires_at(tau: f64, stops: &[Stop]) -> bool {
    stops.binary_search_by(|stop| stop.tau.total_cmp(&tau)).is_ok_and(|i| stops[i].fires())
}
