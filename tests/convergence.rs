//! Every tableau is what it claims to be: order conditions of the solution, of the error estimate and of the dense
//! output, and the orders measured on a problem with a known solution.

use ensolve::method::{Dense, DenseForm, ErrorEstimate, Method, Stages, TABLEAUS, Tableau, tableau, tableaus};
use ensolve::spec::Tolerance;
use ensolve::{CpuBackend, Precision, RunSettings, Save, SolveResult, Status, World, solve};

/// Order up to which trees are counted: one more than that of any built-in method, for methods are shown not to have it.
const MAX_ORDER: usize = 10;

/// Rounding of the largest condition: coefficients up to 47 (tsit5's dense output), products of up to five of them and
/// sums of seven such products leave errors of some 100 units in the last place.
const ROUNDING: f64 = 1e-13;

/// Rounding of a condition whose terms add up to more than that, taken without their signs: vern6 has weights of 176 and
/// -172 of stages with coefficients of 208 and -159. Each coefficient is rounded once, by half a unit.
fn rounding(size: f64) -> f64 {
    ROUNDING.max(f64::EPSILON * size)
}

/// A rooted tree: the list of its root's subtrees (Hairer, Nørsett, Wanner, section II.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tree(Vec<Tree>);

impl Tree {
    fn order(&self) -> usize {
        1 + self.0.iter().map(Tree::order).sum::<usize>()
    }

    /// The density gamma: the product of the orders of all subtrees.
    fn gamma(&self) -> f64 {
        self.order() as f64 * self.0.iter().map(Tree::gamma).product::<f64>()
    }

