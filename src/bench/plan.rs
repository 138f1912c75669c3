//! From what is asked for to the list of rows, with everything that is wrong with it said before anything runs.

use super::machine;
use super::reference::SAMPLES;
use super::workload::{Large, Steps, Workload};
use super::workloads::WORKLOADS;
use crate::error::{Error, Result, suggest};
use crate::method::{Controller, Method, Tableau, tableau};
use crate::real::Precision;

/// Sizes of ensembles, as powers of two, from which and up to which it is shown how a rate grows with the size.
const SCALING: (u32, u32) = (10, 23);

/// Workloads whose rates are shown for growing ensembles where none are named.
const SCALED: [&str; 2] = ["lorenz_fixed", "lorenz_adaptive"];

/// What is asked for; what is empty is left to the workloads.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Names of workloads; none means all.
    pub names: Vec<String>,
    /// Where to run.
    pub backend: BenchBackend,
    /// Whether the adapter computes on the CPU, so that the ensembles of its rows are small.
    pub is_software: bool,
    /// Names of methods for all of them.
    pub methods: Vec<String>,
    /// Whether the CPU makes no machine code, for comparison.
    pub interpreted: bool,
    /// Number format; none means f64, or f32 for large ensembles.
    pub precision: Option<Precision>,
    /// Numbers of threads; none means one and then all cores, or for large ensembles all cores.
    pub threads: Vec<usize>,
    /// Relative tolerances of adaptive steps.
    pub rtols: Vec<f64>,
    /// Number of trajectories, rounded up to one that holds all references.
    pub trajectories: Option<u64>,
    /// Whether ensembles of growing size are asked for, and the size of the largest.
    pub scaling: Option<Option<u64>>,
}

/// Backends that rows can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchBackend {
    /// The CPU: work-precision tables.
    Cpu,
    /// A GPU: large ensembles.
    Gpu,
    /// The same large ensembles on the GPU and on the CPU.
    Both,
}

/// Where a row is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the CPU.
    Cpu {
        /// Number of threads.
        threads: usize,
        /// Whether it makes no machine code.
        interpreted: bool,
    },
    /// On the adapter.
    Gpu,
}

/// A row to be.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The problem.
    pub workload: &'static Workload,
    /// The method.
    pub method: &'static Tableau,
    /// Relative tolerance; none for fixed steps.
    pub rtol: Option<f64>,
    /// First step; none for fixed steps, and where the model chooses it.
    pub first_dt: Option<f64>,
    /// Number format.
    pub precision: Precision,
    /// Where it is measured.
    pub place: Place,
    /// Number of trajectories.
    pub trajectories: u64,
    /// Whether the answers at a hundredth of the tolerance are checked too: at that of a large ensemble they may be so wrong that
    /// they tell little.
    pub is_checked_finer: bool,
}

impl Case {
    /// The same at a hundredth of the tolerance, or at the smallest that the number format can deliver.
    ///
    /// # Errors
    /// [`Error::Method`] for a method without an error estimate.
    pub fn finer(&self) -> Result<Option<Case>> {
        let Some(rtol) = self.rtol.filter(|_| self.is_checked_finer) else { return Ok(None) };
        let floor = Method::adaptive(self.method, Controller::default())?.rtol_floor(self.precision);
        let rtol = (rtol / 100.0).max(floor);
        Ok(Some(Case { rtol: Some(rtol), is_checked_finer: false, ..*self }))
    }

    /// Whether another row differs in the number of trajectories alone.
    pub fn differs_in_size_from(&self, other: &Case) -> bool {
        std::ptr::eq(self.workload, other.workload)
            && std::ptr::eq(self.method, other.method)
            && (self.rtol, self.precision, self.place) == (other.rtol, other.precision, other.place)
            && self.trajectories != other.trajectories
    }
}

impl Choice {
    /// Whether the rows are those of large ensembles rather than work-precision tables.
    pub fn is_large(&self) -> bool {
        self.backend != BenchBackend::Cpu || self.scaling.is_some()
    }

    /// The number format of all rows.
    pub fn precision(&self) -> Precision {
        self.precision.unwrap_or(if self.is_large() { Precision::F32 } else { Precision::F64 })
    }
}

/// The rows of a choice, in order.
///
/// # Errors
/// [`Error::Run`] and [`Error::Method`] for names that are not known and for what contradicts the workloads chosen.
pub fn plan(choice: &Choice) -> Result<Vec<Case>> {
    let workloads = select(choice)?;
    check(choice, &workloads)?;
    let (precision, is_checked_finer, mut cases) = (choice.precision(), choice.is_large(), Vec::new());
    for workload in workloads {
        let first_dt = workload.large.filter(|_| choice.is_large()).and_then(|large| large.first_dt);
        for method in methods(choice, workload)? {
            for place in places(choice, workload) {
                for rtol in rtols(choice, workload, method)? {
                    for trajectories in sizes(choice, workload, place) {
                        cases.push(Case {
                            workload,
                            method,
                            rtol,
                            first_dt,
                            precision,
                            place,
                            trajectories,
                            is_checked_finer,
                        });
                    }
                }
            }
        }
    }
    Ok(cases)
}

