// ==== generated constants ====

// tsit5, f32
const HAS_STOPS: bool = false;
const JUMPS_IN_TIME: bool = false;
const OWN_SPAN: bool = false;
const SAVES_STEPS: bool = false;
const SAVES_END: bool = true;
const Y_IS_SAVED: bool = true;
const FIRST_STEP_GIVEN: bool = false;
const WORKGROUP_SIZE: u32 = 64u;
const N_TWO_OVER_PI: u32 = 10u;
const N_STATE: u32 = 3u;
const N_TOLERANCE: u32 = 3u;
const N_ROW: u32 = 4u;
const ROW_Y: u32 = 0u;
const ROW_K1: u32 = 0u;
const ROW_TAU: u32 = 3u;
const ROW_TAU_LOW: u32 = 4u;
const ROW_DT: u32 = 5u;
const ROW_ERR_PREV: u32 = 6u;
const ROW_Y_LOW: u32 = 7u;
const ROW_TAU_SEGMENT: u32 = 7u;
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
    d.x = saved[at(ROW_Y + 0u, i)];
    d.y = saved[at(ROW_Y + 1u, i)];
    d.z = saved[at(ROW_Y + 2u, i)];
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
    saved[at(ROW_Y + 0u, i)] = y.x;
    saved[at(ROW_Y + 1u, i)] = y.y;
    saved[at(ROW_Y + 2u, i)] = y.z;
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
    var culprit = 0u;
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

// ==== shaders/layout.wgsl ====

// ==== shaders/lane.wgsl ====

// ==== shaders/stops.wgsl ====

// ==== shaders/save.wgsl ====

// ==== shaders/save_until.wgsl ====

// ==== shaders/powers_built_in.wgsl ====

// ==== shaders/controller.wgsl ====

// ==== shaders/integrate_adaptive.wgsl ====

// ==== shaders/drive.wgsl ====

// ==== shaders/math/f32.wgsl ====

// ==== shaders/math/trig_f32.wgsl ====

// ==== shaders/math/bits.wgsl ====

// ==== shaders/math/round.wgsl ====

// ==== shaders/math/exp.wgsl ====

// ==== shaders/math/log.wgsl ====

// ==== shaders/math/pow.wgsl ====

// ==== shaders/math/trig.wgsl ====

// ==== shaders/math/inverse_trig.wgsl ====

// ==== shaders/math/remainder.wgsl ====