    /// The internal weight of each stage: the product over the subtrees u of sum_j a_ij weight_j(u).
    fn weights(&self, a: &[Vec<f64>]) -> Vec<f64> {
        let mut weights = vec![1.0; a.len()];
        for subtree in &self.0 {
            let inner = subtree.weights(a);
            for (weight, row) in weights.iter_mut().zip(a) {
                *weight *= dot(row, &inner);
            }
        }
        weights
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// All trees of an order: each is a tree of one node less with a leaf added somewhere.
fn trees(order: usize) -> Vec<Tree> {
    if order == 1 {
        return vec![Tree(Vec::new())];
    }
    let mut all: Vec<Tree> = trees(order - 1).iter().flat_map(with_a_leaf).collect();
    all.sort();
    all.dedup();
    all
}

fn with_a_leaf(tree: &Tree) -> Vec<Tree> {
    let mut grown = vec![sorted([tree.0.clone(), vec![Tree(Vec::new())]].concat())];
    for (i, subtree) in tree.0.iter().enumerate() {
        for replacement in with_a_leaf(subtree) {
            let mut subtrees = tree.0.clone();
            subtrees[i] = replacement;
            grown.push(sorted(subtrees));
        }
    }
    grown
}

fn sorted(mut subtrees: Vec<Tree>) -> Tree {
    subtrees.sort();
    Tree(subtrees)
}

/// The square matrix a with the stage f(t + h, y1), as error estimates and dense outputs use it, and with the stages that
/// only dense output uses.
fn matrix(t: &Tableau) -> Vec<Vec<f64>> {
    let rows = std::iter::once(&[][..]).chain(t.a.iter().copied());
    let mut rows: Vec<&[f64]> = if t.is_fsal() { rows.collect() } else { rows.chain([t.b]).collect() };
    rows.extend(t.dense.iter().flat_map(|dense| dense.a.iter().copied()));
    let n = rows.len();
    rows.into_iter().map(|row| padded(row, n)).collect()
}

fn padded(row: &[f64], n: usize) -> Vec<f64> {
    row.iter().copied().chain(std::iter::repeat(0.0)).take(n).collect()
}

/// sum_i b_i weight_i(tree) - theta^order / gamma: 0 for every tree up to the order of the weights b.
fn residual(b: &[f64], a: &[Vec<f64>], tree: &Tree, theta: f64) -> f64 {
    dot(b, &tree.weights(a)) - theta.powi(tree.order() as i32) / tree.gamma()
}

/// sum_i |b_i| weight_i(tree), for the absolute values of a.
fn size(b: &[f64], a: &[Vec<f64>], tree: &Tree) -> f64 {
    let abs = |row: &[f64]| row.iter().map(|x| x.abs()).collect::<Vec<f64>>();
    let a: Vec<Vec<f64>> = a.iter().map(|row| abs(row)).collect();
    dot(&abs(b), &tree.weights(&a))
}

/// Orders that dense output claims: its own, or that of the cubic Hermite interpolant.
fn dense_order(t: &Tableau) -> u32 {
    t.dense.map_or(t.order.min(3), |dense| dense.order)
}

#[test]
fn there_are_as_many_trees_as_there_should_be() {
    let counts: Vec<usize> = (1..=MAX_ORDER).map(|order| trees(order).len()).collect();
    assert_eq!(counts, [1, 1, 2, 4, 9, 20, 48, 115, 286, 719], "OEIS A000081");
}

#[test]
fn solutions_satisfy_the_conditions_of_their_order_and_not_the_next() {
    for t in TABLEAUS {
        let (a, b) = (matrix(t), padded(t.b, matrix(t).len()));
        for tree in (1..=t.order as usize).flat_map(trees) {
            let r = residual(&b, &a, &tree, 1.0);
            assert!(r.abs() < rounding(size(&b, &a, &tree)), "{}: condition of {tree:?} is off by {r:e}", t.name);
        }
        let next = trees(t.order as usize + 1).iter().map(|tree| residual(&b, &a, tree, 1.0).abs()).fold(0.0, f64::max);
        assert!(next > 1e-6, "{} has a higher order than the {} it claims", t.name, t.order);
    }
}

/// Error estimates and the exponent of each alone.
fn estimates(t: &Tableau) -> Vec<(&'static [f64], u32)> {
    match t.error {
        None => Vec::new(),
        Some(error) if error.second.is_empty() => vec![(error.weights, error.exponent)],
        Some(error) => {
            // dop853: of orders 5 and 3; e^2 / sqrt(e^2 + 0.01 e'^2) is O(h^8) where e' is far larger.
            let (first, second) = (6, 4);
            assert_eq!(error.exponent, 2 * first - second, "{}", t.name);
            vec![(error.weights, first), (error.second, second)]
        }
    }
}

#[test]
fn error_estimates_compare_with_a_solution_of_the_order_they_claim() {
    let with_error = TABLEAUS.into_iter().flat_map(|t| estimates(t).into_iter().map(move |error| (t, error)));
    for (t, (weights, exponent)) in with_error {
        let a = matrix(t);
        let (b, w) = (padded(t.b, a.len()), padded(weights, a.len()));
        let embedded: Vec<f64> = b.iter().zip(&w).map(|(b, w)| b - w).collect();
        for tree in (1..exponent as usize).flat_map(trees) {
            let r = residual(&embedded, &a, &tree, 1.0);
            let bound = rounding(size(&b, &a, &tree) + size(&w, &a, &tree));
            assert!(r.abs() < bound, "{}: embedded condition of {tree:?} is off by {r:e}", t.name);
        }
        let next = trees(exponent as usize);
        let next = next.iter().map(|tree| residual(&embedded, &a, tree, 1.0).abs()).fold(0.0, f64::max);
        assert!(next > 1e-6, "{}: the estimate vanishes at its exponent {exponent}", t.name);
    }
}

#[test]
fn dense_outputs_satisfy_the_continuous_conditions_of_their_order() {
    for t in TABLEAUS {
        let a = matrix(t);
        let trees: Vec<Tree> = (1..=dense_order(t) as usize).flat_map(trees).collect();
        // Both sides are polynomials of degree 8 at most: equal at nine points, they are the same.
        for theta in [-0.25, 0.1, 0.25, 0.375, 0.5, 0.625, 0.75, 0.9, 1.0] {
            let b = dense_weights(t, theta);
            for tree in &trees {
                let r = residual(&b, &a, tree, theta);
                let bound = rounding(size(&b, &a, tree));
                assert!(r.abs() < bound, "{} at theta {theta}: condition of {tree:?} is off by {r:e}", t.name);
            }
        }
    }
}

#[test]
fn dense_outputs_meet_the_solution_and_the_slopes_at_both_ends() {
    for t in TABLEAUS {
        let n = Stages::new(t).count();
        for (got, want) in dense_weights(t, 1.0).iter().zip(padded(t.b, matrix(t).len())) {
            assert!((got - want).abs() < rounding(want.abs()), "{} at theta 1: weight {got}, b is {want}", t.name);
        }
        // b_i'(0) picks the first stage, b_i'(1) the last: the interpolant is once continuously differentiable.
        for (theta, stage) in [(0.0, 0), (1.0, n - 1)] {
            for (i, slope) in dense_slopes(t, theta).iter().enumerate() {
                let want = f64::from(u8::from(i == stage));
                let bound = rounding(t.b.get(i).map_or(0.0, |b| b.abs()));
                assert!((slope - want).abs() < bound, "{}: slope {slope} of stage {i} at theta {theta}", t.name);
            }
        }
    }
}

/// Weights of the stages at theta, as the integrators use them.
fn dense_weights(t: &Tableau, theta: f64) -> Vec<f64> {
    dense_sum(t, |form, row| horner(form, row, theta).0)
}

fn dense_slopes(t: &Tableau, theta: f64) -> Vec<f64> {
    dense_sum(t, |form, row| horner(form, row, theta).1)
}

/// The factor before each bracket of theta (w_1 + f (w_2 + f (...))), and its slope.
fn factors(form: DenseForm, theta: f64) -> impl Iterator<Item = (f64, f64)> {
    (0..).map(move |n| match (form, n) {
        (DenseForm::Powers, _) | (_, 0 | 2) => (theta, 1.0),
        (DenseForm::Hermite, 1 | 3) => (1.0 - theta, -1.0),
        (DenseForm::Hermite, _) => (theta - 0.5, 1.0),
    })
}

/// A weight and its slope.
fn horner(form: DenseForm, row: &[f64], theta: f64) -> (f64, f64) {
    let factors: Vec<(f64, f64)> = factors(form, theta).take(row.len()).collect();
    row.iter()
        .zip(factors)
        .rev()
        .fold((0.0, 0.0), |(sum, slope), (w, (f, df))| (f * (w + sum), df * (w + sum) + f * slope))
}

fn dense_sum(t: &Tableau, weight: impl Fn(DenseForm, &[f64]) -> f64) -> Vec<f64> {
    let stages = Stages::new(t);
    let mut sums = vec![0.0; matrix(t).len()];
    for (stage, row) in &stages.dense {
        sums[*stage] = weight(stages.dense_form, row);
    }
    sums
}

/// A problem with time-dependent, nonlinear and coupled equations whose solution is known: Hairer, Nørsett, Wanner, in
/// section II.4 and elsewhere for tests of order. y1 = exp(sin(t^2)), y2 = y1^5, y3 = 1 + sin(t^2), y4 = cos(t^2).
const PROBLEM: &str = r#"{
    "states": {"y1": "exp(sin(t^2))", "y2": "exp(5*sin(t^2))", "y3": "sin(t^2) + 1", "y4": "cos(t^2)"},
    "derivatives": {"y1": "2*t*cbrt(y2)^0.6*y4", "y2": "10*t*exp(5*(y3 - 1))*y4", "y3": "2*t*y4", "y4": "-2*t*log(y1)"}}"#;

/// Away from t = 0, where derivatives of odd order vanish; the length is a power of 2, so that n steps of it are exact.
const TSPAN: (f64, f64) = (0.5, 1.5);

fn exact(t: f64) -> [f64; 4] {
    let (s, c) = (t * t).sin_cos();
    [s.exp(), (5.0 * s).exp(), s + 1.0, c]
}

fn solve_problem(run: RunSettings) -> SolveResult {
    let world = World::from_json(PROBLEM).expect("a valid model");
    let run = RunSettings { tspan: Some(TSPAN), precision: Some(Precision::F64), max_steps: Some(100_000_000), ..run };
    // t in initial values is the start of the span.
    let spec = World { run: run.clone(), ..world }.compile().expect("a valid model");
    let result = solve(&spec, &run, &mut CpuBackend::new()).expect("a valid run");
    assert_eq!(result.status, Status::Success);
    result
}

/// The largest value of each state: e, e^5, 2, 1.
const SIZES: [f64; 4] = [std::f64::consts::E, 148.413_159_102_576_6, 2.0, 1.0];

/// Largest error over all states and save times, relative to the largest value of the state in the span.
fn error(result: &SolveResult) -> f64 {
    let columns = result.t.iter().zip(result.x.columns());
    let errors = columns.flat_map(|(t, x)| {
        let slots = x.to_vec().into_iter().zip(exact(*t)).zip(SIZES);
        slots.map(|((x, want), size)| ((x - want) / size).abs())
    });
    errors.fold(0.0, f64::max)
}

/// Times at which errors are measured: several, since an error may change sign at any one time. They are ends of steps
/// for 16, 32, ... fixed steps.
const GRID: Save = Save::Points(17);

fn fixed(t: &Tableau, n_steps: u32, save: Save) -> RunSettings {
    let dt = Some((TSPAN.1 - TSPAN.0) / f64::from(n_steps));
    RunSettings {
        method: Some(t.name.to_string()),
        adaptive: Some(false),
        dt,
        save: Some(save),
        ..RunSettings::default()
    }
}

/// Steps where the leading term of the error rules and rounding, 1e-15 times the number of steps, is far below it. Errors of
/// high orders fall faster before they meet rounding: terms of the next orders rule.
fn asymptotic_steps(t: &Tableau) -> u32 {
    match t.order {
        1 => 4096,
        2 => 1024,
        3 => 512,
        4 | 5 => 128,
        6..=8 => 16,
        _ => 8,
    }
}

/// Methods whose leading term rules on [`PROBLEM`].
const MAX_SHARP_ORDER: u32 = 5;

/// The order seen between n and 2 n steps.
fn slope(error_at: impl Fn(u32) -> f64, n_steps: u32) -> f64 {
    (error_at(n_steps) / error_at(2 * n_steps)).log2()
}

#[test]
fn errors_at_the_end_fall_with_the_order_of_the_method() {
    for t in TABLEAUS {
        let is_sharp = t.order <= MAX_SHARP_ORDER;
        let grid = if is_sharp { GRID } else { Save::Points(9) };
        let slope = slope(|n| error(&solve_problem(fixed(t, n, grid.clone()))), asymptotic_steps(t));
        println!("{:<9} order {} measured {slope:.3}", t.name, t.order);
        let above = slope - f64::from(t.order);
        assert!(above > -0.2 && (above < 0.2 || !is_sharp), "{}: measured order {slope:.3}, not {}", t.name, t.order);
    }
}

/// A model, its time span and solution, a method and the steps where its leading term rules there.
type Sharp = (&'static str, (f64, f64), fn(f64) -> Vec<f64>, &'static str, u32);

/// High orders where the leading term of the error rules: an oscillator, and for vern6, which has next to no such term on
/// linear problems, [`PROBLEM`] with t in place of t^2.
#[test]
fn errors_fall_with_high_orders_and_no_faster() {
    let circle = r#"{"states": {"x": 1, "v": 0}, "derivatives": {"x": "v", "v": "-x"}}"#;
    let on_circle: fn(f64) -> Vec<f64> = |t| vec![t.cos(), -t.sin()];
    let exponentials = r#"{"states": {"y1": 1, "y2": 1, "y3": 1, "y4": 1}, "derivatives": {
        "y1": "cbrt(y2)^0.6*y4", "y2": "5*exp(5*(y3 - 1))*y4", "y3": "y4", "y4": "-log(y1)"}}"#;
    let cases: [Sharp; 4] = [
        (circle, (0.0, 8.0), on_circle, "vern7", 64),
        (circle, (0.0, 8.0), on_circle, "dop853", 24),
        (circle, (0.0, 8.0), on_circle, "vern9", 24),
        (exponentials, (0.0, 2.0), |t| vec![t.sin().exp(), (5.0 * t.sin()).exp(), t.sin() + 1.0, t.cos()], "vern6", 24),
    ];
    for (model, tspan, exact, name, n) in cases {
        let spec = World::from_json(model).and_then(|world| world.compile()).expect("a valid model");
        let order = tableau(name).map(|t| f64::from(t.order)).expect("a method");
        let error = |n: u32| {
            let run = RunSettings {
                tspan: Some(tspan),
                method: Some(name.to_string()),
                dt: Some((tspan.1 - tspan.0) / f64::from(n)),
                save: Some(Save::Points(9)),
                precision: Some(Precision::F64),
                ..RunSettings::default()
            };
            let result = solve(&spec, &run, &mut CpuBackend::new()).expect("a valid run");
            let all = result.t.iter().zip(result.x.columns());
            let errors = all.flat_map(|(t, x)| x.to_vec().into_iter().zip(exact(*t)).map(|(x, want)| (x - want).abs()));
            errors.fold(0.0, f64::max)
        };
        let slope = slope(error, n);
        println!("{name:<9} order {order} measured {slope:.3}");
        assert!((slope - order).abs() < 0.3, "{name}: measured order {slope:.3}, not {order}");
    }
}

