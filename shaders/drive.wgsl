// The loop over steps of one trajectory. Twin of src/cpu/drive.rs, where a block of lanes steps together.
// A dispatch attempts so many steps of each unfinished trajectory; what is unfinished then rests in the buffers until the
// next one, and shaders/compact.wgsl lists it.

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let place = id.x + id.y * groups.x * WORKGROUP_SIZE;
    if place >= unfinished[0] {
        return;
    }
    var i = place;
    if unfinished[LIST_ALL] == 0u {
        i = unfinished[LIST_HEADER + place];
    }
    let slice_steps = unfinished[LIST_STEPS];
    var lane = load_lane(i);
    let p = load_params(i);
    var y = load_y(i);
    var low = load_low(i);
    var k1: State;
    if lane.started {
        k1 = load_k1(i);
    } else {
        pass_start(&lane, i, &y, &low, p);
        k1 = rhs(lane.t0, y, p);
        var culprit = first_non_finite(y);
        culprit = select(culprit, first_non_finite(k1), culprit == 0u);
        if culprit == 0u {
            lane.dt = first_dt(lane.t0, lane.span, y, k1, p);
        } else {
            lane.status = STATUS_NON_FINITE;
            lane.culprit = select(lane.culprit, culprit, lane.culprit == 0u);
        }
        save_start(&lane, i, y, p);
    }
    var n = 0u;
    // The loop asks at its end whether it goes on: devices that mask lanes would do a last round for nothing.
    loop {
        n += quiet_steps(&lane, &y, &low, &k1, p, select(0u, slice_steps - n, lane.status == STATUS_RUNNING));
        var at_stop = false;
        if n < slice_steps && lane.status == STATUS_RUNNING && lane.accepted + lane.rejected < config.max_steps {
            n += 1u;
            let attempt = begin_step(&lane);
            let h_time = time_step(&lane, attempt);
            let step = rk_step(add(lane.t0, lane.tau), y, low, k1, p, weights(attempt.h), h_time);
            let culprit = first_non_finite(step.y1_candidate);
            if end_step(&lane, attempt, error_norm_sq(y, step, attempt.h), culprit) {
                if SAVES_END {
                    save_end(&lane, i, attempt, step.y1_candidate, p);
                } else {
                    save_until(&lane, i, attempt, y, step, p);
                }
                advance(&lane, attempt);
                y = step.y1_candidate;
                low = step.low;
                k1 = last_stage(step);
                save_step(&lane, i, y, p);
                at_stop = attempt.is_last;
            }
        }
        if lane.status == STATUS_RUNNING && lane.accepted + lane.rejected >= config.max_steps {
            lane.status = STATUS_STEP_LIMIT;
        }
        if HAS_STOPS && at_stop && (lane.status == STATUS_RUNNING || lane.status == STATUS_SUCCESS) {
            pass_stop(&lane, i, &y, &low, &k1, p);
        }
        if n >= slice_steps || lane.status != STATUS_RUNNING {
            break;
        }
    }
    if lane.status == STATUS_SUCCESS && lane.culprit != 0u {
        lane.status = STATUS_NON_FINITE;
    }
    store_lane(i, lane, n);
    store_y(i, y);
    // A trajectory that has ended takes no further step.
    if lane.status == STATUS_RUNNING {
        store_low(i, low);
        store_k1(i, k1);
    }
}
