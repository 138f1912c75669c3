// Powers of 2 for the step-size control, where the adapter's own are good enough: WGSL promises log2 to 3 ulp (2^-21 between
// 0.5 and 2) and exp2 to 3 + 2|x| ulp, which moves a step size by less than 1e-5 of it, and no result.

fn control_log2(x: f32) -> f32 {
    return log2(x);
}

fn control_exp2(x: f32) -> f32 {
    return exp2(x);
}
