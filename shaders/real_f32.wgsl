// The number format of the run: f32. Twin of src/real.rs.

alias real = f32;

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(x: real) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(x: real) -> real {
    return bitcast<f32>(bitcast<u32>(x) ^ config.zero);
}
