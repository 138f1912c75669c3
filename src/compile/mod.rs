//! World to [`CompiledSpec`]: flat vectors, index maps, features and one program for all derivatives.
//!
//! In: a [`World`]. Out: what the integrators and the results need, with every name resolved and every size checked.
//! It does not choose a method, a precision or inputs: one compiled model serves every run of it. Contributions of
//! several systems to one derivative are added in the order of the systems, those by functions written in Rust after those
//! of all equations.

mod display;
mod functions;
mod initial;
mod layout;
mod scope;
mod systems;

pub use initial::InitialValue;
pub(crate) use layout::key;
pub use layout::slot_names;

use crate::error::{Error, Result, suggest};
use crate::expr::value::Value;
use crate::expr::{ExprId, Node};
use crate::native::CallbackFn;
use crate::program::{CallbackProgram, OdeProgram, Program, SystemProgram};
use crate::spec::json::join;
use crate::spec::{Map, NAMELESS, Role, World};
use functions::{callback_function, system_functions};
use initial::{defaults, initial_values};
use layout::Place;
use scope::{At, Names};
use std::sync::{Arc, OnceLock};
use systems::{Sums, instances};

/// What a model needs from a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Fields with more than one element.
    VectorFields,
    /// Discrete fields.
    DiscreteFields,
    /// Continuous fields: outputs computed by systems.
    ContinuousFields,
    /// Algebraic constraints (a differential-algebraic system).
    DaeConstraints,
    /// Scheduled callbacks.
    ControlCallbacks,
    /// Times at which the integration is cut.
    Stops,
    /// Systems or callbacks that are functions written in Rust.
    NativeFunctions,
}

impl Feature {
    /// The name in messages and listings.
    pub fn name(self) -> &'static str {
        match self {
            Feature::VectorFields => "vector_fields",
            Feature::DiscreteFields => "discrete_fields",
            Feature::ContinuousFields => "continuous_fields",
            Feature::DaeConstraints => "dae_constraints",
            Feature::ControlCallbacks => "control_callbacks",
            Feature::Stops => "stops",
            Feature::NativeFunctions => "native_functions",
        }
    }

    /// What to do on a backend that lacks it.
    pub fn remedy(self) -> &'static str {
        match self {
            Feature::DaeConstraints => {
                "no backend has it yet; solve the constraint for its unknown and write that as a 'let'"
            }
            Feature::NativeFunctions => "write them as expressions, or use the backend cpu",
            _ => "use the backend cpu",
        }
    }
}

/// First and one-past-last slot of a field.
pub type SlotRange = (usize, usize);

/// A callback's schedule, for listings and feature checks.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledCallback {
    /// Its name.
    pub name: String,
    /// Its period.
    pub dt: f64,
    /// Whether it fires at t0 too.
    pub at_start: bool,
}

/// A model, flattened.
#[derive(Debug, Clone)]
pub struct CompiledSpec {
    /// Title of the model.
    pub name: String,
    /// State key to its slots.
    pub state_index_map: Map<SlotRange>,
    /// Parameter key to its slots.
    pub param_index_map: Map<SlotRange>,
    /// Output key to its slots.
    pub output_index_map: Map<SlotRange>,
    /// Default initial state, one value for each state slot.
    pub x0: Vec<f64>,
    /// Default parameters, one value for each parameter slot.
    pub p: Vec<f64>,
    /// 1 for a differential slot, 0 for an algebraic one.
    pub differential_mask: Vec<f64>,
    /// Whether each state slot is one of a discrete field, which keeps its value between firings.
    pub is_discrete: Vec<bool>,
    /// Periods of discrete fields, ascending, without duplicates.
    pub discrete_dts: Vec<f64>,
    /// What the model needs from a backend, in order.
    pub required_features: Vec<Feature>,
    /// Row (derivative slot) of each structural non-zero of the Jacobian, sorted by row, then column.
    pub jac_sparsity_rows: Vec<usize>,
    /// Column (state slot) of each structural non-zero.
    pub jac_sparsity_cols: Vec<usize>,
    /// Callbacks in firing order; what they do stands in `program`.
    pub callbacks: Vec<CompiledCallback>,
    /// Times at which the integration of every trajectory is cut.
    pub stops: Vec<f64>,
    /// Times at which the integration of a trajectory is cut, of t0, its initial states and its parameters.
    pub own_stops: Program,
    /// Start and end time of each trajectory, where the model gives them as expressions of its parameters.
    pub own_tspan: Option<Program>,
    /// Values that are expressions, in order of evaluation.
    pub initial_values: Vec<InitialValue>,
    /// The equations.
    pub program: OdeProgram,
    /// The same model with time running backward, made when first asked for.
    reversed: OnceLock<Arc<CompiledSpec>>,
}

