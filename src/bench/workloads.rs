//! The workloads.

use super::models;
use super::workload::{Kept, Large, Steps, Vary, Workload};

/// Relative tolerances where none are asked for.
const DECADES: &[f64] = &[1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9];

const LORENZ: Workload = Workload {
    name: "lorenz_fixed",
    about: "Lorenz, 3 states, 1000 fixed steps",
    n_state: 3,
    t1: 1.0,
    vary: Vary::Even("rho", 0.0, 21.0),
    steps: Steps::Fixed { dt: 1e-3 },
    methods: &["rk4", "tsit5"],
    kept: Kept::End,
    size: 7501,
    large: Some(Large { size: 1 << 20, small: 16_396, method: "tsit5", rtol: None, first_dt: None }),
    one_by_one: false,
    growth: 1e3,
    model: |_| models::lorenz(),
    reference: include_str!("references/lorenz.json"),
};

/// The method of adaptive steps.
const TSIT5: &[&str] = &["tsit5"];

const PENDULUM2: Workload = Workload {
    name: "pendulum2",
    about: "double pendulum, 4 states, 4 sines and cosines of angles",
    n_state: 4,
    t1: 10.0,
    vary: Vary::Random(&[("a", 0.2, 1.0), ("b", 0.2, 1.0), ("g", 9.7, 9.9)]),
    steps: Steps::Adaptive { rtols: DECADES, atol: 1e-3 },
    methods: TSIT5,
    kept: Kept::End,
    size: 3000,
    large: None,
    one_by_one: false,
    growth: 3e4,
    model: |_| models::pendulum2(),
    reference: include_str!("references/pendulum2.json"),
};

const fn linear_chain(n_state: usize, size: u64, reference: &'static str) -> Workload {
    Workload {
        name: "linear_chain",
        about: "heat along a rod, 4, 20 and 100 states, 100 fixed steps",
        n_state,
        t1: 1.0,
        vary: Vary::Random(&[("k", 0.5, 1.5), ("x0", 0.5, 1.5)]),
        steps: Steps::Fixed { dt: 0.01 },
        methods: &["tsit5"],
        kept: Kept::End,
        size,
        large: None,
        one_by_one: false,
        growth: 10.0,
        model: models::linear_chain,
        reference,
    }
}

const fn lorenz96(n_state: usize, size: u64, reference: &'static str) -> Workload {
    Workload {
        name: "lorenz96",
        about: "Lorenz-96, 4, 20 and 100 states, 100 fixed steps",
        n_state,
        t1: 0.5,
        vary: Vary::Random(&[("F", 6.0, 10.0), ("x0", -3.0, -1.0)]),
        steps: Steps::Fixed { dt: 0.005 },
        methods: &["tsit5"],
        kept: Kept::End,
        size,
        large: None,
        one_by_one: false,
        growth: 1e3,
        model: models::lorenz96,
        reference,
    }
}

/// Every workload, in the order of the rows.
pub static WORKLOADS: [Workload; 15] = [
    LORENZ,
    Workload {
        name: "lorenz_adaptive",
        about: "Lorenz, 3 states",
        steps: Steps::Adaptive { rtols: DECADES, atol: 1.0 },
        methods: TSIT5,
        size: 75_001,
        large: Some(Large { size: 1 << 20, small: 1 << 16, method: "tsit5", rtol: Some(1e-5), first_dt: Some(1e-3) }),
        growth: 2e4,
        ..LORENZ
    },
    PENDULUM2,
    Workload {
        name: "hodgkin_huxley",
        about: "a nerve's membrane, 4 states, 6 exponentials",
        n_state: 4,
        t1: 50.0,
        vary: Vary::Random(&[("current", 0.0, 20.0)]),
        steps: Steps::Adaptive { rtols: DECADES, atol: 1e-2 },
        methods: TSIT5,
        kept: Kept::End,
        size: 1500,
        large: Some(Large { size: 1 << 18, small: 1 << 12, method: "tsit5", rtol: Some(1e-4), first_dt: Some(1e-2) }),
        one_by_one: false,
        growth: 1e3,
        model: |_| models::hodgkin_huxley(),
        reference: include_str!("references/hodgkin_huxley.json"),
    },
    linear_chain(4, 50_000, include_str!("references/linear_chain_4.json")),
    linear_chain(20, 10_000, include_str!("references/linear_chain_20.json")),
    linear_chain(100, 2000, include_str!("references/linear_chain_100.json")),
    lorenz96(4, 50_000, include_str!("references/lorenz96_4.json")),
    lorenz96(20, 10_000, include_str!("references/lorenz96_20.json")),
    lorenz96(100, 2000, include_str!("references/lorenz96_100.json")),
    Workload {
        name: "single",
        about: "Lorenz one trajectory at a time, about 100 steps: what a call costs",
        steps: Steps::Adaptive { rtols: &[1e-9], atol: 1.0 },
        methods: TSIT5,
        size: 10_006,
        large: None,
        one_by_one: true,
        growth: 2e4,
        ..LORENZ
    },
    Workload {
        name: "vdp_grid",
        about: "Van der Pol's oscillator, 2 states, over a grid of starts and damping",
        n_state: 2,
        t1: 20.0,
        vary: Vary::Grid([("x", 1.0, 2.0), ("mu", 1.0, 3.0)]),
        // At 1e-3 the phase, and with it a state on its way through zero, is known to nothing.
        steps: Steps::Adaptive { rtols: &[1e-4], atol: 1e-3 },
        methods: &["dopri5"],
        kept: Kept::End,
        size: 10_000,
        large: Some(Large { size: 1 << 20, small: 15_376, method: "dopri5", rtol: Some(1e-3), first_dt: Some(1e-3) }),
        one_by_one: false,
        growth: 2e3,
        model: |_| models::van_der_pol(),
        reference: include_str!("references/vdp_grid.json"),
    },
    Workload {
        name: "vdp_log",
        about: "the same over three decades of damping in random order: lanes side by side need unlike numbers of steps",
        n_state: 2,
        t1: 20.0,
        vary: Vary::Log("mu", 0.1, 100.0),
        steps: Steps::Adaptive { rtols: &[1e-4], atol: 1e-2 },
        methods: TSIT5,
        kept: Kept::End,
        size: 2000,
        large: Some(Large { size: 1 << 18, small: 1 << 12, method: "tsit5", rtol: Some(1e-4), first_dt: Some(1e-3) }),
        one_by_one: false,
        growth: 2e3,
        model: |_| models::van_der_pol(),
        reference: include_str!("references/vdp_log.json"),
    },
    Workload {
        name: "pendulum2_saves",
        about: "the double pendulum with 101 saved times",
        steps: Steps::Adaptive { rtols: &[1e-5], atol: 0.1 },
        kept: Kept::Saves(101),
        size: 2000,
        large: Some(Large { size: 1 << 18, small: 1 << 12, method: "tsit5", rtol: Some(1e-5), first_dt: Some(1e-2) }),
        reference: include_str!("references/pendulum2_saves.json"),
        ..PENDULUM2
    },
    Workload {
        name: "lorenz_stats",
        about: "Lorenz, 100 fixed steps; only means and variances leave the device",
        vary: Vary::Random(&[("rho", 0.0, 21.0)]),
        steps: Steps::Fixed { dt: 0.01 },
        methods: TSIT5,
        kept: Kept::Statistics,
        size: 50_000,
        large: Some(Large { size: 1 << 26, small: 1 << 17, method: "tsit5", rtol: None, first_dt: None }),
        growth: 5e4,
        reference: include_str!("references/lorenz_stats.json"),
        ..LORENZ
    },
];
