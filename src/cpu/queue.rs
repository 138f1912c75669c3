//! Trajectories that nobody has begun yet, handed out to the blocks of all threads one by one.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The numbers from 0 to the number of trajectories.
pub struct Queue {
    next: AtomicUsize,
    end: usize,
}

impl Queue {
    pub fn new(n_traj: usize) -> Self {
        Queue { next: AtomicUsize::new(0), end: n_traj }
    }

    /// The next trajectory, each once.
    pub fn next(&self) -> Option<usize> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        (next < self.end).then_some(next)
    }
}
