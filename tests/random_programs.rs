//! Random expressions: the parser, the compiler, both evaluators and the WGSL generator against a small tree evaluator
//! of the test's own.
//!
//! A tree is printed with no more parentheses than the grammar needs, compiled as an output or a derivative, and
//! evaluated for many inputs on the CPU in f64 and f32 and on the GPU in f32. The tree evaluator carries a bound on the
//! error of f32 arithmetic along with each value (running error analysis: N. Higham, "Accuracy and Stability of
//! Numerical Algorithms", section 3.3). Where the bound reaches a discontinuity, a pole or the end of the range, the
//! sample is left out; most must remain.

#![cfg(feature = "gpu")]

mod common;

use common::backends;
use ensolve::expr::func::Func;
use ensolve::spec::{EnsembleSettings, Map};
use ensolve::{
    Backend, CompiledSpec, CpuBackend, Distribution, Ensemble, Precision, RunSettings, Save, World, solve_ensemble,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestError, TestRng, TestRunner};

// ---- trees ----

/// A number.
#[derive(Clone, Debug)]
enum Number {
    Literal(f64),
    /// `a`, `b`, `c`, `q` or `t`: the position in [`NAMES`].
    Name(usize),
    Neg(Box<Number>),
    Binary(char, Box<Number>, Box<Number>),
    /// A power with an exponent in quarters.
    Power(Box<Number>, i32),
    Call(&'static str, Vec<Number>),
    Choice(Box<Truth>, Box<Number>, Box<Number>),
}

/// A condition.
#[derive(Clone, Debug)]
enum Truth {
    Compare(&'static str, Box<Number>, Box<Number>),
    Both(&'static str, Box<Truth>, Box<Truth>),
    Not(Box<Truth>),
}

/// Three states, a parameter and time.
const NAMES: [&str; 5] = ["a", "b", "c", "q", "t"];

const ONE: [&str; 26] = [
    "abs", "sign", "sqrt", "cbrt", "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin",
    "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "floor", "ceil", "trunc", "round",
];

const TWO: [&str; 7] = ["atan2", "min", "max", "mod", "rem", "hypot", "pow"];

fn leaf() -> impl Strategy<Value = Number> {
    let literal = prop_oneof![(0..40i32).prop_map(|n| f64::from(n) / 8.0), (1..9i32).prop_map(f64::from), Just(0.1)];
    prop_oneof![1 => literal.prop_map(Number::Literal), 4 => (0..NAMES.len()).prop_map(Number::Name)]
}

/// Trees of at most this depth; proptest's own recursion prefers shallow ones.
fn number(depth: usize) -> BoxedStrategy<Number> {
    if depth == 0 {
        return leaf().boxed();
    }
    let inner = number(depth - 1);
    let boxed = inner.clone().prop_map(Box::new).boxed();
    let (one, two) = (proptest::sample::select(&ONE[..]), proptest::sample::select(&TWO[..]));
    let operator = proptest::sample::select(&['+', '-', '*', '/'][..]);
    prop_oneof![
        2 => leaf(),
        6 => (operator, boxed.clone(), boxed.clone()).prop_map(|(op, x, y)| Number::Binary(op, x, y)),
        1 => boxed.clone().prop_map(Number::Neg),
        1 => (boxed.clone(), -12..=16i32).prop_map(|(x, quarters)| Number::Power(x, quarters)),
        3 => (one, inner.clone()).prop_map(|(name, x)| Number::Call(name, vec![x])),
        2 => (two, inner.clone(), inner.clone()).prop_map(|(name, x, y)| Number::Call(name, vec![x, y])),
        1 => (truth(&inner, 2), boxed.clone(), boxed).prop_map(|(c, x, y)| Number::Choice(Box::new(c), x, y)),
    ]
    .boxed()
}

fn truth(number: &BoxedStrategy<Number>, depth: usize) -> BoxedStrategy<Truth> {
    let boxed = number.clone().prop_map(Box::new);
    let comparison = proptest::sample::select(&["<", "<=", ">", ">=", "==", "!="][..]);
    let leaf = (comparison, boxed.clone(), boxed).prop_map(|(op, x, y)| Truth::Compare(op, x, y));
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = truth(number, depth - 1).prop_map(Box::new).boxed();
    let both = (proptest::sample::select(&["&&", "||"][..]), inner.clone(), inner.clone());
    prop_oneof![2 => leaf, 1 => both.prop_map(|(op, x, y)| Truth::Both(op, x, y)), 1 => inner.prop_map(Truth::Not)]
        .boxed()
}

// ---- constants ----

/// A model may not contain a constant that is not finite, so that trees with one are left out.
impl Number {
    /// Whether the compiler cannot fold it.
    fn varies(&self) -> bool {
        match self {
            Number::Literal(_) | Number::Power(_, 0) => false,
            Number::Name(_) => true,
            Number::Neg(x) | Number::Power(x, _) => x.varies(),
            Number::Binary(_, x, y) => x.varies() || y.varies(),
            Number::Call(_, arguments) => arguments.iter().any(Number::varies),
            Number::Choice(c, x, y) => match c.varies() {
                true => true,
                false => c.evaluate(&[0.0; 5]).is_none_or(|taken| if taken { x } else { y }.varies()),
            },
        }
    }

    fn has_finite_constants(&self) -> bool {
        let parts = match self {
            Number::Literal(_) | Number::Name(_) => true,
            Number::Neg(x) | Number::Power(x, _) => x.has_finite_constants(),
            Number::Binary(_, x, y) => x.has_finite_constants() && y.has_finite_constants(),
            Number::Call(_, arguments) => arguments.iter().all(Number::has_finite_constants),
            Number::Choice(c, x, y) => c.has_finite_constants() && x.has_finite_constants() && y.has_finite_constants(),
        };
        parts && (self.varies() || self.evaluate(&[0.0; 5]).is_some())
    }
}

impl Truth {
    fn varies(&self) -> bool {
        match self {
            Truth::Compare(_, x, y) => x.varies() || y.varies(),
            Truth::Both(op, x, y) => {
                let decides = |x: &Truth| !x.varies() && x.evaluate(&[0.0; 5]) == Some(*op == "||");
                (x.varies() || y.varies()) && !decides(x) && !decides(y)
            }
            Truth::Not(x) => x.varies(),
        }
    }

    fn has_finite_constants(&self) -> bool {
        match self {
            Truth::Compare(_, x, y) => x.has_finite_constants() && y.has_finite_constants(),
            Truth::Both(_, x, y) => x.has_finite_constants() && y.has_finite_constants(),
            Truth::Not(x) => x.has_finite_constants(),
        }
    }
}

// ---- text ----

/// How tightly a text binds: 0 for `?:`, then `||`, `&&`, comparisons, sums, products, unary operators, `^`, and 8 for
/// what needs no parentheses anywhere.
type Level = u8;

const CHOICE: Level = 0;
const OR: Level = 1;
const AND: Level = 2;
const COMPARE: Level = 3;
const SUM: Level = 4;
const PRODUCT: Level = 5;
const UNARY: Level = 6;
const POWER: Level = 7;
const ATOM: Level = 8;

/// The text in parentheses if it binds less tightly than `least`.
fn at_least(least: Level, (text, level): (String, Level)) -> String {
    if level >= least { text } else { format!("({text})") }
}

impl Number {
    fn text(&self) -> (String, Level) {
        match self {
            Number::Literal(x) => (format!("{x:?}"), ATOM),
            Number::Name(n) => (NAMES[*n].to_string(), ATOM),
            Number::Neg(x) => (format!("-{}", at_least(UNARY, x.text())), UNARY),
            Number::Binary(op, x, y) => {
                let level = if matches!(op, '+' | '-') { SUM } else { PRODUCT };
                (format!("{} {op} {}", at_least(level, x.text()), at_least(level + 1, y.text())), level)
            }
            Number::Power(x, quarters) => {
                (format!("{}^{}", at_least(ATOM, x.text()), f64::from(*quarters) / 4.0), POWER)
            }
            Number::Call(name, arguments) => {
                let list: Vec<String> = arguments.iter().map(|x| x.text().0).collect();
                (format!("{name}({})", list.join(", ")), ATOM)
            }
            Number::Choice(c, x, y) => {
                (format!("{} ? {} : {}", at_least(OR, c.text()), x.text().0, y.text().0), CHOICE)
            }
        }
    }
}

impl Truth {
    fn text(&self) -> (String, Level) {
        match self {
            Truth::Compare(op, x, y) => {
                (format!("{} {op} {}", at_least(SUM, x.text()), at_least(SUM, y.text())), COMPARE)
            }
            Truth::Both(op, x, y) => {
                let level = if *op == "&&" { AND } else { OR };
                (format!("{} {op} {}", at_least(level, x.text()), at_least(level + 1, y.text())), level)
            }
            Truth::Not(x) => (format!("!{}", at_least(UNARY, x.text())), UNARY),
        }
    }
}

// ---- values with error bounds ----

/// Unit roundoff of f32.
const ROUNDOFF: f64 = 0.5 * f32::EPSILON as f64;

/// Largest error of a function, in unit roundoffs: 2 units in the last place (the largest `bound` of the function table),
/// of up to two unit roundoffs each, and one place for regrouping.
const FUNCTION: f64 = 6.0;

/// Vulkan allows a quotient to be off by 2.5 units in the last place.
const QUOTIENT: f64 = 5.0;

/// Beyond it a compiler that regroups a sum or a product may overflow.
const LARGEST: f64 = f32::MAX as f64 / 16.0;

/// A value in f64, a bound on the error of its f32 evaluation in any order of sums and products, and the size of the
/// largest term that such an order may form.
#[derive(Clone, Copy, Debug)]
struct Bounded {
    value: f64,
    error: f64,
    size: f64,
}

impl Bounded {
    /// A result with its propagated error, and `roundoffs` unit roundoffs of the largest term. `None` outside the range.
    fn new(value: f64, propagated: f64, size: f64, roundoffs: f64) -> Option<Bounded> {
        // Devices may flush subnormal numbers: an absolute error of the smallest normal one.
        let error = propagated + roundoffs * ROUNDOFF * size + f64::from(f32::MIN_POSITIVE);
        let known = value.is_finite() && error.is_finite() && size + error < LARGEST;
        known.then_some(Bounded { value, error, size })
    }

    /// An input, which f32 represents.
    fn exact(value: f64) -> Bounded {
        Bounded { value, error: 0.0, size: value.abs() }
    }

    fn low(self) -> f64 {
        self.value - self.error
    }

    fn high(self) -> f64 {
        self.value + self.error
    }

    fn ends(self) -> [f64; 3] {
        [self.low(), self.value, self.high()]
    }

    fn is_apart_from_zero(self) -> bool {
        self.value.abs() > self.error
    }
}

impl Number {
    /// The value at the inputs (in the order of [`NAMES`]), or `None` where f32 cannot tell it.
    fn evaluate(&self, inputs: &[f64; 5]) -> Option<Bounded> {
        match self {
            Number::Literal(x) if f64::from(*x as f32) == *x => Some(Bounded::exact(*x)),
            Number::Literal(x) => Bounded::new(*x, 0.0, x.abs(), 1.0),
            Number::Name(n) => Some(Bounded::exact(inputs[*n])),
            Number::Neg(x) => x.evaluate(inputs).map(|x| Bounded { value: -x.value, ..x }),
            Number::Binary(op, x, y) => binary(*op, x.evaluate(inputs)?, y.evaluate(inputs)?),
            Number::Power(x, quarters) => power(x.evaluate(inputs)?, f64::from(*quarters) / 4.0),
            Number::Call(name, arguments) => match &arguments[..] {
                [x] => call1(name, x.evaluate(inputs)?),
                [x, y] => call2(name, x.evaluate(inputs)?, y.evaluate(inputs)?),
                _ => unreachable!("functions take one or two arguments"),
            },
            // The branch not taken may be anything.
            Number::Choice(c, x, y) => if c.evaluate(inputs)? { x } else { y }.evaluate(inputs),
        }
    }
}

impl Truth {
    fn evaluate(&self, inputs: &[f64; 5]) -> Option<bool> {
        match self {
            Truth::Compare(op, x, y) => compare(op, x.evaluate(inputs)?, y.evaluate(inputs)?),
            Truth::Both(op, x, y) => {
                let decides = *op == "||";
                match (x.evaluate(inputs), y.evaluate(inputs)) {
                    (Some(x), _) if x == decides => Some(decides),
                    (_, Some(y)) if y == decides => Some(decides),
                    (x, y) => x.and(y),
                }
            }
            Truth::Not(x) => x.evaluate(inputs).map(|x| !x),
        }
    }
}

fn compare(op: &str, x: Bounded, y: Bounded) -> Option<bool> {
    let exact = x.error == 0.0 && y.error == 0.0;
    let (x, y) = match exact || (x.value - y.value).abs() > x.error + y.error {
        true => (x.value, y.value),
        false => return None,
    };
    Some(match op {
        "<" => x < y,
        "<=" => x <= y,
        ">" => x > y,
        ">=" => x >= y,
        "==" => x == y,
        _ => x != y,
    })
}

fn binary(op: char, x: Bounded, y: Bounded) -> Option<Bounded> {
    match op {
        '+' => Bounded::new(x.value + y.value, x.error + y.error, x.size + y.size, 1.0),
        '-' => Bounded::new(x.value - y.value, x.error + y.error, x.size + y.size, 1.0),
        '*' => {
            let propagated = x.value.abs() * y.error + y.value.abs() * x.error + x.error * y.error;
            Bounded::new(x.value * y.value, propagated, x.size * y.size, 1.0)
        }
        _ => {
            let least = y.value.abs() - y.error;
            let propagated = (x.error + (x.value / y.value).abs() * y.error) / least;
            y.is_apart_from_zero().then(|| Bounded::new(x.value / y.value, propagated, x.size / least, QUOTIENT))?
        }
    }
}

/// Largest difference of a function from its value over the corners of its arguments' intervals. Twice that bounds what
/// a smooth function does between close corners.
fn spread(value: f64, corners: impl Iterator<Item = f64>) -> f64 {
    2.0 * corners
        .map(|corner| (corner - value).abs())
        .fold(0.0, |most, d| if d.is_nan() { f64::NAN } else { most.max(d) })
}

fn evaluator(name: &str) -> impl Fn(f64, f64) -> f64 {
    let func = Func::named(name).expect("a row of the function table");
    move |x, y| func.evaluate(x, y)
}

/// Functions that jump: known where both ends of the argument's interval agree.
const STEPS: [&str; 5] = ["sign", "floor", "ceil", "trunc", "round"];

fn call1(name: &str, x: Bounded) -> Option<Bounded> {
    let f = evaluator(name);
    let value = f(x.value, 0.0);
    if STEPS.contains(&name) {
        let same = x.error == 0.0 || x.ends().iter().all(|end| f(*end, 0.0) == value);
        return same.then(|| Bounded::new(value, 0.0, value.abs(), 0.0))?;
    }
    // Between poles an interval wider than this may hide one.
    if name == "tan" && x.error > 1e-2 {
        return None;
    }
    let propagated = spread(value, x.ends().into_iter().map(|end| f(end, 0.0)));
    Bounded::new(value, propagated, value.abs(), FUNCTION)
}

fn call2(name: &str, x: Bounded, y: Bounded) -> Option<Bounded> {
    match name {
        "mod" | "rem" => return remainder(name, x, y),
        "pow" if x.low() <= 0.0 => return None,
        // The cut along the negative axis, and the origin.
        "atan2" if x.value.abs() <= x.error && y.low() <= 0.0 && (x.error > 0.0 || y.error > 0.0) => return None,
        _ => {}
    }
    let f = evaluator(name);
    let value = f(x.value, y.value);
    let corners = x.ends().into_iter().flat_map(|x| y.ends().map(|y| f(x, y)));
    Bounded::new(value, spread(value, corners), value.abs(), FUNCTION)
}

/// x - n y, where the whole number n must be the same all over the intervals.
fn remainder(name: &str, x: Bounded, y: Bounded) -> Option<Bounded> {
    if !y.is_apart_from_zero() {
        return None;
    }
    let quotient = |x: f64, y: f64| if name == "mod" { (x / y).floor() } else { (x / y).trunc() };
    let n = quotient(x.value, y.value);
    let exact = x.error == 0.0 && y.error == 0.0;
    let same = x.ends().into_iter().flat_map(|x| y.ends().map(|y| quotient(x, y))).all(|m| m == n);
    let value = evaluator(name)(x.value, y.value);
    (exact || same).then(|| Bounded::new(value, x.error + n.abs() * y.error, value.abs().max(y.value.abs()), 1.0))?
}

/// A power with a constant exponent: products for a whole one, `pow` else.
fn power(x: Bounded, exponent: f64) -> Option<Bounded> {
    let whole = exponent == exponent.trunc();
    if (!whole && x.low() <= 0.0) || (exponent < 0.0 && !x.is_apart_from_zero()) {
        return None;
    }
    let value = x.value.powf(exponent);
    let propagated = spread(value, x.ends().into_iter().map(|x| x.powf(exponent)));
    let least = if exponent < 0.0 { x.value.abs() - x.error } else { x.size };
    Bounded::new(value, propagated, least.powf(exponent).max(value.abs()), FUNCTION + exponent.abs())
}

// ---- models ----

/// Expressions of one model: many, since a kernel takes long to compile.
const BATCH: usize = 50;

/// Operations in a row.
const DEPTH: usize = 5;

/// Inputs that each expression is evaluated for.
const SAMPLES: usize = 256;

/// Save times, so that `t` has two values.
const TIMES: (f64, f64) = (0.75, 1.75);

/// Values of the states and the parameter for each sample, all representable in f32: a few special ones and random ones.
fn samples() -> Vec<[f64; 4]> {
    let special = [0.0, 1.0, -1.0, 0.5, 2.0, -3.0];
    let spread = |n: usize, k: usize| {
        // Fractional parts of multiples of irrational numbers cover the range evenly.
        let part = (n as f64 * [0.618_033_988, 0.414_213_562, 0.732_050_807, 0.236_067_977][k]).fract();
        if n % 8 == k { special[n / 8 % special.len()] } else { f64::from((part * 6.0 - 2.5) as f32) }
    };
    (0..SAMPLES).map(|n| [0, 1, 2, 3].map(|k| spread(n, k))).collect()
}

/// Bound on derivatives: far from the end of the range.
const LARGEST_DERIVATIVE: f64 = 1e30;

/// The tree where it is finite and else 0, since one derivative that is not finite ends the whole trajectory.
fn contained(tree: &Number) -> Number {
    let size = Number::Call("abs", vec![tree.clone()]);
    let is_finite = Truth::Compare("<", Box::new(size), Box::new(Number::Literal(LARGEST_DERIVATIVE)));
    Number::Choice(Box::new(is_finite), Box::new(tree.clone()), Box::new(Number::Literal(0.0)))
}

/// How an expression enters the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// An output, evaluated at both save times.
    Output,
    /// The derivative of a state that begins at 0, over one Euler step of length 1.
    Derivative,
}

fn model(batch: &[Number], place: Place) -> CompiledSpec {
    let mut world = World::new("random").parameter(NAMES[3], 0.0);
    for name in &NAMES[..3] {
        world = world.state(*name, 0.0).derivative(*name, 0.0);
    }
    for (n, tree) in batch.iter().enumerate() {
        let (name, text) = (format!("e{n}"), tree.text().0);
        world = match place {
            Place::Output => world.output(name, text),
            Place::Derivative => world.state(name.as_str(), 0.0).derivative(name, text),
        };
    }
    world.compile().unwrap_or_else(|e| panic!("{e}"))
}

/// Values `[expression][time][sample]`.
fn solve(
    spec: &CompiledSpec,
    place: Place,
    count: usize,
    precision: Precision,
    backend: &mut dyn Backend,
) -> Vec<Vec<Vec<f64>>> {
    let samples = samples();
    let column = |k: usize| Distribution::Values(samples.iter().map(|inputs| inputs[k]).collect());
    let vary: Map<Distribution> = (0..4).map(|k| (NAMES[k].to_string(), column(k))).collect();
    let settings = EnsembleSettings { size: Some(SAMPLES as u64), seed: None, sampling: None, vary };
    let ensemble = Ensemble::new(spec, &settings).expect("an ensemble");
    let run = RunSettings {
        tspan: Some(TIMES),
        method: Some("euler".to_string()),
        dt: Some(TIMES.1 - TIMES.0),
        save: Some(Save::At(vec![TIMES.0, TIMES.1])),
        precision: Some(precision),
        ..RunSettings::default()
    };
    let result = solve_ensemble(spec, &run, &ensemble, backend).unwrap_or_else(|e| panic!("{e}"));
    let series = |n: usize| result.values(&format!("e{n}")).expect("a saved value");
    let times = if place == Place::Output { 0..2 } else { 1..2 };
    (0..count).map(|n| times.clone().map(|save| series(n).row(save).to_vec()).collect()).collect()
}

// ---- the property ----

/// Samples with a bound below this part of the value (or of 1) say something about the last digits.
const TIGHT: f64 = 1e-4;

/// At least this part of all samples must be compared, and be compared tightly. The others are NaN, overflow, or sit on
/// a discontinuity: random trees have many square roots and logarithms of negative numbers.
const MOST: f64 = 0.5;

/// Ratio of the roundings of f64 and f32, with room for the errors of functions and of powers, which
/// the tree does not take as products.
const F64_BOUND: f64 = 4.0 * f64::EPSILON / f32::EPSILON as f64;

#[derive(Default, Debug)]
struct Tally {
    samples: usize,
    compared: usize,
    tight: usize,
    /// Largest differences in units of the bound: CPU f64, CPU f32, GPU f32.
    worst: [f64; 3],
}

/// Compares one batch with its trees; an error names the first expression that is wrong.
fn check(batch: Vec<Number>, place: Place, backends: &mut [Box<dyn Backend>], tally: &mut Tally) -> Result<(), String> {
    let batch = match place {
        Place::Output => batch,
        Place::Derivative => batch.iter().map(contained).collect(),
    };
    let spec = model(&batch, place);
    let precisions = [Precision::F64, Precision::F32, Precision::F32];
    let results: Vec<_> = backends
        .iter_mut()
        .zip(precisions)
        .map(|(backend, precision)| solve(&spec, place, batch.len(), precision, backend.as_mut()))
        .collect();
    let times = if place == Place::Output { vec![TIMES.0, TIMES.1] } else { vec![TIMES.0] };
    for (n, tree) in batch.iter().enumerate() {
        for (save, t) in times.iter().enumerate() {
            for (sample, [a, b, c, q]) in samples().into_iter().enumerate() {
                let inputs = [a, b, c, q, *t];
                let got = results.iter().map(|result| result[n][save][sample]);
                compare_sample(tree, &inputs, got, tally)
                    .map_err(|e| format!("{place:?} {}\nat {inputs:?}: {e}", tree.text().0))?;
            }
        }
    }
    Ok(())
}

fn compare_sample(
    tree: &Number,
    inputs: &[f64; 5],
    got: impl Iterator<Item = f64>,
    tally: &mut Tally,
) -> Result<(), String> {
    tally.samples += 1;
    let Some(want) = tree.evaluate(inputs) else { return Ok(()) };
    tally.compared += 1;
    tally.tight += usize::from(want.error <= TIGHT * want.value.abs().max(1.0));
    let bounds = [want.error * F64_BOUND, want.error, want.error];
    for (n, (got, bound)) in got.zip(bounds).enumerate() {
        let difference = (got - want.value).abs();
        if difference.is_nan() || difference > bound {
            let name = ["cpu f64", "cpu f32", "gpu f32"][n];
            return Err(format!(
                "{name} gives {got:e}, the tree {:e}, off by {difference:e} where {bound:e} is allowed",
                want.value
            ));
        }
        tally.worst[n] = tally.worst[n].max(if difference == 0.0 { 0.0 } else { difference / bound });
    }
    Ok(())
}

/// A runner with a fixed seed, which shrinks a failing batch.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        max_shrink_iters: 30,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

#[test]
fn random_expressions_mean_the_same_everywhere() {
    let mut all: Vec<Box<dyn Backend>> = vec![Box::new(CpuBackend::new()), Box::new(CpuBackend::new())];
    all.extend(backends().into_iter().filter(|tested| tested.name == "gpu").map(|tested| tested.backend));
    let tally = std::cell::RefCell::new(Tally::default());
    let all = std::cell::RefCell::new(all);
    let place = prop_oneof![2 => Just(Place::Output), 1 => Just(Place::Derivative)];
    let trees = prop_oneof![1 => number(DEPTH), 2 => number(DEPTH - 2)]
        .prop_filter("a constant is not finite", Number::has_finite_constants);
    let batches = (proptest::collection::vec(trees, BATCH), place);
    let outcome = runner(4).run(&batches, |(batch, place)| {
        check(batch, place, &mut all.borrow_mut(), &mut tally.borrow_mut()).map_err(TestCaseError::fail)
    });
    let tally = tally.into_inner();
    println!("{tally:?}");
    match outcome {
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("the generator gave up: {reason}"),
        Ok(()) => {}
    }
    let least = MOST * tally.samples as f64;
    assert!(tally.compared as f64 >= least && tally.tight as f64 >= least, "too few samples are compared: {tally:?}");
}

/// The printer and the evaluator of the test itself, on a tree whose text and value are known.
#[test]
fn the_test_reads_its_own_trees_right() {
    let name = |n| Box::new(Number::Name(n));
    let difference = Number::Binary('-', name(0), Box::new(Number::Binary('-', name(1), name(2))));
    assert_eq!(difference.text().0, "a - (b - c)");
    let power = Number::Neg(Box::new(Number::Power(Box::new(Number::Neg(name(0))), 8)));
    assert_eq!(power.text().0, "-(-a)^2");
    let value = |tree: &Number| tree.evaluate(&[3.0, 5.0, 1.0, 0.0, 0.0]).map(|bounded| bounded.value);
    assert_eq!((value(&difference), value(&power)), (Some(-1.0), Some(-9.0)));
    let cancelled = Number::Call("floor", vec![Number::Binary('/', name(0), Box::new(Number::Literal(3.0)))]);
    assert_eq!(value(&cancelled), None, "3/3 may round to just below 1");
}
