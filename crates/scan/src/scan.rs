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
    scan.packed = programs
        .iter()
        .any(|p| p.elf.as_ref().is_some_and(|e| e.packed));
    if runs_from_memory(&scan) {
        let calls = FROM_MEMORY.map(|call| call.trim_start_matches("syscall:"));
        scan.warn(format!(
            "it can run programs out of memory ({}): those cannot be read statically",
            calls.join(", ")
        ));
    }
    scan
}

/// What a program needs that is in no file when it is started.
const FROM_MEMORY: [&str; 2] = ["syscall:memfd_create", "syscall:execveat"];

fn runs_from_memory(scan: &Scan) -> bool {
    let reached = |call| scan.features.get(call).is_some_and(|found| found.reached);
    FROM_MEMORY.into_iter().all(reached)
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
