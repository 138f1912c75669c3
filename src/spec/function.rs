//! Systems and callbacks as functions written in Rust, for what expressions cannot say. Only the CPU backend runs them.
//!
//! A function gets numbers, not names: what it reads is a list of expressions, and what it writes a list of keys, in the
//! order of its arguments. A vector stands for all its elements, one after the other.

use super::{Callback, Source, System};
use crate::native::{CallbackFn, SystemFn};

/// What a system adds to derivatives by a function.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemFunction {
    /// Expressions in the system's own names.
    pub reads: Vec<Source>,
    /// Integrated fields to whose derivatives it adds.
    pub adds: Vec<String>,
    /// The function.
    pub function: SystemFn,
}

/// What a callback does by a function.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackFunction {
    /// Expressions of states, parameters and the callback's own parameters.
    pub reads: Vec<Source>,
    /// Keys of the states that it may change.
    pub writes: Vec<String>,
    /// Makes the function of each trajectory.
    pub make: CallbackFn,
}

impl System {
    /// Adds to the derivatives of `adds` by a function: it gets t, the values of `reads`, and zeros to fill, one for each
    /// slot of `adds`. Reads are expressions in the system's own names (`slot.field`, its intermediate values), evaluated
    /// for each group; targets are integrated fields. A system may have equations as well, and several functions: what
    /// functions say is added after all equations.
    ///
    /// It is called at every stage of every step, also for trial states that are far off or not finite, from many threads;
    /// the same arguments must give the same results. A panic in it ends the run.
    ///
    /// ```
    /// use ensolve::spec::{Component, Entity, RunSettings, System, World};
    ///
    /// // A force from a table, linear between its entries.
    /// let table = [(0.0, 0.0), (1.0, 2.0), (3.0, -1.0)];
    /// let force = move |t: f64, reads: &[f64], adds: &mut [f64]| {
    ///     let mass = reads[0];
    ///     if let Some(after) = table.iter().position(|entry| t < entry.0) {
    ///         let ((t0, f0), (t1, f1)) = (table[after - 1], table[after]);
    ///         adds[0] = (f0 + (f1 - f0) * (t - t0) / (t1 - t0)) / mass;
    ///     }
    /// };
    /// let cart = Component::new().integrated("x", 0.0).integrated("v", 0.0).parameter("mass", 0.5);
    /// let system = System::new()
    ///     .slot("c", "cart")
    ///     .derivative("c.x", "c.v")
    ///     .function(["c.mass"], ["c.v"], force);
    /// let spec = World::new("pushed cart")
    ///     .component("cart", cart)
    ///     .entity("a", Entity::new().with("cart"))
    ///     .system("motion", system)
    ///     .stop(1.0)
    ///     .compile()?;
    /// let run = RunSettings { tspan: Some((0.0, 3.0)), ..RunSettings::default() };
    /// let result = ensolve::solve(&spec, &run, &mut ensolve::CpuBackend::new())?;
    /// let v = result.x[[1, result.t.len() - 1]];
    /// assert!((v - 4.0).abs() < 1e-5);
    /// # Ok::<(), ensolve::Error>(())
    /// ```
    pub fn function(
        mut self,
        reads: impl IntoIterator<Item = impl Into<Source>>,
        adds: impl IntoIterator<Item = impl Into<String>>,
        function: impl Fn(f64, &[f64], &mut [f64]) + Send + Sync + 'static,
    ) -> Self {
        self.functions.push(SystemFunction {
            reads: reads.into_iter().map(Into::into).collect(),
            adds: adds.into_iter().map(Into::into).collect(),
            function: SystemFn::new(function),
        });
        self
    }
}

impl Callback {
    /// A callback that fires every `dt` and calls a function with a memory of its own in each trajectory. `make` is called
    /// when a trajectory begins; what it returns gets t, the values of `reads` and, to change, the present values of
    /// `writes`, one for each slot: what it leaves alone stays. Reads are expressions, as in [`set`](Self::set); writes are
    /// keys of states. Parameters cannot be written.
    ///
    /// A panic in it ends the run.
    ///
    /// ```
    /// use ensolve::spec::{Callback, Component, Entity, Role, RunSettings, System, World};
    ///
    /// let component = Component::new().integrated("y", 0.0).field("u", Role::Discrete { dt: 0.0 }, 0.0);
    /// // Integral control: the sum of errors is kept in the closure.
    /// let control = || {
    ///     let mut integral = 0.0;
    ///     move |_t: f64, reads: &[f64], writes: &mut [f64]| {
    ///         let [y, setpoint] = *reads else { unreachable!() };
    ///         integral += setpoint - y;
    ///         writes[0] = integral;
    ///     }
    /// };
    /// let callback = Callback::function(0.1, ["a.tank.y", "setpoint"], ["a.tank.u"], control).parameter("setpoint", 2.0);
    /// let spec = World::new("integral control")
    ///     .component("tank", component)
    ///     .entity("a", Entity::new().with("tank"))
    ///     .system("fill", System::new().slot("k", "tank").derivative("k.y", "3*(k.u - k.y)"))
    ///     .callback("control", callback)
    ///     .compile()?;
    /// let run = RunSettings { tspan: Some((0.0, 20.0)), ..RunSettings::default() };
    /// let result = ensolve::solve(&spec, &run, &mut ensolve::CpuBackend::new())?;
    /// let y = result.x[[0, result.t.len() - 1]];
    /// assert!((y - 2.0).abs() < 1e-3);
    /// # Ok::<(), ensolve::Error>(())
    /// ```
    pub fn function<F: FnMut(f64, &[f64], &mut [f64]) + Send + 'static>(
        dt: f64,
        reads: impl IntoIterator<Item = impl Into<Source>>,
        writes: impl IntoIterator<Item = impl Into<String>>,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Callback::new(dt).calling(reads, writes, CallbackFn::new(make))
    }

    /// As [`Callback::function`], without a memory: one function that all firings call.
    pub fn closure(
        dt: f64,
        reads: impl IntoIterator<Item = impl Into<Source>>,
        writes: impl IntoIterator<Item = impl Into<String>>,
        function: impl Fn(f64, &[f64], &mut [f64]) + Send + Sync + 'static,
    ) -> Self {
        Callback::new(dt).calling(reads, writes, CallbackFn::stateless(function))
    }

    fn calling(
        mut self,
        reads: impl IntoIterator<Item = impl Into<Source>>,
        writes: impl IntoIterator<Item = impl Into<String>>,
        make: CallbackFn,
    ) -> Self {
        let reads = reads.into_iter().map(Into::into).collect();
        let writes = writes.into_iter().map(Into::into).collect();
        self.function = Some(CallbackFunction { reads, writes, make });
        self
    }
}
