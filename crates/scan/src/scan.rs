//! The scan as a whole.

use crate::closure::{Loaded, closure};
use crate::code::{Code, Part, Reach, reach, sweep};
use crate::features::{View, asks, imports, script, texts};
use crate::files::Files;
use crate::report::Scan;
use crate::start::Start;

/// Finds what `start` may ask the kernel for. Never fails: what could not be seen is a warning.
pub fn scan(files: &dyn Files, start: &Start) -> Scan {
    let closure = closure(files, start);
    let mut scan = Scan {
        warnings: closure.warnings,
        hidden: closure.unread || closure.members.is_empty(),
        ..Scan::default()
    };
    let members = closure.members;
    for loaded in &members {
        scan.closure.push(loaded.member.clone());
        imports(loaded, &mut scan);
        script(loaded, &mut scan);
    }
    let programs: Vec<&Loaded> = members
        .iter()
        .filter(|loaded| loaded.elf.is_some())
        .collect();
    let codes: Vec<Code> = programs
        .iter()
        .filter_map(|p| p.elf.as_ref())
        .map(sweep)
        .collect();
    let reach = follow(&programs, &codes);
    for (file, (loaded, code)) in programs.iter().zip(&codes).enumerate() {
        let steps = start.limits.steps;
        let view = View {
            file,
            loaded,
            code,
            reach: &reach,
            steps,
        };
        asks(&view, &mut scan);
        texts(&view, &mut scan);
    }
    scan.unknown.sort();
    hidden(&programs, &mut scan);
    scan
}

/// The calls of a program that runs another one which is in no file.
const FROM_MEMORY: [&str; 2] = ["syscall:memfd_create", "syscall:execveat"];

/// Says where code is that no scan sees.
fn hidden(programs: &[&Loaded], scan: &mut Scan) {
    let mut programs = programs.iter().filter_map(|program| program.elf.as_ref());
    scan.hidden |= programs.any(|elf| elf.packed);
    let reached = |call| scan.features.get(call).is_some_and(|found| found.reached);
    if FROM_MEMORY.into_iter().all(reached) {
        let calls = FROM_MEMORY.map(|call| call.trim_start_matches("syscall:"));
        scan.warn(format!(
            "it can run programs out of memory ({}): those cannot be read statically",
            calls.join(", ")
        ));
    }
}

fn follow(programs: &[&Loaded], codes: &[Code]) -> Reach {
    let parts = programs.iter().zip(codes).filter_map(|(loaded, code)| {
        let elf = loaded.elf.as_ref()?;
        Some(Part {
            elf,
            code,
            whole: !loaded.is_library(),
            loader: loaded.loader,
        })
    });
    reach(&parts.collect::<Vec<_>>())
}
