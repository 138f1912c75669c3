// ==== generated constants ====

// euler, f32
const HAS_STOPS: bool = false;
const JUMPS_IN_TIME: bool = false;
const OWN_SPAN: bool = false;
const SAVES_STEPS: bool = false;
const SAVES_END: bool = false;
const Y_IS_SAVED: bool = false;
const FIRST_STEP_GIVEN: bool = false;
const WORKGROUP_SIZE: u32 = 64u;
const N_TWO_OVER_PI: u32 = 10u;
const N_STATE: u32 = 8u;
const N_TOLERANCE: u32 = 8u;
const N_ROW: u32 = 27u;
const ROW_Y: u32 = 0u;
const ROW_K1: u32 = 8u;
const ROW_TAU: u32 = 16u;
const ROW_TAU_LOW: u32 = 17u;
const ROW_DT: u32 = 18u;
const ROW_ERR_PREV: u32 = 19u;
const ROW_Y_LOW: u32 = 20u;
const ROW_TAU_SEGMENT: u32 = 20u;
const N_OWN_STOP: u32 = 0u;
const PARAM_ROW_OWN_STOP: u32 = 8u;
const PARAM_ROW_T0: u32 = 8u;
const PARAM_ROW_SPAN: u32 = 9u;
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
    one_body_place_0: real,
    one_body_place_1: real,
    one_body_place_2: real,
    one_body_speed: real,
    two_body_place_0: real,
    two_body_place_1: real,
    two_body_place_2: real,
    two_body_speed: real,
}

struct Params {
    one_body_gain_0: real,
    one_body_gain_1: real,
    one_body_gain_2: real,
    one_body_limit: real,
    two_body_gain_0: real,
    two_body_gain_1: real,
    two_body_gain_2: real,
    two_body_limit: real,
}

fn load_params(i: u32) -> Params {
    var d: Params;
    d.one_body_gain_0 = params[at(0u, i)];
    d.one_body_gain_1 = params[at(1u, i)];
    d.one_body_gain_2 = params[at(2u, i)];
    d.one_body_limit = params[at(3u, i)];
    d.two_body_gain_0 = params[at(4u, i)];
    d.two_body_gain_1 = params[at(5u, i)];
    d.two_body_gain_2 = params[at(6u, i)];
    d.two_body_limit = params[at(7u, i)];
    return d;
}

fn load_y(i: u32) -> State {
    var d: State;
    d.one_body_place_0 = state[at(ROW_Y + 0u, i)];
    d.one_body_place_1 = state[at(ROW_Y + 1u, i)];
    d.one_body_place_2 = state[at(ROW_Y + 2u, i)];
    d.one_body_speed = state[at(ROW_Y + 3u, i)];
    d.two_body_place_0 = state[at(ROW_Y + 4u, i)];
    d.two_body_place_1 = state[at(ROW_Y + 5u, i)];
    d.two_body_place_2 = state[at(ROW_Y + 6u, i)];
    d.two_body_speed = state[at(ROW_Y + 7u, i)];
    return d;
}

fn load_k1(i: u32) -> State {
    var d: State;
    d.one_body_place_0 = state[at(ROW_K1 + 0u, i)];
    d.one_body_place_1 = state[at(ROW_K1 + 1u, i)];
    d.one_body_place_2 = state[at(ROW_K1 + 2u, i)];
    d.one_body_speed = state[at(ROW_K1 + 3u, i)];
    d.two_body_place_0 = state[at(ROW_K1 + 4u, i)];
    d.two_body_place_1 = state[at(ROW_K1 + 5u, i)];
    d.two_body_place_2 = state[at(ROW_K1 + 6u, i)];
    d.two_body_speed = state[at(ROW_K1 + 7u, i)];
    return d;
}

fn store_y(i: u32, y: State) {
    state[at(ROW_Y + 0u, i)] = y.one_body_place_0;
    state[at(ROW_Y + 1u, i)] = y.one_body_place_1;
    state[at(ROW_Y + 2u, i)] = y.one_body_place_2;
    state[at(ROW_Y + 3u, i)] = y.one_body_speed;
    state[at(ROW_Y + 4u, i)] = y.two_body_place_0;
    state[at(ROW_Y + 5u, i)] = y.two_body_place_1;
    state[at(ROW_Y + 6u, i)] = y.two_body_place_2;
    state[at(ROW_Y + 7u, i)] = y.two_body_speed;
}

