//! The kernels against plain sums on the host, with uploaded values: all are whole multiples of a unit, exact in every number
//! format, so that the host has means and squares from whole numbers.

use super::*;
use crate::gpu::device;
use crate::job::CountRow;
use crate::pair::F32x2;
use crate::real::Real;
use crate::reduce::{Histogram, Summary};
use crate::wgsl::reduce::SHARED_COUNTS;
use std::time::Instant;

/// The device in a number format; `None`, with a word of it, where there is none and none is required.
fn opened(precision: Precision) -> Option<Device> {
    let opened = device::choose(None)
        .and_then(|(adapter, summary)| device::open(&adapter, &summary, precision))
        .map(|(device, queue)| Device::new(device, queue));
    if let Err(error) = &opened {
        assert!(std::env::var("ENSOLVE_REQUIRE_GPU").is_err(), "{error}");
        eprintln!("not tested: {error}");
    }
    opened.ok()
}

/// Rows of counts that the kernels read.
const N_COUNT_ROW: usize = CountRow::NextCut as usize;

/// Saved values `base + unit k`, `[quantity][trajectory]`, and the ends of the trajectories.
struct Chunk {
    n_traj: usize,
    base: f64,
    unit: f64,
    k: Vec<i64>,
    status: Vec<u32>,
    steps: [Vec<u32>; 2],
}

/// A whole number in 0..bound that looks random.
fn scrambled(n: usize, bound: u64) -> i64 {
    ((n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24).rem_euclid(bound) as i64
}

impl Chunk {
    /// Every 97th trajectory has failed, and all of the third block.
    fn new(n_traj: usize, n_quantity: usize, base: f64, unit: f64, range: u64) -> Chunk {
        let failed = |i: usize| i % 97 == 96 || i / BLOCK == 2;
        let status = |i: usize| if failed(i) { [3, 2, 0, 4][i % 4] } else { Status::Success as u32 };
        Chunk {
            n_traj,
            base,
            unit,
            k: (0..n_quantity * n_traj).map(|n| scrambled(n, range) - range as i64 / 2).collect(),
            status: (0..n_traj).map(status).collect(),
            steps: [
                (0..n_traj).map(|i| scrambled(i, 1 << 32) as u32).collect(),
                (0..n_traj).map(|i| scrambled(i, 99) as u32).collect(),
            ],
        }
    }

    fn succeeded(&self, i: usize) -> bool {
        self.status[i] == Status::Success as u32
    }

    fn value(&self, quantity: usize, i: usize) -> f64 {
        self.base + self.unit * self.k[quantity * self.n_traj + i] as f64
    }

    /// Trajectories of a block that count, and their whole numbers.
    fn of_block(&self, quantity: usize, block: usize) -> impl Iterator<Item = (usize, i64)> {
        let part = block * BLOCK..((block + 1) * BLOCK).min(self.n_traj);
        part.filter(|i| self.succeeded(*i)).map(move |i| (i, self.k[quantity * self.n_traj + i]))
    }

    /// What was not saved is NaN.
    fn saved(&self) -> Vec<f64> {
        let value = |n: usize| {
            let i = n % self.n_traj;
            if self.succeeded(i) { self.value(n / self.n_traj, i) } else { f64::NAN }
        };
        (0..self.k.len()).map(value).collect()
    }

    fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; N_COUNT_ROW * self.n_traj];
        let rows = [
            (CountRow::Status, &self.status),
            (CountRow::Accepted, &self.steps[0]),
            (CountRow::Rejected, &self.steps[1]),
        ];
        for (row, values) in rows {
            counts[row as usize * self.n_traj..][..self.n_traj].copy_from_slice(values);
        }
        counts
    }
}

/// A device with kernels, and the buffers of a chunk.
struct Bench {
    device: Device,
    reducer: Reducer,
}

impl Bench {
    fn new(precision: Precision, arithmetic: Arithmetic) -> Option<Bench> {
        let device = opened(precision)?;
        let reducer = Reducer::new(&device, precision, arithmetic).expect("the kernels compile");
        Some(Bench { device, reducer })
    }

