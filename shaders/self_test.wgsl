// What the adapter's arithmetic really does: results that src/gpu/self_test.rs compares with the CPU's.

struct RunConfig { zero: u32 }

@group(0) @binding(0) var<uniform> config: RunConfig;
// three numbers of each case
@group(0) @binding(1) var<storage, read> arguments: array<real>;
// N_RESULTS numbers of each case
@group(0) @binding(2) var<storage, read_write> results: array<real>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    let a = arguments[3u * i]; // three arguments
    let b = arguments[3u * i + 1u];
    let c = arguments[3u * i + 2u];
    let first = N_RESULTS * i;
    // Correctly rounded?
    results[first] = add(a, b);
    results[first + 1u] = sub(a, b);
    results[first + 2u] = mul(a, b);
    results[first + 3u] = div(a, b); // and so on, in the order of src/gpu/self_test.rs
    results[first + 4u] = real_sqrt(real_abs(a));
    // Kept as written: not fused, not simplified, not factored?
    results[first + 5u] = add(mul(a, b), c);
    results[first + 6u] = sub(add(a, b), a);
    results[first + 7u] = add(mul(a, b), mul(a, c));
}
