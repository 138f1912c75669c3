//! Random programs, for tests that compare ways to evaluate them.

use crate::expr::{Comparison, ExprId, Node, func::Func};
use crate::program::Program;

/// States of a random program.
pub const N_STATE: usize = 3;

/// Numbers below `n`, the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// A program of random operations, half of them among the last few values so that they join.
pub fn random_program(dice: &mut Dice, n_operation: usize) -> Program {
    let mut nodes = vec![Node::Time, Node::Param(0), Node::Const(1.5f64.to_bits()), Node::Bool(true)];
    nodes.extend((0..N_STATE as u32).map(Node::State));
    let numbers = nodes.len();
    let mut conditions = vec![ExprId(3)];
    for _ in 0..n_operation {
        let pick = |dice: &mut Dice| loop {
            let at = if dice.roll(2) == 0 { dice.roll(nodes.len()) } else { nodes.len() - 1 - dice.roll(4) };
            let id = ExprId(at as u32);
            if !conditions.contains(&id) {
                return id;
            }
        };
        let (a, b) = (pick(dice), pick(dice));
        let c = conditions[dice.roll(conditions.len())];
        let function = |name: &str| Func::named(name).expect("a function of the table");
        let d = conditions[dice.roll(conditions.len())];
        let node = match dice.roll(18) {
            0 | 1 => Node::Add(a, b),
            2 | 3 => Node::Sub(a, b),
            4..=6 => Node::Mul(a, b),
            7 => Node::Div(a, b),
            8 => Node::Neg(a),
            9 => Node::Call1(function(["sin", "cos", "exp", "tanh"][dice.roll(4)]), a),
            10 => Node::Call2(function("min"), a, b),
            11 => Node::Select(c, a, b),
            12 => Node::Compare(Comparison::Less, a, b),
            13 => Node::Call1(function(["abs", "sqrt"][dice.roll(2)]), a),
            14 => Node::Compare([Comparison::LessEqual, Comparison::Equal, Comparison::NotEqual][dice.roll(3)], a, b),
            15 => Node::And(c, d),
            16 => Node::Or(c, d),
            _ => Node::Not(c),
        };
        // As in a graph, no operation stands twice.
        if nodes.contains(&node) {
            continue;
        }
        if matches!(node, Node::Compare(..) | Node::Not(_) | Node::And(..) | Node::Or(..)) {
            conditions.push(ExprId(nodes.len() as u32));
        }
        nodes.push(node);
    }
    let roots = (0..4).map(|_| ExprId((numbers + dice.roll(nodes.len() - numbers)) as u32)).collect();
    Program { labels: vec![None; nodes.len()], nodes, roots }
}
