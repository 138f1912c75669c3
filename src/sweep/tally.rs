//! What the chunks of an ensemble have come to so far.

use super::wanted::Wanted;
use crate::reduce::{Accumulator, Comoment, Failure, NAMED_FAILURES, Partial, StepCount};
use crate::spec::Keep;
use crate::status::Status;

/// Sums over the trajectories before `next`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// The first trajectory that is not in it.
    pub next: u64,
    /// One for each quantity.
    pub moments: Vec<Accumulator>,
    /// One for each pair.
    pub comoments: Vec<Comoment>,
    /// Counts of all histograms, one after the other: below, bins, above.
    pub counts: Vec<u64>,
    /// Trajectories of each status.
    pub statuses: [u64; Status::ALL.len()],
    /// Accepted steps.
    pub accepted: StepCount,
    /// Rejected steps.
    pub rejected: StepCount,
    /// The first failures.
    pub failures: Vec<Failure>,
    /// For each entry of [`Wanted::keep`] the best trajectories so far, best first, with their values.
    pub best: Vec<Vec<(u64, f64)>>,
}

impl Tally {
    /// Of no trajectories.
    pub fn new(wanted: &Wanted) -> Tally {
        let reduction = &wanted.reduction;
        Tally {
            next: 0,
            moments: vec![Accumulator::EMPTY; reduction.n_quantity()],
            comoments: vec![Comoment::default(); reduction.pairs.len()],
            counts: vec![0; reduction.n_count()],
            statuses: [0; Status::ALL.len()],
            accepted: StepCount::default(),
            rejected: StepCount::default(),
            failures: Vec::new(),
            best: vec![Vec::new(); wanted.keep.len()],
        }
    }

    /// Whether its sizes and numbers are those of what is wanted of so many trajectories.
    pub fn is_of(&self, wanted: &Wanted, n_traj: u64) -> bool {
        let Wanted { reduction, keep, .. } = wanted;
        let n_quantity = reduction.n_quantity();
        let sizes = [self.moments.len(), self.comoments.len(), self.counts.len(), self.best.len()];
        let is_known = |i: u64| i < self.next;
        sizes == [n_quantity, reduction.pairs.len(), reduction.n_count(), keep.len()]
            && reduction.histograms.iter().all(|histogram| (histogram.quantity as usize) < n_quantity)
            && self.next <= n_traj
            && self.failures.len() <= NAMED_FAILURES
            && self.failures.iter().all(|failure| is_known(failure.trajectory))
            && self.failures.iter().filter_map(|failure| failure.culprit).all(|row| (row as usize) < reduction.n_row)
            && self.best.iter().flatten().all(|(i, _)| is_known(*i))
    }

    /// Adds the next chunk, block by block.
    pub fn add(&mut self, partial: &Partial, wanted: &Wanted) {
        for block in partial.moments.chunks(self.moments.len().max(1)) {
            self.moments.iter_mut().zip(block).for_each(|(sum, part)| sum.merge(part));
        }
        for block in partial.comoments.chunks(self.comoments.len().max(1)) {
            self.comoments.iter_mut().zip(block).for_each(|(sum, part)| sum.merge(part));
        }
        self.counts.iter_mut().zip(&partial.counts).for_each(|(sum, part)| *sum += part);
        self.statuses.iter_mut().zip(&partial.statuses).for_each(|(sum, part)| *sum += part);
        self.accepted.merge(&partial.accepted);
        self.rejected.merge(&partial.rejected);
        let room = NAMED_FAILURES - self.failures.len();
        self.failures.extend(partial.failures.iter().take(room));
        for (best, (keep, ranked)) in self.best.iter_mut().zip(&wanted.keep) {
            if let Some(ranked) = ranked {
                let values = &partial.ranked[ranked * partial.n_traj..][..partial.n_traj];
                choose(best, keep, partial.first, values);
            }
        }
        self.next = partial.first + partial.n_traj as u64;
    }
}

/// Keeps the best of those chosen before and of later trajectories: of equal values the first ones.
fn choose(best: &mut Vec<(u64, f64)>, keep: &Keep, first: u64, values: &[f64]) {
    let is_better = |a: f64, b: f64| if matches!(keep, Keep::Largest(..)) { a > b } else { a < b };
    let worst = best.last().filter(|_| best.len() == keep.count()).map(|(_, value)| *value);
    let is_chosen = |x: f64| !x.is_nan() && worst.is_none_or(|worst| is_better(x, worst));
    let numbered = (first..).zip(values.iter().copied());
    best.extend(numbered.filter(|(_, x)| is_chosen(*x)));
    let sign = if matches!(keep, Keep::Largest(..)) { -1.0 } else { 1.0 };
    // Stable, and in the order of the trajectories before: zeros of either sign are equal.
    best.sort_by(|(_, a), (_, b)| (sign * a).partial_cmp(&(sign * b)).unwrap_or(std::cmp::Ordering::Equal));
    best.truncate(keep.count());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Quantity;

    #[test]
    fn the_best_of_chunks_are_the_best_of_all() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from((i * 7919) % 101)).collect();
        let by = |text: &str| Quantity::parse(text).expect("a name");
        for keep in [Keep::Largest(by("x"), 15), Keep::Smallest(by("x"), 15)] {
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            choose(&mut whole, &keep, 0, &values);
            for (k, part) in values.chunks(7).enumerate() {
                choose(&mut parts, &keep, 7 * k as u64, part);
            }
            assert_eq!(whole, parts);
            let end = if matches!(keep, Keep::Largest(..)) { 100.0 } else { 0.0 };
            let first: Vec<u64> = (0..1000).filter(|i| values[*i as usize] == end).take(3).collect();
            assert_eq!(whole[..3].iter().map(|(i, _)| *i).collect::<Vec<_>>(), first, "of equal values the first ones");
            assert_eq!(whole.len(), 15);
        }
        let mut best = Vec::new();
        choose(&mut best, &Keep::Largest(by("x"), 2), 0, &[f64::NAN, 1.0, f64::INFINITY]);
        assert_eq!(best, [(2, f64::INFINITY), (1, 1.0)]);
    }
}
