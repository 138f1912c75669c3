//! Infix text to graph nodes, in one pass.
//!
//! In: a text and a [`Scope`] that knows the names. Out: a [`Value`], elementwise over vectors, with numbers and
//! conditions kept apart. There is no syntax tree in between: a function of the model is parsed again at each call
//! with other arguments, which hash-consing makes cheap. Errors carry the column (from 1).
//!
//! Grammar, tightest first: call and index; `^` (right associative); unary `-` and `!`; `* /`; `+ -`; comparisons (not
//! chained); `&&`; `||`; `c ? a : b` (right associative).

use super::func::Func;
use super::lex::{self, Token};
use super::value::{Elements, Value, common_length, count, element, elementwise, expect_condition, expect_number};
use super::{Comparison, ExprId, Graph};

/// Why a text has no value. `path` is set where the fault lies in another entry of the model than the one at hand (a
/// function's body, a `let`).
#[derive(Debug, Clone, PartialEq)]
pub struct ParseError {
    /// JSON path of the entry at fault, if it is not the one being parsed.
    pub path: Option<String>,
    /// What is wrong, with its column.
    pub message: String,
}

impl From<String> for ParseError {
    fn from(message: String) -> Self {
        ParseError { path: None, message }
    }
}

impl From<lex::LexError> for ParseError {
    fn from((_, message): lex::LexError) -> Self {
        message.into()
    }
}

/// Result of parsing.
pub type Parsed<T> = Result<T, ParseError>;

/// The names an expression may use.
pub trait Scope {
    /// The graph that nodes go to.
    fn graph(&mut self) -> &mut Graph;
    /// The value of a name; `column` is for the message.
    fn name(&mut self, name: &str, column: usize) -> Parsed<Value>;
    /// Calls a function of the model; `None` where there is none of that name.
    fn call(&mut self, name: &str, args: &[Value], column: usize) -> Option<Parsed<Value>>;
    /// Names of the model's functions, for suggestions.
    fn function_names(&self) -> Vec<String>;
    /// One level deeper into nested expressions, lets or functions; an error where it is too deep.
    fn descend(&mut self) -> Parsed<()>;
    /// One level up again.
    fn ascend(&mut self);
}

/// Parses a whole text.
pub fn parse(text: &str, scope: &mut dyn Scope) -> Parsed<Value> {
    let tokens = lex::tokens(text)?;
    if tokens.len() == 1 {
        return Err("the expression is empty; write 0 for none".to_string().into());
    }
    let mut parser = Parser { tokens, at: 0, scope };
    let value = parser.ternary()?;
    match parser.peek() {
        (Token::End, _) => Ok(value),
        (token, column) => Err(format!("unexpected {} at column {column}", token.describe()).into()),
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, usize)>,
    at: usize,
    scope: &'a mut dyn Scope,
}

/// Binary operators by how tightly they bind.
const LEVELS: [&[&str]; 5] = [&["||"], &["&&"], &["<", "<=", ">", ">=", "==", "!="], &["+", "-"], &["*", "/"]];
const COMPARISONS: usize = 2;

