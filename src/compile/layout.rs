//! Flattening: every field of every entity gets its place in the flat vectors.
//!
//! Entities in order, in each its components in order, in each its fields in declaration order; states, parameters
//! and outputs are counted separately. Keys are `entity.component.field`, or just the field's name in a short-form
//! model. Names, sizes and overrides are checked here.

use crate::error::{Error, Result, suggest};
use crate::expr::lex::{is_name_part, is_name_start};
use crate::spec::json::join;
use crate::spec::{Map, NAMELESS, Role, Source, World};

/// Where a field went.
#[derive(Debug, Clone)]
pub struct Place {
    /// What the field is for.
    pub role: Role,
    /// First slot among the states, the parameters or the continuous outputs.
    pub start: usize,
    /// Number of elements.
    pub len: usize,
    /// Whether it was written as a list, and is indexed.
    pub vector: bool,
    /// Default or overriding value.
    pub value: Source,
    /// JSON path of that value.
    pub path: String,
    /// The entity and the component that it belongs to.
    pub owner: (String, String),
}

impl Place {
    /// Whether it has slots among the states.
    pub fn is_state(&self) -> bool {
        !matches!(self.role, Role::Parameter | Role::Continuous { algebraic: false })
    }

    /// Whether it is an output.
    pub fn is_output(&self) -> bool {
        matches!(self.role, Role::Continuous { algebraic: false })
    }

    /// Element `i` of its value.
    pub fn element(&self, i: usize) -> &Source {
        match &self.value {
            Source::List(list) => &list[i],
            scalar => scalar,
        }
    }

    /// Names of its slots, given its key.
    pub fn slot_names(&self, key: &str) -> Vec<String> {
        slot_names(key, self.vector.then_some(self.len))
    }
}

/// `key`, or `key[0]`, `key[1]`, ... for a vector.
pub fn slot_names(key: &str, len: Option<usize>) -> Vec<String> {
    match len {
        None => vec![key.to_string()],
        Some(n) => (0..n).map(|i| format!("{key}[{i}]")).collect(),
    }
}

/// The key of a field.
pub fn key(entity: &str, component: &str, field: &str) -> String {
    if entity == NAMELESS { field.to_string() } else { format!("{entity}.{component}.{field}") }
}

/// Lays out all fields of a world.
pub fn layout(world: &World) -> Result<Map<Place>> {
    check_names(world)?;
    let mut places: Map<Place> = Map::new();
    let (mut n_state, mut n_param, mut n_output) = (0, 0, 0);
    for (entity, owned) in &world.entities {
        for (component, overrides) in &owned.components {
            let entity_path = join(&join("entities", entity), component);
            let Some(kind) = world.components.get(component) else {
                return Err(unknown_component(world, component, entity_path));
            };
            if let Some(name) = overrides.keys().find(|name| !kind.fields.contains_key(*name)) {
                let hint = suggest("known fields", name, kind.fields.keys().map(String::as_str));
                return Err(Error::model(
                    join(&entity_path, name),
                    format!("component '{component}' has no field '{name}'{hint}"),
                ));
            }
            for (name, field) in &kind.fields {
                let default_path = default_path(entity, component, name, field.role);
                let (value, path) = match overrides.get(name) {
                    Some(value) => (value, join(&entity_path, name)),
                    None => (&field.value, default_path),
                };
                let (len, vector) = size(value, &field.value, &path)?;
                let mut place = Place {
                    role: field.role,
                    start: 0,
                    len,
                    vector,
                    value: value.clone(),
                    path,
                    owner: (entity.clone(), component.clone()),
                };
                let counter = match (place.is_state(), place.is_output()) {
                    (true, _) => &mut n_state,
                    (_, true) => &mut n_output,
                    _ => &mut n_param,
                };
                place.start = *counter;
                *counter += len;
                places.insert(key(entity, component, name), place);
            }
        }
    }
    Ok(places)
}

/// The error of a component that the world does not have.
pub fn unknown_component(world: &World, component: &str, path: String) -> Error {
    let hint = suggest("known components", component, world.components.keys().map(String::as_str));
    Error::model(path, format!("unknown component '{component}'{hint}"))
}

