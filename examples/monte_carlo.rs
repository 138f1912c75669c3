//! Uncertainty: how far does a thrown ball fly, if its speed, angle and drag are known only roughly?

use ensolve::{BackendChoice, Ensemble, Statistics, World, stats::QUANTILES};

const MODEL: &str = r#"{
    "model": "ball with air drag",
    "states":     {"x": 0, "height": 1.5, "vx": "speed*cos(angle)", "vy": "speed*sin(angle)"},
    "parameters": {"speed": 30, "angle": "pi/4", "drag": 0.005, "g": 9.81},
    "let":        {"v": "hypot(vx, vy)", "flying": "height > 0"},
    "derivatives": {
        "x":      "flying ? vx : 0",
        "height": "flying ? vy : 0",
        "vx":     "flying ? -drag*v*vx : 0",
        "vy":     "flying ? -drag*v*vy - g : 0"
    },
    "run": {"tspan": [0, 8], "rtol": 1e-5, "atol": 1e-5, "dt_max": 0.1},
    "ensemble": {"size": 20000, "seed": 7, "vary": {
        "speed": {"normal": [30, 1.5]},
        "angle": {"triangular": [0.6, 0.785, 0.9]},
        "drag":  {"lognormal": [-5.3, 0.2]}
    }}
}"#;

fn main() -> ensolve::Result<()> {
    let world = World::from_json(MODEL)?;
    let spec = world.compile()?;
    let ensemble = Ensemble::new(&spec, &world.ensemble)?;
    let mut chosen = ensolve::choose(BackendChoice::Auto, None, None)?;
    let result = ensolve::solve_ensemble(&spec, &world.run, &ensemble, chosen.backend.as_mut())?;

    let statistics = Statistics::of(&result);
    let x = result.row("x").expect("x is a state of the model");
    let range = &statistics.moments[result.t.len() - 1][x];
    println!("{} throws on {}", statistics.n_used, result.info.backend);
    println!("range: {:.1} m +- {:.1} m", range.mean, range.std);
    for (q, value) in QUANTILES.iter().zip(range.quantiles) {
        println!("  {:>2.0} % of throws fall short of {value:.1} m", q * 100.0);
    }
    Ok(())
}
