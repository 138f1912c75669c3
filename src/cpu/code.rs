//! A flat program made ready for rows of lanes: operations fused, registers reused, results written where they belong.
//!
//! In: a [`Program`] and the rows of its leaves. Out: a list of operations on rows. An operation that only one other uses
//! joins it where that saves a row its way through memory: `a * b + c`, `(a - b) * c`, `a * b - c * d` and the like, and
//! sine and cosine of one angle. Each part is still rounded by itself, so that a result has the same bits as from the
//! plain [`Evaluator`](crate::program::Evaluator): a test compares them.

use crate::expr::func::Func;
use crate::expr::{Comparison, ExprId, Node};
use crate::program::Program;

/// The rows of what a program reads, and the first row that is free.
#[derive(Debug, Clone, Copy)]
pub struct Leaves {
    pub time: usize,
    pub param: usize,
    pub state: usize,
    pub free: usize,
}

/// An operation of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

/// What is done with x = a * b (or a + b, a - b) and c.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// x + c
    Add,
    /// x - c
    Sub,
    /// c - x
    SubFrom,
    /// x * c
    Mul,
    /// x / c
    Div,
    /// c / x
    DivInto,
}

/// What an operation does; a, b, c, d are its operands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Copy,
    Neg,
    Two(Binary),
    /// a and b, then c; the first operation is no division.
    Three(Binary, Then),
    /// a * b + c * d
    ProductsAdd,
    /// a * b - c * d
    ProductsSub,
    Call(Func),
    /// sin a, and cos a to a second row
    SinCos,
    Compare(Comparison),
    And,
    Or,
    Not,
    /// b where a holds, else c
    Select,
}

/// Where an operand or a result lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Row(usize),
    /// A row of results, which the caller of each evaluation chooses.
    Result(usize),
}

/// One operation; operands that it has not are row 0.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub kind: Kind,
    pub out: Place,
    pub second: Option<Place>,
    pub operands: [usize; 4],
}

/// A program as operations on rows.
#[derive(Debug, Clone, Default)]
pub struct Code {
    pub operations: Vec<Operation>,
    /// Rows that hold a constant.
    pub constants: Vec<(usize, f64)>,
    /// The first row that is free behind constants and registers.
    pub end: usize,
}

impl Code {
    /// Translates a program.
    pub fn lower(program: &Program, leaves: Leaves) -> Code {
        let joined = join(program);
        let mut rows = Rows::new(program, &joined, leaves);
        let operations = joined.iter().enumerate().map(|(at, operation)| rows.place(at, operation)).collect();
        let mut code = Code { operations, ..Code::default() };
        for (slot, root) in program.roots.iter().enumerate() {
            if let Place::Row(row) = rows.places[root.index()] {
                let out = Place::Result(slot);
                code.operations.push(Operation { kind: Kind::Copy, out, second: None, operands: [row, 0, 0, 0] });
            }
        }
        code.constants = rows.constants;
        code.end = rows.end;
        code
    }
}

/// An operation on values of the program.
struct Joined {
    kind: Kind,
    /// The value that it computes, and for sine and cosine the second.
    value: ExprId,
    second: Option<ExprId>,
    operands: Vec<ExprId>,
}

/// The operations of a program, those that only one other uses joined to it.
fn join(program: &Program) -> Vec<Joined> {
    let uses = program.use_counts();
    let mut is_part = vec![false; program.nodes.len()];
    let mut joined: Vec<Option<Joined>> = Vec::new();
    for (i, node) in program.nodes.iter().enumerate() {
        let value = ExprId(i as u32);
        let simple = |id: ExprId| match joined[id.index()] {
            Some(Joined { kind: Kind::Two(binary), ref operands, .. })
                if uses[id.index()] == 1 && binary != Binary::Div =>
            {
                Some((binary, operands[0], operands[1]))
            }
            _ => None,
        };
        let alone = |(kind, operands): (Kind, Vec<ExprId>)| Joined { kind, value, second: None, operands };
        let Some((last, x, y)) = binary(*node) else {
            joined.push(operation(*node).map(alone));
            continue;
        };
        let (parts, kind, operands) = match (last, simple(x), simple(y)) {
            (Binary::Add, Some((Binary::Mul, a, b)), Some((Binary::Mul, c, d))) => {
                (vec![x, y], Kind::ProductsAdd, vec![a, b, c, d])
            }
            (Binary::Sub, Some((Binary::Mul, a, b)), Some((Binary::Mul, c, d))) => {
                (vec![x, y], Kind::ProductsSub, vec![a, b, c, d])
            }
            (_, Some((first, a, b)), _) => (vec![x], Kind::Three(first, then(last, true)), vec![a, b, y]),
            (_, None, Some((first, a, b))) => (vec![y], Kind::Three(first, then(last, false)), vec![a, b, x]),
            (_, None, None) => (vec![], Kind::Two(last), vec![x, y]),
        };
        parts.iter().for_each(|part| is_part[part.index()] = true);
        joined.push(Some(alone((kind, operands))));
    }
    join_angles(program, &mut joined, &mut is_part);
    joined.into_iter().zip(is_part).filter_map(|(operation, is_part)| operation.filter(|_| !is_part)).collect()
}

