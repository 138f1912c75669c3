//! The options of `ensolve run`, and how they override the model file's `run` and `ensemble` sections.

use super::checkpoint::CheckpointArgs;
use super::statistics::{StatisticsArgs, memory};
use super::vary::{self, Vary};
use super::{save_at, vary::finite};
use clap::{Args, ValueEnum};
use ensolve::sampling::Sampling;
use ensolve::spec::{EnsembleSettings, Tolerance};
use ensolve::{
    Arithmetic, Backend, BackendChoice, Distribution, Error, Precision, Result, RunSettings, Save, SavePolicy, output,
    plan,
};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub struct RunArgs {
    /// Model file (JSON); its 'run' and 'ensemble' sections hold what the options below leave open
    pub model: PathBuf,
    /// Start and end time, in the model's unit of time; either may be negative
    #[arg(long, num_args = 2, value_names = ["A", "B"], allow_negative_numbers = true, value_parser = finite)]
    pub tspan: Option<Vec<f64>>,
    /// Let time run backward: A is the later end of the time span then. --backward=false has it run forward, whatever the file
    /// says
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub backward: Option<bool>,
    #[command(flatten)]
    pub ensemble: EnsembleArgs,
    #[command(flatten)]
    pub steps: StepArgs,
    #[command(flatten)]
    pub tolerances: ToleranceArgs,
    #[command(flatten)]
    pub save: SaveArgs,
    /// Solve K of the trajectories again in f64 at a hundredth of the tolerances, and say how large the errors are in
    /// units of the tolerances. A tolerance bounds the error of a step: errors add up, and grow without bound where the
    /// model is chaotic
    #[arg(long, value_name = "K", value_parser = verified, allow_negative_numbers = true, help_heading = "Results")]
    pub verify: Option<u64>,
    #[command(flatten)]
    pub statistics: StatisticsArgs,
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

impl RunArgs {
    /// Refuses to write a file over another one of the same command.
    pub fn check_files(&self, varied: &EnsembleSettings) -> Result<()> {
        let tables: Vec<PathBuf> = varied
            .vary
            .values()
            .filter_map(|how| if let Distribution::Csv { file, .. } = how { Some(PathBuf::from(file)) } else { None })
            .collect();
        let read = [("the model", Some(&self.model)), ("--save-at", self.save.save_at.as_ref())];
        let read = read.into_iter().chain(tables.iter().map(|table| ("a table of inputs", Some(table))));
        let (checkpoint, resumed) = (self.checkpoint.checkpoint.as_ref(), self.checkpoint.resume.as_ref());
        let written = [
            ("--out", self.save.out.as_ref()),
            ("--keep-out", self.statistics.keep_out.as_ref()),
            ("--checkpoint", checkpoint),
            ("--resume", resumed.filter(|_| checkpoint.is_none())),
        ];
        let all: Vec<(&str, &PathBuf)> = read.chain(written).filter_map(|(name, path)| Some((name, path?))).collect();
        let clash = |i: usize| {
            let (name, path) = all[i];
            let is_written = written.iter().any(|(other, _)| *other == name);
            all[..i]
                .iter()
                .find(|(_, other)| is_written && output::is_same(other, path))
                .map(|(other, _)| (name, *other))
        };
        match (0..all.len()).find_map(clash) {
            None => Ok(()),
            Some((name, other)) => {
                Err(Error::run(format!("{name} would be written over the file of {other}; give them different names")))
            }
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Ensemble")]
pub struct EnsembleArgs {
    /// Number of trajectories, such as 1000 or 1e6 [default: the file's, else as many as lists and grids have, else 1]
    #[arg(long, value_parser = at_least_one, allow_negative_numbers = true)]
    pub n: Option<u64>,
    /// Seed of the random inputs; the same seed gives the same inputs on any machine [default: 0]
    #[arg(long, value_parser = whole, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// How random inputs are spread: each on its own (random), in each of N strata of every quantity one (latin_hypercube), or
    /// as a scrambled Sobol sequence (sobol), for which N should be a power of two [default: random]
    #[arg(long, value_name = "NAME", value_parser = sampling)]
    pub sampling: Option<Sampling>,
    #[arg(long, value_name = "NAME=DISTRIBUTION", value_parser = vary::parse, help = vary::HELP)]
    pub vary: Vec<Vary>,
    /// Replay trajectory I (from 0) of the ensemble alone
    #[arg(long, value_name = "I", value_parser = whole, allow_negative_numbers = true)]
    pub only: Option<u64>,
}

#[derive(Args)]
#[command(next_help_heading = "Method")]
pub struct StepArgs {
    #[arg(long, value_name = "NAME", help = format!("Method: {} [default: {}]", methods(), plan::DEFAULT_METHOD))]
    pub method: Option<String>,
    /// Step size, in the unit of time: every step has it, unless --adaptive makes it the first step
    #[arg(long, value_name = "H", value_parser = finite, allow_negative_numbers = true)]
    pub dt: Option<f64>,
    /// Let the step size follow the error [default, unless --dt is given or the method has no error estimate]
    #[arg(long, conflicts_with = "fixed")]
    pub adaptive: bool,
    /// Take steps of size --dt, whatever the error
    #[arg(long)]
    pub fixed: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Tolerances")]
pub struct ToleranceArgs {
    #[arg(long, value_name = "R", value_parser = finite, allow_negative_numbers = true,
          help = format!("Relative error of a step, of every state [default: {:e}]", plan::DEFAULT_RTOL))]
    pub rtol: Option<f64>,
    #[arg(long, value_name = "A", value_parser = finite, allow_negative_numbers = true,
          help = format!("Absolute error of a step, in the unit of each state [default: {:e}]", plan::DEFAULT_ATOL))]
    pub atol: Option<f64>,
    /// Smallest adaptive step, in the unit of time; a trajectory that needs a smaller one ends [default: 0]
    #[arg(long, value_name = "H", value_parser = finite, allow_negative_numbers = true)]
    pub dt_min: Option<f64>,
    /// Largest adaptive step, in the unit of time; one that ends at a stop may be a thousandth longer [default: the whole span]
    #[arg(long, value_name = "H", value_parser = finite, allow_negative_numbers = true)]
    pub dt_max: Option<f64>,
    #[arg(long, value_name = "N", value_parser = whole_u32, allow_negative_numbers = true,
          help = format!("Most steps of one trajectory, rejected ones included [default: {} and {} for each stop, with stops in time spans of their own {}; fixed steps: no limit]",
                         plan::DEFAULT_MAX_STEPS, plan::DEFAULT_STEPS_PER_STOP, plan::DEFAULT_MAX_STEPS_OWN_SPAN))]
    pub max_steps: Option<u32>,
}

