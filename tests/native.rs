//! Functions written in Rust against the same things written as expressions, on the CPU to the last bit where both compute
//! in f64; and what is refused.

mod common;

use common::{assert_close, compiled};
use ensolve::method::TABLEAUS;
use ensolve::spec::{Callback, Component, EnsembleSettings, Entity, System};
use ensolve::{
    CompiledSpec, CpuBackend, Distribution, Ensemble, EnsembleResult, Error, Precision, RunSettings, Save, SolveResult,
    Status, Tolerance, World, solve, solve_ensemble,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A pendulum with a sampled PID controller as expressions.
const PID: &str = r#"{
    "components": {
        "pendulum": {"theta": {"integrated": 0.0}, "omega": {"integrated": 0.0}, "length": {"parameter": 1.0},
            "mass": {"parameter": 1.0}, "gravity": {"parameter": 9.81}, "damping": {"parameter": 0.1}},
        "pid": {"u": {"discrete": 0.0, "dt": 0.01}, "integ": {"discrete": 0.0, "dt": 0.01},
            "e_prev": {"discrete": 0.5, "dt": 0.01}, "setpoint": {"parameter": 0.5}, "kp": {"parameter": 20.0},
            "ki": {"parameter": 15.0}, "kd": {"parameter": 4.0}, "u_max": {"parameter": 8.0}}},
    "entities": {"arm": {"pendulum": {}}, "ctl": {"pid": {}}},
    "systems": {"pend": {"slots": {"a": "pendulum", "c": "pid"}, "groups": [["arm", "ctl"]], "derivatives": {
        "a.theta": "a.omega",
        "a.omega": "-(a.gravity/a.length)*sin(a.theta) - a.damping*a.omega + c.u/(a.mass*a.length^2)"}}},
    "let": {"e": "ctl.pid.setpoint - arm.pendulum.theta"},
    "callbacks": {"pid": {"dt": 0.01, "parameters": {"dt": 0.01}, "set": {
        "ctl.pid.u": "clamp(ctl.pid.kp*e + ctl.pid.ki*(ctl.pid.integ + e*dt) + ctl.pid.kd*((e - ctl.pid.e_prev)/dt), -ctl.pid.u_max, ctl.pid.u_max)",
        "ctl.pid.integ": "ctl.pid.integ + e*dt",
        "ctl.pid.e_prev": "e"}}}}"#;

/// Time, theta, omega and u of that model by extrapolation in 113 bits.
const REFERENCE: [(f64, [f64; 3]); 6] = [
    (0.13, [0.05627149218370428, 0.9014837301502249, 6.687077463638961]),
    (0.585, [0.5022799726437837, 0.3018436555246464, 0.8175012116894295]),
    (1.56, [0.4262668545303193, 0.15906363025692766, 3.9544325429163996]),
    (2.6, [0.4618591326923483, 0.024609921286200015, 4.447896383566552]),
    (4.03, [0.48432141965753417, 0.009998382438233372, 4.56448941596318]),
    (5.0, [0.49098625298522874, 0.004947035933240382, 4.624196089917086]),
];

const GAINS: [&str; 4] = ["ctl.pid.kp", "ctl.pid.ki", "ctl.pid.kd", "ctl.pid.u_max"];

fn pid_with(callback: Callback) -> CompiledSpec {
    let mut world = World::from_json(PID).expect("a model");
    world.callbacks.clear();
    world.callback("pid", callback.parameter("dt", 0.01)).compile().unwrap_or_else(|e| panic!("{e}"))
}

/// The controller as a function of what it reads and of its states.
fn stateless_pid() -> CompiledSpec {
    let reads = [["e", "dt"].as_slice(), &GAINS].concat();
    let writes = ["ctl.pid.u", "ctl.pid.integ", "ctl.pid.e_prev"];
    pid_with(Callback::closure(0.01, reads, writes, |_, reads, writes| {
        let [e, dt, kp, ki, kd, u_max] = *reads else { panic!("{reads:?}") };
        let [_, integ, e_prev] = *writes else { panic!("{writes:?}") };
        let u = kp * e + ki * (integ + e * dt) + kd * ((e - e_prev) / dt);
        writes.copy_from_slice(&[u.clamp(-u_max, u_max), integ + e * dt, e]);
    }))
}

