//! What the user writes: a [`World`] of components, entities, systems and callbacks, with the run and the ensemble
//! that the model file suggests.
//!
//! In: JSON ([`World::from_json`]) or Rust calls (this file). Out: plain data; names and sizes are checked when the
//! world is compiled. The short form of a model file is the same thing with one nameless entity, so that everything
//! after this module knows one shape. Insertion order is significant everywhere: it is the order of the flat vectors.

mod function;
pub mod json;
mod read;
mod settings;
mod statistics;

pub use function::{CallbackFunction, SystemFunction};
pub use settings::{EnsembleSettings, RunSettings, Save, SavePolicy, Tolerance};
pub use statistics::{
    Bins, Covariance, DEFAULT_QUANTILES, Keep, MAX_KEPT, Measure, Quantity, StatisticsSettings, check_probability,
};

use indexmap::IndexMap;

/// An ordered map from names.
pub type Map<T> = IndexMap<String, T>;

/// A number, the text of an expression, or a list of them for a vector.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A number.
    Number(f64),
    /// The text of an expression.
    Text(String),
    /// One entry for each element of a vector.
    List(Vec<Source>),
}

impl From<f64> for Source {
    fn from(x: f64) -> Self {
        Source::Number(x)
    }
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        Source::Text(text.to_string())
    }
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        Source::Text(text)
    }
}

impl<T: Into<Source>> From<Vec<T>> for Source {
    fn from(list: Vec<T>) -> Self {
        Source::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Source>, const N: usize> From<[T; N]> for Source {
    fn from(list: [T; N]) -> Self {
        Source::List(list.into_iter().map(Into::into).collect())
    }
}

/// What a field of a component is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// A state with a derivative.
    Integrated,
    /// Constant during a solve.
    Parameter,
    /// An output, evaluated at save times; with `algebraic` an unknown with a residual.
    Continuous {
        /// Whether it is an algebraic unknown.
        algebraic: bool,
    },
    /// Held between updates by callbacks; `dt > 0` asks for a stop every `dt`.
    Discrete {
        /// Period in the unit of time, 0 for none.
        dt: f64,
    },
}

/// A field of a component: role, default value (which also gives its size) and unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it is for.
    pub role: Role,
    /// Default: initial condition or parameter value.
    pub value: Source,
    /// Unit, for readers and plots; not converted.
    pub unit: Option<String>,
}

/// A kind of component: its fields in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Component {
    /// Fields by name.
    pub fields: Map<Field>,
}

/// An entity: the components it owns, with the values that differ from the components' defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entity {
    /// Overridden values by component and field.
    pub components: Map<Map<Source>>,
}

/// Equations, written once for named slots and applied to groups of entities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// Slot name to component name. Without slots the equations use full keys.
    pub slots: Map<String>,
    /// Groups of entities, one entity for each slot. `None` with one slot: every entity that has the component.
    pub groups: Option<Vec<Vec<String>>>,
    /// Intermediate values of this system.
    pub lets: Map<Source>,
    /// Contributions to derivatives of integrated fields.
    pub derivatives: Map<Source>,
    /// Contributions to values of continuous fields.
    pub values: Map<Source>,
    /// Contributions to residuals of algebraic fields.
    pub residuals: Map<Source>,
    /// Contributions to derivatives by functions written in Rust, added after those of all equations.
    pub functions: Vec<SystemFunction>,
}

/// A controller that runs every `dt` and sets states.
#[derive(Debug, Clone, PartialEq)]
pub struct Callback {
    /// Period, positive: it fires at t0 + k dt for k = 1, 2, ... up to the end, that included.
    pub dt: f64,
    /// Whether it fires at t0 too.
    pub at_start: bool,
    /// Its own parameters.
    pub parameters: Map<f64>,
    /// State key to expression. All are evaluated before any is written.
    pub set: Map<Source>,
    /// A function written in Rust, instead of `set`.
    pub function: Option<CallbackFunction>,
}

impl Callback {
    /// A callback that fires every `dt`, and does nothing yet.
    pub fn new(dt: f64) -> Self {
        Callback { dt, at_start: false, parameters: Map::new(), set: Map::new(), function: None }
    }

    /// Fires at t0 too.
    pub fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    /// Adds a parameter of its own.
    pub fn parameter(mut self, name: impl Into<String>, value: f64) -> Self {
        self.parameters.insert(name.into(), value);
        self
    }

    /// Sets a state.
    pub fn set(mut self, state: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.set.insert(state.into(), expression.into());
        self
    }
}

/// A model as the user wrote it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct World {
    /// Title of the model.
    pub name: String,
    /// Kinds of component.
    pub components: Map<Component>,
    /// Entities in the order of the flat vectors.
    pub entities: Map<Entity>,
    /// Systems in the order in which their contributions add up.
    pub systems: Map<System>,
    /// Callbacks in the order in which they fire.
    pub callbacks: Map<Callback>,
    /// Names that [`World::callback`] was given again: an error of [`World::compile`].
    pub repeated_callbacks: Vec<String>,
    /// Functions of the model: signature `name(a, b)` to body.
    pub functions: Map<Source>,
    /// Intermediate values that every equation may use.
    pub lets: Map<Source>,
    /// Values evaluated at save times.
    pub outputs: Map<Source>,
    /// Times at which the integration is cut.
    pub stops: Vec<Source>,
    /// Start and end time of each trajectory, where they are expressions of its parameters; a run's own `tspan` comes first.
    pub tspan: Option<[Source; 2]>,
    /// The run that the model file suggests.
    pub run: RunSettings,
    /// The ensemble that the model file suggests.
    pub ensemble: EnsembleSettings,
    /// The statistics that the model file asks for, instead of trajectories.
    pub statistics: Option<StatisticsSettings>,
}