/// Stack of the compiling thread: nested expressions of a model may go [`scope`]'s limit deep.
const COMPILER_STACK: usize = 64 << 20;

impl World {
    /// Checks and flattens the model.
    ///
    /// # Errors
    /// [`Error::Model`] with the JSON path and, inside an expression, the column of what is wrong.
    pub fn compile(&self) -> Result<CompiledSpec> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(COMPILER_STACK).spawn_scoped(scope, || compile(self));
            let thread = thread.map_err(|e| Error::run(format!("cannot start the compiling thread: {e}")))?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl CompiledSpec {
    /// Title of the model for people.
    pub fn title(&self) -> &str {
        title(&self.name)
    }

    /// Number of state slots.
    pub fn state_size(&self) -> usize {
        self.x0.len()
    }

    /// Number of parameter slots.
    pub fn param_size(&self) -> usize {
        self.p.len()
    }

    /// The model in the time s = -t: dy/ds = -f(-s, y), with the stops at the negative of their times.
    pub fn reversed(&self) -> &CompiledSpec {
        self.reversed.get_or_init(|| {
            let of = |program: &Program| program.of_reversed_time(false);
            let callback = |callback: &CallbackProgram| CallbackProgram {
                values: of(&callback.values),
                function: callback.function.as_ref().map(CallbackFn::of_reversed_time),
                ..callback.clone()
            };
            let system = |system: &SystemProgram| SystemProgram {
                reads: of(&system.reads),
                function: system.function.of_reversed_time(),
                ..system.clone()
            };
            let value = |value: &InitialValue| InitialValue { program: of(&value.program), ..value.clone() };
            Arc::new(CompiledSpec {
                stops: self.stops.iter().map(|t| 0.0 - t).collect(),
                own_stops: self.own_stops.of_reversed_time(true),
                own_tspan: self.own_tspan.as_ref().map(|program| program.of_reversed_time(true)),
                initial_values: self.initial_values.iter().map(value).collect(),
                program: OdeProgram {
                    rhs: self.program.rhs.of_reversed_time(true),
                    systems: self.program.systems.iter().map(system).collect(),
                    outputs: of(&self.program.outputs),
                    callbacks: self.program.callbacks.iter().map(callback).collect(),
                    ..self.program.clone()
                },
                reversed: OnceLock::new(),
                ..self.clone()
            })
        })
    }

    /// First slot of a state key.
    pub fn state_idx(&self, key: &str) -> Option<usize> {
        self.state_index_map.get(key).map(|(start, _)| *start)
    }

    /// First slot of a parameter key.
    pub fn param_idx(&self, key: &str) -> Option<usize> {
        self.param_index_map.get(key).map(|(start, _)| *start)
    }
}

/// The title of a model for people.
pub(crate) fn title(name: &str) -> &str {
    if name.is_empty() { "(unnamed model)" } else { name }
}

fn compile(world: &World) -> Result<CompiledSpec> {
    let places = layout::layout(world)?;
    let mut names = Names::new(world, &places)?;
    let n_state = count_slots(&places, Place::is_state);
    let n_continuous = count_slots(&places, Place::is_output);

    let mut sums = Sums { derivatives: vec![None; n_state], values: vec![None; n_continuous] };
    let mut systems = Vec::new();
    for (index, (name, system)) in world.systems.iter().enumerate() {
        let path = if name == NAMELESS { String::new() } else { join("systems", name) };
        if system.is_empty() && name != NAMELESS {
            return Err(Error::model(
                path,
                format!(
                    "system '{name}' has no equations and no function; give it derivatives, values, residuals or a function, or leave it out"
                ),
            ));
        }
        for instance in instances(world, index, system, &path)? {
            sums.add(&mut names, &places, system, &path, &instance)?;
            systems.extend(system_functions(&mut names, &places, (name, system), &path, &instance)?);
        }
    }
    require_derivatives(world, &places, &sums, &systems)?;
    for (name, source) in &world.lets {
        names.value(source, &join("let", name), At::Model)?;
    }

    let zero = names.graph.constant(0.0);
    let rhs: Vec<ExprId> = sums.derivatives.iter().map(|sum| sum.unwrap_or(zero)).collect();
    let mut outputs: Vec<ExprId> = sums.values.iter().map(|sum| sum.unwrap_or(zero)).collect();
    let mut output_index_map = index_map(&places, Place::is_output);
    let mut output_names: Vec<String> =
        places.iter().filter(|(_, p)| p.is_output()).flat_map(|(key, place)| place.slot_names(key)).collect();
    for (name, source) in &world.outputs {
        let path = join("outputs", name);
        let value = match names.value(source, &path, At::Model)? {
            Value::Number(elements) => elements,
            _ => return Err(Error::model(path, "an output must be a number; write 'condition ? 1 : 0'")),
        };
        output_names.extend(slot_names(name, value.length()));
        let start = outputs.len();
        outputs.extend((0..value.length().unwrap_or(1)).map(|i| value.at(i)));
        output_index_map.insert(name.clone(), (start, outputs.len()));
    }
    let callbacks = callbacks(world, &places, &mut names)?;
    let (stops, own_stops) = stops(world, &mut names)?;
    let own_tspan = own_tspan(world, &mut names)?;
    let discrete_dts = discrete_dts(&places)?;

    let initial_values = initial_values(&places, &mut names)?;
    let (x0, p) = defaults(&places, &initial_values, world.run.tspan.map_or(0.0, |(t0, _)| t0))?;
    let slots = |pick: fn(&Place) -> bool| -> Vec<String> {
        places.iter().filter(|(_, p)| pick(p)).flat_map(|(key, place)| place.slot_names(key)).collect()
    };
    let program = OdeProgram {
        state_names: slots(Place::is_state),
        param_names: slots(is_param),
        output_names,
        rhs: Program::lower(&names.graph, &rhs),
        systems,
        outputs: Program::lower(&names.graph, &outputs),
        has_stops: !(callbacks.is_empty() && world.stops.is_empty() && discrete_dts.is_empty()),
        n_own_stop: own_stops.roots.len(),
        callbacks,
    };
    let (jac_sparsity_rows, jac_sparsity_cols) = jacobian_sparsity(&program);
    Ok(CompiledSpec {
        name: world.name.clone(),
        state_index_map: index_map(&places, Place::is_state),
        param_index_map: index_map(&places, is_param),
        output_index_map,
        differential_mask: differential_mask(&places),
        is_discrete: is_discrete(&places),
        discrete_dts,
        required_features: required_features(world, &places),
        jac_sparsity_rows,
        jac_sparsity_cols,
        callbacks: world
            .callbacks
            .iter()
            .map(|(name, c)| CompiledCallback { name: name.clone(), dt: c.dt, at_start: c.at_start })
            .collect(),
        stops,
        own_stops,
        own_tspan,
        initial_values,
        x0,
        p,
        program,
        reversed: OnceLock::new(),
    })
}

fn is_param(place: &Place) -> bool {
    place.role == Role::Parameter
}

fn count_slots(places: &Map<Place>, pick: fn(&Place) -> bool) -> usize {
    places.values().filter(|p| pick(p)).map(|p| p.len).sum()
}

fn index_map(places: &Map<Place>, pick: fn(&Place) -> bool) -> Map<SlotRange> {
    places.iter().filter(|(_, p)| pick(p)).map(|(key, p)| (key.clone(), (p.start, p.start + p.len))).collect()
}

/// In the short form every state needs a derivative; in the long form no contribution means a constant.
fn require_derivatives(world: &World, places: &Map<Place>, sums: &Sums, systems: &[SystemProgram]) -> Result<()> {
    if !world.entities.contains_key(NAMELESS) {
        return Ok(());
    }
    let is_given = |slot: usize| {
        sums.derivatives[slot].is_some() || systems.iter().any(|system| system.slots.contains(&(slot as u32)))
    };
    match places.iter().find(|(_, p)| p.is_state() && !is_given(p.start)) {
        Some((key, _)) => {
            Err(Error::model("derivatives", format!("state '{key}' has no derivative; write \"{key}\": 0 for none")))
        }
        None => Ok(()),
    }
}

/// What the callbacks do.
fn callbacks(world: &World, places: &Map<Place>, names: &mut Names) -> Result<Vec<CallbackProgram>> {
    if let Some(name) = world.repeated_callbacks.first() {
        return Err(Error::model(join("callbacks", name), format!("'{name}' is defined twice")));
    }
    let mut programs = Vec::new();
    for (name, callback) in &world.callbacks {
        let path = join("callbacks", name);
        if !(callback.dt.is_finite() && callback.dt > 0.0) {
            return Err(Error::model(
                join(&path, "dt"),
                format!("callback '{name}': dt must be > 0, got {}", callback.dt),
            ));
        }
        if let Some((parameter, value)) = callback.parameters.iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::model(
                join(&join(&path, "parameters"), parameter),
                format!("callback '{name}': {parameter} must be a finite number, got {value}"),
            ));
        }
        let (mut slots, mut values) = (Vec::new(), Vec::new());
        for (key, source) in &callback.set {
            let path = join(&join(&path, "set"), key);
            let place = state_to_set(places, name, key, &path)?;
            let at = At::Callback(&callback.parameters);
            let value = names.number(source, &path, at, place.vector.then_some(place.len))?;
            for i in 0..place.len {
                slots.push((place.start + i) as u32);
                values.push(value.at(i));
            }
        }
        let values = Program::lower(&names.graph, &values);
        programs.push(match &callback.function {
            Some(function) => callback_function(names, places, (name, callback), function, &path)?,
            None => CallbackProgram { name: name.clone(), slots, values, function: None },
        });
    }
    Ok(programs)
}

