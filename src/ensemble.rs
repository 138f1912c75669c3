//! What varies from trajectory to trajectory: distributions, lists and grids to initial states and parameters.
//!
//! In: a compiled model and the `vary` entries. Out: inputs of any range of trajectories, or what a device needs to draw them.
//! Trajectory i is the same whatever the chunk it is in and the backend, and with random sampling whatever the size of the
//! ensemble: each varied slot has its own draw number. Random values are drawn in the number format of the run; lists and
//! initial-value expressions are f64.

use crate::compile::{CompiledSpec, slot_names};
use crate::error::{Error, Result, suggest};
use crate::job::Inputs;
use crate::pair::F32x2;
use crate::program::{Evaluator, Program};
use crate::real::{Precision, Real};
use crate::sampling::{Distribution, Draw, Draws, Points, Sampling, Shape, quantile};
use crate::spec::EnsembleSettings;
use rayon::prelude::*;
use std::ops::Range;

/// A state or a parameter slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    is_state: bool,
    index: usize,
}

impl Slot {
    /// Number of the random draw: independent of what else varies and in which order.
    fn draw(self) -> u32 {
        self.index as u32 | if self.is_state { 0 } else { 1 << 31 }
    }
}

/// Where the value of a varied slot comes from.
#[derive(Debug, Clone)]
enum Origin {
    Random(Distribution),
    Listed(List),
}

/// Values that are given.
#[derive(Debug, Clone)]
enum List {
    /// Trajectory i takes value i.
    Values(Vec<f64>),
    /// Trajectory i takes value (i / stride) modulo the length.
    Grid { values: Vec<f64>, stride: u64 },
}

impl List {
    fn value(&self, trajectory: u64) -> f64 {
        match self {
            List::Values(values) => values[trajectory as usize],
            List::Grid { values, stride } => values[((trajectory / stride) % values.len() as u64) as usize],
        }
    }
}

/// Initial states and parameters of every trajectory, resolved against a model.
#[derive(Debug, Clone)]
pub struct Ensemble {
    size: u64,
    seed: u64,
    sampling: Sampling,
    listed: Vec<(Slot, List)>,
    /// In the order of the slots, states first.
    random: Vec<(Draw, Points)>,
}

impl Ensemble {
    /// One trajectory with the model's own values.
    pub fn single() -> Self {
        Ensemble { size: 1, seed: 0, sampling: Sampling::Random, listed: Vec::new(), random: Vec::new() }
    }

