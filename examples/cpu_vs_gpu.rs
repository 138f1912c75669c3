//! The same ensemble on the CPU and on an adapter: how far apart are the results, in units of the tolerance?

use ensolve::{BackendChoice, Ensemble, Precision, RunSettings, Tolerance, World};

fn main() -> ensolve::Result<()> {
    let world = World::from_file("examples/models/lorenz.json")?;
    let spec = world.compile()?;
    let mut settings = world.ensemble.clone();
    settings.size = Some(10_000);
    let ensemble = Ensemble::new(&spec, &settings)?;
    let (rtol, atol) = (1e-5, 1e-5);
    let run = RunSettings {
        tspan: Some((0.0, 2.0)),
        rtol: Some(Tolerance::Scalar(rtol)),
        atol: Some(Tolerance::Scalar(atol)),
        precision: Some(Precision::F32),
        ..world.run.clone()
    };

    let mut cpu = ensolve::choose(BackendChoice::Cpu, None, None)?;
    let reference = ensolve::solve_ensemble(&spec, &run, &ensemble, cpu.backend.as_mut())?;
    println!("{}: {:.2?}", reference.info.backend, reference.info.elapsed);
    let mut gpu = match ensolve::choose(BackendChoice::Gpu, None, None) {
        Ok(gpu) => gpu,
        Err(no_adapter) => {
            println!("{no_adapter}");
            return Ok(());
        }
    };
    let result = ensolve::solve_ensemble(&spec, &run, &ensemble, gpu.backend.as_mut())?;
    println!("{}: {:.2?}", result.info.backend, result.info.elapsed);

    let pairs = || result.final_states.iter().zip(&reference.final_states);
    let units = pairs().map(|(a, b)| (a - b).abs() / (atol + rtol * b.abs())).fold(0.0, f64::max);
    let equal = pairs().filter(|(a, b)| a == b).count();
    println!(
        "largest difference: {units:.2} tolerance units; {equal} of {} numbers have the same bits",
        pairs().count()
    );
    Ok(())
}
