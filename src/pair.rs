//! Extended precision on f32 hardware: a number is the unevaluated sum of two f32.
//!
//! In: f32 operations that are correctly rounded. Out: about 48 bits, 14 digits, in the range of f32. Twin of
//! `shaders/real_f32x2.wgsl`, which says how the same operations survive a compiler that regroups sums; the functions
//! of the expression language are in `math/f32x2.rs`. Not done: full precision below about 2^-100, where the low part
//! is no longer a normal number, and correct rounding.
//!
//! With u = 2^-24 the relative errors are at most (J: M. Joldes, J.-M. Muller, V. Popescu, "Tight and rigorous error
//! bounds for basic building blocks of double-word arithmetic", ACM TOMS 44, 2017)
//!   sum, difference 3 u^2 + 13 u^3 (J, algorithm 6, theorem 3.1),
//!   product 7 u^2 (J, algorithm 10),
//!   quotient 12 u^2 + O(u^3) (argued at `pair_div`),
//!   square root 25/8 u^2 (V. Lefèvre, N. Louvet, J.-M. Muller, J. Picot, L. Rideau, "Accurate calculation of Euclidean
//!   norms using double-word arithmetic", ACM TOMS 49, 2023, algorithm SQRTDWtoDW).

use std::fmt::{Display, Formatter};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// hi + lo, where hi is the f32 nearest to the sum. If hi is infinite or NaN, so is the number, and lo is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
#[repr(C)]
pub struct F32x2 {
    hi: f32,
    lo: f32,
}

impl F32x2 {
    /// Zero.
    pub const ZERO: F32x2 = F32x2 { hi: 0.0, lo: 0.0 };
    /// One.
    pub const ONE: F32x2 = F32x2 { hi: 1.0, lo: 0.0 };
    /// Infinity.
    pub const INFINITY: F32x2 = F32x2 { hi: f32::INFINITY, lo: 0.0 };
    /// Quiet NaN.
    pub const NAN: F32x2 = F32x2 { hi: f32::NAN, lo: 0.0 };
    /// 2^-47, the distance from 1 to the next number with two full parts. Numbers closer to 1 exist.
    pub const EPSILON: F32x2 = F32x2 { hi: 7.105427357601002e-15, lo: 0.0 };

    /// hi + lo, which must be a pair already.
    pub(crate) const fn new(hi: f32, lo: f32) -> F32x2 {
        F32x2 { hi, lo }
    }

    /// The leading part, which is the nearest f32.
    pub fn hi(self) -> f32 {
        self.hi
    }

    /// The rest, at most half a unit in the last place of the leading part.
    pub fn lo(self) -> f32 {
        self.lo
    }

    /// Exact conversion.
    pub fn from_f32(x: f32) -> F32x2 {
        F32x2 { hi: x, lo: 0.0 }
    }

    /// Nearest pair; infinite beyond the range of f32.
    pub fn from_f64(x: f64) -> F32x2 {
        let hi = x as f32;
        if !hi.is_finite() {
            return F32x2 { hi, lo: 0.0 };
        }
        let lo = (x - f64::from(hi)) as f32;
        // The low part may have been rounded to half a unit of hi, from where the other neighbour can be the even one.
        if lo == 0.0 { F32x2 { hi, lo: 0.0 } } else { guard(fast_two_sum(hi, lo), hi) }
    }

    /// The sum in f64: exact unless it spans more than 53 bits.
    pub fn to_f64(self) -> f64 {
        // -0 + 0 would be 0.
        if self.lo == 0.0 { f64::from(self.hi) } else { f64::from(self.hi) + f64::from(self.lo) }
    }