/// Those named; else all that have a row of the kind asked for.
fn select(choice: &Choice) -> Result<Vec<&'static Workload>> {
    let names = &choice.names;
    let mut known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    known.dedup();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let hint = suggest("known workloads", name, known);
        return Err(Error::run(format!("no workload is named '{name}'{hint}")));
    }
    let is_chosen = |workload: &&Workload| match names.is_empty() {
        false => names.iter().any(|name| name == workload.name),
        true if choice.scaling.is_some() => SCALED.contains(&workload.name),
        true => !choice.is_large() || workload.large.is_some(),
    };
    Ok(WORKLOADS.iter().filter(is_chosen).collect())
}

fn check(choice: &Choice, workloads: &[&Workload]) -> Result<()> {
    if choice.trajectories.is_some_and(|n| n < SAMPLES as u64) {
        return Err(Error::run(format!("at least {SAMPLES} trajectories are needed: so many have a reference")));
    }
    if let Some(Some(most)) = choice.scaling
        && most < 1 << SCALING.0
    {
        return Err(Error::run(format!("the smallest ensemble has {} trajectories, more than {most}", 1 << SCALING.0)));
    }
    if choice.threads.contains(&0) {
        return Err(Error::run("0 threads solve nothing; give at least 1"));
    }
    if let Some(rtol) = choice.rtols.iter().find(|rtol| !(**rtol > 0.0 && **rtol < 1.0)) {
        return Err(Error::run(format!("rtol must be between 0 and 1, got {rtol}")));
    }
    if !choice.rtols.is_empty() && !workloads.iter().any(|workload| workload.is_adaptive()) {
        return Err(Error::run("rtol has no meaning for the fixed steps of these workloads; leave it out"));
    }
    Ok(())
}

fn methods(choice: &Choice, workload: &Workload) -> Result<Vec<&'static Tableau>> {
    let own = match workload.large {
        Some(large) if choice.is_large() => vec![large.method],
        _ => workload.methods.to_vec(),
    };
    let methods: Vec<&Tableau> = match &choice.methods[..] {
        [] => own.iter().map(|name| tableau(name)).collect::<Result<_>>()?,
        names => names.iter().map(|name| tableau(name)).collect::<Result<_>>()?,
    };
    match methods.iter().find(|method| workload.is_adaptive() && method.error.is_none()) {
        None => Ok(methods),
        Some(method) => {
            let mut fixed: Vec<&str> = WORKLOADS.iter().filter(|w| !w.is_adaptive()).map(|w| w.name).collect();
            fixed.dedup();
            Err(Error::Method(format!(
                "'{}' has no error estimate, which the adaptive steps of '{}' need; name workloads with fixed steps: {}",
                method.name,
                workload.name,
                fixed.join(", ")
            )))
        }
    }
}

/// The GPU first, to compare the CPU with.
fn places(choice: &Choice, workload: &Workload) -> Vec<Place> {
    let cpu = |threads| Place::Cpu { threads, interpreted: choice.interpreted };
    let gpu = (choice.backend != BenchBackend::Cpu).then_some(Place::Gpu);
    let threads = if choice.backend == BenchBackend::Gpu { Vec::new() } else { threads(choice, workload) };
    gpu.into_iter().chain(threads.into_iter().map(cpu)).collect()
}

/// Trajectories that are solved one by one keep one thread busy, however many there are.
fn threads(choice: &Choice, workload: &Workload) -> Vec<usize> {
    let all = machine::threads();
    match &choice.threads[..] {
        _ if workload.one_by_one => vec![1],
        [] if all == 1 || choice.is_large() => vec![all],
        [] => vec![1, all],
        given => given.to_vec(),
    }
}

/// Numbers of trajectories, all of which hold the references.
fn sizes(choice: &Choice, workload: &Workload, place: Place) -> Vec<u64> {
    let own = match workload.large {
        Some(large) if place == Place::Gpu && !choice.is_software => large.size,
        Some(large) if choice.is_large() => large.small,
        _ => workload.size,
    };
    let sizes = match choice.scaling {
        None => vec![choice.trajectories.unwrap_or(own)],
        Some(most) => {
            let doubled = (SCALING.0..=SCALING.1).map(|power| 1 << power);
            doubled.filter(|size| *size <= most.unwrap_or(u64::MAX)).collect()
        }
    };
    sizes.into_iter().map(|size| workload.whole_size(size)).collect()
}

/// Tolerances that the number format can deliver; asking for another is an error.
fn rtols(choice: &Choice, workload: &Workload, method: &Tableau) -> Result<Vec<Option<f64>>> {
    let Steps::Adaptive { rtols, .. } = workload.steps else { return Ok(vec![None]) };
    let floor = Method::adaptive(method, Controller::default())?.rtol_floor(choice.precision());
    if let Some(rtol) = choice.rtols.iter().find(|rtol| **rtol < floor) {
        let (precision, method) = (choice.precision(), method.name);
        return Err(Error::run(format!(
            "rtol {rtol:e} is below what {precision} can deliver with {method}, {floor:e}"
        )));
    }
    if !choice.rtols.is_empty() {
        return Ok(choice.rtols.iter().copied().map(Some).collect());
    }
    let rtols = match workload.large {
        Some(Large { rtol: Some(rtol), .. }) if choice.is_large() => vec![rtol],
        // What the row would be, if there were one.
        _ if choice.is_large() => rtols[..1].to_vec(),
        _ => rtols.to_vec(),
    };
    let able: Vec<Option<f64>> = rtols.iter().copied().filter(|rtol| *rtol >= floor).map(Some).collect();
    Ok(if able.is_empty() { vec![Some(floor)] } else { able })
}
