//! A block of lanes that step together. Each lane has its own time and step size, and nothing that it computes depends on
//! its neighbours or on the size of the block; lanes without a trajectory compute as well, and nobody looks at it.

use super::integrate_fixed::step_time;
use super::lane::{Attempt, LaneChunk};
use super::step::Stepper;
use super::stops::time_step;
use super::{integrate_adaptive, integrate_fixed};
use crate::real::Real;
use crate::status::Status;
use pulp::{Simd, WithSimd};

/// Most fixed steps without a look at anything but the state.
const MAX_QUIET_STEPS: u32 = 1024;

/// Lanes that step together.
pub struct Block<'a, R, const C: usize> {
    pub stepper: Stepper<'a, R, C>,
    pub lanes: Vec<LaneChunk<R, C>>,
    /// Trajectories at t0 that have begun, side by side, and wait for lanes that get free one by one.
    pub waiting: LaneChunk<R, C>,
    pub is_adaptive: bool,
}

/// The parts of a step, between which save times are served.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    /// Tries a step in every lane, and decides on it.
    Try,
    /// Moves the lanes that accept it.
    Accept,
}

/// What a part of a step found in any lane.
#[derive(Clone, Copy, Default)]
pub struct Found {
    pub to_save: bool,
    /// At the end of a segment, where there are stops.
    pub at_stop: bool,
    pub ended: bool,
}

/// A part of a step, compiled for the machine's vectors.
struct Vectorized<'b, 'a, R, const C: usize>(&'b mut Block<'a, R, C>, Part);

impl<R: Real, const C: usize> WithSimd for Vectorized<'_, '_, R, C> {
    type Output = Found;
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Found {
        match self.1 {
            Part::Try => self.0.try_step(),
            Part::Accept => self.0.accept_step(),
        }
    }
}