    /// Neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        self.hi.is_finite()
    }

    /// NaN.
    pub fn is_nan(self) -> bool {
        self.hi.is_nan()
    }

    /// Absolute value.
    pub fn abs(self) -> F32x2 {
        if self.hi.is_sign_negative() { -self } else { self }
    }

    /// Square root: that of the leading part, corrected by its remainder, which is exact. NaN below 0.
    ///
    /// A small argument is scaled so that the product in the remainder has no subnormal part.
    pub fn sqrt(self) -> F32x2 {
        let small = self.hi < 5.421010862427522e-20; // 2^-64
        let up = if small { 18446744073709551616.0 } else { 1.0 }; // 2^64
        let down = if small { 2.3283064365386963e-10 } else { 1.0 }; // 2^-32
        let (hi, lo) = (self.hi * up, self.lo * up);
        let s = hi.sqrt();
        let p = two_prod(s, s);
        let rest = ((hi - p.hi) - p.lo) + lo;
        let z = fast_two_sum(s, rest / (s + s));
        guard(F32x2 { hi: z.hi * down, lo: z.lo * down }, s * down)
    }
}

impl Display for F32x2 {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.to_f64().fmt(f)
    }
}

impl Neg for F32x2 {
    type Output = F32x2;
    fn neg(self) -> F32x2 {
        F32x2 { hi: -self.hi, lo: -self.lo }
    }
}

impl Add for F32x2 {
    type Output = F32x2;
    fn add(self, b: F32x2) -> F32x2 {
        guard(pair_add(self, b), self.hi + b.hi)
    }
}

impl Sub for F32x2 {
    type Output = F32x2;
    fn sub(self, b: F32x2) -> F32x2 {
        self + -b
    }
}

impl Mul for F32x2 {
    type Output = F32x2;
    fn mul(self, b: F32x2) -> F32x2 {
        guard(pair_mul(self, b), self.hi * b.hi)
    }
}

impl Div for F32x2 {
    type Output = F32x2;
    fn div(self, b: F32x2) -> F32x2 {
        guard(pair_div(self, b), self.hi / b.hi)
    }
}

/// a + b = hi + lo exactly (Knuth; J, algorithm 2).
pub(crate) fn two_sum(a: f32, b: f32) -> F32x2 {
    let s = a + b;
    let b_part = s - a;
    let a_part = s - b_part;
    let a_rest = a - a_part;
    let b_rest = b - b_part;
    F32x2 { hi: s, lo: a_rest + b_rest }
}

/// a + b = hi + lo exactly if a is 0 or its exponent is not below that of b (Dekker; J, algorithm 1).
pub(crate) fn fast_two_sum(a: f32, b: f32) -> F32x2 {
    let s = a + b;
    let b_part = s - a;
    F32x2 { hi: s, lo: b - b_part }
}

/// The leading 12 of 24 bits.
fn head(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0xfffff000)
}

/// a * b = hi + lo exactly unless a part of it is subnormal (Dekker, with the heads cut off by a mask).
///
/// Heads and rests have 12 bits, so their products are exact. With a and b scaled to whole numbers of 24 bits, p - ah
/// bh is exact since the two are close; p - ah bh - al bh is a multiple of 2^12 and equals a bl + (p - a b), which is
/// below (2^24 - 1)(2^12 - 1) + 2^23 < 2^36; the last two differences are smaller multiples of 2^12 and of 1. A mask
/// does not overflow, as Veltkamp's splitting does.
pub(crate) fn two_prod(a: f32, b: f32) -> F32x2 {
    let p = a * b;
    let a_head = head(a);
    let b_head = head(b);
    let a_rest = a - a_head;
    let b_rest = b - b_head;
    let rest1 = p - a_head * b_head;
    let rest2 = rest1 - a_rest * b_head;
    let rest3 = rest2 - a_head * b_rest;
    F32x2 { hi: p, lo: a_rest * b_rest - rest3 }
}

/// z, unless an infinity or NaN took part or the result overflows; plain is the f32 result of the leading parts.
///
/// The error terms turn an infinity into NaN and -0 into 0. If z.hi is not finite, then plain is infinite, NaN, the
/// right zero (x / infinity), or at the end of the range, where its double is infinite.
fn guard(z: F32x2, plain: f32) -> F32x2 {
    if z.hi.is_finite() && !(z.hi == 0.0 && plain == 0.0) { z } else { F32x2 { hi: plain + plain, lo: 0.0 } }
}

