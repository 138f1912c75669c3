//! Bring your own method: Ralston's method of order 3, checked, used, and its order measured.

use ensolve::{CpuBackend, RunSettings, Tableau, World};

/// A. Ralston, Math. Comp. 16 (1962) 431-437: least bound on the error among three-stage methods of order 3.
static RALSTON3: Tableau = Tableau {
    name: "ralston3",
    source: "A. Ralston, Math. Comp. 16 (1962) 431-437",
    order: 3,
    c: &[0.0, 0.5, 0.75],
    a: &[&[0.5], &[0.0, 0.75]],
    b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0],
    error: None,
    dense: None,
};

fn main() -> ensolve::Result<()> {
    RALSTON3.check()?;
    let world = World::new("oscillator").state("x", 1.0).state("v", 0.0).derivative("x", "v").derivative("v", "-x");
    let spec = world.compile()?;
    let error = |dt: f64| -> ensolve::Result<f64> {
        let run =
            RunSettings { tspan: Some((0.0, 10.0)), tableau: Some(&RALSTON3), dt: Some(dt), ..Default::default() };
        let result = ensolve::solve(&spec, &run, &mut CpuBackend::new())?;
        Ok((result.x[[0, result.t.len() - 1]] - 10f64.cos()).abs())
    };
    let mut dt = 0.1;
    let mut coarse = error(dt)?;
    println!("dt = {dt:<8} error {coarse:.2e}");
    for _ in 0..4 {
        dt /= 2.0;
        let fine = error(dt)?;
        println!("dt = {dt:<8} error {fine:.2e}, order {:.2}", (coarse / fine).log2());
        coarse = fine;
    }
    Ok(())
}
