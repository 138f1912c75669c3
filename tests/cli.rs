//! The program as its users meet it: command lines in, exit codes, texts and files out.
#![cfg(all(feature = "cli", feature = "npz"))]

use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use serde_json::Value;
use std::fs::{self, File};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Four decays of different rates.
const DECAY: &str = r#"{"model": "decay",
  "states": {"x": 1.0}, "parameters": {"k": 1.0}, "derivatives": {"x": "-k*x"}, "outputs": {"half": "x/2"},
  "run": {"tspan": [0, 2], "save": {"points": 5}},
  "ensemble": {"size": 4, "seed": 1, "vary": {"k": {"uniform": [1, 2]}}}}"#;

/// A vector, no `run`, no `ensemble`.
const BARE: &str = r#"{"states": {"v": [1.0, 2.0], "x": 0.0}, "derivatives": {"v": "-v", "x": "1"}}"#;

/// Grows without bound at t = 1/x.
const POLE: &str = r#"{"model": "pole", "states": {"x": 0.1}, "derivatives": {"x": "x^2"}, "run": {"tspan": [0, 2]}}"#;

/// An output that is NaN from t = 1/k on, and a state that is infinite from t = 1/v on.
const ROOT: &str = r#"{"model": "root", "states": {"x": 1.0, "v": 0.1}, "parameters": {"k": 0.1},
  "derivatives": {"x": "-k", "v": "v^2"}, "outputs": {"root": "sqrt(x)"}, "run": {"tspan": [0, 2], "save": {"points": 9}}}"#;

/// Each trajectory has a time span of its own.
const OWN: &str = r#"{"model": "own", "states": {"x": 1.0}, "parameters": {"k": 0.5, "t_end": 2.0}, "derivatives": {"x": "-k"},
  "outputs": {"root": "sqrt(x)"}, "run": {"tspan": [0, "t_end"], "save": {"every": 1.0}},
  "ensemble": {"vary": {"t_end": {"values": [1, 1.5, 2]}}}}"#;

/// A counter that a callback raises twice.
const TICKS: &str = r#"{"model": "ticks", "components": {"c": {"x": {"integrated": 0.0}, "n": {"discrete": 0.0}}}, "entities": {"e": {"c": {}}},
  "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.x": "a.n"}}},
  "callbacks": {"tick": {"dt": 0.5, "set": {"e.c.n": "e.c.n + 1"}}}, "run": {"tspan": [0, 1], "save": {"points": 3}}}"#;

/// Falls below zero at t = 1.9, backward in time.
const BACK: &str = r#"{"model": "back", "states": {"x": 0.1}, "derivatives": {"x": "1"}, "outputs": {"root": "sqrt(x)"},
  "run": {"tspan": [2, 0], "backward": true, "save": {"points": 9}}}"#;

const CONSTRAINT: &str = r#"{"components": {"c": {"z": {"continuous": 0, "algebraic": true}}}, "entities": {"e": {"c": {}}},
  "systems": {"s": {"slots": {"a": "c"}, "residuals": {"a.z": "a.z - 1"}}}, "run": {"tspan": [0, 1]}}"#;

