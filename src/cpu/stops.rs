//! Stops: where a segment of the integration ends, and what happens there. Twin of `shaders/stops.wgsl`.
//!
//! A step ends at a stop exactly. Then callbacks fire, each on what the one before has left, and the right-hand side, which
//! may have jumped, is evaluated anew.

use super::control::Controls;
use super::integrate_fixed::segment_steps;
use super::lane::{Attempt, Lane, Tables};
use super::start::Loose;
use crate::program::{CallbackProgram, Evaluator, OdeProgram};
use crate::real::Real;

/// What a few roundings may take from times up to the end of the segment; nothing where the right-hand side does not jump in
/// time: it would shift all times to one side.
#[inline(always)]
fn time_slack<R: Real>(tables: &Tables<R>, lane: &Lane<R>) -> R {
    if !tables.jumps_in_time {
        return R::ZERO;
    }
    let t = (lane.t0 + lane.tau).abs();
    R::of_f32(4.0 * R::EPSILON) * t.greater(lane.tau_stop)
}

/// The step that the times of its stages are taken with: just short of a stop, where the right-hand side may jump.
#[inline(always)]
pub fn time_step<R: Real>(tables: &Tables<R>, lane: &Lane<R>, attempt: Attempt<R>) -> R {
    if tables.has_stops && attempt.is_last { attempt.h - time_slack(tables, lane) } else { attempt.h }
}

/// Time as the first stage after a stop sees it: just past the stop.
pub fn time_after_stop<R: Real>(tables: &Tables<R>, lane: &Lane<R>) -> R {
    (lane.t0 + lane.tau) + time_slack(tables, lane)
}

/// Sets out for the next stop, or for the end.
pub fn depart<R: Real>(tables: &Tables<R>, lane: &mut Lane<R>, trajectory: usize) {
    lane.tau_segment = lane.tau;
    lane.first_step = lane.accepted;
    lane.tau_stop = lane.span;
    if let Some((tau, _)) = tables.cuts.get(lane.next_cut as usize) {
        lane.tau_stop = tau.lesser(lane.tau_stop);
    }
    if (lane.next_own_stop as usize) < tables.n_own_stop {
        lane.tau_stop = own_stop_time(tables, lane, trajectory).lesser(lane.tau_stop);
    }
    lane.last_step = lane.first_step + segment_steps(tables, lane);
}

fn own_stop_time<R: Real>(tables: &Tables<R>, lane: &Lane<R>, trajectory: usize) -> R {
    tables.own_stops[lane.next_own_stop as usize * tables.config.n_traj as usize + trajectory]
}

/// Evaluates callbacks.
pub struct Stopper<'a, R> {
    tables: &'a Tables<R>,
    callbacks: Vec<(&'a CallbackProgram, Evaluator<'a, R, 1>)>,
    /// Those that are functions written in Rust.
    pub controls: Controls<'a>,
    values: Vec<[R; 1]>,
}

impl<'a, R: Real> Stopper<'a, R> {
    pub fn new(program: &'a OdeProgram, tables: &'a Tables<R>) -> Self {
        let most = program.callbacks.iter().map(|callback| callback.values.roots.len()).max().unwrap_or(0);
        Stopper {
            tables,
            callbacks: program.callbacks.iter().map(|callback| (callback, Evaluator::new(&callback.values))).collect(),
            controls: Controls::new(program),
            values: vec![[R::ZERO]; most],
        }
    }

    /// Fires the callbacks that are due, one after the other, and tells whether there was any; what rounding took from a state
    /// that is set is nothing.
    pub fn fire_due(&mut self, lane: &mut Lane<R>, trajectory: usize, state: &mut Loose<R>) -> bool {
        let Loose { y, low, p } = state;
        let t = lane.t0 + lane.tau;
        let mut fired = false;
        while let Some((tau, callback)) = self.tables.cuts.get(lane.next_cut as usize)
            && *tau <= lane.tau_stop
        {
            if let Some(number) = callback {
                let (callback, evaluator) = &mut self.callbacks[*number as usize];
                let values = &mut self.values[..callback.values.roots.len()];
                evaluator.evaluate(&[t], y, p, values);
                if callback.function.is_some() {
                    self.controls.fire((trajectory, *number as usize), t, values, y, low);
                } else {
                    for (slot, value) in callback.slots.iter().zip(values) {
                        y[*slot as usize] = *value;
                        low[*slot as usize] = [R::ZERO];
                    }
                }
                fired = true;
            }
            lane.next_cut += 1;
        }
        while (lane.next_own_stop as usize) < self.tables.n_own_stop
            && own_stop_time(self.tables, lane, trajectory) <= lane.tau_stop
        {
            lane.next_own_stop += 1;
        }
        fired
    }
}
