//! Settings and defaults of a run to a [`Job`]: the method, the tolerances, when the integration is cut and when it is saved.
//!
//! In: a compiled model, [`RunSettings`] and the inputs' time spans. Out: a [`Plan`], which backends can run. Nothing here
//! draws inputs, integrates or stores results.

use crate::compile::{CompiledCallback, CompiledSpec};
use crate::error::{Error, Result};
use crate::job::{AFTER_FIRING, Cut, Inputs, Job, Saves, check_span};
use crate::method::{Controller, Method, Stepping};
use crate::real::Precision;
use crate::schedule::{self, Clocks, Period, SaveTimes, Saving, Stop};
use crate::spec::{RunSettings, Save, SavePolicy};
use crate::tolerances::{raise_to_floor, tolerances};

/// Method where none is named.
pub const DEFAULT_METHOD: &str = "tsit5";
/// Relative tolerance where none is given.
pub const DEFAULT_RTOL: f64 = 1e-6;
/// Absolute tolerance where none is given.
pub const DEFAULT_ATOL: f64 = 1e-8;
/// Attempted steps of one trajectory where no limit is given and the steps are adaptive, besides
pub const DEFAULT_MAX_STEPS: u32 = 100_000;
/// so many for each stop;
pub const DEFAULT_STEPS_PER_STOP: u32 = 1000;
/// or, where time spans of their own have each its own number of stops, so many.
pub const DEFAULT_MAX_STEPS_OWN_SPAN: u32 = 1_000_000;

/// A run, ready for a backend.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// What to integrate and how; the same for all trajectories.
    pub job: Job<'a>,
    /// Save times as reported; empty where they differ from trajectory to trajectory or are those of the accepted steps.
    pub t: Vec<f64>,
    /// When the callbacks fire, and which, as offsets from t0.
    pub stops: Vec<Stop>,
    /// What the user should know of the run's accuracy.
    pub warnings: Vec<String>,
    rules: Rules,
}

/// What stops and save times follow from, for trajectories with spans of their own.
#[derive(Debug, Clone)]
struct Rules {
    clocks: Clocks,
    saving: Saving,
    /// Whether the limit of steps is the default.
    limits_steps: bool,
    /// Most rows where every accepted step is saved, as the user wants it and as the backend holds it, of how many
    /// trajectories.
    max_saved: Option<u64>,
    holds: usize,
    n_traj: u64,
    is_backward: bool,
}

/// Everything that a backend needs to know of a run of `n_traj` trajectories, checked. Time runs forward here: see
/// [`oriented`].
///
/// # Errors
/// [`Error::Run`] with the setting at fault.
pub fn plan<'a>(
    spec: &'a CompiledSpec,
    run: &RunSettings,
    method: &'a Method,
    precision: Precision,
    n_traj: u64,
) -> Result<Plan<'a>> {
    let own_span = run.tspan.is_none() && spec.own_tspan.is_some();
    // Spans of their own are known with the inputs only.
    let (t0, t1) = match run.tspan {
        Some(tspan) => tspan,
        None if own_span => (0.0, 1.0),
        None => return Err(Error::run("tspan is missing; give a start and an end time")),
    };
    check_span(t0, t1)?;
    // Of an ensemble both ends, unless something else is asked for.
    let (save, policy) = match (&run.save, run.save_policy) {
        (None, None) if n_traj > 1 => (Some(Save::Points(2)), SavePolicy::AsGiven),
        (None, Some(policy)) if n_traj > 1 && policy != SavePolicy::Numen => (Some(Save::Points(2)), policy),
        (save, policy) => (save.clone(), policy.unwrap_or_default()),
    };
    let callback = |callback: &CompiledCallback| Period { dt: callback.dt, at_start: callback.at_start };
    let rules = Rules {
        clocks: Clocks {
            callbacks: spec.callbacks.iter().map(callback).collect(),
            discrete_dts: spec.discrete_dts.clone(),
            times: spec.stops.clone(),
            epsilon: precision.epsilon(),
        },
        saving: Saving {
            save,
            policy,
            after_firing: run.save_after_firing.unwrap_or(false),
            has_callbacks: !spec.callbacks.is_empty(),
        },
        limits_steps: run.max_steps.is_none() && method.is_adaptive(),
        max_saved: run.max_saved,
        holds: usize::MAX,
        n_traj,
        is_backward: run.backward == Some(true),
    };
    let job = Job {
        program: &spec.program,
        method,
        precision,
        arithmetic: run.arithmetic.unwrap_or_default(),
        compensated: run.compensated.unwrap_or_else(|| compensated(spec, method, precision)),
        t0,
        t1,
        saves: Saves::Own(1),
        cuts: Vec::new(),
        own_span,
        rtol: tolerances(spec, "rtol", run.rtol.as_ref(), DEFAULT_RTOL)?,
        atol: tolerances(spec, "atol", run.atol.as_ref(), DEFAULT_ATOL)?,
        max_steps: run.max_steps.unwrap_or(u32::MAX),
    };
    let mut plan = Plan { job, t: Vec::new(), stops: Vec::new(), warnings: Vec::new(), rules };
    // Those of spans of their own come with the spans.
    plan.set_stops(if own_span { Vec::new() } else { plan.rules.clocks.stops(t0, t1 - t0)? });
    if plan.rules.saving.is_every_step(!spec.discrete_dts.is_empty()) {
        plan.job.saves = plan.rules.steps(&plan.job)?;
    } else if !own_span {
        let times = plan.rules.saving.times((t0, t1), t1 - t0, &plan.stops)?.unwrap_or_default();
        plan.job.saves = Saves::At(marked(&times, &plan.stops, precision).collect());
        plan.t = times.t;
    }
    if let (Some(most), false) = (run.max_saved, plan.job.form().saves_steps) {
        return Err(Error::run(format!(
            "max_saved {most} limits the rows where every accepted step is saved, but save times are given; leave out one of them"
        )));
    }
    if !own_span {
        plan.job.check()?;
    }
    plan.warnings = raise_to_floor(&mut plan.job);
    Ok(plan)
}

