//! Statistics of ensembles that are not stored, against those of the same ensembles stored.

mod common;

use common::Limited;
use ensolve::job::Silent;
use ensolve::solve::solve_range;
use ensolve::spec::{Bins, Covariance, Keep, Measure, Quantity};
use ensolve::sweep::{PILOT, QUANTILE_BINS, QuantityStatistics, SweepResult};
use ensolve::{
    CompiledSpec, CpuBackend, Ensemble, EnsembleResult, Error, Precision, RunSettings, Save, Statistics,
    StatisticsSettings, Status, World, solve_ensemble, sweep,
};

/// A nonlinear spring that is pushed, and an output.
const SPRING: &str = r#"{"model": "spring",
    "states": {"x": 1.0, "v": 0.0}, "parameters": {"k": 1.0},
    "derivatives": {"x": "v", "v": "-k*x^3 - 0.1*v + 0.3*sin(2*t)"}, "outputs": {"energy": "v^2/2 + k*x^4/4"},
    "run": {"tspan": [0, 3], "save": {"points": 7}},
    "ensemble": {"size": 5000, "seed": 3, "vary": {"x": {"normal": [1.0, 0.3]}, "k": {"uniform": [0.5, 2.0]}}}}"#;

fn parse<T>(parsed: Result<T, String>) -> T {
    parsed.unwrap_or_else(|message| panic!("{message}"))
}

fn quantity(text: &str) -> Quantity {
    parse(Quantity::parse(text))
}

/// Everything that can be asked for.
fn everything() -> StatisticsSettings {
    let kinds =
        ["min(x)", "max(x)", "time_of_min(x)", "time_of_max(x)", "time_above(x, 0.5)", "integral(x)", "final(v)"];
    StatisticsSettings {
        summaries: kinds.iter().map(|text| parse(Measure::parse(text))).collect(),
        covariance: Some(Covariance::All),
        exceed: vec![(quantity("x"), vec![0.0, 0.7]), (quantity("max(x)"), vec![1.2])],
        histograms: vec![(quantity("v"), parse(Bins::new(-1.0, 1.0, 40)))],
        quantiles: Some(vec![0.0, 0.05, 0.25, 0.5, 0.95, 1.0]),
        keep: ["largest(x, 4)", "smallest(max(x), 3)", "failed(2)"].map(|text| parse(Keep::parse(text))).to_vec(),
    }
}

struct Case {
    spec: CompiledSpec,
    ensemble: Ensemble,
    run: RunSettings,
}

fn case(model: &str) -> Case {
    let world = World::from_json(model).expect("a model");
    let spec = world.compile().expect("a valid model");
    let ensemble = Ensemble::new(&spec, &world.ensemble).expect("a valid ensemble");
    Case { spec, ensemble, run: world.run }
}

fn swept(case: &Case, statistics: &StatisticsSettings) -> SweepResult {
    sweep(&case.spec, &case.run, &case.ensemble, statistics, &mut CpuBackend::new()).unwrap_or_else(|e| panic!("{e}"))
}

fn stored(case: &Case) -> EnsembleResult {
    let run = RunSettings { save: case.run.save.clone().or(Some(Save::Final)), ..case.run.clone() };
    solve_ensemble(&case.spec, &run, &case.ensemble, &mut CpuBackend::new()).expect("a valid run")
}

fn succeeded(result: &EnsembleResult) -> Vec<usize> {
    (0..result.n_traj()).filter(|i| result.status[*i] == Status::Success).collect()
}

