//! A device opened for a number format: what its arithmetic does, and the kernels compiled for it.

use super::AdapterSummary;
use super::buffers::Device;
use super::chunk::{BINDINGS, COMPACT_BINDINGS, Chunk};
use super::draw::Drawer;
use super::footprint::Footprint;
use super::kernel::Kernel;
use super::reduce::Reducer;
use super::self_test::{self, Finding};
use crate::error::{Error, Result};
use crate::job::Job;
use crate::method::Stages;
use crate::pair::F32x2;
use crate::program::OdeProgram;
use crate::real::{Arithmetic, Precision};
use crate::sampling::Draws;
use crate::wgsl::{self, KernelOptions};

/// Most kernels that are kept for each number format.
const MAX_KERNELS: usize = 32;

/// A device opened for a number format, what self-tests have found on it, and the kernels compiled for it, the one used
/// last at the end.
pub struct OpenDevice {
    pub precision: Precision,
    pub device: Device,
    /// Lists what is unfinished after a dispatch.
    pub compactor: Kernel,
    findings: Vec<(KernelOptions, Finding)>,
    /// What reduces chunks, for each arithmetic.
    reducers: Vec<(Arithmetic, Reducer)>,
    /// What has drawn last.
    drawer: Option<(Draws, Drawer)>,
    kernels: Vec<CompiledKernel>,
}

/// A kernel and all that its text depends on: no initial value, parameter, time span, tolerance or save time, but for whether
/// the end is the only one.
struct CompiledKernel {
    program: OdeProgram,
    stages: Stages,
    is_adaptive: bool,
    options: KernelOptions,
    kernel: Kernel,
}

impl CompiledKernel {
    fn is_for(&self, job: &Job, options: KernelOptions) -> bool {
        self.options == options
            && self.is_adaptive == job.method.is_adaptive()
            && self.stages == job.method.stages
            && self.program == *job.program
    }
}

impl OpenDevice {
    pub fn new(precision: Precision, device: Device) -> Result<Self> {
        let compactor = Kernel::new(&device, &wgsl::compact()?, &COMPACT_BINDINGS)?;
        Ok(OpenDevice {
            precision,
            device,
            compactor,
            findings: Vec::new(),
            reducers: Vec::new(),
            drawer: None,
            kernels: Vec::new(),
        })
    }

    /// The kernel that was used last.
    pub fn kernel(&self) -> &Kernel {
        &self.kernels.last().expect("a kernel was compiled before").kernel
    }

    /// Moves the kernel of a job to the end of the list, compiling it if it is not there.
    pub fn use_kernel(&mut self, job: &Job, options: KernelOptions) -> Result<()> {
        if let Some(at) = self.kernels.iter().position(|compiled| compiled.is_for(job, options)) {
            self.kernels[at..].rotate_left(1);
            return Ok(());
        }
        let source = wgsl::assemble(job.program, job.method, options)?;
        let kernel = Kernel::new(&self.device, &source, &BINDINGS)?;
        self.warm_up(&kernel, job)?;
        let (program, stages) = (job.program.clone(), job.method.stages.clone());
        if self.kernels.len() == MAX_KERNELS {
            self.kernels.remove(0);
        }
        self.kernels.push(CompiledKernel { program, stages, is_adaptive: job.method.is_adaptive(), options, kernel });
        Ok(())
    }

    /// Makes ready to reduce chunks, and to draw their inputs where the device can.
    pub fn use_reducer(&mut self, job: &Job, draws: Option<&Draws>) -> Result<()> {
        let arithmetic = job.arithmetic;
        if !self.reducers.iter().any(|(known, _)| *known == arithmetic) {
            self.reducers.push((arithmetic, Reducer::new(&self.device, self.precision, arithmetic)?));
        }
        if !self.drawer.as_ref().is_some_and(|(drawn, _)| Some(drawn) == draws) {
            let draws = draws.filter(|draws| draws.fit(self.precision));
            // In any arithmetic: where the adapter keeps it, a trajectory that is replayed on the host begins with the same bits.
            let drawer = |draws: &Draws| Drawer::new(&self.device, draws, self.precision, Arithmetic::Exact);
            self.drawer = draws.map(|draws| Ok((draws.clone(), drawer(draws)?))).transpose()?;
        }
        Ok(())
    }

    /// What reduces the chunks of a job, and what draws their inputs.
    pub fn reducer(&self, job: &Job) -> (&Reducer, Option<&Drawer>) {
        let reducer = self.reducers.iter().find(|(arithmetic, _)| *arithmetic == job.arithmetic);
        (&reducer.expect("it was made ready before").1, self.drawer.as_ref().map(|(_, drawer)| drawer))
    }

    /// Many drivers compile at the first dispatch only: one in which nothing is left to do has it done.
    fn warm_up(&self, kernel: &Kernel, job: &Job) -> Result<()> {
        let each = Footprint::of_job(job);
        let chunk = Chunk::new(&self.device, (kernel, &self.compactor), job, (1, &each), 0)?;
        chunk.warm_up(&self.device, job, kernel)
    }

    /// Refuses arithmetic that the self-test finds wanting; returns what the user should know.
    pub fn check(&mut self, options: KernelOptions, adapter: &AdapterSummary) -> Result<Vec<String>> {
        let finding = match options.needs_self_test() {
            false => return Ok(Vec::new()),
            true => self.finding(options)?,
        };
        let AdapterSummary { name, api, .. } = adapter;
        let what = if options.arithmetic == Arithmetic::Exact { "exact arithmetic" } else { "precision f32x2" };
        match finding {
            Finding::Holds => Ok(Vec::new()),
            Finding::FlushesSubnormals if options.arithmetic == Arithmetic::Exact => Ok(vec![format!(
                "the adapter '{name}' turns numbers below {:.1e} into zero: the bits are the CPU's for trajectories that meet no such number",
                f32::MIN_POSITIVE
            )]),
            Finding::FlushesSubnormals => Ok(Vec::new()),
            Finding::Differs(what_differs) => Err(Error::Unsupported(format!(
                "{what} does not hold on the adapter '{name}' ({api}): {what_differs}; use the backend cpu, or standard arithmetic in f32 or f64"
            ))),
        }
    }

    fn finding(&mut self, options: KernelOptions) -> Result<Finding> {
        let options = KernelOptions { form: Default::default(), ..options };
        if let Some((_, finding)) = self.findings.iter().find(|(tested, _)| *tested == options) {
            return Ok(finding.clone());
        }
        let finding = match options.precision {
            Precision::F32 => self_test::run::<f32>(&self.device, options)?,
            Precision::F64 => self_test::run::<f64>(&self.device, options)?,
            Precision::F32x2 => self_test::run::<F32x2>(&self.device, options)?,
        };
        self.findings.push((options, finding.clone()));
        Ok(finding)
    }
}
