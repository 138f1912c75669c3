//! When the integration is cut and when the solution is saved: periods and wishes become lists of times.
//!
//! In: the span, the periods of callbacks and discrete fields, the stops of the model, and what the user wants saved.
//! Out: [`Stop`]s and [`SaveTimes`] as offsets from t0, the same for all trajectories. A multiple of a period is a
//! product and never a running sum, so that nothing drifts: 100 Hz over 100 s is 10,000 firings. What differs by
//! rounding alone is one time: the end and a multiple of a period, firings of two callbacks, a save time and a stop.
//! Nothing here fires or saves.

use crate::error::{Error, Result};
use crate::spec::{Save, SavePolicy};
use std::iter::{empty, once, repeat_n};

/// Most save times of one run.
pub const MAX_SAVE_TIMES: usize = 100_000_000;

/// Most firings, samples and stops of the model in one run, before any are merged.
pub const MAX_ENTRIES: usize = 10_000_000;

/// Entries closer than this are one stop,
const MERGED: f64 = 1e-6;

/// if they are also closer than this fraction of the shortest period: a fast clock keeps its ticks.
const MERGED_OF_PERIOD: f64 = 1e-3;

/// A multiple of a period that misses the end by this fraction of the period is the end.
const SNAPPED_OF_PERIOD: f64 = 1e-9;

/// A save time that misses a stop by this fraction of the time is at the stop: lists of times are running sums, or are
/// printed with 15 digits,
const SNAPPED_OF_TIME: f64 = 1e-12;

/// if it also misses it by less than this fraction of the shortest distance of stops. That fraction alone would not do:
/// after a stop in the middle of a million seconds, times that are spaced by factors begin within half a millisecond.
const SNAPPED_OF_DISTANCE: f64 = 1e-9;

/// What a few operations round away, relative to the largest number in them.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// How often a callback fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// Time between firings, positive and finite.
    pub dt: f64,
    /// Whether it fires at t0 too.
    pub at_start: bool,
}

/// A time at which the integration of every trajectory is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// Offset from t0.
    pub tau: f64,
    /// Callbacks that fire here, in order.
    pub callbacks: Vec<usize>,
    /// Whether a discrete field is sampled here: its time is saved then.
    pub is_sample: bool,
}

/// When to save. Offsets ascend; one at which the solution is saved before and after a firing stands twice in a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaveTimes {
    /// Times as reported: those that the user gave, as given.
    pub t: Vec<f64>,
    /// Offsets from t0 at which the solution is taken.
    pub tau: Vec<f64>,
}

/// What an offset is there for; the order at equal offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Fire(usize),
    Sample,
    Cut,
}

/// An event before it is merged with others.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tau: f64,
    event: Event,
}

/// Stops within a span, ascending, none twice: the multiples of the periods of callbacks and discrete fields, from the
/// first to the end, and the model's own `times`, of which those outside (t0, t0 + span) cut nothing.
///
/// What lies within a microsecond (if the unit of time is the second) and a thousandth of the shortest period after a
/// stop is merged with it. Callbacks of one stop fire in the order of their own times, and at equal times in the order
/// of `callbacks`; none fires twice in one.
///
/// # Errors
/// [`Error::Run`] for more than [`MAX_ENTRIES`], or where one of `times` is not a number.
pub fn stops(t0: f64, span: f64, callbacks: &[Period], discrete_dts: &[f64], times: &[f64]) -> Result<Vec<Stop>> {
    check_entries(span, callbacks, discrete_dts, times)?;
    // The span stands for a period where there is none in it.
    let shortest =
        callbacks.iter().map(|callback| callback.dt).chain(discrete_dts.iter().copied()).fold(span, f64::min);
    let tolerance = MERGED.min(MERGED_OF_PERIOD * shortest).max(rounding(t0, t0 + span));
    let mut stops: Vec<Stop> = Vec::new();
    // How many stops there were when each callback fired last. Where the tolerance is the rounding of large times, it
    // may be longer than a period.
    let mut fired_in = vec![0; callbacks.len()];
    for Entry { tau, event } in entries(t0, span, callbacks, discrete_dts, times) {
        let is_near = stops.last().is_some_and(|stop| tau - stop.tau < tolerance);
        let has_fired = matches!(event, Event::Fire(i) if fired_in[i] == stops.len());
        if !is_near || has_fired {
            stops.push(Stop { tau, callbacks: Vec::new(), is_sample: false });
        }
        let n = stops.len();
        match event {
            Event::Fire(i) => {
                stops[n - 1].callbacks.push(i);
                fired_in[i] = n;
            }
            Event::Sample => stops[n - 1].is_sample = true,
            Event::Cut => {}
        }
    }
    Ok(stops)
}

