//! Numbers as WGSL literals that read back to the same bits.

use crate::real::Precision;

/// `1.5f` or `1.5lf`.
pub fn literal(value: f64, precision: Precision) -> String {
    match precision {
        Precision::F32 => format!("{:?}f", value as f32),
        Precision::F64 => format!("{value:?}lf"),
    }
}
