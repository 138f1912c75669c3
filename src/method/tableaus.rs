//! The published methods. Fractions are written as such, so that they can be compared with the papers. Those of long
//! tables have files of their own.

use super::tableau::{Dense, DenseForm, ErrorEstimate, Tableau};

pub use super::dop853::DOP853;
pub use super::verner::{VERN6, VERN7, VERN9};

/// Explicit Euler, order 1.
pub static EULER: Tableau = Tableau {
    name: "euler",
    source: "L. Euler, Institutionum calculi integralis I (1768), chapter VII; Hairer, Nørsett, Wanner, section I.7",
    order: 1,
    c: &[0.0],
    a: &[],
    b: &[1.0],
    error: None,
    dense: None,
};

/// Heun's method, the explicit trapezoidal rule, order 2 with Euler embedded.
pub static HEUN: Tableau = Tableau {
    name: "heun",
    source: "K. Heun, Z. Math. Phys. 45 (1900) 23-38; Hairer, Nørsett, Wanner, section II.1",
    order: 2,
    c: &[0.0, 1.0],
    a: &[&[1.0]],
    b: &[0.5, 0.5],
    error: Some(ErrorEstimate { weights: &[-0.5, 0.5], second: &[], exponent: 2 }),
    dense: None,
};

/// Explicit midpoint rule, order 2 with Euler embedded.
pub static MIDPOINT: Tableau = Tableau {
    name: "midpoint",
    source: "C. Runge, Math. Ann. 46 (1895) 167-178; Hairer, Nørsett, Wanner, table II.1.1",
    order: 2,
    c: &[0.0, 0.5],
    a: &[&[0.5]],
    b: &[0.0, 1.0],
    error: Some(ErrorEstimate { weights: &[-1.0, 1.0], second: &[], exponent: 2 }),
    dense: None,
};

/// The classical Runge-Kutta method, order 4.
pub static RK4: Tableau = Tableau {
    name: "rk4",
    source: "W. Kutta, Z. Math. Phys. 46 (1901) 435-453; Hairer, Nørsett, Wanner, table II.1.2",
    order: 4,
    c: &[0.0, 0.5, 0.5, 1.0],
    a: &[&[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    error: None,
    dense: None,
};

/// Bogacki and Shampine's pair of orders 3 and 2. Its dense output of order 3 is cubic Hermite interpolation.
pub static BS23: Tableau = Tableau {
    name: "bs23",
    source: "P. Bogacki, L. Shampine, Appl. Math. Lett. 2 (1989) 321-325",
    order: 3,
    c: &[0.0, 0.5, 0.75, 1.0],
    a: &[&[0.5], &[0.0, 0.75], &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0]],
    b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0],
    error: Some(ErrorEstimate {
        weights: &[2.0 / 9.0 - 7.0 / 24.0, 1.0 / 3.0 - 0.25, 4.0 / 9.0 - 1.0 / 3.0, -0.125],
        second: &[],
        exponent: 3,
    }),
    dense: None,
};

/// Dormand and Prince's pair of orders 5 and 4, with Shampine's dense output of order 4.
pub static DOPRI5: Tableau = Tableau {
    name: "dopri5",
    source: "J. Dormand, P. Prince, J. Comput. Appl. Math. 6 (1980) 19-26, table 2; dense output: L. Shampine, Math. Comp. 46 (1986) 135-150",
    order: 5,
    c: &[0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0],
    a: &[
        &[0.2],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ],
    b: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0],
    error: Some(ErrorEstimate {
        weights: &[71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0],
        second: &[],
        exponent: 5,
    }),
    dense: Some(Dense {
        order: 4,
        c: &[],
        a: &[],
        form: DenseForm::Powers,
        weights: &[
            &[1.0, -8048581381.0 / 2820520608.0, 8663915743.0 / 2820520608.0, -12715105075.0 / 11282082432.0],
            &[0.0, 0.0, 0.0, 0.0],
            &[0.0, 131558114200.0 / 32700410799.0, -68118460800.0 / 10900136933.0, 87487479700.0 / 32700410799.0],
            &[0.0, -1754552775.0 / 470086768.0, 14199869525.0 / 1410260304.0, -10690763975.0 / 1880347072.0],
            &[0.0, 127303824393.0 / 49829197408.0, -318862633887.0 / 49829197408.0, 701980252875.0 / 199316789632.0],
            &[0.0, -282668133.0 / 205662961.0, 2019193451.0 / 616988883.0, -1453857185.0 / 822651844.0],
            &[0.0, 40617522.0 / 29380423.0, -110615467.0 / 29380423.0, 69997945.0 / 29380423.0],
        ],
    }),
};

