// Sums over a workgroup, up a tree: the rounding grows with the logarithm of their number, and the order is always the same.

var<workgroup> sums: array<real, WORKGROUP_SIZE>;

// The sum of the x of all invocations, which all come here together.
fn sum_of_all(lane: u32, x: real) -> real {
    sums[lane] = x;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] = add(sums[lane], sums[lane + half]);
        }
    }
    workgroupBarrier();
    let sum = sums[0];
    // The next sum uses the same memory.
    workgroupBarrier();
    return sum;
}
