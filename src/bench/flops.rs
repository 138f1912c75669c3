//! How many floating-point operations a step needs.
//!
//! One for each + - * / sqrt, comparison and selection of numbers in the right-hand side, in the sums of the stages and in
//! the error estimate, and a nominal number for each mathematical function. What the integrator does besides (step-size
//! control, saving, the first step's size) is not counted, nor are signs, conditions, conversions and operations on
//! bits: the count is of useful work, and a fraction of the peak that is made of it is never flattering.

use crate::expr::Node;
use crate::job::Job;
use crate::program::Program;
use crate::real::Precision;

/// Operations of each function in f64 and in f32, counted in `src/math` along the path of an ordinary argument. Both sides
/// of a selection are computed. `rem` is a division of integers, taken for ten operations.
const FUNCTIONS: [(&str, [u64; 2]); 34] = [
    ("abs", [1, 1]),
    ("sign", [6, 6]),
    ("sqrt", [1, 1]),
    ("cbrt", [28, 24]),
    ("exp", [45, 33]),
    ("exp2", [48, 36]),
    ("expm1", [51, 39]),
    ("log", [39, 36]),
    ("log1p", [51, 48]),
    ("log2", [40, 37]),
    ("log10", [43, 40]),
    ("sin", [55, 43]),
    ("cos", [55, 43]),
    ("tan", [74, 62]),
    ("asin", [55, 39]),
    ("acos", [57, 41]),
    ("atan", [54, 38]),
    ("sinh", [65, 47]),
    ("cosh", [47, 35]),
    ("tanh", [81, 55]),
    ("asinh", [98, 92]),
    ("acosh", [111, 105]),
    ("atanh", [65, 62]),
    ("floor", [1, 1]),
    ("ceil", [1, 1]),
    ("trunc", [2, 2]),
    ("round", [10, 10]),
    ("pow", [133, 113]),
    ("atan2", [70, 54]),
    ("min", [6, 6]),
    ("max", [6, 6]),
    ("mod", [14, 14]),
    ("rem", [10, 10]),
    ("hypot", [19, 19]),
];

/// Operations of one evaluation of a program.
pub fn evaluation(program: &Program, precision: Precision) -> u64 {
    program.nodes.iter().map(|node| operation(*node, precision)).sum()
}

fn operation(node: Node, precision: Precision) -> u64 {
    match node {
        Node::Add(..) | Node::Sub(..) | Node::Mul(..) | Node::Div(..) | Node::Compare(..) | Node::Select(..) => 1,
        Node::Call1(func, _) | Node::Call2(func, ..) => function(func.row().name, precision),
        Node::Const(_) | Node::Bool(_) | Node::Time | Node::State(_) | Node::Param(_) => 0,
        Node::Neg(_) | Node::And(..) | Node::Or(..) | Node::Not(_) => 0,
    }
}

/// Nominal operations of a function; the functions of f32x2 count as those of f32.
fn function(name: &str, precision: Precision) -> u64 {
    let format = if precision == Precision::F64 { 0 } else { 1 };
    FUNCTIONS.iter().find(|(known, _)| *known == name).map_or(0, |(_, counts)| counts[format])
}

/// Operations of one attempted step of a trajectory.
pub fn step(job: &Job) -> u64 {
    let stages = &job.method.stages;
    let evaluations = (stages.count() - 1) as u64 * evaluation(&job.program.rhs, job.precision);
    evaluations + job.program.n_state() as u64 * (sums(job) + estimate(job))
}

/// For each state: y + h sum(a k) of every stage, and y1 with its rounding where that is carried along. A sum of one term
/// takes two operations, its product of h and a being the same for all states.
fn sums(job: &Job) -> u64 {
    let of_stage = |terms: &Vec<_>| if terms.len() == 1 { 2 } else { 2 * terms.len() as u64 + 1 };
    let compensation = if job.compensated { 3 } else { 0 };
    job.method.stages.a.iter().map(of_stage).sum::<u64>() + compensation
}

/// For each state: h sum(w k), the larger of |y| and |y1|, the tolerance, the quotient and the sum of squares.
fn estimate(job: &Job) -> u64 {
    if job.method.is_adaptive() { 2 * job.method.stages.error.len() as u64 + 6 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::func;
    use crate::{RunSettings, World, plan};

    #[test]
    fn every_function_has_a_number() {
        let known: Vec<&str> = func::FUNCTIONS.iter().map(|row| row.name).collect();
        assert_eq!(known, FUNCTIONS.map(|(name, _)| name), "in the order of the function table");
    }

    #[test]
    fn operations_of_a_known_step() {
        let world = World::new("decay").state("x", 1.0).derivative("x", "-x*x + exp(x)");
        let spec = world.compile().expect("a model");
        let count = |run: &RunSettings| {
            let method = plan::method(run).expect("a method");
            let job = plan::plan(&spec, run, &method, Precision::F64, 2).expect("a plan").job;
            step(&job)
        };
        let run = RunSettings { tspan: Some((0.0, 1.0)), ..RunSettings::default() };
        let rhs = 2 + 45;
        let rk4 = RunSettings { method: Some("rk4".to_string()), dt: Some(0.1), ..run.clone() };
        assert_eq!(count(&rk4), 4 * rhs + 3 * 2 + (2 * 4 + 1));
        // Stages of 1, 2, 3, 4, 5 terms and a solution of 6; an estimate of 7 weights.
        assert_eq!(count(&run), 6 * rhs + (2 + 5 + 7 + 9 + 11 + 13) + (2 * 7 + 6));
    }
}
