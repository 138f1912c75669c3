//! `ensolve check`: the compiled model, which backends can run it, and whether its `run` and `ensemble` sections hold.

use super::{Report, summary, vary};
use ensolve::{CompiledSpec, Ensemble, Precision, Result, World, cpu, plan, solve};
use std::fmt::Write;
use std::path::Path;

/// Describes a model file.
pub fn check(path: &Path) -> Result<Report> {
    let world = World::from_file(path)?;
    let spec = world.compile()?;
    let mut text = spec.to_string();
    let backends = backends(&spec);
    let is_supported = backends.iter().any(|(_, supported)| supported.is_ok());
    let names: Vec<&str> = backends.iter().filter(|(_, supported)| supported.is_ok()).map(|(name, _)| *name).collect();
    let _ = writeln!(text, "backends: {}", if names.is_empty() { "none".to_string() } else { names.join(", ") });
    for why in backends.iter().filter_map(|(_, supported)| supported.as_ref().err()) {
        let _ = writeln!(text, "  {why}");
    }
    let ensemble = Ensemble::new(&spec, &world.ensemble)?;
    let (run, warnings) = run_lines(&world, &spec, &ensemble, is_supported)?;
    text += &run;
    text += &ensemble_lines(&world, &ensemble);
    Ok(Report::good(text).warned(&warnings))
}

/// Every backend of this build, and whether it can run the model.
fn backends(spec: &CompiledSpec) -> Vec<(&'static str, Result<()>)> {
    let cpu = solve::check_features(spec, "cpu", &cpu::SUPPORTED_FEATURES);
    #[cfg(feature = "gpu")]
    let gpu = solve::check_features(spec, "gpu", &ensolve::gpu::SUPPORTED_FEATURES);
    vec![
        ("cpu", cpu),
        #[cfg(feature = "gpu")]
        ("gpu ('ensolve adapters' lists those of this machine)", gpu),
        #[cfg(not(feature = "gpu"))]
        ("gpu (not in this build)", Ok(())),
    ]
}

/// The `run` section as it would be run, and what the user should know of it.
fn run_lines(
    world: &World,
    spec: &CompiledSpec,
    ensemble: &Ensemble,
    is_supported: bool,
) -> Result<(String, Vec<String>)> {
    if world.run == Default::default() && world.tspan.is_none() {
        let text = "run: nothing in the file; the command line needs at least --tspan\n";
        return Ok((text.to_string(), Vec::new()));
    }
    let (spec, run) = plan::oriented(spec, &world.run)?;
    let method = plan::method(&run)?;
    let own_span = spec.own_tspan.is_some() && run.tspan.is_none();
    if !is_supported || run.tspan.is_none() && !own_span {
        return Ok((format!("run: {}\n", method.name), Vec::new()));
    }
    let plan = plan::plan(spec, &run, &method, run.precision.unwrap_or(Precision::F64), ensemble.size())?;
    let span = match world.run.tspan {
        Some((t0, t1)) => format!("t = {t0} to {t1}"),
        None => "each trajectory over its own time span".to_string(),
    };
    let precision = run.precision.map_or(String::new(), |precision| format!(", {precision}"));
    let n_save = run.save.as_ref().filter(|_| !plan.t.is_empty());
    let n_save = n_save.map_or(String::new(), |_| format!(", {} save times", plan.t.len()));
    let method = plan::describe_method(&plan.job);
    Ok((format!("run: {span}, {method}{precision}{n_save}\n"), plan.warnings))
}

fn ensemble_lines(world: &World, ensemble: &Ensemble) -> String {
    if world.ensemble == Default::default() {
        return "ensemble: none in the file; --n and --vary make one\n".to_string();
    }
    let sampling = summary::sampling(ensemble.sampling());
    let mut text = format!("ensemble: {} trajectories, seed {}{sampling}\n", ensemble.size(), ensemble.seed());
    for (name, distribution) in &world.ensemble.vary {
        let _ = writeln!(text, "  {name} = {}", vary::show(distribution));
    }
    text
}
