//! Machine code against the interpreter, bit for bit.

use super::Vectors;
use crate::cpu::CpuBackend;
use crate::cpu::random_program::{Dice, N_STATE, random_program};
use crate::expr::{ExprId, Node};
use crate::job::{Backend, Cut, Inputs, Job, RawOutput, Saves, Silent};
use crate::method::{Controller, Method, tableau};
use crate::program::{OdeProgram, Program};
use crate::real::{Arithmetic, Precision};

fn program(rhs: Program) -> OdeProgram {
    let names = |n: usize| (0..n).map(|i| format!("x{i}")).collect();
    OdeProgram { state_names: names(rhs.roots.len()), param_names: names(1), rhs, ..OdeProgram::default() }
}

fn method(name: &str) -> Method {
    let tableau = tableau(name).expect("a method of the table");
    let method = match name {
        "rk4" | "euler" => Method::fixed(tableau, 0.07),
        _ => Method::adaptive(tableau, Controller::default()),
    };
    method.expect("a method that is consistent")
}

fn job<'a>(program: &'a OdeProgram, method: &'a Method, precision: Precision, compensated: bool) -> Job<'a> {
    let cuts = if program.has_stops { vec![Cut { tau: 0.45, callback: None }] } else { Vec::new() };
    Job {
        program,
        method,
        precision,
        arithmetic: Arithmetic::Standard,
        compensated,
        t0: 0.5,
        t1: 1.5,
        saves: Saves::At(vec![0.0, 0.3, 1.0]),
        cuts,
        own_span: false,
        rtol: vec![1e-3; program.n_state()],
        atol: vec![1e-3; program.n_state()],
        max_steps: 40,
    }
}

fn inputs(dice: &mut Dice, n_state: usize, n_traj: usize) -> Inputs {
    let mut numbers = |n: usize| (0..n * n_traj).map(|_| dice.roll(4001) as f64 * 1e-3 - 2.0).collect();
    Inputs { n_traj, y0: numbers(n_state), p: numbers(1), ..Inputs::default() }
}

fn run(mut backend: CpuBackend, job: &Job, inputs: &Inputs) -> RawOutput {
    backend.run(job, inputs, &Silent).expect("a job that runs")
}

/// Everything that came out, as bits, all NaN alike.
fn bits(output: &RawOutput) -> (Vec<u64>, [&Vec<u32>; 4]) {
    let numbers = [&output.y, &output.t, &output.saved].into_iter().flatten();
    let bits = numbers.map(|x| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }).collect();
    (bits, [&output.status, &output.accepted, &output.rejected, &output.culprit])
}

/// Compares all vectors of this machine with the interpreter, and returns how many results are finite numbers.
fn compare(job: &Job, inputs: &Inputs, lanes: Option<usize>, context: &str) -> usize {
    let with = |backend: CpuBackend| match lanes {
        Some(lanes) => backend.with_lanes(lanes),
        None => backend,
    };
    let expected = run(with(CpuBackend::new().interpreted()), job, inputs);
    let widest = Vectors::of_this_machine();
    for vectors in [Vectors::Avx2, Vectors::Avx512].into_iter().filter(|vectors| widest >= Some(*vectors)) {
        let output = run(with(CpuBackend { vectors: Some(vectors), ..CpuBackend::new() }), job, inputs);
        assert!(bits(&output) == bits(&expected), "{context}, {vectors:?}: {output:?} is not {expected:?}");
    }
    expected.y.iter().filter(|y| y.is_finite()).count()
}

#[test]
fn random_programs_with_functions_and_conditions() {
    let mut dice = Dice(7);
    for case in 0..80 {
        let mut rhs = random_program(&mut dice, if case % 10 == 0 { 1000 } else { 40 });
        rhs.roots.truncate(N_STATE);
        let program = OdeProgram { has_stops: case % 4 == 0, ..program(rhs) };
        let name = ["tsit5", "dop853", "rk4", "bs23", "euler"][case % 5];
        let method = method(name);
        let n_traj = 1 + dice.roll(if case % 7 == 0 { 300 } else { 40 });
        let inputs = inputs(&mut dice, N_STATE, n_traj);
        let lanes = [None, Some(32), Some(20)][case % 3];
        for precision in [Precision::F64, Precision::F32] {
            let job = job(&program, &method, precision, case % 3 == 0);
            compare(&job, &inputs, lanes, &format!("case {case}, {name}, {precision}"));
        }
    }
}

