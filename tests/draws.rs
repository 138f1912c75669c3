//! Random inputs in every number format: what they are, how they are spread, and that a device draws the same bits.

mod common;

use common::compiled;
use ensolve::job::Inputs;
use ensolve::pair::F32x2;
use ensolve::real::Real;
use ensolve::sampling::{Draw, Points, Sampling, Shape, quantile, unit};
use ensolve::spec::EnsembleSettings;
use ensolve::{CompiledSpec, Distribution, Ensemble, Precision};
use std::ops::Range;

/// Each distribution as a state and as a parameter, and what does not vary: 0.1 is rounded in f32, `q` is listed.
const MODEL: &str = r#"{
    "states": {"n": 0, "l": 0, "u": 0, "g": 0, "w": 0, "c": 0.1, "listed": 0},
    "parameters": {"pn": 0, "pl": 0, "pu": 0, "pg": 0, "pw": 0, "pc": 0.1, "q": 0},
    "derivatives": {"n": 0, "l": 0, "u": 0, "g": 0, "w": 0, "c": 0, "listed": 0}}"#;

fn distributions() -> [(&'static str, Distribution); 5] {
    [
        ("n", Distribution::Normal(1.5, 0.25)),
        ("l", Distribution::LogNormal(0.3, 0.7)),
        ("u", Distribution::Uniform(-2.5, 7.1)),
        ("g", Distribution::LogUniform(0.001, 50.0)),
        ("w", Distribution::Triangular(-1.0, 0.2, 3.0)),
    ]
}

fn settings(sampling: Sampling, seed: u64, size: u64) -> EnsembleSettings {
    let states = distributions().map(|(name, distribution)| (name.to_string(), distribution));
    let parameters = distributions().map(|(name, distribution)| (format!("p{name}"), distribution));
    let listed = [("listed", vec![1.0, 2.0, 3.3]), ("q", vec![2.5])];
    let listed = listed.map(|(name, values)| (name.to_string(), Distribution::Grid(values)));
    let vary = states.into_iter().chain(parameters).chain(listed).collect();
    EnsembleSettings { size: Some(size), seed: Some(seed), sampling: Some(sampling), vary }
}

fn ensemble(spec: &CompiledSpec, sampling: Sampling, seed: u64, size: u64) -> Ensemble {
    Ensemble::new(spec, &settings(sampling, seed, size)).unwrap_or_else(|e| panic!("{e}"))
}

fn inputs(spec: &CompiledSpec, ensemble: &Ensemble, range: Range<u64>, precision: Precision) -> Inputs {
    ensemble.inputs(spec, Some((0.0, 1.0)), range, precision)
}

/// The points of a uniform draw.
fn points(sampling: Sampling, seed: u64, size: u64, number: u32) -> Points {
    let distribution = Distribution::Uniform(0.0, 1.0);
    let draw = Draw { is_state: true, slot: 0, number, dimension: number, distribution };
    Points::new(seed, sampling, size, &draw).unwrap_or_else(|e| panic!("{e}"))
}

/// Old seeds give what they gave: numbers from a run of the time when all was drawn in f64 alone.
#[test]
fn draws_of_f64_are_what_they_have_always_been() {
    let spec = compiled(MODEL);
    let ensemble = ensemble(&spec, Sampling::Random, u64::MAX, 20_001);
    for (i, values) in [
        (0, [1.4672085257050576, 1.7790406612685985, 4.210142258415026, 0.0034870977896743873, 0.28752545273025554]),
        (2, [1.1668689986305456, 5.426196419527864, 1.7567148139905344, 0.4180338730194743, 0.41240328025786566]),
        (17, [1.4580563872444994, 0.6867449829076154, 2.215344003814466, 15.355573852736754, 1.120682136134588]),
    ] {
        let drawn = inputs(&spec, &ensemble, i..i + 1, Precision::F64);
        assert_eq!(drawn.y0[..5], values, "trajectory {i}");
    }
}

/// In f32 and f32x2 a draw is a number of the format, close to that of f64; lists and constants stay as they are given.
#[test]
fn draws_are_numbers_of_the_format() {
    let spec = compiled(MODEL);
    let ensemble = ensemble(&spec, Sampling::Random, 3, 6000);
    let wide = inputs(&spec, &ensemble, 0..6000, Precision::F64);
    for precision in [Precision::F32, Precision::F32x2] {
        let drawn = inputs(&spec, &ensemble, 0..6000, precision);
        for (slot, (name, distribution)) in distributions().into_iter().enumerate() {
            for (got, want) in drawn.y0[6000 * slot..6000 * (slot + 1)].iter().zip(&wide.y0[6000 * slot..]) {
                assert_eq!(got.to_bits(), precision.round(*got).to_bits(), "{name}");
                // The rounding of u and of the distribution's numbers, which the steepest parts multiply by some units.
                let scale = match distribution {
                    Distribution::Uniform(..) | Distribution::Triangular(..) => 7.1,
                    _ => 8.0 * want.abs().max(1.0),
                };
                assert!((got - want).abs() <= 4.0 * precision.epsilon() * scale, "{name}: {got} and {want}");
            }
        }
        assert_eq!(drawn.y0[6000 * 5..], wide.y0[6000 * 5..], "a constant and a list");
    }
    assert_eq!(wide.y0[6000 * 5], 0.1);
}

/// A value that only the format of the run cannot hold is told as it is, so that the job's check names it.
#[test]
fn what_overflows_the_format_is_refused() {
    let spec = compiled(r#"{"states": {"x": 1}, "derivatives": {"x": 0}, "run": {"tspan": [0, 1]}}"#);
    let vary = [("x".to_string(), Distribution::LogUniform(1e39, 1e39))].into_iter().collect();
    let ensemble = Ensemble::new(&spec, &EnsembleSettings { vary, ..Default::default() }).expect("an ensemble");
    let run = ensolve::RunSettings {
        tspan: Some((0.0, 1.0)),
        precision: Some(Precision::F32),
        ..ensolve::RunSettings::default()
    };
    let refused = ensolve::solve_ensemble(&spec, &run, &ensemble, &mut ensolve::CpuBackend::new());
    assert_eq!(
        refused.expect_err("refused").to_string(),
        "the initial value 1e39 of 'x' is out of the range of f32; use precision f64 or other units"
    );
    let draws = ensemble.draws(&spec).expect("nothing is computed");
    assert!(!draws.fit(Precision::F32) && !draws.fit(Precision::F32x2) && draws.fit(Precision::F64));
}

/// Words of both ends, of all sizes between, and of the middle.
fn words() -> Vec<[u32; 2]> {
    let any = points(Sampling::Random, 5, 1, 0);
    let mut all = vec![[0, 0], [u32::MAX; 2], [1 << 31, 0], [(1 << 31) - 1, u32::MAX]];
    for i in 0..40_000u64 {
        let [first, second] = any.point(i);
        let small = first.checked_shr((i % 40) as u32).unwrap_or(0);
        let near_half = (1 << 31) ^ small;
        all.extend([[first, second], [small, second], [!small, second], [near_half, second], [!near_half, second]]);
    }
    all
}

/// Largest error of a format's quantiles over all words, in units of its epsilon and of `scale` of the exact value.
fn worst<R: Real>(distribution: &Distribution, scale: impl Fn(f64) -> f64) -> f64 {
    let (shape, exact) = (Shape::<R>::new(distribution), Shape::<f64>::new(distribution));
    let mut worst = 0f64;
    for w in words() {
        let complement = [!w[0], !w[1]];
        let want = quantile(&exact, unit::<f64>(w), unit::<f64>(complement));
        let got = quantile(&shape, unit::<R>(w), unit::<R>(complement)).to_f64();
        worst = worst.max((got - want).abs() / scale(want) / R::PRECISION.epsilon());
    }
    worst
}

/// The numbers of these distributions are exact in every format, so that only the computation errs: the standard normal one
/// relative to its value in both tails, down to 2^-53, and near the middle absolutely; the others relative to their largest
/// number or, through the exponential, to their value times what the exponent is large.
#[test]
fn quantiles_are_good_in_every_format() {
    let largest = 36.7; // of |log| of the loguniform ends and of 8.2 standard deviations of 4
    type Case<'a> = (Distribution, &'a dyn Fn(f64) -> f64, [f64; 2]);
    let cases: [Case; 5] = [
        (Distribution::Normal(0.0, 1.0), &|z| z.abs().max(0.25), [4.0, 5.0]),
        (Distribution::LogNormal(0.5, 4.0), &|x| x * largest, [3.0, 3.0]),
        (Distribution::Uniform(-3.0, 8.0), &|_| 8.0, [1.5, 1.5]),
        (Distribution::LogUniform(2f64.powi(-40), 1024.0), &|x| x * largest, [3.0, 3.0]),
        (Distribution::Triangular(-1.0, 0.25, 3.0), &|_| 3.0, [3.0, 3.0]),
    ];
    let mut failures = Vec::new();
    for (distribution, scale, allowed) in cases {
        let found = [worst::<f32>(&distribution, scale), worst::<F32x2>(&distribution, scale)];
        println!("{distribution:?}: {found:?}");
        if !(found[0] <= allowed[0] && found[1] <= allowed[1]) {
            failures.push(format!("{distribution:?}: {found:?}"));
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}

/// However it is rounded, a value is not beyond the ends.
#[test]
fn values_stay_between_the_ends() {
    fn check<R: Real>(distribution: &Distribution, lo: f64, hi: f64) {
        let shape = Shape::<R>::new(distribution);
        let (lo, hi) = (R::PRECISION.round(lo), R::PRECISION.round(hi));
        for w in words() {
            let x = quantile(&shape, unit::<R>(w), unit::<R>([!w[0], !w[1]])).to_f64();
            assert!(lo <= x && x <= hi, "{distribution:?} in {}: {x}", R::PRECISION);
        }
    }
    for (lo, hi) in [(0.1, 0.3), (1.0 / 3.0, 1.0 / 3.0), (1e-30, 1e30), (9.7, 9.9)] {
        for distribution in [
            Distribution::Uniform(lo, hi),
            Distribution::LogUniform(lo, hi),
            Distribution::Triangular(lo, hi, hi),
            Distribution::Triangular(lo, lo, hi),
        ] {
            check::<f32>(&distribution, lo, hi);
            check::<f64>(&distribution, lo, hi);
            check::<F32x2>(&distribution, lo, hi);
        }
    }
}

/// In each of n strata one trajectory, in every draw. A point is rounded to a multiple of 2^-52 and a half, so that at most one
/// of 2^52 / n could leave its stratum: none of these does.
#[test]
fn a_latin_hypercube_has_one_trajectory_in_each_stratum() {
    for n in [1u64, 2, 3, 1000, 65_537] {
        for number in [0, 7, 1 << 31] {
            let points = points(Sampling::LatinHypercube, 9, n, number);
            let mut strata: Vec<u64> = (0..n).map(|i| (points.uv::<f64>(i).0 * n as f64) as u64).collect();
            assert!(n < 1000 || !strata.is_sorted(), "{n}: the order is random");
            strata.sort_unstable();
            assert!(strata.into_iter().eq(0..n), "{n}, draw {number}");
        }
    }
}

/// Inside a stratum a point lies anywhere: the deviations of 20,000 are uniform, of mean 1/2 and variance 1/12 to five standard
/// errors.
#[test]
fn points_lie_anywhere_in_their_strata() {
    let n = 20_000;
    let points = points(Sampling::LatinHypercube, 2, n, 3);
    let inside: Vec<f64> = (0..n).map(|i| (points.uv::<f64>(i).0 * n as f64).fract()).collect();
    let mean = inside.iter().sum::<f64>() / n as f64;
    let variance = inside.iter().map(|x| (x - 0.5).powi(2)).sum::<f64>() / n as f64;
    assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12.0 / n as f64).sqrt(), "{mean}");
    assert!((variance - 1.0 / 12.0).abs() < 5.0 * (1.0 / 180.0 / n as f64).sqrt(), "{variance}");
}

/// A run of 2^m points from a multiple of 2^m on has 2^t of them in each elementary interval of volume 2^(t - m): t is at most
/// the sum of the degrees of the polynomials less one, and 0 for the first two dimensions (I. Sobol, USSR Comput. Math. Math.
/// Phys. 7 (1967) 86-112).
#[test]
fn scrambled_points_are_nets() {
    const T: [u32; 5] = [0, 0, 1, 2, 2];
    let m = 10u32;
    let dimensions: Vec<Points> = (0..5).map(|number| points(Sampling::Sobol, 77, 1 << 20, number)).collect();
    for (a, b) in (0..5).flat_map(|b| (0..b).map(move |a| (a, b))) {
        let t = T[a] + T[b];
        for first in [0u64, 1 << m, 5 << m] {
            for a_bits in 0..=m - t {
                let b_bits = m - t - a_bits;
                let mut counts = vec![0; 1 << (m - t)];
                for i in first..first + (1 << m) {
                    let box_of = |points: &Points, bits: u32| u64::from(points.point(i)[0]) >> (32 - bits);
                    counts[(box_of(&dimensions[a], a_bits) << b_bits | box_of(&dimensions[b], b_bits)) as usize] += 1;
                }
                assert!(counts.iter().all(|count| *count == 1 << t), "{a} and {b}, from {first}, {a_bits} bits");
            }
        }
    }
}

/// Root mean square error of the mean of a smooth function of four quantities over `n` trajectories, of 40 seeds.
fn integration_error(sampling: Sampling, n: u64) -> f64 {
    let mut sum = 0.0;
    for seed in 0..40 {
        let draws: Vec<Points> = (0..4).map(|number| points(sampling, seed, n, number)).collect();
        let value = |i: u64| draws.iter().map(|points| 1.0 + 0.8 * (points.uv::<f64>(i).0 - 0.5)).product::<f64>();
        let mean = (0..n).map(value).sum::<f64>() / n as f64;
        sum += (mean - 1.0).powi(2);
    }
    (sum / 40.0).sqrt()
}

/// The variance of the function is 0.231, so that random points err by 0.481/sqrt(n); of that the parts that depend on one
/// quantity are 0.213, and the rest is what a Latin hypercube leaves: 0.133/sqrt(n). The estimates from 40 seeds have a standard
/// error of 11 %, of which four are allowed. Scrambled nets err by little more than n^-3/2 here.
#[test]
fn spread_points_integrate_better() {
    let n = 1024;
    let root = (n as f64).sqrt();
    let [random, latin, sobol] = Sampling::ALL.map(|sampling| root * integration_error(sampling, n));
    assert!((0.27..0.70).contains(&random), "{random}");
    assert!((0.075..0.192).contains(&latin), "{latin}");
    assert!(sobol < 0.05 * random, "{sobol}");
}

#[test]
fn spread_draws_do_not_depend_on_the_chunk() {
    let spec = compiled(MODEL);
    for sampling in Sampling::ALL {
        let ensemble = ensemble(&spec, sampling, 4, 300);
        assert_eq!(ensemble.sampling(), sampling);
        let whole = inputs(&spec, &ensemble, 0..300, Precision::F32);
        for range in [0..1, 7..20, 299..300, 100..300] {
            let part = inputs(&spec, &ensemble, range.clone(), Precision::F32);
            for (part, whole) in part.y0.chunks(part.n_traj).zip(whole.y0.chunks(300)) {
                assert_eq!(part, &whole[range.start as usize..range.end as usize], "{sampling:?}");
            }
        }
    }
}

/// The dimension of a quantity is its place among those that vary, whatever the order in which they are written.
#[test]
fn the_order_of_entries_does_not_matter() {
    let spec = compiled(MODEL);
    for sampling in Sampling::ALL {
        let forward = settings(sampling, 4, 30);
        let backward = EnsembleSettings { vary: forward.vary.clone().into_iter().rev().collect(), ..forward.clone() };
        let drawn = |settings: &EnsembleSettings| {
            let ensemble = Ensemble::new(&spec, settings).unwrap_or_else(|e| panic!("{e}"));
            let Inputs { y0, p, .. } = inputs(&spec, &ensemble, 0..30, Precision::F64);
            (y0[..150].to_vec(), p[..150].to_vec())
        };
        assert_eq!(drawn(&forward), drawn(&backward), "{sampling:?}");
    }
}

#[test]
fn a_sobol_sequence_has_so_many_dimensions() {
    let model = |n: usize| {
        let zeros = vec!["0"; n].join(", ");
        compiled(&format!(r#"{{"states": {{"x": [{zeros}]}}, "derivatives": {{"x": 0}}}}"#))
    };
    let of = |spec: &CompiledSpec| {
        let vary = [("x".to_string(), Distribution::Uniform(0.0, 1.0))].into_iter().collect();
        let settings = EnsembleSettings { size: Some(8), seed: None, sampling: Some(Sampling::Sobol), vary };
        Ensemble::new(spec, &settings)
    };
    assert!(of(&model(1024)).is_ok());
    assert_eq!(
        of(&model(1025)).expect_err("too many").to_string(),
        "ensemble.sampling: 'sobol' has 1024 dimensions, and more than 1024 quantities vary at random; vary fewer, or take sampling latin_hypercube or random"
    );
}

#[test]
fn what_the_model_computes_is_not_for_a_device() {
    let draws = |json: &str, vary: &[(&str, Distribution)]| {
        let spec = compiled(json);
        let vary = vary.iter().map(|(name, distribution)| (name.to_string(), distribution.clone())).collect();
        Ensemble::new(&spec, &EnsembleSettings { vary, ..Default::default() }).expect("an ensemble").draws(&spec)
    };
    let uniform = Distribution::Uniform(0.0, 1.0);
    let follows = r#"{"states": {"x": "2*k"}, "parameters": {"k": 1}, "derivatives": {"x": 0}}"#;
    assert_eq!(draws(follows, &[("k", uniform.clone())]), None, "x follows k");
    assert!(draws(follows, &[("k", uniform.clone()), ("x", uniform.clone())]).is_some(), "x varies on its own");
    let stops = r#"{"states": {"x": 0}, "parameters": {"k": 1}, "derivatives": {"x": 0}, "stops": ["k"]}"#;
    assert_eq!(draws(stops, &[("k", uniform.clone())]), None, "each trajectory has a stop of its own");
    let span = r#"{"states": {"x": 0}, "parameters": {"k": 1}, "derivatives": {"x": 0}, "run": {"tspan": [0, "k"]}}"#;
    assert_eq!(draws(span, &[("k", uniform)]), None, "each trajectory has a time span of its own");
}

#[cfg(feature = "gpu")]
mod device {
    use super::*;
    use ensolve::gpu::draw_inputs;
    use ensolve::job::rounded_off;
    use ensolve::{Arithmetic, Error};

    /// Sampling, seed, size and ranges of trajectories.
    type Case = (Sampling, u64, u64, Vec<Range<u64>>);

    /// Ordinary and extreme ones.
    fn cases() -> Vec<Case> {
        let large = 1u64 << 32;
        let everywhere = vec![0..300, large - 3..large + 5, 12_345_678_901_234_565..12_345_678_901_234_569];
        let last = u64::MAX / 3 * 3;
        vec![
            (Sampling::Random, 0, last, everywhere),
            (Sampling::Random, u64::MAX, last, vec![last - 70..last - 60, last - 60..last]),
            (Sampling::LatinHypercube, 1, 3, vec![0..1, 1..3]),
            (Sampling::LatinHypercube, 0x1234_5678_9abc_def0, 65_538, vec![0..200, 65_500..65_538]),
            (Sampling::LatinHypercube, 2, large - 1, vec![0..100, large - 50..large - 1]),
            (Sampling::Sobol, u64::MAX, large - 1, vec![0..300, large - 50..large - 1]),
        ]
    }

    /// Host and device side by side: slot, trajectory, both values; listed slots are left out.
    fn compare(precision: Precision, arithmetic: Arithmetic, mut check: impl FnMut(usize, f64, f64, &str)) {
        let spec = compiled(MODEL);
        for (sampling, seed, size, ranges) in cases() {
            let ensemble = ensemble(&spec, sampling, seed, size);
            let draws = ensemble.draws(&spec).expect("nothing is computed");
            let drawn = draw_inputs(None, &draws, precision, arithmetic, &ranges).unwrap_or_else(|e| panic!("{e}"));
            for (range, drawn) in ranges.into_iter().zip(drawn) {
                let (n, host) = (drawn.inputs.n_traj, inputs(&spec, &ensemble, range.clone(), precision));
                for (got, want) in [(&drawn.inputs.y0, &host.y0), (&drawn.inputs.p, &host.p)] {
                    assert_eq!((got.len(), want.len()), (7 * n, 7 * n));
                    for slot in 0..5 {
                        for i in 0..n {
                            let place = format!("{sampling:?}, seed {seed}, slot {slot}, {}", range.start + i as u64);
                            check(slot, got[slot * n + i], want[slot * n + i], &place);
                        }
                    }
                    assert!(got[5 * n..6 * n].iter().all(|c| *c == precision.round(0.1)), "a constant");
                    assert!(got[6 * n..].iter().all(|q| *q == 0.0), "what is listed is left alone");
                }
                let low = precision.round(rounded_off(precision, 0.1));
                assert!(drawn.y0_low[5 * n..6 * n].iter().all(|c| *c == low), "what rounding takes from a constant");
                assert!(drawn.y0_low[..5 * n].iter().chain(&drawn.y0_low[6 * n..]).all(|zero| *zero == 0.0));
            }
        }
    }

    fn precisions() -> Vec<Precision> {
        let Some(backend) = common::gpu() else { return Vec::new() };
        let has_f64 = backend.adapter().f64;
        Precision::ALL.into_iter().filter(|precision| *precision != Precision::F64 || has_f64).collect()
    }

    #[test]
    fn exact_draws_have_the_bits_of_the_host() {
        for precision in precisions() {
            compare(precision, Arithmetic::Exact, |_, got, want, place| {
                assert_eq!(got.to_bits(), want.to_bits(), "{precision}, {place}: {got} and {want}");
            });
        }
    }

    /// A compiler that fuses and regroups changes roundings: of a sum of terms up to 7.1 for the uniform and the triangular
    /// distribution, of the exponent and the normal quantile for the others, as between host formats above.
    #[test]
    fn standard_draws_are_as_good() {
        for precision in precisions() {
            compare(precision, Arithmetic::Standard, |slot, got, want, place| {
                let scale = if slot == 2 || slot == 4 { 7.1 } else { 8.0 * want.abs().max(1.0) };
                let allowed = 2.0 * precision.epsilon() * scale;
                assert!((got - want).abs() <= allowed, "{precision}, {place}: {got} and {want}");
            });
        }
    }

    /// Through a uniform distribution on [0, 1] in f64 come all 52 bits of the words.
    #[test]
    fn words_are_the_words_of_the_host() {
        if !precisions().contains(&Precision::F64) {
            return;
        }
        let spec = compiled(r#"{"states": {"x": 0}, "derivatives": {"x": 0}}"#);
        for (sampling, seed, size, ranges) in cases() {
            let vary = [("x".to_string(), Distribution::Uniform(0.0, 1.0))].into_iter().collect();
            let settings = EnsembleSettings { size: Some(size), seed: Some(seed), sampling: Some(sampling), vary };
            let ensemble = Ensemble::new(&spec, &settings).unwrap_or_else(|e| panic!("{e}"));
            let draws = ensemble.draws(&spec).expect("nothing is computed");
            let points = Points::new(seed, sampling, size, &draws.random[0]).unwrap_or_else(|e| panic!("{e}"));
            let drawn = draw_inputs(None, &draws, Precision::F64, Arithmetic::Exact, &ranges);
            for (range, drawn) in ranges.iter().zip(drawn.unwrap_or_else(|e| panic!("{e}"))) {
                for (i, u) in range.clone().zip(drawn.inputs.y0) {
                    let [first, second] = points.point(i);
                    let bits = u64::from(first) << 20 | u64::from(second >> 12);
                    assert_eq!((u * 2f64.powi(52)) as u64, bits, "{sampling:?}, seed {seed}, {i}");
                }
            }
        }
    }

    #[test]
    fn a_device_does_not_draw_what_the_format_cannot_hold() {
        if precisions().is_empty() {
            return;
        }
        let spec = compiled(r#"{"states": {"x": 0}, "derivatives": {"x": 0}}"#);
        let vary = [("x".to_string(), Distribution::Normal(1e39, 1.0))].into_iter().collect();
        let ensemble = Ensemble::new(&spec, &EnsembleSettings { vary, ..Default::default() }).expect("an ensemble");
        let draws = ensemble.draws(&spec).expect("nothing is computed");
        let refused = draw_inputs(None, &draws, Precision::F32, Arithmetic::Standard, &[0..1, 1..2]).map(|_| ());
        assert_eq!(
            refused,
            Err(Error::Unsupported(
                "some inputs are out of the range of f32, and a device does not find out which; draw them on the host"
                    .to_string()
            ))
        );
    }
}