/// Against the list of values: moments to the rounding of sums of thousands of numbers, extremes, counts and intervals exactly.
fn check(name: &str, got: &QuantityStatistics, values: &[(usize, f64)]) {
    let list: Vec<f64> = values.iter().map(|(_, x)| *x).collect();
    let n = list.len() as f64;
    let mean = list.iter().sum::<f64>() / n;
    let variance = list.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let size = list.iter().fold(0.0f64, |size, x| size.max(x.abs()));
    assert_eq!(got.n, list.len() as u64, "{name}");
    // The plain sum errs by at most n units of 2^-53 of the largest value; on average by far less.
    assert!((got.mean - mean).abs() <= n * 1.2e-16 * size, "{name}: {} is not {mean}", got.mean);
    assert!((got.variance - variance).abs() <= 1e-12 * (variance + 1e-3 * size * size), "{name}: {}", got.variance);
    assert_eq!(got.std, got.variance.sqrt(), "{name}");
    let mut sorted = list.clone();
    sorted.sort_by(f64::total_cmp);
    assert_eq!((got.min, got.max), (sorted[0], sorted[sorted.len() - 1]), "{name}");
    let first = |x: f64| values.iter().find(|(_, y)| *y == x).map(|(i, _)| *i as u64);
    assert_eq!((got.argmin, got.argmax), (first(got.min), first(got.max)), "{name}");
    for q in &got.quantiles {
        let want = ensolve::stats::quantile(&sorted, q.probability);
        // A bin's edge is rounded in the format of the run: f32, 2^-23 of the largest value.
        let edge = 1.2e-7 * size;
        assert!(q.low - edge <= want && want <= q.high + edge, "{name}: {want} is not in {q:?}");
        assert!(q.low <= q.value && q.value <= q.high, "{name}: {q:?}");
        if q.is_inside && got.histograms.is_empty() {
            let range = 2.0 * (got.max - got.min).max(edge);
            assert!(
                q.high - q.low <= range / f64::from(QUANTILE_BINS) + 2.0 * edge,
                "{name}: {q:?} is wider than a bin"
            );
        }
    }
    for exceedance in &got.exceedances {
        let above = list.iter().filter(|x| **x > exceedance.threshold).count();
        let p = above as f64 / n;
        assert_eq!((exceedance.n, exceedance.probability), (above as u64, p), "{name} > {}", exceedance.threshold);
        assert_eq!(exceedance.standard_error, (p * (1.0 - p) / n).sqrt(), "{name}");
    }
    for histogram in &got.histograms {
        let total = histogram.below + histogram.above + histogram.bins.iter().sum::<u64>();
        let below = list.iter().filter(|x| **x < histogram.low).count();
        assert_eq!((total, histogram.below), (got.n, below as u64), "{name}");
    }
}

/// Every state and output at every save time.
fn check_saved(result: &SweepResult, stored: &EnsembleResult) {
    let good = succeeded(stored);
    assert_eq!(result.n_finished(), good.len() as u64);
    assert_eq!(result.n_done, stored.n_traj() as u64);
    for save in 0..result.t.len() {
        for (row, name) in result.names.iter().enumerate() {
            let last = |i: usize| if stored.times.is_some() { stored.n_saved(i) - 1 } else { save };
            let values: Vec<(usize, f64)> = good.iter().map(|i| (*i, stored.saved[[last(*i), row, *i]])).collect();
            check(&format!("{name} at save {save}"), result.at(save, name).expect("it is there"), &values);
        }
    }
    let steps = |counts: &[u32]| (counts.iter().map(|n| u64::from(*n)).sum::<u64>(), *counts.iter().max().unwrap());
    assert_eq!((result.accepted.sum, result.accepted.max), steps(&stored.accepted));
    assert_eq!((result.rejected.sum, result.rejected.max), steps(&stored.rejected));
}

/// Summaries from the stored series, the plain way, in f64.
fn check_summaries(result: &SweepResult, stored: &EnsembleResult) {
    for name in &result.summaries {
        let measure = parse(Measure::parse(name));
        let row = stored.row(&measure.name).expect("a row");
        let of = |i: usize| {
            let n_save = stored.n_saved(i);
            ensolve::reduce::summarize(measure.kind, n_save, |k| stored.time(k, i), |k| stored.saved[[k, row, i]])
        };
        let values: Vec<(usize, f64)> = succeeded(stored).into_iter().map(|i| (i, of(i))).collect();
        check(name, result.summary(name).expect("it is there"), &values);
    }
}

