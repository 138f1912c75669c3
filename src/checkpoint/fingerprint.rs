//! What the numbers of a run depend on, so that a checkpoint is continued only by the run that it is of.
//!
//! The backend is not among it: another one gives the same statistics to rounding, for a GPU sums blocks in the format of the run.

use crate::compile::CompiledSpec;
use crate::ensemble::Ensemble;
use crate::plan::{Plan, describe_method};
use crate::spec::StatisticsSettings;
use std::fmt::{Debug, Write};

/// Things by name, as text; large ones end with a hash.
pub fn of(
    spec: &CompiledSpec,
    plan: &Plan,
    ensemble: &Ensemble,
    statistics: Option<&StatisticsSettings>,
) -> Vec<(&'static str, String)> {
    let job = &plan.job;
    let equations = hash(&(&spec.program, &spec.initial_values, &spec.own_stops, &spec.own_tspan, &spec.x0, &spec.p));
    let span = match job.own_span {
        true => "each its own".to_string(),
        false => format!("{} to {}", job.t0, job.t1),
    };
    let limits = (&job.rtol, &job.atol, job.max_steps, job.compensated, &job.method);
    let mut all = vec![
        ("model", format!("{}, {equations}", spec.title())),
        ("trajectories", ensemble.size().to_string()),
        ("precision", job.precision.to_string()),
        ("arithmetic", job.arithmetic.name().to_string()),
        ("ensemble", format!("seed {}, {}", ensemble.seed(), hash(ensemble))),
        ("time span", span),
        ("save times", format!("{}, {}", plan.t.len(), hash(&(&job.saves, &job.cuts, plan.timing())))),
        ("method", format!("{}, {}", describe_method(job), hash(&limits))),
    ];
    all.extend(statistics.map(|statistics| ("statistics", hash(statistics))));
    all
}

/// [`hash_text`] of what `{:?}` prints.
fn hash(thing: &dyn Debug) -> String {
    let mut fnv = Fnv::default();
    // Hashing never fails.
    let _ = write!(fnv, "{thing:?}");
    format!("{:016x}", fnv.0)
}

/// FNV-1a: 64 bits, which differ for different texts but for one chance in 10^19.
pub fn hash_text(text: &str) -> String {
    format!("{:016x}", hash_bytes(text.as_bytes()))
}

/// The same of bytes, as a number.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut fnv = Fnv::default();
    fnv.add(bytes);
    fnv.0
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}