    fn upload(&self, saved: &[f64], counts: &[u32], more: usize) -> [wgpu::Buffer; 2] {
        let precision = self.reducer.precision;
        let bytes = (saved.len() + more) as u64 * real_bytes(precision);
        let buffers = [self.device.storage("saved", bytes), self.device.storage("counts", counts.len() as u64 * WORD)];
        self.device.write_reals(&buffers[0], saved, precision);
        self.device.queue.write_buffer(&buffers[1], 0, bytemuck::cast_slice(counts));
        buffers
    }

    fn run(&self, buffers: &ReduceBuffers, [saved, counts]: &[wgpu::Buffer; 2], first: u64, n_traj: usize) -> Partial {
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        self.reducer.encode(&self.device, &mut encoder, buffers, (saved, counts), n_traj).expect("commands");
        self.device.queue.submit([encoder.finish()]);
        buffers.staging.map_async(wgpu::MapMode::Read, .., |result| result.expect("results"));
        self.device.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
        let bytes = buffers.staging.get_mapped_range(..).expect("results").to_vec();
        buffers.staging.unmap();
        self.device.check().expect("no complaint");
        buffers.partial(&bytes, first, n_traj)
    }

    /// A chunk in buffers that are larger than it and that have served another one before.
    fn reduce(&self, chunk: &Chunk, reduction: &Reduction, first: u64) -> Partial {
        let buffers = self.reducer.buffers(&self.device, reduction, chunk.n_traj + 3000).expect("memory");
        let uploaded = self.upload(&chunk.saved(), &chunk.counts(), reduction.summaries.len() * chunk.n_traj);
        let partial = self.run(&buffers, &uploaded, first, chunk.n_traj);
        let again = self.run(&buffers, &uploaded, first, chunk.n_traj);
        // As texts, since NaN is not equal to itself.
        assert_eq!(format!("{partial:?}"), format!("{again:?}"), "the same chunk once more");
        partial
    }
}

/// Rounding of a sum and of squares, in units of `epsilon` times the range of the values: 16 additions of an invocation and 6
/// up the tree, the difference from the pivot and the one from the mean, a product and a quotient, half a unit each, and some
/// room for f32x2, whose sums are off by a unit.
const ROUNDINGS: f64 = 32.0;

/// n, whole sums and sums of products of two quantities in a block, in i128: exact.
fn whole_sums(chunk: &Chunk, a: usize, b: usize, block: usize) -> [i128; 4] {
    let pairs = chunk.of_block(a, block).zip(chunk.of_block(b, block));
    pairs.fold([0; 4], |[n, sum_a, sum_b, sum_ab], ((_, a), (_, b))| {
        let (a, b) = (i128::from(a), i128::from(b));
        [n + 1, sum_a + a, sum_b + b, sum_ab + a * b]
    })
}

