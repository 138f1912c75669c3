//! `ensolve bench`: the library's benchmark as a table or as JSON, a row as soon as it is measured.

use super::args::{BackendName, precision, whole};
use super::vary::finite;
use super::{Report, WRONG, print_now};
use clap::Args;
use ensolve::bench::{self, Choice, Peak, Row, WORKLOADS, machine};
use ensolve::real::round_digits;
use ensolve::{Error, Precision, Result};
use serde_json::{Value, json};

/// Digits of numbers in JSON: more than a measurement has.
const DIGITS: usize = 6;
/// More threads than any machine has cores.
const MAX_THREADS: u64 = 1024;

#[derive(Args)]
pub struct BenchArgs {
    /// Workloads to measure, by name [default: all, listed below]
    workloads: Vec<String>,
    /// Where to run: on the cpu, so far
    #[arg(long, value_enum, default_value_t = BackendName::Cpu)]
    backend: BackendName,
    /// Methods for all of them, separated by commas [default: rk4 and tsit5 for lorenz_fixed, else tsit5]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    method: Vec<String>,
    /// Make no machine code but interpret the equations, for comparison
    #[arg(long)]
    interpreted: bool,
    /// Number format, f32 or f64
    #[arg(long, value_name = "FORMAT", value_parser = format, default_value = "f64")]
    precision: Precision,
    /// Numbers of threads, separated by commas [default: 1, then as many as there are cores]
    #[arg(long, value_name = "N,..", value_delimiter = ',', value_parser = threads, allow_negative_numbers = true)]
    threads: Vec<usize>,
    /// Relative tolerances of adaptive steps, separated by commas [default: 1e-3 to 1e-9 by decades, as far as the format
    /// goes; for single its end alone]
    #[arg(long, value_name = "A,..", value_delimiter = ',', value_parser = finite, allow_negative_numbers = true)]
    rtol: Vec<f64>,
    /// Number of trajectories, rounded up to one that has all references [default: the workload's own]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    trajectories: Option<u64>,
    /// Print each row as a line of JSON
    #[arg(long)]
    json: bool,
}

/// The workloads, and what a row says.
pub fn help() -> String {
    let mut text = "Workloads:\n".to_string();
    let mut known = WORKLOADS.to_vec();
    known.dedup_by_key(|workload| workload.name);
    known.iter().for_each(|workload| text += &format!("  {:<16} {}\n", workload.name, workload.about));
    text + "
Columns:
  steps            attempted steps of a trajectory, on average
  rel_error        largest |y - ref|/(|ref| + 1e-3) of 16 stored references at the end
  median, fastest  milliseconds of a run, from distributions to results
  ns/state/step    nanoseconds of one thread for one state and step
  of peak          counted operations, by what the threads' multiply-add units could do

A row whose trajectories fail, or are further from the references than the tolerance
allows, has no time.
Exit codes: 0 all rows are good, 1 some are not (reasons on stderr), 2 bad input."
}

fn format(text: &str) -> std::result::Result<Precision, String> {
    match precision(text) {
        Ok(format @ (Precision::F32 | Precision::F64)) => Ok(format),
        _ => Err("known here: f32, f64".to_string()),
    }
}

fn threads(text: &str) -> std::result::Result<usize, String> {
    match whole(text)? {
        n @ 1..=MAX_THREADS => Ok(n as usize),
        _ => Err(format!("expected 1 to {MAX_THREADS}")),
    }
}