fn store_k1(i: u32, y: State) {
    state[at(ROW_K1 + 0u, i)] = y.one_body_place_0;
    state[at(ROW_K1 + 1u, i)] = y.one_body_place_1;
    state[at(ROW_K1 + 2u, i)] = y.one_body_place_2;
    state[at(ROW_K1 + 3u, i)] = y.one_body_speed;
    state[at(ROW_K1 + 4u, i)] = y.two_body_place_0;
    state[at(ROW_K1 + 5u, i)] = y.two_body_place_1;
    state[at(ROW_K1 + 6u, i)] = y.two_body_place_2;
    state[at(ROW_K1 + 7u, i)] = y.two_body_speed;
}

struct Low { unused: u32 }

fn load_low(i: u32) -> Low {
    return Low(0u);
}

fn store_low(i: u32, y: Low) {}

fn rhs(t: real, y: State, p: Params) -> State {
    let drag = y.one_body_speed * y.one_body_speed * math_sign(y.one_body_speed);
    let v2 = 6.2831855f * t;
    let phase = v2 + y.one_body_place_0;
    let v4 = math_abs(y.one_body_place_0);
    let drag_2 = y.two_body_speed * y.two_body_speed * math_sign(y.two_body_speed);
    let phase_2 = v2 + y.two_body_place_0;
    let v7 = math_abs(y.two_body_place_0);
    var d: State;
    d.one_body_place_0 = p.one_body_gain_0 * math_sin(phase);
    d.one_body_place_1 = p.one_body_gain_1 * math_cos(phase) - y.one_body_place_1;
    d.one_body_place_2 = -p.one_body_gain_2 * y.one_body_place_2;
    d.one_body_speed = -drag + select(0.0f, v4 - p.one_body_limit, p.one_body_limit < v4);
    d.two_body_place_0 = p.two_body_gain_0 * math_sin(phase_2);
    d.two_body_place_1 = p.two_body_gain_1 * math_cos(phase_2) - y.two_body_place_1;
    d.two_body_place_2 = -p.two_body_gain_2 * y.two_body_place_2;
    d.two_body_speed = -drag_2 + select(0.0f, v7 - p.two_body_limit, p.two_body_limit < v7);
    return d;
}

