//! What a name means at each place of a model: model-wide, inside a system applied to a group of entities, inside a
//! function, in an initial value, in a callback.
//!
//! Lets, outputs and functions are evaluated when first used and remembered, so that their order does not matter;
//! a definition that needs itself is an error that shows the cycle.

use super::layout::{Place, key};
use crate::error::{Error, Result, suggest};
use crate::expr::func::Func;
use crate::expr::lex;
use crate::expr::parse::{self, ParseError, Parsed, Scope};
use crate::expr::value::{Elements, Value, count};
use crate::expr::{ExprId, Graph};
use crate::spec::json::join;
use crate::spec::{Map, Source, World};
use std::collections::HashMap;

/// Deepest nesting of parentheses, lets and functions together.
const MAX_DEPTH: usize = 1000;

/// A function of the model, its signature taken apart.
struct Function<'w> {
    name: &'w str,
    args: Vec<&'w str>,
    body: &'w str,
    path: String,
}

/// A system applied to one group: slot name, entity and component of each slot.
#[derive(Debug, Clone, Default)]
pub struct Instance {
    /// Position of the system in the world.
    pub system: usize,
    /// Which group of the system this is.
    pub group: usize,
    /// (slot, entity, component)
    pub slots: Vec<(String, String, String)>,
}

/// The place that an expression stands at.
#[derive(Clone, Copy)]
pub enum At<'a> {
    /// A model-wide let, an output, a stop.
    Model,
    /// An equation of a system.
    System(&'a Instance),
    /// The body of a function with its arguments.
    Function(&'a [(&'a str, Value)]),
    /// A value of a component of an entity: other fields of the same component go by their bare names.
    Initial(&'a str, &'a str),
    /// A callback with its own parameters.
    Callback(&'a Map<f64>),
}

/// Everything that names refer to, and the graph that grows from it.
pub struct Names<'w> {
    world: &'w World,
    /// The expressions so far.
    pub graph: Graph,
    places: &'w Map<Place>,
    functions: Vec<Function<'w>>,
    known: HashMap<(usize, usize, String), Value>,
    calls: HashMap<(usize, Vec<Value>), Value>,
    open: Vec<String>,
    depth: usize,
}

/// Key of a model-wide definition in the table of known values, where systems are numbered from 0.
const MODEL: usize = usize::MAX;

impl<'w> Names<'w> {
    /// Prepares the names of a world; reads the signatures of its functions.
    pub fn new(world: &'w World, places: &'w Map<Place>) -> Result<Self> {
        let mut functions: Vec<Function> = Vec::new();
        for (signature, body) in &world.functions {
            let function = function(signature, body)?;
            if functions.iter().any(|f| f.name == function.name) {
                return Err(Error::model(function.path, format!("function '{}' is defined twice", function.name)));
            }
            functions.push(function);
        }
        Ok(Names {
            world,
            graph: Graph::default(),
            places,
            functions,
            known: HashMap::new(),
            calls: HashMap::new(),
            open: Vec::new(),
            depth: 0,
        })
    }

    /// The value of a source text, number or list at some place of the model.
    pub fn value(&mut self, source: &Source, path: &str, at: At) -> Result<Value> {
        self.depth = 0;
        self.open.clear();
        self.source(source, path, at).map_err(|e| Error::model(e.path.unwrap_or_default(), e.message))
    }

    /// As [`Names::value`], but a number; a scalar unless `len` allows a vector of that length.
    pub fn number(&mut self, source: &Source, path: &str, at: At, len: Option<usize>) -> Result<Elements> {
        let elements = self.elements(source, path, at)?;
        match (elements.length(), len) {
            (None, _) => Ok(elements),
            (found, _) if found == len => Ok(elements),
            (Some(n), None) => Err(Error::model(
                path,
                format!("expected a single number, found a vector of {n}; write one element, such as 'x[0]'"),
            )),
            (Some(n), Some(len)) => {
                Err(Error::model(path, format!("expected a number or a vector of {len}, found a vector of {n}")))
            }
        }
    }