/// When to save, or `None` for after every accepted step: where nothing or [`Save::Steps`] is asked for. `after_firing`
/// takes each save time at which callbacks fire twice: the solution before and after.
///
/// # Errors
/// [`Error::Run`] with what was asked for and cannot be.
pub fn save_times(
    save: Option<&Save>,
    policy: SavePolicy,
    after_firing: bool,
    t0: f64,
    t1: f64,
    stops: &[Stop],
) -> Result<Option<SaveTimes>> {
    let fires = stops.iter().any(Stop::fires);
    let is_numen = policy == SavePolicy::Numen;
    let mut times = match save {
        None if is_numen && stops.iter().any(|stop| stop.fires() || stop.is_sample) => Vec::new(),
        None | Some(Save::Steps) => return Ok(None),
        Some(save) => {
            check_asked(save, t0, t1)?;
            asked(save, policy, t0, t1)
        }
    };
    let end = (is_numen && fires).then_some(t1 - t0);
    snap(&mut times, t0, t1, stops, end);
    let is_added = |stop: &&Stop| match policy {
        SavePolicy::Standard => stop.is_sample && save != Some(&Save::Final),
        SavePolicy::AsGiven => false,
        SavePolicy::Numen => stop.is_sample || stop.fires(),
    };
    let added = stops.iter().filter(is_added).map(|stop| stop.tau).chain(end);
    times.extend(added.map(|tau| (tau, reported(tau, t0, t1))));
    // Of equal offsets the one asked for stays: it is the first of them, and the order is stable.
    times.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    times.dedup_by_key(|(tau, _)| *tau);
    if is_numen && fires {
        times.retain(|(tau, _)| *tau > 0.0);
    }
    let copies = |tau| if after_firing && fires_at(tau, stops) { 2 } else { 1 };
    let (tau, t) = times.into_iter().flat_map(|time| repeat_n(time, copies(time.0))).unzip();
    Ok(Some(SaveTimes { t, tau }))
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

impl Stop {
    fn fires(&self) -> bool {
        !self.callbacks.is_empty()
    }
}

/// Refuses what would take too long or too much memory, before it does.
fn check_entries(span: f64, callbacks: &[Period], discrete_dts: &[f64], times: &[f64]) -> Result<()> {
    if times.iter().any(|t| t.is_nan()) {
        return Err(Error::run("a stop of the model is not a number; look at the parameters that its time depends on"));
    }
    let periods = callbacks.iter().map(|callback| ("callback", callback.dt));
    let periods = periods.chain(discrete_dts.iter().map(|dt| ("discrete field", *dt)));
    let total = periods.clone().map(|(_, dt)| (span / dt).floor()).sum::<f64>() + times.len() as f64;
    if total <= MAX_ENTRIES as f64 {
        return Ok(());
    }
    let remedy = match periods.min_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((what, dt)) => format!("the shortest period is {dt:e} of a {what}; use longer periods or a shorter tspan"),
        None => "use fewer".to_string(),
    };
    Err(Error::run(format!("{total:.1e} stops in a span of {span} are more than the {MAX_ENTRIES} possible; {remedy}")))
}

