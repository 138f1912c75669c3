//! Trajectories that nobody has taken yet, and results put back in order.

use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A range of trajectories, handed out piece by piece, to any thread.
pub struct Ranges {
    all: Range<u64>,
    next: AtomicU64,
    /// The first trajectory whose result has not been handed over.
    waited_for: AtomicU64,
    /// Pieces that may be under way from there on.
    ahead: u64,
}

impl Ranges {
    /// All of them; at most `ahead` pieces may be under way from the first one whose result is not there.
    pub fn new(all: Range<u64>, ahead: u64) -> Self {
        Ranges { next: AtomicU64::new(all.start), waited_for: AtomicU64::new(all.start), all, ahead }
    }

    /// The next piece, of at most so many; `None` if there are none, or none yet.
    pub fn take(&self, most: u64) -> Option<Range<u64>> {
        let end = |start: u64| self.all.end.min(start.saturating_add(most));
        let limit = self.waited_for.load(Ordering::Acquire).saturating_add(most.saturating_mul(self.ahead));
        let moved = |start: u64| (start < self.all.end.min(limit)).then(|| end(start));
        let start = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved).ok()?;
        Some(start..end(start))
    }

    /// Whether all have been taken.
    pub fn are_exhausted(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.all.end
    }

    /// All of them.
    pub fn all(&self) -> Range<u64> {
        self.all.clone()
    }
}

/// Hands over results in the order of their trajectories; what comes early waits.
pub struct InOrder<'a, T> {
    ranges: &'a Ranges,
    next: u64,
    waiting: BTreeMap<u64, (u64, T)>,
    sink: &'a mut (dyn FnMut(u64, T) -> Result<()> + 'a),
}

impl<'a, T> InOrder<'a, T> {
    /// Of the pieces that `ranges` hands out.
    pub fn new(ranges: &'a Ranges, sink: &'a mut (dyn FnMut(u64, T) -> Result<()> + 'a)) -> Self {
        InOrder { next: ranges.all.start, ranges, waiting: BTreeMap::new(), sink }
    }

    /// Takes the result of `n_traj` trajectories from `first` on.
    pub fn put(&mut self, first: u64, n_traj: usize, result: T) -> Result<()> {
        self.waiting.insert(first, (n_traj as u64, result));
        while let Some((n_traj, result)) = self.waiting.remove(&self.next) {
            let first = self.next;
            self.next += n_traj;
            self.ranges.waited_for.store(self.next, Ordering::Release);
            (self.sink)(first, result)?;
        }
        Ok(())
    }

    /// The first trajectory whose result has not been handed over.
    pub fn next(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AHEAD: u64 = 64;

    #[test]
    fn every_trajectory_is_taken_once_and_results_come_in_order() {
        let ranges = Ranges::new(10..35, 64);
        let pieces: Vec<_> = std::iter::from_fn(|| ranges.take(10)).collect();
        assert_eq!(pieces, [10..20, 20..30, 30..35]);
        assert!(ranges.are_exhausted());
        let mut seen = Vec::new();
        let mut sink = |first, name| {
            seen.push((first, name));
            Ok(())
        };
        let mut in_order = InOrder::new(&ranges, &mut sink);
        for (piece, name) in [(2, "c"), (0, "a"), (1, "b")] {
            let piece = pieces[piece].clone();
            in_order.put(piece.start, (piece.end - piece.start) as usize, name).expect("nothing fails");
        }
        assert_eq!(in_order.next(), 35);
        assert_eq!(seen, [(10, "a"), (20, "b"), (30, "c")]);
    }

    #[test]
    fn nobody_runs_far_ahead_of_a_result_that_is_missing() {
        let ranges = Ranges::new(0..1000, AHEAD);
        let taken = std::iter::from_fn(|| ranges.take(10)).count() as u64;
        assert_eq!((taken, ranges.are_exhausted()), (AHEAD, false));
        let mut sink = |_, ()| Ok(());
        let mut in_order = InOrder::new(&ranges, &mut sink);
        (1..AHEAD).for_each(|piece| in_order.put(10 * piece, 10, ()).expect("nothing fails"));
        assert_eq!(ranges.take(10), None, "the first one is still missing");
        in_order.put(0, 10, ()).expect("nothing fails");
        assert_eq!(ranges.take(10), Some(640..650));
    }
}
