//! Worlds to compiled models: order and keys of the flat vectors, values, features, sums of contributions, sparsity;
//! and that the two forms of a model file and the Rust builder say the same.

mod common;

use common::compiled;
use ensolve::compile::Feature;
use ensolve::program::Evaluator;
use ensolve::spec::{Callback, Component, Entity, Role, Source, System, Tolerance};
use ensolve::{CompiledSpec, CpuBackend, Distribution, Precision, RunSettings, Save, World, solve};

/// Derivatives of the default state at t = 0.
fn derivatives(spec: &CompiledSpec) -> Vec<f64> {
    derivatives_at(spec, 0.0)
}

fn derivatives_at(spec: &CompiledSpec, t: f64) -> Vec<f64> {
    let block = |values: &[f64]| values.iter().map(|value| [*value]).collect::<Vec<_>>();
    let mut result = vec![[0.0]; spec.state_size()];
    Evaluator::<f64, 1>::new(&spec.program.rhs).evaluate(&[t], &block(&spec.x0), &block(&spec.p), &mut result);
    result.into_iter().map(|[value]| value).collect()
}

fn keys<T>(map: &ensolve::spec::Map<T>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

fn sparsity(spec: &CompiledSpec) -> Vec<(usize, usize)> {
    spec.jac_sparsity_rows.iter().copied().zip(spec.jac_sparsity_cols.iter().copied()).collect()
}

/// Pressure and temperature are states, the volume a parameter, the valve a discrete state.
const TANK: &str = r#"{
    "components": {"tank": {"pressure": {"integrated": 0.0}, "temperature": {"integrated": 300.0}, "volume": {"parameter": 1.0},
                            "valve_cmd": {"discrete": 0.0, "dt": 0.01}}},
    "entities": {"tank_a": {"tank": {}}},
    "systems": {"filling": {"slots": {"a": "tank"}, "derivatives": {"a.pressure": "a.valve_cmd/a.volume"}}}}"#;

#[test]
fn fields_get_slots_in_the_order_of_the_file() {
    let spec = compiled(TANK);
    assert_eq!((spec.state_size(), spec.param_size()), (3, 1));
    assert_eq!(
        keys(&spec.state_index_map),
        ["tank_a.tank.pressure", "tank_a.tank.temperature", "tank_a.tank.valve_cmd"]
    );
    assert_eq!(keys(&spec.param_index_map), ["tank_a.tank.volume"]);
    assert_eq!((spec.x0.as_slice(), spec.p.as_slice()), (&[0.0, 300.0, 0.0][..], &[1.0][..]));
    assert_eq!(spec.state_idx("tank_a.tank.temperature"), Some(1));
    assert_eq!(spec.param_idx("tank_a.tank.volume"), Some(0));
    assert_eq!(spec.state_idx("tank_a.tank.volume"), None, "a parameter is no state");
    assert_eq!(spec.param_idx("tank_a.tank.pressure"), None, "a state is no parameter");
}

#[test]
fn periods_of_discrete_fields_are_listed_once_in_order() {
    assert_eq!(compiled(TANK).discrete_dts, [0.01]);
    let several = compiled(
        r#"{"components": {"c": {"a": {"discrete": 0, "dt": 0.5}, "b": {"discrete": 0, "dt": 0.1}, "c": {"discrete": 0},
                                 "d": {"discrete": 0, "dt": 0.5}}}, "entities": {"e": {"c": {}}}}"#,
    );
    assert_eq!(several.discrete_dts, [0.1, 0.5], "sorted, without duplicates and without 0");
}

#[test]
fn entities_and_their_components_follow_each_other() {
    let spec = compiled(
        r#"{"components": {"body": {"x": {"integrated": 0}, "y": {"integrated": 0}},
                           "sensor": {"reading": {"integrated": 0}, "gain": {"parameter": 1}},
                           "ball": {"position": {"integrated": 10}, "velocity": {"integrated": 0}, "mass": {"parameter": 2}}},
            "entities": {"b2": {"ball": {"position": 10, "velocity": -1}}, "robot": {"body": {"x": 3, "y": -1}, "sensor": {"gain": 2}},
                         "b1": {"ball": {"velocity": 1, "position": 0, "mass": 3}}}}"#,
    );
    let states = [
        "b2.ball.position",
        "b2.ball.velocity",
        "robot.body.x",
        "robot.body.y",
        "robot.sensor.reading",
        "b1.ball.position",
        "b1.ball.velocity",
    ];
    assert_eq!(
        keys(&spec.state_index_map),
        states,
        "entities in order, in each its components, in each the declared fields"
    );
    assert_eq!(spec.program.state_names, states);
    assert_eq!(spec.x0, [10.0, -1.0, 3.0, -1.0, 0.0, 0.0, 1.0]);
    assert_eq!(keys(&spec.param_index_map), ["b2.ball.mass", "robot.sensor.gain", "b1.ball.mass"]);
    assert_eq!(spec.p, [2.0, 2.0, 3.0]);
    assert_eq!(derivatives(&spec), [0.0; 7], "without a system every state of a long-form model is constant");
}

