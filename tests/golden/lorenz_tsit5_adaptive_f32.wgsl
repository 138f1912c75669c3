// ==== generated constants ====

// lorenz by tsit5, f32
const WORKGROUP_SIZE: u32 = 64u;
const N_STATE: u32 = 3u;
const N_TOLERANCE: u32 = 3u;
const N_ROW: u32 = 4u;
const ROW_Y: u32 = 0u;
const ROW_K1: u32 = 3u;
const ROW_TAU: u32 = 6u;
const ROW_TAU_LOW: u32 = 7u;
const ROW_DT: u32 = 8u;
const ROW_ERR_PREV: u32 = 9u;
const COUNT_STATUS: u32 = 0u;
const COUNT_ACCEPTED: u32 = 1u;
const COUNT_REJECTED: u32 = 2u;
const COUNT_SAVED: u32 = 3u;
const COUNT_FLAGS: u32 = 4u;
const STATUS_RUNNING: u32 = 0u;
const STATUS_SUCCESS: u32 = 1u;
const STATUS_NON_FINITE: u32 = 2u;
const STATUS_STEP_LIMIT: u32 = 3u;
const STATUS_DT_UNDERFLOW: u32 = 4u;
const REAL_EPSILON: real = 1.1920929e-7f;

// ==== generated model ====

struct State {
    x: real,
    y: real,
    z: real,
}

struct Params {
    sigma: real,
    rho: real,
    beta: real,
}

fn load_params(i: u32) -> Params {
    var d: Params;
    d.sigma = params[at(0u, i)];
    d.rho = params[at(1u, i)];
    d.beta = params[at(2u, i)];
    return d;
}

fn load_y(i: u32) -> State {
    var d: State;
    d.x = state[at(ROW_Y + 0u, i)];
    d.y = state[at(ROW_Y + 1u, i)];
    d.z = state[at(ROW_Y + 2u, i)];
    return d;
}

fn load_k1(i: u32) -> State {
    var d: State;
    d.x = state[at(ROW_K1 + 0u, i)];
    d.y = state[at(ROW_K1 + 1u, i)];
    d.z = state[at(ROW_K1 + 2u, i)];
    return d;
}

fn store_y(i: u32, y: State) {
    state[at(ROW_Y + 0u, i)] = y.x;
    state[at(ROW_Y + 1u, i)] = y.y;
    state[at(ROW_Y + 2u, i)] = y.z;
}

fn store_k1(i: u32, y: State) {
    state[at(ROW_K1 + 0u, i)] = y.x;
    state[at(ROW_K1 + 1u, i)] = y.y;
    state[at(ROW_K1 + 2u, i)] = y.z;
}

fn rhs(t: real, y: State, p: Params) -> State {
    let xy = y.x * y.y;
    var d: State;
    d.x = p.sigma * (y.y - y.x);
    d.y = y.x * (p.rho - y.z) - y.y;
    d.z = xy - p.beta * y.z;
    return d;
}

fn save_row(index: u32, i: u32, t: real, y: State, p: Params) {
    saved[at(index * N_ROW + 0u, i)] = y.x;
    saved[at(index * N_ROW + 1u, i)] = y.y;
    saved[at(index * N_ROW + 2u, i)] = y.z;
    saved[at(index * N_ROW + 3u, i)] = sqrt(y.x * y.x + y.y * y.y + y.z * y.z);
}

// ==== generated step ====

struct Step {
    y1_candidate: State,
    k1: State,
    k2: State,
    k3: State,
    k4: State,
    k5: State,
    k6: State,
    k7: State,
}

