//! Mathematics: a hash-consed graph of expressions.
//!
//! In: calls from the parser ([`parse`]). Out: node ids, in which equal expressions have equal ids, so that common
//! sub-expressions exist once, and children come before parents, so that the arena is already in order of
//! evaluation. Constants are folded and exact identities applied here, once, before both backends. It does not
//! rearrange arithmetic: what the user wrote is the order in which both backends compute.

pub mod func;
pub mod lex;
pub mod parse;
pub mod value;

use func::Func;
use std::collections::HashMap;

/// Index of a node in its [`Graph`] or, after lowering, in its [`Program`](crate::program::Program).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

impl ExprId {
    /// As an array index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How two numbers are compared. Every comparison with NaN is false, but `!=`, which is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `==`
    Equal,
    /// `!=`, the negation of `==`
    NotEqual,
}

/// One operation. Numbers and conditions are different kinds; the parser keeps them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    /// A finite constant, as its bits so that nodes can be hashed.
    Const(u64),
    /// A condition known in advance.
    Bool(bool),
    /// Time t.
    Time,
    /// State slot.
    State(u32),
    /// Parameter slot.
    Param(u32),
    /// -a
    Neg(ExprId),
    /// a + b
    Add(ExprId, ExprId),
    /// a - b
    Sub(ExprId, ExprId),
    /// a * b
    Mul(ExprId, ExprId),
    /// a / b
    Div(ExprId, ExprId),
    /// f(a)
    Call1(Func, ExprId),
    /// f(a, b)
    Call2(Func, ExprId, ExprId),
    /// A condition: a compared with b.
    Compare(Comparison, ExprId, ExprId),
    /// Both conditions.
    And(ExprId, ExprId),
    /// Either condition.
    Or(ExprId, ExprId),
    /// Not the condition.
    Not(ExprId),
    /// Condition c: a where it holds, else b. Both are evaluated; the one not taken never reaches the result.
    Select(ExprId, ExprId, ExprId),
}

impl Node {
    /// Whether it jumps where its operands do not.
    pub fn jumps(self) -> bool {
        match self {
            Node::Compare(..) => true,
            Node::Call1(function, _) | Node::Call2(function, ..) => {
                ["floor", "ceil", "trunc", "round", "mod", "rem", "atan2"].contains(&function.row().name)
            }
            _ => false,
        }
    }

    /// Whether it has no operands.
    pub fn is_leaf(self) -> bool {
        self.operands().next().is_none()
    }

    /// The operands, in order.
    pub fn operands(self) -> impl Iterator<Item = ExprId> {
        let list = match self {
            Node::Const(_) | Node::Bool(_) | Node::Time | Node::State(_) | Node::Param(_) => [None, None, None],
            Node::Neg(a) | Node::Call1(_, a) | Node::Not(a) => [Some(a), None, None],
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) | Node::Div(a, b) => [Some(a), Some(b), None],
            Node::Call2(_, a, b) | Node::Compare(_, a, b) | Node::And(a, b) | Node::Or(a, b) => {
                [Some(a), Some(b), None]
            }
            Node::Select(c, a, b) => [Some(c), Some(a), Some(b)],
        };
        list.into_iter().flatten()
    }

    /// The same operation on renamed operands.
    pub fn map(self, f: impl Fn(ExprId) -> ExprId) -> Node {
        match self {
            Node::Const(_) | Node::Bool(_) | Node::Time | Node::State(_) | Node::Param(_) => self,
            Node::Neg(a) => Node::Neg(f(a)),
            Node::Call1(func, a) => Node::Call1(func, f(a)),
            Node::Not(a) => Node::Not(f(a)),
            Node::Add(a, b) => Node::Add(f(a), f(b)),
            Node::Sub(a, b) => Node::Sub(f(a), f(b)),
            Node::Mul(a, b) => Node::Mul(f(a), f(b)),
            Node::Div(a, b) => Node::Div(f(a), f(b)),
            Node::Call2(func, a, b) => Node::Call2(func, f(a), f(b)),
            Node::Compare(op, a, b) => Node::Compare(op, f(a), f(b)),
            Node::And(a, b) => Node::And(f(a), f(b)),
            Node::Or(a, b) => Node::Or(f(a), f(b)),
            Node::Select(c, a, b) => Node::Select(f(c), f(a), f(b)),
        }
    }
}

