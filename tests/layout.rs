//! The generated module, read back through naga, against the Rust definitions that the backends use: buffer layout,
//! bindings, workgroup size and every constant that both languages name.

#![cfg(feature = "gpu")]

mod common;

use common::compiled;
use ensolve::job::{CountRow, JobForm, ParamRows, RunConfig, StateRows};
use ensolve::math::TWO_OVER_PI;
use ensolve::method::{Controller, tableaus};
use ensolve::pair::F32x2;
use ensolve::wgsl::{KernelOptions, WORKGROUP_SIZE, assemble};
use ensolve::{CompiledSpec, Method, Precision, Status};
use naga::{AddressSpace, Expression, Literal, Module, StorageAccess, TypeInner};
use std::mem::offset_of;

/// WebGPU promises this many storage buffers to every compute stage.
const MAX_STORAGE_BUFFERS: usize = 8;

/// Two states, so that no row number is right by chance, one output, and a stop of each trajectory's own.
fn spec() -> CompiledSpec {
    spec_with(r#"["w / 2"]"#)
}

fn spec_with(stops: &str) -> CompiledSpec {
    compiled(&format!(
        r#"{{"model": "spiral", "states": {{"x": 1, "y": 0}}, "parameters": {{"w": 2}},
            "derivatives": {{"x": "-w*y - x", "y": "w*x - y"}}, "outputs": {{"r": "x*x + y*y"}}, "stops": {stops}}}"#
    ))
}

fn methods() -> [Method; 2] {
    let adaptive = Method::adaptive(&tableaus::TSIT5, Controller::default());
    [Method::fixed(&tableaus::RK4, 0.1).expect("a method"), adaptive.expect("a method")]
}

/// The modules of every precision and both step-size rules.
fn modules() -> Vec<(Precision, Module)> {
    let spec = spec();
    let mut all = Vec::new();
    for precision in Precision::ALL {
        for method in methods() {
            let source = assemble(&spec.program, &method, precision).expect("a valid kernel");
            all.push((precision, naga::front::wgsl::parse_str(source.text()).expect("assemble has validated it")));
        }
    }
    all
}

/// Offsets by name, and the size, of the Rust struct.
macro_rules! members_of {
    ($precision:ty: $($member:ident)*) => {
        (vec![$((stringify!($member), offset_of!(RunConfig<$precision>, $member))),*], size_of::<RunConfig<$precision>>())
    };
}

fn rust_members(precision: Precision) -> (Vec<(&'static str, usize)>, usize) {
    macro_rules! all {
        ($precision:ty) => {
            members_of!($precision: n_traj n_save n_steps n_cut first_cut max_steps unused zero safety factor_min factor_max
                beta1 beta2 inv_exponent t0 span dt dt_min dt_max)
        };
    }
    match precision {
        Precision::F32 => all!(f32),
        Precision::F64 => all!(f64),
        Precision::F32x2 => all!(F32x2),
    }
}

#[test]
fn run_config_has_the_layout_of_the_rust_struct() {
    for (precision, module) in modules() {
        let (_, structure) =
            module.types.iter().find(|(_, t)| t.name.as_deref() == Some("RunConfig")).expect("RunConfig is a type");
        let TypeInner::Struct { members, span } = &structure.inner else { panic!("RunConfig is a struct") };
        let wgsl: Vec<(&str, usize)> =
            members.iter().map(|m| (m.name.as_deref().unwrap_or(""), m.offset as usize)).collect();
        let (rust, size) = rust_members(precision);
        assert_eq!(wgsl, rust, "members and offsets in {precision}");
        assert_eq!(*span as usize, size, "size in {precision}");
    }
}

/// How a buffer may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Uniform,
    Read,
    Write,
}

/// The buffers in the order in which the backend binds them.
const BUFFERS: [(&str, Access); 8] = [
    ("config", Access::Uniform),
    ("tables", Access::Uniform),
    ("times", Access::Read),
    ("params", Access::Read),
    ("state", Access::Write),
    ("counts", Access::Write),
    ("saved", Access::Write),
    ("unfinished", Access::Read),
];

fn access(space: AddressSpace) -> Access {
    match space {
        AddressSpace::Uniform => Access::Uniform,
        AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Access::Write,
        AddressSpace::Storage { .. } => Access::Read,
        other => panic!("no buffer lies in {other:?}"),
    }
}