fn rk_step(t: real, y: State, k1: State, p: Params, h: real) -> Step {
    var y2: State;
    let h2 = h * 0.161f;
    y2.x = y.x + h2 * k1.x;
    y2.y = y.y + h2 * k1.y;
    y2.z = y.z + h2 * k1.z;
    let k2 = rhs(t + 0.161f * h, y2, p);
    var y3: State;
    y3.x = y.x + h * (-0.008480655f * k1.x + 0.33548066f * k2.x);
    y3.y = y.y + h * (-0.008480655f * k1.y + 0.33548066f * k2.y);
    y3.z = y.z + h * (-0.008480655f * k1.z + 0.33548066f * k2.z);
    let k3 = rhs(t + 0.327f * h, y3, p);
    var y4: State;
    y4.x = y.x + h * (2.8971531f * k1.x + -6.3594484f * k2.x + 4.3622956f * k3.x);
    y4.y = y.y + h * (2.8971531f * k1.y + -6.3594484f * k2.y + 4.3622956f * k3.y);
    y4.z = y.z + h * (2.8971531f * k1.z + -6.3594484f * k2.z + 4.3622956f * k3.z);
    let k4 = rhs(t + 0.9f * h, y4, p);
    var y5: State;
    y5.x = y.x + h * (5.325865f * k1.x + -11.748883f * k2.x + 7.495539f * k3.x + -0.09249507f * k4.x);
    y5.y = y.y + h * (5.325865f * k1.y + -11.748883f * k2.y + 7.495539f * k3.y + -0.09249507f * k4.y);
    y5.z = y.z + h * (5.325865f * k1.z + -11.748883f * k2.z + 7.495539f * k3.z + -0.09249507f * k4.z);
    let k5 = rhs(t + 0.98002553f * h, y5, p);
    var y6: State;
    y6.x = y.x + h * (5.8614554f * k1.x + -12.920969f * k2.x + 8.159368f * k3.x + -0.07158497f * k4.x + -0.02826905f * k5.x);
    y6.y = y.y + h * (5.8614554f * k1.y + -12.920969f * k2.y + 8.159368f * k3.y + -0.07158497f * k4.y + -0.02826905f * k5.y);
    y6.z = y.z + h * (5.8614554f * k1.z + -12.920969f * k2.z + 8.159368f * k3.z + -0.07158497f * k4.z + -0.02826905f * k5.z);
    let k6 = rhs(t + 1.0f * h, y6, p);
    var y1_candidate: State;
    y1_candidate.x = y.x + h * (0.09646077f * k1.x + 0.01f * k2.x + 0.47988966f * k3.x + 1.3790085f * k4.x + -3.2900696f * k5.x + 2.3247106f * k6.x);
    y1_candidate.y = y.y + h * (0.09646077f * k1.y + 0.01f * k2.y + 0.47988966f * k3.y + 1.3790085f * k4.y + -3.2900696f * k5.y + 2.3247106f * k6.y);
    y1_candidate.z = y.z + h * (0.09646077f * k1.z + 0.01f * k2.z + 0.47988966f * k3.z + 1.3790085f * k4.z + -3.2900696f * k5.z + 2.3247106f * k6.z);
    let k7 = rhs(t + 1.0f * h, y1_candidate, p);
    return Step(y1_candidate, k1, k2, k3, k4, k5, k6, k7);
}

fn last_stage(step: Step) -> State {
    return step.k7;
}

fn interpolate(y: State, step: Step, h: real, theta: real) -> State {
    let b1 = theta * (1.0f + theta * (-2.7637062f + theta * (2.9132555f + theta * -1.0530885f)));
    let b2 = theta * (0.0f + theta * (0.1317f + theta * (-0.2234f + theta * 0.1017f)));
    let b3 = theta * (0.0f + theta * (3.9302962f + theta * (-5.941034f + theta * 2.4906273f)));
    let b4 = theta * (0.0f + theta * (-12.4110775f + theta * (30.338188f + theta * -16.548103f)));
    let b5 = theta * (0.0f + theta * (37.50931f + theta * (-88.1789f + theta * 47.37952f)));
    let b6 = theta * (0.0f + theta * (-27.896526f + theta * (65.091896f + theta * -34.87066f)));
    let b7 = theta * (0.0f + theta * (1.5f + theta * (-4.0f + theta * 2.5f)));
    var d: State;
    d.x = y.x + h * (b1 * step.k1.x + b2 * step.k2.x + b3 * step.k3.x + b4 * step.k4.x + b5 * step.k5.x + b6 * step.k6.x + b7 * step.k7.x);
    d.y = y.y + h * (b1 * step.k1.y + b2 * step.k2.y + b3 * step.k3.y + b4 * step.k4.y + b5 * step.k5.y + b6 * step.k6.y + b7 * step.k7.y);
    d.z = y.z + h * (b1 * step.k1.z + b2 * step.k2.z + b3 * step.k3.z + b4 * step.k4.z + b5 * step.k5.z + b6 * step.k6.z + b7 * step.k7.z);
    return d;
}

