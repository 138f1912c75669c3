//! Programs as text: one printer for people, for the listing of a compiled model, and for WGSL.
//!
//! A value used once is printed where it is used; a value used often, or named by the user's `let`, becomes a
//! statement. Parentheses keep the order of operations exactly.

use crate::expr::func::Func;
use crate::expr::{Comparison, Node};
use crate::program::Program;

/// How leaves, calls and names are spelled.
pub trait Style {
    /// A constant.
    fn constant(&self, value: f64) -> String;
    /// State slot.
    fn state(&self, slot: usize) -> String;
    /// Parameter slot.
    fn param(&self, slot: usize) -> String;
    /// The function's name.
    fn function(&self, func: Func) -> String;
    /// A value that is subtracted from itself.
    fn same(&self, value: String) -> String {
        value
    }
    /// c ? a : b
    fn select(&self, c: &str, a: &str, b: &str) -> String;
    /// a != b
    fn not_equal(&self, a: &str, b: &str) -> String;
    /// The function that stands for an operator (`negate` for the sign), where numbers have no operators.
    fn operator(&self, _symbol: &str) -> Option<&'static str> {
        None
    }
    /// A fresh name for a statement; `label` is the user's name for it, if there is one.
    fn name(&mut self, label: Option<&str>) -> String;
}

/// `name = text`
pub struct Statement {
    /// Its name.
    pub name: String,
    /// Its value.
    pub text: String,
}

/// Longest text that is printed inside another expression.
const MAX_INLINE: usize = 72;

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Logic,
    Comparison,
    Sum,
    Product,
    Unary,
    Atom,
}

#[derive(Clone)]
struct Text(String, Level);

impl Text {
    fn at_least(&self, level: Level) -> String {
        if self.1 >= level { self.0.clone() } else { format!("({})", self.0) }
    }

    fn above(&self, level: Level) -> String {
        if self.1 > level { self.0.clone() } else { format!("({})", self.0) }
    }
}

/// Prints a program: statements in order, then the text of each result.
pub fn print(program: &Program, style: &mut impl Style) -> (Vec<Statement>, Vec<String>) {
    let uses = program.use_counts();
    let mut texts: Vec<Text> = Vec::with_capacity(program.nodes.len());
    let mut statements = Vec::new();
    for (i, node) in program.nodes.iter().enumerate() {
        let mut text = node_text(*node, &texts, style);
        let leaf = node.operands().next().is_none();
        let label = program.labels[i].as_deref();
        if !leaf && (label.is_some() || uses[i] > 1 || text.0.len() > MAX_INLINE) {
            let name = style.name(label);
            statements.push(Statement { name: name.clone(), text: text.0 });
            text = Text(name, Level::Atom);
        }
        texts.push(text);
    }
    let results = program.roots.iter().map(|root| texts[root.index()].0.clone()).collect();
    (statements, results)
}

fn node_text(node: Node, texts: &[Text], style: &impl Style) -> Text {
    let get = |id: crate::expr::ExprId| &texts[id.index()];
    let binary = |a, symbol: &str, b, left: &dyn Fn(&Text) -> String, level| match style.operator(symbol) {
        Some(function) => Text(format!("{function}({}, {})", get(a).0, get(b).0), Level::Atom),
        None => Text(format!("{} {symbol} {}", left(get(a)), get(b).above(level)), level),
    };
    let left = |a, symbol: &str, b, level| binary(a, symbol, b, &|text: &Text| text.at_least(level), level);
    let compared =
        |a, symbol: &str, b| binary(a, symbol, b, &|text: &Text| text.above(Level::Comparison), Level::Comparison);
    match node {
        Node::Const(bits) => {
            let value = f64::from_bits(bits);
            Text(style.constant(value), if value.is_sign_negative() { Level::Unary } else { Level::Atom })
        }
        Node::Bool(value) => Text(value.to_string(), Level::Atom),
        Node::Time => Text("t".to_string(), Level::Atom),
        Node::State(slot) => Text(style.state(slot as usize), Level::Atom),
        Node::Param(slot) => Text(style.param(slot as usize), Level::Atom),
        Node::Neg(a) => match style.operator("negate") {
            Some(function) => Text(format!("{function}({})", get(a).0), Level::Atom),
            None => Text(format!("-{}", get(a).above(Level::Unary)), Level::Unary),
        },
        Node::Not(a) => Text(format!("!{}", get(a).above(Level::Unary)), Level::Unary),
        Node::Add(a, b) => left(a, "+", b, Level::Sum),
        Node::Sub(a, b) if a == b => {
            let value = style.same(get(b).above(Level::Sum));
            match style.operator("-") {
                Some(function) => Text(format!("{function}({}, {value})", get(a).0), Level::Atom),
                None => Text(format!("{} - {value}", get(a).at_least(Level::Sum)), Level::Sum),
            }
        }
        Node::Sub(a, b) => left(a, "-", b, Level::Sum),
        Node::Mul(a, b) => left(a, "*", b, Level::Product),
        Node::Div(a, b) => left(a, "/", b, Level::Product),
        Node::Call1(func, a) => Text(format!("{}({})", style.function(func), get(a).0), Level::Atom),
        Node::Call2(func, a, b) => Text(format!("{}({}, {})", style.function(func), get(a).0, get(b).0), Level::Atom),
        Node::Compare(Comparison::NotEqual, a, b) => {
            Text(style.not_equal(&get(a).above(Level::Comparison), &get(b).above(Level::Comparison)), Level::Unary)
        }
        Node::Compare(Comparison::Less, a, b) => compared(a, "<", b),
        Node::Compare(Comparison::LessEqual, a, b) => compared(a, "<=", b),
        Node::Compare(Comparison::Equal, a, b) => compared(a, "==", b),
        // WGSL wants parentheses where && and || meet, so neither takes the other without.
        Node::And(a, b) => {
            Text(format!("{} && {}", get(a).above(Level::Logic), get(b).above(Level::Logic)), Level::Logic)
        }
        Node::Or(a, b) => {
            Text(format!("{} || {}", get(a).above(Level::Logic), get(b).above(Level::Logic)), Level::Logic)
        }
        Node::Select(c, a, b) => Text(style.select(&get(c).0, &get(a).0, &get(b).0), Level::Atom),
    }
}