#[test]
fn bindings_are_those_that_the_backend_gives() {
    for (precision, module) in modules() {
        let mut bound: Vec<(u32, u32, &str, Access)> = Vec::new();
        for (_, variable) in module.global_variables.iter() {
            let name = variable.name.as_deref().unwrap_or("");
            let place = variable.binding.unwrap_or_else(|| panic!("'{name}' has no binding"));
            bound.push((place.group, place.binding, name, access(variable.space)));
        }
        bound.sort_unstable();
        let wanted: Vec<_> = (0..).zip(BUFFERS).map(|(binding, (name, access))| (0, binding, name, access)).collect();
        assert_eq!(bound, wanted, "{precision}");
        let storage = bound.iter().filter(|(.., access)| *access != Access::Uniform).count();
        assert!(storage <= MAX_STORAGE_BUFFERS, "{storage} storage buffers");
    }
}

fn real_size(precision: Precision) -> usize {
    match precision {
        Precision::F32 => size_of::<f32>(),
        Precision::F64 => size_of::<f64>(),
        Precision::F32x2 => size_of::<F32x2>(),
    }
}

#[test]
fn elements_of_the_buffers_have_the_size_of_the_rust_numbers() {
    for (precision, module) in modules() {
        let real = real_size(precision);
        let reals = ["times", "params", "state", "saved"].map(|name| (name, real));
        for (name, size) in reals.into_iter().chain(["counts", "unfinished"].map(|name| (name, size_of::<u32>()))) {
            let variable = module.global_variables.iter().find(|(_, v)| v.name.as_deref() == Some(name));
            let ty = variable.unwrap_or_else(|| panic!("no buffer '{name}'")).1.ty;
            let TypeInner::Array { stride, .. } = module.types[ty].inner else { panic!("'{name}' is an array") };
            assert_eq!(stride as usize, size, "elements of '{name}' in {precision}");
        }
    }
}

/// The uniform tables: 2/pi in vectors of four words, then four numbers for each state.
#[test]
fn tables_have_the_layout_that_the_backend_fills() {
    for (precision, module) in modules() {
        let structure = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("Tables")).expect("a type").1;
        let TypeInner::Struct { members, .. } = &structure.inner else { panic!("Tables is a struct") };
        let parts: Vec<(&str, usize, usize)> = members
            .iter()
            .map(|m| match module.types[m.ty].inner {
                TypeInner::Array { stride, .. } => {
                    (m.name.as_deref().unwrap_or(""), m.offset as usize, stride as usize)
                }
                ref other => panic!("{other:?} is not an array"),
            })
            .collect();
        let wanted = [("two_over_pi", 0, 16), ("tolerances", size_of_val(&TWO_OVER_PI), 4 * real_size(precision))];
        assert_eq!(parts, wanted, "{precision}");
    }
}

#[test]
fn the_entry_point_is_main_with_the_workgroup_size_of_the_dispatch() {
    for (precision, module) in modules() {
        let [main] = &module.entry_points[..] else { panic!("one entry point") };
        assert_eq!(main.name, "main");
        assert_eq!(main.stage, naga::ShaderStage::Compute);
        assert_eq!(main.workgroup_size, [WORKGROUP_SIZE, 1, 1], "{precision}");
    }
}

/// Constants of type u32 whose name begins so, in order of their values.
fn constants(module: &Module, prefix: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (_, constant) in module.constants.iter() {
        let name = constant.name.as_deref().unwrap_or("");
        if let Expression::Literal(Literal::U32(value)) = module.global_expressions[constant.init]
            && name.starts_with(prefix)
        {
            found.push((name.to_string(), value as usize));
        }
    }
    found.sort_by_key(|(_, value)| *value);
    found
}

fn named(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
    pairs.iter().map(|(name, value)| (name.to_string(), *value)).collect()
}

