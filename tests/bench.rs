//! `ensolve bench` as its users meet it, and its references against ensolve's own solution at a small tolerance.
#![cfg(feature = "cli")]

use ensolve::bench::{WORKLOADS, Workload, reference::rel_error, workload::Kept};
use ensolve::{CpuBackend, Ensemble, Precision, RunSettings, Tolerance, method, solve_ensemble};
use serde_json::Value;
use std::process::{Command, Output};

fn bench(arguments: &str) -> Output {
    let words = ["bench"].into_iter().chain(arguments.split_whitespace());
    Command::new(env!("CARGO_BIN_EXE_ensolve")).args(words).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Stdout of a bench whose rows are all good; a debug build warns of itself.
fn good(arguments: &str) -> String {
    let output = bench(arguments);
    let errors: Vec<String> =
        text(&output.stderr).lines().filter(|line| !line.contains("debug build")).map(String::from).collect();
    assert_eq!((output.status.code(), errors), (Some(0), vec![]), "{arguments}");
    text(&output.stdout)
}

fn rows(arguments: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{arguments}: {e}: {line}"));
    good(&format!("{arguments} --json")).lines().map(parse).collect()
}

fn number(row: &Value, field: &str) -> f64 {
    row[field].as_f64().unwrap_or_else(|| panic!("{field} is no number in {row}"))
}

#[test]
fn errors_fall_with_the_tolerance_and_rows_are_whole() {
    let rows = rows("lorenz_adaptive --trajectories 20 --threads 1 --rtol 1e-3,1e-6,1e-9");
    assert_eq!(rows.len(), 3);
    for row in &rows {
        let fields: Vec<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            fields.join(" "),
            "workload states backend device threads method precision rtol dt trajectories steps rel_error seconds \
             seconds_min per_second ns_per_state_step fma_fraction fma_peak runs first_result steps_per_second \
             device_seconds lane_steps waste slices"
        );
        assert_eq!(
            (&row["workload"], &row["backend"], &row["method"]),
            (&"lorenz_adaptive".into(), &"cpu".into(), &"tsit5".into())
        );
        assert_eq!((&row["states"], &row["threads"], &row["dt"]), (&3.into(), &1.into(), &Value::Null));
        assert_eq!(row["trajectories"], 31, "the next of 15 m + 1");
        let rate = number(row, "trajectories") / number(row, "seconds");
        assert!((number(row, "per_second") / rate - 1.0).abs() < 1e-4, "{row}");
        assert!(0.0 < number(row, "seconds_min") && number(row, "seconds_min") <= number(row, "seconds"), "{row}");
        assert!(number(row, "fma_fraction") > 0.0 && number(row, "fma_peak") > 0.0, "{row}");
    }
    for pair in rows.windows(2) {
        assert!(number(&pair[1], "rel_error") < 0.01 * number(&pair[0], "rel_error"), "{pair:?}");
        assert!(number(&pair[1], "steps") > number(&pair[0], "steps"), "{pair:?}");
    }
}

#[test]
fn fixed_steps_and_single_trajectories_have_their_own_fields() {
    let rows = rows("lorenz_fixed single --trajectories 16 --threads 1 --precision f32");
    let methods: Vec<&Value> = rows.iter().map(|row| &row["method"]).collect();
    assert_eq!(methods, ["rk4", "tsit5", "tsit5"]);
    assert_eq!((&rows[0]["dt"], &rows[0]["rtol"], &rows[0]["steps"]), (&1e-3.into(), &Value::Null, &1000.0.into()));
    let micros = 1e6 / number(&rows[2], "per_second");
    assert!((number(&rows[2], "us_per_solve") / micros - 1.0).abs() < 1e-4, "{}", rows[2]);
}

#[test]
fn statistics_are_right_in_both_formats() {
    for precision in ["f32", "f64"] {
        let row = rows(&format!("lorenz_stats --trajectories 3000 --threads 1 --precision {precision}")).remove(0);
        // A hundred steps of order five are off by 2e-7, in f32 by as much; five times that is allowed.
        let most = if precision == "f32" { 2e-6 } else { 1e-6 };
        assert!(number(&row, "rel_error") < most, "{row}");
        assert_eq!((&row["steps"], &row["trajectories"]), (&100.0.into(), &3000.into()));
    }
}

#[test]
fn ensembles_grow_by_doubling() {
    let rows = rows("lorenz_adaptive --scaling --max-trajectories 4096 --threads 1");
    let sizes: Vec<&Value> = rows.iter().map(|row| &row["trajectories"]).collect();
    // 1024 and 2048 rounded up to 15 m + 1.
    assert_eq!(sizes, [1036, 2056, 4096]);
    for row in &rows {
        assert_eq!((&row["precision"], &row["rtol"], &row["backend"]), (&"f32".into(), &1e-5.into(), &"cpu".into()));
    }
}