fn error_norm_sq(y: State, step: Step, h: real) -> real {
    var sum = real(0.0);
    let e0 = h * (-0.0017800111f * step.k1.x + -0.00081643445f * step.k2.x + 0.007880878f * step.k3.x + -0.144711f * step.k4.x + 0.58235717f * step.k5.x + -0.4580821f * step.k6.x + 0.015151516f * step.k7.x) / (tolerances[0].y + tolerances[0].x * greater(abs(y.x), abs(step.y1_candidate.x)));
    sum = sum + e0 * e0;
    let e1 = h * (-0.0017800111f * step.k1.y + -0.00081643445f * step.k2.y + 0.007880878f * step.k3.y + -0.144711f * step.k4.y + 0.58235717f * step.k5.y + -0.4580821f * step.k6.y + 0.015151516f * step.k7.y) / (tolerances[1].y + tolerances[1].x * greater(abs(y.y), abs(step.y1_candidate.y)));
    sum = sum + e1 * e1;
    let e2 = h * (-0.0017800111f * step.k1.z + -0.00081643445f * step.k2.z + 0.007880878f * step.k3.z + -0.144711f * step.k4.z + 0.58235717f * step.k5.z + -0.4580821f * step.k6.z + 0.015151516f * step.k7.z) / (tolerances[2].y + tolerances[2].x * greater(abs(y.z), abs(step.y1_candidate.z)));
    sum = sum + e2 * e2;
    return sum / 3.0f;
}

fn scaled_norm_sq(v: State, y: State) -> real {
    var sum = real(0.0);
    let e0 = lesser(abs(v.x / (tolerances[0].y + tolerances[0].x * abs(y.x))), 1000000000000000.0f);
    sum = sum + e0 * e0;
    let e1 = lesser(abs(v.y / (tolerances[1].y + tolerances[1].x * abs(y.y))), 1000000000000000.0f);
    sum = sum + e1 * e1;
    let e2 = lesser(abs(v.z / (tolerances[2].y + tolerances[2].x * abs(y.z))), 1000000000000000.0f);
    sum = sum + e2 * e2;
    return sum / 3.0f;
}

fn add_scaled(y: State, h: real, k: State) -> State {
    var d: State;
    d.x = y.x + h * k.x;
    d.y = y.y + h * k.y;
    d.z = y.z + h * k.z;
    return d;
}

fn is_finite_state(y: State) -> bool {
    return is_finite(y.x)
        && is_finite(y.y)
        && is_finite(y.z);
}

// ==== shaders/real_f32.wgsl ====

// The number format of the run: f32. Twin of src/real.rs.

alias real = f32;

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(x: real) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b.
fn opaque(x: real) -> real {
    return bitcast<f32>(bitcast<u32>(x) ^ config.zero);
}

// ==== shaders/layout.wgsl ====

// Buffers and their indices. Twin of src/job.rs: a test compares members, offsets and bindings.
// All per-trajectory arrays are [row][trajectory]; rows are constants emitted from Rust.

struct RunConfig {
    n_traj: u32,
    n_save: u32,
    n_steps: u32,
    max_steps: u32,
    slice_steps: u32,
    zero: u32,
    safety: f32,
    factor_min: f32,
    factor_max: f32,
    beta1: f32,
    beta2: f32,
    inv_exponent: f32,
    t0: real,
    span: real,
    dt: real,
    dt_min: real,
    dt_max: real,
}

@group(0) @binding(0) var<uniform> config: RunConfig;
// rtol (x) and atol (y) of each state slot
@group(0) @binding(1) var<uniform> tolerances: array<vec4<real>, N_TOLERANCE>;
// save times since t0
@group(0) @binding(2) var<storage, read> save_times: array<real>;
@group(0) @binding(3) var<storage, read> params: array<real>;
@group(0) @binding(4) var<storage, read_write> state: array<real>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> saved: array<real>;
@group(0) @binding(7) var<storage, read_write> unfinished: atomic<u32>;

