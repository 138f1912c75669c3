//! Bad models: each gives an error whose whole text is asserted here, path, column and remedy included. And hostile
//! input: whatever the text, there is an error or a model, never a panic.

use ensolve::spec::EnsembleSettings;
use ensolve::{CpuBackend, Ensemble, RunSettings, Save, World, solve, solve_ensemble};
use proptest::prelude::*;
use serde_json::Value as Json;

/// Reads, compiles and runs a model; the message of the first stage that refuses it.
fn message(json: &str) -> String {
    let solved = World::from_json(json).and_then(|world| {
        let spec = world.compile()?;
        let ensemble = Ensemble::new(&spec, &world.ensemble)?;
        solve_ensemble(&spec, &world.run, &ensemble, &mut CpuBackend::new())
    });
    solved.err().map_or_else(|| "(no error)".to_string(), |error| error.to_string())
}

/// Checks a table of inputs, each followed by the indented message that it gives in the model that `model` makes of it.
/// All differences are shown at once.
fn check(model: fn(&str) -> String, table: &str) {
    let lines: Vec<&str> = table.trim().lines().collect();
    let pairs = lines.chunks(2).map(|pair| (pair[0], pair.get(1).map_or("", |message| message.trim_start())));
    let differences: Vec<String> = pairs
        .map(|(input, want)| (input, want, message(&model(input))))
        .filter(|(_, want, got)| got != want)
        .map(|(input, want, got)| format!("{input}\n  - {want}\n  + {got}\n"))
        .collect();
    assert!(differences.is_empty(), "expected (-) and found (+):\n{}", differences.join("\n"));
}

fn document(json: &str) -> String {
    json.to_string()
}

/// An expression as the derivative of x, where x and y are states, v is a vector of two, omega a parameter and w a
/// vector of three; `f(a, b)` is a function.
fn derivative(expression: &str) -> String {
    let quoted = Json::from(expression);
    format!(
        r#"{{"states": {{"x": 1, "y": 0, "v": [1, 2]}}, "parameters": {{"omega": 2, "w": [1, 2, 3]}},
            "functions": {{"f(a, b)": "a + 2*b"}},
            "derivatives": {{"x": {quoted}, "y": 0, "v": 0}}, "run": {{"tspan": [0, 1]}}}}"#
    )
}