fn check_covariances(result: &SweepResult, stored: &EnsembleResult) {
    let good = succeeded(stored);
    for matrix in result.covariances.iter().filter(|matrix| matrix.save.is_some()) {
        let save = matrix.save.expect("a save time");
        let column = |name: &String| {
            let row = stored.row(name).expect("a row");
            good.iter().map(|i| stored.saved[[save, row, *i]]).collect::<Vec<f64>>()
        };
        for (a, name_a) in matrix.names.iter().enumerate() {
            for (b, name_b) in matrix.names.iter().enumerate() {
                let (x, y) = (column(name_a), column(name_b));
                let n = x.len() as f64;
                let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
                let want = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (n - 1.0);
                // Thousands of products of numbers of size 1: 1e-12 is the rounding of their sum many times over.
                assert!((matrix.covariance[a][b] - want).abs() < 1e-12, "{name_a}, {name_b} at save {save}");
                let scale = (matrix.covariance[a][a] * matrix.covariance[b][b]).sqrt();
                let correlation = matrix.correlation[a][b];
                assert!(scale == 0.0 || (correlation - want / scale).abs() < 1e-9, "{name_a}, {name_b}: {correlation}");
            }
        }
    }
    let summaries = result.covariances.iter().find(|matrix| matrix.save.is_none()).expect("there are summaries");
    assert_eq!(summaries.names, result.summaries);
}

/// Kept trajectories are the ones with the extreme values, and replayed to the same values.
fn check_kept(case: &Case, result: &SweepResult, stored: &EnsembleResult) {
    let (good, last) = (succeeded(stored), stored.t.len() - 1);
    let by = |of: &dyn Fn(usize) -> f64, sign: f64, count: usize| {
        let mut all: Vec<(f64, usize)> = good.iter().map(|i| (sign * of(*i), *i)).collect();
        all.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        all[..count].iter().map(|(_, i)| *i as u64).collect::<Vec<_>>()
    };
    let x = |k: usize, i: usize| stored.saved[[k, 0, i]];
    let max = |i: usize| (0..=last).map(|k| x(k, i)).fold(f64::NEG_INFINITY, f64::max);
    let mut want = by(&|i| x(last, i), -1.0, 4);
    want.extend(by(&max, 1.0, 3));
    let numbers: Vec<u64> = result.kept.iter().map(|kept| kept.trajectory).collect();
    assert_eq!(numbers, want);
    for kept in &result.kept {
        let i = kept.trajectory;
        let alone = solve_range(&case.spec, &case.run, &case.ensemble, i..i + 1, &mut CpuBackend::new(), &Silent);
        let replayed = kept.result.as_ref().expect("it was solved again");
        assert_eq!(replayed, &alone.expect("a valid run").trajectory(0), "{i}");
        assert_eq!(replayed.x[[0, last]], x(last, i as usize), "{i}");
    }
    assert_eq!(result.kept[0].value, x(last, want[0] as usize));
}

#[test]
fn statistics_are_those_of_the_stored_trajectories() {
    // Less than a block, a block, blocks and a rest, and more than the pilot.
    for (n, precision) in
        [(700, Precision::F64), (1024, Precision::F32), (2500, Precision::F64), (5000, Precision::F64)]
    {
        let mut case = case(&SPRING.replace("5000", &n.to_string()));
        case.run.precision = Some(precision);
        let (result, stored) = (swept(&case, &everything()), stored(&case));
        assert_eq!((result.t.clone(), &result.names), (stored.t.to_vec(), &stored.names));
        check_saved(&result, &stored);
        check_covariances(&result, &stored);
        if precision == Precision::F64 {
            check_summaries(&result, &stored);
        }
        check_kept(&case, &result, &stored);
        assert!(!result.is_partial() && result.partial_note().is_none() && result.info.lane_steps.is_none());
        let moments = Statistics::of(&stored).moments;
        assert_eq!(result.at(6, "x").expect("it is there").min, moments[6][0].min);
    }
}

#[test]
fn quantiles_of_a_large_ensemble_are_inside_the_range_of_the_pilot() {
    let case = case(&SPRING.replace("5000", "9000").replace("{\"points\": 7}", "\"final\""));
    assert!(case.ensemble.size() > PILOT);
    let result = swept(&case, &StatisticsSettings::default());
    let quantiles = &result.at(0, "x").expect("a state").quantiles;
    assert_eq!(quantiles.iter().map(|q| q.probability).collect::<Vec<_>>(), [0.05, 0.5, 0.95]);
    assert!(quantiles.iter().all(|q| q.is_inside));
    check_saved(&result, &stored(&case));
}

/// A result as text, without what differs between two runs for other reasons.
fn shown(result: &SweepResult) -> String {
    let mut result = result.clone();
    (result.info.elapsed, result.info.timings, result.info.n_resumed) = Default::default();
    result.info.backend.clear();
    result.kept.iter_mut().filter_map(|kept| kept.result.as_mut()).for_each(|result| result.timings = None);
    // The shortest text that reads back: different bits, different text.
    format!("{result:?}")
}

