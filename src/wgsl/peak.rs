//! The kernel that measures how fast an adapter multiplies and adds: independent chains x = x * 1 + 1, unrolled.

use super::{Draft, KernelOptions, KernelSource, real_section};
use crate::error::Result;
use crate::real::Precision;

/// Chains of an invocation: enough for its lane never to wait for a result, few enough to stay in registers, of which vector
/// units of processors have 16.
const CHAINS: u32 = 12;

/// Links of each chain in a round of the loop, so many that counting rounds costs little beside them.
pub const ROUND: u32 = 16;

/// Multiplications and additions of an invocation in a round.
pub const ROUND_OPERATIONS: u32 = 2 * CHAINS * ROUND;

/// The kernel in a number format, f32 or f64.
///
/// # Errors
/// [`Error::Shader`](crate::Error::Shader) if the module is not valid, which is a bug of this crate.
pub fn fma_peak(precision: Precision) -> Result<KernelSource> {
    let options = KernelOptions::from(precision);
    let consts = format!("const WORKGROUP_SIZE: u32 = {}u;\n", options.workgroup_size);
    let kernel = ("shaders/fma_peak.wgsl", include_str!("../../shaders/fma_peak.wgsl"));
    let sections =
        [("generated constants", &consts[..]), ("generated chains", &chains()), real_section(precision), kernel];
    Draft::new(&sections, options).prove()
}

/// Chain j begins at j, so that no two are the same to a compiler, and each link adds 1: every sum is exact and says how
/// many links there were.
fn chains() -> String {
    let each = |line: &dyn Fn(u32) -> String| (0..CHAINS).map(line).collect::<String>();
    let round = each(&|j| format!("        x{j} = x{j} * factor + term;\n")).repeat(ROUND as usize);
    format!(
        "fn wrong_chains(factor: real, term: real, rounds: u32) -> u32 {{\n{}    \
             for (var n = 0u; n < rounds; n += 1u) {{\n{round}    }}\n    \
             let links = real_of_u32({ROUND}u * rounds);\n    var wrong = 0u;\n{}    return wrong;\n}}\n",
        each(&|j| format!("    var x{j} = real_of_u32({j}u);\n")),
        each(&|j| format!("    if !(x{j} == links + real_of_u32({j}u)) {{ wrong += 1u; }}\n")),
    )
}
