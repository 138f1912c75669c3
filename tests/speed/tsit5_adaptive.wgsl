// Lorenz, Tsit5 with the controller of shaders/controller.wgsl, as a person writes it: the limits and tolerances are numbers,
// the end of the span is one of the steps, a power is the adapter's.

@group(0) @binding(0) var<storage, read> rho: array<f32>;
@group(0) @binding(1) var<storage, read> y0: array<f32>;
@group(0) @binding(2) var<storage, read_write> y_end: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;

fn f(y: vec3<f32>, rho: f32) -> vec3<f32> {
    return vec3<f32>(10.0 * (y.y - y.x), y.x * (rho - y.z) - y.y, y.x * y.y - 2.6666667 * y.z);
}

const T_END: f32 = 1.0;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = arrayLength(&rho);
    let i = id.x;
    if i >= n {
        return;
    }
    let r = rho[i];
    var y = vec3<f32>(y0[i], y0[n + i], y0[2u * n + i]);
    var k1 = f(y, r);
    var t = 0.0;
    var t_low = 0.0;
    var h = 0.001;
    var err_before = 0.0;
    var most = 10.0;
    var accepted = 0u;
    var rejected = 0u;
    loop {
        let left = (T_END - t) - t_low;
        let is_last = left <= 1.001 * h;
        h = select(h, left, is_last);
        let k2 = f(y + h * (0.16099999845027924 * k1), r);
        let k3 = f(y + h * (-0.008480655029416084 * k1 + 0.335480660200119 * k2), r);
        let k4 = f(y + h * (2.89715313911438 * k1 + -6.359448432922363 * k2 + 4.362295627593994 * k3), r);
        let k5 = f(y + h * (5.325864791870117 * k1 + -11.748883247375488 * k2 + 7.49553918838501 * k3 + -0.09249506890773773 * k4), r);
        let k6 = f(y + h * (5.86145544052124 * k1 + -12.920969009399414 * k2 + 8.159367561340332 * k3 + -0.07158496975898743 * k4 + -0.028269050642848015 * k5), r);
        let y1 = y + h * (0.09646076709032059 * k1 + 0.009999999776482582 * k2 + 0.4798896610736847 * k3 + 1.3790085315704346 * k4 + -3.290069580078125 * k5 + 2.3247106075286865 * k6);
        let k7 = f(y1, r);
        let error = h * (-0.0017800111090764403 * k1 + -0.0008164344471879303 * k2 + 0.007880877703428268 * k3 + -0.14471100270748138 * k4 + 0.5823571681976318 * k5 + -0.4580821096897125 * k6 + 0.01515151560306549 * k7);
        let ratio = error / (1e-5 + 1e-5 * max(abs(y), abs(y1)));
        let square = dot(ratio, ratio) * 0.33333334;
        let accept = square <= 1.0;
        let err = 0.5 * log2(clamp(square, 1e-10, 1e30));
        let exponent = select(-0.2 * err, 0.04 * err_before - 0.17 * err, accept);
        let factor = max(min(0.9 * exp2(exponent), select(0.9, most, accept)), 0.2);
        most = select(1.0, 10.0, accept);
        let dt = h + t_low;
        let t1 = t + dt;
        t_low = select(t_low, dt - (t1 - t), accept);
        t = select(t, t1, accept);
        err_before = select(err_before, err, accept);
        y = select(y, y1, accept);
        k1 = select(k1, k7, accept);
        h = h * factor;
        accepted += select(0u, 1u, accept);
        rejected += select(1u, 0u, accept);
        if (accept && is_last) || accepted + rejected >= 100000u {
            break;
        }
    }
    y_end[i] = y.x;
    y_end[n + i] = y.y;
    y_end[2u * n + i] = y.z;
    counts[i] = accepted;
    counts[n + i] = rejected;
}
