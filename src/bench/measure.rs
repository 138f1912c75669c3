//! One row: the answers checked, then the time of some runs.
//!
//! A run is a whole call, from the distributions of the inputs to the results, or for a workload of single trajectories as
//! many calls as there are. The model is compiled and a first run made before. Every run is checked outside the time that
//! is taken.

use super::flops;
use super::peak::Peak;
use super::plan::Case;
use super::reference::{Reference, SAMPLES};
use crate::compile::CompiledSpec;
use crate::cpu::CpuBackend;
use crate::ensemble::Ensemble;
use crate::error::{Error, Result};
use crate::job::{Job, Silent};
use crate::plan;
use crate::real::Precision;
use crate::solution::EnsembleResult;
use crate::solve::solve_range;
use crate::spec::RunSettings;
use crate::status::Status;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Fewest runs.
const RUNS: usize = 5;
/// Least time of all of them.
const TIME: Duration = Duration::from_millis(300);

/// What a case has come to.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub case: Case,
    /// Median time of a run.
    pub seconds: f64,
    /// Time of the fastest run.
    pub seconds_min: f64,
    /// Largest relative error of the trajectories with a reference.
    pub rel_error: f64,
    /// Attempted steps of a trajectory, rejected ones included, on average.
    pub steps: f64,
    /// Floating-point operations counted, as a fraction of what the multiply-add units of as many cores as there are threads
    /// could have done. Products and sums are never fused, so that a half is as much as there can be.
    pub fma_fraction: f64,
}

impl Row {
    /// Trajectories per second, by the median.
    pub fn per_second(&self) -> f64 {
        self.case.trajectories as f64 / self.seconds
    }

    /// Microseconds of a trajectory, by the median: of a call, where they are solved one by one.
    pub fn us_per_solve(&self) -> f64 {
        1e6 / self.per_second()
    }

    /// Nanoseconds of one thread for one state and one attempted step.
    pub fn ns_per_state_step(&self) -> f64 {
        1e9 * self.case.threads as f64 / self.per_second() / (self.steps * self.case.workload.n_state as f64)
    }
}

/// Measures a case.
///
/// # Errors
/// [`Error::Run`] if a trajectory fails or an answer is further from the reference than its tolerance allows, and what
/// [`solve_range`] fails with: then there is no time.
pub fn measure(case: &Case, peak: &Peak) -> Result<Row> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(case.threads).build();
    let pool = pool.map_err(|e| Error::run(format!("{} threads: {e}", case.threads)))?;
    pool.install(|| measure_here(case, peak)).map_err(|e| Error::run(format!("{}: {e}", describe(case))))
}

/// `lorenz_adaptive (3 states), tsit5, rtol 1e-6, f64, 2 threads`.
fn describe(case: &Case) -> String {
    let rtol = case.rtol.map_or(String::new(), |rtol| format!(", rtol {rtol:e}"));
    let threads = if case.threads == 1 { "1 thread".to_string() } else { format!("{} threads", case.threads) };
    format!("{}, {}{rtol}, {}, {threads}", case.workload.title(), case.method.name, case.precision)
}

fn measure_here(case: &Case, peak: &Peak) -> Result<Row> {
    let spec = case.workload.world().compile()?;
    let solver = Solver::new(case, &spec)?;
    let mut backend = if case.interpreted { CpuBackend::new().interpreted() } else { CpuBackend::new() };
    let (_, first) = solver.run(&mut backend)?;
    let mut rel_error = solver.check(&first)?;

    let (mut times, mut total) = (Vec::new(), Duration::ZERO);
    while times.len() < RUNS || total < TIME {
        let (time, answer) = solver.run(&mut backend)?;
        rel_error = rel_error.max(solver.check(&answer)?);
        times.push(time);
        total += time;
    }
    times.sort();
    let seconds = times[times.len() / 2].as_secs_f64();
    let rate = solver.operations(&first) / seconds;
    Ok(Row {
        case: *case,
        seconds,
        seconds_min: times[0].as_secs_f64(),
        rel_error,
        steps: first.steps as f64 / case.trajectories as f64,
        fma_fraction: rate / (peak.of(case.precision) * case.threads as f64),
    })
}

/// What is checked of a run.
#[derive(Default)]
struct Answer {
    /// Ends of the trajectories with a reference.
    ends: Vec<Vec<f64>>,
    /// Attempted steps of all trajectories.
    steps: u64,
    /// First trajectory that did not succeed.
    failure: Option<(u64, Status)>,
}

