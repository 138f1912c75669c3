//! A model file to a [`World`]: both shapes of the format, nothing ignored.

use super::json::{Json, Place};
use super::{
    Callback, Component, EnsembleSettings, Entity, Field, Map, NAMELESS, Role, RunSettings, Save, SavePolicy, Source,
    System,
};
use super::{Tolerance, World, statistics::statistics};
use crate::error::{Error, Result, suggest};
use crate::real::{Arithmetic, Precision};
use crate::sampling::{Distribution, Sampling};

const COMMON_KEYS: [&str; 9] =
    ["model", "functions", "let", "outputs", "callbacks", "stops", "run", "ensemble", "statistics"];
const SHORT_KEYS: [&str; 3] = ["states", "parameters", "derivatives"];
const LONG_KEYS: [&str; 3] = ["components", "entities", "systems"];

impl World {
    /// Reads a model from JSON text, in the short form (`states`, `parameters`, `derivatives`) or the long one
    /// (`components`, `entities`, `systems`).
    ///
    /// # Errors
    /// [`Error::Model`] with the JSON path of whatever is malformed, unknown or defined twice.
    pub fn from_json(text: &str) -> Result<World> {
        let json = Json::parse(text)?;
        let root = Place { json: &json, path: String::new() };
        let keys: Vec<&str> = [COMMON_KEYS.as_slice(), &SHORT_KEYS, &LONG_KEYS].concat();
        let entries = root.known_entries(&keys)?;
        let has = |set: &[&str]| entries.iter().find(|(key, _)| set.contains(key)).map(|(key, _)| *key);
        if let (Some(short), Some(long)) = (has(&["states", "derivatives", "parameters"]), has(&LONG_KEYS)) {
            return Err(root.error(format!(
                "'{short}' belongs to the short form and '{long}' to the long form of a model; use one form"
            )));
        }
        if has(&["states", "entities", "outputs"]).is_none() {
            return Err(
                root.error("no 'states' (short form), no 'entities' (long form) and no 'outputs': nothing to solve")
            );
        }
        let mut world = World::default();
        for (key, place) in entries {
            match key {
                "model" => world.name = place.text()?.to_string(),
                "functions" => world.functions = sources(&place)?,
                "let" => world.lets = sources(&place)?,
                "outputs" => world.outputs = sources(&place)?,
                "stops" => world.stops = place.list()?.iter().map(source).collect::<Result<_>>()?,
                "run" => (world.run, world.tspan) = run(&place)?,
                "ensemble" => world.ensemble = ensemble(&place)?,
                "statistics" => world.statistics = Some(statistics(&place)?),
                "states" => world = fields_of(world, &place, Role::Integrated)?,
                "parameters" => world = fields_of(world, &place, Role::Parameter)?,
                "derivatives" => world.systems.entry(NAMELESS.to_string()).or_default().derivatives = sources(&place)?,
                "components" => world.components = map(&place, component)?,
                "entities" => world.entities = map(&place, entity)?,
                "systems" => world.systems = map(&place, system)?,
                _ => world.callbacks = map(&place, callback)?,
            }
        }
        Ok(world)
    }

    /// Reads a model file. CSV files that its ensemble names are looked for beside it.
    ///
    /// # Errors
    /// [`Error::File`] where the file cannot be read, [`Error::Model`] where it is not a model.
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<World> {
        let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
        let mut world = World::from_json(&text)?;
        let folder = path.as_ref().parent().unwrap_or(std::path::Path::new(""));
        for distribution in world.ensemble.vary.values_mut() {
            if let Distribution::Csv { file, .. } = distribution {
                *file = folder.join(&*file).display().to_string();
            }
        }
        Ok(world)
    }
}

fn map<T>(place: &Place, read: fn(&Place) -> Result<T>) -> Result<Map<T>> {
    place.entries()?.into_iter().map(|(key, place)| Ok((key.to_string(), read(&place)?))).collect()
}

fn source(place: &Place) -> Result<Source> {
    match place.json {
        Json::Text(text) => Ok(Source::Text(text.clone())),
        Json::Number(_) => place.number().map(Source::Number),
        Json::List(_) => {
            let list = place.list()?;
            if let Some(nested) = list.iter().find(|p| matches!(p.json, Json::List(_))) {
                return Err(nested.error("a vector's element must be a number or an expression, not a list"));
            }
            list.iter().map(source).collect::<Result<_>>().map(Source::List)
        }
        _ => Err(place.error("expected a number, an expression or a list of them")),
    }
}

fn sources(place: &Place) -> Result<Map<Source>> {
    map(place, source)
}

