// ==== generated constants ====

// tsit5, f32
const HAS_STOPS: bool = false;
const JUMPS_IN_TIME: bool = false;
const OWN_SPAN: bool = false;
const SAVES_STEPS: bool = false;
const SAVES_END: bool = false;
const Y_IS_SAVED: bool = false;
const FIRST_STEP_GIVEN: bool = false;
const WORKGROUP_SIZE: u32 = 64u;
const N_TWO_OVER_PI: u32 = 10u;
const N_STATE: u32 = 3u;
const N_TOLERANCE: u32 = 3u;
const N_ROW: u32 = 4u;
const ROW_Y: u32 = 0u;
const ROW_K1: u32 = 3u;
const ROW_TAU: u32 = 6u;
const ROW_TAU_LOW: u32 = 7u;
const ROW_DT: u32 = 8u;
const ROW_ERR_PREV: u32 = 9u;
const ROW_Y_LOW: u32 = 10u;
const ROW_TAU_SEGMENT: u32 = 10u;
const N_OWN_STOP: u32 = 0u;
const PARAM_ROW_OWN_STOP: u32 = 3u;
const PARAM_ROW_T0: u32 = 3u;
const PARAM_ROW_SPAN: u32 = 4u;
const LIST_HEADER: u32 = 4u;
const LIST_STEPS: u32 = 1u;
const LIST_ALL: u32 = 2u;
const MASK_STATUS: u32 = 255u;
const FLAG_STARTED: u32 = 256u;
const FLAG_AFTER_REJECTION: u32 = 512u;
const FLAG_SAVED: u32 = 1024u;
const SLICE_SHIFT: u32 = 16u;
const COUNT_STATUS: u32 = 0u;
const COUNT_ACCEPTED: u32 = 1u;
const COUNT_REJECTED: u32 = 2u;
const COUNT_CULPRIT: u32 = 3u;
const COUNT_SAVED: u32 = 4u;
const COUNT_NEXTCUT: u32 = 5u;
const COUNT_NEXTOWNSTOP: u32 = 6u;
const COUNT_FIRSTSTEP: u32 = 7u;
const STATUS_RUNNING: u32 = 0u;
const STATUS_SUCCESS: u32 = 1u;
const STATUS_NON_FINITE: u32 = 2u;
const STATUS_STEP_LIMIT: u32 = 3u;
const STATUS_DT_UNDERFLOW: u32 = 4u;
const STATUS_TOLERANCE_NOT_REACHABLE: u32 = 5u;
const STATUS_STOPPED: u32 = 6u;
const STATUS_SAVE_LIMIT: u32 = 7u;
const REAL_EPSILON: f32 = 1.1920929e-7f;

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

struct Low { unused: u32 }

fn load_low(i: u32) -> Low {
    return Low(0u);
}

fn store_low(i: u32, y: Low) {}

fn rhs(t: real, y: State, p: Params) -> State {
    let xy = y.x * y.y;
    var d: State;
    d.x = p.sigma * (y.y - y.x);
    d.y = y.x * (p.rho - y.z) - y.y;
    d.z = xy - p.beta * y.z;
    return d;
}

fn save_row(index: u32, i: u32, t: real, y: State, p: Params) -> u32 {
    var culprit = first_non_finite(y);
    saved[at(index * N_ROW + 0u, i)] = y.x;
    saved[at(index * N_ROW + 1u, i)] = y.y;
    saved[at(index * N_ROW + 2u, i)] = y.z;
    let row_3: real = math_sqrt(y.x * y.x + y.y * y.y + y.z * y.z);
    saved[at(index * N_ROW + 3u, i)] = row_3;
    culprit = select(culprit, 4u, culprit == 0u && is_nan(row_3));
    return culprit;
}

fn fire(callback: u32, t: real, fired: ptr<function, State>, low: ptr<function, Low>, p: Params) {}

// ==== generated step ====

struct Step {
    y1_candidate: State,
    low: Low,
    k1: State,
    k2: State,
    k3: State,
    k4: State,
    k5: State,
    k6: State,
    k7: State,
}

alias Weights = real;

fn weights(h: real) -> Weights {
    return h;
}

