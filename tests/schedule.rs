//! Stops and save times: a reference's schedules, numen's sample sets, hostile input, and random schedules against the
//! rules that they follow. Times are asserted to the last digit where nothing else is said.

mod common;

use common::backends;
use ensolve::error::Result;
use ensolve::sampling::uniform01;
use ensolve::schedule::{Clocks, MAX_ENTRIES, Period, SaveTimes, Saving, Stop};
use ensolve::spec::{Callback, Component, Entity, Role, SavePolicy};
use ensolve::{CompiledSpec, Precision, RunSettings, Save, SolveResult, World, solve};

/// Callbacks by name and period.
type Callbacks = &'static [(&'static str, f64)];

/// Name, callbacks, tspan, what fires when t0 + k dt are products, and where numen stops.
type Case = (&'static str, Callbacks, (f64, f64), &'static str, &'static str);

#[rustfmt::skip]
const CASES: [Case; 12] = [
    ("quarter", &[("a", 0.25)], (0.0, 1.0),
        "0.25 a | 0.5 a | 0.75 a | 1 a",
        "0.25 0.5 0.75 1"),
    ("two_rates", &[("A", 0.01), ("B", 0.015)], (0.0, 0.06),
        "0.01 A | 0.015 B | 0.02 A | 0.03 A B | 0.04 A | 0.045 B | 0.05 A | 0.06 A B",
        "0.01 0.015 0.02 0.03 0.04 0.045 0.05 0.06"),
    ("two_rates_world_order_swapped", &[("B", 0.015), ("A", 0.01)], (0.0, 0.06),
        "0.01 A | 0.015 B | 0.02 A | 0.03 B A | 0.04 A | 0.045 B | 0.05 A | 0.06 B A",
        "0.01 0.015 0.02 0.03 0.04 0.045 0.05 0.06"),
    ("merge_within_1us", &[("A", 0.01), ("B", 0.0149999995)], (0.0, 0.06),
        "0.01 A | 0.0149999995 B | 0.02 A | 0.029999999 B A | 0.04 A | 0.0449999985 B | 0.05 A | 0.059999998 B A",
        "0.01 0.0149999995 0.02 0.029999999 0.04 0.0449999985 0.05 0.059999998 0.06"),
    ("near_equal_periods", &[("A", 0.1), ("B", 0.1000004)], (0.0, 0.5),
        "0.1 A B | 0.2 A B | 0.30000000000000004 A | 0.3000012 B | 0.4 A | 0.4000016 B | 0.5 A",
        "0.1 0.2 0.3 0.3000012 0.4 0.4000016 0.5"),
    ("sub_us_period", &[("A", 5e-7)], (0.0, 3e-6),
        "0.0000005 A | 0.000001 A | 0.0000015 A | 0.000002 A | 0.0000024999999999999998 A | 0.000003 A",
        "0.0000005 0.0000015 0.0000025 0.000003"),
    ("t0_nonzero", &[("A", 0.25)], (0.1, 1.0),
        "0.35 A | 0.6 A | 0.85 A",
        "0.35 0.6 0.85 1"),
    ("third_of_two_thirds", &[("A", 0.3333333333333333)], (0.0, 0.6666666666666666),
        "0.3333333333333333 A | 0.6666666666666666 A",
        "0.333333333333 0.6666666666666666 0.666666666667"),
    ("thirtieth", &[("A", 0.03333333333333333)], (0.0, 0.3333333333333333),
        "0.03333333333333333 A | 0.06666666666666667 A | 0.1 A | 0.13333333333333333 A | 0.16666666666666666 A | 0.2 A | 0.23333333333333334 A | 0.26666666666666666 A | 0.3 A | 0.3333333333333333 A",
        "0.033333333333 0.066666666667 0.1 0.133333333333 0.166666666667 0.2 0.233333333333 0.266666666667 0.3 0.333333333333 0.3333333333333333"),
    ("sevenths", &[("A", 0.14285714285714285)], (0.0, 1.0),
        "0.14285714285714285 A | 0.2857142857142857 A | 0.42857142857142855 A | 0.5714285714285714 A | 0.7142857142857142 A | 0.8571428571428571 A | 1 A",
        "0.142857142857 0.285714285714 0.428571428571 0.571428571429 0.714285714286 0.857142857143 1"),
    ("period_longer_than_span", &[("A", 2.0)], (0.0, 1.0),
        "",
        "1"),
    ("tenth_to_0_3", &[("A", 0.1)], (0.0, 0.3),
        "0.1 A | 0.2 A | 0.3 A",
        "0.1 0.2 0.3"),
];

/// Cases in which numen stops elsewhere than at its schedule's times, and why.
const NUMEN_DIFFERS: [(&str, &str); 3] = [
    ("sub_us_period", "numen merges a callback with itself (Q10)"),
    ("third_of_two_thirds", "numen's running sum of rounded times passes the end (Q8)"),
    ("thirtieth", "numen stops at the rounded end and at the end (Q8)"),
];

/// Name, callbacks, periods of discrete fields, tspan, stops with discrete samples (`*`) merged, and where numen stops.
type DiscreteCase = (&'static str, Callbacks, &'static [f64], (f64, f64), &'static str, &'static str);

#[rustfmt::skip]
const DISCRETE_CASES: [DiscreteCase; 3] = [
    ("discrete_close_to_callback", &[("A", 0.1000004)], &[0.1], (0.0, 0.35),
        "0.1 A * | 0.2 A * | 0.30000000000000004 * | 0.3000012 A",
        ""), // numen does not merge them (Q10)
    ("same_dt", &[("A", 0.1)], &[0.1], (0.0, 0.35),
        "0.1 A * | 0.2 A * | 0.30000000000000004 A *",
        "0.1 0.2 0.3 0.35"),
    ("discrete_only_slower", &[("A", 0.1)], &[0.25], (0.0, 1.0),
        "0.1 A | 0.2 A | 0.25 * | 0.30000000000000004 A | 0.4 A | 0.5 A * | 0.6000000000000001 A | 0.7000000000000001 A | 0.75 * | 0.8 A | 0.9 A | 1 A *",
        "0.1 0.2 0.25 0.3 0.4 0.5 0.6 0.7 0.75 0.8 0.9 1"),
];

/// Name, period, tspan, number of firings.
const LONG_RUNS: [(&str, f64, (f64, f64), usize); 6] = [
    ("100Hz_100s", 0.01, (0.0, 100.0), 10_000),
    ("100Hz_1000s", 0.01, (0.0, 1000.0), 100_000),
    ("1kHz_100s", 0.001, (0.0, 100.0), 100_000),
    ("10Hz_1000s", 0.1, (0.0, 1000.0), 10_000),
    ("200Hz_60s", 0.005, (0.0, 60.0), 12_000),
    ("large_t0", 0.001, (1e6, 1_000_000.004), 4),
];

/// tspan, interval, number of save times, and of those that numen has where it does not fail.
type Grid = ((f64, f64), f64, usize, Option<usize>);

const GRIDS: [Grid; 8] = [
    ((0.0, 1.0), 0.1, 11, Some(11)),
    ((0.0, 0.3), 0.1, 4, None),
    ((0.0, 1.0), 0.35, 4, None),
    ((0.0, 1.0), 0.4, 4, Some(3)),
    ((0.0, 0.5), 0.05, 11, Some(11)),
    ((0.0, 2.0), 0.7, 4, None),
    ((0.0, 0.7), 0.1, 8, None),
    ((0.0, 0.15), 5e-5, 3001, Some(3001)),
];

const POLICIES: [SavePolicy; 3] = [SavePolicy::Standard, SavePolicy::AsGiven, SavePolicy::Numen];

fn clocks(callbacks: &[Period], discrete_dts: &[f64], times: &[f64]) -> Clocks {
    let (callbacks, discrete_dts, times) = (callbacks.to_vec(), discrete_dts.to_vec(), times.to_vec());
    Clocks { callbacks, discrete_dts, times, epsilon: f64::EPSILON }
}

fn stops(t0: f64, span: f64, callbacks: &[Period], discrete_dts: &[f64], times: &[f64]) -> Result<Vec<Stop>> {
    clocks(callbacks, discrete_dts, times).stops(t0, span)
}

/// Of a model that has callbacks if any fires.
fn save_times(
    save: Option<&Save>,
    policy: SavePolicy,
    after_firing: bool,
    t0: f64,
    t1: f64,
    stops: &[Stop],
) -> Result<Option<SaveTimes>> {
    let has_callbacks = stops.iter().any(Stop::fires);
    Saving { save: save.cloned(), policy, after_firing, has_callbacks }.times((t0, t1), t1 - t0, stops)
}

fn every(dt: f64) -> Period {
    Period { dt, at_start: false }
}

fn periods(callbacks: Callbacks) -> Vec<Period> {
    callbacks.iter().map(|(_, dt)| every(*dt)).collect()
}

/// Stops of periods alone, as text.
fn schedule(dts: &[f64], span: f64) -> String {
    let names = ["A", "B", "C", "D"].map(|name| (name, 0.0));
    let callbacks: Vec<Period> = dts.iter().copied().map(every).collect();
    shown(&stops(0.0, span, &callbacks, &[], &[]).expect("a schedule"), 0.0, &names)
}

/// `0.25 A B * | 0.5`: time, callbacks, sample.
fn shown(stops: &[Stop], t0: f64, callbacks: &[(&str, f64)]) -> String {
    let stop = |stop: &Stop| {
        let fired = stop.callbacks.iter().map(|i| format!(" {}", callbacks[*i].0)).collect::<String>();
        format!("{}{fired}{}", t0 + stop.tau, if stop.is_sample { " *" } else { "" })
    };
    stops.iter().map(stop).collect::<Vec<_>>().join(" | ")
}

/// The reported times, or `steps`.
fn reported(times: &Option<SaveTimes>) -> String {
    let list = |times: &SaveTimes| times.t.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
    times.as_ref().map_or("steps".to_string(), list)
}

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn reference_schedules() {
    for (name, callbacks, (t0, t1), want, _) in CASES {
        let stops = stops(t0, t1 - t0, &periods(callbacks), &[], &[]).expect("a schedule");
        assert_eq!(shown(&stops, t0, callbacks), want, "{name}");
    }
    for (name, callbacks, discrete_dts, (t0, t1), want, _) in DISCRETE_CASES {
        let stops = stops(t0, t1 - t0, &periods(callbacks), discrete_dts, &[]).expect("a schedule");
        assert_eq!(shown(&stops, t0, callbacks), want, "{name}");
    }
}

/// Two callbacks at most that count their firings; a field that asks for samples.
fn counters(periods: &[f64], sample: f64) -> CompiledSpec {
    let counter =
        Component::new().field("A", Role::Discrete { dt: sample }, 0.0).field("B", Role::Discrete { dt: 0.0 }, 0.0);
    let world = World::new("counters").component("counter", counter).entity("n", Entity::new().with("counter"));
    let count = |world: World, (name, dt): (&str, &f64)| {
        let key = format!("n.counter.{name}");
        world.callback(name, Callback::new(*dt).set(key.clone(), format!("{key} + 1")))
    };
    ["A", "B"].into_iter().zip(periods).fold(world, count).compile().expect("a model")
}

/// Runs in every number format of every backend; `Err` with what was refused.
fn counted(
    spec: &CompiledSpec,
    tspan: (f64, f64),
    mut check: impl FnMut(&str, Precision, std::result::Result<SolveResult, String>),
) {
    for mut tested in backends() {
        for precision in tested.precisions.clone() {
            // Kernels in f32x2 take long to compile; their bits are the CPU's (tests/exact.rs).
            if tested.name == "cpu" || precision != Precision::F32x2 {
                let run = RunSettings {
                    tspan: Some(tspan),
                    precision: Some(precision),
                    save: Some(Save::Final),
                    ..RunSettings::default()
                };
                let result = solve(spec, &run, tested.backend.as_mut()).map_err(|e| e.to_string());
                check(&format!("{} {precision}", tested.name), precision, result);
            }
        }
    }
}

/// The firings of a run: times as the format of the run has them, and callbacks.
fn fired(result: &SolveResult, precision: Precision) -> Vec<(f64, String)> {
    let firings = result.firings.iter();
    firings.map(|firing| (precision.round(firing.t), firing.callbacks.join(" "))).collect()
}

#[test]
fn runs_fire_as_scheduled() {
    let without_samples =
        DISCRETE_CASES.map(|(name, callbacks, dts, tspan, want, _)| (name, callbacks, dts, tspan, want));
    let cases = CASES.map(|(name, callbacks, tspan, want, _)| (name, callbacks, &[0.0][..], tspan, want));
    for (name, callbacks, dts, tspan, want) in cases.into_iter().chain(without_samples) {
        let periods: Vec<f64> = callbacks.iter().map(|(_, dt)| *dt).collect();
        // By place, as the counters are named.
        let renamed = |fired: &str| match callbacks.iter().position(|(callback, _)| *callback == fired) {
            Some(at) => ["A", "B"][at].to_string(),
            None => fired.to_string(),
        };
        let stops =
            want.split(" | ").map(|stop| stop.split(' ').filter(|word| *word != "*").map(renamed).collect::<Vec<_>>());
        let want: Vec<Vec<String>> = stops.filter(|stop| stop.len() > 1).collect();
        let n_fired = ["A", "B"].map(|name| want.iter().flatten().filter(|word| *word == name).count() as f64);
        counted(&counters(&periods, dts[0]), tspan, |context, precision, result| {
            let result = result.unwrap_or_else(|e| panic!("{name} on {context}: {e}"));
            let time = |text: &String| precision.round(text.parse().expect("a time"));
            let want: Vec<(f64, String)> = want.iter().map(|stop| (time(&stop[0]), stop[1..].join(" "))).collect();
            assert_eq!(
                (fired(&result, precision), result.final_state.to_vec()),
                (want, n_fired.to_vec()),
                "{name} on {context}"
            );
        });
    }
    for (name, dt, tspan, n) in LONG_RUNS {
        counted(&counters(&[dt], 0.0), tspan, |context, precision, result| match result {
            Ok(result) => {
                assert_eq!((result.firings.len(), result.final_state[0]), (n, n as f64), "{name} on {context}");
            }
            Err(refused) => {
                let want = "in f32, time near 1000000.004 moves in steps of 1.2e-1, too coarse for tspan [1000000, 1000000.004]; let time start near 0, or use precision f32x2 or f64";
                assert_eq!((name, precision, refused.as_str()), ("large_t0", Precision::F32, want), "{context}");
            }
        });
    }
}

#[test]
fn long_runs_do_not_drift() {
    for (name, dt, (t0, t1), n) in LONG_RUNS {
        let stops = stops(t0, t1 - t0, &[every(dt)], &[], &[]).expect("a schedule");
        assert_eq!(stops.len(), n, "{name}");
        for (k, stop) in stops.iter().enumerate() {
            let want = if k + 1 == n { t1 - t0 } else { (k + 1) as f64 * dt };
            assert_eq!(stop, &Stop { tau: want, callbacks: vec![0], is_sample: false }, "{name}");
        }
    }
}

/// numen's times are rounded to 12 decimals.
#[test]
fn numen_saves_at_its_boundaries() {
    let check = |name: &str, callbacks: Callbacks, discrete_dts: &[f64], (t0, t1): (f64, f64), want: &str| {
        let stops = stops(t0, t1 - t0, &periods(callbacks), discrete_dts, &[]).expect("a schedule");
        let saving = Saving { policy: SavePolicy::Numen, has_callbacks: true, ..Saving::default() };
        let got = saving.times((t0, t1), t1 - t0, &stops).expect("times").expect("no steps").t;
        let want = numbers(want);
        let is_near = got.len() == want.len() && got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(is_near, "{name}: {got:?} is not {want:?}");
    };
    for (name, callbacks, tspan, _, want) in CASES {
        if !NUMEN_DIFFERS.iter().any(|(other, _)| *other == name) {
            check(name, callbacks, &[], tspan, want);
        }
    }
    for (name, callbacks, discrete_dts, tspan, _, want) in DISCRETE_CASES.iter().filter(|case| !case.5.is_empty()) {
        check(name, callbacks, discrete_dts, *tspan, want);
    }
}

#[test]
fn grids_reach_the_end_and_stay_inside() {
    for ((t0, t1), h, n, numen) in GRIDS {
        for policy in [SavePolicy::Standard, SavePolicy::AsGiven] {
            let times =
                save_times(Some(&Save::Every(h)), policy, false, t0, t1, &[]).expect("a grid").expect("no steps");
            assert_eq!(times.t.len(), n, "every {h} of [{t0}, {t1}]");
            assert_eq!((times.t[0], times.t[n - 1]), (t0, t1));
            assert_eq!((times.tau[0], times.tau[n - 1]), (0.0, t1 - t0));
            for k in 1..n - 1 {
                assert_eq!((times.t[k], times.tau[k]), (t0 + k as f64 * h, k as f64 * h));
            }
        }
        let times = save_times(Some(&Save::Every(h)), SavePolicy::Numen, false, t0, t1, &[])
            .expect("a grid")
            .expect("no steps")
            .t;
        assert!(numen.is_none_or(|n| times.len() == n), "numen, every {h} of [{t0}, {t1}]: {}", times.len());
        assert!(times.iter().all(|t| (t0..=t1).contains(t)));
    }
}

#[test]
fn equal_times_fire_in_the_order_of_callbacks() {
    // 3 * 0.1 is one rounding above 2 * 0.15, 6 * 0.1 above 4 * 0.15.
    assert_eq!(schedule(&[0.1, 0.15], 0.35), "0.1 A | 0.15 B | 0.2 A | 0.3 A B");
    assert_eq!(schedule(&[0.15, 0.1], 0.35), "0.1 B | 0.15 A | 0.2 B | 0.3 A B");
    // An earlier time goes before the order.
    assert_eq!(schedule(&[0.1000001, 0.1], 0.15), "0.1 B A");
}

#[test]
fn merging_does_not_chain() {
    // The third is within a microsecond of the second, but not of the first.
    assert_eq!(schedule(&[0.1, 0.1000007, 0.1000014], 0.15), "0.1 A B | 0.1000014 C");
    // A thousandth of the shortest period is the shorter measure.
    assert_eq!(schedule(&[1e-4, 1.0001e-4], 1.5e-4), "0.0001 A B");
    assert_eq!(schedule(&[1e-4, 1.002e-4], 1.5e-4), "0.0001 A | 0.0001002 B");
}

#[test]
fn starts_and_ends() {
    let names = [("A", 0.0), ("B", 0.0)];
    let both = [Period { dt: 0.5, at_start: true }, every(0.4)];
    let shown = |t0: f64, span: f64, callbacks: &[Period], discrete_dts: &[f64], times: &[f64]| {
        shown(&stops(t0, span, callbacks, discrete_dts, times).expect("a schedule"), t0, &names)
    };
    assert_eq!(shown(0.0, 1.0, &both, &[], &[]), "0 A | 0.4 B | 0.5 A | 0.8 B | 1 A");
    assert_eq!(shown(2.0, 1.0, &both, &[0.5], &[]), "2 A | 2.4 B | 2.5 A * | 2.8 B | 3 A *");
    assert_eq!(shown(0.0, 0.1, &both, &[], &[]), "0 A");
    // Stops of the model in any order: those outside or at the ends cut nothing.
    assert_eq!(shown(2.0, 1.0, &[], &[], &[2.7, 2.0, 2.2, 3.0, 1.0, 9.0, f64::INFINITY]), "2.2 | 2.7");
    assert_eq!(shown(0.1, 0.9, &[], &[], &[0.1f64.next_up(), 1.0f64.next_down(), 0.5]), "0.5");
    // Near the end, but not at it.
    assert_eq!(shown(0.0, 1.0, &[], &[], &[1.0 - 1e-7]), "0.9999999");
    assert_eq!(shown(0.0, 1.0, &[every(0.4999999)], &[], &[]), "0.4999999 A | 0.9999998 A");
    assert_eq!(shown(0.0, 1.0, &[every(0.5)], &[], &[1.0 - 1e-7]), "0.5 A | 0.9999999 A");
    // Within 1e-9 of a period it is the end, from either side.
    for dt in [0.5 + 2e-10, 0.5 - 2e-10] {
        assert_eq!(shown(0.0, 1.0, &[every(dt)], &[], &[]), format!("{dt} A | 1 A"));
    }
    assert_eq!(shown(0.0, 1.0, &[every(0.5 + 1e-8)], &[], &[]), "0.50000001 A");
    // The firing at 0.5 happens where the model is cut; with no period around, the span is the measure.
    assert_eq!(shown(0.0, 1.0, &[every(0.5)], &[0.7], &[0.4999999, 0.7]), "0.4999999 A | 0.7 * | 1 A");
    assert_eq!(shown(0.0, 1e-6, &[], &[], &[1e-7, 2e-7]), "0.0000001 | 0.0000002");
}

#[test]
fn hostile_schedules() {
    let error = |span: f64, dts: &[f64], discrete_dts: &[f64], times: &[f64]| {
        let callbacks: Vec<Period> = dts.iter().copied().map(every).collect();
        stops(0.0, span, &callbacks, discrete_dts, times).expect_err("too many").to_string()
    };
    assert_eq!(
        error(1.0, &[0.1, 1e-9], &[], &[]),
        "1.0e9 stops in a span of 1 are more than the 10000000 possible; the shortest period is 1e-9 of a callback; use longer periods or a shorter tspan"
    );
    assert_eq!(
        error(1e300, &[1.0], &[0.5], &[]),
        format!(
            "3.0e300 stops in a span of {} are more than the 10000000 possible; the shortest period is 5e-1 of a discrete field; use longer periods or a shorter tspan",
            1e300
        )
    );
    assert!(error(1.0, &[f64::from_bits(1)], &[], &[]).starts_with("inf stops"));
    assert!(error(1.0, &[], &[], &vec![0.5; MAX_ENTRIES + 1]).ends_with("possible; use fewer"));
    assert_eq!(
        error(1.0, &[], &[], &[0.5, f64::NAN]),
        "a stop of the model is not a number; look at the parameters that its time depends on"
    );

    // Thousands of callbacks, each of which fires once in every stop.
    let many = vec![every(0.01); 5000];
    let merged = stops(0.0, 1.0, &many, &[0.01], &[]).expect("a schedule");
    assert_eq!(merged.len(), 100);
    assert!(merged.iter().all(|stop| stop.is_sample && stop.callbacks.iter().copied().eq(0..5000)));

    // Periods below what time resolves: every firing happens, and never two of one callback in one stop.
    let fine = stops(1e6, 1e-8, &[every(1e-10), every(1e-10)], &[], &[]).expect("a schedule");
    assert_eq!(fine.len(), 100);
    assert!(fine.iter().all(|stop| stop.callbacks == [0, 1]));

    // 10^16 moves in steps of 2.
    let coarse = stops(1e16, 10.0, &[every(1.0)], &[], &[]).expect("a schedule");
    assert_eq!(coarse.iter().map(|stop| stop.tau).collect::<Vec<_>>(), (1..=10).map(f64::from).collect::<Vec<_>>());

    // A million seconds at 1 Hz, and the smallest numbers there are.
    let long = stops(-1e6, 2e6, &[every(1.0)], &[2.0], &[]).expect("a schedule");
    assert_eq!((long.len(), long[1_999_999].tau), (2_000_000, 2e6));
    let tiny = f64::from_bits(1);
    assert_eq!(stops(0.0, tiny, &[every(tiny), every(tiny)], &[tiny], &[]).expect("a schedule").len(), 1);
}

/// Callbacks every 0.25, a discrete field every 0.4, the model cut at 0.6, t from 0 to 1.
#[test]
fn policies() {
    let stops = |has_callback: bool, has_field: bool| {
        let callbacks = has_callback.then_some(every(0.25));
        let dts = has_field.then_some(0.4);
        stops(0.0, 1.0, callbacks.as_slice(), dts.as_slice(), &[0.6]).expect("a schedule")
    };
    let kinds = [stops(true, true), stops(true, false), stops(false, true), stops(false, false)];
    let at = || Some(Save::At(vec![0.0, 0.1, 0.5]));
    let fired = "0.25 0.4 0.5 0.75 0.8 1";
    let steps = ["steps"; 4];
    #[rustfmt::skip]
    let table: [(Option<Save>, [[&str; 4]; 3]); 6] = [
        (None, [steps, steps, [fired, "0.25 0.5 0.75 1", "0.4 0.8", "steps"]]),
        (Some(Save::Steps), [steps; 3]),
        (Some(Save::Final), [["1"; 4], ["1"; 4], [fired, "0.25 0.5 0.75 1", "0.4 0.8 1", "1"]]),
        (at(), [
            ["0 0.1 0.4 0.5 0.8", "0 0.1 0.5", "0 0.1 0.4 0.5 0.8", "0 0.1 0.5"],
            ["0 0.1 0.5"; 4],
            ["0.1 0.25 0.4 0.5 0.75 0.8 1", "0.1 0.25 0.5 0.75 1", "0 0.1 0.4 0.5 0.8", "0 0.1 0.5"],
        ]),
        (Some(Save::Points(3)), [
            ["0 0.4 0.5 0.8 1", "0 0.5 1", "0 0.4 0.5 0.8 1", "0 0.5 1"],
            ["0 0.5 1"; 4],
            [fired, "0.25 0.5 0.75 1", "0 0.4 0.5 0.8 1", "0 0.5 1"],
        ]),
        (Some(Save::Every(0.375)), [
            ["0 0.375 0.4 0.75 0.8 1", "0 0.375 0.75 1", "0 0.375 0.4 0.75 0.8 1", "0 0.375 0.75 1"],
            ["0 0.375 0.75 1"; 4],
            ["0.25 0.375 0.4 0.5 0.75 0.8 1", "0.25 0.375 0.5 0.75 1", "0 0.375 0.4 0.75 0.8", "0 0.375 0.75"],
        ]),
    ];
    for (save, wants) in &table {
        for (policy, wants) in POLICIES.into_iter().zip(wants) {
            for (stops, want) in kinds.iter().zip(wants) {
                let times = save_times(save.as_ref(), policy, false, 0.0, 1.0, stops).expect("times");
                assert_eq!(reported(&times), *want, "{save:?}, {policy:?}");
            }
        }
    }
}

#[test]
fn after_a_firing_too() {
    let callbacks = [Period { dt: 0.5, at_start: true }];
    let stops = stops(3.0, 1.0, &callbacks, &[0.4], &[]).expect("a schedule");
    let times = |save: Save, policy| reported(&save_times(Some(&save), policy, true, 3.0, 4.0, &stops).expect("times"));
    assert_eq!(times(Save::Points(5), SavePolicy::Standard), "3 3 3.25 3.4 3.5 3.5 3.75 3.8 4 4");
    assert_eq!(times(Save::At(vec![3.2, 3.5]), SavePolicy::AsGiven), "3.2 3.5 3.5");
    assert_eq!(times(Save::Final, SavePolicy::Standard), "4 4");
    assert_eq!(times(Save::At(vec![3.2]), SavePolicy::Numen), "3.2 3.4 3.5 3.5 3.8 4 4");
}

/// Where numen saves the end although no callback fires there, a time that misses it by rounding is the end.
#[test]
fn the_end_is_saved_once() {
    let stops = stops(0.0, 1.0, &[every(0.4)], &[], &[]).expect("a schedule");
    let times = |policy| {
        let save = Save::At(vec![0.1, 1.0f64.next_down()]);
        save_times(Some(&save), policy, false, 0.0, 1.0, &stops).expect("times").expect("no steps").tau
    };
    assert_eq!(times(SavePolicy::Numen), [0.1, 0.4, 0.8, 1.0]);
    assert_eq!(times(SavePolicy::Standard), [0.1, 1.0f64.next_down()]);
}

/// A grid of the period itself, over 20 s, in the ways in which a user may compute it: 39 spurious pairs in numen (Q7).
#[test]
fn no_save_time_beside_a_stop_is_lost() {
    let stops = stops(0.0, 1.0, &[every(0.5)], &[], &[]).expect("a schedule");
    let near = 0.5 * (1.0 + 1e-13);
    for (given, want) in [
        (vec![0.5, near, 1.0], [0.5, near, 1.0]),
        (vec![0.5 * (1.0 - 1e-13), near, 1.0], [0.5 * (1.0 - 1e-13), 0.5, 1.0]),
        (vec![0.5 - 2e-13, 0.5 + 2e-13, 1.0], [0.5 - 2e-13, 0.5, 1.0]),
        (vec![0.25, near, 1.0], [0.25, 0.5, 1.0]),
    ] {
        let times = save_times(Some(&Save::At(given.clone())), SavePolicy::AsGiven, false, 0.0, 1.0, &stops);
        let times = times.expect("times").expect("no steps");
        assert_eq!((times.t, times.tau), (given, want.to_vec()));
    }
}

#[test]
fn save_times_at_stops_are_at_the_stops() {
    for t0 in [0.0, 0.1, -7.3, 1e3] {
        let t1 = t0 + 20.0;
        let stops = stops(t0, t1 - t0, &[every(0.1)], &[0.1], &[]).expect("a schedule");
        let mut sum = t0;
        let running_sum: Vec<f64> = std::iter::repeat_with(|| {
            sum += 0.1;
            sum
        })
        .take(199)
        .collect();
        let decimal: Vec<f64> = (1..=200)
            .map(|k| format!("{:.9}", t0 + f64::from(k) * 0.1).parse::<f64>().expect("a number").min(t1))
            .collect();
        let product: Vec<f64> = (0..=200).map(|k| (t0 + f64::from(k) * 0.1).min(t1)).collect();
        for save in [Save::Points(201), Save::Every(0.1), Save::At(running_sum), Save::At(decimal), Save::At(product)] {
            for policy in POLICIES {
                let times = save_times(Some(&save), policy, false, t0, t1, &stops).expect("times").expect("no steps");
                let is_stop = |tau: &f64| *tau == 0.0 || stops.iter().any(|stop| stop.tau == *tau);
                assert!(times.tau.iter().all(is_stop), "{policy:?} {save:?}");
                assert!(times.tau.windows(2).all(|pair| pair[0] < pair[1]));
                if let (Save::At(given), SavePolicy::AsGiven) = (&save, policy) {
                    assert_eq!(&times.t, given);
                }
            }
        }
    }
    // Of two times at one stop the first stays.
    let stops = stops(0.0, 1.0, &[every(0.5)], &[], &[]).expect("a schedule");
    let close = Save::At(vec![0.5f64.next_down(), 0.5, 0.5f64.next_up(), 0.7]);
    let times =
        save_times(Some(&close), SavePolicy::Standard, false, 0.0, 1.0, &stops).expect("times").expect("no steps");
    assert_eq!(times, SaveTimes { t: vec![0.5f64.next_down(), 0.7], tau: vec![0.5, 0.7] });
}

/// At 100 Hz over 100 s a running sum is off by 1e-11, a billionth of the period.
#[test]
fn a_running_sum_of_the_period_is_at_the_stops() {
    let stops = stops(0.0, 100.0, &[every(0.01)], &[], &[]).expect("a schedule");
    let sums = (0..10_000).scan(0.0, |sum, _| {
        *sum += 0.01;
        Some(f64::min(*sum, 100.0))
    });
    let save = Save::At(sums.collect());
    let times = save_times(Some(&save), SavePolicy::Standard, false, 0.0, 100.0, &stops).expect("times");
    let want: Vec<f64> = stops.iter().map(|stop| stop.tau).collect();
    assert_eq!(times.expect("no steps").tau, want);
}

/// A span of its own ends at the stop that its own schedule would end at, among those of a longer one.
#[test]
fn spans_of_their_own_end_at_their_stops() {
    for (dt, n) in [(0.1, 3), (0.01, 70), (1.0 / 3.0, 4)] {
        let clocks = clocks(&[every(dt)], &[], &[]);
        for t0 in (0..300).map(|k| f64::from(k) * 3.7).chain([-1e5, 1e6, 1e7]) {
            let span = (t0 + f64::from(n) * dt) - t0;
            let own = clocks.stops_of_spans(t0, span).expect("a schedule");
            let end = clocks.end(t0, span, &own);
            assert!((end - span).abs() <= (1e-9 * dt).max(4.0 * f64::EPSILON * t0.abs()), "{dt} from {t0}");
            assert_eq!(clocks.stops(t0, span).expect("a schedule").len(), n as usize, "{dt} from {t0}");
            // The same among those of others, which begin elsewhere and are as long or longer.
            for longest in [span, span + 1.0] {
                let all = clocks.stops_of_spans(0.0, longest).expect("a schedule");
                assert_eq!(clocks.end(t0, span, &all), end, "{dt} from {t0}");
                assert_eq!(all.iter().filter(|stop| stop.tau <= end).count(), n as usize, "{dt} from {t0}");
            }
        }
    }
    let clocks = clocks(&[Period { dt: 0.5, at_start: true }], &[], &[]);
    let stops = clocks.stops_of_spans(0.0, 2.0).expect("a schedule");
    for (span, end) in [(1.2, 1.2), (1.0 + 1e-8, 1.0 + 1e-8), (1.0 - 1e-11, 1.0), (0.3, 0.3), (1e-12, 1e-12)] {
        assert_eq!(clocks.end(0.0, span, &stops), end);
    }
}

/// What a number format cannot tell apart is one stop, but never two firings of one callback.
#[test]
fn stops_are_apart_in_the_number_format() {
    let single = f64::from(f32::EPSILON);
    for (dts, span) in [([0.01, 0.0123457], 100.0), ([0.01, 1.0 / 60.0], 1000.0), ([0.01, 0.01f64.next_up()], 100.0)] {
        let callbacks = dts.map(every).to_vec();
        let clocks = Clocks { callbacks, epsilon: single, ..Clocks::default() };
        let stops = clocks.stops(0.0, span).expect("a schedule");
        assert!(stops.windows(2).all(|pair| pair[0].tau as f32 != pair[1].tau as f32), "{dts:?}");
        for (i, dt) in dts.into_iter().enumerate() {
            let fired = stops.iter().filter(|stop| stop.callbacks.contains(&i)).count();
            assert_eq!(fired, (span / dt + 1e-6) as usize, "{dts:?}");
        }
    }
}

/// Times spaced by factors, from far below a billionth of the span on, stay as they are.
#[test]
fn short_times_are_not_rounding() {
    let spaced: Vec<f64> = (-6..=11).map(|exponent| 10f64.powi(exponent)).collect();
    let after: Vec<f64> = (-5..=5).map(|exponent| 5e5 + 10f64.powi(exponent)).collect();
    for (t1, cut, given) in [(1e11, 5e10, spaced), (1e6, 5e5, after)] {
        let stops = stops(0.0, t1, &[], &[], &[cut]).expect("a schedule");
        let save = Save::At(given.clone());
        let times = save_times(Some(&save), SavePolicy::Standard, false, 0.0, t1, &stops).expect("times");
        assert_eq!(times, Some(SaveTimes { t: given.clone(), tau: given }));
    }
}

#[test]
fn errors_of_save_times() {
    let error = |save: Save, t1: f64| {
        let all = POLICIES.map(|policy| save_times(Some(&save), policy, false, 0.0, t1, &[]).expect_err("an error"));
        assert!(all.iter().all(|error| *error == all[0]));
        all[0].to_string()
    };
    for (save, want) in [
        (Save::At(vec![]), "the list of save times is empty; give at least one time"),
        (Save::At(vec![0.5, 2.0]), "save time 2 is outside tspan [0, 1]"),
        (Save::At(vec![-0.5, 0.0]), "save time -0.5 is outside tspan [0, 1]"),
        (Save::At(vec![0.5, f64::NAN]), "save time NaN is outside tspan [0, 1]"),
        (Save::At(vec![0.5, 0.25]), "save times must ascend, found 0.5 before 0.25"),
        (Save::At(vec![0.5, 0.5]), "save times must ascend, found 0.5 before 0.5"),
        (
            Save::Points(1),
            "save points include both ends, so at least 2 are needed, got 1; use save \"final\" for the end alone",
        ),
        (Save::Points(200_000_000), "200000000 save points are more than the 100000000 possible"),
        (Save::Every(-1.0), "the save interval must be positive and finite, got -1"),
        (Save::Every(f64::NAN), "the save interval must be positive and finite, got NaN"),
        (Save::Every(f64::INFINITY), "the save interval must be positive and finite, got inf"),
        (
            Save::Every(1e-9),
            "a save interval of 0.000000001 makes 1.0e9 save times in tspan [0, 1]; at most 100000000 are possible",
        ),
    ] {
        assert_eq!(error(save, 1.0), want);
    }
}

/// Random numbers of one case.
struct Draws {
    case: u64,
    n: u32,
}

impl Draws {
    fn unit(&mut self) -> f64 {
        self.n += 1;
        uniform01(20, self.case, self.n)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

/// A schedule and what it was made from.
#[derive(Debug)]
struct Drawn {
    t0: f64,
    t1: f64,
    callbacks: Vec<Period>,
    discrete_dts: Vec<f64>,
    times: Vec<f64>,
    stops: Vec<Stop>,
}

impl Drawn {
    /// Periods that divide the span, are near others or simple multiples of them, or are any; at most 1000 multiples.
    fn new(draws: &mut Draws) -> Drawn {
        let t0 = [0.0, 0.1, -20.0, 1e3][draws.below(4)];
        let t1 = t0 + 10f64.powf(draws.between(-4.0, 4.0));
        let span = t1 - t0;
        let mut dts = vec![span / (1 + draws.below(300)) as f64];
        for _ in 0..9 {
            let other = dts[draws.below(dts.len())];
            let dt = match draws.below(6) {
                0 => span / (1 + draws.below(300)) as f64,
                1 => span * 10f64.powf(draws.between(-2.8, 0.2)),
                2 => other,
                3 => other * [0.5, 1.0 / 3.0, 1.5, 2.0][draws.below(4)],
                4 => other + draws.between(0.0, 2e-6),
                _ => other * (1.0 + draws.between(-1e-3, 1e-3)),
            };
            dts.push(dt.max(span / 1000.0));
        }
        let (n_callback, n_field) = (draws.below(7), draws.below(4));
        let callbacks: Vec<Period> =
            dts[..n_callback].iter().map(|dt| Period { dt: *dt, at_start: draws.below(4) == 0 }).collect();
        let discrete_dts = dts[n_callback..n_callback + n_field].to_vec();
        let times: Vec<f64> = (0..draws.below(6))
            .map(|_| match draws.below(2) {
                0 => t0 + span * draws.between(-0.2, 1.2),
                _ => t0 + dts[draws.below(10)] * (1 + draws.below(20)) as f64,
            })
            .collect();
        let stops = stops(t0, span, &callbacks, &discrete_dts, &times).expect("a schedule");
        Drawn { t0, t1, callbacks, discrete_dts, times, stops }
    }

    fn rounding(&self) -> f64 {
        8.0 * f64::EPSILON * self.t0.abs().max(self.t1.abs())
    }

    /// Below which entries are merged.
    fn tolerance(&self) -> f64 {
        let dts = self.callbacks.iter().map(|callback| callback.dt).chain(self.discrete_dts.iter().copied());
        let shortest = dts.fold(self.t1 - self.t0, f64::min);
        (1e-3 * shortest).min(1e-6)
    }

    /// k dt for all k from 1 on; one that nearly is the end is the end.
    fn multiples(&self, dt: f64) -> Vec<f64> {
        let span = self.t1 - self.t0;
        let slack = (1e-9 * dt).max(self.rounding());
        let products = (1..).map(|k| f64::from(k) * dt).take_while(|tau| *tau <= span + slack);
        products.map(|tau| if (tau - span).abs() <= slack { span } else { tau }).collect()
    }

    /// Whether an event happens at a stop: there, or merged with an earlier one.
    fn is_at(&self, event: f64, stop: f64) -> bool {
        (-self.rounding()..self.tolerance() + self.rounding()).contains(&(event - stop))
    }

    fn check(&self) {
        let span = self.t1 - self.t0;
        let taus: Vec<f64> = self.stops.iter().map(|stop| stop.tau).collect();
        assert!(taus.windows(2).all(|pair| pair[1] - pair[0] >= self.tolerance()), "apart");
        let starts = self.callbacks.iter().any(|callback| callback.at_start);
        assert!(taus.iter().all(|tau| (0.0 < *tau || starts) && (0.0..=span).contains(tau)), "inside");

        // Firings of each callback: as many as multiples, each at its own time or merged with an earlier one.
        let mut own_times = vec![Vec::new(); self.callbacks.len()];
        for (i, callback) in self.callbacks.iter().enumerate() {
            let fired: Vec<&Stop> = self.stops.iter().filter(|stop| stop.callbacks.contains(&i)).collect();
            let total: usize = self.stops.iter().map(|stop| stop.callbacks.iter().filter(|j| **j == i).count()).sum();
            let mut events = self.multiples(callback.dt);
            let exact = span / callback.dt;
            assert!((events.len() as f64 - exact.floor()).abs() < 0.5 || (exact - exact.round()).abs() < 1e-6);
            events.splice(0..0, callback.at_start.then_some(0.0));
            assert_eq!((total, fired.len()), (events.len(), events.len()), "firings of {i}");
            for (event, stop) in events.iter().zip(fired) {
                assert!(self.is_at(*event, stop.tau), "callback {i} fires at {} and not at {event}", stop.tau);
                own_times[i].push((*event, stop.tau));
            }
        }
        // Within a stop by their own times, and by their order where these are equal.
        for stop in &self.stops {
            let own: Vec<(f64, usize)> = stop
                .callbacks
                .iter()
                .map(|i| (own_times[*i].iter().find(|(_, tau)| *tau == stop.tau).expect("it fires here").0, *i))
                .collect();
            for pair in own.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let rounding = 2.0 * f64::EPSILON * a.0.max(b.0);
                let is_equal = (a.0 - b.0).abs() <= rounding;
                assert!(if is_equal { a.1 < b.1 } else { a.0 < b.0 + 4.0 * rounding }, "{own:?}");
            }
        }
        // Samples and cuts have a stop, and no stop is without a cause.
        let samples: Vec<f64> = self.discrete_dts.iter().flat_map(|dt| self.multiples(*dt)).collect();
        for event in &samples {
            assert!(self.stops.iter().any(|stop| stop.is_sample && self.is_at(*event, stop.tau)), "sample {event}");
        }
        let cuts = self.times.iter().map(|t| t - self.t0);
        let cuts: Vec<f64> = cuts.filter(|tau| self.rounding() < *tau && *tau < span - self.rounding()).collect();
        for event in &cuts {
            assert!(self.stops.iter().any(|stop| self.is_at(*event, stop.tau)), "cut {event}");
        }
        let firings = own_times.iter().flatten().map(|(event, _)| event);
        let causes: Vec<f64> = firings.chain(&samples).chain(&cuts).copied().collect();
        for stop in &self.stops {
            assert!(causes.iter().any(|cause| (cause - stop.tau).abs() <= self.rounding()), "{stop:?}");
            assert!(!stop.is_sample || samples.iter().any(|event| self.is_at(*event, stop.tau)));
        }
    }

    fn check_save_times(&self, draws: &mut Draws) {
        let (t0, t1, span) = (self.t0, self.t1, self.t1 - self.t0);
        let save = match draws.below(4) {
            0 => Save::Points(2 + draws.below(300)),
            1 => Save::Every(match self.callbacks.first() {
                Some(callback) if draws.below(2) == 0 => callback.dt,
                _ => span * 10f64.powf(draws.between(-2.5, 0.1)),
            }),
            2 => Save::Final,
            _ => {
                let at_stops = self.stops.iter().map(|stop| t0 + stop.tau * (1.0 + draws.between(-1e-15, 1e-15)));
                let mut times: Vec<f64> = at_stops.collect();
                times.extend((0..5).map(|_| t0 + span * draws.unit()));
                times.sort_by(f64::total_cmp);
                times.iter_mut().for_each(|t| *t = t.clamp(t0, t1));
                times.dedup();
                Save::At(times)
            }
        };
        let policy = POLICIES[draws.below(3)];
        let times = |policy, after_firing, stops: &[Stop]| {
            save_times(Some(&save), policy, after_firing, t0, t1, stops).expect("times").expect("no steps")
        };
        let asked = times(SavePolicy::AsGiven, false, &[]);
        let SaveTimes { t, tau } = times(policy, false, &self.stops);
        assert!(t.len() == tau.len() && tau.windows(2).all(|pair| pair[0] < pair[1]), "{policy:?} {save:?}: {tau:?}");
        assert!(tau.iter().all(|tau| (0.0..=span).contains(tau)) && t.iter().all(|t| (t0..=t1).contains(t)));
        assert!(t.iter().zip(&tau).all(|(t, tau)| (t - t0 - tau).abs() <= self.rounding() + 1e-12 * t.abs()));
        // Off the stops or exactly at one.
        for tau in &tau {
            let nearest = self.stops.iter().map(|stop| (stop.tau - tau).abs()).fold(f64::INFINITY, f64::min);
            assert!(
                nearest == 0.0 || nearest > 2.0 * f64::EPSILON * t0.abs().max((t0 + tau).abs()),
                "{tau} {nearest:e}"
            );
        }
        // What was asked for is there, but for numen's t0; and what the policy adds.
        let fires = self.stops.iter().any(|stop| !stop.callbacks.is_empty());
        let is_numen = policy == SavePolicy::Numen && fires;
        for want in asked.tau.iter().filter(|tau| **tau > self.rounding()) {
            let is_grid_end = policy == SavePolicy::Numen && *want == span && matches!(save, Save::Every(_));
            let is_there = tau.iter().any(|tau| (tau - want).abs() <= self.rounding() + 1e-12 * span);
            assert!(is_there || is_grid_end, "{policy:?} {save:?}: {want} is not in {tau:?}");
        }
        for stop in &self.stops {
            let is_saved = match policy {
                SavePolicy::Standard => stop.is_sample && save != Save::Final,
                SavePolicy::AsGiven => false,
                SavePolicy::Numen => stop.tau > 0.0 && (stop.is_sample || !stop.callbacks.is_empty()),
            };
            assert!(!is_saved || tau.contains(&stop.tau), "{policy:?} {save:?}: {stop:?}");
        }
        assert!(!is_numen || tau[0] > 0.0 && tau.contains(&span));
        assert!(tau.len() <= asked.tau.len() + self.stops.len() + 1);

        let twice = times(policy, true, &self.stops);
        let is_firing = |tau: &f64| self.stops.iter().any(|stop| stop.tau == *tau && !stop.callbacks.is_empty());
        let want: Vec<f64> = tau.iter().flat_map(|tau| vec![*tau; 1 + usize::from(is_firing(tau))]).collect();
        assert_eq!(twice.tau, want);
    }
}

#[test]
fn random_schedules_follow_the_rules() {
    for case in 0..1000 {
        let mut draws = Draws { case, n: 0 };
        let drawn = Drawn::new(&mut draws);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drawn.check();
            drawn.check_save_times(&mut draws);
        }));
        assert!(checked.is_ok(), "case {case}: {:?}", Drawn { stops: Vec::new(), ..drawn });
    }
}
