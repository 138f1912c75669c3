//! The text after a run: how it was made, and what came out.

use ensolve::{EnsembleResult, Statistics, Status, output};
use std::fmt::Write;

/// Rows of a table of values; the file has them all.
const SHOWN_ROWS: usize = 20;
/// Trajectories named for each way to fail: enough to replay some.
const SHOWN_FAILURES: usize = 5;

/// Model, time span, the lines of where and what (title and text), method, precision, time and steps.
pub fn heading(result: &EnsembleResult, lines: impl Iterator<Item = (&'static str, String)>) -> String {
    let info = &result.info;
    let model = if info.model.is_empty() { "(unnamed model)" } else { &info.model };
    let n_traj = result.n_traj();
    let trajectories = if n_traj == 1 { "1 trajectory".to_string() } else { format!("{n_traj} trajectories") };
    let rate = n_traj as f64 / info.elapsed.as_secs_f64();
    let made = [
        ("method", info.method.clone()),
        ("precision", info.precision.to_string()),
        ("time", format!("{:.3?}, {} trajectories per second", info.elapsed, short(rate))),
        ("steps", steps(result)),
    ];
    let mut text = format!("{model}: {trajectories}, t = {} to {}\n", info.tspan.0, info.tspan.1);
    for (title, line) in lines.chain(made) {
        let _ = writeln!(text, "  {title:<10} {line}");
    }
    text
}

fn steps(result: &EnsembleResult) -> String {
    let [accepted, rejected] = [&result.accepted, &result.rejected];
    if result.n_traj() == 1 {
        return format!("{} accepted, {} rejected", accepted[0], rejected[0]);
    }
    let mean_max = |counts: &[u32]| {
        let sum: u64 = counts.iter().copied().map(u64::from).sum();
        let mean = sum as f64 / counts.len() as f64;
        (mean, counts.iter().copied().max().unwrap_or(0))
    };
    let ((accepted, most_accepted), (rejected, most_rejected)) = (mean_max(accepted), mean_max(rejected));
    format!(
        "{accepted:.1} accepted (at most {most_accepted}), {rejected:.1} rejected (at most {most_rejected}) per trajectory"
    )
}

/// The last saved values: of one trajectory themselves, of an ensemble their statistics.
pub fn values(result: &EnsembleResult, rows: &[usize]) -> String {
    let mut text = if result.n_traj() == 1 { single(result, rows) } else { statistics(result, rows) };
    if rows.len() > SHOWN_ROWS {
        let _ = writeln!(text, "... and {} more; --columns selects, --out writes all", rows.len() - SHOWN_ROWS);
    }
    text
}

fn single(result: &EnsembleResult, rows: &[usize]) -> String {
    let is_finished = result.status[0] == Status::Success;
    let last = result.t.len() - 1;
    let mut table = Vec::new();
    for row in rows.iter().take(SHOWN_ROWS) {
        let value = match (is_finished, *row < result.n_state) {
            (true, _) => result.saved[[last, *row, 0]],
            (false, true) => result.final_states[[*row, 0]],
            // Outputs are computed at save times, and the last one was not reached.
            (false, false) => continue,
        };
        table.push(vec![result.names[*row].clone(), output::shortest(value, result.info.precision)]);
    }
    let (what, t) = if is_finished { ("values", result.t[last]) } else { ("last accepted state", result.t_end[0]) };
    format!("\n{what} at t = {t}\n{}", align(&table))
}

fn statistics(result: &EnsembleResult, rows: &[usize]) -> String {
    let statistics = Statistics::at_end(result);
    let Some(moments) = statistics.moments.first() else {
        return "\nno trajectory finished: no statistics\n".to_string();
    };
    let mut table = vec![["", "mean", "std", "min", "5%", "median", "95%", "max"].map(String::from).to_vec()];
    for row in rows.iter().take(SHOWN_ROWS) {
        let m = &moments[*row];
        let [q05, _, median, _, q95] = m.quantiles;
        let numbers = [m.mean, m.std, m.min, q05, median, q95, m.max].map(short);
        table.push(std::iter::once(result.names[*row].clone()).chain(numbers).collect());
    }
    let left_out = match statistics.n_left_out {
        0 => String::new(),
        n => format!(" ({n} unfinished left out)"),
    };
    let t = result.t[result.t.len() - 1];
    format!("\nstatistics at t = {t} over {} trajectories{left_out}\n{}", statistics.n_used, align(&table))
}

/// Columns side by side: names to the left, numbers to the right.
fn align(table: &[Vec<String>]) -> String {
    let n_column = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_column).map(width).collect();
    let mut text = String::new();
    for cells in table {
        let _ = write!(text, "  {:<width$}", cells[0], width = widths[0]);
        for (cell, width) in cells.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

/// Six significant digits.
fn short(x: f64) -> String {
    let scientific = format!("{x:.5e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        _ if x == 0.0 => "0".to_string(),
        Some(exponent @ -4..6) => format!("{x:.*}", (5 - exponent) as usize),
        _ => scientific,
    }
}

/// For each way to fail: how many, what to do, and which ones, to be replayed. `None` if all finished.
pub fn failures(result: &EnsembleResult) -> Option<String> {
    let n_failed = result.n_traj() - result.n_finished();
    if n_failed == 0 {
        return None;
    }
    let mut text = format!("warning: {n_failed} of {} trajectories did not reach the end time\n", result.n_traj());
    for (status, count) in result.status_counts().into_iter().filter(|(status, _)| *status != Status::Success) {
        let _ = writeln!(text, "  {count} {}: {}", status.name(), status.advice());
        let numbers: Vec<String> = (0..result.n_traj())
            .filter(|i| result.status[*i] == status)
            .take(SHOWN_FAILURES)
            .map(|i| (result.first + i as u64).to_string())
            .collect();
        let more = if count > SHOWN_FAILURES { ", ..." } else { "" };
        let _ = writeln!(text, "    trajectory {}{more}; --only {} replays one", numbers.join(", "), numbers[0]);
    }
    Some(text)
}
