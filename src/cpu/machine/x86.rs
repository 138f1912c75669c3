//! Vector instructions of x86-64 as bytes: AVX2 on registers of 256 bits, AVX-512F on registers of 512.
//!
//! Only what elementwise arithmetic needs. Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
//! sections 2.3 (VEX) and 2.7 (EVEX); a test reads them back with a disassembler.

/// A general register, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct General(pub u8);

pub const RAX: General = General(0);
pub const RCX: General = General(1);
pub const RDX: General = General(2);
pub const RBP: General = General(5);
pub const RSI: General = General(6);
pub const RDI: General = General(7);
pub const R8: General = General(8);
pub const R9: General = General(9);
pub const R10: General = General(10);
pub const R11: General = General(11);

/// A vector register, by its number.
pub type Register = u8;

/// Memory at an offset from a register; never relative to rsp or r12, which would take a longer form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub base: General,
    pub offset: i32,
    /// One number that stands for all lanes.
    pub is_scalar: bool,
}

/// The last operand of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    Register(Register),
    Memory(Memory),
}

/// Elementwise operations of two operands; the second may lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    /// a < b ? a : b
    Min,
    /// a > b ? a : b
    Max,
    And,
    Or,
    Xor,
}

/// Predicates of comparisons, false for NaN but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Predicate {
    Less = 0x11,
    LessEqual = 0x12,
    Equal = 0x00,
    NotEqual = 0x04,
}

/// The vectors of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors {
    /// 16 registers of 256 bits.
    Avx2,
    /// 32 registers of 512 bits.
    Avx512,
}

impl Vectors {
    /// The widest ones that this machine has.
    pub fn of_this_machine() -> Option<Vectors> {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Some(Vectors::Avx512);
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                return Some(Vectors::Avx2);
            }
        }
        None
    }

    pub fn bytes(self) -> usize {
        match self {
            Vectors::Avx2 => 32,
            Vectors::Avx512 => 64,
        }
    }

    pub fn registers(self) -> usize {
        match self {
            Vectors::Avx2 => 16,
            Vectors::Avx512 => 32,
        }
    }
}

/// How an instruction of vectors is encoded.
#[derive(Debug, Clone, Copy)]
struct Opcode {
    /// 1: 0F, 2: 0F 38, 3: 0F 3A.
    map: u8,
    opcode: u8,
    /// 1 for the prefix 66, 0 for none.
    prefix: u8,
    wide: bool,
}

/// Bytes of machine code.
pub struct Assembler {
    pub vectors: Vectors,
    /// f64, or else f32.
    pub is_double: bool,
    pub code: Vec<u8>,
}

impl Assembler {
    pub fn new(vectors: Vectors, is_double: bool) -> Self {
        Assembler { vectors, is_double, code: Vec::new() }
    }

    /// An operation on floats.
    fn float(&self, opcode: u8) -> Opcode {
        Opcode { map: 1, opcode, prefix: u8::from(self.is_double), wide: self.is_double && self.has_masks() }
    }

    /// An operation on bits.
    fn bits(&self, map: u8, opcode: u8) -> Opcode {
        Opcode { map, opcode, prefix: 1, wide: self.is_double && self.has_masks() }
    }

    fn has_masks(&self) -> bool {
        self.vectors == Vectors::Avx512
    }

    /// out = a op b
    pub fn binary(&mut self, op: Binary, out: Register, a: Register, b: Operand) {
        let opcode = match op {
            Binary::Add => self.float(0x58),
            Binary::Mul => self.float(0x59),
            Binary::Sub => self.float(0x5c),
            Binary::Min => self.float(0x5d),
            Binary::Div => self.float(0x5e),
            Binary::Max => self.float(0x5f),
            Binary::And => self.bits(1, 0xdb),
            Binary::Or => self.bits(1, 0xeb),
            Binary::Xor => self.bits(1, 0xef),
        };
        self.vector(opcode, out, a, b, 0);
    }

    pub fn sqrt(&mut self, out: Register, a: Operand) {
        self.vector(self.float(0x51), out, 0, a, 0);
    }

    /// out = a
    pub fn load(&mut self, out: Register, a: Operand) {
        match a {
            Operand::Memory(memory) if memory.is_scalar => self.spread(out, memory, 0),
            _ => self.vector(self.float(0x10), out, 0, a, 0),
        }
    }

    /// One number in memory to all lanes that a mask picks; the others become 0.
    fn spread(&mut self, out: Register, memory: Memory, mask: u8) {
        let opcode = Opcode { opcode: 0x18 + u8::from(self.is_double), ..self.bits(2, 0) };
        self.vector(opcode, out, 0, Operand::Memory(Memory { is_scalar: false, ..memory }), mask);
    }