/// Measures and prints row by row.
pub fn bench(args: &BenchArgs) -> Result<Report> {
    if args.backend == BackendName::Gpu {
        let message = "the bench runs on the cpu backend so far; leave out --backend gpu";
        return Err(Error::Unsupported(message.to_string()));
    }
    let cases = bench::plan(&Choice {
        names: args.workloads.clone(),
        methods: args.method.clone(),
        interpreted: args.interpreted,
        precision: args.precision,
        threads: args.threads.clone(),
        rtols: args.rtol.clone(),
        trajectories: args.trajectories,
    })?;
    let (device, peak) = (machine::processor(), Peak::measure()?);
    let mut report = Report::good(String::new());
    if cfg!(debug_assertions) {
        report = report.warned(&["this is a debug build; only one made with --release tells anything".to_string()]);
    }
    if !args.json && !print_now(&heading(&device, &peak))? {
        return Ok(report);
    }
    for case in &cases {
        match bench::measure(case, &peak) {
            Ok(row) => {
                let line = if args.json { as_json(&row, &device, &peak).to_string() } else { as_text(&row) };
                if !print_now(&(line + "\n"))? {
                    return Ok(report);
                }
            }
            Err(error) => {
                report.warnings += &format!("error: {error}\n");
                report.code = WRONG;
            }
        }
    }
    Ok(report)
}

/// The machine, and the names of the columns.
fn heading(device: &str, peak: &Peak) -> String {
    let threads = match machine::threads() {
        1 => "1 thread".to_string(),
        n => format!("{n} threads"),
    };
    format!(
        "{device}, {threads}, vectors of {} bits; multiply-add peak of one core: {:.1} Gflop/s in f64, {:.1} in f32\n\n{}\n",
        peak.vector_bits,
        1e-9 * peak.double,
        1e-9 * peak.single,
        columns([
            "workload",
            "states",
            "method",
            "precision",
            "rtol",
            "threads",
            "trajectories",
            "steps",
            "rel_error",
            "median/ms",
            "fastest/ms",
            "trajectories/s",
            "ns/state/step",
            "of peak",
        ])
    )
}

/// Cells in columns of fixed width, for rows come one by one.
fn columns(cells: [&str; 14]) -> String {
    const WIDTHS: [usize; 14] = [15, 6, 8, 9, 5, 7, 12, 6, 9, 9, 10, 14, 13, 7];
    let mut line = String::new();
    for (i, (cell, width)) in cells.into_iter().zip(WIDTHS).enumerate() {
        line += &if i == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
    }
    line
}

fn as_text(row: &Row) -> String {
    let case = &row.case;
    let milliseconds = |seconds: f64| format!("{:.2}", 1e3 * seconds);
    let line = columns([
        case.workload.name,
        &case.workload.n_state.to_string(),
        case.method.name,
        case.precision.name(),
        &case.rtol.map_or("-".to_string(), |rtol| format!("{rtol:e}")),
        &case.threads.to_string(),
        &case.trajectories.to_string(),
        &format!("{:.1}", row.steps),
        &format!("{:.1e}", row.rel_error),
        &milliseconds(row.seconds),
        &milliseconds(row.seconds_min),
        &format!("{:.0}", row.per_second()),
        &format!("{:.2}", row.ns_per_state_step()),
        &format!("{:.2} %", 100.0 * row.fma_fraction),
    ]);
    if case.workload.one_by_one { format!("{line}  {:.1} us per solve", row.us_per_solve()) } else { line }
}

fn as_json(row: &Row, device: &str, peak: &Peak) -> Value {
    let case = &row.case;
    let number = |x: f64| round_digits(x, DIGITS);
    let mut line = json!({
        "workload": case.workload.name,
        "states": case.workload.n_state,
        "backend": "cpu",
        "device": device,
        "threads": case.threads,
        "method": case.method.name,
        "precision": case.precision.name(),
        "rtol": case.rtol,
        "dt": case.workload.dt(),
        "trajectories": case.trajectories,
        "steps": number(row.steps),
        "rel_error": number(row.rel_error),
        "seconds": number(row.seconds),
        "seconds_min": number(row.seconds_min),
        "per_second": number(row.per_second()),
        "ns_per_state_step": number(row.ns_per_state_step()),
        "fma_fraction": number(row.fma_fraction),
        "fma_peak": number(peak.of(case.precision)),
    });
    if case.workload.one_by_one {
        line["us_per_solve"] = json!(number(row.us_per_solve()));
    }
    if case.interpreted {
        line["interpreted"] = json!(true);
    }
    line
}