impl<R: Real, const C: usize> Block<'_, R, C> {
    pub fn dispatch(&mut self, part: Part) -> Found {
        let arch = self.stepper.arch;
        if C == 1 { Vectorized(self, part).with_simd(pulp::Scalar) } else { arch.dispatch(Vectorized(self, part)) }
    }

    pub fn n_lanes(&self) -> usize {
        self.stepper.width * C
    }

    /// One attempted step of every lane.
    #[inline(always)]
    fn try_step(&mut self) -> Found {
        if !self.is_adaptive && !self.stepper.tables.saves.are_steps() {
            self.quiet_steps();
        }
        self.begin_steps();
        self.stepper.rk_step(&self.lanes);
        if self.is_adaptive {
            self.stepper.error_norm_sq();
        }
        self.end_steps()
    }

    /// Chooses the step of each lane.
    #[inline(always)]
    fn begin_steps(&mut self) {
        let config = self.stepper.tables.config;
        let places = self.stepper.at;
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let (mut h, mut t) = ([R::ZERO; C], [R::ZERO; C]);
            for i in 0..C {
                let lane = chunk.get(i);
                let attempt = if self.is_adaptive {
                    integrate_adaptive::begin_step(&lane)
                } else {
                    integrate_fixed::begin_step(&config, &lane)
                };
                h[i] = attempt.h;
                chunk.is_last[i] = attempt.is_last;
            }
            for i in 0..C {
                t[i] = chunk.t0[i] + chunk.tau[i];
            }
            self.stepper.rows[places.h + at] = h;
            self.stepper.rows[places.t + at] = t;
        }
        if places.h_time != places.h {
            self.set_time_steps();
        }
    }

    /// The steps that the times of the stages are taken with.
    fn set_time_steps(&mut self) {
        let places = self.stepper.at;
        for (at, chunk) in self.lanes.iter().enumerate() {
            let h = self.stepper.rows[places.h + at];
            for i in 0..C {
                let attempt = Attempt { h: h[i], is_last: chunk.is_last[i] };
                self.stepper.rows[places.h_time + at][i] = time_step(self.stepper.tables, &chunk.get(i), attempt);
            }
        }
    }

    /// Decides on the step of each lane, and tells whether a save time lies in one that is accepted.
    #[inline(always)]
    fn end_steps(&mut self) -> Found {
        let config = self.stepper.tables.config;
        let places = self.stepper.at;
        let unbounded = self.stepper.is_unbounded();
        let mut found = Found::default();
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let culprit = unbounded.then(|| std::array::from_fn(|i| self.stepper.first_non_finite(at * C + i)));
            let rows = &self.stepper.rows;
            let h = rows[places.h + at];
            let norm = [rows[places.norm_sq + at], rows[places.noise_sq + at]];
            if self.is_adaptive {
                integrate_adaptive::end_steps(&config, chunk, h, norm, culprit);
            } else {
                integrate_fixed::end_steps(&config, chunk, h, norm, culprit);
            }
            let mut reached = [false; C];
            let is_inside = !self.stepper.tables.saves_end;
            for i in 0..C {
                let since = (chunk.next_save[i] - chunk.tau[i]) - chunk.tau_low[i];
                let is_at_end = chunk.is_last[i] & (chunk.next_save[i] <= chunk.tau_stop[i]);
                reached[i] = (is_inside & (since <= h[i])) | is_at_end;
            }
            for i in 0..C {
                chunk.saves[i] = reached[i] & chunk.accepts[i] & chunk.occupied[i];
            }
            found.to_save |= chunk.saves != [false; C];
        }
        found
    }

    /// Moves time and state of the lanes that accept the step.
    #[inline(always)]
    fn accept_step(&mut self) -> Found {
        let config = self.stepper.tables.config;
        let places = self.stepper.at;
        let has_stops = self.stepper.tables.has_stops;
        let mut found = Found::default();
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let h = self.stepper.rows[places.h + at];
            if self.is_adaptive {
                integrate_adaptive::advance(chunk, h);
            } else {
                integrate_fixed::advance(&config, chunk);
            }
            if chunk.accepts != [true; C] {
                for i in (0..C).filter(|i| !chunk.accepts[*i]) {
                    self.stepper.keep(at * C + i);
                }
            }
            // Copies, so that a loop writes nothing that it might read.
            let (mut status, occupied, accepts, is_last) = (chunk.status, chunk.occupied, chunk.accepts, chunk.is_last);
            let (accepted, rejected) = (chunk.accepted, chunk.rejected);
            for i in 0..C {
                let is_spent = accepted[i] + rejected[i] >= config.max_steps;
                let limit = is_spent & (status[i] == Status::Running);
                status[i] = if limit { Status::StepLimit } else { status[i] };
            }
            let (mut ended, mut at_stop) = (false, false);
            for i in 0..C {
                ended |= occupied[i] & (status[i] != Status::Running);
                at_stop |= occupied[i] & accepts[i] & is_last[i];
            }
            chunk.status = status;
            found.ended |= ended;
            found.at_stop |= has_stops & at_stop;
        }
        self.swap();
        found
    }

    /// Makes the candidates the states.
    #[inline(always)]
    fn swap(&mut self) {
        if self.waiting.begins != 0 {
            self.stepper.keep_waiting();
        }
        self.stepper.swap();
    }

    /// Takes fixed steps as long as no lane has a save time or its last step before it, and all stay finite.
    #[inline(always)]
    fn quiet_steps(&mut self) {
        let config = self.stepper.tables.config;
        let mut quiet = MAX_QUIET_STEPS;
        for chunk in &self.lanes {
            for i in (0..C).filter(|i| chunk.occupied[*i]) {
                quiet = quiet.min(integrate_fixed::quiet_steps(&config, &chunk.get(i), chunk.next_save[i]));
            }
        }
        let (h, width) = (self.stepper.at.h, self.stepper.width);
        self.stepper.rows[h..h + width].fill([config.dt; C]);
        if self.stepper.at.h_time != h {
            let h_time = self.stepper.at.h_time;
            self.stepper.rows[h_time..h_time + width].fill([config.dt; C]);
        }
        let mut taken = 0;
        while taken < quiet {
            if self.stepper.uses_time {
                self.count_steps(0, taken);
            }
            self.stepper.rk_step(&self.lanes);
            if self.stepper.is_unbounded() {
                break;
            }
            self.swap();
            taken += 1;
        }
        self.count_steps(taken, 0);
    }

    /// Counts fixed steps that all lanes have taken; the time of the step is that after `more` of them.
    #[inline(always)]
    fn count_steps(&mut self, taken: u32, more: u32) {
        let config = self.stepper.tables.config;
        let t_at = self.stepper.at.t;
        for (at, chunk) in self.lanes.iter_mut().enumerate() {
            let mut t = [R::ZERO; C];
            for i in 0..C {
                chunk.accepted[i] += taken;
                chunk.tau[i] = step_time(&config, &chunk.get(i), chunk.accepted[i] + more);
                t[i] = chunk.t0[i] + chunk.tau[i];
            }
            self.stepper.rows[t_at + at] = t;
        }
    }

    /// Moves the occupied lanes to the front and shrinks the block to `width` chunks.
    pub fn close_ranks(&mut self, width: usize) {
        let mut free = 0;
        for lane in 0..self.n_lanes() {
            if !self.lanes[lane / C].occupied[lane % C] {
                continue;
            }
            if free != lane {
                let from = self.lanes[lane / C];
                let to = &mut self.lanes[free / C];
                to.set(free % C, from.get(lane % C));
                to.occupied[free % C] = true;
                to.trajectory[free % C] = from.trajectory[lane % C];
                to.next_save[free % C] = from.next_save[lane % C];
                self.lanes[lane / C].occupied[lane % C] = false;
                let stride = self.stepper.stride;
                for row in self.stepper.rows.chunks_exact_mut(stride) {
                    row[free / C][free % C] = row[lane / C][lane % C];
                }
            }
            free += 1;
        }
        self.stepper.width = width;
        self.lanes.truncate(width);
    }
}