fn rk_step(t: real, y: State, low: Low, k1: State, p: Params, h: Weights, h_time: real) -> Step {
    var y2: State;
    let h2 = h * 0.161f;
    y2.x = y.x + h2 * k1.x;
    y2.y = y.y + h2 * k1.y;
    y2.z = y.z + h2 * k1.z;
    let k2 = rhs(t + 0.161f * h_time, y2, p);
    var y3: State;
    y3.x = y.x + h * (-0.008480655f * k1.x + 0.33548066f * k2.x);
    y3.y = y.y + h * (-0.008480655f * k1.y + 0.33548066f * k2.y);
    y3.z = y.z + h * (-0.008480655f * k1.z + 0.33548066f * k2.z);
    let k3 = rhs(t + 0.327f * h_time, y3, p);
    var y4: State;
    y4.x = y.x + h * (2.8971531f * k1.x + -6.3594484f * k2.x + 4.3622956f * k3.x);
    y4.y = y.y + h * (2.8971531f * k1.y + -6.3594484f * k2.y + 4.3622956f * k3.y);
    y4.z = y.z + h * (2.8971531f * k1.z + -6.3594484f * k2.z + 4.3622956f * k3.z);
    let k4 = rhs(t + 0.9f * h_time, y4, p);
    var y5: State;
    y5.x = y.x + h * (5.325865f * k1.x + -11.748883f * k2.x + 7.495539f * k3.x + -0.09249507f * k4.x);
    y5.y = y.y + h * (5.325865f * k1.y + -11.748883f * k2.y + 7.495539f * k3.y + -0.09249507f * k4.y);
    y5.z = y.z + h * (5.325865f * k1.z + -11.748883f * k2.z + 7.495539f * k3.z + -0.09249507f * k4.z);
    let k5 = rhs(t + 0.98002553f * h_time, y5, p);
    var y6: State;
    y6.x = y.x + h * (5.8614554f * k1.x + -12.920969f * k2.x + 8.159368f * k3.x + -0.07158497f * k4.x + -0.02826905f * k5.x);
    y6.y = y.y + h * (5.8614554f * k1.y + -12.920969f * k2.y + 8.159368f * k3.y + -0.07158497f * k4.y + -0.02826905f * k5.y);
    y6.z = y.z + h * (5.8614554f * k1.z + -12.920969f * k2.z + 8.159368f * k3.z + -0.07158497f * k4.z + -0.02826905f * k5.z);
    let k6 = rhs(t + 1.0f * h_time, y6, p);
    var y1_candidate: State;
    let low1 = low;
    y1_candidate.x = y.x + h * (0.09646077f * k1.x + 0.01f * k2.x + 0.47988966f * k3.x + 1.3790085f * k4.x + -3.2900696f * k5.x + 2.3247106f * k6.x);
    y1_candidate.y = y.y + h * (0.09646077f * k1.y + 0.01f * k2.y + 0.47988966f * k3.y + 1.3790085f * k4.y + -3.2900696f * k5.y + 2.3247106f * k6.y);
    y1_candidate.z = y.z + h * (0.09646077f * k1.z + 0.01f * k2.z + 0.47988966f * k3.z + 1.3790085f * k4.z + -3.2900696f * k5.z + 2.3247106f * k6.z);
    let k7 = rhs(t + 1.0f * h_time, y1_candidate, p);
    return Step(y1_candidate, low1, k1, k2, k3, k4, k5, k6, k7);
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

fn error_norm_sq(y: State, step: Step, h: real) -> ErrorNorm {
    var sum = real_of(0.0);
    var noise = real_of(0.0);
    let error0 = h * (-0.0017800111f * step.k1.x + -0.00081643445f * step.k2.x + 0.007880878f * step.k3.x + -0.144711f * step.k4.x + 0.58235717f * step.k5.x + -0.4580821f * step.k6.x + 0.015151516f * step.k7.x);
    let size0 = greater(real_abs(y.x), real_abs(step.y1_candidate.x));
    let e0 = ratio(error0, (tables.tolerances[0].atol + tables.tolerances[0].rtol * size0));
    sum = sum + e0 * e0;
    noise = select(noise, noise + e0 * e0, is_noise(error0, size0));
    let error1 = h * (-0.0017800111f * step.k1.y + -0.00081643445f * step.k2.y + 0.007880878f * step.k3.y + -0.144711f * step.k4.y + 0.58235717f * step.k5.y + -0.4580821f * step.k6.y + 0.015151516f * step.k7.y);
    let size1 = greater(real_abs(y.y), real_abs(step.y1_candidate.y));
    let e1 = ratio(error1, (tables.tolerances[1].atol + tables.tolerances[1].rtol * size1));
    sum = sum + e1 * e1;
    noise = select(noise, noise + e1 * e1, is_noise(error1, size1));
    let error2 = h * (-0.0017800111f * step.k1.z + -0.00081643445f * step.k2.z + 0.007880878f * step.k3.z + -0.144711f * step.k4.z + 0.58235717f * step.k5.z + -0.4580821f * step.k6.z + 0.015151516f * step.k7.z);
    let size2 = greater(real_abs(y.z), real_abs(step.y1_candidate.z));
    let e2 = ratio(error2, (tables.tolerances[2].atol + tables.tolerances[2].rtol * size2));
    sum = sum + e2 * e2;
    noise = select(noise, noise + e2 * e2, is_noise(error2, size2));
    return ErrorNorm(sum * 0.33333334f, noise * 0.33333334f);
}

struct Tolerances { unused: u32 }

fn load_tolerances() -> Tolerances {
    return Tolerances(0u);
}

fn quiet_norm_sq(y: State, step: Step, h: real, tolerances: Tolerances) -> QuietNorm {
    var sum = real_of(0.0);
    var size = 0.0f;
    let abs0 = real_abs(step.y1_candidate.x);
    size += to_f32(abs0);
    let size0 = greater(real_abs(y.x), abs0);
    let e0 = (h * (-0.0017800111f * step.k1.x + -0.00081643445f * step.k2.x + 0.007880878f * step.k3.x + -0.144711f * step.k4.x + 0.58235717f * step.k5.x + -0.4580821f * step.k6.x + 0.015151516f * step.k7.x)) / (tables.tolerances[0].atol + tables.tolerances[0].rtol * size0);
    sum = sum + e0 * e0;
    let abs1 = real_abs(step.y1_candidate.y);
    size += to_f32(abs1);
    let size1 = greater(real_abs(y.y), abs1);
    let e1 = (h * (-0.0017800111f * step.k1.y + -0.00081643445f * step.k2.y + 0.007880878f * step.k3.y + -0.144711f * step.k4.y + 0.58235717f * step.k5.y + -0.4580821f * step.k6.y + 0.015151516f * step.k7.y)) / (tables.tolerances[1].atol + tables.tolerances[1].rtol * size1);
    sum = sum + e1 * e1;
    let abs2 = real_abs(step.y1_candidate.z);
    size += to_f32(abs2);
    let size2 = greater(real_abs(y.z), abs2);
    let e2 = (h * (-0.0017800111f * step.k1.z + -0.00081643445f * step.k2.z + 0.007880878f * step.k3.z + -0.144711f * step.k4.z + 0.58235717f * step.k5.z + -0.4580821f * step.k6.z + 0.015151516f * step.k7.z)) / (tables.tolerances[2].atol + tables.tolerances[2].rtol * size2);
    sum = sum + e2 * e2;
    return QuietNorm(sum * 0.33333334f, size);
}

fn quiet_size(y: State, tolerances: Tolerances) -> f32 {
    var most = 1e30f;
    most = quiet_size_of(tables.tolerances[0].rtol, tables.tolerances[0].atol, most);
    most = quiet_size_of(tables.tolerances[1].rtol, tables.tolerances[1].atol, most);
    most = quiet_size_of(tables.tolerances[2].rtol, tables.tolerances[2].atol, most);
    var size = 0.0f;
    var least = real_of(1.0);
    let abs0 = real_abs(y.x);
    size += to_f32(abs0);
    least = lesser(tables.tolerances[0].atol + tables.tolerances[0].rtol * abs0, least);
    let abs1 = real_abs(y.y);
    size += to_f32(abs1);
    least = lesser(tables.tolerances[1].atol + tables.tolerances[1].rtol * abs1, least);
    let abs2 = real_abs(y.z);
    size += to_f32(abs2);
    least = lesser(tables.tolerances[2].atol + tables.tolerances[2].rtol * abs2, least);
    return select(0.0f, most, size < most && less(real_of(0.0), least));
}

fn take_step(accept: bool, step: Step, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>) {
    (*y).x = select((*y).x, step.y1_candidate.x, accept);
    (*k1).x = select((*k1).x, step.k7.x, accept);
    (*y).y = select((*y).y, step.y1_candidate.y, accept);
    (*k1).y = select((*k1).y, step.k7.y, accept);
    (*y).z = select((*y).z, step.y1_candidate.z, accept);
    (*k1).z = select((*k1).z, step.k7.z, accept);
}

fn scaled_norm_sq(v: State, y: State) -> real {
    var sum = real_of(0.0);
    let e0 = lesser(real_abs(ratio(v.x, (tables.tolerances[0].atol + tables.tolerances[0].rtol * real_abs(y.x)))), real_of(1e15));
    sum = sum + e0 * e0;
    let e1 = lesser(real_abs(ratio(v.y, (tables.tolerances[1].atol + tables.tolerances[1].rtol * real_abs(y.y)))), real_of(1e15));
    sum = sum + e1 * e1;
    let e2 = lesser(real_abs(ratio(v.z, (tables.tolerances[2].atol + tables.tolerances[2].rtol * real_abs(y.z)))), real_of(1e15));
    sum = sum + e2 * e2;
    return sum * 0.33333334f;
}

fn add_scaled(y: State, h: real, k: State) -> State {
    var d: State;
    d.x = y.x + h * k.x;
    d.y = y.y + h * k.y;
    d.z = y.z + h * k.z;
    return d;
}

fn first_non_finite(y: State) -> u32 {
    var culprit = 0u;
    culprit = select(3u, culprit, is_finite(y.z));
    culprit = select(2u, culprit, is_finite(y.y));
    culprit = select(1u, culprit, is_finite(y.x));
    return culprit;
}

// ==== shaders/real_f32.wgsl ====

// The number format of the run: f32. Twin of src/real.rs.
// The shader files that serve every format are written with these functions, since f32x2 has no operators.

alias real = f32;

fn add(a: real, b: real) -> real { return a + b; }
fn sub(a: real, b: real) -> real { return a - b; }
fn mul(a: real, b: real) -> real { return a * b; }
fn div(a: real, b: real) -> real { return a / b; }
fn neg(a: real) -> real { return -a; }
fn less(a: real, b: real) -> bool { return a < b; }
fn less_equal(a: real, b: real) -> bool { return a <= b; }
fn equal(a: real, b: real) -> bool { return a == b; }
fn real_abs(a: real) -> real { return abs(a); }
fn real_sqrt(a: real) -> real { return sqrt(a); }
fn real_of(x: f32) -> real { return x; }
fn real_of_u32(k: u32) -> real { return f32(k); }
fn to_u32(a: real) -> u32 { return u32(a); }
fn to_f32(a: real) -> f32 { return a; }

// Looks at the bits: a compiler may assume that NaN and infinity do not occur and drop x != x.
fn is_finite(x: real) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn is_nan(x: real) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
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
    n_cut: u32,
    first_cut: u32,
    max_steps: u32,
    unused: u32,
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

// Tolerances of a state slot; uniform arrays move in steps of 16 bytes.
struct Tolerance {
    rtol: real,
    atol: real,
    unused_1: real,
    unused_2: real,
}

@group(0) @binding(0) var<uniform> config: RunConfig;
struct Tables {
    // 2/pi, src/math/two_over_pi.rs
    two_over_pi: array<vec4<u32>, N_TWO_OVER_PI>,
    tolerances: array<Tolerance, N_TOLERANCE>,
}

@group(0) @binding(1) var<uniform> tables: Tables;
// save times since t0; from first_cut on the times of cuts, then the numbers of their callbacks, 0 for none
@group(0) @binding(2) var<storage, read> times: array<real>;
@group(0) @binding(3) var<storage, read> params: array<real>;
@group(0) @binding(4) var<storage, read_write> state: array<real>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> saved: array<real>;
// the unfinished trajectories, after a header of how many there are, how many steps each attempts, and whether they are all,
// which are then not written down
@group(0) @binding(7) var<storage, read> unfinished: array<u32>;

fn at(row: u32, i: u32) -> u32 {
    return row * config.n_traj + i;
}

// a or b as in Rust's Real::lesser and Real::greater: b where the comparison fails
fn lesser(a: real, b: real) -> real {
    return select(b, a, less(a, b));
}

fn greater(a: real, b: real) -> real {
    return select(b, a, less(b, a));
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
    err_prev: f32,
    culprit: u32, // 1 and the row of the first value that was not finite
    t0: real,
    span: real,
    tau_stop: real, // where the segment ends: the next stop, or the end of the span
    tau_segment: real, // where it began
    first_step: u32, // numbers of its first step and of the one after its last, where steps are fixed
    last_step: u32,
    next_cut: u32,
    next_own_stop: u32,
}

// The squared error of a step in tolerance units, and the part of it that is within the rounding of y.
struct ErrorNorm {
    sq: real,
    noise_sq: real,
}

// The step about to be tried: its size, and whether it ends the segment.
struct Attempt {
    h: real,
    is_last: bool,
}

// The save time of a row of a trajectory; beyond the last one a time that never comes; negative if the row follows callbacks
// that fire, as all do where every step is saved and that is asked for.
fn next_save_time(index: u32, i: u32) -> real {
    if SAVES_STEPS {
        return times[0];
    }
    if SAVES_END {
        return select(mul(real_of(4.0), config.span), config.span, index == 0u);
    }
    if index < config.n_save {
        if OWN_SPAN {
            return times[at(index, i)];
        }
        return times[index];
    }
    return mul(real_of(4.0), config.span);
}

// Start and length of the time span, and the segment between two stops.
fn load_segment(i: u32, lane: ptr<function, Lane>) {
    (*lane).t0 = config.t0;
    (*lane).span = config.span;
    if OWN_SPAN {
        (*lane).t0 = params[at(PARAM_ROW_T0, i)];
        (*lane).span = params[at(PARAM_ROW_SPAN, i)];
    }
    if HAS_STOPS {
        (*lane).next_cut = counts[at(COUNT_NEXTCUT, i)];
        (*lane).next_own_stop = counts[at(COUNT_NEXTOWNSTOP, i)];
        (*lane).first_step = counts[at(COUNT_FIRSTSTEP, i)];
        (*lane).tau_segment = state[at(ROW_TAU_SEGMENT, i)];
    }
    (*lane).tau_stop = next_stop(lane, i);
    (*lane).last_step = (*lane).first_step + segment_steps(lane);
}

fn store_segment(i: u32, lane: Lane) {
    if HAS_STOPS {
        counts[at(COUNT_NEXTCUT, i)] = lane.next_cut;
        counts[at(COUNT_NEXTOWNSTOP, i)] = lane.next_own_stop;
        counts[at(COUNT_FIRSTSTEP, i)] = lane.first_step;
        state[at(ROW_TAU_SEGMENT, i)] = lane.tau_segment;
    }
}

fn load_lane(i: u32) -> Lane {
    let word = counts[at(COUNT_STATUS, i)];
    var lane: Lane;
    lane.started = (word & FLAG_STARTED) != 0u;
    if lane.started {
        lane.status = word & MASK_STATUS;
        lane.after_rejection = (word & FLAG_AFTER_REJECTION) != 0u;
        lane.accepted = counts[at(COUNT_ACCEPTED, i)];
        lane.rejected = counts[at(COUNT_REJECTED, i)];
        // Where the end is all that is saved, nothing is while it runs.
        if !SAVES_END {
            lane.n_saved = counts[at(COUNT_SAVED, i)];
            lane.culprit = counts[at(COUNT_CULPRIT, i)];
        }
    }
    lane.t_save = next_save_time(lane.n_saved, i);
    load_segment(i, &lane);
    load_stepping(i, &lane);
    return lane;
}

// What a lane carries from dispatch to dispatch, and the steps of this one. All counts are 0 before the first.
fn store_lane(i: u32, lane: Lane, steps: u32) {
    var flags = FLAG_STARTED | select(0u, FLAG_AFTER_REJECTION, lane.after_rejection);
    if Y_IS_SAVED {
        flags |= select(0u, FLAG_SAVED, lane.n_saved != 0u);
    } else {
        counts[at(COUNT_SAVED, i)] = lane.n_saved;
    }
    counts[at(COUNT_STATUS, i)] = lane.status | flags | (steps << SLICE_SHIFT);
    counts[at(COUNT_ACCEPTED, i)] = lane.accepted;
    counts[at(COUNT_REJECTED, i)] = lane.rejected;
    if lane.culprit != 0u {
        counts[at(COUNT_CULPRIT, i)] = lane.culprit;
    }
    state[at(ROW_TAU, i)] = lane.tau;
    store_stepping(i, lane);
    store_segment(i, lane);
}

// ==== shaders/stops.wgsl ====

// Stops: where a segment of the integration ends, and what happens there. Twin of src/cpu/stops.rs.
// A step ends at a stop exactly. Then callbacks fire, each on what the one before has left, and the right-hand side, which
// may have jumped, is evaluated anew.

// What a few roundings may take from times up to the end of the segment; nothing where the right-hand side does not jump in
// time: it would shift all times to one side.
fn time_slack(lane: ptr<function, Lane>) -> real {
    if !JUMPS_IN_TIME {
        return real_of(0.0);
    }
    let t = real_abs(add((*lane).t0, (*lane).tau));
    return mul(real_of(4.0f * REAL_EPSILON), greater(t, (*lane).tau_stop));
}

// The step that the times of its stages are taken with: just short of a stop, where the right-hand side may jump.
fn time_step(lane: ptr<function, Lane>, attempt: Attempt) -> real {
    if HAS_STOPS && attempt.is_last {
        return sub(attempt.h, time_slack(lane));
    }
    return attempt.h;
}

// Time as the first stage after a stop sees it: just past the stop.
fn time_after_stop(lane: ptr<function, Lane>) -> real {
    return add(add((*lane).t0, (*lane).tau), time_slack(lane));
}

// Where the segment ends: the next stop, or the end.
fn next_stop(lane: ptr<function, Lane>, i: u32) -> real {
    var tau_stop = (*lane).span;
    if HAS_STOPS && (*lane).next_cut < config.n_cut {
        tau_stop = lesser(cut_time(lane), tau_stop);
    }
    if HAS_STOPS && (*lane).next_own_stop < N_OWN_STOP {
        tau_stop = lesser(own_stop_time(lane, i), tau_stop);
    }
    return tau_stop;
}

// Sets out for the next stop, or for the end.
fn depart(lane: ptr<function, Lane>, i: u32) {
    (*lane).tau_segment = (*lane).tau;
    (*lane).first_step = (*lane).accepted;
    (*lane).tau_stop = next_stop(lane, i);
    (*lane).last_step = (*lane).first_step + segment_steps(lane);
}

fn cut_time(lane: ptr<function, Lane>) -> real {
    return times[config.first_cut + (*lane).next_cut];
}

fn own_stop_time(lane: ptr<function, Lane>, i: u32) -> real {
    return params[at(PARAM_ROW_OWN_STOP + (*lane).next_own_stop, i)];
}

// Fires the callbacks that are due, one after the other, and tells whether there was any; what rounding took from a state
// that is set is nothing.
fn fire_due(lane: ptr<function, Lane>, i: u32, y: ptr<function, State>, low: ptr<function, Low>, p: Params) -> bool {
    let t = add((*lane).t0, (*lane).tau);
    var fired = false;
    while (*lane).next_cut < config.n_cut && less_equal(cut_time(lane), (*lane).tau_stop) {
        let callback = to_u32(times[config.first_cut + config.n_cut + (*lane).next_cut]);
        fire(callback, t, y, low, p);
        fired = fired || callback != 0u;
        (*lane).next_cut += 1u;
    }
    while (*lane).next_own_stop < N_OWN_STOP && less_equal(own_stop_time(lane, i), (*lane).tau_stop) {
        (*lane).next_own_stop += 1u;
    }
    return fired;
}

// What happens at t0, where callbacks may fire too.
fn pass_start(lane: ptr<function, Lane>, i: u32, y: ptr<function, State>, low: ptr<function, Low>, p: Params) {
    if HAS_STOPS && config.n_cut > 0u && less_equal(cut_time(lane), real_of(0.0)) {
        save_start(lane, i, *y, p);
        fire_due(lane, i, y, low, p);
    }
    depart(lane, i);
}

// What happens at the end of a segment, that of the last one too.
fn pass_stop(lane: ptr<function, Lane>, i: u32, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params) {
    if fire_due(lane, i, y, low, p) {
        save_fired(lane, i, *y, p);
    }
    var culprit = first_non_finite(*y);
    if culprit == 0u {
        if (*lane).status != STATUS_RUNNING {
            return;
        }
        *k1 = rhs(time_after_stop(lane), *y, p);
        culprit = first_non_finite(*k1);
    }
    if culprit != 0u {
        (*lane).status = STATUS_NON_FINITE;
        (*lane).culprit = select((*lane).culprit, culprit, (*lane).culprit == 0u);
    }
    depart(lane, i);
}

// ==== shaders/save.wgsl ====

// Saved values of one trajectory. Twin of src/cpu/save.rs; save_until is in save_until.wgsl, or in save_until_dense.wgsl where
// dense output uses stages of its own.

// Writes the state at t0 where it is asked for.
fn save_start(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if SAVES_END {
        return;
    }
    let is_first_step = SAVES_STEPS && (*lane).n_saved == 0u;
    if is_first_step || less_equal((*lane).t_save, real_of(0.0)) {
        write_row(lane, i, real_of(0.0), y, p);
    }
}

// Whether the next save time lies in an accepted step, its end included; what is saved after callbacks have fired does not.
fn holds_save(lane: ptr<function, Lane>, attempt: Attempt) -> bool {
    let since = sub(sub((*lane).t_save, (*lane).tau), (*lane).tau_low);
    let is_reached = less_equal(since, attempt.h) || (attempt.is_last && less_equal((*lane).t_save, (*lane).tau_stop));
    return !SAVES_STEPS && !less((*lane).t_save, real_of(0.0)) && is_reached;
}

// Writes the state after the step that ends the span, where nothing else is saved: whatever times round to, no other does.
fn save_end(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y1_candidate: State, p: Params) {
    if attempt.is_last && less_equal((*lane).t_save, (*lane).tau_stop) {
        write_row(lane, i, (*lane).t_save, y1_candidate, p);
    }
}

// Writes the state after a step, where every step is saved.
fn save_step(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    if SAVES_STEPS {
        write_row(lane, i, (*lane).tau, y, p);
    }
}

// Writes the state after callbacks have fired, where it is asked for.
fn save_fired(lane: ptr<function, Lane>, i: u32, y: State, p: Params) {
    while less((*lane).t_save, real_of(0.0)) {
        write_row(lane, i, (*lane).tau, y, p);
        if SAVES_STEPS {
            return;
        }
    }
}

fn write_row(lane: ptr<function, Lane>, i: u32, tau: real, y: State, p: Params) {
    let index = (*lane).n_saved;
    if SAVES_STEPS {
        if index >= config.n_save {
            (*lane).status = STATUS_SAVE_LIMIT;
            return;
        }
        saved[at(config.n_save * N_ROW + index, i)] = tau;
    }
    let culprit = save_row(index, i, add((*lane).t0, tau), y, p);
    (*lane).culprit = select((*lane).culprit, culprit, (*lane).culprit == 0u);
    (*lane).n_saved += 1u;
    (*lane).t_save = next_save_time((*lane).n_saved, i);
}

// ==== shaders/save_until.wgsl ====

// Save times inside a step, of one trajectory. Twin of save_until in src/cpu/save.rs.
// They lie anywhere; the interpolant gives the state there and never changes the steps.

// Writes every save time up to the end of an accepted step, but for what is saved after callbacks have fired.
fn save_until(lane: ptr<function, Lane>, i: u32, attempt: Attempt, y: State, step: Step, p: Params) {
    if !holds_save(lane, attempt) {
        return;
    }
    loop {
        let t_save = (*lane).t_save;
        let since = sub(sub(t_save, (*lane).tau), (*lane).tau_low);
        var y_save = step.y1_candidate;
        if !less_equal(attempt.h, since) {
            y_save = interpolate(y, step, attempt.h, div(since, attempt.h));
        }
        write_row(lane, i, t_save, y_save, p);
        if !holds_save(lane, attempt) {
            return;
        }
    }
}

// ==== shaders/powers_built_in.wgsl ====

// Powers of 2 for the step-size control, where the adapter's own are good enough: WGSL promises log2 to 3 ulp (2^-21 between
// 0.5 and 2) and exp2 to 3 + 2|x| ulp, which moves a step size by less than 1e-5 of it, and no result.

fn control_log2(x: f32) -> f32 {
    return log2(x);
}

fn control_exp2(x: f32) -> f32 {
    return exp2(x);
}

// ==== shaders/controller.wgsl ====

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

// ==== shaders/integrate_adaptive.wgsl ====

// Adaptive steps: how a lane begins, tries and ends a step. Twin of src/cpu/integrate_adaptive.rs.
// Time is the offset tau from t0 with the rounding of its sum kept in tau_low, so that many small steps add up.

// What a lane carries from dispatch to dispatch for its step size.
fn load_stepping(i: u32, lane: ptr<function, Lane>) {
    if (*lane).started {
        (*lane).tau = state[at(ROW_TAU, i)];
        (*lane).tau_low = state[at(ROW_TAU_LOW, i)];
        (*lane).dt = state[at(ROW_DT, i)];
        (*lane).err_prev = to_f32(state[at(ROW_ERR_PREV, i)]);
    }
}

fn store_stepping(i: u32, lane: Lane) {
    if lane.status == STATUS_RUNNING {
        state[at(ROW_TAU_LOW, i)] = lane.tau_low;
        state[at(ROW_DT, i)] = lane.dt;
        state[at(ROW_ERR_PREV, i)] = real_of(lane.err_prev);
    }
}

// The first step size, where none is given.
fn first_dt(t0: real, span: real, y: State, k1: State, p: Params) -> real {
    if FIRST_STEP_GIVEN || less(real_of(0.0), config.dt) {
        return config.dt;
    }
    let d0 = scaled_norm_sq(y, y);
    let d1 = scaled_norm_sq(k1, y);
    let most = lesser(span, config.dt_max);
    let h0 = initial_dt_first(most, d0, d1);
    let f1 = rhs(add(t0, h0), add_scaled(y, h0, k1), p);
    return initial_dt(most, h0, d1, scaled_norm_sq(add_scaled(f1, real_of(-1.0), k1), y));
}

// Adaptive steps have no numbers.
fn segment_steps(lane: ptr<function, Lane>) -> u32 {
    return 0u;
}

// What a step may be longer than it should: where a largest step divides the distance of stops, what is left after the last
// one would be a step of rounding alone. A thousandth covers that in any format, and is nothing to the controller, which
// aims a tenth lower than it might.
fn stretched(dt: real) -> real {
    return mul(real_of(1.001f), dt);
}

// The mean square of the errors of a step in tolerance units, and the sum of the magnitudes of its candidate.
struct QuietNorm {
    sq: real,
    size: f32,
}

// The smallest step that time resolves between two offsets from t0, or that is asked for.
fn smallest_step(t0: real, tau: real, tau_far: real) -> real {
    let t = greater(real_abs(add(t0, tau)), real_abs(add(t0, tau_far)));
    return greater(config.dt_min, mul(real_of(REAL_EPSILON), t));
}

// The offset from t0 that quiet steps stay short of: that of the next save time or the end of the segment.
fn quiet_end(lane: ptr<function, Lane>) -> real {
    let t_save = (*lane).t_save;
    return select(lesser(t_save, (*lane).tau_stop), (*lane).tau_stop, less(t_save, real_of(0.0)));
}

// Whether the next step stays short of an offset from t0, and may be rejected without coming to the smallest one.
fn is_quiet(lane: ptr<function, Lane>, tau_end: real, dt_least: real) -> bool {
    let left = sub(sub(tau_end, (*lane).tau), (*lane).tau_low);
    return less(stretched((*lane).dt), left) & less(dt_least, (*lane).dt);
}

// Tries the next steps that neither save nor end, at most budget of them, with nothing else in the loop: some devices
// execute rare work, masked, even when no lane needs it. Returns how many. Each of them does what a step that is looked at in
// every way would do, bit for bit; one that needs that look is left to the caller, untouched: one whose norm is NaN or huge,
// whose candidate may not be finite, or whose errors may be within the rounding of the state.
fn quiet_steps(lane: ptr<function, Lane>, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>, p: Params, budget: u32) -> u32 {
    if SAVES_STEPS {
        return 0u;
    }
    let settings = config;
    let tolerances = load_tolerances();
    let before = (*lane).accepted + (*lane).rejected;
    let most = min(config.max_steps, before + budget);
    let most_size = quiet_size(*y, tolerances);
    let tau_end = quiet_end(lane);
    let dt_least = stretched(smallest_step((*lane).t0, (*lane).tau, tau_end));
    // The loop asks at its end whether it goes on: devices that mask lanes would do a last round for nothing.
    if before < most && 0.0f < most_size && is_quiet(lane, tau_end, dt_least) {
        loop {
            let h = (*lane).dt;
            let step = rk_step(add((*lane).t0, (*lane).tau), *y, *low, *k1, p, weights(h), h);
            let norm = quiet_norm_sq(*y, step, h, tolerances);
            if !(less(norm.sq, real_of(1e30)) & (norm.size < most_size)) {
                break;
            }
            let decision = control(settings, norm.sq, true, h, (*lane).err_prev, (*lane).after_rejection);
            (*lane).dt = decision.dt;
            (*lane).err_prev = decision.err_prev;
            (*lane).after_rejection = !decision.accept;
            take_step(decision.accept, step, y, low, k1);
            advance_if(decision.accept, lane, h);
            (*lane).rejected += select(1u, 0u, decision.accept);
            if ((*lane).accepted + (*lane).rejected >= most) | !is_quiet(lane, tau_end, dt_least) {
                break;
            }
        }
    }
    if (*lane).after_rejection {
        (*lane).dt = greater((*lane).dt, smallest_step((*lane).t0, (*lane).tau, (*lane).tau));
    }
    return (*lane).accepted + (*lane).rejected - before;
}

// Chooses the size of the next step: dt, or what is left of the segment.
fn begin_step(lane: ptr<function, Lane>) -> Attempt {
    let left = sub(sub((*lane).tau_stop, (*lane).tau), (*lane).tau_low);
    let is_last = less_equal(left, stretched((*lane).dt));
    return Attempt(select((*lane).dt, left, is_last), is_last);
}

// Accepts or rejects the step, and sets the next dt; culprit tells what is not finite in the candidate. A step that
// would be rejected for errors within the rounding of y alone chases noise: it ends the trajectory.
fn end_step(lane: ptr<function, Lane>, attempt: Attempt, norm: ErrorNorm, culprit: u32) -> bool {
    let finite = culprit == 0u;
    let decision = control(config, norm.sq, finite, attempt.h, (*lane).err_prev, (*lane).after_rejection);
    // A step that a stop has cut short says little of how long the next one may be.
    (*lane).dt = select(decision.dt, greater(decision.dt, (*lane).dt), decision.accept && attempt.is_last);
    (*lane).err_prev = decision.err_prev;
    (*lane).after_rejection = !decision.accept;
    if !decision.accept {
        (*lane).rejected += 1u;
        let smallest = smallest_step((*lane).t0, (*lane).tau, (*lane).tau);
        if !less(stretched(smallest), attempt.h) {
            (*lane).status = select(STATUS_NON_FINITE, STATUS_DT_UNDERFLOW, finite);
            (*lane).culprit = select(culprit, (*lane).culprit, finite);
        }
        if finite && less(real_of(1.0), norm.noise_sq) {
            (*lane).status = STATUS_TOLERANCE_NOT_REACHABLE;
        }
        (*lane).dt = greater((*lane).dt, smallest);
    }
    return decision.accept;
}

// Moves time past an accepted step.
fn advance(lane: ptr<function, Lane>, attempt: Attempt) {
    if attempt.is_last {
        (*lane).accepted += 1u;
        (*lane).tau = (*lane).tau_stop;
        (*lane).tau_low = real_of(0.0);
        (*lane).status = select(STATUS_SUCCESS, STATUS_RUNNING, less((*lane).tau_stop, (*lane).span));
        return;
    }
    advance_if(true, lane, attempt.h);
}

// Moves time past a step that does not end the segment, if it is accepted.
fn advance_if(accept: bool, lane: ptr<function, Lane>, h: real) {
    // T. Dekker's fast two-sum, Numer. Math. 18 (1971) 224-242: exact for |tau| >= |small| and harmless else.
    let small = opaque(add(h, (*lane).tau_low));
    let tau = opaque(add((*lane).tau, small));
    let tau_low = sub(small, opaque(sub(tau, (*lane).tau)));
    (*lane).tau_low = select((*lane).tau_low, tau_low, accept);
    (*lane).tau = select((*lane).tau, tau, accept);
    (*lane).accepted += select(0u, 1u, accept);
}

// ==== shaders/drive.wgsl ====

// The loop over steps of one trajectory. Twin of src/cpu/drive.rs, where a block of lanes steps together.
// A dispatch attempts so many steps of each unfinished trajectory; what is unfinished then rests in the buffers until the
// next one, and shaders/compact.wgsl lists it.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let place = id.x + id.y * groups.x * WORKGROUP_SIZE;
    if place >= unfinished[0] {
        return;
    }
    var i = place;
    if unfinished[LIST_ALL] == 0u {
        i = unfinished[LIST_HEADER + place];
    }
    let slice_steps = unfinished[LIST_STEPS];
    var lane = load_lane(i);
    let p = load_params(i);
    var y = load_y(i);
    var low = load_low(i);
    var k1: State;
    if lane.started {
        k1 = load_k1(i);
    } else {
        pass_start(&lane, i, &y, &low, p);
        k1 = rhs(lane.t0, y, p);
        var culprit = first_non_finite(y);
        culprit = select(culprit, first_non_finite(k1), culprit == 0u);
        if culprit == 0u {
            lane.dt = first_dt(lane.t0, lane.span, y, k1, p);
        } else {
            lane.status = STATUS_NON_FINITE;
            lane.culprit = select(lane.culprit, culprit, lane.culprit == 0u);
        }
        save_start(&lane, i, y, p);
    }
    var n = 0u;
    // The loop asks at its end whether it goes on: devices that mask lanes would do a last round for nothing.
    loop {
        n += quiet_steps(&lane, &y, &low, &k1, p, select(0u, slice_steps - n, lane.status == STATUS_RUNNING));
        var at_stop = false;
        if n < slice_steps && lane.status == STATUS_RUNNING && lane.accepted + lane.rejected < config.max_steps {
            n += 1u;
            let attempt = begin_step(&lane);
            let h_time = time_step(&lane, attempt);
            let step = rk_step(add(lane.t0, lane.tau), y, low, k1, p, weights(attempt.h), h_time);
            let culprit = first_non_finite(step.y1_candidate);
            if end_step(&lane, attempt, error_norm_sq(y, step, attempt.h), culprit) {
                if SAVES_END {
                    save_end(&lane, i, attempt, step.y1_candidate, p);
                } else {
                    save_until(&lane, i, attempt, y, step, p);
                }
                advance(&lane, attempt);
                y = step.y1_candidate;
                low = step.low;
                k1 = last_stage(step);
                save_step(&lane, i, y, p);
                at_stop = attempt.is_last;
            }
        }
        if lane.status == STATUS_RUNNING && lane.accepted + lane.rejected >= config.max_steps {
            lane.status = STATUS_STEP_LIMIT;
        }
        if HAS_STOPS && at_stop && (lane.status == STATUS_RUNNING || lane.status == STATUS_SUCCESS) {
            pass_stop(&lane, i, &y, &low, &k1, p);
        }
        if n >= slice_steps || lane.status != STATUS_RUNNING {
            break;
        }
    }
    if lane.status == STATUS_SUCCESS && lane.culprit != 0u {
        lane.status = STATUS_NON_FINITE;
    }
    store_lane(i, lane, n);
    store_y(i, y);
    // A trajectory that has ended takes no further step.
    if lane.status == STATUS_RUNNING {
        store_low(i, low);
        store_k1(i, k1);
    }
}

