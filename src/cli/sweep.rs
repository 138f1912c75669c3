//! `ensolve run --statistics`: the run, the files and the summary of statistics.

use super::args::RunArgs;
use super::checkpoint::goes_on;
use super::progress::Bar;
use super::summary::{align, digits, precision, prepared, sampling, short, time, waste};
use super::{Report, UNFINISHED, interrupt};
use ensolve::spec::{EnsembleSettings, StatisticsSettings};
use ensolve::sweep::{Quantile, QuantityStatistics, files, sweep_with};
use ensolve::{CompiledSpec, Ensemble, Error, Result, RunSettings, Status, SweepResult, choose, output, plan};
use std::fmt::Write;

/// Rows of a table; the file has them all.
const SHOWN_ROWS: usize = 20;
/// Trajectories named for each way to fail.
const SHOWN_FAILURES: usize = 5;
/// Kept trajectories that are named.
const SHOWN_KEPT: usize = 10;

/// A run that is ready to begin.
pub struct Sweep<'a> {
    pub spec: &'a CompiledSpec,
    pub settings: &'a RunSettings,
    pub ensemble: &'a Ensemble,
    pub varied: &'a EnsembleSettings,
    pub wanted: &'a StatisticsSettings,
}

/// Solves, writes and sums up.
pub fn run(args: &RunArgs, sweep: &Sweep) -> Result<Report> {
    let (spec, ensemble, settings) = (sweep.spec, sweep.ensemble, sweep.settings);
    if let Some(k) = args.verify {
        return Err(Error::run(format!(
            "--verify {k} compares trajectories that are stored; give --statistics=false, or leave it out"
        )));
    }
    let names: Vec<String> = spec.program.row_names().map(str::to_string).collect();
    let columns = args.save.columns.as_deref();
    let rows = output::select(&names, columns)?;
    plan::method(settings)?;
    let choice = args.machine.choice()?;
    let files = [args.save.out.as_deref(), args.statistics.keep_out.as_deref()];
    files.into_iter().flatten().try_for_each(output::check)?;

    args.check_files(sweep.varied)?;
    let checkpoint = args.checkpoint.saved_to()?;
    let written = files.into_iter().flatten().chain(checkpoint.as_ref().map(|checkpoint| checkpoint.file.as_path()));
    interrupt::watch(written.map(output::temporary).collect());
    if let Some(path) = &args.save.out
        && let Some(left_out) = files::left_out(sweep.wanted, path)
    {
        // Before the run, which may be long.
        eprintln!("warning: {}: {left_out}", path.display());
    }
    let mut chosen = choose(choice, args.machine.adapter.as_deref(), settings.precision)?;
    args.machine.set_up(chosen.backend.as_mut());
    let bar = Bar::with_steps(ensemble.size());
    let options = args.checkpoint.options(&bar, checkpoint.as_ref());
    let result = sweep_with(spec, settings, ensemble, sweep.wanted, chosen.backend.as_mut(), options);
    drop(bar);
    let result = result?;

    let mut text = heading(&result, &chosen.reason, ensemble, sweep.varied);
    text += &tables(&result, &rows);
    let mut report = Report::good(text).warned(&result.info.warnings);
    if let Some(note) = result.partial_note() {
        report.warnings += &format!("warning: {note}\n");
        report.warnings += &goes_on(&result.info, checkpoint.as_ref());
        report.code = UNFINISHED;
    }
    if let Some(note) = result.kept_note().filter(|_| !result.is_partial()) {
        let how = match &checkpoint {
            Some(checkpoint) => format!("--resume {} solves the others", checkpoint.file.display()),
            None => "--only replays one by its number".to_string(),
        };
        report.warnings += &format!("warning: {note}; {how}\n");
        report.code = UNFINISHED;
    }
    if let Some(failures) = failures(&result) {
        report.warnings += &failures;
        report.code = UNFINISHED;
    }
    Ok(match write(args, &result) {
        Ok(lines) => Report { summary: report.summary + &lines, ..report },
        // The numbers took their time: they are shown although the file failed.
        Err(error) => report.failed(&error),
    })
}