#[test]
fn no_result_depends_on_the_chunks() {
    let case = case(&SPRING.replace("{\"points\": 7}", "{\"points\": 3}"));
    let whole = shown(&swept(&case, &everything()));
    for trajectories in [1024, 1500, 3000] {
        let mut limited = Limited { backend: Box::new(CpuBackend::new()), trajectories, rows: usize::MAX };
        let parts = sweep(&case.spec, &case.run, &case.ensemble, &everything(), &mut limited).expect("a valid run");
        assert_eq!(shown(&parts), whole, "chunks of {trajectories}");
    }
}

#[test]
fn failed_trajectories_are_counted_named_and_kept() {
    // x = 1/(1/x0 - t) has its pole before t = 1 for x0 > 1.
    let case = case(
        r#"{"states": {"x": 0.5}, "derivatives": {"x": "x^2"}, "run": {"tspan": [0, 1]},
            "ensemble": {"size": 1500, "vary": {"x": {"uniform": [0.2, 1.05]}}}, "outputs": {"twice": "2*x"}}"#,
    );
    let settings = StatisticsSettings { keep: vec![Keep::Failed(3)], ..StatisticsSettings::default() };
    let (result, stored) = (swept(&case, &settings), stored(&case));
    check_saved(&result, &stored);
    let failed: Vec<usize> = (0..1500).filter(|i| stored.status[*i] != Status::Success).collect();
    assert!(failed.len() > 64, "{} failed", failed.len());
    assert_eq!(result.failures.len(), 64);
    for (failure, i) in result.failures.iter().zip(&failed) {
        let culprit = stored.culprit[*i].map(|row| row as u32);
        assert_eq!((failure.trajectory, failure.status, failure.t), (*i as u64, stored.status[*i], stored.t_end[*i]));
        assert_eq!(failure.culprit, culprit);
    }
    let counts: Vec<(Status, usize)> = result.status_counts().into_iter().map(|(s, n)| (s, n as usize)).collect();
    assert_eq!(counts, stored.status_counts());
    let kept: Vec<u64> = result.kept.iter().map(|kept| kept.trajectory).collect();
    assert_eq!(kept, failed[..3].iter().map(|i| *i as u64).collect::<Vec<_>>());
    // Nothing is said of save times: every accepted step is kept of those.
    let replayed = result.kept[0].result.as_ref().expect("it was solved again");
    assert!(replayed.t.len() > 3 && replayed.status == stored.status[failed[0]]);
}

#[test]
fn nobody_succeeds() {
    let case =
        case(r#"{"states": {"x": 2}, "derivatives": {"x": "x^2"}, "run": {"tspan": [0, 1]}, "ensemble": {"size": 3}}"#);
    let result = swept(&case, &everything_of("x"));
    let x = result.at(0, "x").expect("a state");
    assert_eq!((x.n, x.argmin, x.argmax, result.n_finished(), result.n_done), (0, None, None, 0, 3));
    assert!(
        [x.mean, x.std, x.min, x.max, x.quantiles[0].value, x.exceedances[0].probability].iter().all(|y| y.is_nan())
    );
    assert!(result.kept.is_empty());
}

fn everything_of(name: &str) -> StatisticsSettings {
    StatisticsSettings {
        exceed: vec![(quantity(name), vec![0.0])],
        keep: vec![Keep::Largest(quantity(name), 5)],
        covariance: Some(Covariance::All),
        ..StatisticsSettings::default()
    }
}

#[test]
fn time_spans_of_their_own_are_reduced_at_their_ends() {
    let case = case(
        r#"{"states": {"x": 1.0}, "parameters": {"k": 0.5, "t_end": 2.0}, "derivatives": {"x": "-k*x"}, "outputs": {"half": "x/2"},
            "run": {"tspan": [0, "t_end"]}, "ensemble": {"size": 3000, "vary": {"t_end": {"uniform": [1, 3]}}}}"#,
    );
    let (result, stored) = (swept(&case, &everything_of("half")), stored(&case));
    assert!(result.t.len() == 1 && result.t[0].is_nan());
    check_saved(&result, &stored);
    let mut limited = Limited { backend: Box::new(CpuBackend::new()), trajectories: 1100, rows: usize::MAX };
    let parts =
        sweep(&case.spec, &case.run, &case.ensemble, &everything_of("half"), &mut limited).expect("a valid run");
    assert_eq!(shown(&parts), shown(&result));
}

