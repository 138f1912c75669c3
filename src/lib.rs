//! Ensemble ODE solver: one model, very many initial conditions and parameter sets, on any GPU or on the CPU.
//!
//! A model is a JSON file or a [`World`] built in Rust. It is compiled once to a flat program; the program becomes a
//! WGSL compute kernel that runs through wgpu on Vulkan, Metal, DX12 and GL, and the same program runs on the CPU with
//! the same operations in the same order. One bad trajectory never hurts another: each has a [`Status`].
//!
//! ```
//! use ensolve::{BackendChoice, Ensemble, Statistics, World, choose, solve_ensemble};
//!
//! let world = World::from_json(r#"{
//!     "model": "decay",
//!     "states": {"y": 1.0},
//!     "parameters": {"rate": 0.5},
//!     "derivatives": {"y": "-rate*y"},
//!     "run": {"tspan": [0, 2]},
//!     "ensemble": {"size": 1000, "seed": 1, "vary": {"rate": {"uniform": [0.4, 0.6]}}}
//! }"#)?;
//! let spec = world.compile()?;
//! let ensemble = Ensemble::new(&spec, &world.ensemble)?;
//! let mut chosen = choose(BackendChoice::Cpu, None, None)?;
//! let result = solve_ensemble(&spec, &world.run, &ensemble, chosen.backend.as_mut())?;
//! let last = Statistics::of(&result).moments.pop().expect("two save times");
//! assert!((last[0].mean - 0.37).abs() < 0.01);
//! # Ok::<(), ensolve::Error>(())
//! ```
//!
//! # The pipeline
//!
//! The modules below are in this order, and each uses only those above it:
//!
//! ```text
//! World (spec) -> Graph (expr) -> CompiledSpec (compile) of flat Programs (program)
//!   + Method (method) + Ensemble (ensemble) + stops and save times (schedule) -> Plan (plan): Job and Inputs (job)
//!   -> { KernelSource (wgsl) -> gpu | cpu } -> RawOutput
//!   -> SolveResult / EnsembleResult (solution) -> fields and snapshots (snapshot), Statistics (stats), files (output)
//! ```
//!
//! [`solve()`] and [`solve_ensemble`] are exactly these steps in order; [`sweep()`](sweep::sweep) reduces chunks of trajectories to
//! statistics instead of storing them ([`reduce`]); both can be interrupted and go on ([`checkpoint`]); [`choose`] picks a backend. [`verify()`](verify::verify)
//! solves a sample again in f64 at a hundredth of the tolerances and measures the error. `bench` (with the program) times all
//! of it on fixed workloads.
//!
//! Before all of them stand the numbers: [`math`] has our own functions in every number format ([`real`]), which the kernels
//! repeat operation by operation.
//!
//! Who knows the Python framework numen finds its calls and ours side by side in [`coming_from_numen`].
//!
//! # Cargo features
//!
//! - `gpu` (default): the wgpu backend. Without it the crate is the CPU library alone.
//! - `cli` (default): the `ensolve` program, and `bench` that it runs.
//! - `npz` (default): results as NumPy arrays.

pub mod error;
pub mod pair;
pub mod math;
pub mod simd;
pub mod real;
pub mod sampling;
pub mod status;
pub mod reduce;
pub mod method;
pub mod native;
pub mod spec;
pub mod schedule;
pub mod expr;
pub mod program;
pub mod infix;
pub mod compile;
pub mod job;
#[cfg(feature = "gpu")]
pub mod wgsl;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod cpu;
pub mod ensemble;
pub mod solution;
pub mod snapshot;
pub mod stats;
pub mod output;
mod tolerances;
pub mod plan;
pub mod checkpoint;
pub mod solve;
pub mod sweep;
pub mod verify;
pub mod backend;
#[cfg(feature = "cli")]
pub mod bench;

#[doc = include_str!("coming_from_numen.md")]
pub mod coming_from_numen {}

pub use backend::{BackendChoice, choose};
pub use compile::CompiledSpec;
pub use cpu::CpuBackend;
pub use ensemble::Ensemble;
pub use error::{Error, Result};
pub use job::Backend;
pub use method::{Method, Tableau};
pub use real::{Arithmetic, Precision};
pub use sampling::Distribution;
pub use snapshot::{FieldSeries, Snapshot};
pub use solution::{EnsembleResult, SolveResult, Verification};
pub use solve::{solve, solve_ensemble};
pub use spec::{EnsembleSettings, RunSettings, Save, SavePolicy, StatisticsSettings, Tolerance, World};
pub use stats::Statistics;
pub use status::Status;
pub use sweep::{SweepResult, sweep};
pub use verify::verify;
