//! The kernels of a method and a model: a whole attempted step with its error norm, and the right-hand side alone.
//! The same operations in the same order as in `cpu/step.rs` and the interpreter.

use super::kernel::{Base, Call, Callee, Cell, Kernel, Line, Op, Value};
use super::x86::Predicate;
use crate::cpu::layout::Layout;
use crate::expr::{Comparison, ExprId, Node};
use crate::method::Stages;
use crate::program::Program;
use std::collections::HashSet;

/// What a step does besides its stages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Form {
    pub compensated: bool,
    pub is_adaptive: bool,
    /// Rounding unit of the number format.
    pub epsilon: f64,
}

/// Numbers of the pool that a run sets: rtol of each slot, then atol of each slot, then the number of states.
pub fn uniform_count(n_state: usize) -> usize {
    2 * n_state + 1
}

/// Between two places where code may be cut lie so many operations of the right-hand side.
const NODES_BETWEEN_CUTS: usize = 64;

/// One attempted step of a block whose rows have these numbers (a layout of stride 1): fills the stages from the second on and the candidate, and tells the error.
pub fn step_kernel(program: &Program, stages: &Stages, rows: &Layout, form: Form) -> Kernel {
    let n_state = program.roots.len();
    let setting = Setting { stages, rows, form };
    let mut step = Step { kernel: Kernel::default(), rhs: Rhs::new(program), setting, k: Vec::new() };
    let first = (0..n_state).map(|slot| step.kernel.load(Base::First, slot)).collect();
    step.k.push(first);
    let mut candidate = Vec::new();
    for stage in 1..stages.c.len() {
        candidate = step.stage(stage);
    }
    if form.is_adaptive {
        step.error_norm_sq(&candidate);
    }
    step.unbounded(&candidate);
    step.kernel
}

/// The right-hand side at the time of the row `time`, of states at `state`; it fills the second stage.
pub fn rhs_kernel(program: &Program, rows: &Layout, state: Base) -> Kernel {
    let mut kernel = Kernel::default();
    let results = Rhs::new(program).evaluate(&mut kernel, |kernel, node| match node {
        Node::State(slot) => kernel.load(state, slot as usize),
        Node::Param(slot) => kernel.load(Base::Rows, rows.at.p + slot as usize),
        Node::Time => kernel.load(Base::Rows, rows.at.time),
        _ => unreachable!("operations are no leaves"),
    });
    for (slot, value) in results.into_iter().enumerate() {
        let cell = stage_cell(rows, 1, slot);
        kernel.store(value, cell.base, cell.row);
    }
    kernel
}

fn stage_cell(rows: &Layout, stage: usize, slot: usize) -> Cell {
    match stage {
        0 => Cell { base: Base::First, row: slot },
        _ if stage + 1 == rows.k.len() => Cell { base: Base::Last, row: slot },
        _ => Cell { base: Base::Rows, row: rows.k[stage] + slot },
    }
}

/// What a step is made from.
#[derive(Clone, Copy)]
struct Setting<'a> {
    stages: &'a Stages,
    rows: &'a Layout,
    form: Form,
}

struct Step<'a> {
    kernel: Kernel,
    rhs: Rhs<'a>,
    setting: Setting<'a>,
    /// Stages so far, by slot.
    k: Vec<Vec<Value>>,
}

