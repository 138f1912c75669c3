//! The text of `--verify`: against what was compared, how large the errors are, and what could not be compared.

use super::summary::digits;
use ensolve::{EnsembleResult, Verification};
use std::fmt::Write;

/// Digits of an error: its size is what counts.
const ERROR_DIGITS: usize = 2;
/// Digits of a time.
const TIME_DIGITS: usize = 6;

/// A paragraph.
pub fn describe(result: &EnsembleResult, verification: &Verification) -> String {
    let (k, n) = (verification.trajectories.len(), result.n_traj());
    let which = match n {
        1 => "the trajectory".to_string(),
        _ if k == n => format!("all {n} trajectories"),
        _ => format!("{k} of {n} trajectories"),
    };
    let mut text = format!("\nverification: {which} against f64 on the cpu, {}\n", verification.method);
    if let Some(errors) = errors(n, verification) {
        let _ = writeln!(text, "  error in tolerance units: {errors}");
    }
    let left_out = [
        (verification.n_run_failed, "failed in the run"),
        (verification.n_reference_failed, "failed in the reference"),
        (verification.n_both_failed, "failed in both"),
        (verification.n_stopped, "not solved, for Ctrl-C stopped the verification"),
    ];
    let reasons: Vec<String> =
        left_out.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    if !reasons.is_empty() {
        let count: usize = left_out.iter().map(|(count, _)| count).sum();
        let _ = writeln!(text, "  {count} not compared: {}", reasons.join(", "));
    }
    text
}

/// `median 3.1, 90% 8.2, 99% 40, largest 55 (trajectory 4711, y at t = 12.5)`; a single error is itself.
fn errors(n_traj: usize, verification: &Verification) -> Option<String> {
    let [median, q90, q99, largest] = verification.quantiles?.map(|q| digits(q, ERROR_DIGITS));
    let place = verification.worst.as_ref().map(|worst| {
        let trajectory = if n_traj == 1 { String::new() } else { format!("trajectory {}, ", worst.trajectory) };
        format!(" ({trajectory}{} at t = {})", worst.state, digits(worst.t, TIME_DIGITS))
    });
    let largest = largest + &place.unwrap_or_default();
    Some(match verification.n_compared() {
        1 => largest,
        _ => format!("median {median}, 90% {q90}, 99% {q99}, largest {largest}"),
    })
}
