//! Statistics from the command line: texts, files, checkpoints and exit codes.
#![cfg(all(feature = "cli", feature = "npz"))]

use ndarray::{Array1, Array2, Array3};
use ndarray_npy::NpzReader;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::process::{Command, Output};
use tempfile::TempDir;

const DECAY: &str = r#"{"model": "decay",
  "states": {"x": 1.0}, "parameters": {"k": 1.0}, "derivatives": {"x": "-k*x"}, "outputs": {"half": "x/2"},
  "run": {"tspan": [0, 2], "save": {"points": 5}},
  "ensemble": {"size": 40, "seed": 1, "vary": {"k": {"uniform": [1, 2]}}}}"#;

/// The same with a section.
fn with_section() -> String {
    let section = r#""statistics": {"summaries": ["integral(x)"], "covariance": ["x"], "exceed": {"half": [0.1, 0.05]},
        "histogram": {"x": {"from": 0, "to": 1, "bins": 4}}, "quantiles": [0.5], "keep": ["largest(x, 2)"]}, "states""#;
    DECAY.replace("\"states\"", section)
}

/// Grows without bound before t = 1 where x begins above 1.
const POLE: &str = r#"{"model": "pole", "states": {"x": 0.5}, "derivatives": {"x": "x^2"}, "run": {"tspan": [0, 1]},
  "ensemble": {"size": 30, "vary": {"x": {"uniform": [0.5, 1.5]}}}}"#;

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(TempDir::new().unwrap());
        for (name, text) in [("decay.json", DECAY), ("section.json", &with_section()), ("pole.json", POLE)] {
            fs::write(place.0.path().join(name), text).unwrap();
        }
        place
    }

    fn ensolve(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ensolve"));
        command.current_dir(self.0.path()).args(arguments.split(' ')).env("RAYON_NUM_THREADS", "1");
        command.output().unwrap()
    }

    fn good(&self, arguments: &str) -> String {
        let output = self.ensolve(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments}");
        text(&output.stdout)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.0.path().join(name)).unwrap()).unwrap()
    }

    fn csv(&self, name: &str) -> Vec<Vec<String>> {
        let text = fs::read_to_string(self.0.path().join(name)).unwrap();
        text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
    }

    fn npz(&self, name: &str) -> NpzReader<File> {
        NpzReader::new(File::open(self.0.path().join(name)).unwrap()).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const BAD: &[(&str, &str)] = &[
    (
        "--summary x",
        "invalid value 'x' for '--summary <KIND(NAME)>': expected a number of a whole trajectory, such as max(x), found 'x'HELP",
    ),
    (
        "--summary mx(x)",
        "invalid value 'mx(x)' for '--summary <KIND(NAME)>': unknown summary 'mx'; did you mean 'max'? known: min, max, time_of_min, time_of_max, time_above, integral, finalHELP",
    ),
    (
        "--summary time_above(x)",
        "invalid value 'time_above(x)' for '--summary <KIND(NAME)>': 'time_above' takes a name and a threshold, such as time_above(x, 10), got 'time_above(x)'HELP",
    ),
    ("--exceed x", "invalid value 'x' for '--exceed <QUANTITY>X>': expected QUANTITY>NUMBER, such as x>10HELP"),
    (
        "--histogram x=1,2",
        "invalid value 'x=1,2' for '--histogram <QUANTITY=A,B,N>': expected QUANTITY=FROM,TO,BINS, such as x=-20,20,100HELP",
    ),
    (
        "--histogram x=2,1,5",
        "invalid value 'x=2,1,5' for '--histogram <QUANTITY=A,B,N>': a histogram goes from a number to a larger one, got 2 to 1HELP",
    ),
    (
        "--quantiles 1.5",
        "invalid value '1.5' for '--quantiles <P>': the probability of a quantile is from 0 to 1, got 1.5HELP",
    ),
    (
        "--keep largest(x)",
        "invalid value 'largest(x)' for '--keep <WHICH>': expected largest(x, 10), smallest(max(x), 5) or failed(20), found 'largest(x)'HELP",
    ),
    (
        "--keep failed(65)",
        "invalid value 'failed(65)' for '--keep <WHICH>': 'failed' keeps 1 to 64 trajectories, got 65HELP",
    ),
    ("--every 3d", "invalid value '3d' for '--every <TIME>': expected a time, such as 30s, 5m or 1hHELP"),
    (
        "--memory lots",
        "invalid value 'lots' for '--memory <SIZE>': expected a size of memory of at least 1M, such as 500M or 2GHELP",
    ),
    (
        "--statistics=false --keep failed(1)",
        "--statistics=false turns off what --keep asks for; leave out one of them\n",
    ),
    (
        "--only 3 --exceed x>1",
        "--only 3 replays one trajectory, and --exceed is about all of them; leave out one of them\n",
    ),
    (
        "--checkpoint c --reps 2 --backend cpu",
        "reps: a checkpoint holds a run that is made once; leave out reps, or the checkpoint\n",
    ),
    ("--every 5s", "--every is the time between checkpoints; name their file with --checkpoint FILE\n"),
    (
        "--keep-out k.csv",
        "--keep-out writes what --keep chooses from trajectories that are not stored; --out writes those that are\n",
    ),
    ("--statistics --every 5s", "--every is the time between checkpoints; name their file with --checkpoint FILE\n"),
    (
        "--statistics --keep-out k.csv",
        "--keep-out writes kept trajectories; say which with --keep, such as --keep 'failed(20)'\n",
    ),
    (
        "--statistics --verify 5",
        "--verify 5 compares trajectories that are stored; give --statistics=false, or leave it out\n",
    ),
    (
        "--summary max(y) --backend cpu",
        "statistics: no state or output is named 'y' in 'max(y)'; known names: x, half\n",
    ),
];

#[test]
fn bad_command_lines_say_what_to_do() {
    let place = Place::new();
    for (arguments, message) in BAD {
        let output = place.ensolve(&format!("run decay.json {arguments}"));
        let want = format!("error: {}", message.replace("HELP", "\n\nFor more information, try '--help'.\n"));
        assert_eq!(text(&output.stderr), want, "{arguments}");
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{arguments}");
    }
}

#[test]
fn the_summary_shows_what_was_asked_for() {
    let place = Place::new();
    let run = "run decay.json --backend cpu --summary max(x) --exceed x>0.05 --exceed x>2 --keep largest(x,3)";
    let stdout = place.good(run);
    let lines: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("  prepared ")).collect();
    assert_eq!(lines[0], "decay: 40 trajectories, t = 0 to 2");
    assert_eq!(lines[1], "  backend    cpu, 1 thread (asked for)");
    assert_eq!(lines[2], "  ensemble   seed 1, varying k");
    assert_eq!(lines[7], "");
    assert_eq!(lines[8], "statistics at t = 2 over 40 trajectories");
    let header = ["mean", "std", "min", "5%", "median", "95%", "max", "min", "in", "max", "in"];
    assert_eq!(lines[9].split_whitespace().collect::<Vec<_>>(), header);
    assert!(lines[10].starts_with("  x ") && lines[11].starts_with("  half "), "{stdout}");
    assert_eq!(lines[13], "of whole trajectories");
    assert!(lines[15].starts_with("  max(x)  1.00000  "), "{stdout}");
    assert_eq!(lines[17], "probabilities at t = 2");
    assert!(lines[18].starts_with("  P(x > 0.05)  ") && lines[18].ends_with(" of 40"), "{stdout}");
    assert_eq!(lines[19].split_whitespace().collect::<Vec<_>>(), ["P(x", ">", "2)", "0", "+-", "0", "0", "of", "40"]);
    assert!(stdout.contains("\nlargest(x, 3): trajectory "), "{stdout}");
    assert!(
        stdout.ends_with("\nno file written; --out FILE.csv, FILE.json or FILE.npz keeps the statistics\n"),
        "{stdout}"
    );

    // The section turns statistics on, and can be turned off.
    assert!(place.good("run section.json --backend cpu").contains("P(half > 0.1)"));
    let stored = place.good("run section.json --backend cpu --statistics=false --out all.csv");
    assert!(stored.ends_with("\nwritten to all.csv\n"), "{stored}");
    assert_eq!(place.csv("all.csv").len(), 1 + 40 * 5);
    assert!(place.good("run section.json --backend cpu --only 3").starts_with("decay: 1 trajectory"));
}

