//! One stretch of code as machine code: a loop over the vectors of a row.
//!
//! Registers are given away in one pass over the lines. When all are taken, the value that is needed last of all leaves its
//! register (L. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5 (1966)
//! 78-101); it is read again from where it lies in memory, or is put into room for it first.

use super::kernel::{Base, Cell, Kernel, Line, Op, Value};
use super::x86::{
    Assembler, Binary, General, Memory, Operand, R8, R9, R10, R11, RAX, RBP, RCX, RDI, RDX, RSI, Register,
};

/// Pointers and the count that a stretch is called with.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Arguments {
    pub rows: *mut u8,
    pub state: *mut u8,
    pub candidate: *mut u8,
    pub first: *mut u8,
    pub last: *mut u8,
    pub low: *mut u8,
    pub low1: *mut u8,
    pub pool: *const u8,
    /// Room for values that find no register, a vector each.
    pub spill: *mut u8,
    /// Vectors of each row.
    pub count: usize,
}

/// The registers that hold the arguments, in their order; the first one, which points to them, is loaded last.
const POINTERS: [General; 10] = [RDI, RSI, RDX, RCX, R8, R11, RAX, R9, RBP, R10];

/// Distances in memory, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Distances {
    /// From a row to the next.
    pub row: usize,
    /// From a number of the pool to the next.
    pub pool: usize,
    /// The first row of scratch.
    pub scratch: usize,
}

/// Numbers of the pool that every stretch may read, after those of a run.
#[derive(Debug, Clone, Copy)]
pub struct Masks {
    pub zero: usize,
    pub one: usize,
    pub sign: usize,
    pub magnitude: usize,
}

/// Code of kernels, one after the other.
pub struct Emitter<'a> {
    pub assembler: Assembler,
    distances: Distances,
    masks: Masks,
    /// Operations of the kernel at hand.
    ops: &'a [Op],
    /// Where its values lie that are not computed in the stretch at hand.
    homes: Vec<Option<Cell>>,
    places: Places,
    /// Vectors of room for values that find no register.
    pub n_spill: usize,
}

impl<'a> Emitter<'a> {
    pub fn new(assembler: Assembler, distances: Distances, masks: Masks) -> Self {
        let (ops, homes, places) = (&[][..], Vec::new(), Places::default());
        Emitter { assembler, distances, masks, ops, homes, places, n_spill: 0 }
    }

    /// The stretches to come are those of this kernel.
    pub fn begin(&mut self, kernel: &'a Kernel, homes: Vec<Option<Cell>>) {
        self.ops = &kernel.ops;
        self.places = Places {
            uses: vec![Vec::new(); kernel.ops.len()],
            memory: homes.iter().map(|home| home.map(|cell| self.memory(cell))).collect(),
            register: vec![None; kernel.ops.len()],
            spill: vec![None; kernel.ops.len()],
        };
        self.homes = homes;
    }

    /// Appends the code of a stretch, and returns its position.
    pub fn stretch(&mut self, lines: &[Line]) -> usize {
        let position = self.assembler.code.len();
        self.assembler.push_rbp();
        for (at, pointer) in POINTERS.iter().enumerate().rev() {
            self.assembler.load_word(*pointer, RDI, 8 * at as i32);
        }
        let start = self.assembler.code.len();
        self.body(lines);
        let step = self.assembler.vectors.bytes() as i32;
        for pointer in POINTERS.iter().filter(|pointer| ![R9, RBP, R10].contains(pointer)) {
            self.assembler.add_to(*pointer, step);
        }
        self.assembler.repeat(R10, start);
        self.assembler.pop_rbp_and_return();
        position
    }

    fn body(&mut self, lines: &[Line]) {
        let n_register = self.assembler.vectors.registers();
        let mut places = std::mem::take(&mut self.places);
        for (at, line) in lines.iter().enumerate().rev() {
            match *line {
                Line::Compute(value) => {
                    self.ops[value].operands().for_each(|operand| places.uses[operand].push(at));
                    // What this stretch stores is not there yet.
                    places.memory[value] = None;
                }
                Line::Store(value, _) => places.uses[value].push(at),
                Line::Call(_) | Line::Cut => unreachable!("a stretch is without calls"),
            }
        }
        let mut body = Body {
            emitter: self,
            places,
            content: vec![None; n_register],
            locked: vec![false; n_register],
            free_spills: Vec::new(),
            freed_spills: Vec::new(),
            n_spill: 0,
        };
        for line in lines {
            body.line(*line);
            body.free_spills.append(&mut body.freed_spills);
        }
        let (places, n_spill) = (body.places, body.n_spill);
        self.places = places;
        self.n_spill = self.n_spill.max(n_spill);
        for line in lines {
            if let Line::Compute(value) = *line {
                self.places.memory[value] = self.homes[value].map(|cell| self.memory(cell));
            }
        }
    }

