// The number format of the run: f64. Twin of src/real.rs.

alias real = f64;

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(x: real) -> bool {
    return (bitcast<vec2<u32>>(x).y & 0x7ff00000u) != 0x7ff00000u;
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(x: real) -> real {
    return bitcast<f64>(bitcast<vec2<u32>>(x) ^ vec2<u32>(config.zero));
}
