//! The models of the workloads.

use crate::spec::World;

/// E. Lorenz, "Deterministic nonperiodic flow", J. Atmos. Sci. 20 (1963) 130-141; rho varies.
pub fn lorenz() -> World {
    World::new("lorenz")
        .state("x", 1.0)
        .state("y", 0.0)
        .state("z", 0.0)
        .parameter("rho", 21.0)
        .derivative("x", "10*(y - x)")
        .derivative("y", "rho*x - y - x*z")
        .derivative("z", "x*y - 8/3*z")
}

/// A double pendulum of unit lengths and masses: angles a, b from the vertical, their rates u, v.
pub fn pendulum2() -> World {
    World::new("double pendulum")
        .state("a", 0.5)
        .state("b", 0.5)
        .state("u", 0.0)
        .state("v", 0.0)
        .parameter("g", 9.8)
        .define("s", "sin(a - b)")
        .define("c", "cos(a - b)")
        .define("den", "2 - c*c")
        .derivative("a", "u")
        .derivative("b", "v")
        .derivative("u", "(-s*(v*v + u*u*c) - g*(2*sin(a) - sin(b)*c)) / den")
        .derivative("v", "(s*(2*u*u + v*v*c) + 2*g*(sin(a)*c - sin(b))) / den")
}

/// A. Hodgkin, A. Huxley, J. Physiol. 117 (1952) 500-544, with today's sign of the potential, in mV and ms. A millionth of
/// a mV keeps the rates am and an from 0/0 at a potential of whole mV.
pub fn hodgkin_huxley() -> World {
    World::new("Hodgkin-Huxley")
        .state("V", -65.0)
        .state("m", 0.0529)
        .state("h", 0.5961)
        .state("n", 0.3177)
        .parameter("current", 10.0)
        .define("am", "0.1*(V + 40.000001) / (1 - exp(-(V + 40.000001)/10))")
        .define("bm", "4*exp(-(V + 65)/18)")
        .define("ah", "0.07*exp(-(V + 65)/20)")
        .define("bh", "1/(1 + exp(-(V + 35)/10))")
        .define("an", "0.01*(V + 55.000001) / (1 - exp(-(V + 55.000001)/10))")
        .define("bn", "0.125*exp(-(V + 65)/80)")
        .define("ina", "120*m*m*m*h*(V - 50)")
        .define("ik", "36*n*n*n*n*(V + 77)")
        .define("il", "0.3*(V + 54.387)")
        .derivative("V", "current - ina - ik - il")
        .derivative("m", "am*(1 - m) - bm*m")
        .derivative("h", "ah*(1 - h) - bh*h")
        .derivative("n", "an*(1 - n) - bn*n")
}

/// B. van der Pol, "On relaxation-oscillations", Phil. Mag. 2 (1926) 978-992; mu is the damping.
pub fn van_der_pol() -> World {
    World::new("Van der Pol")
        .state("x", 2.0)
        .state("y", 0.0)
        .parameter("mu", 1.0)
        .derivative("x", "y")
        .derivative("y", "mu*(1 - x*x)*y - x")
}

/// Heat along a rod in `n` pieces that is insulated at both ends: little work for each state.
pub fn linear_chain(n: usize) -> World {
    let equation = |i: usize| match i {
        0 => "k*(x1 - x0)".to_string(),
        _ if i + 1 == n => format!("k*(x{} - x{i})", i - 1),
        _ => format!("k*(x{} - 2*x{i} + x{})", i - 1, i + 1),
    };
    let start = |i: usize| 1.0 + (7 * i % 10) as f64 / 10.0;
    numbered("linear chain", n, start, equation).parameter("k", 1.0)
}

/// E. Lorenz, "Predictability: a problem partly solved", Proc. Seminar on Predictability, ECMWF (1996), with `n` states.
pub fn lorenz96(n: usize) -> World {
    let equation = |i: usize| {
        let (next, last, before) = ((i + 1) % n, (i + n - 1) % n, (i + n - 2) % n);
        format!("(x{next} - x{before})*x{last} - x{i} + F")
    };
    let start = |i: usize| (7 * i % 10) as f64 - 2.0;
    numbered("Lorenz-96", n, start, equation).parameter("F", 8.0)
}

/// States x0, x1, ... from their numbers.
fn numbered(name: &str, n: usize, start: impl Fn(usize) -> f64, equation: impl Fn(usize) -> String) -> World {
    let states = (0..n).fold(World::new(name), |world, i| world.state(format!("x{i}"), start(i)));
    (0..n).fold(states, |world, i| world.derivative(format!("x{i}"), equation(i)))
}
