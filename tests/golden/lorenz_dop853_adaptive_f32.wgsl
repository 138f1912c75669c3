// ==== generated constants ====

// dop853, f32
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
    k8: State,
    k9: State,
    k10: State,
    k11: State,
    k12: State,
    k13: State,
}

alias Weights = real;

fn weights(h: real) -> Weights {
    return h;
}

fn rk_step(t: real, y: State, low: Low, k1: State, p: Params, h: Weights, h_time: real) -> Step {
    var y2: State;
    let h2 = h * 0.052600153f;
    y2.x = y.x + h2 * k1.x;
    y2.y = y.y + h2 * k1.y;
    y2.z = y.z + h2 * k1.z;
    let k2 = rhs(t + 0.052600153f * h_time, y2, p);
    var y3: State;
    y3.x = y.x + h * (0.019725056f * k1.x + 0.05917517f * k2.x);
    y3.y = y.y + h * (0.019725056f * k1.y + 0.05917517f * k2.y);
    y3.z = y.z + h * (0.019725056f * k1.z + 0.05917517f * k2.z);
    let k3 = rhs(t + 0.078900225f * h_time, y3, p);
    var y4: State;
    y4.x = y.x + h * (0.029587585f * k1.x + 0.08876275f * k3.x);
    y4.y = y.y + h * (0.029587585f * k1.y + 0.08876275f * k3.y);
    y4.z = y.z + h * (0.029587585f * k1.z + 0.08876275f * k3.z);
    let k4 = rhs(t + 0.11835034f * h_time, y4, p);
    var y5: State;
    y5.x = y.x + h * (0.24136513f * k1.x + -0.8845495f * k3.x + 0.924834f * k4.x);
    y5.y = y.y + h * (0.24136513f * k1.y + -0.8845495f * k3.y + 0.924834f * k4.y);
    y5.z = y.z + h * (0.24136513f * k1.z + -0.8845495f * k3.z + 0.924834f * k4.z);
    let k5 = rhs(t + 0.28164965f * h_time, y5, p);
    var y6: State;
    y6.x = y.x + h * (0.037037037f * k1.x + 0.17082861f * k4.x + 0.12546769f * k5.x);
    y6.y = y.y + h * (0.037037037f * k1.y + 0.17082861f * k4.y + 0.12546769f * k5.y);
    y6.z = y.z + h * (0.037037037f * k1.z + 0.17082861f * k4.z + 0.12546769f * k5.z);
    let k6 = rhs(t + 0.33333334f * h_time, y6, p);
    var y7: State;
    y7.x = y.x + h * (0.037109375f * k1.x + 0.1702522f * k4.x + 0.06021654f * k5.x + -0.017578125f * k6.x);
    y7.y = y.y + h * (0.037109375f * k1.y + 0.1702522f * k4.y + 0.06021654f * k5.y + -0.017578125f * k6.y);
    y7.z = y.z + h * (0.037109375f * k1.z + 0.1702522f * k4.z + 0.06021654f * k5.z + -0.017578125f * k6.z);
    let k7 = rhs(t + 0.25f * h_time, y7, p);
    var y8: State;
    y8.x = y.x + h * (0.037092f * k1.x + 0.17038393f * k4.x + 0.10726203f * k5.x + -0.015319438f * k6.x + 0.008273789f * k7.x);
    y8.y = y.y + h * (0.037092f * k1.y + 0.17038393f * k4.y + 0.10726203f * k5.y + -0.015319438f * k6.y + 0.008273789f * k7.y);
    y8.z = y.z + h * (0.037092f * k1.z + 0.17038393f * k4.z + 0.10726203f * k5.z + -0.015319438f * k6.z + 0.008273789f * k7.z);
    let k8 = rhs(t + 0.30769232f * h_time, y8, p);
    var y9: State;
    y9.x = y.x + h * (0.62411094f * k1.x + -3.3608925f * k4.x + -0.8682194f * k5.x + 27.5921f * k6.x + 20.154068f * k7.x + -43.489883f * k8.x);
    y9.y = y.y + h * (0.62411094f * k1.y + -3.3608925f * k4.y + -0.8682194f * k5.y + 27.5921f * k6.y + 20.154068f * k7.y + -43.489883f * k8.y);
    y9.z = y.z + h * (0.62411094f * k1.z + -3.3608925f * k4.z + -0.8682194f * k5.z + 27.5921f * k6.z + 20.154068f * k7.z + -43.489883f * k8.z);
    let k9 = rhs(t + 0.6512821f * h_time, y9, p);
    var y10: State;
    y10.x = y.x + h * (0.47766253f * k1.x + -2.4881146f * k4.x + -0.59029084f * k5.x + 21.230051f * k6.x + 15.279234f * k7.x + -33.28821f * k8.x + -0.020331202f * k9.x);
    y10.y = y.y + h * (0.47766253f * k1.y + -2.4881146f * k4.y + -0.59029084f * k5.y + 21.230051f * k6.y + 15.279234f * k7.y + -33.28821f * k8.y + -0.020331202f * k9.y);
    y10.z = y.z + h * (0.47766253f * k1.z + -2.4881146f * k4.z + -0.59029084f * k5.z + 21.230051f * k6.z + 15.279234f * k7.z + -33.28821f * k8.z + -0.020331202f * k9.z);
    let k10 = rhs(t + 0.6f * h_time, y10, p);
    var y11: State;
    y11.x = y.x + h * (-0.93714243f * k1.x + 5.1863723f * k4.x + 1.0914373f * k5.x + -8.149787f * k6.x + -18.520065f * k7.x + 22.739487f * k8.x + 2.4936056f * k9.x + -3.0467644f * k10.x);
    y11.y = y.y + h * (-0.93714243f * k1.y + 5.1863723f * k4.y + 1.0914373f * k5.y + -8.149787f * k6.y + -18.520065f * k7.y + 22.739487f * k8.y + 2.4936056f * k9.y + -3.0467644f * k10.y);
    y11.z = y.z + h * (-0.93714243f * k1.z + 5.1863723f * k4.z + 1.0914373f * k5.z + -8.149787f * k6.z + -18.520065f * k7.z + 22.739487f * k8.z + 2.4936056f * k9.z + -3.0467644f * k10.z);
    let k11 = rhs(t + 0.85714287f * h_time, y11, p);
    var y12: State;
    y12.x = y.x + h * (2.2733102f * k1.x + -10.534495f * k4.x + -2.0008721f * k5.x + -17.958931f * k6.x + 27.948885f * k7.x + -2.8589983f * k8.x + -8.872857f * k9.x + 12.360567f * k10.x + 0.64339274f * k11.x);
    y12.y = y.y + h * (2.2733102f * k1.y + -10.534495f * k4.y + -2.0008721f * k5.y + -17.958931f * k6.y + 27.948885f * k7.y + -2.8589983f * k8.y + -8.872857f * k9.y + 12.360567f * k10.y + 0.64339274f * k11.y);
    y12.z = y.z + h * (2.2733102f * k1.z + -10.534495f * k4.z + -2.0008721f * k5.z + -17.958931f * k6.z + 27.948885f * k7.z + -2.8589983f * k8.z + -8.872857f * k9.z + 12.360567f * k10.z + 0.64339274f * k11.z);
    let k12 = rhs(t + 1.0f * h_time, y12, p);
    var y1_candidate: State;
    let low1 = low;
    y1_candidate.x = y.x + h * (0.054293733f * k1.x + 4.450313f * k6.x + 1.8915179f * k7.x + -5.8012037f * k8.x + 0.31116438f * k9.x + -0.15216094f * k10.x + 0.2013654f * k11.x + 0.044710618f * k12.x);
    y1_candidate.y = y.y + h * (0.054293733f * k1.y + 4.450313f * k6.y + 1.8915179f * k7.y + -5.8012037f * k8.y + 0.31116438f * k9.y + -0.15216094f * k10.y + 0.2013654f * k11.y + 0.044710618f * k12.y);
    y1_candidate.z = y.z + h * (0.054293733f * k1.z + 4.450313f * k6.z + 1.8915179f * k7.z + -5.8012037f * k8.z + 0.31116438f * k9.z + -0.15216094f * k10.z + 0.2013654f * k11.z + 0.044710618f * k12.z);
    let k13 = rhs(t + 1.0f * h_time, y1_candidate, p);
    return Step(y1_candidate, low1, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13);
}

