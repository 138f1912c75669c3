//! Ensembles: inputs are reproducible and independent of everything but their own place, on the CPU to the last bit.

mod common;

use common::compiled;
use ensolve::job::{Inputs, Silent};
use ensolve::solve::solve_range;
use ensolve::spec::EnsembleSettings;
use ensolve::{
    CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Precision, RunSettings, World, solve_ensemble,
};
use std::ops::Range;

/// Two states, a vector and three parameters, one of which follows another.
const MODEL: &str = r#"{
    "states": {"x": 1, "y": "2*x", "v": [1, 2, 3]},
    "parameters": {"k": 0.5, "twice": "2*k", "c": 1},
    "derivatives": {"x": "y - k*x^3", "y": "-c*x + 0.1*sin(3*t)", "v": "-twice*v"}}"#;

fn vary(entries: &[(&str, Distribution)]) -> EnsembleSettings {
    let vary = entries.iter().map(|(name, distribution)| (name.to_string(), distribution.clone())).collect();
    EnsembleSettings { size: None, seed: Some(7), sampling: None, vary }
}

/// Draws of states and parameters, vectors and scalars.
fn random(size: u64) -> EnsembleSettings {
    let entries = [
        ("x", Distribution::Normal(1.0, 0.3)),
        ("k", Distribution::Uniform(0.1, 2.0)),
        ("v", Distribution::LogNormal(0.0, 0.5)),
    ];
    EnsembleSettings { size: Some(size), ..vary(&entries) }
}

fn ensemble(spec: &CompiledSpec, settings: &EnsembleSettings) -> Ensemble {
    Ensemble::new(spec, settings).unwrap_or_else(|e| panic!("{e}"))
}

fn inputs(settings: &EnsembleSettings) -> Inputs {
    let spec = compiled(MODEL);
    let ensemble = ensemble(&spec, settings);
    ensemble.inputs(&spec, Some((0.0, 1.0)), 0..ensemble.size(), Precision::F64)
}

/// The inputs of a slot, one for each trajectory: `x`, `y`, `v[i]` from 0 on, or `k`, `twice`, `c`.
fn row<'i>(inputs: &'i Inputs, name: &str) -> &'i [f64] {
    let spec = compiled(MODEL);
    let part = |i: usize| i * inputs.n_traj..(i + 1) * inputs.n_traj;
    match spec.program.state_names.iter().position(|n| n == name) {
        Some(slot) => &inputs.y0[part(slot)],
        None => &inputs.p[part(spec.program.param_names.iter().position(|n| n == name).expect("a parameter"))],
    }
}

fn run(precision: Precision, dt: Option<f64>) -> RunSettings {
    RunSettings { tspan: Some((0.0, 2.0)), precision: Some(precision), dt, ..RunSettings::default() }
}

fn part(run: &RunSettings, settings: &EnsembleSettings, range: Range<u64>) -> EnsembleResult {
    let spec = compiled(MODEL);
    solve_range(&spec, run, &ensemble(&spec, settings), range, &mut CpuBackend::new(), &Silent).expect("a valid run")
}

/// All numbers of trajectory `i` as bits, NaN included.
fn bits(result: &EnsembleResult, i: usize) -> Vec<u64> {
    let one = result.trajectory(i);
    let last = result.final_states.column(i).to_vec();
    let counts = [f64::from(one.accepted), f64::from(one.rejected), one.t_end, f64::from(one.status as u32)];
    one.x.iter().chain(&one.outputs).chain(&last).chain(&counts).map(|v| v.to_bits()).collect()
}

#[test]
fn the_same_seed_gives_the_same_inputs_and_another_seed_others() {
    let first = inputs(&random(100));
    let again = inputs(&random(100));
    assert_eq!((&first.y0, &first.p), (&again.y0, &again.p));
    let other = inputs(&EnsembleSettings { seed: Some(8), ..random(100) });
    let equal = row(&first, "x").iter().zip(row(&other, "x")).filter(|(a, b)| a == b).count();
    assert_eq!(equal, 0, "two draws of 52 bits are never equal by chance");
    let default = inputs(&EnsembleSettings { seed: None, ..random(10) });
    assert_eq!(
        row(&default, "x"),
        row(&inputs(&EnsembleSettings { seed: Some(0), ..random(10) }), "x"),
        "the seed is 0 where none is given"
    );
}

