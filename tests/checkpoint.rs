//! Runs that are stopped, that fail and that go on: statistics, and trajectories that are stored.

mod common;

use common::Limited;
use ensolve::checkpoint::{Checkpoint, RunOptions};
use ensolve::job::{Inputs, Job, Prepared, Progress, RawOutput};
use ensolve::solve::solve_range_with;
use ensolve::spec::{Covariance, Keep, Measure};
use ensolve::sweep::{Cut, SweepResult, sweep_with};
use ensolve::{
    Backend, CompiledSpec, CpuBackend, Ensemble, EnsembleResult, Error, Precision, Result, RunSettings,
    StatisticsSettings, World,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tempfile::TempDir;

const MODEL: &str = r#"{"model": "decay",
    "states": {"x": 1.0, "y": 2.0}, "parameters": {"k": 1.0}, "derivatives": {"x": "-k*x^2 + 0.1*y", "y": "-y*x"},
    "outputs": {"pole": "k > 1.9 ? exp(1000*k) : x"}, "run": {"tspan": [0, 2], "save": {"points": 3}},
    "ensemble": {"size": 9000, "seed": 1, "vary": {"k": {"uniform": [1, 2]}, "y": {"normal": [2, 0.5]}}}}"#;

struct Case {
    spec: CompiledSpec,
    ensemble: Ensemble,
    run: RunSettings,
    statistics: StatisticsSettings,
    place: TempDir,
}

fn case() -> Case {
    let world = World::from_json(MODEL).expect("a model");
    let spec = world.compile().expect("a valid model");
    let ensemble = Ensemble::new(&spec, &world.ensemble).expect("a valid ensemble");
    let statistics = StatisticsSettings {
        summaries: vec![Measure::parse("integral(x)").expect("a summary"), Measure::parse("max(pole)").expect("one")],
        covariance: Some(Covariance::All),
        keep: vec![Keep::parse("largest(x, 5)").expect("good"), Keep::parse("smallest(integral(x), 3)").expect("good")],
        ..StatisticsSettings::default()
    };
    Case { spec, ensemble, run: world.run, statistics, place: TempDir::new().expect("a folder") }
}

const DAMAGED: &str =
    "is a damaged checkpoint: its text is not what was written; take an older copy, or begin anew without it";

/// Chunks of a block, on the CPU.
fn backend() -> Limited {
    Limited { backend: Box::new(CpuBackend::new()), trajectories: 1024, rows: usize::MAX }
}

impl Case {
    fn file(&self) -> PathBuf {
        self.place.path().join("sweep.checkpoint")
    }

    fn sweep(&self, backend: &mut dyn Backend, options: RunOptions) -> Result<SweepResult> {
        sweep_with(&self.spec, &self.run, &self.ensemble, &self.statistics, backend, options)
    }

    fn message(&self, options: RunOptions) -> String {
        let error = self.sweep(&mut backend(), options).expect_err("it is refused").to_string();
        error.replace(&self.place.path().display().to_string(), "PLACE")
    }
}

/// Is pressed when so many trajectories have finished.
struct StopAt {
    after: usize,
    finished: AtomicUsize,
}

impl StopAt {
    fn new(after: usize) -> Self {
        StopAt { after, finished: AtomicUsize::new(0) }
    }
}

