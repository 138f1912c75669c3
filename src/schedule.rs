//! When the integration is cut and when the solution is saved: periods and wishes become lists of times.
//!
//! In: the span, the periods of callbacks and discrete fields, the stops of the model, and what the user wants saved.
//! Out: [`Stop`]s and [`SaveTimes`] as offsets from t0, the same for all trajectories. A multiple of a period is a
//! product and never a running sum, so that nothing drifts: 100 Hz over 100 s is 10,000 firings. What differs by
//! rounding alone is one time: the end and a multiple of a period, firings of two callbacks, a save time and a stop.
//! Nothing here fires or saves.

mod saving;

pub use saving::{MAX_SAVE_TIMES, SaveTimes, Saving, check_times};

use crate::error::{Error, Result};

/// Most firings, samples and stops of the model in one run, before any are merged.
pub const MAX_ENTRIES: usize = 10_000_000;

/// Entries closer than this are one stop,
const MERGED: f64 = 1e-6;

/// if they are also closer than this fraction of the shortest period: a fast clock keeps its ticks.
const MERGED_OF_PERIOD: f64 = 1e-3;

/// A multiple of a period that misses the end by this fraction of the period is the end.
const SNAPPED_OF_PERIOD: f64 = 1e-9;

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
    /// What it was before it was moved to the end of the span.
    own: f64,
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
        self.merged(t0, span, true)
    }

    /// Stops of spans of any length up to `span`, which begin at `t0` or later: multiples of periods stay what they are, and
    /// each span ends at one of them where [`Clocks::end`] says so.
    ///
    /// # Errors
    /// As [`Clocks::stops`].
    pub fn stops_of_spans(&self, t0: f64, span: f64) -> Result<Vec<Stop>> {
        self.merged(t0, span, false)
    }

    fn merged(&self, t0: f64, span: f64, has_end: bool) -> Result<Vec<Stop>> {
        self.check_entries(span)?;
        // The span stands for a period where there is none in it.
        let shortest = self.periods().fold(span, f64::min);
        let tolerance = MERGED.min(MERGED_OF_PERIOD * shortest).max(rounding(t0, t0 + span));
        let mut stops: Vec<Stop> = Vec::new();
        // How many stops there were when each callback fired last. Where the tolerance is the rounding of large times, it
        // may be longer than a period.
        let mut fired_in = vec![0; self.callbacks.len()];
        for Entry { tau, event, .. } in self.entries(t0, span, has_end) {
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

    /// The length of a span that begins at `t0` and has some of `stops`: one of them itself if a multiple of a period misses
    /// the end by rounding alone, where [`Clocks::stops`] would move the multiple.
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
    fn entries(&self, t0: f64, span: f64, has_end: bool) -> Vec<Entry> {
        let rounding = rounding(t0, t0 + span);
        let ticks = |dt: f64| {
            // What some span may end at, where there are several: the most that the slack can be.
            let slack = if has_end { self.slack(dt, t0, span) } else { dt / 4.0 };
            multiples(dt, span + slack).map(move |own| (if has_end { snapped(own, span, slack) } else { own }, own))
        };
        let mut entries = Vec::new();
        for (i, callback) in self.callbacks.iter().enumerate() {
            let start = callback.at_start.then_some((0.0, 0.0)).into_iter();
            let fires = start.chain(ticks(callback.dt));
            entries.extend(fires.map(|(tau, own)| Entry { tau, own, event: Event::Fire(i) }));
        }
        for dt in &self.discrete_dts {
            entries.extend(ticks(*dt).map(|(tau, own)| Entry { tau, own, event: Event::Sample }));
        }
        let end = span - rounding.max(self.resolution(span));
        let cuts = self.times.iter().map(|t| t - t0).filter(|tau| rounding < *tau && *tau < end);
        entries.extend(cuts.map(|tau| Entry { tau, own: tau, event: Event::Cut }));

        // A merge sort: every period has put its own in order already.
        entries.sort_by(|a, b| a.tau.total_cmp(&b.tau));
        for equal in entries.chunk_by_mut(|a, b| b.tau - a.tau <= ROUNDING * b.tau) {
            let tau = equal[0].tau;
            equal.iter_mut().for_each(|entry| entry.tau = tau);
            equal.sort_by(|a, b| a.own.total_cmp(&b.own));
            for same in equal.chunk_by_mut(|a, b| b.own - a.own <= ROUNDING * b.own) {
                same.sort_unstable_by_key(|entry| entry.event);
            }
        }
        entries
    }
}

impl Stop {
    /// Whether callbacks fire there.
    pub fn fires(&self) -> bool {
        !self.callbacks.is_empty()
    }
}

/// Multiples of a period up to a time, from the first on.
fn multiples(dt: f64, last: f64) -> impl Iterator<Item = f64> {
    (1..=(last / dt) as u64).map(move |k| k as f64 * dt)
}

/// The end itself where a time misses it by `slack`.
fn snapped(tau: f64, span: f64, slack: f64) -> f64 {
    if tau < span - slack { tau } else { span }
}

fn slack(dt: f64, rounding: f64) -> f64 {
    (SNAPPED_OF_PERIOD * dt).max(rounding).min(dt / 4.0)
}

/// What is uncertain of the difference of two times.
fn rounding(t0: f64, t: f64) -> f64 {
    (ROUNDING * t0.abs().max(t.abs())).max(f64::MIN_POSITIVE)
}
