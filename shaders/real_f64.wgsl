// The number format of the run: f64. Twin of src/real.rs.

alias real = f64;

// Without 64-bit integers there are no bits to look at; a comparison with NaN is false.
fn is_finite(x: real) -> bool {
    return abs(x) <= 1.7976931348623157e308lf; // the largest f64
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(x: real) -> real {
    return select(x, 0.0, config.zero != 0u);
}
