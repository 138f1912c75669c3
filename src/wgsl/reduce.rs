//! The kernels that reduce a chunk of trajectories on the device, and the layout of what they read and write.
//!
//! In: a number format. Out: a [`KernelSource`] of each kernel, the same for every model and every
//! [`Reduction`](crate::reduce::Reduction). Who runs them, and what becomes of their results, is not its business.

use super::{Draft, GROUPS_X, KernelOptions, KernelSource, real_section};
use crate::error::Result;
use crate::job::{CountRow, JobForm, MASK_STATUS};
use crate::real::{Arithmetic, Precision};
use crate::reduce::{BLOCK, SummaryKind};
use crate::status::Status;

/// The kernels, in the order in which they run: the first one computes values that the others take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReduceKernel {
    /// One number of each trajectory.
    Summarize,
    /// Mean, spread and extremes of each quantity, by block.
    Moments,
    /// How pairs of quantities vary together, by block, from their means.
    Comoments,
    /// Values counted by size.
    Histogram,
    /// How trajectories have ended, and their steps, by block.
    Tally,
}

impl ReduceKernel {
    /// All of them, in order.
    pub const ALL: [ReduceKernel; 5] = [
        ReduceKernel::Summarize,
        ReduceKernel::Moments,
        ReduceKernel::Comoments,
        ReduceKernel::Histogram,
        ReduceKernel::Tally,
    ];

    /// Invocations of a workgroup: few where sums go up a tree, since each level of it has a barrier (a software adapter
    /// takes a fifth longer with 64); many where they share the memory of counts.
    pub const fn workgroup_size(self) -> u32 {
        match self {
            ReduceKernel::Histogram => 256,
            ReduceKernel::Moments | ReduceKernel::Comoments => 32,
            _ => 64,
        }
    }

    fn section(self) -> (&'static str, &'static str) {
        match self {
            ReduceKernel::Summarize => shader!("reduce/summarize.wgsl"),
            ReduceKernel::Moments => shader!("reduce/moments.wgsl"),
            ReduceKernel::Comoments => shader!("reduce/comoments.wgsl"),
            ReduceKernel::Histogram => shader!("reduce/histogram.wgsl"),
            ReduceKernel::Tally => shader!("reduce/tally.wgsl"),
        }
    }
}

// Each invocation has a bit for each of its trajectories of a block.
const _: () = {
    let size = ReduceKernel::Moments.workgroup_size() as usize;
    assert!(size.is_power_of_two() && BLOCK.is_multiple_of(size) && BLOCK / size <= u32::BITS as usize);
};

// Every word of a tally has an invocation that writes it.
const _: () = assert!(TALLY_WORDS <= ReduceKernel::Tally.workgroup_size() as usize);

/// Blocks of trajectories that a workgroup counts for a histogram: some values for each count that it has to add in the end.
pub const HISTOGRAM_BLOCKS: usize = 4;

/// Counts of a histogram, at most, for which a workgroup has memory of its own. WebGPU promises 16 KiB, 4096 counts; but a
/// driver may zero each of them by an instruction of its own, and Mesa's software adapter then takes minutes to compile.
pub const SHARED_COUNTS: usize = 512;

/// Numbers of the moments of a block: of the run's format, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentReal {
    /// One of the values.
    Pivot,
    /// A power of two that takes the differences from it to the size of 1.
    Scale,
    /// The mean, from the pivot on, scaled.
    Offset,
    /// Sum of squares of the differences from the mean, scaled.
    M2,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// Words of the moments of a block, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentWord {
    /// Place in the block of the smallest value, [`u32::MAX`] if there is none.
    Argmin,
    /// Place in the block of the largest value.
    Argmax,
    /// [`Oddity`] of values that are not finite, combined.
    Oddities,
}

/// Bits that say which values are not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Infinity.
    InfiniteAbove = 1,
    /// Minus infinity.
    InfiniteBelow = 2,
    /// NaN.
    NotANumber = 4,
}

/// Words of the tally of a block: a count for each status, then these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TallyWord {
    /// Sum of the lower 16 bits of the accepted steps.
    AcceptedLow = Status::ALL.len() as isize,
    /// Sum of the upper 16 bits of the accepted steps.
    AcceptedHigh,
    /// The most accepted steps.
    AcceptedMost,
    /// Sum of the lower 16 bits of the rejected steps.
    RejectedLow,
    /// Sum of the upper 16 bits of the rejected steps.
    RejectedHigh,
    /// The most rejected steps.
    RejectedMost,
}