/// Sine and cosine of one angle are computed together, where the first of them stands.
fn join_angles(program: &Program, joined: &mut [Option<Joined>], is_part: &mut [bool]) {
    let position = |name: &str, angle: ExprId| {
        program
            .nodes
            .iter()
            .position(|node| matches!(*node, Node::Call1(func, a) if a == angle && func.row().name == name))
    };
    for node in &program.nodes {
        let Node::Call1(func, angle) = *node else { continue };
        if func.row().name != "sin" {
            continue;
        }
        if let (Some(sine), Some(cosine)) = (position("sin", angle), position("cos", angle)) {
            let (value, second) = (ExprId(sine as u32), Some(ExprId(cosine as u32)));
            joined[sine.min(cosine)] = Some(Joined { kind: Kind::SinCos, value, second, operands: vec![angle] });
            is_part[sine.max(cosine)] = true;
        }
    }
}

fn binary(node: Node) -> Option<(Binary, ExprId, ExprId)> {
    match node {
        Node::Add(a, b) => Some((Binary::Add, a, b)),
        Node::Sub(a, b) => Some((Binary::Sub, a, b)),
        Node::Mul(a, b) => Some((Binary::Mul, a, b)),
        Node::Div(a, b) => Some((Binary::Div, a, b)),
        _ => None,
    }
}

/// The last of two operations, whose first one gave its left or its right operand.
fn then(last: Binary, left: bool) -> Then {
    match last {
        Binary::Add => Then::Add,
        Binary::Mul => Then::Mul,
        Binary::Sub if left => Then::Sub,
        Binary::Sub => Then::SubFrom,
        Binary::Div if left => Then::Div,
        Binary::Div => Then::DivInto,
    }
}

/// What is no leaf and no operation of [`Binary`].
fn operation(node: Node) -> Option<(Kind, Vec<ExprId>)> {
    let kind = match node {
        Node::Neg(_) => Kind::Neg,
        Node::Call1(func, _) | Node::Call2(func, ..) => Kind::Call(func),
        Node::Compare(comparison, ..) => Kind::Compare(comparison),
        Node::And(..) => Kind::And,
        Node::Or(..) => Kind::Or,
        Node::Not(_) => Kind::Not,
        Node::Select(..) => Kind::Select,
        _ => return None,
    };
    Some((kind, node.operands().collect()))
}

/// Gives every value a row; rows whose values nobody needs any more are used again.
struct Rows {
    places: Vec<Place>,
    constants: Vec<(usize, f64)>,
    /// The last operation that reads a value; never for leaves and for what results share.
    last_use: Vec<usize>,
    unused: Vec<usize>,
    end: usize,
}

impl Rows {
    fn new(program: &Program, joined: &[Joined], leaves: Leaves) -> Rows {
        let mut rows = Rows {
            places: Vec::new(),
            constants: Vec::new(),
            last_use: vec![usize::MAX; program.nodes.len()],
            unused: Vec::new(),
            end: leaves.free,
        };
        for node in &program.nodes {
            let row = match *node {
                Node::Time => leaves.time,
                Node::State(slot) => leaves.state + slot as usize,
                Node::Param(slot) => leaves.param + slot as usize,
                Node::Const(bits) => rows.constant(f64::from_bits(bits)),
                Node::Bool(holds) => rows.constant(f64::from(u8::from(holds))),
                _ => 0,
            };
            rows.places.push(Place::Row(row));
        }
        let uses = program.use_counts();
        for (at, operation) in joined.iter().enumerate() {
            for operand in operation.operands.iter().filter(|id| !program.nodes[id.index()].is_leaf()) {
                rows.last_use[operand.index()] = at;
            }
        }
        for (slot, root) in program.roots.iter().enumerate() {
            rows.last_use[root.index()] = usize::MAX;
            if uses[root.index()] == 1 && !program.nodes[root.index()].is_leaf() {
                rows.places[root.index()] = Place::Result(slot);
            }
        }
        rows
    }

    fn constant(&mut self, value: f64) -> usize {
        self.constants.push((self.end, value));
        self.end += 1;
        self.end - 1
    }

    /// Operands that are read for the last time leave their rows to the result: an operation reads before it writes.
    fn place(&mut self, at: usize, joined: &Joined) -> Operation {
        let mut operands = [0; 4];
        for (row, operand) in operands.iter_mut().zip(&joined.operands) {
            if let Place::Row(place) = self.places[operand.index()] {
                *row = place;
            }
        }
        for operand in &joined.operands {
            if self.last_use[operand.index()] == at {
                self.last_use[operand.index()] = usize::MAX;
                if let Place::Row(row) = self.places[operand.index()] {
                    self.unused.push(row);
                }
            }
        }
        let out = self.reserve(joined.value);
        let second = joined.second.map(|value| self.reserve(value));
        Operation { kind: joined.kind, out, second, operands }
    }

    fn reserve(&mut self, value: ExprId) -> Place {
        if let Place::Row(row) = &mut self.places[value.index()] {
            *row = self.unused.pop().unwrap_or_else(|| {
                self.end += 1;
                self.end - 1
            });
        }
        self.places[value.index()]
    }
}