/// A folder with the models and some input files.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        for (name, text) in [
            ("decay.json", DECAY),
            ("bare.json", BARE),
            ("pole.json", POLE),
            ("root.json", ROOT),
            ("constraint.json", CONSTRAINT),
            ("own.json", OWN),
            ("ticks.json", TICKS),
            ("back.json", BACK),
            ("broken.json", "{\"states\": {\"x\": 1.0}"),
            ("k.csv", "k,rate\n1,4\n2,5\n3,6\n"),
            ("unsorted.txt", "0\n1\n0.5\n"),
            ("outside.txt", "0\n\n3\n"),
            ("word.txt", "soon\n"),
            ("empty.txt", "\n"),
            ("times.txt", "0.25\n\n1\n"),
        ] {
            fs::write(place.0.path().join(name), text).unwrap();
        }
        fs::create_dir(place.0.path().join("folder.csv")).unwrap();
        place
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ensolve"));
        command.current_dir(self.0.path()).args(arguments.split(' ')).env("RAYON_NUM_THREADS", "1");
        command
    }

    fn ensolve(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Stdout of a command that succeeds in silence.
    fn good(&self, arguments: &str) -> String {
        let output = self.ensolve(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments}");
        text(&output.stdout)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    fn csv(&self, name: &str) -> Vec<Vec<String>> {
        self.read(name).lines().map(|line| line.split(',').map(String::from).collect()).collect()
    }

    fn npz(&self, name: &str) -> NpzReader<File> {
        NpzReader::new(File::open(self.0.path().join(name)).unwrap()).unwrap()
    }

    fn n_files(&self) -> usize {
        fs::read_dir(self.0.path()).unwrap().count()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Commands that all fail before anything is solved, and what they say. `HELP` is clap's last line.
const BAD: &[(&str, &str)] = &[
    // What clap itself refuses.
    ("frobnicate", "unrecognized subcommand 'frobnicate'\n\nUsage: ensolve <COMMAND>HELP"),
    (
        "run decay.json --speed 3",
        "unexpected argument '--speed' found\n\n  tip: a similar argument exists: '--seed'\n\nUsage: ensolve run --seed <SEED> <MODEL>HELP",
    ),
    ("run", "the following required arguments were not provided:\n  <MODEL>\n\nUsage: ensolve run <MODEL>HELP"),
    (
        "run decay.json --backend tpu",
        "invalid value 'tpu' for '--backend <BACKEND>'\n  [possible values: auto, gpu, cpu]\n\n  tip: a similar value exists: 'cpu'HELP",
    ),
    (
        "run decay.json --sampling halton",
        "invalid value 'halton' for '--sampling <NAME>': known: random, latin_hypercube, sobolHELP",
    ),
    (
        "run decay.json --vary k=linspace(1,2,4) --sampling sobol",
        "ensemble.sampling: 'sobol' spreads what varies at random, and nothing does; vary something by a distribution, or leave sampling out\n",
    ),
    ("run decay.json --precision f16", "invalid value 'f16' for '--precision <FORMAT>': known: f32, f64, f32x2HELP"),
    (
        "run decay.json --dtsave 1 --save-points 3",
        "the argument '--dtsave <H>' cannot be used with '--save-points <N>'\n\nUsage: ensolve run --dtsave <H> <MODEL>HELP",
    ),
    (
        "run decay.json --fixed --adaptive",
        "the argument '--fixed' cannot be used with '--adaptive'\n\nUsage: ensolve run --fixed <MODEL>HELP",
    ),
    (
        "run decay.json --tspan 0 --n 5",
        "2 values required for '--tspan <A> <B>' but 1 was provided\n\nUsage: ensolve run [OPTIONS] <MODEL>HELP",
    ),
    ("run decay.json --tspan 0 inf", "invalid value 'inf' for '--tspan <A> <B>': expected a finite numberHELP"),
    ("run decay.json --n 0", "invalid value '0' for '--n <N>': an ensemble has at least 1 trajectoryHELP"),
    ("run decay.json --n 2.5", "invalid value '2.5' for '--n <N>': expected a whole number, such as 1000 or 1e6HELP"),
    ("run decay.json --n -3", "invalid value '-3' for '--n <N>': expected a whole number, such as 1000 or 1e6HELP"),
    (
        "run decay.json --max-steps 1e12",
        "invalid value '1e12' for '--max-steps <N>': at most 4294967295 are possibleHELP",
    ),
    (
        "run decay.json --verify 0",
        "invalid value '0' for '--verify <K>': 0 trajectories verify nothing; give at least 1HELP",
    ),
    (
        "run decay.json --verify some",
        "invalid value 'some' for '--verify <K>': expected a whole number, such as 1000 or 1e6HELP",
    ),
    // What varies.
    (
        "run decay.json --vary k",
        "invalid value 'k' for '--vary <NAME=DISTRIBUTION>': expected NAME=DISTRIBUTION(NUMBERS), such as rho=uniform(0,28)HELP",
    ),
    (
        "run decay.json --vary k=3",
        "invalid value 'k=3' for '--vary <NAME=DISTRIBUTION>': for the same value in every trajectory write k=uniform(3,3)HELP",
    ),
    (
        "run decay.json --vary k=gauss(0,1)",
        "invalid value 'k=gauss(0,1)' for '--vary <NAME=DISTRIBUTION>': unknown distribution 'gauss'; known: normal, lognormal, uniform, loguniform, triangular, values, grid, linspace, csvHELP",
    ),
    (
        "run decay.json --vary k=normal(0,-1)",
        "invalid value 'k=normal(0,-1)' for '--vary <NAME=DISTRIBUTION>': 'normal' takes a mean and a standard deviation >= 0, got (0, -1)HELP",
    ),
    (
        "run decay.json --vary k=uniform(1,two)",
        "invalid value 'k=uniform(1,two)' for '--vary <NAME=DISTRIBUTION>': 'two': expected a finite numberHELP",
    ),
    (
        "run decay.json --vary kk=normal(0,1)",
        "ensemble.vary.kk: no state or parameter is named 'kk'; did you mean 'k'? known names: x, k\n",
    ),
    ("run decay.json --vary k=normal(0,1) --vary k=values(1)", "--vary gives 'k' twice; keep one of them\n"),
    (
        "run decay.json --vary k=grid(1,2,3)",
        "ensemble.size: 4 trajectories do not cover the grid of 3 points evenly; use a multiple of 3, or replay one point with 'only'\n",
    ),
    (
        "run decay.json --vary k=values(1,2,3)",
        "ensemble.vary: 'k' has 3 values for 4 trajectories; give as many, or a smaller size\n",
    ),
    ("run decay.json --vary k=csv(k.csv,q)", "k.csv: no column 'q'; columns: k, rate\n"),
    ("run decay.json --vary x=csv(k.csv)", "k.csv: no column 'x'; columns: k, rate\n"),
    ("run decay.json --only 4 --backend cpu", "--only 4: the ensemble has 4 trajectories; give a number from 0 to 3\n"),
    // The model and the method.
    ("run broken.json", "model: not valid JSON: EOF while parsing an object at line 1 column 21\n"),
    (
        "run constraint.json --backend cpu",
        "cpu does not support: [dae_constraints]; supported by it: [vector_fields, discrete_fields, continuous_fields, control_callbacks, stops, native_functions]; dae_constraints: no backend has it yet; solve the constraint for its unknown and write that as a 'let'\n",
    ),
    (
        "run decay.json --method tsti5",
        "method: unknown method 'tsti5'; did you mean 'tsit5'? known methods: euler, heun, midpoint, rk4, bs23, dopri5, tsit5, vern6, vern7, dop853, vern9, RK45, RK23, DP5, BS3\n",
    ),
    ("run decay.json --method rk4", "method: 'rk4' with fixed steps needs a step size: give dt\n"),
    ("run decay.json --method rk4 --dt -1e-3", "method: dt must be positive and finite, got -0.001\n"),
    ("run decay.json --dt-min 0.1 --dt-max 0.01", "method: dt_min 0.1 is above dt_max 0.01\n"),
    (
        "run decay.json --backend cpu --adapter fast",
        "--adapter 'fast' names a GPU, which --backend cpu does not use; leave out one of them\n",
    ),
    // Times and tolerances.
    ("run bare.json", "tspan is missing; give --tspan A B, or \"tspan\": [A, B] in the file's \"run\"\n"),
    (
        "run decay.json --backend cpu --tspan 2 0",
        "tspan must be finite with t0 < t1, got [2, 0]; if time is to run backward, set backward to true\n",
    ),
    (
        "run decay.json --backend cpu --save-points 1",
        "save points include both ends, so at least 2 are needed, got 1; use save \"final\" for the end alone\n",
    ),
    ("run decay.json --backend cpu --dtsave -1", "the save interval must be positive and finite, got -1\n"),
    (
        "run decay.json --save-at unsorted.txt",
        "unsorted.txt: line 3: 0.5 follows 1; write the times in ascending order\n",
    ),
    (
        "run decay.json --save-at outside.txt",
        "outside.txt: line 3: 3 is outside tspan [0, 2]; remove it, or widen tspan\n",
    ),
    ("run decay.json --save-at word.txt", "word.txt: line 1: 'soon' is not a time; write one finite number a line\n"),
    ("run decay.json --save-at empty.txt", "empty.txt: holds no times; write one a line\n"),
    (
        "run decay.json --backend cpu --rtol -1",
        "rtol and atol of 'x' must be finite and not negative, got -1 and 0.00000001\n",
    ),
    ("run decay.json --backend cpu --max-steps 0", "max_steps must be at least 1\n"),
    // Results.
    ("run decay.json --out r.parquet", "r.parquet: no format has the extension '.parquet'; known: .csv, .json, .npz\n"),
    ("run decay.json --out r", "r: the name has no extension to tell the format; known: .csv, .json, .npz\n"),
    ("run decay.json --out folder.csv", "folder.csv: is a folder; give the name of a file in it\n"),
    ("run decay.json --out none/r.csv", "none/r.csv: there is no folder 'none'; create it first\n"),
    (
        "run decay.json --columns x,haf",
        "columns: no state or output is named 'haf'; did you mean 'half'? known columns: x, half\n",
    ),
    ("run decay.json --columns x,x", "columns: 'x' is given twice; name each column once\n"),
];

#[test]
fn bad_command_lines_say_what_to_do() {
    let place = Place::new();
    let n_files = place.n_files();
    for (arguments, message) in BAD {
        let output = place.ensolve(arguments);
        let want = format!("error: {}", message.replace("HELP", "\n\nFor more information, try '--help'.\n"));
        assert_eq!(text(&output.stderr), want, "{arguments}");
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert_eq!(text(&output.stdout), "", "{arguments}");
    }
    assert_eq!(place.n_files(), n_files, "a bad command line leaves no file");
}

#[test]
fn a_missing_file_is_named_in_the_system_s_words() {
    let place = Place::new();
    let why = fs::read_to_string("there is no such file").unwrap_err();
    for (arguments, file) in [
        ("run none.json", "none.json"),
        ("check none.json", "none.json"),
        ("run decay.json --vary k=csv(none.csv)", "none.csv"),
        ("run decay.json --save-at none.txt", "none.txt"),
    ] {
        let output = place.ensolve(arguments);
        assert_eq!(text(&output.stderr), format!("error: {file}: {why}\n"));
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn sampling_is_told_and_kept_with_the_result() {
    let place = Place::new();
    let summary = place.good("run decay.json --backend cpu --n 64 --sampling sobol --save-final --out sobol.json");
    assert!(summary.contains("  ensemble   seed 1, sampling sobol, varying k\n"), "{summary}");
    assert_eq!(place.json("sobol.json")["sampling"], "sobol");
    place.good("run decay.json --backend cpu --save-final --out usual.json");
    assert_eq!(place.json("usual.json")["sampling"], "random");
    // One value of k in [1, 2) in each of 64 strata: the deviation of the mean is 1/sqrt(12 64^3) = 5.6e-4 at most, and random
    // draws are off by 0.036 in the mean square.
    let k: Vec<f64> =
        serde_json::from_value(place.json("sobol.json")["trajectories"]["parameters"]["k"].clone()).unwrap();
    let mut strata: Vec<u32> = k.iter().map(|k| ((k - 1.0) * 64.0) as u32).collect();
    strata.sort_unstable();
    assert!(strata.into_iter().eq(0..64));
}

#[test]
fn the_summary_says_how_it_was_made() {
    let place = Place::new();
    let stdout = place.good("run decay.json --backend cpu --n 100 --precision f32 --rtol 1e-4");
    // A slow machine may tell how long it prepared.
    let lines: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("  prepared ")).collect();
    assert_eq!(lines[0], "decay: 100 trajectories, t = 0 to 2");
    assert_eq!(lines[1], "  backend    cpu, 1 thread (asked for)");
    assert_eq!(lines[2], "  ensemble   seed 1, varying k");
    assert_eq!(lines[3], "  method     tsit5, rtol 1e-4, atol 1e-8");
    assert_eq!(lines[4], "  precision  f32");
    assert!(lines[5].starts_with("  time ") && lines[5].ends_with(" trajectories per second"), "{stdout}");
    assert!(lines[6].starts_with("  steps ") && lines[6].contains(" accepted (at most "), "{stdout}");
    assert_eq!(lines[8], "statistics at t = 2 over 100 trajectories");
    assert_eq!(lines[9].split_whitespace().collect::<Vec<_>>(), ["mean", "std", "min", "5%", "median", "95%", "max"]);
    assert!(lines[10].starts_with("  x ") && lines[11].starts_with("  half "), "{stdout}");
    assert_eq!(lines[13], "no file written; --out FILE.csv, FILE.json or FILE.npz keeps the values");

    let single = place.good("run decay.json --backend cpu --n 1 --vary k=uniform(1,1) --columns half");
    assert!(single.starts_with("decay: 1 trajectory, t = 0 to 2\n"), "{single}");
    let value: f64 = single.lines().find_map(|line| line.strip_prefix("  half  ")).unwrap().parse().unwrap();
    assert!((value - 0.5 * (-2f64).exp()).abs() < 1e-6, "{single}");
}

#[test]
fn csv_of_one_trajectory_reads_back() {
    let place = Place::new();
    place.good("run bare.json --backend cpu --tspan -1e-1 .9 --save-points 3 --rtol 1e-9 --out one.csv");
    let rows = place.csv("one.csv");
    assert_eq!(rows[0], ["t", "v[0]", "v[1]", "x"]);
    assert_eq!(rows.len(), 4);
    let first = &rows[1];
    assert_eq!(first, &["-0.1", "1", "2", "0"]);
    let world = ensolve::World::from_json(BARE).unwrap();
    let run = ensolve::RunSettings {
        tspan: Some((-0.1, 0.9)),
        rtol: Some(ensolve::spec::Tolerance::Scalar(1e-9)),
        save: Some(ensolve::Save::Points(3)),
        ..Default::default()
    };
    let result = ensolve::solve(&world.compile().unwrap(), &run, &mut ensolve::CpuBackend::new()).unwrap();
    for (k, row) in rows[1..].iter().enumerate() {
        let numbers: Vec<u64> = row[1..].iter().map(|cell| cell.parse::<f64>().unwrap().to_bits()).collect();
        let want: Vec<u64> = result.x.column(k).iter().map(|x| x.to_bits()).collect();
        assert_eq!(numbers, want);
    }

    place.good("run bare.json --backend cpu --tspan 0 1 --save-final --columns x,v --out some.csv");
    assert_eq!(place.csv("some.csv")[0], ["t", "x", "v[0]", "v[1]"]);
    place.good("run decay.json --backend cpu --n 1 --save-at times.txt --out at.csv");
    let times: Vec<String> = place.csv("at.csv")[1..].iter().map(|row| row[0].clone()).collect();
    assert_eq!(times, ["0.25", "1"]);
}

#[test]
fn only_replays_a_row_of_the_ensemble_and_seeds_reproduce() {
    let place = Place::new();
    place.good("run decay.json --backend cpu --out all.csv");
    place.good("run decay.json --backend cpu --out again.csv --seed 1");
    place.good("run decay.json --backend cpu --out other.csv --seed 2");
    place.good("run decay.json --backend cpu --only 2 --out two.csv");
    assert_eq!(place.read("all.csv"), place.read("again.csv"));
    assert_ne!(place.read("all.csv"), place.read("other.csv"));
    let all = place.csv("all.csv");
    assert_eq!(all[0], ["trajectory", "t", "x", "half", "status"]);
    assert_eq!(all.len(), 1 + 4 * 5);
    let two: Vec<&[String]> = all.iter().filter(|row| row[0] == "2").map(|row| &row[1..4]).collect();
    assert_eq!(place.csv("two.csv")[1..], two);
}

#[test]
fn json_holds_values_statistics_and_statuses() {
    let place = Place::new();
    place.good("run decay.json --backend cpu --out all.json");
    place.good("run decay.json --backend cpu --only 3 --out one.json --columns x");
    let (all, one) = (place.json("all.json"), place.json("one.json"));
    for (key, want) in [("model", "decay"), ("backend", "cpu, 1 thread"), ("precision", "f64")] {
        assert_eq!(all[key], want);
    }
    assert_eq!(all["method"], "tsit5, rtol 1e-6, atol 1e-8");
    assert_eq!(all["tspan"], serde_json::json!([0.0, 2.0]));
    assert_eq!(all["t"], serde_json::json!([0.0, 0.5, 1.0, 1.5, 2.0]));
    assert_eq!(all["names"], serde_json::json!(["x", "half"]));
    assert_eq!(all["status"], serde_json::json!({"success": 4}));
    let values = all["trajectories"]["values"]["x"].as_array().unwrap();
    assert_eq!(values.len(), 4);
    assert_eq!(one["names"], serde_json::json!(["x"]));
    assert_eq!(one["trajectories"]["number"], 3);
    assert_eq!(one["trajectories"]["x"], serde_json::json!({"x": values[3]}));
    let ends: Vec<f64> = values.iter().map(|series| series[4].as_f64().unwrap()).collect();
    let statistics = &all["statistics"];
    assert_eq!((&statistics["n_used"], &statistics["n_left_out"]), (&Value::from(4), &Value::from(0)));
    let mean = statistics["by_name"]["x"]["mean"][4].as_f64().unwrap();
    assert!((mean - ends.iter().sum::<f64>() / 4.0).abs() < 1e-15);
    let keys: Vec<&String> = statistics["by_name"]["half"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["mean", "std", "min", "q05", "q25", "q50", "q75", "q95", "max"]);
}

#[test]
fn npz_is_read_back_in_the_precision_of_the_run() {
    let place = Place::new();
    place.good("run decay.json --backend cpu --out all.csv");
    place.good("run decay.json --backend cpu --out all.npz");
    place.good("run decay.json --backend cpu --out half.npz --precision f32 --columns half");
    let mut npz = place.npz("all.npz");
    let t: Array1<f64> = npz.by_name("t").unwrap();
    let x: Array2<f64> = npz.by_name("x").unwrap();
    let status: Array1<u32> = npz.by_name("meta.status").unwrap();
    let accepted: Array1<u32> = npz.by_name("meta.accepted").unwrap();
    let rejected: Array1<u32> = npz.by_name("meta.rejected").unwrap();
    assert_eq!((t.len(), x.dim(), accepted.len(), rejected.len()), (5, (4, 5), 4, 4));
    assert!(status.iter().all(|code| *code == ensolve::Status::Success as u32));
    let cells: Vec<f64> = place.csv("all.csv")[1..].iter().map(|row| row[2].parse().unwrap()).collect();
    assert_eq!(x.into_iter().collect::<Vec<_>>(), cells);
    let mut npz = place.npz("half.npz");
    let mut names: Vec<String> = npz.names().unwrap().iter().map(|name| name.replace(".npy", "")).collect();
    names.sort();
    assert_eq!(names, ["half", "meta.accepted", "meta.rejected", "meta.status", "param.k", "t"]);
    let k: Array1<f64> = npz.by_name("param.k").unwrap();
    place.good("run decay.json --backend cpu --precision f32 --out single.json");
    assert_eq!(place.json("single.json")["trajectories"]["parameters"]["k"], serde_json::json!(k.to_vec()));
    let half: Array2<f32> = npz.by_name("half").unwrap();
    assert_eq!(half.dim(), (4, 5));
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The text of a CSV's column, for all rows or for those of one trajectory.
fn column(rows: &[Vec<String>], name: &str, trajectory: Option<usize>) -> Vec<f64> {
    let at = rows[0].iter().position(|column| column == name).unwrap();
    let is_wanted = |row: &&Vec<String>| trajectory.is_none_or(|i| row[0] == i.to_string());
    rows[1..].iter().filter(is_wanted).map(|row| row[at].parse().unwrap()).collect()
}

/// CSV, JSON and NPZ of the same run of several trajectories, whose save times differ; the number of rows of each.
fn check_own_times(place: &Place, run: &str) -> Vec<usize> {
    for out in ["r.csv", "r.json", "r.npz"] {
        place.good(&format!("{run} --out {out}"));
    }
    let (rows, json, mut npz) = (place.csv("r.csv"), place.json("r.json"), place.npz("r.npz"));
    let trajectories = &json["trajectories"];
    let (t, x): (Array2<f64>, Array2<f64>) = (npz.by_name("t").unwrap(), npz.by_name("x").unwrap());
    let n = trajectories["status"].as_array().unwrap().len();
    assert_eq!((&json["t"], t.dim(), t.nrows()), (&Value::Null, x.dim(), n));
    let counts = (0..n).map(|i| {
        let (times, values) = (numbers(&trajectories["t"][i]), numbers(&trajectories["values"]["x"][i]));
        assert_eq!((column(&rows, "t", Some(i)), column(&rows, "x", Some(i))), (times.clone(), values.clone()));
        assert!(times.is_sorted() && times.len() == values.len(), "{run}: {times:?}");
        let (own, beyond) = (times.len(), &ndarray::s![i, times.len()..]);
        assert_eq!((t.row(i).to_vec()[..own].to_vec(), x.row(i).to_vec()[..own].to_vec()), (times, values));
        assert!(t.slice(beyond).iter().chain(x.slice(beyond)).all(|value| value.is_nan()), "{run}");
        own
    });
    let counts: Vec<usize> = counts.collect();
    assert_eq!(counts.iter().max(), Some(&t.ncols()), "{run}");
    let ends = (0..n).map(|i| x[[i, counts[i] - 1]]);
    let statistics = &json["statistics"]["by_name"]["x"];
    assert_eq!(numbers(&statistics["max"]), [ends.clone().fold(f64::NEG_INFINITY, f64::max)]);
    assert_eq!(numbers(&statistics["min"]), [ends.fold(f64::INFINITY, f64::min)]);
    counts
}

#[test]
fn every_accepted_step_is_written() {
    let place = Place::new();
    let run = "run decay.json --backend cpu --save-steps";
    for out in ["r.csv", "r.json", "r.npz"] {
        place.good(&format!("{run} --n 1 --out {out}"));
    }
    let (rows, json, mut npz) = (place.csv("r.csv"), place.json("r.json"), place.npz("r.npz"));
    let accepted = json["trajectories"]["accepted"].as_u64().unwrap() as usize;
    let (t, x): (Array1<f64>, Array2<f64>) = (npz.by_name("t").unwrap(), npz.by_name("x").unwrap());
    assert_eq!((rows.len(), t.len(), x.dim()), (accepted + 2, accepted + 1, (1, accepted + 1)));
    assert_eq!((numbers(&json["t"]), numbers(&json["trajectories"]["t"])), (t.to_vec(), t.to_vec()));
    assert_eq!((column(&rows, "t", None), column(&rows, "x", None)), (t.to_vec(), x.row(0).to_vec()));
    assert_eq!((t[0], t[accepted]), (0.0, 2.0));
    let k = json["trajectories"]["parameters"]["k"].as_f64().unwrap();
    assert!((x[[0, accepted]] - f64::exp(-2.0 * k)).abs() < 1e-6);

    let counts = check_own_times(&place, &format!("{run} --n 3 --vary k=values(1,100,10)"));
    assert!(counts[0] < counts[2] && counts[2] < counts[1], "{counts:?}");
    let json = place.json("r.json");
    let accepted = json["trajectories"]["accepted"].as_array().unwrap();
    let rows: Vec<u64> = accepted.iter().map(|n| n.as_u64().unwrap() + 1).collect();
    assert_eq!(rows, counts.iter().map(|n| *n as u64).collect::<Vec<_>>());
    assert_eq!(json["trajectories"]["parameters"], serde_json::json!({"k": [1.0, 100.0, 10.0]}));
    let stdout = place.good(&format!("{run} --n 3"));
    assert!(stdout.contains("\nstatistics at the last save time of each over 3 trajectories\n"), "{stdout}");
}

#[test]
fn spans_of_their_own_are_written() {
    let place = Place::new();
    assert_eq!(check_own_times(&place, "run own.json --backend cpu"), [2, 3, 3]);
    let json = place.json("r.json");
    assert_eq!(json["trajectories"]["t"], serde_json::json!([[0.0, 1.0], [0.0, 1.0, 1.5], [0.0, 1.0, 2.0]]));
    assert_eq!(json["trajectories"]["tspan"], serde_json::json!([[0.0, 1.0], [0.0, 1.5], [0.0, 2.0]]));
    assert_eq!(json["trajectories"]["parameters"], serde_json::json!({"k": 0.5, "t_end": [1.0, 1.5, 2.0]}));
    assert_eq!(json["tspan"], serde_json::json!([0.0, 2.0]));
    let stdout = place.good("run own.json --backend cpu");
    assert!(stdout.starts_with("own: 3 trajectories, t = 0 to 2, each of its own time span\n"), "{stdout}");
    assert!(place.good("run own.json --backend cpu --only 1").contains("values at t = 1.5\n"));

    // The second one and the third one reach their ends with an output that is not a number.
    let output = place.ensolve("run own.json --backend cpu --vary k=values(0.5,0.8,0.75) --dtsave 0.75");
    let advice = ensolve::Status::NonFinite.advice();
    let want = format!(
        "warning: 2 of 3 trajectories reached the end time, but a saved value is not a number\n  2 non_finite: {advice}\n    trajectory 1 (root at t = 1.5), 2 (root at t = 1.5); --only 1 replays one\n"
    );
    assert_eq!((text(&output.stderr), output.status.code()), (want, Some(3)));
}

#[test]
fn backward_runs_are_written_as_they_went() {
    let place = Place::new();
    let run =
        "run decay.json --backend cpu --backward --tspan 2 0 --save-points 3 --n 1 --vary k=uniform(1,1) --rtol 1e-9";
    let stdout = place.good(&format!("{run} --out r.csv"));
    assert!(
        stdout.starts_with("decay: 1 trajectory, t = 2 to 0\n") && stdout.contains("\nvalues at t = 0\n"),
        "{stdout}"
    );
    let rows = place.csv("r.csv");
    assert_eq!(column(&rows, "t", None), [2.0, 1.0, 0.0]);
    for (got, want) in column(&rows, "x", None).iter().zip([1.0, 1f64.exp(), 2f64.exp()]) {
        assert!((got - want).abs() < 1e-7, "{got} is not {want}");
    }
    place.good(&format!("{} --out r.json", run.replace(" --n 1", " --n 3")));
    assert_eq!(place.json("r.json")["t"], serde_json::json!([2.0, 1.0, 0.0]));

    let output = place.ensolve("run back.json --backend cpu");
    let advice = ensolve::Status::NonFinite.advice();
    let want = format!(
        "warning: 1 of 1 trajectories reached the end time, but a saved value is not a number\n  1 non_finite: {advice}\n    trajectory 0 (root at t = 1.75); --only 0 replays one\n"
    );
    assert_eq!((text(&output.stderr), output.status.code()), (want, Some(3)));
    assert!(text(&output.stdout).contains("\nlast accepted state at t = 0\n"));

    let forward = place.good("run back.json --backend cpu --backward=false --tspan 0 2");
    assert!(forward.starts_with("back: 1 trajectory, t = 0 to 2\n"), "{forward}");
}

#[test]
fn a_last_state_that_callbacks_spoil_is_no_saved_value() {
    let place = Place::new();
    let spoilt = TICKS.replace("e.c.n + 1", "sqrt(0.75 - t)");
    std::fs::write(place.0.path().join("spoilt.json"), spoilt).unwrap();
    let output = place.ensolve("run spoilt.json --backend cpu");
    let advice = ensolve::Status::NonFinite.advice();
    let want = format!(
        "warning: 1 of 1 trajectories reached the end time, but the last state is not finite\n  1 non_finite: {advice}\n    trajectory 0 (e.c.n at t = 1); --only 0 replays one\n"
    );
    assert_eq!((text(&output.stderr), output.status.code()), (want, Some(3)));
}

/// The page for who comes from numen gives the options of a solve on the command line.
#[test]
fn options_named_for_who_comes_from_numen_work() {
    let (place, page) = (Place::new(), include_str!("../src/coming_from_numen.md"));
    let cells = page.lines().filter_map(|line| line.trim_end_matches([' ', '|']).rsplit(" | ").next());
    let options = cells.filter_map(|cell| cell.strip_prefix("`--")?.strip_suffix('`'));
    let n = options.map(|options| place.good(&format!("run decay.json --backend cpu --n 1 --{options}"))).count();
    assert_eq!(n, 12, "the rows of the table with options");
}

#[test]
fn repetitions_are_timed() {
    let place = Place::new();
    let stdout = place.good("run decay.json --backend cpu --reps 3 --out r.json");
    let line = stdout.lines().find(|line| line.starts_with("  timings    ")).unwrap();
    assert!(line.split(", ").count() == 3 && line.contains(" ms; warm ") && line.ends_with(" ms"), "{line}");
    let warm = line.split("warm ").nth(1).and_then(|end| end.trim_end_matches(" ms").parse::<f64>().ok()).unwrap();
    let n_traj = stdout.split([' ', ',']).find_map(|word| word.parse::<f64>().ok()).unwrap();
    let time = stdout.lines().find(|line| line.starts_with("  time ")).unwrap();
    let rate = time.split(", ").nth(1).and_then(|end| end.split(' ').next()).and_then(|rate| rate.parse::<f64>().ok());
    // The summary has three digits of the time.
    assert!(
        (rate.unwrap() * warm / (1e3 * n_traj) - 1.0).abs() < 1e-2 && time.ends_with(" when warm"),
        "{time}: {line}"
    );
    let timings = &place.json("r.json")["timings"];
    let all = numbers(&timings["timings_ms"]);
    assert_eq!((all.len(), timings["warm_ms"].as_f64()), (3, Some(all[1].min(all[2]))));
    assert!(timings["startup_ms"].is_number() && timings["jit_ms"].is_number());
    let stdout = place.good("run decay.json --backend cpu --out r.json");
    assert!(!stdout.contains("timings"), "{stdout}");
    assert_eq!(place.json("r.json")["timings"]["warm_ms"], Value::Null);
}

#[test]
fn rows_that_are_used_up_end_a_trajectory() {
    let place = Place::new();
    let run = "run decay.json --backend cpu --save-steps --max-saved 5";
    let output = place.ensolve(&format!("{run} --n 1 --out r.csv"));
    assert_eq!((output.status.code(), place.csv("r.csv").len()), (Some(3), 6));
    assert!(text(&output.stderr).contains(ensolve::Status::SaveLimit.advice()));
    assert!(text(&output.stdout).contains("\nlast accepted state at t = 0."));
    let output = place.ensolve(&format!("{run} --n 3 --vary k=values(1e-9,100,10) --out r.json"));
    assert_eq!(output.status.code(), Some(3));
    let json = place.json("r.json");
    assert_eq!(json["status"], serde_json::json!({"success": 1, "save_limit": 2}));
    assert_eq!(json["trajectories"]["status"], serde_json::json!(["success", "save_limit", "save_limit"]));
    assert_eq!(json["statistics"]["n_used"], 1);
    assert_eq!(numbers(&json["trajectories"]["values"]["x"][1]).len(), 5);
}

#[test]
fn firings_are_told_and_saved_twice_where_that_is_asked_for() {
    let place = Place::new();
    let run = "run ticks.json --backend cpu";
    for (n, out) in [(1, "r.csv"), (2, "all.csv")] {
        place.good(&format!("{run} --save-after-firing --n {n} --out {out}"));
        let rows = place.csv(out);
        let trajectory = (n > 1).then_some(1);
        assert_eq!(column(&rows, "t", trajectory), [0.0, 0.5, 0.5, 1.0, 1.0]);
        assert_eq!(column(&rows, "e.c.n", trajectory), [0.0, 0.0, 1.0, 1.0, 2.0]);
    }
    let firings = serde_json::json!([{"t": 0.5, "callbacks": ["tick"]}, {"t": 1.0, "callbacks": ["tick"]}]);
    for n in [1, 2] {
        place.good(&format!("{run} --n {n} --out r.json"));
        let json = place.json("r.json");
        assert_eq!((&json["firings"], &json["t"]), (&firings, &serde_json::json!([0.0, 0.5, 1.0])));
    }
    place.good("run decay.json --backend cpu --out r.json");
    assert!(place.json("r.json").get("firings").is_none());
    // Of one that ended before, what has happened.
    place.ensolve(&format!("{run} --n 1 --save-steps --max-saved 2 --out r.json"));
    assert!(place.json("r.json")["firings"].as_array().is_none_or(|firings| firings.len() < 2));
}

#[test]
fn a_model_without_states_is_written_too() {
    let place = Place::new();
    let model = r#"{"model": "wave", "states": {}, "parameters": {"w": 1.0}, "derivatives": {}, "outputs": {"wave": "sin(w*t)"}}"#;
    fs::write(place.0.path().join("wave.json"), model).unwrap();
    for options in ["--n 1", "--n 1 --save-points 3", "--n 3 --save-steps", "--n 3 --vary w=values(1,2,3)"] {
        for out in ["r.csv", "r.json", "r.npz"] {
            let stdout = place.good(&format!("run wave.json --backend cpu --tspan 0 1 {options} --out {out}"));
            assert!(stdout.contains("\n  wave "), "{stdout}");
        }
        let last = *column(&place.csv("r.csv"), "wave", options.contains("--n 3").then_some(0)).last().unwrap();
        assert!((last - 1f64.sin()).abs() < 1e-12, "{options}: {last}");
    }
}

#[test]
fn trouble_is_reported_and_the_others_finish() {
    let place = Place::new();
    let arguments =
        "run pole.json --backend cpu --method euler --dt 0.01 --vary x=values(0.1,1e9,0.2) --dtsave 1 --out r.csv";
    let output = place.ensolve(arguments);
    assert_eq!(output.status.code(), Some(3));
    let advice = ensolve::Status::NonFinite.advice();
    let want = format!(
        "warning: 1 of 3 trajectories did not reach the end time\n  1 non_finite: {advice}\n    trajectory 1 (x at t = 0.05); --only 1 replays one\n"
    );
    assert_eq!(text(&output.stderr), want);
    assert!(text(&output.stdout).contains("statistics at t = 2 over 2 trajectories (1 failed left out)"));
    let rows = place.csv("r.csv");
    let statuses: Vec<&str> = rows[1..].iter().map(|row| row[3].as_str()).collect();
    assert_eq!(statuses[..3], ["success"; 3]);
    assert_eq!(statuses[3..6], ["non_finite"; 3]);
    assert_eq!(rows[6][2], "NaN");
    let end: f64 = rows[9][2].parse().unwrap();
    assert!((end - 1.0 / 3.0).abs() < 1e-2, "{end}");

    let output = place.ensolve("run decay.json --backend cpu --vary k=values(1,1e6,2,1) --max-steps 50 --out r.json");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(place.json("r.json")["status"], serde_json::json!({"success": 3, "step_limit": 1}));
    assert_eq!(place.json("r.json")["trajectories"]["values"]["x"][1][4], Value::Null);
    assert!(text(&output.stderr).contains(ensolve::Status::StepLimit.advice()));

    let output = place.ensolve("run decay.json --backend cpu --vary k=values(1,1e6,2,1) --max-steps 50 --only 1");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("last accepted state at t = 0."), "{}", text(&output.stdout));
}

#[test]
fn what_was_not_finite_is_named_with_its_time() {
    let place = Place::new();
    let run = "run root.json --backend cpu --method rk4 --dt 0.125";
    let advice = ensolve::Status::NonFinite.advice();
    // Reached the end with an output that was NaN from t = 1.5 on.
    let output = place.ensolve(&format!("{run} --vary k=values(0.1,0.7,0.2) --out r.json"));
    assert_eq!(output.status.code(), Some(3));
    let want = format!(
        "warning: 1 of 3 trajectories reached the end time, but a saved value is not a number\n  1 non_finite: {advice}\n    trajectory 1 (root at t = 1.5); --only 1 replays one\n"
    );
    assert_eq!(text(&output.stderr), want);
    assert_eq!(place.json("r.json")["trajectories"]["non_finite"], serde_json::json!([null, "root", null]));
    assert_eq!(place.json("r.json")["trajectories"]["t_end"], serde_json::json!([2.0, 2.0, 2.0]));

    // And one whose state became infinite, on the way. Numbers are those of the ensemble, also where one is replayed.
    let vary = "--vary k=values(0.1,0.7,0.1,0.1) --vary v=values(0.1,0.1,20,0.1)";
    let output = place.ensolve(&format!("{run} {vary}"));
    let want = format!(
        "warning: 2 of 4 trajectories failed: 1 did not reach the end time, 1 did, but a saved value is not a number\n  2 non_finite: {advice}\n    trajectory 1 (root at t = 1.5), 2 (v at t = 0.25); --only 1 replays one\n"
    );
    assert_eq!(text(&output.stderr), want);
    let output = place.ensolve(&format!("{run} {vary} --only 2 --columns x --out r.json"));
    let want = format!(
        "warning: 1 of 1 trajectories did not reach the end time\n  1 non_finite: {advice}\n    trajectory 2 (v at t = 0.25); --only 2 replays one\n"
    );
    assert_eq!(text(&output.stderr), want);
    assert_eq!(place.json("r.json")["trajectories"]["non_finite"], "v", "although it is no column of the file");
    place.good("run decay.json --backend cpu --only 0 --out r.json");
    assert_eq!(place.json("r.json")["trajectories"]["non_finite"], Value::Null);
}

#[test]
fn a_tolerance_that_is_raised_is_a_warning() {
    let place = Place::new();
    let output = place.ensolve("run decay.json --backend cpu --precision f32 --rtol 1e-9 --out r.json");
    let message = "rtol 1e-9 is below what f32 can deliver with tsit5 (2.6e-7), which is used instead; use precision f64 or f32x2 for less";
    assert_eq!(text(&output.stderr), format!("warning: {message}\n"));
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("\n  method     tsit5, rtol 2.6e-7, atol 1e-8\n"));
    assert_eq!(place.json("r.json")["warnings"], serde_json::json!([message]));
    place.good("run decay.json --backend cpu --precision f64 --rtol 1e-9 --out r.json");
    assert_eq!(place.json("r.json")["warnings"], serde_json::json!([]));

    fs::write(place.0.path().join("fine.json"), DECAY.replace("[0, 2],", "[0, 2], \"rtol\": 1e-17,")).unwrap();
    let output = place.ensolve("check fine.json");
    let message = "rtol 1e-17 is below what f64 can deliver with tsit5 (4.9e-16), which is used instead; no precision delivers less";
    assert_eq!((text(&output.stderr), output.status.code()), (format!("warning: {message}\n"), Some(0)));
}

#[test]
fn the_arithmetic_of_a_run_is_told() {
    let place = Place::new();
    for (options, line, arithmetic, compensated) in [
        ("", "f64", "standard", false),
        ("--exact --compensated true --precision f32", "f32 (exact arithmetic, compensated state)", "exact", true),
        ("--method rk4 --dt 0.1 --precision f32", "f32 (compensated state)", "standard", true),
        ("--exact", "f64 (exact arithmetic)", "exact", false),
    ] {
        let stdout = place.good(format!("run decay.json --backend cpu --out r.json {options}").trim_end());
        assert!(stdout.contains(&format!("\n  precision  {line}\n")), "{options}: {stdout}");
        let json = place.json("r.json");
        assert_eq!((&json["arithmetic"], &json["compensated"]), (&arithmetic.into(), &compensated.into()), "{options}");
    }
}

#[test]
fn a_verification_tells_the_errors() {
    let place = Place::new();
    let block = |stdout: &str| -> Vec<String> {
        stdout
            .lines()
            .skip_while(|line| !line.starts_with("verification"))
            .take_while(|line| !line.is_empty())
            .map(String::from)
            .collect()
    };
    let euler = "run decay.json --backend cpu --method euler --dt 0.01";
    let stdout = place.good(&format!("{euler} --n 1000 --verify 100 --out r.json"));
    assert_eq!(
        block(&stdout),
        [
            "verification: 100 of 1000 trajectories against f64 on the cpu, tsit5, rtol 1e-8, atol 1e-10",
            "  error in tolerance units: median 18000, 90% 24000, 99% 25000, largest 25000 (trajectory 773, x at t = 2)",
        ]
    );
    assert!(stdout.find("statistics") < stdout.find("verification"), "{stdout}");
    let json = &place.json("r.json")["verification"];
    assert_eq!(json["method"], "tsit5, rtol 1e-8, atol 1e-10");
    let errors: Vec<f64> = json["errors"].as_array().unwrap().iter().map(|error| error.as_f64().unwrap()).collect();
    assert_eq!((errors.len(), json["trajectories"].as_array().unwrap().len()), (100, 100));
    assert_eq!(json["n_compared"], 100);
    let largest = errors.iter().copied().fold(0.0, f64::max);
    assert_eq!((json["error"]["max"].as_f64(), json["worst"]["error"].as_f64()), (Some(largest), Some(largest)));
    let keys: Vec<&String> = json["error"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["q50", "q90", "q99", "max"]);
    assert_eq!(json["worst"]["state"], "x");

    // The same trajectory alone: its own error.
    let worst = &json["worst"]["trajectory"];
    let stdout = place.good(&format!("{euler} --n 1000 --only {worst} --verify 7 --out one.json"));
    assert_eq!(
        block(&stdout),
        [
            "verification: the trajectory against f64 on the cpu, tsit5, rtol 1e-8, atol 1e-10",
            "  error in tolerance units: 25000 (x at t = 2)",
        ]
    );
    assert_eq!(&place.json("one.json")["verification"]["worst"], &json["worst"]);
    place.good("run decay.json --backend cpu --out none.json");
    assert_eq!(place.json("none.json")["verification"], Value::Null);

    let output = place.ensolve("run decay.json --backend cpu --vary k=values(1,1e6,2,1) --max-steps 50 --verify 4");
    let lines = block(&text(&output.stdout));
    assert_eq!(lines[0], "verification: all 4 trajectories against f64 on the cpu, tsit5, rtol 1e-8, atol 1e-10");
    assert_eq!(lines[2], "  1 not compared: 1 failed in the run");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_verification_that_fails_leaves_the_result() {
    let place = Place::new();
    let run = "run decay.json --backend cpu --method rk4 --dt 0.1 --rtol 0 --atol 0 --verify 2 --out r.csv";
    let output = place.ensolve(run);
    let why = "verify: rtol and atol of 'x' are both 0, so that its error has no unit; give one of them";
    assert_eq!((text(&output.stderr), output.status.code()), (format!("error: {why}\n"), Some(2)));
    assert!(text(&output.stdout).contains("\nwritten to r.csv\n"));
    assert_eq!(place.csv("r.csv").len(), 1 + 4 * 5);
}

/// Sends what Ctrl-C sends.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

/// Waits until a process handles SIGINT; before, it would die of it.
#[cfg(unix)]
fn await_handler(child: &std::process::Child) {
    for _ in 0..200 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let Ok(status) = fs::read_to_string(format!("/proc/{}/status", child.id())) else { continue };
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
        if u64::from_str_radix(caught, 16).is_ok_and(|signals| signals & 2 != 0) {
            return;
        }
    }
}

/// A run of hours, once its threads are at work.
#[cfg(unix)]
fn endless(place: &Place, options: &str) -> std::process::Child {
    let run = format!("run decay.json --backend cpu --tspan 0 1e9 --method rk4 --dt 0.5 --save-points 3 {options}");
    let child = place.command(&run).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    await_handler(&child);
    std::thread::sleep(std::time::Duration::from_millis(500));
    child
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_a_run_and_keeps_what_there_is() {
    let place = Place::new();
    let child = endless(&place, "--verify 2 --out r.json");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stderr), "warning: stopped before any of 4 trajectories had ended\n");
    let stdout = text(&output.stdout);
    assert!(stdout.starts_with("decay: 4 trajectories, t = 0 to 1000000000\n"), "{stdout}");
    assert!(stdout.contains("\nno trajectory succeeded: no statistics\n"), "{stdout}");
    assert!(stdout.ends_with("\nno verification: Ctrl-C stopped the run\n\nwritten to r.json\n"), "{stdout}");
    let json = place.json("r.json");
    assert_eq!(json["status"], serde_json::json!({"stopped": 4}));
    assert_eq!(json["trajectories"]["values"]["x"][3], serde_json::json!([1.0, null, null]));
    let t_end = json["trajectories"]["t_end"][0].as_f64().unwrap();
    assert!(0.0 < t_end && t_end < 1e9, "{t_end}");
}

#[test]
#[cfg(unix)]
fn a_second_ctrl_c_ends_the_process_and_leaves_nothing() {
    let place = Place::new();
    let n_files = place.n_files();
    // Writing so many trajectories takes seconds.
    let child = endless(&place, "--n 1e6 --out r.csv");
    interrupt(&child);
    // One that comes sooner is taken for the first.
    std::thread::sleep(std::time::Duration::from_millis(400));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(130), ""));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(place.n_files(), n_files);
}

