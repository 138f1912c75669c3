//! A measured row, and the numbers that follow from it.

use super::engine::Work;
use super::plan::{Case, Place};

/// What a case has come to.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub case: Case,
    /// Time of the first run: the backend made (on a GPU the adapter found and its device opened), the model's code compiled, and
    /// the results there. A driver may have kept the code since an earlier day.
    pub first: f64,
    /// Number of runs after that.
    pub runs: usize,
    /// Median time of a run.
    pub seconds: f64,
    /// Time of the fastest run.
    pub seconds_min: f64,
    /// The device's work, its time by the median, if there is a device.
    pub work: Option<Work>,
    /// Largest relative error of the trajectories with a reference, or of the statistics.
    pub rel_error: f64,
    /// Attempted steps of a trajectory, rejected ones included, on average.
    pub steps: f64,
    /// Floating-point operations counted in the time that the device was at work, or on the CPU in that of the run, as a fraction
    /// of what the multiply-add units of the adapter, or of as many cores as there are threads, could have done. The CPU never
    /// fuses products and sums, so that a half is as much as there can be.
    pub fma_fraction: f64,
}

impl Row {
    /// Trajectories per second, by the median.
    pub fn per_second(&self) -> f64 {
        self.case.trajectories as f64 / self.seconds
    }

    /// Attempted steps per second of the device's work, or on the CPU of the run.
    pub fn steps_per_second(&self) -> f64 {
        self.steps * self.case.trajectories as f64 / self.work.map_or(self.seconds, |work| work.seconds)
    }

    /// Microseconds of a trajectory, by the median: of a call, where they are solved one by one.
    pub fn us_per_solve(&self) -> f64 {
        1e6 / self.per_second()
    }

    /// Nanoseconds of one thread of the CPU for one state and one attempted step.
    pub fn ns_per_state_step(&self) -> Option<f64> {
        let Place::Cpu { threads, .. } = self.case.place else { return None };
        Some(1e9 * threads as f64 / self.per_second() / (self.steps * self.case.workload.n_state as f64))
    }
}
