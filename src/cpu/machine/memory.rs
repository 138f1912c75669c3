//! Memory that can be executed: written first, then made read-only and executable.

use super::emit::Arguments;
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

    /// Calls the function at a position.
    ///
    /// # Safety
    /// A function of this form has to begin there, and the memory that it touches has to be as it expects.
    #[cfg(target_arch = "x86_64")]
    pub unsafe fn call(&self, position: usize, arguments: &Arguments) {
        let start = self.0[position..].as_ptr();
        // SAFETY: the bytes are code of this calling convention, as the caller promises.
        unsafe {
            let function: unsafe extern "sysv64" fn(*const Arguments) = std::mem::transmute(start);
            function(arguments);
        }
    }

    /// There is no code for other processors.
    #[cfg(not(target_arch = "x86_64"))]
    pub unsafe fn call(&self, _: usize, _: &Arguments) {
        unreachable!("machine code is made for x86-64 only")
    }
}