// ==== shaders/math/f32.wgsl ====

// The numbers of math/*.wgsl that depend on the format, here f32: widths, masks, thresholds, polynomials.
//
// Twin of src/math/f32.rs. `real` is an alias of f32; f64.wgsl has the same names for f64.

alias bits = u32;
alias ibits = i32;

const MATH_MANTISSA_BITS: u32 = 23u;
const MATH_BIAS: i32 = 127;
const MATH_SIGN_BIT: bits = 0x80000000u;
const MATH_ABS_BITS: bits = 0x7fffffffu;
const MATH_INF_BITS: bits = 0x7f800000u;
const MATH_NAN_BITS: bits = 0x7fc00000u;
const MATH_MANTISSA_MASK: bits = 0x007fffffu;
// Bits of the smallest normal number, which are also the mantissa's implicit one.
const MATH_NORMAL_BITS: bits = 0x00800000u;
// Keeps 12 of 24 bits: the product of two heads is exact.
const MATH_HEAD_MASK: bits = 0xfffff000u;
const MATH_SEAL_MASK: bits = 0xfffffffeu;

// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits of the sum.
const MATH_SHIFTER: real = 12582912.0;
const MATH_SHIFTER_BITS: bits = 0x4b400000u;

// ---- exponentials, logarithms, powers ----