/// The state that a callback sets.
fn state_to_set<'p>(places: &'p Map<Place>, callback: &str, key: &str, path: &str) -> Result<&'p Place> {
    let place = places.get(key);
    place.filter(|p| p.is_state()).ok_or_else(|| {
        let known = places.iter().filter(|(_, p)| p.is_state()).map(|(key, _)| key.as_str());
        let message = match place.is_some_and(is_param) {
            true => format!(
                "callback '{callback}' sets '{key}', a parameter, constant during a solve; make it a discrete field{}",
                suggest("states that it can set", "", known)
            ),
            false => {
                format!("callback '{callback}' sets unknown state key '{key}'{}", suggest("known names", key, known))
            }
        };
        Error::model(path, message)
    })
}

/// The times of the model's stops: those that are the same for all trajectories, and a program for the others.
fn stops(world: &World, names: &mut Names) -> Result<(Vec<f64>, Program)> {
    let (mut common, mut own) = (Vec::new(), Vec::new());
    for (i, stop) in world.stops.iter().enumerate() {
        let path = format!("stops[{i}]");
        let time = names.number(stop, &path, At::Initial(NAMELESS, NAMELESS), None)?.at(0);
        if Program::lower(&names.graph, &[time]).state_slots().next().is_some() {
            return Err(Error::model(path, "the time of a stop can read parameters, and t as the start; no states"));
        }
        match names.graph.node(time) {
            // Where trajectories begin at times of their own, a time is another offset for each.
            Node::Const(bits) if world.tspan.is_none() => common.push(f64::from_bits(bits)),
            _ => own.push(time),
        }
    }
    Ok((common, Program::lower(&names.graph, &own)))
}

