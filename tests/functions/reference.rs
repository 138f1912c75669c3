//! The functions of `ensolve::math` in double-double arithmetic: 106 bits, exact to about 2^-95 of the result.
//!
//! In: f64 arguments inside a function's domain. Out: an [`Exact`], which also holds what f64 cannot (underflow,
//! overflow). The platform's f64 functions serve as first guesses for Newton steps only, so the last bits are the same on
//! every machine. Arguments of sin, cos and tan are reduced with 1472 bits of pi from `astro-float`; that crate also
//! checks this one in `tests/functions.rs`, and is too slow to replace it.

use astro_float::{BigFloat, Consts, RoundingMode, Sign, WORD_BIT_SIZE};
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::LazyLock;

/// hi + lo with |lo| <= ulp(hi) / 2.
#[derive(Clone, Copy, Debug)]
pub struct Dd {
    pub hi: f64,
    pub lo: f64,
}

/// value * 2^exponent.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    pub value: Dd,
    pub exponent: i32,
}

const LN2: Dd = Dd { hi: std::f64::consts::LN_2, lo: 2.319046813846299558e-17 };
const LN10: Dd = Dd { hi: std::f64::consts::LN_10, lo: -2.170756223382249351e-16 };
const HALF_PI: Dd = Dd { hi: std::f64::consts::FRAC_PI_2, lo: 6.123233995736766036e-17 };

/// Below it the odd functions are their argument to 2^-120.
const SMALL: f64 = 8.673617379884035e-19;

fn two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    let shift = hi - a;
    Dd { hi, lo: (a - (hi - shift)) + (b - shift) }
}

fn two_product(a: f64, b: f64) -> Dd {
    let hi = a * b;
    Dd { hi, lo: a.mul_add(b, -hi) }
}

fn normal(hi: f64, lo: f64) -> Dd {
    let sum = hi + lo;
    Dd { hi: sum, lo: lo - (sum - hi) }
}

impl From<f64> for Dd {
    fn from(x: f64) -> Dd {
        Dd { hi: x, lo: 0.0 }
    }
}

impl Neg for Dd {
    type Output = Dd;
    fn neg(self) -> Dd {
        Dd { hi: -self.hi, lo: -self.lo }
    }
}

impl<T: Into<Dd>> Add<T> for Dd {
    type Output = Dd;
    fn add(self, other: T) -> Dd {
        let other = other.into();
        let high = two_sum(self.hi, other.hi);
        let low = two_sum(self.lo, other.lo);
        let sum = normal(high.hi, high.lo + low.hi);
        normal(sum.hi, sum.lo + low.lo)
    }
}

impl<T: Into<Dd>> Sub<T> for Dd {
    type Output = Dd;
    fn sub(self, other: T) -> Dd {
        self + -other.into()
    }
}

impl<T: Into<Dd>> Mul<T> for Dd {
    type Output = Dd;
    fn mul(self, other: T) -> Dd {
        let other = other.into();
        let product = two_product(self.hi, other.hi);
        normal(product.hi, product.lo + (self.hi * other.lo + self.lo * other.hi))
    }
}

impl<T: Into<Dd>> Div<T> for Dd {
    type Output = Dd;
    fn div(self, other: T) -> Dd {
        let other = other.into();
        let first = self.hi / other.hi;
        let rest = self - other * first;
        let second = rest.hi / other.hi;
        let third = (rest - other * second).hi / other.hi;
        normal(first, second) + third
    }
}

impl Dd {
    /// Times 2^k, in steps that are powers of two themselves.
    fn times_two_to(self, k: i32) -> Dd {
        Dd { hi: times_two_to(self.hi, k), lo: times_two_to(self.lo, k) }
    }

    fn sqrt(self) -> Dd {
        let guess = self.hi.sqrt();
        if guess == 0.0 {
            return self;
        }
        let rest = self - two_product(guess, guess);
        normal(guess, rest.hi / (2.0 * guess))
    }

    fn exact(self) -> Exact {
        Exact { value: self, exponent: 0 }
    }
}

impl From<f64> for Exact {
    fn from(x: f64) -> Exact {
        Dd::from(x).exact()
    }
}

impl Exact {
    fn plain(self) -> Dd {
        self.value.times_two_to(self.exponent)
    }
}

/// x * 2^k.
pub fn times_two_to(x: f64, k: i32) -> f64 {
    let step = k.clamp(-1000, 1000);
    let scaled = x * f64::from_bits(((1023 + step) as u64) << 52);
    if step == k { scaled } else { times_two_to(scaled, k - step) }
}