/// Name of the one entity, component and system of a short-form model.
pub(crate) const NAMELESS: &str = "";

impl World {
    /// An empty model.
    pub fn new(name: impl Into<String>) -> Self {
        World { name: name.into(), ..World::default() }
    }

    /// Short form: adds a state with its initial value.
    pub fn state(self, name: impl Into<String>, initial: impl Into<Source>) -> Self {
        self.nameless_field(name.into(), Role::Integrated, initial.into())
    }

    /// Short form: adds a parameter.
    pub fn parameter(self, name: impl Into<String>, value: impl Into<Source>) -> Self {
        self.nameless_field(name.into(), Role::Parameter, value.into())
    }

    /// Short form: the derivative of a state.
    pub fn derivative(mut self, state: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.systems.entry(NAMELESS.to_string()).or_default().derivatives.insert(state.into(), expression.into());
        self
    }

    /// Adds an intermediate value (`let` in the file).
    pub fn define(mut self, name: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.lets.insert(name.into(), expression.into());
        self
    }

    /// Adds an output, evaluated at save times.
    pub fn output(mut self, name: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.outputs.insert(name.into(), expression.into());
        self
    }

    /// Adds a function: signature `name(a, b)` and body.
    pub fn function(mut self, signature: impl Into<String>, body: impl Into<Source>) -> Self {
        self.functions.insert(signature.into(), body.into());
        self
    }

    /// Long form: adds a kind of component.
    pub fn component(mut self, name: impl Into<String>, component: Component) -> Self {
        self.components.insert(name.into(), component);
        self
    }

    /// Long form: adds an entity.
    pub fn entity(mut self, name: impl Into<String>, entity: Entity) -> Self {
        self.entities.insert(name.into(), entity);
        self
    }

    /// Long form: adds a system.
    pub fn system(mut self, name: impl Into<String>, system: System) -> Self {
        self.systems.insert(name.into(), system);
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, name: impl Into<String>, callback: Callback) -> Self {
        let name = name.into();
        if self.callbacks.contains_key(&name) {
            self.repeated_callbacks.push(name.clone());
        }
        self.callbacks.insert(name, callback);
        self
    }

    /// Cuts the integration at a time, for instance where the equations jump.
    pub fn stop(mut self, time: impl Into<Source>) -> Self {
        self.stops.push(time.into());
        self
    }

    /// Gives each trajectory its own start and end time, expressions of its parameters.
    pub fn tspan(mut self, start: impl Into<Source>, end: impl Into<Source>) -> Self {
        self.tspan = Some([start.into(), end.into()]);
        self
    }

    fn nameless_field(mut self, name: String, role: Role, value: Source) -> Self {
        let component = self.components.entry(NAMELESS.to_string()).or_default();
        component.fields.insert(name, Field { role, value, unit: None });
        self.entities.entry(NAMELESS.to_string()).or_default().components.entry(NAMELESS.to_string()).or_default();
        self
    }
}

impl Component {
    /// A component without fields.
    pub fn new() -> Self {
        Component::default()
    }

    /// Adds a field of any role.
    pub fn field(mut self, name: impl Into<String>, role: Role, value: impl Into<Source>) -> Self {
        self.fields.insert(name.into(), Field { role, value: value.into(), unit: None });
        self
    }

    /// Adds a state with its default initial value.
    pub fn integrated(self, name: impl Into<String>, initial: impl Into<Source>) -> Self {
        self.field(name, Role::Integrated, initial)
    }

    /// Adds a parameter with its default value.
    pub fn parameter(self, name: impl Into<String>, value: impl Into<Source>) -> Self {
        self.field(name, Role::Parameter, value)
    }
}

impl Entity {
    /// An entity without components.
    pub fn new() -> Self {
        Entity::default()
    }

    /// Gives it a component with the default values.
    pub fn with(mut self, component: impl Into<String>) -> Self {
        self.components.entry(component.into()).or_default();
        self
    }

    /// Overrides the value of a field, giving the entity the component if it has none yet.
    pub fn set(mut self, component: impl Into<String>, field: impl Into<String>, value: impl Into<Source>) -> Self {
        self.components.entry(component.into()).or_default().insert(field.into(), value.into());
        self
    }
}

impl System {
    /// A system without slots.
    pub fn new() -> Self {
        System::default()
    }

    /// Whether it says nothing of any field.
    pub fn is_empty(&self) -> bool {
        let has_equations = !(self.derivatives.is_empty() && self.values.is_empty() && self.residuals.is_empty());
        !has_equations && self.functions.is_empty()
    }

    /// Declares a slot for a component.
    pub fn slot(mut self, name: impl Into<String>, component: impl Into<String>) -> Self {
        self.slots.insert(name.into(), component.into());
        self
    }

    /// Applies the system to a group of entities, one for each slot.
    pub fn group<const N: usize>(mut self, entities: [&str; N]) -> Self {
        self.groups.get_or_insert_default().push(entities.iter().map(|e| e.to_string()).collect());
        self
    }

    /// Adds an intermediate value.
    pub fn define(mut self, name: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.lets.insert(name.into(), expression.into());
        self
    }

    /// Adds to the derivative of `slot.field`.
    pub fn derivative(mut self, field: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.derivatives.insert(field.into(), expression.into());
        self
    }

    /// Adds to the value of a continuous `slot.field`.
    pub fn value(mut self, field: impl Into<String>, expression: impl Into<Source>) -> Self {
        self.values.insert(field.into(), expression.into());
        self
    }
}
