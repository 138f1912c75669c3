//! Memory that can be executed: written first, then made read-only and executable.

use memmap2::{Mmap, MmapMut};

/// Machine code, ready to run.
#[derive(Debug)]
pub struct Executable(Mmap);

impl Executable {
    /// Nothing where the system allows no code to be made at run time.
    pub fn new(code: &[u8]) -> Option<Executable> {
        let mut memory = MmapMut::map_anon(code.len().max(1)).ok()?;
        memory[..code.len()].copy_from_slice(code);
        Some(Executable(memory.make_exec().ok()?))
    }

    /// Address of a position.
    pub fn at(&self, position: usize) -> *const u8 {
        self.0[position..].as_ptr()
    }
}