fn fields_of(mut world: World, place: &Place, role: Role) -> Result<World> {
    for (name, place) in place.entries()? {
        let taken = world.components.get(NAMELESS).is_some_and(|c| c.fields.contains_key(name));
        if taken {
            return Err(place.error(format!("'{name}' is both a state and a parameter; use two names")));
        }
        world = world.nameless_field(name.to_string(), role, source(&place)?);
    }
    Ok(world)
}

const ROLES: [&str; 4] = ["integrated", "parameter", "continuous", "discrete"];

fn component(place: &Place) -> Result<Component> {
    Ok(Component { fields: map(place, field)? })
}

fn field(place: &Place) -> Result<Field> {
    let keys: Vec<&str> = [ROLES.as_slice(), &["unit", "dt", "algebraic"]].concat();
    let entries = place.known_entries(&keys)?;
    let get = |key: &str| entries.iter().find(|(k, _)| *k == key).map(|(_, place)| place);
    let roles: Vec<&str> = ROLES.into_iter().filter(|role| get(role).is_some()).collect();
    let [role_name] = roles[..] else {
        let found = if roles.is_empty() { "none".to_string() } else { roles.join(" and ") };
        return Err(place.error(format!("a field has exactly one role of {}, found {found}", ROLES.join(", "))));
    };
    for (key, owner) in [("dt", "discrete"), ("algebraic", "continuous")] {
        if let (Some(place), true) = (get(key), role_name != owner) {
            return Err(place.error(format!("'{key}' belongs to a {owner} field, this one is {role_name}")));
        }
    }
    let role = match role_name {
        "integrated" => Role::Integrated,
        "parameter" => Role::Parameter,
        "continuous" => Role::Continuous { algebraic: get("algebraic").map_or(Ok(false), Place::boolean)? },
        _ => {
            let dt = get("dt").map_or(Ok(0.0), Place::number)?;
            match get("dt") {
                Some(place) if dt < 0.0 => return Err(place.error(format!("dt must not be negative, got {dt}"))),
                _ => Role::Discrete { dt },
            }
        }
    };
    let value = match get(role_name) {
        Some(place) => source(place)?,
        None => Source::Number(0.0),
    };
    Ok(Field { role, value, unit: get("unit").map(|p| p.text().map(str::to_string)).transpose()? })
}

fn entity(place: &Place) -> Result<Entity> {
    Ok(Entity { components: map(place, sources)? })
}

fn system(place: &Place) -> Result<System> {
    let mut system = System::default();
    for (key, place) in place.known_entries(&["slots", "groups", "let", "derivatives", "values", "residuals"])? {
        match key {
            "slots" => system.slots = map(&place, |p| p.text().map(str::to_string))?,
            "groups" => {
                let groups = place.list()?;
                let names = |group: &Place| group.list()?.iter().map(|p| p.text().map(str::to_string)).collect();
                system.groups = Some(groups.iter().map(names).collect::<Result<_>>()?);
            }
            "let" => system.lets = sources(&place)?,
            "derivatives" => system.derivatives = sources(&place)?,
            "values" => system.values = sources(&place)?,
            _ => system.residuals = sources(&place)?,
        }
    }
    if system.is_empty() {
        return Err(place.error("a system needs 'derivatives', 'values' or 'residuals'"));
    }
    Ok(system)
}

fn callback(place: &Place) -> Result<Callback> {
    let entries = place.known_entries(&["dt", "at_start", "parameters", "set"])?;
    for wanted in ["dt", "set"] {
        if !entries.iter().any(|(key, _)| *key == wanted) {
            return Err(place.error(format!("'{wanted}' is missing")));
        }
    }
    let mut callback = Callback::new(0.0);
    for (key, place) in entries {
        match key {
            "dt" => callback.dt = place.number()?,
            "at_start" => callback.at_start = place.boolean()?,
            "parameters" => callback.parameters = map(&place, |p| p.number())?,
            _ => callback.set = sources(&place)?,
        }
    }
    Ok(callback)
}

const RUN_KEYS: [&str; 17] = [
    "tspan",
    "backward",
    "method",
    "dt",
    "adaptive",
    "rtol",
    "atol",
    "dt_min",
    "dt_max",
    "max_steps",
    "save",
    "save_policy",
    "save_after_firing",
    "max_saved",
    "precision",
    "arithmetic",
    "compensated",
];

