//! The function table: one row per function of the expression language.
//!
//! A row holds all faces of a function: name, domain, and its form in every number format. The forms are ours
//! ([`crate::math`]), written a second time in WGSL as `math_NAME` with the same operations in the same order
//! (`shaders/math/`): tests compare both with exact values and with each other. `min`, `max` with many arguments and
//! `clamp` are written in terms of the two-argument rows by the parser.
//!
#![doc = include_str!("../math/accuracy.md")]

use crate::math::{double, pair, single};
use crate::real::{Form, Function, RowForms};
use crate::simd::{self, Quick};

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

/// Numbers of a chunk of a row: 128 bytes, as in the blocks of the CPU backend. Two vectors of 512 bits at a time take an
/// eighth less than one: each waits for its own results most of the time.
const SINGLE: usize = 32;
const DOUBLE: usize = 16;

/// A function of one argument on rows of lanes.
macro_rules! rows {
    (One, $function:ident) => {
        RowForms {
            single: |arch, data, at| simd::map1::<_, SINGLE>(arch, data, at, single::$function),
            double: |arch, data, at| simd::map1::<_, DOUBLE>(arch, data, at, double::$function),
            pair: |arch, data, at| simd::map1::<_, 8>(arch, data, at, pair::$function),
        }
    };
    (Two, $function:ident) => {
        RowForms {
            single: |arch, data, at| simd::map2::<_, SINGLE>(arch, data, at, single::$function),
            double: |arch, data, at| simd::map2::<_, DOUBLE>(arch, data, at, double::$function),
            pair: |arch, data, at| simd::map2::<_, 8>(arch, data, at, pair::$function),
        }
    };
    // With a form for usual arguments.
    (Quick, $function:ident, $is_usual:ident, $usual:ident) => {
        RowForms {
            single: |arch, data, at| {
                let (is_usual, usual, any) = (single::$is_usual, single::$usual, single::$function);
                simd::map_quick::<_, SINGLE>(arch, data, at, Quick { is_usual, usual, any });
            },
            double: |arch, data, at| {
                let (is_usual, usual, any) = (double::$is_usual, double::$usual, double::$function);
                simd::map_quick::<_, DOUBLE>(arch, data, at, Quick { is_usual, usual, any });
            },
            pair: |arch, data, at| simd::map1::<_, 8>(arch, data, at, pair::$function),
        }
    };
}

/// A row of the table from the names of its forms in [`crate::math`].
macro_rules! row {
    (Quick($is_usual:ident, $usual:ident), $name:literal, $function:ident, $bound:literal, $built_in:expr, $domain:literal) => {
        row!(@ One, $name, $function, $bound, $built_in, $domain, rows!(Quick, $function, $is_usual, $usual))
    };
    ($form:ident, $name:literal, $function:ident, $bound:literal, $built_in:expr, $domain:literal) => {
        row!(@ $form, $name, $function, $bound, $built_in, $domain, rows!($form, $function))
    };
    (@ $form:ident, $name:literal, $function:ident, $bound:literal, $built_in:expr, $domain:literal, $rows:expr) => {
        Row {
            name: $name,
            domain: $domain,
            function: Function {
                single: Form::$form(single::$function),
                double: Form::$form(double::$function),
                pair: Form::$form(pair::$function),
                rows: $rows,
            },
            bound: $bound,
            built_in: $built_in,
        }
    };
}

/// Sine and cosine of one angle: the cosine goes to the row of the second argument.
pub static SIN_COS: RowForms = RowForms {
    single: |arch, data, at| {
        let (is_usual, usual) = (single::is_usual_angle, single::sin_cos_usual);
        simd::map_pair::<_, SINGLE>(arch, data, at, is_usual, usual, |x| (single::sin(x), single::cos(x)));
    },
    double: |arch, data, at| {
        let (is_usual, usual) = (double::is_usual_angle, double::sin_cos_usual);
        simd::map_pair::<_, DOUBLE>(arch, data, at, is_usual, usual, |x| (double::sin(x), double::cos(x)));
    },
    pair: |arch, data, at| {
        let both = |x| (pair::sin(x), pair::cos(x));
        simd::map_pair::<_, 8>(arch, data, at, |_| false, both, both);
    },
};