#[test]
fn inputs_come_from_grids_and_tables() {
    let place = Place::new();
    let vary = "--vary x=grid(1,2) --vary k=linspace(0,1,3)";
    place.good(&format!("run decay.json --backend cpu --n 6 {vary} --save-at times.txt --out grid.csv"));
    place.good("run decay.json --backend cpu --n 3 --vary x=csv(k.csv,rate) --vary k=csv(k.csv) --out table.csv");
    let grid = place.csv("grid.csv");
    let end = |row: &[String]| row[2].parse::<f64>().unwrap();
    for (i, (x, k)) in [(1.0, 0.0), (1.0, 0.5), (1.0, 1.0), (2.0, 0.0), (2.0, 0.5), (2.0, 1.0)].into_iter().enumerate()
    {
        let want = x * f64::exp(-k);
        assert!((end(&grid[2 + 2 * i]) - want).abs() < 1e-5, "{i}: {} is not {want}", end(&grid[2 + 2 * i]));
    }
    let starts: Vec<String> =
        place.csv("table.csv")[1..].iter().filter(|row| row[1] == "0").map(|row| row[2].clone()).collect();
    assert_eq!(starts, ["4", "5", "6"]);
}

#[test]
fn check_lists_the_model_and_its_run() {
    let place = Place::new();
    let listing = place.good("check decay.json");
    assert!(listing.contains("\n  d(x)/dt = "), "{listing}");
    assert!(listing.contains("\nbackends: cpu, gpu ("), "{listing}");
    assert!(listing.contains("\nrun: t = 0 to 2, tsit5, rtol 1e-6, atol 1e-8, 5 save times\n"), "{listing}");
    assert!(listing.ends_with("ensemble: 4 trajectories, seed 1\n  k = uniform(1, 2)\n"), "{listing}");
    let listing = place.good("check constraint.json");
    assert!(listing.contains("\nbackends: none\n  cpu does not support: [dae_constraints]"), "{listing}");
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::new();
    let mut child = place.command("run --help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)));
    let mut child = place.command("check decay.json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)));
}

#[test]
fn a_file_that_cannot_be_finished_leaves_the_old_one() {
    let place = Place::new();
    fs::write(place.0.path().join("r.csv"), "old").unwrap();
    let n_files = place.n_files();
    place.ensolve("run decay.json --backend cpu --out r.csv --columns nothing");
    assert_eq!(place.read("r.csv"), "old");
    place.good("run decay.json --backend cpu --out r.csv");
    assert_ne!(place.read("r.csv"), "old");
    assert_eq!(place.n_files(), n_files);
}

#[test]
#[cfg(feature = "gpu")]
fn wgsl_prints_the_kernel_and_refuses_what_it_cannot() {
    let place = Place::new();
    let output = place.ensolve("wgsl decay.json --method rk4");
    assert_eq!(text(&output.stderr), "error: method: 'rk4' with fixed steps needs a step size: give dt\n");
    let kernel = place.good("wgsl decay.json");
    assert!(kernel.contains("@compute"), "{kernel}");
}

#[test]
#[cfg(not(feature = "gpu"))]
fn a_build_without_gpu_says_so() {
    let place = Place::new();
    let advice = "this build has no GPU backend; build with the feature 'gpu'";
    assert_eq!(place.good("adapters"), format!("{advice}, or use the backend cpu\n"));
    assert_eq!(text(&place.ensolve("wgsl decay.json").stderr), format!("error: gpu: {advice} to see its kernels\n"));
    let output = place.ensolve("run decay.json --backend gpu");
    assert_eq!(text(&output.stderr), format!("error: gpu: {advice}, or use the backend cpu\n"));
    assert!(place.good("run decay.json").contains("cpu, 1 thread (this build has no GPU backend)"));
}
