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
