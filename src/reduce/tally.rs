//! The reduction of a chunk on the host, in parallel over blocks and quantities.

use super::{
    Accumulator, BLOCK, Comoment, Ended, Failure, Histogram, NAMED_FAILURES, Partial, Reduction, StepCount, summarize,
};
use crate::pair::F32x2;
use crate::real::{Precision, Real};
use crate::status::Status;
use rayon::prelude::*;
use std::ops::Range;

/// Reduces a chunk of trajectories, the first of which has the number `first` in its ensemble.
///
/// # Panics
/// If the sizes of `ended` and `reduction` contradict each other.
pub fn reduce(ended: &Ended, reduction: &Reduction, first: u64) -> Partial {
    let n_traj = ended.n_traj;
    assert_eq!(ended.saved.len(), reduction.times.len() * reduction.n_row * n_traj, "a row for each save time");
    let n_save = |_| reduction.times.len();
    reduce_with(ended, &summaries(ended, reduction, (&reduction.times, 1), n_save), reduction, first)
}

/// The same of trajectories that have save times of their own, `[n_save][n_traj]` with NaN beyond the last of each: of states and
/// outputs the last saved value counts.
pub fn reduce_own(ended: &Ended, times: &[f64], reduction: &Reduction, first: u64) -> Partial {
    let (n_row, n_traj) = (reduction.n_row, ended.n_traj);
    assert_eq!(ended.saved.len(), times.len() * n_row, "a row for each save time");
    let n_save: Vec<usize> =
        (0..n_traj).map(|i| times.iter().skip(i).step_by(n_traj).take_while(|t| !t.is_nan()).count()).collect();
    let summaries = summaries(ended, reduction, (times, n_traj), |i| n_save[i]);
    let last = |at: usize| {
        let (row, i) = (at / n_traj, at % n_traj);
        n_save[i].checked_sub(1).map_or(f64::NAN, |last| ended.saved[(last * n_row + row) * n_traj + i])
    };
    let saved: Vec<f64> = (0..n_row * n_traj).map(last).collect();
    reduce_with(&Ended { saved: &saved, ..*ended }, &summaries, reduction, first)
}

fn reduce_with(ended: &Ended, summaries: &[f64], reduction: &Reduction, first: u64) -> Partial {
    let n_traj = ended.n_traj;
    let chunk = Chunk { ended, summaries, first };
    let blocks = blocks(first, n_traj);
    let n_quantity = reduction.n_quantity();
    let moments = (0..blocks.len() * n_quantity)
        .into_par_iter()
        .map(|at| moments_of(chunk.values(at % n_quantity, blocks[at / n_quantity].clone())))
        .collect();
    let pairs = &reduction.pairs;
    let comoments = (0..blocks.len() * pairs.len())
        .into_par_iter()
        .map(|at| chunk.comoment(pairs[at % pairs.len()], blocks[at / pairs.len()].clone()))
        .collect();
    let ranked = |quantity: &u32| {
        let values = chunk.quantity(*quantity as usize).iter().zip(ended.status);
        values.map(|(x, status)| if succeeded(*status) { *x } else { f64::NAN }).collect::<Vec<f64>>()
    };
    let mut partial = Partial { first, n_traj, moments, comoments, ..Partial::default() };
    partial.counts = reduction.histograms.par_iter().flat_map(|histogram| chunk.count(histogram)).collect();
    partial.ranked = reduction.ranked.par_iter().flat_map(ranked).collect();
    chunk.ends(&mut partial);
    partial
}

fn succeeded(status: u32) -> bool {
    status == Status::Success as u32
}

/// The parts of a chunk that lie in one block each.
fn blocks(first: u64, n_traj: usize) -> Vec<Range<usize>> {
    let before = (first % BLOCK as u64) as usize;
    let ends = (1..).map(|k| (k * BLOCK - before).min(n_traj));
    let mut start = 0;
    let mut blocks = Vec::new();
    for end in ends {
        if start == n_traj {
            break;
        }
        blocks.push(start..end);
        start = end;
    }
    blocks
}

/// Summaries of all trajectories, `[summary][trajectory]`, of which each has so many save times: one after the other in a row of
/// times for all, or in a column of its own. Of those that have not succeeded they mean nothing.
fn summaries(
    ended: &Ended,
    reduction: &Reduction,
    times: (&[f64], usize),
    n_save: impl Fn(usize) -> usize + Sync,
) -> Vec<f64> {
    match ended.precision {
        Precision::F32 => summaries_in::<f32>(ended, reduction, times, n_save),
        Precision::F64 => summaries_in::<f64>(ended, reduction, times, n_save),
        Precision::F32x2 => summaries_in::<F32x2>(ended, reduction, times, n_save),
    }
}

