// The number format of the run: f64. Twin of src/real.rs.

alias real = f64;

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
fn real_of(x: f32) -> real { return f64(x); }
fn real_of_u32(k: u32) -> real { return f64(k); }
fn to_u32(a: real) -> u32 { return u32(a); }
fn to_f32(a: real) -> f32 { return f32(a); }

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(x: real) -> bool {
    return (bitcast<u64>(x) & 0x7ff0000000000000lu) != 0x7ff0000000000000lu;
}

fn is_nan(x: real) -> bool {
    return (bitcast<u64>(x) & 0x7ffffffffffffffflu) > 0x7ff0000000000000lu;
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(x: real) -> real {
    return bitcast<f64>(bitcast<u64>(x) ^ u64(config.zero));
}