    /// As [`Names::value`], but a number or a vector of any length.
    pub fn elements(&mut self, source: &Source, path: &str, at: At) -> Result<Elements> {
        match self.value(source, path, at)? {
            Value::Number(elements) => Ok(elements),
            Value::Condition(_) => {
                Err(Error::model(path, "expected a number, found a condition; write 'condition ? 1 : 0'"))
            }
            Value::Slot { .. } => Err(Error::model(path, "expected a number, found a slot; write 'slot.field'")),
        }
    }

    fn source(&mut self, source: &Source, path: &str, at: At) -> Parsed<Value> {
        let here = |mut e: ParseError| {
            e.path.get_or_insert_with(|| path.to_string());
            e
        };
        match source {
            Source::Number(x) if x.is_finite() => Ok(Value::Number(Elements::Scalar(self.graph.constant(*x)))),
            Source::Number(x) => Err(here(format!("{x} is not a finite number").into())),
            Source::Text(text) => parse::parse(text, &mut View { names: self, at }).map_err(here),
            Source::List(list) if list.is_empty() => {
                Err(here("a vector needs at least one element".to_string().into()))
            }
            Source::List(list) => {
                let mut ids = Vec::new();
                for (i, item) in list.iter().enumerate() {
                    match self.source(item, &format!("{path}[{i}]"), at)? {
                        Value::Number(Elements::Scalar(id)) => ids.push(id),
                        _ => {
                            let message = "a vector's element must be a single number".to_string();
                            return Err(ParseError { path: Some(format!("{path}[{i}]")), message });
                        }
                    }
                }
                Ok(Value::Number(Elements::Vector(ids)))
            }
        }
    }

    /// Evaluates a definition once; `open` holds the definitions under way.
    fn define(&mut self, table: (usize, usize), name: &str, source: &Source, path: &str, at: At) -> Parsed<Value> {
        let key = (table.0, table.1, name.to_string());
        if let Some(value) = self.known.get(&key) {
            return Ok(value.clone());
        }
        self.enter(name)?;
        let value = self.source(source, path, at)?;
        self.open.pop();
        if let Value::Number(Elements::Scalar(id)) = value {
            self.graph.label(id, name);
        }
        self.known.insert(key, value.clone());
        Ok(value)
    }

    fn enter(&mut self, name: &str) -> Parsed<()> {
        if let Some(first) = self.open.iter().position(|open| open == name) {
            let cycle = self.open[first..].join(" -> ");
            return Err(format!("cyclic definition: {cycle} -> {name}").into());
        }
        self.open.push(name.to_string());
        Ok(())
    }

    /// A field by its key.
    pub fn place_value(&mut self, place: &Place) -> Value {
        let slots = place.start..place.start + place.len;
        let leaf = |graph: &mut Graph, slot| if place.is_state() { graph.state(slot) } else { graph.param(slot) };
        let ids: Vec<ExprId> = slots.map(|slot| leaf(&mut self.graph, slot)).collect();
        Value::Number(if place.vector { Elements::Vector(ids) } else { Elements::Scalar(ids[0]) })
    }

    fn field(&mut self, key: &str, column: usize) -> Option<Parsed<Value>> {
        let place = self.places.get(key)?;
        if place.is_output() {
            let message = format!(
                "'{key}' at column {column} is a continuous field, an output of the model; equations cannot read it"
            );
            return Some(Err(message.into()));
        }
        Some(Ok(self.place_value(place)))
    }

    fn model_name(&mut self, name: &str, column: usize) -> Option<Parsed<Value>> {
        let world = self.world;
        if let Some(value) = self.field(name, column) {
            return Some(value);
        }
        for (section, definitions) in [("let", &world.lets), ("outputs", &world.outputs)] {
            if let Some(source) = definitions.get(name) {
                return Some(self.define((MODEL, 0), name, source, &join(section, name), At::Model));
            }
        }
        None
    }
}