#[test]
fn draws_of_different_slots_and_trajectories_differ() {
    let inputs = inputs(&EnsembleSettings {
        size: Some(50),
        ..vary(&[
            ("x", Distribution::Uniform(0.0, 1.0)),
            ("v", Distribution::Uniform(0.0, 1.0)),
            ("k", Distribution::Uniform(0.0, 1.0)),
        ])
    });
    let mut all: Vec<f64> =
        ["x", "v[0]", "v[1]", "v[2]", "k"].iter().flat_map(|name| row(&inputs, name).to_vec()).collect();
    all.sort_by(f64::total_cmp);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "250 draws, no two alike");
}

#[test]
fn a_trajectory_does_not_depend_on_the_size_of_the_ensemble() {
    let (small, large) = (inputs(&random(10)), inputs(&random(1000)));
    for name in ["x", "y", "v[0]", "v[2]", "k", "twice"] {
        assert_eq!(row(&small, name), &row(&large, name)[..10], "{name}");
    }
}

#[test]
fn adding_a_varied_quantity_changes_no_draw_of_the_others() {
    let alone = inputs(&EnsembleSettings { size: Some(20), ..vary(&[("k", Distribution::Uniform(0.1, 2.0))]) });
    assert_eq!(row(&alone, "k"), row(&inputs(&random(20)), "k"));
    assert_eq!(row(&alone, "x"), [1.0; 20], "what does not vary keeps its value");
}

/// Sizes around the number of lanes of a block (8) and of trajectories handed to a core (64).
const SIZES: [u64; 6] = [1, 2, 7, 9, 65, 131];

#[test]
fn trajectories_are_the_same_bit_for_bit_alone_in_chunks_and_in_any_size() {
    for (precision, dt) in
        [(Precision::F64, None), (Precision::F32, None), (Precision::F64, Some(0.03)), (Precision::F32, Some(0.03))]
    {
        let run = run(precision, dt);
        let settings = random(131);
        let whole = part(&run, &settings, 0..131);
        // Save times differ between one trajectory and several unless they are given.
        let run = RunSettings { save: Some(ensolve::Save::Points(2)), ..run };
        for i in [0, 1, 7, 8, 63, 64, 130] {
            let alone = part(&run, &settings, i..i + 1);
            assert_eq!(alone.first, i);
            assert_eq!(bits(&alone, 0), bits(&whole, i as usize), "trajectory {i} alone, {precision}, dt {dt:?}");
        }
        for range in [3..20, 60..70, 100..131] {
            let chunk = part(&run, &settings, range.clone());
            for (at, i) in range.clone().enumerate() {
                assert_eq!(
                    bits(&chunk, at),
                    bits(&whole, i as usize),
                    "trajectory {i} of {range:?}, {precision}, dt {dt:?}"
                );
            }
        }
        for size in SIZES {
            let smaller = part(&run, &random(size), 0..size);
            for i in 0..size as usize {
                assert_eq!(bits(&smaller, i), bits(&whole, i), "trajectory {i} of {size}, {precision}, dt {dt:?}");
            }
        }
    }
}

#[test]
fn every_trajectory_has_its_own_result() {
    let result = part(&run(Precision::F64, None), &random(131), 0..131);
    assert_eq!(result.n_finished(), 131);
    let mut ends: Vec<f64> = result.final_states.row(0).to_vec();
    ends.sort_by(f64::total_cmp);
    assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "131 inputs, 131 ends");
}

