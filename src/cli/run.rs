//! `ensolve run`: everything that can be wrong is found out first, then the run, the file and the summary.

use super::args::RunArgs;
use super::progress::Bar;
use super::{Report, UNFINISHED, summary};
use ensolve::spec::EnsembleSettings;
use ensolve::{Ensemble, EnsembleResult, Result, World, choose, output, solve};

pub const EXAMPLES: &str = "\
Examples:
  One trajectory, 201 rows of t and every state and output:
    ensolve run lorenz.json --n 1 --tspan 0 20 --save-points 201 --out lorenz.csv
  A million random ones, their end and statistics, on the GPU if there is one:
    ensolve run lorenz.json --n 1e6 --seed 7 --vary 'rho=uniform(0,28)' --vary 'x=normal(1,0.1)' \\
            --save-final --out ends.npz
  A grid of 8 x 5 points, every combination:
    ensolve run lorenz.json --n 40 --vary 'rho=linspace(0,28,8)' --vary 'sigma=grid(8,9,10,11,12)'
  One trajectory for each row of a table:
    ensolve run lorenz.json --n 100 --vary 'rho=csv(design.csv)' --vary 'x=csv(design.csv,x0)'
  Trajectory 4711 of an ensemble alone, closely watched:
    ensolve run lorenz.json --only 4711 --dtsave 0.01 --out 4711.csv
  Steps of one size:
    ensolve run lorenz.json --n 1 --method rk4 --dt 0.001

Exit codes: 0 all trajectories finished, 3 some did not (reasons on stderr, the file is written),
2 bad input.";

/// Solves, writes and sums up.
pub fn run(args: &RunArgs) -> Result<Report> {
    let world = World::from_file(&args.model)?;
    let spec = world.compile()?;
    let settings = args.settings(&world.run)?;
    let varied = args.ensemble(&world.ensemble)?;
    let ensemble = Ensemble::new(&spec, &varied)?;
    let range = args.range(ensemble.size())?;
    let names: Vec<String> = spec.program.row_names().map(str::to_string).collect();
    let rows = output::select(&names, args.save.columns.as_deref())?;
    solve::method(&settings)?;
    let choice = args.machine.choice()?;
    args.save.out.as_deref().map_or(Ok(()), output::check)?;

    let mut chosen = choose(choice, args.machine.adapter.as_deref(), settings.precision)?;
    let bar = Bar::counting(range.end - range.start);
    let result = solve::solve_range(&spec, &settings, &ensemble, range, chosen.backend.as_mut(), &bar);
    drop(bar);
    let result = result?;

    let lines = [("backend", format!("{} ({})", result.info.backend, chosen.reason))];
    let drawn = inputs(&result, &ensemble, &varied).map(|text| ("ensemble", text));
    let heading = summary::heading(&result, lines.into_iter().chain(drawn));
    let report = finish(&result, heading + &summary::values(&result, &rows));
    Ok(match write(args, &result) {
        Ok(line) => Report { summary: report.summary + &line, ..report },
        // The numbers took their time: they are shown although the file failed.
        Err(error) => report.failed(&error),
    })
}

/// Which inputs vary and with which seed; `None` for a single trajectory.
fn inputs(result: &EnsembleResult, ensemble: &Ensemble, varied: &EnsembleSettings) -> Option<String> {
    let which = match (ensemble.size(), result.n_traj()) {
        (1, _) if varied.vary.is_empty() => return None,
        (size, 1) => format!("trajectory {} of {size}, ", result.first),
        _ => String::new(),
    };
    if varied.vary.is_empty() {
        return Some(format!("{which}nothing varies: all are the same (see --vary)"));
    }
    let names = varied.vary.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    Some(format!("{which}seed {}, varying {names}", ensemble.seed()))
}

fn write(args: &RunArgs, result: &EnsembleResult) -> Result<String> {
    let Some(path) = &args.save.out else {
        return Ok("\nno file written; --out FILE.csv, FILE.json or FILE.npz keeps the values\n".to_string());
    };
    let bar = Bar::waiting(format!("writing {}", path.display()));
    output::write(result, path, args.save.columns.as_deref())?;
    drop(bar);
    Ok(format!("\nwritten to {}\n", path.display()))
}

/// Exit code, and for stderr what went wrong and how to look at it.
fn finish(result: &EnsembleResult, summary: String) -> Report {
    match summary::failures(result) {
        None => Report::good(summary),
        Some(warnings) => Report { summary, warnings, code: UNFINISHED },
    }
}
