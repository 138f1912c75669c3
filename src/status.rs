//! How the integration of one trajectory ended. The only list of codes: the kernels get theirs from here.

/// The code at the end of a run: what still runs has been stopped.
pub fn stopped_if_running(code: u32) -> u32 {
    if code == Status::Running as u32 { Status::Stopped as u32 } else { code }
}

/// Outcome of one trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Status {
    /// Not finished yet.
    Running = 0,
    /// Reached the end time.
    Success = 1,
    /// The state or the derivative became NaN or infinite, or an output NaN at a save time. The result says which value
    /// it was first.
    NonFinite = 2,
    /// Used up `max_steps`.
    StepLimit = 3,
    /// The step size fell below what time can resolve, or below `dt_min`.
    DtUnderflow = 4,
    /// A step was rejected although its error estimate lay within the rounding of the state: smaller steps cannot help.
    ToleranceNotReachable = 5,
    /// The user stopped the run before the end time.
    Stopped = 6,
    /// Every step was to be saved, and the rows were used up.
    SaveLimit = 7,
}

impl Status {
    /// Every status, in the order of the codes.
    pub const ALL: [Status; 8] = [
        Status::Running,
        Status::Success,
        Status::NonFinite,
        Status::StepLimit,
        Status::DtUnderflow,
        Status::ToleranceNotReachable,
        Status::Stopped,
        Status::SaveLimit,
    ];

    /// The status of a code.
    pub fn from_code(code: u32) -> Option<Status> {
        Status::ALL.into_iter().find(|status| *status as u32 == code)
    }

    /// Name in files, and in upper case in the kernels.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Success => "success",
            Status::NonFinite => "non_finite",
            Status::StepLimit => "step_limit",
            Status::DtUnderflow => "dt_underflow",
            Status::ToleranceNotReachable => "tolerance_not_reachable",
            Status::Stopped => "stopped",
            Status::SaveLimit => "save_limit",
        }
    }

    /// What it means and what to do about it, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Status::Running => "has not finished; this is a bug if you see it in a result",
            Status::Success => "reached the end time",
            Status::NonFinite => {
                "became NaN or infinite: check the model for a pole, a root of a negative number or growth without bound, or use a smaller step"
            }
            Status::StepLimit => {
                "used up max_steps: raise max_steps, loosen rtol and atol, or shorten the time span; a stiff model takes many small steps at any tolerance"
            }
            Status::DtUnderflow => {
                "needed a step below dt_min or below the resolution of time: the solution may have a singularity or be stiff; try f64, looser tolerances or a smaller dt_min"
            }
            Status::ToleranceNotReachable => {
                "asked for less error than the rounding of the state: raise rtol or atol, or use a wider precision (f32x2, f64)"
            }
            Status::Stopped => "was stopped by the user before the end time: what was saved until then is kept",
            Status::SaveLimit => {
                "had more accepted steps than rows to save them: raise max_saved, or save at fewer times, such as {\"points\": 1001}"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn codes_are_positions() {
        for (i, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, i);
            assert_eq!(Status::from_code(i as u32), Some(status));
        }
        assert_eq!(Status::from_code(Status::ALL.len() as u32), None);
    }
}