/// Largest whole exponent that becomes products; beyond it rounding errors of the products exceed those of `pow`.
pub const MAX_PRODUCT_EXPONENT: u32 = 32;

/// The arena. Building a node that exists returns the existing one.
#[derive(Debug, Default, Clone)]
pub struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<Node, ExprId>,
    labels: HashMap<ExprId, String>,
}

impl Graph {
    /// All nodes, operands before users.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of an id.
    pub fn node(&self, id: ExprId) -> Node {
        self.nodes[id.index()]
    }

    /// Remembers the user's name of an intermediate value, for readable kernels. The first name stays.
    pub fn label(&mut self, id: ExprId, name: &str) {
        self.labels.entry(id).or_insert_with(|| name.to_string());
    }

    /// The user's name of an intermediate value.
    pub fn label_of(&self, id: ExprId) -> Option<&str> {
        self.labels.get(&id).map(String::as_str)
    }

    /// The value of a constant.
    pub fn as_const(&self, id: ExprId) -> Option<f64> {
        match self.node(id) {
            Node::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn as_bool(&self, id: ExprId) -> Option<bool> {
        match self.node(id) {
            Node::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Interns a node as it is.
    fn intern(&mut self, node: Node) -> ExprId {
        *self.ids.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            ExprId(u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 nodes fit into memory"))
        })
    }

    /// Interns a commutative operation, reusing the one with swapped operands (the same bits by IEEE rules).
    fn intern_commutative(&mut self, node: Node, swapped: Node) -> ExprId {
        match self.ids.get(&swapped) {
            Some(&id) => id,
            None => self.intern(node),
        }
    }

    /// A constant. Folding may give one that is not finite; the parser reports it.
    pub fn constant(&mut self, value: f64) -> ExprId {
        self.intern(Node::Const(value.to_bits()))
    }

    /// A known condition.
    pub fn boolean(&mut self, value: bool) -> ExprId {
        self.intern(Node::Bool(value))
    }

    /// Time.
    pub fn time(&mut self) -> ExprId {
        self.intern(Node::Time)
    }

    /// State slot.
    pub fn state(&mut self, slot: usize) -> ExprId {
        self.intern(Node::State(slot as u32))
    }

    /// Parameter slot.
    pub fn param(&mut self, slot: usize) -> ExprId {
        self.intern(Node::Param(slot as u32))
    }

    /// -a; --a is a.
    pub fn neg(&mut self, a: ExprId) -> ExprId {
        match self.node(a) {
            Node::Const(bits) => self.constant(-f64::from_bits(bits)),
            Node::Neg(inner) => inner,
            _ => self.intern(Node::Neg(a)),
        }
    }

    /// a + b; a + -0 is a. Never a + 0, which is 0 where a is -0.
    pub fn add(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => self.constant(x + y),
            (_, Some(y)) if y == 0.0 && y.is_sign_negative() => a,
            (Some(x), _) if x == 0.0 && x.is_sign_negative() => b,
            _ => self.intern_commutative(Node::Add(a, b), Node::Add(b, a)),
        }
    }

    /// a - b; a - 0 is a. Never -b for 0 - b, whose sign of zero differs.
    pub fn sub(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => self.constant(x - y),
            (_, Some(y)) if y == 0.0 && y.is_sign_positive() => a,
            _ => self.intern(Node::Sub(a, b)),
        }
    }

    /// a * b; a * 1 is a, a * -1 is -a. Never a * 0, which is NaN for an infinite a.
    pub fn mul(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => self.constant(x * y),
            (_, Some(1.0)) => a,
            (Some(1.0), _) => b,
            (_, Some(-1.0)) => self.neg(a),
            (Some(-1.0), _) => self.neg(b),
            _ => self.intern_commutative(Node::Mul(a, b), Node::Mul(b, a)),
        }
    }