/// Every function of one or two arguments.
pub static FUNCTIONS: &[Row] = &[
    row!(One, "abs", abs, 0.0, Some("abs"), "all"),
    row!(One, "sign", sign, 0.0, None, "all; sign(0) = 0"),
    row!(One, "sqrt", sqrt, 0.5, Some("sqrt"), "x >= 0"),
    row!(One, "cbrt", cbrt, 1.0, None, "all"),
    row!(Quick(is_usual_exponent, exp_usual), "exp", exp, 1.0, Some("exp"), "all"),
    row!(One, "exp2", exp2, 1.0, Some("exp2"), "all; 2^x"),
    row!(One, "expm1", expm1, 2.0, None, "all; exp(x) - 1, accurate near 0"),
    row!(Quick(is_usual_number, log_usual), "log", log, 1.0, Some("log"), "x > 0; natural logarithm"),
    row!(One, "log1p", log1p, 2.0, None, "x > -1; log(1 + x), accurate near 0"),
    row!(One, "log2", log2, 1.0, Some("log2"), "x > 0"),
    row!(One, "log10", log10, 2.0, None, "x > 0"),
    row!(Quick(is_usual_angle, sin_usual), "sin", sin, 1.0, Some("sin"), "all, radians"),
    row!(Quick(is_usual_angle, cos_usual), "cos", cos, 1.0, Some("cos"), "all, radians"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::F32x2;
    use crate::real::Real;
    use crate::simd::At;
    use pulp::Arch;

    /// Chunks of numbers of the same size, in which the usual forms come in, and chunks of all sizes and special values.
    fn arguments<R: Real>(chunk: usize) -> Vec<R> {
        let specials =
            [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-310, 1e-40, 1e30, -1e300, 1e5, 700.0, 88.0];
        let mut all: Vec<f64> = Vec::new();
        for exponent in -30..8 {
            let scale = f64::from(exponent).exp2();
            all.extend((0..16 * chunk).map(|i| scale * (i as f64 / (8 * chunk) as f64 - 1.0) * 1.003));
        }
        all.extend((0..64 * chunk).map(|i| if i % 3 == 0 { specials[i / 3 % 12] } else { i as f64 * 0.37 - 100.0 }));
        all.into_iter().map(R::of).collect()
    }

    fn rows_agree<R: Real>(chunk: usize) {
        let a = arguments::<R>(chunk);
        let b: Vec<R> = a.iter().rev().copied().collect();
        let width = a.len();
        let at = At { out: 2 * width, a: 0, b: width, width };
        let same = |x: R, y: R| x.to_f64().to_bits() == y.to_f64().to_bits() || x.is_nan() && y.is_nan();
        for func in Func::all() {
            let mut data = [a.clone(), b.clone(), a.clone()].concat();
            R::row_fn(&func.row().function.rows)(Arch::new(), &mut data, &[at]);
            for (i, got) in data[2 * width..].iter().enumerate() {
                let expected = match R::form(&func.row().function) {
                    Form::One(f) => f(a[i]),
                    Form::Two(f) => f(a[i], b[i]),
                };
                assert!(same(*got, expected), "{} of {}: {got} is not {expected}", func.row().name, a[i]);
            }
        }
        let mut data = [a.clone(), b, a.clone()].concat();
        R::row_fn(&SIN_COS)(Arch::new(), &mut data, &[at]);
        let value = |name: &str, x: R| match R::form(&Func::named(name).expect("a function").row().function) {
            Form::One(f) => f(x),
            Form::Two(_) => unreachable!("{name} has one argument"),
        };
        for (i, x) in a.iter().enumerate() {
            assert!(
                same(data[2 * width + i], value("sin", *x)) && same(data[width + i], value("cos", *x)),
                "angle {x}"
            );
        }
    }

    #[test]
    fn functions_on_rows_have_the_bits_of_single_ones() {
        rows_agree::<f32>(16);
        rows_agree::<f64>(8);
        rows_agree::<F32x2>(8);
    }
}