fn save_row(index: u32, i: u32, t: real, y: State, p: Params) -> u32 {
    let drag = y.one_body_speed * y.one_body_speed * math_sign(y.one_body_speed);
    let v2 = math_abs(y.one_body_place_0);
    let drag_2 = y.two_body_speed * y.two_body_speed * math_sign(y.two_body_speed);
    let v4 = (v2 <= 0.5f && !(1.0f < y.two_body_place_1)) || y.one_body_place_0 == y.two_body_place_1;
    let v5 = -y.one_body_place_0 + 2.0f * y.two_body_place_1 - y.one_body_place_0 / 3.0f;
    let v6 = v5 - -y.two_body_place_1 * (y.one_body_place_0 - (y.two_body_place_1 - 1.0f));
    let v7 = y.one_body_place_0 * y.one_body_place_0;
    let v8 = v7 + 1.0f / (y.two_body_place_1 * y.two_body_place_1 * y.two_body_place_1);
    let v9 = v8 + math_pow(y.one_body_place_0, 0.5f) + math_pow(2.0f, y.one_body_place_0);
    let v10 = select(0.25f, t, 1.0f <= y.two_body_place_1 && !(y.one_body_place_0 == 2.0f));
    let v11 = select(select(v10, -1.0f, y.two_body_place_1 < 0.0f), y.one_body_place_0, v4);
    let v12 = y.one_body_place_0 < y.two_body_place_1;
    let v13 = math_exp(y.one_body_place_0) + math_exp2(y.two_body_place_1) + math_expm1(y.two_body_place_1);
    let v14 = math_log(y.one_body_place_0) + math_log1p(y.two_body_place_1) + math_log2(y.one_body_place_0);
    let v15 = math_sin(y.one_body_place_0) + math_cos(y.two_body_place_1) + math_tan(y.one_body_place_0);
    let v16 = math_asin(y.one_body_place_0) + math_acos(y.two_body_place_1) + math_atan(y.one_body_place_0);
    let v17 = math_sinh(y.one_body_place_0) + math_cosh(y.two_body_place_1) + math_tanh(y.one_body_place_0);
    let v18 = math_asinh(y.one_body_place_0) + math_acosh(y.two_body_place_1) + math_atanh(y.one_body_place_0);
    let v19 = math_min(math_min(y.one_body_place_0, y.two_body_place_1), 0.5f) + math_max(y.one_body_place_0, y.two_body_place_1);
    let v20 = math_floor(y.one_body_place_0) + math_ceil(y.two_body_place_1) + math_trunc(y.one_body_place_0);
    let v21 = math_mod(y.one_body_place_0, y.two_body_place_1) + math_rem(y.two_body_place_1, y.one_body_place_0);
    let v22 = math_hypot(y.one_body_place_0, y.two_body_place_1) + math_pow(v2, y.two_body_place_1);
    let v23 = math_sign(y.one_body_place_0) - select(0.0f, y.two_body_place_1 - y.one_body_place_0, v12);
    var culprit = first_non_finite(y);
    saved[at(index * N_ROW + 0u, i)] = y.one_body_place_0;
    saved[at(index * N_ROW + 1u, i)] = y.one_body_place_1;
    saved[at(index * N_ROW + 2u, i)] = y.one_body_place_2;
    saved[at(index * N_ROW + 3u, i)] = y.one_body_speed;
    saved[at(index * N_ROW + 4u, i)] = y.two_body_place_0;
    saved[at(index * N_ROW + 5u, i)] = y.two_body_place_1;
    saved[at(index * N_ROW + 6u, i)] = y.two_body_place_2;
    saved[at(index * N_ROW + 7u, i)] = y.two_body_speed;
    let row_8: real = drag * ((y.one_body_place_1 + y.one_body_place_2) / 2.0f);
    saved[at(index * N_ROW + 8u, i)] = row_8;
    culprit = select(culprit, 9u, culprit == 0u && is_nan(row_8));
    let row_9: real = drag_2 * ((y.two_body_place_1 + y.two_body_place_2) / 2.0f);
    saved[at(index * N_ROW + 9u, i)] = row_9;
    culprit = select(culprit, 10u, culprit == 0u && is_nan(row_9));
    let row_10: real = v6;
    saved[at(index * N_ROW + 10u, i)] = row_10;
    culprit = select(culprit, 11u, culprit == 0u && is_nan(row_10));
    let row_11: real = v9 - math_pow(v7, y.two_body_place_1) - -v7;
    saved[at(index * N_ROW + 11u, i)] = row_11;
    culprit = select(culprit, 12u, culprit == 0u && is_nan(row_11));
    let row_12: real = 2.501f - y.one_body_place_0 * 6.0221406e23f;
    saved[at(index * N_ROW + 12u, i)] = row_12;
    culprit = select(culprit, 13u, culprit == 0u && is_nan(row_12));
    let row_13: real = v11;
    saved[at(index * N_ROW + 13u, i)] = row_13;
    culprit = select(culprit, 14u, culprit == 0u && is_nan(row_13));
    let row_14: real = select(0.0f, 1.0f, !v4 || v12);
    saved[at(index * N_ROW + 14u, i)] = row_14;
    culprit = select(culprit, 15u, culprit == 0u && is_nan(row_14));
    let row_15: real = math_sqrt(y.one_body_place_0) + math_cbrt(y.two_body_place_1);
    saved[at(index * N_ROW + 15u, i)] = row_15;
    culprit = select(culprit, 16u, culprit == 0u && is_nan(row_15));
    let row_16: real = v13;
    saved[at(index * N_ROW + 16u, i)] = row_16;
    culprit = select(culprit, 17u, culprit == 0u && is_nan(row_16));
    let row_17: real = v14 + math_log10(y.two_body_place_1);
    saved[at(index * N_ROW + 17u, i)] = row_17;
    culprit = select(culprit, 18u, culprit == 0u && is_nan(row_17));
    let row_18: real = v15;
    saved[at(index * N_ROW + 18u, i)] = row_18;
    culprit = select(culprit, 19u, culprit == 0u && is_nan(row_18));
    let row_19: real = v16 + math_atan2(y.two_body_place_1, y.one_body_place_0);
    saved[at(index * N_ROW + 19u, i)] = row_19;
    culprit = select(culprit, 20u, culprit == 0u && is_nan(row_19));
    let row_20: real = v17;
    saved[at(index * N_ROW + 20u, i)] = row_20;
    culprit = select(culprit, 21u, culprit == 0u && is_nan(row_20));
    let row_21: real = v18;
    saved[at(index * N_ROW + 21u, i)] = row_21;
    culprit = select(culprit, 22u, culprit == 0u && is_nan(row_21));
    let row_22: real = v19 + math_min(math_max(y.one_body_place_0, -1.0f), y.two_body_place_1);
    saved[at(index * N_ROW + 22u, i)] = row_22;
    culprit = select(culprit, 23u, culprit == 0u && is_nan(row_22));
    let row_23: real = v20 + math_round(y.two_body_place_1);
    saved[at(index * N_ROW + 23u, i)] = row_23;
    culprit = select(culprit, 24u, culprit == 0u && is_nan(row_23));
    let row_24: real = v21;
    saved[at(index * N_ROW + 24u, i)] = row_24;
    culprit = select(culprit, 25u, culprit == 0u && is_nan(row_24));
    let row_25: real = v22 + math_abs(y.two_body_place_1);
    saved[at(index * N_ROW + 25u, i)] = row_25;
    culprit = select(culprit, 26u, culprit == 0u && is_nan(row_25));
    let row_26: real = v23;
    saved[at(index * N_ROW + 26u, i)] = row_26;
    culprit = select(culprit, 27u, culprit == 0u && is_nan(row_26));
    return culprit;
}