#[derive(Args)]
#[command(next_help_heading = "Results")]
pub struct SaveArgs {
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true, group = "when",
          help = "Save N equally spaced times, both ends included [default: 2; one trajectory: every accepted step]")]
    pub save_points: Option<u64>,
    /// Save every H units of time, and the end
    #[arg(long, value_name = "H", value_parser = finite, allow_negative_numbers = true, group = "when")]
    pub dtsave: Option<f64>,
    /// Save at the times in FILE: one a line, ascending, inside the time span
    #[arg(long, value_name = "FILE", group = "when")]
    pub save_at: Option<PathBuf>,
    /// Save the end only
    #[arg(long, group = "when")]
    pub save_final: bool,
    /// Save the start and every accepted step
    #[arg(long, group = "when")]
    pub save_steps: bool,
    /// What is saved besides: 'standard' adds the sample times of discrete fields (not with --save-final), 'as_given' nothing,
    /// 'numen' saves what numen does [default: standard]
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    pub save_policy: Option<SavePolicy>,
    /// Save twice where callbacks fire: before and after they do
    #[arg(long)]
    pub save_after_firing: bool,
    /// Most rows of one trajectory where every accepted step is saved [default: as many as fit into half a
    /// gigabyte and a buffer of the GPU]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub max_saved: Option<u64>,
    /// Write the saved values to FILE: .csv, .json or .npz (NumPy); without it nothing is written
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// States and outputs to show and to write, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
}

