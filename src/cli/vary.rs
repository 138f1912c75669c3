//! `--vary NAME=DISTRIBUTION(NUMBERS)`: reading and showing what varies.

use ensolve::Distribution;

/// Help text of the option.
pub const HELP: &str = "\
What varies, over the file's entry of that name; may be given many times. Random: normal(mean,sd), \
lognormal(mu,sigma), uniform(lo,hi), loguniform(lo,hi), triangular(lo,mode,hi). \
Trajectory I takes value I: values(1,2,3), csv(FILE) or csv(FILE,COLUMN). \
Every combination: grid(1,2,3), linspace(first,last,count)";

const SHAPE: &str = "expected NAME=DISTRIBUTION(NUMBERS), such as rho=uniform(0,28)";

/// A state or a parameter and how it varies.
#[derive(Debug, Clone, PartialEq)]
pub struct Vary {
    pub name: String,
    pub distribution: Distribution,
}

/// Reads one option.
pub fn parse(text: &str) -> Result<Vary, String> {
    let (name, rest) = text.split_once('=').ok_or(SHAPE)?;
    if finite(rest.trim()).is_ok() {
        let (name, value) = (name.trim(), rest.trim());
        return Err(format!("for the same value in every trajectory write {name}=uniform({value},{value})"));
    }
    let (kind, arguments) = rest.trim().strip_suffix(')').and_then(|rest| rest.split_once('(')).ok_or(SHAPE)?;
    let (name, kind) = (name.trim(), kind.trim());
    if name.is_empty() || kind.is_empty() {
        return Err(SHAPE.to_string());
    }
    let distribution =
        if kind == "csv" { csv(arguments)? } else { Distribution::new(kind, numbers(kind, arguments)?)? };
    Ok(Vary { name: name.to_string(), distribution })
}

/// `FILE` or `FILE,COLUMN`.
fn csv(arguments: &str) -> Result<Distribution, String> {
    let (file, column) = match arguments.rsplit_once(',') {
        Some((file, column)) => (file.trim(), Some(column.trim().to_string())),
        None => (arguments.trim(), None),
    };
    if file.is_empty() || column.as_deref() == Some("") {
        return Err(
            "'csv' takes a file and, if it is named differently, a column: csv(FILE) or csv(FILE,COLUMN)".to_string()
        );
    }
    Ok(Distribution::Csv { file: file.to_string(), column })
}

fn numbers(kind: &str, arguments: &str) -> Result<Vec<f64>, String> {
    // The name is looked at first: it is the likelier mistake.
    if !Distribution::NAMES.contains(&kind) || arguments.trim().is_empty() {
        return Ok(Vec::new());
    }
    arguments
        .split(',')
        .map(|number| finite(number.trim()).map_err(|why| format!("'{}': {why}", number.trim())))
        .collect()
}

/// Reads a finite number.
pub fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(|| "expected a finite number".to_string())
}

/// `uniform(0, 28)`; long lists by their length.
pub fn show(distribution: &Distribution) -> String {
    match distribution {
        Distribution::Normal(mean, sd) => format!("normal({mean}, {sd})"),
        Distribution::LogNormal(mu, sigma) => format!("lognormal({mu}, {sigma})"),
        Distribution::Uniform(lo, hi) => format!("uniform({lo}, {hi})"),
        Distribution::LogUniform(lo, hi) => format!("loguniform({lo}, {hi})"),
        Distribution::Triangular(lo, mode, hi) => format!("triangular({lo}, {mode}, {hi})"),
        Distribution::Values(values) => list("values", values),
        Distribution::Grid(values) => list("grid", values),
        Distribution::Csv { file, column: None } => format!("csv({file})"),
        Distribution::Csv { file, column: Some(column) } => format!("csv({file}, {column})"),
    }
}

fn list(name: &str, values: &[f64]) -> String {
    const LISTED: usize = 6;
    let shown = values.iter().take(LISTED).map(f64::to_string).collect::<Vec<_>>().join(", ");
    match values.len() {
        0..=LISTED => format!("{name}({shown})"),
        n => format!("{name}({shown}, ...), {n} values"),
    }
}
