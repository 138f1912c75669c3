//! The function table: one row per function of the expression language.
//!
//! A row holds all faces of a function: name, arguments, domain, evaluator and WGSL spelling. The evaluator works in
//! f64; in an f32 run its result is rounded once, so that the CPU's f32 functions are correct to half a unit in the
//! last place (but for the rare double rounding). The WGSL functions named `math_*` are ours, in `shaders/math.wgsl`;
//! a test on the adapter compares every row with its evaluator. `min`, `max` with many arguments and `clamp` are
//! written in terms of the two-argument rows by the parser.

/// Evaluator of a row.
#[derive(Clone, Copy)]
pub enum Evaluator {
    /// One argument.
    One(fn(f64) -> f64),
    /// Two arguments.
    Two(fn(f64, f64) -> f64),
}

/// One function of the expression language.
pub struct Row {
    /// Name in expressions.
    pub name: &'static str,
    /// Where it is defined (NaN elsewhere) and what is special about it.
    pub domain: &'static str,
    /// Value in f64.
    pub evaluator: Evaluator,
    /// Name of the WGSL function.
    pub wgsl: &'static str,
}

/// Index of a row in [`FUNCTIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Func(u8);

impl Func {
    /// The row.
    pub fn row(self) -> &'static Row {
        &FUNCTIONS[usize::from(self.0)]
    }

    /// Looks a function up by its name in expressions.
    pub fn named(name: &str) -> Option<Func> {
        FUNCTIONS.iter().position(|row| row.name == name).map(|i| Func(i as u8))
    }

    /// Number of arguments, 1 or 2.
    pub fn arity(self) -> usize {
        match self.row().evaluator {
            Evaluator::One(_) => 1,
            Evaluator::Two(_) => 2,
        }
    }

    /// Value in f64; `b` is ignored by functions of one argument.
    pub fn evaluate(self, a: f64, b: f64) -> f64 {
        match self.row().evaluator {
            Evaluator::One(f) => f(a),
            Evaluator::Two(f) => f(a, b),
        }
    }

    /// Every function, in table order.
    pub fn all() -> impl Iterator<Item = Func> {
        (0..FUNCTIONS.len()).map(|i| Func(i as u8))
    }
}

const fn one(name: &'static str, wgsl: &'static str, f: fn(f64) -> f64, domain: &'static str) -> Row {
    Row { name, domain, evaluator: Evaluator::One(f), wgsl }
}

const fn two(name: &'static str, wgsl: &'static str, f: fn(f64, f64) -> f64, domain: &'static str) -> Row {
    Row { name, domain, evaluator: Evaluator::Two(f), wgsl }
}

/// Every function of one or two arguments.
pub static FUNCTIONS: &[Row] = &[
    one("abs", "abs", f64::abs, "all"),
    one("sign", "math_sign", sign, "all; sign(0) = 0"),
    one("sqrt", "sqrt", f64::sqrt, "x >= 0"),
    one("cbrt", "math_cbrt", f64::cbrt, "all"),
    one("exp", "math_exp", f64::exp, "all"),
    one("expm1", "math_expm1", f64::exp_m1, "all; exp(x) - 1, accurate near 0"),
    one("log", "math_log", f64::ln, "x > 0; natural logarithm"),
    one("log1p", "math_log1p", f64::ln_1p, "x > -1; log(1 + x), accurate near 0"),
    one("log2", "math_log2", f64::log2, "x > 0"),
    one("log10", "math_log10", f64::log10, "x > 0"),
    one("sin", "math_sin", f64::sin, "all, radians"),
    one("cos", "math_cos", f64::cos, "all, radians"),
    one("tan", "math_tan", f64::tan, "all, radians"),
    one("asin", "math_asin", f64::asin, "-1 <= x <= 1"),
    one("acos", "math_acos", f64::acos, "-1 <= x <= 1"),
    one("atan", "math_atan", f64::atan, "all"),
    one("sinh", "math_sinh", f64::sinh, "all"),
    one("cosh", "math_cosh", f64::cosh, "all"),
    one("tanh", "math_tanh", f64::tanh, "all"),
    one("asinh", "math_asinh", f64::asinh, "all"),
    one("acosh", "math_acosh", f64::acosh, "x >= 1"),
    one("atanh", "math_atanh", f64::atanh, "-1 < x < 1"),
    one("floor", "floor", f64::floor, "all"),
    one("ceil", "ceil", f64::ceil, "all"),
    one("trunc", "trunc", f64::trunc, "all"),
    one("round", "math_round", f64::round_ties_even, "all; half to even"),
    two("pow", "math_pow", f64::powf, "a negative base needs a whole exponent"),
    two("atan2", "math_atan2", f64::atan2, "all; atan2(y, x)"),
    two("min", "math_min", min, "all; NaN if either is"),
    two("max", "math_max", max, "all; NaN if either is"),
    two("mod", "math_mod", modulo, "y != 0; sign of the divisor y"),
    two("rem", "math_rem", |x, y| x % y, "y != 0; sign of the dividend x"),
    two("hypot", "math_hypot", f64::hypot, "all; sqrt(x^2 + y^2) without overflow"),
];

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

fn min(a: f64, b: f64) -> f64 {
    if a < b {
        a
    } else if b <= a {
        b
    } else {
        a + b
    }
}

fn max(a: f64, b: f64) -> f64 {
    if a > b {
        a
    } else if b >= a {
        b
    } else {
        a + b
    }
}

fn modulo(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r == 0.0 {
        return 0f64.copysign(y);
    }
    if (r < 0.0) != (y < 0.0) { r + y } else { r }
}
