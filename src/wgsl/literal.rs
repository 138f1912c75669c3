//! Numbers as WGSL literals that read back to the same bits.

use crate::pair::F32x2;
use crate::real::Precision;

/// `1.5f`, `1.5lf`, or `real(1.5f, 0.0f)`: high and low part.
pub fn literal(value: f64, precision: Precision) -> String {
    match precision {
        Precision::F32 => format!("{:?}f", value as f32),
        Precision::F64 => format!("{value:?}lf"),
        Precision::F32x2 => {
            let pair = F32x2::from_f64(value);
            format!("real({:?}f, {:?}f)", pair.hi(), pair.lo())
        }
    }
}
