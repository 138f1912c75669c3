// ==== generated constants ====

// every function and operator by euler, f32
const WORKGROUP_SIZE: u32 = 64u;
const N_STATE: u32 = 8u;
const N_TOLERANCE: u32 = 8u;
const N_ROW: u32 = 27u;
const ROW_Y: u32 = 0u;
const ROW_K1: u32 = 8u;
const ROW_TAU: u32 = 16u;
const ROW_TAU_LOW: u32 = 17u;
const ROW_DT: u32 = 18u;
const ROW_ERR_PREV: u32 = 19u;
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

fn rhs(t: real, y: State, p: Params) -> State {
    let drag = y.one_body_speed * y.one_body_speed * math_sign(y.one_body_speed);
    let v2 = 6.2831855f * t;
    let phase = v2 + y.one_body_place_0;
    let v4 = abs(y.one_body_place_0);
    let drag_2 = y.two_body_speed * y.two_body_speed * math_sign(y.two_body_speed);
    let phase_2 = v2 + y.two_body_place_0;
    let v7 = abs(y.two_body_place_0);
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

fn save_row(index: u32, i: u32, t: real, y: State, p: Params) {
    let drag = y.one_body_speed * y.one_body_speed * math_sign(y.one_body_speed);
    let v2 = abs(y.one_body_place_0);
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
    let v13 = math_log(y.one_body_place_0) + math_log1p(y.two_body_place_1) + math_log2(y.one_body_place_0);
    let v14 = math_sin(y.one_body_place_0) + math_cos(y.two_body_place_1) + math_tan(y.one_body_place_0);
    let v15 = math_asin(y.one_body_place_0) + math_acos(y.two_body_place_1) + math_atan(y.one_body_place_0);
    let v16 = math_sinh(y.one_body_place_0) + math_cosh(y.two_body_place_1) + math_tanh(y.one_body_place_0);
    let v17 = math_asinh(y.one_body_place_0) + math_acosh(y.two_body_place_1) + math_atanh(y.one_body_place_0);
    let v18 = math_min(math_min(y.one_body_place_0, y.two_body_place_1), 0.5f) + math_max(y.one_body_place_0, y.two_body_place_1);
    let v19 = floor(y.one_body_place_0) + ceil(y.two_body_place_1) + trunc(y.one_body_place_0);
    let v20 = math_mod(y.one_body_place_0, y.two_body_place_1) + math_rem(y.two_body_place_1, y.one_body_place_0);
    let v21 = math_hypot(y.one_body_place_0, y.two_body_place_1) + math_pow(v2, y.two_body_place_1);
    let v22 = math_sign(y.one_body_place_0) - select(0.0f, y.two_body_place_1 - y.one_body_place_0, v12);
    saved[at(index * N_ROW + 0u, i)] = y.one_body_place_0;
    saved[at(index * N_ROW + 1u, i)] = y.one_body_place_1;
    saved[at(index * N_ROW + 2u, i)] = y.one_body_place_2;
    saved[at(index * N_ROW + 3u, i)] = y.one_body_speed;
    saved[at(index * N_ROW + 4u, i)] = y.two_body_place_0;
    saved[at(index * N_ROW + 5u, i)] = y.two_body_place_1;
    saved[at(index * N_ROW + 6u, i)] = y.two_body_place_2;
    saved[at(index * N_ROW + 7u, i)] = y.two_body_speed;
    saved[at(index * N_ROW + 8u, i)] = drag * ((y.one_body_place_1 + y.one_body_place_2) / 2.0f);
    saved[at(index * N_ROW + 9u, i)] = drag_2 * ((y.two_body_place_1 + y.two_body_place_2) / 2.0f);
    saved[at(index * N_ROW + 10u, i)] = v6;
    saved[at(index * N_ROW + 11u, i)] = v9 - math_pow(v7, y.two_body_place_1) - -v7;
    saved[at(index * N_ROW + 12u, i)] = 2.501f - y.one_body_place_0 * 6.0221406e23f;
    saved[at(index * N_ROW + 13u, i)] = v11;
    saved[at(index * N_ROW + 14u, i)] = select(0.0f, 1.0f, !v4 || v12);
    saved[at(index * N_ROW + 15u, i)] = sqrt(y.one_body_place_0) + math_cbrt(y.two_body_place_1);
    saved[at(index * N_ROW + 16u, i)] = math_exp(y.one_body_place_0) + math_expm1(y.two_body_place_1);
    saved[at(index * N_ROW + 17u, i)] = v13 + math_log10(y.two_body_place_1);
    saved[at(index * N_ROW + 18u, i)] = v14;
    saved[at(index * N_ROW + 19u, i)] = v15 + math_atan2(y.two_body_place_1, y.one_body_place_0);
    saved[at(index * N_ROW + 20u, i)] = v16;
    saved[at(index * N_ROW + 21u, i)] = v17;
    saved[at(index * N_ROW + 22u, i)] = v18 + math_min(math_max(y.one_body_place_0, -1.0f), y.two_body_place_1);
    saved[at(index * N_ROW + 23u, i)] = v19 + math_round(y.two_body_place_1);
    saved[at(index * N_ROW + 24u, i)] = v20;
    saved[at(index * N_ROW + 25u, i)] = v21 + abs(y.two_body_place_1);
    saved[at(index * N_ROW + 26u, i)] = v22;
}

// ==== generated step ====

struct Step {
    y1_candidate: State,
    k1: State,
    k2: State,
}

fn rk_step(t: real, y: State, k1: State, p: Params, h: real) -> Step {
    var y1_candidate: State;
    let h2 = h * 1.0f;
    y1_candidate.one_body_place_0 = y.one_body_place_0 + h2 * k1.one_body_place_0;
    y1_candidate.one_body_place_1 = y.one_body_place_1 + h2 * k1.one_body_place_1;
    y1_candidate.one_body_place_2 = y.one_body_place_2 + h2 * k1.one_body_place_2;
    y1_candidate.one_body_speed = y.one_body_speed + h2 * k1.one_body_speed;
    y1_candidate.two_body_place_0 = y.two_body_place_0 + h2 * k1.two_body_place_0;
    y1_candidate.two_body_place_1 = y.two_body_place_1 + h2 * k1.two_body_place_1;
    y1_candidate.two_body_place_2 = y.two_body_place_2 + h2 * k1.two_body_place_2;
    y1_candidate.two_body_speed = y.two_body_speed + h2 * k1.two_body_speed;
    let k2 = rhs(t + 1.0f * h, y1_candidate, p);
    return Step(y1_candidate, k1, k2);
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

fn error_norm_sq(y: State, step: Step, h: real) -> real {
    return 0.0;
}

fn is_finite_state(y: State) -> bool {
    return is_finite(y.one_body_place_0)
        && is_finite(y.one_body_place_1)
        && is_finite(y.one_body_place_2)
        && is_finite(y.one_body_speed)
        && is_finite(y.two_body_place_0)
        && is_finite(y.two_body_place_1)
        && is_finite(y.two_body_place_2)
        && is_finite(y.two_body_speed);
}

// ==== shaders/real_f32.wgsl ====

// ==== shaders/layout.wgsl ====

// ==== shaders/lane.wgsl ====

// ==== shaders/save.wgsl ====

// ==== shaders/integrate_fixed.wgsl ====

// ==== shaders/drive.wgsl ====

// ==== shaders/math.wgsl ====