/// Compares moments and comoments; `range` of the whole numbers.
fn check_sums(chunk: &Chunk, reduction: &Reduction, partial: &Partial, precision: Precision, range: f64, what: &str) {
    let (n_quantity, blocks) = (reduction.n_quantity(), n_block(chunk.n_traj));
    assert_eq!(partial.moments.len(), n_quantity * blocks);
    let epsilon = ROUNDINGS * precision.epsilon();
    let spread = range * chunk.unit;
    for block in 0..blocks {
        for quantity in 0..n_quantity {
            let got = partial.moments[block * n_quantity + quantity];
            let what = format!("{what}: quantity {quantity}, block {block}: {got:?}");
            let [n, sum, _, squares] = whole_sums(chunk, quantity, quantity, block);
            assert_eq!(i128::from(got.n), n, "{what}");
            let of = |found: Option<(usize, i64)>, none: f64| match found {
                Some((i, k)) => (chunk.base + chunk.unit * k as f64, partial.first + i as u64),
                None => (none, u64::MAX),
            };
            let values = || chunk.of_block(quantity, block);
            let least = values().reduce(|a, b| if b.1 < a.1 { b } else { a });
            let greatest = values().reduce(|a, b| if b.1 > a.1 { b } else { a });
            assert_eq!((got.min, got.argmin), of(least, f64::INFINITY), "{what}");
            assert_eq!((got.max, got.argmax), of(greatest, f64::NEG_INFINITY), "{what}");
            if n == 0 {
                assert_eq!((got.mean, got.m2), (0.0, 0.0), "{what}");
                continue;
            }
            let mean = chunk.base + chunk.unit * (sum as f64 / n as f64);
            // The mean is an f64 in the end.
            let close = epsilon * spread + 2.0 * f64::EPSILON * mean.abs();
            assert!((got.mean - mean).abs() <= close, "{what}, the mean is {mean}");
            let m2 = (n * squares - sum * sum) as f64 / n as f64 * chunk.unit * chunk.unit;
            assert!((got.m2 - m2).abs() <= epsilon * n as f64 * spread * spread, "{what}, m2 is {m2}");
        }
        for (pair, (a, b)) in reduction.pairs.iter().enumerate() {
            let got = partial.comoments[block * reduction.pairs.len() + pair];
            let [n, sum_a, sum_b, products] = whole_sums(chunk, *a as usize, *b as usize, block);
            let c = (n * products - sum_a * sum_b) as f64 / n.max(1) as f64 * chunk.unit * chunk.unit;
            let mean = |quantity: u32| partial.moments[block * n_quantity + quantity as usize].mean;
            assert_eq!((i128::from(got.n), got.mean_a, got.mean_b), (n, mean(*a), mean(*b)), "{what}: pair {pair}");
            let close = epsilon * n as f64 * spread * spread;
            assert!((got.c - c).abs() <= close, "{what}: pair {pair}, block {block}: {got:?}, c is {c}");
        }
    }
}

fn check_tally(chunk: &Chunk, partial: &Partial) {
    for (code, count) in partial.statuses.iter().enumerate() {
        let of_code = |status: &&u32| stopped_if_running(**status) as usize == code;
        assert_eq!(*count, chunk.status.iter().filter(of_code).count() as u64, "status {code}");
    }
    for (got, steps) in [partial.accepted, partial.rejected].into_iter().zip(&chunk.steps) {
        assert_eq!(got.sum, steps.iter().map(|steps| u64::from(*steps)).sum::<u64>());
        assert_eq!(Some(got.max), steps.iter().copied().max());
    }
}

fn saves(n_save: usize, n_row: usize) -> Reduction {
    Reduction { times: (0..n_save).map(|k| k as f64 / 8.0).collect(), n_row, ..Reduction::default() }
}

#[test]
fn moments_comoments_and_tallies_are_those_of_plain_sums() {
    for precision in Precision::ALL {
        for arithmetic in [Arithmetic::Standard, Arithmetic::Exact] {
            let Some(bench) = Bench::new(precision, arithmetic) else { continue };
            for (n_traj, n_save, n_row) in [(1, 101, 7), (1000, 3, 5), (1024, 101, 1), (5000, 3, 2)] {
                let (n_quantity, range) = (n_save * n_row, 1 << 20);
                let last = n_quantity as u32 - 1;
                let reduction = Reduction { pairs: vec![(0, 1), (last, last), (2, 0)], ..saves(n_save, n_row) };
                let chunk = Chunk::new(n_traj, n_quantity, 0.0, 1.0 / 1024.0, range);
                let partial = bench.reduce(&chunk, &reduction, 7 * BLOCK as u64);
                assert_eq!((partial.first, partial.n_traj), (7 * BLOCK as u64, n_traj));
                let what = format!("{precision}, {n_traj} trajectories");
                check_sums(&chunk, &reduction, &partial, precision, range as f64, &what);
                check_tally(&chunk, &partial);
            }
        }
    }
}

