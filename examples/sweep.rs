//! A parameter sweep: the steady amplitude of a driven, damped oscillator over a grid of frequency and damping.

use ensolve::{BackendChoice, Distribution, Ensemble, EnsembleSettings, RunSettings, World, sampling::linspace};

fn main() -> ensolve::Result<()> {
    let world = World::new("driven oscillator")
        .state("x", 0.0)
        .state("v", 0.0)
        .parameter("frequency", 1.0)
        .parameter("damping", 0.1)
        .derivative("x", "v")
        .derivative("v", "cos(frequency*t) - 2*damping*v - x")
        .output("amplitude", "hypot(x, v/frequency)");
    let spec = world.compile()?;

    // Every combination; the last axis varies fastest, as in a nested loop.
    let (frequencies, dampings) = (linspace(0.5, 1.5, 11), [0.1, 0.2, 0.4]);
    let vary = [
        ("frequency".to_string(), Distribution::Grid(frequencies.clone())),
        ("damping".to_string(), Distribution::Grid(dampings.to_vec())),
    ];
    let settings = EnsembleSettings { vary: vary.into_iter().collect(), ..Default::default() };
    let ensemble = Ensemble::new(&spec, &settings)?;

    let run = RunSettings { tspan: Some((0.0, 100.0)), ..Default::default() };
    let mut chosen = ensolve::choose(BackendChoice::Auto, None, None)?;
    let result = ensolve::solve_ensemble(&spec, &run, &ensemble, chosen.backend.as_mut())?;

    let amplitude = result.values("amplitude").expect("an output of the model");
    println!("frequency  damping 0.1  0.2    0.4    (exact)");
    for (i, w) in frequencies.iter().enumerate() {
        let at = |j: usize| amplitude[[result.t.len() - 1, i * dampings.len() + j]];
        let exact = 1.0 / (1.0 - w * w).hypot(2.0 * dampings[2] * w);
        println!("{w:9.1}  {:11.3}  {:5.3}  {:5.3}  ({exact:.3})", at(0), at(1), at(2));
    }
    Ok(())
}