/// Numbers of the moments of a block.
pub const MOMENT_REALS: usize = MomentReal::Max as usize + 1;
/// Words of the moments of a block.
pub const MOMENT_WORDS: usize = MomentWord::Oddities as usize + 1;
/// Words of the tally of a block.
pub const TALLY_WORDS: usize = TallyWord::RejectedMost as usize + 1;

/// Sizes and first indices of a chunk; the kernels read it from a buffer of this layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct ReduceConfig {
    /// Trajectories in this chunk.
    pub n_traj: u32,
    /// Blocks of them.
    pub n_block: u32,
    /// Save times.
    pub n_save: u32,
    /// Values at each.
    pub n_row: u32,
    /// Saved values and summaries of a trajectory.
    pub n_quantity: u32,
    /// Summaries.
    pub n_summary: u32,
    /// Pairs of quantities.
    pub n_pair: u32,
    /// Histograms.
    pub n_histogram: u32,
    /// Where words of moments begin; the tallies lie before them.
    pub first_moment_word: u32,
    /// Where counts of histograms begin.
    pub first_count: u32,
    /// Where comoments begin; the numbers of moments lie before them.
    pub first_comoment_real: u32,
    /// 0, in a way that a compiler cannot know.
    pub zero: u32,
    /// Uniform buffers are multiples of 16 bytes.
    pub unused: [u32; 4],
}

/// The code of a kind of summary.
pub fn summary_code(kind: SummaryKind) -> u32 {
    match kind {
        SummaryKind::Min => 0,
        SummaryKind::Max => 1,
        SummaryKind::TimeOfMin => 2,
        SummaryKind::TimeOfMax => 3,
        SummaryKind::TimeAbove(_) => 4,
        SummaryKind::Integral => 5,
        SummaryKind::Final => 6,
    }
}

/// The kernel in a number format.
///
/// # Errors
/// [`Error::Shader`](crate::Error::Shader) if the module is not valid, which is a bug of this crate.
pub fn reduce(kernel: ReduceKernel, precision: Precision, arithmetic: Arithmetic) -> Result<KernelSource> {
    let workgroup_size = kernel.workgroup_size();
    let options = KernelOptions { precision, arithmetic, compensated: false, workgroup_size, form: JobForm::default() };
    // The square of any number that models come to is one of f64.
    let scales = format!("const SCALES_MOMENTS: bool = {};\n", precision != Precision::F64);
    let consts = consts(workgroup_size) + &scales;
    let sections = [
        ("generated constants", consts.as_str()),
        real_section(precision),
        shader!("reduce/layout.wgsl"),
        kernel.section(),
        shader!("reduce/tree.wgsl"),
    ];
    let has_sums = matches!(kernel, ReduceKernel::Moments | ReduceKernel::Comoments);
    let sections = if has_sums { &sections[..] } else { &sections[..sections.len() - 1] };
    Draft::new(sections, options).prove()
}

