//! Quantiles from counts.
//!
//! In: the counts of a histogram, the number of values, the smallest and the largest. Out: each quantile with an interval that
//! holds it. The quantile is that of the list of all values, interpolated between order statistics as
//! [`crate::stats::quantile`] does; where both order statistics are inside the histogram the interval is at most a bin wide.

use crate::reduce::{Accumulator, Histogram};

/// A quantile of values that are not stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// Its probability.
    pub probability: f64,
    /// The estimate; NaN where it lies outside the histogram and an end of the interval is infinite.
    pub value: f64,
    /// The quantile is at least so large,
    pub low: f64,
    /// and at most so.
    pub high: f64,
    /// Whether it lies inside the range of the histogram: then the interval is a bin wide at most, and what the format of the
    /// run leaves unknown of the edges of bins.
    pub is_inside: bool,
}

/// Rounding of the part of the range at which a value lies, in units of the machine epsilon.
const EDGE_ROUNDINGS: f64 = 4.0;

/// A number in an interval.
#[derive(Clone, Copy)]
struct Bracket {
    value: f64,
    low: f64,
    high: f64,
    is_inside: bool,
}

/// The quantile of a probability; `counts` are those of a histogram, where there is one, and `rounding` is the machine epsilon
/// of the format in which they were counted. Of no values it is NaN.
pub fn quantile(probability: f64, all: &Accumulator, counts: Option<(&Histogram, &[u64])>, rounding: f64) -> Quantile {
    if all.n == 0 {
        let nan = f64::NAN;
        return Quantile { probability, value: nan, low: nan, high: nan, is_inside: false };
    }
    let at = probability * (all.n - 1) as f64;
    let order = |k: f64| order(k as u64, all, counts, rounding);
    let (a, b) = (order(at.floor()), order(at.ceil()));
    let between = |a: f64, b: f64| if a == b || at.fract() == 0.0 { a } else { a + at.fract() * (b - a) };
    Quantile {
        probability,
        value: between(a.value, b.value),
        low: between(a.low, b.low),
        high: between(a.high, b.high),
        is_inside: a.is_inside && b.is_inside,
    }
}

/// The k-th smallest value, counted from 0.
fn order(k: u64, all: &Accumulator, counts: Option<(&Histogram, &[u64])>, rounding: f64) -> Bracket {
    let exact = |value| Bracket { value, low: value, high: value, is_inside: true };
    if k == 0 {
        return exact(all.min);
    }
    if k == all.n - 1 {
        return exact(all.max);
    }
    let Some((histogram, counts)) = counts else {
        return bracket((all.min, all.max), 0.5, all, false);
    };
    let n_bin = histogram.n_bin as usize;
    let edge = |i: usize| {
        let part = i as f64 / n_bin as f64;
        histogram.low * (1.0 - part) + histogram.high * part
    };
    // Which bin a value is in follows from a difference, a quotient and a product, each rounded; a quotient of a device may be
    // off by 2.5 units.
    let slack = EDGE_ROUNDINGS * rounding * (histogram.high - histogram.low);
    let mut before = 0;
    for (i, count) in counts.iter().enumerate() {
        if k < before + count {
            let part = ((k - before) as f64 + 0.5) / *count as f64;
            let ends = match i {
                0 => (all.min, histogram.low),
                i if i == n_bin + 1 => (histogram.high, all.max),
                i => (edge(i - 1) - slack, edge(i) + slack),
            };
            return bracket(ends, part, all, (1..=n_bin).contains(&i));
        }
        before += count;
    }
    exact(all.max)
}

/// A value so far between two ends, none of which is beyond the extremes.
fn bracket((low, high): (f64, f64), part: f64, all: &Accumulator, is_inside: bool) -> Bracket {
    let within = |x: f64| x.max(all.min).min(all.max);
    let (low, high) = (within(low), within(high));
    let value = if low == high { low } else { low + part * (high - low) };
    Bracket { value: if value.is_finite() { value } else { f64::NAN }, low, high, is_inside }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::bin;

    fn counted(values: &[f64], histogram: &Histogram) -> (Accumulator, Vec<u64>) {
        let mut counts = vec![0; histogram.n_count()];
        values.iter().for_each(|x| counts[bin(histogram, *x)] += 1);
        let (min, max) = (
            values.iter().copied().fold(f64::INFINITY, f64::min),
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        );
        (Accumulator { n: values.len() as u64, min, max, ..Accumulator::EMPTY }, counts)
    }

    #[test]
    fn the_interval_holds_the_quantile_and_is_a_bin_wide() {
        let mut values: Vec<f64> =
            (0..997u64).map(|i| ((i * 7919) % 1009) as f64 / 100.0).map(|x| x * x / 10.0).collect();
        let histogram = Histogram { quantity: 0, low: -1.0, high: 12.0, n_bin: 64 };
        let (all, counts) = counted(&values, &histogram);
        values.sort_by(f64::total_cmp);
        for k in 0..=100 {
            let p = f64::from(k) / 100.0;
            let (got, want) =
                (quantile(p, &all, Some((&histogram, &counts)), f64::EPSILON), crate::stats::quantile(&values, p));
            assert!(got.low <= want && want <= got.high, "{p}: {want} is not in {got:?}");
            // A bin and the slack of both of its edges: 8 times 2^-52 of 13.
            assert!(got.is_inside && got.high - got.low <= 13.0 / 64.0 + 2.4e-14, "{got:?}");
            assert!(got.low <= got.value && got.value <= got.high, "{got:?}");
        }
    }

    #[test]
    fn outside_the_range_the_extremes_bound_it() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let histogram = Histogram { quantity: 0, low: 40.0, high: 60.0, n_bin: 10 };
        let (all, counts) = counted(&values, &histogram);
        let low = quantile(0.1, &all, Some((&histogram, &counts)), f64::EPSILON);
        assert_eq!((low.low, low.high, low.is_inside), (0.0, 40.0, false));
        let high = quantile(0.9, &all, Some((&histogram, &counts)), f64::EPSILON);
        assert_eq!((high.low, high.high, high.is_inside), (60.0, 99.0, false));
        assert_eq!(quantile(0.0, &all, None, f64::EPSILON).value, 0.0);
        assert_eq!(quantile(1.0, &all, None, f64::EPSILON).value, 99.0);
        let unknown = quantile(0.5, &all, None, f64::EPSILON);
        assert_eq!((unknown.low, unknown.high, unknown.is_inside), (0.0, 99.0, false));
        let infinite = Accumulator { max: f64::INFINITY, ..all };
        let top = quantile(0.9, &infinite, Some((&histogram, &counts)), f64::EPSILON);
        assert!(top.value.is_nan() && top.low == 60.0 && top.high == f64::INFINITY, "{top:?}");
        assert!(quantile(0.5, &Accumulator::EMPTY, None, f64::EPSILON).value.is_nan());
    }
}
