//! Bad models: each gives an error whose whole text is asserted here, path, column and remedy included. And hostile
//! input: whatever the text, there is an error or a model, never a panic.

use ensolve::{CpuBackend, Ensemble, World, solve_ensemble};
use proptest::prelude::*;

/// A model text and the whole message that it must give.
type Bad = (String, &'static str);

/// Reads, compiles and runs a model; the message of the first stage that refuses it.
fn message(json: &str) -> String {
    let solved = World::from_json(json).and_then(|world| {
        let spec = world.compile()?;
        let ensemble = Ensemble::new(&spec, &world.ensemble)?;
        solve_ensemble(&spec, &world.run, &ensemble, &mut CpuBackend::new())
    });
    solved.err().map_or_else(|| "(no error)".to_string(), |error| error.to_string())
}

/// Compares all messages of a table, so that one run shows every difference.
fn check(table: Vec<Bad>) {
    let differences: Vec<String> = table
        .iter()
        .map(|(model, want)| (model, want, std::panic::catch_unwind(|| message(model)).unwrap_or_else(|_| "PANIC".into())))
        .filter(|(_, want, got)| got != *want)
        .map(|(model, want, got)| format!("model: {}\n  want: {want}\n   got: {got}\n", shortened(model)))
        .collect();
    assert!(differences.is_empty(), "{} of {} messages differ\n{}", differences.len(), table.len(), differences.join("\n"));
}

fn shortened(text: &str) -> String {
    if text.chars().count() > 400 { text.chars().take(400).chain("...".chars()).collect() } else { text.to_string() }
}

fn document(json: &str, message: &'static str) -> Bad {
    (json.to_string(), message)
}

/// An expression as the derivative of x, where x and y are states, v is a vector of two, omega a parameter and w a
/// vector of three; `f(a, b)` is a function.
fn derivative(expression: &str, message: &'static str) -> Bad {
    let quoted = serde_json::Value::from(expression);
    let json = format!(
        r#"{{"states": {{"x": 1, "y": 0, "v": [1, 2]}}, "parameters": {{"omega": 2, "w": [1, 2, 3]}},
            "functions": {{"f(a, b)": "a + 2*b"}},
            "derivatives": {{"x": {quoted}, "y": 0, "v": 0}}, "run": {{"tspan": [0, 1]}}}}"#
    );
    (json, message)
}

