//! A flat program: the part of a graph that some results need, in order of evaluation.
//!
//! In: a graph and root ids. Out: a list of operations, each on earlier ones (static single assignment), and the
//! positions of the results. This is the contract between the front end and both backends: the CPU evaluates the
//! list ([`Evaluator`]), the WGSL generator prints it. [`infix`](crate::infix) prints it for people.

use crate::error::{Error, Result};
use crate::expr::{ExprId, Graph, Node};
use crate::native::{CallbackFn, SystemFn};
use crate::real::{Form, Precision, Real};

/// Operations in order, each with the label of the user's `let` if it has one, and the results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Program {
    /// The operations; operands are positions in this list.
    pub nodes: Vec<Node>,
    /// The user's names of intermediate values.
    pub labels: Vec<Option<String>>,
    /// Positions of the results.
    pub roots: Vec<ExprId>,
}

impl Program {
    /// Extracts what `roots` need from the graph.
    pub fn lower(graph: &Graph, roots: &[ExprId]) -> Program {
        let mut needed = vec![false; graph.nodes().len()];
        for root in roots {
            needed[root.index()] = true;
        }
        for (i, node) in graph.nodes().iter().enumerate().rev() {
            if needed[i] {
                node.operands().for_each(|operand| needed[operand.index()] = true);
            }
        }
        let mut position = vec![ExprId(0); needed.len()];
        let mut program = Program::default();
        for (i, node) in graph.nodes().iter().enumerate().filter(|(i, _)| needed[*i]) {
            position[i] = ExprId(program.nodes.len() as u32);
            program.nodes.push(node.map(|operand| position[operand.index()]));
            program.labels.push(graph.label_of(ExprId(i as u32)).map(str::to_string));
        }
        program.roots = roots.iter().map(|root| position[root.index()]).collect();
        program
    }

    /// The same of the time 0 - t, which is never -0; with `negated`, the negative of it.
    pub fn of_reversed_time(&self, negated: bool) -> Program {
        let mut reversed = Program::default();
        let mut position: Vec<ExprId> = Vec::with_capacity(self.nodes.len());
        let mut push = |node: Node, label: Option<String>| -> ExprId {
            reversed.nodes.push(node);
            reversed.labels.push(label);
            ExprId(reversed.nodes.len() as u32 - 1)
        };
        for (node, label) in self.nodes.iter().zip(&self.labels) {
            let mut id = push(node.map(|operand| position[operand.index()]), label.clone());
            if *node == Node::Time {
                let zero = push(Node::Const(0.0f64.to_bits()), None);
                id = push(Node::Sub(zero, id), None);
            }
            position.push(id);
        }
        let roots: Vec<ExprId> = self.roots.iter().map(|root| position[root.index()]).collect();
        reversed.roots = match negated {
            true => roots.into_iter().map(|root| push(Node::Neg(root), None)).collect(),
            false => roots,
        };
        reversed
    }

    /// How often each position is used, as an operand or as a result.
    pub fn use_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.nodes.len()];
        let operands = self.nodes.iter().flat_map(|node| node.operands());
        for id in operands.chain(self.roots.iter().copied()) {
            counts[id.index()] += 1;
        }
        counts
    }

    /// Which positions can reach each result: for every root, whether it depends on the node that `wanted` picks.
    pub fn depends(&self, wanted: impl Fn(Node) -> bool) -> Vec<bool> {
        let mut reach = vec![false; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            reach[i] = wanted(*node) || node.operands().any(|operand| reach[operand.index()]);
        }
        self.roots.iter().map(|root| reach[root.index()]).collect()
    }

    /// Whether it may jump where a leaf changes.
    pub fn jumps_with(&self, leaf: Node) -> bool {
        let mut reach = vec![false; self.nodes.len()];
        self.nodes.iter().enumerate().any(|(i, node)| {
            reach[i] = *node == leaf || node.operands().any(|operand| reach[operand.index()]);
            reach[i] && node.jumps()
        })
    }

    /// The state slots that it reads.
    pub fn state_slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes.iter().filter_map(|node| match node {
            Node::State(slot) => Some(*slot),
            _ => None,
        })
    }

    /// The parameter slots that it reads.
    pub fn param_slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes.iter().filter_map(|node| match node {
            Node::Param(slot) => Some(*slot),
            _ => None,
        })
    }

    /// The constants.
    pub fn constants(&self) -> impl Iterator<Item = f64> + '_ {
        self.nodes.iter().filter_map(|node| match node {
            Node::Const(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        })
    }
}

