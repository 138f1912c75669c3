//! A run of which only statistics leave the device: means and variances of the ends, and how many trajectories succeeded.

use crate::compile::CompiledSpec;
use crate::ensemble::Ensemble;
use crate::error::Result;
use crate::job::{Backend, Inputs, Job, Silent, Source};
use crate::plan::Plan;
use crate::reduce::{Partial, Reduction};
use crate::sampling::Draws;
use std::ops::Range;

/// The inputs of a job, all of one time span.
struct Drawn<'a> {
    spec: &'a CompiledSpec,
    ensemble: &'a Ensemble,
    job: &'a Job<'a>,
    draws: Option<Draws>,
}

impl Source for Drawn<'_> {
    fn inputs(&self, range: Range<u64>) -> Result<Inputs> {
        let (tspan, first) = ((self.job.t0, self.job.t1), range.start);
        let inputs = self.ensemble.inputs(self.spec, Some(tspan), range, self.job.precision);
        self.job.check_inputs(&inputs, first)?;
        Ok(inputs)
    }

    fn draws(&self) -> Option<&Draws> {
        self.draws.as_ref()
    }

    fn listed(&self, range: Range<u64>) -> Vec<Vec<f64>> {
        self.ensemble.listed(range)
    }
}

/// Integrates an ensemble and reduces each chunk.
///
/// # Errors
/// As [`Backend::reduce_range`].
pub fn reduced(
    spec: &CompiledSpec,
    ensemble: &Ensemble,
    plan: &Plan,
    backend: &mut dyn Backend,
) -> Result<Vec<Partial>> {
    let job = &plan.job;
    backend.prepare(job)?;
    let source = Drawn { spec, ensemble, job, draws: ensemble.draws(spec) };
    let reduction = Reduction { times: plan.t.clone(), n_row: job.program.n_row(), ..Reduction::default() };
    let mut partials = Vec::new();
    backend.reduce_range(job, &source, 0..ensemble.size(), &reduction, &Silent, &mut |partial| {
        partials.push(partial);
        Ok(())
    })?;
    Ok(partials)
}

/// Means of `n_quantity` quantities, then their variances (those of a population).
pub fn moments(partials: &[Partial], n_quantity: usize) -> Vec<f64> {
    let of = |quantity: usize| {
        partials.iter().flat_map(move |partial| partial.moments.iter().skip(quantity).step_by(n_quantity))
    };
    let n = |quantity: usize| of(quantity).map(|part| part.n as f64).sum::<f64>();
    let mean = |quantity: usize| of(quantity).map(|part| part.n as f64 * part.mean).sum::<f64>() / n(quantity);
    let variance = |quantity: usize| {
        let mean = mean(quantity);
        of(quantity).map(|part| part.m2 + part.n as f64 * (part.mean - mean).powi(2)).sum::<f64>() / n(quantity)
    };
    (0..n_quantity).map(mean).chain((0..n_quantity).map(variance)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reduce::Accumulator;

    #[test]
    fn moments_of_parts_are_those_of_all() {
        let of = |values: &[f64]| {
            let (n, mean) = (values.len(), values.iter().sum::<f64>() / values.len() as f64);
            let m2 = values.iter().map(|x| (x - mean).powi(2)).sum();
            Accumulator { n: n as u64, mean, m2, min: 0.0, max: 0.0, argmin: 0, argmax: 0 }
        };
        let part = |moments: Vec<Accumulator>| Partial { moments, ..Partial::default() };
        let parts = [part(vec![of(&[1.0, 3.0]), of(&[0.0, 0.0])]), part(vec![of(&[8.0]), of(&[3.0])])];
        // Whole numbers, and their quotients by 3 are rounded the same way.
        assert_eq!(moments(&parts, 2), [4.0, 1.0, 26.0 / 3.0, 2.0]);
    }
}