fn at(row: u32, i: u32) -> u32 {
    return row * config.n_traj + i;
}

// a or b as in Rust's Real::lesser and Real::greater: b where the comparison fails
fn lesser(a: real, b: real) -> real {
    return select(b, a, a < b);
}

fn greater(a: real, b: real) -> real {
    return select(b, a, a > b);
}

// ==== shaders/lane.wgsl ====

// The evolving data of one trajectory, and how it rests between dispatches. Twin of src/cpu/lane.rs.

struct Lane {
    status: u32,
    accepted: u32,
    rejected: u32,
    n_saved: u32,
    t_save: real, // the next save time since t0
    after_rejection: bool,
    started: bool,
    tau: real,
    tau_low: real,
    dt: real,
    err_prev: real,
}

// The step about to be tried: its size, and whether it ends at t1.
struct Attempt {
    h: real,
    is_last: bool,
}

// The save time of a number; beyond the last one a time that never comes.
fn next_save_time(index: u32) -> real {
    if index < config.n_save {
        return save_times[index];
    }
    return 4.0 * config.span;
}

fn load_lane(i: u32) -> Lane {
    let flags = counts[at(COUNT_FLAGS, i)];
    var lane: Lane;
    lane.status = counts[at(COUNT_STATUS, i)];
    lane.accepted = counts[at(COUNT_ACCEPTED, i)];
    lane.rejected = counts[at(COUNT_REJECTED, i)];
    lane.n_saved = counts[at(COUNT_SAVED, i)];
    lane.t_save = next_save_time(lane.n_saved);
    lane.after_rejection = (flags & 2u) != 0u; // FLAG: after a rejected step
    lane.started = (flags & 1u) != 0u; // FLAG: started
    load_stepping(i, &lane);
    return lane;
}

fn store_lane(i: u32, lane: Lane) {
    counts[at(COUNT_STATUS, i)] = lane.status;
    counts[at(COUNT_ACCEPTED, i)] = lane.accepted;
    counts[at(COUNT_REJECTED, i)] = lane.rejected;
    counts[at(COUNT_SAVED, i)] = lane.n_saved;
    counts[at(COUNT_FLAGS, i)] = 1u + select(0u, 2u, lane.after_rejection);
    state[at(ROW_TAU, i)] = lane.tau;
    store_stepping(i, lane);
}

// ==== shaders/save.wgsl ====

// Saved values of one trajectory. Twin of src/cpu/save.rs.
// Save times lie anywhere inside a step; the interpolant gives the state there and never changes the steps.

// Writes the state at t0 where it is asked for.
fn save_start(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if (*lane).t_save <= 0.0 {
        write_row(lane, i, y, p);
    }
}

// Writes every save time up to the end of an accepted step.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    loop {
        let since = ((*lane).t_save - (*lane).tau) - (*lane).tau_low;
        if !(since <= attempt.h || (attempt.is_last && (*lane).n_saved < config.n_save)) {
            return;
        }
        var y_save = step.y1_candidate;
        if !(since >= attempt.h) {
            y_save = interpolate(y, step, attempt.h, since / attempt.h);
        }
        write_row(lane, i, y_save, p);
    }
}

fn write_row(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    save_row((*lane).n_saved, i, config.t0 + (*lane).t_save, y, p);
    (*lane).n_saved += 1u;
    (*lane).t_save = next_save_time((*lane).n_saved);
}

// ==== shaders/controller.wgsl ====

// Step-size control. Twin of src/cpu/controller.rs: same names, same order of operations.
// Powers are taken through control_log2 and control_exp2, in f32 in either precision.

struct Control {
    accept: bool,
    dt: real,
    err_prev: real,
}

// Binary logarithm of a positive normal number: x = m 2^e with m near 1, log2(m) from the series of atanh.
fn control_log2(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var e = f32(i32(bits >> 23u) - 127);
    var m = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u);
    if m > 1.4142135 { // sqrt(2)
        m = m * 0.5;
        e = e + 1.0;
    }
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    // 2/ln(2) times 1, 1/3, 1/5, 1/7
    return e + s * (2.88539 + s2 * (0.9617967 + s2 * (0.577078 + s2 * 0.4121986)));
}

