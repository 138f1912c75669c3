//! One number of a whole trajectory. Twin of `shaders/reduce/summarize.wgsl`.
//!
//! In: the save times and the saved values of a row. Out: the number, in the format of the run, by a loop over the save
//! times in order. Of equal values the first one counts.

use super::SummaryKind;
use crate::real::Real;

/// The number `kind` of a trajectory that is saved `n_save` times, at `t(k)` with value `y(k)`.
pub fn summarize<R: Real>(kind: SummaryKind, n_save: usize, t: impl Fn(usize) -> R, y: impl Fn(usize) -> R) -> R {
    let (mut min, mut max) = (0, 0);
    let mut sum = R::ZERO;
    for k in 1..n_save {
        match kind {
            SummaryKind::Min | SummaryKind::TimeOfMin if y(k) < y(min) => min = k,
            SummaryKind::Max | SummaryKind::TimeOfMax if y(k) > y(max) => max = k,
            SummaryKind::TimeAbove(threshold) => {
                let dt = (t(k) - t(k - 1)).abs();
                sum = sum + dt * part_above(R::of(threshold), y(k - 1), y(k));
            }
            SummaryKind::Integral => sum = sum + (t(k) - t(k - 1)) * R::of(0.5) * (y(k - 1) + y(k)),
            _ => {}
        }
    }
    match kind {
        SummaryKind::Min => y(min),
        SummaryKind::Max => y(max),
        SummaryKind::TimeOfMin => t(min),
        SummaryKind::TimeOfMax => t(max),
        SummaryKind::TimeAbove(_) | SummaryKind::Integral => sum,
        SummaryKind::Final => y(n_save - 1),
    }
}

/// The part of an interval in which a straight line is above a threshold. A line to infinity is above it everywhere.
fn part_above<R: Real>(threshold: R, y0: R, y1: R) -> R {
    let (low, high) = if y0 < y1 { (y0, y1) } else { (y1, y0) };
    if !(high > threshold) {
        return R::ZERO;
    }
    if !(low < threshold) {
        return R::ONE;
    }
    let (above, below) = (high - threshold, threshold - low);
    if above.is_finite() { above / (above + below) } else { R::ONE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::F32x2;

    fn all<R: Real>(t: &[f64], y: &[f64]) -> [f64; 7] {
        let kinds = [
            SummaryKind::Min,
            SummaryKind::Max,
            SummaryKind::TimeOfMin,
            SummaryKind::TimeOfMax,
            SummaryKind::TimeAbove(1.0),
            SummaryKind::Integral,
            SummaryKind::Final,
        ];
        kinds.map(|kind| summarize(kind, t.len(), |k| R::of(t[k]), |k| R::of(y[k])).to_f64())
    }

    #[test]
    fn every_kind_in_every_format() {
        // Up through 1 at 0.25, down through it at 2.5, and a jump at 3: all exact in binary.
        let (t, y) = ([0.0, 1.0, 2.0, 3.0, 3.0], [0.0, 4.0, 2.0, 0.0, 4.0]);
        let want = [0.0, 4.0, 0.0, 1.0, 2.25, 6.0, 4.0];
        assert_eq!(all::<f64>(&t, &y), want);
        assert_eq!(all::<f32>(&t, &y), want);
        assert_eq!(all::<F32x2>(&t, &y), want);
    }

    #[test]
    fn backward_in_time() {
        let (t, y) = ([3.0, 2.0, 1.0], [4.0, 2.0, 0.0]);
        // From 3 to 1 the integral is negative; for how long y is above 1 is not.
        assert_eq!(all::<f64>(&t, &y), [0.0, 4.0, 1.0, 3.0, 1.5, -4.0, 0.0]);
    }

    #[test]
    fn a_single_save_time_and_constants() {
        assert_eq!(all::<f64>(&[2.0], &[5.0]), [5.0, 5.0, 2.0, 2.0, 0.0, 0.0, 5.0]);
        // At the threshold is not above it.
        assert_eq!(all::<f64>(&[0.0, 1.0, 2.0], &[1.0; 3]), [1.0, 1.0, 0.0, 0.0, 0.0, 2.0, 1.0]);
    }

    #[test]
    fn infinite_values_are_above_everything() {
        let infinity = f64::INFINITY;
        assert_eq!(all::<f32>(&[0.0, 1.0, 2.0], &[0.0, infinity, 0.0])[1..6], [infinity, 0.0, 1.0, 2.0, infinity]);
    }
}
