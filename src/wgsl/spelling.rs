//! How arithmetic is written in a number format: with operators, or with functions where the format has none.

use super::literal::literal;
use crate::real::Precision;

/// The spelling of one number format. Operands of `sub`, `mul` and `div` are atoms or [`Spelling::group`]s.
#[derive(Debug, Clone, Copy)]
pub struct Spelling(pub Precision);

impl Spelling {
    /// Whether operators work on the format.
    pub fn has_operators(self) -> bool {
        self.0 != Precision::F32x2
    }

    fn binary(self, function: &str, symbol: &str, a: &str, b: &str) -> String {
        if self.has_operators() { format!("{a} {symbol} {b}") } else { format!("{function}({a}, {b})") }
    }

    pub fn add(self, a: &str, b: &str) -> String {
        self.binary("add", "+", a, b)
    }

    pub fn sub(self, a: &str, b: &str) -> String {
        self.binary("sub", "-", a, b)
    }

    pub fn mul(self, a: &str, b: &str) -> String {
        self.binary("mul", "*", a, b)
    }

    pub fn div(self, a: &str, b: &str) -> String {
        self.binary("div", "/", a, b)
    }

    /// Terms added from the left.
    pub fn sum(self, terms: impl IntoIterator<Item = String>) -> String {
        terms.into_iter().reduce(|sum, term| self.add(&sum, &term)).unwrap_or_else(|| self.literal(0.0))
    }

    /// An operand that is not an atom.
    pub fn group(self, a: &str) -> String {
        if self.has_operators() { format!("({a})") } else { a.to_string() }
    }

    pub fn literal(self, value: f64) -> String {
        literal(value, self.0)
    }
}