#[derive(Args)]
#[command(next_help_heading = "Machine")]
pub struct MachineArgs {
    /// Where to run: auto takes a real GPU where there is one, else the CPU, and says why
    #[arg(long, value_enum, default_value_t = BackendName::Auto)]
    pub backend: BackendName,
    /// The GPU whose name contains NAME, in any case ('ensolve adapters' lists them), or 'all': the GPUs share the trajectories
    /// [default: the best one]
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Number format: f32 (7 digits), f64 (16), or f32x2 (14, from two f32) where a GPU's f64 is missing or slow
    /// [default: f64 on the CPU, f32 on a GPU]
    #[arg(long, value_name = "FORMAT", value_parser = precision)]
    pub precision: Option<Precision>,
    /// Have the GPU round every operation as written: the same bits as on the CPU; refused where the adapter cannot
    #[arg(long, conflicts_with = "fast_math")]
    pub exact: bool,
    /// Use the GPU driver's own sin, exp, pow, ... in f32: faster, and as inaccurate as WGSL allows (sin to 5e-4, and only
    /// on [-pi, pi]; exp to 3 + 2|x| units in the last place; log to 5e-7 near 1)
    #[arg(long)]
    pub fast_math: bool,
    /// Carry the rounding of each step's sum to the next step (true or false) [default: in f32 for fixed
    /// steps and with callbacks, and in f32x2]
    #[arg(long, value_name = "BOOL")]
    pub compensated: Option<bool>,
    /// Most memory that trajectories take at once, on each adapter, such as 500M or 2G; no trajectory depends on it, and no
    /// statistics if 1024 trajectories fit [default: what is fast]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub memory: Option<u64>,
    /// Have trajectories whose first steps tell that they take long go first on a GPU; no result depends on it
    #[arg(long)]
    pub order_by_cost: bool,
    /// Milliseconds that the work of a GPU is cut into, 1 to 10000: a desktop stays smooth and no watchdog fires [default: 50]
    #[arg(long, value_name = "MS", value_parser = slice_ms, allow_negative_numbers = true)]
    pub slice_ms: Option<u64>,
    /// Integrate R times and show the time of each; the results are the last ones
    #[arg(long, value_name = "R", value_parser = whole_u32, allow_negative_numbers = true)]
    pub reps: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum BackendName {
    Auto,
    Gpu,
    Cpu,
}

fn methods() -> String {
    ensolve::method::TABLEAUS.map(|tableau| tableau.name).join(", ")
}

/// Reads a number format.
pub fn precision(text: &str) -> std::result::Result<Precision, String> {
    Precision::parse(text).ok_or_else(|| format!("known: {}", Precision::ALL.map(Precision::name).join(", ")))
}

fn sampling(text: &str) -> std::result::Result<Sampling, String> {
    let known = || Sampling::ALL.map(Sampling::name).join(", ");
    Sampling::ALL.into_iter().find(|sampling| sampling.name() == text).ok_or_else(|| format!("known: {}", known()))
}

fn policy(text: &str) -> std::result::Result<SavePolicy, String> {
    let known = || SavePolicy::ALL.map(SavePolicy::name).join(", ");
    SavePolicy::ALL.into_iter().find(|policy| policy.name() == text).ok_or_else(|| format!("known: {}", known()))
}

/// Reads a whole number.
pub fn whole(text: &str) -> std::result::Result<u64, String> {
    let from_float = || text.parse().ok().filter(|x: &f64| *x >= 0.0 && *x == x.trunc() && *x < 9e15).map(|x| x as u64);
    text.parse().ok().or_else(from_float).ok_or_else(|| "expected a whole number, such as 1000 or 1e6".to_string())
}

fn at_least_one(text: &str) -> std::result::Result<u64, String> {
    match whole(text)? {
        0 => Err("an ensemble has at least 1 trajectory".to_string()),
        n => Ok(n),
    }
}

fn verified(text: &str) -> std::result::Result<u64, String> {
    match whole(text)? {
        0 => Err("0 trajectories verify nothing; give at least 1".to_string()),
        k => Ok(k),
    }
}

fn slice_ms(text: &str) -> std::result::Result<u64, String> {
    match whole(text)? {
        ms @ 1..=10_000 => Ok(ms),
        _ => Err("expected 1 to 10000".to_string()),
    }
}

fn whole_u32(text: &str) -> std::result::Result<u32, String> {
    u32::try_from(whole(text)?).map_err(|_| format!("at most {} are possible", u32::MAX))
}

impl StepArgs {
    /// The method, over what the file says.
    pub fn over(&self, file: &RunSettings) -> RunSettings {
        let adaptive = if self.fixed { Some(false) } else { self.adaptive.then_some(true) };
        let flags = RunSettings { method: self.method.clone(), dt: self.dt, adaptive, ..Default::default() };
        let mut run = flags.or(file);
        // A file's limits of adaptive steps are no contradiction to fixed steps that the command line asks for.
        let has_error = |name: &str| ensolve::method::tableau(name).is_ok_and(|tableau| tableau.error.is_some());
        let by_default = run.dt.is_none() && has_error(run.method.as_deref().unwrap_or(plan::DEFAULT_METHOD));
        let asked = self.fixed || self.dt.is_some() || self.method.is_some();
        if asked && !run.adaptive.unwrap_or(by_default) {
            (run.dt_min, run.dt_max) = (None, None);
        }
        run
    }
}

impl RunArgs {
    /// The run, over what the file says; trajectories may have time spans of their own.
    pub fn settings(&self, file: &RunSettings, has_own_tspan: bool) -> Result<RunSettings> {
        let scalar = |value: Option<f64>| value.map(Tolerance::Scalar);
        let tspan = self.tspan.as_deref().and_then(|ends| <[f64; 2]>::try_from(ends).ok()).map(|[t0, t1]| (t0, t1));
        if tspan.or(file.tspan).is_none() && !has_own_tspan {
            return Err(Error::run("tspan is missing; give --tspan A B, or \"tspan\": [A, B] in the file's \"run\""));
        }
        let flags = RunSettings {
            tspan,
            rtol: scalar(self.tolerances.rtol),
            atol: scalar(self.tolerances.atol),
            dt_min: self.tolerances.dt_min,
            dt_max: self.tolerances.dt_max,
            max_steps: self.tolerances.max_steps,
            backward: self.backward,
            save: self.save.times(tspan.or(file.tspan), self.backward.or(file.backward) == Some(true))?,
            save_policy: self.save.save_policy,
            save_after_firing: self.save.save_after_firing.then_some(true),
            max_saved: self.save.max_saved,
            reps: self.machine.reps,
            precision: self.machine.precision,
            arithmetic: self.machine.arithmetic(),
            compensated: self.machine.compensated,
            ..Default::default()
        };
        Ok(flags.or(&self.steps.over(file)))
    }