impl Plan<'_> {
    /// What save times and stops follow from, where they are known with the inputs only.
    pub(crate) fn timing(&self) -> impl std::fmt::Debug {
        let Rules { clocks, saving, max_saved, .. } = &self.rules;
        (clocks, saving, max_saved)
    }

    /// Every span of a trajectory's own must have an end, in the direction of the run.
    ///
    /// # Errors
    /// [`Error::Run`] with the trajectory at fault, counted from `first`, and times as the user gave them.
    pub fn check_spans(&self, inputs: &Inputs, first: u64) -> Result<()> {
        for (i, (t0, t1)) in inputs.t0.iter().zip(&inputs.t1).enumerate() {
            match self.rules.is_backward {
                true => check_backward(0.0 - t0, 0.0 - t1),
                false => check_span(*t0, *t1),
            }
            .map_err(of_trajectory(first, i))?;
        }
        Ok(())
    }

    /// Where trajectories have spans of their own: stops up to the end of the longest, and room for as many save times as any
    /// may have, which decides how many trajectories a backend can take at once.
    ///
    /// # Errors
    /// [`Error::Run`] with the trajectory at fault, counted from `first`.
    pub fn reserve(&mut self, inputs: &Inputs, first: u64) -> Result<()> {
        if !self.job.own_span {
            return Ok(());
        }
        let (mut start, mut end, mut span) = (f64::INFINITY, f64::NEG_INFINITY, 0.0f64);
        for (i, (t0, t1)) in inputs.t0.iter().zip(&inputs.t1).enumerate() {
            self.job.check_time(*t0, *t1).map_err(of_trajectory(first, i))?;
            (start, end, span) = (start.min(*t0), end.max(*t1), span.max(t1 - t0));
        }
        self.set_stops(self.rules.clocks.stops_of_spans(start, span)?);
        (self.job.t0, self.job.t1) = (start, end);
        self.job.saves = match self.job.form().saves_steps {
            true => self.rules.steps(&self.job)?,
            false => Saves::Own(self.rules.saving.most(span, &self.stops)),
        };
        Ok(())
    }

    /// Settles when trajectories with spans of their own end and are saved, after [`Plan::reserve`]. Returns the save times as
    /// reported, `[n_save][n_traj]` with NaN beyond the last.
    ///
    /// # Errors
    /// [`Error::Run`] with the trajectory at fault, counted from `first`.
    pub fn settle(&mut self, inputs: &mut Inputs, first: u64) -> Result<Option<Vec<f64>>> {
        if !self.job.own_span {
            return Ok(None);
        }
        let (clocks, n) = (&self.rules.clocks, inputs.n_traj);
        for (t0, span) in inputs.t0.iter().zip(&mut inputs.span) {
            *span = clocks.end(*t0, *span, &self.stops);
        }
        let mut reported = None;
        if !self.job.form().saves_steps {
            let mut lists = Vec::with_capacity(n);
            for i in 0..n {
                let (tspan, span) = ((inputs.t0[i], inputs.t1[i]), inputs.span[i]);
                let stops = &self.stops[..self.stops.partition_point(|stop| stop.tau <= span)];
                let times = self.rules.saving.times(tspan, span, stops).map_err(of_trajectory(first, i))?;
                lists.push(times.unwrap_or_default());
            }
            let most = lists.iter().map(|list| list.t.len()).max().unwrap_or(0).max(1);
            let mut times = vec![f64::NAN; most * n];
            inputs.tau_save = vec![f64::INFINITY; most * n];
            for (i, list) in lists.iter().enumerate() {
                let taus = marked(list, &self.stops, self.job.precision);
                for (row, (t, tau)) in list.t.iter().zip(taus).enumerate() {
                    (times[row * n + i], inputs.tau_save[row * n + i]) = (*t, tau);
                }
            }
            self.job.saves = Saves::Own(most);
            reported = Some(times);
        }
        self.job.check()?;
        Ok(reported)
    }

    /// Where every accepted step is saved and the user does not say how many: no more rows than a backend holds.
    pub fn limit_saved(&mut self, limit: usize) {
        self.rules.holds = limit.max(1);
        if let (Saves::Steps { most, .. }, None) = (&mut self.job.saves, self.rules.max_saved) {
            *most = self.rules.holds.min(*most);
        }
    }

    fn set_stops(&mut self, stops: Vec<Stop>) {
        self.stops = stops;
        let cuts = |stop: &Stop| {
            let callbacks: Vec<Option<u32>> = match stop.callbacks[..] {
                [] => vec![None],
                _ => stop.callbacks.iter().map(|number| Some(*number as u32)).collect(),
            };
            let tau = stop.tau;
            callbacks.into_iter().map(move |callback| Cut { tau, callback })
        };
        self.job.cuts = self.stops.iter().flat_map(cuts).collect();
        if self.rules.limits_steps {
            let n_stop = (self.stops.len() + self.job.program.n_own_stop) as u32;
            self.job.max_steps = match self.job.own_span && self.job.program.has_stops {
                // Which stops there are is known for the longest span of a chunk only, which is nothing to the others.
                true => DEFAULT_MAX_STEPS_OWN_SPAN,
                false => DEFAULT_MAX_STEPS.saturating_add(n_stop.saturating_mul(DEFAULT_STEPS_PER_STOP)),
            };
        }
    }
}

