//! The model as WGSL: its state and parameter structs, their loads and stores, derivatives and outputs.
//!
//! States and parameters are members with the user's names, so that `rhs` reads like the model.

use super::KernelOptions;
use super::literal::literal;
use super::names::Namer;
use super::spelling::Spelling;
use crate::expr::func::Func;
use crate::infix::{self, Style};
use crate::job::StateRows;
use crate::program::{OdeProgram, Program};
use crate::real::Arithmetic;

/// Members of the generated structs.
pub struct Members {
    /// One for each state slot.
    pub state: Vec<String>,
    /// One for each parameter slot.
    pub params: Vec<String>,
}

impl Members {
    /// Names the members after the model's slots.
    pub fn new(program: &OdeProgram) -> Self {
        let members = |names: &[String]| {
            let mut namer = Namer::members();
            names.iter().map(|name| namer.name(name)).collect()
        };
        Members { state: members(&program.state_names), params: members(&program.param_names) }
    }
}

/// A struct of `real` members; WGSL has no empty structs.
pub fn structure(name: &str, members: &[String]) -> String {
    let unused = ["unused".to_string()];
    let members = if members.is_empty() { unused.as_slice() } else { members };
    let lines: String = members.iter().map(|member| format!("    {member}: real,\n")).collect();
    format!("struct {name} {{\n{lines}}}\n")
}

/// `fn NAME(ARGUMENTS) -> State`, built member by member.
pub fn state_function(
    signature: &str,
    setup: &[String],
    members: &[String],
    value: impl Fn(usize, &str) -> String,
) -> String {
    let mut out = format!("fn {signature} -> State {{\n");
    setup.iter().for_each(|line| out.push_str(&format!("    {line}\n")));
    out.push_str("    var d: State;\n");
    for (slot, member) in members.iter().enumerate() {
        out.push_str(&format!("    d.{member} = {};\n", value(slot, member)));
    }
    out.push_str("    return d;\n}\n");
    out
}

/// Structs, loads and stores, `rhs` and `save_row`.
pub fn model(program: &OdeProgram, members: &Members, options: &KernelOptions) -> String {
    let mut parts = vec![structure("State", &members.state), structure("Params", &members.params)];
    parts.push(load("load_params", "Params", "params", "", &members.params));
    let rows = StateRows::new(program, options.compensated, options.form);
    let y_buffer = if rows.y_is_saved { "saved" } else { "state" };
    parts.push(load("load_y", "State", y_buffer, "ROW_Y + ", &members.state));
    parts.push(load("load_k1", "State", "state", "ROW_K1 + ", &members.state));
    parts.push(store("store_y", y_buffer, "ROW_Y", &members.state));
    parts.push(store("store_k1", "state", "ROW_K1", &members.state));
    parts.push(low(&members.state, options.compensated));
    let (setup, results) = body(&program.rhs, members, options);
    parts.push(state_function("rhs(t: real, y: State, p: Params)", &setup, &members.state, |slot, _| {
        results[slot].clone()
    }));
    parts.push(save_row(program, members, options, rows.y_is_saved));
    parts.push(fire(program, members, options));
    parts.join("\n")
}

/// What each callback does, by its number from 1 on.
fn fire(program: &OdeProgram, members: &Members, options: &KernelOptions) -> String {
    let signature = "fn fire(callback: u32, t: real, fired: ptr<function, State>, low: ptr<function, Low>, p: Params)";
    if program.callbacks.is_empty() {
        return format!("{signature} {{}}\n");
    }
    let mut out = format!("{signature} {{\n    let y = *fired;\n    switch callback {{\n");
    for (number, callback) in (1..).zip(&program.callbacks) {
        out.push_str(&format!("        // {}\n        case {number}u: {{\n", callback.name));
        let (setup, results) = body(&callback.values, members, options);
        setup.iter().for_each(|line| out.push_str(&format!("            {line}\n")));
        for (slot, value) in callback.slots.iter().zip(results) {
            let member = &members.state[*slot as usize];
            out.push_str(&format!("            (*fired).{member} = {value};\n"));
            if options.compensated {
                out.push_str(&format!("            (*low).{member} = real_of(0.0);\n"));
            }
        }
        out.push_str("        }\n");
    }
    out + "        default: {}\n    }\n}\n"
}

fn load(name: &str, structure: &str, buffer: &str, first_row: &str, members: &[String]) -> String {
    let lines: String = members
        .iter()
        .enumerate()
        .map(|(n, member)| format!("    d.{member} = {buffer}[at({first_row}{n}u, i)];\n"))
        .collect();
    format!("fn {name}(i: u32) -> {structure} {{\n    var d: {structure};\n{lines}    return d;\n}}\n")
}

fn store(name: &str, buffer: &str, first_row: &str, members: &[String]) -> String {
    let lines: String = members
        .iter()
        .enumerate()
        .map(|(n, member)| format!("    {buffer}[at({first_row} + {n}u, i)] = y.{member};\n"))
        .collect();
    format!("fn {name}(i: u32, y: State) {{\n{lines}}}\n")
}

