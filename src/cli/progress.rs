//! A bar on stderr for work that takes longer than half a second, on a terminal only.

use super::interrupt;
use super::summary::digits;
use ensolve::job::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Work that takes less shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
const REDRAW: Duration = Duration::from_millis(100);

const COUNTING: &str = "{bar:20} {prefix}{human_pos} of {human_len} trajectories, {msg}{elapsed} passed{left}";
const WAITING: &str = "{spinner} {msg}, {elapsed}";

/// A bar while it lives.
pub struct Bar {
    bar: ProgressBar,
    /// Steps attempted so far, where their rate is shown.
    steps: Option<(AtomicU64, Instant)>,
    /// Dropping the sender ends the thread that would show the bar.
    shower: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// Counts trajectories; `what` is done with them, and empty where that is clear.
    pub fn counting(what: &'static str, n: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(n), ProgressDrawTarget::hidden());
        Bar::start(bar.with_style(style(COUNTING)).with_prefix(what))
    }

    /// Counts trajectories, and shows steps per second.
    pub fn with_steps(n: u64) -> Self {
        let mut bar = Bar::counting("", n);
        bar.steps = Some((AtomicU64::new(0), Instant::now()));
        bar
    }

    /// Turns while something of unknown length is done.
    pub fn waiting(what: String) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Bar::start(bar.with_style(style(WAITING)).with_message(what))
    }

    fn start(bar: ProgressBar) -> Self {
        if !std::io::stderr().is_terminal() {
            return Bar { bar, steps: None, shower: None };
        }
        let (sender, receiver) = channel::<()>();
        let shown = bar.clone();
        // A thread of its own: a backend may be silent for long.
        let wait = move || {
            if receiver.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(REDRAW);
            }
        };
        let thread = std::thread::Builder::new().spawn(wait).ok();
        Bar { bar, steps: None, shower: thread.map(|thread| (sender, thread)) }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("left", time_left)
}

/// Nothing as long as nothing is known.
fn time_left(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    if state.eta() > Duration::ZERO {
        // A bar that cannot be drawn is no failure.
        let _ = write!(out, ", {:#} left", HumanDuration(state.eta()));
    }
}

impl Progress for Bar {
    fn finished(&self, n: usize) {
        self.bar.inc(n as u64);
    }

    fn resumed(&self, n: u64) {
        self.bar.inc(n);
        // They say nothing of how fast this run is.
        self.bar.reset_eta();
    }

    fn begins(&self, what: &'static str, n: u64) {
        self.bar.set_prefix(what);
        self.bar.set_length(n);
        self.bar.set_position(0);
        self.bar.reset_eta();
    }

    fn warn(&self, what: &str) {
        self.bar.suspend(|| eprintln!("warning: {what}"));
    }

    fn stepped(&self, steps: u64) {
        if let Some((all, start)) = &self.steps {
            let before = all.fetch_add(steps, Ordering::Relaxed);
            let rate = (before + steps) as f64 / start.elapsed().as_secs_f64();
            if !self.bar.is_hidden() {
                self.bar.set_message(format!("{} steps per second, ", digits(rate, 2)));
            }
        }
    }

    fn is_stopped(&self) -> bool {
        interrupt::is_pressed()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.shower.take() {
            drop(sender);
            // The thread only draws; if it panicked there is no bar, and the result still counts.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
