//! The text after a run: how it was made, and what came out.

use ensolve::real::round_digits;
use ensolve::sampling::Sampling;
use ensolve::solution::{RunInfo, Timings};
use ensolve::{Arithmetic, EnsembleResult, Statistics, Status, output};
use std::fmt::Write;

/// Rows of a table of values; the file has them all.
const SHOWN_ROWS: usize = 20;
/// Timings of repetitions; JSON has them all.
const SHOWN_TIMINGS: usize = 10;
/// Preparations that take less are not told.
const TOLD_MS: f64 = 1.0;
/// Trajectories named for each way to fail: enough to replay some.
const SHOWN_FAILURES: usize = 5;

/// Model, time span, the lines of where and what (title and text), method, precision, time and steps.
pub fn heading(result: &EnsembleResult, lines: impl Iterator<Item = (&'static str, String)>) -> String {
    let info = &result.info;
    let n_traj = result.n_traj();
    let trajectories = if n_traj == 1 { "1 trajectory".to_string() } else { format!("{n_traj} trajectories") };
    let made = [
        ("method", info.method.clone()),
        ("precision", precision(info)),
        ("time", time(info, (n_traj - result.count(Status::Stopped)) as u64)),
        ("steps", steps(result)),
    ];
    let waste = waste(info).map(|text| ("waste", text));
    let prepared = prepared(&info.timings).map(|text| ("prepared", text));
    let timings = timings(&info.timings).map(|text| ("timings", text));
    let mut text = format!("{}: {trajectories}, {}\n", info.title(), span(result));
    for (title, line) in lines.chain(made).chain(waste).chain(prepared).chain(timings) {
        let _ = writeln!(text, "  {title:<10} {line}");
    }
    text
}

/// Wall time, and how many of the trajectories that are done it took a second, but for those that an earlier run has done.
pub fn time(info: &RunInfo, n_done: u64) -> String {
    // The fastest repetition after the first has neither start-up nor compilation in it.
    let (seconds, warm) = match info.timings.warm_ms() {
        Some(warm) => (1e-3 * warm, " when warm"),
        None => (info.elapsed.as_secs_f64(), ""),
    };
    let rate = short(n_done.saturating_sub(info.n_resumed) as f64 / seconds);
    let resumed = match info.n_resumed {
        0 => String::new(),
        n => format!("; {n} trajectories are from the checkpoint"),
    };
    format!("{:.3?}, {rate} trajectories per second{warm}{resumed}", info.elapsed)
}

/// How busy lanes were kept that go side by side.
pub fn waste(info: &RunInfo) -> Option<String> {
    let waste = info.lane_steps?.waste()?;
    Some(format!("{waste:.2} steps of lanes for each step of a trajectory, in warps of 32"))
}

/// `, sampling sobol`; what is usual is not told.
pub fn sampling(sampling: Sampling) -> String {
    if sampling == Sampling::Random { String::new() } else { format!(", sampling {}", sampling.name()) }
}

/// `t = 0 to 2`.
fn span(result: &EnsembleResult) -> String {
    let (t0, t1) = result.info.tspan;
    match result.tspans {
        Some(_) if t0.is_nan() => "each of its own time span".to_string(),
        Some(_) if result.n_traj() > 1 => format!("t = {t0} to {t1}, each of its own time span"),
        _ => format!("t = {t0} to {t1}"),
    }
}

/// `in 350 ms (device 305 ms, code 45 ms)`; `None` where it took no time to speak of.
pub fn prepared(timings: &Timings) -> Option<String> {
    let parts = [("device", timings.startup_ms()), ("code", timings.jit_ms())];
    let told: Vec<String> = parts
        .iter()
        .filter(|(_, ms)| *ms > TOLD_MS)
        .map(|(what, ms)| format!("{what} {} ms", digits(*ms, 3)))
        .collect();
    let total = digits(timings.startup_ms() + timings.jit_ms(), 3);
    (!told.is_empty()).then(|| format!("in {total} ms ({})", told.join(", ")))
}

/// `12.1, 3.4, 3.3 ms; warm 3.3 ms`; `None` unless the integration was repeated.
fn timings(timings: &Timings) -> Option<String> {
    let warm = timings.warm_ms()?;
    let all = timings.timings_ms();
    let shown: Vec<String> = all.iter().take(SHOWN_TIMINGS).map(|ms| digits(*ms, 3)).collect();
    let more = if all.len() > SHOWN_TIMINGS { ", ..." } else { "" };
    Some(format!("{}{more} ms; warm {} ms", shown.join(", "), digits(warm, 3)))
}

/// `f32 (exact arithmetic, compensated state)`; what is usual is not told.
pub fn precision(info: &RunInfo) -> String {
    let arithmetic = match info.arithmetic {
        Arithmetic::Standard => None,
        Arithmetic::Exact => Some("exact arithmetic"),
        Arithmetic::FastMath => Some("fast-math"),
    };
    let told: Vec<&str> = arithmetic.into_iter().chain(info.compensated.then_some("compensated state")).collect();
    if told.is_empty() { info.precision.to_string() } else { format!("{} ({})", info.precision, told.join(", ")) }
}

fn steps(result: &EnsembleResult) -> String {
    let [accepted, rejected] = [&result.accepted, &result.rejected];
    if result.n_traj() == 1 {
        return format!("{} accepted, {} rejected", accepted[0], rejected[0]);
    }
    // Those that the user has stopped may not even have begun.
    let mean_max = |counts: &[u32]| {
        let ended = || counts.iter().zip(&result.status).filter(|(_, status)| **status != Status::Stopped);
        let sum: u64 = ended().map(|(count, _)| u64::from(*count)).sum();
        let mean = sum as f64 / ended().count().max(1) as f64;
        (mean, ended().map(|(count, _)| *count).max().unwrap_or(0))
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
    let last = result.n_saved(0).checked_sub(1).filter(|_| result.status[0] == Status::Success);
    let mut table = Vec::new();
    for row in rows.iter().take(SHOWN_ROWS) {
        let value = match (last, *row < result.n_state) {
            (Some(last), _) => result.saved[[last, *row, 0]],
            (None, true) => result.final_states[[*row, 0]],
            // Outputs are computed at save times, and the last one was not reached.
            (None, false) => continue,
        };
        table.push(vec![result.names[*row].clone(), output::shortest(value, result.info.precision)]);
    }
    if result.t_end[0].is_nan() {
        return "\nstopped before the first step\n".to_string();
    }
    let (what, t) = last.map_or(("last accepted state", result.t_end[0]), |last| ("values", result.time(last, 0)));
    format!("\n{what} at t = {t}\n{}", align(&table))
}

fn statistics(result: &EnsembleResult, rows: &[usize]) -> String {
    let statistics = Statistics::at_end(result);
    let Some(moments) = statistics.moments.first() else {
        return "\nno trajectory succeeded: no statistics\n".to_string();
    };
    let mut table = vec![["", "mean", "std", "min", "5%", "median", "95%", "max"].map(String::from).to_vec()];
    for row in rows.iter().take(SHOWN_ROWS) {
        let m = &moments[*row];
        let [q05, _, median, _, q95] = m.quantiles;
        let numbers = [m.mean, m.std, m.min, q05, median, q95, m.max].map(short);
        table.push(std::iter::once(result.names[*row].clone()).chain(numbers).collect());
    }
    let n_stopped = result.count(Status::Stopped);
    let left_out = [(statistics.n_left_out - n_stopped, "failed"), (n_stopped, "stopped")];
    let left_out: Vec<String> = left_out.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect();
    let left_out = if left_out.is_empty() { String::new() } else { format!(" ({} left out)", left_out.join(", ")) };
    let place = match (&result.times, result.t.last()) {
        (None, Some(t)) => format!("t = {t}"),
        _ => "the last save time of each".to_string(),
    };
    format!("\nstatistics at {place} over {} trajectories{left_out}\n{}", statistics.n_used, align(&table))
}

/// Columns side by side: names to the left, numbers to the right.
pub fn align(table: &[Vec<String>]) -> String {
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
pub fn short(x: f64) -> String {
    let scientific = format!("{x:.5e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        _ if x == 0.0 => "0".to_string(),
        Some(exponent @ -4..6) => format!("{x:.*}", (5 - exponent) as usize),
        _ => scientific,
    }
}

/// A number of so many significant digits, without the zeros that end it: `0.5`, `40`, `1.2e7`.
pub fn digits(x: f64, n: usize) -> String {
    let x = round_digits(x, n);
    let is_plain = x == 0.0 || !x.is_finite() || (1e-4..1e6).contains(&x.abs());
    if is_plain { x.to_string() } else { format!("{x:e}") }
}

/// For each way to fail: how many, what to do, and which ones, to be replayed. `None` if all succeeded that were not stopped.
pub fn failures(result: &EnsembleResult) -> Option<String> {
    let (n, n_failed) = (result.n_traj(), result.n_traj() - result.n_finished() - result.count(Status::Stopped));
    if n_failed == 0 {
        return None;
    }
    let late: Vec<usize> = (0..n).filter(|i| has_reached_end(result, *i)).collect();
    let n_late = late.len();
    // What callbacks leave at the end time is saved nowhere else.
    let has_bad_state = |i: &&usize| result.final_states.column(**i).iter().any(|y| !y.is_finite());
    let fault = match late.iter().filter(has_bad_state).count() {
        0 => "a saved value is not a number",
        n_bad if n_bad == n_late => "the last state is not finite",
        _ => "a saved value or the last state is not finite",
    };
    let what = match n_failed - n_late {
        0 => format!("reached the end time, but {fault}"),
        n_early if n_early == n_failed => "did not reach the end time".to_string(),
        n_early => format!("failed: {n_early} did not reach the end time, {n_late} did, but {fault}"),
    };
    let mut text = format!("warning: {n_failed} of {n} trajectories {what}\n");
    let is_failure = |status: Status| !matches!(status, Status::Success | Status::Stopped);
    for (status, count) in result.status_counts().into_iter().filter(|(status, _)| is_failure(*status)) {
        let _ = writeln!(text, "  {count} {}: {}", status.name(), status.advice());
        let some: Vec<usize> = (0..n).filter(|i| result.status[*i] == status).take(SHOWN_FAILURES).collect();
        let named: Vec<String> = some.iter().map(|i| name_failure(result, *i)).collect();
        let more = if count > SHOWN_FAILURES { ", ..." } else { "" };
        let first = result.first + some[0] as u64;
        let _ = writeln!(text, "    trajectory {}{more}; --only {first} replays one", named.join(", "));
    }
    Some(text)
}

/// Whether a trajectory failed at the end time only, for an output that was NaN does not end it.
fn has_reached_end(result: &EnsembleResult, i: usize) -> bool {
    let (t0, t1) = result.tspan(i);
    // Time is rounded to the precision of the run.
    let resolution = result.info.precision.epsilon() * (t0.abs() + t1.abs());
    result.status[i] == Status::NonFinite && (result.t_end[i] - t1).abs() <= resolution
}

/// `17`, or `17 (x at t = 1.25)` where x was not finite.
fn name_failure(result: &EnsembleResult, i: usize) -> String {
    let number = result.first + i as u64;
    match result.culprit[i].filter(|_| result.status[i] == Status::NonFinite) {
        None => number.to_string(),
        Some(row) => format!("{number} ({} at t = {})", result.names[row], digits(time_of_failure(result, i, row), 6)),
    }
}

/// Save time at which the value was first not finite (an output: NaN); else it broke the step after the last accepted one.
fn time_of_failure(result: &EnsembleResult, i: usize, row: usize) -> f64 {
    let is_bad = |x: f64| if row < result.n_state { !x.is_finite() } else { x.is_nan() };
    let ((t0, _), t_end) = (result.tspan(i), result.t_end[i]);
    // Time may run backward.
    let mut reached = (0..result.n_saved(i)).take_while(|k| (result.time(*k, i) - t0).abs() <= (t_end - t0).abs());
    reached.find(|k| is_bad(result.saved[[*k, row, i]])).map_or(t_end, |k| result.time(k, i))
}