#[test]
fn vectors_take_consecutive_slots() {
    let spec = compiled(
        r#"{"components": {"c": {"v": {"integrated": [1, 2, 3]}, "s": {"integrated": 7}, "w": {"integrated": [4, 5]}, "k": {"parameter": [8, 9]}, "one": {"parameter": [6]}}},
            "entities": {"e": {"c": {"w": [0, "2*k[1]"]}}}}"#,
    );
    let map: Vec<_> = spec.state_index_map.iter().map(|(key, range)| (key.as_str(), *range)).collect();
    assert_eq!(map, [("e.c.v", (0, 3)), ("e.c.s", (3, 4)), ("e.c.w", (4, 6))]);
    assert_eq!(spec.param_index_map["e.c.k"], (0, 2));
    assert_eq!(spec.x0, [1.0, 2.0, 3.0, 7.0, 0.0, 18.0]);
    assert_eq!(spec.p, [8.0, 9.0, 6.0]);
    assert_eq!(spec.program.state_names, ["e.c.v[0]", "e.c.v[1]", "e.c.v[2]", "e.c.s", "e.c.w[0]", "e.c.w[1]"]);
    assert_eq!(spec.program.param_names, ["e.c.k[0]", "e.c.k[1]", "e.c.one[0]"]);
}

#[test]
fn the_size_of_a_vector_is_that_of_its_value() {
    let spec = compiled(
        r#"{"components": {"c": {"v": {"integrated": [1, 2, 3]}, "w": {"integrated": [4, 5, 6]}, "k": {"parameter": [1, 2, 3, 4]}}},
            "entities": {"e": {"c": {}}}}"#,
    );
    assert_eq!(spec.state_size(), 6);
    let (start, end) = spec.param_index_map["e.c.k"];
    assert_eq!(spec.p[start..end], [1.0, 2.0, 3.0, 4.0]);
    let field = |value: Source| Component::new().integrated("f", value).fields["f"].clone();
    assert_eq!(field([1.0].into()), field([1.0].into()));
    assert_ne!(field([1.0].into()), field([1.0, 1.0].into()));
    assert_ne!(field(1.0.into()), Component::new().parameter("f", 1.0).fields["f"]);
}

#[test]
fn a_world_may_be_empty() {
    let spec = World::new("e").compile().expect("a model");
    assert_eq!((spec.state_size(), spec.param_size(), spec.title()), (0, 0, "e"));
    assert!(spec.required_features.is_empty() && spec.callbacks.is_empty() && spec.program.callbacks.is_empty());
}

#[test]
fn vector_equations_work_element_by_element() {
    let spec = compiled(
        r#"{"states": {"v": [1, 2, 3], "w": [10, 20, 30], "x": 5}, "parameters": {"k": [0.5, 1, 2]}, "functions": {"twice(a)": "2*a"},
            "let": {"list": ["x", "v[2]"]},
            "derivatives": {"v": "-k*v + x", "w": ["w[2]", "twice(w)[0]", "list[1]"], "x": "v[2] > 1.5 ? max(v, 2.5)[0] : 0"}}"#,
    );
    assert_eq!(derivatives(&spec), [4.5, 3.0, -1.0, 30.0, 20.0, 3.0, 2.5]);
    let conditions = compiled(r#"{"states": {"v": [1, 2]}, "derivatives": {"v": "v > 1.5 ? v : -1"}}"#);
    assert_eq!(derivatives(&conditions), [-1.0, 2.0]);
}

