//! Adaptive steps: how a lane begins, tries and ends a step. Twin of `shaders/integrate_adaptive.wgsl`.
//!
//! Time is the offset `tau` from t0 with the rounding of its sum kept in `tau_low`, so that many small steps add up.

use super::controller::{control, grown, growth, log2_norm};
use super::lane::{Attempt, ErrorNorm, Lane, LaneChunk};
use crate::job::RunConfig;
use crate::real::Real;
use crate::status::Status;

/// What a step may be longer than it should: where a largest step divides the distance of stops, what is left after the last
/// one would be a step of rounding alone. A thousandth covers that in any format, and is nothing to the controller, which
/// aims a tenth lower than it might.
#[inline(always)]
fn stretched<R: Real>(dt: R) -> R {
    R::of_f32(1.001) * dt
}

/// Chooses the size of the next step: `dt`, or what is left of the segment.
#[inline(always)]
pub fn begin_step<R: Real>(lane: &Lane<R>) -> Attempt<R> {
    let left = (lane.tau_stop - lane.tau) - lane.tau_low;
    let is_last = left <= stretched(lane.dt);
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
    // A step that a stop has cut short says little of how long the next one may be.
    lane.dt = if decision.accept && attempt.is_last { decision.dt.greater(lane.dt) } else { decision.dt };
    lane.err_prev = decision.err_prev;
    lane.after_rejection = !decision.accept;
    if !decision.accept {
        lane.rejected += 1;
        let resolution = R::of_f32(R::EPSILON) * (lane.t0 + lane.tau).abs();
        let smallest = config.dt_min.greater(resolution);
        if !(attempt.h > stretched(smallest)) {
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

/// [`end_step`] of a chunk of lanes. Steps are accepted as a rule: what that takes is done side by side for all lanes, and
/// lanes that reject theirs are done again one by one.
#[inline(always)]
pub fn end_steps<R: Real, const C: usize>(
    config: &RunConfig<R>,
    lanes: &mut LaneChunk<R, C>,
    h: [R; C],
    norm: [[R; C]; 2],
    culprit: Option<[u32; C]>,
) {
    let [sq, noise_sq] = norm;
    let (mut err, mut factor) = ([0.0; C], [0.0; C]);
    for i in 0..C {
        err[i] = sq[i].lesser(R::of_f32(1e30)).to_f32();
    }
    for err in &mut err {
        *err = log2_norm(*err);
    }
    for i in 0..C {
        factor[i] = growth(config, err[i], lanes.err_prev[i], lanes.after_rejection[i]);
    }
    let mut dt = h;
    for i in 0..C {
        let grown = grown(config, h[i], factor[i]);
        dt[i] = if lanes.is_last[i] { grown.greater(lanes.dt[i]) } else { grown };
        lanes.accepts[i] = sq[i] <= R::ONE;
    }
    for (i, culprit) in culprit.into_iter().flatten().enumerate() {
        lanes.accepts[i] &= culprit == 0;
    }
    let before = (lanes.err_prev, lanes.after_rejection, lanes.dt);
    (lanes.dt, lanes.err_prev, lanes.after_rejection) = (dt, err, [false; C]);
    if lanes.accepts == [true; C] {
        return;
    }
    for i in 0..C {
        if !lanes.accepts[i] {
            (lanes.err_prev[i], lanes.after_rejection[i], lanes.dt[i]) = (before.0[i], before.1[i], before.2[i]);
            let mut lane = lanes.get(i);
            let attempt = Attempt { h: h[i], is_last: lanes.is_last[i] };
            let norm = ErrorNorm { sq: sq[i], noise_sq: noise_sq[i] };
            end_step(config, &mut lane, attempt, norm, culprit.map_or(0, |culprit| culprit[i]));
            lanes.set(i, lane);
        }
    }
}

/// Time after a step and what its rounding took.
#[inline(always)]
fn time_after<R: Real>(tau_stop: R, (tau, tau_low): (R, R), attempt: Attempt<R>) -> (R, R) {
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = attempt.h + tau_low;
    let sum = tau + small;
    let low = small - (sum - tau);
    if attempt.is_last { (tau_stop, R::ZERO) } else { (sum, low) }
}

/// Moves time past the accepted steps of a chunk of lanes: all are moved side by side, and those that reject theirs back.
#[inline(always)]
pub fn advance<R: Real, const C: usize>(lanes: &mut LaneChunk<R, C>, h: [R; C]) {
    // Copies, so that a loop writes nothing that it might read.
    let (tau, tau_low, tau_stop, span) = (lanes.tau, lanes.tau_low, lanes.tau_stop, lanes.span);
    let (accepts, is_last) = (lanes.accepts, lanes.is_last);
    let (mut moved, mut moved_low, mut status) = (tau, tau_low, lanes.status);
    for i in 0..C {
        let attempt = Attempt { h: h[i], is_last: is_last[i] };
        (moved[i], moved_low[i]) = time_after(tau_stop[i], (tau[i], tau_low[i]), attempt);
    }
    for i in 0..C {
        moved[i] = if accepts[i] { moved[i] } else { tau[i] };
        moved_low[i] = if accepts[i] { moved_low[i] } else { tau_low[i] };
    }
    for i in 0..C {
        let ends = accepts[i] & is_last[i] & !(tau_stop[i] < span[i]);
        status[i] = if ends { Status::Success } else { status[i] };
    }
    for i in 0..C {
        lanes.accepted[i] += u32::from(accepts[i]);
    }
    (lanes.tau, lanes.tau_low, lanes.status) = (moved, moved_low, status);
}
