//! World to [`CompiledSpec`]: flat vectors, index maps, features and one program for all derivatives.
//!
//! In: a [`World`]. Out: what the integrators and the results need, with every name resolved and every size checked.
//! It does not choose a method, a precision or inputs: one compiled model serves every run of it. Contributions of
//! several systems to one derivative are added in the order of the systems.

mod display;
mod layout;
mod scope;

pub use layout::slot_names;

use crate::error::{Error, Result, suggest};
use crate::expr::parse::{Elements, Value};
use crate::expr::{ExprId, Node};
use crate::program::{Evaluator, OdeProgram, Program};
use crate::spec::json::join;
use crate::spec::{Map, NAMELESS, Role, Source, System, World};
use layout::Place;
use scope::{At, Instance, Names};

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
        }
    }
}

/// First and one-past-last slot of a field.
pub type SlotRange = (usize, usize);

/// An initial value or parameter that is an expression, evaluated for each trajectory after its inputs are drawn.
#[derive(Debug, Clone)]
pub struct InitialValue {
    /// Whether the slot is a state (else a parameter).
    pub is_state: bool,
    /// The slot.
    pub slot: usize,
    /// One result, of t0, states and parameters.
    pub program: Program,
}

/// A callback's schedule, for listings and feature checks.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledCallback {
    /// Its name.
    pub name: String,
    /// Its period.
    pub dt: f64,
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
    /// Periods of discrete fields, ascending, without duplicates.
    pub discrete_dts: Vec<f64>,
    /// What the model needs from a backend, in order.
    pub required_features: Vec<Feature>,
    /// Row (derivative slot) of each structural non-zero of the Jacobian, sorted by row, then column.
    pub jac_sparsity_rows: Vec<usize>,
    /// Column (state slot) of each structural non-zero.
    pub jac_sparsity_cols: Vec<usize>,
    /// Callbacks in firing order.
    pub callbacks: Vec<CompiledCallback>,
    /// Values that are expressions, in order of evaluation.
    pub initial_values: Vec<InitialValue>,
    /// The equations.
    pub program: OdeProgram,
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
    /// Number of state slots.
    pub fn state_size(&self) -> usize {
        self.x0.len()
    }

    /// Number of parameter slots.
    pub fn param_size(&self) -> usize {
        self.p.len()
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

fn compile(world: &World) -> Result<CompiledSpec> {
    let places = layout::layout(world)?;
    let mut names = Names::new(world, &places)?;
    let n_state = count_slots(&places, Place::is_state);
    let n_continuous = count_slots(&places, Place::is_output);

    let mut sums = Sums { derivatives: vec![None; n_state], values: vec![None; n_continuous] };
    for (index, (name, system)) in world.systems.iter().enumerate() {
        let path = if name == NAMELESS { String::new() } else { join("systems", name) };
        for instance in instances(world, index, system, &path)? {
            sums.add(&mut names, &places, system, &path, &instance)?;
        }
    }
    require_derivatives(world, &places, &sums)?;
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
    check_callbacks(world, &places, &mut names)?;
    for (i, stop) in world.stops.iter().enumerate() {
        names.number(stop, &format!("stops[{i}]"), At::Initial(NAMELESS, NAMELESS), None)?;
    }

    let initial_values = initial_values(&places, &mut names)?;
    let (x0, p) = defaults(&places, &initial_values, world.run.tspan.map_or(0.0, |(t0, _)| t0))?;
    let slots = |pick: fn(&Place) -> bool| -> Vec<String> {
        places.iter().filter(|(_, p)| pick(p)).flat_map(|(key, place)| place.slot_names(key)).collect()
    };
    let program = OdeProgram {
        name: world.name.clone(),
        state_names: slots(Place::is_state),
        param_names: slots(is_param),
        output_names,
        rhs: Program::lower(&names.graph, &rhs),
        outputs: Program::lower(&names.graph, &outputs),
    };
    let (jac_sparsity_rows, jac_sparsity_cols) = jacobian_sparsity(&program.rhs);
    Ok(CompiledSpec {
        name: world.name.clone(),
        state_index_map: index_map(&places, Place::is_state),
        param_index_map: index_map(&places, is_param),
        output_index_map,
        differential_mask: differential_mask(&places),
        discrete_dts: discrete_dts(&places)?,
        required_features: required_features(world, &places),
        jac_sparsity_rows,
        jac_sparsity_cols,
        callbacks: world.callbacks.iter().map(|(name, c)| CompiledCallback { name: name.clone(), dt: c.dt }).collect(),
        initial_values,
        x0,
        p,
        program,
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

/// The groups of entities that a system applies to.
fn instances(world: &World, index: usize, system: &System, path: &str) -> Result<Vec<Instance>> {
    let owns = |entity: &str, component: &str| {
        world.entities.get(entity).is_some_and(|e| e.components.contains_key(component))
    };
    let slot_path = join(path, "slots");
    for (slot, component) in &system.slots {
        if !world.components.contains_key(component) {
            let hint = suggest(component, world.components.keys().map(String::as_str))
                .replace("known names", "known components");
            return Err(Error::model(join(&slot_path, slot), format!("unknown component '{component}'{hint}")));
        }
    }
    let slot_names = || system.slots.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let groups = match (&system.groups, system.slots.len()) {
        (Some(_), 0) => {
            return Err(Error::model(
                join(path, "groups"),
                "'groups' needs 'slots' that name what each entity of a group is",
            ));
        }
        (Some(groups), _) => groups.clone(),
        (None, 0) => vec![Vec::new()],
        (None, 1) => {
            let component = &system.slots[0];
            let all: Vec<Vec<String>> =
                world.entities.keys().filter(|e| owns(e, component)).map(|e| vec![e.clone()]).collect();
            if all.is_empty() {
                return Err(Error::model(
                    slot_path,
                    format!("no entities with component '{component}' found in world"),
                ));
            }
            all
        }
        (None, n) => {
            let message = format!(
                "a system with {n} slots ({}) needs 'groups', one list of {n} entities for each application",
                slot_names()
            );
            return Err(Error::model(path, message));
        }
    };
    let mut out = Vec::new();
    for (group, entities) in groups.iter().enumerate() {
        let group_path = format!("{}[{group}]", join(path, "groups"));
        if entities.len() != system.slots.len() {
            let (n, wanted) = (entities.len(), system.slots.len());
            let message = format!(
                "group [{}] has {n} entities, the system declares {wanted} slots ({})",
                entities.join(", "),
                slot_names()
            );
            return Err(Error::model(group_path, message));
        }
        let mut slots = Vec::new();
        for (i, (entity, (slot, component))) in entities.iter().zip(&system.slots).enumerate() {
            let entity_path = format!("{group_path}[{i}]");
            let Some(owned) = world.entities.get(entity) else {
                let hint =
                    suggest(entity, world.entities.keys().map(String::as_str)).replace("known names", "known entities");
                return Err(Error::model(entity_path, format!("entity '{entity}' not found in world{hint}")));
            };
            if !owns(entity, component) {
                let found = owned.components.keys().cloned().collect::<Vec<_>>().join(", ");
                let message = format!("slot '{slot}' expects component '{component}', entity '{entity}' has: {found}");
                return Err(Error::model(entity_path, message));
            }
            slots.push((slot.clone(), entity.clone(), component.clone()));
        }
        out.push(Instance { system: index, group, slots });
    }
    Ok(out)
}

/// Sums of contributions so far, by state slot and by continuous slot.
struct Sums {
    derivatives: Vec<Option<ExprId>>,
    values: Vec<Option<ExprId>>,
}

impl Sums {
    fn add(
        &mut self,
        names: &mut Names,
        places: &Map<Place>,
        system: &System,
        path: &str,
        instance: &Instance,
    ) -> Result<()> {
        let at = At::System(instance);
        for (name, source) in &system.lets {
            names.value(source, &join(&join(path, "let"), name), at)?;
        }
        for (section, equations) in
            [("derivatives", &system.derivatives), ("values", &system.values), ("residuals", &system.residuals)]
        {
            for (target, source) in equations {
                let path = join(&join(path, section), target);
                let place = target_place(places, instance, target, &path)?;
                scope::accepts(place.role, section)
                    .map_err(|why| Error::model(path.clone(), format!("'{target}' is {why}")))?;
                let value = names.number(source, &path, at, place.vector.then_some(place.len))?;
                let sums = if section == "values" { &mut self.values } else { &mut self.derivatives };
                for i in 0..place.len {
                    let slot = &mut sums[place.start + i];
                    *slot = Some(match *slot {
                        None => value.at(i),
                        Some(sum) => names.graph.add(sum, value.at(i)),
                    });
                }
            }
        }
        Ok(())
    }
}

fn target_place<'p>(places: &'p Map<Place>, instance: &Instance, target: &str, path: &str) -> Result<&'p Place> {
    let by_slot = target.split_once('.').and_then(|(slot, field)| {
        let (_, entity, component) = instance.slots.iter().find(|(name, ..)| name == slot)?;
        places.get(&layout::key(entity, component, field))
    });
    by_slot.or_else(|| places.get(target)).ok_or_else(|| {
        let fields = instance.slots.iter().flat_map(|(slot, entity, component)| {
            let prefix = layout::key(entity, component, "");
            let own = places.iter().filter(move |(key, p)| !is_param(p) && key.starts_with(&prefix));
            own.filter_map(move |(key, _)| key.rsplit('.').next().map(|field| format!("{slot}.{field}")))
        });
        let known: Vec<String> = if instance.slots.is_empty() {
            places.iter().filter(|(_, p)| !is_param(p)).map(|(key, _)| key.clone()).collect()
        } else {
            fields.collect()
        };
        let what = if target.contains('.') || !instance.slots.is_empty() { "field" } else { "state" };
        Error::model(path, format!("unknown {what} '{target}'{}", suggest(target, known.iter().map(String::as_str))))
    })
}

/// In the short form every state needs a derivative; in the long form no contribution means a constant.
fn require_derivatives(world: &World, places: &Map<Place>, sums: &Sums) -> Result<()> {
    if !world.entities.contains_key(NAMELESS) {
        return Ok(());
    }
    match places.iter().find(|(_, p)| p.is_state() && sums.derivatives[p.start].is_none()) {
        Some((key, _)) => {
            Err(Error::model("derivatives", format!("state '{key}' has no derivative; write \"{key}\": 0 for none")))
        }
        None => Ok(()),
    }
}

fn check_callbacks(world: &World, places: &Map<Place>, names: &mut Names) -> Result<()> {
    for (name, callback) in &world.callbacks {
        let path = join("callbacks", name);
        if !(callback.dt.is_finite() && callback.dt > 0.0) {
            return Err(Error::model(
                join(&path, "dt"),
                format!("callback '{name}': dt must be > 0, got {}", callback.dt),
            ));
        }
        for (key, source) in &callback.set {
            let path = join(&join(&path, "set"), key);
            let Some(place) = places.get(key).filter(|p| p.is_state()) else {
                let known: Vec<&str> =
                    places.iter().filter(|(_, p)| p.is_state()).map(|(key, _)| key.as_str()).collect();
                return Err(Error::model(
                    path,
                    format!("callback '{name}' sets unknown state key '{key}'{}", suggest(key, known)),
                ));
            };
            names.number(source, &path, At::Callback(&callback.parameters), place.vector.then_some(place.len))?;
        }
    }
    Ok(())
}

/// Programs of the values that are not plain numbers, each after those that it reads.
fn initial_values(places: &Map<Place>, names: &mut Names) -> Result<Vec<InitialValue>> {
    let mut pending: Vec<(InitialValue, String)> = Vec::new();
    for place in places.values().filter(|p| !p.is_output()) {
        for i in 0..place.len {
            let path = if place.vector { format!("{}[{i}]", place.path) } else { place.path.clone() };
            let id = match names.number(place.element(i), &path, At::Initial(&place.owner.0, &place.owner.1), None)? {
                Elements::Scalar(id) => id,
                Elements::Vector(_) => return Err(Error::model(path, "expected a single number")),
            };
            if !matches!(place.element(i), Source::Number(_)) {
                let program = Program::lower(&names.graph, &[id]);
                pending.push((InitialValue { is_state: place.is_state(), slot: place.start + i, program }, path));
            }
        }
    }
    let mut ordered = Vec::new();
    while !pending.is_empty() {
        let slots: Vec<Node> = pending.iter().map(|(value, _)| value.leaf()).collect();
        let ready = |value: &InitialValue| !value.program.nodes.iter().any(|node| slots.contains(node));
        let (done, rest): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(value, _)| ready(value));
        if done.is_empty() {
            let paths: Vec<&str> = rest.iter().map(|(_, path)| path.as_str()).collect();
            let cycle = match paths[..] {
                [only] => format!("'{only}' needs itself"),
                _ => format!("{} need each other", paths.join(", ")),
            };
            return Err(Error::model(paths[0], format!("cyclic definition: {cycle}")));
        }
        ordered.extend(done.into_iter().map(|(value, _)| value));
        pending = rest;
    }
    Ok(ordered)
}

impl InitialValue {
    /// The leaf node that reads this slot.
    fn leaf(&self) -> Node {
        if self.is_state { Node::State(self.slot as u32) } else { Node::Param(self.slot as u32) }
    }

    /// Evaluates the expression into its slot.
    pub fn evaluate(&self, t0: f64, x0: &mut [f64], p: &mut [f64]) {
        let block = |values: &[f64]| values.iter().map(|v| [*v]).collect::<Vec<_>>();
        let mut result = [[0.0]];
        Evaluator::<f64, 1>::new(&self.program).evaluate(&[t0], &block(x0), &block(p), &mut result);
        let target = if self.is_state { &mut x0[self.slot] } else { &mut p[self.slot] };
        *target = result[0][0];
    }
}

fn defaults(places: &Map<Place>, initial_values: &[InitialValue], t0: f64) -> Result<(Vec<f64>, Vec<f64>)> {
    let plain = |pick: fn(&Place) -> bool| -> Vec<f64> {
        let chosen = places.values().filter(|p| pick(p));
        chosen.flat_map(|p| (0..p.len).map(|i| if let Source::Number(x) = p.element(i) { *x } else { 0.0 })).collect()
    };
    let (mut x0, mut p) = (plain(Place::is_state), plain(is_param));
    initial_values.iter().for_each(|value| value.evaluate(t0, &mut x0, &mut p));
    Ok((x0, p))
}

fn differential_mask(places: &Map<Place>) -> Vec<f64> {
    let states = places.values().filter(|p| p.is_state());
    let mask = |p: &Place| if p.role == (Role::Continuous { algebraic: true }) { 0.0 } else { 1.0 };
    states.flat_map(|p| std::iter::repeat_n(mask(p), p.len)).collect()
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
    let found = [
        (Feature::VectorFields, any(|p| p.vector)),
        (Feature::DiscreteFields, any(|p| matches!(p.role, Role::Discrete { .. }))),
        (Feature::ContinuousFields, any(Place::is_output)),
        (Feature::DaeConstraints, any(|p| p.role == (Role::Continuous { algebraic: true }))),
        (Feature::ControlCallbacks, !world.callbacks.is_empty()),
        (Feature::Stops, !world.stops.is_empty()),
    ];
    found.into_iter().filter(|(_, needed)| *needed).map(|(feature, _)| feature).collect()
}

/// Which derivative reads which state, from the simplified expressions; a subset of the dense blocks of each group.
fn jacobian_sparsity(rhs: &Program) -> (Vec<usize>, Vec<usize>) {
    let states = rhs.nodes.iter().filter_map(|node| match node {
        Node::State(slot) => Some(*slot),
        _ => None,
    });
    let mut entries = Vec::new();
    for slot in states {
        let rows = rhs.depends(|node| node == Node::State(slot));
        entries.extend((0..rows.len()).filter(|row| rows[*row]).map(|row| (row, slot as usize)));
    }
    entries.sort_unstable();
    entries.into_iter().unzip()
}
