//! Tolerances of each state slot: from the settings, and raised to what the number format can deliver.

use crate::compile::CompiledSpec;
use crate::error::{Error, Result, suggest};
use crate::job::Job;
use crate::real::Precision;
use crate::spec::Tolerance;

/// The tolerance of each slot; `what` is `rtol` or `atol`, for messages.
///
/// # Errors
/// [`Error::Run`] for names that no state has.
pub fn tolerances(spec: &CompiledSpec, what: &str, given: Option<&Tolerance>, default: f64) -> Result<Vec<f64>> {
    let n = spec.state_size();
    match given {
        None => Ok(vec![default; n]),
        Some(Tolerance::Scalar(value)) => Ok(vec![*value; n]),
        Some(Tolerance::PerState(map)) => {
            let mut out = vec![default; n];
            for (name, value) in map {
                let range = spec.state_index_map.get(name).map(|(start, end)| *start..*end);
                let slot = || spec.program.state_names.iter().position(|n| n == name).map(|i| i..i + 1);
                let Some(range) = range.or_else(slot) else {
                    let known = spec.program.state_names.iter().map(String::as_str);
                    return Err(Error::run(format!(
                        "{what}: no state is named '{name}'{}",
                        suggest("known names", name, known)
                    )));
                };
                out[range].fill(*value);
            }
            Ok(out)
        }
    }
}

/// Raises relative tolerances that the precision cannot deliver, and says so. 0 stays: it is the choice of the absolute
/// tolerance alone, and whether that can be delivered depends on the size of the solution.
pub fn raise_to_floor(job: &mut Job) -> Vec<String> {
    if !job.method.is_adaptive() {
        return Vec::new();
    }
    let floor = job.method.rtol_floor(job.precision);
    let mut raised: Vec<(f64, Vec<&str>)> = Vec::new();
    for (rtol, name) in job.rtol.iter_mut().zip(&job.program.state_names).filter(|(rtol, _)| **rtol < floor) {
        if *rtol == 0.0 {
            continue;
        }
        match raised.iter_mut().find(|(given, _)| given == rtol) {
            Some((_, names)) => names.push(name),
            None => raised.push((*rtol, vec![name])),
        }
        *rtol = floor;
    }
    let wider: Vec<&str> =
        Precision::ALL.into_iter().filter(|p| p.epsilon() < job.precision.epsilon()).map(Precision::name).collect();
    let remedy = match &wider[..] {
        [] => "no precision delivers less".to_string(),
        wider => format!("use precision {} for less", wider.join(" or ")),
    };
    let warning = |(rtol, names): (f64, Vec<&str>)| {
        let states = if names.len() == job.rtol.len() { String::new() } else { format!(" of {}", list(&names)) };
        let (precision, method) = (job.precision, &job.method.name);
        format!(
            "rtol {rtol:e}{states} is below what {precision} can deliver with {method} ({floor:e}), which is used instead; {remedy}"
        )
    };
    raised.into_iter().map(warning).collect()
}

/// `'x', 'y', 'z' and 7 more`.
fn list(names: &[&str]) -> String {
    const LISTED: usize = 3;
    let listed = names.iter().take(LISTED).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=LISTED => listed,
        n => format!("{listed} and {} more", n - LISTED),
    }
}
