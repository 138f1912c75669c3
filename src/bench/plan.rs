//! From what is asked for to the list of rows, with everything that is wrong with it said before anything runs.

use super::machine;
use super::reference::SAMPLES;
use super::workload::{Steps, WORKLOADS, Workload};
use crate::error::{Error, Result, suggest};
use crate::method::{Controller, Method, Tableau, tableau};
use crate::real::Precision;

/// Method of adaptive steps where none is asked for.
const ADAPTIVE_METHOD: &str = "tsit5";

/// What is asked for; what is empty is left to the workloads.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Names of workloads; none means all.
    pub names: Vec<String>,
    /// Names of methods for all of them.
    pub methods: Vec<String>,
    /// Whether the CPU makes no machine code, for comparison.
    pub interpreted: bool,
    /// Number format.
    pub precision: Precision,
    /// Numbers of threads; none means one and then all cores.
    pub threads: Vec<usize>,
    /// Relative tolerances of adaptive steps.
    pub rtols: Vec<f64>,
    /// Number of trajectories, rounded up to one that holds all references.
    pub trajectories: Option<u64>,
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
    /// Number format.
    pub precision: Precision,
    /// Number of threads.
    pub threads: usize,
    /// Number of trajectories.
    pub trajectories: u64,
    /// Whether the CPU makes no machine code.
    pub interpreted: bool,
}

/// The rows of a choice, in order.
///
/// # Errors
/// [`Error::Run`] and [`Error::Method`] for names that are not known and for what contradicts the workloads chosen.
pub fn plan(choice: &Choice) -> Result<Vec<Case>> {
    let workloads = select(&choice.names)?;
    check(choice, &workloads)?;
    let mut cases = Vec::new();
    for workload in workloads {
        let trajectories = workload.whole_size(choice.trajectories.unwrap_or(workload.size));
        for method in methods(choice, workload)? {
            for threads in threads(choice, workload) {
                for rtol in rtols(choice, workload, method)? {
                    let Choice { precision, interpreted, .. } = *choice;
                    cases.push(Case { workload, method, rtol, precision, threads, trajectories, interpreted });
                }
            }
        }
    }
    Ok(cases)
}

fn select(names: &[String]) -> Result<Vec<&'static Workload>> {
    let mut known: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    known.dedup();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let hint = suggest("known workloads", name, known);
        return Err(Error::run(format!("no workload is named '{name}'{hint}")));
    }
    let is_chosen = |workload: &&Workload| names.is_empty() || names.iter().any(|name| name == workload.name);
    Ok(WORKLOADS.iter().filter(is_chosen).collect())
}

fn check(choice: &Choice, workloads: &[&Workload]) -> Result<()> {
    if choice.trajectories.is_some_and(|n| n < SAMPLES as u64) {
        return Err(Error::run(format!("at least {SAMPLES} trajectories are needed: so many have a reference")));
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
    let own = match workload.steps {
        Steps::Fixed { methods, .. } => methods,
        Steps::Adaptive { .. } => &[ADAPTIVE_METHOD],
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

/// Trajectories that are solved one by one keep one thread busy, however many there are.
fn threads(choice: &Choice, workload: &Workload) -> Vec<usize> {
    let all = machine::threads();
    match &choice.threads[..] {
        _ if workload.one_by_one => vec![1],
        [] if all == 1 => vec![1],
        [] => vec![1, all],
        given => given.to_vec(),
    }
}

/// Tolerances that the number format can deliver; asking for another is an error.
fn rtols(choice: &Choice, workload: &Workload, method: &Tableau) -> Result<Vec<Option<f64>>> {
    let Steps::Adaptive { rtols, .. } = workload.steps else { return Ok(vec![None]) };
    let floor = Method::adaptive(method, Controller::default())?.rtol_floor(choice.precision);
    if let Some(rtol) = choice.rtols.iter().find(|rtol| **rtol < floor) {
        let (precision, method) = (choice.precision, method.name);
        return Err(Error::run(format!(
            "rtol {rtol:e} is below what {precision} can deliver with {method}, {floor:e}"
        )));
    }
    if !choice.rtols.is_empty() {
        return Ok(choice.rtols.iter().copied().map(Some).collect());
    }
    let able: Vec<Option<f64>> = rtols.iter().copied().filter(|rtol| *rtol >= floor).map(Some).collect();
    Ok(if able.is_empty() { vec![Some(floor)] } else { able })
}