impl Step<'_> {
    /// Adds a stage, and returns its arguments where they are the candidate.
    fn stage(&mut self, stage: usize) -> Vec<Value> {
        let Step { kernel, rhs, setting, k } = self;
        let Setting { stages, rows, .. } = *setting;
        let mut candidate = Vec::new();
        if stage + 1 == stages.c.len() {
            for slot in 0..k[0].len() {
                let y1 = setting.candidate(kernel, k, slot);
                kernel.store(y1, Base::Candidate, slot);
                candidate.push(y1);
            }
        }
        let results = rhs.evaluate(kernel, |kernel, node| match node {
            Node::State(slot) => match candidate.get(slot as usize) {
                Some(y1) => *y1,
                None => setting.argument(kernel, k, stage, slot as usize),
            },
            Node::Param(slot) => kernel.load(Base::Rows, rows.at.p + slot as usize),
            Node::Time => setting.time(kernel, stages.c[stage]),
            _ => unreachable!("operations are no leaves"),
        });
        for (slot, value) in results.iter().enumerate() {
            let cell = stage_cell(rows, stage, slot);
            kernel.store(*value, cell.base, cell.row);
        }
        kernel.lines.push(Line::Cut);
        k.push(results);
        candidate
    }

    /// As [`Stepper::error_norm_sq`](crate::cpu::step::Stepper::error_norm_sq).
    fn error_norm_sq(&mut self, candidate: &[Value]) {
        let n_state = candidate.len();
        let zero = self.kernel.constant(0.0);
        let (mut sq, mut noise_sq, mut second_sq) = (zero, zero, zero);
        for slot in 0..n_state {
            let (error, size) = self.error(&self.setting.stages.error, candidate, slot);
            let e = self.ratio(error, size, slot);
            let kernel = &mut self.kernel;
            let square = kernel.value(Op::Mul(e, e));
            sq = kernel.value(Op::Add(sq, square));
            let magnitude = kernel.value(Op::Abs(error));
            let epsilon = kernel.constant(self.setting.form.epsilon);
            let rounding = kernel.value(Op::Mul(epsilon, size));
            let is_noise = kernel.value(Op::Compare(Predicate::LessEqual, magnitude, rounding));
            let noise = kernel.value(Op::Select(is_noise, square, zero));
            noise_sq = kernel.value(Op::Add(noise_sq, noise));
            if !self.setting.stages.second_error.is_empty() {
                let (error, size) = self.error(&self.setting.stages.second_error, candidate, slot);
                let e = self.ratio(error, size, slot);
                let kernel = &mut self.kernel;
                let magnitude = kernel.value(Op::Abs(e));
                let most = kernel.constant(f64::from(1e15f32));
                let bounded = kernel.value(Op::Lesser(magnitude, most));
                let square = kernel.value(Op::Mul(bounded, bounded));
                second_sq = kernel.value(Op::Add(second_sq, square));
            }
            self.kernel.lines.push(Line::Cut);
        }
        let n = self.kernel.load(Base::Pool, 2 * n_state);
        let [mut sq, mut noise_sq, second_sq] = [sq, noise_sq, second_sq].map(|sum| self.kernel.value(Op::Div(sum, n)));
        if !self.setting.stages.second_error.is_empty() {
            let kernel = &mut self.kernel;
            let hundredth = kernel.constant(0.01);
            let second = kernel.value(Op::Mul(hundredth, second_sq));
            let sum = kernel.value(Op::Add(sq, second));
            let part = ratio(kernel, sq, sum);
            sq = kernel.value(Op::Mul(sq, part));
            noise_sq = kernel.value(Op::Mul(noise_sq, part));
        }
        self.kernel.store(sq, Base::Rows, self.setting.rows.at.norm_sq);
        self.kernel.store(noise_sq, Base::Rows, self.setting.rows.at.noise_sq);
    }

    /// An error estimate of a slot, and the size of its state.
    fn error(&mut self, weights: &[(usize, f64)], candidate: &[Value], slot: usize) -> (Value, Value) {
        let (kernel, k) = (&mut self.kernel, &self.k);
        let sum = kernel.weighted_sum(weights.iter().map(|(stage, weight)| (*weight, k[*stage][slot])));
        let h = kernel.load(Base::Rows, self.setting.rows.at.h);
        let error = kernel.value(Op::Mul(h, sum));
        let y = kernel.load(Base::State, slot);
        let [y, y1] = [y, candidate[slot]].map(|y| kernel.value(Op::Abs(y)));
        (error, kernel.value(Op::Greater(y, y1)))
    }

    /// An error in tolerance units.
    fn ratio(&mut self, error: Value, size: Value, slot: usize) -> Value {
        let kernel = &mut self.kernel;
        let [rtol, atol] = [slot, self.k[0].len() + slot].map(|row| kernel.load(Base::Pool, row));
        let relative = kernel.value(Op::Mul(rtol, size));
        let tolerance = kernel.value(Op::Add(atol, relative));
        ratio(kernel, error, tolerance)
    }

    /// Sum of y1 * 0: 0 for finite numbers, and NaN for any other.
    fn unbounded(&mut self, candidate: &[Value]) {
        let kernel = &mut self.kernel;
        let zero = kernel.constant(0.0);
        let mut sum = zero;
        for y1 in candidate {
            let product = kernel.value(Op::Mul(*y1, zero));
            sum = kernel.value(Op::Add(sum, product));
        }
        kernel.store(sum, Base::Rows, self.setting.rows.at.unbounded);
    }
}

