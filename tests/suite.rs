//! One suite for every backend: each file of `tests/cases` is a model with a solution known from elsewhere, and each of
//! its runs is solved with every method it names on every backend that has the run's number format.
//!
//! Errors are measured in units of the tolerance; how many are allowed, and why, stands in the case file. A run that
//! some backend cannot do is an entry of [`SKIPS`] with the reason.

mod common;

use common::{Tested, backends, error_units};
use ensolve::spec::{EnsembleSettings, Tolerance};
use ensolve::{
    CompiledSpec, Distribution, Ensemble, Precision, RunSettings, Save, SavePolicy, Status, World, solve_ensemble,
};
use serde_json::Value as Json;
use std::path::Path;

/// (case, backend, reason)
const SKIPS: [(&str, &str, &str); 0] = [];

/// A solution known from elsewhere, and the runs that must reproduce it.
struct Case {
    name: String,
    spec: CompiledSpec,
    /// Values that differ from the model's own, by full key.
    set: Vec<(String, f64)>,
    expected: Vec<(String, Vec<f64>)>,
    runs: Vec<Run>,
}

/// How to solve a case, and how far off the result may be.
#[derive(Clone)]
struct Run {
    methods: Vec<String>,
    settings: RunSettings,
    precision: Precision,
    rtol: f64,
    atol: f64,
    factor: f64,
}

/// A line of the table.
struct Outcome {
    line: String,
    failed: bool,
}

#[test]
fn every_case_on_every_backend() {
    println!(
        "{:<30} {:<9} {:<4} {:<4} {:>8} {:>10} {:>8}  {:>13}  status",
        "case", "method", "", "", "rtol/dt", "units", "factor", "steps"
    );
    let mut failures = Vec::new();
    for mut tested in backends() {
        for case in &cases() {
            for outcome in outcomes(case, &mut tested) {
                println!("{}", outcome.line);
                failures.extend(outcome.failed.then_some(outcome.line));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} runs exceed their factor or did not finish:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_skip_is_of_a_case() {
    let names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    for (case, backend, reason) in SKIPS {
        assert!(names.iter().any(|name| name == case), "there is no case '{case}' to skip");
        assert!(
            ["cpu", "gpu"].contains(&backend) && !reason.is_empty(),
            "the skip of '{case}' needs a backend and a reason"
        );
    }
}

/// Tighter runs meet the rounding of f32x2 in some cases.
const F32X2_RTOL: f64 = 1e-9;

impl Run {
    fn in_f32x2(mut self) -> Run {
        self.precision = Precision::F32x2;
        self.settings.precision = Some(Precision::F32x2);
        self
    }
}

fn outcomes(case: &Case, tested: &mut Tested) -> Vec<Outcome> {
    if let Some((_, _, reason)) = SKIPS.iter().find(|(name, backend, _)| *name == case.name && *backend == tested.name)
    {
        println!("{} is skipped on the {}: {reason}", case.name, tested.name);
        return Vec::new();
    }
    let can = tested.precisions.clone();
    let mut runs: Vec<Run> = case.runs.iter().filter(|run| can.contains(&run.precision)).cloned().collect();
    // f32x2 holds what f64 does there, to the same factors; on the CPU, since its kernels take long to compile and have the
    // CPU's bits (`tests/exact.rs`).
    if tested.name == "cpu" {
        let wide = case.runs.iter().filter(|run| run.precision == Precision::F64 && run.rtol >= F32X2_RTOL);
        runs.extend(wide.cloned().map(Run::in_f32x2));
    }
    let pairs: Vec<(&Run, &String)> =
        runs.iter().flat_map(|run| run.methods.iter().map(move |method| (run, method))).collect();
    pairs.into_iter().map(|(run, method)| outcome(case, run, method, tested)).collect()
}

fn outcome(case: &Case, run: &Run, method: &str, tested: &mut Tested) -> Outcome {
    let settings = RunSettings { method: Some(method.to_string()), ..run.settings.clone() };
    let vary = case.set.iter().map(|(key, value)| (key.clone(), Distribution::Values(vec![*value]))).collect();
    let ensemble = Ensemble::new(&case.spec, &EnsembleSettings { size: Some(1), seed: None, sampling: None, vary });
    let ensemble = ensemble.unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let result = solve_ensemble(&case.spec, &settings, &ensemble, tested.backend.as_mut());
    let result = result.unwrap_or_else(|e| panic!("{}, {method} on {}: {e}", case.name, tested.name)).trajectory(0);
    let worst = case.expected.iter().map(|(key, want)| {
        let got = result.series(key).unwrap_or_else(|| panic!("{}: the model has no '{key}'", case.name));
        error_units(&got.to_vec(), want, run.rtol, run.atol).0
    });
    let worst = worst.fold(0.0, f64::max);
    let size = run.settings.dt.unwrap_or(run.rtol);
    let line = format!(
        "{:<30} {:<9} {:<4} {:<4} {size:>8.0e} {worst:>10.3e} {:>8}  {:>7}+{:<5}  {}",
        case.name,
        method,
        run.precision,
        tested.name,
        run.factor,
        result.accepted,
        result.rejected,
        result.status.name()
    );
    Outcome { line, failed: worst > run.factor || result.status != Status::Success }
}

/// Every file of `tests/cases`, by name.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("tests/cases is a folder")
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "tests/cases has no files");
    paths.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let text = std::fs::read_to_string(path).expect("a readable file");
    let json: Json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    only(&json, &["case", "model", "tspan", "set", "source", "runs", "t", "expected"], path);
    let tspan = numbers(&json["tspan"]);
    let t = numbers(&json["t"]);
    let set = json["set"].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), number(value))).collect();
    let expected = json["expected"].as_object().expect("'expected' is an object").iter();
    let runs = json["runs"].as_array().expect("'runs' is a list").iter();
    Case {
        name: text_of(&json["case"]).to_string(),
        spec: spec(&json["model"]),
        set,
        expected: expected.map(|(key, values)| (key.clone(), numbers(values))).collect(),
        runs: runs.map(|json| run(json, (tspan[0], tspan[1]), &t, path)).collect(),
    }
}