/// With more steps nothing is left of the error but rounding: that of a step as the floor of rtol counts it, times the
/// problem's growth and the square root of the number of steps, together 10.
#[test]
fn errors_of_high_orders_fall_to_rounding() {
    for t in TABLEAUS.into_iter().filter(|t| t.order > MAX_SHARP_ORDER) {
        let floor = Method::fixed(t, 1.0).map(|method| method.rtol_floor(Precision::F64)).expect("a method");
        let error = error(&solve_problem(fixed(t, 128, GRID)));
        println!("{:<9} error {error:.1e}, floor of rtol {floor:.1e}", t.name);
        assert!(error < 10.0 * floor, "{}: error {error:e} with the floor {floor:e}", t.name);
    }
}

#[test]
fn errors_inside_steps_fall_with_the_order_of_the_dense_output() {
    for t in TABLEAUS {
        let inside = |n: u32| {
            let h = (TSPAN.1 - TSPAN.0) / f64::from(n);
            let times = (0..n).flat_map(|k| [0.2, 0.5, 0.77].map(|theta| TSPAN.0 + (f64::from(k) + theta) * h));
            error(&solve_problem(fixed(t, n, Save::At(times.collect()))))
        };
        let n_steps = if t.order <= MAX_SHARP_ORDER { asymptotic_steps(t) / 2 } else { asymptotic_steps(t) };
        let slope = slope(inside, n_steps);
        // An interpolant of order q is off by O(h^(q+1)) inside a step, the solution by O(h^order) at its ends.
        let order = t.order.min(dense_order(t) + 1);
        println!("{:<9} dense order {order} measured {slope:.3}", t.name);
        assert!(slope > f64::from(order) - 0.2, "{}: measured dense order {slope:.3}, not {order}", t.name);
    }
}