impl Answer {
    /// Takes in some trajectories.
    fn add(&mut self, result: &EnsembleResult, samples: &[u64]) {
        let (first, n) = (result.first, result.n_traj() as u64);
        let here = samples.iter().filter(|i| (first..first + n).contains(i));
        self.ends.extend(here.map(|i| result.final_states.column((i - first) as usize).to_vec()));
        self.steps += result.accepted.iter().chain(&result.rejected).copied().map(u64::from).sum::<u64>();
        let failed = (first..).zip(&result.status).find(|(_, status)| **status != Status::Success);
        self.failure = self.failure.or(failed.map(|(i, status)| (i, *status)));
    }
}

/// A case made ready.
struct Solver<'a> {
    case: &'a Case,
    spec: &'a CompiledSpec,
    run: RunSettings,
    ensemble: Ensemble,
    reference: Reference,
    samples: [u64; SAMPLES],
    allowed: f64,
    /// Operations of a step.
    step: u64,
}

impl<'a> Solver<'a> {
    fn new(case: &'a Case, spec: &'a CompiledSpec) -> Result<Self> {
        let workload = case.workload;
        let run = workload.run(case.method, case.rtol, case.precision);
        let method = plan::method(&run)?;
        let job = plan::plan(spec, &run, &method, case.precision, 2)?.job;
        let solver = Solver {
            case,
            spec,
            ensemble: Ensemble::new(spec, &workload.ensemble(case.trajectories))?,
            reference: workload.reference()?,
            samples: workload.samples(case.trajectories),
            allowed: workload.allowed_error(case.method, case.rtol, case.precision),
            step: flops::step(&job),
            run,
        };
        solver.check_inputs(&job)?;
        Ok(solver)
    }

    /// The inputs must be those that the reference was computed from.
    fn check_inputs(&self, job: &Job) -> Result<()> {
        let program = job.program;
        for (k, i) in self.samples.into_iter().enumerate() {
            let inputs = self.ensemble.inputs(self.spec, Some((job.t0, job.t1)), i..i + 1, job.precision);
            for (name, values) in &self.reference.inputs {
                let slot = |names: &[String]| names.iter().position(|known| known == name);
                let drawn = match (slot(&program.state_names), slot(&program.param_names)) {
                    (Some(slot), _) => inputs.y0[slot],
                    (_, Some(slot)) => inputs.p[slot],
                    _ => f64::NAN,
                };
                // A decimal number may be read with the last bit wrong; a draw of a narrower format has rounded ends, two
                // products and a sum of one sign.
                let roundings = if job.precision == Precision::F64 { 2.0 } else { 4.0 };
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
    fn run(&self, backend: &mut CpuBackend) -> Result<(Duration, Answer)> {
        let mut solve = |range: Range<u64>| solve_range(self.spec, &self.run, &self.ensemble, range, backend, &Silent);
        let mut answer = Answer::default();
        let start = Instant::now();
        if self.case.workload.one_by_one {
            for i in 0..self.case.trajectories {
                answer.add(&solve(i..i + 1)?, &self.samples);
            }
            return Ok((start.elapsed(), answer));
        }
        let result = solve(0..self.case.trajectories)?;
        let time = start.elapsed();
        answer.add(&result, &self.samples);
        Ok((time, answer))
    }

    /// The relative error, if it is small enough and all trajectories have succeeded.
    fn check(&self, answer: &Answer) -> Result<f64> {
        if let Some((i, status)) = answer.failure {
            let (name, advice) = (status.name(), status.advice());
            return Err(Error::run(format!("trajectory {i} ended as {name}: no time; {advice}")));
        }
        self.reference.check(&answer.ends, self.allowed)
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
    use crate::bench::{Choice, Workload, models, plan};

    /// A case of 16 trajectories of the double pendulum, with something wrong.
    fn refusal(change: impl Fn(&mut Workload)) -> String {
        let choice = Choice {
            names: vec!["pendulum2".to_string()],
            methods: Vec::new(),
            interpreted: false,
            precision: Precision::F64,
            threads: vec![1],
            rtols: vec![1e-6],
            trajectories: Some(16),
        };
        let case = plan(&choice).expect("a plan")[0];
        let mut workload = *case.workload;
        change(&mut workload);
        let peak = Peak { double: 1e9, single: 1e9, vector_bits: 64 };
        let case = Case { workload: Box::leak(Box::new(workload)), ..case };
        measure(&case, &peak).expect_err("no time for wrong answers").to_string()
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
}