#[test]
fn a_large_mean_does_not_hide_a_small_spread() {
    for precision in Precision::ALL {
        let Some(bench) = Bench::new(precision, Arithmetic::Standard) else { continue };
        let reduction = Reduction { pairs: vec![(0, 1)], ..saves(1, 2) };
        // A unit is the last place of 1e6 in f32; 16 of them make a spread of 1. The bound of the mean is then 4e-6, less
        // than a ten-thousandth of a unit. Extremes have ties.
        let chunk = Chunk::new(3000, 2, 1e6, 1.0 / 16.0, 16);
        let partial = bench.reduce(&chunk, &reduction, 0);
        check_sums(&chunk, &reduction, &partial, precision, 16.0, &format!("{precision} at 1e6"));
    }
}

#[test]
fn squares_of_tiny_and_huge_differences_are_numbers() {
    for precision in [Precision::F32, Precision::F32x2] {
        let Some(bench) = Bench::new(precision, Arithmetic::Standard) else { continue };
        for unit in [2f64.powi(-110), 2f64.powi(110)] {
            // Whole multiples up to 512: units of 2^-110 are normal numbers, and squares of 2^119 are far beyond the range.
            let reduction = Reduction { pairs: vec![(0, 1), (1, 1)], ..saves(1, 2) };
            let chunk = Chunk::new(3000, 2, 0.0, unit, 1024);
            let partial = bench.reduce(&chunk, &reduction, 0);
            check_sums(&chunk, &reduction, &partial, precision, 1024.0, &format!("{precision}, units of {unit:e}"));
        }
        for n_traj in [1, 3000] {
            // All the same, and large: there is no difference to scale by.
            let reduction = Reduction { pairs: vec![(0, 1)], ..saves(1, 2) };
            let chunk = Chunk::new(n_traj, 2, 2f64.powi(40), 1.0, 1);
            let partial = bench.reduce(&chunk, &reduction, 0);
            check_sums(&chunk, &reduction, &partial, precision, 1.0, &format!("{precision}, all equal"));
        }
    }
}

#[test]
fn bins_of_tiny_ranges_and_their_ends() {
    let ends = |unit: f64| Histogram { quantity: 0, low: 0.0, high: 4.0 * unit, n_bin: 4 };
    // A bin of 2^-120 has more than the largest number of bins to a unit.
    let (unit, status) = (2f64.powi(-120), Status::Success as u32);
    let values = [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0, 4.5].map(|k| k * unit);
    let n_traj = values.len();
    let counts: Vec<u32> = (0..N_COUNT_ROW * n_traj).map(|n| if n < n_traj { status } else { 0 }).collect();
    let zero = Histogram { quantity: 0, low: 0.0, high: 0.0, n_bin: 0 };
    let one = Histogram { n_bin: 1, ..zero };
    let reduction = Reduction { histograms: vec![ends(unit), zero, one], ..saves(1, 1) };
    for precision in Precision::ALL {
        let Some(bench) = Bench::new(precision, Arithmetic::Standard) else { continue };
        let buffers = bench.reducer.buffers(&bench.device, &reduction, n_traj).expect("memory");
        let partial = bench.run(&buffers, &bench.upload(&values, &counts, 0), 0, n_traj);
        // The last bin holds both of its ends; without bins what is not above is below.
        assert_eq!(partial.counts, [1, 2, 1, 1, 3, 1, 2, 7, 1, 1, 7], "{precision}");
    }
}