fn last_stage(step: Step) -> State {
    return step.k13;
}

struct DenseStages {
    k14: State,
    k15: State,
    k16: State,
}

fn dense_stages(t: real, y: State, step: Step, p: Params, h: real, h_time: real) -> DenseStages {
    var y14: State;
    y14.x = y.x + h * (0.056167502f * step.k1.x + 0.25350022f * step.k7.x + -0.24623904f * step.k8.x + -0.124191426f * step.k9.x + 0.15329179f * step.k10.x + 0.008201052f * step.k11.x + 0.0075678974f * step.k12.x + -0.008298f * step.k13.x);
    y14.y = y.y + h * (0.056167502f * step.k1.y + 0.25350022f * step.k7.y + -0.24623904f * step.k8.y + -0.124191426f * step.k9.y + 0.15329179f * step.k10.y + 0.008201052f * step.k11.y + 0.0075678974f * step.k12.y + -0.008298f * step.k13.y);
    y14.z = y.z + h * (0.056167502f * step.k1.z + 0.25350022f * step.k7.z + -0.24623904f * step.k8.z + -0.124191426f * step.k9.z + 0.15329179f * step.k10.z + 0.008201052f * step.k11.z + 0.0075678974f * step.k12.z + -0.008298f * step.k13.z);
    let k14 = rhs(t + 0.1f * h_time, y14, p);
    var y15: State;
    y15.x = y.x + h * (0.031834647f * step.k1.x + 0.02830091f * step.k6.x + 0.053541988f * step.k7.x + -0.054923747f * step.k8.x + -0.000108347325f * step.k11.x + 0.0003825711f * step.k12.x + -0.00034046502f * step.k13.x + 0.14131245f * k14.x);
    y15.y = y.y + h * (0.031834647f * step.k1.y + 0.02830091f * step.k6.y + 0.053541988f * step.k7.y + -0.054923747f * step.k8.y + -0.000108347325f * step.k11.y + 0.0003825711f * step.k12.y + -0.00034046502f * step.k13.y + 0.14131245f * k14.y);
    y15.z = y.z + h * (0.031834647f * step.k1.z + 0.02830091f * step.k6.z + 0.053541988f * step.k7.z + -0.054923747f * step.k8.z + -0.000108347325f * step.k11.z + 0.0003825711f * step.k12.z + -0.00034046502f * step.k13.z + 0.14131245f * k14.z);
    let k15 = rhs(t + 0.2f * h_time, y15, p);
    var y16: State;
    y16.x = y.x + h * (-0.4288963f * step.k1.x + -4.6976213f * step.k6.x + 7.683421f * step.k7.x + 4.0689898f * step.k8.x + 0.35672718f * step.k9.x + -0.0013990242f * step.k13.x + 2.9475148f * k14.x + -9.150958f * k15.x);
    y16.y = y.y + h * (-0.4288963f * step.k1.y + -4.6976213f * step.k6.y + 7.683421f * step.k7.y + 4.0689898f * step.k8.y + 0.35672718f * step.k9.y + -0.0013990242f * step.k13.y + 2.9475148f * k14.y + -9.150958f * k15.y);
    y16.z = y.z + h * (-0.4288963f * step.k1.z + -4.6976213f * step.k6.z + 7.683421f * step.k7.z + 4.0689898f * step.k8.z + 0.35672718f * step.k9.z + -0.0013990242f * step.k13.z + 2.9475148f * k14.z + -9.150958f * k15.z);
    let k16 = rhs(t + 0.7777778f * h_time, y16, p);
    return DenseStages(k14, k15, k16);
}

