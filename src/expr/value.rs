//! What an expression stands for: a number, a condition, a vector of them, or a slot of a system.

use super::ExprId;
use super::parse::Parsed;

/// What an expression stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number, or a vector of numbers.
    Number(Elements),
    /// A condition, or a vector of conditions.
    Condition(Elements),
    /// A slot of a system (an entity and its component), passed to a function.
    Slot {
        /// Entity name.
        entity: String,
        /// Component name.
        component: String,
    },
}

/// One node or a vector of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Elements {
    /// A scalar; combines with vectors of any length.
    Scalar(ExprId),
    /// A vector.
    Vector(Vec<ExprId>),
}

impl Elements {
    /// Element `i`, the scalar for every `i`.
    pub fn at(&self, i: usize) -> ExprId {
        match self {
            Elements::Scalar(id) => *id,
            Elements::Vector(ids) => ids[i],
        }
    }

    /// Length, `None` for a scalar.
    pub fn length(&self) -> Option<usize> {
        match self {
            Elements::Scalar(_) => None,
            Elements::Vector(ids) => Some(ids.len()),
        }
    }
}

/// `1 argument`, `2 arguments`.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// One node for each element, or one for a scalar.
pub(super) fn elementwise(len: Option<usize>, mut f: impl FnMut(usize) -> ExprId) -> Elements {
    match len {
        None => Elements::Scalar(f(0)),
        Some(n) => Elements::Vector((0..n).map(f).collect()),
    }
}

/// The length that all vectors share; scalars fit any.
pub(super) fn common_length(all: &[&Elements], column: usize) -> Parsed<Option<usize>> {
    let mut common = None;
    for len in all.iter().filter_map(|e| e.length()) {
        match common {
            Some(other) if other != len => {
                return Err(
                    format!("vectors of {other} and {len} elements cannot be combined at column {column}").into()
                );
            }
            _ => common = Some(len),
        }
    }
    Ok(common)
}

/// Element `index` of a vector.
pub(super) fn element(value: Value, index: f64, column: usize) -> Parsed<Value> {
    let (ids, kind): (_, fn(Elements) -> Value) = match value {
        Value::Number(Elements::Vector(ids)) => (ids, Value::Number),
        Value::Condition(Elements::Vector(ids)) => (ids, Value::Condition),
        _ => return Err(format!("only a vector can be indexed, at column {column}").into()),
    };
    match ids.get(index as usize) {
        _ if index != index.trunc() => {
            Err(format!("an index must be a whole number, found {index} at column {column}").into())
        }
        Some(&id) => Ok(kind(Elements::Scalar(id))),
        None => Err(format!("index {index} at column {column} is outside the vector's 0 to {}", ids.len() - 1).into()),
    }
}

/// Refuses anything but numbers; `what` begins the message.
pub(super) fn expect_number(value: Value, column: usize, what: &str) -> Parsed<Elements> {
    match value {
        Value::Number(elements) => Ok(elements),
        Value::Condition(_) => {
            Err(format!("{what} must be a number, found a condition at column {column}; write 'condition ? 1 : 0'")
                .into())
        }
        Value::Slot { component, .. } => {
            Err(format!("{what} must be a number, found a slot ({component}) at column {column}; write 'slot.field'")
                .into())
        }
    }
}

/// Refuses anything but conditions; `what` begins the message.
pub(super) fn expect_condition(value: Value, column: usize, what: &str) -> Parsed<Elements> {
    match value {
        Value::Condition(elements) => Ok(elements),
        _ => Err(format!(
            "{what} must be a condition, found a number at column {column}; write a comparison such as 'x != 0'"
        )
        .into()),
    }
}