impl Progress for StopAt {
    fn finished(&self, n: usize) {
        self.finished.fetch_add(n, Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.finished.load(Relaxed) >= self.after
    }
}

fn shown(result: &SweepResult) -> String {
    let mut result = result.clone();
    (result.info.elapsed, result.info.timings, result.info.n_resumed, result.info.n_saved) = Default::default();
    format!("{result:?}")
}

#[test]
fn an_interrupted_sweep_ends_with_the_same_bits() {
    let case = case();
    let whole = case.sweep(&mut backend(), RunOptions::default()).expect("a valid run");
    let checkpoint = Checkpoint { every: Duration::ZERO, ..Checkpoint::new(case.file()) };
    let stop = StopAt::new(2500);
    let options = RunOptions { progress: &stop, checkpoint: Some(&checkpoint), resume: None };
    let part = case.sweep(&mut backend(), options).expect("a stop is no error");
    // The third chunk was cut short, or had just ended.
    assert!([2048, 3072].contains(&part.n_done), "{}", part.n_done);
    assert_eq!(
        part.partial_note(),
        Some(format!("stopped: the statistics are over the first {} of 9000 trajectories", part.n_done))
    );
    assert!(part.kept.iter().all(|kept| kept.result.is_none()));
    assert_eq!(part.kept_note(), Some("0 of 8 kept trajectories were solved again".to_string()));
    assert_eq!(part.info.n_saved, Some(part.n_done));
    let file = case.file();
    // Begun anew by mistake, it would be lost.
    let again = RunOptions { checkpoint: Some(&checkpoint), ..RunOptions::default() };
    assert_eq!(
        case.message(again),
        format!(
            "PLACE/sweep.checkpoint: holds a run that is not finished, {} of 9000 trajectories; --resume PLACE/sweep.checkpoint goes on with it; to begin anew delete it, or name another file",
            part.n_done
        )
    );
    let mut from = part.n_done;
    for after in [2000, usize::MAX] {
        // What is done already counts as finished at once.
        let stop = StopAt::new(usize::try_from(from).unwrap().saturating_add(after));
        let options = RunOptions { progress: &stop, checkpoint: None, resume: Some(&file) };
        let result = case.sweep(&mut backend(), options).expect("it goes on");
        assert_eq!(result.info.n_resumed, from);
        from = result.n_done;
        if after == usize::MAX {
            assert_eq!(shown(&result), shown(&whole));
        }
    }
    // What is finished is only shown again.
    let again = case.sweep(&mut backend(), RunOptions { resume: Some(&file), ..RunOptions::default() });
    let again = again.expect("it is finished");
    assert_eq!((again.info.n_resumed, shown(&again)), (9000, shown(&whole)));
    assert_eq!(std::fs::read_dir(case.place.path()).expect("a folder").count(), 1, "no temporary file is left");
}

#[test]
fn replays_are_stopped_and_counted() {
    let case = case();
    // All of the statistics, and then no more: the pilot does not count.
    let stop = StopAt::new(9000);
    let options = RunOptions { progress: &stop, ..RunOptions::default() };
    let result = case.sweep(&mut backend(), options).expect("a stop is no error");
    assert_eq!((result.n_done, result.is_partial(), result.info.n_saved), (9000, false, None));
    assert_eq!(result.kept_note(), Some("0 of 8 kept trajectories were solved again".to_string()));
}

#[test]
fn a_stopped_pilot_leaves_nothing_to_go_on_from() {
    struct Pressed;
    impl Progress for Pressed {
        fn finished(&self, _: usize) {}
        fn is_stopped(&self) -> bool {
            true
        }
    }
    let case = case();
    let checkpoint = Checkpoint::new(case.file());
    let options = RunOptions { progress: &Pressed, checkpoint: Some(&checkpoint), resume: None };
    let result = case.sweep(&mut backend(), options).expect("a stop is no error");
    assert_eq!((result.info.n_saved, case.file().exists()), (None, false));
}

#[test]
fn a_first_chunk_that_is_cut_short_counts_and_is_called_unfair() {
    let mut case = case();
    // A range of their own for all: no pilot.
    case.statistics = StatisticsSettings { quantiles: Some(Vec::new()), ..StatisticsSettings::default() };
    let stop = StopAt::new(100);
    let checkpoint = Checkpoint::new(case.file());
    let options = RunOptions { progress: &stop, checkpoint: Some(&checkpoint), resume: None };
    let part = case.sweep(&mut backend(), options).expect("a stop is no error");
    assert!(part.n_done >= 100 && part.n_done < 1024, "{}", part.n_done);
    let n_cut = 1024 - part.n_done;
    assert_eq!(part.cut, Some(Cut { n_cut, is_biased: true }));
    assert_eq!(part.n_finished(), part.n_done);
    assert_eq!(
        part.partial_note(),
        Some(format!(
            "stopped before the first chunk was whole: the statistics are over the {} of 9000 trajectories that had ended by then; {n_cut} were cut short, and slow ones are missing, so that this is no fair sample",
            part.n_done
        ))
    );
    // The checkpoint has none of it.
    let file = case.file();
    let result = case.sweep(&mut backend(), RunOptions { resume: Some(&file), ..RunOptions::default() });
    let result = result.expect("it goes on");
    assert_eq!(result.info.n_resumed, 0);
    let whole = case.sweep(&mut backend(), RunOptions::default()).expect("a valid run");
    assert_eq!(shown(&result), shown(&whole));
}

/// Fails after some chunks, as a device that is lost.
struct Failing(Limited, usize);

impl Backend for Failing {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
    fn default_precision(&self) -> Precision {
        self.0.default_precision()
    }
    fn supported_features(&self) -> &'static [ensolve::compile::Feature] {
        self.0.supported_features()
    }
    fn max_chunk(&self, job: &Job) -> usize {
        self.0.max_chunk(job)
    }
    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        self.0.prepare(job)
    }
    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        match self.1.checked_sub(1) {
            None => Err(Error::Device("the device is lost".to_string())),
            Some(left) => {
                self.1 = left;
                self.0.run(job, inputs, progress)
            }
        }
    }
}