fn summaries_in<R: Real>(
    ended: &Ended,
    reduction: &Reduction,
    (times, n_column): (&[f64], usize),
    n_save: impl Fn(usize) -> usize + Sync,
) -> Vec<f64> {
    let (n_row, n_traj) = (reduction.n_row, ended.n_traj);
    let times: Vec<R> = times.iter().map(|t| R::of(*t)).collect();
    let of = |at: usize| {
        let (summary, i) = (reduction.summaries[at / n_traj], at % n_traj);
        let column = i % n_column;
        let y = |k: usize| R::of(ended.saved[(k * n_row + summary.row as usize) * n_traj + i]);
        match n_save(i) {
            0 => f64::NAN,
            n_save => summarize(summary.kind, n_save, |k| times[k * n_column + column], y).to_f64(),
        }
    };
    (0..reduction.summaries.len() * n_traj).into_par_iter().with_min_len(BLOCK).map(of).collect()
}

/// A chunk and the summaries of its trajectories.
struct Chunk<'a> {
    ended: &'a Ended<'a>,
    summaries: &'a [f64],
    first: u64,
}

impl Chunk<'_> {
    /// Values of a quantity, one for each trajectory, of whatever status.
    fn quantity(&self, quantity: usize) -> &[f64] {
        let (saved, n_traj) = (self.ended.saved, self.ended.n_traj);
        match (quantity * n_traj).checked_sub(saved.len()) {
            None => &saved[quantity * n_traj..][..n_traj],
            Some(at) => &self.summaries[at..][..n_traj],
        }
    }

    /// Trajectories of a part that have succeeded, and their values of a quantity.
    fn values(&self, quantity: usize, part: Range<usize>) -> impl Iterator<Item = (u64, f64)> + Clone {
        let (values, status) = (&self.quantity(quantity)[part.clone()], &self.ended.status[part.clone()]);
        let numbers = self.first + part.start as u64..;
        numbers.zip(values).zip(status).filter(|(_, status)| succeeded(**status)).map(|((i, x), _)| (i, *x))
    }

    fn comoment(&self, (a, b): (u32, u32), part: Range<usize>) -> Comoment {
        let (a, b) = (self.values(a as usize, part.clone()), self.values(b as usize, part));
        comoment_of(a.map(|(_, x)| x).zip(b.map(|(_, x)| x)))
    }

    fn count(&self, histogram: &Histogram) -> Vec<u64> {
        let mut counts = vec![0; histogram.n_count()];
        for (_, x) in self.values(histogram.quantity as usize, 0..self.ended.n_traj) {
            let bin = match self.ended.precision {
                Precision::F32 => bin::<f32>(histogram, x as f32),
                Precision::F64 => bin::<f64>(histogram, x),
                Precision::F32x2 => bin(histogram, F32x2::from_f64(x)),
            };
            counts[bin] += 1;
        }
        counts
    }

    /// How the trajectories have ended.
    fn ends(&self, partial: &mut Partial) {
        let ended = self.ended;
        for i in 0..ended.n_traj {
            // A status that is none would be a defect of the backend: it counts as one that still runs.
            let status = Status::from_code(ended.status[i]).unwrap_or(Status::Running);
            partial.statuses[status as usize] += 1;
            partial.accepted.merge(&StepCount { sum: ended.accepted[i].into(), max: ended.accepted[i] });
            partial.rejected.merge(&StepCount { sum: ended.rejected[i].into(), max: ended.rejected[i] });
            if status != Status::Success && partial.failures.len() < NAMED_FAILURES {
                let culprit = ended.culprit[i].checked_sub(1).filter(|_| status == Status::NonFinite);
                let trajectory = self.first + i as u64;
                partial.failures.push(Failure { trajectory, status, t: ended.t[i], culprit });
            }
        }
    }
}

