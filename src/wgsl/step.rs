//! One Runge-Kutta step as WGSL, its stages unrolled and zero coefficients dropped. Twin of `cpu/step.rs`: same
//! functions, same order of operations.

use super::literal::literal;
use super::model::{Members, state_function};
use crate::method::{Stages, Term};
use crate::real::Precision;

/// What the step functions are printed from.
pub struct StepPrinter<'a> {
    /// The method.
    pub stages: &'a Stages,
    /// The model's state members.
    pub members: &'a Members,
    /// The number format.
    pub precision: Precision,
    /// Whether the step needs an error norm.
    pub adaptive: bool,
}

impl StepPrinter<'_> {
    /// `Step` and every function on it.
    pub fn print(&self) -> String {
        let mut parts = vec![self.structure(), self.rk_step(), self.last_stage(), self.interpolate()];
        if self.adaptive {
            parts.extend([self.error_norm_sq(), self.scaled_norm_sq()]);
            parts
                .push(self.state_function("add_scaled(y: State, h: real, k: State)", |m| format!("y.{m} + h * k.{m}")));
        } else {
            parts.push("fn error_norm_sq(y: State, step: Step, h: real) -> real {\n    return 0.0;\n}\n".to_string());
        }
        parts.push(self.is_finite_state());
        parts.join("\n")
    }

    fn literal(&self, value: f64) -> String {
        literal(value, self.precision)
    }

    fn state_function(&self, signature: &str, value: impl Fn(&str) -> String) -> String {
        state_function(signature, &[], &self.members.state, |_, member| value(member))
    }

    /// `0.5f * k1.x + 0.5f * k2.x`
    fn sum(&self, terms: &[Term], prefix: &str, member: &str) -> String {
        let text: Vec<String> = terms
            .iter()
            .map(|(stage, weight)| format!("{} * {prefix}k{}.{member}", self.literal(*weight), stage + 1))
            .collect();
        text.join(" + ")
    }

    fn structure(&self) -> String {
        let stages: String = (1..=self.stages.count()).map(|n| format!("    k{n}: State,\n")).collect();
        format!("struct Step {{\n    y1_candidate: State,\n{stages}}}\n")
    }

    fn rk_step(&self) -> String {
        let last = self.stages.count();
        let mut out = "fn rk_step(t: real, y: State, k1: State, p: Params, h: real) -> Step {\n".to_string();
        for (n, terms) in self.stages.a.iter().enumerate() {
            let stage = n + 2;
            let argument = if stage == last { "y1_candidate".to_string() } else { format!("y{stage}") };
            out.push_str(&format!("    var {argument}: State;\n"));
            // A stage of one term shares the product of step size and coefficient.
            if let [(only, weight)] = terms[..] {
                out.push_str(&format!("    let h{stage} = h * {};\n", self.literal(weight)));
                let increment = |member: &String| {
                    format!("    {argument}.{member} = y.{member} + h{stage} * k{}.{member};\n", only + 1)
                };
                out.extend(self.members.state.iter().map(increment));
            } else {
                let increment = |member: &String| {
                    format!("    {argument}.{member} = y.{member} + h * ({});\n", self.sum(terms, "", member))
                };
                out.extend(self.members.state.iter().map(increment));
            }
            let c = self.literal(self.stages.c[n + 1]);
            out.push_str(&format!("    let k{stage} = rhs(t + {c} * h, {argument}, p);\n"));
        }
        let stages: Vec<String> = (1..=last).map(|n| format!("k{n}")).collect();
        out.push_str(&format!("    return Step(y1_candidate, {});\n}}\n", stages.join(", ")));
        out
    }

    fn last_stage(&self) -> String {
        format!("fn last_stage(step: Step) -> State {{\n    return step.k{};\n}}\n", self.stages.count())
    }

    fn interpolate(&self) -> String {
        let weights: Vec<String> = self
            .stages
            .dense
            .iter()
            .map(|(stage, row)| format!("let b{} = {};", stage + 1, self.powers(row)))
            .collect();
        let value = |_: usize, member: &str| {
            let terms: Vec<String> =
                self.stages.dense.iter().map(|(stage, _)| format!("b{0} * step.k{0}.{member}", stage + 1)).collect();
            format!("y.{member} + h * ({})", terms.join(" + "))
        };
        state_function("interpolate(y: State, step: Step, h: real, theta: real)", &weights, &self.members.state, value)
    }

    /// `theta * (1.0f + theta * (-2.0f + theta * 1.0f))`
    fn powers(&self, row: &[f64]) -> String {
        let mut reversed = row.iter().rev();
        let last = self.literal(reversed.next().copied().unwrap_or(0.0));
        let inner = reversed.fold(last, |sum, w| format!("({} + theta * {sum})", self.literal(*w)));
        format!("theta * {inner}")
    }

    /// Mean of the squares of one ratio for each state.
    fn mean_square(&self, signature: &str, ratio: impl Fn(usize, &str) -> String) -> String {
        let mut out = format!("fn {signature} -> real {{\n    var sum = real(0.0);\n");
        for (slot, member) in self.members.state.iter().enumerate() {
            out.push_str(&format!("    let e{slot} = {};\n    sum = sum + e{slot} * e{slot};\n", ratio(slot, member)));
        }
        let n = self.literal(self.members.state.len().max(1) as f64);
        out.push_str(&format!("    return sum / {n};\n}}\n"));
        out
    }

    fn error_norm_sq(&self) -> String {
        self.mean_square("error_norm_sq(y: State, step: Step, h: real)", |slot, m| {
            let error = self.sum(&self.stages.error, "step.", m);
            format!("h * ({error}) / (tolerances[{slot}].y + tolerances[{slot}].x * greater(abs(y.{m}), abs(step.y1_candidate.{m})))")
        })
    }

    fn scaled_norm_sq(&self) -> String {
        let largest = self.literal(1e15);
        self.mean_square("scaled_norm_sq(v: State, y: State)", |slot, m| {
            format!("lesser(abs(v.{m} / (tolerances[{slot}].y + tolerances[{slot}].x * abs(y.{m}))), {largest})")
        })
    }

    fn is_finite_state(&self) -> String {
        let tests: Vec<String> = self.members.state.iter().map(|m| format!("is_finite(y.{m})")).collect();
        let all = if tests.is_empty() { "true".to_string() } else { tests.join("\n        && ") };
        format!("fn is_finite_state(y: State) -> bool {{\n    return {all};\n}}\n")
    }
}