#[test]
fn the_table_names_the_machine_and_every_size() {
    let text = good("lorenz96 --method rk4 --trajectories 16 --threads 1");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("multiply-add peak of one core"), "{text}");
    assert!(lines[2].starts_with("workload") && lines[2].ends_with("of peak"), "{text}");
    let sizes: Vec<&str> = lines[3..].iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(sizes, ["4", "20", "100"], "{text}");
}

#[test]
fn bad_arguments_say_what_to_do() {
    for (arguments, message) in [
        (
            "--adapter llvmpipe",
            "--adapter 'llvmpipe' names a GPU, which --backend cpu does not use; add --backend gpu, or leave it out",
        ),
        (
            "lorenz",
            "no workload is named 'lorenz'; did you mean 'lorenz96'? known workloads: lorenz_fixed, lorenz_adaptive, pendulum2, hodgkin_huxley, linear_chain, lorenz96, single, vdp_grid, vdp_log, pendulum2_saves, lorenz_stats",
        ),
        (
            "--method rk4",
            "method: 'rk4' has no error estimate, which the adaptive steps of 'lorenz_adaptive' need; name workloads with fixed steps: lorenz_fixed, linear_chain, lorenz96, lorenz_stats",
        ),
        ("--rtol 1e-9 --precision f32", "rtol 1e-9 is below what f32 can deliver with tsit5, 2.6e-7"),
        ("--rtol -1e-3", "rtol must be between 0 and 1, got -0.001"),
        ("lorenz96 --rtol 1e-3", "rtol has no meaning for the fixed steps of these workloads; leave it out"),
        ("--scaling --max-trajectories 1000", "the smallest ensemble has 1024 trajectories, more than 1000"),
        ("--trajectories 15", "at least 16 trajectories are needed: so many have a reference"),
    ] {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert_eq!((text(&output.stdout), text(&output.stderr)), (String::new(), format!("error: {message}\n")));
    }
    for (arguments, message) in [
        ("--precision f32x2", "invalid value 'f32x2' for '--precision <FORMAT>': known here: f32, f64"),
        ("--backend tpu", "invalid value 'tpu' for '--backend <BACKEND>'"),
        ("--max-trajectories 2000", "the following required arguments were not provided:"),
        ("--scaling --trajectories 2000", "the argument '--scaling' cannot be used with '--trajectories <N>'"),
        ("--threads 0", "invalid value '0' for '--threads <N,..>': expected 1 to 1024"),
        ("--rtol 1e-3,small", "invalid value 'small' for '--rtol <A,..>': expected a finite number"),
    ] {
        let output = bench(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(text(&output.stderr).starts_with(&format!("error: {message}\n")), "{}", text(&output.stderr));
    }
}

/// The references were not computed by ensolve, and ensolve agrees (all three of Lorenz have one): at rtol 1e-9 within a thousand times that.
#[test]
fn rows_without_machine_code_say_so() {
    let of =
        |options: &str| rows(&format!("lorenz_fixed --method rk4 --trajectories 16 --threads 1 {options}")).remove(0);
    let (machine, interpreted) = (of(""), of("--interpreted"));
    assert_eq!((&machine["interpreted"], &interpreted["interpreted"]), (&Value::Null, &Value::Bool(true)));
    assert_eq!(machine["rel_error"], interpreted["rel_error"], "the same bits");
}

#[test]
fn references_are_solutions_of_the_models() {
    let all = WORKLOADS.iter();
    let has_ends = |workload: &&Workload| !workload.one_by_one && workload.kept != Kept::Statistics;
    for workload in all.filter(has_ends).filter(|workload| workload.name != "lorenz_fixed") {
        let tsit5 = method::tableau("tsit5").expect("a method");
        let run = RunSettings {
            dt: None,
            adaptive: Some(true),
            rtol: Some(Tolerance::Scalar(1e-9)),
            atol: Some(Tolerance::Scalar(1e-12)),
            ..workload.run(tsit5, None, None, Precision::F64)
        };
        let spec = workload.world().compile().expect("a model");
        let size = workload.whole_size(16);
        let ensemble = Ensemble::new(&spec, &workload.ensemble(size)).expect("an ensemble");
        let result = solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new()).expect("a result");
        let reference = workload.reference().expect("a reference");
        let save = |t: &f64| result.t.iter().position(|saved| saved == t).expect("a time that is saved");
        let at = |i: usize, t: &f64| (0..result.n_state).map(|row| result.saved[[save(t), row, i]]).collect::<Vec<_>>();
        let ends: Vec<Vec<f64>> = workload
            .samples(size)
            .iter()
            .map(|i| reference.times.iter().flat_map(|t| at(*i as usize, t)).collect())
            .collect();
        let names: Vec<&str> = spec.program.state_names.iter().map(String::as_str).collect();
        assert_eq!(names, reference.states);
        let error = rel_error(&ends, &reference.ends);
        assert!(error < 1e-6, "{}: {error:.1e}", workload.title());
    }
}