/// theta (theta - r) (theta^2 - s theta + q) scaled, as ascending powers from the first on.
const fn tsit5_first(scale: f64, r: f64, s: f64, q: f64) -> [f64; 4] {
    [scale * (-r * q), scale * (q + r * s), scale * (-s - r), scale]
}

/// theta^2 (theta^2 - s theta + q) scaled.
const fn tsit5_quadratic(scale: f64, s: f64, q: f64) -> [f64; 4] {
    [0.0, scale * q, -scale * s, scale]
}

/// theta^2 (theta - r) (theta - s) scaled.
const fn tsit5_roots(scale: f64, r: f64, s: f64) -> [f64; 4] {
    tsit5_quadratic(scale, r + s, r * s)
}

/// Tsitouras' pair of orders 5 and 4 with its dense output of order 4.
pub static TSIT5: Tableau = Tableau {
    name: "tsit5",
    source: "Ch. Tsitouras, Comput. Math. Appl. 62 (2011) 770-775: pair in table 1, dense output in section 4",
    order: 5,
    c: &[0.0, 0.161, 0.327, 0.9, 0.980_025_540_904_509_7, 1.0, 1.0],
    a: &[
        &[0.161],
        &[-0.008_480_655_492_356_989, 0.335_480_655_492_357],
        &[2.897_153_057_105_493_5, -6.359_448_489_975_075, 4.362_295_432_869_581_5],
        &[5.325_864_828_439_257, -11.748_883_564_062_828, 7.495_539_342_889_836_5, -0.092_495_066_361_755_25],
        &[
            5.861_455_442_946_42,
            -12.920_969_317_847_11,
            8.159_367_898_576_159,
            -0.071_584_973_281_400_99,
            -0.028_269_050_394_068_383,
        ],
        &TSIT5_B,
    ],
    b: &[TSIT5_B[0], TSIT5_B[1], TSIT5_B[2], TSIT5_B[3], TSIT5_B[4], TSIT5_B[5], 0.0],
    error: Some(ErrorEstimate {
        weights: &[
            -0.001_780_011_052_225_771_4,
            -0.000_816_434_459_656_746_6,
            0.007_880_878_010_261_995,
            -0.144_711_007_173_262_9,
            0.582_357_165_452_555_2,
            -0.458_082_105_929_186_97,
            1.0 / 66.0,
        ],
        second: &[],
        exponent: 5,
    }),
    dense: Some(Dense {
        order: 4,
        c: &[],
        a: &[],
        form: DenseForm::Powers,
        weights: &[
            &tsit5_first(
                -1.053_088_497_729_021_6,
                1.329_989_018_975_141_2,
                1.436_402_854_171_635,
                0.713_981_691_707_420_9,
            ),
            &tsit5_quadratic(0.1017, 2.196_656_833_824_975_4, 1.294_985_250_737_463),
            &tsit5_quadratic(2.490_627_285_651_252_6, 2.385_356_454_720_616_6, 1.578_034_682_080_924_9),
            &tsit5_roots(-16.548_102_889_244_904, 1.217_129_272_955_332_4, 0.616_204_060_378_000_9),
            &tsit5_roots(47.379_521_962_819_28, 1.203_071_208_372_362_7, 0.658_047_292_653_547_3),
            &tsit5_roots(-34.870_657_861_496_61, 1.2, 2.0 / 3.0),
            &tsit5_roots(2.5, 1.0, 0.6),
        ],
    }),
};

const TSIT5_B: [f64; 6] = [
    0.096_460_766_818_065_23,
    0.01,
    0.479_889_650_414_499_6,
    1.379_008_574_103_742,
    -3.290_069_515_436_081,
    2.324_710_524_099_774,
];