/// Sizes, codes, and the order of what the kernels write.
fn consts(workgroup_size: u32) -> String {
    let mut constants = vec![
        ("WORKGROUP_SIZE", workgroup_size as usize),
        ("GROUPS_X", GROUPS_X as usize),
        ("BLOCK", BLOCK),
        ("HISTOGRAM_BLOCKS", HISTOGRAM_BLOCKS),
        ("SHARED_COUNTS", SHARED_COUNTS),
        ("COUNT_STATUS", CountRow::Status as usize),
        ("MASK_STATUS", MASK_STATUS as usize),
        ("COUNT_ACCEPTED", CountRow::Accepted as usize),
        ("COUNT_REJECTED", CountRow::Rejected as usize),
        ("STATUS_RUNNING", Status::Running as usize),
        ("STATUS_SUCCESS", Status::Success as usize),
        ("N_STATUS", Status::ALL.len()),
        ("INFINITE_ABOVE", Oddity::InfiniteAbove as usize),
        ("INFINITE_BELOW", Oddity::InfiniteBelow as usize),
        ("NOT_A_NUMBER", Oddity::NotANumber as usize),
    ];
    constants.extend(
        [
            ("SUMMARY_MIN", SummaryKind::Min),
            ("SUMMARY_MAX", SummaryKind::Max),
            ("SUMMARY_TIME_OF_MIN", SummaryKind::TimeOfMin),
            ("SUMMARY_TIME_OF_MAX", SummaryKind::TimeOfMax),
            ("SUMMARY_TIME_ABOVE", SummaryKind::TimeAbove(0.0)),
            ("SUMMARY_INTEGRAL", SummaryKind::Integral),
        ]
        .map(|(name, kind)| (name, summary_code(kind) as usize)),
    );
    constants.extend([
        ("MOMENT_PIVOT", MomentReal::Pivot as usize),
        ("MOMENT_SCALE", MomentReal::Scale as usize),
        ("MOMENT_OFFSET", MomentReal::Offset as usize),
        ("MOMENT_M2", MomentReal::M2 as usize),
        ("MOMENT_MIN", MomentReal::Min as usize),
        ("MOMENT_MAX", MomentReal::Max as usize),
        ("MOMENT_REALS", MOMENT_REALS),
        ("MOMENT_ARGMIN", MomentWord::Argmin as usize),
        ("MOMENT_ARGMAX", MomentWord::Argmax as usize),
        ("MOMENT_ODDITIES", MomentWord::Oddities as usize),
        ("MOMENT_WORDS", MOMENT_WORDS),
        ("TALLY_STATUS", 0),
        ("TALLY_ACCEPTED_LOW", TallyWord::AcceptedLow as usize),
        ("TALLY_ACCEPTED_HIGH", TallyWord::AcceptedHigh as usize),
        ("TALLY_ACCEPTED_MOST", TallyWord::AcceptedMost as usize),
        ("TALLY_REJECTED_LOW", TallyWord::RejectedLow as usize),
        ("TALLY_REJECTED_HIGH", TallyWord::RejectedHigh as usize),
        ("TALLY_REJECTED_MOST", TallyWord::RejectedMost as usize),
        ("TALLY_WORDS", TALLY_WORDS),
    ]);
    constants.iter().map(|(name, value)| format!("const {name}: u32 = {value}u;\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use naga::TypeInner;
    use std::mem::offset_of;

    /// Offsets by name, and the size, of the Rust struct.
    macro_rules! members {
        ($($member:ident)*) => {
            (vec![$((stringify!($member).to_string(), offset_of!(ReduceConfig, $member) as u32)),*], size_of::<ReduceConfig>() as u32)
        };
    }

    #[test]
    fn the_config_has_the_layout_of_the_rust_struct_and_bindings_are_few() {
        for kernel in ReduceKernel::ALL {
            for (precision, arithmetic) in [
                (Precision::F32, Arithmetic::FastMath),
                (Precision::F32, Arithmetic::Exact),
                (Precision::F64, Arithmetic::Standard),
                (Precision::F32x2, Arithmetic::Standard),
            ] {
                let source = reduce(kernel, precision, arithmetic).expect("a valid kernel");
                let module = naga::front::wgsl::parse_str(source.text()).expect("reduce has validated it");
                let config = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("ReduceConfig"));
                let Some((_, naga::Type { inner: TypeInner::Struct { members, span }, .. })) = config else {
                    panic!("ReduceConfig is a struct")
                };
                let wgsl: Vec<(String, u32)> = members
                    .iter()
                    .map(|m| (m.name.clone().unwrap_or_default(), m.offset))
                    .filter(|(name, _)| !name.starts_with("unused"))
                    .collect();
                let rust = members! {
                    n_traj n_block n_save n_row n_quantity n_summary n_pair n_histogram first_moment_word first_count
                    first_comoment_real zero
                };
                assert_eq!((wgsl, *span), rust, "{kernel:?} in {precision}");
                let bindings: Vec<u32> =
                    module.global_variables.iter().filter_map(|(_, v)| v.binding.map(|b| b.binding)).collect();
                assert_eq!(bindings, [0, 1, 2, 3, 4, 5, 6]);
                assert_eq!(module.entry_points[0].workgroup_size, [kernel.workgroup_size(), 1, 1]);
            }
        }
    }

    #[test]
    fn workgroup_memory_is_what_webgpu_promises() {
        const PROMISED: u32 = 16384;
        for kernel in ReduceKernel::ALL {
            let source = reduce(kernel, Precision::F64, Arithmetic::Standard).expect("a valid kernel");
            let module = naga::front::wgsl::parse_str(source.text()).expect("reduce has validated it");
            let shared = module.global_variables.iter().filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup);
            let bytes: u32 = shared.map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx())).sum();
            assert!(bytes <= PROMISED, "{kernel:?} takes {bytes} bytes");
        }
    }
}