#[test]
fn features_are_those_that_the_model_uses() {
    let of = |json: &str| compiled(json).required_features;
    let component = |field: &str| {
        of(&format!(
            r#"{{"components": {{"c": {{"f": {field}, "x": {{"integrated": 0}}}}}}, "entities": {{"e": {{"c": {{}}}}}}}}"#
        ))
    };
    assert_eq!(component(r#"{"parameter": 1}"#), []);
    assert_eq!(component(r#"{"integrated": [1, 2]}"#), [Feature::VectorFields]);
    assert_eq!(component(r#"{"parameter": [1, 2]}"#), [Feature::VectorFields], "a vector parameter counts");
    assert_eq!(component(r#"{"discrete": 0, "dt": 0.01}"#), [Feature::DiscreteFields]);
    assert_eq!(component(r#"{"discrete": 0}"#), [Feature::DiscreteFields], "also without a period");
    assert_eq!(component(r#"{"continuous": 0}"#), [Feature::ContinuousFields]);
    assert_eq!(
        component(r#"{"continuous": 0, "algebraic": true}"#),
        [Feature::DaeConstraints],
        "and not continuous_fields"
    );
    assert_eq!(
        of(r#"{"states": {"x": 1}, "derivatives": {"x": 0}, "outputs": {"o": "x"}}"#),
        [],
        "an output of the file is no field"
    );
    assert_eq!(of(r#"{"states": {"x": 1}, "derivatives": {"x": 0}, "stops": [1]}"#), [Feature::Stops]);
    let callback = r#"{"components": {"c": {"x": {"integrated": 0}}}, "entities": {"e": {"c": {}}}, "callbacks": {"f": {"dt": 1, "set": {"e.c.x": 0}}}}"#;
    assert_eq!(of(callback), [Feature::ControlCallbacks]);
    assert_eq!(compiled(callback).callbacks[0].dt, 1.0);
}

#[test]
fn the_mask_tells_algebraic_states_from_others() {
    let spec = compiled(
        r#"{"components": {"c": {"p_state": {"integrated": 1e5}, "p_balance": {"continuous": 0, "algebraic": true}, "held": {"discrete": 0}}},
            "entities": {"e": {"c": {}}},
            "systems": {"s": {"slots": {"a": "c"}, "residuals": {"a.p_balance": "a.p_balance - a.p_state"}}}}"#,
    );
    assert_eq!(spec.differential_mask, [1.0, 0.0, 1.0]);
    assert_eq!(compiled(TANK).differential_mask, [1.0; 3]);
}

/// One mass with position 5, velocity 2 and mass 3, and these systems.
fn mass(systems: &str) -> CompiledSpec {
    compiled(&format!(
        r#"{{"components": {{"mass": {{"position": {{"integrated": 0}}, "velocity": {{"integrated": 0}}, "m": {{"parameter": 1}}}}}},
            "entities": {{"m": {{"mass": {{"position": 5, "velocity": 2, "m": 3}}}}}}, "systems": {{{systems}}}}}"#
    ))
}

const GRAVITY: &str =
    r#""gravity": {"slots": {"b": "mass"}, "derivatives": {"b.position": "b.velocity", "b.velocity": -9.81}}"#;

#[test]
fn a_system_writes_the_derivatives_of_its_fields() {
    let spec = mass(GRAVITY);
    assert_eq!((spec.x0.as_slice(), spec.p.as_slice()), (&[5.0, 2.0][..], &[3.0][..]));
    assert_eq!(derivatives(&spec), [2.0, -9.81]);
    assert_eq!(sparsity(&spec), [(0, 1)], "only the position's derivative reads a state, the velocity");
}

#[test]
fn contributions_of_systems_add_up_in_their_order() {
    let thrust =
        r#""thrust": {"slots": {"b": "mass"}, "let": {"force": "b.m"}, "derivatives": {"b.velocity": "force/b.m"}}"#;
    assert_eq!(derivatives(&mass(&format!("{GRAVITY}, {thrust}"))), [2.0, -9.81 + 1.0]);
    // (1 + 1e16) - 1e16 is 0 and 1 + (1e16 - 1e16) is 1: the sum runs from the first system to the last.
    let add = |name: &str, value: &str| {
        format!(r#""{name}": {{"slots": {{"b": "mass"}}, "derivatives": {{"b.velocity": "{value}*b.m/3"}}}}"#)
    };
    let in_order = [add("a", "1"), add("b", "1e16"), add("c", "-1e16")].join(", ");
    assert_eq!(derivatives(&mass(&in_order)), [0.0, 0.0]);
    let other_order = [add("b", "1e16"), add("c", "-1e16"), add("a", "1")].join(", ");
    assert_eq!(derivatives(&mass(&other_order)), [0.0, 1.0]);
}

#[test]
fn systems_apply_to_every_entity_or_to_their_groups() {
    let json = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/models/coupled_spring.json"));
    let spec = compiled(&json.expect("the example"));
    assert_eq!((spec.state_size(), spec.param_size()), (6, 7));
    // Positions 0, 1, 3, rest lengths 1, k = 10: the first spring is relaxed, the second is stretched by 1.
    assert_eq!(derivatives(&spec), [0.0, 0.0, 0.0, 10.0, 0.0, -10.0]);
    let all = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 0), (3, 2), (3, 4), (4, 5), (5, 2), (5, 4)];
    assert_eq!(sparsity(&spec), all, "neighbours read each other's positions");
}

#[test]
fn continuous_fields_are_outputs_that_systems_add_to() {
    let spec = compiled(
        r#"{"components": {"c": {"x": {"integrated": 2}, "power": {"continuous": 0}, "pair": {"continuous": [0, 0]}}}, "entities": {"e": {"c": {}}},
            "systems": {"a": {"slots": {"s": "c"}, "values": {"s.power": "s.x", "s.pair": ["s.x", 1]}, "derivatives": {"s.x": -1}},
                        "b": {"slots": {"s": "c"}, "values": {"s.power": "10*s.x", "s.pair": 5}}},
            "outputs": {"double": "2*e.c.x"}}"#,
    );
    assert_eq!(spec.state_size(), 1, "an output is not integrated");
    assert_eq!(spec.program.output_names, ["e.c.power", "e.c.pair[0]", "e.c.pair[1]", "double"]);
    assert_eq!(spec.output_index_map["e.c.pair"], (1, 3));
    let run = RunSettings { tspan: Some((0.0, 1.0)), save: Some(Save::Points(2)), ..RunSettings::default() };
    let result = solve(&spec, &run, &mut CpuBackend::new()).expect("a valid run");
    assert_eq!(result.outputs.column(0).to_vec(), [22.0, 7.0, 6.0, 4.0]);
}

#[test]
fn sparsity_lists_are_sorted_and_in_range() {
    for model in ["coupled_spring", "fluid_poppet", "lorenz", "nonlinear_oscillator", "oscillator", "pneumatic_dashpot"]
    {
        let path = format!("{}/examples/models/{model}.json", env!("CARGO_MANIFEST_DIR"));
        let spec = World::from_file(path).and_then(|world| world.compile()).expect("an example");
        let entries = sparsity(&spec);
        let n = spec.state_size();
        assert!(!entries.is_empty() && entries.iter().all(|(row, col)| *row < n && *col < n), "{model}");
        assert!(entries.is_sorted() && entries.windows(2).all(|pair| pair[0] != pair[1]), "{model}");
        assert_eq!(spec.jac_sparsity_rows.len(), spec.jac_sparsity_cols.len(), "{model}");
    }
    assert_eq!(sparsity(&mass("")), [], "no system, no entries");
    let constant = compiled(r#"{"states": {"x": 1, "y": 2}, "derivatives": {"x": "y - y + t", "y": "3"}}"#);
    assert_eq!(sparsity(&constant), [(0, 1)], "what cancels in value still counts in structure");
}

#[test]
fn initial_values_may_be_expressions_in_any_order() {
    let spec = compiled(
        r#"{"states": {"x": "2*y", "y": "k + t", "z": ["x", 1]}, "parameters": {"k": "m^2", "m": 3},
            "derivatives": {"x": 0, "y": 0, "z": 0}, "run": {"tspan": [0.5, 1]}}"#,
    );
    assert_eq!(spec.x0, [19.0, 9.5, 19.0, 1.0], "t is the start of the span");
    assert_eq!(spec.p, [9.0, 3.0]);
}

#[test]
fn definitions_may_come_in_any_order_and_use_each_other() {
    let model = |definitions: &str| {
        derivatives(&compiled(&format!(r#"{{"states": {{"x": 3}}, "derivatives": {{"x": "a"}}, {definitions}}}"#)))
    };
    let forwards = r#""functions": {"f(u)": "u + 1", "g(u)": "f(u)*f(2*u)"}, "let": {"b": "x^2", "a": "g(b)"}"#;
    let backwards = r#""let": {"a": "g(b)", "b": "x^2"}, "functions": {"g(u)": "f(u)*f(2*u)", "f(u)": "u + 1"}"#;
    assert_eq!((model(forwards), model(backwards)), (vec![190.0], vec![190.0]));
    let outputs = compiled(r#"{"outputs": {"twice": "2*once", "once": "sin(t) + shift"}, "let": {"shift": 1}}"#);
    assert_eq!(outputs.program.output_names, ["twice", "once"]);
}

#[test]
fn names_may_be_keywords_elsewhere() {
    let spec = compiled(
        r#"{"states": {"fn": 1, "let": 2, "f32": 3}, "parameters": {"while": 4, "_x": 5, "\u00e4": 6},
            "derivatives": {"fn": "let", "let": "while", "f32": "_x + \u00e4"}}"#,
    );
    assert_eq!(derivatives(&spec), [2.0, 4.0, 11.0]);
}

#[test]
fn time_enters_equations_as_t() {
    let spec = compiled(r#"{"states": {"x": 1}, "derivatives": {"x": "t < 2 ? t : -t"}}"#);
    assert_eq!((derivatives_at(&spec, 1.5), derivatives_at(&spec, 2.0)), (vec![1.5], vec![-2.0]));
}

#[test]
fn a_model_without_states_has_outputs_of_time() {
    let spec = compiled(r#"{"parameters": {"w": 2}, "outputs": {"s": "sin(w*t)"}}"#);
    let run = RunSettings { tspan: Some((0.0, 1.0)), save: Some(Save::Points(3)), ..RunSettings::default() };
    let result = solve(&spec, &run, &mut CpuBackend::new()).expect("a valid run");
    assert_eq!(result.x.nrows(), 0);
    assert_eq!(result.outputs.row(0).to_vec(), [0.0, 1f64.sin(), 2f64.sin()]);
}

const SHORT: &str = r#"{
    "model": "pendulum",
    "states": {"angle": 0.5, "rate": ["0.1*length"]},
    "parameters": {"length": 2.0, "g": 9.81},
    "functions": {"square(u)": "u^2"},
    "let": {"pull": "-g/length*sin(angle)"},
    "derivatives": {"angle": "rate[0]", "rate": ["pull"]},
    "outputs": {"energy": "0.5*square(rate[0])"},
    "stops": [1, "length"],
    "run": {"tspan": [0, 10], "method": "dopri5", "rtol": 1e-6, "atol": {"angle": 1e-9}, "dt_max": 0.5, "max_steps": 1000,
            "save": {"points": 11}, "precision": "f32", "adaptive": true},
    "ensemble": {"size": 10, "seed": 18446744073709551615, "vary": {"g": {"normal": [9.8, 0.1]}, "length": {"linspace": [1, 2, 3]}}}}"#;

#[test]
fn the_builder_makes_the_world_of_the_short_form() {
    let mut world = World::new("pendulum")
        .state("angle", 0.5)
        .state("rate", ["0.1*length"])
        .parameter("length", 2.0)
        .parameter("g", 9.81)
        .function("square(u)", "u^2")
        .define("pull", "-g/length*sin(angle)")
        .derivative("angle", "rate[0]")
        .derivative("rate", ["pull"])
        .output("energy", "0.5*square(rate[0])");
    world.stops = vec![1.0.into(), "length".into()];
    world.run = RunSettings {
        tspan: Some((0.0, 10.0)),
        method: Some("dopri5".to_string()),
        rtol: Some(Tolerance::Scalar(1e-6)),
        atol: Some(Tolerance::PerState([("angle".to_string(), 1e-9)].into_iter().collect())),
        dt_max: Some(0.5),
        max_steps: Some(1000),
        save: Some(Save::Points(11)),
        precision: Some(Precision::F32),
        adaptive: Some(true),
        ..RunSettings::default()
    };
    world.ensemble.size = Some(10);
    world.ensemble.seed = Some(u64::MAX);
    world.ensemble.vary.insert("g".to_string(), Distribution::Normal(9.8, 0.1));
    world.ensemble.vary.insert("length".to_string(), Distribution::Grid(vec![1.0, 1.5, 2.0]));
    assert_eq!(World::from_json(SHORT), Ok(world));
}

const LONG: &str = r#"{
    "model": "pendulum",
    "components": {"bob": {"angle": {"integrated": 0.5}, "rate": {"integrated": ["0.1*length"]}, "length": {"parameter": 1.0, "unit": "m"}, "g": {"parameter": 9.81}}},
    "entities": {"e": {"bob": {"length": 2.0}}},
    "functions": {"square(u)": "u^2"},
    "systems": {"motion": {"slots": {"b": "bob"}, "groups": [["e"]], "let": {"pull": "-b.g/b.length*sin(b.angle)"},
                           "derivatives": {"b.angle": "b.rate[0]", "b.rate": ["pull"]}}},
    "outputs": {"energy": "0.5*square(e.bob.rate[0])"}}"#;

#[test]
fn the_builder_makes_the_world_of_the_long_form() {
    let mut bob = Component::new()
        .integrated("angle", 0.5)
        .integrated("rate", ["0.1*length"])
        .parameter("length", 1.0)
        .field("g", Role::Parameter, 9.81);
    bob.fields["length"].unit = Some("m".to_string());
    let motion = System::new()
        .slot("b", "bob")
        .group(["e"])
        .define("pull", "-b.g/b.length*sin(b.angle)")
        .derivative("b.angle", "b.rate[0]")
        .derivative("b.rate", ["pull"]);
    let world = World::new("pendulum")
        .component("bob", bob)
        .entity("e", Entity::new().set("bob", "length", 2.0))
        .system("motion", motion)
        .function("square(u)", "u^2")
        .output("energy", "0.5*square(e.bob.rate[0])");
    assert_eq!(World::from_json(LONG), Ok(world));
}

#[test]
fn both_forms_compile_to_the_same_program() {
    let (short, long) = (compiled(SHORT), compiled(LONG));
    // The long form's keys have the entity and the component in front, and it has no stops.
    let listing = long.to_string().replace("e.bob.", "");
    let without_stops = short.to_string().replace("features: vector_fields, stops", "features: vector_fields");
    assert_eq!(listing, without_stops.replace("stops: 1, length\n", ""));
    assert_eq!((&short.x0, &short.p, derivatives(&short)), (&long.x0, &long.p, derivatives(&long)));
}

#[test]
fn the_listing_shows_sizes_names_values_and_equations() {
    let spec = compiled(
        r#"{"model": "decay", "states": {"x": 1.5}, "parameters": {"k": 2}, "let": {"rate": "k*x"},
            "derivatives": {"x": "-rate"}, "outputs": {"loss": "rate^2"}}"#,
    );
    let listing = "decay: 1 state, 1 parameter, 1 output; 2 operations per derivative\nfeatures: none\n\
                   jacobian: 1 of 1 entries can be non-zero\nstates:\n    0  x = 1.5\nparameters:\n    0  k = 2\n\
                   derivatives:\n  rate#1 = k * x\n  d(x)/dt = -rate#1\noutputs:\n  rate#1 = k * x\n  loss = rate#1 * rate#1\n";
    assert_eq!(spec.to_string(), listing);
}

#[test]
fn sources_are_numbers_texts_or_lists() {
    assert_eq!(Source::from(1.5), Source::Number(1.5));
    assert_eq!(Source::from("x"), Source::from("x".to_string()));
    assert_eq!(Source::from(vec![1.0, 2.0]), Source::from([1.0, 2.0]));
    assert_eq!(
        compiled(r#"{"states": {"x": "1.5"}, "derivatives": {"x": 0}}"#).x0,
        [1.5],
        "a number in quotes is an expression"
    );
}

#[test]
fn numbers_are_read_to_the_last_digit() {
    for x in [0.435_772_766_967_555_07, 1.717_553_160_112_723_9, 5e-324, 1.797_693_134_862_315_7e308] {
        let spec = compiled(&format!(r#"{{"states": {{"x": {x:e}}}, "derivatives": {{"x": "0"}}}}"#));
        assert_eq!(spec.x0, [x]);
    }
}

#[test]
fn callbacks_of_the_short_form() {
    // No expression uses the name of a callback: it may be one that expressions reserve.
    let json =
        r#"{"states": {"x": 1}, "derivatives": {"x": "-x"}, "callbacks": {"pi": {"dt": 0.5, "set": {"x": "x + 1"}}}}"#;
    let read = World::from_json(json).expect("a model");
    let built = || World::new("").state("x", 1.0).derivative("x", "-x");
    let callback = || Callback::new(0.5).set("x", "x + 1");
    assert_eq!(read, built().callback("pi", callback()));
    read.compile().expect("a model");

    let refused = |world: World| world.compile().expect_err("refused").to_string();
    assert_eq!(
        refused(built().callback("c", callback()).callback("c", callback())),
        "callbacks.c: 'c' is defined twice"
    );
    for value in [f64::NAN, f64::INFINITY] {
        assert_eq!(
            refused(built().callback("c", callback().parameter("g", value))),
            format!("callbacks.c.parameters.g: callback 'c': g must be a finite number, got {value}")
        );
    }
}
