// Powers of 2 for the step-size control. Twin of src/cpu/controller.rs: same bits on any adapter that keeps arithmetic.

// Binary logarithm of a positive normal number: x = m 2^e with m near 1, log2(m) from the series of atanh.
fn control_log2(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    var e = f32(i32(bits >> 23u) - 127);
    var m = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u);
    if m > 1.4142135 { // sqrt(2)
        m = m * 0.5;
        e = e + 1.0;
    }
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    // 2/ln(2) times 1, 1/3, 1/5, 1/7
    return e + s * (2.88539 + s2 * (0.9617967 + s2 * (0.577078 + s2 * 0.4121986)));
}

// 2^x for |x| < 126: 2^n times the Taylor series of 2^f, f within half of 0.
fn control_exp2(x: f32) -> f32 {
    let n = floor(x + 0.5);
    let f = x - n;
    // ln(2)^i / i!
    let series = 1.0
        + f * (0.6931472 + f * (0.2402265 + f * (0.05550411 + f * (0.009618129 + f * (0.0013333558 + f * 0.0001540353)))));
    return series * bitcast<f32>(u32(i32(n) + 127) << 23u);
}
