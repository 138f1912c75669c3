//! Evaluates code on rows of lanes: one loop over the lanes for each operation.

use super::code::{Binary, Code, Kind, Leaves, Operation, Place, Then};
use crate::expr::func::SIN_COS;
use crate::real::Real;
use crate::simd::{At, RowFn};
use pulp::Arch;

/// An operation with the positions of its rows, in chunks from the start of the block's memory.
#[derive(Debug, Clone, Copy)]
struct Linked {
    kind: Kind,
    /// The result lies among the results.
    is_result: bool,
    second_is_result: bool,
    out: usize,
    second: usize,
    operands: [usize; 4],
}

/// Code for rows at certain positions.
#[derive(Debug, Clone, Default)]
pub struct LinkedCode {
    operations: Vec<Linked>,
}

impl LinkedCode {
    /// Rows lie `stride` chunks apart, but the state is read from the rows at `state`.
    pub fn new(code: &Code, leaves: Leaves, stride: usize, state: usize) -> LinkedCode {
        let at = |row: usize| match row.checked_sub(leaves.state) {
            Some(slot) if row < leaves.free => state + slot * stride,
            _ => row * stride,
        };
        let position = |place: Place| match place {
            Place::Row(row) => (false, at(row)),
            Place::Result(slot) => (true, slot * stride),
        };
        let link = |operation: &Operation| {
            let (is_result, out) = position(operation.out);
            let (second_is_result, second) = operation.second.map_or((false, 0), position);
            let operands = operation.operands.map(at);
            Linked { kind: operation.kind, is_result, second_is_result, out, second, operands }
        };
        LinkedCode { operations: code.operations.iter().map(link).collect() }
    }

    /// Evaluates the first `width` chunks of the rows; results go to the rows from `results` on. Conditions are held as 1
    /// and 0.
    #[inline(always)]
    pub fn evaluate<R: Real, const C: usize>(&self, arch: Arch, data: &mut [[R; C]], width: usize, results: usize) {
        for operation in &self.operations {
            let [a, b, c, d] = operation.operands;
            let out = if operation.is_result { results + operation.out } else { operation.out };
            let mut rows = RowsOf::<R, C> { data, width, out, operands: [a, b, c, d] };
            match operation.kind {
                Kind::Copy => rows.one(|a| a),
                Kind::Neg => rows.one(|a| -a),
                Kind::Two(Binary::Add) => rows.two(|a, b| a + b),
                Kind::Two(Binary::Sub) => rows.two(|a, b| a - b),
                Kind::Two(Binary::Mul) => rows.two(|a, b| a * b),
                Kind::Two(Binary::Div) => rows.two(|a, b| a / b),
                Kind::Three(Binary::Add, then) => rows.then(then, |a, b| a + b),
                Kind::Three(Binary::Sub, then) => rows.then(then, |a, b| a - b),
                Kind::Three(Binary::Mul, then) => rows.then(then, |a, b| a * b),
                Kind::Three(Binary::Div, _) => unreachable!("a division is not joined to what follows"),
                Kind::ProductsAdd => rows.four(|a, b, c, d| a * b + c * d),
                Kind::ProductsSub => rows.four(|a, b, c, d| a * b - c * d),
                Kind::Call(func) => rows.call(arch, R::row_fn(&func.row().function.rows), b),
                Kind::SinCos => {
                    let at = operation.second;
                    let second = if operation.second_is_result { results + at } else { at };
                    rows.call(arch, R::row_fn(&SIN_COS), second);
                }
                Kind::Compare(comparison) => rows.two(|a, b| truth(comparison.holds(a, b))),
                Kind::And => rows.two(|a, b| truth(holds(a) & holds(b))),
                Kind::Or => rows.two(|a, b| truth(holds(a) | holds(b))),
                Kind::Not => rows.one(|a| truth(!holds(a))),
                Kind::Select => rows.three(|a, b, c| if holds(a) { b } else { c }),
            }
        }
    }
}

#[inline(always)]
fn truth<R: Real>(condition: bool) -> R {
    if condition { R::ONE } else { R::ZERO }
}

#[inline(always)]
fn holds<R: Real>(condition: R) -> bool {
    condition != R::ZERO
}

/// The rows that an operation works on, in chunks of `C` lanes. All chunks of the operands are read before the result is
/// written, so that it may take the row of an operand.
struct RowsOf<'a, R, const C: usize> {
    data: &'a mut [[R; C]],
    width: usize,
    out: usize,
    operands: [usize; 4],
}

