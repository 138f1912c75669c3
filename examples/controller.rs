//! A controller written in Rust: a sampled PID that keeps its integral in a closure, on a thousand pendulums.

use ensolve::spec::Callback;
use ensolve::{CpuBackend, Ensemble, Statistics, World};

const MODEL: &str = r#"{
    "model": "pendulums that are held up by a motor",
    "components": {
        "pendulum": {"theta": {"integrated": 0}, "omega": {"integrated": 0},
                     "length": {"parameter": 1}, "mass": {"parameter": 1}, "damping": {"parameter": 0.1}},
        "motor": {"torque": {"discrete": 0}}
    },
    "entities": {"arm": {"pendulum": {}, "motor": {}}},
    "systems": {"swing": {"slots": {"p": "pendulum", "m": "motor"}, "groups": [["arm", "arm"]], "derivatives": {
        "p.theta": "p.omega",
        "p.omega": "-9.81/p.length*sin(p.theta) - p.damping*p.omega + m.torque/(p.mass*p.length^2)"
    }}},
    "run": {"tspan": [0, 10], "save": {"every": 2}},
    "ensemble": {"size": 1000, "seed": 1, "vary": {
        "arm.pendulum.length": {"normal": [1, 0.05]},
        "arm.pendulum.mass":   {"lognormal": [0, 0.1]}
    }}
}"#;

const DT: f64 = 0.01;
const MAX_TORQUE: f64 = 12.0;

fn main() -> ensolve::Result<()> {
    // Called once for each trajectory: each has an integral of its own.
    let pid = || {
        let (mut integral, mut last_error) = (0.0, None);
        move |_t: f64, reads: &[f64], writes: &mut [f64]| {
            let error = reads[1] - reads[0];
            let rate = (error - last_error.replace(error).unwrap_or(error)) / DT;
            let torque = 20.0 * error + 15.0 * integral + 4.0 * rate;
            // The integral waits while the motor is at its limit.
            if torque.abs() < MAX_TORQUE {
                integral += error * DT;
            }
            writes[0] = torque.clamp(-MAX_TORQUE, MAX_TORQUE);
        }
    };
    let reads = ["arm.pendulum.theta", "setpoint"];
    let callback = Callback::function(DT, reads, ["arm.motor.torque"], pid).parameter("setpoint", 0.5);
    let world = World::from_json(MODEL)?.callback("pid", callback);
    let spec = world.compile()?;
    let ensemble = Ensemble::new(&spec, &world.ensemble)?;
    let result = ensolve::solve_ensemble(&spec, &world.run, &ensemble, &mut CpuBackend::new())?;

    let statistics = Statistics::of(&result);
    println!("{} of {} pendulums, setpoint 0.5", statistics.n_used, result.n_traj());
    let theta = result.row("arm.pendulum.theta").expect("theta is a state of the model");
    for (t, moments) in result.t.iter().zip(&statistics.moments) {
        println!("t = {t:>4}: angle {:.4} +- {:.4}", moments[theta].mean, moments[theta].std);
    }
    Ok(())
}