/// Forward and backward in time, in chunks of any size.
#[test]
fn time_spans_of_their_own_have_summaries_over_their_own_save_times() {
    for (is_backward, tspan) in [(false, r#"["start", 4]"#), (true, r#"[4, "start"]"#)] {
        let case = case(&format!(
            r#"{{"states": {{"x": 1.0}}, "parameters": {{"k": 0.5, "start": 2.0}}, "derivatives": {{"x": "sin(3*t) - k*x"}},
                "run": {{"tspan": {tspan}, "backward": {is_backward}, "save": {{"every": 0.25}}}}, "ensemble": {{"size": 3000,
                "vary": {{"start": {{"uniform": [-1, 3.9]}}, "k": {{"uniform": [0, 1]}}}}}}}}"#
        ));
        let kinds = ["max(x)", "time_of_min(x)", "time_above(x, 0.9)", "integral(x)", "final(x)"];
        let settings = StatisticsSettings {
            summaries: kinds.map(|text| parse(Measure::parse(text))).to_vec(),
            keep: vec![parse(Keep::parse("largest(max(x), 3)"))],
            ..StatisticsSettings::default()
        };
        let (result, stored) = (swept(&case, &settings), stored(&case));
        let counts = (0..3000).map(|i| stored.n_saved(i));
        assert!(counts.clone().min() < Some(5) && counts.max() > Some(15));
        check_saved(&result, &stored);
        check_summaries(&result, &stored);
        let mut limited = Limited { backend: Box::new(CpuBackend::new()), trajectories: 1100, rows: usize::MAX };
        let parts = sweep(&case.spec, &case.run, &case.ensemble, &settings, &mut limited).expect("a valid run");
        assert_eq!(shown(&parts), shown(&result));
    }
}

#[test]
fn callbacks_and_samples_are_saved_as_asked() {
    let case = case(
        r#"{"components": {"c": {"x": {"integrated": 0.0}, "n": {"discrete": 0.0}}}, "entities": {"e": {"c": {}}},
            "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.x": "a.n"}}},
            "callbacks": {"tick": {"dt": 0.5, "set": {"e.c.n": "e.c.n + e.c.x + 1"}}},
            "run": {"tspan": [0, 2], "save": {"points": 3}, "save_after_firing": true},
            "ensemble": {"size": 50, "vary": {"e.c.x": {"uniform": [0, 1]}}}}"#,
    );
    let (result, stored) = (swept(&case, &everything_of("e.c.n")), stored(&case));
    assert_eq!(result.t, [0.0, 1.0, 1.0, 2.0, 2.0]);
    check_saved(&result, &stored);
}

#[test]
fn backward_in_time_the_times_are_the_user_s() {
    let case = case(
        r#"{"states": {"x": 1.0}, "derivatives": {"x": "1"}, "outputs": {"root": "sqrt(x)"},
            "run": {"tspan": [2, 0], "backward": true, "save": {"points": 5}},
            "ensemble": {"size": 40, "vary": {"x": {"uniform": [1.2, 4]}}}}"#,
    );
    let settings = StatisticsSettings {
        summaries: ["integral(x)", "time_of_min(x)", "time_above(x, 1)"]
            .map(|text| parse(Measure::parse(text)))
            .to_vec(),
        ..StatisticsSettings::default()
    };
    let (result, stored) = (swept(&case, &settings), stored(&case));
    assert_eq!((result.info.tspan, result.t.clone()), ((2.0, 0.0), stored.t.to_vec()));
    check_saved(&result, &stored);
    check_summaries(&result, &stored);
    let time = result.summary("time_of_min(x)").expect("it is there");
    assert_eq!((time.min, time.max), (0.0, 0.0), "it falls backward in time");
    let failure = result.failures.first().expect("some roots are not real");
    assert_eq!(failure.t, stored.t_end[failure.trajectory as usize]);
}

