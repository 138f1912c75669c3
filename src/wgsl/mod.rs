//! Program and method to a WGSL compute kernel.
//!
//! In: an [`OdeProgram`], a [`Method`] and a precision. Out: a [`KernelSource`], which exists only if naga has
//! validated it. The files of `shaders/` are taken in whole; constants, the model and the unrolled step are printed
//! here. It knows nothing of adapters, inputs or times: one kernel serves every run of a model with a method.
//! The kernels that reduce chunks of trajectories ([`reduce`]) know no model either.

/// A file of `shaders/` and its text.
macro_rules! shader {
    ($name:literal) => {
        (concat!("shaders/", $name), include_str!(concat!("../../shaders/", $name)))
    };
}

mod consts;
mod draw;
mod error_norm;
mod literal;
mod model;
mod names;
pub mod peak;
pub mod reduce;
mod spelling;
mod spirv;
mod step;

pub use consts::WORKGROUP_SIZE;
pub use draw::{ENTRY_KEYS, ENTRY_WORDS, KIND_NONE, draw};

use crate::error::{Error, Result};
use crate::expr::Node;
use crate::job::JobForm;
use crate::method::Method;
use crate::program::OdeProgram;
use crate::real::{Arithmetic, Precision};
use model::Members;
use spelling::Spelling;
use spirv::Kept;
use step::StepPrinter;

/// A part of the module: a file of `shaders/` or a generated section.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    name: String,
    first_line: usize,
}

/// What a kernel is generated for, besides model and method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelOptions {
    /// The number format.
    pub precision: Precision,
    /// What the compiler may do with the arithmetic.
    pub arithmetic: Arithmetic,
    /// Whether the rounding of y + h sum(b k) is carried to the next step.
    pub compensated: bool,
    /// Trajectories of one workgroup.
    pub workgroup_size: u32,
    /// What the job is like.
    pub form: JobForm,
}

impl From<Precision> for KernelOptions {
    fn from(precision: Precision) -> Self {
        KernelOptions {
            precision,
            arithmetic: Arithmetic::Standard,
            compensated: false,
            workgroup_size: WORKGROUP_SIZE,
            form: JobForm::default(),
        }
    }
}

impl KernelOptions {
    /// Whether all arithmetic is kept as written.
    fn keeps_all(&self) -> bool {
        self.kept() == Some(Kept::All)
    }

    /// Whether the adapter's arithmetic must be looked at before such a kernel can be trusted.
    pub fn needs_self_test(&self) -> bool {
        self.arithmetic == Arithmetic::Exact || self.precision == Precision::F32x2
    }

    /// Which arithmetic the compiler has to keep as written, if any.
    fn kept(&self) -> Option<Kept> {
        match (self.arithmetic, self.precision) {
            (Arithmetic::Exact, _) | (_, Precision::F32x2) => Some(Kept::All),
            (_, Precision::F32) => None,
            (_, Precision::F64) => Some(Kept::ErrorFree),
        }
    }
}

/// A validated kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelSource {
    text: String,
    options: KernelOptions,
    spirv: Option<Vec<u32>>,
}

impl KernelSource {
    /// The WGSL text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number format that it computes in.
    pub fn precision(&self) -> Precision {
        self.options.precision
    }

    /// What it was generated for.
    pub fn options(&self) -> KernelOptions {
        self.options
    }

    /// The module as SPIR-V whose rounding is kept as written, where the options need that: in all of the kernel for
    /// exact arithmetic and for f32x2, in the functions that compute rounding errors for f64.
    pub fn spirv(&self) -> Option<&[u32]> {
        self.spirv.as_deref()
    }
}

/// A kernel's text before anything has looked at it.
struct Draft {
    text: String,
    places: Vec<Section>,
    /// The same without seals, for SPIR-V that needs none.
    bare: Option<(String, Vec<Section>)>,
    options: KernelOptions,
}

impl Draft {
    /// Joins sections.
    fn new(sections: &[(&str, &str)], options: KernelOptions) -> Draft {
        let join_with = |seal| join(&sections.iter().copied().chain(seal).collect::<Vec<_>>());
        let is_pair = options.precision == Precision::F32x2;
        let (text, places) = join_with(is_pair.then_some(shader!("seal.wgsl")));
        let bare = is_pair.then(|| join_with(Some(shader!("no_seal.wgsl"))));
        Draft { text, places, bare, options }
    }

    /// Validates the module and translates it where its rounding must be kept.
    ///
    /// # Errors
    /// [`Error::Shader`] if the module is not valid, which is a bug of this crate.
    fn prove(self) -> Result<KernelSource> {
        let Draft { text, places, bare, options } = self;
        let (mut module, mut info) = validate(&text, &places, options.precision)?;
        if let Some((text, places)) = bare {
            (module, info) = validate(&text, &places, options.precision)?;
        }
        let spirv = options.kept().map(|kept| spirv::translate(&module, &info, kept, ERROR_FREE)).transpose()?;
        Ok(KernelSource { text, options, spirv })
    }
}