    /// The ensemble, over what the file says.
    pub fn ensemble(&self, file: &EnsembleSettings) -> Result<EnsembleSettings> {
        let args = &self.ensemble;
        let mut vary = file.vary.clone();
        for (i, Vary { name, distribution }) in args.vary.iter().enumerate() {
            if args.vary[..i].iter().any(|other| other.name == *name) {
                return Err(Error::run(format!("--vary gives '{name}' twice; keep one of them")));
            }
            // To the end: of several grids the last one on the command line varies fastest.
            vary.shift_remove(name);
            vary.insert(name.clone(), distribution.clone());
        }
        let (size, seed) = (args.n.or(file.size), args.seed.or(file.seed));
        Ok(EnsembleSettings { size, seed, sampling: args.sampling.or(file.sampling), vary })
    }

    /// The trajectories to solve.
    pub fn range(&self, size: u64) -> Result<Range<u64>> {
        match self.ensemble.only {
            None => Ok(0..size),
            Some(i) if i < size => Ok(i..i + 1),
            Some(i) => {
                let last = size - 1;
                Err(Error::run(format!(
                    "--only {i}: the ensemble has {size} trajectories; give a number from 0 to {last}"
                )))
            }
        }
    }
}

impl SaveArgs {
    fn times(&self, tspan: Option<(f64, f64)>, is_backward: bool) -> Result<Option<Save>> {
        if let Some(path) = &self.save_at {
            return save_at::read(path, tspan, is_backward).map(|times| Some(Save::At(times)));
        }
        let points = self.save_points.map(|n| Save::Points(usize::try_from(n).unwrap_or(usize::MAX)));
        let whole = [(self.save_final, Save::Final), (self.save_steps, Save::Steps)];
        let whole = whole.into_iter().find(|(asked, _)| *asked).map(|(_, save)| save);
        Ok(points.or(self.dtsave.map(Save::Every)).or(whole))
    }
}

impl MachineArgs {
    /// Tells a backend how to go about it.
    pub fn set_up(&self, backend: &mut dyn Backend) {
        self.memory.iter().for_each(|bytes| backend.limit_memory(*bytes));
        backend.order_by_cost(self.order_by_cost);
        self.slice_ms.iter().for_each(|ms| backend.aim_at(Duration::from_millis(*ms)));
    }

    fn arithmetic(&self) -> Option<Arithmetic> {
        match (self.exact, self.fast_math) {
            (true, _) => Some(Arithmetic::Exact),
            (_, true) => Some(Arithmetic::FastMath),
            _ => None,
        }
    }

    /// The backend asked for.
    pub fn choice(&self) -> Result<BackendChoice> {
        match (self.backend, &self.adapter) {
            (BackendName::Cpu, Some(adapter)) => Err(Error::run(format!(
                "--adapter '{adapter}' names a GPU, which --backend cpu does not use; leave out one of them"
            ))),
            (BackendName::Cpu, None) => Ok(BackendChoice::Cpu),
            (BackendName::Gpu, _) => Ok(BackendChoice::Gpu),
            (BackendName::Auto, _) => Ok(BackendChoice::Auto),
        }
    }
}