#[test]
fn histograms_count_every_value() {
    // Values are multiples of 2^-10, edges of bins lie half a unit beside them.
    const HALF_UNIT: f64 = 1.0 / 2048.0;
    let histogram = |quantity, low: f64, high: f64, n_bin| {
        let (low, high) = (low - HALF_UNIT, high - HALF_UNIT);
        Histogram { quantity, low, high, n_bin }
    };
    let histograms = vec![
        histogram(0, -300.0, 300.0, 600),
        histogram(1, -350.0, 350.0, 7),
        // More counts than a workgroup has memory for.
        histogram(0, -320.0, 320.0, 5120),
        histogram(1, 100.0, 100.0, 0),
        histogram(1, -100.0, 100.0, 1),
        // As many as it has.
        histogram(0, 0.0, 0.5 * (SHARED_COUNTS - 2) as f64, SHARED_COUNTS as u32 - 2),
    ];
    for precision in Precision::ALL {
        let Some(bench) = Bench::new(precision, Arithmetic::Standard) else { continue };
        for n_traj in [1, 9000] {
            let chunk = Chunk::new(n_traj, 2, 0.0, 2.0 * HALF_UNIT, 1 << 20);
            let reduction = Reduction { histograms: histograms.clone(), ..saves(1, 2) };
            let partial = bench.reduce(&chunk, &reduction, 0);
            let mut counts = partial.counts.as_slice();
            for histogram in &reduction.histograms {
                let mut want = vec![0; histogram.n_count()];
                for i in (0..n_traj).filter(|i| chunk.succeeded(*i)) {
                    let part = (chunk.value(histogram.quantity as usize, i) - histogram.low)
                        / (histogram.high - histogram.low);
                    let bin = match () {
                        () if part < 0.0 => 0,
                        () if part >= 1.0 => histogram.n_bin + 1,
                        () => 1 + (part * f64::from(histogram.n_bin)).floor() as u32,
                    };
                    want[bin as usize] += 1;
                }
                let got;
                (got, counts) = counts.split_at(want.len());
                assert_eq!(got, want, "{precision}, {n_traj} trajectories, {histogram:?}");
            }
            assert!(counts.is_empty());
        }
    }
}

/// Every kind of summary.
const KINDS: [SummaryKind; 8] = [
    SummaryKind::Min,
    SummaryKind::Max,
    SummaryKind::TimeOfMin,
    SummaryKind::TimeOfMax,
    SummaryKind::TimeAbove(0.25),
    SummaryKind::TimeAbove(100.0),
    SummaryKind::Integral,
    SummaryKind::Final,
];

/// The plain loop, each operation as the kernel has it.
fn summary<R: Real>(kind: SummaryKind, t: &[f64], y: &[f64]) -> f64 {
    let (t, y): (Vec<R>, Vec<R>) = (t.iter().map(|t| R::of(*t)).collect(), y.iter().map(|y| R::of(*y)).collect());
    let place = |is_beyond: fn(&R, &R) -> bool| {
        (0..y.len()).reduce(|a, b| if is_beyond(&y[b], &y[a]) { b } else { a }).expect("a save time")
    };
    let sum = |term: &dyn Fn(usize) -> R| (1..y.len()).fold(R::ZERO, |sum, k| sum + term(k)).to_f64();
    match kind {
        SummaryKind::Min => y[place(R::lt)].to_f64(),
        SummaryKind::Max => y[place(R::gt)].to_f64(),
        SummaryKind::TimeOfMin => t[place(R::lt)].to_f64(),
        SummaryKind::TimeOfMax => t[place(R::gt)].to_f64(),
        SummaryKind::Final => y[y.len() - 1].to_f64(),
        SummaryKind::Integral => sum(&|k| (t[k] - t[k - 1]) * R::of(0.5) * (y[k - 1] + y[k])),
        SummaryKind::TimeAbove(threshold) => sum(&|k| {
            let threshold = R::of(threshold);
            let (low, high) = (y[k - 1].lesser(y[k]), y[k - 1].greater(y[k]));
            let part = match () {
                () if !(high > threshold) => R::ZERO,
                () if !(low < threshold) => R::ONE,
                () => (high - threshold) / ((high - threshold) + (threshold - low)),
            };
            (t[k] - t[k - 1]).abs() * part
        }),
    }
}

