//! What a workload must give: the ends of 16 trajectories, and what they are on the way, from files beside this one.
//!
//! A file tells how its numbers were computed, by two methods at least and not by ensolve, and holds the inputs of the 16
//! trajectories, so that a change of an ensemble cannot go unnoticed.

use crate::error::{Error, Result};
use serde_json::Value;

/// Number of trajectories with a reference.
pub const SAMPLES: usize = 16;

/// In the measure of the error this joins the size of the reference, which may be near zero.
const SMALLEST: f64 = 1e-3;

/// States of 16 trajectories at some times.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// How they were computed.
    pub source: String,
    /// Start and end time.
    pub tspan: (f64, f64),
    /// Names of the states and parameters that differ from one trajectory to another, and their 16 values.
    pub inputs: Vec<(String, Vec<f64>)>,
    /// Names of the states.
    pub states: Vec<String>,
    /// Times at which they are known, ascending; the last is the end, and where the file names none it is the only one.
    pub times: Vec<f64>,
    /// States of each trajectory, `[trajectory][time][state]`.
    pub ends: Vec<Vec<f64>>,
}

impl Reference {
    /// Reads a reference file.
    ///
    /// # Errors
    /// [`Error::Model`] with the entry that is missing or has the wrong size.
    pub fn from_json(text: &str) -> Result<Reference> {
        let file: Value = serde_json::from_str(text).map_err(|e| Error::model("", e.to_string()))?;
        let wrong = |path: &str| Error::model(path, "missing, or not what a reference holds");
        let numbers = |value: &Value| value.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
        let word = |value: &Value| value.as_str().map(str::to_string);
        let words = |value: &Value| value.as_array()?.iter().map(word).collect::<Option<Vec<String>>>();
        let input = |(name, values): (&String, &Value)| Some((name.clone(), numbers(values)?));
        let tspan = match numbers(&file["tspan"]).as_deref() {
            Some(&[t0, t1]) => (t0, t1),
            _ => return Err(wrong("tspan")),
        };
        let reference = Reference {
            source: file["source"].as_str().ok_or_else(|| wrong("source"))?.to_string(),
            tspan,
            times: match &file["times"] {
                Value::Null => vec![tspan.1],
                times => numbers(times).filter(|t| t.last() == Some(&tspan.1)).ok_or_else(|| wrong("times"))?,
            },
            inputs: file["inputs"]
                .as_object()
                .and_then(|inputs| inputs.iter().map(input).collect())
                .ok_or_else(|| wrong("inputs"))?,
            states: words(&file["states"]).ok_or_else(|| wrong("states"))?,
            ends: file["ends"]
                .as_array()
                .and_then(|ends| ends.iter().map(numbers).collect())
                .ok_or_else(|| wrong("ends"))?,
        };
        let is_whole = |values: &Vec<f64>| values.len() == SAMPLES;
        if !reference.inputs.iter().all(|(_, values)| is_whole(values)) {
            return Err(wrong("inputs"));
        }
        let n_value = reference.times.len() * reference.states.len();
        if reference.ends.len() != SAMPLES || reference.ends.iter().any(|end| end.len() != n_value) {
            return Err(wrong("ends"));
        }
        Ok(reference)
    }
}

/// Largest of |y - end| / (|end| + 1e-3) over all values; infinite where something is missing or not a number.
pub fn rel_error(values: &[Vec<f64>], ends: &[Vec<f64>]) -> f64 {
    let is_missing = |(values, ends): (&Vec<f64>, &Vec<f64>)| values.len() != ends.len();
    if values.len() != ends.len() || values.iter().zip(ends).any(is_missing) {
        return f64::INFINITY;
    }
    let of = |(y, end): (&f64, &f64)| {
        let error = (y - end).abs() / (end.abs() + SMALLEST);
        if error.is_nan() { f64::INFINITY } else { error }
    };
    let pairs = values.iter().zip(ends).flat_map(|(y, end)| y.iter().zip(end));
    pairs.map(of).fold(0.0, f64::max)
}

/// Refuses values that are further away than allowed.
///
/// # Errors
/// [`Error::Run`] with both.
pub fn check(values: &[Vec<f64>], ends: &[Vec<f64>], allowed: f64) -> Result<f64> {
    let error = rel_error(values, ends);
    if error <= allowed {
        return Ok(error);
    }
    Err(Error::run(format!("the relative error is {error:.1e}, and at most {allowed:.1e} is allowed: no time")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{WORKLOADS, workload::Kept};

    #[test]
    fn every_reference_can_be_read() {
        for workload in WORKLOADS.iter().filter(|workload| workload.kept != Kept::Statistics) {
            let reference = workload.reference().unwrap_or_else(|e| panic!("{}: {e}", workload.title()));
            assert_eq!(reference.states.len(), workload.n_state, "{}", workload.title());
            assert_eq!(reference.tspan, (0.0, workload.t1), "{}", workload.title());
        }
    }

    #[test]
    fn a_wrong_end_is_refused() {
        let reference = WORKLOADS[0].reference().expect("a reference");
        let known = &reference.ends;
        let mut ends = known.clone();
        assert_eq!(check(&ends, known, 0.0), Ok(0.0));
        ends[15][2] *= 1.0 + 1e-6;
        assert!(check(&ends, known, 2e-6).is_ok());
        let message = check(&ends, known, 1e-7).expect_err("a wrong end").to_string();
        assert_eq!(message, "the relative error is 1.0e-6, and at most 1.0e-7 is allowed: no time");
        ends[0][0] = f64::NAN;
        assert!(check(&ends, known, 1e300).is_err());
        assert!(check(&known[1..], known, 1e300).is_err());
    }

    #[test]
    fn a_broken_file_says_where() {
        let text = r#"{"source": "", "tspan": [0, 1], "inputs": {"k": [1]}, "states": [], "ends": []}"#;
        let message = Reference::from_json(text).expect_err("15 inputs are missing").to_string();
        assert_eq!(message, "inputs: missing, or not what a reference holds");
    }
}