/// In powers of theta the weights of these methods have coefficients of up to 1e5 that cancel: rounding would be up to 1e-2
/// of a step's change in f32. vern6 is not for f32, whatever the form.
#[test]
fn dense_outputs_of_high_order_round_little_in_f32() {
    for t in TABLEAUS.into_iter().filter(|t| t.order > MAX_SHARP_ORDER && t.name != "vern6") {
        let times: Vec<f64> = (0..64).map(|k| TSPAN.0 + f64::from(k) / 64.0).collect();
        let saved = |precision| {
            let world = World::from_json(PROBLEM).expect("a valid model");
            let run = RunSettings {
                tspan: Some(TSPAN),
                precision: Some(precision),
                compensated: Some(false),
                ..fixed(t, 16, Save::At(times.clone()))
            };
            let spec = World { run: run.clone(), ..world }.compile().expect("a valid model");
            solve(&spec, &run, &mut CpuBackend::new()).expect("a valid run").x
        };
        let (single, double) = (saved(Precision::F32), saved(Precision::F64));
        // Every fourth time is the end of a step, the other three lie inside.
        let difference = |is_end: bool| {
            let some = single.indexed_iter().filter(|((_, save), _)| (save % 4 == 0) == is_end);
            some.fold(0.0, |worst: f64, (at, x)| worst.max((x - double[at]).abs() / SIZES[at.0]))
        };
        let (ends, inside) = (difference(true), difference(false));
        println!("{:<9} off by {ends:.1e} at the ends of steps, {inside:.1e} inside", t.name);
        assert!(inside < 3.0 * ends, "{}: {inside:e} inside steps, {ends:e} at their ends", t.name);
    }
}

