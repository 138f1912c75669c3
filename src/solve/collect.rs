//! Outputs of chunks to an [`EnsembleResult`].

use super::chunks::Chunk;
use crate::compile::CompiledSpec;
use crate::error::{Error, Result};
use crate::job::{Inputs, Job, RawOutput, Saves};
use crate::plan::Plan;
use crate::solution::{EnsembleResult, Fields, Firing, RunInfo};
use crate::status::Status;
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayView3, s};
use std::ops::Range;

/// Puts the outputs of chunks together.
pub struct Collector {
    /// What there is so far.
    pub result: EnsembleResult,
}

impl Collector {
    /// Room for all trajectories of a range.
    pub fn new(spec: &CompiledSpec, plan: &Plan, info: RunInfo, range: &Range<u64>) -> Result<Collector> {
        let too_many =
            |_| Error::run(format!("{} trajectories do not fit into this machine's memory", range.end - range.start));
        let n_traj = usize::try_from(range.end - range.start).map_err(too_many)?;
        let (n_save, n_row, n_state) = (plan.t.len(), spec.program.n_row(), spec.state_size());
        let n_param = spec.param_size();
        check_memory(n_traj, n_save, n_row, n_traj.checked_mul(n_save * n_row + n_state + n_param + 3))?;
        let is_common = matches!(plan.job.saves, Saves::At(_));
        let result = EnsembleResult {
            info,
            t: Array1::from(plan.t.clone()),
            times: (!is_common).then(|| Array2::from_elem((0, n_traj), f64::NAN)),
            tspans: plan.job.own_span.then(|| vec![(f64::NAN, f64::NAN); n_traj]),
            names: spec.program.row_names().map(str::to_string).collect(),
            fields: Fields::of(spec),
            n_state,
            first: range.start,
            saved: Array3::from_elem((n_save, n_row, n_traj), f64::NAN),
            final_states: Array2::from_elem((n_state, n_traj), f64::NAN),
            parameters: Array2::from_elem((n_param, n_traj), f64::NAN),
            t_end: vec![f64::NAN; n_traj],
            status: vec![Status::Running; n_traj],
            accepted: vec![0; n_traj],
            rejected: vec![0; n_traj],
            culprit: vec![None; n_traj],
            firings: Vec::new(),
            n_cut: vec![0; n_traj],
            verification: None,
        };
        Ok(Collector { result })
    }

    /// Copies a chunk's output to its place along the trajectory axis.
    pub fn collect(&mut self, chunk: Chunk) -> Result<()> {
        let Chunk { first, job, inputs, output, times } = chunk;
        let (n_traj, start) = (output.n_traj, (first - self.result.first) as usize);
        let part = start..start + n_traj;
        let mismatch = |e| Error::Device(format!("a backend returned arrays of the wrong size: {e}"));
        let times = if job.form().saves_steps { Some(times_of_steps(job, inputs, output)) } else { times };
        if let Some(times) = &times {
            self.grow(times.len() / n_traj.max(1))?;
        }
        let result = &mut self.result;
        let n_row = result.names.len();
        if let (Some(all), Some(times)) = (&mut result.times, times) {
            let times = Array2::from_shape_vec((times.len() / n_traj.max(1), n_traj), times).map_err(mismatch)?;
            all.slice_mut(s![..times.nrows(), part.clone()]).assign(&times);
        }
        let n_save = output.saved.len().checked_div(n_row * n_traj).unwrap_or(result.saved.dim().0);
        let saved = ArrayView3::from_shape((n_save, n_row, n_traj), &output.saved).map_err(mismatch)?;
        result.saved.slice_mut(s![..n_save, .., part.clone()]).assign(&saved);
        let y = ArrayView2::from_shape((result.n_state, n_traj), &output.y).map_err(mismatch)?;
        result.final_states.slice_mut(s![.., part.clone()]).assign(&y);
        let p = ArrayView2::from_shape((result.parameters.nrows(), n_traj), &inputs.p).map_err(mismatch)?;
        result.parameters.slice_mut(s![.., part.clone()]).assign(&p);
        result.t_end[part.clone()].copy_from_slice(&output.t);
        result.accepted[part.clone()].copy_from_slice(&output.accepted);
        result.rejected[part.clone()].copy_from_slice(&output.rejected);
        result.n_cut[part.clone()].copy_from_slice(&output.n_cut);
        for (i, code) in part.clone().zip(&output.culprit) {
            // What was not finite matters where that is how the trajectory ended.
            let ended_by_it = output.status[i - start] == Status::NonFinite as u32;
            result.culprit[i] = code.checked_sub(1).filter(|_| ended_by_it).map(|row| row as usize);
        }
        for (status, code) in result.status[part.clone()].iter_mut().zip(&output.status) {
            *status = Status::from_code(*code)
                .ok_or_else(|| Error::Device(format!("a backend returned the unknown status {code}")))?;
        }
        if let Some(tspans) = &mut result.tspans {
            for (i, tspan) in tspans[part].iter_mut().enumerate() {
                *tspan = (inputs.t0[i], inputs.t1[i]);
            }
            let (t0, t1) = &mut result.info.tspan;
            (*t0, *t1) = (t0.min(job.t0), t1.max(job.t1));
        }
        Ok(())
    }

