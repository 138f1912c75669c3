//! Results of all trajectories, written from any thread as they come.
//!
//! Each trajectory has its own places in the arrays, and one thread writes them; the arrays hold atomics (relaxed: plain
//! stores) so that no lock and no copy is needed.

use super::lane::Lane;
use crate::job::{Job, RawOutput};
use crate::real::Real;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The arrays of a [`RawOutput`].
pub struct Output {
    n_traj: usize,
    n_row: usize,
    y: Vec<AtomicU64>,
    t: Vec<AtomicU64>,
    saved: Vec<AtomicU64>,
    status: Vec<AtomicU32>,
    accepted: Vec<AtomicU32>,
    rejected: Vec<AtomicU32>,
    culprit: Vec<AtomicU32>,
}

impl Output {
    pub fn new(job: &Job, n_traj: usize) -> Self {
        let floats = |n: usize, value: f64| (0..n).map(|_| AtomicU64::new(value.to_bits())).collect();
        let counts = || (0..n_traj).map(|_| AtomicU32::new(0)).collect();
        let n_row = job.program.n_row();
        Output {
            n_traj,
            n_row,
            y: floats(job.program.n_state() * n_traj, 0.0),
            t: floats(n_traj, 0.0),
            saved: floats(job.t_save.len() * n_row * n_traj, f64::NAN),
            status: counts(),
            accepted: counts(),
            rejected: counts(),
            culprit: counts(),
        }
    }

    /// Takes saved values of a trajectory: number of the save time, row, value.
    pub fn writer<R: Real>(&self, trajectory: usize) -> impl FnMut(usize, usize, R) + '_ {
        move |save, row, value: R| {
            let at = (save * self.n_row + row) * self.n_traj + trajectory;
            self.saved[at].store(value.to_f64().to_bits(), Relaxed);
        }
    }

    /// Takes the end of a trajectory and its last state.
    pub fn finish<R: Real>(&self, job: &Job, trajectory: usize, lane: Lane<R>, y: impl Iterator<Item = R>) {
        for (slot, y) in y.enumerate() {
            self.y[slot * self.n_traj + trajectory].store(y.to_f64().to_bits(), Relaxed);
        }
        self.t[trajectory].store(job.end_time(lane.tau.to_f64()).to_bits(), Relaxed);
        self.status[trajectory].store(lane.end_status() as u32, Relaxed);
        self.accepted[trajectory].store(lane.accepted, Relaxed);
        self.rejected[trajectory].store(lane.rejected, Relaxed);
        self.culprit[trajectory].store(lane.culprit, Relaxed);
    }

    /// The plain arrays.
    pub fn into_raw(self) -> RawOutput {
        let floats = |v: Vec<AtomicU64>| v.into_iter().map(|x| f64::from_bits(x.into_inner())).collect();
        let counts = |v: Vec<AtomicU32>| v.into_iter().map(AtomicU32::into_inner).collect();
        RawOutput {
            n_traj: self.n_traj,
            y: floats(self.y),
            t: floats(self.t),
            saved: floats(self.saved),
            status: counts(self.status),
            accepted: counts(self.accepted),
            rejected: counts(self.rejected),
            culprit: counts(self.culprit),
        }
    }
}