const MATH_LOG2_E: real = 1.44269502;
const MATH_LN2: real = 0.693147182;
// ln 2 in a part of 15 bits, whose product with an exponent is exact, and the rest.
const MATH_LN2_HEAD: real = 0.693145751953125;
const MATH_LN2_TAIL: real = 1.42860677e-6;
// ln 2 in a part of 12 bits, whose product with a head is exact, and the rest.
const MATH_LN2_SHORT: real = 0.693115234375;
const MATH_LN2_SHORT_TAIL: real = 3.19461833e-5;
// log2(e), log10(e) and 2 / (3 ln 2) likewise; log10(2) as ln 2 above.
const MATH_LOG2_E_HEAD: real = 1.4423828125;
const MATH_LOG2_E_TAIL: real = 0.000312228396;
const MATH_LOG10_E: real = 0.434294492;
const MATH_LOG10_E_HEAD: real = 0.4342041015625;
const MATH_LOG10_E_TAIL: real = 9.03803375e-5;
const MATH_TWO_THIRDS_LOG2_E: real = 0.961796701;
const MATH_TWO_THIRDS_LOG2_E_HEAD: real = 0.961669921875;
const MATH_TWO_THIRDS_LOG2_E_TAIL: real = 0.000126772051;
const MATH_LOG10_2_HEAD: real = 0.301025390625;
const MATH_LOG10_2_TAIL: real = 4.60503907e-6;

