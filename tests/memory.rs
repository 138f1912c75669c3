//! A backend that runs out of memory is asked for smaller chunks, and nothing is lost.

mod common;

use common::compiled;
use ensolve::compile::Feature;
use ensolve::job::{Inputs, Job, Prepared, Progress, RawOutput};
use ensolve::spec::EnsembleSettings;
use ensolve::{
    Backend, CpuBackend, Distribution, Ensemble, Error, Precision, Result, RunSettings, StatisticsSettings,
    solve_ensemble, sweep,
};

/// Says that it takes any chunk, and has memory for some trajectories only.
struct Short {
    backend: CpuBackend,
    most: usize,
}

impl Backend for Short {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn describe(&self) -> String {
        self.backend.describe()
    }

    fn default_precision(&self) -> Precision {
        self.backend.default_precision()
    }

    fn supported_features(&self) -> &'static [Feature] {
        self.backend.supported_features()
    }

    fn max_chunk(&self, _: &Job) -> usize {
        1 << 20
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        self.backend.prepare(job)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        match inputs.n_traj {
            n if n > self.most => Err(Error::Memory(format!("{n} trajectories do not fit"))),
            _ => self.backend.run(job, inputs, progress),
        }
    }
}

#[test]
fn smaller_chunks_are_tried_first() {
    let spec = compiled(
        r#"{"model": "decay", "states": {"y": 1}, "parameters": {"rate": 1}, "derivatives": {"y": "-rate*y"}}"#,
    );
    let vary = [("rate".to_string(), Distribution::Uniform(0.5, 1.5))].into_iter().collect();
    let settings = EnsembleSettings { size: Some(5000), vary, ..Default::default() };
    let ensemble = Ensemble::new(&spec, &settings).expect("valid inputs");
    let run = RunSettings { tspan: Some((0.0, 1.0)), ..Default::default() };
    let short = |most| Short { backend: CpuBackend::new(), most };

    let stored = |backend: &mut dyn Backend| solve_ensemble(&spec, &run, &ensemble, backend);
    let whole = stored(&mut CpuBackend::new()).expect("the run works");
    let pieces = stored(&mut short(700)).expect("a smaller chunk fits");
    assert_eq!(whole.saved, pieces.saved);
    assert_eq!((&whole.status, &whole.accepted), (&pieces.status, &pieces.accepted));

    let reduced = |backend: &mut dyn Backend| sweep(&spec, &run, &ensemble, &StatisticsSettings::default(), backend);
    let whole = reduced(&mut CpuBackend::new()).expect("the run works");
    let pieces = reduced(&mut short(2000)).expect("a smaller chunk fits");
    assert_eq!((whole.n_done, whole.statuses), (pieces.n_done, pieces.statuses));
    assert_eq!(
        (pieces.quantities[0].min, pieces.quantities[0].max),
        (whole.quantities[0].min, whole.quantities[0].max)
    );

    // Not even one trajectory fits: an error that says how far it came and what to do.
    let text = reduced(&mut short(0)).expect_err("nothing fits").to_string();
    assert!(text.starts_with("out of memory: 1 trajectories do not fit"), "{text}");
    let text = stored(&mut short(0)).expect_err("nothing fits").to_string();
    assert_eq!(text, "out of memory: 1 trajectories do not fit");
}
