//! The assembled kernels against `tests/golden/*.wgsl`, so that a change of the generated text is seen in review, and
//! names that WGSL or the kernel use themselves.
//!
//! Only one golden file is a whole module: in the others the sections that are verbatim files of `shaders/` are cut to
//! their title. `BLESS=1 cargo test --test wgsl_golden` rewrites the files.

#![cfg(feature = "gpu")]

mod common;

use common::{assert_close, backends, compiled};
use ensolve::expr::func::FUNCTIONS;
use ensolve::job::JobForm;
use ensolve::method::{Controller, tableau};
use ensolve::spec::EnsembleSettings;
use ensolve::wgsl::{KernelOptions, assemble};
use ensolve::{CompiledSpec, Distribution, Ensemble, Method, Precision, RunSettings, Save, World, solve_ensemble};
use std::path::{Path, PathBuf};

/// Start and end of the line that titles a section.
const TITLE: (&str, &str) = ("// ==== ", " ====");

fn from_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn model(path: &str) -> CompiledSpec {
    World::from_file(from_root(path)).and_then(|world| world.compile()).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn adaptive(name: &str) -> Method {
    Method::adaptive(tableau(name).expect("a method"), Controller::default()).expect("an adaptive method")
}

fn fixed(name: &str, dt: f64) -> Method {
    Method::fixed(tableau(name).expect("a method"), dt).expect("a step size")
}

fn text(spec: &CompiledSpec, method: &Method, precision: Precision) -> String {
    assemble(&spec.program, method, precision).unwrap_or_else(|e| panic!("{}: {e}", spec.name)).text().to_string()
}

/// The name in a section's title.
fn title(line: &str) -> Option<&str> {
    line.strip_prefix(TITLE.0)?.strip_suffix(TITLE.1)
}

/// Drops the sections that are files of `shaders/`, after checking that they are these files.
fn without_shader_files(text: &str) -> String {
    let mut kept = String::new();
    let mut cut: Option<(&str, String)> = None;
    for line in text.lines() {
        if let Some(name) = title(line) {
            check_cut(cut.take());
            kept.push_str(&format!("{line}\n"));
            cut = name.starts_with("shaders/").then(|| (name, String::new()));
            kept.push_str(if cut.is_some() { "\n" } else { "" });
        } else if let Some((_, section)) = &mut cut {
            section.push_str(&format!("{line}\n"));
        } else {
            kept.push_str(&format!("{line}\n"));
        }
    }
    check_cut(cut);
    kept
}

fn check_cut(cut: Option<(&str, String)>) {
    if let Some((name, section)) = cut {
        let file = std::fs::read_to_string(from_root(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(section.trim(), file.trim(), "the section '{name}' is not the file");
    }
}

/// Compares with a golden file, or writes it where `BLESS` is set.
fn check_golden(file: &str, got: &str) {
    let path = from_root("tests/golden").join(file);
    if std::env::var("BLESS").is_ok_and(|set| set == "1") {
        std::fs::write(&path, got).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return;
    }
    let want = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("tests/golden/{file}: {e}; {HOW_TO_BLESS}"));
    if let Some((line, want, got)) = first_difference(&want, got) {
        panic!("tests/golden/{file}, line {line}:\n  golden:    {want}\n  generated: {got}\n{HOW_TO_BLESS}");
    }
}

const HOW_TO_BLESS: &str =
    "if the change is meant, run BLESS=1 cargo test --test wgsl_golden and look at the difference in the golden files";

/// The number of the first line that differs, counted from 1, and both lines.
fn first_difference(want: &str, got: &str) -> Option<(usize, String, String)> {
    let (mut want, mut got) = (want.lines(), got.lines());
    for number in 1.. {
        let pair = (want.next(), got.next());
        if pair == (None, None) {
            return None;
        }
        if pair.0 != pair.1 {
            let shown = |line: Option<&str>| line.unwrap_or("(the end)").to_string();
            return Some((number, shown(pair.0), shown(pair.1)));
        }
    }
    None
}

#[test]
fn lorenz_by_tsit5_in_f32_whole() {
    let text = text(&model("examples/models/lorenz.json"), &adaptive("tsit5"), Precision::F32);
    without_shader_files(&text);
    check_golden("lorenz_tsit5_adaptive_f32.wgsl", &text);
}

/// Where the end is all that is saved the state rests there.
#[test]
fn lorenz_by_tsit5_that_saves_its_end() {
    let form = JobForm { saves_end: true, ..JobForm::default() };
    let options = KernelOptions { form, ..KernelOptions::from(Precision::F32) };
    let spec = model("examples/models/lorenz.json");
    let source = assemble(&spec.program, &adaptive("tsit5"), options).expect("a valid kernel");
    check_golden("lorenz_tsit5_end_f32.wgsl", &without_shader_files(source.text()));
}

#[test]
fn lorenz_by_rk4_in_f32() {
    let text = text(&model("examples/models/lorenz.json"), &fixed("rk4", 0.01), Precision::F32);
    check_golden("lorenz_rk4_fixed_f32.wgsl", &without_shader_files(&text));
}

#[test]
fn lorenz_by_dopri5_in_f64() {
    let text = text(&model("examples/models/lorenz.json"), &adaptive("dopri5"), Precision::F64);
    check_golden("lorenz_dopri5_adaptive_f64.wgsl", &without_shader_files(&text));
}

/// Stages that only dense output uses, its weights beside Hermite's, and two error estimates.
#[test]
fn lorenz_by_dop853_in_f32() {
    let text = text(&model("examples/models/lorenz.json"), &adaptive("dop853"), Precision::F32);
    check_golden("lorenz_dop853_adaptive_f32.wgsl", &without_shader_files(&text));
}

/// Vectors, lets, functions of the model, time, conditions, choices and every row of the function table.
#[test]
fn every_function_and_operator() {
    let text = text(&model("tests/golden/every_function.json"), &fixed("euler", 0.01), Precision::F32);
    let generated = without_shader_files(&text);
    for row in FUNCTIONS {
        assert!(generated.contains(&format!("math_{}(", row.name)), "the model does not use '{}'", row.name);
    }
    for operator in [" + ", " - ", " * ", " / ", " < ", " <= ", " == ", " && ", " || ", "!", "select(", "-y"] {
        assert!(generated.contains(operator), "the model does not use '{operator}'");
    }
    check_golden("every_function.wgsl", &generated);
}

/// A difference must be reported at its line, or a golden file would guard nothing.
#[test]
fn the_first_difference_is_found() {
    assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b".into(), "c".into())));
    assert_eq!(first_difference("a\n", "a\nb\n"), Some((2, "(the end)".into(), "b".into())));
}

// ---- names ----

/// Names of the kernel's own functions, arguments, locals and constants, of the two structs, and of built-in functions
/// and types.
const KERNEL_NAMES: [&str; 89] = [
    "u",
    "dense",
    "k10",
    "DenseStages",
    "dense_stages",
    "low",
    "low1",
    "Low",
    "culprit",
    "row_1",
    "row_2",
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "less",
    "equal",
    "is_nan",
    "real_abs",
    "first_non_finite",
    "y",
    "p",
    "h",
    "k1",
    "k2",
    "y2",
    "step",
    "d",
    "config",
    "e0",
    "sum",
    "theta",
    "i",
    "index",
    "n",
    "b1",
    "at",
    "v",
    "saved",
    "state",
    "counts",
    "params",
    "tables",
    "unfinished",
    "rhs",
    "rk_step",
    "last_stage",
    "interpolate",
    "lane",
    "Lane",
    "Step",
    "State",
    "Params",
    "Attempt",
    "y1_candidate",
    "attempt",
    "finite",
    "real",
    "main",
    "id",
    "groups",
    "is_finite",
    "opaque",
    "lesser",
    "greater",
    "control",
    "write_row",
    "save_row",
    "save_start",
    "N_ROW",
    "N_STATE",
    "ROW_Y",
    "STATUS_SUCCESS",
    "REAL_EPSILON",
    "unused",
    "t_save",
    "save_times",
    "tolerances",
    "math_sin",
    "f32",
    "u32",
    "vec2",
    "abs",
    "sqrt",
    "select",
    "bitcast",
    "min",
    "max",
];

/// Names that are not WGSL identifiers, or become one that another name may have.
const ODD_NAMES: [&str; 22] = [
    "v1", "v1_2", "v1_3", "x_0", "x_2", "x_0_2", "x", "t_", "t__", "_", "__", "_a", "__a", "a", "a_", "fn_", "fn__",
    "u3c3", "σ", "été", "日本", "y_",
];

fn hostile_names() -> Vec<String> {
    let forbidden = ["true", "false", "t", "pi"];
    let keywords = naga::keywords::wgsl::RESERVED.iter().copied();
    let all = keywords.chain(KERNEL_NAMES).chain(ODD_NAMES).filter(|name| !forbidden.contains(name));
    let mut seen = std::collections::HashSet::new();
    all.filter(|name| seen.insert(*name)).map(str::to_string).collect()
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug)]
enum Use {
    State,
    Parameter,
    Let,
}

/// The names with values of their own; sums of a few of them with different weights are the derivatives of further
/// states, and outputs, so that no name can stand for another unnoticed.
fn hostile_model(names: &[String], used_as: Use) -> CompiledSpec {
    let mut world = World::new(format!("hostile names as {used_as:?}")).state("base", 1.0).derivative("base", "-base");
    for (n, name) in names.iter().enumerate() {
        let value = 1.0 + (n + 1) as f64 / 256.0;
        world = match used_as {
            Use::State => world.state(name.as_str(), value).derivative(name.as_str(), format!("-{name}*base")),
            Use::Parameter => world.parameter(name.as_str(), value),
            Use::Let => world.define(name.as_str(), format!("base*{value}")),
        };
    }
    for (n, few) in names.chunks(8).enumerate() {
        let terms: Vec<String> = (1..).zip(few).map(|(weight, name)| format!("{weight}*{name}")).collect();
        let (state, sum) = (format!("of__{n}"), terms.join(" + "));
        world = world
            .state(state.as_str(), 0.5)
            .derivative(state, format!("base - {sum}"))
            .output(format!("out__{n}"), sum);
    }
    world.compile().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_hostile_name_gives_a_valid_kernel() {
    let names = hostile_names();
    for used_as in [Use::State, Use::Parameter, Use::Let] {
        if let Err(e) = assembled(&names, used_as) {
            let alone: Vec<&String> = names.iter().filter(|name| !is_valid_alone(name, used_as)).collect();
            panic!("{used_as:?}: {e}\nnames that fail alone: {alone:?}");
        }
    }
}

/// An adaptive method has every generated function; few stages make a short module.
fn assembled(names: &[String], used_as: Use) -> ensolve::Result<ensolve::wgsl::KernelSource> {
    let program = hostile_model(names, used_as).program;
    // f32x2 calls functions where f32 has operators.
    assemble(&program, &adaptive("bs23"), Precision::F32x2)?;
    // Its dense output has stages of its own.
    assemble(&program, &adaptive("vern6"), Precision::F32)?;
    assemble(&program, &adaptive("bs23"), Precision::F32)
}

fn is_valid_alone(name: &str, used_as: Use) -> bool {
    assembled(&[name.to_string(), "other".to_string()], used_as).is_ok()
}

/// Keys that become the same identifier: `a.b_c.d` and `a.b.c_d`, `f[0]` and `f_0`.
fn colliding_keys() -> CompiledSpec {
    compiled(
        r#"{"model": "colliding keys",
            "components": {
                "b_c": {"d": {"integrated": 1.0}, "g": {"parameter": 0.5}},
                "b": {"c_d": {"integrated": 2.0}, "c_g": {"parameter": 0.25},
                      "f": {"integrated": [3.0, 4.0]}, "f_0": {"integrated": 5.0}, "f_1_2": {"integrated": 6.0}}},
            "entities": {"a": {"b_c": {}, "b": {}}},
            "systems": {"all": {"derivatives": {
                "a.b_c.d": "-a.b_c.g*a.b_c.d", "a.b.c_d": "-a.b.c_g*a.b.c_d",
                "a.b.f": ["a.b.f[1]", "-a.b.f[0]"], "a.b.f_0": "a.b.f_1_2", "a.b.f_1_2": "-2*a.b.f_0"}}}}"#,
    )
}

/// Rounding apart, the kernel computes with the right quantities: every one has a value of its own.
#[test]
fn hostile_names_compute_what_the_cpu_computes() {
    let keywords = ["fn", "loop", "array", "true_", "struct", "enum", "NULL"];
    let all = keywords.into_iter().chain(KERNEL_NAMES).chain(ODD_NAMES);
    let some: Vec<String> = all.map(str::to_string).collect();
    let mut specs = vec![colliding_keys()];
    specs.extend([Use::State, Use::Parameter, Use::Let].map(|used_as| hostile_model(&some, used_as)));
    let mut backends = backends();
    if backends.len() < 2 {
        return;
    }
    for spec in &specs {
        let [cpu, gpu] = [0, 1].map(|n| end_values(spec, backends[n].backend.as_mut()));
        // Sixteen Heun steps of sums of a few terms: each step rounds a few times.
        let rounding = f64::from(f32::EPSILON);
        assert_close(&gpu, &cpu, rounding, 0.0, 16.0, &spec.name);
    }
}

/// Every saved value of a short run.
fn end_values(spec: &CompiledSpec, backend: &mut dyn ensolve::Backend) -> Vec<f64> {
    let run = RunSettings {
        tspan: Some((0.0, 1.0)),
        method: Some("heun".to_string()),
        dt: Some(0.0625),
        save: Some(Save::At(vec![0.0, 0.3, 1.0])),
        precision: Some(Precision::F32),
        ..RunSettings::default()
    };
    let first = spec.program.state_names[0].clone();
    let vary = [(first, Distribution::Values(vec![1.0, 1.5]))].into_iter().collect();
    let ensemble = Ensemble::new(spec, &EnsembleSettings { size: Some(2), seed: None, sampling: None, vary })
        .expect("an ensemble");
    let result = solve_ensemble(spec, &run, &ensemble, backend).unwrap_or_else(|e| panic!("{}: {e}", spec.name));
    assert_eq!(result.n_finished(), 2, "{}", spec.name);
    result.saved.iter().copied().collect()
}