#[test]
fn summaries_have_the_bits_of_a_plain_loop() {
    for (precision, arithmetic) in
        Precision::ALL.into_iter().flat_map(|p| [(p, Arithmetic::Exact), (p, Arithmetic::Standard)])
    {
        let Some(bench) = Bench::new(precision, arithmetic) else { continue };
        let (n_save, n_row, n_traj) = (101, 3, 300);
        let summaries = (0..n_row as u32).flat_map(|row| KINDS.map(|kind| Summary { kind, row })).collect();
        let mut reduction = Reduction { summaries, ..saves(n_save, n_row) };
        // Not whole, and backward from the middle on, as no run goes, for the sign of dt.
        let time = |k: usize| precision.round(0.1 * (k.min(101 - k)) as f64);
        reduction.times = (0..n_save).map(time).collect();
        let n_saved = n_save * n_row;
        let chunk = Chunk::new(n_traj, n_saved, 0.0, 1.0 / 512.0, 1024);
        let saved: Vec<f64> = chunk.saved().iter().map(|y| precision.round(y * 1.1)).collect();
        let buffers = bench.reducer.buffers(&bench.device, &reduction, n_traj).expect("memory");
        let uploaded = bench.upload(&saved, &chunk.counts(), reduction.summaries.len() * n_traj);
        let partial = bench.run(&buffers, &uploaded, 0, n_traj);
        let n_value = reduction.summaries.len() * n_traj;
        let values = bench.device.read_reals(&uploaded[0], n_saved * n_traj, n_value, precision).expect("summaries");
        for (number, asked) in reduction.summaries.iter().enumerate() {
            let got = &values[number * n_traj..][..n_traj];
            for i in (0..n_traj).filter(|i| chunk.succeeded(*i)) {
                let y: Vec<f64> = (0..n_save).map(|k| saved[(k * n_row + asked.row as usize) * n_traj + i]).collect();
                let want = match precision {
                    Precision::F32 => summary::<f32>(asked.kind, &reduction.times, &y),
                    Precision::F64 => summary::<f64>(asked.kind, &reduction.times, &y),
                    Precision::F32x2 => summary::<F32x2>(asked.kind, &reduction.times, &y),
                };
                // A hundred terms of at most 0.1, rounded a few times each, and sums of at most 10.
                let close = if arithmetic == Arithmetic::Exact { 0.0 } else { 1000.0 * precision.epsilon() };
                assert!(
                    (got[i] - want).abs() <= close,
                    "{precision}, {arithmetic:?}, {asked:?}: {} is not {want}",
                    got[i]
                );
            }
            // They are quantities like others.
            let largest = (0..n_traj).filter(|i| chunk.succeeded(*i)).map(|i| got[i]).fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(partial.moments[n_saved + number].max, largest, "{asked:?}");
        }
    }
}

#[test]
fn values_that_are_not_finite_are_told() {
    let Some(bench) = Bench::new(Precision::F32, Arithmetic::Standard) else { return };
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let rows = [[1.0, 2.0, 3.0], [inf, 2.0, inf], [1.0, -inf, 3.0], [inf, 5.0, -inf], [7.0, nan, 5.0], [inf, inf, inf]];
    let reduction = Reduction {
        pairs: vec![(0, 0), (0, 1), (4, 0)],
        histograms: vec![Histogram { quantity: 3, low: 0.0, high: 10.0, n_bin: 2 }],
        ..saves(1, rows.len())
    };
    let counts: Vec<u32> = (0..N_COUNT_ROW * 3).map(|n| if n < 3 { Status::Success as u32 } else { 0 }).collect();
    let buffers = bench.reducer.buffers(&bench.device, &reduction, 3).expect("memory");
    let partial = bench.run(&buffers, &bench.upload(&rows.concat(), &counts, 0), 0, 3);
    let means: Vec<f64> = partial.moments.iter().map(|m| m.mean).collect();
    assert_eq!(format!("{means:?}"), "[2.0, inf, -inf, NaN, NaN, inf]");
    let m2: Vec<f64> = partial.moments.iter().map(|m| m.m2).collect();
    assert_eq!(format!("{m2:?}"), "[2.0, NaN, NaN, NaN, NaN, NaN]");
    let extremes: Vec<_> = partial.moments.iter().map(|m| (m.n, m.min, m.argmin, m.max, m.argmax)).collect();
    let want =
        [(3, 1.0, 0, 3.0, 2), (3, 2.0, 1, inf, 0), (3, -inf, 1, 3.0, 2), (3, -inf, 2, inf, 0), (3, 5.0, 2, 7.0, 0)];
    assert_eq!(extremes[..5], want);
    assert_eq!(extremes[5], (3, inf, 0, inf, 0));
    assert_eq!(partial.comoments[0], Comoment { n: 3, mean_a: 2.0, mean_b: 2.0, c: 2.0 });
    assert!(partial.comoments[1].c.is_nan() && partial.comoments[2].c.is_nan());
    assert_eq!(partial.counts, [1, 0, 1, 1]);
}