/// Start and end time of a trajectory from its parameters.
fn own_tspan(world: &World, names: &mut Names) -> Result<Option<Program>> {
    let Some(ends) = &world.tspan else { return Ok(None) };
    let mut ids = Vec::new();
    for (i, end) in ends.iter().enumerate() {
        let path = format!("run.tspan[{i}]");
        let id = names.number(end, &path, At::Initial(NAMELESS, NAMELESS), None)?.at(0);
        let program = Program::lower(&names.graph, &[id]);
        if program.nodes.iter().any(|node| matches!(node, Node::Time | Node::State(_))) {
            return Err(Error::model(path, "the ends of the time span can read parameters alone, no states and no t"));
        }
        ids.push(id);
    }
    Ok(Some(Program::lower(&names.graph, &ids)))
}

fn differential_mask(places: &Map<Place>) -> Vec<f64> {
    let states = places.values().filter(|p| p.is_state());
    let mask = |p: &Place| if p.role == (Role::Continuous { algebraic: true }) { 0.0 } else { 1.0 };
    states.flat_map(|p| std::iter::repeat_n(mask(p), p.len)).collect()
}

fn is_discrete(places: &Map<Place>) -> Vec<bool> {
    let states = places.values().filter(|p| p.is_state());
    states.flat_map(|p| std::iter::repeat_n(matches!(p.role, Role::Discrete { .. }), p.len)).collect()
}

