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
    scan
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
