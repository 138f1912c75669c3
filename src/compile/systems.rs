//! Systems applied to groups of entities, and the sums of their contributions.

use super::is_param;
use super::layout::{Place, key, unknown_component};
use super::scope::{At, Instance, Names};
use crate::error::{Error, Result, suggest};
use crate::expr::ExprId;
use crate::spec::json::join;
use crate::spec::{Map, Role, System, World};

/// The groups of entities that a system applies to.
pub fn instances(world: &World, index: usize, system: &System, path: &str) -> Result<Vec<Instance>> {
    let owns = |entity: &str, component: &str| {
        world.entities.get(entity).is_some_and(|e| e.components.contains_key(component))
    };
    let slot_path = join(path, "slots");
    for (slot, component) in &system.slots {
        if !world.components.contains_key(component) {
            return Err(unknown_component(world, component, join(&slot_path, slot)));
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
                let hint = suggest("known entities", entity, world.entities.keys().map(String::as_str));
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
pub struct Sums {
    /// By state slot.
    pub derivatives: Vec<Option<ExprId>>,
    /// By continuous slot.
    pub values: Vec<Option<ExprId>>,
}

impl Sums {
    /// Adds what a system says of one group.
    pub fn add(
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
                accepts(place.role, section)
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

/// The field that a system adds to.
pub fn target_place<'p>(places: &'p Map<Place>, instance: &Instance, target: &str, path: &str) -> Result<&'p Place> {
    let by_slot = target.split_once('.').and_then(|(slot, field)| {
        let (_, entity, component) = instance.slots.iter().find(|(name, ..)| name == slot)?;
        places.get(&key(entity, component, field))
    });
    by_slot.or_else(|| places.get(target)).ok_or_else(|| {
        let fields = instance.slots.iter().flat_map(|(slot, entity, component)| {
            let prefix = key(entity, component, "");
            let own = places.iter().filter(move |(key, p)| !is_param(p) && key.starts_with(&prefix));
            own.filter_map(move |(key, _)| key.rsplit('.').next().map(|field| format!("{slot}.{field}")))
        });
        let known: Vec<String> = if instance.slots.is_empty() {
            places.iter().filter(|(_, p)| !is_param(p)).map(|(key, _)| key.clone()).collect()
        } else {
            fields.collect()
        };
        let what = if target.contains('.') || !instance.slots.is_empty() { "field" } else { "state" };
        Error::model(
            path,
            format!("unknown {what} '{target}'{}", suggest("known names", target, known.iter().map(String::as_str))),
        )
    })
}

/// Whether a role takes the contributions of a section of a system, and what to say where it does not.
pub fn accepts(role: Role, section: &str) -> std::result::Result<(), &'static str> {
    let own = match role {
        Role::Integrated => "derivatives",
        Role::Continuous { algebraic: true } => "residuals",
        Role::Continuous { algebraic: false } => "values",
        Role::Parameter => {
            return Err("a parameter, constant during a solve; make it a state to give it a derivative");
        }
        Role::Discrete { .. } => return Err("a discrete field, which only callbacks change"),
    };
    match (own == section, own) {
        (true, _) => Ok(()),
        (_, "derivatives") => Err("an integrated field; write it under 'derivatives'"),
        (_, "residuals") => Err("an algebraic field; write it under 'residuals'"),
        _ => Err("a continuous field; write it under 'values'"),
    }
}
