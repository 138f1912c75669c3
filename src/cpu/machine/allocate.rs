//! Kernels in stretches between calls, and which values need rows of their own.

use super::kernel::{Base, Callee, Cell, Kernel, Line, Op, Value};

/// A stretch of code ends at the first good place after so many lines: a loop over the lanes of a block should fit into the
/// processor's store of decoded instructions.
const STRETCH_LINES: usize = 1500;

/// Code without calls, and the calls that follow.
#[derive(Debug, Clone, Default)]
pub struct Stretch {
    pub lines: Vec<Line>,
    pub calls: Vec<usize>,
}

/// A kernel cut into stretches.
pub struct Stretches {
    pub stretches: Vec<Stretch>,
    /// Where a value lies that is not computed in the stretch at hand; leaves and calls' results included.
    pub homes: Vec<Option<Cell>>,
    /// Rows that arguments of calls are in.
    pub scratch: Vec<Option<usize>>,
    pub n_scratch: usize,
}

/// When a value is made and used: stretch n computes at the time 2 n, its calls run at 2 n + 1. A leaf is made where a call
/// first needs it in a row. Its home may be read after the stretch that makes it, its row be given away after the last use.
#[derive(Clone, Copy, Default)]
struct Life {
    made: usize,
    last_use: usize,
    is_argument: bool,
    is_used: bool,
}

impl Stretches {
    pub fn new(kernel: &Kernel) -> Stretches {
        let mut stretches = split(&kernel.lines);
        let lives = lives(kernel, &stretches);
        let mut homes = vec![None; kernel.ops.len()];
        for (value, op) in kernel.ops.iter().enumerate() {
            if let Op::Load(cell) = op {
                homes[value] = Some(*cell);
            }
        }
        for (n, stretch) in stretches.iter().enumerate() {
            for line in &stretch.lines {
                if let Line::Store(value, cell) = *line
                    && !kernel.ops[value].is_leaf()
                    && lives[value].made == 2 * n
                {
                    homes[value].get_or_insert(cell);
                }
            }
        }
        let needs_row = |value: Value| {
            let life = lives[value];
            let is_result = matches!(kernel.ops[value], Op::Result(..));
            let is_constant = matches!(kernel.ops[value], Op::Constant(_));
            let outlives = life.last_use > life.made && homes[value].is_none() && !is_constant;
            life.is_argument || life.is_used && (is_result || outlives)
        };
        let wanted: Vec<Value> = (0..kernel.ops.len()).filter(|value| needs_row(*value)).collect();
        let (scratch, n_scratch) = share_rows(&wanted, &lives);
        for value in wanted {
            let cell = scratch[value].map(|row| Cell { base: Base::Scratch, row }).expect("wanted values have rows");
            homes[value].get_or_insert(cell);
            if !matches!(kernel.ops[value], Op::Result(..)) {
                keep(&mut stretches[lives[value].made / 2].lines, value, cell);
            }
        }
        Stretches { stretches, homes, scratch, n_scratch }
    }
}

/// Stores a value as soon as it is computed; leaves at the beginning.
fn keep(lines: &mut Vec<Line>, value: Value, cell: Cell) {
    let computed = lines.iter().position(|line| *line == Line::Compute(value));
    lines.insert(computed.map_or(0, |at| at + 1), Line::Store(value, cell));
}

fn split(lines: &[Line]) -> Vec<Stretch> {
    let mut stretches = vec![Stretch::default()];
    for line in lines {
        let last = stretches.last_mut().expect("there is always one");
        match *line {
            Line::Call(call) => last.calls.push(call),
            Line::Cut if last.lines.len() < STRETCH_LINES => {}
            Line::Cut => stretches.push(Stretch::default()),
            line if last.calls.is_empty() => last.lines.push(line),
            line => stretches.push(Stretch { lines: vec![line], calls: Vec::new() }),
        }
    }
    stretches
}

fn lives(kernel: &Kernel, stretches: &[Stretch]) -> Vec<Life> {
    let mut lives = vec![Life::default(); kernel.ops.len()];
    let mut called = vec![0; kernel.calls.len()];
    for (n, stretch) in stretches.iter().enumerate() {
        for line in &stretch.lines {
            if let Line::Compute(value) = *line {
                lives[value].made = 2 * n;
            }
            let mut used = |value: Value| (lives[value].last_use, lives[value].is_used) = (2 * n, true);
            match *line {
                Line::Compute(value) => kernel.ops[value].operands().for_each(used),
                Line::Store(value, _) => used(value),
                Line::Call(_) | Line::Cut => {}
            }
        }
        for call in &stretch.calls {
            called[*call] = 2 * n + 1;
            let arguments = [Some(kernel.calls[*call].a), kernel.calls[*call].b];
            for value in arguments.into_iter().flatten() {
                let life = &mut lives[value];
                if kernel.ops[value].is_leaf() && !life.is_argument {
                    life.made = 2 * n;
                }
                (life.last_use, life.is_argument, life.is_used) = (2 * n + 1, true, true);
            }
        }
    }
    for (life, op) in lives.iter_mut().zip(&kernel.ops) {
        if let Op::Result(call, is_second) = op {
            life.made = called[*call];
            // They are written even if nobody reads them.
            life.is_used |= !is_second || kernel.calls[*call].callee == Callee::SinCos;
        }
    }
    lives
}

/// Gives each value a row; one whose value is not needed any more is used again.
fn share_rows(wanted: &[Value], lives: &[Life]) -> (Vec<Option<usize>>, usize) {
    let mut order = wanted.to_vec();
    order.sort_by_key(|value| lives[*value].made);
    let mut scratch = vec![None; lives.len()];
    let mut free_from: Vec<usize> = Vec::new();
    for value in order {
        let Life { made, last_use, .. } = lives[value];
        let row = free_from.iter().position(|last| *last < made).unwrap_or(free_from.len());
        if row == free_from.len() {
            free_from.push(0);
        }
        free_from[row] = last_use.max(made);
        scratch[value] = Some(row);
    }
    (scratch, free_from.len())
}
