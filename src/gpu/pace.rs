//! How many steps a submission attempts, and in how many dispatches: what follows from times and numbers of steps alone.

use super::chunk::MAX_DISPATCHES;
use crate::expr::Node;
use crate::job::{Job, SLICE_SHIFT};
use crate::real::Precision;

/// Operations of f32 a second, roughly, of devices that are slower than most, and of software adapters: for the first
/// submission; later ones follow the measured time.
const SLOW_DEVICE: f64 = 1e11;
const SLOW_SOFTWARE: f64 = 5e9;

/// Operations of f32 that one of another format may take the time of, and those of a function.
const COST_F64: f64 = 16.0;
const COST_F32X2: f64 = 25.0;
const COST_FUNCTION: usize = 30;

/// The next submission attempts at most so many times more or fewer steps than the last.
const CHANGE: f64 = 4.0;

/// Steps that are worth a submission, and how many times longer than it aims at they may take.
const FEWEST_STEPS: u32 = 16;
const PATIENCE: f64 = 10.0;

/// Most attempted steps of one dispatch, and save times of a job on software adapters: after 65535 rounds Mesa's ends all loops of
/// an invocation.
pub const MAX_STEPS: u32 = 32768;
pub const MOST_SAVES: usize = 32767;

// They have room beside the status.
const _: () = assert!(MAX_STEPS < 1 << (u32::BITS - SLICE_SHIFT));

/// Attempted steps of the first dispatches. A trajectory that ends within a dispatch leaves its lane idle for the rest of it,
/// and a dispatch costs about as much as some steps.
pub const FIRST_STEPS: u32 = 32;

/// Later dispatches attempt this part of the steps that were attempted before, so that at most as large a part is wasted.
pub const GROWTH: u32 = 8;

/// How dispatches are to be.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Wall time that a submission aims at, in seconds.
    pub seconds: f64,
    /// Steps of every dispatch, where they are fixed.
    pub steps: Option<u32>,
    /// Whether trajectories are put in the order of what they cost, by their first steps.
    pub orders: bool,
    /// Whether the device is a CPU.
    pub is_software: bool,
}

/// Attempted steps of the trajectories of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lengths {
    /// Of the one that ended first.
    pub shortest: u32,
    /// Of the one that ended last.
    pub longest: u32,
}

impl Lengths {
    /// What is to be expected of the next chunk after those of one and what was expected of it: of many the last ones count most.
    pub fn expect(self, before: Option<Lengths>) -> Lengths {
        before.map_or(self, |before| Lengths {
            shortest: self.shortest.min(before.shortest.saturating_add(before.shortest / GROWTH)),
            longest: self.longest.max(before.longest - before.longest / GROWTH),
        })
    }
}

/// Cuts the steps of a submission into dispatches, for chunks of which so many steps were attempted before. Where a new list of
/// what is unfinished follows each, they are short, but for the first ones, in which no trajectory is expected to end.
pub fn dispatches(steps: u32, mut so_far: u32, is_listed: bool, expected: Option<Lengths>) -> Vec<u32> {
    let shortest = expected.map_or(0, |expected| expected.shortest);
    let (mut left, mut dispatches) = (steps, Vec::new());
    while left > 0 && dispatches.len() < MAX_DISPATCHES {
        let least = FIRST_STEPS.max(shortest.saturating_sub(so_far));
        let most = if is_listed { (so_far / GROWTH).max(least) } else { MAX_STEPS };
        let steps = left.min(most).min(MAX_STEPS);
        (left, so_far) = (left - steps, so_far.saturating_add(steps));
        dispatches.push(steps);
    }
    dispatches
}

/// Whether a chunk that has attempted so many steps is expected to have ended. One that has not after half as many more, and two
/// dispatches at least, knows no expectation.
pub fn is_over(expected: Option<Lengths>, so_far: u32) -> bool {
    let latest = |longest: u32| longest.saturating_add((longest / 2).max(2 * MAX_STEPS));
    expected.is_some_and(|Lengths { longest, .. }| (longest..=latest(longest)).contains(&so_far))
}