fn fire(callback: u32, t: real, fired: ptr<function, State>, low: ptr<function, Low>, p: Params) {}

// ==== generated step ====

struct Step {
    y1_candidate: State,
    low: Low,
    k1: State,
    k2: State,
}

struct Weights {
    a2_1: real,
}

fn weights(h: real) -> Weights {
    return Weights(
        h * 1.0f,
    );
}

fn rk_step(t: real, y: State, low: Low, k1: State, p: Params, w: Weights, h_time: real) -> Step {
    var y1_candidate: State;
    let low1 = low;
    y1_candidate.one_body_place_0 = y.one_body_place_0 + (w.a2_1 * k1.one_body_place_0);
    y1_candidate.one_body_place_1 = y.one_body_place_1 + (w.a2_1 * k1.one_body_place_1);
    y1_candidate.one_body_place_2 = y.one_body_place_2 + (w.a2_1 * k1.one_body_place_2);
    y1_candidate.one_body_speed = y.one_body_speed + (w.a2_1 * k1.one_body_speed);
    y1_candidate.two_body_place_0 = y.two_body_place_0 + (w.a2_1 * k1.two_body_place_0);
    y1_candidate.two_body_place_1 = y.two_body_place_1 + (w.a2_1 * k1.two_body_place_1);
    y1_candidate.two_body_place_2 = y.two_body_place_2 + (w.a2_1 * k1.two_body_place_2);
    y1_candidate.two_body_speed = y.two_body_speed + (w.a2_1 * k1.two_body_speed);
    let k2 = rhs(t + 1.0f * h_time, y1_candidate, p);
    return Step(y1_candidate, low1, k1, k2);
}

fn last_stage(step: Step) -> State {
    return step.k2;
}

fn interpolate(y: State, step: Step, h: real, theta: real) -> State {
    let b1 = theta * (1.0f + theta * (1.0f + theta * -1.0f));
    let b2 = theta * (0.0f + theta * (-1.0f + theta * 1.0f));
    var d: State;
    d.one_body_place_0 = y.one_body_place_0 + h * (b1 * step.k1.one_body_place_0 + b2 * step.k2.one_body_place_0);
    d.one_body_place_1 = y.one_body_place_1 + h * (b1 * step.k1.one_body_place_1 + b2 * step.k2.one_body_place_1);
    d.one_body_place_2 = y.one_body_place_2 + h * (b1 * step.k1.one_body_place_2 + b2 * step.k2.one_body_place_2);
    d.one_body_speed = y.one_body_speed + h * (b1 * step.k1.one_body_speed + b2 * step.k2.one_body_speed);
    d.two_body_place_0 = y.two_body_place_0 + h * (b1 * step.k1.two_body_place_0 + b2 * step.k2.two_body_place_0);
    d.two_body_place_1 = y.two_body_place_1 + h * (b1 * step.k1.two_body_place_1 + b2 * step.k2.two_body_place_1);
    d.two_body_place_2 = y.two_body_place_2 + h * (b1 * step.k1.two_body_place_2 + b2 * step.k2.two_body_place_2);
    d.two_body_speed = y.two_body_speed + h * (b1 * step.k1.two_body_speed + b2 * step.k2.two_body_speed);
    return d;
}

fn error_norm_sq(y: State, step: Step, h: real) -> ErrorNorm {
    return ErrorNorm(real_of(0.0), real_of(0.0));
}

fn first_non_finite(y: State) -> u32 {
    var culprit = 0u;
    culprit = select(8u, culprit, is_finite(y.two_body_speed));
    culprit = select(7u, culprit, is_finite(y.two_body_place_2));
    culprit = select(6u, culprit, is_finite(y.two_body_place_1));
    culprit = select(5u, culprit, is_finite(y.two_body_place_0));
    culprit = select(4u, culprit, is_finite(y.one_body_speed));
    culprit = select(3u, culprit, is_finite(y.one_body_place_2));
    culprit = select(2u, culprit, is_finite(y.one_body_place_1));
    culprit = select(1u, culprit, is_finite(y.one_body_place_0));
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

