//! Where the rows of a block lie.
//!
//! The leaves of the right-hand side come first (time, parameters, stage argument), then constants and registers of the
//! interpreter, then the state and the stages, then rows of machine code. Positions are those of first chunks; with a stride
//! of 1 they are numbers of rows.

use crate::cpu::code::Leaves;
use crate::job::Job;

/// Positions of groups of rows: the first chunk of the first row of each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places {
    /// Time of the stage.
    pub time: usize,
    pub p: usize,
    /// Time at the start of the step, and its size.
    pub t: usize,
    pub h: usize,
    /// The step that the times of the stages are taken with; that of `h` itself where there are no stops.
    pub h_time: usize,
    pub y: usize,
    /// The stage argument; after a step the state that it leads to, should it be accepted.
    pub y1_candidate: usize,
    /// What rounding took from y before the step, and what it will have taken after it, if that is carried along.
    pub low: usize,
    pub low1: usize,
    /// Mean squares of the error in tolerance units: of all slots, and of those alone where it is within the rounding
    /// of y.
    pub norm_sq: usize,
    pub noise_sq: usize,
    /// Machine code puts NaN here where the candidate is not finite, else 0.
    pub unbounded: usize,
}

/// Positions of all rows of a block but those that only code uses, which lie between the leaves and these, or behind.
pub struct Layout {
    pub at: Places,
    /// Positions of the stages.
    pub k: Vec<usize>,
    /// The first position behind.
    pub end: usize,
}

impl Layout {
    /// Behind `front` rows, which lie `stride` chunks apart.
    pub fn new(job: &Job, front: usize, stride: usize) -> Layout {
        let (n, leaves) = (job.program.n_state(), leaves(job));
        let mut end = front * stride;
        let mut group = |rows: usize| {
            end += rows * stride;
            end - rows * stride
        };
        let carried = if job.compensated { n } else { 0 };
        let (t, h) = (group(1), group(1));
        let h_time = if job.program.has_stops { group(1) } else { h };
        let at = Places {
            time: leaves.time * stride,
            p: leaves.param * stride,
            y1_candidate: leaves.state * stride,
            t,
            h,
            h_time,
            y: group(n),
            low: group(carried),
            low1: group(carried),
            norm_sq: group(1),
            noise_sq: group(1),
            unbounded: group(1),
        };
        let k = job.method.stages.c.iter().map(|_| group(n)).collect();
        Layout { at, k, end }
    }
}

/// Chunks from a row to the next, for one more than the block has. The number is odd: at a power of two rows would compete
/// for the same places of the cache.
pub fn stride(width: usize) -> usize {
    (width + 1) | 1
}

/// Rows of the leaves, one group after the other from row 0 on.
pub fn leaves(job: &Job) -> Leaves {
    let (n, n_param) = (job.program.n_state(), job.program.n_param());
    Leaves { time: 0, param: 1, state: 1 + n_param, free: 1 + n_param + n }
}
