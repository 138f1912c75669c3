//! Sweeps that are stopped, that fail and that go on.

mod common;

use common::Limited;
use ensolve::checkpoint::{Checkpoint, RunOptions};
use ensolve::job::{Inputs, Job, Prepared, Progress, RawOutput};
use ensolve::spec::{Covariance, Keep, Measure};
use ensolve::sweep::{Cut, SweepResult, sweep_with};
use ensolve::{
    Backend, CompiledSpec, CpuBackend, Ensemble, Error, Precision, Result, RunSettings, StatisticsSettings, World,
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
    let why = std::fs::read_to_string(&file).expect_err("it is not there yet");
    assert_eq!(case.message(resume), format!("PLACE/sweep.checkpoint: {why}"));

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
    assert!(message.starts_with("PLACE/none/sweep.checkpoint: cannot be written: "), "{message}");
}
