//! Trajectories that nobody has begun yet, handed out to the blocks of all threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The numbers from 0 to the number of trajectories.
pub struct Queue {
    next: AtomicUsize,
    end: usize,
    threads: usize,
}

impl Queue {
    pub fn new(n_traj: usize, threads: usize) -> Self {
        Queue { next: AtomicUsize::new(0), end: n_traj, threads: threads.max(1) }
    }

    /// The next trajectories, each once: at most so many, and when few are left a part of a fair share, so that no thread
    /// keeps some for later while another has none.
    pub fn take(&self, most: usize) -> Range<usize> {
        let left = self.end.saturating_sub(self.next.load(Ordering::Relaxed));
        let share = if self.threads == 1 { left } else { left / (2 * self.threads) };
        let n = share.clamp(1, most);
        let start = self.next.fetch_add(n, Ordering::Relaxed).min(self.end);
        start..(start + n).min(self.end)
    }
}
