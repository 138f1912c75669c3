// ==== generated constants ====

// rk4, f32
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
}

struct Weights {
    a2_1: real,
    a3_2: real,
    a4_3: real,
    a5_1: real,
    a5_2: real,
    a5_3: real,
    a5_4: real,
}

fn weights(h: real) -> Weights {
    return Weights(
        h * 0.5f,
        h * 0.5f,
        h * 1.0f,
        h * 0.16666667f,
        h * 0.33333334f,
        h * 0.33333334f,
        h * 0.16666667f,
    );
}

fn rk_step(t: real, y: State, low: Low, k1: State, p: Params, w: Weights, h_time: real) -> Step {
    var y2: State;
    y2.x = y.x + w.a2_1 * k1.x;
    y2.y = y.y + w.a2_1 * k1.y;
    y2.z = y.z + w.a2_1 * k1.z;
    let k2 = rhs(t + 0.5f * h_time, y2, p);
    var y3: State;
    y3.x = y.x + w.a3_2 * k2.x;
    y3.y = y.y + w.a3_2 * k2.y;
    y3.z = y.z + w.a3_2 * k2.z;
    let k3 = rhs(t + 0.5f * h_time, y3, p);
    var y4: State;
    y4.x = y.x + w.a4_3 * k3.x;
    y4.y = y.y + w.a4_3 * k3.y;
    y4.z = y.z + w.a4_3 * k3.z;
    let k4 = rhs(t + 1.0f * h_time, y4, p);
    var y1_candidate: State;
    let low1 = low;
    y1_candidate.x = y.x + (w.a5_1 * k1.x + w.a5_2 * k2.x + w.a5_3 * k3.x + w.a5_4 * k4.x);
    y1_candidate.y = y.y + (w.a5_1 * k1.y + w.a5_2 * k2.y + w.a5_3 * k3.y + w.a5_4 * k4.y);
    y1_candidate.z = y.z + (w.a5_1 * k1.z + w.a5_2 * k2.z + w.a5_3 * k3.z + w.a5_4 * k4.z);
    let k5 = rhs(t + 1.0f * h_time, y1_candidate, p);
    return Step(y1_candidate, low1, k1, k2, k3, k4, k5);
}

fn last_stage(step: Step) -> State {
    return step.k5;
}

fn interpolate(y: State, step: Step, h: real, theta: real) -> State {
    let b1 = theta * (1.0f + theta * (-1.5f + theta * 0.6666667f));
    let b2 = theta * (0.0f + theta * (1.0f + theta * -0.6666667f));
    let b3 = theta * (0.0f + theta * (1.0f + theta * -0.6666667f));
    let b4 = theta * (0.0f + theta * (0.5f + theta * -0.33333334f));
    let b5 = theta * (0.0f + theta * (-1.0f + theta * 1.0f));
    var d: State;
    d.x = y.x + h * (b1 * step.k1.x + b2 * step.k2.x + b3 * step.k3.x + b4 * step.k4.x + b5 * step.k5.x);
    d.y = y.y + h * (b1 * step.k1.y + b2 * step.k2.y + b3 * step.k3.y + b4 * step.k4.y + b5 * step.k5.y);
    d.z = y.z + h * (b1 * step.k1.z + b2 * step.k2.z + b3 * step.k3.z + b4 * step.k4.z + b5 * step.k5.z);
    return d;
}

fn error_norm_sq(y: State, step: Step, h: real) -> ErrorNorm {
    return ErrorNorm(real_of(0.0), real_of(0.0));
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

// ==== shaders/integrate_fixed.wgsl ====

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