/// The e of 2^e <= |x| < 2^(e + 1), subnormal numbers included.
pub fn exponent_of(x: f64) -> i32 {
    assert!(x != 0.0, "zero has no exponent");
    let biased = (x.to_bits() >> 52 & 0x7ff) as i32;
    if biased == 0 { exponent_of(x * f64::from_bits(1123 << 52)) - 100 } else { biased - 1023 }
}

/// 1 / n!.
static INVERSE_FACTORIALS: LazyLock<[Dd; 32]> = LazyLock::new(|| {
    let mut values = [Dd::from(1.0); 32];
    for n in 1..32 {
        values[n] = values[n - 1] / n as f64;
    }
    values
});

/// Sum of x^n / n! * sign(n) over n = first, first + step, ... up to `last`.
fn taylor(x: Dd, first: usize, step: usize, last: usize, alternate: bool) -> Dd {
    let power = if step == 1 { x } else { x * x };
    let power = if alternate { -power } else { power };
    let mut sum = Dd::from(0.0);
    for n in (first..last + 1).step_by(step).rev() {
        sum = sum * power + INVERSE_FACTORIALS[n];
    }
    if first == 1 { sum * x } else { sum }
}

/// e^x - 1 for |x| < 0.35: the series for x / 512, and (1 + s)^2 - 1 = 2s + s^2 nine times.
fn expm1_small(x: Dd) -> Dd {
    let mut s = taylor(x.times_two_to(-9), 1, 1, 11, false);
    for _ in 0..9 {
        s = s.times_two_to(1) + s * s;
    }
    s
}

fn exp_dd(x: Dd) -> Exact {
    let k = (x.hi / LN2.hi).clamp(-1e6, 1e6).round();
    Exact { value: expm1_small(x - LN2 * k) + 1.0, exponent: k as i32 }
}

fn expm1_dd(x: Dd) -> Exact {
    let power = exp_dd(x);
    match power.exponent {
        0 => expm1_small(x).exact(),
        100.. => power,
        _ => (power.plain() - 1.0).exact(),
    }
}

/// log(1 + t) for |t| < 0.5, by a Newton step from the platform's.
fn log1p_small(t: Dd) -> Dd {
    let guess = t.hi.ln_1p();
    let delta = t + (t + 1.0) * expm1_dd(Dd::from(-guess)).plain();
    delta - delta * delta * 0.5 + guess
}

/// log(x * 2^e) for x > 0.
fn log_scaled(x: Dd, e: i32) -> Dd {
    let mut k = exponent_of(x.hi);
    if times_two_to(x.hi, -k) > std::f64::consts::SQRT_2 {
        k += 1;
    }
    LN2 * f64::from(k + e) + log1p_small(x.times_two_to(-k) - 1.0)
}

fn log1p_dd(t: Dd) -> Dd {
    if t.hi.abs() < 0.25 { log1p_small(t) } else { log_scaled(t + 1.0, 0) }
}

/// (sin r, cos r) for |r| < 0.8.
fn sin_cos_small(r: Dd) -> (Dd, Dd) {
    (taylor(r, 1, 2, 29, true), taylor(r, 0, 2, 30, true))
}

