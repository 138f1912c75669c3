//! Fixed steps: how a lane begins, tries and ends a step. Twin of `shaders/integrate_fixed.wgsl`.
//!
//! Step k of a segment begins k dt after it, never accumulated; its last step takes what is left.

use super::lane::{Attempt, ErrorNorm, Lane, LaneChunk, Tables};
use crate::job::RunConfig;
use crate::real::Real;
use crate::status::Status;

/// Steps from the beginning of the segment to its end, at least one. What is left beyond whole steps is rounding if it is
/// below a millionth of a step or below the resolution of time.
pub fn segment_steps<R: Real>(tables: &Tables<R>, lane: &Lane<R>) -> u32 {
    let config = &tables.config;
    if config.n_steps > 0 && !tables.has_stops || tables.is_adaptive {
        return config.n_steps;
    }
    let resolution = (R::of_f32(4.0 * R::EPSILON) * lane.tau_stop) / config.dt;
    let rest = resolution.greater(R::of_f32(1e-6)).lesser(R::of_f32(0.5));
    let wanted = ((lane.tau_stop - lane.tau_segment) / config.dt - rest).greater(R::ZERO);
    let whole = wanted.to_f64() as u32;
    (whole + u32::from(R::of_u32(whole) < wanted)).max(1)
}

/// Offset from t0 of the beginning of a step, by its number.
#[inline(always)]
pub fn step_time<R: Real>(config: &RunConfig<R>, lane: &Lane<R>, k: u32) -> R {
    lane.tau_segment + R::of_u32(k - lane.first_step) * config.dt
}

/// How many of a lane's next steps neither save nor end the segment, and need no look at anything but the state.
#[inline(always)]
pub fn quiet_steps<R: Real>(config: &RunConfig<R>, lane: &Lane<R>, next_save: R) -> u32 {
    // Two steps off the save time, whatever the rounding of the quotient.
    let save_step = ((next_save - lane.tau_segment) / config.dt - R::of_f32(2.0)).greater(R::ZERO);
    let save_step = lane.first_step + save_step.lesser(R::of_u32(lane.last_step)).to_f64() as u32;
    let end = save_step.min(lane.last_step - 1).min(config.max_steps - 1);
    end.saturating_sub(lane.accepted)
}

/// Chooses the size of the next step: `dt`, or what is left of the segment for its last one.
#[inline(always)]
pub fn begin_step<R: Real>(config: &RunConfig<R>, lane: &Lane<R>) -> Attempt<R> {
    let is_last = lane.accepted + 1 >= lane.last_step;
    Attempt { h: if is_last { lane.tau_stop - lane.tau } else { config.dt }, is_last }
}

/// Accepts the step unless it is not finite.
#[inline(always)]
pub fn end_step<R: Real>(
    _config: &RunConfig<R>,
    lane: &mut Lane<R>,
    _attempt: Attempt<R>,
    _norm: ErrorNorm<R>,
    culprit: u32,
) -> bool {
    let failed = culprit != 0;
    lane.rejected += u32::from(failed);
    lane.status = if failed { Status::NonFinite } else { lane.status };
    lane.culprit = if failed { culprit } else { lane.culprit };
    !failed
}

/// [`end_step`] of a chunk of lanes.
#[inline(always)]
pub fn end_steps<R: Real, const C: usize>(
    config: &RunConfig<R>,
    lanes: &mut LaneChunk<R, C>,
    h: [R; C],
    norm: [[R; C]; 2],
    culprit: Option<[u32; C]>,
) {
    lanes.accepts = [true; C];
    for (i, culprit) in culprit.into_iter().flatten().enumerate() {
        let mut lane = lanes.get(i);
        let attempt = Attempt { h: h[i], is_last: lanes.is_last[i] };
        let norm = ErrorNorm { sq: norm[0][i], noise_sq: norm[1][i] };
        lanes.accepts[i] = end_step(config, &mut lane, attempt, norm, culprit);
        lanes.set(i, lane);
    }
}

/// Moves time past the accepted steps of a chunk of lanes.
#[inline(always)]
pub fn advance<R: Real, const C: usize>(config: &RunConfig<R>, lanes: &mut LaneChunk<R, C>) {
    for i in 0..C {
        if lanes.accepts[i] {
            lanes.accepted[i] += 1;
            let tau = step_time(config, &lanes.get(i), lanes.accepted[i]);
            lanes.tau[i] = if lanes.is_last[i] { lanes.tau_stop[i] } else { tau };
            let ends = lanes.is_last[i] & !(lanes.tau_stop[i] < lanes.span[i]);
            lanes.status[i] = if ends { Status::Success } else { lanes.status[i] };
        }
    }
}