impl Parser<'_> {
    fn peek(&self) -> (&Token, usize) {
        let (token, column) = &self.tokens[self.at];
        (token, *column)
    }

    fn column(&self) -> usize {
        self.tokens[self.at].1
    }

    fn take(&mut self, symbols: &[&'static str]) -> Option<(&'static str, usize)> {
        let (Token::Symbol(symbol), column) = &self.tokens[self.at] else { return None };
        let found = symbols.contains(symbol).then_some((*symbol, *column));
        self.at += usize::from(found.is_some());
        found
    }

    fn expect(&mut self, symbol: &'static str, open: &str, opened: usize) -> Parsed<()> {
        if self.take(&[symbol]).is_some() {
            return Ok(());
        }
        let (token, column) = self.peek();
        Err(format!(
            "expected '{symbol}' for the '{open}' of column {opened}, found {} at column {column}",
            token.describe()
        )
        .into())
    }

    fn ternary(&mut self) -> Parsed<Value> {
        self.scope.descend()?;
        let start = self.column();
        let condition = self.binary(0)?;
        let value = match self.take(&["?"]) {
            None => condition,
            Some((_, question)) => {
                let condition = expect_condition(condition, start, "the part before '?'")?;
                let (at_a, a) = (self.column(), self.ternary()?);
                self.expect(":", "?", question)?;
                let (at_b, b) = (self.column(), self.ternary()?);
                self.select(condition, (a, at_a), (b, at_b))?
            }
        };
        self.scope.ascend();
        Ok(value)
    }

    fn select(&mut self, c: Elements, (a, at_a): (Value, usize), (b, at_b): (Value, usize)) -> Parsed<Value> {
        if let (Value::Condition(a), Value::Condition(b)) = (&a, &b) {
            let len = common_length(&[&c, a, b], at_a)?;
            let graph = self.scope.graph();
            return Ok(Value::Condition(elementwise(len, |i| {
                // (c && a) || (!c && b): conditions have no select of their own in WGSL storage, but in logic they do.
                let both = graph.and(c.at(i), a.at(i));
                let not = graph.not(c.at(i));
                let other = graph.and(not, b.at(i));
                graph.or(both, other)
            })));
        }
        let a = expect_number(a, at_a, "each branch of '? :'")?;
        let b = expect_number(b, at_b, "each branch of '? :'")?;
        let len = common_length(&[&c, &a, &b], at_a)?;
        let graph = self.scope.graph();
        Ok(Value::Number(elementwise(len, |i| graph.select(c.at(i), a.at(i), b.at(i)))))
    }

    fn binary(&mut self, level: usize) -> Parsed<Value> {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut at = self.column();
        let mut left = self.binary(level + 1)?;
        let mut compared = false;
        while let Some((symbol, column)) = self.take(LEVELS[level]) {
            if level == COMPARISONS && compared {
                return Err(format!("comparisons cannot be chained at column {column}; write 'a < b && b < c'").into());
            }
            compared = true;
            let at_right = self.column();
            let right = self.binary(level + 1)?;
            left = self.apply(symbol, column, (left, at), (right, at_right))?;
            at = column;
        }
        Ok(left)
    }

    fn apply(
        &mut self,
        symbol: &str,
        column: usize,
        (a, at_a): (Value, usize),
        (b, at_b): (Value, usize),
    ) -> Parsed<Value> {
        let what = format!("each side of '{symbol}'");
        if matches!(symbol, "&&" | "||") {
            let a = expect_condition(a, at_a, &what)?;
            let b = expect_condition(b, at_b, &what)?;
            let len = common_length(&[&a, &b], column)?;
            let graph = self.scope.graph();
            let f = if symbol == "&&" { Graph::and } else { Graph::or };
            return Ok(Value::Condition(elementwise(len, |i| f(graph, a.at(i), b.at(i)))));
        }
        let a = expect_number(a, at_a, &what)?;
        let b = expect_number(b, at_b, &what)?;
        let len = common_length(&[&a, &b], column)?;
        let graph = self.scope.graph();
        let number = |f: fn(&mut Graph, ExprId, ExprId) -> ExprId, graph: &mut Graph| {
            Value::Number(elementwise(len, |i| f(graph, a.at(i), b.at(i))))
        };
        let value = match symbol {
            "+" => number(Graph::add, graph),
            "-" => number(Graph::sub, graph),
            "*" => number(Graph::mul, graph),
            "/" => number(Graph::div, graph),
            "^" => number(Graph::pow, graph),
            _ => Value::Condition(elementwise(len, |i| {
                let (x, y) = (a.at(i), b.at(i));
                match symbol {
                    "<" => graph.compare(Comparison::Less, x, y),
                    "<=" => graph.compare(Comparison::LessEqual, x, y),
                    ">" => graph.compare(Comparison::Less, y, x),
                    ">=" => graph.compare(Comparison::LessEqual, y, x),
                    "==" => graph.compare(Comparison::Equal, x, y),
                    _ => graph.compare(Comparison::NotEqual, x, y),
                }
            })),
        };
        self.finite(value, column, &format!("the result of '{symbol}'"))
    }

    fn unary(&mut self) -> Parsed<Value> {
        match self.take(&["-", "!", "+"]) {
            None => self.power(),
            Some(("+", column)) => Err(format!("unary '+' at column {column}; leave it out").into()),
            Some((symbol, column)) => {
                self.scope.descend()?;
                let value = self.unary()?;
                self.scope.ascend();
                if symbol == "!" {
                    let c = expect_condition(value, column + 1, "what follows '!'")?;
                    let graph = self.scope.graph();
                    return Ok(Value::Condition(elementwise(c.length(), |i| graph.not(c.at(i)))));
                }
                let x = expect_number(value, column + 1, "what follows '-'")?;
                let graph = self.scope.graph();
                Ok(Value::Number(elementwise(x.length(), |i| graph.neg(x.at(i)))))
            }
        }
    }

    fn power(&mut self) -> Parsed<Value> {
        let at = self.column();
        let base = self.postfix()?;
        let Some((symbol, column)) = self.take(&["^"]) else { return Ok(base) };
        self.scope.descend()?;
        let at_exponent = self.column();
        let exponent = self.unary()?;
        self.scope.ascend();
        self.apply(symbol, column, (base, at), (exponent, at_exponent))
    }

    fn postfix(&mut self) -> Parsed<Value> {
        let mut value = self.primary()?;
        while let Some((_, opened)) = self.take(&["["]) {
            let column = self.column();
            let Token::Number(index) = self.tokens[self.at].0 else {
                return Err(format!(
                    "an index must be a whole number, found {} at column {column}",
                    self.peek().0.describe()
                )
                .into());
            };
            self.at += 1;
            self.expect("]", "[", opened)?;
            value = element(value, index, column)?;
        }
        Ok(value)
    }

    fn primary(&mut self) -> Parsed<Value> {
        let (token, column) = self.tokens[self.at].clone();
        self.at += 1;
        match token {
            Token::Number(x) => Ok(Value::Number(Elements::Scalar(self.scope.graph().constant(x)))),
            Token::Name(name) if self.take(&["("]).is_some() => self.call(&name, column),
            Token::Name(name) => match name.as_str() {
                "pi" => Ok(Value::Number(Elements::Scalar(self.scope.graph().constant(std::f64::consts::PI)))),
                "true" | "false" => Ok(Value::Condition(Elements::Scalar(self.scope.graph().boolean(name == "true")))),
                _ => self.scope.name(&name, column),
            },
            Token::Symbol("(") => {
                let value = self.ternary()?;
                self.expect(")", "(", column)?;
                Ok(value)
            }
            other => {
                Err(format!("expected a number, a name or '(', found {} at column {column}", other.describe()).into())
            }
        }
    }

    fn call(&mut self, name: &str, column: usize) -> Parsed<Value> {
        let mut args = Vec::new();
        if self.take(&[")"]).is_none() {
            loop {
                let column = self.column();
                args.push((self.ternary()?, column));
                if self.take(&[","]).is_none() {
                    break;
                }
            }
            self.expect(")", "(", column)?;
        }
        let values: Vec<Value> = args.iter().map(|(value, _)| value.clone()).collect();
        if let Some(value) = self.scope.call(name, &values, column) {
            return self.finite(value?, column, &format!("the result of '{name}'"));
        }
        self.known_function(name, column)?;
        let numbers = args
            .into_iter()
            .map(|(value, column)| expect_number(value, column, &format!("each argument of '{name}'")))
            .collect::<Parsed<Vec<_>>>()?;
        let value = self.builtin(name, &numbers, column)?;
        self.finite(value, column, &format!("the result of '{name}'"))
    }

    fn known_function(&self, name: &str, column: usize) -> Parsed<()> {
        let hint = match name {
            _ if name == "clamp" || Func::named(name).is_some() => return Ok(()),
            "ln" => "; the natural logarithm is 'log'".to_string(),
            "if" => "; write 'condition ? a : b'".to_string(),
            _ => {
                let own = self.scope.function_names();
                let known = own.iter().map(String::as_str).chain(super::func::FUNCTIONS.iter().map(|row| row.name));
                crate::error::suggest("known functions", name, known.chain(["clamp"]))
            }
        };
        Err(format!("unknown function '{name}' at column {column}{hint}").into())
    }

    fn builtin(&mut self, name: &str, args: &[Elements], column: usize) -> Parsed<Value> {
        let arity = |wanted: &str| {
            ParseError::from(format!(
                "'{name}' takes {wanted}, found {} at column {column}",
                count(args.len(), "argument")
            ))
        };
        let len = common_length(&args.iter().collect::<Vec<_>>(), column)?;
        let graph = self.scope.graph();
        let func = Func::named(name);
        let value = match (name, func, args) {
            ("clamp", _, [x, lo, hi]) => {
                let (min, max) = (Func::named("min"), Func::named("max"));
                let (min, max) = min.zip(max).ok_or_else(|| arity("min and max"))?;
                elementwise(len, |i| {
                    let raised = graph.call2(max, x.at(i), lo.at(i));
                    graph.call2(min, raised, hi.at(i))
                })
            }
            ("clamp", ..) => return Err(arity("3 arguments (x, lo, hi)")),
            ("min" | "max", Some(func), [first, rest @ ..]) => {
                elementwise(len, |i| rest.iter().fold(first.at(i), |acc, arg| graph.call2(func, acc, arg.at(i))))
            }
            ("min" | "max", ..) => return Err(arity("at least 1 argument")),
            ("pow", _, [a, b]) => elementwise(len, |i| graph.pow(a.at(i), b.at(i))),
            (_, Some(func), [a]) if func.arity() == 1 => elementwise(len, |i| graph.call1(func, a.at(i))),
            (_, Some(func), [a, b]) if func.arity() == 2 => elementwise(len, |i| graph.call2(func, a.at(i), b.at(i))),
            (_, func, _) => return Err(arity(&count(func.map_or(0, Func::arity), "argument"))),
        };
        Ok(Value::Number(value))
    }

    /// Refuses a folded constant that is infinite or NaN.
    fn finite(&mut self, value: Value, column: usize, what: &str) -> Parsed<Value> {
        if let Value::Number(elements) = &value {
            for i in 0..elements.length().unwrap_or(1) {
                if let Some(x) = self.scope.graph().as_const(elements.at(i))
                    && !x.is_finite()
                {
                    return Err(format!("{what} at column {column} is a constant that is not finite ({x})").into());
                }
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x and v are vectors of length 2, everything else one letter is a state.
    #[derive(Default)]
    struct Letters(Graph);

    impl Scope for Letters {
        fn graph(&mut self) -> &mut Graph {
            &mut self.0
        }
        fn name(&mut self, name: &str, column: usize) -> Parsed<Value> {
            let slot = name.bytes().next().map_or(0, usize::from) - usize::from(b'a');
            match name {
                "v" => Ok(Value::Number(Elements::Vector(vec![self.0.state(100), self.0.state(101)]))),
                _ if name.len() == 1 => Ok(Value::Number(Elements::Scalar(self.0.state(slot)))),
                _ => Err(format!("unknown name '{name}' at column {column}").into()),
            }
        }
        fn call(&mut self, _: &str, _: &[Value], _: usize) -> Option<Parsed<Value>> {
            None
        }
        fn function_names(&self) -> Vec<String> {
            Vec::new()
        }
        fn descend(&mut self) -> Parsed<()> {
            Ok(())
        }
        fn ascend(&mut self) {}
    }

    fn constant(text: &str) -> f64 {
        let mut scope = Letters::default();
        match parse(text, &mut scope) {
            Ok(Value::Number(Elements::Scalar(id))) => scope.0.as_const(id).unwrap_or(f64::NAN),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn precedence_and_associativity() {
        for (text, value) in [
            ("2^3^2", 512.0),
            ("-2^2", -4.0),
            ("2^-1", 0.5),
            ("(-2)^3", -8.0),
            ("7 - 2 - 1", 4.0),
            ("12 / 3 / 2", 2.0),
            ("2 + 3*4", 14.0),
            ("1 < 2 ? 3 : 4", 3.0),
            ("false ? 1 : true ? 2 : 3", 2.0),
            ("1 > 2 || 2 > 1 && !(1 == 1) ? 1 : 0", 0.0),
            (".5 + 2. + 1E-3", 2.501),
            ("max(1, 5, 3) + clamp(9, 0, 2)", 7.0),
            ("mod(-1, 3) + rem(-1, 3)", 1.0),
            ("round(2.5) + round(3.5)", 6.0),
            ("pow(-8, 3)", -512.0),
            ("sign(-3) + sign(0)", -1.0),
        ] {
            assert_eq!(constant(text), value, "{text}");
        }
    }

    #[test]
    fn equal_expressions_are_one_node() {
        let mut scope = Letters::default();
        let a = parse("a*b + sin(a*b)", &mut scope).expect("valid");
        let b = parse("sin(b*a) + b*a", &mut scope).expect("valid");
        assert_eq!(a, b);
        assert_eq!(scope.0.nodes().len(), 5, "a, b, a*b, sin, +");
    }

    #[test]
    fn exact_identities_only() {
        let mut scope = Letters::default();
        let a = parse("a", &mut scope).expect("valid");
        for text in ["a*1", "1*a", "a - 0", "a/1", "a^1", "-(-a)", "true ? a : b"] {
            assert_eq!(parse(text, &mut scope).as_ref(), Ok(&a), "{text}");
        }
        assert_ne!(parse("a*0", &mut scope), parse("0", &mut scope), "a*0 is NaN for an infinite a");
        assert_ne!(parse("a + 0", &mut scope).as_ref(), Ok(&a), "a + 0 is 0 where a is -0");
        assert_ne!(parse("0 - a", &mut scope), parse("-a", &mut scope), "0 - a is 0 where a is 0");
    }

    #[test]
    fn vectors_combine_elementwise() {
        let mut scope = Letters::default();
        let sum = parse("2*v + a", &mut scope).expect("valid");
        let Value::Number(Elements::Vector(ids)) = &sum else { panic!("{sum:?}") };
        let first = parse("2*v[0] + a", &mut scope).expect("valid");
        assert_eq!(first, Value::Number(Elements::Scalar(ids[0])));
    }
}