/// AccurateDWPlusDW (J, algorithm 6) for finite results.
pub(crate) fn pair_add(a: F32x2, b: F32x2) -> F32x2 {
    let s = two_sum(a.hi, b.hi);
    let t = two_sum(a.lo, b.lo);
    let v = fast_two_sum(s.hi, s.lo + t.hi);
    fast_two_sum(v.hi, t.lo + v.lo)
}

/// DWPlusFP (J, algorithm 4): relative error at most 2 u^2.
pub(crate) fn pair_add_f32(a: F32x2, b: f32) -> F32x2 {
    let s = two_sum(a.hi, b);
    fast_two_sum(s.hi, a.lo + s.lo)
}

/// DWTimesDW1 (J, algorithm 10) for finite results.
pub(crate) fn pair_mul(a: F32x2, b: F32x2) -> F32x2 {
    let p = two_prod(a.hi, b.hi);
    let cross = a.hi * b.lo + a.lo * b.hi;
    fast_two_sum(p.hi, p.lo + cross)
}

/// DWTimesFP2 (J, algorithm 8): relative error at most 3 u^2.
pub(crate) fn pair_mul_f32(a: F32x2, b: f32) -> F32x2 {
    let p = two_prod(a.hi, b);
    fast_two_sum(p.hi, p.lo + a.lo * b)
}

/// DWDivDW2 (J, algorithm 17) for finite results, without normalising q b: the remainder a.hi - q b.hi of a correctly
/// rounded quotient is an f32, so it comes out exact.
///
/// Then q b.lo, its difference to a.lo and the sum with the remainder have errors of 1, 2 and 3 u^2 |a|, the last
/// division rounds at 3 u^2 and divides by b.hi instead of b, another 3 u^2: together 12 u^2. A quotient that is off by
/// 2.5 units in the last place, as WGSL allows, leaves 2^-43.
pub(crate) fn pair_div(a: F32x2, b: F32x2) -> F32x2 {
    let q = a.hi / b.hi;
    let p = two_prod(q, b.hi);
    let rest = ((a.hi - p.hi) - p.lo) + (a.lo - q * b.lo);
    fast_two_sum(q, rest / b.hi)
}

#[cfg(test)]
mod tests {
    use super::*;

    const U2: f64 = 1.0 / ((1u64 << 48) as f64);
    const ROUNDS: usize = 300_000;