/// Moments of trajectories and their values, in two passes; the second one also corrects the rounding of the mean.
pub(super) fn moments_of(values: impl Iterator<Item = (u64, f64)> + Clone) -> Accumulator {
    let mut all = Accumulator::EMPTY;
    let mut sum = 0.0;
    for (i, x) in values.clone() {
        all.n += 1;
        sum += x;
        all.see((x, i), (x, i));
    }
    if all.n == 0 {
        return all;
    }
    let n = all.n as f64;
    let mean = sum / n;
    let (mut rest, mut squares) = (0.0, 0.0);
    for (_, x) in values {
        rest += x - mean;
        squares += (x - mean) * (x - mean);
    }
    (all.mean, all.m2) = (mean, squares);
    if mean.is_finite() {
        all.mean = mean + rest / n;
        // Squares that overflow leave no number; of rounding alone less than nothing is nothing.
        all.m2 = if squares.is_finite() { (squares - rest * rest / n).max(0.0) } else { f64::INFINITY };
    }
    all
}

/// Comoment of pairs of values, in two passes.
pub(super) fn comoment_of(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Comoment {
    let (mut n, mut sum_a, mut sum_b) = (0u64, 0.0, 0.0);
    for (a, b) in pairs.clone() {
        n += 1;
        sum_a += a;
        sum_b += b;
    }
    if n == 0 {
        return Comoment::default();
    }
    let (mean_a, mean_b) = (sum_a / n as f64, sum_b / n as f64);
    let c = pairs.fold(0.0, |c, (a, b)| c + (a - mean_a) * (b - mean_b));
    Comoment { n, mean_a, mean_b, c }
}

/// The count that a value belongs to: 0 below, then the bins, then above. What is not a number is below, for it is above
/// nothing.
pub fn bin<R: Real>(histogram: &Histogram, x: R) -> usize {
    let (low, high, n_bin) = (R::of(histogram.low), R::of(histogram.high), histogram.n_bin as usize);
    if x > high {
        return n_bin + 1;
    }
    if n_bin == 0 || !(x >= low) {
        return 0;
    }
    if n_bin == 1 {
        return 1;
    }
    // A part of the range first: bins as a number of the values' unit may overflow. At its end all bins are full.
    let part = (x - low) / (high - low);
    1 + ((part * R::of_u32(histogram.n_bin)).to_f64() as usize).min(n_bin - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::{Summary, SummaryKind};

    /// `[save][row][trajectory]` of two save times and two rows, and what ends them.
    struct Made {
        n_traj: usize,
        saved: Vec<f64>,
        status: Vec<u32>,
        accepted: Vec<u32>,
        culprit: Vec<u32>,
        t: Vec<f64>,
    }

    fn value(quantity: usize, i: usize) -> f64 {
        (((i * 2_654_435_761 + quantity * 40_503) % 65_536) as f64 / 4096.0).sin() + quantity as f64
    }

    /// Trajectories of an ensemble; every 97th has failed and is NaN at the end.
    fn made(range: Range<usize>) -> Made {
        let failed = |i: usize| i % 97 == 96;
        let at = |quantity: usize| range.clone().map(move |i| if failed(i) { f64::NAN } else { value(quantity, i) });
        let status = range.clone().map(|i| if failed(i) { Status::NonFinite } else { Status::Success } as u32);
        Made {
            n_traj: range.len(),
            saved: (0..4).flat_map(at).collect(),
            status: status.collect(),
            accepted: range.clone().map(|i| (i % 13) as u32).collect(),
            culprit: range.clone().map(|i| u32::from(failed(i)) * 2).collect(),
            t: range.map(|i| i as f64).collect(),
        }
    }

    fn reduction() -> Reduction {
        let histogram = |quantity, low, high, n_bin| Histogram { quantity, low, high, n_bin };
        Reduction {
            times: vec![0.0, 1.0],
            n_row: 2,
            summaries: vec![Summary { kind: SummaryKind::Max, row: 1 }],
            pairs: vec![(0, 1), (2, 4)],
            histograms: vec![histogram(0, -0.5, 0.5, 10), histogram(4, 3.5, 3.5, 0)],
            ranked: vec![3, 4],
        }
    }

    fn partial(range: Range<usize>) -> Partial {
        let made = made(range.clone());
        let ended = Ended {
            precision: Precision::F64,
            n_traj: made.n_traj,
            saved: &made.saved,
            status: &made.status,
            t: &made.t,
            accepted: &made.accepted,
            rejected: &made.accepted,
            culprit: &made.culprit,
        };
        reduce(&ended, &reduction(), range.start as u64)
    }

    #[test]
    fn chunks_of_whole_blocks_give_the_same_bits() {
        let whole = partial(0..5000);
        let parts = [partial(0..2048), partial(2048..3072), partial(3072..5000)];
        assert_eq!(whole.moments.len(), 5 * 5);
        assert_eq!(parts.iter().flat_map(|part| part.moments.clone()).collect::<Vec<_>>(), whole.moments);
        assert_eq!(parts.iter().flat_map(|part| part.comoments.clone()).collect::<Vec<_>>(), whole.comoments);
        let counts = |k: usize| parts.iter().map(|part| part.counts[k]).sum::<u64>();
        assert_eq!((0..whole.counts.len()).map(counts).collect::<Vec<_>>(), whole.counts);
        let accepted = parts.iter().map(|part| part.accepted.sum).sum::<u64>();
        assert_eq!((accepted, 12), (whole.accepted.sum, whole.accepted.max));
        // A chunk that begins within a block has the rest of it for its first part.
        assert_eq!(partial(1000..1030).moments.len(), 2 * 5);
    }

    #[test]
    fn what_a_chunk_comes_to() {
        let partial = partial(1024..3000);
        let good = |i: &usize| i % 97 != 96;
        let values: Vec<f64> = (1024..3000).filter(good).map(|i| value(0, i)).collect();
        let counted = |low: f64, high: f64| values.iter().filter(|x| low <= **x && **x < high).count() as u64;
        assert_eq!(partial.counts[0], counted(f64::NEG_INFINITY, -0.5));
        assert_eq!(partial.counts[11], counted(0.5, f64::INFINITY));
        // No value lies on the edge of a bin.
        let bins = (0..10).map(|k| counted(-0.5 + 0.1 * f64::from(k), -0.4 + 0.1 * f64::from(k)));
        assert_eq!(partial.counts[1..11], bins.collect::<Vec<_>>());
        let above = (1024..3000).filter(good).filter(|i| value(1, *i).max(value(3, *i)) >= 3.5).count() as u64;
        assert_eq!(partial.counts[12..], [values.len() as u64 - above, above]);
        assert_eq!(partial.statuses[Status::Success as usize], values.len() as u64);
        assert_eq!(partial.failures[0].trajectory, 1066);
        assert_eq!((partial.failures[0].t, partial.failures[0].culprit), (1066.0, Some(1)));
        assert_eq!(partial.failures.len(), 20);
        assert_eq!(partial.ranked.len(), 2 * 1976);
        assert_eq!((partial.ranked[0], partial.ranked[1976]), (value(3, 1024), value(1, 1024).max(value(3, 1024))));
        assert!(partial.ranked[42].is_nan());
        let max = partial.moments[0].max;
        assert_eq!((max, true), (value(0, partial.moments[0].argmax as usize), values.iter().all(|x| *x <= 1.0)));
    }

    #[test]
    fn bins_in_every_format() {
        let histogram = Histogram { quantity: 0, low: -1.0, high: 3.0, n_bin: 4 };
        let values = [-1.5, -1.0, -0.25, 0.0, 2.9999, 3.0, f64::INFINITY, f64::NAN, f64::NEG_INFINITY];
        let want = [0, 1, 1, 2, 4, 4, 5, 0, 0];
        assert_eq!(values.map(|x| bin(&histogram, x)), want);
        assert_eq!(values.map(|x| bin(&histogram, x as f32)), want);
        assert_eq!(values.map(|x| bin(&histogram, F32x2::from_f64(x))), want);
        // The largest number below high is in the last bin, although the product rounds to their number.
        let thirds = Histogram { quantity: 0, low: 0.0, high: 0.3, n_bin: 3 };
        assert_eq!(bin(&thirds, 0.3f64.next_down()), 3);
    }

    #[test]
    fn nobody_has_succeeded() {
        let made = Made { status: vec![Status::StepLimit as u32; 10], ..made(0..10) };
        let ended = Ended {
            precision: Precision::F32,
            n_traj: 10,
            saved: &made.saved,
            status: &made.status,
            t: &made.t,
            accepted: &made.accepted,
            rejected: &made.accepted,
            culprit: &made.culprit,
        };
        let partial = reduce(&ended, &reduction(), 0);
        assert_eq!(partial.moments, [Accumulator::EMPTY; 5]);
        assert_eq!(partial.comoments, [Comoment::default(); 2]);
        assert!(partial.counts.iter().all(|count| *count == 0));
        assert!(partial.ranked.iter().all(|x| x.is_nan()));
        assert_eq!((partial.failures.len(), partial.failures[3].culprit), (10, None));
    }
}
