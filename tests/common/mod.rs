//! What the integration tests share: the backends of this machine, and comparison in units of the tolerance.

#![allow(dead_code)] // every test file uses a part of it

use ensolve::compile::Feature;
use ensolve::job::{Inputs, Job, Prepared, Progress, RawOutput};
use ensolve::{Backend, CpuBackend, Precision, Result};

/// A backend under test.
pub struct Tested {
    /// `cpu` or `gpu`, as in skip lists.
    pub name: &'static str,
    /// The backend.
    pub backend: Box<dyn Backend>,
    /// Number formats that it runs.
    pub precisions: Vec<Precision>,
}

/// The backends of this machine: the CPU always, by machine code and interpreted, the GPU where there is an adapter.
pub fn backends() -> Vec<Tested> {
    let cpu = |backend: CpuBackend, precisions: &[Precision]| Tested {
        name: "cpu",
        backend: Box::new(backend),
        precisions: precisions.to_vec(),
    };
    #[cfg_attr(not(feature = "gpu"), allow(unused_mut))] // nothing is added then
    let mut all = vec![
        cpu(CpuBackend::new(), &Precision::ALL),
        cpu(CpuBackend::new().interpreted(), &[Precision::F64, Precision::F32]),
    ];
    #[cfg(feature = "gpu")]
    all.extend(gpu().map(|backend| {
        let has_f64 = backend.adapter().f64;
        let can = |precision: &Precision| *precision != Precision::F64 || has_f64;
        let precisions = Precision::ALL.into_iter().filter(can).collect();
        Tested { name: "gpu", backend: Box::new(backend), precisions }
    }));
    all
}

#[cfg(feature = "gpu")]
fn is_set(variable: &str, value: &str) -> bool {
    std::env::var(variable).is_ok_and(|set| set == value)
}

/// The best adapter of this machine, or `None` with the reason printed. `ENSOLVE_REQUIRE_GPU=1` makes a missing adapter a
/// failure, so that GPU tests cannot be left out unseen; `ENSOLVE_TEST_BACKENDS=cpu` runs on the CPU alone.
///
/// # Panics
/// If there has to be an adapter and there is none.
#[cfg(feature = "gpu")]
pub fn gpu() -> Option<ensolve::gpu::GpuBackend> {
    let found = match is_set("ENSOLVE_TEST_BACKENDS", "cpu") {
        true => Err("ENSOLVE_TEST_BACKENDS=cpu".to_string()),
        false => ensolve::gpu::GpuBackend::new(None).map_err(|e| e.to_string()),
    };
    match found {
        Ok(backend) => Some(backend),
        Err(reason) if is_set("ENSOLVE_REQUIRE_GPU", "1") => panic!("ENSOLVE_REQUIRE_GPU=1, but {reason}"),
        Err(reason) => {
            println!("no GPU tests: {reason}");
            None
        }
    }
}

/// A backend that takes only so much at once, and insists on it.
pub struct Limited {
    pub backend: Box<dyn Backend>,
    /// Most trajectories of a chunk.
    pub trajectories: usize,
    /// Most saved rows of a chunk.
    pub rows: usize,
}

impl Backend for Limited {
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

    fn max_chunk(&self, job: &Job) -> usize {
        (self.rows / job.saves.count()).clamp(1, self.trajectories)
    }

    fn max_saved(&self, _: &Job) -> usize {
        self.rows
    }

    fn prepare(&mut self, job: &Job) -> Result<Prepared> {
        assert!(job.saves.count() <= self.rows, "rows of one trajectory");
        self.backend.prepare(job)
    }

    fn run(&mut self, job: &Job, inputs: &Inputs, progress: &dyn Progress) -> Result<RawOutput> {
        assert!(job.saves.count() * inputs.n_traj <= self.rows, "rows of a chunk");
        assert!(inputs.n_traj <= self.trajectories, "trajectories of a chunk");
        self.backend.run(job, inputs, progress)
    }
}

/// A model from JSON text, compiled.
///
/// # Panics
/// If it is not a model; the message says why.
pub fn compiled(json: &str) -> ensolve::CompiledSpec {
    let world = ensolve::World::from_json(json).unwrap_or_else(|e| panic!("{e}\nin {json}"));
    world.compile().unwrap_or_else(|e| panic!("{e}\nin {json}"))
}

/// Largest error of a series in units of its tolerance, atol + rtol * max |want|, and where it is. What is not a
/// number is infinitely wrong.
pub fn error_units(got: &[f64], want: &[f64], rtol: f64, atol: f64) -> (f64, usize) {
    assert_eq!(got.len(), want.len(), "a series and its expected values have different lengths");
    let unit = atol + rtol * want.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
    let units = |got: f64, want: f64| if got.is_nan() { f64::INFINITY } else { (got - want).abs() / unit };
    let all = got.iter().zip(want).map(|(got, want)| units(*got, *want)).zip(0..);
    all.fold((0.0, 0), |worst, next| if next.0 > worst.0 { next } else { worst })
}

/// Asserts that a series is within `factor` units of its tolerance.
///
/// # Panics
/// With the place, both values and the error in units.
pub fn assert_close(got: &[f64], want: &[f64], rtol: f64, atol: f64, factor: f64, context: &str) {
    let (units, at) = error_units(got, want, rtol, atol);
    assert!(
        units <= factor,
        "{context}: value {at} is {}, expected {}: {units:.3} units of the tolerance (rtol {rtol:e}, atol {atol:e}), at most {factor}",
        got[at],
        want[at]
    );
}