/// Twin of [`controller::ratio`](crate::cpu::controller::ratio).
fn ratio(kernel: &mut Kernel, error: Value, tolerance: Value) -> Value {
    let zero = kernel.constant(0.0);
    let is_none = kernel.value(Op::Compare(Predicate::Equal, error, zero));
    let quotient = kernel.value(Op::Div(error, tolerance));
    kernel.value(Op::Select(is_none, zero, quotient))
}

impl Setting<'_> {
    fn time(self, kernel: &mut Kernel, c: f64) -> Value {
        let (t, h) = (kernel.load(Base::Rows, self.rows.at.t), kernel.load(Base::Rows, self.rows.at.h_time));
        let c = kernel.constant(c);
        let passed = kernel.value(Op::Mul(c, h));
        kernel.value(Op::Add(t, passed))
    }

    /// h sum(weight k) of one slot; a stage of one term shares the product of step size and weight.
    fn increment(self, kernel: &mut Kernel, k: &[Vec<Value>], stage: usize, slot: usize) -> Value {
        let h = kernel.load(Base::Rows, self.rows.at.h);
        let terms = &self.stages.a[stage - 1];
        if let [(of, weight)] = terms[..] {
            let weight = kernel.constant(weight);
            let factor = kernel.value(Op::Mul(h, weight));
            return kernel.value(Op::Mul(factor, k[of][slot]));
        }
        let sum = kernel.weighted_sum(terms.iter().map(|(of, weight)| (*weight, k[*of][slot])));
        kernel.value(Op::Mul(h, sum))
    }

    /// The argument of a stage.
    fn argument(self, kernel: &mut Kernel, k: &[Vec<Value>], stage: usize, slot: usize) -> Value {
        let increment = self.increment(kernel, k, stage, slot);
        let y = kernel.load(Base::State, slot);
        kernel.value(Op::Add(y, increment))
    }

    /// The argument of the last stage; where it is compensated, what rounding takes is stored.
    fn candidate(self, kernel: &mut Kernel, k: &[Vec<Value>], slot: usize) -> Value {
        let last = self.stages.c.len() - 1;
        if !self.form.compensated {
            return self.argument(kernel, k, last, slot);
        }
        let increment = self.increment(kernel, k, last, slot);
        let (y, low) = (kernel.load(Base::State, slot), kernel.load(Base::Low, slot));
        let change = kernel.value(Op::Add(increment, low));
        let y1 = kernel.value(Op::Add(y, change));
        let moved = kernel.value(Op::Sub(y1, y));
        let rest = kernel.value(Op::Sub(change, moved));
        kernel.store(rest, Base::Low1, slot);
        y1
    }
}

/// A right-hand side in an order in which functions of one depth are called together.
struct Rhs<'a> {
    program: &'a Program,
    /// Positions of operations.
    order: Vec<usize>,
    /// Operands whose sine and cosine are both asked for.
    pairs: HashSet<ExprId>,
}

/// The function of a node that is called on rows.
fn called(node: Node) -> Option<&'static str> {
    match node {
        Node::Call1(func, _) | Node::Call2(func, ..) => {
            Some(func.row().name).filter(|name| !["abs", "sqrt"].contains(name))
        }
        _ => None,
    }
}

impl<'a> Rhs<'a> {
    fn new(program: &'a Program) -> Self {
        let mut depths: Vec<usize> = Vec::with_capacity(program.nodes.len());
        let mut keys = Vec::new();
        for (at, node) in program.nodes.iter().enumerate() {
            let depth = node.operands().map(|id| depths[id.index()]).max().unwrap_or(0);
            let name = called(*node);
            depths.push(depth + usize::from(name.is_some()));
            if !node.is_leaf() {
                // Calls of one function side by side: they are made at once.
                keys.push((depth, name, at));
            }
        }
        keys.sort_unstable();
        let of = |wanted: &str| -> HashSet<ExprId> {
            let calls = program.nodes.iter().filter(|node| called(**node) == Some(wanted));
            calls.flat_map(|node| node.operands()).collect()
        };
        let pairs = of("sin").intersection(&of("cos")).copied().collect();
        Rhs { program, order: keys.into_iter().map(|(_, _, at)| at).collect(), pairs }
    }