/// Says whose error it is.
fn of_trajectory(first: u64, i: usize) -> impl Fn(Error) -> Error {
    move |e| Error::run(format!("trajectory {}: {e}", first + i as u64))
}

/// The offsets of save times as a job has them. What comes after a firing in f64 is after it in every format, also where
/// the number is the same.
fn marked(times: &SaveTimes, stops: &[Stop], precision: Precision) -> impl Iterator<Item = f64> {
    times.tau.iter().enumerate().map(move |(i, tau)| {
        let is_second = i > 0 && times.tau[i - 1] == *tau;
        let last = stops[..stops.partition_point(|stop| stop.tau <= *tau)].last().filter(|stop| stop.fires());
        let is_after = |stop: &Stop| is_second || stop.tau < *tau && precision.round(stop.tau) == precision.round(*tau);
        if last.is_some_and(is_after) { AFTER_FIRING } else { *tau }
    })
}

impl Rules {
    /// Every accepted step, as far as memory that anybody has allows.
    fn steps(&self, job: &Job) -> Result<Saves> {
        let n_traj = self.n_traj;
        if self.max_saved == Some(0) {
            return Err(Error::run("max_saved must be at least 1"));
        }
        let values = (job.program.n_row() as u64 + 1).saturating_mul(n_traj);
        let is_counted = !job.method.is_adaptive() && !job.own_span;
        let steps = if is_counted { job.n_steps().min(job.max_steps) } else { job.max_steps };
        let needed = u64::from(steps) + 2 * job.cuts.len() as u64 + job.program.n_own_stop as u64 + 2;
        let held = (MAX_SAVED_VALUES / values).max(2).min(self.holds as u64);
        let most = self.max_saved.unwrap_or(held).min(needed);
        let fits = |n: &u64| usize::try_from(*n).is_ok_and(|n| Vec::<f64>::new().try_reserve_exact(n).is_ok());
        if most.checked_mul(values).filter(fits).is_none() {
            return Err(Error::run(format!(
                "{most} rows of {n_traj} trajectories do not fit into memory; lower max_saved, or save at given times"
            )));
        }
        Ok(Saves::Steps { most: most as usize, after_firing: self.saving.after_firing })
    }
}

/// Values of all trajectories that are kept where every accepted step is saved and nothing else is said: half a gigabyte.
const MAX_SAVED_VALUES: u64 = 1 << 26;