/// Functions whose names begin so compute rounding errors: a compiler that regroups sums would lose them.
const ERROR_FREE: &str = "math_";

/// Joins the shader files with the generated sections and validates the module.
///
/// # Errors
/// [`Error::Unsupported`] for fast mathematics in anything but f32, [`Error::Run`] for constants out of range,
/// [`Error::MissingFunction`] where functions written in Rust stand for equations,
/// [`Error::Shader`] if the module is not valid, which is a bug of this crate.
pub fn assemble(program: &OdeProgram, method: &Method, options: impl Into<KernelOptions>) -> Result<KernelSource> {
    draft(program, method, options.into())?.prove()
}

/// Joins the shader files with the generated sections.
fn draft(program: &OdeProgram, method: &Method, options: KernelOptions) -> Result<Draft> {
    let precision = options.precision;
    if options.arithmetic == Arithmetic::FastMath && precision != Precision::F32 {
        return Err(Error::Unsupported(format!(
            "fast-math uses the adapter's functions, which exist in f32 only, not in {precision}; use precision f32, or leave out fast-math"
        )));
    }
    program.check_equations("gpu")?;
    program.check_constants(precision)?;
    let members = Members::new(program);
    let printer = StepPrinter {
        stages: &method.stages,
        members: &members,
        spelling: Spelling(precision),
        adaptive: method.is_adaptive(),
        compensated: options.compensated,
        exact: options.arithmetic == Arithmetic::Exact,
        one_tolerance: options.form.one_tolerance,
    };
    let title = format!("// {}, {precision}\n", method.name);
    let consts = title + &consts::consts(program, &options);
    let model = model::model(program, &members, &options);
    let step = printer.print();
    let mut sections: Vec<(&str, &str)> =
        vec![("generated constants", &consts), ("generated model", &model), ("generated step", &step)];
    sections.push(real_section(precision));
    sections.extend([shader!("layout.wgsl"), shader!("lane.wgsl"), shader!("stops.wgsl")]);
    let has_dense_stages = !method.stages.dense_stages.is_empty();
    let save_until = if has_dense_stages { shader!("save_until_dense.wgsl") } else { shader!("save_until.wgsl") };
    sections.extend([shader!("save.wgsl"), save_until]);
    if method.is_adaptive() {
        // What steers the step size need not be accurate, but the CPU's steps are the same in formats that resolve the difference.
        let is_free = options.arithmetic != Arithmetic::Exact && precision == Precision::F32;
        sections.push(if is_free { shader!("powers_built_in.wgsl") } else { shader!("powers.wgsl") });
        sections.push(shader!("controller.wgsl"));
        sections.push(shader!("integrate_adaptive.wgsl"));
    } else {
        sections.push(shader!("integrate_fixed.wgsl"));
    }
    sections.push(shader!("drive.wgsl"));
    if calls_functions(program) {
        sections.extend(math_sections(precision));
    }
    Ok(Draft::new(&sections, options))
}

fn calls_functions(program: &OdeProgram) -> bool {
    let is_call = |node: &Node| matches!(node, Node::Call1(..) | Node::Call2(..));
    let callbacks = program.callbacks.iter().flat_map(|callback| &callback.values.nodes);
    program.rhs.nodes.iter().chain(&program.outputs.nodes).chain(callbacks).any(is_call)
}

/// Lanes that go side by side on most devices: NVIDIA's warp, and half or all of others' waves.
pub const WARP: u32 = 32;

/// Workgroups in the first dimension of a dispatch; WebGPU allows 65535.
pub const GROUPS_X: u32 = 32768;

/// Invocations of a workgroup of the kernel that lists what is unfinished, each for [`WARP`] trajectories.
pub const COMPACT_SIZE: u32 = 64;

/// The kernel that lists, after a dispatch, what is unfinished.
///
/// # Errors
/// [`Error::Shader`] if the module is not valid, which is a bug of this crate.
pub fn compact() -> Result<KernelSource> {
    let consts = consts::compact();
    let options = KernelOptions { workgroup_size: COMPACT_SIZE, ..KernelOptions::from(Precision::F32) };
    Draft::new(&[("generated constants", &consts), shader!("compact.wgsl")], options).prove()
}

/// Numbers that the self-test kernel computes for each of its cases.
pub const SELF_TEST_RESULTS: usize = 8;

/// The kernel of [`gpu`](crate::gpu)'s self-test, compiled as one of the same options would be.
///
/// # Errors
/// [`Error::Shader`] if the module is not valid, which is a bug of this crate.
pub fn self_test(options: KernelOptions) -> Result<KernelSource> {
    let consts = format!(
        "const WORKGROUP_SIZE: u32 = {}u;\nconst N_RESULTS: u32 = {SELF_TEST_RESULTS}u;\n",
        options.workgroup_size
    );
    let test = shader!("self_test.wgsl");
    Draft::new(&[("generated constants", &consts), real_section(options.precision), test], options).prove()
}