fn interpolate(y: State, step: Step, dense: DenseStages, h: real, theta: real) -> State {
    let u = 1.0f - theta;
    let x = theta - 0.5f;
    let b1 = theta * (0.054293733f + u * (0.94570625f + theta * (-0.89141256f + u * (-1.4306623f + x * (4.0040255f + x * (-7.1380863f + x * 25.693933f))))));
    let b6 = theta * (4.450313f + u * (-4.450313f + theta * (8.900626f + u * (5.675415f + x * (203.73605f + x * (464.13217f + x * 154.18974f))))));
    let b7 = theta * (1.8915179f + u * (-1.8915179f + theta * (3.7830358f + u * (3.295569f + x * (107.31811f + x * (304.94284f + x * 231.52937f))))));
    let b8 = theta * (-5.8012037f + u * (5.8012037f + theta * (-11.602407f + u * (-8.23178f + x * (-285.13696f + x * (-706.62775f + x * -357.63913f))))));
    let b9 = theta * (0.31116438f + u * (-0.31116438f + theta * (0.62232876f + u * (-0.15760896f + x * (1.2376642f + x * (-35.12876f + x * -93.40533f))))));
    let b10 = theta * (-0.15216094f + u * (0.15216094f + theta * (-0.3043219f + u * (0.033342533f + x * (-1.6311481f + x * (11.847929f + x * 37.458324f))))));
    let b11 = theta * (0.2013654f + u * (-0.2013654f + theta * (0.4027308f + u * (-0.3343f + x * (-4.6491723f + x * (-51.04922f + x * -104.09965f))))));
    let b12 = theta * (0.044710618f + u * (-0.044710618f + theta * (0.089421235f + u * (-0.11002136f + x * (-1.8720572f + x * (-15.697861f + x * -29.840294f))))));
    let b13 = theta * (u * (theta * (-1.0f + u * (1.6233952f + x * (4.813874f + x * (24.544933f + x * 43.533455f))))));
    let b14 = theta * (u * (theta * (u * (-0.42980066f + x * (-7.0582647f + x * (12.034418f + x * -96.324554f))))));
    let b15 = theta * (u * (theta * (u * (2.311849f + x * (-19.14724f + x * (-64.73177f + x * 39.17726f))))));
    let b16 = theta * (u * (theta * (u * (-2.2453973f + x * (-1.6148676f + x * (62.871128f + x * 149.72684f))))));
    var d: State;
    d.x = y.x + h * (b1 * step.k1.x + b6 * step.k6.x + b7 * step.k7.x + b8 * step.k8.x + b9 * step.k9.x + b10 * step.k10.x + b11 * step.k11.x + b12 * step.k12.x + b13 * step.k13.x + b14 * dense.k14.x + b15 * dense.k15.x + b16 * dense.k16.x);
    d.y = y.y + h * (b1 * step.k1.y + b6 * step.k6.y + b7 * step.k7.y + b8 * step.k8.y + b9 * step.k9.y + b10 * step.k10.y + b11 * step.k11.y + b12 * step.k12.y + b13 * step.k13.y + b14 * dense.k14.y + b15 * dense.k15.y + b16 * dense.k16.y);
    d.z = y.z + h * (b1 * step.k1.z + b6 * step.k6.z + b7 * step.k7.z + b8 * step.k8.z + b9 * step.k9.z + b10 * step.k10.z + b11 * step.k11.z + b12 * step.k12.z + b13 * step.k13.z + b14 * dense.k14.z + b15 * dense.k15.z + b16 * dense.k16.z);
    return d;
}

