//! What functions written in Rust read and write: expressions to programs, keys to slots.

use super::layout::Place;
use super::scope::{At, Instance, Names};
use super::state_to_set;
use super::systems::{accepts, target_place};
use crate::error::{Error, Result};
use crate::program::{CallbackProgram, Program, SystemProgram};
use crate::spec::json::join;
use crate::spec::{Callback, CallbackFunction, Map, Source, System};

/// The functions of a system, for one group.
pub fn system_functions(
    names: &mut Names,
    places: &Map<Place>,
    (name, system): (&str, &System),
    path: &str,
    instance: &Instance,
) -> Result<Vec<SystemProgram>> {
    let mut programs = Vec::new();
    for (i, function) in system.functions.iter().enumerate() {
        let path = format!("{}[{i}]", join(path, "functions"));
        if function.adds.is_empty() {
            let message =
                format!("a function of system '{name}' adds to nothing; name the integrated fields that it adds to");
            return Err(Error::model(join(&path, "adds"), message));
        }
        let mut slots = Vec::new();
        for (i, target) in function.adds.iter().enumerate() {
            let path = format!("{}[{i}]", join(&path, "adds"));
            let place = target_place(places, instance, target, &path)?;
            accepts(place.role, "derivatives").map_err(|why| Error::model(&path, format!("'{target}' is {why}")))?;
            slots.extend(slots_of(place));
        }
        let reads = reads(names, &function.reads, &path, At::System(instance))?;
        programs.push(SystemProgram { name: name.to_string(), reads, slots, function: function.function.clone() });
    }
    Ok(programs)
}

/// A callback that is a function.
pub fn callback_function(
    names: &mut Names,
    places: &Map<Place>,
    (name, callback): (&str, &Callback),
    function: &CallbackFunction,
    path: &str,
) -> Result<CallbackProgram> {
    if !callback.set.is_empty() {
        let message = format!(
            "callback '{name}' has both 'set' and a function; keep one, or make two callbacks, which fire one after the other"
        );
        return Err(Error::model(path, message));
    }
    let mut slots = Vec::new();
    for (i, key) in function.writes.iter().enumerate() {
        let path = format!("{}[{i}]", join(path, "writes"));
        if function.writes[..i].contains(key) {
            return Err(Error::model(path, format!("callback '{name}' writes '{key}' twice; list it once")));
        }
        slots.extend(slots_of(state_to_set(places, name, key, &path)?));
    }
    let values = reads(names, &function.reads, path, At::Callback(&callback.parameters))?;
    Ok(CallbackProgram { name: name.to_string(), slots, values, function: Some(function.make.clone()) })
}

fn slots_of(place: &Place) -> impl Iterator<Item = u32> {
    (place.start..place.start + place.len).map(|slot| slot as u32)
}

/// One result for each element of what is read.
fn reads(names: &mut Names, sources: &[Source], path: &str, at: At) -> Result<Program> {
    let mut ids = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let elements = names.elements(source, &format!("{}[{i}]", join(path, "reads")), at)?;
        ids.extend((0..elements.length().unwrap_or(1)).map(|i| elements.at(i)));
    }
    Ok(Program::lower(&names.graph, &ids))
}