// Added and taken away again, it leaves a multiple of 2^-10 with the last bit sealed.
const MATH_EXP_GRID: real = 6144.0;
// Beyond these e^x / 2 overflows, and e^x is less than half the least subnormal.
const MATH_EXP_OVER: real = 90.0;
const MATH_EXP_UNDER: real = -105.0;
// The same for 2^x.
const MATH_EXP2_OVER: real = 130.0;
const MATH_EXP2_UNDER: real = -151.0;
// Below it e^x - 1 rounds to -1.
const MATH_EXPM1_UNDER: real = -17.5;
// Exponents from which math_scale takes two steps.
const MATH_SCALE_LOW: i32 = -60;
// From here on tanh rounds to 1.
const MATH_TANH_ONE: real = 10.0;
// Below 2^-25 expm1(x) and log1p(x) round to x.
const MATH_TINY: real = 2.98023224e-8;

// Bits of sqrt(1/2): the mantissa of a logarithm lies in [sqrt(1/2), sqrt(2)).
const MATH_SQRT_HALF_BITS: bits = 0x3f3504f3u;
// A subnormal number is a whole number of 2^-149.
const MATH_SUBNORMAL_SHIFT: i32 = 149;
// Above it asinh and acosh are log(2x).
const MATH_ASINH_LARGE: real = 4096.0;
// As an exponent it takes every base other than 1 out of the range.
const MATH_POW_BOUND: real = 4294967296.0;

// A subnormal number times 2^150 is its bits shifted by this; 2^-50.
const MATH_CBRT_SHIFT: u32 = 1u;
const MATH_CBRT_TINY: real = 8.881784197001252e-16;
// Kahan's constant: adding it to a third of the bits gives the root to 3.2 %.
const MATH_CBRT_START: bits = 0x2a5119f2u;
// hypot scales by these powers of two where the squares would leave the range.
const MATH_HYPOT_SMALL: real = 8.881784197001252e-16;
const MATH_HYPOT_LARGE: real = 4.611686018427388e18;
const MATH_HYPOT_GROW: real = 1.2379400392853803e27;
const MATH_HYPOT_SHRINK: real = 1.3552527156068805e-20;

// Minimax polynomials; the relative error of the function they serve is below 2^-26.

// (e^r - 1 - r) / r^2 for |r| < 0.3468.
fn math_exp_series(r: real) -> real {
    var p: real = 0.00138704211;
    p = p * r + 0.00836628862;
    p = p * r + 0.041667439;
    p = p * r + 0.166665465;
    p = p * r + 0.49999997;
    return p;
}

// (sinh(a) / a - 1) / z for z = a^2 < 1.
fn math_sinh_series(z: real) -> real {
    var p: real = 2.78221319e-6;
    p = p * z + 0.000198428956;
    p = p * z + 0.00833331048;
    p = p * z + 0.166666672;
    return p;
}

// (tanh(a) / a - 1) / z for z = a^2 < 0.391.
fn math_tanh_series(z: real) -> real {
    var p: real = -0.00569403311;
    p = p * z + 0.0206293892;
    p = p * z - 0.0537367724;
    p = p * z + 0.133314073;
    p = p * z - 0.333332807;
    return p;
}

// log(1 + f) - f + f^2/2 for the mantissas of a logarithm; square is f^2.
fn math_log_rest(f: real, square: real) -> real {
    var cubic: real = -0.0763639957;
    cubic = cubic * f + 0.127621993;
    cubic = cubic * f - 0.131596133;
    cubic = cubic * f + 0.142015815;
    cubic = cubic * f - 0.166234091;
    cubic = cubic * f + 0.200012416;
    cubic = cubic * f - 0.250008196;
    cubic = cubic * f + 0.333333313;
    return f * square * cubic;
}

// (3 atanh(s) / s - 3 - z) / z^2 for z = s^2 < 0.02944.
fn math_log2_series(z: real) -> real {
    var p: real = 0.293391943;
    p = p * z + 0.332694232;
    p = p * z + 0.428579599;
    p = p * z + 0.599999964;
    return p;
}

// 1 / cbrt(r) for 0.9095 < r < 1.0995.
fn math_cbrt_series(r: real) -> real {
    var p: real = 0.221253842;
    p = p * r - 0.77700156;
    p = p * r + 1.5557512;
    return p;
}

// ==== shaders/math/trig_f32.wgsl ====

// The numbers of trig, inverse_trig and remainder that depend on the format, here f32. Twin of src/math/trig_f32.rs.
//
// Fits are minimax, their coefficients rounded one by one, the lowest first, and the rest fitted again.

const MATH_WORD_BITS: u32 = 32u;
const MATH_HALF_WORD_MASK: bits = 0xffffu;

fn math_leading_zeros(x: bits) -> u32 {
    return countLeadingZeros(x);
}

// Quadrants in a radian, 2/pi.
const MATH_QUADRANTS: real = 0.636619772;

// pi/2 = FIRST * 2^-24 + SECOND * 2^-44 + THIRD. Below 6400 there are fewer than 4096 quadrants, whose product with
// SECOND fits a word.
const MATH_SMALL_ANGLE: real = 6400.0;
const MATH_HALF_PI_FIRST: bits = 26353589u;
const MATH_HALF_PI_SECOND: bits = 279597u;
const MATH_HALF_PI_THIRD: real = 5.39030286e-15;
const MATH_FIRST_UNIT: real = 5.96046448e-8;
const MATH_SECOND_UNIT: real = 5.68434189e-14;
const MATH_SECOND_BITS: u32 = 20u;
const MATH_SECOND_MASK: bits = 0xfffffu;

// For a < MATH_SMALL_ANGLE. a is taken in units of half its last place at 1, modulo one word, and so is the multiple of
// pi/2: integers cannot be regrouped, and the part that cancels is exact. Close to a multiple the second part of pi/2
// joins the head, since the first is then nearly nothing.
fn math_angle_small(a: real) -> MathAngle {
    let k = bitcast<bits>(a * MATH_QUADRANTS + MATH_SHIFTER) - MATH_SHIFTER_BITS;
    let word = bitcast<bits>(a);
    let left = u32(i32(word >> MATH_MANTISSA_BITS) - (MATH_BIAS - 1)) & (MATH_WORD_BITS - 1u);
    let fixed = ((word & MATH_MANTISSA_MASK) | MATH_NORMAL_BITS) << left;
    let second = k * MATH_HALF_PI_SECOND;
    let difference = fixed - k * MATH_HALF_PI_FIRST - (second >> MATH_SECOND_BITS);
    let first = real(bitcast<ibits>(difference)) * MATH_FIRST_UNIT;
    let next = real(second & MATH_SECOND_MASK) * MATH_SECOND_UNIT;
    let moved = select(real(0.0), next, difference + 15 < 31);
    let reduced = select(first - moved, a, k == 0);
    return MathAngle(k, reduced, (moved - next) - real(k) * MATH_HALF_PI_THIRD);
}

// A word of 2/pi, with one word of zeros in front.
fn math_two_over_pi(index: u32) -> bits {
    let i = index + 1u;
    return tables.two_over_pi[i >> 2u][i & 3u];
}

// For a number with biased exponent e the bits of 2/pi that matter begin at bit e - WINDOW_START.
const MATH_WINDOW_START: u32 = 120u;
const MATH_WINDOW_WORD_SHIFT: u32 = 5u;

// A reduced angle of one word is split into 12 bits, whose product with the 9 bits of HALF_PI_HEAD is exact, and 20.
const MATH_ANGLE_TOP_MASK: bits = 0xfff00000u;
const MATH_HALF_PI: real = 1.57079637;
const MATH_HALF_PI_HEAD: real = 1.5703125;
const MATH_HALF_PI_TAIL: real = 4.83826792e-4;

// pi/4 in a part of 20 bits, whose multiples are exact, and the rest.
const MATH_QUARTER_PI_HEAD: real = 0.785397529602051;
const MATH_QUARTER_PI_TAIL: real = 6.33795400e-7;

// Below LEAST a divisor is scaled up, and above MOST down, to where it and its inverse are normal.
const MATH_DIVISOR_LEAST: real = 8.8817842e-16;
const MATH_DIVISOR_MOST: real = 1.0e37;
const MATH_DIVISOR_GROWTH: real = 1.2379400392853803e27; // 2^90

// On |r| < 0.7858, with z = r^2: sin r = r + r z S(z), cos r = 1 - z/2 + z^2 C(z).
fn math_sin_series(z: real) -> real {
    var p: real = -0.000195185974;
    p = p * z + 0.00833219104;
    p = p * z - 0.166666552;
    return p;
}

fn math_cos_series(z: real) -> real {
    var p: real = 2.44325511e-5;
    p = p * z - 0.00138873106;
    p = p * z + 0.0416666456;
    return p;
}

// On |t| <= 0.6, with z = t^2: atan t = t + t z A(z).
fn math_atan_series(z: real) -> real {
    var p: real = 0.0295022819;
    p = p * z - 0.0723093227;
    p = p * z + 0.10711512;
    p = p * z - 0.142403141;
    p = p * z + 0.199975744;
    p = p * z - 0.333332896;
    return p;
}

// On |s| <= 1/2, with z = s^2: asin s = s + s z A(z).
fn math_asin_series(z: real) -> real {
    var p: real = 0.0422807895;
    p = p * z + 0.0241127945;
    p = p * z + 0.0454837717;
    p = p * z + 0.0749519169;
    p = p * z + 0.166667551;
    return p;
}

// ==== shaders/math/bits.wgsl ====

// What the functions of math/*.wgsl do to the bits of a number. Twin of src/math/bits.rs.
//
// Only + - * /, sqrt, abs, floor, ceil, trunc, round, select and integer operations are used, so the quality of a
// device's sin, exp or pow does not matter. A WGSL compiler may regroup sums and fuse products, which cancels the usual
// error terms. So the heads of a reduction are cut off by a bit mask, a grid or integers, and the differences of heads
// are exact in any order.

// A number as the sum of a head of few bits and a small tail.
struct MathParts { head: real, tail: real }

// Infinities and NaN come through a function: as constant expressions they are shader errors.
fn math_from_bits(x: bits) -> real {
    return bitcast<real>(x);
}

// By bits, since compilers may assume that NaN does not occur and drop x != x.
fn math_is_nan(x: real) -> bool {
    return (bitcast<bits>(x) & MATH_ABS_BITS) > MATH_INF_BITS;
}

fn math_is_inf(x: real) -> bool {
    return (bitcast<bits>(x) & MATH_ABS_BITS) == MATH_INF_BITS;
}

// The leading half of the bits: the product of two heads is exact.
fn math_head(x: real) -> real {
    return bitcast<real>(bitcast<bits>(x) & MATH_HEAD_MASK);
}

// Drops the last bit. On the exact difference of two heads nothing is lost, but the compiler cannot regroup across it.
fn math_seal(x: real) -> real {
    return bitcast<real>(bitcast<bits>(x) & MATH_SEAL_MASK);
}