#[test]
fn rows_of_the_state_buffer_are_those_that_the_backend_fills_and_reads() {
    let expected = |rows: StateRows| {
        named(&[
            ("ROW_Y", rows.y),
            ("ROW_K1", rows.k1),
            ("ROW_TAU", rows.tau),
            ("ROW_TAU_LOW", rows.tau_low),
            ("ROW_DT", rows.dt),
            ("ROW_ERR_PREV", rows.err_prev),
            ("ROW_Y_LOW", rows.y_low),
            ("ROW_TAU_SEGMENT", rows.tau_segment),
        ])
    };
    let (with_stop, without, method) = (spec(), spec_with("[]"), &methods()[0]);
    let ends = JobForm { saves_end: true, ..JobForm::default() };
    for (spec, precision, compensated, form) in [
        (&with_stop, Precision::F32, false, JobForm::default()),
        (&with_stop, Precision::F32, false, ends),
        (&without, Precision::F32, false, JobForm::default()),
        (&without, Precision::F32, true, ends),
        (&without, Precision::F32x2, false, ends),
        (&without, Precision::F64, false, ends),
    ] {
        let options = KernelOptions { compensated, form, ..KernelOptions::from(precision) };
        let source = assemble(&spec.program, method, options).expect("a valid kernel");
        let module = naga::front::wgsl::parse_str(source.text()).expect("assemble has validated it");
        // Rows at the same place have no order among themselves.
        let sorted = |mut rows: Vec<(String, usize)>| {
            rows.sort();
            rows
        };
        let rows = StateRows::new(&spec.program, compensated, form);
        assert_eq!(sorted(constants(&module, "ROW_")), sorted(expected(rows)), "{precision}");
        assert_eq!(rows.y_is_saved, !compensated && form == ends && !spec.program.has_stops);
        let buffer = if rows.y_is_saved { "saved" } else { "state" };
        assert!(source.text().contains(&format!("{buffer}[at(ROW_Y + 0u, i)] = y.")), "{precision}");
    }
}

#[test]
fn rows_of_the_params_buffer_are_those_that_the_backend_fills() {
    let rows = ParamRows::new(&spec().program, false);
    let expected =
        named(&[("PARAM_ROW_OWN_STOP", rows.own_stop), ("PARAM_ROW_T0", rows.t0), ("PARAM_ROW_SPAN", rows.span)]);
    for (precision, module) in modules() {
        assert_eq!(constants(&module, "PARAM_ROW_"), expected, "{precision}");
    }
}

#[test]
fn rows_of_the_counts_buffer_are_the_variants_of_count_row() {
    let expected: Vec<(String, usize)> = CountRow::ALL
        .iter()
        .map(|row| (format!("COUNT_{}", format!("{row:?}").to_uppercase()), *row as usize))
        .collect();
    for (precision, module) in modules() {
        assert_eq!(constants(&module, "COUNT_"), expected, "{precision}");
    }
}

#[test]
fn status_codes_are_those_of_status() {
    let expected: Vec<(String, usize)> = Status::ALL
        .iter()
        .map(|status| (format!("STATUS_{}", status.name().to_uppercase()), *status as usize))
        .collect();
    for (precision, module) in modules() {
        assert_eq!(constants(&module, "STATUS_"), expected, "{precision}");
    }
}

#[test]
fn sizes_are_those_of_the_program() {
    let program = spec().program;
    let n_state = program.n_state();
    for (precision, module) in modules() {
        let expected = named(&[
            ("N_OWN_STOP", program.n_own_stop),
            ("N_STATE", n_state),
            ("N_TOLERANCE", n_state),
            ("N_ROW", program.n_row()),
            ("N_TWO_OVER_PI", TWO_OVER_PI.len() / 4),
        ]);
        assert_eq!(constants(&module, "N_"), expected, "{precision}");
        assert_eq!(constants(&module, "WORKGROUP_SIZE"), named(&[("WORKGROUP_SIZE", WORKGROUP_SIZE as usize)]));
    }
}

#[test]
fn the_resolution_of_time_is_that_of_the_precision() {
    for (precision, module) in modules() {
        let (_, constant) =
            module.constants.iter().find(|(_, c)| c.name.as_deref() == Some("REAL_EPSILON")).expect("a constant");
        let epsilon = match module.global_expressions[constant.init] {
            Expression::Literal(Literal::F32(x)) => f64::from(x),
            ref other => panic!("REAL_EPSILON is {other:?}"),
        };
        assert_eq!(epsilon, precision.epsilon());
    }
}
