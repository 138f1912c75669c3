//! Every firing of four controllers against a reference: when and in what order, and the states before and after.
//!
//! The reference (`tests/firings`) is an extrapolation of order 16 in 113 bits from firing to firing. Each of its rows is a
//! time: what fires, integrated states (which no callback sets), and discrete ones after all that fires. Before, those are what
//! the row above left.

mod common;

use common::{assert_close, backends};
use ensolve::{CompiledSpec, Precision, RunSettings, Save, Status, Tolerance, World, solve};
use serde_json::Value as Json;
use std::path::Path;

/// Case, firings of each callback, number of times, number of times at which several fire.
type Case = (&'static str, &'static [(&'static str, usize)], usize, usize);

const CASES: [Case; 4] = [
    ("pid_pendulum", &[("pid", 500)], 500, 0),
    ("cascade_inner_first", &[("inner", 150), ("outer", 100)], 200, 50),
    ("cascade_outer_first", &[("inner", 150), ("outer", 100)], 200, 50),
    ("thermostat", &[("thermostat", 300)], 300, 0),
];

/// What the reference says of a case.
struct Reference {
    t: Vec<f64>,
    /// `inner outer` at each time.
    fired: Vec<String>,
    /// State key to a value for each time.
    states: Vec<(String, Vec<f64>)>,
}

fn reference(case: &str) -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/firings/{case}.csv"));
    let text = std::fs::read_to_string(path).expect("a reference");
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (heads, rows) = (rows.next().expect("a head"), rows.collect::<Vec<_>>());
    let column = |i: usize| rows.iter().map(move |row| row[i]);
    let numbers = |i: usize| column(i).map(|number| number.parse().expect("a number")).collect::<Vec<f64>>();
    Reference {
        t: numbers(0),
        fired: column(1).map(String::from).collect(),
        states: (2..heads.len()).map(|i| (heads[i].to_string(), numbers(i))).collect(),
    }
}

/// The model of a case of `tests/cases`, and its time span.
fn model(case: &str) -> (CompiledSpec, (f64, f64)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join(format!("tests/cases/{case}.json"))).expect("a case");
    let json: Json = serde_json::from_str(&text).expect("json");
    let world = match json["model"].as_str() {
        Some(path) => World::from_file(root.join(path)),
        None => World::from_json(&json["model"].to_string()),
    };
    let end = |i: usize| json["tspan"][i].as_f64().expect("a number");
    (world.and_then(|world| world.compile()).unwrap_or_else(|e| panic!("{case}: {e}")), (end(0), end(1)))
}

#[test]
fn the_references_are_of_these_schedules() {
    for (case, callbacks, n_time, n_several) in CASES {
        let fired = reference(case).fired;
        let n_of = |name: &str| fired.iter().flat_map(|fired| fired.split(' ')).filter(|fired| *fired == name).count();
        assert!(callbacks.iter().all(|(name, n)| n_of(name) == *n), "{case}");
        let n = fired.iter().filter(|fired| fired.contains(' ')).count();
        assert_eq!((fired.len(), n), (n_time, n_several), "{case}");
    }
}

#[test]
fn firings_are_those_of_the_reference() {
    for mut tested in backends().into_iter().filter(|tested| tested.precisions.contains(&Precision::F64)) {
        for (case, ..) in CASES {
            let ((spec, tspan), want) = (model(case), reference(case));
            let context = format!("{case} on {}", tested.name);
            let run = RunSettings {
                tspan: Some(tspan),
                method: Some("dopri5".to_string()),
                rtol: Some(Tolerance::Scalar(1e-12)),
                atol: Some(Tolerance::Scalar(1e-13)),
                precision: Some(Precision::F64),
                save: Some(Save::At(want.t.clone())),
                save_after_firing: Some(true),
                ..RunSettings::default()
            };
            let result = solve(&spec, &run, tested.backend.as_mut()).unwrap_or_else(|e| panic!("{context}: {e}"));
            assert_eq!(result.status, Status::Success, "{context}");
            let fired: Vec<String> = result.firings.iter().map(|firing| firing.callbacks.join(" ")).collect();
            assert_eq!(fired, want.fired, "{context}");
            let times: Vec<f64> = result.firings.iter().map(|firing| firing.t).collect();
            // A decimal and a product may differ in the last place.
            assert_close(&times, &want.t, f64::EPSILON, 0.0, 1.0, &context);
            assert_eq!(result.t.len(), 2 * want.t.len(), "{context}: a row before and one after");
            for (key, want) in &want.states {
                let slot = spec.state_idx(key).expect("a state");
                let row =
                    |after: usize| result.x.row(slot).iter().skip(after).step_by(2).copied().collect::<Vec<f64>>();
                let before = match spec.is_discrete[slot] {
                    true => [&[spec.x0[slot]], &want[..want.len() - 1]].concat(),
                    false => want.clone(),
                };
                // The reference has twelve digits of values up to 21; what the tolerance leaves is less.
                assert_close(&row(0), &before, 0.0, 1e-9, 1.0, &format!("{context}: {key} before"));
                assert_close(&row(1), want, 0.0, 1e-9, 1.0, &format!("{context}: {key} after"));
            }
        }
    }
}
