// Comparison and rounding of math/*.wgsl, and the square root. Twin of src/math/round.rs.

fn math_abs(x: real) -> real {
    return abs(x);
}

fn math_sign(x: real) -> real {
    return select(select(select(x, real(-1.0), x < 0.0), real(1.0), x > 0.0), x, math_is_nan(x));
}

// NaN wins: the builtin leaves the choice to the device.
fn math_min(a: real, b: real) -> real {
    return select(select(select(b, a, a < b), b, math_is_nan(b)), a, math_is_nan(a));
}

fn math_max(a: real, b: real) -> real {
    return select(select(select(b, a, a > b), b, math_is_nan(b)), a, math_is_nan(a));
}

fn math_floor(x: real) -> real {
    return floor(x);
}

fn math_ceil(x: real) -> real {
    return ceil(x);
}

// By floor, since the builtin in f64 loses the sign of zero on some drivers, and fractions of large numbers.
fn math_trunc(x: real) -> real {
    return math_with_sign(floor(abs(x)), x);
}

// Half to even; by floor for the same reason. The fraction is exact.
fn math_round(x: real) -> real {
    let a = abs(x);
    let whole = floor(a);
    let fraction = a - whole;
    let odd = 2.0 * floor(0.5 * whole) < whole;
    let up = fraction > 0.5 || (fraction == 0.5 && odd);
    return math_with_sign(select(whole, whole + 1.0, up), x);
}

fn math_sqrt(x: real) -> real {
    return sqrt(x);
}