    /// a / b; a / 1 is a, a / -1 is -a.
    pub fn div(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => self.constant(x / y),
            (_, Some(1.0)) => a,
            (_, Some(-1.0)) => self.neg(a),
            _ => self.intern(Node::Div(a, b)),
        }
    }

    /// base ^ exponent; whole exponents up to [`MAX_PRODUCT_EXPONENT`] become products by repeated squaring.
    pub fn pow(&mut self, base: ExprId, exponent: ExprId) -> ExprId {
        if let Some(n) = self.as_const(exponent)
            && n == n.trunc()
            && n.abs() <= f64::from(MAX_PRODUCT_EXPONENT)
        {
            let power = self.product_power(base, n.abs() as u32);
            if n >= 0.0 {
                return power;
            }
            let one = self.constant(1.0);
            return self.div(one, power);
        }
        let pow = Func::named("pow").expect("pow is a row of the function table");
        self.call2(pow, base, exponent)
    }

    fn product_power(&mut self, base: ExprId, n: u32) -> ExprId {
        match n {
            0 => self.constant(1.0),
            1 => base,
            _ => {
                let half = self.product_power(base, n / 2);
                let square = self.mul(half, half);
                if n % 2 == 1 { self.mul(square, base) } else { square }
            }
        }
    }

    /// f(a).
    pub fn call1(&mut self, func: Func, a: ExprId) -> ExprId {
        match self.as_const(a) {
            Some(x) => self.constant(func.evaluate(x, 0.0)),
            None => self.intern(Node::Call1(func, a)),
        }
    }

    /// f(a, b).
    pub fn call2(&mut self, func: Func, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => self.constant(func.evaluate(x, y)),
            _ => self.intern(Node::Call2(func, a, b)),
        }
    }

    /// a compared with b.
    pub fn compare(&mut self, op: Comparison, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_const(a), self.as_const(b)) {
            (Some(x), Some(y)) => self.boolean(op.holds(x, y)),
            _ => self.intern(Node::Compare(op, a, b)),
        }
    }

    /// Both.
    pub fn and(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_bool(a), self.as_bool(b)) {
            (Some(true), _) => b,
            (_, Some(true)) => a,
            (Some(false), _) | (_, Some(false)) => self.boolean(false),
            _ => self.intern(Node::And(a, b)),
        }
    }

    /// Either.
    pub fn or(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.as_bool(a), self.as_bool(b)) {
            (Some(false), _) => b,
            (_, Some(false)) => a,
            (Some(true), _) | (_, Some(true)) => self.boolean(true),
            _ => self.intern(Node::Or(a, b)),
        }
    }

    /// Not.
    pub fn not(&mut self, a: ExprId) -> ExprId {
        match self.node(a) {
            Node::Bool(value) => self.boolean(!value),
            Node::Not(inner) => inner,
            _ => self.intern(Node::Not(a)),
        }
    }

    /// c ? a : b.
    pub fn select(&mut self, c: ExprId, a: ExprId, b: ExprId) -> ExprId {
        match self.as_bool(c) {
            Some(true) => a,
            Some(false) => b,
            None if a == b => a,
            None => self.intern(Node::Select(c, a, b)),
        }
    }
}

impl Comparison {
    /// The comparison of two numbers.
    pub fn holds<T: PartialOrd>(self, x: T, y: T) -> bool {
        match self {
            Comparison::Less => x < y,
            Comparison::LessEqual => x <= y,
            Comparison::Equal => x == y,
            Comparison::NotEqual => x != y,
        }
    }
}
