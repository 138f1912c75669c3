//! `ensolve bench` on the best GPU, a software one included: rows are whole, answers are checked, sizes are as asked for.

#![cfg(all(feature = "gpu", feature = "cli"))]

mod common;

use serde_json::Value;
use std::process::Command;

/// Stdout of a bench whose rows are all good; `None` where there is no GPU. A debug build warns of itself.
fn good(arguments: &str) -> Option<String> {
    common::gpu()?;
    let words = ["bench"].into_iter().chain(arguments.split_whitespace());
    let output = Command::new(env!("CARGO_BIN_EXE_ensolve")).args(words).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let errors = text(&output.stderr).lines().filter(|line| !line.contains("debug build")).collect::<String>();
    assert_eq!((output.status.code(), errors), (Some(0), String::new()), "{arguments}");
    Some(text(&output.stdout))
}

fn rows(arguments: &str) -> Option<Vec<Value>> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{arguments}: {e}: {line}"));
    Some(good(&format!("{arguments} --json"))?.lines().map(parse).collect())
}

fn number(row: &Value, field: &str) -> f64 {
    row[field].as_f64().unwrap_or_else(|| panic!("{field} is no number in {row}"))
}

#[test]
fn there_is_a_row_for_each_large_ensemble_and_its_numbers_agree() {
    let Some(rows) = rows("--backend gpu --trajectories 100") else { return };
    let names: Vec<&str> = rows.iter().filter_map(|row| row["workload"].as_str()).collect();
    let want = "lorenz_fixed lorenz_adaptive hodgkin_huxley vdp_grid vdp_log pendulum2_saves lorenz_stats";
    assert_eq!(names.join(" "), want);
    for row in &rows {
        assert_eq!((&row["backend"], &row["precision"]), (&"gpu".into(), &"f32".into()));
        assert_eq!((&row["threads"], &row["ns_per_state_step"]), (&Value::Null, &Value::Null));
        let (n, steps) = (number(row, "trajectories"), number(row, "steps"));
        assert!(n >= 100.0 && number(row, "fma_peak") > 0.0 && number(row, "fma_fraction") > 0.0, "{row}");
        // The device is at work during a run, and the first run compiles besides.
        assert!(0.0 < number(row, "device_seconds") && number(row, "first_result") > 0.0, "{row}");
        assert!(number(row, "slices") >= 1.0 && number(row, "runs") >= 1.0, "{row}");
        // Six digits are printed.
        let needed = number(row, "lane_steps") / number(row, "waste");
        assert!((needed / (n * steps) - 1.0).abs() < 1e-4, "{needed} steps needed: {row}");
        assert!(number(row, "waste") >= 1.0, "{row}");
        let rate = n * steps / number(row, "device_seconds");
        assert!((number(row, "steps_per_second") / rate - 1.0).abs() < 1e-4, "{row}");
    }
}

#[test]
fn the_cpu_solves_the_same_ensembles_for_comparison() {
    let Some(rows) = rows("vdp_grid lorenz_stats --backend both --trajectories 49 --threads 1") else { return };
    let places: Vec<&Value> = rows.iter().map(|row| &row["backend"]).collect();
    assert_eq!(places, ["gpu", "cpu", "gpu", "cpu"]);
    for pair in rows.chunks(2) {
        for field in ["workload", "method", "precision", "rtol", "trajectories"] {
            assert_eq!(pair[0][field], pair[1][field], "{field}");
        }
        // Rounding differs, and with it a step here and there.
        assert!((number(&pair[0], "steps") / number(&pair[1], "steps") - 1.0).abs() < 0.02, "{pair:?}");
        assert_eq!((&pair[1]["slices"], &pair[1]["device_seconds"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn ensembles_grow_by_doubling() {
    let Some(rows) = rows("--backend gpu --scaling --max-trajectories 2e3") else { return };
    let sizes: Vec<(&str, f64)> =
        rows.iter().map(|row| (row["workload"].as_str().unwrap_or_default(), number(row, "trajectories"))).collect();
    // 1024 rounded up to 15 m + 1; 2048 is more than 2000.
    assert_eq!(sizes, [("lorenz_fixed", 1036.0), ("lorenz_adaptive", 1036.0)]);
}

#[test]
fn the_table_names_the_adapter() {
    let Some(text) = good("lorenz_adaptive --backend gpu --trajectories 16") else { return };
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].contains("its multiply-add peak: "), "{text}");
    assert!(lines[3].starts_with("workload") && lines[3].ends_with("slices"), "{text}");
    // 'of peak' is two words, and so is its cell.
    assert_eq!(lines[4].split_whitespace().count(), lines[3].split_whitespace().count(), "{text}");
}

#[test]
fn an_adapter_that_is_not_there_is_refused() {
    if common::gpu().is_none() {
        return;
    }
    let arguments = ["bench", "--backend", "gpu", "--adapter", "no such thing"];
    let output = Command::new(env!("CARGO_BIN_EXE_ensolve")).args(arguments).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr).to_string();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(stderr.contains("no adapter's name contains 'no such thing'; adapters: "), "{stderr}");
}