#[test]
fn a_single_trajectory() {
    let case = case(&SPRING.replace("5000", "1"));
    let (result, stored) = (swept(&case, &everything()), case.run.clone());
    assert_eq!(stored.save, Some(Save::Points(7)));
    let x = result.at(6, "x").expect("a state");
    assert_eq!((x.n, x.std, x.min, x.mean, x.argmax), (1, 0.0, x.max, x.max, Some(0)));
    assert!(x.quantiles.iter().all(|q| (q.low, q.value, q.high) == (x.min, x.min, x.min)));
    assert_eq!(result.kept.len(), 2);
}

#[test]
fn infinite_outputs_are_honest() {
    let case = case(
        r#"{"states": {"x": 1.0}, "derivatives": {"x": "0"}, "outputs": {"pole": "x > 2 ? exp(1000*x) : x"},
            "run": {"tspan": [0, 1]}, "ensemble": {"size": 100, "vary": {"x": {"uniform": [1, 2.2]}}}}"#,
    );
    let (result, stored) = (swept(&case, &everything_of("pole")), stored(&case));
    let n = succeeded(&stored).iter().filter(|i| stored.saved[[0, 1, **i]].is_infinite()).count();
    let pole = result.at(0, "pole").expect("an output");
    assert!(n > 3, "{n}");
    assert_eq!((pole.n, pole.mean, pole.max), (100, f64::INFINITY, f64::INFINITY));
    assert!(pole.std.is_nan() && pole.min < 2.0);
    let median = pole.quantiles[1];
    assert_eq!((median.low, median.high, median.is_inside), (pole.min, f64::INFINITY, false));
    assert_eq!(result.kept.iter().filter(|kept| kept.value == f64::INFINITY).count(), 5);
    assert!(result.covariances[0].covariance[0][1].is_nan());
}

#[test]
fn what_cannot_be_is_said() {
    let spring = case(SPRING);
    let with = |change: &dyn Fn(&mut StatisticsSettings)| {
        let mut settings = StatisticsSettings::default();
        change(&mut settings);
        settings
    };
    let fails = |case: &Case, run: &RunSettings, settings: &StatisticsSettings| {
        sweep(&case.spec, run, &case.ensemble, settings, &mut CpuBackend::new()).expect_err("it cannot be").to_string()
    };
    let unknown = with(&|s| s.summaries = vec![parse(Measure::parse("max(enregy)"))]);
    assert_eq!(
        fails(&spring, &spring.run, &unknown),
        "statistics: no state or output is named 'enregy' in 'max(enregy)'; did you mean 'energy'? known names: x, v, energy"
    );
    let unknown = with(&|s| s.exceed = vec![(quantity("y"), vec![0.0])]);
    assert_eq!(
        fails(&spring, &spring.run, &unknown),
        "statistics: no state or output is named 'y'; known names: x, v, energy"
    );
    let unknown = with(&|s| s.covariance = Some(Covariance::Of(vec!["x".to_string(), "y".to_string()])));
    assert_eq!(
        fails(&spring, &spring.run, &unknown),
        "statistics.covariance: no state or output is named 'y'; known columns: x, v, energy"
    );
    let run = RunSettings { save: Some(Save::Steps), ..spring.run.clone() };
    assert_eq!(
        fails(&spring, &run, &with(&|_| {})),
        "save: statistics are made at save times in common, and accepted steps differ from trajectory to trajectory; save at given times, such as {\"points\": 11}, or \"final\""
    );
    let run = RunSettings { reps: Some(2), ..spring.run.clone() };
    assert_eq!(fails(&spring, &run, &with(&|_| {})), "reps: statistics are made once; leave out reps");
    let run = RunSettings { precision: Some(Precision::F32), ..spring.run.clone() };
    let narrow = with(&|s| s.histograms = vec![(quantity("x"), parse(Bins::new(1.0, 1.0 + 1e-12, 5)))]);
    assert_eq!(
        fails(&spring, &run, &narrow),
        "statistics.histogram: 'x': 1 and 1.000000000001 are the same number in f32"
    );
    let own = case(
        r#"{"states": {"v": [1.0, 2.0]}, "parameters": {"t_end": 2.0}, "derivatives": {"v": "-v"}, "run": {"tspan": [0, "t_end"]}}"#,
    );
    let vector = with(&|s| s.exceed = vec![(quantity("v"), vec![0.0])]);
    assert_eq!(fails(&own, &own.run, &vector), "statistics: 'v' is a vector; name its elements one by one: v[0], v[1]");
    let run = RunSettings { save_after_firing: Some(true), ..own.run.clone() };
    assert_eq!(
        fails(&own, &run, &with(&|_| {})),
        "save_after_firing: of trajectories with time spans of their own the last value before callbacks fire counts; leave it out"
    );
    // A path of the model file is named for names that are not there.
    let error = sweep(&spring.spec, &spring.run, &spring.ensemble, &unknown, &mut CpuBackend::new());
    assert!(matches!(error, Err(Error::Model { .. })));
}