#[test]
fn a_lost_device_loses_nothing_that_was_saved() {
    let mut case = case();
    case.statistics.quantiles = Some(Vec::new());
    let error = case.sweep(&mut Failing(backend(), 3), RunOptions::default()).expect_err("the device is lost");
    assert_eq!(
        error,
        Error::Device("the device is lost; 3072 of 9000 trajectories were done, and nothing is saved; --checkpoint FILE keeps what is done".to_string())
    );
    let checkpoint = Checkpoint::new(case.file());
    let options = RunOptions { checkpoint: Some(&checkpoint), ..RunOptions::default() };
    let error = case.sweep(&mut Failing(backend(), 3), options).expect_err("the device is lost");
    let file = case.file();
    assert_eq!(
        error.to_string(),
        format!(
            "gpu: the device is lost; 3072 of 9000 trajectories are done and saved in {0}; --resume {0} goes on from there",
            file.display()
        )
    );
    let result = case.sweep(&mut backend(), RunOptions { resume: Some(&file), ..RunOptions::default() });
    let whole = case.sweep(&mut backend(), RunOptions::default()).expect("a valid run");
    let result = result.expect("it goes on");
    assert_eq!((result.info.n_resumed, shown(&result)), (3072, shown(&whole)));
}

#[test]
fn checkpoints_of_other_runs_and_files_that_are_none_are_refused() {
    let mut case = case();
    let file = case.file();
    let resume = RunOptions { resume: Some(&file), ..RunOptions::default() };
    assert_eq!(case.message(resume), "PLACE/sweep.checkpoint: there is no such checkpoint to go on from");

    let checkpoint = Checkpoint::new(&file);
    let stop = StopAt::new(3000);
    let options = RunOptions { progress: &stop, checkpoint: Some(&checkpoint), resume: None };
    case.sweep(&mut backend(), options).expect("a stop is no error");
    let good = std::fs::read_to_string(&file).expect("it is there");

    case.run.precision = Some(Precision::F32);
    assert_eq!(
        case.message(resume),
        "PLACE/sweep.checkpoint: is the checkpoint of another run: its precision is 'f64', here it is 'f32'; go on with what it was made from, or begin anew without --resume"
    );
    case.run.precision = None;
    let tspan = case.run.tspan.replace((0.0, 3.0));
    assert_eq!(
        case.message(resume),
        "PLACE/sweep.checkpoint: is the checkpoint of another run: its time span is '0 to 2', here it is '0 to 3'; go on with what it was made from, or begin anew without --resume"
    );
    case.run.tspan = tspan;
    let statistics = std::mem::take(&mut case.statistics);
    let message = case.message(resume);
    assert!(message.contains("another run: its statistics is '"), "{message}");
    case.statistics = statistics;

    for (text, message) in [
        ("no JSON".to_string(), "is no checkpoint of ensolve"),
        ("{}".to_string(), "is no checkpoint of ensolve"),
        (
            good.replacen("checkpoint\":2", "checkpoint\":7", 1),
            "is a checkpoint of format 7, and this version of ensolve reads format 2",
        ),
        (good.replacen("\"next\":", "\"next\":1", 1), DAMAGED),
        (good.replacen("\"best\":[", "\"best\":[[],", 1), DAMAGED),
        (good[..good.len() / 2].to_string(), DAMAGED),
    ] {
        std::fs::write(&file, text).expect("it can be written");
        assert_eq!(case.message(resume), format!("PLACE/sweep.checkpoint: {message}"));
    }
    let nowhere = Checkpoint::new(case.place.path().join("none/sweep.checkpoint"));
    let message = case.message(RunOptions { checkpoint: Some(&nowhere), ..RunOptions::default() });
    assert_eq!(message, "PLACE/none/sweep.checkpoint: there is no folder 'PLACE/none'; create it first");
}

