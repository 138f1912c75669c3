//! A chunk of trajectories in parts, and their results put together again.

use super::{Inputs, RawOutput};
use std::ops::Range;

impl Inputs {
    /// Some of the trajectories.
    pub(crate) fn part(&self, range: Range<usize>) -> Inputs {
        let rows = |values: &[f64]| -> Vec<f64> {
            values.chunks_exact(self.n_traj).flat_map(|row| &row[range.clone()]).copied().collect()
        };
        Inputs {
            n_traj: range.len(),
            y0: rows(&self.y0),
            p: rows(&self.p),
            own_stops: rows(&self.own_stops),
            t0: rows(&self.t0),
            t1: rows(&self.t1),
            span: rows(&self.span),
            tau_save: rows(&self.tau_save),
        }
    }
}

impl RawOutput {
    /// The output of trajectories from those of their parts, in order. Where one has saved fewer rows the rest is NaN.
    pub(crate) fn joined(parts: &[RawOutput]) -> RawOutput {
        let sizes: Vec<usize> = parts.iter().map(|part| part.n_traj).collect();
        let reals = |of: fn(&RawOutput) -> &Vec<f64>| joined(&sizes, parts.iter().map(of), f64::NAN);
        let counts = |of: fn(&RawOutput) -> &Vec<u32>| joined(&sizes, parts.iter().map(of), 0);
        RawOutput {
            n_traj: sizes.iter().sum(),
            y: reals(|part| &part.y),
            t: reals(|part| &part.t),
            culprit: counts(|part| &part.culprit),
            saved: reals(|part| &part.saved),
            tau_saved: reals(|part| &part.tau_saved),
            status: counts(|part| &part.status),
            accepted: counts(|part| &part.accepted),
            rejected: counts(|part| &part.rejected),
            n_cut: counts(|part| &part.n_cut),
        }
    }
}

/// Rows side by side; `missing` where a part has fewer of them.
fn joined<'a, T: Copy + 'a>(sizes: &[usize], parts: impl Iterator<Item = &'a Vec<T>> + Clone, missing: T) -> Vec<T> {
    let n_row = parts.clone().zip(sizes).map(|(part, size)| part.len() / size).max().unwrap_or(0);
    let mut all = Vec::with_capacity(n_row * sizes.iter().sum::<usize>());
    for row in 0..n_row {
        for (part, size) in parts.clone().zip(sizes) {
            match part.get(row * size..(row + 1) * size) {
                Some(values) => all.extend_from_slice(values),
                None => all.extend(std::iter::repeat_n(missing, *size)),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_columns_and_come_together_again() {
        let inputs = Inputs { n_traj: 3, y0: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], ..Inputs::default() };
        let parts = [inputs.part(0..1), inputs.part(1..3)];
        assert_eq!((&parts[1].y0[..], parts[1].n_traj, parts[1].p.len()), (&[2.0, 3.0, 5.0, 6.0][..], 2, 0));
        let output = |part: &Inputs, saved: Vec<f64>| RawOutput {
            n_traj: part.n_traj,
            y: part.y0.clone(),
            status: vec![part.n_traj as u32; part.n_traj],
            saved,
            ..RawOutput::default()
        };
        let joined = RawOutput::joined(&[output(&parts[0], vec![7.0]), output(&parts[1], vec![8.0, 9.0, 8.5, 9.5])]);
        assert_eq!((joined.n_traj, &joined.y, &joined.status[..]), (3, &inputs.y0, &[1, 2, 2][..]));
        assert_eq!(format!("{:?}", joined.saved), "[7.0, 8.0, 9.0, NaN, 8.5, 9.5]");
    }
}