fn error_norm_sq(y: State, step: Step, h: real) -> ErrorNorm {
    var sum = real_of(0.0);
    var noise = real_of(0.0);
    var second = real_of(0.0);
    let error0 = h * (0.013120045f * step.k1.x + -1.2251564f * step.k6.x + -0.49575895f * step.k7.x + 1.6643772f * step.k8.x + -0.35032886f * step.k9.x + 0.33417913f * step.k10.x + 0.08192321f * step.k11.x + -0.022355309f * step.k12.x);
    let size0 = greater(real_abs(y.x), real_abs(step.y1_candidate.x));
    let e0 = ratio(error0, (tables.tolerances[0].atol + tables.tolerances[0].rtol * size0));
    sum = sum + e0 * e0;
    noise = select(noise, noise + e0 * e0, is_noise(error0, size0));
    let second0 = lesser(real_abs(ratio(h * (-0.18980075f * step.k1.x + 4.450313f * step.k6.x + 1.8915179f * step.k7.x + -5.8012037f * step.k8.x + -0.42268232f * step.k9.x + -0.15216094f * step.k10.x + 0.2013654f * step.k11.x + 0.022651792f * step.k12.x), (tables.tolerances[0].atol + tables.tolerances[0].rtol * size0))), real_of(1e15));
    second = second + second0 * second0;
    let error1 = h * (0.013120045f * step.k1.y + -1.2251564f * step.k6.y + -0.49575895f * step.k7.y + 1.6643772f * step.k8.y + -0.35032886f * step.k9.y + 0.33417913f * step.k10.y + 0.08192321f * step.k11.y + -0.022355309f * step.k12.y);
    let size1 = greater(real_abs(y.y), real_abs(step.y1_candidate.y));
    let e1 = ratio(error1, (tables.tolerances[1].atol + tables.tolerances[1].rtol * size1));
    sum = sum + e1 * e1;
    noise = select(noise, noise + e1 * e1, is_noise(error1, size1));
    let second1 = lesser(real_abs(ratio(h * (-0.18980075f * step.k1.y + 4.450313f * step.k6.y + 1.8915179f * step.k7.y + -5.8012037f * step.k8.y + -0.42268232f * step.k9.y + -0.15216094f * step.k10.y + 0.2013654f * step.k11.y + 0.022651792f * step.k12.y), (tables.tolerances[1].atol + tables.tolerances[1].rtol * size1))), real_of(1e15));
    second = second + second1 * second1;
    let error2 = h * (0.013120045f * step.k1.z + -1.2251564f * step.k6.z + -0.49575895f * step.k7.z + 1.6643772f * step.k8.z + -0.35032886f * step.k9.z + 0.33417913f * step.k10.z + 0.08192321f * step.k11.z + -0.022355309f * step.k12.z);
    let size2 = greater(real_abs(y.z), real_abs(step.y1_candidate.z));
    let e2 = ratio(error2, (tables.tolerances[2].atol + tables.tolerances[2].rtol * size2));
    sum = sum + e2 * e2;
    noise = select(noise, noise + e2 * e2, is_noise(error2, size2));
    let second2 = lesser(real_abs(ratio(h * (-0.18980075f * step.k1.z + 4.450313f * step.k6.z + 1.8915179f * step.k7.z + -5.8012037f * step.k8.z + -0.42268232f * step.k9.z + -0.15216094f * step.k10.z + 0.2013654f * step.k11.z + 0.022651792f * step.k12.z), (tables.tolerances[2].atol + tables.tolerances[2].rtol * size2))), real_of(1e15));
    second = second + second2 * second2;
    let mean = sum * 0.33333334f;
    let part = ratio(mean, mean + 0.01f * (second * 0.33333334f));
    return ErrorNorm(mean * part, (noise * 0.33333334f) * part);
}

