pub mod error;
pub mod real;
pub mod sampling;
pub mod spec;
pub mod expr;
pub mod program;
pub mod infix;
pub mod compile;
pub mod status;
pub mod method;
pub mod job;
#[cfg(feature = "gpu")]
pub mod wgsl;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod cpu;
pub mod ensemble;
pub mod solution;
pub mod stats;
pub mod solve;
pub mod backend;


pub use backend::{BackendChoice, choose};
pub use compile::CompiledSpec;
pub use cpu::CpuBackend;
pub use ensemble::Ensemble;
pub use error::{Error, Result};
pub use job::Backend;
pub use real::Precision;
pub use sampling::Distribution;
pub use solution::{EnsembleResult, SolveResult};
pub use solve::{solve, solve_ensemble};
pub use spec::{RunSettings, Save, World};
pub use stats::Statistics;
pub use status::Status;