/// The same with integral and last error kept in the closure.
fn stateful_pid() -> CompiledSpec {
    let reads = [["e", "dt"].as_slice(), &GAINS].concat();
    pid_with(Callback::function(0.01, reads, ["ctl.pid.u"], || {
        let (mut integ, mut e_prev) = (0.0, 0.5);
        move |_, reads, writes| {
            let [e, dt, kp, ki, kd, u_max] = *reads else { panic!("{reads:?}") };
            integ += e * dt;
            writes[0] = (kp * e + ki * integ + kd * ((e - e_prev) / dt)).clamp(-u_max, u_max);
            e_prev = e;
        }
    }))
}

fn tight(precision: Precision, times: &[f64]) -> RunSettings {
    RunSettings {
        tspan: Some((0.0, 5.0)),
        method: Some("vern7".to_string()),
        rtol: Some(Tolerance::Scalar(1e-12)),
        atol: Some(Tolerance::Scalar(1e-13)),
        save: Some(Save::At(times.to_vec())),
        precision: Some(precision),
        ..RunSettings::default()
    }
}

fn solved(spec: &CompiledSpec, run: &RunSettings) -> SolveResult {
    solve(spec, run, &mut CpuBackend::new()).unwrap_or_else(|e| panic!("{e}"))
}

fn series(result: &SolveResult, name: &str) -> Vec<f64> {
    result.series(name).unwrap_or_else(|| panic!("no {name}")).to_vec()
}

/// All numbers of a trajectory as bits, NaN included.
fn bits(result: &SolveResult) -> Vec<u64> {
    let counts =
        [f64::from(result.accepted), f64::from(result.rejected), result.t_end, f64::from(result.status as u32)];
    result.x.iter().chain(&result.outputs).chain(&result.final_state).chain(&counts).map(|v| v.to_bits()).collect()
}

fn all_bits(result: &EnsembleResult) -> Vec<Vec<u64>> {
    (0..result.n_traj()).map(|i| bits(&result.trajectory(i))).collect()
}

#[test]
fn a_controller_as_a_closure_is_the_controller_as_expressions() {
    let (expressions, closure) = (compiled(PID), stateless_pid());
    let times: Vec<f64> = REFERENCE.iter().map(|(t, _)| *t).collect();
    let run = tight(Precision::F64, &times);
    let (want, got) = (solved(&expressions, &run), solved(&closure, &run));
    assert_eq!(bits(&got), bits(&want));
    for (i, name) in ["arm.pendulum.theta", "arm.pendulum.omega", "ctl.pid.u"].iter().enumerate() {
        let reference: Vec<f64> = REFERENCE.iter().map(|(_, row)| row[i]).collect();
        let got: Vec<f64> = times.iter().map(|t| at(&got, name, *t)).collect();
        assert_close(&got, &reference, 0.0, 1e-9, 1.0, name);
    }
    for (precision, rounding) in [(Precision::F32, 3e-5), (Precision::F32x2, 1e-10)] {
        let run = RunSettings { rtol: Some(Tolerance::Scalar(1e-6)), ..tight(precision, &times) };
        let (want, got) = (solved(&expressions, &run), solved(&closure, &run));
        assert_eq!(got.status, Status::Success);
        for name in &got.names {
            assert_close(&series(&got, name), &series(&want, name), rounding, rounding, 1.0, name);
        }
    }
}

/// The value at a save time.
fn at(result: &SolveResult, name: &str, t: f64) -> f64 {
    let k = result.t.iter().position(|saved| *saved == t).unwrap_or_else(|| panic!("{t} is not saved"));
    result.series(name).expect("a name of the model")[k]
}

#[test]
fn what_a_closure_keeps_is_as_good_as_a_state() {
    let run = RunSettings { save_after_firing: Some(true), ..tight(Precision::F64, &[1.0, 2.005, 5.0]) };
    let (kept, state) = (solved(&stateful_pid(), &run), solved(&stateless_pid(), &run));
    for name in ["arm.pendulum.theta", "arm.pendulum.omega", "ctl.pid.u"] {
        assert_eq!(series(&kept, name), series(&state, name), "{name}");
    }
    assert!(series(&kept, "ctl.pid.integ").iter().all(|x| *x == 0.0), "nobody writes it");
}