#[test]
fn files_hold_the_statistics() {
    let place = Place::new();
    place.good("run decay.json --backend cpu --out all.json");
    for out in ["s.json", "s.csv", "s.npz"] {
        let output =
            place.ensolve(&format!("run section.json --backend cpu --out {out} --keep-out kept.{}", &out[2..]));
        let told = "warning: s.csv: CSV has no histograms and no covariances; .json and .npz have them\n";
        assert_eq!(text(&output.stderr), if out == "s.csv" { told } else { "" });
        assert!(
            text(&output.stdout).ends_with(&format!(
                "\nstatistics written to {out}\nkept trajectories written to kept.{}\n",
                &out[2..]
            ))
        );
    }
    let (all, got) = (place.json("all.json"), place.json("s.json"));
    for key in ["model", "method", "precision", "tspan", "seed", "n", "t", "names", "status"] {
        assert_eq!(got[key], all[key], "{key}");
    }
    assert_eq!((&got["n_done"], &got["partial"]), (&json!(40), &Value::Null));
    let x = &got["statistics"]["by_name"]["x"];
    assert_eq!(x["max"], all["statistics"]["by_name"]["x"]["max"]);
    let means = |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<f64>>();
    let stored = &all["statistics"]["by_name"]["x"]["mean"];
    // Sums of 40 numbers up to 1, in another order.
    assert!(means(&x["mean"]).iter().zip(means(stored)).all(|(a, b)| (a - b).abs() < 1e-14));
    assert_eq!(x["histograms"][0]["bins"].as_array().unwrap().len(), 5);
    assert_eq!(got["statistics"]["by_name"]["half"]["exceed"][1]["threshold"], json!(0.05));
    assert_eq!(got["statistics"]["summaries"]["integral(x)"]["n"], json!(40));
    assert_eq!(got["covariances"][4]["covariance"][0][0], x["variance"][4]);

    let rows = place.csv("s.csv");
    let header = [
        "t",
        "quantity",
        "n",
        "n_done",
        "n_asked",
        "mean",
        "std",
        "min",
        "min_trajectory",
        "max",
        "max_trajectory",
        "q0.5",
        "q0.5_low",
        "q0.5_high",
        "p>0.05",
        "p>0.1",
    ];
    assert_eq!(rows[0], header);
    assert_eq!(rows.len(), 1 + 2 * 5 + 1);
    assert_eq!(rows[5][..5], ["2", "x", "40", "40", "40"]);
    assert_eq!(rows[5][5].parse::<f64>().unwrap(), x["mean"][4].as_f64().unwrap());
    assert_eq!((rows[11][0].as_str(), rows[11][1].as_str(), rows[11][14].as_str()), ("", "integral(x)", ""));

    let mut npz = place.npz("s.npz");
    let (t, mean): (Array1<f64>, Array1<f64>) = (npz.by_name("t").unwrap(), npz.by_name("x.mean").unwrap());
    assert_eq!((t.to_vec(), mean.to_vec()), (vec![0.0, 0.5, 1.0, 1.5, 2.0], means(&x["mean"])));
    let counts: Array2<u64> = npz.by_name("x.counts").unwrap();
    assert_eq!((counts.dim(), counts.column(4).sum()), ((6, 5), 40));
    let who: Array1<i64> = npz.by_name("x.max_trajectory").unwrap();
    assert_eq!(who[4], x["max_trajectory"][4].as_i64().unwrap());
    let exceed: Array2<f64> = npz.by_name("half.exceed").unwrap();
    let half = &got["statistics"]["by_name"]["half"];
    assert_eq!(exceed.row(1).to_vec(), means(&half["exceed"][1]["probability"]));
    let high: Array2<f64> = npz.by_name("x.quantiles_high").unwrap();
    assert_eq!(high.row(0).to_vec(), means(&x["quantiles"][0]["high"]));
    let covariance: Array3<f64> = npz.by_name("meta.covariance").unwrap();
    assert_eq!((covariance.dim(), covariance[[4, 0, 0]]), ((5, 1, 1), x["variance"][4].as_f64().unwrap()));

    let (kept, list) = (place.csv("kept.csv"), place.json("kept.json"));
    assert_eq!(kept[0], ["trajectory", "t", "x", "half", "status"]);
    assert_eq!((kept.len(), list.as_array().unwrap().len()), (1 + 2 * 5, 2));
    let number = &list[0]["number"];
    assert_eq!(*number, x["max_trajectory"][4]);
    let values = &all["trajectories"]["values"]["x"][number.as_u64().unwrap() as usize];
    assert_eq!(&list[0]["x"]["x"], values);
    assert_eq!(kept[5][2].parse::<f64>().unwrap(), values[4].as_f64().unwrap());
    let mut npz = place.npz("kept.npz");
    let (numbers, series): (Array1<u64>, Array2<f64>) = (npz.by_name("trajectory").unwrap(), npz.by_name("x").unwrap());
    assert_eq!((numbers.to_vec()[0], series.dim()), (number.as_u64().unwrap(), (2, 5)));
}