/// Further sections of a model of one state x and one parameter k.
fn with(sections: &str) -> String {
    format!(r#"{{"states": {{"x": 1}}, "parameters": {{"k": 1}}, "derivatives": {{"x": "-k*x"}}, {sections}}}"#)
}

/// A run section.
fn run(run: &str) -> String {
    with(&format!(r#""run": {run}"#))
}

/// An ensemble section.
fn ensemble(ensemble: &str) -> String {
    with(&format!(r#""run": {{"tspan": [0, 1]}}, "ensemble": {ensemble}"#))
}

/// A small model with this section of statistics.
fn statistics(statistics: &str) -> String {
    with(&format!("\"statistics\": {statistics}"))
}

const COMPONENTS: &str = r#"{"spring": {"k": {"parameter": 10}},
    "mass": {"position": {"integrated": 0}, "velocity": {"integrated": 0}, "m": {"parameter": 1}}}"#;
const ENTITIES: &str = r#"{"m1": {"mass": {}}, "m2": {"mass": {"position": 1}}, "s1": {"spring": {}}}"#;
const SYSTEMS: &str = r#"{"kinematics": {"slots": {"b": "mass"}, "derivatives": {"b.position": "b.velocity"}}}"#;

/// A long-form model with these components.
fn components(components: &str) -> String {
    format!(r#"{{"components": {components}, "entities": {{}}, "systems": {{}}}}"#)
}

/// A long-form model with these entities.
fn entities(entities: &str) -> String {
    format!(r#"{{"components": {COMPONENTS}, "entities": {entities}, "systems": {SYSTEMS}}}"#)
}

/// A long-form model with this system.
fn system(system: &str) -> String {
    format!(r#"{{"components": {COMPONENTS}, "entities": {ENTITIES}, "systems": {{"push": {system}}}}}"#)
}

/// A long-form model with this callback.
fn callback(callback: &str) -> String {
    let world = format!(r#""components": {COMPONENTS}, "entities": {ENTITIES}, "systems": {SYSTEMS}"#);
    format!(r#"{{{world}, "callbacks": {{"servo": {callback}}}}}"#)
}

#[test]
fn texts_without_content_and_over_several_lines() {
    assert_eq!(message(""), "model: not valid JSON: EOF while parsing a value at line 1 column 0");
    for blank in ["", "  ", "\n"] {
        assert_eq!(message(&derivative(blank)), "derivatives.x: the expression is empty; write 0 for none");
    }
    let known = "known names: x, y, v, omega, w, t, pi";
    let later_line = format!("derivatives.x: unknown name 'omga' at column 5; did you mean 'omega'? {known}");
    assert_eq!(message(&derivative("x\n+ omga")), later_line, "columns count from the start of the text");
}

#[test]
fn documents_that_are_not_models() {
    check(
        document,
        r##"
{"states": {"x": 1}
    model: not valid JSON: EOF while parsing an object at line 1 column 19
{"states": {"x": 1},}
    model: not valid JSON: trailing comma at line 1 column 21
{"states": {"x": NaN}}
    model: not valid JSON: expected value at line 1 column 18
[1, 2]
    model: expected an object, found a list
{}
    model: no 'states' (short form), no 'entities' (long form) and no 'outputs': nothing to solve
{"state": {"x": 1}, "derivatives": {"x": 0}}
    state: unknown key 'state'; did you mean 'states'? known keys: model, functions, let, outputs, callbacks, stops, run, ensemble, statistics, states, parameters, derivatives, components, entities, systems
{"states": {"x": 1}, "quux": 1}
    quux: unknown key 'quux'; known keys: model, functions, let, outputs, callbacks, stops, run, ensemble, statistics, states, parameters, derivatives, components, entities, systems
{"states": {"x": 1}, "components": {}}
    model: 'states' belongs to the short form and 'components' to the long form of a model; use one form
{"states": [1, 2], "derivatives": {}}
    states: expected an object, found a list
{"model": 3, "states": {"x": 1}}
    model: expected a string, found number 3
{"states": {"x": true}, "derivatives": {"x": 0}}
    states.x: expected a number, an expression or a list of them
{"states": {"x": null}, "derivatives": {"x": 0}}
    states.x: expected a number, an expression or a list of them
{"states": {"x": [[1], [2]]}, "derivatives": {"x": 0}}
    states.x[0]: a vector's element must be a number or an expression, not a list
{"states": {"x": []}, "derivatives": {"x": 0}}
    states.x: a vector needs at least one element
{"derivatives": {"x": 1}}
    model: no 'states' (short form), no 'entities' (long form) and no 'outputs': nothing to solve
{"entities": {"e": {"c": {}}}}
    entities.e.c: unknown component 'c'; none are known here
"##,
    );
    check(
        with,
        r##"
"stops": "t"
    stops: expected a list, found string "t"
"stops": ["2*kk"]
    stops[0]: unknown name 'kk' at column 3; did you mean 'k'? known names: x, k, t, pi
"##,
    );
}

#[test]
fn definitions_that_clash() {
    check(
        document,
        r##"
{"states": {"x": 1, "x": 2}, "derivatives": {"x": 0}}
    states.x: 'x' is defined twice
{"states": {"x": 1}, "states": {"y": 1}, "derivatives": {"x": 0}}
    states: 'states' is defined twice
{"states": {"x": 1}, "parameters": {"x": 2}, "derivatives": {"x": 0}}
    parameters.x: 'x' is both a state and a parameter; use two names
"##,
    );
    check(
        with,
        r##"
"let": {"a": 1, "a": 2}
    let.a: 'a' is defined twice
"let": {"x": 1}
    let.x: 'x' is also a state; choose another name
"let": {"none": []}
    let.none: a vector needs at least one element
"let": {"k": 1}
    let.k: 'k' is also a parameter; choose another name
"outputs": {"x": 1}
    outputs.x: 'x' is also a state; choose another name
"let": {"a": 1}, "outputs": {"a": 2}
    outputs.a: 'a' is also a let; choose another name
"functions": {"f(a)": "a", "f(a, b)": "b"}
    functions["f(a, b)"]: function 'f' is defined twice
"functions": {"f(a, a)": "a"}
    functions["f(a, a)"]: argument 'a' appears twice
"functions": {"sin(a)": "a"}
    functions["sin(a)"]: 'sin' is a built-in function; choose another name
"functions": {"f": "1"}
    functions.f: a function's key is its signature, such as 'f(a, b)'
"functions": {"f(a) ": 1}
    functions["f(a) "]: a function's body is an expression in quotes
"functions": {"f(pi)": "1"}
    functions["f(pi)"]: 'pi' is reserved; choose another name
"functions": {"f(a": "a"}
    functions["f(a"]: a function's key is its signature, such as 'f(a, b)'
"##,
    );
}

#[test]
fn names_that_cannot_be() {
    check(
        document,
        r##"
{"states": {"t": 1}, "derivatives": {"t": 0}}
    states.t: 't' is reserved; choose another name
{"states": {"a b": 1}, "derivatives": {"a b": 0}}
    states["a b"]: 'a b' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
{"states": {"2x": 1}, "derivatives": {"2x": 0}}
    states.2x: '2x' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
{"states": {"": 1}, "derivatives": {"": 0}}
    states[""]: '' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
"##,
    );
    check(
        with,
        r##"
"let": {"pi": 3}
    let.pi: 'pi' is reserved; choose another name
"outputs": {"true": 3}
    outputs.true: 'true' is reserved; choose another name
"outputs": {"x-y": 3}
    outputs["x-y"]: 'x-y' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
"##,
    );
    check(
        entities,
        r##"
{"m.1": {"mass": {}}}
    entities["m.1"]: 'm.1' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
"##,
    );
    check(
        components,
        r##"
{"ma ss": {"x": {"integrated": 0}}}
    components["ma ss"]: 'ma ss' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
{"mass": {"t": {"integrated": 0}}}
    components.mass.t: 't' is reserved; choose another name
"##,
    );
    check(
        system,
        r##"
{"slots": {"pi": "mass"}, "derivatives": {"pi.position": 1}}
    systems.push.slots.pi: 'pi' is reserved; choose another name
"##,
    );
}

#[test]
fn derivatives_that_are_missing_or_of_something_else() {
    check(
        document,
        r##"
{"states": {"x": 1, "y": 2}, "derivatives": {"x": 0}}
    derivatives: state 'y' has no derivative; write "y": 0 for none
{"states": {"x": 1}}
    derivatives: state 'x' has no derivative; write "x": 0 for none
{"states": {"x": 1}, "parameters": {"k": 1}, "derivatives": {"x": 0, "k": 0}}
    derivatives.k: 'k' is a parameter, constant during a solve; make it a state to give it a derivative
{"states": {"velocity": 1}, "derivatives": {"velocity": 0, "velocty": 1}}
    derivatives.velocty: unknown state 'velocty'; did you mean 'velocity'? known names: velocity
{"states": {"x": [1, 2]}, "derivatives": {"x": 0, "x[0]": 1}}
    derivatives["x[0]"]: unknown state 'x[0]'; known names: x
"##,
    );
}

#[test]
fn expressions_that_cannot_be_read() {
    check(
        derivative,
        r##"
2*(x + 1
    derivatives.x: expected ')' for the '(' of column 3, found the end at column 9
2*x + 1)
    derivatives.x: unexpected ')' at column 8
f(1, 2
    derivatives.x: expected ')' for the '(' of column 1, found the end at column 7
v[0
    derivatives.x: expected ']' for the '[' of column 2, found the end at column 4
x +
    derivatives.x: expected a number, a name or '(', found the end at column 4
x y
    derivatives.x: unexpected 'y' at column 3
2x
    derivatives.x: unexpected 'x' at column 2
+x
    derivatives.x: unary '+' at column 1; leave it out
x = 1
    derivatives.x: '=' at column 3 is not an operator; write '==' to compare
x ** 2
    derivatives.x: '**' at column 3 is not an operator; write '^' for powers
x > 0 & y > 0 ? 1 : 0
    derivatives.x: '&' at column 7 is not an operator; write '&&' for 'and'
x > 0 | y > 0 ? 1 : 0
    derivatives.x: '|' at column 7 is not an operator; write '||' for 'or'
x # 2
    derivatives.x: unexpected character '#' at column 3
x − 1
    derivatives.x: unexpected character '−' at column 3
x > 0 ? 1
    derivatives.x: expected ':' for the '?' of column 7, found the end at column 10
0 < x < 1 ? 1 : 0
    derivatives.x: comparisons cannot be chained at column 7; write 'a < b && b < c'
x.
    derivatives.x: unexpected character '.' at column 2
1.2.3
    derivatives.x: unexpected number 0.3 at column 4
sin x
    derivatives.x: 'sin' at column 1 is a function; write 'sin(...)'
max(1,)
    derivatives.x: expected a number, a name or '(', found ')' at column 7
x % 2
    derivatives.x: unexpected character '%' at column 3
"x"
    derivatives.x: unexpected character '"' at column 1
1e
    derivatives.x: unexpected 'e' at column 2
x -> 1
    derivatives.x: expected a number, a name or '(', found '>' at column 4
x := 1
    derivatives.x: '=' at column 4 is not an operator; write '==' to compare
x != y != 1 ? 1 : 0
    derivatives.x: comparisons cannot be chained at column 8; write 'a < b && b < c'
"##,
    );
}

#[test]
fn names_and_calls_that_mean_nothing() {
    check(
        derivative,
        r##"
x + omga
    derivatives.x: unknown name 'omga' at column 5; did you mean 'omega'? known names: x, y, v, omega, w, t, pi
2*zeta
    derivatives.x: unknown name 'zeta' at column 3; known names: x, y, v, omega, w, t, pi
x.y
    derivatives.x: unknown name 'x.y' at column 1; known names: x, y, v, omega, w, t, pi
sine(x)
    derivatives.x: unknown function 'sine' at column 1; did you mean 'sin'? known functions: f, abs, sign, sqrt, cbrt, exp, exp2, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh and 12 more
clmp(x, 0, 1)
    derivatives.x: unknown function 'clmp' at column 1; did you mean 'clamp'? known functions: f, abs, sign, sqrt, cbrt, exp, exp2, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh and 12 more
g(x)
    derivatives.x: unknown function 'g' at column 1; known functions: f, abs, sign, sqrt, cbrt, exp, exp2, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh and 12 more
omega(x)
    derivatives.x: unknown function 'omega' at column 1; known functions: f, abs, sign, sqrt, cbrt, exp, exp2, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh and 12 more
Sin(x)
    derivatives.x: unknown function 'Sin' at column 1; did you mean 'sin'? known functions: f, abs, sign, sqrt, cbrt, exp, exp2, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh and 12 more
Omega
    derivatives.x: unknown name 'Omega' at column 1; did you mean 'omega'? known names: x, y, v, omega, w, t, pi
sin
    derivatives.x: 'sin' at column 1 is a function; write 'sin(...)'
f
    derivatives.x: 'f' at column 1 is a function; write 'f(...)'
sin(x, y)
    derivatives.x: 'sin' takes 1 argument, found 2 arguments at column 1
sin()
    derivatives.x: 'sin' takes 1 argument, found 0 arguments at column 1
atan2(x)
    derivatives.x: 'atan2' takes 2 arguments, found 1 argument at column 1
clamp(x, 1)
    derivatives.x: 'clamp' takes 3 arguments (x, lo, hi), found 2 arguments at column 1
min()
    derivatives.x: 'min' takes at least 1 argument, found 0 arguments at column 1
f(x)
    derivatives.x: 'f' takes 2 arguments (a, b), found 1 at column 1
f(x, y, 1)
    derivatives.x: 'f' takes 2 arguments (a, b), found 3 at column 1
"##,
    );
    check(
        with,
        r##"
"functions": {"f(a)": "a + b"}, "outputs": {"o": "2*f(x)"}
    functions["f(a)"]: unknown name 'b' at column 5; known names: a, o, t, pi
"functions": {"f(a)": "a.position"}, "outputs": {"o": "f(x)"}
    functions["f(a)"]: 'a' is a number here, 'a.position' at column 1 needs a slot
"let": {"unused": "1 + kk"}
    let.unused: unknown name 'kk' at column 5; did you mean 'k'? known names: x, k, unused, t, pi
"outputs": {"o": "x + ("}
    outputs.o: expected a number, a name or '(', found the end at column 6
"##,
    );
}

#[test]
fn numbers_and_conditions_that_are_mixed() {
    check(
        derivative,
        r##"
x > 0
    derivatives.x: expected a number, found a condition; write 'condition ? 1 : 0'
x ? 1 : 0
    derivatives.x: the part before '?' must be a condition, found a number at column 1; write a comparison such as 'x != 0'
1 + (x > 0)
    derivatives.x: each side of '+' must be a number, found a condition at column 5; write 'condition ? 1 : 0'
x && y > 0 ? 1 : 0
    derivatives.x: each side of '&&' must be a condition, found a number at column 1; write a comparison such as 'x != 0'
!x ? 1 : 0
    derivatives.x: what follows '!' must be a condition, found a number at column 2; write a comparison such as 'x != 0'
-(x > 0)
    derivatives.x: what follows '-' must be a number, found a condition at column 2; write 'condition ? 1 : 0'
sin(x > 0)
    derivatives.x: each argument of 'sin' must be a number, found a condition at column 5; write 'condition ? 1 : 0'
x > 0 ? 1 : x > 1
    derivatives.x: each branch of '? :' must be a number, found a condition at column 13; write 'condition ? 1 : 0'
true + 1
    derivatives.x: each side of '+' must be a number, found a condition at column 1; write 'condition ? 1 : 0'
(x > 0) == true ? 1 : 0
    derivatives.x: each side of '==' must be a number, found a condition at column 1; write 'condition ? 1 : 0'
"##,
    );
    check(
        with,
        r##"
"outputs": {"o": "x > 0"}
    outputs.o: an output must be a number; write 'condition ? 1 : 0'
"let": {"c": "x > 0"}, "outputs": {"o": "c + 1"}
    outputs.o: each side of '+' must be a number, found a condition at column 1; write 'condition ? 1 : 0'
"let": {"c": ["x > 0", 1]}
    let.c[0]: a vector's element must be a single number
"##,
    );
    check(
        document,
        r##"
{"states": {"x": "1 > 0"}, "derivatives": {"x": 0}}
    states.x: expected a number, found a condition; write 'condition ? 1 : 0'
"##,
    );
}

#[test]
fn vectors_that_do_not_fit() {
    check(
        derivative,
        r##"
v
    derivatives.x: expected a single number, found a vector of 2; write one element, such as 'x[0]'
v[2]
    derivatives.x: index 2 at column 3 is outside the vector's 0 to 1
v[0.5]
    derivatives.x: an index must be a whole number, found 0.5 at column 3
v[-1]
    derivatives.x: an index must be a whole number, found '-' at column 3
v[x]
    derivatives.x: an index must be a whole number, found 'x' at column 3
x[0]
    derivatives.x: only a vector can be indexed, at column 3
(v + w)[0]
    derivatives.x: vectors of 2 and 3 elements cannot be combined at column 4
max(v, w)[0]
    derivatives.x: vectors of 2 and 3 elements cannot be combined at column 1
f(v, w)[0]
    functions["f(a, b)"]: vectors of 2 and 3 elements cannot be combined at column 3
x > 0 ? v : w
    derivatives.x: vectors of 2 and 3 elements cannot be combined at column 9
v > 0 ? 1 : 0
    derivatives.x: expected a single number, found a vector of 2; write one element, such as 'x[0]'
"##,
    );
    check(
        document,
        r##"
{"states": {"v": [1, 2]}, "derivatives": {"v": [1, 2, 3]}}
    derivatives.v: expected a number or a vector of 2, found a vector of 3
{"states": {"v": [1, 2]}, "parameters": {"w": [1, 2, 3]}, "derivatives": {"v": "w"}}
    derivatives.v: expected a number or a vector of 2, found a vector of 3
{"states": {"v": [1, 2]}, "derivatives": {"v": ["v", 0]}}
    derivatives.v[0]: a vector's element must be a single number
{"states": {"v": [1, 2]}, "derivatives": {"v": ["v[0]", "u"]}}
    derivatives.v[1]: unknown name 'u' at column 1; known names: v, t, pi
{"states": {"x": 1}, "derivatives": {"x": [1]}}
    derivatives.x: expected a single number, found a vector of 1; write one element, such as 'x[0]'
{"states": {"x": 1, "v": ["x", "u"]}, "derivatives": {"x": 0, "v": 0}}
    states.v[1]: unknown name 'u' at column 1; known names: x, v, t, pi
{"parameters": {"w": [1, 2]}, "states": {"x": "w"}, "derivatives": {"x": 0}}
    states.x: expected a single number, found a vector of 2; write one element, such as 'x[0]'
"##,
    );
    check(
        entities,
        r##"
{"m1": {"mass": {"position": [1, 2]}}}
    entities.m1.mass.position: expected a single number as in the component's default, found a list of 2
"##,
    );
}

#[test]
fn constants_that_are_not_finite() {
    check(
        derivative,
        r##"
1/0
    derivatives.x: the result of '/' at column 2 is a constant that is not finite (inf)
x + 1e999
    derivatives.x: number 1e999 at column 5 is out of the range of f64
x*log(0)
    derivatives.x: the result of 'log' at column 3 is a constant that is not finite (-inf)
sqrt(-1)
    derivatives.x: the result of 'sqrt' at column 1 is a constant that is not finite (NaN)
0/0
    derivatives.x: the result of '/' at column 2 is a constant that is not finite (NaN)
(-8)^(1/3)
    derivatives.x: the result of '^' at column 5 is a constant that is not finite (NaN)
1e308*10 + x
    derivatives.x: the result of '*' at column 6 is a constant that is not finite (inf)
mod(x, 1) + mod(1, 0)
    derivatives.x: the result of 'mod' at column 13 is a constant that is not finite (NaN)
"##,
    );
    check(
        document,
        r##"
{"states": {"x": 1e999}, "derivatives": {"x": 0}}
    model: not valid JSON: number out of range at line 1 column 22
{"states": {"x": "1/0"}, "derivatives": {"x": 0}}
    states.x: the result of '/' at column 2 is a constant that is not finite (inf)
"##,
    );
    check(
        run,
        r##"
{"tspan": [0, 1e999]}
    model: not valid JSON: number out of range at line 1 column 101
"##,
    );
}

#[test]
fn definitions_that_need_themselves() {
    check(
        with,
        r##"
"let": {"a": "b", "b": "c", "c": "a"}
    let.a: cyclic definition: b -> c -> a -> b
"let": {"a": "a + 1"}
    let.a: cyclic definition: a -> a
"outputs": {"p": "q", "q": "p"}
    outputs.p: cyclic definition: q -> p -> q
"let": {"a": "o"}, "outputs": {"o": "a"}
    let.a: cyclic definition: o -> a -> o
"functions": {"f(a)": "g(a)", "g(a)": "f(a)"}, "outputs": {"o": "f(x)"}
    functions["g(a)"]: cyclic definition: f() -> g() -> f()
"functions": {"f(a)": "a > 0 ? f(a - 1) : 0"}, "outputs": {"o": "f(x)"}
    functions["f(a)"]: cyclic definition: f() -> f()
"functions": {"f(a)": "a*b"}, "let": {"b": "f(2)"}
    let.b: cyclic definition: f() -> b -> f()
"##,
    );
    check(
        document,
        r##"
{"states": {"x": "y", "y": "x"}, "derivatives": {"x": 0, "y": 0}}
    states.x: cyclic definition: states.x, states.y need each other
{"states": {"x": "x + 1"}, "derivatives": {"x": 0}}
    states.x: cyclic definition: 'states.x' needs itself
{"states": {"x": "k"}, "parameters": {"k": "x"}, "derivatives": {"x": 0}}
    states.x: cyclic definition: states.x, parameters.k need each other
"##,
    );
    check(
        system,
        r##"
{"slots": {"b": "mass"}, "let": {"u": "w", "w": "u"}, "derivatives": {"b.velocity": "u"}}
    systems.push.let.u: cyclic definition: w -> u -> w
"##,
    );
}

#[test]
fn values_that_cannot_be_known_at_the_start() {
    check(
        document,
        r##"
{"states": {"x": "a"}, "let": {"a": 1}, "derivatives": {"x": 0}}
    states.x: 'a' at column 1 is a let or an output, which initial values cannot read; use a parameter
{"states": {"x": 1}, "parameters": {"rho": 28, "beta": "2*roh"}, "derivatives": {"x": 0}}
    parameters.beta: unknown name 'roh' at column 3; did you mean 'rho'? known names: x, rho, beta, t, pi
"##,
    );
    check(
        entities,
        r##"
{"m1": {"mass": {"position": "velo"}}}
    entities.m1.mass.position: unknown name 'velo' at column 1; known names: position, velocity, m, t, pi
{"m1": {"mass": {"position": "m2.mass.velocity"}}}
    entities.m1.mass.position: unknown name 'm2.mass.velocity' at column 1; known names: position, velocity, m, t, pi
"##,
    );
}

#[test]
fn components_that_are_wrong() {
    check(
        components,
        r##"
{"mass": {"x": {"integrated": 0, "parameter": 1}}}
    components.mass.x: a field has exactly one role of integrated, parameter, continuous, discrete, found integrated and parameter
{"mass": {"x": {"unit": "m"}}}
    components.mass.x: a field has exactly one role of integrated, parameter, continuous, discrete, found none
{"mass": {"x": {"integrated": 0, "dt": 0.1}}}
    components.mass.x.dt: 'dt' belongs to a discrete field, this one is integrated
{"mass": {"x": {"discrete": 0, "algebraic": true}}}
    components.mass.x.algebraic: 'algebraic' belongs to a continuous field, this one is discrete
{"mass": {"x": {"integated": 0}}}
    components.mass.x.integated: unknown key 'integated'; did you mean 'integrated'? known keys: integrated, parameter, continuous, discrete, unit, dt, algebraic
{"mass": {"x": 1}}
    components.mass.x: expected an object, found number 1
{"mass": {"x": {"integrated": 0, "unit": 5}}}
    components.mass.x.unit: expected a string, found number 5
{"mass": {"x": {"integrated": 0}, "x": {"parameter": 0}}}
    components.mass.x: 'x' is defined twice
{"mass": {"x": {"continuous": 0, "algebraic": 1}}}
    components.mass.x.algebraic: expected true or false, found number 1
"##,
    );
    check(
        document,
        r##"
{"components": {"c": {"d": {"discrete": 0, "dt": -1}}}, "entities": {"e": {"c": {}}}}
    components.c.d.dt: dt must not be negative, got -1
"##,
    );
}

#[test]
fn entities_that_are_wrong() {
    check(
        entities,
        r##"
{"m1": {"mas": {}}}
    entities.m1.mas: unknown component 'mas'; did you mean 'mass'? known components: spring, mass
{"m1": {"mass": {"postion": 1}}}
    entities.m1.mass.postion: component 'mass' has no field 'postion'; did you mean 'position'? known fields: position, velocity, m
{"m1": {"mass": {"position": 1, "position": 2}}}
    entities.m1.mass.position: 'position' is defined twice
{"m1": {"mass": {}}, "m1": {"mass": {}}}
    entities.m1: 'm1' is defined twice
{"m1": {"mass": 5}}
    entities.m1.mass: expected an object, found number 5
{"m1": {"mass": {"position": {"integrated": 1}}}}
    entities.m1.mass.position: expected a number, an expression or a list of them
"##,
    );
}

#[test]
fn systems_that_are_wrong() {
    check(
        system,
        r##"
{"slots": {"b": "mass"}}
    systems.push: a system needs 'derivatives', 'values' or 'residuals'
{"slots": {"b": "mas"}, "derivatives": {"b.velocity": 1}}
    systems.push.slots.b: unknown component 'mas'; did you mean 'mass'? known components: spring, mass
{"slot": {"b": "mass"}, "derivatives": {"b.velocity": 1}}
    systems.push.slot: unknown key 'slot'; did you mean 'slots'? known keys: slots, groups, let, derivatives, values, residuals
{"slots": {"a": "mass", "b": "mass"}, "derivatives": {"b.velocity": 1}}
    systems.push: a system with 2 slots (a, b) needs 'groups', one list of 2 entities for each application
{"groups": [["m1"]], "derivatives": {"m1.mass.velocity": 1}}
    systems.push.groups: 'groups' needs 'slots' that name what each entity of a group is
{"slots": {"a": "mass", "b": "mass"}, "groups": [["m1", "m2"], ["m1"]], "derivatives": {"b.velocity": 1}}
    systems.push.groups[1]: group [m1] has 1 entities, the system declares 2 slots (a, b)
{"slots": {"b": "mass"}, "groups": [["ghost"]], "derivatives": {"b.velocity": 1}}
    systems.push.groups[0][0]: entity 'ghost' not found in world; known entities: m1, m2, s1
{"slots": {"b": "mass"}, "groups": [["s1"]], "derivatives": {"b.velocity": 1}}
    systems.push.groups[0][0]: slot 'b' expects component 'mass', entity 's1' has: spring
{"slots": {"b": "mass"}, "groups": ["m1"], "derivatives": {"b.velocity": 1}}
    systems.push.groups[0]: expected a list, found string "m1"
{"slots": {"b": "mass"}, "groups": [[]], "derivatives": {"b.velocity": 1}}
    systems.push.groups[0]: group [] has 0 entities, the system declares 1 slots (b)
{"slots": {"b": "mass"}, "let": {"2u": 1}, "derivatives": {"b.velocity": 1}}
    systems.push.let.2u: '2u' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
{"slots": {"b": "mass"}, "let": {"unused": "1 + v"}, "derivatives": {"b.velocity": 1}}
    systems.push.let.unused: unknown name 'v' at column 5; known names: b.position, b.velocity, b.m, unused, t, pi
{"slots": {"b": "mass"}, "derivatives": {"b.velocity": 1, "b.velocity": 2}}
    systems.push.derivatives["b.velocity"]: 'b.velocity' is defined twice
{"slots": {"b": "mass"}, "derivatives": {"b.speed": 1}}
    systems.push.derivatives["b.speed"]: unknown field 'b.speed'; known names: b.position, b.velocity
{"slots": {"b": "mass"}, "derivatives": {"velocity": 1}}
    systems.push.derivatives.velocity: unknown field 'velocity'; did you mean 'b.velocity'? known names: b.position, b.velocity
{"slots": {"b": "mass"}, "derivatives": {"b.m": 1}}
    systems.push.derivatives["b.m"]: 'b.m' is a parameter, constant during a solve; make it a state to give it a derivative
{"slots": {"b": "mass"}, "values": {"b.velocity": 1}}
    systems.push.values["b.velocity"]: 'b.velocity' is an integrated field; write it under 'derivatives'
{"slots": {"b": "mass"}, "residuals": {"b.velocity": 1}}
    systems.push.residuals["b.velocity"]: 'b.velocity' is an integrated field; write it under 'derivatives'
{"slots": {"b": "mass"}, "derivatives": {"b.velocity": "b.masss"}}
    systems.push.derivatives["b.velocity"]: component 'mass' has no field 'masss' at column 1; known fields: position, velocity, m
{"slots": {"b": "mass"}, "derivatives": {"b.velocity": "velocity"}}
    systems.push.derivatives["b.velocity"]: unknown name 'velocity' at column 1; did you mean 'b.velocity'? known names: b.position, b.velocity, b.m, t, pi
{"slots": {"b": "mass"}, "derivatives": {"b.velocity": "b"}}
    systems.push.derivatives["b.velocity"]: expected a number, found a slot; write 'slot.field'
{"slots": {"b": "mass"}, "derivatives": {"b.velocity": "b + 1"}}
    systems.push.derivatives["b.velocity"]: each side of '+' must be a number, found a slot (mass) at column 1; write 'slot.field'
{"derivatives": {"m3.mass.velocity": 1}}
    systems.push.derivatives["m3.mass.velocity"]: unknown field 'm3.mass.velocity'; did you mean 'm1.mass.velocity'? known names: m1.mass.position, m1.mass.velocity, m2.mass.position, m2.mass.velocity
"##,
    );
    check(
        document,
        r##"
{"components": {"c": {"x": {"integrated": 0}}}, "entities": {}, "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.x": 1}}}}
    systems.s.slots: no entities with component 'c' found in world
{"components": {"c": {"d": {"discrete": 0}, "x": {"integrated": 0}}}, "entities": {"e": {"c": {}}}, "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.d": 1}}}}
    systems.s.derivatives["a.d"]: 'a.d' is a discrete field, which only callbacks change
{"components": {"c": {"q": {"continuous": 0}, "x": {"integrated": 0}}}, "entities": {"e": {"c": {}}}, "systems": {"s": {"slots": {"a": "c"}, "derivatives": {"a.q": 1}}}}
    systems.s.derivatives["a.q"]: 'a.q' is a continuous field; write it under 'values'
{"components": {"c": {"q": {"continuous": 0}, "x": {"integrated": 0}}}, "entities": {"e": {"c": {}}}, "systems": {"s": {"slots": {"a": "c"}, "values": {"a.q": 1}, "derivatives": {"a.x": "a.q"}}}}
    systems.s.derivatives["a.x"]: 'e.c.q' at column 1 is a continuous field, an output of the model; equations cannot read it
{"states": {"x": 1}, "derivatives": {"x": 1}, "stops": [0.5, "2*x"], "run": {"tspan": [0, 1]}}
    stops[1]: the time of a stop can read parameters, and t as the start; no states
{"states": {"x": 1}, "derivatives": {"x": 1}, "callbacks": {"a b": {"dt": 1, "set": {}}}}
    callbacks["a b"]: 'a b' is not a name; a name is made of letters, digits and underscores and does not begin with a digit
"##,
    );
}

#[test]
fn callbacks_that_are_wrong() {
    check(
        callback,
        r##"
{"dt": 0, "set": {"m1.mass.velocity": 0}}
    callbacks.servo.dt: callback 'servo': dt must be > 0, got 0
{"dt": -0.1, "set": {"m1.mass.velocity": 0}}
    callbacks.servo.dt: callback 'servo': dt must be > 0, got -0.1
{"set": {"m1.mass.velocity": 0}}
    callbacks.servo: 'dt' is missing
{"dt": "fast", "set": {"m1.mass.velocity": 0}}
    callbacks.servo.dt: expected a number, found string "fast"
{"dt": 0.1, "set": {"m1.mass.velocty": 0}}
    callbacks.servo.set["m1.mass.velocty"]: callback 'servo' sets unknown state key 'm1.mass.velocty'; did you mean 'm1.mass.velocity'? known names: m1.mass.position, m1.mass.velocity, m2.mass.position, m2.mass.velocity
{"dt": 0.1, "set": {"m1.mass.m": 0}}
    callbacks.servo.set["m1.mass.m"]: callback 'servo' sets 'm1.mass.m', a parameter, constant during a solve; make it a discrete field; states that it can set: m1.mass.position, m1.mass.velocity, m2.mass.position, m2.mass.velocity
{"dt": 0.1, "sets": {"m1.mass.velocity": 0}}
    callbacks.servo.sets: unknown key 'sets'; did you mean 'set'? known keys: dt, at_start, parameters, set
{"dt": 0.1, "parameters": {"kp": 2}, "set": {"m1.mass.velocity": "kq*m1.mass.position"}}
    callbacks.servo.set["m1.mass.velocity"]: unknown name 'kq' at column 1; did you mean 'kp'? known names: kp, m1.mass.position, m1.mass.velocity, m1.mass.m, m2.mass.position, m2.mass.velocity, m2.mass.m, s1.spring.k, t, pi
{"dt": 0.1, "set": {"m1.mass.velocity": [1, 2]}}
    callbacks.servo.set["m1.mass.velocity"]: expected a single number, found a vector of 2; write one element, such as 'x[0]'
{"dt": 0.1, "set": {"m1.mass.velocity": "1 +"}}
    callbacks.servo.set["m1.mass.velocity"]: expected a number, a name or '(', found the end at column 4
"##,
    );
}

#[test]
fn runs_that_are_wrong() {
    check(
        run,
        r##"
{"tspan": [0, 1, 2]}
    run.tspan: expected two times, [t0, t1]
{"tspan": 10}
    run.tspan: expected a list, found number 10
{"tspan": [1, 0]}
    tspan must be finite with t0 < t1, got [1, 0]; if time is to run backward, set backward to true
{"tspan": [1, 1]}
    tspan must be finite with t0 < t1, got [1, 1]
{}
    tspan is missing; give a start and an end time
{"tspan": [0, 1], "precison": "f32"}
    run.precison: unknown key 'precison'; did you mean 'precision'? known keys: tspan, backward, method, dt, adaptive, rtol, atol, dt_min, dt_max, max_steps, save, save_policy, save_after_firing, max_saved, precision, arithmetic, compensated
{"tspan": [0, 1], "precision": "f16"}
    run.precision: unknown precision 'f16'; known: f32, f64, f32x2
{"tspan": [0, 1], "precision": 32}
    run.precision: expected a string, found number 32
{"tspan": [0, 1], "method": "tsitt5"}
    method: unknown method 'tsitt5'; did you mean 'tsit5'? known methods: euler, heun, midpoint, rk4, bs23, dopri5, tsit5, vern6, vern7, dop853, vern9, RK45, RK23, DP5, BS3
{"tspan": [0, 1], "method": "ode45"}
    method: unknown method 'ode45'; known methods: euler, heun, midpoint, rk4, bs23, dopri5, tsit5, vern6, vern7, dop853, vern9, RK45, RK23, DP5, BS3
{"tspan": [0, 1], "method": "rk4"}
    method: 'rk4' with fixed steps needs a step size: give dt
{"tspan": [0, 1], "method": "rk4", "adaptive": true}
    method: 'rk4' has no error estimate and needs a fixed step: give dt, or choose one of heun, midpoint, bs23, dopri5, tsit5, vern6, vern7, dop853, vern9
{"tspan": [0, 1], "adaptive": "yes"}
    run.adaptive: expected true or false, found string "yes"
{"tspan": [0, 1], "dt": 0}
    method: dt must be positive and finite, got 0
{"tspan": [0, 1], "dt": -1, "adaptive": true}
    method: the first step dt must be positive and finite, got -1
{"tspan": [0, 1], "dt": 1e-12}
    dt = 0.000000000001 needs 1.000e12 steps for tspan [0, 1]; at most 4e9 are possible
{"tspan": [0, 1], "dt": 0.1, "dt_max": 0.5}
    method: dt_max has no meaning for fixed steps; set adaptive to true, or leave out dt_max
{"tspan": [0, 1], "dt_min": 0.5, "dt_max": 0.1}
    method: dt_min 0.5 is above dt_max 0.1
{"tspan": [0, 1], "dt_max": 0}
    method: dt_max must be positive, got 0
{"tspan": [0, 1], "rtol": -1}
    rtol and atol of 'x' must be finite and not negative, got -1 and 0.00000001
{"tspan": [0, 1], "rtol": 0, "atol": 0}
    rtol and atol of 'x' are both 0; an adaptive method needs one of them positive
{"tspan": [0, 1], "rtol": "small"}
    run.rtol: expected a number, found string "small"
{"tspan": [0, 1], "atol": {"xx": 1e-6}}
    atol: no state is named 'xx'; did you mean 'x'? known names: x
{"tspan": [0, 1], "rtol": 0, "atol": {"x": 0}}
    rtol and atol of 'x' are both 0; an adaptive method needs one of them positive
[]
    run: expected an object, found a list
{"tspan": [0, 1], "adaptive": false}
    method: 'tsit5' with fixed steps needs a step size: give dt
{"tspan": [0, 1e39], "precision": "f32"}
    the time 1e39 is out of the range of f32; use precision f64 or other units
{"tspan": [0, 1], "max_steps": 0}
    max_steps must be at least 1
{"tspan": [0, 1], "max_steps": -5}
    run.max_steps: expected a whole number that is not negative, found number -5
{"tspan": [0, 1], "max_steps": 1e12}
    run.max_steps: at most 4294967295, got 1000000000000
{"tspan": [0, 1], "save": "all"}
    run.save: expected {"points": N}, {"every": H}, {"at": [..]}, "steps" or "final"
{"tspan": [0, 1], "save": {"points": 1e14}}
    100000000000000 save points are more than the 100000000 possible
{"tspan": [0, 1], "save": {"points": 1}}
    save points include both ends, so at least 2 are needed, got 1; use save "final" for the end alone
{"tspan": [0, 1], "save": {"points": 3, "every": 0.1}}
    run.save: expected {"points": N}, {"every": H}, {"at": [..]}, "steps" or "final": either one or the other, not both
{"tspan": [0, 1], "save": {"evry": 0.1}}
    run.save.evry: unknown key 'evry'; did you mean 'every'? known keys: points, every, at
{"tspan": [0, 1], "save": {"every": 0}}
    the save interval must be positive and finite, got 0
{"tspan": [0, 1], "save": {"every": 1e-12}}
    a save interval of 0.000000000001 makes 1.0e12 save times in tspan [0, 1]; at most 100000000 are possible
{"tspan": [0, 1], "save": {"at": []}}
    the list of save times is empty; give at least one time
{"tspan": [0, 1], "save": {"at": [0, 2]}}
    save time 2 is outside tspan [0, 1]
{"tspan": [0, 1], "save": {"at": [0.5, 0.25]}}
    save times must ascend, found 0.5 before 0.25
"##,
    );
    check(
        with,
        r##"
"let": {"a": 1e39}, "outputs": {"o": "a*x"}, "run": {"tspan": [0, 1], "precision": "f32"}
    the constant 1e39 is out of the range of f32; use precision f64 or other units
"##,
    );
}

#[test]
fn ensembles_that_are_wrong() {
    check(
        ensemble,
        r##"
{"size": 0}
    ensemble.size: an ensemble needs at least one trajectory
{"size": -3}
    ensemble.size: expected a whole number that is not negative, found number -3
{"size": 2.5}
    ensemble.size: expected a whole number that is not negative, found number 2.5
{"size": "many"}
    ensemble.size: expected a whole number, found string "many"
{"sise": 3}
    ensemble.sise: unknown key 'sise'; did you mean 'size'? known keys: size, seed, sampling, vary
{"seed": -1}
    ensemble.seed: expected a whole number that is not negative, found number -1
{"sampling": "halton"}
    ensemble.sampling: unknown sampling 'halton'; known: random, latin_hypercube, sobol
{"sampling": true}
    ensemble.sampling: expected a string, found true
{"sampling": "sobol"}
    ensemble.sampling: 'sobol' spreads what varies at random, and nothing does; vary something by a distribution, or leave sampling out
{"sampling": "latin_hypercube", "vary": {"k": {"linspace": [0, 1, 3]}}}
    ensemble.sampling: 'latin_hypercube' spreads what varies at random, and nothing does; vary something by a distribution, or leave sampling out
{"sampling": "sobol", "size": 4294967297, "vary": {"k": {"uniform": [0, 1]}}}
    ensemble.sampling: 'sobol' spreads at most 4294967296 trajectories, and there are 4294967297; take fewer, or sampling random
{"vary": {"kk": {"uniform": [0, 1]}}}
    ensemble.vary.kk: no state or parameter is named 'kk'; did you mean 'k'? known names: x, k
{"vary": {"k": {"unifrom": [0, 1]}}}
    ensemble.vary.k.unifrom: unknown distribution 'unifrom'; did you mean 'uniform'? known distributions: normal, lognormal, uniform, loguniform, triangular, values, grid, linspace, csv
{"vary": {"k": [0, 1]}}
    ensemble.vary.k: expected an object, found a list
{"vary": {"k": {}}}
    ensemble.vary.k: expected one distribution, such as {"uniform": [0, 1]}
{"vary": {"k": {"normal": [0, 1], "uniform": [0, 1]}}}
    ensemble.vary.k: expected one distribution, such as {"uniform": [0, 1]}
{"vary": {"k": {"uniform": [1, 0]}}}
    ensemble.vary.k.uniform: 'uniform' takes a lower and an upper end, got (1, 0)
{"vary": {"k": {"uniform": [1]}}}
    ensemble.vary.k.uniform: 'uniform' takes a lower and an upper end, got (1)
{"vary": {"k": {"normal": [0, -1]}}}
    ensemble.vary.k.normal: 'normal' takes a mean and a standard deviation >= 0, got (0, -1)
{"vary": {"k": {"normal": 5}}}
    ensemble.vary.k.normal: expected a list, found number 5
{"vary": {"k": {"normal": [0, "a"]}}}
    ensemble.vary.k.normal[1]: expected a number, found string "a"
{"vary": {"k": {"lognormal": [0, -1]}}}
    ensemble.vary.k.lognormal: 'lognormal' takes the mean and the standard deviation >= 0 of the logarithm, got (0, -1)
{"vary": {"k": {"loguniform": [0, 1]}}}
    ensemble.vary.k.loguniform: 'loguniform' takes a lower and an upper end, both positive, got (0, 1)
{"vary": {"k": {"triangular": [0, 5, 1]}}}
    ensemble.vary.k.triangular: 'triangular' takes a lower end, a mode and an upper end in this order, got (0, 5, 1)
{"vary": {"k": {"values": []}}}
    ensemble.vary.k.values: 'values' takes at least one number, got ()
{"vary": {"k": {"linspace": [0, 1, 2.5]}}}
    ensemble.vary.k.linspace: 'linspace' takes the first value, the last value and how many, got (0, 1, 2.5)
{"size": 5, "vary": {"k": {"values": [1, 2, 3]}}}
    ensemble.vary: 'k' has 3 values for 5 trajectories; give as many, or a smaller size
{"size": 5, "vary": {"k": {"grid": [1, 2, 3]}}}
    ensemble.size: 5 trajectories do not cover the grid of 3 points evenly; use a multiple of 3, or replay one point with 'only'
{"vary": {"k": {"csv": {"column": "k"}}}}
    ensemble.vary.k.csv: 'file' is missing
{"vary": {"k": {"csv": {"file": "a.csv", "colum": "k"}}}}
    ensemble.vary.k.csv.colum: unknown key 'colum'; did you mean 'column'? known keys: file, column
{"vary": {"k": {"csv": "a.csv"}}}
    ensemble.vary.k.csv: expected an object, found string "a.csv"
{"size": 1e15}
    1000000000000000 trajectories with 2 save times of 1 values do not fit into memory; save fewer times (for instance only the end) or solve fewer trajectories
{"vary": {"k": {"linspace": [0, 1, 1e10]}}}
    ensemble.vary.k.linspace: 'linspace' takes the first value, the last value and how many, got (0, 1, 10000000000)
"##,
    );
    check(
        document,
        r##"
{"states": {"v": [1, 2]}, "derivatives": {"v": 0}, "ensemble": {"vary": {"v": {"values": [1, 2]}}}}
    ensemble.vary.v: 'v' is a vector; vary its elements one by one: v[0], v[1]
{"states": {"v": [1, 2]}, "derivatives": {"v": 0}, "ensemble": {"vary": {"v[2]": {"normal": [1, 2]}}}}
    ensemble.vary["v[2]"]: no state or parameter is named 'v[2]'; did you mean 'v[0]'? known names: v[0], v[1]
{"states": {"v": [1, 2]}, "derivatives": {"v": 0}, "ensemble": {"vary": {"v": {"normal": [1, 2]}, "v[0]": {"normal": [1, 2]}}}}
    ensemble.vary.v: 'v' varies an element that another entry varies too
"##,
    );
}

#[test]
fn nesting_that_is_too_deep() {
    let lets: Vec<String> = (1..5000).map(|i| format!(r#""a{i}": "a{} + 1""#, i - 1)).collect();
    let lets = lets.join(", ");
    let chain = format!(r#"{{"states": {{"x": 1}}, "let": {{"a0": 1, {lets}}}, "derivatives": {{"x": "a4999"}}}}"#);
    let deep = [
        repeated("(", "x", ")", 5000),
        repeated("-", "x", "", 5000),
        repeated("", "x", "^x", 5000),
        repeated("sin(", "x", ")", 5000),
        repeated("x > 0 ? 1 : ", "x", "", 5000),
        repeated("!", "(x > 0) ? 1 : 0", "", 5000),
        repeated("(", "x", "", 100_000),
    ];
    let too_deep = "nested more than 1000 levels deep; name parts of it in 'let'";
    for expression in deep {
        assert_eq!(message(&derivative(&expression)), format!("derivatives.x: {too_deep}"), "{}...", &expression[..40]);
    }
    assert_eq!(message(&chain), format!("let.a4000: {too_deep}"));
    let recursion = "model: not valid JSON: recursion limit exceeded at line 1 column 128";
    assert_eq!(message(&repeated("[", "1", "]", 5000)), recursion);
}

fn repeated(before: &str, middle: &str, after: &str, n: usize) -> String {
    before.repeat(n) + middle + &after.repeat(n)
}

#[test]
fn long_expressions_that_are_not_deep_are_fine() {
    // t keeps the sums from being folded into one constant.
    let sum = format!("t{}", " + t*x".repeat(100_000));
    let text = format!(r#"{{"states": {{"x": 1}}, "derivatives": {{"x": "{sum}"}}}}"#);
    let spec = World::from_json(&text).and_then(|world| world.compile()).expect("a long sum");
    assert!(spec.program.rhs.nodes.len() > 100_000, "one addition for each term");
    assert!(spec.to_string().len() > 100_000, "a listing of all of it");
    let nested = format!(r#"{{"states": {{"x": 1}}, "derivatives": {{"x": "{}"}}}}"#, repeated("(", "x", ")", 500));
    assert!(World::from_json(&nested).and_then(|world| world.compile()).is_ok(), "500 parentheses");
}

#[test]
fn features_that_the_backend_lacks() {
    check(
        document,
        r##"
{"components": {"c": {"z": {"continuous": 0, "algebraic": true}}}, "entities": {"e": {"c": {}}}, "systems": {"s": {"slots": {"a": "c"}, "residuals": {"a.z": "a.z - 1"}}}}
    cpu does not support: [dae_constraints]; supported by it: [vector_fields, discrete_fields, continuous_fields, control_callbacks, stops, native_functions]; dae_constraints: no backend has it yet; solve the constraint for its unknown and write that as a 'let'
"##,
    );
}

/// What expressions are made of, broken pieces included.
const PIECES: [&str; 44] = [
    "x", "y", "v", "w", "omega", "t", "pi", "true", "false", "f(", "sin(", "max(", "clamp(", "(", ")", "[", "]", "0",
    "1", "2", ".5", "1e308", "1e-320", "+", "-", "*", "/", "^", "<", "<=", "==", "!=", "&&", "||", "!", "?", ":", ",",
    ".", "#", "=", "\u{3c0}", "\"", " ",
];

/// Reads, compiles, lists and evaluates a model as far as it goes.
fn exercise(json: &str) {
    let Ok(world) = World::from_json(json) else { return };
    let Ok(spec) = world.compile() else { return };
    let _ = spec.to_string();
    let _ = Ensemble::new(&spec, &EnsembleSettings { size: None, ..world.ensemble });
    let run = RunSettings {
        tspan: Some((0.0, 1.0)),
        method: Some("heun".to_string()),
        dt: Some(0.5),
        save: Some(Save::Final),
        ..RunSettings::default()
    };
    let _ = solve(&spec, &run, &mut CpuBackend::new());
}

/// The model files of `examples/models`.
fn examples() -> Vec<Json> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/models");
    let files = std::fs::read_dir(folder).expect("the examples").map(|entry| entry.expect("readable").path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    json.map(|path| serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")).collect()
}

/// Values that are wrong almost everywhere.
fn misfits() -> Vec<Json> {
    let texts = ["", "t", "x", "1/0", "((", "\u{1f40d}", "a.b.c", "x > 0"].map(Json::from);
    let numbers = [0.0, -1.0, 1e308, 1e-320, 0.5].map(Json::from);
    let others =
        [Json::Null, Json::Bool(true), serde_json::json!([]), serde_json::json!({}), serde_json::json!([[1], "x"])];
    texts.into_iter().chain(numbers).chain(others).collect()
}

#[test]
fn statistics_that_are_wrong() {
    check(
        statistics,
        r##"
[]
    statistics: expected an object, found a list
{"quantile": [0.5]}
    statistics.quantile: unknown key 'quantile'; did you mean 'quantiles'? known keys: summaries, covariance, exceed, histogram, quantiles, keep
{"summaries": "max(x)"}
    statistics.summaries: expected a list, found string "max(x)"
{"summaries": ["max(x)", "maximum(x)"]}
    statistics.summaries[1]: unknown summary 'maximum'; known: min, max, time_of_min, time_of_max, time_above, integral, final
{"summaries": ["x"]}
    statistics.summaries[0]: expected a number of a whole trajectory, such as max(x), found 'x'
{"summaries": ["max()"]}
    statistics.summaries[0]: 'max()' names no state or output
{"summaries": ["time_above(x, high)"]}
    statistics.summaries[0]: 'time_above' takes a name and a threshold, such as time_above(x, 10), got 'time_above(x, high)'
{"covariance": "x"}
    statistics.covariance: expected true, false or a list of states and outputs
{"exceed": {"x": "high"}}
    statistics.exceed.x: expected a number, found string "high"
{"exceed": {"x": 1, "x": 2}}
    statistics.exceed.x: 'x' is defined twice
{"histogram": {"x": {"from": 0, "to": 1}}}
    statistics.histogram.x: 'bins' is missing; a histogram is {"from": A, "to": B, "bins": N}
{"histogram": {"x": {"from": 1, "to": 1, "bins": 5}}}
    statistics.histogram.x: a histogram goes from a number to a larger one, got 1 to 1
{"histogram": {"x": {"from": 0, "to": 1, "bins": 0}}}
    statistics.histogram.x: a histogram has 1 to 1000000 bins, got 0
{"histogram": {"max(x)": {"from": 0, "until": 1, "bins": 5}}}
    statistics.histogram["max(x)"].until: unknown key 'until'; known keys: from, to, bins
{"quantiles": [0.5, 95]}
    statistics.quantiles[1]: the probability of a quantile is from 0 to 1, got 95
{"keep": ["best(x, 3)"]}
    statistics.keep[0]: expected largest(x, 10), smallest(max(x), 5) or failed(20), found 'best(x, 3)'
{"keep": ["largest(x, 0)"]}
    statistics.keep[0]: 'largest' keeps 1 to 100000 trajectories, got 0
"##,
    );
}

/// JSON pointers to all values of a document but itself.
fn pointers(json: &Json, here: &str) -> Vec<String> {
    let children: Vec<(String, &Json)> = match json {
        Json::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Json::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(key, value)| {
        let there = format!("{here}/{key}");
        let inner = pointers(value, &there);
        std::iter::once(there).chain(inner)
    });
    below.collect()
}

/// Replaces a value, by a misfit or by a value from elsewhere, removes it, or renames its key.
fn mutate(json: &mut Json, (at, other): (usize, usize), misfit: &Json, how: usize) {
    let all = pointers(json, "");
    let (at, other) = (&all[at % all.len()], &all[other % all.len()]);
    let (parent, key) = at.rsplit_once('/').expect("a pointer begins with a slash");
    let elsewhere = json.pointer(other).expect("a pointer of this document").clone();
    match (how, json.pointer_mut(parent).expect("a parent")) {
        (0, _) => *json.pointer_mut(at).expect("a value") = misfit.clone(),
        (1, _) => *json.pointer_mut(at).expect("a value") = elsewhere,
        (2, Json::Object(map)) => drop(map.remove(key)),
        (_, Json::Object(map)) => drop(map.insert(format!("{key}_"), elsewhere)),
        (_, Json::Array(list)) => drop(list.pop()),
        (_, _) => unreachable!("only objects and lists have children"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_expressions_never_panic(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12)) {
        exercise(&derivative(&pieces.concat()));
    }

    #[test]
    fn arbitrary_texts_as_expressions_never_panic(text in "\\PC{0,40}") {
        exercise(&derivative(&text));
    }

    #[test]
    fn arbitrary_texts_as_models_never_panic(text in "[\\[\\]{}\",:0-9a-z. ]{0,60}") {
        exercise(&text);
    }

    #[test]
    fn mutated_models_never_panic(which in any::<usize>(), at in any::<(usize, usize)>(), misfit in any::<usize>(), how in 0usize..4) {
        let (examples, misfits) = (examples(), misfits());
        let mut json = examples[which % examples.len()].clone();
        mutate(&mut json, at, &misfits[misfit % misfits.len()], how);
        exercise(&json.to_string());
    }
}