// magnitude >= 0 or NaN.
fn math_with_sign(magnitude: real, sign_source: real) -> real {
    return bitcast<real>(bitcast<bits>(magnitude) ^ (bitcast<bits>(sign_source) & MATH_SIGN_BIT));
}

// The whole number nearest to x as a number, from x + SHIFTER: by way of an integer, so that nothing cancels the shift.
fn math_shifted_real(x: real) -> real {
    return real(math_shifted_whole(x));
}

// The whole number nearest to x from x + MATH_SHIFTER.
fn math_shifted_whole(x: real) -> i32 {
    return i32(bitcast<bits>(x) - MATH_SHIFTER_BITS);
}

// 2^k for the exponents k of normal numbers; 0 below.
fn math_two_to(k: i32) -> real {
    return bitcast<real>(bits(clamp(k, -MATH_BIAS, MATH_BIAS) + MATH_BIAS) << MATH_MANTISSA_BITS);
}

// ==== shaders/math/round.wgsl ====

// Comparison and rounding of math/*.wgsl, and the square root. Twin of src/math/round.rs.

fn math_abs(x: real) -> real {
    return abs(x);
}

fn math_sign(x: real) -> real {
    return select(select(select(x, real(-1.0), x < 0.0), real(1.0), x > 0.0), x, math_is_nan(x));
}

// NaN wins: the builtin leaves the choice to the device.
fn math_min(a: real, b: real) -> real {
    return select(select(select(b, a, a < b), b, math_is_nan(b)), a, math_is_nan(a));
}

fn math_max(a: real, b: real) -> real {
    return select(select(select(b, a, a > b), b, math_is_nan(b)), a, math_is_nan(a));
}

fn math_floor(x: real) -> real {
    return floor(x);
}

fn math_ceil(x: real) -> real {
    return ceil(x);
}

// By floor, since the builtin in f64 loses the sign of zero on some drivers, and fractions of large numbers.
fn math_trunc(x: real) -> real {
    return math_with_sign(floor(abs(x)), x);
}

// Half to even; by floor for the same reason. The fraction is exact.
fn math_round(x: real) -> real {
    let a = abs(x);
    let whole = floor(a);
    let fraction = a - whole;
    let odd = 2.0 * floor(0.5 * whole) < whole;
    let up = fraction > 0.5 || (fraction == 0.5 && odd);
    return math_with_sign(select(whole, whole + 1.0, up), x);
}

fn math_sqrt(x: real) -> real {
    return sqrt(x);
}

// ==== shaders/math/exp.wgsl ====

// The exponential and hyperbolic functions of math/*.wgsl. Twin of src/math/exp.rs.
//
// The argument is reduced by a multiple k of ln 2 that is held in two parts [Cody and Waite, Software Manual for the
// Elementary Functions, 1980, chapter 6]; a polynomial does the rest. No function forms a power of two that is not
// normal.

// A power 2^k * (1 + head + low + curve): head on a grid of 2^-10, low below that, curve the higher powers. 1 + head is
// exact, so the last sum is the only large rounding.
struct MathPower { k: i32, head: real, low: real, curve: real }

// 2^k * e^(reduced + rest) for |reduced + rest| < 0.3468 and a small rest. Head and low are opaque: nothing can bring
// the two parts of ln 2 together again.
fn math_power(k: i32, reduced: real, rest: real) -> MathPower {
    let head = math_seal(math_seal(reduced + MATH_EXP_GRID) - MATH_EXP_GRID);
    let low = math_seal(reduced - head);
    let r = math_seal(reduced) + rest;
    return MathPower(k, head, low, r * r * math_exp_series(r) + rest);
}

fn math_exp_power(x: real) -> MathPower {
    let shifted = x * MATH_LOG2_E + MATH_SHIFTER;
    let whole = math_shifted_real(shifted);
    return math_power(math_shifted_whole(shifted), x - whole * MATH_LN2_HEAD, -(whole * MATH_LN2_TAIL));
}

// 2^(k + f + tail) for |f + tail| <= 1/2 and a small tail.
fn math_exp2_power(k: i32, f: real, tail: real) -> MathPower {
    let cut = math_head(f);
    let rest = ((f - cut) + tail) * MATH_LN2 + cut * MATH_LN2_SHORT_TAIL;
    return math_power(k, cut * MATH_LN2_SHORT, rest);
}

// y * 2^k for 0.1 < y < 4 and exponents up to a little outside the range, to infinity on overflow.
fn math_scale(y: real, k: i32) -> real {
    let low = k < MATH_SCALE_LOW;
    let shift = select(k, k + 64, low);
    let scaled = bitcast<bits>(y) + (bits(shift) << MATH_MANTISSA_BITS);
    return bitcast<real>(min(scaled, MATH_INF_BITS)) * select(real(1.0), real(5.421010862427522e-20), low);
}

// The value of a power times 2^shift.
fn math_power_value(p: MathPower, shift: i32) -> real {
    return math_scale((1.0 + p.head) + (p.low + p.curve), p.k + shift);
}

// exp(x) * 2^shift without overflow in between; shift is 0 or -1.
fn math_exp_shifted(x: real, shift: i32) -> real {
    let y = math_power_value(math_exp_power(x), shift);
    let bounded = select(select(y, real(0.0), x < MATH_EXP_UNDER), math_from_bits(MATH_INF_BITS), x > MATH_EXP_OVER);
    return select(bounded, x, math_is_nan(x));
}

fn math_exp(x: real) -> real {
    return math_exp_shifted(x, 0);
}

fn math_exp2(x: real) -> real {
    let k = math_shifted_whole(x + MATH_SHIFTER);
    let y = math_power_value(math_exp2_power(k, x - real(k), real(0.0)), 0);
    let bounded = select(select(y, real(0.0), x < MATH_EXP2_UNDER), math_from_bits(MATH_INF_BITS), x > MATH_EXP2_OVER);
    return select(bounded, x, math_is_nan(x));
}

// 2^k * ((1 - 2^-k) + expm1(r)): the first bracket is exact wherever it matters. For k = 0, x is head + low unsealed.
fn math_expm1(x: real) -> real {
    let p = math_exp_power(x);
    let inverse = math_two_to(-p.k);
    let sum = select(((1.0 - inverse) + p.head) + (p.low + p.curve), x + p.curve, p.k == 0);
    let y = select(sum * math_two_to(p.k), math_scale(sum, p.k), p.k > 0);
    let bounded = select(select(y, real(-1.0), x < MATH_EXPM1_UNDER), math_from_bits(MATH_INF_BITS), x > MATH_EXP_OVER);
    return select(bounded, x, abs(x) < MATH_TINY || math_is_nan(x));
}

// Odd fit below 1, where e^x - e^-x cancels.
fn math_sinh(x: real) -> real {
    let a = abs(x);
    let z = a * a;
    let near = a + a * z * math_sinh_series(z);
    let half = math_exp_shifted(a, -1);
    return math_with_sign(select(half - 0.25 / half, near, a < 1.0), x);
}

fn math_cosh(x: real) -> real {
    let half = math_exp_shifted(abs(x), -1);
    return half + 0.25 / half;
}

// Odd fit below 0.625; above it 1 - 2 / (e^2x + 1), with x bounded where the result is 1.
fn math_tanh(x: real) -> real {
    let a = abs(x);
    let z = a * a;
    let near = a + a * z * math_tanh_series(z);
    let far = 1.0 - 2.0 / (math_exp(2.0 * select(MATH_TANH_ONE, a, a < MATH_TANH_ONE)) + 1.0);
    let y = math_with_sign(select(far, near, a < 0.625), x);
    return select(y, x, math_is_nan(x));
}

// ==== shaders/math/log.wgsl ====

// The logarithms and inverse hyperbolic functions of math/*.wgsl. Twin of src/math/log.rs.
//
// x = 2^e * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and a polynomial fit of log(1 + f). The inverse hyperbolic
// functions are log1p of a sum whose rounding error goes along, where a compiler does not cancel it.

// 2^e * (1 + f + low); low is no more than the rounding error of f.
struct MathLog { e: i32, f: real, low: real }

// x > 0 and finite. A subnormal is read as an integer, so that flushing cannot touch it.
fn math_log_split(x: real) -> MathLog {
    let raw = bitcast<bits>(x);
    let tiny = raw < MATH_NORMAL_BITS;
    let above = select(raw, bitcast<bits>(real(raw)), tiny) - MATH_SQRT_HALF_BITS;
    let e = i32(bitcast<ibits>(above) >> MATH_MANTISSA_BITS) - select(0, MATH_SUBNORMAL_SHIFT, tiny);
    return MathLog(e, bitcast<real>((above & MATH_MANTISSA_MASK) + MATH_SQRT_HALF_BITS) - 1.0, real(0.0));
}

// e * ln 2 + log(1 + f + low), where low / (1 + f) needs one or two digits only.
fn math_log_sum(parts: MathLog) -> real {
    let e = real(parts.e);
    let f = parts.f;
    let square = f * f;
    let tail = math_log_rest(f, square) - 0.5 * square;
    let small = e * MATH_LN2_TAIL + (parts.low - parts.low * f);
    return math_seal(e * MATH_LN2_HEAD) + (f + (tail + small));
}

// The special values shared by the logarithms: y where x > 0 is finite.
fn math_log_special(x: real, y: real) -> real {
    let raw = bitcast<bits>(x);
    let positive = select(y, x, raw >= MATH_INF_BITS);
    let oriented = select(positive, math_from_bits(MATH_NAN_BITS), raw > MATH_SIGN_BIT);
    return select(oriented, math_from_bits(MATH_INF_BITS | MATH_SIGN_BIT), (raw & MATH_ABS_BITS) == 0);
}

fn math_log(x: real) -> real {
    return math_log_special(x, math_log_sum(math_log_split(x)));
}

// log(1 + x + low). f = 2^-e * x - (1 - 2^-e) has exact terms, so the rounding of 1 + x needs no correction; below -1/2
// the sum is exact. The difference is exact too, but for the last bit where e = 1.
fn math_log1p_sum(x: real, low: real) -> real {
    let sum = 1.0 + x;
    let above = bitcast<bits>(sum) - MATH_SQRT_HALF_BITS;
    let e = i32(bitcast<ibits>(above) >> MATH_MANTISSA_BITS);
    let inverse = math_two_to(-e);
    let scaled = bitcast<real>(bitcast<bits>(x) - (bits(e) << MATH_MANTISSA_BITS));
    let direct = bitcast<real>((above & MATH_MANTISSA_MASK) + MATH_SQRT_HALF_BITS) - 1.0;
    let f = select(select(scaled - (1.0 - inverse), direct, x < -0.5), x, e == 0);
    let lost = select(real(0.0), scaled - (f + 0.5), e == 1);
    return math_log_special(sum, math_log_sum(MathLog(e, f, lost + low * inverse)));
}

fn math_log1p(x: real) -> real {
    return select(math_log1p_sum(x, real(0.0)), x, abs(x) < MATH_TINY || math_is_nan(x));
}

