// For compilers that regroup sums: x, in a way that they cannot see through.

fn pair_seal(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ config.zero);
}
