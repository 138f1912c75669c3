//! The file of `--save-at`: one time a line, inside the time span, in the order in which the run comes to them.

use ensolve::{Error, Result};
use std::path::Path;

/// Reads the times; empty lines are skipped. `tspan` is `None` where each trajectory has its own.
pub fn read(path: &Path, tspan: Option<(f64, f64)>, is_backward: bool) -> Result<Vec<f64>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
    let mut times: Vec<f64> = Vec::new();
    for (i, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let fail = |message: String| Err(Error::file(path, format!("line {}: {message}", i + 1)));
        let Some(t) = line.parse().ok().filter(|t: &f64| t.is_finite()) else {
            return fail(format!("'{line}' is not a time; write one finite number a line"));
        };
        if let Some((t0, t1)) = tspan.filter(|(t0, t1)| !(t0.min(*t1) <= t && t <= t0.max(*t1))) {
            return fail(format!("{t} is outside tspan [{t0}, {t1}]; remove it, or widen tspan"));
        }
        let is_backward = tspan.map_or(is_backward, |(t0, t1)| t1 < t0);
        match times.last() {
            Some(before) if t == *before || (t < *before) != is_backward => {
                let order = if is_backward { "descending" } else { "ascending" };
                return fail(format!("{t} follows {before}; write the times in {order} order"));
            }
            _ => times.push(t),
        }
    }
    if times.is_empty() {
        return Err(Error::file(path, "holds no times; write one a line"));
    }
    Ok(times)
}
