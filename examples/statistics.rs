//! A million trajectories of which none is stored: spread, quantiles, a probability, and the ten that go highest.

use ensolve::spec::{Keep, Measure, Quantity, StatisticsSettings};
use ensolve::{BackendChoice, Ensemble, World, sweep};

/// A damped oscillator with uncertain damping and stiffness, pushed for a second.
const MODEL: &str = r#"{"model": "pushed oscillator",
    "states": {"x": 0.0, "v": 0.0}, "parameters": {"k": 4.0, "c": 0.5, "push": 3.0},
    "derivatives": {"x": "v", "v": "(t < 1 ? push : 0) - k*x - c*v"}, "stops": [1.0],
    "run": {"tspan": [0, 10], "save": {"points": 101}},
    "ensemble": {"size": 1000000, "seed": 1, "vary": {"k": {"normal": [4, 0.4]}, "c": {"loguniform": [0.1, 1]}}}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = std::env::args().nth(1).map(|n| n.parse()).transpose()?;
    let mut world = World::from_json(MODEL)?;
    world.ensemble.size = n.or(world.ensemble.size);
    let spec = world.compile()?;
    let ensemble = Ensemble::new(&spec, &world.ensemble)?;
    let wanted = StatisticsSettings {
        summaries: vec![Measure::parse("time_above(x, 0.5)")?],
        exceed: vec![(Quantity::parse("max(x)")?, vec![1.2])],
        keep: vec![Keep::parse("largest(max(x), 10)")?],
        ..StatisticsSettings::default()
    };
    let mut chosen = ensolve::choose(BackendChoice::Auto, None, None)?;
    let result = sweep(&spec, &world.run, &ensemble, &wanted, chosen.backend.as_mut())?;

    println!("{} trajectories on {} in {:.2?}", result.n_done, result.info.backend, result.info.elapsed);
    for (save, t) in result.t.iter().enumerate().step_by(20) {
        let x = result.at(save, "x").ok_or("x is a state")?;
        println!("t = {t:2}: x = {:7.4} +- {:.4}, median {:7.4}", x.mean, x.std, x.quantiles[1].value);
    }
    let highest = result.summary("max(x)").ok_or("it was asked for")?;
    let above = highest.exceedances[0];
    println!(
        "x goes above {} with probability {:.5} +- {:.5}",
        above.threshold, above.probability, above.standard_error
    );
    for kept in &result.kept {
        let one = kept.result.as_ref().ok_or("nothing was stopped")?;
        println!(
            "trajectory {:7} goes up to {:.4}: k = {:.3}, c = {:.3}",
            kept.trajectory, kept.value, one.p[0], one.p[1]
        );
    }
    Ok(())
}
