//! What a run tells the log: to whom, on which level, and how much.

mod common;

use common::{backends, compiled};
use ensolve::{Distribution, Ensemble, EnsembleSettings, Precision, RunSettings, Save, solve, solve_ensemble};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::sync::Mutex;

/// Keeps the lines of the crate's own targets.
struct Lines(Mutex<Vec<(Level, String, String)>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target().starts_with("ensolve")
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line = (record.level(), record.target().to_string(), record.args().to_string());
            self.0.lock().expect("no panic while locked").push(line);
        }
    }

    fn flush(&self) {}
}

/// The lines of the last run; all of one target.
fn lines(target: &str) -> Vec<(Level, String)> {
    let all = std::mem::take(&mut *LINES.0.lock().expect("no panic while locked"));
    assert!(all.iter().all(|(_, of, _)| of == target), "{target}: {all:?}");
    all.into_iter().map(|(level, _, text)| (level, text)).collect()
}

fn texts(lines: &[(Level, String)], level: Level) -> Vec<&str> {
    lines.iter().filter(|(of, _)| *of == level).map(|(_, text)| text.as_str()).collect()
}

const TICKS: &str = r#"{"model": "ticks", "components": {"c": {"x": {"integrated": 0.0}}}, "entities": {"e": {"c": {}}},
  "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.x": "1"}}},
  "callbacks": {"tick": {"dt": 0.5, "set": {"e.c.x": "0"}}, "tock": {"dt": 1, "set": {"e.c.x": "1"}}}}"#;

/// The only test: the log is one for the whole process.
#[test]
fn a_run_tells_what_it_does() {
    log::set_logger(&LINES).expect("the first logger");
    for mut tested in backends() {
        let target = format!("ensolve::backend::{}", tested.name);
        let backend = tested.backend.as_mut();
        let run = RunSettings {
            tspan: Some((0.0, 1.0)),
            save: Some(Save::Points(3)),
            precision: Some(Precision::F32),
            ..RunSettings::default()
        };
        log::set_max_level(LevelFilter::Info);
        let spec = compiled(TICKS);
        solve(&spec, &run, backend).expect("a valid run");
        let told = lines(&target);
        assert_eq!(told.len(), 1, "{told:?}");
        let info = texts(&told, Level::Info)[0];
        assert!(info.starts_with("ticks: 1 of 1 trajectories finished on "), "{info}");
        assert!(info.contains(" with tsit5, rtol 1e-6, atol 1e-8 in "), "{info}");

        log::set_max_level(LevelFilter::Debug);
        solve(&spec, &run, backend).expect("a valid run");
        let told = lines(&target);
        let debug = texts(&told, Level::Debug);
        let settings = "tsit5, rtol 1e-6, atol 1e-8, f32, t = 0 to 1, n = 1, 3 save times, 2 stops";
        assert!(debug[0].starts_with("ticks: ") && debug[0].ends_with(settings), "{}", debug[0]);
        assert!(debug[1].starts_with("ticks: prepared: device "), "{}", debug[1]);
        assert!(debug[2].starts_with("ticks: trajectories 0 to 0 in "), "{}", debug[2]);
        assert_eq!(debug[3..], ["ticks: t = 0.5: fired tick", "ticks: t = 1: fired tick, tock"]);
        assert_eq!((texts(&told, Level::Info).len(), texts(&told, Level::Error).len()), (1, 0));

        let vary = EnsembleSettings { size: Some(4), ..EnsembleSettings::default() };
        let ensemble = Ensemble::new(&spec, &vary).expect("a valid ensemble");
        solve_ensemble(&spec, &run, &ensemble, backend).expect("a valid run");
        let told = lines(&target);
        assert!(!texts(&told, Level::Debug).iter().any(|text| text.contains("fired")), "{told:?}");

        let spec = compiled(r#"{"states": {"x": 1}, "derivatives": {"x": "x^2"}}"#);
        let run = RunSettings { tspan: Some((0.0, 2.0)), rtol: Some(ensolve::Tolerance::Scalar(1e-9)), ..run };
        solve(&spec, &run, backend).expect("a valid run");
        let told = lines(&target);
        let [error, warning] = [Level::Error, Level::Warn].map(|level| texts(&told, level));
        assert_eq!((error.len(), warning.len()), (1, 1), "{told:?}");
        assert!(error[0].starts_with("(unnamed model): no trajectory succeeded; 1 "), "{}", error[0]);
        assert!(warning[0].starts_with("(unnamed model): rtol 1e-9 is below what f32 can deliver"), "{}", warning[0]);

        // 1/x - t is constant: two reach infinity before the end, one after it.
        let values = Distribution::Values(vec![0.1, 1.0, 2.0]);
        let vary = EnsembleSettings { vary: [("x".to_string(), values)].into_iter().collect(), ..Default::default() };
        let ensemble = Ensemble::new(&spec, &vary).expect("a valid ensemble");
        let result =
            solve_ensemble(&spec, &RunSettings { rtol: None, ..run }, &ensemble, backend).expect("a valid run");
        let told = lines(&target);
        let failed = result.status[1];
        let want = format!("(unnamed model): 2 of 3 trajectories failed; 2 {}: {}", failed.name(), failed.advice());
        assert_eq!((texts(&told, Level::Warn), texts(&told, Level::Error).len()), (vec![want.as_str()], 0));
    }
}
