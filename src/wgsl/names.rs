//! User names to WGSL identifiers: legal, unique, and close to what the user wrote.

use std::collections::HashSet;

/// Identifiers that generated functions and their locals use, besides WGSL's own keywords.
const TAKEN: [&str; 61] = [
    "fired",
    "callback",
    "low",
    "low1",
    "Low",
    "culprit",
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "less",
    "less_equal",
    "equal",
    "is_nan",
    "real_abs",
    "real_of",
    "opaque",
    "first_non_finite",
    "t",
    "y",
    "p",
    "h",
    "k1",
    "step",
    "theta",
    "i",
    "at",
    "d",
    "n",
    "e",
    "real",
    "f32",
    "f64",
    "u32",
    "i32",
    "bool",
    "vec2",
    "vec3",
    "abs",
    "sqrt",
    "floor",
    "ceil",
    "trunc",
    "select",
    "bitcast",
    "State",
    "Params",
    "Step",
    "Lane",
    "Attempt",
    "config",
    "tables",
    "params",
    "state",
    "counts",
    "saved",
    "rhs",
    "unfinished",
    "index",
    "N_ROW",
];

/// Gives out names that are legal and not given before.
#[derive(Debug)]
pub struct Namer {
    given: HashSet<String>,
    taken: &'static [&'static str],
}

impl Namer {
    /// For members of a struct, which may be named like anything but a keyword.
    pub fn members() -> Self {
        Namer { given: HashSet::new(), taken: &[] }
    }

    /// For locals of a generated function.
    pub fn locals() -> Self {
        Namer { given: HashSet::new(), taken: &TAKEN }
    }

    /// A new identifier like `wanted`: letters, digits and underscores; never a keyword or a name of the kernel's own.
    pub fn name(&mut self, wanted: &str) -> String {
        let mut base = String::new();
        for c in wanted.chars() {
            match c {
                c if c.is_ascii_alphanumeric() => base.push(c),
                ']' => {}
                c if c.is_alphabetic() => base.push_str(&format!("u{:x}", u32::from(c))),
                _ => base.push('_'),
            }
        }
        // WGSL keeps two leading underscores, and `_` alone, for itself; a digit may not lead.
        let trimmed = base.trim_start_matches('_');
        let mut base = if trimmed.starts_with(|c: char| c.is_ascii_alphabetic()) {
            trimmed.to_string()
        } else {
            format!("v_{trimmed}")
        };
        if self.is_taken(&base) {
            base.push('_');
        }
        let mut name = base.clone();
        let mut n = 2;
        while !self.given.insert(name.clone()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        name
    }

    fn is_taken(&self, name: &str) -> bool {
        let kernel_name = self.taken.contains(&name) || name.starts_with("math_") || name.starts_with("row_");
        kernel_name || naga::keywords::wgsl::RESERVED.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::Namer;

    #[test]
    fn names_are_legal_and_unique() {
        let mut namer = Namer::locals();
        let names = ["x", "x", "fn", "m1.mass.position", "x[0]", "_", "__a", "t", "σ", "2x", "math_sin", "loop"];
        let given: Vec<String> = names.iter().map(|n| namer.name(n)).collect();
        assert_eq!(
            given,
            ["x", "x_2", "fn_", "m1_mass_position", "x_0", "v_", "a", "t_", "u3c3", "v_2x", "math_sin_", "loop_"]
        );
    }
}