    /// Resolves names, reads CSV columns and settles the size: as given, else as many as lists and grids have, else 1.
    ///
    /// # Errors
    /// [`Error::Model`] for unknown names and sizes that contradict each other, [`Error::File`] for CSV files.
    pub fn new(spec: &CompiledSpec, settings: &EnsembleSettings) -> Result<Ensemble> {
        let mut varied: Vec<(Slot, Origin)> = Vec::new();
        let mut grid_points: u64 = 1;
        let mut shortest: Option<(u64, &str)> = None;
        for (name, distribution) in settings.vary.iter().rev() {
            let path = || crate::spec::json::join("ensemble.vary", name);
            let slots = slots(spec, name)?;
            if !distribution.is_random() && slots.len() > 1 {
                let elements = slot_names(name, Some(slots.len())).join(", ");
                return Err(Error::model(
                    path(),
                    format!("'{name}' is a vector; vary its elements one by one: {elements}"),
                ));
            }
            for slot in slots {
                let origin = match distribution {
                    Distribution::Values(values) => Origin::Listed(List::Values(values.clone())),
                    Distribution::Csv { file, column } => {
                        let values = csv_column(file, column.as_deref().unwrap_or(name))?;
                        Origin::Listed(List::Values(values))
                    }
                    Distribution::Grid(values) => {
                        let stride = grid_points;
                        grid_points = grid_points
                            .checked_mul(values.len() as u64)
                            .ok_or_else(|| Error::model(path(), "the grid has more than 2^64 points"))?;
                        Origin::Listed(List::Grid { values: values.clone(), stride })
                    }
                    random => Origin::Random(random.clone()),
                };
                if let Origin::Listed(List::Values(values)) = &origin {
                    let n = values.len() as u64;
                    shortest = Some(shortest.map_or((n, name), |best| best.min((n, name))));
                }
                if varied.iter().any(|(other, _)| *other == slot) {
                    return Err(Error::model(
                        path(),
                        format!("'{name}' varies an element that another entry varies too"),
                    ));
                }
                varied.push((slot, origin));
            }
        }
        if let (Some((n, name)), None) = (shortest, settings.size)
            && let Some((_, Origin::Listed(List::Values(longer)))) = varied
                .iter()
                .find(|(_, origin)| matches!(origin, Origin::Listed(List::Values(values)) if values.len() as u64 != n))
        {
            let message =
                format!("'{name}' has {n} values and another entry {}; give as many for each, or a size", longer.len());
            return Err(Error::model("ensemble.vary", message));
        }
        let has_grid = varied.iter().any(|(_, origin)| matches!(origin, Origin::Listed(List::Grid { .. })));
        let natural = has_grid.then_some(grid_points).or(shortest.map(|(n, _)| n));
        let size = settings.size.or(natural).unwrap_or(1);
        if size == 0 {
            return Err(Error::model("ensemble.size", "an ensemble needs at least one trajectory"));
        }
        if let Some((n, name)) = shortest.filter(|(n, _)| *n < size) {
            return Err(Error::model(
                "ensemble.vary",
                format!("'{name}' has {n} values for {size} trajectories; give as many, or a smaller size"),
            ));
        }
        if has_grid && !size.is_multiple_of(grid_points) {
            let message = format!(
                "{size} trajectories do not cover the grid of {grid_points} points evenly; use a multiple of {grid_points}, or replay one point with 'only'"
            );
            return Err(Error::model("ensemble.size", message));
        }
        let (seed, sampling) = (settings.seed.unwrap_or(0), settings.sampling.unwrap_or_default());
        let (listed, random) = parted(varied);
        if random.is_empty() && sampling != Sampling::Random {
            let message = format!(
                "'{}' spreads what varies at random, and nothing does; vary something by a distribution, or leave sampling out",
                sampling.name()
            );
            return Err(Error::model("ensemble.sampling", message));
        }
        let points = |draw: Draw| match Points::new(seed, sampling, size, &draw) {
            Ok(points) => Ok((draw, points)),
            Err(message) => Err(Error::model("ensemble.sampling", message)),
        };
        let random = random.into_iter().map(points).collect::<Result<_>>()?;
        Ok(Ensemble { size, seed, sampling, listed, random })
    }

    /// Number of trajectories.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Seed of the random draws.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How random numbers are spread over the trajectories.
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Number of states and parameters that vary.
    pub fn n_varied(&self) -> usize {
        self.listed.len() + self.random.len()
    }

    fn varies(&self, is_state: bool, index: usize) -> bool {
        self.listed.iter().any(|(slot, _)| *slot == Slot { is_state, index })
            || self.random.iter().any(|(draw, _)| draw.is_state == is_state && draw.slot == index)
    }

    /// What a device needs to draw the inputs itself; `None` where the model computes some of them from others.
    pub fn draws(&self, spec: &CompiledSpec) -> Option<Draws> {
        let computes = spec.initial_values.iter().any(|value| !self.varies(value.is_state, value.slot));
        if computes || spec.own_tspan.is_some() || !spec.own_stops.roots.is_empty() {
            return None;
        }
        Some(Draws {
            seed: self.seed,
            sampling: self.sampling,
            size: self.size,
            y0: spec.x0.clone(),
            p: spec.p.clone(),
            random: self.random.iter().map(|(draw, _)| draw.clone()).collect(),
            listed: self.listed.iter().map(|(slot, _)| (slot.is_state, slot.index)).collect(),
        })
    }

    /// The values of a range of trajectories in the slots that are listed rather than random, in the order of
    /// [`Draws::listed`].
    pub fn listed(&self, range: Range<u64>) -> Vec<Vec<f64>> {
        self.listed.iter().map(|(_, list)| range.clone().map(|i| list.value(i)).collect()).collect()
    }

