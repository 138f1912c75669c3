//! The floating-point types of a run, behind one sealed trait.
//!
//! The CPU backend is written once over [`Real`]; its `f32` form is the twin of the GPU kernel, its `f64` form the
//! default and the oracle. Only what the integrators need is here: functions of the expression language are rows of
//! [`crate::expr::func`].

use std::fmt::{Debug, Display};
use std::ops::{Add, Div, Mul, Neg, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Number format of states, parameters and time during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// IEEE single precision, about 7 digits.
    F32,
    /// IEEE double precision, about 16 digits.
    F64,
}

impl Precision {
    /// `f32` or `f64`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }

    /// Reads `f32` or `f64`.
    pub fn parse(name: &str) -> Option<Self> {
        [Precision::F32, Precision::F64].into_iter().find(|p| p.name() == name)
    }

    /// Distance from 1 to the next larger number.
    pub fn epsilon(self) -> f64 {
        match self {
            Precision::F32 => f64::from(f32::EPSILON),
            Precision::F64 => f64::EPSILON,
        }
    }
}

impl Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// `f32` or `f64`.
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
    const EPSILON: Self;
    /// Quiet NaN.
    const NAN: Self;
    /// Which of the two this is.
    const PRECISION: Precision;
    /// Nearest value.
    fn of(x: f64) -> Self;
    /// Exact conversion.
    fn to_f64(self) -> f64;
    /// Nearest f32; the step controller works in f32 whatever the precision.
    fn to_f32(self) -> f32;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Correctly rounded square root.
    fn sqrt(self) -> Self;
    /// The smaller one; `other` where the comparison fails (NaN), as `select` does in the kernels.
    fn lesser(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    /// The larger one; `other` where the comparison fails (NaN).
    fn greater(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

macro_rules! real {
    ($float:ident, $precision:expr) => {
        impl Real for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $float::EPSILON;
            const NAN: Self = $float::NAN;
            const PRECISION: Precision = $precision;
            fn of(x: f64) -> Self {
                x as $float
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn to_f32(self) -> f32 {
                self as f32
            }
            fn is_finite(self) -> bool {
                $float::is_finite(self)
            }
            fn abs(self) -> Self {
                $float::abs(self)
            }
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
        }
    };
}

real!(f32, Precision::F32);
real!(f64, Precision::F64);