/// What rounding took from y, if that is carried along; WGSL has no empty structs.
fn low(members: &[String], compensated: bool) -> String {
    if compensated {
        let functions = [
            load("load_low", "Low", "state", "ROW_Y_LOW + ", members),
            store("store_low", "state", "ROW_Y_LOW", members),
        ];
        return format!("alias Low = State;\n\n{}", functions.join("\n"));
    }
    let functions = "fn load_low(i: u32) -> Low {\n    return Low(0u);\n}\n\nfn store_low(i: u32, y: Low) {}\n";
    format!("struct Low {{ unused: u32 }}\n\n{functions}")
}

/// Writes a row, and returns 1 and the position of the first value that is worth nothing: a state that is not finite, or
/// an output that is NaN (infinity may be an honest output, such as log(0)). The states are left to the end of the dispatch
/// where y rests there.
fn save_row(program: &OdeProgram, members: &Members, options: &KernelOptions, y_is_saved: bool) -> String {
    let (setup, results) = body(&program.outputs, members, options);
    let mut out = "fn save_row(index: u32, i: u32, t: real, y: State, p: Params) -> u32 {\n".to_string();
    setup.iter().for_each(|line| out.push_str(&format!("    {line}\n")));
    // A step whose end is not finite is rejected.
    let checked = if options.form.saves_end { "0u" } else { "first_non_finite(y)" };
    out.push_str(&format!("    var culprit = {checked};\n"));
    let states = if y_is_saved { &[][..] } else { &members.state };
    for (row, member) in states.iter().enumerate() {
        out.push_str(&format!("    saved[at(index * N_ROW + {row}u, i)] = y.{member};\n"));
    }
    for (row, value) in results.iter().enumerate().map(|(n, value)| (members.state.len() + n, value)) {
        let name = format!("row_{row}");
        out.push_str(&format!("    let {name}: real = {value};\n    saved[at(index * N_ROW + {row}u, i)] = {name};\n"));
        out.push_str(&format!("    culprit = select(culprit, {}u, culprit == 0u && is_nan({name}));\n", row + 1));
    }
    out.push_str("    return culprit;\n}\n");
    out
}

/// A program's statements as `let` lines, and its results.
fn body(program: &Program, members: &Members, options: &KernelOptions) -> (Vec<String>, Vec<String>) {
    let mut style = Wgsl { members, options, namer: Namer::locals(), count: 0 };
    let (statements, results) = infix::print(program, &mut style);
    (statements.into_iter().map(|s| format!("let {} = {};", s.name, s.text)).collect(), results)
}

struct Wgsl<'a> {
    members: &'a Members,
    options: &'a KernelOptions,
    namer: Namer,
    /// Statements so far.
    count: usize,
}

impl Style for Wgsl<'_> {
    fn constant(&self, value: f64) -> String {
        let literal = literal(value, self.options.precision);
        // Mesa's software adapter takes 0 x and 0 / x for 0 whatever x is, even where arithmetic is kept as written.
        if value == 0.0 && self.options.keeps_all() { format!("opaque({literal})") } else { literal }
    }
    fn same(&self, value: String) -> String {
        // And x - x, whose value is NaN for an infinity.
        if self.options.keeps_all() { format!("opaque({value})") } else { value }
    }
    fn state(&self, slot: usize) -> String {
        format!("y.{}", self.members.state[slot])
    }
    fn param(&self, slot: usize) -> String {
        format!("p.{}", self.members.params[slot])
    }
    fn function(&self, func: Func) -> String {
        match (self.options.arithmetic, func.row().built_in) {
            (Arithmetic::FastMath, Some(name)) => name.to_string(),
            _ => format!("math_{}", func.row().name),
        }
    }
    fn operator(&self, symbol: &str) -> Option<&'static str> {
        let functions = [
            ("+", "add"),
            ("-", "sub"),
            ("*", "mul"),
            ("/", "div"),
            ("<", "less"),
            ("<=", "less_equal"),
            ("==", "equal"),
            ("negate", "neg"),
        ];
        let spelled = |(known, function): &(&str, &'static str)| (*known == symbol).then_some(*function);
        if Spelling(self.options.precision).has_operators() { None } else { functions.iter().find_map(spelled) }
    }
    fn select(&self, c: &str, a: &str, b: &str) -> String {
        format!("select({b}, {a}, {c})")
    }
    fn not_equal(&self, a: &str, b: &str) -> String {
        // naga spells WGSL's != as an ordered comparison, which is false for NaN.
        match self.operator("==") {
            Some(equal) => format!("!{equal}({a}, {b})"),
            None => format!("!({a} == {b})"),
        }
    }
    fn name(&mut self, label: Option<&str>) -> String {
        self.count += 1;
        match label {
            Some(label) => self.namer.name(label),
            None => self.namer.name(&format!("v{}", self.count)),
        }
    }
}