/// A run whose trajectories are stored; some of them fail.
fn stored(case: &Case, backend: &mut dyn Backend, options: RunOptions) -> Result<EnsembleResult> {
    solve_range_with(&case.spec, &case.run, &case.ensemble, 100..8000, backend, options)
}

/// Every bit of it.
fn bits(result: &EnsembleResult) -> String {
    let mut info = result.info.clone();
    (info.elapsed, info.timings, info.n_resumed, info.n_saved) = Default::default();
    let numbers: Vec<u64> = result.saved.iter().chain(&result.final_states).map(|x| x.to_bits()).collect();
    format!("{info:?} {:?} {numbers:?} {result:?}", result.status).replace(&format!("{:?}", result.info), "")
}

/// Cases whose files differ: numbers of f64 and of f32, accepted steps, time spans of their own, and time that runs backward.
fn cases_of_trajectories() -> Vec<(&'static str, Case)> {
    let own = |mut case: Case| {
        let world = World::from_json(
            r#"{"states": {"x": 1.0}, "parameters": {"k": 1.0, "end": 2.0}, "derivatives": {"x": "-k*x^2"},
                "run": {"tspan": [0, "end"], "save": {"every": 0.5}},
                "ensemble": {"size": 9000, "seed": 2, "vary": {"k": {"uniform": [-1, 2]}, "end": {"uniform": [0.5, 3]}}}}"#,
        )
        .expect("a model");
        case.spec = world.compile().expect("a valid model");
        case.ensemble = Ensemble::new(&case.spec, &world.ensemble).expect("a valid ensemble");
        case.run = world.run;
        case
    };
    let with = |change: fn(&mut RunSettings)| {
        let mut case = case();
        change(&mut case.run);
        case
    };
    vec![
        ("f64", case()),
        ("f32", with(|run| run.precision = Some(Precision::F32))),
        ("every step", with(|run| run.save = Some(ensolve::Save::Steps))),
        ("backward", with(|run| (run.backward, run.tspan) = (Some(true), Some((0.3, 0.0))))),
        ("own spans", own(case())),
    ]
}