    /// Initial states and parameters of a range of trajectories. `tspan` is theirs, or `None` for those that the model gives
    /// each of them; initial expressions read its start as t. What is random is drawn in `precision`, the run's.
    pub fn inputs(
        &self,
        spec: &CompiledSpec,
        tspan: Option<(f64, f64)>,
        range: Range<u64>,
        precision: Precision,
    ) -> Inputs {
        let n = (range.end - range.start) as usize;
        let fill = |defaults: &[f64]| {
            let mut rows = Vec::with_capacity(defaults.len() * n);
            defaults.iter().for_each(|v| rows.resize(rows.len() + n, *v));
            rows
        };
        let mut inputs = Inputs { n_traj: n, y0: fill(&spec.x0), p: fill(&spec.p), ..Inputs::default() };
        let mut row_of = |is_state: bool, slot: usize, write: &dyn Fn(&mut [f64])| {
            let rows = if is_state { &mut inputs.y0 } else { &mut inputs.p };
            write(&mut rows[slot * n..(slot + 1) * n]);
        };
        for (slot, list) in &self.listed {
            row_of(slot.is_state, slot.index, &|row| {
                row.iter_mut().zip(range.clone()).for_each(|(value, i)| *value = list.value(i));
            });
        }
        for (draw, points) in &self.random {
            row_of(draw.is_state, draw.slot, &|row| match precision {
                Precision::F32 => draw_row::<f32>(&draw.distribution, points, range.start, row),
                Precision::F64 => draw_row::<f64>(&draw.distribution, points, range.start, row),
                Precision::F32x2 => draw_row::<F32x2>(&draw.distribution, points, range.start, row),
            });
        }
        match (tspan, &spec.own_tspan) {
            (None, Some(program)) => {
                // Parameters first, for the start reads them; then what reads the start.
                self.evaluate_initial_values(spec, &[f64::NAN], &mut inputs);
                let ends = evaluate(program, &[f64::NAN], &inputs);
                let (t0, t1) = ends.split_at(n);
                self.evaluate_initial_values(spec, t0, &mut inputs);
                inputs.span = t1.iter().zip(t0).map(|(t1, t0)| t1 - t0).collect();
                (inputs.t0, inputs.t1) = (t0.to_vec(), t1.to_vec());
            }
            (tspan, _) => self.evaluate_initial_values(spec, &[tspan.unwrap_or_default().0], &mut inputs),
        }
        set_own_stops(spec, tspan, &mut inputs);
        inputs
    }

    /// Expressions that are not themselves varied, from the values drawn; `t0` is one for all, or one for each.
    fn evaluate_initial_values(&self, spec: &CompiledSpec, t0: &[f64], inputs: &mut Inputs) {
        let active: Vec<_> =
            spec.initial_values.iter().filter(|value| !self.varies(value.is_state, value.slot)).collect();
        if active.is_empty() {
            return;
        }
        let n = inputs.n_traj;
        let column =
            |rows: &[f64], size: usize, i: usize| -> Vec<f64> { (0..size).map(|row| rows[row * n + i]).collect() };
        let results: Vec<(Vec<f64>, Vec<f64>)> = (0..n)
            .into_par_iter()
            .map(|i| {
                let (mut y0, mut p) =
                    (column(&inputs.y0, spec.state_size(), i), column(&inputs.p, spec.param_size(), i));
                active.iter().for_each(|value| value.evaluate(t0[i % t0.len()], &mut y0, &mut p));
                (y0, p)
            })
            .collect();
        for (i, (y0, p)) in results.into_iter().enumerate() {
            y0.into_iter().enumerate().for_each(|(row, v)| inputs.y0[row * n + i] = v);
            p.into_iter().enumerate().for_each(|(row, v)| inputs.p[row * n + i] = v);
        }
    }
}

/// What is listed, and what is drawn, numbered in the order of the slots.
fn parted(varied: Vec<(Slot, Origin)>) -> (Vec<(Slot, List)>, Vec<Draw>) {
    let (mut listed, mut random) = (Vec::new(), Vec::new());
    for (slot, origin) in varied {
        match origin {
            Origin::Listed(list) => listed.push((slot, list)),
            Origin::Random(distribution) => random.push((slot, distribution)),
        }
    }
    random.sort_by_key(|(slot, _)| slot.draw());
    let draw = |(dimension, (slot, distribution)): (u32, (Slot, Distribution))| Draw {
        is_state: slot.is_state,
        slot: slot.index,
        number: slot.draw(),
        dimension,
        distribution,
    };
    (listed, (0..).zip(random).map(draw).collect())
}

