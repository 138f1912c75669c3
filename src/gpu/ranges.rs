//! Trajectories that nobody has taken yet, and results put back in order.

use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A range of trajectories, handed out piece by piece, to any thread.
pub struct Ranges {
    next: AtomicU64,
    all: Range<u64>,
}

impl Ranges {
    pub fn new(all: Range<u64>) -> Self {
        Ranges { next: AtomicU64::new(all.start), all }
    }

    /// The next piece, of at most so many; `None` if there are none.
    pub fn take(&self, most: u64) -> Option<Range<u64>> {
        let start = self.next.fetch_add(most, Ordering::Relaxed);
        (start < self.all.end).then(|| start..self.all.end.min(start + most))
    }

    /// All of them.
    pub fn all(&self) -> Range<u64> {
        self.all.clone()
    }
}

/// Hands over results in the order of their trajectories; what comes early waits.
pub struct InOrder<'a, T> {
    next: u64,
    waiting: BTreeMap<u64, (u64, T)>,
    sink: &'a mut (dyn FnMut(u64, T) -> Result<()> + 'a),
}

impl<'a, T> InOrder<'a, T> {
    pub fn new(first: u64, sink: &'a mut (dyn FnMut(u64, T) -> Result<()> + 'a)) -> Self {
        InOrder { next: first, waiting: BTreeMap::new(), sink }
    }

    /// Takes the result of `n_traj` trajectories from `first` on.
    pub fn put(&mut self, first: u64, n_traj: usize, result: T) -> Result<()> {
        self.waiting.insert(first, (n_traj as u64, result));
        while let Some((n_traj, result)) = self.waiting.remove(&self.next) {
            let first = self.next;
            self.next += n_traj;
            (self.sink)(first, result)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trajectory_is_taken_once_and_results_come_in_order() {
        let ranges = Ranges::new(10..35);
        let pieces: Vec<_> = std::iter::from_fn(|| ranges.take(10)).collect();
        assert_eq!(pieces, [10..20, 20..30, 30..35]);
        let mut seen = Vec::new();
        let mut sink = |first, name| {
            seen.push((first, name));
            Ok(())
        };
        let mut in_order = InOrder::new(10, &mut sink);
        for (piece, name) in [(2, "c"), (0, "a"), (1, "b")] {
            let piece = pieces[piece].clone();
            in_order.put(piece.start, (piece.end - piece.start) as usize, name).expect("nothing fails");
        }
        assert_eq!(seen, [(10, "a"), (20, "b"), (30, "c")]);
    }
}