fn default_path(entity: &str, component: &str, field: &str, role: Role) -> String {
    let role_name = match role {
        Role::Integrated => "integrated",
        Role::Parameter => "parameter",
        Role::Continuous { .. } => "continuous",
        Role::Discrete { .. } => "discrete",
    };
    match (entity, role) {
        (NAMELESS, Role::Parameter) => join("parameters", field),
        (NAMELESS, _) => join("states", field),
        _ => join(&join(&join("components", component), field), role_name),
    }
}

fn size(value: &Source, default: &Source, path: &str) -> Result<(usize, bool)> {
    let len = |source: &Source| match source {
        Source::List(list) => Some(list.len()),
        _ => None,
    };
    match (len(value), len(default)) {
        (Some(0), _) => Err(Error::model(path, "a vector needs at least one element")),
        (got, wanted) if got != wanted => {
            let show = |n: Option<usize>| n.map_or("a single number".to_string(), |n| format!("a list of {n}"));
            Err(Error::model(
                path,
                format!("expected {} as in the component's default, found {}", show(wanted), show(got)),
            ))
        }
        (n, _) => Ok((n.unwrap_or(1), n.is_some())),
    }
}

const RESERVED: [&str; 4] = ["t", "pi", "true", "false"];

/// Checks that a name is made of letters, digits and underscores and is not reserved.
pub fn check_name(name: &str, path: &str) -> Result<()> {
    if RESERVED.contains(&name) {
        return Err(Error::model(path, format!("'{name}' is reserved; choose another name")));
    }
    check_letters(name, path)
}

/// As [`check_name`], for names that no expression uses.
fn check_letters(name: &str, path: &str) -> Result<()> {
    if !name.starts_with(is_name_start) || !name.chars().all(is_name_part) {
        let rule = "a name is made of letters, digits and underscores and does not begin with a digit";
        return Err(Error::model(path, format!("'{name}' is not a name; {rule}")));
    }
    Ok(())
}

fn check_names(world: &World) -> Result<()> {
    let check_all = |path: &str, names: &mut dyn Iterator<Item = &String>| -> Result<()> {
        names.filter(|name| *name != NAMELESS).try_for_each(|name| check_name(name, &join(path, name)))
    };
    check_all("components", &mut world.components.keys())?;
    check_all("entities", &mut world.entities.keys())?;
    check_all("systems", &mut world.systems.keys())?;
    world.callbacks.keys().try_for_each(|name| check_letters(name, &join("callbacks", name)))?;
    check_all("let", &mut world.lets.keys())?;
    check_all("outputs", &mut world.outputs.keys())?;
    for (component, kind) in &world.components {
        for (field, declared) in &kind.fields {
            let path = if component == NAMELESS {
                default_path(NAMELESS, component, field, declared.role)
            } else {
                join(&join("components", component), field)
            };
            check_name(field, &path)?;
        }
    }
    for (name, system) in &world.systems {
        let path = if name == NAMELESS { String::new() } else { join("systems", name) };
        check_all(&join(&path, "slots"), &mut system.slots.keys())?;
        check_all(&join(&path, "let"), &mut system.lets.keys())?;
        if let Some(name) = system.lets.keys().find(|name| system.slots.contains_key(*name)) {
            return Err(Error::model(
                join(&join(&path, "let"), name),
                format!("'{name}' is also a slot; choose another name"),
            ));
        }
    }
    for (name, callback) in &world.callbacks {
        check_all(&join(&join("callbacks", name), "parameters"), &mut callback.parameters.keys())?;
    }
    let nameless = world.components.get(NAMELESS);
    for (section, names) in [("let", &world.lets), ("outputs", &world.outputs)] {
        for name in names.keys() {
            let path = join(section, name);
            if let Some(field) = nameless.and_then(|c| c.fields.get(name)) {
                let what = if field.role == Role::Parameter { "parameter" } else { "state" };
                return Err(Error::model(path, format!("'{name}' is also a {what}; choose another name")));
            }
            if section == "outputs" && world.lets.contains_key(name) {
                return Err(Error::model(path, format!("'{name}' is also a let; choose another name")));
            }
        }
    }
    Ok(())
}
