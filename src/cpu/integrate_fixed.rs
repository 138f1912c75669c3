//! Fixed steps: how a lane begins, tries and ends a step. Twin of `shaders/integrate_fixed.wgsl`.
//!
//! Step k begins at k dt, never accumulated; the last step takes what is left of the span.

use super::lane::{Attempt, ErrorNorm, Lane, LaneChunk};
use crate::job::RunConfig;
use crate::real::Real;
use crate::status::Status;

/// How many of a lane's next steps neither save nor end, and need no look at anything but the state.
#[inline(always)]
pub fn quiet_steps<R: Real>(config: &RunConfig<R>, lane: &Lane<R>, next_save: R) -> u32 {
    // Two steps off the save time, whatever the rounding of the quotient.
    let until_save = (next_save / config.dt - R::of_f32(2.0)).greater(R::ZERO).lesser(R::of_u32(config.n_steps));
    let end = (until_save.to_f64() as u32).min(config.n_steps - 1).min(config.max_steps - 1);
    end.saturating_sub(lane.accepted)
}

/// Chooses the size of the next step: `dt`, or what is left of the span for the last one.
#[inline(always)]
pub fn begin_step<R: Real>(config: &RunConfig<R>, lane: &mut Lane<R>) -> Attempt<R> {
    let is_last = lane.accepted + 1 >= config.n_steps;
    Attempt { h: if is_last { config.span - lane.tau } else { config.dt }, is_last }
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
            let tau = R::of_u32(lanes.accepted[i]) * config.dt;
            lanes.tau[i] = if lanes.is_last[i] { config.span } else { tau };
            lanes.status[i] = if lanes.is_last[i] { Status::Success } else { lanes.status[i] };
        }
    }
}