/// Further sections of a model of one state x and one parameter k.
fn with(sections: &str, message: &'static str) -> Bad {
    (format!(r#"{{"states": {{"x": 1}}, "parameters": {{"k": 1}}, "derivatives": {{"x": "-k*x"}}, {sections}}}"#), message)
}

/// A run section.
fn run(run: &str, message: &'static str) -> Bad {
    with(&format!(r#""run": {run}"#), message)
}

/// An ensemble section.
fn ensemble(ensemble: &str, message: &'static str) -> Bad {
    with(&format!(r#""run": {{"tspan": [0, 1]}}, "ensemble": {ensemble}"#), message)
}

const COMPONENTS: &str = r#"{"mass": {"position": {"integrated": 0}, "velocity": {"integrated": 0}, "m": {"parameter": 1}},
    "spring": {"k": {"parameter": 10}}}"#;
const ENTITIES: &str = r#"{"m1": {"mass": {}}, "m2": {"mass": {"position": 1}}, "s1": {"spring": {}}}"#;
const SYSTEMS: &str = r#"{"kinematics": {"slots": {"b": "mass"}, "derivatives": {"b.position": "b.velocity"}}}"#;

/// A long-form model with these components.
fn components(components: &str, message: &'static str) -> Bad {
    (format!(r#"{{"components": {components}, "entities": {{}}, "systems": {{}}}}"#), message)
}

/// A long-form model with these entities.
fn entities(entities: &str, message: &'static str) -> Bad {
    (format!(r#"{{"components": {COMPONENTS}, "entities": {entities}, "systems": {SYSTEMS}}}"#), message)
}

/// A long-form model with this system.
fn system(system: &str, message: &'static str) -> Bad {
    (format!(r#"{{"components": {COMPONENTS}, "entities": {ENTITIES}, "systems": {{"push": {system}}}}}"#), message)
}

/// A long-form model with this callback.
fn callback(callback: &str, message: &'static str) -> Bad {
    let json = format!(
        r#"{{"components": {COMPONENTS}, "entities": {ENTITIES}, "systems": {SYSTEMS}, "callbacks": {{"servo": {callback}}}}}"#
    );
    (json, message)
}


#[test]
fn probe() {
    let cases: Vec<(String, &str)> = vec![
        document(r#"{"derivatives": {}}"#, "?"),
        document(r#"{"derivatives": {}, "run": {"tspan": [0,1]}}"#, "?"),
        document(r#"{"derivatives": {"x": 1}}"#, "?"),
        document(r#"{"entities": {}}"#, "?"),
        document(r#"{"systems": {"s": {"derivatives": {"x": 1}}}}"#, "?"),
        document(r#"{"entities": {"e": {"c": {}}}}"#, "?"),
        document(r#"{"components": {"c": {"x": {"integrated": "1 +"}}}, "run": {"tspan": [0,1]}}"#, "?"),
        with(r#""functions": {"f(a)": "a +"}, "run": {"tspan": [0,1]}"#, "?"),
        with(r#""functions": {"f(a": "a"}"#, "?"),
        with(r#""functions": {"f(a,)": "a"}"#, "?"),
        with(r#""functions": {"f (a)": "a"}, "outputs": {"o": "f(x)"}"#, "?"),
        with(r#""let": {"a": []}"#, "?"),
        with(r#""outputs": {"o": []}, "run": {"tspan": [0,1]}"#, "?"),
        with(r#""let": {"a": []}, "outputs": {"o": "a[0]"}, "run": {"tspan": [0,1]}"#, "?"),
        with(r#""let": {"a": []}, "outputs": {"o": "a + [1]"}, "run": {"tspan": [0,1]}"#, "?"),
        with(r#""let": {"c": "x > 0"}, "outputs": {"o": "c"}"#, "?"),
        with(r#""let": {"c": "x > 0"}, "outputs": {"o": "c + 1"}"#, "?"),
        with(r#""let": {"c": ["x > 0", 1]}"#, "?"),
        callback(r#"{"dt": 0.1, "parameters": {"t": 1}, "set": {"m1.mass.velocity": "t"}}"#, "?"),
        callback(r#"{"dt": 0.1, "parameters": {"a b": 1}, "set": {"m1.mass.velocity": "t"}}"#, "?"),
        callback(r#"{"dt": 0.1}"#, "?"),
        callback(r#"{"dt": 0.1, "set": {}}"#, "?"),
        callback(r#"{"dt": 0.1, "set": {"m1.mass.velocity": "x +"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "let": {"b": "1"}, "derivatives": {"b.velocity": "b.m"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "let": {"u": "1"}, "derivatives": {"b.velocity": "u.m"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "derivatives": {"b": "1"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "derivatives": {"b.velocity.z": "1"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "groups": [], "derivatives": {"b.velocity": "1"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "groups": [[]], "derivatives": {"b.velocity": "1"}}"#, "?"),
        system(r#"{"slots": {"b": "mass", "c": "mass"}, "groups": [["m1", "m1"]], "derivatives": {"b.velocity": "1"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "derivatives": {"b.velocity": "1", "b.velocity": "2"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "let": {"2u": "1"}, "derivatives": {"b.velocity": "1"}}"#, "?"),
        system(r#"{"slots": {"b": "mass"}, "let": {"t": "1"}, "derivatives": {"b.velocity": "1"}}"#, "?"),
        run(r#"{"tspan": [-1e308, 1e308]}"#, "?"),
        run(r#"{"tspan": [-1e308, 1e308], "save": "final", "max_steps": 10}"#, "?"),
        run(r#"{"tspan": [0, 1e308], "precision": "f32"}"#, "?"),
        run(r#"{"tspan": [0, 1e308], "dt": 1e300}"#, "?"),
        run(r#"{"tspan": [0, 1], "dt": 100}"#, "?"),
        run(r#"{"tspan": [0, 1], "atol": {}}"#, "?"),
        run(r#"{"tspan": [0, 1], "atol": {"k": 1}}"#, "?"),
        run(r#"{"tspan": [0, 1], "adaptive": false}"#, "?"),
        run(r#"{"tspan": [0, 1], "rtol": 0, "atol": {"x": 0}}"#, "?"),
        run(r#"[]"#, "?"),
        run(r#"{"tspan": [0, 1e-40], "precision": "f32"}"#, "?"),
        run(r#"{"tspan": [1, 1.00000001], "precision": "f32"}"#, "?"),
        run(r#"{"tspan": [0, 1], "dt": 1e-60, "method": "euler", "precision": "f32", "max_steps": 5}"#, "?"),
        with(r#""parameters": {}"#, "?"),
        document(r#"{"parameters": {"k": 1e300}, "states": {"x": 1}, "derivatives": {"x": "-k"}, "run": {"tspan": [0, 1], "precision": "f32"}}"#, "?"),
        ensemble(r#"{"size": 18446744073709551615}"#, "?"),
        ensemble(r#"{"size": 1e12, "vary": {"k": {"grid": [1]}}}"#, "?"),
        ensemble(r#"{"vary": {"k": {"linspace": [0, 1, 1e10]}}}"#, "?"),
        ensemble(r#"{"vary": {"k": {"values": [1, 2]}, "x": {"values": [1, 2, 3]}}}"#, "?"),
        document(r#"{"states": {"v": [1, 2]}, "derivatives": {"v": 0}, "ensemble": {"vary": {"v": {"values": [1, 2]}}}}"#, "?"),
        document(r#"{"states": {"v": [1, 2]}, "derivatives": {"v": 0}, "ensemble": {"vary": {"v[2]": {"normal": [1, 2]}}}}"#, "?"),
        document(r#"{"states": {"v": [1, 2]}, "derivatives": {"v": 0}, "ensemble": {"vary": {"v": {"normal": [1, 2]}, "v[0]": {"normal": [1, 2]}}}}"#, "?"),
        derivative("x^1e308", "?"),
        derivative("v > 0 ? 1 : 0", "?"),
        derivative("x > 0 ? v : w", "?"),
        derivative("((x)", "?"),
        derivative("a.b.c.d", "?"),
        derivative("x.1", "?"),
        derivative("sin(w)[1] + w[3]", "?"),
        derivative("x[1e18]", "?"),
        derivative("v[1e300]", "?"),
        derivative("f(v, v)", "?"),
        derivative("1e", "?"),
        derivative(".", "?"),
        derivative("x -> 1", "?"),
        derivative("x := 1", "?"),
        derivative("x < y > 1 ? 1 : 0", "?"),
        derivative("1 < 2 == true ? 1 : 0", "?"),
        derivative("x != y != 1 ? 1 : 0", "?"),
        derivative("not x", "?"),
        derivative("x and y", "?"),
        derivative("ln(x)", "?"),
        derivative("abs(x", "?"),
        derivative("|x|", "?"),
        derivative("e^x", "?"),
        derivative("if(x > 0, 1, 0)", "?"),
        derivative("π*x", "?"),
        derivative("x²", "?"),
        derivative("Sin(x)", "?"),
        derivative("Omega", "?"),
        derivative("x\n+ omga", "?"),
    ];
    check(cases);
}
