//! `ensolve wgsl`: the generated kernel of a model, readable.

use super::Report;
use super::args::{StepArgs, precision};
use clap::Args;
use ensolve::{Precision, Result, World, plan};
use std::path::PathBuf;

#[derive(Args)]
pub struct WgslArgs {
    /// Model file (JSON)
    model: PathBuf,
    #[command(flatten)]
    steps: StepArgs,
    /// Number format, f32 or f64 [default: the file's, else f32]
    #[arg(long, value_name = "FORMAT", value_parser = precision)]
    precision: Option<Precision>,
}

/// Prints the kernel.
pub fn wgsl(args: &WgslArgs) -> Result<Report> {
    let world = World::from_file(&args.model)?;
    let spec = world.compile()?;
    let settings = args.steps.over(&world.run);
    let method = plan::method(&settings)?;
    let precision = args.precision.or(settings.precision).unwrap_or(Precision::F32);
    kernel(&spec, &method, precision).map(Report::good)
}

#[cfg(feature = "gpu")]
fn kernel(spec: &ensolve::CompiledSpec, method: &ensolve::method::Method, precision: Precision) -> Result<String> {
    ensolve::solve::check_features(spec, "gpu", &ensolve::gpu::SUPPORTED_FEATURES)?;
    ensolve::wgsl::assemble(&spec.program, method, precision).map(|source| source.text().to_string())
}

#[cfg(not(feature = "gpu"))]
fn kernel(_: &ensolve::CompiledSpec, _: &ensolve::method::Method, _: Precision) -> Result<String> {
    Err(ensolve::Error::Device(
        "this build has no GPU backend; build with the feature 'gpu' to see its kernels".to_string(),
    ))
}
