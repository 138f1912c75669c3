//! Results of all trajectories, written from any thread as they come.
//!
//! Each trajectory has its own places in the arrays, and one thread writes them; the arrays hold atomics (relaxed: plain
//! stores) so that no lock and no copy is needed.

use super::drive::Run;
use super::lane::Lane;
use crate::job::{Job, RawOutput};
use crate::real::Real;
use bytemuck::allocation::zeroed_vec;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The arrays of a [`RawOutput`].
pub struct Output {
    n_traj: usize,
    n_row: usize,
    y: Vec<AtomicU64>,
    t: Vec<AtomicU64>,
    saved: Vec<AtomicU64>,
    /// Empty unless every step is saved.
    tau_saved: Vec<AtomicU64>,
    n_saved: Vec<AtomicU32>,
    status: Vec<AtomicU32>,
    accepted: Vec<AtomicU32>,
    rejected: Vec<AtomicU32>,
    culprit: Vec<AtomicU32>,
    n_cut: Vec<AtomicU32>,
}

impl Output {
    pub fn new(job: &Job, n_traj: usize) -> Self {
        let floats = zeroed_vec::<AtomicU64>;
        let counts = || zeroed_vec::<AtomicU32>(n_traj);
        let (n_row, n_save) = (job.program.n_row(), job.saves.count());
        Output {
            n_traj,
            n_row,
            y: floats(job.program.n_state() * n_traj),
            t: floats(n_traj),
            saved: floats(n_save * n_row * n_traj),
            tau_saved: floats(if job.form().saves_steps { n_save * n_traj } else { 0 }),
            n_saved: counts(),
            status: counts(),
            accepted: counts(),
            rejected: counts(),
            culprit: counts(),
            n_cut: counts(),
        }
    }

    /// Takes saved values of a trajectory: number of the row, position in it, value. The one after the last is the time.
    pub fn writer<R: Real>(&self, trajectory: usize) -> impl FnMut(usize, usize, R) + '_ {
        move |save, row, value: R| {
            let place = match row == self.n_row {
                true => &self.tau_saved[save * self.n_traj + trajectory],
                false => &self.saved[(save * self.n_row + row) * self.n_traj + trajectory],
            };
            place.store(value.to_f64().to_bits(), Relaxed);
        }
    }

    /// Takes the end of a trajectory and its last state.
    pub fn finish<R: Real>(&self, run: Run<R>, trajectory: usize, lane: Lane<R>, y: impl Iterator<Item = R>) {
        for (slot, y) in y.enumerate() {
            self.y[slot * self.n_traj + trajectory].store(y.to_f64().to_bits(), Relaxed);
        }
        let t = run.job.time(run.inputs, trajectory, lane.tau.to_f64());
        self.t[trajectory].store(t.to_bits(), Relaxed);
        self.n_saved[trajectory].store(lane.n_saved, Relaxed);
        self.status[trajectory].store(lane.end_status() as u32, Relaxed);
        self.accepted[trajectory].store(lane.accepted, Relaxed);
        self.rejected[trajectory].store(lane.rejected, Relaxed);
        self.culprit[trajectory].store(lane.culprit, Relaxed);
        self.n_cut[trajectory].store(lane.next_cut, Relaxed);
    }

    /// The plain arrays.
    pub fn into_raw(self) -> RawOutput {
        let floats = |v: Vec<AtomicU64>| v.into_iter().map(|x| f64::from_bits(x.into_inner())).collect();
        let counts = |v: Vec<AtomicU32>| v.into_iter().map(AtomicU32::into_inner).collect();
        let n_saved: Vec<u32> = counts(self.n_saved);
        let (mut saved, mut tau_saved) = (self.saved, self.tau_saved);
        if !tau_saved.is_empty() {
            let rows = n_saved.iter().max().map_or(0, |most| *most as usize);
            saved.truncate(rows * self.n_row * self.n_traj);
            tau_saved.truncate(rows * self.n_traj);
        }
        let mut output = RawOutput {
            n_traj: self.n_traj,
            y: floats(self.y),
            t: floats(self.t),
            saved: floats(saved),
            tau_saved: floats(tau_saved),
            status: counts(self.status),
            accepted: counts(self.accepted),
            rejected: counts(self.rejected),
            culprit: counts(self.culprit),
            n_cut: counts(self.n_cut),
        };
        output.clear_unsaved(&n_saved, self.n_row);
        output
    }
}