struct Tolerances { unused: u32 }

fn load_tolerances() -> Tolerances {
    return Tolerances(0u);
}

fn quiet_norm_sq(y: State, step: Step, h: real, tolerances: Tolerances) -> QuietNorm {
    var sum = real_of(0.0);
    var size = 0.0f;
    var second = real_of(0.0);
    let abs0 = real_abs(step.y1_candidate.x);
    size += to_f32(abs0);
    let size0 = greater(real_abs(y.x), abs0);
    let e0 = (h * (0.013120045f * step.k1.x + -1.2251564f * step.k6.x + -0.49575895f * step.k7.x + 1.6643772f * step.k8.x + -0.35032886f * step.k9.x + 0.33417913f * step.k10.x + 0.08192321f * step.k11.x + -0.022355309f * step.k12.x)) / (tables.tolerances[0].atol + tables.tolerances[0].rtol * size0);
    sum = sum + e0 * e0;
    let second0 = lesser(real_abs((h * (-0.18980075f * step.k1.x + 4.450313f * step.k6.x + 1.8915179f * step.k7.x + -5.8012037f * step.k8.x + -0.42268232f * step.k9.x + -0.15216094f * step.k10.x + 0.2013654f * step.k11.x + 0.022651792f * step.k12.x)) / (tables.tolerances[0].atol + tables.tolerances[0].rtol * size0)), real_of(1e15));
    second = second + second0 * second0;
    let abs1 = real_abs(step.y1_candidate.y);
    size += to_f32(abs1);
    let size1 = greater(real_abs(y.y), abs1);
    let e1 = (h * (0.013120045f * step.k1.y + -1.2251564f * step.k6.y + -0.49575895f * step.k7.y + 1.6643772f * step.k8.y + -0.35032886f * step.k9.y + 0.33417913f * step.k10.y + 0.08192321f * step.k11.y + -0.022355309f * step.k12.y)) / (tables.tolerances[1].atol + tables.tolerances[1].rtol * size1);
    sum = sum + e1 * e1;
    let second1 = lesser(real_abs((h * (-0.18980075f * step.k1.y + 4.450313f * step.k6.y + 1.8915179f * step.k7.y + -5.8012037f * step.k8.y + -0.42268232f * step.k9.y + -0.15216094f * step.k10.y + 0.2013654f * step.k11.y + 0.022651792f * step.k12.y)) / (tables.tolerances[1].atol + tables.tolerances[1].rtol * size1)), real_of(1e15));
    second = second + second1 * second1;
    let abs2 = real_abs(step.y1_candidate.z);
    size += to_f32(abs2);
    let size2 = greater(real_abs(y.z), abs2);
    let e2 = (h * (0.013120045f * step.k1.z + -1.2251564f * step.k6.z + -0.49575895f * step.k7.z + 1.6643772f * step.k8.z + -0.35032886f * step.k9.z + 0.33417913f * step.k10.z + 0.08192321f * step.k11.z + -0.022355309f * step.k12.z)) / (tables.tolerances[2].atol + tables.tolerances[2].rtol * size2);
    sum = sum + e2 * e2;
    let second2 = lesser(real_abs((h * (-0.18980075f * step.k1.z + 4.450313f * step.k6.z + 1.8915179f * step.k7.z + -5.8012037f * step.k8.z + -0.42268232f * step.k9.z + -0.15216094f * step.k10.z + 0.2013654f * step.k11.z + 0.022651792f * step.k12.z)) / (tables.tolerances[2].atol + tables.tolerances[2].rtol * size2)), real_of(1e15));
    second = second + second2 * second2;
    let mean = sum * 0.33333334f;
    let part = ratio(mean, mean + 0.01f * (second * 0.33333334f));
    return QuietNorm(mean * part, size);
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
    (*k1).x = select((*k1).x, step.k13.x, accept);
    (*y).y = select((*y).y, step.y1_candidate.y, accept);
    (*k1).y = select((*k1).y, step.k13.y, accept);
    (*y).z = select((*y).z, step.y1_candidate.z, accept);
    (*k1).z = select((*k1).z, step.k13.z, accept);
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

// ==== shaders/save_until_dense.wgsl ====

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