fn function<'w>(signature: &'w str, body: &'w Source) -> Result<Function<'w>> {
    let path = join("functions", signature);
    let malformed = || Error::model(path.clone(), "a function's key is its signature, such as 'f(a, b)'");
    let (name, rest) = signature.split_once('(').ok_or_else(malformed)?;
    let inside = rest.trim_end().strip_suffix(')').ok_or_else(malformed)?;
    let name = name.trim();
    super::layout::check_name(name, &path)?;
    if Func::named(name).is_some() || name == "clamp" {
        return Err(Error::model(path, format!("'{name}' is a built-in function; choose another name")));
    }
    let args: Vec<&str> =
        if inside.trim().is_empty() { Vec::new() } else { inside.split(',').map(str::trim).collect() };
    for (i, arg) in args.iter().enumerate() {
        super::layout::check_name(arg, &path)?;
        if args[..i].contains(arg) {
            return Err(Error::model(path, format!("argument '{arg}' appears twice")));
        }
    }
    match body {
        Source::Text(body) => match lex::tokens(body) {
            Ok(_) => Ok(Function { name, args, body, path }),
            Err((_, message)) => Err(Error::model(path, message)),
        },
        _ => Err(Error::model(path, "a function's body is an expression in quotes")),
    }
}

/// The names seen from one place.
struct View<'n, 'w, 'a> {
    names: &'n mut Names<'w>,
    at: At<'a>,
}

impl View<'_, '_, '_> {
    fn slot_field(&mut self, entity: &str, component: &str, field: &str, column: usize) -> Parsed<Value> {
        let full = key(entity, component, field);
        if let Some(value) = self.names.field(&full, column) {
            return value;
        }
        let fields = self
            .names
            .world
            .components
            .get(component)
            .map(|c| c.fields.keys().map(String::as_str))
            .into_iter()
            .flatten();
        let hint = suggest("known fields", field, fields);
        Err(format!("component '{component}' has no field '{field}' at column {column}{hint}").into())
    }

    fn local(&mut self, name: &str, column: usize) -> Option<Parsed<Value>> {
        let (first, rest) = name.split_once('.').map_or((name, None), |(a, b)| (a, Some(b)));
        match self.at {
            At::Model => None,
            At::Initial(entity, component) => {
                let full = key(entity, component, name);
                self.names.field(&full, column)
            }
            At::Callback(parameters) => {
                let value = *parameters.get(name)?;
                Some(Ok(Value::Number(Elements::Scalar(self.names.graph.constant(value)))))
            }
            At::Function(args) => {
                let (_, value) = args.iter().find(|(arg, _)| *arg == first)?;
                Some(match (value, rest) {
                    (value, None) => Ok(value.clone()),
                    (Value::Slot { entity, component }, Some(field)) => {
                        self.slot_field(entity, component, field, column)
                    }
                    (_, Some(_)) => {
                        Err(format!("'{first}' is a number here, '{name}' at column {column} needs a slot").into())
                    }
                })
            }
            At::System(instance) => {
                if let Some((_, entity, component)) = instance.slots.iter().find(|(slot, ..)| slot == first) {
                    return Some(match rest {
                        Some(field) => self.slot_field(entity, component, field, column),
                        None => Ok(Value::Slot { entity: entity.clone(), component: component.clone() }),
                    });
                }
                let (system_name, system) = self.names.world.systems.get_index(instance.system)?;
                let source = system.lets.get(name)?;
                let path = join(&join(&join("systems", system_name), "let"), name);
                Some(self.names.define((instance.system, instance.group), name, source, &path, self.at))
            }
        }
    }

    fn known_here(&self) -> Vec<String> {
        let world = self.names.world;
        let mut known: Vec<String> = match self.at {
            At::Function(args) => args.iter().map(|(arg, _)| arg.to_string()).collect(),
            At::Callback(parameters) => parameters.keys().cloned().collect(),
            At::System(instance) => {
                let fields =
                    |component: &str| world.components.get(component).map(|c| c.fields.keys()).into_iter().flatten();
                let slots = instance.slots.iter();
                let dotted = slots
                    .flat_map(|(slot, _, component)| fields(component).map(move |field| format!("{slot}.{field}")));
                let lets =
                    world.systems.get_index(instance.system).map(|(_, s)| s.lets.keys().cloned()).into_iter().flatten();
                dotted.chain(lets).collect()
            }
            At::Initial(_, component) => {
                world.components.get(component).map(|c| c.fields.keys().cloned().collect()).unwrap_or_default()
            }
            At::Model => Vec::new(),
        };
        if known.is_empty() || matches!(self.at, At::Callback(_)) {
            known.extend(self.names.places.iter().filter(|(_, place)| !place.is_output()).map(|(key, _)| key.clone()));
        }
        if !matches!(self.at, At::Initial(..)) {
            known.extend(world.lets.keys().chain(world.outputs.keys()).cloned());
        }
        known.extend(["t".to_string(), "pi".to_string()]);
        known
    }
}