/// What a callback does: a flat program, or a function written in Rust.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallbackProgram {
    /// Its name.
    pub name: String,
    /// State slots that it sets, each once.
    pub slots: Vec<u32>,
    /// Their new values, of t, states and parameters: one result for each of `slots`, all of the state before. Where there
    /// is a function, what that reads.
    pub values: Program,
    /// Gives the new values instead.
    pub function: Option<CallbackFn>,
}

/// What a function written in Rust adds to derivatives, for one group of a system.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemProgram {
    /// The system's name.
    pub name: String,
    /// What it reads, of t, states and parameters.
    pub reads: Program,
    /// State slots to whose derivatives it adds, one for each of its results.
    pub slots: Vec<u32>,
    /// The function.
    pub function: SystemFn,
}

/// The model's equations as flat programs, with the sizes and names of what they read and write. State, parameter
/// and output slots are numbered from 0 in the order of the flat vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OdeProgram {
    /// Name of each state slot.
    pub state_names: Vec<String>,
    /// Name of each parameter slot.
    pub param_names: Vec<String>,
    /// Name of each output slot.
    pub output_names: Vec<String>,
    /// dy/dt: one result for each state slot.
    pub rhs: Program,
    /// What is added to it, in this order.
    pub systems: Vec<SystemProgram>,
    /// Outputs: one result for each output slot.
    pub outputs: Program,
    /// Callbacks, in the order in which they fire.
    pub callbacks: Vec<CallbackProgram>,
    /// Whether anything may cut the integration: callbacks, discrete fields with a period, stops.
    pub has_stops: bool,
    /// Number of stops whose times differ from trajectory to trajectory.
    pub n_own_stop: usize,
}

impl OdeProgram {
    /// Number of state slots.
    pub fn n_state(&self) -> usize {
        self.state_names.len()
    }

    /// Number of parameter slots.
    pub fn n_param(&self) -> usize {
        self.param_names.len()
    }

    /// Number of output slots.
    pub fn n_output(&self) -> usize {
        self.output_names.len()
    }

    /// Number of values saved at a save time: states, then outputs.
    pub fn n_row(&self) -> usize {
        self.n_state() + self.n_output()
    }

    /// Whether the right-hand side may jump at a time: where it compares or rounds what depends on t. Of functions written in
    /// Rust nothing is known.
    pub fn jumps_in_time(&self) -> bool {
        !self.systems.is_empty() || self.rhs.jumps_with(Node::Time)
    }

    /// Constants must be finite numbers of the precision.
    ///
    /// # Errors
    /// [`Error::Run`] with the constant.
    pub fn check_constants(&self, precision: Precision) -> Result<()> {
        let callbacks = self.callbacks.iter().flat_map(|callback| callback.values.constants());
        let systems = self.systems.iter().flat_map(|system| system.reads.constants());
        let mut constants = self.rhs.constants().chain(self.outputs.constants()).chain(callbacks).chain(systems);
        match constants.find(|x| x.abs() > precision.max()) {
            Some(x) => Err(Error::run(format!(
                "the constant {x:e} is out of the range of {precision}; use precision f64 or other units"
            ))),
            None => Ok(()),
        }
    }

    /// For backends that cannot call functions written in Rust.
    ///
    /// # Errors
    /// [`Error::MissingFunction`] with the systems and callbacks that have no equations.
    pub fn check_equations(&self, backend: &str) -> Result<()> {
        let systems = self.systems.iter().map(|system| format!("system '{}'", system.name));
        let callbacks = self.callbacks.iter().filter(|callback| callback.function.is_some());
        let mut written: Vec<String> =
            systems.chain(callbacks.map(|callback| format!("callback '{}'", callback.name))).collect();
        written.dedup();
        match written.is_empty() {
            true => Ok(()),
            false => Err(Error::MissingFunction(format!(
                "{backend} needs equations, but these are functions written in Rust: {}; write them as expressions, or use the backend cpu",
                written.join(", ")
            ))),
        }
    }