fn discrete_dts(places: &Map<Place>) -> Result<Vec<f64>> {
    let mut dts = Vec::new();
    for (key, place) in places {
        if let Role::Discrete { dt } = place.role {
            if !(dt.is_finite() && dt >= 0.0) {
                return Err(Error::model(
                    place.path.clone(),
                    format!("'{key}': dt must be finite and not negative, got {dt}"),
                ));
            }
            dts.push(dt);
        }
    }
    dts.retain(|dt| *dt > 0.0);
    dts.sort_by(f64::total_cmp);
    dts.dedup();
    Ok(dts)
}

fn required_features(world: &World, places: &Map<Place>) -> Vec<Feature> {
    let any = |test: fn(&Place) -> bool| places.values().any(test);
    let is_native = world.systems.values().any(|system| !system.functions.is_empty())
        || world.callbacks.values().any(|callback| callback.function.is_some());
    let found = [
        (Feature::VectorFields, any(|p| p.vector)),
        (Feature::DiscreteFields, any(|p| matches!(p.role, Role::Discrete { .. }))),
        (Feature::ContinuousFields, any(Place::is_output)),
        (Feature::DaeConstraints, any(|p| p.role == (Role::Continuous { algebraic: true }))),
        (Feature::ControlCallbacks, !world.callbacks.is_empty()),
        (Feature::Stops, !world.stops.is_empty()),
        (Feature::NativeFunctions, is_native),
    ];
    found.into_iter().filter(|(_, needed)| *needed).map(|(feature, _)| feature).collect()
}

/// Which derivative reads which state, from the simplified expressions; a subset of the dense blocks of each group. What a
/// function adds may depend on everything that it reads.
fn jacobian_sparsity(program: &OdeProgram) -> (Vec<usize>, Vec<usize>) {
    let rhs = &program.rhs;
    let mut entries = Vec::new();
    for slot in rhs.state_slots() {
        let rows = rhs.depends(|node| node == Node::State(slot));
        entries.extend((0..rows.len()).filter(|row| rows[*row]).map(|row| (row, slot as usize)));
    }
    for system in &program.systems {
        let columns = system.reads.state_slots();
        entries.extend(columns.flat_map(|slot| system.slots.iter().map(move |row| (*row as usize, slot as usize))));
    }
    entries.sort_unstable();
    entries.dedup();
    entries.into_iter().unzip()
}