    /// Values of the results; `leaf` gives those of states, parameters and time.
    fn evaluate(&self, kernel: &mut Kernel, mut leaf: impl FnMut(&mut Kernel, Node) -> Value) -> Vec<Value> {
        let nodes = &self.program.nodes;
        let mut values: Vec<Option<Value>> = vec![None; nodes.len()];
        for (count, at) in self.order.iter().enumerate() {
            // Arguments of all functions of a depth come before the first call.
            let needs = if self.is_first_call(count) { self.calls_from(count) } else { &self.order[count..=count] };
            for id in needs.iter().flat_map(|at| nodes[*at].operands()) {
                if values[id.index()].is_none() && nodes[id.index()].is_leaf() {
                    values[id.index()] = Some(self.leaf(kernel, nodes[id.index()], &mut leaf));
                }
            }
            let get = |id: ExprId| values[id.index()].expect("operands come first");
            values[*at] = Some(self.operation(kernel, nodes[*at], get));
            if count % NODES_BETWEEN_CUTS == NODES_BETWEEN_CUTS - 1 {
                kernel.lines.push(Line::Cut);
            }
        }
        let result = |id: &ExprId| match values[id.index()] {
            Some(value) => value,
            None => self.leaf(kernel, nodes[id.index()], &mut leaf),
        };
        self.program.roots.iter().map(result).collect()
    }

    fn is_call(&self, count: usize) -> bool {
        called(self.program.nodes[self.order[count]]).is_some()
    }

    /// Whether a call follows an operation.
    fn is_first_call(&self, count: usize) -> bool {
        self.is_call(count) && (count == 0 || !self.is_call(count - 1))
    }

    /// The calls from a position on, up to the next operation.
    fn calls_from(&self, count: usize) -> &[usize] {
        let end = (count..self.order.len()).find(|at| !self.is_call(*at)).unwrap_or(self.order.len());
        &self.order[count..end]
    }

    fn leaf(&self, kernel: &mut Kernel, node: Node, leaf: &mut impl FnMut(&mut Kernel, Node) -> Value) -> Value {
        match node {
            Node::Const(bits) => kernel.value(Op::Constant(bits)),
            Node::Bool(holds) => kernel.constant(f64::from(u8::from(holds))),
            _ => leaf(kernel, node),
        }
    }

    fn operation(&self, kernel: &mut Kernel, node: Node, get: impl Fn(ExprId) -> Value) -> Value {
        let op = match node {
            Node::Neg(a) => Op::Neg(get(a)),
            Node::Add(a, b) => Op::Add(get(a), get(b)),
            Node::Sub(a, b) => Op::Sub(get(a), get(b)),
            Node::Mul(a, b) => Op::Mul(get(a), get(b)),
            Node::Div(a, b) => Op::Div(get(a), get(b)),
            Node::Compare(comparison, a, b) => Op::Compare(predicate(comparison), get(a), get(b)),
            Node::And(a, b) => Op::And(get(a), get(b)),
            Node::Or(a, b) => Op::Or(get(a), get(b)),
            Node::Not(a) => Op::Not(get(a)),
            Node::Select(c, a, b) => Op::Select(get(c), get(a), get(b)),
            Node::Call1(func, a) => match func.row().name {
                "abs" => Op::Abs(get(a)),
                "sqrt" => Op::Sqrt(get(a)),
                name if self.pairs.contains(&a) && ["sin", "cos"].contains(&name) => {
                    let both = kernel.call(Call { callee: Callee::SinCos, a: get(a), b: None });
                    return both[usize::from(name == "cos")];
                }
                _ => return kernel.call(Call { callee: Callee::Function(func), a: get(a), b: None })[0],
            },
            Node::Call2(func, a, b) => {
                return kernel.call(Call { callee: Callee::Function(func), a: get(a), b: Some(get(b)) })[0];
            }
            Node::Const(_) | Node::Bool(_) | Node::Time | Node::State(_) | Node::Param(_) => {
                unreachable!("leaves are no operations")
            }
        };
        kernel.value(op)
    }
}

fn predicate(comparison: Comparison) -> Predicate {
    match comparison {
        Comparison::Less => Predicate::Less,
        Comparison::LessEqual => Predicate::LessEqual,
        Comparison::Equal => Predicate::Equal,
        Comparison::NotEqual => Predicate::NotEqual,
    }
}
