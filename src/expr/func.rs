//! The function table: one row per function of the expression language.
//!
//! A row holds all faces of a function: name, domain, and its form in every number format. The forms are ours
//! ([`crate::math`]), written a second time in WGSL as `math_NAME` with the same operations in the same order
//! (`shaders/math/`): tests compare both with exact values and with each other. `min`, `max` with many arguments and
//! `clamp` are written in terms of the two-argument rows by the parser.
//!
#![doc = include_str!("../math/accuracy.md")]

use crate::math::{double, pair, single};
use crate::real::{Form, Function};

/// One function of the expression language.
#[derive(Debug)]
pub struct Row {
    /// Name in expressions; the WGSL function is `math_` and this name.
    pub name: &'static str,
    /// Where it is defined (NaN elsewhere) and what is special about it.
    pub domain: &'static str,
    /// Value in every number format.
    pub function: Function,
    /// Largest error in units in the last place of the exact result, in f32 and f64, where + - * / and sqrt are correctly
    /// rounded; 0 for functions that round nothing.
    pub bound: f64,
    /// WGSL's built-in function for f32, which fast mathematics takes instead.
    pub built_in: Option<&'static str>,
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
        match self.row().function.double {
            Form::One(_) => 1,
            Form::Two(_) => 2,
        }
    }

    /// Value in f64; `b` is ignored by functions of one argument.
    pub fn evaluate(self, a: f64, b: f64) -> f64 {
        match self.row().function.double {
            Form::One(f) => f(a),
            Form::Two(f) => f(a, b),
        }
    }

    /// Every function, in table order.
    pub fn all() -> impl Iterator<Item = Func> {
        (0..FUNCTIONS.len()).map(|i| Func(i as u8))
    }
}

/// A row from the names of its forms in [`crate::math`].
macro_rules! row {
    ($form:ident, $name:literal, $function:ident, $bound:literal, $built_in:expr, $domain:literal) => {
        Row {
            name: $name,
            domain: $domain,
            function: Function {
                single: Form::$form(single::$function),
                double: Form::$form(double::$function),
                pair: Form::$form(pair::$function),
            },
            bound: $bound,
            built_in: $built_in,
        }
    };
}

/// Every function of one or two arguments.
pub static FUNCTIONS: &[Row] = &[
    row!(One, "abs", abs, 0.0, Some("abs"), "all"),
    row!(One, "sign", sign, 0.0, None, "all; sign(0) = 0"),
    row!(One, "sqrt", sqrt, 0.5, Some("sqrt"), "x >= 0"),
    row!(One, "cbrt", cbrt, 1.0, None, "all"),
    row!(One, "exp", exp, 1.0, Some("exp"), "all"),
    row!(One, "exp2", exp2, 1.0, Some("exp2"), "all; 2^x"),
    row!(One, "expm1", expm1, 2.0, None, "all; exp(x) - 1, accurate near 0"),
    row!(One, "log", log, 1.0, Some("log"), "x > 0; natural logarithm"),
    row!(One, "log1p", log1p, 2.0, None, "x > -1; log(1 + x), accurate near 0"),
    row!(One, "log2", log2, 1.0, Some("log2"), "x > 0"),
    row!(One, "log10", log10, 2.0, None, "x > 0"),
    row!(One, "sin", sin, 1.0, Some("sin"), "all, radians"),
    row!(One, "cos", cos, 1.0, Some("cos"), "all, radians"),
    row!(One, "tan", tan, 2.0, Some("tan"), "all, radians"),
    row!(One, "asin", asin, 2.0, Some("asin"), "-1 <= x <= 1"),
    row!(One, "acos", acos, 2.0, Some("acos"), "-1 <= x <= 1"),
    row!(One, "atan", atan, 1.0, Some("atan"), "all"),
    row!(One, "sinh", sinh, 2.0, Some("sinh"), "all"),
    row!(One, "cosh", cosh, 2.0, Some("cosh"), "all"),
    row!(One, "tanh", tanh, 2.0, Some("tanh"), "all"),
    row!(One, "asinh", asinh, 2.0, Some("asinh"), "all"),
    row!(One, "acosh", acosh, 2.0, Some("acosh"), "x >= 1"),
    row!(One, "atanh", atanh, 2.0, Some("atanh"), "-1 < x < 1"),
    row!(One, "floor", floor, 0.0, Some("floor"), "all"),
    row!(One, "ceil", ceil, 0.0, Some("ceil"), "all"),
    row!(One, "trunc", trunc, 0.0, Some("trunc"), "all"),
    row!(One, "round", round, 0.0, Some("round"), "all; half to even"),
    row!(Two, "pow", pow, 2.0, Some("pow"), "a negative base needs a whole exponent"),
    row!(Two, "atan2", atan2, 2.0, Some("atan2"), "all; atan2(y, x)"),
    row!(Two, "min", min, 0.0, None, "all; NaN if either is"),
    row!(Two, "max", max, 0.0, None, "all; NaN if either is"),
    row!(Two, "mod", modulo, 0.5, None, "y != 0; sign of the divisor y"),
    row!(Two, "rem", rem, 0.0, None, "y != 0; sign of the dividend x"),
    row!(Two, "hypot", hypot, 2.0, None, "all; sqrt(x^2 + y^2) without overflow"),
];
