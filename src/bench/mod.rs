//! How fast this machine solves fixed workloads, and how much of its arithmetic that is.
//!
//! In: a choice of [workloads](workload::WORKLOADS), methods, tolerances and threads ([`plan`]). Out: a [`Row`] for each,
//! with a time only if every trajectory succeeded and 16 of them agree with a [reference](reference::Reference) that was
//! computed elsewhere. Times are of whole calls, from the ensemble's distributions to the results, the model compiled
//! and everything warm before. Beside them stands the [peak](peak::Peak) of the processor's multiply-add units, measured
//! on the spot: the part of it that a row reaches tells a slow machine from a slow program. Not done: comparison with
//! other programs, profiles, or rows of a GPU.

pub mod machine;
pub mod peak;
pub mod flops;
mod models;
pub mod reference;
pub mod workload;
mod plan;
mod measure;

pub use measure::{Row, measure};
pub use peak::Peak;
pub use plan::{Case, Choice, plan};
pub use reference::Reference;
pub use workload::{WORKLOADS, Workload};