#[test]
fn trajectories_that_are_stored_are_those_of_a_run_that_was_not_interrupted() {
    for (name, case) in cases_of_trajectories() {
        let whole = stored(&case, &mut backend(), RunOptions::default()).expect("a valid run");
        assert!(whole.n_finished() > 0 && whole.partial_note().is_none(), "{name}");
        let (file, copy) = (case.file(), case.place.path().join("copy.checkpoint"));
        let checkpoint = Checkpoint { every: Duration::ZERO, ..Checkpoint::new(&file) };
        let stop = StopAt::new(1500);
        let options = RunOptions { progress: &stop, checkpoint: Some(&checkpoint), resume: None };
        let part = stored(&case, &mut backend(), options).expect("it is stopped");
        assert!(part.partial_note().is_some() && part.info.n_saved.is_some_and(|n| n >= 1024), "{name}");
        // What a process leaves that is killed while it writes.
        let mut bytes = std::fs::read(&file).expect("it is there");
        let first_record = 1 + bytes.iter().position(|byte| *byte == b'\n').expect("there is a first line");
        bytes.extend(&bytes.clone()[first_record..first_record + 1000]);
        std::fs::write(&file, &bytes).expect("it can be written");
        let stop = StopAt::new(4000);
        let options = RunOptions { progress: &stop, checkpoint: None, resume: Some(&file) };
        let more = stored(&case, &mut backend(), options).expect("it is stopped again");
        assert_eq!(Some(more.info.n_resumed), part.info.n_saved, "{name}");
        assert!(more.info.n_saved > part.info.n_saved, "{name}");
        // To the end, in chunks of other sizes and to another file, which then holds all of it.
        let to_copy = Checkpoint::new(&copy);
        let options = RunOptions { checkpoint: Some(&to_copy), resume: Some(&file), ..RunOptions::default() };
        let mut other = Limited { backend: Box::new(CpuBackend::new()), trajectories: 700, rows: usize::MAX };
        let end = stored(&case, &mut other, options).expect("it goes on");
        assert_eq!((Some(end.info.n_resumed), end.info.n_saved), (more.info.n_saved, Some(7900)), "{name}");
        let from_copy = RunOptions { resume: Some(&copy), ..RunOptions::default() };
        let again = stored(&case, &mut backend(), from_copy).expect("nothing is left to do");
        assert_eq!(again.info.n_resumed, 7900, "{name}");
        for result in [end, again] {
            assert!(bits(&result) == bits(&whole), "{name}: not the bits of the run that was not interrupted");
        }
    }
}

#[test]
fn files_of_trajectories_that_are_damaged_or_of_other_runs_are_refused() {
    let mut case = case();
    let file = case.file();
    let message = |case: &Case, options: RunOptions| {
        let error = stored(case, &mut backend(), options).expect_err("it is refused").to_string();
        error.replace(&case.place.path().display().to_string(), "PLACE")
    };
    let (checkpoint, stop) = (Checkpoint::new(&file), StopAt::new(3000));
    let options = RunOptions { progress: &stop, checkpoint: Some(&checkpoint), resume: None };
    let held = stored(&case, &mut backend(), options).expect("it is stopped").info.n_saved.expect("it is saved");
    let again = RunOptions { checkpoint: Some(&checkpoint), ..RunOptions::default() };
    assert_eq!(
        message(&case, again),
        format!(
            "PLACE/sweep.checkpoint: holds a run that is not finished, {held} of 7900 trajectories; --resume {0} goes on with it; to begin anew delete it, or name another file",
            "PLACE/sweep.checkpoint"
        )
    );
    let resume = RunOptions { resume: Some(&file), ..RunOptions::default() };
    assert_eq!(
        case.message(resume),
        "PLACE/sweep.checkpoint: is the checkpoint of a run that stores trajectories, and this one makes statistics"
    );
    case.run.rtol = Some(ensolve::Tolerance::Scalar(1e-4));
    let refused = message(&case, resume);
    assert!(refused.contains("is the checkpoint of another run: its method is 'tsit5, rtol 1e-6"), "{refused}");
    case.run.rtol = None;
    let refused_times = {
        let (_, mut own) = cases_of_trajectories().pop().expect("own spans are the last");
        let file = own.file();
        let (checkpoint, stop) = (Checkpoint::new(&file), StopAt::new(3000));
        let options = RunOptions { progress: &stop, checkpoint: Some(&checkpoint), resume: None };
        stored(&own, &mut backend(), options).expect("it is stopped");
        own.run.save = Some(ensolve::Save::Every(0.25));
        message(&own, RunOptions { resume: Some(&file), ..RunOptions::default() })
    };
    assert!(refused_times.contains("is the checkpoint of another run: its save times is '"), "{refused_times}");

    let whole = std::fs::read(&file).expect("it is there");
    let mut bytes = whole.clone();
    let first_record = 1 + bytes.iter().position(|byte| *byte == b'\n').expect("there is a first line");
    // Each word of the first header, and places in the arrays of the first record and of the last.
    let words = (0..14).map(|word| first_record + 8 * word);
    for at in words.chain([first_record + 200, whole.len() - 3]) {
        bytes.copy_from_slice(&whole);
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).expect("it can be written");
        let refused = message(&case, resume);
        assert!(
            refused.contains("is damaged after its first ") && refused.contains(" --checkpoint OTHER goes on"),
            "{refused}"
        );
        assert!(std::fs::read(&file).expect("it is there") == bytes, "a damaged file is left as it is");
    }
    bytes.copy_from_slice(&whole);
    bytes[first_record + 16] ^= 1;
    std::fs::write(&file, &bytes).expect("it can be written");
    let refused = message(&case, again);
    assert!(refused.ends_with("it is damaged after its first 0 trajectories"), "{refused}");
    std::fs::write(
        &file,
        [&whole[..whole.len() - 3], &[whole[whole.len() - 3] ^ 1], &whole[whole.len() - 2..]].concat(),
    )
    .expect("it can be written");
    // Another file takes what comes before.
    let other = Checkpoint::new(case.place.path().join("other.checkpoint"));
    let options = RunOptions { checkpoint: Some(&other), resume: Some(&file), ..RunOptions::default() };
    let rescued = stored(&case, &mut backend(), options).expect("it goes on");
    assert!(rescued.info.n_resumed > 0 && rescued.info.n_saved == Some(7900));
    assert!(
        rescued.info.warnings[0].contains("trajectories, which this run has gone on from"),
        "{:?}",
        rescued.info.warnings
    );
    bytes.copy_from_slice(&whole);
    bytes[40] ^= 1;
    std::fs::write(&file, &bytes).expect("it can be written");
    assert!(message(&case, resume).contains("is a damaged checkpoint: its text is not what was written"));

    let made = Checkpoint::new(case.place.path().join("statistics.checkpoint"));
    let options = RunOptions { checkpoint: Some(&made), ..RunOptions::default() };
    case.sweep(&mut backend(), options).expect("a valid run");
    assert_eq!(
        message(&case, RunOptions { resume: Some(&made.file), ..RunOptions::default() }),
        "PLACE/statistics.checkpoint: is the checkpoint of a run that makes statistics, and this one stores trajectories"
    );
}

