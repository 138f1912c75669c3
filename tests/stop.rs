//! A run that the user stops: early, with what there is, and with a status for every trajectory.

mod common;

use common::{Limited, backends, compiled};
use ensolve::job::{Backend, Progress};
use ensolve::solve::solve_range;
use ensolve::spec::EnsembleSettings;
use ensolve::{Distribution, Ensemble, EnsembleResult, RunSettings, Save, Status};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Stops once so many trajectories have finished, or after it was asked so many times.
struct Until {
    finished: AtomicUsize,
    asked: AtomicUsize,
}

impl Until {
    fn finished(n: usize) -> Self {
        Until { finished: AtomicUsize::new(n), asked: AtomicUsize::new(usize::MAX) }
    }

    fn asked(n: usize) -> Self {
        Until { finished: AtomicUsize::new(usize::MAX), asked: AtomicUsize::new(n) }
    }
}

/// Counts down to 0 and stays there; what is left.
fn count_down(left: &AtomicUsize, n: usize) -> usize {
    let lower = |left: usize| Some(left.saturating_sub(n));
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower).map_or(0, |before| before.saturating_sub(n))
}

impl Progress for Until {
    fn finished(&self, n: usize) {
        count_down(&self.finished, n);
    }

    fn is_stopped(&self) -> bool {
        count_down(&self.finished, 0) == 0 || count_down(&self.asked, 1) == 0
    }
}

/// A backend in chunks of three trajectories.
fn in_threes(backend: Box<dyn Backend>) -> Limited {
    Limited { backend, trajectories: 3, rows: usize::MAX }
}

/// Ten trajectories of y = 1 - (1 - cos(w t))/w, which takes longer than anybody waits for a large w.
fn solve(backend: &mut dyn Backend, w: f64, progress: &dyn Progress) -> EnsembleResult {
    let spec = compiled(r#"{"states": {"y": 1}, "parameters": {"w": 1}, "derivatives": {"y": "-sin(w*t)"}}"#);
    let vary = [("w".to_string(), Distribution::Values(vec![w; 10]))].into_iter().collect();
    let ensemble = Ensemble::new(&spec, &EnsembleSettings { vary, ..Default::default() }).expect("a valid ensemble");
    let run =
        RunSettings { tspan: Some((0.0, 10.0)), save: Some(Save::Points(11)), dt: Some(0.5 / w), ..Default::default() };
    solve_range(&spec, &run, &ensemble, 0..10, backend, progress).expect("a valid run")
}

/// Four decays, three times over.
fn repeat(backend: &mut dyn Backend, progress: &dyn Progress) -> EnsembleResult {
    let spec = compiled(r#"{"states": {"y": 1}, "parameters": {"k": 1}, "derivatives": {"y": "-k*y"}}"#);
    let vary = [("k".to_string(), Distribution::Values(vec![1.0, 2.0, 3.0, 4.0]))].into_iter().collect();
    let ensemble = Ensemble::new(&spec, &EnsembleSettings { vary, ..Default::default() }).expect("a valid ensemble");
    let run = RunSettings { tspan: Some((0.0, 1.0)), reps: Some(3), ..Default::default() };
    solve_range(&spec, &run, &ensemble, 0..4, backend, progress).expect("a valid run")
}

#[test]
fn a_repetition_that_is_stopped_leaves_the_one_before() {
    for mut tested in backends() {
        let whole = repeat(tested.backend.as_mut(), &Until::finished(usize::MAX));
        assert_eq!(whole.info.timings.runs.len(), 3, "{}", tested.name);
        // At the end of a repetition, and within the next, which a backend may yet finish.
        for (n, timed) in [(4, 1..=1), (5, 1..=2), (7, 1..=2), (8, 2..=2), (9, 2..=3)] {
            for threes in [false, true] {
                let until = Until::finished(n);
                let result = match threes {
                    false => repeat(tested.backend.as_mut(), &until),
                    true => repeat(&mut in_threes(fresh(tested.name)), &until),
                };
                let context = format!("{}, stopped after {n}, in chunks of three: {threes}", tested.name);
                assert_eq!(result.status, [Status::Success; 4], "{context}");
                assert_eq!((&result.saved, &result.final_states), (&whole.saved, &whole.final_states), "{context}");
                let n_timed = result.info.timings.runs.len();
                assert!(timed.contains(&n_timed), "{context}: {n_timed} repetitions");
                assert_eq!(result.info.timings.warm_ms().is_some(), n_timed > 1, "{context}");
            }
        }
    }
}

/// A backend of this name.
fn fresh(name: &str) -> Box<dyn Backend> {
    backends().into_iter().find(|tested| tested.name == name).expect("it was there before").backend
}

fn assert_never_begun(result: &EnsembleResult, i: usize, context: &str) {
    assert_eq!((result.status[i], result.accepted[i], result.culprit[i]), (Status::Stopped, 0, None), "{context}: {i}");
    assert!(result.t_end[i].is_nan() && result.final_states[[0, i]].is_nan(), "{context}: {i}");
    assert!(result.trajectory(i).x.iter().all(|x| x.is_nan()), "{context}: {i}");
}

#[test]
fn what_has_ended_is_kept_and_what_has_not_begun_is_stopped() {
    for tested in backends() {
        let result = solve(&mut in_threes(tested.backend), 1.0, &Until::finished(3));
        assert_eq!(result.status_counts(), [(Status::Success, 3), (Status::Stopped, 7)], "{}", tested.name);
        assert!((0..3).all(|i| result.status[i] == Status::Success && result.t_end[i] == 10.0), "{}", tested.name);
        (3..10).for_each(|i| assert_never_begun(&result, i, tested.name));
    }
}

#[test]
fn what_is_under_way_keeps_what_there_is() {
    for tested in backends() {
        let result = solve(&mut in_threes(tested.backend), 5e5, &Until::asked(5));
        assert_eq!(result.status, [Status::Stopped; 10], "{}", tested.name);
        for i in 0..3 {
            assert!(
                (0.0..10.0).contains(&result.t_end[i]) && result.final_states[[0, i]].is_finite(),
                "{}",
                tested.name
            );
            assert!(result.saved[[10, 0, i]].is_nan(), "{}: the end was not reached", tested.name);
        }
        assert!(result.accepted[..3].iter().any(|n| *n > 0), "{}: some have moved", tested.name);
        (3..10).for_each(|i| assert_never_begun(&result, i, tested.name));
    }
}

#[test]
fn a_run_that_is_stopped_before_it_begins_is_an_empty_result() {
    for mut tested in backends() {
        let result = solve(tested.backend.as_mut(), 1.0, &Until::asked(1));
        (0..10).for_each(|i| assert_never_begun(&result, i, tested.name));
    }
}