    /// xorshift64*, enough for operands.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
        }

        fn exponent(&mut self, range: i32) -> i32 {
            (self.next() % (2 * range as u64 + 1)) as i32 - range
        }

        /// Random sign and mantissa, exponent within the range; every fourth mantissa is next to a power of two.
        fn single(&mut self, range: i32) -> f32 {
            let near = (self.next() as u32 & 7).wrapping_sub(4) & 0x007f_ffff;
            let mantissa = if self.next().is_multiple_of(4) { near } else { self.next() as u32 & 0x007f_ffff };
            let sign = self.next() as u32 & 0x8000_0000;
            f32::from_bits(sign | ((127 + self.exponent(range)) as u32) << 23 | mantissa)
        }

        /// A low part up to half a unit of the leading one, often exactly that, sometimes far below or 0.
        fn pair(&mut self, range: i32) -> F32x2 {
            let hi = self.single(range);
            let unit = f32::from_bits(hi.to_bits() & 0x7f80_0000) / 16_777_216.0;
            let lo = match self.next() % 8 {
                0 => 0.0,
                1 => unit,
                2 => -unit,
                3 => self.single(0) * unit / 1024.0,
                _ => self.single(0) * unit / 2.0,
            };
            fast_two_sum(hi, lo)
        }
    }

    /// x * 2^shift, which must be whole.
    fn fixed(x: f32, shift: i32) -> i128 {
        if x == 0.0 {
            return 0;
        }
        let exponent = (x.to_bits() >> 23 & 0xff) as i32;
        let mantissa = i128::from(x.to_bits() & 0x007f_ffff | 0x0080_0000);
        let places = exponent - 150 + shift;
        let magnitude = if places >= 0 { mantissa << places } else { mantissa >> -places };
        assert!(places >= 0 || magnitude << -places == mantissa, "{x:e} is not on the grid");
        if x < 0.0 { -magnitude } else { magnitude }
    }

    fn fixed_pair(x: F32x2) -> i128 {
        fixed(x.hi, 84) + fixed(x.lo, 84)
    }

    fn is_normalized(x: F32x2) -> bool {
        x.hi + x.lo == x.hi && (x.hi.is_finite() || x.lo == 0.0)
    }

    /// a b - c d relative to a b, for products that are close. The difference of the leading products is exact in f64.
    fn mismatch(a: F32x2, b: F32x2, c: F32x2, d: F32x2) -> f64 {
        let wide = |x: F32x2| (f64::from(x.hi), f64::from(x.lo));
        let ((ah, al), (bh, bl), (ch, cl), (dh, dl)) = (wide(a), wide(b), wide(c), wide(d));
        ((ah * bh - ch * dh) + ((ah * bl + al * bh + al * bl) - (ch * dl + cl * dh + cl * dl))) / (ah * bh)
    }

    #[test]
    fn transformations_are_exact() {
        let mut random = Random(1);
        for _ in 0..ROUNDS {
            let (a, b) = (random.single(12), random.single(12));
            let s = two_sum(a, b);
            assert_eq!(f64::from(s.hi) + f64::from(s.lo), f64::from(a) + f64::from(b), "{a:e} + {b:e}");
            let (large, small) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
            assert_eq!(fast_two_sum(large, small), s);
            let p = two_prod(a, b);
            assert_eq!(f64::from(p.hi) + f64::from(p.lo), f64::from(a) * f64::from(b), "{a:e} * {b:e}");
            assert_eq!(p.hi, a * b);
        }
    }

    #[test]
    fn sum_is_within_3_u2() {
        let mut random = Random(2);
        let mut largest = 0f64;
        for i in 0..ROUNDS {
            let a = random.pair(16);
            // A quarter of the sums cancel the leading parts, or all but a few bits of them.
            let b = match i % 4 {
                0 => fast_two_sum(-a.hi, 0.75 * a.lo),
                1 => fast_two_sum(-f32::from_bits(a.hi.to_bits() ^ 1), a.lo),
                _ => random.pair(16),
            };
            let z = a + b;
            assert!(is_normalized(z), "{a:?} + {b:?} = {z:?}");
            let exact = fixed_pair(a) + fixed_pair(b);
            let error = (fixed_pair(z) - exact).abs() as f64;
            assert!(error <= 3.00001 * U2 * exact.abs() as f64, "{a:?} + {b:?} = {z:?}");
            largest = largest.max(error / (exact.abs() as f64).max(1.0));
            assert_eq!(a - -b, z);
            assert_eq!(b + a, z);
            let short = pair_add_f32(a, b.hi);
            let exact = fixed_pair(a) + fixed(b.hi, 84);
            assert!((fixed_pair(short) - exact).abs() as f64 <= 2.00001 * U2 * exact.abs() as f64, "{a:?} + {}", b.hi);
        }
        assert!(largest > U2, "the operands are too easy: {largest:e}");
    }

    #[test]
    fn product_is_within_7_u2() {
        let mut random = Random(3);
        for _ in 0..ROUNDS {
            let (a, b) = (random.pair(20), random.pair(20));
            let z = a * b;
            assert!(is_normalized(z), "{a:?} * {b:?} = {z:?}");
            assert!(mismatch(z, F32x2::ONE, a, b).abs() <= 7.0 * U2, "{a:?} * {b:?} = {z:?}");
            assert_eq!(b * a, z);
            let short = pair_mul_f32(a, b.hi);
            let b_hi = F32x2::from_f32(b.hi);
            assert!(mismatch(short, F32x2::ONE, a, b_hi).abs() <= 3.0 * U2, "{a:?} * {}", b.hi);
        }
    }

    #[test]
    fn quotient_is_within_12_u2() {
        let mut random = Random(4);
        for _ in 0..ROUNDS {
            let (a, b) = (random.pair(20), random.pair(20));
            let z = a / b;
            assert!(is_normalized(z), "{a:?} / {b:?} = {z:?}");
            assert!(mismatch(z, b, a, F32x2::ONE).abs() <= 12.0 * U2, "{a:?} / {b:?} = {z:?}");
        }
    }

    #[test]
    fn square_root_is_within_25_eighths_u2() {
        let mut random = Random(5);
        for _ in 0..ROUNDS {
            let a = random.pair(94).abs();
            let z = a.sqrt();
            assert!(is_normalized(z), "sqrt {a:?} = {z:?}");
            assert!(mismatch(z, z, a, F32x2::ONE).abs() <= 2.0 * 3.1251 * U2, "sqrt {a:?} = {z:?}");
        }
    }

    #[test]
    fn conversions_are_to_the_nearest() {
        let mut random = Random(6);
        for _ in 0..ROUNDS {
            let pair = random.pair(60);
            let far_apart = pair.lo != 0.0 && (pair.lo / pair.hi).abs() < 1e-8;
            assert!(far_apart || F32x2::from_f64(pair.to_f64()) == pair, "{pair:?}");
            let x = f64::from_bits(random.next() & 0x800f_ffff_ffff_ffff | 0x3f00_0000_0000_0000);
            let back = F32x2::from_f64(x);
            assert!(is_normalized(back) && (back.to_f64() - x).abs() <= 0.5 * U2 * x.abs(), "{x:e}");
            assert_eq!(back.hi, x as f32);
        }
        let below_half = 1.0 + 2f64.powi(-23) + 2f64.powi(-24) - 2f64.powi(-52);
        assert!(is_normalized(F32x2::from_f64(below_half)));
        assert_eq!(F32x2::from_f64(1e39), F32x2::INFINITY);
        assert_eq!(F32x2::from_f64(-f64::INFINITY), -F32x2::INFINITY);
        assert!(F32x2::from_f64(f64::NAN).is_nan());
        assert!(F32x2::from_f64(-0.0).to_f64().is_sign_negative());
        assert_eq!(format!("{:.3}", F32x2::from_f64(-2.5)), "-2.500");
    }

    /// The special values of f32, and of f64 where a pair can hold them: signs of zero, infinities, NaN.
    #[test]
    fn special_values_are_those_of_f32() {
        let values = [0.0, -0.0, 1.0, -1.0, 3.0, 1e-30, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        let same = |z: F32x2, want: f32, text: &str| {
            assert!(is_normalized(z) || want.is_nan(), "{text}: {z:?}");
            assert_eq!(z.lo == 0.0 && z.hi.is_nan(), want.is_nan(), "{text}: {z:?}");
            if want == 0.0 || want.is_infinite() {
                assert_eq!(z.hi.to_bits(), want.to_bits(), "{text}: {z:?}");
            }
        };
        for a in values {
            let x = F32x2::from_f32(a);
            same(x.sqrt(), a.sqrt(), &format!("sqrt {a}"));
            same(x.abs(), a.abs(), &format!("abs {a}"));
            same(-x, -a, &format!("-{a}"));
            for b in values {
                let y = F32x2::from_f32(b);
                same(x + y, a + b, &format!("{a} + {b}"));
                same(x - y, a - b, &format!("{a} - {b}"));
                same(x * y, a * b, &format!("{a} * {b}"));
                same(x / y, a / b, &format!("{a} / {b}"));
                assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b));
                assert_eq!(x == y, a == b);
            }
        }
        let top = F32x2::new(f32::MAX, f32::MAX / 67_108_864.0);
        same(top + top, f32::INFINITY, "overflow of a sum");
        same(top * F32x2::from_f32(-2.0), f32::NEG_INFINITY, "overflow of a product");
        same(top / F32x2::from_f32(0.25), f32::INFINITY, "overflow of a quotient");
        assert!((top - top).hi == 0.0 && top.sqrt().is_finite() && top * F32x2::ONE == top && top / top == F32x2::ONE);
    }

    #[test]
    fn order_is_by_both_parts() {
        let one = F32x2::ONE;
        let more = F32x2::new(1.0, 1e-10);
        assert!(one < more && -more < -one && one != more);
        assert_eq!(F32x2::NAN.partial_cmp(&one), None);
        assert!(F32x2::NAN != F32x2::from_f64(f64::NAN));
    }
}
