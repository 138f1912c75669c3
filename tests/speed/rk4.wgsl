// Lorenz, RK4, 1000 steps of 1e-3, as a person writes it.

@group(0) @binding(0) var<storage, read> rho: array<f32>;
@group(0) @binding(1) var<storage, read> y0: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_end: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;

fn f(y: vec3<f32>, rho: f32) -> vec3<f32> {
    return vec3<f32>(10.0 * (y.y - y.x), y.x * (rho - y.z) - y.y, y.x * y.y - 2.6666667 * y.z);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = arrayLength(&rho);
    let i = id.x;
    if i >= n {
        return;
    }
    let r = rho[i];
    var y = vec3<f32>(y0[i], y0[n + i], y0[2u * n + i]);
    for (var s = 0u; s < 1000u; s += 1u) {
        let k1 = f(y, r);
        let k2 = f(y + 0.0005 * k1, r);
        let k3 = f(y + 0.0005 * k2, r);
        let k4 = f(y + 0.001 * k3, r);
        y = y + 0.00016666667 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    y_end[i] = y.x;
    y_end[n + i] = y.y;
    y_end[2u * n + i] = y.z;
    counts[i] = 1000u;
    counts[n + i] = 0u;
}