// 2^x for |x| < 126: 2^n times the Taylor series of 2^f, f within half of 0.
fn control_exp2(x: f32) -> f32 {
    let n = floor(x + 0.5);
    let f = x - n;
    // ln(2)^i / i!
    let series = 1.0
        + f * (0.6931472 + f * (0.2402265 + f * (0.05550411 + f * (0.009618129 + f * (0.0013333558 + f * 0.0001540353)))));
    return series * bitcast<f32>(u32(i32(n) + 127) << 23u);
}

fn lesser_f32(a: f32, b: f32) -> f32 {
    return select(b, a, a < b);
}

fn greater_f32(a: f32, b: f32) -> f32 {
    return select(b, a, a > b);
}

// Binary logarithm of the square root of a squared norm, which is limited to [1e-10, 1e30] first.
fn log2_norm(norm_sq: f32) -> f32 {
    return 0.5 * control_log2(greater_f32(lesser_f32(norm_sq, 1e30), 1e-10));
}

// Accepts or rejects a step of size dt with squared error norm err_sq; NaN is rejected.
fn control(err_sq: real, finite: bool, dt: real, err_prev: real, after_rejection: bool) -> Control {
    let accept = err_sq <= 1.0 && finite;
    let err = log2_norm(f32(lesser(err_sq, 1e30)));
    if accept {
        let wanted = config.safety * control_exp2(config.beta2 * f32(err_prev) - config.beta1 * err);
        let limit = select(config.factor_max, 1.0, after_rejection);
        let factor = greater_f32(lesser_f32(wanted, limit), config.factor_min);
        return Control(accept, lesser(greater(dt * real(factor), config.dt_min), config.dt_max), real(err));
    }
    let shrunk = config.safety * control_exp2(-config.inv_exponent * err);
    let bounded = greater_f32(lesser_f32(shrunk, config.safety), config.factor_min);
    let factor = select(config.factor_min, bounded, finite);
    return Control(accept, dt * real(factor), err_prev);
}

// First guess of the first step from the squared norms of y0 and f0: Hairer, Nørsett, Wanner, section II.4, steps a
// and b.
fn initial_dt_first(d0: real, d1: real) -> real {
    let known = d0 >= 1e-10 && d1 >= 1e-10;
    var h0 = real(1e-6);
    if known {
        h0 = 0.01 * sqrt(d0 / d1);
    }
    return lesser(h0, config.dt_max);
}

// First step from the first guess h0, the squared norm of f0 and that of f(t0 + h0, y0 + h0 f0) - f0: steps e and f.
fn initial_dt(h0: real, d1: real, df: real) -> real {
    let d2 = df / (h0 * h0);
    let most = lesser(greater(d1, d2), 1e30);
    let log2_hundredth = -6.643856f;
    var h1 = greater(h0 * 1e-3, 1e-6);
    if !(most <= 1e-30) {
        let log2_most = 0.5 * control_log2(f32(most));
        h1 = real(control_exp2((log2_hundredth - log2_most) * config.inv_exponent));
    }
    return lesser(lesser(100.0 * h0, h1), config.dt_max);
}

// ==== shaders/integrate_adaptive.wgsl ====

// Adaptive steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_adaptive.rs.
// Time is the offset tau from t0 with the rounding of its sum kept in tau_low, so that many small steps add up.

// What a lane carries from dispatch to dispatch for its step size.
fn load_stepping(i: u32, lane: ptr<function, Lane>) {
    (*lane).tau = state[at(ROW_TAU, i)];
    (*lane).tau_low = state[at(ROW_TAU_LOW, i)];
    (*lane).dt = state[at(ROW_DT, i)];
    (*lane).err_prev = state[at(ROW_ERR_PREV, i)];
}

fn store_stepping(i: u32, lane: Lane) {
    state[at(ROW_TAU_LOW, i)] = lane.tau_low;
    state[at(ROW_DT, i)] = lane.dt;
    state[at(ROW_ERR_PREV, i)] = lane.err_prev;
}