/// Sums and products of so many values that lie ready at the same time, far more than there are registers.
fn crowded_program(dice: &mut Dice, n_value: usize) -> Program {
    let mut nodes = vec![Node::Param(0)];
    nodes.extend((0..N_STATE as u32).map(Node::State));
    let mut push = |node: Node| {
        nodes.push(node);
        ExprId(nodes.len() as u32 - 1)
    };
    let mut values = Vec::new();
    for i in 0..n_value {
        let factor = push(Node::Const((0.01 * (i as f64 + 1.0)).to_bits()));
        values.push(push(Node::Mul(factor, ExprId(1 + (i % N_STATE) as u32))));
    }
    let mut sum = ExprId(0);
    let mut sums = Vec::new();
    for _ in 0..150 {
        let [a, b, c] = [0; 3].map(|_| values[dice.roll(n_value)]);
        let difference = push(Node::Sub(a, b));
        let product = push(Node::Mul(c, difference));
        sum = push(Node::Sub(product, sum));
        sums.push(sum);
    }
    let roots = sums[sums.len() - N_STATE..].to_vec();
    Program { labels: vec![None; nodes.len()], nodes, roots }
}

#[test]
fn more_values_than_registers() {
    let mut dice = Dice(99);
    let mut n_finite = 0;
    for case in 0..40 {
        let program = program(crowded_program(&mut dice, 60));
        let method = method(["rk4", "tsit5"][case % 2]);
        let inputs = inputs(&mut dice, N_STATE, 20);
        for precision in [Precision::F64, Precision::F32] {
            let job = job(&program, &method, precision, false);
            n_finite += compare(&job, &inputs, None, &format!("case {case}, {precision}"));
        }
    }
    assert!(n_finite > 40 * 2 * 20 * N_STATE / 2, "most results are numbers: {n_finite}");
}

/// A ring of states, each driven by three others (E. Lorenz, 1996).
fn ring(n_state: usize) -> Program {
    let mut nodes = vec![Node::Param(0)];
    nodes.extend((0..n_state as u32).map(Node::State));
    let state = |i: usize| ExprId(1 + (i % n_state) as u32);
    let mut push = |node: Node| {
        nodes.push(node);
        ExprId(nodes.len() as u32 - 1)
    };
    let derivative = |i: usize| {
        let difference = push(Node::Sub(state(i + 1), state(i + n_state - 2)));
        let product = push(Node::Mul(difference, state(i + n_state - 1)));
        let damped = push(Node::Sub(product, state(i)));
        push(Node::Add(damped, ExprId(0)))
    };
    let roots = (0..n_state).map(derivative).collect();
    Program { labels: vec![None; nodes.len()], nodes, roots }
}

#[test]
fn small_and_large_models() {
    let mut dice = Dice(3);
    for n_state in [0, 1, 2, 30, 100, 400] {
        let program = program(if n_state < 2 { crowded_program(&mut dice, 3) } else { ring(n_state) });
        let program = if n_state == 0 { OdeProgram::default() } else { program };
        for name in ["rk4", "tsit5", "vern9"] {
            let method = method(name);
            let mut inputs = inputs(&mut dice, program.n_state(), 7);
            inputs.p.truncate(program.n_param() * 7);
            let job = job(&program, &method, Precision::F64, n_state == 30);
            let n_finite = compare(&job, &inputs, None, &format!("{n_state} states, {name}"));
            assert!(n_finite > 0 || n_state == 0, "{n_state} states, {name}: no result is a number");
        }
    }
}

#[test]
fn a_backend_keeps_the_code_of_the_last_job_only_for_that_job() {
    let mut dice = Dice(5);
    let programs = [program(ring(4)), program(ring(5))];
    let methods = [method("tsit5"), method("rk4")];
    let mut backend = CpuBackend::new();
    for _ in 0..2 {
        for (program, method) in programs.iter().zip([&methods[0], &methods[1]]).chain([(&programs[0], &methods[1])]) {
            for (precision, compensated) in [(Precision::F64, false), (Precision::F64, true), (Precision::F32, false)] {
                let job = job(program, method, precision, compensated);
                let inputs = inputs(&mut dice, program.n_state(), 9);
                let output = backend.run(&job, &inputs, &Silent).expect("a job that runs");
                assert!(bits(&output) == bits(&run(CpuBackend::new().interpreted(), &job, &inputs)), "{job:?}");
            }
        }
    }
    assert!(backend.machine.is_some() || Vectors::of_this_machine().is_none());
    let backend = backend.interpreted();
    assert!(backend.machine.is_none(), "what a backend is told after a run counts");
}
