//! Rows as text and as JSON.

use super::machine;
use ensolve::bench::{Machine, Place, Row};
use ensolve::real::round_digits;
use serde_json::{Value, json};

/// Digits of numbers in JSON: more than a measurement has.
const DIGITS: usize = 6;

/// A column: its name, its width and what a row has there. Cells have fixed widths, for rows come one by one.
pub type Column = (&'static str, usize, fn(&Row) -> String);

const WORKLOAD: Column = ("workload", 15, |row| row.case.workload.name.to_string());
const STATES: Column = ("states", 6, |row| row.case.workload.n_state.to_string());
const METHOD: Column = ("method", 8, |row| row.case.method.name.to_string());
const PRECISION: Column = ("precision", 9, |row| row.case.precision.name().to_string());
const RTOL: Column = ("rtol", 5, |row| row.case.rtol.map_or("-".to_string(), |rtol| format!("{rtol:e}")));
const TRAJECTORIES: Column = ("trajectories", 12, |row| row.case.trajectories.to_string());
const STEPS: Column = ("steps", 6, |row| format!("{:.1}", row.steps));
const ERROR: Column = ("rel_error", 9, |row| format!("{:.1e}", row.rel_error));
const MEDIAN: Column = ("median/ms", 9, |row| milliseconds(row.seconds));
const PER_SECOND: Column = ("trajectories/s", 14, |row| format!("{:.0}", row.per_second()));
const OF_PEAK: Column = ("of peak", 7, |row| format!("{:.2} %", 100.0 * row.fma_fraction));

/// Columns of work-precision tables of the CPU.
pub const CPU: &[Column] = &[
    WORKLOAD,
    STATES,
    METHOD,
    PRECISION,
    RTOL,
    ("threads", 7, |row| match row.case.place {
        Place::Cpu { threads, .. } => threads.to_string(),
        Place::Gpu => "-".to_string(),
    }),
    TRAJECTORIES,
    STEPS,
    ERROR,
    MEDIAN,
    ("fastest/ms", 10, |row| milliseconds(row.seconds_min)),
    PER_SECOND,
    ("ns/state/step", 13, |row| row.ns_per_state_step().map_or("-".to_string(), |ns| format!("{ns:.2}"))),
    OF_PEAK,
];

/// Columns of large ensembles.
pub const LARGE: &[Column] = &[
    WORKLOAD,
    ("backend", 7, |row| match row.case.place {
        Place::Cpu { .. } => "cpu".to_string(),
        Place::Gpu => "gpu".to_string(),
    }),
    METHOD,
    PRECISION,
    RTOL,
    TRAJECTORIES,
    STEPS,
    ERROR,
    ("first/ms", 8, |row| milliseconds(row.first)),
    ("device/ms", 9, |row| row.work.map_or("-".to_string(), |work| milliseconds(work.seconds))),
    MEDIAN,
    PER_SECOND,
    ("steps/s", 8, |row| format!("{:.2e}", row.steps_per_second())),
    OF_PEAK,
    ("waste", 5, |row| row.work.map_or("-".to_string(), |work| format!("{:.2}", work.waste()))),
    ("slices", 6, |row| row.work.map_or("-".to_string(), |work| work.slices.to_string())),
];

fn milliseconds(seconds: f64) -> String {
    format!("{:.2}", 1e3 * seconds)
}

/// The machine, and the names of the columns.
pub fn heading(machine: &Machine, columns: &[Column]) -> String {
    let threads = match machine::threads() {
        1 => "1 thread".to_string(),
        n => format!("{n} threads"),
    };
    let mut text = format!(
        "{}, {threads}, vectors of {} bits; multiply-add peak of one core: {:.1} Gflop/s in f64, {:.1} in f32\n",
        machine.processor,
        machine.peak.vector_bits,
        1e-9 * machine.peak.double,
        1e-9 * machine.peak.single,
    );
    if let Some(gpu) = &machine.gpu {
        let software = if gpu.is_software { ", which is software on this processor" } else { "" };
        text += &format!("{}{software}; its multiply-add peak: {:.1} Gflop/s\n", gpu.name, 1e-9 * gpu.peak);
    }
    let names = columns.iter().map(|(name, ..)| name.to_string());
    text + "\n" + &line(columns, names) + "\n"
}

fn line(columns: &[Column], cells: impl Iterator<Item = String>) -> String {
    let mut line = String::new();
    for (i, ((_, width, _), cell)) in columns.iter().zip(cells).enumerate() {
        line += &if i == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
    }
    line
}

pub fn as_text(row: &Row, columns: &[Column]) -> String {
    let line = line(columns, columns.iter().map(|(_, _, cell)| cell(row)));
    if row.case.workload.one_by_one { format!("{line}  {:.1} us per solve", row.us_per_solve()) } else { line }
}

pub fn as_json(row: &Row, machine: &Machine) -> Value {
    let case = &row.case;
    let number = |x: f64| round_digits(x, DIGITS);
    let (backend, device, threads, peak) = match (case.place, &machine.gpu) {
        (Place::Cpu { threads, .. }, _) => ("cpu", &machine.processor, Some(threads), machine.peak.of(case.precision)),
        (Place::Gpu, Some(gpu)) => ("gpu", &gpu.name, None, gpu.peak),
        (Place::Gpu, None) => unreachable!("a row of an adapter was measured on one"),
    };
    let mut line = json!({
        "workload": case.workload.name,
        "states": case.workload.n_state,
        "backend": backend,
        "device": device,
        "threads": threads,
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
        "ns_per_state_step": row.ns_per_state_step().map(number),
        "fma_fraction": number(row.fma_fraction),
        "fma_peak": number(peak),
        "runs": row.runs,
        "first_result": number(row.first),
        "steps_per_second": number(row.steps_per_second()),
        "device_seconds": row.work.map(|work| number(work.seconds)),
        "lane_steps": row.work.map(|work| work.lane_steps.executed),
        "waste": row.work.map(|work| number(work.waste())),
        "slices": row.work.map(|work| work.slices),
    });
    if case.workload.one_by_one {
        line["us_per_solve"] = json!(number(row.us_per_solve()));
    }
    if case.place == (Place::Cpu { threads: threads.unwrap_or(0), interpreted: true }) {
        line["interpreted"] = json!(true);
    }
    line
}