// The first step size, where none is given.
fn first_dt(y: State, k1: State, p: Params) -> real {
    if config.dt > 0.0 {
        return config.dt;
    }
    let d0 = scaled_norm_sq(y, y);
    let d1 = scaled_norm_sq(k1, y);
    let h0 = initial_dt_first(d0, d1);
    let f1 = rhs(config.t0 + h0, add_scaled(y, h0, k1), p);
    return initial_dt(h0, d1, scaled_norm_sq(add_scaled(f1, -1.0, k1), y));
}

// Every adaptive step has a decision to make.
fn quiet_steps(lane: ptr<function, Lane>, y: ptr<function, State>, k1: ptr<function, State>, p: Params, budget: u32) -> u32 {
    return 0u;
}

// Chooses the size of the next step: dt, or what is left of the span.
fn begin_step(lane: ptr<function, Lane>) -> Attempt {
    let left = (config.span - (*lane).tau) - (*lane).tau_low;
    let is_last = (*lane).dt >= left;
    return Attempt(select((*lane).dt, left, is_last), is_last);
}

// Accepts or rejects the step, and sets the next dt.
fn end_step(lane: ptr<function, Lane>, attempt: Attempt, err_sq: real, finite: bool) -> bool {
    let decision = control(err_sq, finite, attempt.h, (*lane).err_prev, (*lane).after_rejection);
    (*lane).dt = decision.dt;
    (*lane).err_prev = decision.err_prev;
    (*lane).after_rejection = !decision.accept;
    if !decision.accept {
        (*lane).rejected += 1u;
        let resolution = REAL_EPSILON * abs(config.t0 + (*lane).tau);
        let smallest = greater(config.dt_min, resolution);
        if !(attempt.h > smallest) {
            (*lane).status = select(STATUS_NON_FINITE, STATUS_DT_UNDERFLOW, finite);
        }
        (*lane).dt = greater((*lane).dt, smallest);
    }
    return decision.accept;
}

// Moves time past an accepted step.
fn advance(lane: ptr<function, Lane>, attempt: Attempt) {
    (*lane).accepted += 1u;
    if attempt.is_last {
        (*lane).tau = config.span;
        (*lane).tau_low = 0.0;
        (*lane).status = STATUS_SUCCESS;
        return;
    }
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = opaque(attempt.h + (*lane).tau_low);
    let tau = opaque((*lane).tau + small);
    (*lane).tau_low = small - opaque(tau - (*lane).tau);
    (*lane).tau = tau;
}

// ==== shaders/drive.wgsl ====

// The loop over steps of one trajectory. Twin of src/cpu/drive.rs, where a block of lanes steps together.
// A dispatch attempts at most slice_steps steps; what is unfinished rests in the buffers until the next one.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.x + id.y * groups.x * WORKGROUP_SIZE;
    if i >= config.n_traj {
        return;
    }
    var lane = load_lane(i);
    if lane.status != STATUS_RUNNING {
        return;
    }
    let p = load_params(i);
    var y = load_y(i);
    var k1: State;
    if lane.started {
        k1 = load_k1(i);
    } else {
        k1 = rhs(config.t0, y, p);
        if is_finite_state(y) && is_finite_state(k1) {
            lane.dt = first_dt(y, k1, p);
        } else {
            lane.status = STATUS_NON_FINITE;
        }
        save_start(&lane, i, y, p);
    }
    var n = 0u;
    while n < config.slice_steps && lane.status == STATUS_RUNNING {
        let quiet = quiet_steps(&lane, &y, &k1, p, config.slice_steps - n);
        n += max(quiet, 1u);
        if quiet == 0u {
            let attempt = begin_step(&lane);
            let step = rk_step(config.t0 + lane.tau, y, k1, p, attempt.h);
            let finite = is_finite_state(step.y1_candidate);
            if end_step(&lane, attempt, error_norm_sq(y, step, attempt.h), finite) {
                save_until(&lane, i, attempt, y, step, p);
                advance(&lane, attempt);
                y = step.y1_candidate;
                k1 = last_stage(step);
            }
        }
        if lane.status == STATUS_RUNNING && lane.accepted + lane.rejected >= config.max_steps {
            lane.status = STATUS_STEP_LIMIT;
        }
    }
    store_lane(i, lane);
    store_y(i, y);
    store_k1(i, k1);
    if lane.status == STATUS_RUNNING {
        atomicAdd(&unfinished, 1u);
    }
}