#[test]
fn achieved_errors_are_proportional_to_the_tolerance() {
    for name in ["heun", "midpoint", "bs23", "dopri5", "tsit5", "vern6", "vern7", "dop853", "vern9"] {
        let ratios: Vec<f64> = (4..=9)
            .map(|digits| {
                let rtol = 10f64.powi(-digits);
                let run = RunSettings {
                    method: Some(name.to_string()),
                    rtol: Some(Tolerance::Scalar(rtol)),
                    atol: Some(Tolerance::Scalar(0.01 * rtol)),
                    save: Some(GRID),
                    ..RunSettings::default()
                };
                error(&solve_problem(run)) / rtol
            })
            .collect();
        let (least, most) =
            ratios.iter().fold((f64::INFINITY, 0.0), |(lo, hi): (f64, f64), r| (lo.min(*r), hi.max(*r)));
        println!("{name:<9} error/rtol from 1e-4 to 1e-9: {ratios:.2?}");
        assert!(most < 10.0 * least, "{name}: error/rtol varies from {least:.3} to {most:.3}: {ratios:.2?}");
    }
}

/// The message of the check of a tableau.
fn check(t: Tableau) -> String {
    t.check().expect_err("an inconsistent tableau").to_string()
}

#[test]
fn inconsistent_tableaus_are_refused() {
    let rk4 = || tableaus::RK4.clone();
    let bs23 = || tableaus::BS23.clone();
    let (form, order) = (DenseForm::Hermite, 3);
    let dense = |c, a, weights| Tableau { dense: Some(Dense { c, a, form, weights, order }), ..bs23() };
    let cases: [(Tableau, &str); 13] = [
        (
            Tableau { c: &[], a: &[], b: &[], ..rk4() },
            "method: tableau 'rk4': 0 nodes c need 0 weights b and one row of a less, found 0 and 0",
        ),
        (
            Tableau { b: &[0.5, 0.5], ..rk4() },
            "method: tableau 'rk4': 4 nodes c need 4 weights b and one row of a less, found 2 and 3",
        ),
        (
            Tableau { a: &[&[0.5], &[0.5]], c: &[0.0, 0.5, 0.5], b: &[0.0, 0.0, 1.0], ..rk4() },
            "method: tableau 'rk4': row 3 of a must have 2 entries, found 1",
        ),
        (
            Tableau { a: &[&[0.5], &[0.0, 0.25], &[0.0, 0.0, 1.0]], ..rk4() },
            "method: tableau 'rk4': row 3 of a sums to 0.25, c is 0.5",
        ),
        (Tableau { b: &[0.25, 0.25, 0.25, 0.5], ..rk4() }, "method: tableau 'rk4': the weights b sum to 1.25, not 1"),
        (
            Tableau { error: Some(ErrorEstimate { weights: &[0.5, -0.5], second: &[], exponent: 4 }), ..rk4() },
            "method: tableau 'rk4': 2 error weights that sum to 0; expected 4 or 5 that sum to 0",
        ),
        (
            Tableau {
                error: Some(ErrorEstimate { weights: &[0.5, 0.0, 0.0, 0.0], second: &[], exponent: 4 }),
                ..rk4()
            },
            "method: tableau 'rk4': 4 error weights that sum to 0.5; expected 4 or 5 that sum to 0",
        ),
        (
            Tableau {
                error: Some(ErrorEstimate { weights: &[0.5, -0.5, 0.0, 0.0], second: &[], exponent: 0 }),
                ..rk4()
            },
            "method: tableau 'rk4': the error estimate's exponent must be at least 1",
        ),
        (
            Tableau {
                error: Some(ErrorEstimate { weights: &[0.5, -0.5, 0.0, 0.0], second: &[1.0, -1.0], exponent: 4 }),
                ..rk4()
            },
            "method: tableau 'rk4': 2 weights of a second estimate that sum to 0; expected none, or 4 that sum to 0",
        ),
        (dense(&[0.5], &[], &[]), "method: tableau 'bs23': 1 nodes c of dense output need as many rows of a, found 0"),
        (
            dense(&[0.5], &[&[0.5]], &[]),
            "method: tableau 'bs23': row 1 of dense output's a must have 4 entries, found 1",
        ),
        (
            dense(&[0.5], &[&[0.5, 0.25, 0.0, 0.0]], &[]),
            "method: tableau 'bs23': row 1 of dense output's a sums to 0.75, c is 0.5",
        ),
        (
            dense(&[], &[], &[&[0.0], &[0.0], &[0.0]]),
            "method: tableau 'bs23': dense output needs 4 rows of weights of the same length, found 3",
        ),
    ];
    for (t, message) in cases {
        assert_eq!(check(t), message);
    }
}