    /// Names of the saved values: states, then outputs.
    pub fn row_names(&self) -> impl Iterator<Item = &str> {
        self.state_names.iter().chain(&self.output_names).map(String::as_str)
    }
}

/// Evaluates a program for a block of `L` lanes (trajectories) at once. Each operation is one loop over the lanes,
/// the same operation for every lane, so the result of a lane does not depend on `L` or on its neighbours.
/// Conditions are held as 1 and 0.
pub struct Evaluator<'a, R, const L: usize> {
    program: &'a Program,
    registers: Vec<[R; L]>,
}

impl<'a, R: Real, const L: usize> Evaluator<'a, R, L> {
    /// Prepares the registers; constants are set once.
    pub fn new(program: &'a Program) -> Self {
        let initial = |node: &Node| match node {
            Node::Const(bits) => [R::of(f64::from_bits(*bits)); L],
            Node::Bool(true) => [R::ONE; L],
            _ => [R::ZERO; L],
        };
        Evaluator { program, registers: program.nodes.iter().map(initial).collect() }
    }

    /// Evaluates at times `t`, states `y` and parameters `p`; `result` gets one block for each root.
    pub fn evaluate(&mut self, t: &[R; L], y: &[[R; L]], p: &[[R; L]], result: &mut [[R; L]]) {
        for (i, node) in self.program.nodes.iter().enumerate() {
            let (earlier, later) = self.registers.split_at_mut(i);
            let register = &mut later[0];
            let get = |id: ExprId| &earlier[id.index()];
            match *node {
                Node::Const(_) | Node::Bool(_) => {}
                Node::Time => *register = *t,
                Node::State(slot) => *register = y[slot as usize],
                Node::Param(slot) => *register = p[slot as usize],
                Node::Neg(a) => map1(register, get(a), |a| -a),
                Node::Add(a, b) => map2(register, get(a), get(b), |a, b| a + b),
                Node::Sub(a, b) => map2(register, get(a), get(b), |a, b| a - b),
                Node::Mul(a, b) => map2(register, get(a), get(b), |a, b| a * b),
                Node::Div(a, b) => map2(register, get(a), get(b), |a, b| a / b),
                Node::Call1(func, a) => match R::form(&func.row().function) {
                    Form::One(f) => map1(register, get(a), f),
                    Form::Two(_) => unreachable!("{} takes two arguments", func.row().name),
                },
                Node::Call2(func, a, b) => match R::form(&func.row().function) {
                    Form::Two(f) => map2(register, get(a), get(b), f),
                    Form::One(_) => unreachable!("{} takes one argument", func.row().name),
                },
                Node::Compare(op, a, b) => map2(register, get(a), get(b), |a, b| truth(op.holds(a, b))),
                Node::And(a, b) => map2(register, get(a), get(b), |a, b| truth(holds(a) && holds(b))),
                Node::Or(a, b) => map2(register, get(a), get(b), |a, b| truth(holds(a) || holds(b))),
                Node::Not(a) => map1(register, get(a), |a| truth(!holds(a))),
                Node::Select(c, a, b) => {
                    let (c, a, b) = (get(c), get(a), get(b));
                    for lane in 0..L {
                        register[lane] = if holds(c[lane]) { a[lane] } else { b[lane] };
                    }
                }
            }
        }
        for (result, root) in result.iter_mut().zip(&self.program.roots) {
            *result = self.registers[root.index()];
        }
    }
}

fn truth<R: Real>(condition: bool) -> R {
    if condition { R::ONE } else { R::ZERO }
}

fn holds<R: Real>(condition: R) -> bool {
    condition != R::ZERO
}

#[inline(always)]
fn map1<R: Real, const L: usize>(out: &mut [R; L], a: &[R; L], f: impl Fn(R) -> R) {
    for lane in 0..L {
        out[lane] = f(a[lane]);
    }
}

#[inline(always)]
fn map2<R: Real, const L: usize>(out: &mut [R; L], a: &[R; L], b: &[R; L], f: impl Fn(R, R) -> R) {
    for lane in 0..L {
        out[lane] = f(a[lane], b[lane]);
    }
}
