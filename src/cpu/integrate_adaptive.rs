//! Adaptive steps: how a lane begins, tries and ends a step. Twin of `shaders/integrate_adaptive.wgsl`.
//!
//! Time is the offset `tau` from t0 with the rounding of its sum kept in `tau_low`, so that many small steps add up.

use super::controller::control;
use super::lane::{Attempt, ErrorNorm, Lane};
use crate::job::RunConfig;
use crate::real::Real;
use crate::status::Status;

/// Chooses the size of the next step: `dt`, or what is left of the span.
pub fn begin_step<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>) -> Attempt<R> {
    let left = (config.span - lane.tau) - lane.tau_low;
    let is_last = lane.dt >= left;
    Attempt { h: if is_last { left } else { lane.dt }, is_last }
}

/// Accepts or rejects the step, and sets the next `dt`; `culprit` tells what is not finite in the candidate. A step that would
/// be rejected for errors within the rounding of y alone chases noise: it ends the trajectory.
pub fn end_step<R: Real>(
    config: &RunConfig<R>,
    lane: &mut Lane<R>,
    attempt: Attempt<R>,
    norm: ErrorNorm<R>,
    culprit: u32,
) -> bool {
    let finite = culprit == 0;
    let decision = control(config, norm.sq, finite, attempt.h, lane.err_prev, lane.after_rejection);
    lane.dt = decision.dt;
    lane.err_prev = decision.err_prev;
    lane.after_rejection = !decision.accept;
    if !decision.accept {
        lane.rejected += 1;
        let resolution = R::of_f32(R::EPSILON) * (config.t0 + lane.tau).abs();
        let smallest = config.dt_min.greater(resolution);
        if !(attempt.h > smallest) {
            lane.status = if finite { Status::DtUnderflow } else { Status::NonFinite };
            lane.culprit = if finite { lane.culprit } else { culprit };
        }
        if finite && norm.noise_sq > R::ONE {
            lane.status = Status::ToleranceNotReachable;
        }
        lane.dt = lane.dt.greater(smallest);
    }
    decision.accept
}

/// Moves time past an accepted step.
pub fn advance<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>, attempt: Attempt<R>) {
    lane.accepted += 1;
    if attempt.is_last {
        lane.tau = config.span;
        lane.tau_low = R::ZERO;
        lane.status = Status::Success;
        return;
    }
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = attempt.h + lane.tau_low;
    let tau = lane.tau + small;
    lane.tau_low = small - (tau - lane.tau);
    lane.tau = tau;
}
