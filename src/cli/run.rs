//! `ensolve run`: everything that can be wrong is found out first, then the run, the file and the summary.

use super::args::RunArgs;
use super::checkpoint::goes_on;
use super::progress::Bar;
use super::sweep::{self, Sweep};
use super::{Report, UNFINISHED, interrupt, summary, verification};
use ensolve::checkpoint::Checkpoint;
use ensolve::spec::EnsembleSettings;
use ensolve::{
    CompiledSpec, Ensemble, EnsembleResult, Result, RunSettings, Status, World, choose, output, plan, solve, verify,
};

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
  In f32, and how far that is from the truth in 100 of the trajectories:
    ensolve run lorenz.json --n 1e5 --tspan 0 2 --precision f32 --verify 100
  A hundred million, of which nothing is stored but statistics and the ten that go highest:
    ensolve run lorenz.json --n 1e8 --summary 'max(x)' --exceed 'x>10' --keep 'largest(max(x),10)' \\
            --checkpoint lorenz.checkpoint --out statistics.json --keep-out high.csv

Ctrl-C stops a run: what there is until then is written and summed up. A second Ctrl-C ends it at once.
Exit codes: 0 all trajectories succeeded, 3 some did not or Ctrl-C stopped the run (reasons on stderr,
the file is written), 2 bad input.";

/// Solves, writes and sums up.
pub fn run(args: &RunArgs) -> Result<Report> {
    let world = World::from_file(&args.model)?;
    let spec = world.compile()?;
    let settings = args.settings(&world.run, spec.own_tspan.is_some())?;
    let varied = args.ensemble(&world.ensemble)?;
    let ensemble = Ensemble::new(&spec, &varied)?;
    if let Some(wanted) = args.statistics.over(world.statistics.as_ref(), args.ensemble.only)? {
        let (settings, varied, wanted) = (&settings, &varied, &wanted);
        return sweep::run(args, &Sweep { spec: &spec, settings, ensemble: &ensemble, varied, wanted });
    }
    let range = args.range(ensemble.size())?;
    let names: Vec<String> = spec.program.row_names().map(str::to_string).collect();
    let rows = output::select(&names, args.save.columns.as_deref())?;
    plan::method(&settings)?;
    let choice = args.machine.choice()?;
    args.save.out.as_deref().map_or(Ok(()), output::check)?;

    args.check_files(&varied)?;
    let checkpoint = args.checkpoint.saved_to()?;
    let written = args.save.out.as_deref().into_iter().chain(checkpoint.as_ref().map(|to| to.file.as_path()));
    interrupt::watch(written.map(output::temporary).collect());
    let mut chosen = choose(choice, args.machine.adapter.as_deref(), settings.precision)?;
    args.machine.set_up(chosen.backend.as_mut());
    let bar = Bar::with_steps((range.end - range.start).saturating_mul(settings.reps.unwrap_or(1).into()));
    let options = args.checkpoint.options(&bar, checkpoint.as_ref());
    let result = solve::solve_range_with(&spec, &settings, &ensemble, range, chosen.backend.as_mut(), options);
    drop(bar);
    let mut result = result?;
    let verified = verified(args, &spec, &settings, &ensemble, &mut result);

    let lines = [("backend", format!("{} ({})", result.info.backend, chosen.reason))];
    let drawn = inputs(&result, &ensemble, &varied).map(|text| ("ensemble", text));
    let heading = summary::heading(&result, lines.into_iter().chain(drawn));
    let reps = settings.reps.unwrap_or(1) as usize;
    let report = finish(&result, reps, checkpoint.as_ref(), heading + &summary::values(&result, &rows));
    let report = match verified {
        Ok(text) => Report { summary: report.summary + &text, ..report },
        Err(error) => report.failed(&error),
    };
    Ok(match write(args, &result) {
        Ok(line) => Report { summary: report.summary + &line, ..report },
        // The numbers took their time: they are shown although the file failed.
        Err(error) => report.failed(&error),
    })
}

/// The verification that is asked for, added to the result, and its text.
fn verified(
    args: &RunArgs,
    spec: &CompiledSpec,
    settings: &RunSettings,
    ensemble: &Ensemble,
    result: &mut EnsembleResult,
) -> Result<String> {
    let Some(k) = args.verify else { return Ok(String::new()) };
    if result.status.contains(&Status::Stopped) {
        return Ok("\nno verification: Ctrl-C stopped the run\n".to_string());
    }
    let bar = Bar::counting("verification: ", k.min(result.n_traj() as u64));
    let verification = verify::verify_with_progress(spec, settings, ensemble, result, k, &bar)?;
    drop(bar);
    let text = verification::describe(result, &verification);
    result.verification = Some(verification);
    Ok(text)
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
    let sampling = summary::sampling(ensemble.sampling());
    Some(format!("{which}seed {}{sampling}, varying {names}", ensemble.seed()))
}

fn write(args: &RunArgs, result: &EnsembleResult) -> Result<String> {
    let Some(path) = &args.save.out else {
        return Ok("\nno file written; --out FILE.csv, FILE.json or FILE.npz keeps the values\n".to_string());
    };
    if result.count(Status::Stopped) == result.n_traj() && result.accepted.iter().all(|count| *count == 0) {
        return Ok(format!("\nnothing was solved: {} is left as it was\n", path.display()));
    }
    let bar = Bar::waiting(format!("writing {}", path.display()));
    output::write(result, path, args.save.columns.as_deref())?;
    drop(bar);
    Ok(format!("\nwritten to {}\n", path.display()))
}

/// Exit code, and for stderr what the user should know, what went wrong and how to look at it.
fn finish(result: &EnsembleResult, reps: usize, checkpoint: Option<&Checkpoint>, summary: String) -> Report {
    let mut report = Report::good(summary).warned(&result.info.warnings);
    if let Some(note) = result.partial_note() {
        report.warnings += &format!("warning: {note}\n{}", goes_on(&result.info, checkpoint));
        report.code = UNFINISHED;
    }
    if let Some(failures) = summary::failures(result) {
        report.warnings += &failures;
        report.code = UNFINISHED;
    }
    if let Some(verification) = result.verification.as_ref().filter(|verification| verification.n_stopped > 0) {
        let (left, k) = (verification.n_stopped, verification.trajectories.len());
        report.warnings += &format!("warning: stopped by Ctrl-C: {left} of {k} trajectories were not verified\n");
        report.code = UNFINISHED;
    }
    let done = result.info.timings.runs.len();
    if done < reps && !result.status.contains(&Status::Stopped) {
        report.warnings += &format!("warning: stopped by Ctrl-C: {done} of {reps} repetitions were made\n");
        report.code = UNFINISHED;
    }
    report
}