// log(1 + f) in two parts, for the other bases.
fn math_log_parts(f: real) -> MathParts {
    let square = f * f;
    let half_square = 0.5 * square;
    let head = math_head(f - half_square);
    return MathParts(head, ((f - head) - half_square) + math_log_rest(f, square));
}

fn math_log2(x: real) -> real {
    let split = math_log_split(x);
    let l = math_log_parts(split.f);
    let small = l.tail * MATH_LOG2_E + l.head * MATH_LOG2_E_TAIL;
    return math_log_special(x, real(split.e) + (l.head * MATH_LOG2_E_HEAD + small));
}

fn math_log10(x: real) -> real {
    let split = math_log_split(x);
    let l = math_log_parts(split.f);
    let e = real(split.e);
    let small = e * MATH_LOG10_2_TAIL + (l.tail * MATH_LOG10_E + l.head * MATH_LOG10_E_TAIL);
    return math_log_special(x, math_seal(e * MATH_LOG10_2_HEAD) + (l.head * MATH_LOG10_E_HEAD + small));
}

// 2u for large u, without overflow: log(2u) is one more power of two.
fn math_log_double(u: real) -> real {
    let split = math_log_split(u);
    return math_log_sum(MathLog(split.e + 1, split.f, real(0.0)));
}

// asinh(a + low) for the square of its argument: log1p(a + a^2 / (1 + sqrt(1 + a^2))) has no cancellation at any size.
fn math_asinh_sum(a: real, low: real, square: real) -> real {
    let root = sqrt(1.0 + square);
    let rise = square / (1.0 + root);
    let sum = a + rise;
    return math_log1p_sum(sum, (rise - (sum - a)) + low * (a + root) / root);
}

fn math_asinh(x: real) -> real {
    let a = abs(x);
    let y = select(math_asinh_sum(a, real(0.0), a * a), math_log_double(a), a > MATH_ASINH_LARGE);
    return select(math_with_sign(y, x), x, math_is_inf(x) || math_is_nan(x));
}

// 2 asinh(sqrt((x - 1) / 2)), with the rounding error of the root.
fn math_acosh(x: real) -> real {
    let z = 0.5 * (x - 1.0);
    let s = sqrt(z);
    let cut = math_head(s);
    let low = (z - cut * cut) / select(real(1.0), s + cut, s > 0.0) - (s - cut);
    let y = select(2.0 * math_asinh_sum(s, low, z), math_log_double(x), x > MATH_ASINH_LARGE);
    let domain = select(y, math_from_bits(MATH_NAN_BITS), x < 1.0);
    return select(domain, x, math_is_nan(x) || bitcast<bits>(x) == MATH_INF_BITS);
}

// log1p(2a + 2a * a / (1 - a)) / 2, whose first term is exact.
fn math_atanh(x: real) -> real {
    let a = abs(x);
    let first = 2.0 * a;
    let second = first * a / (1.0 - a);
    let sum = first + second;
    let low = select((first - sum) + second, (second - sum) + first, a > 0.5);
    let y = select(0.5 * math_log1p_sum(sum, low), math_from_bits(MATH_INF_BITS), a == 1.0);
    return select(math_with_sign(y, x), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// ==== shaders/math/pow.wgsl ====

// The powers and roots of math/*.wgsl: pow, cbrt, hypot. Twin of src/math/pow.rs.

// log2(a) in two parts, to 11 bits more than the format or better, for a > 0 finite. With s = f / (2 + f), log2(1 + f)
// is 2 / (3 ln 2) * s * (3 + s^2 + ...): the reduction of fdlibm's pow [e_pow.c], with every difference of heads
// sealed.
fn math_log2_parts(a: real) -> MathParts {
    let split = math_log_split(a);
    let f = split.f;
    let inverse = 1.0 / (2.0 + f);
    let s_head = math_head(f * inverse);
    let sum_head = math_head(2.0 + f);
    let sum_tail = (1.0 + f) - math_head(sum_head - 1.0);
    let s_tail = (math_seal(f - s_head * sum_head) - s_head * sum_tail) * inverse;
    let s = s_head + s_tail;
    let z = s * s;
    let square = s_head * s_head;
    let rest = s_tail * (s_head + s) + z * z * math_log2_series(z);
    let series_head = math_head(3.0 + (square + rest));
    let series_tail = math_seal(square - math_head(series_head - 3.0)) + rest;
    let product = s_head * series_head;
    let small = s_tail * series_head + s * series_tail;
    let p_head = math_head(product + small);
    let p_tail = math_seal(product - p_head) + small;
    let e = real(split.e);
    let big = p_head * MATH_TWO_THIRDS_LOG2_E_HEAD;
    let low = p_head * MATH_TWO_THIRDS_LOG2_E_TAIL + p_tail * MATH_TWO_THIRDS_LOG2_E;
    let sum = math_head(e + (big + low));
    return MathParts(sum, math_seal(big - math_head(sum - e)) + low);
}

// 2^(y * log2(a)) with the product in head and tail; beyond MATH_POW_BOUND the size of y no longer matters.
fn math_pow_positive(a: real, y: real) -> real {
    let bounded = select(select(y, MATH_POW_BOUND, y > MATH_POW_BOUND), -MATH_POW_BOUND, y < -MATH_POW_BOUND);
    let l = math_log2_parts(a);
    let y_head = math_head(bounded);
    let product = y_head * l.head;
    let tail = math_seal(bounded - y_head) * l.head + bounded * l.tail;
    let w = product + tail;
    let k = math_shifted_whole(w + MATH_SHIFTER);
    let f = select(math_seal(product - real(k)), product, k == 0);
    let value = math_power_value(math_exp2_power(k, f, tail), 0);
    return select(select(value, real(0.0), w < MATH_EXP2_UNDER), math_from_bits(MATH_INF_BITS), w > MATH_EXP2_OVER);
}

// C99's cases: x^0 and 1^y are 1 even for NaN; a negative base needs a whole exponent.
fn math_pow(x: real, y: real) -> real {
    let a = abs(x);
    let infinite = math_is_inf(x);
    let edge = infinite || a == 0.0;
    let at_edge = select(real(0.0), math_from_bits(MATH_INF_BITS), (y > 0.0) == infinite);
    let magnitude = select(math_pow_positive(a, y), at_edge, edge);
    let whole = floor(y) == y;
    let odd = whole && floor(0.5 * y) != 0.5 * y;
    let oriented = select(magnitude, math_with_sign(magnitude, x), odd);
    let invalid = (x < 0.0 && !whole && !edge) || math_is_nan(x) || math_is_nan(y);
    let value = select(oriented, math_from_bits(MATH_NAN_BITS), invalid);
    return select(value, real(1.0), y == 0.0 || x == 1.0);
}

// A third of the exponent (Kahan's start), a polynomial in the ratio of its cube to a [FreeBSD, s_cbrt.c], and a step
// of Halley's. Before the step the guess is cut to half its bits, which makes its square exact. A subnormal is read as
// an integer; a large number is taken times 2^-30, since WGSL promises no division by more than 2^126.
fn math_cbrt(x: real) -> real {
    let raw = bitcast<bits>(x) & MATH_ABS_BITS;
    let tiny = raw < MATH_NORMAL_BITS;
    let large = abs(x) > 1.2676506002282294e30;
    let shrink = select(real(1.0), real(9.313225746154785e-10), large);
    let a = select(bitcast<real>(raw), real(raw << MATH_CBRT_SHIFT), tiny) * shrink;
    let guess = bitcast<real>(bitcast<bits>(a) / 3 + MATH_CBRT_START);
    let better = math_head(guess * math_cbrt_series(guess * guess * (guess / a)));
    let q = a / (better * better);
    let root = better + better * (q - better) / (better + better + q);
    let y = math_with_sign(root * select(select(real(1.0), real(1024.0), large), MATH_CBRT_TINY, tiny), x);
    return select(y, x, raw == 0 || raw >= MATH_INF_BITS);
}

// Scaled by a power of two where the squares would leave the range.
fn math_hypot(a: real, b: real) -> real {
    let larger = select(abs(b), abs(a), abs(a) > abs(b));
    let grow = select(real(1.0), MATH_HYPOT_GROW, larger < MATH_HYPOT_SMALL);
    let scale = select(grow, MATH_HYPOT_SHRINK, larger > MATH_HYPOT_LARGE);
    let u = a * scale;
    let v = b * scale;
    let value = sqrt(u * u + v * v) / scale;
    let nan = select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(a) || math_is_nan(b));
    return select(nan, math_from_bits(MATH_INF_BITS), math_is_inf(a) || math_is_inf(b));
}

// ==== shaders/math/trig.wgsl ====

// Sine, cosine and tangent of any angle, in radians. Twin of src/math/trig.rs.
//
// The angle is brought to |r| < 0.7855 by a multiple of pi/2, to more bits than the format has, so that a result near
// zero has all of its bits: Cody and Waite's method for small angles (math_angle_small, in fixed point in f32), Payne
// and Hanek's in integers for the others (Muller et al., Handbook of Floating-Point Arithmetic, section 10.2).

// |x| = quadrant * pi/2 + head + tail, |head + tail| < 0.7855.
struct MathAngle { quadrant: bits, head: real, tail: real }

// The upper word of a product of two, from half words.
fn math_mul_high(a: bits, b: bits) -> bits {
    let half = MATH_WORD_BITS / 2u;
    let a_low = a & MATH_HALF_WORD_MASK;
    let a_high = a >> half;
    let b_low = b & MATH_HALF_WORD_MASK;
    let b_high = b >> half;
    let middle = a_low * b_high + ((a_low * b_low) >> half);
    let carry = a_high * b_low + (middle & MATH_HALF_WORD_MASK);
    return a_high * b_high + (middle >> half) + (carry >> half);
}

// For finite a >= 1. The mantissa times a window of three words of 2/pi, kept modulo 4 with two words less two bits
// behind the point. The fraction is normalised before it becomes a float, so cancellation costs nothing.
fn math_angle_large(a: real) -> MathAngle {
    let word = bitcast<bits>(a) & ~MATH_SIGN_BIT; // also of a NaN, whose angle means nothing
    let mantissa = (word & MATH_MANTISSA_MASK) | MATH_NORMAL_BITS;
    let position = u32(word >> MATH_MANTISSA_BITS) - MATH_WINDOW_START;
    let index = position >> MATH_WINDOW_WORD_SHIFT;
    let left = position & (MATH_WORD_BITS - 1u);
    let right = MATH_WORD_BITS - 1u - left;
    let w0 = (math_two_over_pi(index) << left) | ((math_two_over_pi(index + 1u) >> 1u) >> right);
    let w1 = (math_two_over_pi(index + 1u) << left) | ((math_two_over_pi(index + 2u) >> 1u) >> right);
    let w2 = (math_two_over_pi(index + 2u) << left) | ((math_two_over_pi(index + 3u) >> 1u) >> right);
    let middle = mantissa * w1;
    let low = middle + math_mul_high(mantissa, w2);
    let high = mantissa * w0 + math_mul_high(mantissa, w1) + select(bits(0), bits(1), low < middle);
    let fraction = (high << 2u) | (low >> (MATH_WORD_BITS - 2u));
    let flip = bitcast<bits>(bitcast<ibits>(fraction) >> (MATH_WORD_BITS - 1u));
    let upper = fraction ^ flip;
    let lower = (low << 2u) ^ flip;
    let zeros = math_leading_zeros(upper);
    let value = (upper << zeros) | ((lower >> 1u) >> (MATH_WORD_BITS - 1u - zeros));
    let exponent = bits(u32(MATH_BIAS) - MATH_WORD_BITS - zeros);
    let unit = bitcast<real>((exponent << MATH_MANTISSA_BITS) | (flip & MATH_SIGN_BIT));
    let top = real(value & MATH_ANGLE_TOP_MASK) * unit;
    let rest = real(value & ~MATH_ANGLE_TOP_MASK) * unit;
    let quadrant = (high >> (MATH_WORD_BITS - 2u)) + (flip & 1);
    return MathAngle(quadrant, top * MATH_HALF_PI_HEAD, top * MATH_HALF_PI_TAIL + rest * MATH_HALF_PI);
}

fn math_angle(a: real) -> MathAngle {
    if a < MATH_SMALL_ANGLE {
        return math_angle_small(a);
    }
    return math_angle_large(a);
}

// Head and tail enter apart, so that the last sum is the only large rounding.
fn math_sin_near(angle: MathAngle) -> real {
    let r = angle.head + angle.tail;
    let z = r * r;
    return angle.head + (angle.tail + r * z * math_sin_series(z));
}

// The square of a head is exact, the rest of the square is small.
fn math_cos_near(angle: MathAngle) -> real {
    let r = angle.head + angle.tail;
    let z = r * r;
    let cut = math_head(r);
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut);
    return 1.0 - (0.5 * cut * cut + (beyond - z * z * math_cos_series(z)));
}