#[test]
fn each_repetition_begins_with_a_closure_of_its_own() {
    let run = RunSettings { tspan: Some((0.0, 1.0)), save: Some(Save::Points(9)), ..RunSettings::default() };
    let once = solved(&stateful_pid(), &run);
    let often = solved(&stateful_pid(), &RunSettings { reps: Some(4), ..run });
    assert_eq!(often.timings.as_ref().map(|timings| timings.runs.len()), Some(4));
    assert_eq!(bits(&often), bits(&once));
}

/// A forced oscillator: the force is a table of t for each trajectory's own delay.
const TABLE: [(f64, f64); 5] = [(0.0, 0.25), (1.0, 2.0), (1.5, -1.0), (3.0, 0.5), (4.0, -0.25)];

fn slopes() -> impl Iterator<Item = (f64, f64, f64, f64)> {
    TABLE.windows(2).map(|pair| (pair[0].0, pair[1].0, pair[0].1, (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0)))
}

fn oscillator() -> World {
    let mass = Component::new().integrated("x", 1.0).integrated("v", 0.0).parameter("k", 2.0).parameter("delay", 0.0);
    let motion = System::new().slot("m", "mass").derivative("m.x", "m.v").derivative("m.v", "-m.k*sin(m.x) - 0.1*m.v");
    World::new("").component("mass", mass).entity("a", Entity::new().with("mass")).system("motion", motion)
}

fn force_as_expression() -> CompiledSpec {
    let pieces: String =
        slopes().map(|(t0, t1, f0, slope)| format!("s < {t1} ? {f0} + {slope}*(s - {t0}) : ")).collect();
    let force = System::new().slot("m", "mass").define("s", "t - m.delay").derivative("m.v", format!("{pieces}0"));
    oscillator().system("force", force).compile().unwrap_or_else(|e| panic!("{e}"))
}

