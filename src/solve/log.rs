//! What a run tells the log.

use crate::compile::CompiledSpec;
use crate::job::Saves;
use crate::plan::{Plan, describe_method};
use crate::solution::{EnsembleResult, Firing};
use crate::status::Status;

/// What a run tells the log, each line with the title of the model.
pub struct Log<'a> {
    title: &'a str,
    /// `ensolve::backend::cpu` or `ensolve::backend::gpu`.
    target: String,
}

impl<'a> Log<'a> {
    pub fn new(spec: &'a CompiledSpec, backend: &str) -> Log<'a> {
        Log { title: spec.title(), target: format!("ensolve::backend::{backend}") }
    }

    /// A line that is made only if somebody reads it.
    pub fn debug(&self, line: impl FnOnce() -> String) {
        if log::log_enabled!(target: &self.target, log::Level::Debug) {
            log::debug!(target: &self.target, "{}: {}", self.title, line());
        }
    }

    /// The settings of a run, `tspan` as the user gave it.
    pub fn plan(&self, plan: &Plan, tspan: Option<(f64, f64)>, backend: &str, n_traj: u64) {
        let job = &plan.job;
        self.debug(|| {
            let span = tspan.map_or("own time spans".to_string(), |(t0, t1)| format!("t = {t0} to {t1}"));
            let saves = match &job.saves {
                Saves::At(tau) => format!("{} save times", tau.len()),
                Saves::Own(_) => "own save times".to_string(),
                Saves::Steps { .. } => "every accepted step saved".to_string(),
            };
            let stops = match tspan {
                Some(_) => format!("{} stops", plan.stops.len()),
                None => "own stops".to_string(),
            };
            let (method, precision) = (describe_method(job), job.precision);
            format!("{backend}, {method}, {precision}, {span}, n = {n_traj}, {saves}, {stops}")
        });
    }

    /// How it went: one line, and what the user should know.
    pub fn result(&self, result: &EnsembleResult) {
        let (title, target, info) = (self.title, self.target.as_str(), &result.info);
        if result.n_traj() == 1 {
            result.fired(0).for_each(|Firing { t, callbacks, .. }| {
                self.debug(|| format!("t = {t}: fired {}", callbacks.join(", ")));
            });
        }
        info.warnings.iter().for_each(|warning| log::warn!(target: target, "{title}: {warning}"));
        let n_failed = result.n_traj() - result.n_finished();
        if n_failed > 0 {
            let failed = result.status_counts().into_iter().filter(|(status, _)| *status != Status::Success);
            let ends: Vec<String> =
                failed.map(|(status, n)| format!("{n} {}: {}", status.name(), status.advice())).collect();
            let ends = ends.join("; ");
            match result.n_finished() {
                0 => log::error!(target: target, "{title}: no trajectory succeeded; {ends}"),
                _ => {
                    log::warn!(target: target, "{title}: {n_failed} of {} trajectories failed; {ends}", result.n_traj())
                }
            }
        }
        log::info!(
            target: target,
            "{title}: {} of {} trajectories finished on {} with {} in {:?}",
            result.n_finished(),
            result.n_traj(),
            info.backend,
            info.method,
            info.elapsed
        );
    }
}
