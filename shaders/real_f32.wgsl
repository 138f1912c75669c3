// The number format of the run: f32. Twin of src/real.rs.
// The shader files that serve every format are written with these functions, since f32x2 has no operators.

alias real = f32;

fn add(a: real, b: real) -> real { return a + b; }
fn sub(a: real, b: real) -> real { return a - b; }
fn mul(a: real, b: real) -> real { return a * b; }
fn div(a: real, b: real) -> real { return a / b; }
fn neg(a: real) -> real { return -a; }
fn less(a: real, b: real) -> bool { return a < b; }
fn less_equal(a: real, b: real) -> bool { return a <= b; }
fn equal(a: real, b: real) -> bool { return a == b; }
fn real_abs(a: real) -> real { return abs(a); }
fn real_sqrt(a: real) -> real { return sqrt(a); }
fn real_of(x: f32) -> real { return x; }
fn real_of_u32(k: u32) -> real { return f32(k); }
fn to_u32(a: real) -> u32 { return u32(a); }
fn to_f32(a: real) -> f32 { return a; }

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(x: real) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn is_nan(x: real) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(x: real) -> real {
    return bitcast<f32>(bitcast<u32>(x) ^ config.zero);
}