#[test]
fn grids_combine_with_the_last_one_fastest() {
    let settings =
        vary(&[("x", Distribution::Grid(vec![1.0, 2.0])), ("k", Distribution::Grid(vec![10.0, 20.0, 30.0]))]);
    let inputs = inputs(&settings);
    assert_eq!(inputs.n_traj, 6, "as many as the grid has points");
    assert_eq!(row(&inputs, "x"), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(row(&inputs, "k"), [10.0, 20.0, 30.0, 10.0, 20.0, 30.0]);
}

#[test]
fn a_grid_repeats_under_random_inputs() {
    let settings = vary(&[("k", Distribution::Grid(vec![1.0, 2.0])), ("x", Distribution::Uniform(0.0, 1.0))]);
    let inputs = inputs(&EnsembleSettings { size: Some(6), ..settings });
    assert_eq!(row(&inputs, "k"), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    assert_ne!(row(&inputs, "x")[0], row(&inputs, "x")[2], "each repetition draws anew");
}

#[test]
fn values_are_taken_in_order() {
    let settings = vary(&[
        ("x", Distribution::Values(vec![3.0, 1.0, 2.0])),
        ("v[1]", Distribution::Values(vec![-1.0, -2.0, -3.0])),
    ]);
    let all = inputs(&settings);
    assert_eq!((all.n_traj, row(&all, "x"), row(&all, "v[1]")), (3, &[3.0, 1.0, 2.0][..], &[-1.0, -2.0, -3.0][..]));
    assert_eq!(row(&all, "v[0]"), [1.0; 3], "the other elements keep their values");
    let fewer = inputs(&EnsembleSettings { size: Some(2), ..settings });
    assert_eq!(row(&fewer, "x"), [3.0, 1.0], "a smaller size takes the first ones");
}

#[test]
fn a_distribution_of_a_vector_draws_every_element() {
    let inputs = inputs(&random(2000));
    for name in ["v[0]", "v[1]", "v[2]"] {
        let logs: Vec<f64> = row(&inputs, name).iter().map(|v| v.ln()).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        // The standard error of the mean is 0.5/sqrt(2000) = 0.011; four of them.
        assert!(mean.abs() < 0.045, "{name}: the mean of the logarithm is {mean}, not 0");
    }
}

#[test]
fn expressions_follow_the_values_drawn() {
    let inputs = inputs(&random(30));
    for (twice, k) in row(&inputs, "twice").iter().zip(row(&inputs, "k")) {
        assert_eq!(*twice, 2.0 * k);
    }
    for (y, x) in row(&inputs, "y").iter().zip(row(&inputs, "x")) {
        assert_eq!(*y, 2.0 * x);
    }
}

#[test]
fn a_varied_quantity_no_longer_follows_its_expression() {
    let inputs =
        inputs(&vary(&[("y", Distribution::Values(vec![5.0, 6.0])), ("k", Distribution::Values(vec![1.0, 2.0]))]));
    assert_eq!(row(&inputs, "y"), [5.0, 6.0]);
    assert_eq!(row(&inputs, "twice"), [2.0, 4.0]);
}

#[test]
fn t_in_an_initial_value_is_the_start_of_the_run() {
    let spec = compiled(r#"{"states": {"x": "3*t + k"}, "parameters": {"k": 1}, "derivatives": {"x": 0}}"#);
    let run = RunSettings { tspan: Some((2.0, 3.0)), ..RunSettings::default() };
    let vary = [("k".to_string(), Distribution::Values(vec![10.0, 20.0]))].into_iter().collect();
    let ensemble = ensemble(&spec, &EnsembleSettings { size: None, seed: None, sampling: None, vary });
    let result = solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new()).expect("a valid run");
    assert_eq!(result.final_states.row(0).to_vec(), [16.0, 26.0]);
}

#[test]
fn columns_of_a_csv_file_are_inputs() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    std::fs::write(folder.path().join("inputs.csv"), "x, stiffness ,other\n1.5,10,a\n-2e-3, 20,b\n").expect("written");
    let model = r#"{"states": {"x": 0}, "parameters": {"k": 0}, "derivatives": {"x": "k"},
        "ensemble": {"vary": {"x": {"csv": {"file": "inputs.csv"}}, "k": {"csv": {"file": "inputs.csv", "column": "stiffness"}}}}}"#;
    std::fs::write(folder.path().join("model.json"), model).expect("written");
    let world = World::from_file(folder.path().join("model.json")).expect("a model whose CSV file lies beside it");
    let spec = world.compile().expect("a valid model");
    let ensemble = ensemble(&spec, &world.ensemble);
    let inputs = ensemble.inputs(&spec, Some((0.0, 1.0)), 0..ensemble.size(), Precision::F64);
    assert_eq!((inputs.y0, inputs.p), (vec![1.5, -2e-3], vec![10.0, 20.0]));
}

