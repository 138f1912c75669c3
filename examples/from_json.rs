//! Solves one trajectory of a model file and prints it as CSV: `cargo run --example from_json -- MODEL.json`.

use ensolve::{BackendChoice, World};

fn main() -> ensolve::Result<()> {
    let path = std::env::args().nth(1).unwrap_or("examples/models/coupled_spring.json".to_string());
    let world = World::from_file(path)?;
    let spec = world.compile()?;
    eprintln!("{spec}");

    let mut chosen = ensolve::choose(BackendChoice::Cpu, None, None)?;
    let result = ensolve::solve(&spec, &world.run, chosen.backend.as_mut())?;
    println!("t,{}", result.names.join(","));
    for (i, t) in result.t.iter().enumerate() {
        let values = result.x.column(i).into_iter().chain(result.outputs.column(i)).map(f64::to_string);
        println!("{t},{}", values.collect::<Vec<_>>().join(","));
    }
    eprintln!("{}: {} steps accepted, {} rejected", result.status.name(), result.accepted, result.rejected);
    Ok(())
}