#[test]
fn more_workgroups_than_one_dimension_takes() {
    let Some(bench) = Bench::new(Precision::F32, Arithmetic::Standard) else { return };
    let n_quantity = 2 * 65536 + 100;
    let chunk = Chunk::new(1, n_quantity, 0.0, 1.0, 1000);
    let reduction = Reduction { pairs: (0..66_000).map(|a| (a, a + 1)).collect(), ..saves(1, n_quantity) };
    let partial = bench.reduce(&chunk, &reduction, 0);
    check_sums(&chunk, &reduction, &partial, Precision::F32, 1000.0, "many quantities");
}

#[test]
fn failures_are_named_in_order() {
    let status: Vec<u32> = (0..200).map(|i| if i % 2 == 0 { 1 } else { [2, 0][i / 2 % 2] }).collect();
    let failures = failures(1024, &status, &vec![3; 200], |i| i as f64);
    assert_eq!(failures.len(), NAMED_FAILURES);
    let failure = |trajectory, status, t, culprit| Failure { trajectory, status, t, culprit };
    assert_eq!(failures[0], failure(1025, Status::NonFinite, 1.0, Some(2)));
    assert_eq!(failures[1], failure(1027, Status::Stopped, 3.0, None));
    assert_eq!(failures[63].trajectory, 1024 + 127);
}

#[test]
fn the_time_that_a_reduction_takes() {
    let Some(bench) = Bench::new(Precision::F32, Arithmetic::Standard) else { return };
    let (n_traj, n_save, n_row) = (65536, 11, 3);
    let chunk = Chunk::new(n_traj, n_save * n_row, 0.0, 1.0 / 1024.0, 1 << 20);
    let uploaded = bench.upload(&chunk.saved(), &chunk.counts(), n_row * n_traj);
    let histogram = |quantity| Histogram { quantity, low: -600.0, high: 600.0, n_bin: 64 };
    let asked = [
        ("tallies alone", saves(0, 0)),
        ("and moments", saves(n_save, n_row)),
        ("and a pair", Reduction { pairs: vec![(30, 31)], ..saves(n_save, n_row) }),
        ("and 3 histograms", Reduction { histograms: (30..33).map(histogram).collect(), ..saves(n_save, n_row) }),
        (
            "and 3 summaries",
            Reduction {
                summaries: (0..3).map(|row| Summary { kind: SummaryKind::Integral, row }).collect(),
                ..saves(n_save, n_row)
            },
        ),
    ];
    for (what, reduction) in asked {
        let buffers = bench.reducer.buffers(&bench.device, &reduction, n_traj).expect("memory");
        let timed = |_| {
            let start = Instant::now();
            let partial = bench.run(&buffers, &uploaded, 0, n_traj);
            assert_eq!(partial.statuses.iter().sum::<u64>(), n_traj as u64);
            start.elapsed()
        };
        let best = (0..5).map(timed).min().expect("five runs");
        println!("{n_traj} trajectories, {n_row} rows, {n_save} saves, {what}: {:.2} ms", best.as_secs_f64() * 1e3);
    }
}
