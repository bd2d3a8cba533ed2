//! The linker script of programs: sections of any name find a place among those that the kernel's
//! script knows, and those whose names are C identifiers the symbols that linkers give them.

use std::fmt::Write as _;

use crate::Libc;

/// With a mark `@part@` for each part.
const TEMPLATE: &str = include_str!("program.lds");
/// What the kernel's script knows begins with this.
pub(crate) const KNOWN: &str = ".ukl.";

/// A part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Text,
    Rodata,
    Tdata,
    Tbss,
    Data,
    Bss,
}

impl Part {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Text, "@text@"),
        (Self::Rodata, "@rodata@"),
        (Self::Tdata, "@tdata@"),
        (Self::Tbss, "@tbss@"),
        (Self::Data, "@data@"),
        (Self::Bss, "@bss@"),
    ];
}

/// A section whose name the script does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) name: String,
    pub(crate) part: Part,
    /// Bytes.
    pub(crate) align: u64,
}

/// What must be relocated and is read-only then. The program is linked to fixed addresses, so there is
/// nothing to relocate; but glibc writes there before main.
const SETTLED: &str = "*(.data.rel.ro .data.rel.ro.*)";

/// The script for a libc, with a place for `others`.
pub(crate) fn script(libc: Libc, others: &[Other]) -> String {
    let (settled, settling) = match libc {
        Libc::Musl => (SETTLED, ""),
        Libc::Glibc => ("", SETTLED),
    };
    let text = TEMPLATE.replace("@settled@", settled);
    let mut text = text.replace("@settling@", settling);
    for (part, mark) in Part::ALL {
        let own = others.iter().filter(|other| other.part == part);
        let lines: String = own.map(place).collect();
        text = text.replace(mark, lines.trim());
    }
    text
}

fn place(other: &Other) -> String {
    let name = &other.name;
    let mut line = String::new();
    if is_identifier(name) {
        // The start is where the first byte is, not where the padding before it begins.
        let align = other.align;
        let _ = write!(
            line,
            ". = ALIGN({align}); __start_{name} = .; KEEP(*({name})) __stop_{name} = .;\n\t\t"
        );
    } else {
        let _ = write!(line, "KEEP(*(\"{name}\"))\n\t\t");
    }
    line
}

fn is_identifier(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_other_names_get_a_place_by_what_is_in_them() {
        let other = |name: &str, part| Other {
            name: name.into(),
            part,
            align: 8,
        };
        let others = [
            other("my_list", Part::Rodata),
            other(".debug_gdb_scripts", Part::Data),
        ];
        let text = script(Libc::Musl, &others);
        let list = ". = ALIGN(8); __start_my_list = .; KEEP(*(my_list)) __stop_my_list = .;";
        assert!(text.contains(list), "{text}");
        assert!(text.contains("KEEP(*(\".debug_gdb_scripts\"))"), "{text}");
        assert!(!text.contains('@'), "{text}");
    }
}
