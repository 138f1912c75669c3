//! How fast this machine solves fixed workloads, and how much of its arithmetic that is.
//!
//! In: a choice of [workloads](workload::Workload), backends, methods, tolerances and threads ([`plan`]). Out: a [`Row`] for
//! each, with a time only if every trajectory succeeded and 16 of them, or the statistics of all, agree with a
//! [reference](reference::Reference) that was computed elsewhere. On the CPU alone the rows are work-precision tables: the
//! model compiled and everything warm before. With a GPU they are of large ensembles, in f32, and say besides when the first
//! result was there and how long the device was at work. Times are of whole calls, from the ensemble's distributions to the
//! results. Beside them stands the [peak](peak::Peak) of the multiply-add units of the processor or the adapter, measured on
//! the spot: the part of it that a row reaches tells a slow machine from a slow program. Not done: comparison with other
//! programs, and profiles.

pub mod machine;
pub mod peak;
pub mod flops;
mod models;
pub mod reference;
pub mod curve;
pub mod workload;
mod workloads;
mod plan;
mod engine;
mod row;
mod measure;

pub use engine::Work;
pub use machine::{Gpu, Machine};
pub use measure::measure;
pub use peak::Peak;
pub use plan::{BenchBackend, Case, Choice, Place, plan};
pub use reference::Reference;
pub use row::Row;
pub use workload::Workload;
pub use workloads::WORKLOADS;
