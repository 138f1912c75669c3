//! Fixed steps: how a lane begins, tries and ends a step. Twin of `shaders/integrate_fixed.wgsl`.
//!
//! Step k begins at k dt, never accumulated; the last step takes what is left of the span.

use super::lane::{Attempt, ErrorNorm, Lane};
use crate::job::RunConfig;
use crate::real::Real;
use crate::status::Status;

/// Chooses the size of the next step: `dt`, or what is left of the span for the last one.
pub fn begin_step<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>) -> Attempt<R> {
    let is_last = lane.accepted + 1 >= config.n_steps;
    Attempt { h: if is_last { config.span - lane.tau } else { config.dt }, is_last }
}

/// Accepts the step unless it is not finite.
pub fn end_step<R: Real>(
    _config: &RunConfig<R>,
    lane: &mut Lane<R>,
    _attempt: Attempt<R>,
    _norm: ErrorNorm<R>,
    culprit: u32,
) -> bool {
    if culprit != 0 {
        lane.rejected += 1;
        lane.status = Status::NonFinite;
        lane.culprit = culprit;
    }
    culprit == 0
}

/// Moves time past an accepted step.
pub fn advance<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>, attempt: Attempt<R>) {
    lane.accepted += 1;
    lane.tau = if attempt.is_last { config.span } else { R::of_u32(lane.accepted) * config.dt };
    if attempt.is_last {
        lane.status = Status::Success;
    }
}