fn write(args: &RunArgs, result: &SweepResult) -> Result<String> {
    let columns = args.save.columns.as_deref();
    let mut lines = String::from("\n");
    match &args.save.out {
        None => lines += "no file written; --out FILE.csv, FILE.json or FILE.npz keeps the statistics\n",
        Some(path) if result.n_done == 0 => {
            let _ = writeln!(lines, "nothing was solved: {} is left as it was", path.display());
        }
        Some(path) => {
            files::write(result, path, columns)?;
            let _ = writeln!(lines, "statistics written to {}", path.display());
        }
    }
    if let Some(path) = &args.statistics.keep_out {
        if result.kept.iter().all(|kept| kept.result.is_none()) {
            let _ = writeln!(lines, "no trajectory was kept: {} is not written", path.display());
        } else {
            files::write_kept(result, path, columns)?;
            let _ = writeln!(lines, "kept trajectories written to {}", path.display());
        }
    }
    Ok(lines)
}

fn heading(result: &SweepResult, reason: &str, ensemble: &Ensemble, varied: &EnsembleSettings) -> String {
    let (info, (t0, t1)) = (&result.info, result.info.tspan);
    let trajectories =
        if result.n_traj == 1 { "1 trajectory".to_string() } else { format!("{} trajectories", result.n_traj) };
    let span = if t0.is_nan() { "each of its own time span".to_string() } else { format!("t = {t0} to {t1}") };
    let names = varied.vary.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let drawn = match names.as_str() {
        "" => "nothing varies: all are the same (see --vary)".to_string(),
        names => format!("seed {}, varying {names}{}", ensemble.seed(), sampling(ensemble.sampling())),
    };
    let lines = [
        ("backend", Some(format!("{} ({reason})", info.backend))),
        ("ensemble", Some(drawn)),
        ("method", Some(info.method.clone())),
        ("precision", Some(precision(info))),
        ("time", Some(time(info, result.n_done))),
        ("steps", Some(steps(result))),
        ("waste", waste(info)),
        ("prepared", prepared(&info.timings)),
    ];
    let mut text = format!("{}: {trajectories}, {span}\n", info.title());
    for (title, line) in lines {
        if let Some(line) = line {
            let _ = writeln!(text, "  {title:<10} {line}");
        }
    }
    text
}

fn steps(result: &SweepResult) -> String {
    // Of a chunk that was cut short the trajectories on their way have made steps, too.
    let n_cut = result.cut.filter(|cut| cut.is_biased).map_or(0, |cut| cut.n_cut);
    let mean = |sum: u64| sum as f64 / (result.n_done + n_cut).max(1) as f64;
    let (accepted, rejected) = (result.accepted, result.rejected);
    format!(
        "{:.1} accepted (at most {}), {:.1} rejected (at most {}) per trajectory",
        mean(accepted.sum),
        accepted.max,
        mean(rejected.sum),
        rejected.max
    )
}

/// Statistics of the last save time and of summaries, probabilities, and which trajectories were kept.
fn tables(result: &SweepResult, rows: &[usize]) -> String {
    if result.n_finished() == 0 {
        return "\nno trajectory succeeded: no statistics\n".to_string();
    }
    let last = result.t.len() - 1;
    let saved =
        rows.iter().map(|row| (result.names[*row].as_str(), &result.quantities[last * result.names.len() + row]));
    let first_summary = result.t.len() * result.names.len();
    let summaries = result.summaries.iter().map(String::as_str).zip(&result.quantities[first_summary..]);
    let place = match result.t[last] {
        t if t.is_nan() => "the last save time of each".to_string(),
        t => format!("t = {t}"),
    };
    let left_out = match result.n_done - result.n_finished() {
        0 => String::new(),
        n => format!(" ({n} failed left out)"),
    };
    let mut text = format!("\nstatistics at {place} over {} trajectories{left_out}\n", result.n_finished());
    text += &table(saved.clone());
    if rows.len() > SHOWN_ROWS {
        let _ = writeln!(text, "... and {} more; --columns selects, --out writes all", rows.len() - SHOWN_ROWS);
    }
    if !result.summaries.is_empty() {
        let _ = write!(text, "\nof whole trajectories\n{}", table(summaries.clone()));
    }
    text += &exceedances(saved.chain(summaries), &place);
    if result.t.len() > 1 && !result.quantities[0].exceedances.is_empty() {
        text += "  --out writes those of every save time\n";
    }
    text + &kept(result)
}