#[test]
fn csv_files_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let file = folder.path().join("inputs.csv").display().to_string();
    let spec = compiled(r#"{"states": {"x": 0}, "derivatives": {"x": 0}}"#);
    let message = |content: Option<&str>| {
        if let Some(content) = content {
            std::fs::write(&file, content).expect("written");
        }
        let vary = [("x".to_string(), Distribution::Csv { file: file.clone(), column: None })].into_iter().collect();
        Ensemble::new(&spec, &EnsembleSettings { size: None, seed: None, sampling: None, vary })
            .expect_err("refused")
            .to_string()
    };
    let missing = message(None);
    assert!(missing.starts_with(&format!("{file}: ")), "the operating system's own words follow: {missing}");
    assert_eq!(message(Some("speed,xx\n1,2\n")), format!("{file}: no column 'x'; columns: speed, xx"));
    assert_eq!(message(Some("x\n")), format!("{file}: column 'x' has no values"));
    for bad in ["one", "", "nan", "inf", "1e999"] {
        let table = format!("a,x\n0,1\n0,{bad}\n");
        assert_eq!(message(Some(&table)), format!("{file}: column 'x', line 3: '{bad}' is not a finite number"));
    }
}

#[test]
fn an_ensemble_of_nothing_varied_repeats_one_trajectory() {
    let spec = compiled(MODEL);
    let ensemble =
        ensemble(&spec, &EnsembleSettings { size: Some(3), seed: None, sampling: None, vary: Default::default() });
    assert_eq!((ensemble.size(), ensemble.n_varied(), Ensemble::single().size()), (3, 0, 1));
    let result =
        solve_ensemble(&spec, &run(Precision::F64, None), &ensemble, &mut CpuBackend::new()).expect("a valid run");
    assert!((1..3).all(|i| bits(&result, i) == bits(&result, 0)));
}

#[test]
fn there_is_nothing_outside_the_ensemble() {
    let spec = compiled(MODEL);
    let ensemble = ensemble(&spec, &random(5));
    for range in [5..6, 3..3, 0..6] {
        let result =
            solve_range(&spec, &run(Precision::F64, None), &ensemble, range.clone(), &mut CpuBackend::new(), &Silent);
        let message = format!("there is no trajectory {} in an ensemble of 5", range.end.max(1) - 1);
        assert_eq!(result.expect_err("refused").to_string(), message);
    }
}

/// Lanes are refilled as trajectories end, of which some need ten times the steps of others and some fail: neither
/// the size of a block nor the threads change a bit.
#[test]
fn lanes_and_threads_change_nothing() {
    let spec = compiled(
        r#"{"states": {"x": 1, "v": 0}, "parameters": {"mu": 1},
            "derivatives": {"x": "v", "v": "mu*(1 - x^2)*v - x + 0*log(70 - mu)"}, "outputs": {"e": "x^2 + sin(v)"}}"#,
    );
    // Beyond mu = 70 the derivative is NaN from the start.
    let settings = EnsembleSettings { size: Some(500), ..vary(&[("mu", Distribution::LogUniform(0.1, 100.0))]) };
    let ensemble = ensemble(&spec, &settings);
    for (precision, method, dt) in [
        (Precision::F64, "tsit5", None),
        (Precision::F32, "vern7", None),
        (Precision::F32x2, "bs23", None),
        (Precision::F64, "rk4", Some(0.01)),
        (Precision::F32, "rk4", Some(0.01)),
    ] {
        let run = RunSettings {
            tspan: Some((0.0, 5.0)),
            precision: Some(precision),
            method: Some(method.to_string()),
            rtol: Some(ensolve::Tolerance::Scalar(1e-4)),
            max_steps: Some(800),
            save: Some(ensolve::Save::Points(7)),
            dt,
            ..RunSettings::default()
        };
        let solved = |mut backend: CpuBackend, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
            let result = pool.install(|| solve_ensemble(&spec, &run, &ensemble, &mut backend)).expect("a valid run");
            (0..500).map(|i| bits(&result, i)).collect::<Vec<_>>()
        };
        let expected = solved(CpuBackend::new().with_lanes(1), 1);
        for (lanes, threads) in [(16, 1), (64, 1), (250, 1), (48, 3), (1, 3)] {
            assert_eq!(
                solved(CpuBackend::new().with_lanes(lanes), threads),
                expected,
                "{method} in {precision}, {lanes}"
            );
        }
        assert_eq!(solved(CpuBackend::new(), 5), expected, "{method} in {precision}");
    }
}