/// All events in the order in which they happen. Offsets that differ by rounding alone are made equal: 3 * 0.1 and
/// 2 * 0.15 are the same time, at which callbacks fire in their order.
fn entries(t0: f64, span: f64, callbacks: &[Period], discrete_dts: &[f64], times: &[f64]) -> Vec<Entry> {
    let rounding = rounding(t0, t0 + span);
    let mut entries = Vec::new();
    for (i, callback) in callbacks.iter().enumerate() {
        let start = callback.at_start.then_some(0.0).into_iter();
        let offsets = start.chain(multiples(callback.dt, span, rounding));
        entries.extend(offsets.map(|tau| Entry { tau, event: Event::Fire(i) }));
    }
    for dt in discrete_dts {
        entries.extend(multiples(*dt, span, rounding).map(|tau| Entry { tau, event: Event::Sample }));
    }
    let cuts = times.iter().map(|t| t - t0).filter(|tau| rounding < *tau && *tau < span - rounding);
    entries.extend(cuts.map(|tau| Entry { tau, event: Event::Cut }));

    // A merge sort: every period has put its own in order already.
    entries.sort_by(|a, b| a.tau.total_cmp(&b.tau));
    for equal in entries.chunk_by_mut(|a, b| b.tau - a.tau <= ROUNDING * b.tau) {
        let tau = equal[0].tau;
        equal.iter_mut().for_each(|entry| entry.tau = tau);
        equal.sort_unstable_by_key(|entry| entry.event);
    }
    entries
}

/// Multiples of a period within the span, from the first on; the last is the end itself where it misses it by rounding.
fn multiples(dt: f64, span: f64, rounding: f64) -> impl Iterator<Item = f64> {
    let slack = (SNAPPED_OF_PERIOD * dt).max(rounding).min(dt / 4.0);
    let count = ((span + slack) / dt) as u64;
    (1..=count).map(move |k| if k as f64 * dt < span - slack { k as f64 * dt } else { span })
}

/// What is uncertain of the difference of two times.
fn rounding(t0: f64, t: f64) -> f64 {
    (ROUNDING * t0.abs().max(t.abs())).max(f64::MIN_POSITIVE)
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
fn asked(save: &Save, policy: SavePolicy, t0: f64, t1: f64) -> Vec<(f64, f64)> {
    let span = t1 - t0;
    let offsets: Box<dyn Iterator<Item = f64>> = match save {
        Save::At(times) => return times.iter().map(|t| (t - t0, *t)).collect(),
        Save::Points(n) => Box::new((0..*n).map(move |i| span * (i as f64 / (n - 1) as f64))),
        Save::Every(h) => {
            let end = (policy != SavePolicy::Numen).then_some(span);
            Box::new(once(0.0).chain(multiples(*h, span, rounding(t0, t1))).chain(end))
        }
        Save::Final => Box::new(once(span)),
        Save::Steps => Box::new(empty()),
    };
    offsets.map(|tau| (tau, reported(tau, t0, t1))).collect()
}

/// The time of an offset, t1 itself at the end.
fn reported(tau: f64, t0: f64, t1: f64) -> f64 {
    if tau == t1 - t0 { t1 } else { t0 + tau }
}

/// Moves offsets that miss a stop, or the `end` where that is saved anyway, by rounding; what is reported stays.
fn snap(times: &mut [(f64, f64)], t0: f64, t1: f64, stops: &[Stop], end: Option<f64>) {
    let ends = stops.iter().map(|stop| stop.tau).chain([t1 - t0]);
    let starts = once(0.0).chain(stops.iter().map(|stop| stop.tau));
    let distances = ends.zip(starts).map(|(end, start)| end - start);
    let shortest = distances.filter(|distance| *distance > 0.0).fold(f64::INFINITY, f64::min);
    for (tau, t) in times {
        let of_time = SNAPPED_OF_TIME * t0.abs().max(t.abs());
        let tolerance = of_time.min(SNAPPED_OF_DISTANCE * shortest).max(rounding(t0, *t));
        let later = stops.partition_point(|stop| stop.tau < *tau);
        let beside = stops[later.saturating_sub(1)..].iter().take(2).map(|stop| stop.tau).chain(end);
        let distance = |stop: f64| (stop - *tau).abs();
        let nearest = beside.min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        if let Some(stop) = nearest.filter(|stop| distance(*stop) <= tolerance) {
            *tau = stop;
        }
    }
}

fn fires_at(tau: f64, stops: &[Stop]) -> bool {
    stops.binary_search_by(|stop| stop.tau.total_cmp(&tau)).is_ok_and(|i| stops[i].fires())
}
