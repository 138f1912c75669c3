// For compilers that keep arithmetic as written (NoContraction): nothing to hide, and faster to compile and to run.

fn pair_seal(x: f32) -> f32 {
    return x;
}