#[test]
fn methods_go_by_several_names_in_any_case() {
    for (name, want) in [
        ("RK45", "dopri5"),
        ("rk45", "dopri5"),
        ("DP5", "dopri5"),
        ("RK23", "bs23"),
        ("bs3", "bs23"),
        ("Tsit5", "tsit5"),
        ("HEUN", "heun"),
        ("DOP853", "dop853"),
        ("Vern7", "vern7"),
    ] {
        assert_eq!(tableau(name).map(|t| t.name), Ok(want), "{name}");
    }
    let unknown = tableau("dorpi5").map(|t| t.name).expect_err("not a method").to_string();
    let known = "known methods: euler, heun, midpoint, rk4, bs23, dopri5, tsit5, vern6, vern7, dop853, vern9, RK45, RK23, DP5, BS3";
    assert_eq!(unknown, format!("method: unknown method 'dorpi5'; did you mean 'dopri5'? {known}"));
    for name in [
        "LSODA",
        "Radau",
        "bdf",
        "RadauIIA5",
        "Rodas5P",
        "Rosenbrock23",
        "FBDF",
        "QNDF",
        "TRBDF2",
        "KenCarp4",
        "Kvaerno5",
        "SDIRK2",
        "ImplicitEuler",
        "Trapezoid",
    ] {
        let implicit = tableau(name).map(|t| t.name).expect_err("not a method").to_string();
        let want = format!(
            "method: '{name}' is implicit, and all methods here are explicit; use tsit5, or vern7 for tight tolerances, and raise max_steps where the model is stiff"
        );
        assert_eq!(implicit, want);
    }
}

#[test]
fn methods_that_cannot_do_what_is_asked_say_so() {
    let no_estimate = Method::adaptive(&tableaus::RK4, Default::default()).expect_err("rk4 has no error estimate");
    let able = "heun, midpoint, bs23, dopri5, tsit5, vern6, vern7, dop853, vern9";
    let message =
        format!("method: 'rk4' has no error estimate and needs a fixed step: give dt, or choose one of {able}");
    assert_eq!(no_estimate.to_string(), message);
    for dt in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Method::fixed(&tableaus::RK4, dt).expect_err("not a step size");
        assert_eq!(error.to_string(), format!("method: dt must be positive and finite, got {dt}"));
    }
}