/// The arithmetic of a number format.
fn real_section(precision: Precision) -> (&'static str, &'static str) {
    match precision {
        Precision::F32 => shader!("real_f32.wgsl"),
        Precision::F64 => shader!("real_f64.wgsl"),
        Precision::F32x2 => shader!("real_f32x2.wgsl"),
    }
}

/// The functions of the expression language in a number format.
fn math_sections(precision: Precision) -> Vec<(&'static str, &'static str)> {
    let mut sections = match precision {
        Precision::F32 => vec![shader!("math/f32.wgsl"), shader!("math/trig_f32.wgsl")],
        Precision::F64 => vec![shader!("math/f64.wgsl"), shader!("math/trig_f64.wgsl")],
        Precision::F32x2 => return vec![shader!("math/f32x2.wgsl")],
    };
    sections.extend([
        shader!("math/bits.wgsl"),
        shader!("math/round.wgsl"),
        shader!("math/exp.wgsl"),
        shader!("math/log.wgsl"),
        shader!("math/pow.wgsl"),
        shader!("math/trig.wgsl"),
        shader!("math/inverse_trig.wgsl"),
        shader!("math/remainder.wgsl"),
    ]);
    sections
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

/// WGSL's functions that drivers get right in f64. For all others SPIR-V promises nothing in 64 bits, and drivers return
/// garbage without an error; trunc and round are wrong on Mesa's software adapter.
const SAFE_F64: [naga::MathFunction; 4] =
    [naga::MathFunction::Abs, naga::MathFunction::Floor, naga::MathFunction::Ceil, naga::MathFunction::Sqrt];

/// The first built-in function of an f64 that is not safe.
fn unsafe_f64(module: &naga::Module, info: &naga::valid::ModuleInfo) -> Option<naga::MathFunction> {
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let entries = module.entry_points.iter().enumerate().map(|(n, entry)| (&entry.function, info.get_entry_point(n)));
    functions.chain(entries).find_map(|(function, info)| {
        function.expressions.iter().find_map(|(_, expression)| match *expression {
            naga::Expression::Math { fun, arg, .. } => {
                let is_f64 = info[arg].ty.inner_with(&module.types).scalar() == Some(naga::Scalar::F64);
                (is_f64 && !SAFE_F64.contains(&fun)).then_some(fun)
            }
            _ => None,
        })
    })
}

/// Validates with the same checks that wgpu runs, and says in which section an error lies.
fn validate(text: &str, sections: &[Section], precision: Precision) -> Result<(naga::Module, naga::valid::ModuleInfo)> {
    let place = |line: usize| {
        let section = sections.iter().rev().find(|s| s.first_line <= line);
        section.map_or(format!("line {line}"), |s| format!("{}:{}", s.name, line - s.first_line + 1))
    };
    let module = naga::front::wgsl::parse_str(text).map_err(|e| {
        let line = e.location(text).map_or(0, |l| l.line_number as usize);
        Error::Shader(format!("{}: {}", place(line), e.emit_to_string(text)))
    })?;
    let capabilities = match precision {
        Precision::F32 | Precision::F32x2 => naga::valid::Capabilities::empty(),
        Precision::F64 => naga::valid::Capabilities::FLOAT64 | naga::valid::Capabilities::SHADER_INT64,
    };
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    let info = validator.validate(&module).map_err(|e| {
        let line = e.location(text).map_or(0, |l| l.line_number as usize);
        Error::Shader(format!("{}: {}", place(line), e.emit_to_string(text)))
    })?;
    match unsafe_f64(&module, &info) {
        Some(function) => Err(Error::Shader(format!("{function:?} is not to be trusted in f64"))),
        None => Ok((module, info)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_functions_of_f64_are_refused() {
        let module = |value: &str| {
            let text = format!(
                "@group(0) @binding(0) var<storage, read_write> x: array<f64>;\n\
                 @compute @workgroup_size(1) fn main() {{ x[0] = {value}; }}"
            );
            validate(&text, &[], Precision::F64).map(|_| ())
        };
        for bad in ["sin(x[1])", "exp(x[1])", "pow(x[1], x[2])", "round(x[1])", "trunc(x[1])", "max(x[1], x[2])"] {
            let refused = module(bad).expect_err(bad).to_string();
            assert!(refused.contains("not to be trusted in f64"), "{bad}: {refused}");
        }
        for good in ["abs(x[1])", "floor(x[1])", "ceil(x[1])", "sqrt(x[1])", "x[1] / x[2]"] {
            assert_eq!(module(good), Ok(()), "{good}");
        }
    }
}