impl<R: Real, const C: usize> RowsOf<'_, R, C> {
    #[inline(always)]
    fn one(&mut self, f: impl Fn(R) -> R) {
        for chunk in 0..self.width {
            let mut a = self.data[self.operands[0] + chunk];
            for a in &mut a {
                *a = f(*a);
            }
            self.data[self.out + chunk] = a;
        }
    }

    #[inline(always)]
    fn two(&mut self, f: impl Fn(R, R) -> R) {
        let [a, b, ..] = self.operands;
        for chunk in 0..self.width {
            let (a, mut b) = (self.data[a + chunk], self.data[b + chunk]);
            for i in 0..C {
                b[i] = f(a[i], b[i]);
            }
            self.data[self.out + chunk] = b;
        }
    }

    #[inline(always)]
    fn three(&mut self, f: impl Fn(R, R, R) -> R) {
        let [a, b, c, _] = self.operands;
        for chunk in 0..self.width {
            let (a, b, mut c) = (self.data[a + chunk], self.data[b + chunk], self.data[c + chunk]);
            for i in 0..C {
                c[i] = f(a[i], b[i], c[i]);
            }
            self.data[self.out + chunk] = c;
        }
    }

    #[inline(always)]
    fn four(&mut self, f: impl Fn(R, R, R, R) -> R) {
        let [a, b, c, d] = self.operands;
        for chunk in 0..self.width {
            let (a, b) = (self.data[a + chunk], self.data[b + chunk]);
            let (c, mut d) = (self.data[c + chunk], self.data[d + chunk]);
            for i in 0..C {
                d[i] = f(a[i], b[i], c[i], d[i]);
            }
            self.data[self.out + chunk] = d;
        }
    }

    /// The first of two operations is given, the second chosen here.
    #[inline(always)]
    fn then(&mut self, then: Then, first: impl Fn(R, R) -> R) {
        match then {
            Then::Add => self.three(|a, b, c| first(a, b) + c),
            Then::Sub => self.three(|a, b, c| first(a, b) - c),
            Then::SubFrom => self.three(|a, b, c| c - first(a, b)),
            Then::Mul => self.three(|a, b, c| first(a, b) * c),
            Then::Div => self.three(|a, b, c| first(a, b) / c),
            Then::DivInto => self.three(|a, b, c| c / first(a, b)),
        }
    }

    /// A function of the table; `b` is the row of its second argument or of its second result.
    #[inline(always)]
    fn call(&mut self, arch: Arch, function: RowFn<R>, b: usize) {
        let at = At { out: self.out * C, a: self.operands[0] * C, b: b * C, width: self.width * C };
        function(arch, self.data.as_flattened_mut(), &[at]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_program::{Dice, N_STATE, random_program};
    use super::*;
    use crate::program::Evaluator;

    #[test]
    fn code_gives_the_bits_of_the_plain_evaluator() {
        const C: usize = 16;
        let mut dice = Dice(1);
        for case in 0..500 {
            let program = random_program(&mut dice, 40);
            let leaves = Leaves { time: 0, param: 1, state: 2, free: 2 + N_STATE };
            let code = Code::lower(&program, leaves);
            let stride = 2;
            let mut rows = vec![[0.0; C]; (code.end + N_STATE + program.roots.len()) * stride];
            for (row, value) in &code.constants {
                rows[row * stride..(row + 1) * stride].fill([*value; C]);
            }
            // The state lies elsewhere than the code was made for.
            let (state, results) = (code.end * stride, (code.end + N_STATE) * stride);
            let mut number = || (dice.roll(4001) as f64 - 2000.0) * 1e-3;
            let inputs: Vec<[f64; 2 + N_STATE]> = (0..stride * C).map(|_| std::array::from_fn(|_| number())).collect();
            for (lane, input) in inputs.iter().enumerate() {
                let mut put = |at: usize, value: f64| rows[at + lane / C][lane % C] = value;
                put(0, input[0]);
                put(stride, input[1]);
                (0..N_STATE).for_each(|slot| put(state + slot * stride, input[2 + slot]));
            }
            let linked = LinkedCode::new(&code, leaves, stride, state);
            linked.evaluate::<f64, C>(Arch::new(), &mut rows, stride, results);
            for (lane, input) in inputs.iter().enumerate() {
                let state: Vec<[f64; 1]> = input[2..].iter().map(|y| [*y]).collect();
                let mut expected = vec![[0.0]; program.roots.len()];
                Evaluator::new(&program).evaluate(&[input[0]], &state, &[[input[1]]], &mut expected);
                for (slot, expected) in expected.iter().enumerate() {
                    let got = rows[results + slot * stride + lane / C][lane % C];
                    let same = got.to_bits() == expected[0].to_bits() || got.is_nan() && expected[0].is_nan();
                    assert!(same, "case {case}, lane {lane}: {got} is not {}\n{program:?}", expected[0]);
                }
            }
        }
    }
}
