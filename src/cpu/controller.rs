//! Step-size control. Twin of `shaders/controller.wgsl` and `shaders/powers.wgsl`: same names, same order of operations.
//!
//! Powers are taken through `control_log2` and `control_exp2` below, in f32 in any precision, so that a platform's
//! own pow cannot change which steps are taken; their error of 1e-6 moves a step size by as much, no result.

use crate::job::RunConfig;
use crate::real::Real;

/// What to do after an attempted step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Control<R> {
    /// Whether the step counts.
    pub accept: bool,
    /// Size of the next step.
    pub dt: R,
    /// Binary logarithm of the error norm to remember.
    pub err_prev: f32,
}

/// Binary logarithm of a positive normal number: x = m 2^e with m near 1, log2(m) from the series of atanh.
#[inline(always)]
pub fn control_log2(x: f32) -> f32 {
    const SQRT2: f32 = std::f32::consts::SQRT_2;
    let bits = x.to_bits();
    let mut e = ((bits >> 23) as i32 - 127) as f32;
    let mut m = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    if m > SQRT2 {
        m *= 0.5;
        e += 1.0;
    }
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    // 2/ln(2) times 1, 1/3, 1/5, 1/7
    e + s * (2.885_39 + s2 * (0.961_796_7 + s2 * (0.577_078 + s2 * 0.412_198_6)))
}

/// 2^x for |x| < 126: 2^n times the Taylor series of 2^f, f within half of 0.
#[inline(always)]
pub fn control_exp2(x: f32) -> f32 {
    let n = (x + 0.5).floor();
    let f = x - n;
    // ln(2)^i / i!
    let series = 1.0
        + f * (std::f32::consts::LN_2
            + f * (0.240_226_5
                + f * (0.055_504_11 + f * (0.009_618_129 + f * (0.001_333_355_8 + f * 0.000_154_035_3)))));
    // The whole number n in the low bits: as a conversion, which would not be a vector instruction.
    let bits = (n + 12_582_912.0).to_bits().wrapping_sub(0x4b40_0000 - 127);
    series * f32::from_bits(bits << 23)
}

/// Binary logarithm of the square root of a squared norm, which is at most 1e30 and taken for at least 1e-10.
#[inline(always)]
pub fn log2_norm(norm_sq: f32) -> f32 {
    0.5 * control_log2(norm_sq.greater(1e-10))
}

/// An error in tolerance units; none is none even where the tolerance is 0.
#[inline(always)]
pub fn ratio<R: Real>(error: R, tolerance: R) -> R {
    if error == R::ZERO { R::ZERO } else { error / tolerance }
}

/// Whether an estimated error is within the rounding of a state of that size: smaller steps cannot lessen it.
#[inline(always)]
pub fn is_noise<R: Real>(error: R, size: R) -> bool {
    error.abs() <= R::of_f32(R::EPSILON) * size
}

/// What to multiply an accepted step by for the next one; `err` and `err_prev` are binary logarithms of error norms.
#[inline(always)]
pub fn growth<R>(config: &RunConfig<R>, err: f32, err_prev: f32, after_rejection: bool) -> f32 {
    let most = if after_rejection { 1.0 } else { config.factor_max };
    let wanted = config.safety * control_exp2(config.beta2 * err_prev - config.beta1 * err);
    wanted.lesser(most).greater(config.factor_min)
}

/// The size of the step after an accepted one.
#[inline(always)]
pub fn grown<R: Real>(config: &RunConfig<R>, dt: R, growth: f32) -> R {
    (dt * R::of_f32(growth)).greater(config.dt_min).lesser(config.dt_max)
}

/// Accepts or rejects a step of size `dt` with squared error norm `err_sq`; NaN is rejected.
#[inline(always)]
pub fn control<R: Real>(
    config: &RunConfig<R>,
    err_sq: R,
    finite: bool,
    dt: R,
    err_prev: f32,
    after_rejection: bool,
) -> Control<R> {
    let accept = (err_sq <= R::ONE) & finite;
    let err = log2_norm(err_sq.lesser(R::of_f32(1e30)).to_f32());
    if accept {
        let dt = grown(config, dt, growth(config, err, err_prev, after_rejection));
        return Control { accept, dt, err_prev: err };
    }
    let shrunk = config.safety * control_exp2(-config.inv_exponent * err);
    let factor = if finite { shrunk.lesser(config.safety).greater(config.factor_min) } else { config.factor_min };
    Control { accept, dt: dt * R::of_f32(factor), err_prev }
}

/// First guess of the first step from the squared norms of y0 and f0: Hairer, Nørsett, Wanner, section II.4, steps a
/// and b. No step is longer than `most`.
#[inline(always)]
pub fn initial_dt_first<R: Real>(most: R, d0: R, d1: R) -> R {
    let tiny = R::of_f32(1e-10);
    let known = d0 >= tiny && d1 >= tiny;
    let h0 = if known { R::of_f32(0.01) * (d0 / d1).sqrt() } else { R::of_f32(1e-6) };
    h0.lesser(most)
}

/// First step from the first guess `h0`, the squared norm of f0 and that of f(t0 + h0, y0 + h0 f0) - f0: steps e and f.
#[inline(always)]
pub fn initial_dt<R: Real>(config: &RunConfig<R>, most: R, h0: R, d1: R, df: R) -> R {
    let d2 = df / (h0 * h0);
    let steepest = d1.greater(d2).lesser(R::of_f32(1e30));
    let log2_hundredth = -6.643_856_f32;
    let h1 = if steepest <= R::of_f32(1e-30) {
        (h0 * R::of_f32(1e-3)).greater(R::of_f32(1e-6))
    } else {
        let log2_steepest = 0.5 * control_log2(steepest.to_f32());
        R::of_f32(control_exp2((log2_hundredth - log2_steepest) * config.inv_exponent))
    };
    (R::of_f32(100.0) * h0).lesser(h1).lesser(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_good_enough_for_step_sizes() {
        for i in 0..20_000 {
            let x = 1e-30 * 1.007f32.powi(i % 19_000);
            if x.is_finite() && x > 1e-37 {
                assert!((control_log2(x) - x.log2()).abs() < 2e-5, "log2({x})");
            }
            let y = (i as f32 - 10_000.0) * 0.01;
            assert!((control_exp2(y) / y.exp2() - 1.0).abs() < 2e-6, "exp2({y})");
        }
    }
}
