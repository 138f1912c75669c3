//! Adaptive steps: how a lane begins, tries and ends a step. Twin of `shaders/integrate_adaptive.wgsl`.
//!
//! Time is the offset `tau` from t0 with the rounding of its sum kept in `tau_low`, so that many small steps add up.

use super::controller::{control, grown, growth, log2_norm};
use super::lane::{Attempt, ErrorNorm, Lane, LaneChunk};
use crate::job::RunConfig;
use crate::real::Real;
use crate::status::Status;

/// Chooses the size of the next step: `dt`, or what is left of the span.
#[inline(always)]
pub fn begin_step<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>) -> Attempt<R> {
    let left = (config.span - lane.tau) - lane.tau_low;
    let is_last = lane.dt >= left;
    Attempt { h: if is_last { left } else { lane.dt }, is_last }
}

/// Accepts or rejects the step, and sets the next `dt`; `culprit` tells what is not finite in the candidate. A step that would
/// be rejected for errors within the rounding of y alone chases noise: it ends the trajectory.
#[inline(always)]
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

/// [`end_step`] of a chunk of lanes, whose steps are accepted as a rule: what that takes is done side by side. `failed`
/// tells whether any of the candidates may not be finite.
#[inline(always)]
pub fn end_steps<R: Real, const C: usize>(
    config: &RunConfig<R>,
    lanes: &mut LaneChunk<R, C>,
    h: [R; C],
    norm: [[R; C]; 2],
    culprit: Option<[u32; C]>,
) {
    let [sq, noise_sq] = norm;
    let mut err = [0.0; C];
    for i in 0..C {
        err[i] = sq[i].lesser(R::of_f32(1e30)).to_f32();
    }
    for err in &mut err {
        *err = log2_norm(*err);
    }
    let mut factor = [0.0; C];
    for i in 0..C {
        factor[i] = growth(config, err[i], lanes.err_prev[i], lanes.after_rejection[i]);
    }
    let mut dt = [R::ZERO; C];
    for i in 0..C {
        dt[i] = grown(config, h[i], factor[i]);
    }
    let mut all_accept = culprit.is_none();
    for i in 0..C {
        lanes.accepts[i] = sq[i] <= R::ONE;
    }
    for accepts in lanes.accepts {
        all_accept &= accepts;
    }
    if all_accept {
        lanes.dt = dt;
        lanes.err_prev = err;
        lanes.after_rejection = [false; C];
        return;
    }
    for i in 0..C {
        let culprit = culprit.map_or(0, |culprit| culprit[i]);
        if lanes.accepts[i] && culprit == 0 {
            lanes.dt[i] = dt[i];
            lanes.err_prev[i] = err[i];
            lanes.after_rejection[i] = false;
        } else {
            let mut lane = lanes.get(i);
            let attempt = Attempt { h: h[i], is_last: lanes.is_last[i] };
            let norm = ErrorNorm { sq: sq[i], noise_sq: noise_sq[i] };
            lanes.accepts[i] = end_step(config, &mut lane, attempt, norm, culprit);
            lanes.set(i, lane);
        }
    }
}

/// Moves time past an accepted step.
#[inline(always)]
pub fn advance<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>, attempt: Attempt<R>) {
    lane.accepted += 1;
    lane.status = if attempt.is_last { Status::Success } else { lane.status };
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = attempt.h + lane.tau_low;
    let tau = lane.tau + small;
    lane.tau_low = if attempt.is_last { R::ZERO } else { small - (tau - lane.tau) };
    lane.tau = if attempt.is_last { config.span } else { tau };
}