// sin(angle + quadrant * pi/2), NaN where x is not finite.
fn math_sin_quadrant(x: real, angle: MathAngle, quadrant: bits, sign: bits) -> real {
    let value = select(math_sin_near(angle), math_cos_near(angle), (quadrant & 1) == 1);
    let negative = (quadrant << (MATH_WORD_BITS - 2u)) & MATH_SIGN_BIT;
    let oriented = bitcast<real>(bitcast<bits>(value) ^ negative ^ sign);
    return select(oriented, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_inf(x));
}

fn math_sin(x: real) -> real {
    let angle = math_angle(abs(x));
    return math_sin_quadrant(x, angle, angle.quadrant, bitcast<bits>(x) & MATH_SIGN_BIT);
}

fn math_cos(x: real) -> real {
    let angle = math_angle(abs(x));
    return math_sin_quadrant(x, angle, angle.quadrant + 1, bits(0));
}

// The quotient of sine and cosine, or minus its inverse in odd quadrants, each as a head and a rest. The head q of the
// quotient is subtracted by exact products, and what is left is divided: only the last sum is a large rounding. Below
// 1e-10 tan x is x; the rests would be lost where subnormal numbers are flushed.
fn math_tan(x: real) -> real {
    let angle = math_angle(abs(x));
    let r = angle.head + angle.tail;
    let z = r * r;
    let rise = angle.tail + r * z * math_sin_series(z);
    let sine = math_head(angle.head + rise);
    let sine_rest = math_seal(angle.head - sine) + rise;
    let cut = math_head(r);
    let fall = 0.5 * cut * cut;
    let beyond = 0.5 * ((angle.head - cut) + angle.tail) * (r + cut) - z * z * math_cos_series(z);
    let cosine = math_head(1.0 - (fall + beyond));
    let cosine_rest = math_seal((1.0 - cosine) - fall) - beyond;
    let odd = (angle.quadrant & 1) == 1;
    let n = select(sine, -cosine, odd);
    let n_rest = select(sine_rest, -cosine_rest, odd);
    let d = select(cosine, sine, odd);
    let d_rest = select(cosine_rest, sine_rest, odd);
    let inverse = 1.0 / (d + d_rest);
    let q = math_head((n + n_rest) * inverse);
    let value = q + ((n - q * d) + (n_rest - q * d_rest)) * inverse;
    let oriented = select(math_with_sign(value, x), x, abs(x) < 1.0e-10);
    return select(oriented, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_inf(x));
}

// ==== shaders/math/inverse_trig.wgsl ====

// Arc sine, arc cosine, arc tangent, and the angle of a vector. Twin of src/math/inverse_trig.rs.

// pi/2 - (near + far) for a head near, rounded once.
fn math_half_pi_minus(near: real, far: real) -> real {
    return (MATH_HALF_PI_HEAD - near) - (far - MATH_HALF_PI_TAIL);
}

// atan(y/x) for y, x >= 0, or pi minus it: one division brings the ratio to |t| <= 0.6, and a multiple of pi/4 in two
// parts is added. The first part is exact, so that only the last sum is a large rounding.
fn math_atan_quotient(y: real, x: real, turned: bool) -> real {
    let low = y < 0.6 * x;
    let high = x < 0.5 * y;
    let numerator = select(select(y - x, y, low), -x, high);
    let t = select(numerator, -numerator, turned) / select(select(y + x, x, low), y, high);
    let z = t * t;
    let curve = t * z * math_atan_series(z);
    let eighths = select(select(real(1.0), real(0.0), low), real(2.0), high);
    let n = select(eighths, 4.0 - eighths, turned);
    return n * MATH_QUARTER_PI_HEAD + (t + (curve + n * MATH_QUARTER_PI_TAIL));
}

// Beyond 2^60 the result is pi/2; the bound keeps infinity out of the division.
fn math_atan(x: real) -> real {
    let a = select(real(1152921504606846976.0), abs(x), abs(x) < 1152921504606846976.0);
    return select(math_with_sign(math_atan_quotient(a, real(1.0), false), x), x, math_is_nan(x));
}

// Scaled by powers of two so that neither the quotient nor the divisor's inverse is lost at the ends of the range. Two
// zeros, and infinities, are replaced by the direction they stand for.
fn math_atan2(y: real, x: real) -> real {
    let larger = select(abs(x), abs(y), abs(y) > abs(x));
    let grown = select(real(1.0), MATH_DIVISOR_GROWTH, larger < MATH_DIVISOR_LEAST);
    let scale = select(grown, real(0.0625), larger > MATH_DIVISOR_MOST);
    let endless = math_is_inf(x) || math_is_inf(y);
    let up = select(abs(y) * scale, select(real(0.0), real(1.0), math_is_inf(y)), endless);
    let along_finite = select(abs(x) * scale, real(1.0), larger == 0.0);
    let along = select(along_finite, select(real(0.0), real(1.0), math_is_inf(x)), endless);
    let value = math_with_sign(math_atan_quotient(up, along, bitcast<bits>(x) >= MATH_SIGN_BIT), y);
    return select(value, math_from_bits(MATH_NAN_BITS), math_is_nan(x) || math_is_nan(y));
}

// asin(a) for a <= 1/2; above, with z = (1 - a) / 2, of sqrt(z), whose rounding error joins the tail.
fn math_asin_parts(a: real) -> MathParts {
    let far = a > 0.5;
    let z = select(a * a, 0.5 * (1.0 - a), far);
    let s = select(a, sqrt(z), far);
    let cut = math_head(s);
    let beyond = select(s - cut, (z - cut * cut) / select(real(1.0), s + cut, s > 0.0), far);
    return MathParts(cut, beyond + s * z * math_asin_series(z));
}

// Below 1e-10 asin x is x; its tail would be lost where subnormal numbers are flushed.
fn math_asin(x: real) -> real {
    let a = abs(x);
    let p = math_asin_parts(a);
    let near = select(p.head + p.tail, a, a < 1.0e-10);
    let y = select(near, math_half_pi_minus(2.0 * p.head, 2.0 * p.tail), a > 0.5);
    return select(math_with_sign(y, x), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// acos(x) = 2 asin(sqrt((1 - x) / 2)) towards 1, pi minus that towards -1, pi/2 - asin(x) between.
fn math_acos(x: real) -> real {
    let a = abs(x);
    let p = math_asin_parts(a);
    let middle = math_half_pi_minus(math_with_sign(p.head, x), math_with_sign(p.tail, x));
    let outer = 2.0 * select(p.head + p.tail, math_half_pi_minus(p.head, p.tail), x < 0.0);
    return select(select(middle, outer, a > 0.5), math_from_bits(MATH_NAN_BITS), a > 1.0 || math_is_nan(x));
}

// ==== shaders/math/remainder.wgsl ====

// The remainders of a division, exact at every size but for the one sum of mod. Twin of src/math/remainder.rs.

// C's fmod: long division of the mantissas in integers, as many bits of the exponent difference at a time as the
// word has to spare.
fn math_rem(x: real, y: real) -> real {
    let sign = bitcast<bits>(x) & MATH_SIGN_BIT;
    let x_bits = bitcast<bits>(x) & MATH_ABS_BITS;
    let y_bits = bitcast<bits>(y) & MATH_ABS_BITS;
    if x_bits >= MATH_INF_BITS || y_bits > MATH_INF_BITS || y_bits == 0 {
        return math_from_bits(MATH_NAN_BITS);
    }
    if x_bits < y_bits {
        return x;
    }
    let spare = MATH_WORD_BITS - MATH_MANTISSA_BITS - 1u;
    let x_mantissa = (x_bits & MATH_MANTISSA_MASK) | select(bits(0), MATH_NORMAL_BITS, x_bits >= MATH_NORMAL_BITS);
    let y_mantissa = (y_bits & MATH_MANTISSA_MASK) | select(bits(0), MATH_NORMAL_BITS, y_bits >= MATH_NORMAL_BITS);
    let exponent = max(u32(y_bits >> MATH_MANTISSA_BITS), 1u);
    var rest = x_mantissa % y_mantissa;
    var steps = max(u32(x_bits >> MATH_MANTISSA_BITS), 1u) - exponent;
    while steps > 0u {
        let step = min(steps, spare);
        rest = (rest << step) % y_mantissa;
        steps -= step;
    }
    if rest == 0 {
        return bitcast<real>(sign);
    }
    let zeros = math_leading_zeros(rest) - spare;
    if exponent <= zeros {
        return bitcast<real>(sign | (rest << (exponent - 1u)));
    }
    let mantissa = (rest << zeros) & MATH_MANTISSA_MASK;
    return bitcast<real>(sign | (bits(exponent - zeros) << MATH_MANTISSA_BITS) | mantissa);
}

// Python's %: the remainder takes the sign of the divisor.
fn math_mod(x: real, y: real) -> real {
    let r = math_rem(x, y);
    let apart = ((bitcast<bits>(r) ^ bitcast<bits>(y)) & MATH_SIGN_BIT) != 0;
    let moved = select(r, r + y, apart);
    return select(moved, math_with_sign(real(0.0), y), r == 0.0);
}