    fn memory(&self, cell: Cell) -> Memory {
        let (base, offset) = match cell.base {
            Base::Rows => (RDI, cell.row * self.distances.row),
            Base::Scratch => (RDI, self.distances.scratch + cell.row * self.distances.row),
            Base::State => (RSI, cell.row * self.distances.row),
            Base::Candidate => (RDX, cell.row * self.distances.row),
            Base::First => (RCX, cell.row * self.distances.row),
            Base::Last => (R8, cell.row * self.distances.row),
            Base::Low => (R11, cell.row * self.distances.row),
            Base::Low1 => (RAX, cell.row * self.distances.row),
            Base::Pool => return self.pool(cell.row),
        };
        Memory { base, offset: distance(offset), is_scalar: false }
    }

    fn pool(&self, row: usize) -> Memory {
        let is_scalar = self.assembler.vectors.bytes() > self.distances.pool;
        Memory { base: R9, offset: distance(row * self.distances.pool), is_scalar }
    }
}

/// Where the values of a kernel are while its code is written.
#[derive(Default)]
struct Places {
    /// Lines of the stretch at hand that use a value, the next one last; none between stretches.
    uses: Vec<Vec<usize>>,
    /// Where it lies in memory by now.
    memory: Vec<Option<Memory>>,
    register: Vec<Option<Register>>,
    /// Its room among those of values that found no register.
    spill: Vec<Option<usize>>,
}

/// The state of registers while a stretch is written.
struct Body<'e, 'a> {
    emitter: &'e mut Emitter<'a>,
    places: Places,
    content: Vec<Option<Value>>,
    /// Registers that the line at hand reads.
    locked: Vec<bool>,
    free_spills: Vec<usize>,
    /// Free from the next line on: the one at hand still reads them.
    freed_spills: Vec<usize>,
    n_spill: usize,
}

impl Body<'_, '_> {
    fn line(&mut self, line: Line) {
        match line {
            Line::Compute(value) => self.compute(value),
            Line::Store(value, cell) => {
                let register = self.in_register(value);
                let to = self.emitter.memory(cell);
                self.emitter.assembler.store(to, register);
                self.places.memory[value].get_or_insert(to);
                self.release(&[value]);
            }
            Line::Call(_) | Line::Cut => unreachable!("a stretch is without calls"),
        }
    }

    fn compute(&mut self, value: Value) {
        let masks = self.emitter.masks;
        match self.emitter.ops[value] {
            Op::Load(_) | Op::Constant(_) | Op::Result(..) => unreachable!("leaves are not computed"),
            Op::Add(a, b) => self.commutative(Binary::Add, value, a, b),
            Op::Mul(a, b) => self.commutative(Binary::Mul, value, a, b),
            Op::Sub(a, b) => self.binary(Binary::Sub, value, a, b),
            Op::Div(a, b) => self.binary(Binary::Div, value, a, b),
            Op::Lesser(a, b) => self.binary(Binary::Min, value, a, b),
            Op::Greater(a, b) => self.binary(Binary::Max, value, a, b),
            Op::And(a, b) => self.commutative(Binary::And, value, a, b),
            Op::Or(a, b) => self.commutative(Binary::Or, value, a, b),
            Op::Neg(a) => self.masked(Binary::Xor, value, a, masks.sign),
            Op::Abs(a) => self.masked(Binary::And, value, a, masks.magnitude),
            Op::Not(a) => self.masked(Binary::Xor, value, a, masks.one),
            Op::Sqrt(a) => {
                let operand = self.operand(a);
                self.release(&[a]);
                let out = self.take(value);
                self.emitter.assembler.sqrt(out, operand);
            }
            Op::Compare(predicate, a, b) => {
                let (a_register, b_operand) = (self.in_register(a), self.operand(b));
                self.release(&[a, b]);
                let out = self.take(value);
                let one = self.emitter.pool(masks.one);
                self.emitter.assembler.compare(predicate, out, a_register, b_operand, one);
            }
            Op::Select(condition, a, b) => {
                let (c, b_register) = (self.in_register(condition), self.in_register(b));
                let a_operand = self.operand(a);
                let free = self.free_register();
                self.locked[usize::from(free)] = true;
                self.release(&[condition, a, b]);
                let out = self.take(value);
                let zero = self.emitter.pool(masks.zero);
                self.emitter.assembler.select(out, c, zero, (a_operand, b_register), free);
                self.locked[usize::from(free)] = false;
            }
        }
        if self.places.uses[value].is_empty() {
            self.drop_register(value);
        }
    }

