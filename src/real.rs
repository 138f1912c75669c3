//! The number formats of a run, behind one sealed trait.
//!
//! The CPU backend is written once over [`Real`]: in each format it is the twin of the GPU kernel of that format, and in
//! f64 the default and the oracle. Only what the integrators need is here: functions of the expression language are
//! rows of [`crate::expr::func`].

use crate::math;
use crate::pair::F32x2;
use crate::simd::RowFn;
use std::fmt::{Debug, Display};
use std::ops::{Add, Div, Mul, Neg, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for crate::pair::F32x2 {}
}

/// Number format of states, parameters and time during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single precision, about 7 digits.
    F32,
    /// IEEE double precision, about 16 digits.
    F64,
    /// The sum of two f32, about 14 digits in the range of f32: for adapters where f64 is missing or slow.
    F32x2,
}

impl Precision {
    /// Every number format.
    pub const ALL: [Precision; 3] = [Precision::F32, Precision::F64, Precision::F32x2];

    /// `f32`, `f64` or `f32x2`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
            Precision::F32x2 => "f32x2",
        }
    }

    /// Reads one of the names.
    pub fn parse(name: &str) -> Option<Self> {
        Precision::ALL.into_iter().find(|p| p.name() == name)
    }

    /// The nearest number of the format.
    pub fn round(self, x: f64) -> f64 {
        match self {
            Precision::F32 => f64::from(x as f32),
            Precision::F64 => x,
            Precision::F32x2 => F32x2::from_f64(x).to_f64(),
        }
    }

    /// Largest finite number.
    pub fn max(self) -> f64 {
        match self {
            Precision::F32 | Precision::F32x2 => f64::from(f32::MAX),
            Precision::F64 => f64::MAX,
        }
    }

    /// Distance from 1 to the next larger number.
    pub fn epsilon(self) -> f64 {
        match self {
            Precision::F32 => f64::from(f32::EPSILON),
            Precision::F64 => f64::EPSILON,
            Precision::F32x2 => F32x2::EPSILON.to_f64(),
        }
    }
}

impl Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The number of so many decimal digits that is nearest: what is used is then what is printed.
pub fn round_digits(x: f64, digits: usize) -> f64 {
    // The standard library's own text reads back to a number, an infinity or NaN.
    format!("{x:.*e}", digits.max(1) - 1).parse().unwrap_or(x)
}

/// What a compiler may do with the arithmetic of a kernel. On the CPU every operation is rounded as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Arithmetic {
    /// It may fuse a product into a sum and regroup sums, as GPU compilers do; mathematical functions are ours.
    #[default]
    Standard,
    /// Every operation as written: the same bits as on the CPU.
    Exact,
    /// As standard, with the adapter's own functions in f32: faster, and as inaccurate as its driver likes.
    FastMath,
}

impl Arithmetic {
    /// All of them.
    pub const ALL: [Arithmetic; 3] = [Arithmetic::Standard, Arithmetic::Exact, Arithmetic::FastMath];

    /// `standard`, `exact` or `fast-math`.
    pub fn name(self) -> &'static str {
        match self {
            Arithmetic::Standard => "standard",
            Arithmetic::Exact => "exact",
            Arithmetic::FastMath => "fast-math",
        }
    }
}

/// A function of one or two arguments in one number format.
#[derive(Debug, Clone, Copy)]
pub enum Form<R> {
    /// One argument.
    One(fn(R) -> R),
    /// Two arguments.
    Two(fn(R, R) -> R),
}

/// A function in every number format.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// In f32.
    pub single: Form<f32>,
    /// In f64.
    pub double: Form<f64>,
    /// In f32x2.
    pub pair: Form<F32x2>,
    /// The same on rows of lanes.
    pub rows: RowForms,
}

/// A function on rows of lanes in every number format.
#[derive(Debug, Clone, Copy)]
pub struct RowForms {
    /// In f32.
    pub single: RowFn<f32>,
    /// In f64.
    pub double: RowFn<f64>,
    /// In f32x2.
    pub pair: RowFn<F32x2>,
}

/// `f32`, `f64` or [`F32x2`].
pub trait Real:
    sealed::Sealed
    + Copy
    + Debug
    + Display
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: f32;
    /// Quiet NaN.
    const NAN: Self;
    /// Which of them this is.
    const PRECISION: Precision;
    /// Nearest value.
    fn of(x: f64) -> Self;
    /// The same number.
    fn of_f32(x: f32) -> Self;
    /// Nearest value.
    fn of_u32(k: u32) -> Self;
    /// The form of a function for this number format.
    fn form(function: &Function) -> Form<Self>;
    /// The same on rows.
    fn row_fn(rows: &RowForms) -> RowFn<Self>;
    /// Exact conversion.
    fn to_f64(self) -> f64;
    /// Nearest f32; the step controller works in f32 whatever the precision.
    fn to_f32(self) -> f32;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Neither a number nor infinite.
    #[inline(always)]
    fn is_nan(self) -> bool {
        !(self.abs() >= Self::ZERO)
    }
    /// Absolute value.
    fn abs(self) -> Self;
    /// Square root, correctly rounded in f32 and f64.
    fn sqrt(self) -> Self;
    /// The exponential, as in the expression language.
    fn exp(self) -> Self;
    /// The natural logarithm, as in the expression language.
    fn log(self) -> Self;
    /// The smaller one; `other` where the comparison fails (NaN), as `select` does in the kernels.
    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    /// The larger one; `other` where the comparison fails (NaN).
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

macro_rules! real {
    ($float:ident, $precision:expr, $form:ident) => {
        impl Real for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: f32 = $float::EPSILON as f32;
            const NAN: Self = $float::NAN;
            const PRECISION: Precision = $precision;
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn of_f32(x: f32) -> Self {
                $float::from(x)
            }
            #[inline(always)]
            fn of_u32(k: u32) -> Self {
                k as $float
            }
            fn form(function: &Function) -> Form<Self> {
                function.$form
            }
            fn row_fn(rows: &RowForms) -> RowFn<Self> {
                rows.$form
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $float::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                math::$form::exp(self)
            }
            #[inline(always)]
            fn log(self) -> Self {
                math::$form::log(self)
            }
        }
    };
}

real!(f32, Precision::F32, single);
real!(f64, Precision::F64, double);

impl Real for F32x2 {
    const ZERO: Self = F32x2::ZERO;
    const ONE: Self = F32x2::ONE;
    const EPSILON: f32 = 7.105_427_4e-15; // 2^-47
    const NAN: Self = F32x2::NAN;
    const PRECISION: Precision = Precision::F32x2;
    #[inline(always)]
    fn of(x: f64) -> Self {
        F32x2::from_f64(x)
    }
    #[inline(always)]
    fn of_f32(x: f32) -> Self {
        F32x2::from_f32(x)
    }
    #[inline(always)]
    fn of_u32(k: u32) -> Self {
        F32x2::from_f64(f64::from(k))
    }
    fn form(function: &Function) -> Form<Self> {
        function.pair
    }
    fn row_fn(rows: &RowForms) -> RowFn<Self> {
        rows.pair
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        F32x2::to_f64(self)
    }
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self.hi()
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        F32x2::is_finite(self)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        F32x2::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        F32x2::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        math::pair::exp(self)
    }
    #[inline(always)]
    fn log(self) -> Self {
        math::pair::log(self)
    }
}