    /// Makes room for rows of save times, where their number differs from trajectory to trajectory.
    fn grow(&mut self, n_save: usize) -> Result<()> {
        let result = &mut self.result;
        let (rows, n_row, n_traj) = result.saved.dim();
        let Some(times) = result.times.as_mut().filter(|_| n_save > rows) else { return Ok(()) };
        check_memory(n_traj, n_save, n_row, n_traj.checked_mul(n_save * (n_row + 1)))?;
        let mut saved = Array3::from_elem((n_save, n_row, n_traj), f64::NAN);
        saved.slice_mut(s![..rows, .., ..]).assign(&result.saved);
        let mut all = Array2::from_elem((n_save, n_traj), f64::NAN);
        all.slice_mut(s![..times.nrows(), ..]).assign(times);
        (result.saved, *times) = (saved, all);
        result.t = Array1::from_elem(n_save, f64::NAN);
        Ok(())
    }

    /// The result. The times of a single trajectory are common ones.
    pub fn finish(mut self, spec: &CompiledSpec, plan: &Plan) -> EnsembleResult {
        let result = &mut self.result;
        if let (1, Some(times)) = (result.n_traj(), &result.times) {
            result.t = times.column(0).to_owned();
            result.times = None;
        }
        if !plan.job.own_span || result.n_traj() == 1 {
            let mut cut = 0;
            for stop in &plan.stops {
                if !stop.callbacks.is_empty() {
                    result.firings.push(Firing {
                        t: plan.job.t0 + stop.tau,
                        callbacks: stop.callbacks.iter().map(|number| spec.callbacks[*number].name.clone()).collect(),
                        cut,
                    });
                }
                cut += stop.callbacks.len().max(1) as u32;
            }
        }
        self.result
    }
}

/// Asks for the memory of so many values first, so that too large a result is a message and not an abort.
fn check_memory(n_traj: usize, n_save: usize, n_row: usize, values: Option<usize>) -> Result<()> {
    let values = values.filter(|n| *n < isize::MAX as usize / 8);
    if values.is_some_and(|n| Vec::<f64>::new().try_reserve_exact(n).is_ok()) {
        return Ok(());
    }
    Err(Error::run(format!(
        "{n_traj} trajectories with {n_save} save times of {n_row} values do not fit into memory; save fewer times (for instance only the end) or solve fewer trajectories"
    )))
}

/// When every accepted step was saved, `[n_save][n_traj]`.
fn times_of_steps(job: &Job, inputs: &Inputs, output: &RawOutput) -> Vec<f64> {
    let time = |(at, tau): (usize, &f64)| job.time(inputs, at % output.n_traj, *tau);
    output.tau_saved.iter().enumerate().map(time).collect()
}