/// Steps of a submission that is to take so many seconds, after one of `steps` steps took `spent`. Fewer than some steps cost
/// less than taking the lanes up and putting them down: so few only where more would take far too long.
pub fn next_steps(steps: u32, spent: f64, seconds: f64) -> u32 {
    let each = spent.max(1e-9) / f64::from(steps);
    let worthwhile = f64::from(FEWEST_STEPS).min(PATIENCE * seconds / each);
    let wanted = (seconds / each).max(worthwhile);
    let changed = wanted.clamp(f64::from(steps) / CHANGE, f64::from(steps) * CHANGE);
    changed.clamp(1.0, f64::from(MAX_STEPS) * MAX_DISPATCHES as f64) as u32
}

/// Steps for more lanes than those that the number was meant for: a device may take longer for them.
pub fn steps_of_lanes(steps: u32, before: usize, lanes: usize) -> u32 {
    if lanes <= before { steps } else { (f64::from(steps) * before as f64 / lanes as f64).max(1.0) as u32 }
}

/// Attempted steps of the first submission: each stage costs the derivative and a sum over the stages before it.
pub fn first_steps(job: &Job, n_traj: usize, pace: Pace) -> u32 {
    let stages = job.method.stages.count();
    let cost = |node: &Node| if matches!(node, Node::Call1(..) | Node::Call2(..)) { COST_FUNCTION } else { 1 };
    let derivative: usize = job.program.rhs.nodes.iter().map(cost).sum();
    let per_step = (stages * (derivative + 2 * stages * job.program.n_state())).max(1);
    let format = match job.precision {
        Precision::F32 => 1.0,
        Precision::F64 => COST_F64,
        Precision::F32x2 => COST_F32X2,
    };
    let operations = pace.seconds * if pace.is_software { SLOW_SOFTWARE } else { SLOW_DEVICE };
    (operations / (format * per_step as f64 * n_traj as f64)).clamp(1.0, f64::from(MAX_STEPS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submissions_aim_at_their_time() {
        // A millisecond a step: fifty of them take the time; but no more than four times as many as before.
        assert_eq!(next_steps(20, 0.02, 0.05), 50);
        assert_eq!(next_steps(5, 0.005, 0.05), 20);
        assert_eq!(next_steps(1000, 1.0, 0.05), 250);
        // Ten milliseconds a step: sixteen are worth it, although they take three times as long.
        assert_eq!(next_steps(20, 0.2, 0.05), 16);
        // A second a step: not even one fits.
        assert_eq!(next_steps(2, 2.0, 0.05), 1);
        assert_eq!(next_steps(1, 1e-12, 0.05), 4);
    }

    #[test]
    fn what_few_lanes_may_take_is_too_much_for_many() {
        assert_eq!(steps_of_lanes(1000, 10, 100), 100);
        assert_eq!(steps_of_lanes(1000, 100, 10), 1000);
        assert_eq!(steps_of_lanes(2, 1, 1000), 1);
    }

    #[test]
    fn dispatches_grow_with_the_steps_before() {
        assert_eq!(dispatches(100, 0, true, None), [32, 32, 32, 4]);
        assert_eq!(dispatches(1000, 1600, true, None), [200, 225, 253, 284, 38]);
        assert_eq!(dispatches(40_000, 0, false, None), [32_768, 7232]);
        // Nobody has ended in fewer than 90 before.
        let expected = Some(Lengths { shortest: 90, longest: 200 });
        assert_eq!(dispatches(150, 0, true, expected), [90, 32, 28]);
        assert_eq!(dispatches(150, 80, true, expected), [32, 32, 32, 32, 22]);
        assert_eq!(dispatches(u32::MAX, 0, true, None).len(), MAX_DISPATCHES);
    }

    #[test]
    fn chunks_are_over_when_those_before_were() {
        let expected = Some(Lengths { shortest: 10, longest: 100 });
        assert!(!is_over(None, 1000));
        assert!(!is_over(expected, 99) && is_over(expected, 100));
        // Fixed steps come in dispatches of many.
        assert!(is_over(expected, MAX_STEPS));
        assert!(!is_over(expected, 3 * MAX_STEPS), "a straggler");
    }

    #[test]
    fn what_is_expected_follows_the_last_chunks() {
        let lengths = |shortest, longest| Lengths { shortest, longest };
        assert_eq!(lengths(10, 100).expect(None), lengths(10, 100));
        assert_eq!(lengths(20, 50).expect(Some(lengths(16, 80))), lengths(18, 70));
        assert_eq!(lengths(5, 90).expect(Some(lengths(16, 80))), lengths(5, 90));
        let none_ended = lengths(u32::MAX, 0);
        assert_eq!(lengths(20, 50).expect(Some(none_ended)), lengths(20, 50));
    }
}
