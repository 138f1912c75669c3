//! One trajectory read by field and by time: series of a field, and snapshots of all fields at a time.
//!
//! In: a [`SolveResult`]. Out: a [`FieldSeries`], or [`Snapshot`]s that hold their own numbers. Fields have the keys of the
//! compiled model: `entity.component.field`, the bare name in a short-form model and for outputs of the model as a whole,
//! and `key[i]` for one element of a vector. Between saved points there is a straight line and nothing better: save more
//! points where that is too coarse. Values after a trajectory that ended early are NaN.

use crate::compile::key;
use crate::error::{Error, Result, suggest};
use crate::solution::{Fields, SolveResult};
use ndarray::{Array1, Array2, ArrayView2, s};
use std::ops::Range;
use std::sync::Arc;

/// The values of a field over time.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldSeries {
    /// Save times, shape (n,).
    pub t: Array1<f64>,
    /// Values, shape (size, n); a number has size 1.
    pub values: Array2<f64>,
}

/// The values of all fields at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The time asked for; of [`SolveResult::at_saved`] the time of the saved point.
    pub t: f64,
    fields: Arc<Fields>,
    x: Vec<f64>,
    p: Vec<f64>,
    outputs: Vec<f64>,
}

/// Which of the flat vectors a field is in.
enum Part {
    State,
    Parameter,
    Output,
}

impl Fields {
    /// Part and slots of a field, or of one element of a vector.
    fn find(&self, key: &str) -> Result<(Part, Range<usize>)> {
        let whole = |key: &str| {
            let maps =
                [(Part::State, &self.states), (Part::Parameter, &self.parameters), (Part::Output, &self.outputs)];
            maps.into_iter().find_map(|(part, map)| map.get(key).map(|(start, end)| (part, *start..*end)))
        };
        let element = || {
            let (key, index) = key.strip_suffix(']')?.split_once('[')?;
            let (part, slots) = whole(key)?;
            let slot = slots.start + index.parse::<usize>().ok().filter(|index| *index < slots.len())?;
            Some((part, slot..slot + 1))
        };
        whole(key).or_else(element).ok_or_else(|| {
            let known = self.states.keys().chain(self.parameters.keys()).chain(self.outputs.keys());
            let hint = suggest("known fields", key, known.map(String::as_str));
            Error::run(format!("field '{key}' not found in the compiled spec{hint}"))
        })
    }
}

impl SolveResult {
    /// The series of a field of a component; in a short-form model entity and component are empty.
    ///
    /// # Errors
    /// [`Error::Run`] for an unknown field, with the nearest name.
    pub fn field_series(&self, entity: &str, component: &str, field: &str) -> Result<FieldSeries> {
        self.field(&key(entity, component, field))
    }

    /// The series of a field by its key: a state or an output at the save times, a parameter repeated for each of them.
    ///
    /// # Errors
    /// As [`SolveResult::field_series`].
    pub fn field(&self, key: &str) -> Result<FieldSeries> {
        let (part, slots) = self.fields.find(key)?;
        let values = match part {
            Part::State => self.x.slice(s![slots, ..]).to_owned(),
            Part::Output => self.outputs.slice(s![slots, ..]).to_owned(),
            Part::Parameter => Array2::from_shape_fn((slots.len(), self.t.len()), |(i, _)| self.p[slots.start + i]),
        };
        Ok(FieldSeries { t: self.t.clone(), values })
    }

    /// All fields at a time. States and outputs lie on the straight line between the neighbouring saved points. Discrete
    /// fields keep the value of the latest saved point at or before `t`, as the run went: what a firing wrote shows from
    /// the first saved point after it on, which is the firing itself where the run saves after firings. Of two
    /// points at one time the second counts. Before the first point and after the last one `t` is moved to it.
    ///
    /// # Errors
    /// [`Error::Run`] if nothing was saved, or `t` is not a number.
    pub fn at(&self, t: f64) -> Result<Snapshot> {
        self.check_time(t)?;
        let n = self.t.len();
        let before = self.first_saved(|saved| self.is_earlier(t, saved)).saturating_sub(1);
        let after = (before + 1).min(n - 1);
        let (start, end) = (self.t[before], self.t[after]);
        let is_between = self.is_earlier(start, t) && self.is_earlier(t, end);
        let weight = if is_between { (t - start) / (end - start) } else { 0.0 };
        let between = |rows: ArrayView2<f64>, row: usize| match (rows[[row, before]], rows[[row, after]]) {
            (from, _) if weight == 0.0 => from,
            (from, to) if from == to => from,
            (from, to) => (1.0 - weight) * from + weight * to,
        };
        let state = |slot: usize| match self.fields.is_discrete[slot] {
            true => self.x[[slot, before]],
            false => between(self.x.view(), slot),
        };
        let x = (0..self.x.nrows()).map(state).collect();
        let outputs = (0..self.outputs.nrows()).map(|row| between(self.outputs.view(), row)).collect();
        Ok(Snapshot { t, fields: self.fields.clone(), x, p: self.p.to_vec(), outputs })
    }

