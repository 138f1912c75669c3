//! One Runge-Kutta step as WGSL, its stages unrolled and zero coefficients dropped. Twin of `cpu/step.rs` and
//! `cpu/dense.rs`: same functions, same order of operations.

use super::model::{Members, state_function};
use super::spelling::Spelling;
use crate::method::{DenseForm, Stages, Term};

/// Most stages of a method whose arguments are summed from y on: those of the methods of order 5.
const MOST_STAGES_FROM_Y: usize = 7;

/// What the step functions are printed from.
pub struct StepPrinter<'a> {
    /// The method.
    pub stages: &'a Stages,
    /// The model's state members.
    pub members: &'a Members,
    /// The number format.
    pub spelling: Spelling,
    /// Whether the step needs an error norm.
    pub adaptive: bool,
    /// Whether the rounding of y1 is carried to the next step.
    pub compensated: bool,
    /// Whether sums must be those of the CPU.
    pub exact: bool,
    /// Whether all states have one tolerance.
    pub one_tolerance: bool,
}

impl StepPrinter<'_> {
    /// `Step` and every function on it.
    pub fn print(&self) -> String {
        let mut parts = vec![self.structure(), self.weights(), self.rk_step(), self.last_stage()];
        if self.has_dense_stages() {
            parts.push(self.dense_stages());
        }
        parts.push(self.interpolate());
        if self.adaptive {
            parts.extend([self.error_norm_sq(), self.quiet_norm_sq(), self.quiet_size(), self.take_step()]);
            parts.extend([self.scaled_norm_sq(), self.add_scaled()]);
        } else {
            parts.push(
                "fn error_norm_sq(y: State, step: Step, h: real) -> ErrorNorm {\n    return ErrorNorm(real_of(0.0), real_of(0.0));\n}\n".to_string(),
            );
        }
        parts.push(self.first_non_finite());
        parts.join("\n")
    }

    fn has_dense_stages(&self) -> bool {
        !self.stages.dense_stages.is_empty()
    }

    /// `0.5f * k1.x + 0.5f * k2.x`, where `of` gives the structs that the stages are members of.
    pub(super) fn weighted_sum(&self, terms: &[Term], of: impl Fn(usize) -> &'static str, member: &str) -> String {
        let s = self.spelling;
        s.sum(terms.iter().map(|(stage, w)| s.mul(&s.literal(*w), &format!("{}k{}.{member}", of(*stage), stage + 1))))
    }

    fn structure(&self) -> String {
        let stages: String = (1..=self.stages.count()).map(|n| format!("    k{n}: State,\n")).collect();
        format!("struct Step {{\n    y1_candidate: State,\n    low: Low,\n{stages}}}\n")
    }

    /// h sum(weight k) of each member, by its name; a stage of one term shares the product of step size and weight.
    fn increments(
        &self,
        stage: usize,
        terms: &[Term],
        of: impl Fn(usize) -> &'static str,
    ) -> (String, impl Fn(&str) -> String) {
        let s = self.spelling;
        let terms = terms.to_vec();
        let shared = match terms[..] {
            [(_, weight)] => format!("    let h{stage} = {};\n", s.mul("h", &s.literal(weight))),
            _ => String::new(),
        };
        let increment = move |member: &str| match terms[..] {
            [(only, _)] => s.mul(&format!("h{stage}"), &format!("{}k{}.{member}", of(only), only + 1)),
            _ => s.mul("h", &s.group(&self.weighted_sum(&terms, &of, member))),
        };
        (shared, increment)
    }

    /// Whether the products of step size and weights are taken once for all steps: where all but the last step of a segment
    /// are of one size, and the order of operations is free.
    fn shares_products(&self) -> bool {
        !self.adaptive && !self.exact
    }

    /// What a step takes of its size: products with the weights of the stages, or the size alone.
    fn weights(&self) -> String {
        if !self.shares_products() {
            return "alias Weights = real;\n\nfn weights(h: real) -> Weights {\n    return h;\n}\n".to_string();
        }
        let s = self.spelling;
        let terms =
            || (2..).zip(&self.stages.a).flat_map(|(stage, terms)| terms.iter().map(move |term| (stage, *term)));
        let members: String = terms().map(|(stage, (of, _))| format!("    a{stage}_{}: real,\n", of + 1)).collect();
        let products: Vec<String> =
            terms().map(|(_, (_, a))| format!("        {},\n", s.mul("h", &s.literal(a)))).collect();
        format!(
            "struct Weights {{\n{members}}}\n\nfn weights(h: real) -> Weights {{\n    return Weights(\n{}    );\n}}\n",
            products.concat()
        )
    }

    /// Whether the arguments of stages before the last are summed from y on. Each term rounds y then: with many terms and large
    /// weights ten steps of dop853 round by 28 units, and by 3 where y comes last.
    fn sums_from_y(&self) -> bool {
        self.shares_products() && self.stages.count() <= MOST_STAGES_FROM_Y
    }

    /// Products of step size and weight, each times a stage.
    fn products(&self, stage: usize, terms: &[Term], member: &str) -> Vec<String> {
        let s = self.spelling;
        let product = |(of, _): &Term| s.mul(&format!("w.a{stage}_{}", of + 1), &format!("k{}.{member}", of + 1));
        terms.iter().map(product).collect()
    }

    /// The argument of a stage before the last, by member, from products: summed from y on, which takes the fewest operations.
    /// The last one adds to y once, for its rounding stays.
    fn argument_of_products(&self, stage: usize, terms: &[Term], member: &str) -> String {
        let y = format!("y.{member}");
        self.spelling.sum(std::iter::once(y).chain(self.products(stage, terms, member)))
    }

    fn rk_step(&self) -> String {
        let s = self.spelling;
        let last = self.stages.count();
        let weights = if self.shares_products() { "w" } else { "h" };
        let mut out = format!(
            "fn rk_step(t: real, y: State, low: Low, k1: State, p: Params, {weights}: Weights, h_time: real) -> Step {{\n"
        );
        for (n, terms) in self.stages.a.iter().enumerate() {
            let stage = n + 2;
            let argument = if stage == last { "y1_candidate".to_string() } else { format!("y{stage}") };
            let (shared, plain) = self.increments(stage, terms, |_| "");
            let increment = |member: &str| match self.shares_products() {
                true => s.group(&s.sum(self.products(stage, terms, member))),
                false => plain(member),
            };
            out.push_str(&format!("    var {argument}: State;\n"));
            if stage == last {
                out.push_str(if self.compensated { "    var low1: Low;\n" } else { "    let low1 = low;\n" });
            }
            if !self.shares_products() {
                out.push_str(&shared);
            }
            for member in &self.members.state {
                if stage == last && self.compensated {
                    out.push_str(&self.compensated_sum(member, &increment(member)));
                    continue;
                }
                let value = match stage < last && self.sums_from_y() {
                    true => self.argument_of_products(stage, terms, member),
                    false => s.add(&format!("y.{member}"), &increment(member)),
                };
                out.push_str(&format!("    {argument}.{member} = {value};\n"));
            }
            let t_stage = s.add("t", &s.mul(&s.literal(self.stages.c[n + 1]), "h_time"));
            out.push_str(&format!("    let k{stage} = rhs({t_stage}, {argument}, p);\n"));
        }
        let stages: Vec<String> = (1..=last).map(|n| format!("k{n}")).collect();
        out.push_str(&format!("    return Step(y1_candidate, low1, {});\n}}\n", stages.join(", ")));
        out
    }

    /// y1 = y + (increment + low), and what the sum's rounding took: T. Dekker's fast two-sum, as for time.
    fn compensated_sum(&self, m: &str, increment: &str) -> String {
        let s = self.spelling;
        let change = s.add(increment, &format!("low.{m}"));
        let sum = s.add(&format!("y.{m}"), &format!("low1.{m}"));
        let taken = s.sub(&format!("y1_candidate.{m}"), &format!("y.{m}"));
        format!(
            "    low1.{m} = {change};\n    y1_candidate.{m} = opaque({sum});\n    low1.{m} = {};\n",
            s.sub(&format!("low1.{m}"), &format!("opaque({taken})"))
        )
    }

    fn last_stage(&self) -> String {
        format!("fn last_stage(step: Step) -> State {{\n    return step.k{};\n}}\n", self.stages.count())
    }

    /// The stages that only dense output uses, in a struct of their own: the step does without.
    fn dense_stages(&self) -> String {
        let s = self.spelling;
        let main = self.stages.count();
        let numbers = main + 1..=main + self.stages.dense_stages.len();
        let members: String = numbers.clone().map(|n| format!("    k{n}: State,\n")).collect();
        let mut out = format!(
            "struct DenseStages {{\n{members}}}\n\n\
             fn dense_stages(t: real, y: State, step: Step, p: Params, h: real, h_time: real) -> DenseStages {{\n"
        );
        for (stage, (c, terms)) in numbers.clone().zip(&self.stages.dense_stages) {
            let of = move |stage| if stage < main { "step." } else { "" };
            let (shared, increment) = self.increments(stage, terms, of);
            out.push_str(&format!("    var y{stage}: State;\n{shared}"));
            for member in &self.members.state {
                let value = s.add(&format!("y.{member}"), &increment(member));
                out.push_str(&format!("    y{stage}.{member} = {value};\n"));
            }
            let t_stage = s.add("t", &s.mul(&s.literal(*c), "h_time"));
            out.push_str(&format!("    let k{stage} = rhs({t_stage}, y{stage}, p);\n"));
        }
        let stages: Vec<String> = numbers.map(|n| format!("k{n}")).collect();
        out + &format!("    return DenseStages({});\n}}\n", stages.join(", "))
    }

    fn interpolate(&self) -> String {
        let s = self.spelling;
        let main = self.stages.count();
        let mut setup = Vec::new();
        if self.stages.dense_form == DenseForm::Hermite {
            setup.push(format!("let u = {};", s.sub(&s.literal(1.0), "theta")));
            setup.push(format!("let x = {};", s.sub("theta", &s.literal(0.5))));
        }
        setup.extend(self.stages.dense.iter().map(|(stage, row)| {
            let weight = match self.stages.dense_form {
                DenseForm::Powers => self.powers(row),
                DenseForm::Hermite => self.hermite(row),
            };
            format!("let b{} = {weight};", stage + 1)
        }));
        let value = |_: usize, member: &str| {
            let term = |(stage, _): &(usize, Vec<f64>)| {
                let of = if *stage < main { "step" } else { "dense" };
                s.mul(&format!("b{}", stage + 1), &format!("{of}.k{}.{member}", stage + 1))
            };
            let sum = s.sum(self.stages.dense.iter().map(term));
            s.add(&format!("y.{member}"), &s.mul("h", &s.group(&sum)))
        };
        let dense = if self.has_dense_stages() { "dense: DenseStages, " } else { "" };
        let signature = format!("interpolate(y: State, step: Step, {dense}h: real, theta: real)");
        state_function(&signature, &setup, &self.members.state, value)
    }

    /// `theta * (1.0f + theta * (-2.0f + theta * 1.0f))`
    fn powers(&self, row: &[f64]) -> String {
        let s = self.spelling;
        let mut reversed = row.iter().rev();
        let last = s.literal(reversed.next().copied().unwrap_or(0.0));
        let inner = reversed.fold(last, |sum, w| s.group(&s.add(&s.literal(*w), &s.mul("theta", &sum))));
        s.mul("theta", &inner)
    }

    /// `theta * (1.0f + u * (-1.0f + theta * (-2.0f + u * (3.0f + x * 4.0f))))` without the coefficients that are 0.
    fn hermite(&self, row: &[f64]) -> String {
        let s = self.spelling;
        let mut sum: Option<String> = None;
        for (n, w) in row.iter().enumerate().rev() {
            let coefficient = (*w != 0.0).then(|| s.literal(*w));
            let inner = match (coefficient, sum) {
                (Some(w), Some(sum)) => Some(s.group(&s.add(&w, &sum))),
                (w, Some(sum)) => w.or(Some(s.group(&sum))),
                (w, None) => w,
            };
            let factor = match n {
                0 | 2 => "theta",
                1 | 3 => "u",
                _ => "x",
            };
            sum = inner.map(|inner| s.mul(factor, &inner));
        }
        sum.unwrap_or_else(|| s.literal(0.0))
    }

    /// Makes the candidate the state, if the step is accepted, and its derivative the first stage.
    fn take_step(&self) -> String {
        let mut out = "fn take_step(accept: bool, step: Step, y: ptr<function, State>, low: ptr<function, Low>, k1: ptr<function, State>) {\n"
            .to_string();
        let last = format!("k{}", self.stages.count());
        let low = if self.compensated { vec![("low", "low")] } else { Vec::new() };
        for m in &self.members.state {
            for (to, from) in [("y", "y1_candidate"), ("k1", last.as_str())].iter().chain(&low) {
                out.push_str(&format!("    (*{to}).{m} = select((*{to}).{m}, step.{from}.{m}, accept);\n"));
            }
        }
        out + "}\n"
    }

    fn add_scaled(&self) -> String {
        let s = self.spelling;
        let value = |_: usize, m: &str| s.add(&format!("y.{m}"), &s.mul("h", &format!("k.{m}")));
        state_function("add_scaled(y: State, h: real, k: State)", &[], &self.members.state, value)
    }

    /// 1 and the slot of the first number that is not finite, 0 if all are.
    fn first_non_finite(&self) -> String {
        let mut out = "fn first_non_finite(y: State) -> u32 {\n    var culprit = 0u;\n".to_string();
        for (slot, m) in self.members.state.iter().enumerate().rev() {
            out.push_str(&format!("    culprit = select({}u, culprit, is_finite(y.{m}));\n", slot + 1));
        }
        out + "    return culprit;\n}\n"
    }
}