#[test]
fn a_lost_device_loses_no_trajectory_that_was_stored() {
    let case = case();
    let file = case.file();
    let checkpoint = Checkpoint::new(&file);
    let options = RunOptions { checkpoint: Some(&checkpoint), ..RunOptions::default() };
    let error = stored(&case, &mut Failing(backend(), 3), options).expect_err("the device is lost");
    let told = format!(
        "gpu: the device is lost; 3072 of 7900 trajectories are done and saved in {0}; --resume {0} goes on from there",
        file.display()
    );
    assert_eq!(error.to_string(), told);
    let resumed = stored(&case, &mut backend(), RunOptions { resume: Some(&file), ..RunOptions::default() });
    let whole = stored(&case, &mut backend(), RunOptions::default()).expect("a valid run");
    assert!(bits(&resumed.expect("it goes on")) == bits(&whole));
}

#[test]
#[cfg(unix)]
fn nobody_else_writes_a_checkpoint_that_is_in_use() {
    let case = case();
    let file = case.file();
    let checkpoint = Checkpoint::new(&file);
    /// Tries to begin another run when the first chunk is done.
    struct Second<'a>(&'a Case, &'a Checkpoint, std::sync::Mutex<Vec<String>>);
    impl Progress for Second<'_> {
        fn finished(&self, _: usize) {
            let options = RunOptions { checkpoint: Some(self.1), ..RunOptions::default() };
            let refused = stored(self.0, &mut backend(), options).expect_err("the file is in use").to_string();
            self.2.lock().expect("nobody panics").push(refused);
        }
    }
    let second = Second(&case, &checkpoint, Default::default());
    let options = RunOptions { progress: &second, checkpoint: Some(&checkpoint), resume: None };
    stored(&case, &mut backend(), options).expect("it is alone");
    let refused = second.2.into_inner().expect("nobody panics");
    assert!(refused[0].ends_with("another process is writing it; name another file for the checkpoint"), "{refused:?}");
}
