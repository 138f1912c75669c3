//! 10,000 Lorenz systems with uncertain parameters: where are they after one time unit?

use ensolve::{BackendChoice, Distribution, Ensemble, EnsembleSettings, RunSettings, Statistics, World};

fn main() -> ensolve::Result<()> {
    let world = World::new("lorenz")
        .state("x", 1.0)
        .state("y", 0.0)
        .state("z", 0.0)
        .parameter("sigma", 10.0)
        .parameter("rho", 28.0)
        .parameter("beta", 8.0 / 3.0)
        .derivative("x", "sigma*(y - x)")
        .derivative("y", "x*(rho - z) - y")
        .derivative("z", "x*y - beta*z");
    let spec = world.compile()?;

    let vary =
        [("rho".to_string(), Distribution::Uniform(0.0, 28.0)), ("x".to_string(), Distribution::Normal(1.0, 0.1))];
    let vary = vary.into_iter().collect();
    let settings = EnsembleSettings { size: Some(10_000), seed: Some(1), vary, ..Default::default() };
    let ensemble = Ensemble::new(&spec, &settings)?;

    let run = RunSettings { tspan: Some((0.0, 1.0)), method: Some("tsit5".to_string()), ..Default::default() };
    let mut chosen = ensolve::choose(BackendChoice::Auto, None, None)?;
    let result = ensolve::solve_ensemble(&spec, &run, &ensemble, chosen.backend.as_mut())?;

    println!("{} ({}) in {:.2?}", result.info.backend, chosen.reason, result.info.elapsed);
    let statistics = Statistics::of(&result);
    for (name, at_end) in result.names.iter().zip(&statistics.moments[result.t.len() - 1]) {
        println!("{name}: {:8.3} +- {:.3}, from {:.3} to {:.3}", at_end.mean, at_end.std, at_end.min, at_end.max);
    }
    Ok(())
}
