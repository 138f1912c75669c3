//! Program and method to a WGSL compute kernel.
//!
//! In: an [`OdeProgram`], a [`Method`] and a precision. Out: a [`KernelSource`], which exists only if naga has
//! validated it. The files of `shaders/` are taken in whole; constants, the model and the unrolled step are printed
//! here. It knows nothing of adapters, inputs or times: one kernel serves every run of a model with a method.

mod consts;
mod literal;
mod model;
mod names;
mod step;

pub use consts::WORKGROUP_SIZE;

use crate::error::{Error, Result};
use crate::expr::Node;
use crate::method::Method;
use crate::program::{OdeProgram, Program};
use crate::real::Precision;
use model::Members;
use step::StepPrinter;

/// A part of the module: a file of `shaders/` or a generated section.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    name: String,
    first_line: usize,
}

/// A validated kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelSource {
    text: String,
    precision: Precision,
}

impl KernelSource {
    /// The WGSL text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number format that it computes in.
    pub fn precision(&self) -> Precision {
        self.precision
    }
}

/// Joins the shader files with the generated sections and validates the module.
///
/// # Errors
/// [`Error::Unsupported`] for an f64 model that needs functions which exist in f32 only, [`Error::Shader`] if the
/// module is not valid, which is a bug of this crate.
pub fn assemble(program: &OdeProgram, method: &Method, precision: Precision) -> Result<KernelSource> {
    program.check_constants(precision)?;
    let members = Members::new(program);
    let uses_math = needs_math(program, precision)?;
    let printer = StepPrinter { stages: &method.stages, members: &members, precision, adaptive: method.is_adaptive() };
    let title = format!("// {} by {}, {precision}\n", program.name.replace(['\n', '\r'], " "), method.name);
    let consts = title + &consts::consts(program, precision);
    let model = model::model(program, &members, precision);
    let step = printer.print();
    let mut sections: Vec<(&str, &str)> = vec![
        ("generated constants", &consts),
        ("generated model", &model),
        ("generated step", &step),
        match precision {
            Precision::F32 => ("shaders/real_f32.wgsl", include_str!("../../shaders/real_f32.wgsl")),
            Precision::F64 => ("shaders/real_f64.wgsl", include_str!("../../shaders/real_f64.wgsl")),
        },
        ("shaders/layout.wgsl", include_str!("../../shaders/layout.wgsl")),
        ("shaders/lane.wgsl", include_str!("../../shaders/lane.wgsl")),
        ("shaders/save.wgsl", include_str!("../../shaders/save.wgsl")),
    ];
    if method.is_adaptive() {
        sections.push(("shaders/controller.wgsl", include_str!("../../shaders/controller.wgsl")));
        sections.push(("shaders/integrate_adaptive.wgsl", include_str!("../../shaders/integrate_adaptive.wgsl")));
    } else {
        sections.push(("shaders/integrate_fixed.wgsl", include_str!("../../shaders/integrate_fixed.wgsl")));
    }
    sections.push(("shaders/drive.wgsl", include_str!("../../shaders/drive.wgsl")));
    if uses_math {
        sections.push(("shaders/math.wgsl", MATH));
    }
    let (text, sections) = join(&sections);
    validate(&text, &sections, precision)?;
    Ok(KernelSource { text, precision })
}

/// The f32 functions of the expression language.
pub const MATH: &str = include_str!("../../shaders/math.wgsl");

/// Whether the model calls a function of `math.wgsl`, which is f32.
fn needs_math(program: &OdeProgram, precision: Precision) -> Result<bool> {
    let calls = |program: &Program| -> Vec<&'static str> {
        let rows = program.nodes.iter().filter_map(|node| match node {
            Node::Call1(func, _) | Node::Call2(func, ..) => Some(func.row()),
            _ => None,
        });
        rows.filter(|row| row.wgsl.starts_with("math_")).map(|row| row.name).collect()
    };
    let mut called = [calls(&program.rhs), calls(&program.outputs)].concat();
    called.sort_unstable();
    called.dedup();
    if precision == Precision::F64 && !called.is_empty() {
        return Err(Error::Unsupported(format!(
            "on a GPU, {} can be computed in f32 only; use precision f32, or the backend cpu for f64",
            called.join(", ")
        )));
    }
    Ok(!called.is_empty())
}

fn join(parts: &[(&str, &str)]) -> (String, Vec<Section>) {
    let (mut text, mut sections) = (String::new(), Vec::new());
    for (name, part) in parts {
        text.push_str(&format!("// ==== {name} ====\n\n"));
        sections.push(Section { name: name.to_string(), first_line: text.lines().count() + 1 });
        text.push_str(part.trim_end());
        text.push_str("\n\n");
    }
    (text, sections)
}

/// Validates with the same checks that wgpu runs, and says in which section an error lies.
fn validate(text: &str, sections: &[Section], precision: Precision) -> Result<()> {
    let place = |line: usize| {
        let section = sections.iter().rev().find(|s| s.first_line <= line);
        section.map_or(format!("line {line}"), |s| format!("{}:{}", s.name, line - s.first_line + 1))
    };
    let module = naga::front::wgsl::parse_str(text).map_err(|e| {
        let line = e.location(text).map_or(0, |l| l.line_number as usize);
        Error::Shader(format!("{}: {}", place(line), e.emit_to_string(text)))
    })?;
    let capabilities = match precision {
        Precision::F32 => naga::valid::Capabilities::empty(),
        Precision::F64 => naga::valid::Capabilities::FLOAT64,
    };
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    validator.validate(&module).map_err(|e| {
        let line = e.location(text).map_or(0, |l| l.line_number as usize);
        Error::Shader(format!("{}: {}", place(line), e.emit_to_string(text)))
    })?;
    Ok(())
}
