//! One row: the answers checked, then the time of some runs.
//!
//! A run is a whole call, from the distributions of the inputs to the results, or for a workload of single trajectories as
//! many calls as there are. The first one, on a backend that has compiled nothing, has a time of its own; the others begin
//! with the model's code at hand. Every run is checked outside the time that is taken.

use super::engine::{Engine, Work};
use super::flops;
use super::machine::{self, Machine};
use super::plan::{Case, Place};
use super::reference::{self, Reference, SAMPLES};
use super::row::Row;
use super::workload::Kept;
use crate::compile::CompiledSpec;
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Backend, Job, Silent};
use crate::method::Method;
use crate::plan::{self, Plan};
use crate::solution::EnsembleResult;
use crate::solve::solve_range;
use crate::spec::{Covariance, RunSettings, StatisticsSettings};
use crate::status::Status;
use crate::sweep::{SweepResult, sweep};
use std::ops::Range;
use std::time::{Duration, Instant};

/// Fewest runs,
const RUNS: usize = 5;
/// and least time of all of them;
const TIME: Duration = Duration::from_millis(300);
/// but where runs are long, no more are begun after this.
const ENOUGH: Duration = Duration::from_secs(10);

/// Measures a case.
///
/// # Errors
/// [`Error::Run`] if a trajectory fails or an answer is further from the reference than its tolerance allows, and what
/// [`solve_range`] fails with: then there is no time.
pub fn measure(case: &Case, machine: &Machine) -> Result<Row> {
    let threads = match case.place {
        Place::Cpu { threads, .. } => threads,
        Place::Gpu => machine::threads(),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| Error::run(format!("{threads} threads: {e}")))?;
    pool.install(|| measure_here(case, machine)).map_err(|e| Error::run(format!("{}: {e}", describe(case))))
}

/// `lorenz_adaptive (3 states), tsit5, rtol 1e-6, f64, 2 threads`.
fn describe(case: &Case) -> String {
    let rtol = case.rtol.map_or(String::new(), |rtol| format!(", rtol {rtol:e}"));
    let place = match case.place {
        Place::Cpu { threads: 1, .. } => "1 thread".to_string(),
        Place::Cpu { threads, .. } => format!("{threads} threads"),
        Place::Gpu => "gpu".to_string(),
    };
    format!("{}, {}{rtol}, {}, {place}", case.workload.title(), case.method.name, case.precision)
}

fn measure_here(case: &Case, machine: &Machine) -> Result<Row> {
    let spec = case.workload.world().compile()?;
    let (run, method) = settings(case)?;
    let solver = Solver::new(case, &spec, &run, &method)?;
    let start = Instant::now();
    let mut engine = Engine::new(case.place, machine)?;
    let (_, first) = solver.run(engine.backend())?;
    let first_seconds = start.elapsed().as_secs_f64();
    let mut rel_error = solver.check(&first)?;
    if let Some(finer) = case.finer()? {
        let at = format!("at rtol {:e}", finer.rtol.unwrap_or_default());
        check_only(&finer, &spec, &mut engine).map_err(|e| Error::run(format!("{at}: {e}")))?;
    }

    let (mut times, mut works, mut total) = (Vec::new(), Vec::new(), Duration::ZERO);
    while (times.len() < RUNS || total < TIME) && total < ENOUGH {
        let (time, answer) = solver.run(engine.backend())?;
        rel_error = rel_error.max(solver.check(&answer)?);
        times.push(time.as_secs_f64());
        works.extend(engine.work());
        total += time;
    }
    times.sort_by(f64::total_cmp);
    let (seconds, work) = (times[times.len() / 2], median(works));
    let peak = match (case.place, &machine.gpu) {
        (Place::Gpu, gpu) => gpu.as_ref().map_or(f64::NAN, |gpu| gpu.peak),
        (Place::Cpu { threads, .. }, _) => machine.peak.of(case.precision) * threads as f64,
    };
    let rate = solver.operations(&first) / work.map_or(seconds, |work| work.seconds);
    Ok(Row {
        case: *case,
        first: first_seconds,
        runs: times.len(),
        seconds,
        seconds_min: times[0],
        work,
        rel_error,
        steps: first.steps as f64 / case.trajectories as f64,
        fma_fraction: rate / peak,
    })
}