    pub fn store(&mut self, to: Memory, a: Register) {
        self.vector(self.float(0x11), a, 0, Operand::Memory(to), 0);
    }

    /// out = a compared with b: 1 where it holds, which is also in memory, and 0 elsewhere.
    pub fn compare(&mut self, predicate: Predicate, out: Register, a: Register, b: Operand, one: Memory) {
        if self.has_masks() {
            self.vector(self.float(0xc2), 1, a, b, 0);
            self.code.push(predicate as u8);
            self.spread(out, one, 1);
        } else {
            self.vector(self.float(0xc2), out, a, b, 0);
            self.code.push(predicate as u8);
            self.binary(Binary::And, out, out, Operand::Memory(one));
        }
    }

    /// out = a where the condition is not zero, else b; `free` is a register of no value.
    pub fn select(&mut self, out: Register, condition: Register, zero: Memory, (a, b): (Operand, Register), free: Register) {
        let compared = if self.has_masks() { 1 } else { free };
        self.vector(self.float(0xc2), compared, condition, Operand::Memory(zero), 0);
        self.code.push(Predicate::NotEqual as u8);
        if self.has_masks() {
            self.vector(self.bits(2, 0x65), out, b, a, 1);
        } else {
            let opcode = Opcode { opcode: 0x4a + u8::from(self.is_double), ..self.bits(3, 0) };
            self.vector(opcode, out, b, a, 0);
            self.code.push(compared << 4);
        }
    }

    /// An instruction of three operands; without a second one, `a` is 0.
    fn vector(&mut self, opcode: Opcode, out: Register, a: Register, b: Operand, mask: u8) {
        let (b_high, b_higher, is_scalar) = match b {
            Operand::Register(b) => (b >> 3 & 1, b >> 4, false),
            Operand::Memory(memory) => (memory.base.0 >> 3, 0, memory.is_scalar),
        };
        let (out_high, out_higher) = (out >> 3 & 1, out >> 4);
        if self.has_masks() {
            let first = (1 - out_high) << 7 | (1 - b_higher) << 6 | (1 - b_high) << 5 | (1 - out_higher) << 4;
            let second = u8::from(opcode.wide) << 7 | (!a & 15) << 3 | 1 << 2 | opcode.prefix;
            // Lanes without the mask become 0 where there is nothing else to keep.
            let zeroes = u8::from(mask != 0 && a == 0 && opcode.opcode != 0x65);
            let third = zeroes << 7 | 2 << 5 | u8::from(is_scalar) << 4 | (1 - (a >> 4)) << 3 | mask;
            self.code.extend([0x62, first | opcode.map, second, third]);
        } else {
            debug_assert!(!is_scalar && mask == 0, "only AVX-512 has broadcasts and masks");
            let first = (1 - out_high) << 7 | 1 << 6 | (1 - b_high) << 5 | opcode.map;
            self.code.extend([0xc4, first, u8::from(opcode.wide) << 7 | (!a & 15) << 3 | 1 << 2 | opcode.prefix]);
        }
        self.code.push(opcode.opcode);
        match b {
            Operand::Register(b) => self.code.push(0xc0 | (out & 7) << 3 | b & 7),
            Operand::Memory(memory) => {
                self.code.push(0x80 | (out & 7) << 3 | memory.base.0 & 7);
                self.code.extend(memory.offset.to_le_bytes());
            }
        }
    }

    /// to = the word in memory
    pub fn load_word(&mut self, to: General, base: General, offset: i32) {
        self.code.extend([0x48 | (to.0 >> 3) << 2 | base.0 >> 3, 0x8b, 0x80 | (to.0 & 7) << 3 | base.0 & 7]);
        self.code.extend(offset.to_le_bytes());
    }

    pub fn add_to(&mut self, to: General, amount: i32) {
        self.code.extend([0x48 | to.0 >> 3, 0x81, 0xc0 | to.0 & 7]);
        self.code.extend(amount.to_le_bytes());
    }

    /// Counts down, and jumps back to a position of the code until there is nothing left.
    pub fn repeat(&mut self, count: General, start: usize) {
        self.add_to(count, -1);
        let end = self.code.len() + 6;
        self.code.extend([0x0f, 0x85]);
        self.code.extend((start as i32 - end as i32).to_le_bytes());
    }

    pub fn push_rbp(&mut self) {
        self.code.push(0x55);
    }

    /// Ends the function.
    pub fn pop_rbp_and_return(&mut self) {
        // vzeroupper, pop rbp, ret
        self.code.extend([0xc5, 0xf8, 0x77, 0x5d, 0xc3]);
    }
}
