//! Functions of a model that are written in Rust: what a system adds to derivatives, and what a callback writes.
//!
//! In: closures. Out: values that can be cloned, compared (whether they are the same closure) and shown, as the worlds and
//! programs that hold them can. Numbers go in and out as f64, whatever the format of the run. What a function reads and
//! where its results go is not known here.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

/// What a callback does when it fires: from t and the values that it reads it changes those that it writes.
pub type Control = Box<dyn FnMut(f64, &[f64], &mut [f64]) + Send>;

type Contribution = dyn Fn(f64, &[f64], &mut [f64]) + Send + Sync;

/// What a system adds to derivatives.
#[derive(Clone)]
pub struct SystemFn {
    name: &'static str,
    function: Arc<Contribution>,
}

impl SystemFn {
    /// A function of t, the values that it reads, and zeros to fill with what it adds.
    pub fn new<F: Fn(f64, &[f64], &mut [f64]) + Send + Sync + 'static>(function: F) -> Self {
        SystemFn { name: type_name::<F>(), function: Arc::new(function) }
    }

    /// Calls it.
    pub fn call(&self, t: f64, reads: &[f64], adds: &mut [f64]) {
        (self.function)(t, reads, adds);
    }

    /// The negative of it, of the time -t.
    pub fn of_reversed_time(&self) -> SystemFn {
        let function = self.function.clone();
        let reversed = move |s: f64, reads: &[f64], adds: &mut [f64]| {
            function(0.0 - s, reads, adds);
            adds.iter_mut().for_each(|x| *x = -*x);
        };
        SystemFn { name: self.name, function: Arc::new(reversed) }
    }
}

/// Makes what a callback does, anew for each trajectory.
#[derive(Clone)]
pub struct CallbackFn {
    name: &'static str,
    make: Arc<dyn Fn() -> Control + Send + Sync>,
}

impl CallbackFn {
    /// From a closure that is called when a trajectory begins, and returns what its firings call.
    pub fn new<F: FnMut(f64, &[f64], &mut [f64]) + Send + 'static>(
        make: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        CallbackFn { name: type_name::<F>(), make: Arc::new(move || Box::new(make())) }
    }

    /// From a closure that all firings of all trajectories call.
    pub fn stateless<F: Fn(f64, &[f64], &mut [f64]) + Send + Sync + 'static>(function: F) -> Self {
        let function = Arc::new(function);
        let make = move || -> Control {
            let function = function.clone();
            Box::new(move |t, reads, writes| function(t, reads, writes))
        };
        CallbackFn { name: type_name::<F>(), make: Arc::new(make) }
    }

    /// What the firings of one trajectory call.
    pub fn make(&self) -> Control {
        (self.make)()
    }

    /// The same of the time -t.
    pub fn of_reversed_time(&self) -> CallbackFn {
        let make = self.make.clone();
        let reversed = move || -> Control {
            let mut control = make();
            Box::new(move |s, reads, writes| control(0.0 - s, reads, writes))
        };
        CallbackFn { name: self.name, make: Arc::new(reversed) }
    }
}

impl PartialEq for SystemFn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.function, &other.function)
    }
}

impl PartialEq for CallbackFn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.make, &other.make)
    }
}

impl fmt::Debug for SystemFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for CallbackFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
