//! Straight-line code on lanes: what a kernel computes, from memory to memory.
//!
//! Every value is computed once (static single assignment), and equal ones are one. Functions of the expression
//! language are called between two stretches of code, on whole rows; what outlives a call has a row of its own.

use super::x86::Predicate;
use crate::expr::func::Func;
use std::collections::HashMap;

/// A value, by its number.
pub type Value = usize;

/// What a pointer of the kernel points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// The rows of a block.
    Rows,
    State,
    Candidate,
    /// The first stage, and the last one.
    First,
    Last,
    /// What rounding took from the state, and from the candidate.
    Low,
    Low1,
    /// Rows that only the kernel itself uses, counted from 0.
    Scratch,
    /// Numbers that are the same for all lanes.
    Pool,
}

/// A row of numbers, one for each lane; of the pool, one for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    pub base: Base,
    pub row: usize,
}

/// How a value comes about; conditions are 1 or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Load(Cell),
    /// A constant, as the bits of an f64.
    Constant(u64),
    /// A result of a call, by its number: the first or the second one.
    Result(usize, bool),
    Add(Value, Value),
    Sub(Value, Value),
    Mul(Value, Value),
    Div(Value, Value),
    Neg(Value),
    Abs(Value),
    Sqrt(Value),
    /// The first one if it is less (greater), else the second.
    Lesser(Value, Value),
    Greater(Value, Value),
    Compare(Predicate, Value, Value),
    And(Value, Value),
    Or(Value, Value),
    Not(Value),
    /// The second where the first is not zero, else the third.
    Select(Value, Value, Value),
}

impl Op {
    pub fn operands(self) -> impl Iterator<Item = Value> {
        let all = match self {
            Op::Load(_) | Op::Constant(_) | Op::Result(..) => [None; 3],
            Op::Neg(a) | Op::Abs(a) | Op::Sqrt(a) | Op::Not(a) => [Some(a), None, None],
            Op::Select(a, b, c) => [Some(a), Some(b), Some(c)],
            Op::Add(a, b)
            | Op::Sub(a, b)
            | Op::Mul(a, b)
            | Op::Div(a, b)
            | Op::Lesser(a, b)
            | Op::Greater(a, b)
            | Op::Compare(_, a, b)
            | Op::And(a, b)
            | Op::Or(a, b) => [Some(a), Some(b), None],
        };
        all.into_iter().flatten()
    }

    /// Whether it is in memory before any code has run.
    pub fn is_leaf(self) -> bool {
        matches!(self, Op::Load(_) | Op::Constant(_) | Op::Result(..))
    }
}

/// A function called on rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Callee {
    Function(Func),
    /// Sine and cosine.
    SinCos,
}

/// A call: one or two arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    pub callee: Callee,
    pub a: Value,
    pub b: Option<Value>,
}

/// What is done, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line {
    Compute(Value),
    Store(Value, Cell),
    Call(usize),
    /// A good place to begin another stretch of code.
    Cut,
}

/// Code from memory to memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kernel {
    pub ops: Vec<Op>,
    pub calls: Vec<Call>,
    pub lines: Vec<Line>,
    known: HashMap<Op, Value>,
    known_calls: HashMap<Call, usize>,
}

impl Kernel {
    /// The value of an operation, computed where it is asked for first.
    pub fn value(&mut self, op: Op) -> Value {
        if let Some(value) = self.known.get(&op) {
            return *value;
        }
        let value = self.ops.len();
        self.ops.push(op);
        self.known.insert(op, value);
        if !op.is_leaf() {
            self.lines.push(Line::Compute(value));
        }
        value
    }

    pub fn constant(&mut self, x: f64) -> Value {
        self.value(Op::Constant(x.to_bits()))
    }

    pub fn load(&mut self, base: Base, row: usize) -> Value {
        self.value(Op::Load(Cell { base, row }))
    }

    pub fn store(&mut self, value: Value, base: Base, row: usize) {
        self.lines.push(Line::Store(value, Cell { base, row }));
    }

    /// The first result of a call, and the second one of a pair of functions.
    pub fn call(&mut self, call: Call) -> [Value; 2] {
        let number = *self.known_calls.entry(call).or_insert_with(|| {
            self.lines.push(Line::Call(self.calls.len()));
            self.calls.push(call);
            self.calls.len() - 1
        });
        [false, true].map(|second| self.value(Op::Result(number, second)))
    }

    /// A result of a call, by its number.
    pub fn result(&self, call: usize, second: bool) -> Value {
        self.known[&Op::Result(call, second)]
    }

    /// sum(weight value), in this order.
    pub fn weighted_sum(&mut self, terms: impl IntoIterator<Item = (f64, Value)>) -> Value {
        let mut sum = None;
        for (weight, value) in terms {
            let weight = self.constant(weight);
            let product = self.value(Op::Mul(weight, value));
            sum = Some(match sum {
                None => product,
                Some(sum) => self.value(Op::Add(sum, product)),
            });
        }
        sum.unwrap_or_else(|| self.constant(0.0))
    }
}
