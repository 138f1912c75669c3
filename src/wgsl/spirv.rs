//! A validated module as SPIR-V whose arithmetic is kept as written.
//!
//! WGSL lets a compiler regroup sums and fuse products. SPIR-V's decoration NoContraction forbids it, for one instruction
//! at a time, and naga has no word for it: so the module is translated here and the decoration is put on every
//! floating-point instruction of the functions that ask for it. Only Vulkan takes such a module.

use crate::error::{Error, Result};
use std::collections::HashSet;

/// Which functions are kept as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Every function: the result has the same bits as the CPU's.
    All,
    /// Those that compute rounding errors.
    ErrorFree,
}

// The numbers of the SPIR-V specification, version 1.6, section 3.
const HEADER_WORDS: usize = 5;
const OP_NAME: u32 = 5;
const OP_EXT_INST: u32 = 12;
const OP_FUNCTION: u32 = 54;
const OP_DECORATE: u32 = 71;
const OP_MEMBER_DECORATE: u32 = 72;
const NO_CONTRACTION: u32 = 42;

/// FNegate, FAdd, FSub, FMul, FDiv, FRem, FMod, VectorTimesScalar, Dot and the extended instructions (sqrt and the like).
const ARITHMETIC: [u32; 10] = [127, 129, 131, 133, 136, 140, 141, 142, 148, OP_EXT_INST];

/// Translates a module; the names of the functions that [`Kept::ErrorFree`] means begin with `error_free`.
pub fn translate(
    module: &naga::Module,
    info: &naga::valid::ModuleInfo,
    kept: Kept,
    error_free: &str,
) -> Result<Vec<u32>> {
    let options = naga::back::spv::Options {
        lang_version: (1, 3),
        // Names, which tell the functions apart.
        flags: naga::back::spv::WriterFlags::DEBUG,
        // The kernels' loops end by themselves; a guard would cost a counter in each.
        force_loop_bounding: false,
        ..Default::default()
    };
    let words = naga::back::spv::write_vec(module, info, &options, None)
        .map_err(|e| Error::Shader(format!("the kernel cannot be written as SPIR-V: {e}")))?;
    let chosen = |name: &str| match kept {
        Kept::All => true,
        Kept::ErrorFree => name.starts_with(error_free),
    };
    Ok(decorate(&words, chosen))
}

/// Adds NoContraction to the arithmetic of the chosen functions.
fn decorate(words: &[u32], chosen: impl Fn(&str) -> bool) -> Vec<u32> {
    let mut kept_functions = HashSet::new();
    let mut decorations = Vec::new();
    let mut annotations = words.len();
    let mut inside = false;
    let mut at = HEADER_WORDS;
    while at < words.len() {
        let (length, op) = ((words[at] >> 16) as usize, words[at] & 0xffff);
        let operands = &words[at + 1..at + length];
        match op {
            OP_NAME if chosen(&text(&operands[1..])) => drop(kept_functions.insert(operands[0])),
            OP_DECORATE | OP_MEMBER_DECORATE => annotations = annotations.min(at),
            // Result type, result.
            OP_FUNCTION => inside = kept_functions.contains(&operands[1]),
            op if inside && ARITHMETIC.contains(&op) => {
                decorations.extend([3 << 16 | OP_DECORATE, operands[1], NO_CONTRACTION]);
            }
            _ => {}
        }
        at += length;
    }
    [&words[..annotations], &decorations, &words[annotations..]].concat()
}

/// A literal string: UTF-8, four bytes a word, ended by a zero byte.
fn text(words: &[u32]) -> String {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes()).take_while(|byte| *byte != 0);
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
