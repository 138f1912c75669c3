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
/// after a stop in the middle of a million seconds, times that are spaced by factors begin within half a second.
const SNAPPED_OF_DISTANCE: f64 = 1e-6;

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

/// What cuts the integration: clocks that tick from t0 on, and times.
#[derive(Debug, Clone, Default)]
pub struct Clocks {
    /// The callbacks.
    pub callbacks: Vec<Period>,
    /// Periods of discrete fields.
    pub discrete_dts: Vec<f64>,
    /// Stops of the model, in any order.
    pub times: Vec<f64>,
    /// Distance of 1 and the next number of the run's format: what is nearer to each other than two of these, relative to the
    /// time since t0, is one time.
    pub epsilon: f64,
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

impl Clocks {
    /// Stops within a span, ascending, none twice: the multiples of the periods of callbacks and discrete fields, from the
    /// first to the end, and the model's own times, of which those outside (t0, t0 + span) cut nothing.
    ///
    /// What lies within a microsecond (if the unit of time is the second) and a thousandth of the shortest period after a
    /// stop is merged with it, and so is what the number format cannot tell from it. Callbacks of one stop fire in the order
    /// of their own times, and at equal times in the order of `callbacks`; none fires twice in one.
    ///
    /// # Errors
    /// [`Error::Run`] for more than [`MAX_ENTRIES`], or where one of `times` is not a number.
    pub fn stops(&self, t0: f64, span: f64) -> Result<Vec<Stop>> {
        self.check_entries(span)?;
        // The span stands for a period where there is none in it.
        let shortest = self.periods().fold(span, f64::min);
        let tolerance = MERGED.min(MERGED_OF_PERIOD * shortest).max(rounding(t0, t0 + span));
        let mut stops: Vec<Stop> = Vec::new();
        // How many stops there were when each callback fired last. Where the tolerance is the rounding of large times, it
        // may be longer than a period.
        let mut fired_in = vec![0; self.callbacks.len()];
        for Entry { tau, event } in self.entries(t0, span) {
            let tolerance = tolerance.max(self.resolution(tau));
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

    /// The length of a span that begins at `t0`, where `stops` are those of a longer one: a stop itself if a multiple of a
    /// period misses the end by rounding alone. A span of its own ends there in [`Clocks::stops`] too.
    pub fn end(&self, t0: f64, span: f64, stops: &[Stop]) -> f64 {
        let is_missed = |dt: &f64| ((span / dt).round().max(1.0) * dt - span).abs() <= self.slack(*dt, t0, span);
        let slack = self.periods().filter(is_missed).map(|dt| self.slack(dt, t0, span)).fold(0.0, f64::max);
        let within = stops.partition_point(|stop| stop.tau <= span + slack);
        stops[..within].last().map(|stop| stop.tau).filter(|tau| *tau >= span - slack).unwrap_or(span)
    }

    fn periods(&self) -> impl Iterator<Item = f64> {
        self.callbacks.iter().map(|callback| callback.dt).chain(self.discrete_dts.iter().copied())
    }

    /// Offsets that are nearer than this to `tau` may be the same number.
    fn resolution(&self, tau: f64) -> f64 {
        2.0 * self.epsilon * tau
    }

    /// How far a multiple of a period may be from the end to be the end.
    fn slack(&self, dt: f64, t0: f64, span: f64) -> f64 {
        slack(dt, rounding(t0, t0 + span).max(self.resolution(span)))
    }

    /// Refuses what would take too long or too much memory, before it does.
    fn check_entries(&self, span: f64) -> Result<()> {
        if self.times.iter().any(|t| t.is_nan()) {
            return Err(Error::run(
                "a stop of the model is not a number; look at the parameters that its time depends on",
            ));
        }
        let total = self.periods().map(|dt| (span / dt).floor()).sum::<f64>() + self.times.len() as f64;
        if total <= MAX_ENTRIES as f64 {
            return Ok(());
        }
        let callbacks = self.callbacks.iter().map(|callback| ("callback", callback.dt));
        let periods = callbacks.chain(self.discrete_dts.iter().map(|dt| ("discrete field", *dt)));
        let remedy = match periods.min_by(|(_, a), (_, b)| a.total_cmp(b)) {
            Some((what, dt)) => {
                format!("the shortest period is {dt:e} of a {what}; use longer periods or a shorter tspan")
            }
            None => "use fewer".to_string(),
        };
        Err(Error::run(format!(
            "{total:.1e} stops in a span of {span} are more than the {MAX_ENTRIES} possible; {remedy}"
        )))
    }

    /// All events in the order in which they happen. Offsets that differ by rounding alone are made equal: 3 * 0.1 and
    /// 2 * 0.15 are the same time, at which callbacks fire in their order.
    fn entries(&self, t0: f64, span: f64) -> Vec<Entry> {
        let rounding = rounding(t0, t0 + span);
        let ticks = |dt: f64| multiples(dt, span, self.slack(dt, t0, span));
        let mut entries = Vec::new();
        for (i, callback) in self.callbacks.iter().enumerate() {
            let start = callback.at_start.then_some(0.0).into_iter();
            entries.extend(start.chain(ticks(callback.dt)).map(|tau| Entry { tau, event: Event::Fire(i) }));
        }
        for dt in &self.discrete_dts {
            entries.extend(ticks(*dt).map(|tau| Entry { tau, event: Event::Sample }));
        }
        let end = span - rounding.max(self.resolution(span));
        let cuts = self.times.iter().map(|t| t - t0).filter(|tau| rounding < *tau && *tau < end);
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
}

impl Saving {
    /// When to save, or `None` for after every accepted step: where nothing or [`Save::Steps`] is asked for. `span` is the
    /// offset of t1, which may differ from t1 - t0 by rounding ([`Clocks::end`]).
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

impl Stop {
    /// Whether callbacks fire there.
    pub fn fires(&self) -> bool {
        !self.callbacks.is_empty()
    }
}

/// Multiples of a period within the span, from the first on; the last is the end itself where it misses it by `slack`.
fn multiples(dt: f64, span: f64, slack: f64) -> impl Iterator<Item = f64> {
    let count = ((span + slack) / dt) as u64;
    (1..=count).map(move |k| if k as f64 * dt < span - slack { k as f64 * dt } else { span })
}

fn slack(dt: f64, rounding: f64) -> f64 {
    (SNAPPED_OF_PERIOD * dt).max(rounding).min(dt / 4.0)
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
fn asked(save: &Save, policy: SavePolicy, (t0, t1): (f64, f64), span: f64) -> Vec<(f64, f64)> {
    let offsets: Box<dyn Iterator<Item = f64>> = match save {
        Save::At(times) => {
            let offset = |t: f64| if t == t1 { span } else { (t - t0).min(span) };
            return times.iter().map(|t| (offset(*t), *t)).collect();
        }
        Save::Points(n) => Box::new((0..*n).map(move |i| span * (i as f64 / (n - 1) as f64))),
        Save::Every(h) => {
            let end = (policy != SavePolicy::Numen).then_some(span);
            Box::new(once(0.0).chain(multiples(*h, span, slack(*h, rounding(t0, t1)))).chain(end))
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

/// Moves offsets that miss a stop, or the `end` where that is saved anyway, by rounding; what is reported stays.
fn snap(times: &mut [(f64, f64)], t0: f64, span: f64, stops: &[Stop], end: Option<f64>) {
    let ends = stops.iter().map(|stop| stop.tau).chain([span]);
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
