//! The readable listing of a compiled model: sizes, names, values and equations.

use super::CompiledSpec;
use crate::expr::func::Func;
use crate::expr::value::count;
use crate::infix::{self, Style};
use crate::program::{OdeProgram, Program};
use std::fmt;

/// Spells slots by their names in the model.
struct Listing<'a> {
    names: &'a OdeProgram,
    count: usize,
}

impl Style for Listing<'_> {
    fn constant(&self, value: f64) -> String {
        value.to_string()
    }
    fn state(&self, slot: usize) -> String {
        self.names.state_names[slot].clone()
    }
    fn param(&self, slot: usize) -> String {
        self.names.param_names[slot].clone()
    }
    fn function(&self, func: Func) -> String {
        func.row().name.to_string()
    }
    fn select(&self, c: &str, a: &str, b: &str) -> String {
        format!("({c} ? {a} : {b})")
    }
    fn not_equal(&self, a: &str, b: &str) -> String {
        format!("({a} != {b})")
    }
    fn name(&mut self, label: Option<&str>) -> String {
        self.count += 1;
        label.map_or_else(|| format!("v{}", self.count), |label| format!("{label}#{}", self.count))
    }
}

impl fmt::Display for CompiledSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        let title = self.title();
        writeln!(
            f,
            "{title}: {}, {}, {}; {} per derivative",
            count(program.n_state(), "state"),
            count(program.n_param(), "parameter"),
            count(program.n_output(), "output"),
            count(program.rhs.nodes.iter().filter(|node| node.operands().next().is_some()).count(), "operation")
        )?;
        let features: Vec<&str> = self.required_features.iter().map(|feature| feature.name()).collect();
        writeln!(f, "features: {}", if features.is_empty() { "none".to_string() } else { features.join(", ") })?;
        writeln!(f, "jacobian: {} of {} entries can be non-zero", self.jac_sparsity_rows.len(), self.x0.len().pow(2))?;
        for (title, names, values) in
            [("states", &program.state_names, &self.x0), ("parameters", &program.param_names, &self.p)]
        {
            writeln!(f, "{title}:")?;
            for (i, (name, value)) in names.iter().zip(values).enumerate() {
                let algebraic = title == "states" && self.differential_mask[i] == 0.0;
                writeln!(f, "  {i:>3}  {name} = {value}{}", if algebraic { "  (algebraic)" } else { "" })?;
            }
        }
        let (own_stops, own) = infix::print(&self.own_stops, &mut Listing { names: program, count: 0 });
        let stops: Vec<String> = self.stops.iter().map(f64::to_string).chain(own).collect();
        if !stops.is_empty() {
            writeln!(f, "stops: {}", stops.join(", "))?;
            own_stops.iter().try_for_each(|part| writeln!(f, "  {} = {}", part.name, part.text))?;
        }
        for (callback, sets) in self.callbacks.iter().zip(&program.callbacks) {
            let start = if callback.at_start { ", from the start on" } else { "" };
            let title = format!("callback {} every {}{start}", callback.name, callback.dt);
            let slots = if sets.function.is_some() { &[][..] } else { &sets.slots };
            let targets: Vec<String> = slots.iter().map(|slot| program.state_names[*slot as usize].clone()).collect();
            if targets.is_empty() {
                writeln!(f, "{title}")?;
            }
            equations(f, &title, program, &sets.values, &targets)?;
        }
        functions(f, program)?;
        let derivatives: Vec<String> = program.state_names.iter().map(|name| format!("d({name})/dt")).collect();
        equations(f, "derivatives", program, &program.rhs, &derivatives)?;
        equations(f, "outputs", program, &program.outputs, &program.output_names)
    }
}

/// Functions written in Rust: `v' += drive(t, x)` for a system, `u = pid(t, x)` for a callback.
fn functions(f: &mut fmt::Formatter<'_>, program: &OdeProgram) -> fmt::Result {
    let slot = |slot: &u32| program.state_names[*slot as usize].clone();
    let derivative = |state: &u32| format!("d({})/dt", slot(state));
    let list = |names: Vec<String>| names.join(", ");
    let systems = program.systems.iter();
    let systems = systems.map(|s| (&s.name, &s.reads, list(s.slots.iter().map(derivative).collect()) + " +="));
    let callbacks = program.callbacks.iter().filter(|callback| callback.function.is_some());
    let callbacks = callbacks.map(|c| (&c.name, &c.values, list(c.slots.iter().map(slot).collect()) + " ="));
    for (i, (name, reads, target)) in systems.chain(callbacks).enumerate() {
        if i == 0 {
            writeln!(f, "functions:")?;
        }
        let (statements, results) = infix::print(reads, &mut Listing { names: program, count: 0 });
        for statement in statements {
            writeln!(f, "  {} = {}", statement.name, statement.text)?;
        }
        writeln!(f, "  {target} {name}({})", list([vec!["t".to_string()], results].concat()))?;
    }
    Ok(())
}

fn equations(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    names: &OdeProgram,
    program: &Program,
    targets: &[String],
) -> fmt::Result {
    if targets.is_empty() {
        return Ok(());
    }
    let (statements, results) = infix::print(program, &mut Listing { names, count: 0 });
    writeln!(f, "{title}:")?;
    for statement in statements {
        writeln!(f, "  {} = {}", statement.name, statement.text)?;
    }
    for (target, text) in targets.iter().zip(results) {
        writeln!(f, "  {target} = {text}")?;
    }
    Ok(())
}