fn table<'a>(quantities: impl Iterator<Item = (&'a str, &'a QuantityStatistics)> + Clone) -> String {
    let percent = |p: f64| match p {
        0.5 => "median".to_string(),
        p => format!("{}%", digits(100.0 * p, 4)),
    };
    let probabilities = quantities.clone().next().map_or(Vec::new(), |(_, q)| q.quantiles.clone());
    let header = ["", "mean", "std", "min"].map(String::from).into_iter();
    let header = header.chain(probabilities.iter().map(|q| percent(q.probability)));
    let header = header.chain(["max", "min in", "max in"].map(String::from));
    let mut table = vec![header.collect::<Vec<_>>()];
    let (mut is_outside, who) = (false, |i: Option<u64>| i.map_or("-".to_string(), |i| i.to_string()));
    for (name, q) in quantities.take(SHOWN_ROWS) {
        let mut cells = vec![name.to_string(), short(q.mean), short(q.std), short(q.min)];
        for quantile in &q.quantiles {
            is_outside |= !quantile.is_inside;
            cells.push(match quantile.is_inside {
                true => bounded(quantile),
                false => format!("{} to {}", short(quantile.low), short(quantile.high)),
            });
        }
        cells.extend([short(q.max), who(q.argmin), who(q.argmax)]);
        table.push(cells);
    }
    let note = match is_outside {
        true => "  of a quantile outside the range of its histogram bounds are known alone; --histogram sets a range\n",
        false => "",
    };
    align(&table) + note
}

/// As many digits as the interval of a quantile leaves.
fn bounded(quantile: &Quantile) -> String {
    let half = (quantile.high - quantile.low) / 2.0;
    if !(half > 0.0 && half.is_finite()) {
        return short(quantile.value);
    }
    let kept = quantile.value.abs().max(half).log10().floor() - half.log10().floor() + 1.0;
    if kept < 6.0 { digits(quantile.value, kept as usize) } else { short(quantile.value) }
}

fn exceedances<'a>(quantities: impl Iterator<Item = (&'a str, &'a QuantityStatistics)>, place: &str) -> String {
    let mut table = Vec::new();
    for (name, q) in quantities {
        for e in &q.exceedances {
            let p = format!("{} +- {}", digits(e.probability, 4), digits(e.standard_error, 2));
            table.push(vec![format!("P({name} > {})", e.threshold), p, format!("{} of {}", e.n, q.n)]);
        }
    }
    if table.is_empty() { String::new() } else { format!("\nprobabilities at {place}\n{}", align(&table)) }
}

fn kept(result: &SweepResult) -> String {
    let mut text = String::new();
    let mut reasons: Vec<String> = result.kept.iter().map(|kept| kept.why.to_string()).collect();
    reasons.dedup();
    for reason in reasons {
        let some: Vec<String> = result
            .kept
            .iter()
            .filter(|kept| kept.why.to_string() == reason)
            .map(|kept| match kept.value.is_nan() {
                true => kept.trajectory.to_string(),
                false => format!("{} ({})", kept.trajectory, short(kept.value)),
            })
            .collect();
        let more = if some.len() > SHOWN_KEPT { ", ..." } else { "" };
        let _ = write!(text, "\n{reason}: trajectory {}{more}", some[..some.len().min(SHOWN_KEPT)].join(", "));
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// For each way to fail: how many, what to do, and which ones, to be replayed. `None` if all that have ended succeeded.
fn failures(result: &SweepResult) -> Option<String> {
    let n_failed = result.n_done - result.n_finished();
    if n_failed == 0 {
        return None;
    }
    let mut text = format!("warning: {n_failed} of {} trajectories failed\n", result.n_done);
    for (status, count) in result.status_counts().into_iter().filter(|(status, _)| *status != Status::Success) {
        let _ = writeln!(text, "  {count} {}: {}", status.name(), status.advice());
        let all = result.failures.iter().filter(|failure| failure.status == status);
        let named: Vec<String> = all
            .take(SHOWN_FAILURES)
            .map(|failure| match failure.culprit {
                Some(row) => {
                    let (name, t) = (&result.names[row as usize], digits(failure.t, 6));
                    format!("{} ({name} after t = {t})", failure.trajectory)
                }
                None => failure.trajectory.to_string(),
            })
            .collect();
        if let Some(first) = result.failures.iter().find(|failure| failure.status == status) {
            let more = if count > named.len() as u64 { ", ..." } else { "" };
            let first = first.trajectory;
            let _ = writeln!(text, "    trajectory {}{more}; --only {first} replays one", named.join(", "));
        }
    }
    Some(text)
}