    fn commutative(&mut self, op: Binary, value: Value, a: Value, b: Value) {
        let is_constant = |value: Value| matches!(self.emitter.ops[value], Op::Constant(_));
        let swaps = self.places.register[a].is_none() && (self.places.register[b].is_some() || is_constant(a));
        if swaps { self.binary(op, value, b, a) } else { self.binary(op, value, a, b) }
    }

    fn binary(&mut self, op: Binary, value: Value, a: Value, b: Value) {
        let a_register = self.in_register(a);
        let b_operand = self.operand(b);
        self.release(&[a, b]);
        let out = self.take(value);
        self.emitter.assembler.binary(op, out, a_register, b_operand);
    }

    /// An operation with a number of the pool.
    fn masked(&mut self, op: Binary, value: Value, a: Value, mask: usize) {
        let a_register = self.in_register(a);
        self.release(&[a]);
        let out = self.take(value);
        let mask = self.emitter.pool(mask);
        self.emitter.assembler.binary(op, out, a_register, Operand::Memory(mask));
    }

    /// Brings a value into a register for the line at hand.
    fn in_register(&mut self, value: Value) -> Register {
        let register = match self.places.register[value] {
            Some(register) => register,
            None => {
                let register = self.take(value);
                let memory = self.places.memory[value].expect("what is in no register is in memory");
                self.emitter.assembler.load(register, Operand::Memory(memory));
                register
            }
        };
        self.locked[usize::from(register)] = true;
        register
    }

    /// A value for the line at hand, from memory if it is there and no register is to be had or worth it.
    fn operand(&mut self, value: Value) -> Operand {
        let is_constant = matches!(self.emitter.ops[value], Op::Constant(_));
        let is_reused = self.places.uses[value].len() > 1 && !is_constant && self.content.contains(&None);
        match (self.places.register[value], self.places.memory[value]) {
            (None, Some(memory)) if !is_reused => Operand::Memory(memory),
            _ => Operand::Register(self.in_register(value)),
        }
    }

    /// The line at hand has read these values; the same value may be there twice.
    fn release(&mut self, values: &[Value]) {
        for value in values {
            self.places.uses[*value].pop();
            if let Some(register) = self.places.register[*value] {
                self.locked[usize::from(register)] = false;
            }
            if self.places.uses[*value].is_empty() {
                self.drop_register(*value);
                if let Some(spill) = self.places.spill[*value].take() {
                    self.freed_spills.push(spill);
                }
            }
        }
    }

    fn drop_register(&mut self, value: Value) {
        if let Some(register) = self.places.register[value].take() {
            self.content[usize::from(register)] = None;
        }
    }

    /// A register for a value.
    fn take(&mut self, value: Value) -> Register {
        let register = self.free_register();
        self.content[usize::from(register)] = Some(value);
        self.places.register[value] = Some(register);
        register
    }

    /// A register without a value; the one that is needed last of all is emptied if there is none.
    fn free_register(&mut self) -> Register {
        let is_free = |at: &usize| self.content[*at].is_none() && !self.locked[*at];
        if let Some(free) = (0..self.content.len()).find(is_free) {
            return free as Register;
        }
        let next_use = |at: usize| self.content[at].and_then(|value| self.places.uses[value].last().copied());
        let unlocked = (0..self.content.len()).filter(|at| !self.locked[*at]);
        let victim =
            unlocked.max_by_key(|at| next_use(*at)).expect("a line reads fewer values than there are registers");
        let value = self.content[victim].expect("a register that is not free has a value");
        if self.places.memory[value].is_none() {
            self.spill(value, victim as Register);
        }
        self.drop_register(value);
        victim as Register
    }

    /// Puts a value into memory.
    fn spill(&mut self, value: Value, register: Register) {
        let room = self.free_spills.pop().unwrap_or_else(|| {
            self.n_spill += 1;
            self.n_spill - 1
        });
        let offset = distance(room * self.emitter.assembler.vectors.bytes());
        let memory = Memory { base: RBP, offset, is_scalar: false };
        self.emitter.assembler.store(memory, register);
        self.places.memory[value] = Some(memory);
        self.places.spill[value] = Some(room);
    }
}

/// A distance in memory, which blocks are kept small enough for.
fn distance(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("a block of less than 2 GiB")
}
