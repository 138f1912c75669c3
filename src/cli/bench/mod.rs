//! `ensolve bench`: the library's benchmark as a table or as JSON, a row as soon as it is measured.

mod rows;

use super::args::{precision, whole};
use super::vary::finite;
use super::{Report, WRONG, print_now};
use clap::{Args, ValueEnum};
use ensolve::bench::{self, BenchBackend, Case, Choice, Gpu, Machine, WORKLOADS, machine};
use ensolve::{Error, Precision, Result};

/// More threads than any machine has cores.
const MAX_THREADS: u64 = 1024;

/// Where nobody says up to which size an ensemble is to grow, it does until a run takes so many seconds.
const SCALING_SECONDS: f64 = 1.0;

#[derive(Args)]
pub struct BenchArgs {
    /// Workloads to measure, by name [default: all that have such rows, listed below]
    workloads: Vec<String>,
    /// Where to run. 'cpu' makes work-precision tables in f64; 'gpu' solves large ensembles in f32, and 'both' the same ones on
    /// the GPU and on the CPU
    #[arg(long, value_enum, default_value_t = Where::Cpu)]
    backend: Where,
    /// Adapter to use, by a part of its name [default: the best, see 'ensolve adapters']
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Methods for all of them, separated by commas [default: the workload's own]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    method: Vec<String>,
    /// Make no machine code on the CPU but interpret the equations, for comparison
    #[arg(long)]
    interpreted: bool,
    /// Number format, f32 or f64 [default: f64; large ensembles: f32]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    precision: Option<Precision>,
    /// Numbers of threads on the CPU, separated by commas [default: 1, then as many as there are cores; large ensembles: as many as
    /// there are cores]
    #[arg(long, value_name = "N,..", value_delimiter = ',', value_parser = threads, allow_negative_numbers = true)]
    threads: Vec<usize>,
    /// Relative tolerances of adaptive steps, separated by commas [default: 1e-3 to 1e-9 by decades, as far as the format
    /// goes; for single its end alone; large ensembles: the workload's own]
    #[arg(long, value_name = "A,..", value_delimiter = ',', value_parser = finite, allow_negative_numbers = true)]
    rtol: Vec<f64>,
    /// Number of trajectories, rounded up to one that has all references [default: the workload's own, larger on a real GPU]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    trajectories: Option<u64>,
    /// Measure ensembles of 2^10, 2^11, ... trajectories [default workloads: lorenz_fixed and lorenz_adaptive]
    #[arg(long, conflicts_with = "trajectories")]
    scaling: bool,
    /// The largest of them [default: 2^23, or the first that takes a second]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true, requires = "scaling")]
    max_trajectories: Option<u64>,
    /// Print each row as a line of JSON
    #[arg(long)]
    json: bool,
}

/// Backends on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Where {
    Cpu,
    Gpu,
    Both,
}

/// The workloads, and what a row says.
pub fn help() -> String {
    let mut text = "Workloads (* also as a large ensemble):\n".to_string();
    let mut known = WORKLOADS.to_vec();
    known.dedup_by_key(|workload| workload.name);
    known.iter().for_each(|workload| {
        let mark = if workload.large.is_some() { '*' } else { ' ' };
        text += &format!("{mark} {:<16} {}\n", workload.name, workload.about);
    });
    text + "
Columns:
  steps            attempted steps of a trajectory, on average
  rel_error        largest |y - ref|/(|ref| + 1e-3) of 16 stored references, or of the statistics
  median, fastest  milliseconds of a run, from distributions to results
  ns/state/step    nanoseconds of one thread for one state and step
  of peak          counted operations, by what the threads' multiply-add units could do

Columns of large ensembles, besides:
  first            milliseconds of the first run: device opened, code compiled, results there
  device           milliseconds of a run with work on the device, as the host sees it
  steps/s          attempted steps per second with work on the device (CPU: per second of the run)
  of peak          counted operations in that time, by what the adapter's multiply-add units could do
  waste            steps that lanes went through, idle ones included, over those that were needed
  slices           dispatches of a run

A row whose trajectories fail, or are further from the references than the tolerance
allows, has no time.
Exit codes: 0 all rows are good, 1 some are not (reasons on stderr), 2 bad input."
}

fn format(text: &str) -> std::result::Result<Precision, String> {
    match precision(text) {
        Ok(format @ (Precision::F32 | Precision::F64)) => Ok(format),
        _ => Err("known here: f32, f64".to_string()),
    }
}

fn threads(text: &str) -> std::result::Result<usize, String> {
    match whole(text)? {
        n @ 1..=MAX_THREADS => Ok(n as usize),
        _ => Err(format!("expected 1 to {MAX_THREADS}")),
    }
}

impl BenchArgs {
    fn choice(&self, gpu: Option<&Gpu>) -> Choice {
        Choice {
            names: self.workloads.clone(),
            backend: match self.backend {
                Where::Cpu => BenchBackend::Cpu,
                Where::Gpu => BenchBackend::Gpu,
                Where::Both => BenchBackend::Both,
            },
            is_software: gpu.is_some_and(|gpu| gpu.is_software),
            methods: self.method.clone(),
            interpreted: self.interpreted,
            precision: self.precision,
            threads: self.threads.clone(),
            rtols: self.rtol.clone(),
            trajectories: self.trajectories,
            scaling: self.scaling.then_some(self.max_trajectories),
        }
    }

    /// The adapter, if there are rows for it.
    fn gpu(&self) -> Result<Option<Gpu>> {
        match (self.backend, &self.adapter) {
            (Where::Cpu, Some(adapter)) => Err(Error::run(format!(
                "--adapter '{adapter}' names a GPU, which --backend cpu does not use; add --backend gpu, or leave it out"
            ))),
            (Where::Cpu, None) => Ok(None),
            (_, adapter) => Gpu::find(adapter.as_deref()).map(Some),
        }
    }
}

/// Measures and prints row by row.
pub fn bench(args: &BenchArgs) -> Result<Report> {
    let gpu = args.gpu()?;
    let choice = args.choice(gpu.as_ref());
    let cases = bench::plan(&choice)?;
    let machine = Machine::measure(gpu, choice.precision())?;
    let mut report = Report::good(String::new());
    if cfg!(debug_assertions) {
        report = report.warned(&["this is a debug build; only one made with --release tells anything".to_string()]);
    }
    let columns = if choice.is_large() { rows::LARGE } else { rows::CPU };
    if !args.json && !print_now(&rows::heading(&machine, columns))? {
        return Ok(report);
    }
    let has_limit = args.scaling && args.max_trajectories.is_none();
    let mut slow: Option<Case> = None;
    for case in cases {
        if slow.is_some_and(|slow| case.differs_in_size_from(&slow)) {
            continue;
        }
        match bench::measure(&case, &machine) {
            Ok(row) => {
                slow = (has_limit && row.seconds >= SCALING_SECONDS).then_some(case);
                let line =
                    if args.json { rows::as_json(&row, &machine).to_string() } else { rows::as_text(&row, columns) };
                if !print_now(&(line + "\n"))? {
                    return Ok(report);
                }
            }
            Err(error) => {
                report.warnings += &format!("error: {error}\n");
                report.code = WRONG;
            }
        }
    }
    Ok(report)
}
