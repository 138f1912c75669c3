//! `ensolve check`: the compiled model, which backends can run it, and whether its `run` and `ensemble` sections hold.

use super::{Report, vary};
use ensolve::{CompiledSpec, Ensemble, Precision, Result, World, solve};
use std::fmt::Write;
use std::path::Path;

/// Describes a model file.
pub fn check(path: &Path) -> Result<Report> {
    let world = World::from_file(path)?;
    let spec = world.compile()?;
    let mut text = spec.to_string();
    let supported = solve::check_features(&spec, "ensolve");
    let gpu = if cfg!(feature = "gpu") {
        "gpu ('ensolve adapters' lists those of this machine)"
    } else {
        "gpu (not in this build)"
    };
    let _ = match &supported {
        Ok(()) => writeln!(text, "backends: cpu, {gpu}"),
        Err(why) => writeln!(text, "backends: none; {why}"),
    };
    let ensemble = Ensemble::new(&spec, &world.ensemble)?;
    let (run, warnings) = run_lines(&world, &spec, &ensemble, supported.is_ok())?;
    text += &run;
    text += &ensemble_lines(&world, &ensemble);
    Ok(Report::good(text).warned(&warnings))
}

/// The `run` section as it would be run, and what the user should know of it.
fn run_lines(
    world: &World,
    spec: &CompiledSpec,
    ensemble: &Ensemble,
    is_supported: bool,
) -> Result<(String, Vec<String>)> {
    if world.run == Default::default() {
        let text = "run: nothing in the file; the command line needs at least --tspan\n";
        return Ok((text.to_string(), Vec::new()));
    }
    let method = solve::method(&world.run)?;
    let (Some((t0, t1)), true) = (world.run.tspan, is_supported) else {
        return Ok((format!("run: {}\n", method.name), Vec::new()));
    };
    let (job, warnings) =
        solve::job(spec, &world.run, &method, world.run.precision.unwrap_or(Precision::F64), ensemble.size() == 1)?;
    let precision = world.run.precision.map_or(String::new(), |precision| format!(", {precision}"));
    let n_save = world.run.save.as_ref().map_or(String::new(), |_| format!(", {} save times", job.t_save.len()));
    Ok((format!("run: t = {t0} to {t1}, {}{precision}{n_save}\n", solve::describe_method(&job)), warnings))
}

fn ensemble_lines(world: &World, ensemble: &Ensemble) -> String {
    if world.ensemble == Default::default() {
        return "ensemble: none in the file; --n and --vary make one\n".to_string();
    }
    let mut text = format!("ensemble: {} trajectories, seed {}\n", ensemble.size(), ensemble.seed());
    for (name, distribution) in &world.ensemble.vary {
        let _ = writeln!(text, "  {name} = {}", vary::show(distribution));
    }
    text
}