fn sin_cos_quadrant(quadrant: i32, r: Dd) -> (Dd, Dd) {
    let (s, c) = sin_cos_small(r);
    match quadrant & 3 {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

/// Bits for the reduction: 1024 before the point of x, 53 of x, 70 lost near a multiple, 106 wanted, and to spare.
const REDUCTION_BITS: usize = 1472;
const ROUNDING: RoundingMode = RoundingMode::None;

/// 1 / (2 pi) and pi / 2.
static PI_PARTS: LazyLock<(BigFloat, BigFloat)> = LazyLock::new(|| {
    let pi = Consts::new().expect("memory for constants").pi(REDUCTION_BITS, ROUNDING);
    let two = BigFloat::from_f64(2.0, REDUCTION_BITS);
    let turn = pi.mul(&two, REDUCTION_BITS, ROUNDING);
    (turn.reciprocal(REDUCTION_BITS, ROUNDING), pi.div(&two, REDUCTION_BITS, ROUNDING))
});

/// A big number, rounded; tests compare with `astro-float` through it.
pub fn rounded(x: &BigFloat) -> Dd {
    let Some((words, _, sign, exponent, _)) = x.as_raw_parts() else { return Dd::from(f64::NAN) };
    let mut sum = Dd::from(0.0);
    for (i, word) in words.iter().rev().take(192 / WORD_BIT_SIZE).enumerate() {
        let place = exponent - (WORD_BIT_SIZE * (i + 1)) as i32;
        sum = sum + times_two_to((word >> 32) as f64, place + 32) + times_two_to((word & 0xffff_ffff) as f64, place);
    }
    if sign == Sign::Neg { -sum } else { sum }
}

/// x = quadrant * pi/2 + r (modulo 2 pi).
fn reduce(x: f64) -> (i32, Dd) {
    if x.abs() < 0.75 {
        return (0, Dd::from(x));
    }
    let (inverse_turn, half_pi) = &*PI_PARTS;
    let turns = BigFloat::from_f64(x, REDUCTION_BITS).mul(inverse_turn, REDUCTION_BITS, ROUNDING).fract();
    let quarters = turns.mul(&BigFloat::from_f64(4.0, REDUCTION_BITS), REDUCTION_BITS, ROUNDING);
    let quadrant = rounded(&quarters).hi.round();
    let rest = quarters.sub(&BigFloat::from_f64(quadrant, REDUCTION_BITS), REDUCTION_BITS, ROUNDING);
    (quadrant as i32, rounded(&rest.mul(half_pi, REDUCTION_BITS, ROUNDING)))
}

fn sin_cos(x: f64) -> (Dd, Dd) {
    let (quadrant, r) = reduce(x);
    sin_cos_quadrant(quadrant, r)
}

/// The angle of (x, y), by a Newton step from the platform's: tan(angle - guess) is the sine over the cosine there.
fn angle(y: Dd, x: Dd) -> Dd {
    let guess = y.hi.atan2(x.hi);
    let quadrant = (guess / HALF_PI.hi).round();
    let (s, c) = sin_cos_quadrant(quadrant as i32, Dd::from(guess) - HALF_PI * quadrant);
    (y * c - x * s) / (x * c + y * s) + guess
}

/// sqrt(1 - x^2): the other leg of a right triangle with hypotenuse 1.
fn other_leg(x: f64) -> Dd {
    (two_sum(1.0, -x) * two_sum(1.0, x)).sqrt()
}

pub fn exp(x: f64) -> Exact {
    exp_dd(Dd::from(x))
}

pub fn exp2(x: f64) -> Exact {
    let k = x.clamp(-1e6, 1e6).round();
    let power = exp_dd(LN2 * (x - k));
    Exact { exponent: power.exponent + k as i32, ..power }
}

pub fn expm1(x: f64) -> Exact {
    if x.abs() < SMALL { Dd { hi: x, lo: 0.5 * x * x }.exact() } else { expm1_dd(Dd::from(x)) }
}

pub fn log(x: f64) -> Exact {
    let k = exponent_of(x);
    log_scaled(Dd::from(times_two_to(x, -k)), k).exact()
}

pub fn log2(x: f64) -> Exact {
    (log(x).value / LN2).exact()
}

pub fn log10(x: f64) -> Exact {
    (log(x).value / LN10).exact()
}

pub fn log1p(x: f64) -> Exact {
    if x.abs() < SMALL {
        return Dd { hi: x, lo: -0.5 * x * x }.exact();
    }
    if x.abs() < 0.25 { log1p_small(Dd::from(x)).exact() } else { log_scaled(two_sum(1.0, x), 0).exact() }
}

pub fn sin(x: f64) -> Exact {
    if x.abs() < SMALL { x.into() } else { sin_cos(x).0.exact() }
}

pub fn cos(x: f64) -> Exact {
    sin_cos(x).1.exact()
}

pub fn tan(x: f64) -> Exact {
    if x.abs() < SMALL {
        return x.into();
    }
    let (s, c) = sin_cos(x);
    (s / c).exact()
}

pub fn asin(x: f64) -> Exact {
    if x.abs() < SMALL { x.into() } else { angle(Dd::from(x), other_leg(x)).exact() }
}

pub fn acos(x: f64) -> Exact {
    angle(other_leg(x), Dd::from(x)).exact()
}

pub fn atan(x: f64) -> Exact {
    if x.abs() < SMALL {
        return x.into();
    }
    let a = x.abs();
    let y = if a > 1.0 / SMALL { HALF_PI - 1.0 / a } else { angle(Dd::from(a), Dd::from(1.0)) };
    (if x < 0.0 { -y } else { y }).exact()
}

pub fn sinh(x: f64) -> Exact {
    let a = x.abs();
    if a < SMALL {
        return x.into();
    }
    let Exact { value, exponent } = if a > 40.0 {
        exp(a)
    } else {
        let m = expm1(a).plain();
        (m + m / (m + 1.0)).exact()
    };
    Exact { value: if x < 0.0 { -value } else { value }, exponent: exponent - 1 }
}

pub fn cosh(x: f64) -> Exact {
    let power = exp(x.abs());
    if x.abs() > 40.0 {
        return Exact { exponent: power.exponent - 1, ..power };
    }
    let e = power.plain();
    Exact { value: e + Dd::from(1.0) / e, exponent: -1 }
}

pub fn tanh(x: f64) -> Exact {
    if x.abs() < SMALL {
        return x.into();
    }
    let m = expm1(2.0 * x.clamp(-40.0, 40.0)).plain();
    (m / (m + 2.0)).exact()
}

pub fn asinh(x: f64) -> Exact {
    if x.abs() < SMALL {
        return x.into();
    }
    let a = Dd::from(x.abs());
    let y = if a.hi > 1.0 / SMALL {
        log_scaled(a, 1)
    } else {
        let square = a * a;
        log1p_dd(a + square / ((square + 1.0).sqrt() + 1.0))
    };
    (if x < 0.0 { -y } else { y }).exact()
}

pub fn acosh(x: f64) -> Exact {
    if x > 1.0 / SMALL {
        return log_scaled(Dd::from(x), 1).exact();
    }
    let t = two_sum(x, -1.0);
    log1p_dd(t + (t * (t + 2.0)).sqrt()).exact()
}

pub fn atanh(x: f64) -> Exact {
    if x.abs() < SMALL {
        return x.into();
    }
    let a = x.abs();
    let y = log1p_dd(Dd::from(2.0 * a) / two_sum(1.0, -a));
    Exact { value: if x < 0.0 { -y } else { y }, exponent: -1 }
}

pub fn sqrt(x: f64) -> Exact {
    let k = exponent_of(x).div_euclid(2);
    Exact { value: Dd::from(times_two_to(x, -2 * k)).sqrt(), exponent: k }
}

pub fn cbrt(x: f64) -> Exact {
    let k = exponent_of(x).div_euclid(3);
    let m = times_two_to(x, -3 * k);
    let guess = m.cbrt();
    let rest = -(two_product(guess, guess) * guess) + m;
    Exact { value: normal(guess, rest.hi / (3.0 * guess * guess)), exponent: k }
}

/// For x > 0.
pub fn pow(x: f64, y: f64) -> Exact {
    let l = log(x).value;
    if (l.hi * y).abs() > 1e5 {
        return Exact { value: Dd::from(1.0), exponent: if l.hi * y > 0.0 { 100_000 } else { -100_000 } };
    }
    exp_dd(l * y)
}

pub fn hypot(a: f64, b: f64) -> Exact {
    let k = exponent_of(a.abs().max(b.abs()));
    let (a, b) = (times_two_to(a, -k), times_two_to(b, -k));
    Exact { value: (two_product(a, a) + two_product(b, b)).sqrt(), exponent: k }
}

/// Neither argument is zero.
pub fn atan2(y: f64, x: f64) -> Exact {
    let (ky, kx) = (exponent_of(y), exponent_of(x));
    let (my, mx) = (times_two_to(y, -ky), times_two_to(x, -kx));
    if ky - kx < -60 && x > 0.0 {
        return Exact { value: Dd::from(my) / mx, exponent: ky - kx };
    }
    // Beyond 2^-120 the smaller of the two does not matter, but its sign does.
    let k = ky.max(kx);
    angle(Dd::from(times_two_to(my, (ky - k).max(-120))), Dd::from(times_two_to(mx, (kx - k).max(-120)))).exact()
}

/// Python's %, whose last sum may round.
pub fn modulo(x: f64, y: f64) -> Exact {
    let r = x % y;
    if r != 0.0 && (r < 0.0) != (y < 0.0) { two_sum(r, y).exact() } else { r.into() }
}

/// The error of `got` in units in the last place of the exact result, in a format of p bits whose least number is
/// 2^`least` and whose range ends at 2^`top`. Infinity counts as 2^top.
pub fn error(got: f64, exact: Exact, p: i32, least: i32, top: i32) -> f64 {
    let Exact { value, exponent } = exact;
    if got.is_nan() || value.hi.is_nan() {
        return f64::INFINITY;
    }
    if value.hi == 0.0 {
        return if got == 0.0 { 0.0 } else { f64::INFINITY };
    }
    // A value just below a power of two is one exponent lower than its head.
    let below = value.hi.to_bits() << 12 == 0 && value.hi * value.lo < 0.0;
    let e = exponent_of(value.hi) + exponent - i32::from(below);
    if e >= top {
        return if got.is_infinite() && (got < 0.0) == (value.hi < 0.0) { 0.0 } else { f64::INFINITY };
    }
    let shifted =
        if got.is_infinite() { times_two_to(1f64.copysign(got), top - exponent) } else { times_two_to(got, -exponent) };
    let difference = (shifted - value.hi) - value.lo;
    times_two_to(difference.abs(), exponent - (e - p + 1).max(least))
}