#[test]
fn failures_are_told_and_kept() {
    let place = Place::new();
    let output = place.ensolve("run pole.json --backend cpu --keep failed(2) --keep-out failed.csv --out s.csv");
    assert_eq!(output.status.code(), Some(3));
    let stderr = text(&output.stderr);
    let first = stderr.lines().next().unwrap();
    assert!(first.starts_with("warning: ") && first.ends_with(" of 30 trajectories failed"), "{stderr}");
    assert!(stderr.contains("; --only ") && stderr.ends_with(" replays one\n"), "{stderr}");
    let rows = place.csv("failed.csv");
    // Every accepted step of two trajectories.
    assert!(rows.len() > 20 && rows[1][3] != "success", "{rows:?}");
    assert!(text(&output.stdout).contains(" failed left out)"), "{}", text(&output.stdout));
}

#[test]
fn checkpoints_go_on() {
    let place = Place::new();
    let run = "run section.json --backend cpu --n 3000 --out";
    place.good(&format!("{run} whole.json --checkpoint c.json --every 0.001s"));
    let stdout = place.good(&format!("{run} again.json --resume c.json"));
    assert!(stdout.contains("; 3000 trajectories are from the checkpoint\n"), "{stdout}");
    let (whole, again) = (place.json("whole.json"), place.json("again.json"));
    assert_eq!(whole["statistics"], again["statistics"]);
    let output = place.ensolve("run section.json --backend cpu --n 2000 --resume c.json");
    assert_eq!(
        text(&output.stderr),
        "error: c.json: is the checkpoint of another run: its trajectories is '3000', here it is '2000'; go on with what it was made from, or begin anew without --resume\n"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn no_file_is_written_over_another() {
    let place = Place::new();
    fs::write(place.0.path().join("notes.txt"), "mine").unwrap();
    fs::write(place.0.path().join("table.csv"), "k\n1\n2\n").unwrap();
    for (options, message) in [
        (
            "--out s.json --checkpoint ./s.json",
            "--checkpoint would be written over the file of --out; give them different names",
        ),
        (
            "--out s.json --keep-out s.json",
            "--keep-out would be written over the file of --out; give them different names",
        ),
        ("--out section.json", "--out would be written over the file of the model; give them different names"),
        (
            "--n 2 --vary k=csv(table.csv) --out ./table.csv",
            "--out would be written over the file of a table of inputs; give them different names",
        ),
        ("--checkpoint notes.txt", "notes.txt: exists, and is no checkpoint; name another file for the checkpoint"),
        ("--checkpoint .", ".: is no regular file; name another file for the checkpoint"),
    ] {
        let output = place.ensolve(&format!("run section.json --backend cpu {options}"));
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), format!("error: {message}\n")), "{options}");
    }
    assert_eq!(fs::read_to_string(place.0.path().join("notes.txt")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(place.0.path().join("table.csv")).unwrap(), "k\n1\n2\n");
    // A link to a file that is not there yet.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("same.json", place.0.path().join("link.json")).unwrap();
        let output = place.ensolve("run section.json --backend cpu --out link.json --checkpoint same.json");
        let message = "--checkpoint would be written over the file of --out; give them different names";
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), format!("error: {message}\n")));
        place.good("run section.json --backend cpu --out link.json");
        assert!(place.0.path().join("link.json").is_symlink());
        assert_eq!(place.json("same.json")["n"], json!(40));
    }
    assert_eq!(fs::read_to_string(place.0.path().join("section.json")).unwrap(), with_section());
}

#[test]
fn trajectories_that_are_stored_have_checkpoints_too() {
    let place = Place::new();
    place.good("run decay.json --backend cpu --checkpoint c --out all.npz");
    let stdout = place.good("run decay.json --backend cpu --resume c --out again.npz");
    assert!(stdout.contains("; 40 trajectories are from the checkpoint\n"), "{stdout}");
    let bytes = |name: &str| fs::read(place.0.path().join(name)).unwrap();
    assert!(bytes("all.npz") == bytes("again.npz"));
    let output = place.ensolve("run section.json --backend cpu --resume c");
    let why = "c: is the checkpoint of a run that stores trajectories, and this one makes statistics";
    assert_eq!(text(&output.stderr), format!("error: {why}\n"));
}
