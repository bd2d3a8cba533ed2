//! What the code behind a `syscall` relies on.

use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, Register, RflagsBits};

use crate::Why;
use crate::program::Program;
use crate::site::Numbers;

/// Instructions that are looked at behind a site.
const FAR: usize = 64;
/// `exit` and `exit_group`.
const ENDS: [u64; 2] = [60, 231];
/// A call loses these; the direction flag is clear before and after.
const LOST: u32 = RflagsBits::OF
    | RflagsBits::SF
    | RflagsBits::ZF
    | RflagsBits::AF
    | RflagsBits::CF
    | RflagsBits::PF;

/// Follows the way from the address `next` until it has used the stack: then the stack was there during the
/// call, as its pointer does not change. On that way, and on to where flags are nobody's, no flag may be read that
/// was not written before.
pub(crate) fn behind(program: &Program, numbers: &Numbers, next: u64) -> Result<(), Why> {
    let mut info = InstructionInfoFactory::new();
    let mut way = Way::new(program, next);
    let (mut lost, mut stack) = (LOST, false);
    for _ in 0..FAR {
        let missing = if stack { Why::Flags } else { Why::Stack };
        let at = way.next().ok_or(missing)?;
        if at.mnemonic() == Mnemonic::Syscall && comes_back(numbers, at.ip()) {
            continue;
        }
        if at.rflags_read() & lost != 0 {
            return Err(Why::Flags);
        }
        lost &= !at.rflags_modified();
        stack |= uses_stack(&mut info, &at);
        // Neither calls nor returns keep flags.
        let call = at.mnemonic() == Mnemonic::Call;
        let ends = call || at.flow_control() == FlowControl::Return;
        if stack && (ends || lost == 0) {
            return Ok(());
        }
        match at.flow_control() {
            _ if at.mnemonic() == Mnemonic::Hlt => return Err(missing),
            FlowControl::Next | FlowControl::ConditionalBranch => {}
            FlowControl::UnconditionalBranch => way.go(at.near_branch_target()),
            _ => return Err(missing),
        }
    }
    Err(Why::Stack)
}

/// Whether the system call at `site` is known for one that returns. It keeps all flags.
fn comes_back(numbers: &Numbers, site: u64) -> bool {
    let known = numbers.get(&site).and_then(Option::as_ref);
    known.is_some_and(|known| !known.iter().any(|number| ENDS.contains(number)))
}

/// Instructions in the order in which they run, where nothing says otherwise.
struct Way<'p> {
    program: &'p Program,
    at: u64,
    code: Vec<Instruction>,
}

impl<'p> Way<'p> {
    fn new(program: &'p Program, at: u64) -> Self {
        let code = Vec::new();
        Self { program, at, code }
    }

    fn go(&mut self, to: u64) {
        self.at = to;
    }

    /// The next instruction; `None` where bytes are no instruction.
    fn next(&mut self) -> Option<Instruction> {
        let find = |code: &[Instruction], at| code.binary_search_by_key(&at, Instruction::ip).ok();
        let mut index = find(&self.code, self.at);
        if index.is_none() {
            self.code = self.program.instructions(self.at)?;
            index = find(&self.code, self.at);
        }
        let at = self.code[index?];
        self.at = at.next_ip();
        Some(at)
    }
}

fn uses_stack(info: &mut InstructionInfoFactory, at: &Instruction) -> bool {
    let mut memory = info.info(at).used_memory().iter();
    let syscall = at.mnemonic() == Mnemonic::Syscall;
    !syscall && (at.is_stack_instruction() || memory.any(|used| used.base() == Register::RSP))
}