/// Spans of very different lengths, and callbacks that make them stops.
const OWN_SPANS: &str = r#"{"model": "own", "states": {"x": 1.0}, "parameters": {"k": 1.0, "end": 1.0},
    "derivatives": {"x": "-k*x + sin(t)"}, "run": {"tspan": [0, "end"]},
    "callbacks": {"kick": {"dt": 5.0, "set": {"x": "x + 0.1"}}},
    "ensemble": {"size": 3000, "seed": 5, "vary": {"k": {"uniform": [0, 2]}, "end": {"loguniform": [0.1, 50]}}}}"#;

#[test]
fn no_bit_depends_on_whose_span_shares_a_chunk() {
    let case = case(OWN_SPANS);
    let of = |backend: &mut dyn ensolve::Backend, range| {
        let result = solve_range(&case.spec, &case.run, &case.ensemble, range, backend, &Silent).expect("it works");
        assert!(result.status.iter().all(|status| *status == Status::Success));
        (result.final_states.clone(), result.accepted.clone(), result.rejected.clone())
    };
    let whole = of(&mut CpuBackend::new(), 0..3000);
    let mut small = Limited { backend: Box::new(CpuBackend::new()), trajectories: 7, rows: usize::MAX };
    assert_eq!(of(&mut small, 0..3000), whole);
    // The longest span of all, and the shortest, each alone.
    let (_, accepted, _) = &whole;
    for i in [0, 1000, 2999] {
        let (_, alone, _) = of(&mut CpuBackend::new(), i..i + 1);
        assert_eq!(alone, accepted[i as usize..=i as usize], "trajectory {i}");
    }
}

#[test]
fn values_far_apart_and_values_that_are_whole_numbers_have_honest_quantiles() {
    const FAR: &str = r#"{"model": "far", "states": {"x": 1.0}, "parameters": {"k": 1.0}, "derivatives": {"x": "0"},
        "outputs": {"huge": "1e38*k", "tiny": "3e-36*k", "hit": "k > 0.3 ? 1 : 0"},
        "run": {"tspan": [0, 1], "precision": "f32"},
        "ensemble": {"size": 5000, "seed": 5, "vary": {"k": {"uniform": [-3, 3]}}}}"#;
    let case = case(FAR);
    let statistics = StatisticsSettings { exceed: vec![(quantity("hit"), vec![0.0])], ..StatisticsSettings::default() };
    let result = swept(&case, &statistics);
    for (name, unit) in [("huge", 1e38), ("tiny", 3e-36)] {
        let found = result.at(0, name).expect("an output");
        // 5000 values in [-3, 3]: the standard error of a quantile of probability p is 6 sqrt(p (1 - p) / 5000), at most 0.04.
        for (q, want) in found.quantiles.iter().zip([-2.7, 0.0, 2.7]) {
            // Bins cover half of the range of f32 on each side of 0: 1.7e38.
            assert_eq!(q.is_inside, name == "tiny" || want == 0.0, "{name}: {q:?}");
            assert!(q.low <= q.value && q.value <= q.high, "{name}: {q:?}");
            assert!(q.low / unit - 0.2 < want && want < q.high / unit + 0.2, "{name}: {q:?} does not hold {want}");
            assert!(!q.is_inside || (q.value / unit - want).abs() < 0.2, "{name}: {q:?} is not {want}");
        }
    }
    let hit = result.at(0, "hit").expect("an output");
    let ends: Vec<_> = hit.quantiles.iter().map(|q| (q.low, q.high)).collect();
    assert_eq!((ends[0].0, ends[2].1), (0.0, 1.0), "none is beyond the extremes");
    // A mean of zeros and ones, summed in blocks.
    assert!((hit.exceedances[0].probability - hit.mean).abs() < 1e-12);
}
