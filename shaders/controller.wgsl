// Step-size control. Twin of src/cpu/controller.rs: same names, same order of operations.
// Powers are taken through control_log2 and control_exp2, in f32 in any precision (powers.wgsl, powers_built_in.wgsl).

struct Control {
    accept: bool,
    dt: real,
    err_prev: f32,
}

fn lesser_f32(a: f32, b: f32) -> f32 {
    return select(b, a, a < b);
}

fn greater_f32(a: f32, b: f32) -> f32 {
    return select(b, a, a > b);
}

// Binary logarithm of the square root of a squared norm, which is at most 1e30 and taken for at least 1e-10.
fn log2_norm(norm_sq: f32) -> f32 {
    return 0.5 * control_log2(greater_f32(norm_sq, 1e-10));
}

// An error in tolerance units; none is none even where the tolerance is 0.
fn ratio(error: real, tolerance: real) -> real {
    return select(div(error, tolerance), real_of(0.0), equal(error, real_of(0.0)));
}

// Whether an estimated error is within the rounding of a state of that size: smaller steps cannot lessen it.
fn is_noise(error: real, size: real) -> bool {
    return less_equal(real_abs(error), mul(real_of(REAL_EPSILON), size));
}

// Least of `most` and of the size of a state below which errors within its rounding are below its tolerance; a half is for
// the rounding of all that.
fn quiet_size_of(rtol: real, atol: real, most: f32) -> f32 {
    let size = 0.5 * to_f32(atol) / REAL_EPSILON;
    return select(lesser_f32(most, size), most, less_equal(real_of(REAL_EPSILON), rtol));
}

// Accepts or rejects a step of size dt with squared error norm err_sq; NaN is rejected. Both cases share one power, and
// neither branches: lanes and GPU threads go side by side. The configuration comes as a value, so that a loop holds what it
// needs of it in registers.
fn control(config: RunConfig, err_sq: real, finite: bool, dt: real, err_prev: f32, after_rejection: bool) -> Control {
    let accept = less_equal(err_sq, real_of(1.0)) & finite;
    let err = log2_norm(to_f32(lesser(err_sq, real_of(1e30))));
    let accepted = config.beta2 * err_prev - config.beta1 * err;
    let exponent = select(-config.inv_exponent * err, accepted, accept);
    let most = select(config.factor_max, 1.0, after_rejection);
    let limit = select(config.safety, most, accept);
    let wanted = greater_f32(lesser_f32(config.safety * control_exp2(exponent), limit), config.factor_min);
    let factor = select(config.factor_min, wanted, finite);
    let next = mul(dt, real_of(factor));
    let within = lesser(greater(next, config.dt_min), config.dt_max);
    return Control(accept, select(next, within, accept), select(err_prev, err, accept));
}

// First guess of the first step from the squared norms of y0 and f0: Hairer, Nørsett, Wanner, section II.4, steps a
// and b. No step is longer than most.
fn initial_dt_first(most: real, d0: real, d1: real) -> real {
    let known = less_equal(real_of(1e-10), d0) && less_equal(real_of(1e-10), d1);
    var h0 = real_of(1e-6);
    if known {
        h0 = mul(real_of(0.01), real_sqrt(div(d0, d1)));
    }
    return lesser(h0, most);
}

// First step from the first guess h0, the squared norm of f0 and that of f(t0 + h0, y0 + h0 f0) - f0: steps e and f.
fn initial_dt(most: real, h0: real, d1: real, df: real) -> real {
    let d2 = div(df, mul(h0, h0));
    let steepest = lesser(greater(d1, d2), real_of(1e30));
    let log2_hundredth = -6.643856f;
    var h1 = greater(mul(h0, real_of(1e-3)), real_of(1e-6));
    if !less_equal(steepest, real_of(1e-30)) {
        let log2_steepest = 0.5 * control_log2(to_f32(steepest));
        h1 = real_of(control_exp2((log2_hundredth - log2_steepest) * config.inv_exponent));
    }
    return lesser(lesser(mul(real_of(100.0), h0), h1), most);
}