/// The run, and its time span where that differs from trajectory to trajectory.
fn run(place: &Place) -> Result<(RunSettings, Option<[Source; 2]>)> {
    let (mut run, mut own_tspan) = (RunSettings::default(), None);
    for (key, place) in place.known_entries(&RUN_KEYS)? {
        match key {
            "tspan" => match &place.list()?.iter().map(source).collect::<Result<Vec<_>>>()?[..] {
                [Source::Number(t0), Source::Number(t1)] => run.tspan = Some((*t0, *t1)),
                [t0, t1] => own_tspan = Some([t0.clone(), t1.clone()]),
                _ => return Err(place.error("expected two times, [t0, t1]")),
            },
            "backward" => run.backward = Some(place.boolean()?),
            "max_saved" => run.max_saved = Some(place.whole()?),
            "save_policy" => run.save_policy = Some(one_of(&place, key, SavePolicy::ALL, SavePolicy::name)?),
            "save_after_firing" => run.save_after_firing = Some(place.boolean()?),
            "method" => run.method = Some(place.text()?.to_string()),
            "dt" => run.dt = Some(place.number()?),
            "adaptive" => run.adaptive = Some(place.boolean()?),
            "rtol" => run.rtol = Some(tolerance(&place)?),
            "atol" => run.atol = Some(tolerance(&place)?),
            "dt_min" => run.dt_min = Some(place.number()?),
            "dt_max" => run.dt_max = Some(place.number()?),
            "max_steps" => {
                let n = place.whole()?;
                run.max_steps =
                    Some(u32::try_from(n).map_err(|_| place.error(format!("at most {}, got {n}", u32::MAX)))?);
            }
            "save" => run.save = Some(save(&place)?),
            "precision" => run.precision = Some(one_of(&place, key, Precision::ALL, Precision::name)?),
            "arithmetic" => run.arithmetic = Some(one_of(&place, key, Arithmetic::ALL, Arithmetic::name)?),
            _ => run.compensated = Some(place.boolean()?),
        }
    }
    Ok((run, own_tspan))
}

/// The choice of that name.
fn one_of<T: Copy>(place: &Place, what: &str, all: [T; 3], name_of: fn(T) -> &'static str) -> Result<T> {
    let name = place.text()?;
    all.into_iter()
        .find(|choice| name_of(*choice) == name)
        .ok_or_else(|| place.error(format!("unknown {what} '{name}'; known: {}", all.map(name_of).join(", "))))
}

fn tolerance(place: &Place) -> Result<Tolerance> {
    match place.json {
        Json::Object(_) => map(place, |p| p.number()).map(Tolerance::PerState),
        _ => place.number().map(Tolerance::Scalar),
    }
}

fn save(place: &Place) -> Result<Save> {
    for (name, save) in [("final", Save::Final), ("steps", Save::Steps)] {
        if place.json == &Json::Text(name.to_string()) {
            return Ok(save);
        }
    }
    let shapes = "expected {\"points\": N}, {\"every\": H}, {\"at\": [..]}, \"steps\" or \"final\"";
    if !matches!(place.json, Json::Object(_)) {
        return Err(place.error(shapes));
    }
    match &place.known_entries(&["points", "every", "at"])?[..] {
        [("points", place)] => Ok(Save::Points(place.whole()? as usize)),
        [("every", place)] => place.number().map(Save::Every),
        [("at", place)] => place.numbers().map(Save::At),
        [_, _, ..] => Err(place.error(format!("{shapes}: either one or the other, not both"))),
        _ => Err(place.error(format!("{shapes}: exactly one of them"))),
    }
}

fn ensemble(place: &Place) -> Result<EnsembleSettings> {
    let mut ensemble = EnsembleSettings::default();
    for (key, place) in place.known_entries(&["size", "seed", "sampling", "vary"])? {
        match key {
            "size" => ensemble.size = Some(place.whole()?),
            "seed" => ensemble.seed = Some(place.whole()?),
            "sampling" => ensemble.sampling = Some(one_of(&place, key, Sampling::ALL, Sampling::name)?),
            _ => ensemble.vary = map(&place, distribution)?,
        }
    }
    Ok(ensemble)
}

fn distribution(place: &Place) -> Result<Distribution> {
    let entries = place.entries()?;
    let [(name, arguments)] = &entries[..] else {
        return Err(place.error("expected one distribution, such as {\"uniform\": [0, 1]}"));
    };
    if *name == "csv" {
        let column = arguments.known_entries(&["file", "column"])?;
        let get =
            |key: &str| column.iter().find(|(k, _)| *k == key).map(|(_, p)| p.text().map(str::to_string)).transpose();
        let file = get("file")?.ok_or_else(|| arguments.error("'file' is missing"))?;
        return Ok(Distribution::Csv { file, column: get("column")? });
    }
    if !Distribution::NAMES.contains(name) {
        let hint = suggest("known distributions", name, Distribution::NAMES);
        return Err(arguments.error(format!("unknown distribution '{name}'{hint}")));
    }
    Distribution::new(name, arguments.numbers()?).map_err(|message| arguments.error(message))
}
