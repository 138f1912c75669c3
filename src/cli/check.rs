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
    text += &run_lines(&world, &spec, &ensemble, supported.is_ok())?;
    text += &ensemble_lines(&world, &ensemble);
    Ok(Report::good(text))
}

fn run_lines(world: &World, spec: &CompiledSpec, ensemble: &Ensemble, is_supported: bool) -> Result<String> {
    if world.run == Default::default() {
        return Ok("run: nothing in the file; the command line needs at least --tspan\n".to_string());
    }
    let method = solve::method(&world.run)?;
    let (Some((t0, t1)), true) = (world.run.tspan, is_supported) else {
        return Ok(format!("run: {}\n", method.name));
    };
    let job =
        solve::job(spec, &world.run, &method, world.run.precision.unwrap_or(Precision::F64), ensemble.size() == 1)?;
    let precision = world.run.precision.map_or(String::new(), |precision| format!(", {precision}"));
    let n_save = world.run.save.as_ref().map_or(String::new(), |_| format!(", {} save times", job.t_save.len()));
    Ok(format!("run: t = {t0} to {t1}, {}{precision}{n_save}\n", solve::describe_method(&job)))
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
