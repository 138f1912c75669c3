//! The norms of errors as WGSL. Twin of `cpu/error_norm.rs`: same functions, same order of operations.
//!
//! Two functions tell the error of a step. `error_norm_sq` knows every case; `quiet_norm_sq` gives the same bits in fewer
//! operations where a step is no rare one, and lets the caller see when it is.

use super::step::StepPrinter;

impl StepPrinter<'_> {
    /// Mean of the squares of one ratio for each state.
    fn mean_square(&self, signature: &str, ratio: impl Fn(usize, &str) -> String) -> String {
        let s = self.spelling;
        let mut out = format!("fn {signature} -> real {{\n    var sum = real_of(0.0);\n");
        for (slot, member) in self.members.state.iter().enumerate() {
            let e = format!("e{slot}");
            let sum = s.add("sum", &s.mul(&e, &e));
            out.push_str(&format!("    let {e} = {};\n    sum = {sum};\n", ratio(slot, member)));
        }
        out + &format!("    return {};\n}}\n", self.mean("sum"))
    }

    /// A sum over the states divided by their number; as a product where the order of operations is free.
    fn mean(&self, sum: &str) -> String {
        let (s, n) = (self.spelling, self.members.state.len().max(1) as f64);
        if self.exact { s.div(sum, &s.literal(n)) } else { s.mul(sum, &s.literal(n.recip())) }
    }

    /// `(tables.tolerances[0].atol + tables.tolerances[0].rtol * size)`
    fn tolerance(&self, slot: usize, size: &str) -> String {
        let s = self.spelling;
        let relative = s.mul(&format!("tables.tolerances[{slot}].rtol"), size);
        s.group(&s.add(&format!("tables.tolerances[{slot}].atol"), &relative))
    }

    /// Mean squares of the error in tolerance units: of all slots, and of those alone where it is within the rounding of y.
    pub(super) fn error_norm_sq(&self) -> String {
        let s = self.spelling;
        let has_second = !self.stages.second_error.is_empty();
        let mut out =
            "fn error_norm_sq(y: State, step: Step, h: real) -> ErrorNorm {\n    var sum = real_of(0.0);\n    \
                       var noise = real_of(0.0);\n"
                .to_string();
        if has_second {
            out.push_str("    var second = real_of(0.0);\n");
        }
        for (slot, m) in self.members.state.iter().enumerate() {
            let error = s.mul("h", &s.group(&self.weighted_sum(&self.stages.error, |_| "step.", m)));
            let tolerance = self.tolerance(slot, &format!("size{slot}"));
            let square = s.mul(&format!("e{slot}"), &format!("e{slot}"));
            out.push_str(&format!(
                "    let error{slot} = {error};\n    \
                 let size{slot} = greater(real_abs(y.{m}), real_abs(step.y1_candidate.{m}));\n    \
                 let e{slot} = ratio(error{slot}, {tolerance});\n    \
                 sum = {};\n    \
                 noise = select(noise, {}, is_noise(error{slot}, size{slot}));\n",
                s.add("sum", &square),
                s.add("noise", &square)
            ));
            if has_second {
                let error = s.mul("h", &s.group(&self.weighted_sum(&self.stages.second_error, |_| "step.", m)));
                let name = format!("second{slot}");
                // Bounded, so that no square overflows.
                out.push_str(&format!(
                    "    let {name} = lesser(real_abs(ratio({error}, {tolerance})), real_of(1e15));\n    second = {};\n",
                    s.add("second", &s.mul(&name, &name))
                ));
            }
        }
        let means = ["sum", "noise", "second"].map(|sum| self.mean(sum));
        if !has_second {
            out.push_str(&format!("    return ErrorNorm({}, {});\n}}\n", means[0], means[1]));
            return out;
        }
        // e^2 / sqrt(e^2 + 0.01 e'^2), squared.
        let sum = s.add("mean", &s.mul(&s.literal(0.01), &s.group(&means[2])));
        out.push_str(&format!("    let mean = {};\n    let part = ratio(mean, {sum});\n", means[0]));
        let norm = [s.mul("mean", "part"), s.mul(&s.group(&means[1]), "part")];
        out.push_str(&format!("    return ErrorNorm({}, {});\n}}\n", norm[0], norm[1]));
        out
    }

    pub(super) fn scaled_norm_sq(&self) -> String {
        self.mean_square("scaled_norm_sq(v: State, y: State)", |slot, m| {
            let tolerance = self.tolerance(slot, &format!("real_abs(y.{m})"));
            // Bounded, so that no square overflows.
            format!("lesser(real_abs(ratio(v.{m}, {tolerance})), real_of(1e15))")
        })
    }

    /// What `quiet_norm_sq` takes from memory once for many steps: the tolerance, where all states have one.
    fn tolerances(&self) -> &'static str {
        match self.one_tolerance {
            true => {
                "struct Tolerances {\n    rtol: real,\n    atol: real,\n}\n\nfn load_tolerances() -> Tolerances {\n    \
                 return Tolerances(tables.tolerances[0].rtol, tables.tolerances[0].atol);\n}\n\n"
            }
            false => {
                "struct Tolerances { unused: u32 }\n\nfn load_tolerances() -> Tolerances {\n    return Tolerances(0u);\n}\n\n"
            }
        }
    }

    /// rtol and atol of a slot, once `load_tolerances` has been called.
    fn loaded(&self, slot: usize) -> [String; 2] {
        let of = if self.one_tolerance { "tolerances".to_string() } else { format!("tables.tolerances[{slot}]") };
        [format!("{of}.rtol"), format!("{of}.atol")]
    }

    /// Mean square of the error in tolerance units, and the sum of the magnitudes of the candidate. An error of 0 is not told
    /// apart: where the tolerance is 0 as well, the norm is NaN.
    pub(super) fn quiet_norm_sq(&self) -> String {
        let s = self.spelling;
        let has_second = !self.stages.second_error.is_empty();
        let mut out = self.tolerances().to_string()
            + "fn quiet_norm_sq(y: State, step: Step, h: real, tolerances: Tolerances) -> QuietNorm {\n    \
               var sum = real_of(0.0);\n    var size = 0.0f;\n";
        if has_second {
            out.push_str("    var second = real_of(0.0);\n");
        }
        for (slot, m) in self.members.state.iter().enumerate() {
            let [rtol, atol] = self.loaded(slot);
            let tolerance = s.group(&s.add(&atol, &s.mul(&rtol, &format!("size{slot}"))));
            let estimate = |terms| s.mul("h", &s.group(&self.weighted_sum(terms, |_| "step.", m)));
            let e = format!("e{slot}");
            out.push_str(&format!(
                "    let abs{slot} = real_abs(step.y1_candidate.{m});\n    \
                 size += to_f32(abs{slot});\n    \
                 let size{slot} = greater(real_abs(y.{m}), abs{slot});\n    \
                 let {e} = {};\n    sum = {};\n",
                s.div(&s.group(&estimate(&self.stages.error)), &tolerance),
                s.add("sum", &s.mul(&e, &e))
            ));
            if has_second {
                let name = format!("second{slot}");
                let ratio = s.div(&s.group(&estimate(&self.stages.second_error)), &tolerance);
                out.push_str(&format!(
                    "    let {name} = lesser(real_abs({ratio}), real_of(1e15));\n    second = {};\n",
                    s.add("second", &s.mul(&name, &name))
                ));
            }
        }
        if has_second {
            let sum = s.add("mean", &s.mul(&s.literal(0.01), &s.group(&self.mean("second"))));
            out.push_str(&format!("    let mean = {};\n    let part = ratio(mean, {sum});\n", self.mean("sum")));
            return out + &format!("    return QuietNorm({}, size);\n}}\n", s.mul("mean", "part"));
        }
        out + &format!("    return QuietNorm({}, size);\n}}\n", self.mean("sum"))
    }

    /// The sum of magnitudes below which no error within the rounding of a state is above its tolerance; 0 if the tolerance of
    /// a state is 0.
    pub(super) fn quiet_size(&self) -> String {
        let s = self.spelling;
        let mut out = "fn quiet_size(y: State, tolerances: Tolerances) -> f32 {\n    var most = 1e30f;\n".to_string();
        let n_tolerance = if self.one_tolerance { 1 } else { self.members.state.len() };
        for slot in 0..n_tolerance {
            let [rtol, atol] = self.loaded(slot);
            out.push_str(&format!("    most = quiet_size_of({rtol}, {atol}, most);\n"));
        }
        out.push_str("    var size = 0.0f;\n    var least = real_of(1.0);\n");
        for (slot, m) in self.members.state.iter().enumerate() {
            let [rtol, atol] = self.loaded(slot);
            let tolerance = s.add(&atol, &s.mul(&rtol, &format!("abs{slot}")));
            out.push_str(&format!(
                "    let abs{slot} = real_abs(y.{m});\n    size += to_f32(abs{slot});\n    least = lesser({tolerance}, least);\n"
            ));
        }
        out + "    return select(0.0f, most, size < most && less(real_of(0.0), least));\n}\n"
    }
}