fn settings(case: &Case) -> Result<(RunSettings, Method)> {
    let run = case.workload.run(case.method, case.rtol, case.first_dt, case.precision);
    let method = plan::method(&run)?;
    Ok((run, method))
}

/// Runs a case once, for its answers; a kernel that is at hand serves any tolerance.
fn check_only(case: &Case, spec: &CompiledSpec, engine: &mut Engine) -> Result<()> {
    let (run, method) = settings(case)?;
    let solver = Solver::new(case, spec, &run, &method)?;
    let (_, answer) = solver.run(engine.backend())?;
    solver.check(&answer).map(|_| ())
}

/// The one of median time.
fn median(mut works: Vec<Work>) -> Option<Work> {
    works.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    works.get(works.len() / 2).copied()
}

/// What is checked of a run.
#[derive(Default)]
struct Answer {
    /// What is compared with the references.
    values: Vec<Vec<f64>>,
    /// Attempted steps of all trajectories.
    steps: u64,
    /// Number of trajectories that have succeeded.
    succeeded: u64,
    /// First trajectory that did not succeed.
    failure: Option<(u64, Status)>,
}

impl Answer {
    /// Takes in some trajectories: of the samples the states at the save times of the reference, the end being the last.
    fn add(&mut self, result: &EnsembleResult, samples: &[u64], saves: &[usize]) {
        let (first, n) = (result.first, result.n_traj() as u64);
        for i in samples.iter().filter(|i| (first..first + n).contains(i)).map(|i| (i - first) as usize) {
            let saved = saves.iter().flat_map(|save| (0..result.n_state).map(move |row| result.saved[[*save, row, i]]));
            self.values.push(saved.chain(result.final_states.column(i).iter().copied()).collect());
        }
        self.steps += result.accepted.iter().chain(&result.rejected).copied().map(u64::from).sum::<u64>();
        self.succeeded += result.status.iter().filter(|status| **status == Status::Success).count() as u64;
        let failed = (first..).zip(&result.status).find(|(_, status)| **status != Status::Success);
        self.failure = self.failure.or(failed.map(|(i, status)| (i, *status)));
    }

    /// The statistics of all trajectories.
    fn of(result: &SweepResult) -> Answer {
        let means = result.quantities.iter().map(|quantity| quantity.mean);
        let variances = result.quantities.iter().map(|quantity| quantity.variance);
        Answer {
            values: vec![means.chain(variances).collect()],
            steps: result.accepted.sum + result.rejected.sum,
            succeeded: result.statuses[Status::Success as usize],
            failure: result.failures.first().map(|failure| (failure.trajectory, failure.status)),
        }
    }
}

/// Means and variances, which any sweep computes, and nothing else.
fn moments() -> StatisticsSettings {
    StatisticsSettings { covariance: Some(Covariance::None), quantiles: Some(Vec::new()), ..Default::default() }
}

/// A case made ready.
struct Solver<'a> {
    case: &'a Case,
    spec: &'a CompiledSpec,
    run: &'a RunSettings,
    plan: Plan<'a>,
    ensemble: Ensemble,
    /// What the answers are compared with.
    known: Vec<Vec<f64>>,
    samples: [u64; SAMPLES],
    /// Save times, before the end, at which trajectories are compared.
    saves: Vec<usize>,
    allowed: f64,
    /// Operations of a step.
    step: u64,
}

impl<'a> Solver<'a> {
    fn new(case: &'a Case, spec: &'a CompiledSpec, run: &'a RunSettings, method: &'a Method) -> Result<Self> {
        let workload = case.workload;
        let plan = plan::plan(spec, run, method, case.precision, case.trajectories)?;
        let mut solver = Solver {
            case,
            spec,
            run,
            ensemble: Ensemble::new(spec, &workload.ensemble(case.trajectories))?,
            known: Vec::new(),
            samples: workload.samples(case.trajectories),
            saves: Vec::new(),
            allowed: workload.allowed_error(case.method, case.rtol, case.precision),
            step: flops::step(&plan.job),
            plan,
        };
        if workload.kept == Kept::Statistics {
            solver.known = vec![solver.statistics()?];
            return Ok(solver);
        }
        let reference = workload.reference()?;
        solver.check_inputs(&solver.plan.job, &reference)?;
        solver.saves = solver.saves_of(&reference)?;
        solver.known = reference.ends;
        Ok(solver)
    }

