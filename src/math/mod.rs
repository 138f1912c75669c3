//! The functions of the expression language, written by us: `single` in f32, `double` in f64, `pair` in f32x2.
//!
//! In: any number. Out: the result with the special values of C99 (`modulo`: of Python), to an error that
//! `accuracy.md` tables, and the same bits on every machine with IEEE arithmetic. Each function is one text for both
//! formats, and that text stands twice, here and in `shaders/math/*.wgsl`: same files, functions, order and local names,
//! so that the CPU and a GPU that neither regroups nor fuses agree in every bit. What differs by format is in
//! `f32`, `f64`, `trig_f32` and `trig_f64`. A function `NAME_usual` is NAME without what rare arguments need, for rows of
//! lanes on the CPU; it has no twin, for it has the same bits. Not done: correct rounding, rounding modes, signalling of exceptions.

// One text, two formats: loading the files twice is the point, a cast that one format needs is none in the other, and
// parts of constants that resemble pi/4 or ln 2 are meant.
#![allow(clippy::duplicate_mod, clippy::unnecessary_cast, clippy::approx_constant)]

mod two_over_pi;

pub use two_over_pi::TWO_OVER_PI;

/// The functions in f32.
#[path = "."]
pub mod single {
    mod bits;
    mod exp;
    #[path = "f32.rs"]
    mod format;
    mod inverse_trig;
    mod log;
    mod pow;
    mod remainder;
    mod round;
    mod trig;
    #[path = "trig_f32.rs"]
    mod trig_format;

    pub use exp::{cosh, exp, exp_usual, exp2, expm1, is_usual_exponent, sinh, tanh};
    pub use inverse_trig::{acos, asin, atan, atan2};
    pub use log::{acosh, asinh, atanh, is_usual_number, log, log_usual, log1p, log2, log10};
    pub use pow::{cbrt, hypot, pow};
    pub use remainder::{modulo, rem};
    pub use round::{abs, ceil, floor, max, min, round, sign, sqrt, trunc};
    pub use trig::{cos, cos_usual, is_usual_angle, sin, sin_cos_usual, sin_usual, tan};
}

/// The functions in f64.
#[path = "."]
pub mod double {
    mod bits;
    mod exp;
    #[path = "f64.rs"]
    mod format;
    mod inverse_trig;
    mod log;
    mod pow;
    mod remainder;
    mod round;
    mod trig;
    #[path = "trig_f64.rs"]
    mod trig_format;

    pub use exp::{cosh, exp, exp_usual, exp2, expm1, is_usual_exponent, sinh, tanh};
    pub use inverse_trig::{acos, asin, atan, atan2};
    pub use log::{acosh, asinh, atanh, is_usual_number, log, log_usual, log1p, log2, log10};
    pub use pow::{cbrt, hypot, pow};
    pub use remainder::{modulo, rem};
    pub use round::{abs, ceil, floor, max, min, round, sign, sqrt, trunc};
    pub use trig::{cos, cos_usual, is_usual_angle, sin, sin_cos_usual, sin_usual, tan};
}

/// The functions in f32x2, each an algorithm of its own.
#[path = "f32x2.rs"]
pub mod pair;
