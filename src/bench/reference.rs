//! What a workload must give: the ends of 16 trajectories, from files beside this one.
//!
//! A file tells how its numbers were computed, by two methods at least and not by ensolve, and holds the inputs of the 16
//! trajectories, so that a change of an ensemble cannot go unnoticed.

use crate::error::{Error, Result};
use serde_json::Value;

/// Number of trajectories with a reference.
pub const SAMPLES: usize = 16;

/// In the measure of the error this joins the size of the reference, which may be near zero.
const SMALLEST: f64 = 1e-3;

/// Ends of 16 trajectories.
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
    /// State of each trajectory at the end.
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
        let reference = Reference {
            source: file["source"].as_str().ok_or_else(|| wrong("source"))?.to_string(),
            tspan: match numbers(&file["tspan"]).as_deref() {
                Some(&[t0, t1]) => (t0, t1),
                _ => return Err(wrong("tspan")),
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
        if reference.ends.len() != SAMPLES || reference.ends.iter().any(|end| end.len() != reference.states.len()) {
            return Err(wrong("ends"));
        }
        Ok(reference)
    }

    /// Largest of |y - end| / (|end| + 1e-3) over all trajectories and states; infinite where something is missing or not
    /// a number.
    pub fn rel_error(&self, ends: &[Vec<f64>]) -> f64 {
        if ends.len() != SAMPLES || ends.iter().any(|end| end.len() != self.states.len()) {
            return f64::INFINITY;
        }
        let of = |(y, end): (&f64, &f64)| {
            let error = (y - end).abs() / (end.abs() + SMALLEST);
            if error.is_nan() { f64::INFINITY } else { error }
        };
        let pairs = ends.iter().zip(&self.ends).flat_map(|(y, end)| y.iter().zip(end));
        pairs.map(of).fold(0.0, f64::max)
    }

    /// Refuses ends that are further away than allowed.
    ///
    /// # Errors
    /// [`Error::Run`] with both.
    pub fn check(&self, ends: &[Vec<f64>], allowed: f64) -> Result<f64> {
        let error = self.rel_error(ends);
        if error <= allowed {
            return Ok(error);
        }
        Err(Error::run(format!("the relative error is {error:.1e}, and at most {allowed:.1e} is allowed: no time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::WORKLOADS;

    #[test]
    fn every_reference_can_be_read() {
        for workload in &WORKLOADS {
            let reference = workload.reference().unwrap_or_else(|e| panic!("{}: {e}", workload.title()));
            assert_eq!(reference.states.len(), workload.n_state, "{}", workload.title());
            assert_eq!(reference.tspan, (0.0, workload.t1), "{}", workload.title());
        }
    }

    #[test]
    fn a_wrong_end_is_refused() {
        let reference = WORKLOADS[0].reference().expect("a reference");
        let mut ends = reference.ends.clone();
        assert_eq!(reference.check(&ends, 0.0), Ok(0.0));
        ends[15][2] *= 1.0 + 1e-6;
        assert!(reference.check(&ends, 2e-6).is_ok());
        let message = reference.check(&ends, 1e-7).expect_err("a wrong end").to_string();
        assert_eq!(message, "the relative error is 1.0e-6, and at most 1.0e-7 is allowed: no time");
        ends[0][0] = f64::NAN;
        assert!(reference.check(&ends, 1e300).is_err());
        assert!(reference.check(&reference.ends[1..], 1e300).is_err());
    }

    #[test]
    fn a_broken_file_says_where() {
        let text = r#"{"source": "", "tspan": [0, 1], "inputs": {"k": [1]}, "states": [], "ends": []}"#;
        let message = Reference::from_json(text).expect_err("15 inputs are missing").to_string();
        assert_eq!(message, "inputs: missing, or not what a reference holds");
    }
}