    /// What the statistics of these very inputs must be.
    fn statistics(&self) -> Result<Vec<f64>> {
        let (curve, job) = (self.case.workload.curve()?, &self.plan.job);
        let slot = job.program.param_names.iter().position(|name| *name == curve.parameter);
        let slot = slot.ok_or_else(|| Error::model("parameter", format!("the model has no '{}'", curve.parameter)))?;
        Ok(curve.statistics(self.case.trajectories, |range| {
            let n = (range.end - range.start) as usize;
            let inputs = self.ensemble.inputs(self.spec, Some((job.t0, job.t1)), range, job.precision);
            inputs.p[slot * n..(slot + 1) * n].to_vec()
        }))
    }

    /// Which save times are those of a reference, but for the last, the end.
    fn saves_of(&self, reference: &Reference) -> Result<Vec<usize>> {
        let (_, before) = reference.times.split_last().ok_or_else(|| Error::model("times", "there are none"))?;
        let save = |t: &f64| self.plan.t.iter().position(|saved| saved == t);
        let saves: Option<Vec<usize>> = before.iter().map(save).collect();
        saves.ok_or_else(|| Error::model("times", "not among those that are saved"))
    }

    /// The inputs must be those that the reference was computed from.
    fn check_inputs(&self, job: &Job, reference: &Reference) -> Result<()> {
        let program = job.program;
        let roundings = self.case.workload.input_roundings(job.precision);
        for (k, i) in self.samples.into_iter().enumerate() {
            let inputs = self.ensemble.inputs(self.spec, Some((job.t0, job.t1)), i..i + 1, job.precision);
            for (name, values) in &reference.inputs {
                let slot = |names: &[String]| names.iter().position(|known| known == name);
                let drawn = match (slot(&program.state_names), slot(&program.param_names)) {
                    (Some(slot), _) => inputs.y0[slot],
                    (_, Some(slot)) => inputs.p[slot],
                    _ => f64::NAN,
                };
                if !((drawn - values[k]).abs() <= roundings * job.precision.epsilon() * drawn.abs()) {
                    let want = values[k];
                    return Err(Error::run(format!(
                        "trajectory {i} has {name} = {drawn}, and the reference is of {want}: no time"
                    )));
                }
            }
        }
        Ok(())
    }

    /// One run: its time, and what is to be checked of it.
    fn run(&self, backend: &mut dyn Backend) -> Result<(Duration, Answer)> {
        let n = self.case.trajectories;
        let start = Instant::now();
        if self.case.workload.kept == Kept::Statistics {
            let result = sweep(self.spec, self.run, &self.ensemble, &moments(), backend)?;
            return Ok((start.elapsed(), Answer::of(&result)));
        }
        let mut solve = |range: Range<u64>| solve_range(self.spec, self.run, &self.ensemble, range, backend, &Silent);
        let mut answer = Answer::default();
        if self.case.workload.one_by_one {
            for i in 0..n {
                answer.add(&solve(i..i + 1)?, &self.samples, &self.saves);
            }
            return Ok((start.elapsed(), answer));
        }
        let result = solve(0..n)?;
        let time = start.elapsed();
        answer.add(&result, &self.samples, &self.saves);
        Ok((time, answer))
    }

    /// The relative error, if it is small enough and all trajectories have succeeded.
    fn check(&self, answer: &Answer) -> Result<f64> {
        if let Some((i, status)) = answer.failure {
            let (name, advice) = (status.name(), status.advice());
            return Err(Error::run(format!("trajectory {i} ended as {name}: no time; {advice}")));
        }
        if answer.succeeded != self.case.trajectories {
            let (n, all) = (answer.succeeded, self.case.trajectories);
            return Err(Error::run(format!("{n} of {all} trajectories are accounted for: no time")));
        }
        reference::check(&answer.values, &self.known, self.allowed)
    }

