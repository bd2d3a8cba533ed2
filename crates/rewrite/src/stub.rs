//! The code that is added: what the calls go to.

use std::collections::HashMap;
use std::ops::Range;

use iced_x86::{Encoder, Instruction, OpKind, Register};

use crate::site::Form;

/// Code at a place of its own.
pub(crate) struct Stubs {
    base: u64,
    /// Where the address of the kernel's entry will be.
    word: u64,
    bytes: Vec<u8>,
    /// Where the calls' own code starts: their way into the kernel, which all stubs end with.
    common: u64,
    made: HashMap<Vec<Instruction>, u64>,
}

impl Stubs {
    /// Nothing yet, at `base`.
    pub fn new(base: u64, word: u64) -> Self {
        Self {
            base,
            word,
            bytes: Vec::new(),
            common: base,
            made: HashMap::new(),
        }
    }

    /// The address of the next byte.
    pub fn here(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Adds plain bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Adds an instruction that ends with the distance of `to`.
    pub fn add_near(&mut self, opcode: &[u8], to: u64) -> Option<()> {
        self.add(opcode);
        let distance = to.wrapping_sub(self.here() + 4).cast_signed();
        self.add(&i32::try_from(distance).ok()?.to_le_bytes());
        Some(())
    }

    /// Adds instructions from elsewhere.
    pub fn add_moved(&mut self, moved: &[Instruction]) -> Option<()> {
        for at in moved {
            let mut encoder = Encoder::new(64);
            encoder.encode(at, self.here()).ok()?;
            self.bytes.extend(encoder.take_buffer());
        }
        Some(())
    }

    /// Adds a load or store of the entry's address.
    pub fn add_entry(&mut self, opcode: &[u8]) -> Option<()> {
        self.add_near(opcode, self.word)
    }

    /// Adds the way into the kernel. It is jumped to with the return address on top of the stack, and
    /// free use of what `syscall` does not keep: %rcx and %r11.
    pub fn add_common(&mut self, form: Form) -> Option<()> {
        self.common = self.here();
        self.add_entry(&[0x48, 0x8b, 0x0d])?; // mov entry(%rip), %rcx
        self.add(match form {
            Form::Whole => &[
                0xe3, 0x02, // jrcxz 1f
                0xff, 0xe1, // jmp *%rcx
                0x0f, 0x05, // 1: syscall
                0xc3, // ret
            ],
            Form::Before => &[
                0xe3, 0x07, // jrcxz 1f
                0x48, 0x83, 0x04, 0x24, 0x02, // addq $2, (%rsp)
                0xff, 0xe1, // jmp *%rcx
                0xc3, // 1: ret
            ],
        });
        Some(())
    }

    /// The stub that does what `moved` did, then makes the call.
    pub fn stub(&mut self, moved: &[Instruction]) -> Option<u64> {
        if moved.is_empty() {
            return Some(self.common);
        }
        if let Some(&made) = self.made.get(moved) {
            return Some(made);
        }
        let start = self.here();
        let below: Vec<Instruction> = moved.iter().map(|at| below_a_return_address(*at)).collect();
        self.add_moved(&below)?;
        self.add_near(&[0xe9], self.common)?;
        self.made.insert(moved.to_vec(), start);
        Some(start)
    }

    /// All that calls lead to.
    pub fn called(&self) -> Range<u64> {
        self.common..self.here()
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The same where a return address was pushed: what is at the stack pointer is eight bytes above it.
fn below_a_return_address(mut at: Instruction) -> Instruction {
    let memory = (0..at.op_count()).any(|index| at.op_kind(index) == OpKind::Memory);
    if memory && at.memory_base() == Register::RSP {
        at.set_memory_displacement64(at.memory_displacement64().wrapping_add(8));
        // One byte where it fits; the encoder takes four where not.
        at.set_memory_displ_size(1);
    }
    at
}
