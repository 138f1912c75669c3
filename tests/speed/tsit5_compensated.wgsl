// Lorenz, Tsit5, 1000 steps of 1e-3, the rounding of y carried along, as a person writes it.

@group(0) @binding(0) var<storage, read> rho: array<f32>;
@group(0) @binding(1) var<storage, read> y0: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_end: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;

fn f(y: vec3<f32>, rho: f32) -> vec3<f32> {
    return vec3<f32>(10.0 * (y.y - y.x), y.x * (rho - y.z) - y.y, y.x * y.y - 2.6666667 * y.z);
}

// x, in a way that a compiler cannot see through: keeps (a + b) - a from becoming b. counts is all zeros.
fn opaque(x: vec3<f32>, zero: u32) -> vec3<f32> {
    return bitcast<vec3<f32>>(bitcast<vec3<u32>>(x) ^ vec3<u32>(zero));
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
    let zero = counts[i];
    var low = vec3<f32>(0.0);
    for (var s = 0u; s < 1000u; s += 1u) {
        let k1 = f(y, r);
        let k2 = f(y + 0.0001610000035725534 * k1, r);
        let k3 = f(y + -8.48065519676311e-06 * k1 + 0.0003354806685820222 * k2, r);
        let k4 = f(y + 0.00289715314283967 * k1 + -0.006359448656439781 * k2 + 0.0043622953817248344 * k3, r);
        let k5 = f(y + 0.005325865000486374 * k1 + -0.011748883873224258 * k2 + 0.007495539262890816 * k3 + -9.249506547348574e-05 * k4, r);
        let k6 = f(y + 0.005861455574631691 * k1 + -0.012920969165861607 * k2 + 0.008159368298947811 * k3 + -7.158497464843094e-05 * k4 + -2.826905074471142e-05 * k5, r);
        let increment = 9.64607679634355e-05 * k1 + 9.999999747378752e-06 * k2 + 0.0004798896552529186 * k3 + 0.0013790085213258862 * k4 + -0.0032900695223361254 * k5 + 0.002324710600078106 * k6;
        let change = increment + low;
        let y1 = opaque(y + change, zero);
        low = change - opaque(y1 - y, zero);
        y = y1;
    }
    y_end[i] = y.x;
    y_end[n + i] = y.y;
    y_end[2u * n + i] = y.z;
    counts[i] = 1000u;
    counts[n + i] = 0u;
}
