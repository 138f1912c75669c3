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

/// The vectors of a machine, the wider ones last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    pub fn select(
        &mut self,
        out: Register,
        condition: Register,
        zero: Memory,
        (a, b): (Operand, Register),
        free: Register,
    ) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};

    /// The instructions as a disassembler reads them.
    fn read(assembler: &Assembler) -> Vec<String> {
        let mut formatter = IntelFormatter::new();
        formatter.options_mut().set_space_after_operand_separator(true);
        let instructions = Decoder::with_ip(64, &assembler.code, 0, DecoderOptions::NONE).into_iter();
        let text = |instruction| {
            let mut line = String::new();
            formatter.format(&instruction, &mut line);
            line
        };
        instructions.map(text).collect()
    }

    fn at(base: General, offset: i32, is_scalar: bool) -> Memory {
        Memory { base, offset, is_scalar }
    }

    #[test]
    fn instructions_of_512_bits() {
        let mut code = Assembler::new(Vectors::Avx512, true);
        code.binary(Binary::Add, 1, 2, Operand::Register(3));
        code.binary(Binary::Sub, 31, 17, Operand::Register(25));
        code.binary(Binary::Mul, 9, 30, Operand::Memory(at(R9, 0x148, true)));
        code.binary(Binary::Div, 16, 8, Operand::Memory(at(R11, -64, false)));
        code.binary(Binary::Min, 0, 15, Operand::Register(16));
        code.binary(Binary::Max, 20, 0, Operand::Memory(at(RBP, 0, false)));
        code.binary(Binary::And, 1, 2, Operand::Register(3));
        code.binary(Binary::Or, 1, 31, Operand::Register(3));
        code.binary(Binary::Xor, 1, 2, Operand::Memory(at(R9, 8, true)));
        code.sqrt(30, Operand::Register(7));
        code.load(19, Operand::Memory(at(RSI, 4096, false)));
        code.load(19, Operand::Memory(at(R9, 16, true)));
        code.load(3, Operand::Register(29));
        code.store(at(RAX, 128, false), 27);
        code.compare(Predicate::LessEqual, 18, 5, Operand::Register(6), at(R9, 24, true));
        code.select(4, 21, at(R9, 0, true), (Operand::Register(22), 23), 0);
        let expected = [
            "vaddpd zmm1, zmm2, zmm3",
            "vsubpd zmm31, zmm17, zmm25",
            "vmulpd zmm9, zmm30, [r9+148h]{1to8}",
            "vdivpd zmm16, zmm8, [r11-40h]",
            "vminpd zmm0, zmm15, zmm16",
            "vmaxpd zmm20, zmm0, [rbp]",
            "vpandq zmm1, zmm2, zmm3",
            "vporq zmm1, zmm31, zmm3",
            "vpxorq zmm1, zmm2, [r9+8]{1to8}",
            "vsqrtpd zmm30, zmm7",
            "vmovupd zmm19, [rsi+1000h]",
            "vbroadcastsd zmm19, [r9+10h]",
            "vmovupd zmm3, zmm29",
            "vmovupd [rax+80h], zmm27",
            "vcmple_oqpd k1, zmm5, zmm6",
            "vbroadcastsd zmm18{k1}{z}, [r9+18h]",
            "vcmpneqpd k1, zmm21, [r9]{1to8}",
            "vblendmpd zmm4{k1}, zmm23, zmm22",
        ];
        assert_eq!(read(&code), expected);
    }

    #[test]
    fn instructions_of_256_bits() {
        let mut code = Assembler::new(Vectors::Avx2, false);
        code.binary(Binary::Add, 1, 12, Operand::Register(13));
        code.binary(Binary::Div, 15, 8, Operand::Memory(at(R11, -64, false)));
        code.binary(Binary::Xor, 1, 2, Operand::Memory(at(R9, 32, false)));
        code.sqrt(10, Operand::Register(7));
        code.load(9, Operand::Memory(at(RSI, 4096, false)));
        code.store(at(RCX, 128, false), 11);
        code.compare(Predicate::Less, 8, 5, Operand::Register(6), at(R9, 64, false));
        code.select(4, 11, at(R9, 0, false), (Operand::Register(12), 13), 14);
        let expected = [
            "vaddps ymm1, ymm12, ymm13",
            "vdivps ymm15, ymm8, [r11-40h]",
            "vpxor ymm1, ymm2, [r9+20h]",
            "vsqrtps ymm10, ymm7",
            "vmovups ymm9, [rsi+1000h]",
            "vmovups [rcx+80h], ymm11",
            "vcmplt_oqps ymm8, ymm5, ymm6",
            "vpand ymm8, ymm8, [r9+40h]",
            "vcmpneqps ymm14, ymm11, [r9]",
            "vblendvps ymm4, ymm13, ymm12, ymm14",
        ];
        assert_eq!(read(&code), expected);
        let mut code = Assembler::new(Vectors::Avx2, true);
        code.select(4, 11, at(R9, 0, false), (Operand::Memory(at(R8, 8, false)), 13), 14);
        code.binary(Binary::Max, 3, 4, Operand::Register(5));
        let expected =
            ["vcmpneqpd ymm14, ymm11, [r9]", "vblendvpd ymm4, ymm13, [r8+8], ymm14", "vmaxpd ymm3, ymm4, ymm5"];
        assert_eq!(read(&code), expected);
    }

    #[test]
    fn instructions_of_general_registers() {
        let mut code = Assembler::new(Vectors::Avx2, true);
        code.push_rbp();
        code.load_word(R10, RDI, 72);
        code.load_word(RBP, RDI, 64);
        let start = code.code.len();
        code.add_to(R11, 64);
        code.add_to(RDI, 64);
        code.repeat(R10, start);
        code.pop_rbp_and_return();
        let expected = [
            "push rbp",
            "mov r10, [rdi+48h]",
            "mov rbp, [rdi+40h]",
            "add r11, 40h",
            "add rdi, 40h",
            "add r10, 0FFFFFFFFFFFFFFFFh",
            &format!("jne {start:016X}h"),
            "vzeroupper",
            "pop rbp",
            "ret",
        ];
        let text = read(&code);
        assert_eq!(text.len(), expected.len());
        for (line, expected) in text.iter().zip(expected) {
            assert_eq!(line, expected, "all: {text:?}");
        }
    }
}
