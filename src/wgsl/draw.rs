//! The kernel that draws inputs: `shaders/draw.wgsl` with its constants, for what is drawn and how, whatever the model.

use super::literal::literal;
use super::{Draft, KernelOptions, KernelSource, real_section};
use crate::error::Result;
use crate::real::Precision;
use crate::sampling::latin_hypercube::{FEISTEL_ROUNDS, MIX_MULTIPLIERS};
use crate::sampling::philox::{PHILOX_M, PHILOX_ROUNDS, PHILOX_W, Stream};
use crate::sampling::sobol::{SCRAMBLE_MULTIPLIERS, SOBOL_BITS};
use crate::sampling::{Kind, NORMAL, Sampling};

/// Where the keys of an entry of the table begin: before them stand kind, whether it is a state, slot and number.
pub const ENTRY_KEYS: usize = 4;

/// Words of an entry: the largest number of keys is that of a Sobol sequence, one and the direction numbers.
pub const ENTRY_WORDS: usize = ENTRY_KEYS + 1 + SOBOL_BITS;

/// The kind of an entry that is a constant.
pub const KIND_NONE: u32 = 0;

/// The kernel that draws inputs in the precision of the options, of these kinds.
///
/// # Errors
/// [`Error::Shader`](crate::Error::Shader) if the module is not valid, which is a bug of this crate.
pub fn draw(options: KernelOptions, sampling: Sampling, kinds: &[Kind]) -> Result<KernelSource> {
    let consts = consts(&options, sampling, kinds);
    let mut sections = vec![("generated constants", consts.as_str()), real_section(options.precision)];
    sections.push(shader!("draw.wgsl"));
    match options.precision {
        Precision::F32 => sections.push(shader!("math/f32.wgsl")),
        Precision::F64 => sections.push(shader!("math/f64.wgsl")),
        Precision::F32x2 => sections.push(shader!("math/f32x2.wgsl")),
    }
    if options.precision != Precision::F32x2 {
        sections.extend([shader!("math/bits.wgsl"), shader!("math/exp.wgsl"), shader!("math/log.wgsl")]);
    }
    Draft::new(&sections, options).prove()
}

fn consts(options: &KernelOptions, sampling: Sampling, kinds: &[Kind]) -> String {
    let mut out = String::new();
    let mut constant = |name: &str, value: u32| out.push_str(&format!("const {name}: u32 = {value}u;\n"));
    constant("WORKGROUP_SIZE", options.workgroup_size);
    constant("ENTRY_KEYS", ENTRY_KEYS as u32);
    constant("ENTRY_WORDS", ENTRY_WORDS as u32);
    constant("PHILOX_ROUNDS", PHILOX_ROUNDS);
    constant("FEISTEL_ROUNDS", FEISTEL_ROUNDS as u32);
    constant("STREAM_DRAWS", Stream::Draws as u32);
    constant("KIND_NONE", KIND_NONE);
    for kind in Kind::ALL {
        constant(&format!("KIND_{}", format!("{kind:?}").to_uppercase()), kind as u32);
    }
    for sampling in Sampling::ALL {
        constant(&format!("SAMPLING_{}", sampling.name().to_uppercase()), sampling as u32);
    }
    constant("SAMPLING", sampling as u32);
    for kind in Kind::ALL {
        let (name, is_there) = (format!("{kind:?}").to_uppercase(), kinds.contains(&kind));
        out.push_str(&format!("const HAS_{name}: bool = {is_there};\n"));
    }
    let mut vector = |name: &str, values: &[u32]| {
        let listed = values.iter().map(|value| format!("{value:#010x}u")).collect::<Vec<_>>().join(", ");
        out.push_str(&format!("const {name} = vec{}<u32>({listed});\n", values.len()));
    };
    vector("PHILOX_M", &PHILOX_M);
    vector("PHILOX_W", &PHILOX_W);
    vector("MIX_MULTIPLIERS", &MIX_MULTIPLIERS);
    vector("SCRAMBLE_MULTIPLIERS", &SCRAMBLE_MULTIPLIERS);
    let real = |value: f64| literal(value, options.precision);
    let numbers = [
        ("NORMAL_CENTRAL", NORMAL.central),
        ("NORMAL_CENTRAL_SQUARE", NORMAL.central_square),
        ("NORMAL_TAIL", NORMAL.tail),
        ("NORMAL_TAIL_SHIFT", NORMAL.tail_shift),
    ];
    for (name, value) in numbers {
        out.push_str(&format!("const {name}: real = {};\n", real(value)));
    }
    let names = ["central_above", "central_below", "tail_above", "tail_below", "far_above", "far_below"];
    for (name, coefficients) in names.into_iter().zip(NORMAL.polynomials) {
        let listed = coefficients.map(real).join(", ");
        out.push_str(&format!("fn {name}(x: real) -> real {{ return horner(x, {listed}); }}\n"));
    }
    out
}