fn force_as_function() -> CompiledSpec {
    let force = |t: f64, reads: &[f64], adds: &mut [f64]| {
        let s = t - reads[0];
        if let Some((t0, _, f0, slope)) = slopes().find(|(_, t1, ..)| s < *t1) {
            adds[0] = f0 + slope * (s - t0);
        }
    };
    let force = System::new().slot("m", "mass").function(["m.delay"], ["m.v"], force);
    oscillator().system("force", force).compile().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_system_as_a_function_is_the_system_as_expressions() {
    let (expressions, function) = (force_as_expression(), force_as_function());
    let delays = Distribution::Uniform(0.0, 2.0);
    let settings = EnsembleSettings {
        size: Some(40),
        seed: Some(3),
        sampling: None,
        vary: [("a.mass.delay".to_string(), delays)].into_iter().collect(),
    };
    let mut n_adaptive = 0;
    for tableau in TABLEAUS {
        let adaptive = tableau.error.is_some();
        n_adaptive += usize::from(adaptive);
        for dt in [None, Some(0.03)].into_iter().filter(|dt| dt.is_some() || adaptive) {
            for save in [Save::Points(37), Save::Steps] {
                for (backward, tspan) in [(false, (0.0, 5.0)), (true, (5.0, 0.0))] {
                    let run = RunSettings {
                        tspan: Some(tspan),
                        backward: Some(backward),
                        method: Some(tableau.name.to_string()),
                        save: Some(save.clone()),
                        dt,
                        ..RunSettings::default()
                    };
                    let results = [&expressions, &function].map(|spec| {
                        let ensemble = Ensemble::new(spec, &settings).expect("a valid ensemble");
                        solve_ensemble(spec, &run, &ensemble, &mut CpuBackend::new()).unwrap_or_else(|e| panic!("{e}"))
                    });
                    assert_eq!(results[1].n_finished(), 40, "{run:?}");
                    assert_eq!(all_bits(&results[1]), all_bits(&results[0]), "{run:?}");
                }
            }
        }
    }
    assert!(n_adaptive > 5);
}

#[test]
fn other_formats_and_compensated_sums_agree_within_rounding() {
    let (expressions, function) = (force_as_expression(), force_as_function());
    // Adaptive steps over a jump differ by their tolerance as soon as they differ at all.
    for (precision, rounding, adaptive) in [(Precision::F32, 1e-5, 1e-4), (Precision::F32x2, 1e-12, 1e-6)] {
        for (compensated, dt, rounding) in
            [(false, None, adaptive), (true, None, adaptive), (true, Some(0.01), rounding)]
        {
            let run = RunSettings {
                tspan: Some((0.0, 5.0)),
                precision: Some(precision),
                compensated: Some(compensated),
                save: Some(Save::Points(9)),
                dt,
                ..RunSettings::default()
            };
            let (want, got) = (solved(&expressions, &run), solved(&function, &run));
            for name in &got.names {
                assert_close(&series(&got, name), &series(&want, name), rounding, rounding, 1.0, name);
            }
        }
    }
}

/// A controller with a memory, a system that is a function, and trajectories that fail in either.
fn troubled() -> CompiledSpec {
    let plant = Component::new().integrated("x", 1.0).integrated("v", 0.0).parameter("k", 1.0).parameter("ill", 0.0);
    let spring = |t: f64, reads: &[f64], adds: &mut [f64]| {
        let [x, k, ill] = *reads else { panic!("{reads:?}") };
        adds[0] = if ill == 1.0 && t > 1.0 { f64::NAN } else { -k * x };
    };
    let control = || {
        let (mut n, mut sum) = (0.0, 0.0);
        move |t: f64, reads: &[f64], writes: &mut [f64]| {
            n += 1.0;
            sum += reads[0];
            writes[0] += 0.01 * (t - sum / n);
            if reads[1] == 2.0 && t > 2.0 {
                writes[1] = f64::INFINITY;
            }
        }
    };
    let motion =
        System::new().slot("p", "plant").derivative("p.x", "p.v").function(["p.x", "p.k", "p.ill"], ["p.v"], spring);
    World::new("")
        .component("plant", plant)
        .entity("a", Entity::new().with("plant"))
        .system("motion", motion)
        .callback(
            "control",
            Callback::function(0.25, ["a.plant.x", "a.plant.ill"], ["a.plant.v", "a.plant.x"], control),
        )
        .output("energy", "a.plant.v^2 + a.plant.k*a.plant.x^2")
        .compile()
        .unwrap_or_else(|e| panic!("{e}"))
}

fn ensemble(spec: &CompiledSpec, ill: &[f64]) -> Ensemble {
    let k = |i: usize| 0.1 * 1.09f64.powi(i as i32 % 80);
    let vary = [("a.plant.k", (0..ill.len()).map(k).collect()), ("a.plant.ill", ill.to_vec())];
    let vary = vary.into_iter().map(|(name, values)| (name.to_string(), Distribution::Values(values))).collect();
    Ensemble::new(spec, &EnsembleSettings { vary, ..EnsembleSettings::default() }).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn lanes_and_threads_change_nothing_and_the_ill_hurt_nobody() {
    let spec = troubled();
    let ill: Vec<f64> = (0..300).map(|i| [0.0, 0.0, 1.0, 0.0, 2.0][i % 5]).collect();
    let (mixed, healthy) = (ensemble(&spec, &ill), ensemble(&spec, &[0.0; 300]));
    for (precision, method, dt) in [
        (Precision::F64, "tsit5", None),
        (Precision::F32, "vern7", None),
        (Precision::F32x2, "bs23", None),
        (Precision::F64, "rk4", Some(0.01)),
    ] {
        let run = RunSettings {
            tspan: Some((0.0, 5.0)),
            precision: Some(precision),
            method: Some(method.to_string()),
            rtol: Some(Tolerance::Scalar(1e-4)),
            save: Some(Save::Points(7)),
            dt,
            ..RunSettings::default()
        };
        let solved = |mut backend: CpuBackend, threads: usize, ensemble: &Ensemble| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
            pool.install(|| solve_ensemble(&spec, &run, ensemble, &mut backend)).unwrap_or_else(|e| panic!("{e}"))
        };
        let first = solved(CpuBackend::new().with_lanes(1), 1, &mixed);
        let want = all_bits(&first);
        for (lanes, threads) in [(1, 3), (16, 1), (16, 4), (80, 1), (80, 2), (80, 4)] {
            let got = solved(CpuBackend::new().with_lanes(lanes), threads, &mixed);
            assert_eq!(all_bits(&got), want, "{method} in {precision}, {lanes} lanes, {threads} threads");
        }
        let healthy = all_bits(&solved(CpuBackend::new(), 2, &healthy));
        for (i, ill) in ill.iter().enumerate() {
            let (status, culprit, t_end) = (first.status[i], first.culprit[i], first.t_end[i]);
            match *ill {
                0.0 => assert_eq!(want[i], healthy[i], "{i}"),
                1.0 => {
                    assert_eq!((status, culprit), (Status::NonFinite, Some(1)), "{i}: dv/dt");
                    assert!((0.8..=1.01).contains(&t_end), "{i}: {t_end}");
                }
                _ => assert_eq!((status, culprit, t_end), (Status::NonFinite, Some(0), 2.25), "{i}: x"),
            }
        }
    }
}

#[test]
fn closures_are_made_once_for_each_trajectory_and_called_once_for_each_firing() {
    for (lanes, at_start) in [(1, false), (16, true)] {
        let made = Arc::new(AtomicUsize::new(0));
        let fired: Arc<[AtomicUsize; 60]> = Arc::new(std::array::from_fn(|_| AtomicUsize::new(0)));
        let (made_too, fired_too) = (made.clone(), fired.clone());
        let control = move || {
            made_too.fetch_add(1, Ordering::Relaxed);
            let (fired, mut calls) = (fired_too.clone(), 0.0);
            move |t: f64, reads: &[f64], writes: &mut [f64]| {
                calls += 1.0;
                assert_eq!((t, writes.len()), ((calls - if at_start { 1.0 } else { 0.0 }) * 0.5, 0));
                fired[reads[0] as usize].fetch_add(1, Ordering::Relaxed);
            }
        };
        let mut callback = Callback::function(0.5, ["number"], [""; 0], control);
        callback.at_start = at_start;
        let world = World::new("").state("x", 1.0).parameter("number", 0.0).derivative("x", "-number*x");
        let spec = world.callback("count", callback).compile().unwrap_or_else(|e| panic!("{e}"));
        let vary = [("number".to_string(), Distribution::Values((0..60).map(f64::from).collect()))];
        let settings = EnsembleSettings { vary: vary.into_iter().collect(), ..EnsembleSettings::default() };
        let ensemble = Ensemble::new(&spec, &settings).expect("a valid ensemble");
        let run = RunSettings { tspan: Some((0.0, 3.0)), ..RunSettings::default() };
        let result =
            solve_ensemble(&spec, &run, &ensemble, &mut CpuBackend::new().with_lanes(lanes)).expect("a valid run");
        assert_eq!(result.n_finished(), 60);
        assert_eq!(made.load(Ordering::Relaxed), 60);
        let n_fired: Vec<usize> = fired.iter().map(|n| n.load(Ordering::Relaxed)).collect();
        assert_eq!(n_fired, [6 + usize::from(at_start); 60]);
    }
}

#[test]
fn callbacks_of_both_kinds_see_what_those_before_them_wrote() {
    let double = |_: f64, reads: &[f64], writes: &mut [f64]| writes[0] = 2.0 * reads[0];
    let world = World::new("").state("x", 1.0).state("y", 0.0).state("z", 0.0);
    let world = world.derivative("x", 0.0).derivative("y", 0.0).derivative("z", 0.0);
    let spec = world
        .callback("first", Callback::closure(1.0, ["x + step"], ["x"], double).parameter("step", 3.0))
        .callback("second", Callback::new(1.0).set("y", "x + 1"))
        .callback(
            "third",
            Callback::closure(1.0, ["x", "y", "t"], ["y", "z"], |t, reads, writes| {
                assert_eq!((reads, &writes[..]), ([8.0, 9.0, t].as_slice(), [9.0, 0.0].as_slice()));
                writes[1] = reads[1];
            }),
        );
    let run = RunSettings { tspan: Some((0.0, 1.0)), ..RunSettings::default() };
    let result = solved(&spec.compile().unwrap_or_else(|e| panic!("{e}")), &run);
    assert_eq!(result.final_state.to_vec(), [8.0, 9.0, 9.0]);
}

/// Which of two states the callback leaves alone.
#[test]
fn what_a_closure_leaves_alone_keeps_its_bits() {
    let world = |callback: Option<Callback>| {
        let world = World::new("").state("x", 1.0).state("y", 1.0).derivative("x", "-0.3*x").derivative("y", "-0.7*y");
        let world = match callback {
            Some(callback) => world.callback("c", callback),
            None => world.stop(0.25).stop(0.5).stop(0.75),
        };
        world.compile().unwrap_or_else(|e| panic!("{e}"))
    };
    let reset = || Some(Callback::closure(0.25, [""; 0], ["x", "y"], |_, _, writes| writes[0] = 1.0));
    let idle = || Some(Callback::closure(0.25, [""; 0], ["x", "y"], |_, _, _| {}));
    for precision in Precision::ALL {
        let run = RunSettings {
            tspan: Some((0.0, 1.0)),
            precision: Some(precision),
            compensated: Some(true),
            dt: Some(0.01),
            method: Some("rk4".to_string()),
            ..RunSettings::default()
        };
        let [stops, reset, idle] = [None, reset(), idle()].map(|callback| solved(&world(callback), &run).final_state);
        assert_eq!(idle, stops, "{precision}");
        assert_eq!(reset[1], stops[1], "{precision}");
        assert_eq!(reset[0], 1.0, "{precision}: it fires at the end as well");
    }
}

#[test]
fn time_runs_backward_for_functions_too() {
    let world = |callback: Callback| {
        let world = World::new("").state("x", 1.0).derivative("x", "-x + sin(t)");
        world.callback("kick", callback).compile().unwrap_or_else(|e| panic!("{e}"))
    };
    let kick = |t: f64, reads: &[f64], writes: &mut [f64]| writes[0] += 0.1 * t + reads[0];
    let expressions = world(Callback::new(0.3).set("x", "x + (0.1*t + t)"));
    let closure = world(Callback::closure(0.3, ["t"], ["x"], kick));
    let run = RunSettings { tspan: Some((2.0, 0.5)), backward: Some(true), ..RunSettings::default() };
    assert_eq!(bits(&solved(&closure, &run)), bits(&solved(&expressions, &run)));
}

#[test]
fn a_system_has_equations_functions_groups_vectors_and_lets() {
    let body = Component::new().integrated("x", [1.0, 2.0]).integrated("v", [0.0, 0.0]).parameter("m", 1.0);
    let world = World::new("")
        .component("body", body)
        .entity("a", Entity::new().with("body"))
        .entity("b", Entity::new().set("body", "x", [0.0, -1.0]).set("body", "m", 2.0))
        .entity("c", Entity::new().set("body", "x", [3.0, 0.5]).set("body", "m", 4.0));
    let pull = || {
        let slots = System::new().slot("p", "body").slot("q", "body").group(["a", "b"]).group(["b", "c"]);
        slots.define("d", "q.x - p.x").define("k", "p.m*q.m")
    };
    let expressions = pull().derivative("p.v", "k*d/p.m").derivative("q.v", "-(k*d)/q.m");
    let function = pull().function(["d", "k", "p.m", "q.m", "p.m + q.m"], ["p.v", "q.v"], |_, reads, adds| {
        let [dx, dy, k, p, q, sum] = *reads else { panic!("{reads:?}") };
        assert_eq!((adds.len(), sum), (4, p + q));
        adds.copy_from_slice(&[k * dx / p, k * dy / p, -(k * dx) / q, -(k * dy) / q]);
    });
    let drift = |force: System| force.derivative("p.x", "p.v");
    let [expressions, function] = [expressions, function].map(|force| {
        let rest = System::new().slot("p", "body").group(["c"]).derivative("p.x", "p.v");
        let world = world.clone().system("pull", drift(force)).system("rest", rest);
        world.compile().unwrap_or_else(|e| panic!("{e}"))
    });
    assert_eq!(
        function.jac_sparsity_rows.len(),
        6 + 2 * 4 + 2 * 6 + 2 * 4,
        "x' reads v; v' of a and c may read the x of two bodies, that of b those of three"
    );
    let entries: Vec<_> = function.jac_sparsity_rows.iter().zip(&function.jac_sparsity_cols).collect();
    assert!(entries.is_sorted() && entries.windows(2).all(|pair| pair[0] != pair[1]));
    for entry in expressions.jac_sparsity_rows.iter().zip(&expressions.jac_sparsity_cols) {
        assert!(entries.contains(&entry), "{entry:?}");
    }
    let run = RunSettings { tspan: Some((0.0, 3.0)), ..RunSettings::default() };
    assert_eq!(bits(&solved(&function, &run)), bits(&solved(&expressions, &run)));
}

#[test]
fn results_with_closures_are_verified() {
    let spec = stateful_pid();
    let run = RunSettings { tspan: Some((0.0, 2.0)), save: Some(Save::Points(5)), ..RunSettings::default() };
    let result = solve_ensemble(&spec, &run, &Ensemble::single(), &mut CpuBackend::new()).expect("a valid run");
    let verification = ensolve::verify(&spec, &run, &Ensemble::single(), &result, 1).expect("the same run");
    assert_eq!(verification.n_compared(), 1);
    let worst = verification.worst.expect("a trajectory was compared");
    assert!(worst.error < 1000.0, "the reference has a controller of its own: {worst:?}");
}

#[test]
fn a_state_of_a_short_model_may_have_nothing_but_a_function() {
    let decay = System::new().function(["x", "k"], ["x"], |_, reads, adds| adds[0] = -reads[1] * reads[0]);
    let spec = World::new("").state("x", 1.0).parameter("k", 2.0).system("decay", decay).compile().expect("a model");
    let run = RunSettings { tspan: Some((0.0, 1.0)), save: Some(Save::Final), ..RunSettings::default() };
    assert_close(&solved(&spec, &run).final_state.to_vec(), &[(-2f64).exp()], 1e-6, 1e-8, 10.0, "decay");
}

#[test]
fn listings_name_the_functions() {
    let listing = stateless_pid().to_string();
    let call = "  ctl.pid.u, ctl.pid.integ, ctl.pid.e_prev = pid(t, e#1, 0.01, ctl.pid.kp, ctl.pid.ki, ctl.pid.kd, ctl.pid.u_max)\n";
    assert!(listing.contains("features: discrete_fields, control_callbacks, native_functions\n"), "{listing}");
    assert!(listing.contains("functions:\n") && listing.contains(call), "{listing}");
    let listing = force_as_function().to_string();
    assert!(listing.contains("functions:\n  d(a.mass.v)/dt += force(t, a.mass.delay)\n"), "{listing}");
    assert!(!force_as_expression().to_string().contains("functions"));
}

#[test]
fn worlds_with_functions_compare_and_show() {
    fn push(_: f64, _: &[f64], adds: &mut [f64]) {
        adds[0] = 1.0;
    }
    let world = || World::new("").state("x", 1.0).system("push", System::new().function([""; 0], ["x"], push));
    let one = world();
    assert_eq!(one, one.clone());
    assert_ne!(one, world(), "another closure");
    assert_eq!(one.compile().expect("a model").program, one.clone().compile().expect("a model").program);
    assert!(format!("{one:?}").contains("function: native::worlds_with_functions_compare_and_show::push"), "{one:?}");
    let callback = Callback::closure(1.0, [""; 0], ["x"], push);
    assert_eq!(callback, callback.clone());
    assert!(format!("{callback:?}").contains("make: native::worlds_with_functions_compare_and_show::push"));
}

#[test]
fn what_is_wrong_is_refused() {
    let nothing = |_: f64, _: &[f64], _: &mut [f64]| {};
    let with_system = |system: System| oscillator().system("drive", system.slot("m", "mass"));
    let with_callback = |callback: Callback| oscillator().callback("c", callback);
    let cases = [
        (
            with_system(System::new()),
            "systems.drive: system 'drive' has no equations and no function; give it derivatives, values, residuals or a function, or leave it out",
        ),
        (
            with_system(System::new().define("s", "m.x")),
            "systems.drive: system 'drive' has no equations and no function; give it derivatives, values, residuals or a function, or leave it out",
        ),
        (
            with_system(System::new().function(["m.x"], [""; 0], nothing)),
            "systems.drive.functions[0].adds: a function of system 'drive' adds to nothing; name the integrated fields that it adds to",
        ),
        (
            with_system(System::new().function(["m.y"], ["m.v"], nothing)),
            "systems.drive.functions[0].reads[0]: component 'mass' has no field 'y' at column 1; known fields: x, v, k, delay",
        ),
        (
            with_system(System::new().function(["m.x", "m.x > 0"], ["m.v"], nothing)),
            "systems.drive.functions[0].reads[1]: expected a number, found a condition; write 'condition ? 1 : 0'",
        ),
        (
            with_system(System::new().function(["m"], ["m.v"], nothing)),
            "systems.drive.functions[0].reads[0]: expected a number, found a slot; write 'slot.field'",
        ),
        (
            with_system(System::new().derivative("m.v", 1.0).function(["m.x"], ["m.x", "m.w"], nothing)),
            "systems.drive.functions[0].adds[1]: unknown field 'm.w'; did you mean 'm.x'? known names: m.x, m.v",
        ),
        (
            with_system(System::new().function(["m.x"], ["m.k"], nothing)),
            "systems.drive.functions[0].adds[0]: 'm.k' is a parameter, constant during a solve; make it a state to give it a derivative",
        ),
        (
            with_callback(Callback::closure(1.0, ["a.mass.z"], ["a.mass.x"], nothing)),
            "callbacks.c.reads[0]: unknown name 'a.mass.z' at column 1; did you mean 'a.mass.x'? known names: a.mass.x, a.mass.v, a.mass.k, a.mass.delay, t, pi",
        ),
        (
            with_callback(Callback::closure(1.0, ["a.mass.x"], ["a.mass.k"], nothing)),
            "callbacks.c.writes[0]: callback 'c' sets 'a.mass.k', a parameter, constant during a solve; make it a discrete field; states that it can set: a.mass.x, a.mass.v",
        ),
        (
            with_callback(Callback::closure(1.0, ["t"], ["a.mass.x", "a.mass.x"], nothing)),
            "callbacks.c.writes[1]: callback 'c' writes 'a.mass.x' twice; list it once",
        ),
        (
            with_callback(Callback::closure(1.0, ["t"], ["a.mass.x"], nothing).set("a.mass.v", 0.0)),
            "callbacks.c: callback 'c' has both 'set' and a function; keep one, or make two callbacks, which fire one after the other",
        ),
        (
            with_callback(Callback::closure(0.0, ["t"], ["a.mass.x"], nothing)),
            "callbacks.c.dt: callback 'c': dt must be > 0, got 0",
        ),
    ];
    for (world, message) in cases {
        let error = world.compile().expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_backend_that_needs_equations_refuses() {
    use ensolve::compile::Feature;
    use ensolve::solve::check_features;

    let mut world = World::from_json(PID).expect("a model");
    world.callbacks.clear();
    let nothing = |_: f64, _: &[f64], _: &mut [f64]| {};
    let drive = System::new().slot("a", "pendulum").function([""; 0], ["a.omega"], nothing);
    let spec = world
        .system("drive", drive)
        .callback("reset", Callback::new(1.0).set("ctl.pid.u", 0.0))
        .callback("pid", Callback::closure(0.01, [""; 0], ["ctl.pid.u"], nothing))
        .compile()
        .unwrap_or_else(|e| panic!("{e}"));
    let message = "gpu needs equations, but these are functions written in Rust: system 'drive', callback 'pid'; write them as expressions, or use the backend cpu";
    let all = [Feature::DiscreteFields, Feature::ControlCallbacks];
    let error = check_features(&spec, "gpu", &all).expect_err("it needs equations");
    assert_eq!(error, Error::MissingFunction(message.to_string()));
    // What it lacks otherwise comes first.
    let error = check_features(&spec, "gpu", &[Feature::ControlCallbacks]).expect_err("it lacks features");
    assert_eq!(
        error,
        Error::Unsupported(
            "gpu does not support: [discrete_fields, native_functions]; supported by it: [control_callbacks]; discrete_fields: use the backend cpu; native_functions: write them as expressions, or use the backend cpu"
                .to_string()
        )
    );
    check_features(&spec, "cpu", &ensolve::cpu::SUPPORTED_FEATURES).expect("the CPU can call them");

    #[cfg(feature = "gpu")]
    {
        let error = check_features(&spec, "gpu", &ensolve::gpu::SUPPORTED_FEATURES).expect_err("it needs equations");
        assert_eq!(error.to_string(), message);
        let method = ensolve::plan::method(&RunSettings::default()).expect("a method");
        let error = ensolve::wgsl::assemble(&spec.program, &method, Precision::F32).expect_err("it needs equations");
        assert_eq!(error.to_string(), message);
        if let Some(mut gpu) = common::gpu() {
            let run = RunSettings { tspan: Some((0.0, 1.0)), ..RunSettings::default() };
            let error = solve(&spec, &run, &mut gpu).expect_err("it needs equations");
            assert_eq!(error.to_string(), message);
        }
    }
}