/// Draws a row of consecutive trajectories in a number format.
fn draw_row<R: Real>(distribution: &Distribution, points: &Points, first: u64, row: &mut [f64]) {
    let shape = Shape::<R>::new(distribution);
    let wide = Shape::<f64>::new(distribution);
    row.par_iter_mut().enumerate().for_each(|(i, value)| {
        let trajectory = first + i as u64;
        let (u, v) = points.uv::<R>(trajectory);
        *value = quantile(&shape, u, v).to_f64();
        // What only the format cannot hold is told as it is.
        if !value.is_finite() {
            let (u, v) = points.uv::<f64>(trajectory);
            *value = quantile(&wide, u, v);
        }
    });
}

/// A program's results for every trajectory, `[result][trajectory]`; `t` is one for all, or one for each.
fn evaluate(program: &Program, t: &[f64], inputs: &Inputs) -> Vec<f64> {
    let n = inputs.n_traj;
    let mut results = vec![0.0; program.roots.len() * n];
    let mut evaluator = Evaluator::<f64, 1>::new(program);
    let column = |rows: &[f64], i: usize| rows.iter().skip(i).step_by(n).map(|v| [*v]).collect::<Vec<_>>();
    let mut values = vec![[0.0]; program.roots.len()];
    for i in 0..n {
        evaluator.evaluate(&[t[i % t.len()]], &column(&inputs.y0, i), &column(&inputs.p, i), &mut values);
        values.iter().enumerate().for_each(|(row, value)| results[row * n + i] = value[0]);
    }
    results
}

/// The model's stops that differ from trajectory to trajectory, as offsets, ascending; those outside the span cut nothing, and
/// one that is NaN stays to be found by the job.
fn set_own_stops(spec: &CompiledSpec, tspan: Option<(f64, f64)>, inputs: &mut Inputs) {
    let (n, n_stop) = (inputs.n_traj, spec.own_stops.roots.len());
    if n_stop == 0 {
        return;
    }
    let (t0, span) = match tspan {
        Some((t0, t1)) => (vec![t0], vec![t1 - t0]),
        None => (inputs.t0.clone(), inputs.span.clone()),
    };
    inputs.own_stops = evaluate(&spec.own_stops, &t0, inputs);
    for i in 0..n {
        let (t0, span) = (t0[i % t0.len()], span[i % span.len()]);
        let mut offsets: Vec<f64> = (0..n_stop).map(|row| inputs.own_stops[row * n + i] - t0).collect();
        offsets.iter_mut().filter(|tau| **tau <= 0.0 || **tau >= span).for_each(|tau| *tau = f64::INFINITY);
        offsets.sort_unstable_by(f64::total_cmp);
        offsets.into_iter().enumerate().for_each(|(row, tau)| inputs.own_stops[row * n + i] = tau);
    }
}

/// The slots of a name: one slot, or all of a vector.
fn slots(spec: &CompiledSpec, name: &str) -> Result<Vec<Slot>> {
    for (is_state, map) in [(true, &spec.state_index_map), (false, &spec.param_index_map)] {
        if let Some((start, end)) = map.get(name) {
            return Ok((*start..*end).map(|index| Slot { is_state, index }).collect());
        }
    }
    for (is_state, names) in [(true, &spec.program.state_names), (false, &spec.program.param_names)] {
        if let Some(index) = names.iter().position(|n| n == name) {
            return Ok(vec![Slot { is_state, index }]);
        }
    }
    let known = spec.program.state_names.iter().chain(&spec.program.param_names).map(String::as_str);
    Err(Error::model(
        crate::spec::json::join("ensemble.vary", name),
        format!("no state or parameter is named '{name}'{}", suggest("known names", name, known)),
    ))
}

/// A column of a CSV file with a header.
fn csv_column(file: &str, column: &str) -> Result<Vec<f64>> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file).map_err(|e| Error::file(file, e))?;
    let header = reader.headers().map_err(|e| Error::file(file, e))?.clone();
    let Some(index) = header.iter().position(|name| name == column) else {
        let hint = suggest("columns", column, header.iter());
        return Err(Error::file(file, format!("no column '{column}'{hint}")));
    };
    let mut values = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| Error::file(file, e))?;
        let line = record.position().map_or(0, |position| position.line());
        let text = record.get(index).unwrap_or("");
        match text.parse::<f64>() {
            Ok(x) if x.is_finite() => values.push(x),
            _ => {
                return Err(Error::file(
                    file,
                    format!("column '{column}', line {line}: '{text}' is not a finite number"),
                ));
            }
        }
    }
    if values.is_empty() {
        return Err(Error::file(file, format!("column '{column}' has no values")));
    }
    Ok(values)
}