impl Scope for View<'_, '_, '_> {
    fn graph(&mut self) -> &mut Graph {
        &mut self.names.graph
    }

    fn name(&mut self, name: &str, column: usize) -> Parsed<Value> {
        if let Some(value) = self.local(name, column) {
            return value;
        }
        if name == "t" {
            return Ok(Value::Number(Elements::Scalar(self.names.graph.time())));
        }
        let found = match self.at {
            At::Initial(..) => self.names.field(name, column),
            _ => self.names.model_name(name, column),
        };
        found.unwrap_or_else(|| {
            let known = self.known_here();
            let hint = suggest("known names", name, known.iter().map(String::as_str));
            let is_function = Func::named(name).is_some() || self.names.functions.iter().any(|f| f.name == name);
            let is_late = self.names.world.lets.contains_key(name) || self.names.world.outputs.contains_key(name);
            Err(match (self.at, is_function, is_late) {
                (_, true, _) => format!("'{name}' at column {column} is a function; write '{name}(...)'"),
                (At::Initial(..), _, true) => {
                    format!("'{name}' at column {column} is a let or an output, which initial values cannot read; use a parameter")
                }
                _ => format!("unknown name '{name}' at column {column}{hint}"),
            }
            .into())
        })
    }

    fn call(&mut self, name: &str, args: &[Value], column: usize) -> Option<Parsed<Value>> {
        let index = self.names.functions.iter().position(|f| f.name == name)?;
        let function = &self.names.functions[index];
        if function.args.len() != args.len() {
            let wanted = count(function.args.len(), "argument");
            let message = format!(
                "'{name}' takes {wanted} ({}), found {} at column {column}",
                function.args.join(", "),
                args.len()
            );
            return Some(Err(message.into()));
        }
        let memo = (index, args.to_vec());
        if let Some(value) = self.names.calls.get(&memo) {
            return Some(Ok(value.clone()));
        }
        let bound: Vec<(&str, Value)> = function.args.iter().copied().zip(args.iter().cloned()).collect();
        let (body, path) = (function.body, function.path.clone());
        let names = &mut *self.names;
        let value = names.enter(&format!("{name}()")).and_then(|()| {
            let mut view = View { names, at: At::Function(&bound) };
            parse::parse(body, &mut view).map_err(|mut e| {
                e.path.get_or_insert(path);
                e
            })
        });
        if let Ok(value) = &value {
            self.names.open.pop();
            self.names.calls.insert(memo, value.clone());
        }
        Some(value)
    }

    fn function_names(&self) -> Vec<String> {
        self.names.functions.iter().map(|f| f.name.to_string()).collect()
    }

    fn descend(&mut self) -> Parsed<()> {
        self.names.depth += 1;
        if self.names.depth > MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} levels deep; name parts of it in 'let'").into());
        }
        Ok(())
    }

    fn ascend(&mut self) {
        self.names.depth -= 1;
    }
}