    /// Operations of a run: those of its steps, and the first derivative of each trajectory.
    fn operations(&self, answer: &Answer) -> f64 {
        let first = self.case.trajectories * flops::evaluation(&self.spec.program.rhs, self.case.precision);
        (answer.steps * self.step + first) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{BenchBackend, Choice, Gpu, Peak, Workload, models, plan};
    use crate::real::Precision;

    /// A case of 16 trajectories of the double pendulum on one thread, with something wrong.
    fn refusal(change: impl Fn(&mut Workload)) -> String {
        refusal_at(Place::Cpu { threads: 1, interpreted: false }, None, change)
    }

    fn refusal_at(place: Place, gpu: Option<Gpu>, change: impl Fn(&mut Workload)) -> String {
        let choice = Choice {
            names: vec!["pendulum2".to_string()],
            backend: BenchBackend::Cpu,
            is_software: false,
            methods: Vec::new(),
            interpreted: false,
            precision: Some(Precision::F64),
            threads: vec![1],
            rtols: vec![1e-6],
            trajectories: Some(16),
            scaling: None,
        };
        let case = plan(&choice).expect("a plan")[0];
        let mut workload = *case.workload;
        change(&mut workload);
        let peak = Peak { double: 1e9, single: 1e9, vector_bits: 64 };
        let machine = Machine { processor: String::new(), peak, gpu };
        let case = Case { workload: Box::leak(Box::new(workload)), place, ..case };
        measure(&case, &machine).expect_err("no time for wrong answers").to_string()
    }

    fn changed(text: &str, from: &str, to: &str) -> &'static str {
        assert!(text.contains(from), "{from}");
        Box::leak(text.replace(from, to).into_boxed_str())
    }

    #[test]
    fn wrong_answers_have_no_time() {
        let case = "pendulum2 (4 states), tsit5, rtol 1e-6, f64, 1 thread";
        let message = refusal(|workload| workload.growth = 1.0);
        assert_eq!(message, format!("{case}: the relative error is 7.9e-5, and at most 1.0e-6 is allowed: no time"));

        let message = refusal(|workload| workload.reference = changed(workload.reference, "-0.2991", "-0.2891"));
        assert!(message.contains("and at most 3.0e-2 is allowed: no time"), "{message}");

        let message =
            refusal(|workload| workload.reference = changed(workload.reference, "9.811401920765569", "9.8114"));
        assert!(message.starts_with(&format!("{case}: trajectory 0 has g = ")), "{message}");
    }

    #[test]
    fn failed_trajectories_have_no_time() {
        let message = refusal(|workload| workload.model = |_| models::pendulum2().derivative("u", "1 + u*u"));
        assert!(message.contains("1 thread: trajectory 0 ended as "), "{message}");
        assert!(message.contains(": no time; "), "{message}");
    }

    /// Where there is a GPU.
    #[test]
    fn wrong_answers_have_no_time_on_a_gpu_either() {
        let gpu = match Gpu::find(None) {
            Ok(gpu) => gpu,
            Err(error) => {
                assert!(std::env::var("ENSOLVE_REQUIRE_GPU").is_err(), "{error}");
                return;
            }
        };
        let message = refusal_at(Place::Gpu, Some(gpu), |workload| {
            workload.reference = changed(workload.reference, "-0.2991", "-0.2891");
        });
        assert!(message.starts_with("pendulum2 (4 states), tsit5, rtol 1e-6, f64, gpu: "), "{message}");
        // An adapter without f64 says so instead.
        let reasons = ["and at most 3.0e-2 is allowed: no time", "has no f64 in kernels"];
        assert!(reasons.iter().any(|reason| message.contains(reason)), "{message}");
    }

    #[test]
    fn answers_that_are_wrong_at_a_smaller_tolerance_only_have_no_time() {
        let choice = Choice {
            names: vec!["vdp_log".to_string()],
            backend: BenchBackend::Cpu,
            is_software: false,
            methods: Vec::new(),
            interpreted: false,
            precision: Some(Precision::F64),
            threads: vec![1],
            rtols: vec![1e-4],
            trajectories: Some(16),
            scaling: None,
        };
        let case = Case { is_checked_finer: true, ..plan(&choice).expect("a plan")[0] };
        let peak = Peak { double: 1e9, single: 1e9, vector_bits: 64 };
        let machine = Machine { processor: String::new(), peak, gpu: None };
        // Damping that is wrong by 3e-5 passes for an error of rtol 1e-4, and not for one of 1e-6.
        let world = |_| models::van_der_pol().derivative("y", "1.00003*mu*(1 - x*x)*y - x");
        let workload = Box::leak(Box::new(Workload { model: world, ..*case.workload }));
        let message = measure(&Case { workload, ..case }, &machine).expect_err("no time for wrong answers").to_string();
        assert!(message.contains("1 thread: at rtol 1e-6: the relative error is "), "{message}");
    }
}