/// The model and the run as the integrators see them: with time running forward. A run backward from t0 to t1 is the run
/// forward from -t0 to -t1 of dy/ds = -f(-s, y), s = -t; its times are the negative of the user's.
///
/// # Errors
/// [`Error::Run`] where `backward` and the time span contradict each other, or save times do not descend.
pub fn oriented<'a>(spec: &'a CompiledSpec, run: &RunSettings) -> Result<(&'a CompiledSpec, RunSettings)> {
    if run.backward != Some(true) {
        return Ok((spec, run.clone()));
    }
    let mirrored = |t: f64| 0.0 - t;
    let mut run = run.clone();
    if let Some((t0, t1)) = run.tspan {
        check_backward(t0, t1)?;
        if let Some(Save::At(times)) = &run.save {
            let back: Vec<f64> = times.iter().rev().copied().collect();
            schedule::check_times(&back, t1, t0).map_err(|e| {
                Error::run(format!("{e}; backward in time they are listed from the latest to the earliest"))
            })?;
        }
        run.tspan = Some((mirrored(t0), mirrored(t1)));
    }
    if let Some(Save::At(times)) = &mut run.save {
        if let Some(pair) = times.windows(2).find(|pair| !(pair[0] > pair[1])) {
            return Err(Error::run(format!(
                "save times must descend backward in time, found {} before {}",
                pair[0], pair[1]
            )));
        }
        times.iter_mut().for_each(|t| *t = mirrored(*t));
    }
    Ok((spec.reversed(), run))
}

fn check_backward(t0: f64, t1: f64) -> Result<()> {
    if t1 < t0 && (t0 - t1).is_finite() {
        return Ok(());
    }
    Err(Error::run(format!(
        "backward needs a finite tspan with t1 < t0, got [{t0}, {t1}]; leave out backward, or swap the ends"
    )))
}

/// The method of a run: adaptive where it can be, unless a fixed step is asked for.
///
/// # Errors
/// [`Error::Method`] for unknown names and for contradictions.
pub fn method(run: &RunSettings) -> Result<Method> {
    let tableau = match run.tableau {
        Some(own) => own,
        None => crate::method::tableau(run.method.as_deref().unwrap_or(DEFAULT_METHOD))?,
    };
    let adaptive = run.adaptive.unwrap_or(tableau.error.is_some() && run.dt.is_none());
    if !adaptive {
        let dt = run
            .dt
            .ok_or_else(|| Error::Method(format!("'{}' with fixed steps needs a step size: give dt", tableau.name)))?;
        for (name, given) in [("dt_min", run.dt_min), ("dt_max", run.dt_max)] {
            if given.is_some() {
                return Err(Error::Method(format!(
                    "{name} has no meaning for fixed steps; set adaptive to true, or leave out {name}"
                )));
            }
        }
        return Method::fixed(tableau, dt);
    }
    let controller = Controller {
        dt_min: run.dt_min.unwrap_or(0.0),
        dt_max: run.dt_max.unwrap_or(f64::INFINITY),
        dt_first: run.dt,
        ..Controller::default()
    };
    Method::adaptive(tableau, controller)
}

/// Whether the state update is compensated by default: where that was measured to matter (`tests/precision.rs`). Over 10
/// Kepler orbits in f32, rk4 with 62,800 steps errs by 2e-3 without and by 6e-6 with it; Lorenz-96 of 20 states, 5000
/// steps, by 1.5e-1 and 2.7e-2. Adaptive steps at tolerances that f32 can deliver are few, and it changes their error by
/// less than a third; but where clocks cut them they are many: y' = y/8 over 1 errs by 4e-7, 1.7e-6 and 9e-4 with 1000, 10,000
/// and 100,000 firings, by 5e-8 with it, which takes one per cent more time. It is the model that decides, not the number of
/// firings: a kernel serves any span. In f32x2, 125,000 steps over 10 orbits err by 1.4e-10 without and by 1e-12 with it.
fn compensated(spec: &CompiledSpec, method: &Method, precision: Precision) -> bool {
    let has_clocks = !(spec.callbacks.is_empty() && spec.discrete_dts.is_empty());
    match precision {
        Precision::F32 => !method.is_adaptive() || has_clocks,
        Precision::F32x2 => true,
        Precision::F64 => false,
    }
}

/// `tsit5, rtol 1e-6, atol 1e-9` or `rk4, dt 0.001`.
pub fn describe_method(job: &Job) -> String {
    let range = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        if low >= high { format!("{high:e}") } else { format!("{low:e} to {high:e}") }
    };
    match job.method.stepping {
        Stepping::Fixed { dt } => format!("{}, dt {dt}", job.method.name),
        Stepping::Adaptive(_) if job.rtol.is_empty() => job.method.name.clone(),
        Stepping::Adaptive(_) => format!("{}, rtol {}, atol {}", job.method.name, range(&job.rtol), range(&job.atol)),
    }
}