fn run(json: &Json, tspan: (f64, f64), t: &[f64], path: &Path) -> Run {
    only(json, &["precision", "rtol", "atol", "methods", "dt", "dt_max", "max_steps", "factor", "why"], path);
    assert!(!text_of(&json["why"]).is_empty(), "{}: a factor needs its reason", path.display());
    let (rtol, atol) = (number(&json["rtol"]), number(&json["atol"]));
    let precision = Precision::parse(text_of(&json["precision"])).expect("f32 or f64");
    let settings = RunSettings {
        tspan: Some(tspan),
        dt: json.get("dt").map(number),
        dt_max: json.get("dt_max").map(number),
        max_steps: json.get("max_steps").map(|n| number(n) as u32),
        rtol: Some(Tolerance::Scalar(rtol)),
        atol: Some(Tolerance::Scalar(atol)),
        save: Some(Save::At(t.to_vec())),
        save_policy: Some(SavePolicy::AsGiven),
        precision: Some(precision),
        ..RunSettings::default()
    };
    let methods =
        json["methods"].as_array().expect("'methods' is a list").iter().map(|m| text_of(m).to_string()).collect();
    Run { methods, settings, precision, rtol, atol, factor: number(&json["factor"]) }
}

/// A model in place, or the path of its file from the root of the repository.
fn spec(model: &Json) -> CompiledSpec {
    let world = match model.as_str() {
        Some(path) => World::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)),
        None => World::from_json(&model.to_string()),
    };
    world.and_then(|world| world.compile()).unwrap_or_else(|e| panic!("{model}: {e}"))
}

/// Refuses keys that the suite would ignore.
fn only(json: &Json, known: &[&str], path: &Path) {
    for key in json.as_object().expect("an object").keys() {
        assert!(known.contains(&key.as_str()), "{}: unknown key '{key}'", path.display());
    }
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| panic!("expected a number, found {json}"))
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap_or_else(|| panic!("expected a list, found {json}")).iter().map(number).collect()
}

fn text_of(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("expected a string, found {json}"))
}