    /// All fields at the first saved point at or after `t`, as the run went, else at the last one. Nothing is
    /// interpolated: this is the rule of numen's `at`.
    ///
    /// # Errors
    /// As [`SolveResult::at`].
    pub fn at_saved(&self, t: f64) -> Result<Snapshot> {
        self.check_time(t)?;
        let k = self.first_saved(|saved| !self.is_earlier(saved, t)).min(self.t.len() - 1);
        let (x, outputs) = (self.x.column(k).to_vec(), self.outputs.column(k).to_vec());
        Ok(Snapshot { t: self.t[k], fields: self.fields.clone(), x, p: self.p.to_vec(), outputs })
    }

    /// [`SolveResult::at`] of each time, in the order given.
    ///
    /// # Errors
    /// As [`SolveResult::at`].
    pub fn snapshots(&self, times: &[f64]) -> Result<Vec<Snapshot>> {
        times.iter().map(|t| self.at(*t)).collect()
    }

    /// [`SolveResult::at`] of `n` equally spaced times, from the first saved point to the last; 1 is the first alone.
    ///
    /// # Errors
    /// As [`SolveResult::at`].
    pub fn uniform(&self, n: usize) -> Result<Vec<Snapshot>> {
        let (Some(first), Some(last)) = (self.t.first(), self.t.last()) else { return Err(self.nothing_saved()) };
        let time = |i: usize| match i + 1 == n && i > 0 {
            true => *last,
            false => first + (last - first) * (i as f64 / (n - 1).max(1) as f64),
        };
        self.snapshots(&(0..n).map(time).collect::<Vec<f64>>())
    }

    fn check_time(&self, t: f64) -> Result<()> {
        match (self.t.is_empty(), t.is_nan()) {
            (true, _) => Err(self.nothing_saved()),
            (_, true) => Err(Error::run("the time of a snapshot is NaN; give a number")),
            _ => Ok(()),
        }
    }

    fn nothing_saved(&self) -> Error {
        let (status, advice) = (self.status.name(), self.status.advice());
        Error::run(format!(
            "no point of the trajectory was saved, so there is no snapshot; its status is '{status}': {advice}"
        ))
    }

    /// Whether the run comes to `a` before it comes to `b`; time may run backward.
    fn is_earlier(&self, a: f64, b: f64) -> bool {
        if self.t[self.t.len() - 1] < self.t[0] { a > b } else { a < b }
    }

    /// The first saved point whose time is late, where every later one is late too; their number if there is none.
    fn first_saved(&self, is_late: impl Fn(f64) -> bool) -> usize {
        let (mut low, mut high) = (0, self.t.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_late(self.t[middle]) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

impl Snapshot {
    /// The elements of a field of a component, one for a number; in a short-form model entity and component are empty.
    ///
    /// # Errors
    /// [`Error::Run`] for an unknown field, with the nearest name.
    pub fn get(&self, entity: &str, component: &str, field: &str) -> Result<&[f64]> {
        self.elements(&key(entity, component, field))
    }

    /// The elements of a field by its key, one for a number.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub fn vector(&self, key: &str) -> Result<Vec<f64>> {
        self.elements(key).map(<[f64]>::to_vec)
    }

    /// A number, or one element of a vector, by its key.
    ///
    /// # Errors
    /// As [`Snapshot::get`], and for a vector of several elements.
    pub fn scalar(&self, key: &str) -> Result<f64> {
        match self.elements(key)? {
            [value] => Ok(*value),
            elements => Err(Error::run(format!(
                "field '{key}' is a vector of {} elements; use vector, or name one of them, such as '{key}[0]'",
                elements.len()
            ))),
        }
    }

    fn elements(&self, key: &str) -> Result<&[f64]> {
        let (part, slots) = self.fields.find(key)?;
        Ok(match part {
            Part::State => &self.x[slots],
            Part::Parameter => &self.p[slots],
            Part::Output => &self.outputs[slots],
        })
    }
}
