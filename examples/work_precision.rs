//! Work and precision: the error at the end against the tolerance, for six problems in every number format. Prints a
//! table and draws `work_precision.svg`. The reference is f64 at rtol 1e-13; medians over 32 trajectories are shown.

use ensolve::{CompiledSpec, CpuBackend, Ensemble, EnsembleSettings, Precision, RunSettings, Tolerance, World};
use ndarray::{Array2, Axis};
use plotters::prelude::*;

const PROBLEMS: [&str; 6] = ["lorenz", "kepler", "double_pendulum", "hodgkin_huxley", "lorenz96", "fluid_poppet"];

/// The states at the end, shape (n_state, n_traj).
fn ends(spec: &CompiledSpec, world: &World, precision: Precision, rtol: f64) -> ensolve::Result<Array2<f64>> {
    let tolerance = |x| Some(Tolerance::Scalar(x));
    let (rtol, atol, max_steps) = (tolerance(rtol), tolerance(1e-3 * rtol), Some(1_000_000));
    let tspan = if world.name == "lorenz" { Some((0.0, 2.0)) } else { world.run.tspan }; // later it is chaos
    let run = RunSettings { tspan, rtol, atol, max_steps, precision: Some(precision), ..Default::default() };
    let ensemble = Ensemble::new(spec, &EnsembleSettings { size: Some(32), ..world.ensemble.clone() })?;
    Ok(ensolve::solve_ensemble(spec, &run, &ensemble, &mut CpuBackend::new())?.final_states)
}

/// Median over the trajectories of |y - want| / |want|.
fn error(y: &Array2<f64>, want: &Array2<f64>) -> f64 {
    let norms = |v: &Array2<f64>| v.map(|x| x * x).sum_axis(Axis(0)).map(|square| square.sqrt());
    let mut errors = (norms(&(y - want)) / norms(want)).to_vec();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = SVGBackend::new("work_precision.svg", (1200, 720)).into_drawing_area();
    page.fill(&WHITE)?;
    for (problem, area) in PROBLEMS.into_iter().zip(page.split_evenly((2, 3))) {
        let world = World::from_file(format!("examples/models/{problem}.json"))?;
        let spec = world.compile()?;
        let reference = ends(&spec, &world, Precision::F64, 1e-13)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("{problem}: error against rtol"), ("sans-serif", 16))
            .margin(10)
            .set_left_and_bottom_label_area_size(40)
            .build_cartesian_2d((1e-12..1e-3).log_scale(), (1e-14..1.0).log_scale())?;
        let power = |x: &f64| format!("{x:.0e}");
        chart.configure_mesh().x_labels(5).x_label_formatter(&power).y_label_formatter(&power).draw()?;
        println!("{problem}\n{:>8} {:>9} {:>9} {:>9}", "rtol", "f32", "f32x2", "f64");
        let formats = [(Precision::F32, RED), (Precision::F32x2, GREEN), (Precision::F64, BLUE)];
        let mut curves = formats.map(|(precision, color)| (precision, color, Vec::new()));
        for rtol in (3..=12).map(|digits| 10f64.powi(-digits)) {
            print!("{rtol:8.0e}");
            for (precision, _, curve) in &mut curves {
                curve.push((rtol, error(&ends(&spec, &world, *precision, rtol)?, &reference)));
                print!(" {:9.1e}", curve[curve.len() - 1].1);
            }
            println!();
        }
        for (precision, color, curve) in curves {
            let series = chart.draw_series(LineSeries::new(curve, color.stroke_width(2)).point_size(3))?;
            series.label(precision.name()).legend(move |(x, y)| PathElement::new([(x, y), (x + 15, y)], color));
        }
        chart.configure_series_labels().border_style(BLACK).position(SeriesLabelPosition::UpperLeft).draw()?;
    }
    Ok(page.present()?)
}
