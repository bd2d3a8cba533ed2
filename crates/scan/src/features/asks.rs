//! What code asks the kernel for: `syscall` instructions, and calls of the C library's functions
//! whose arguments matter.

use lupine_recorder::{syscall_name, syscall_number};

use super::View;
use super::rules::{Rule, of, same_arguments};
use crate::code::{Kind, Loc, R8, R9, R10, RAX, RCX, RDI, RDX, RSI, Resolver, Want, is_number};
use crate::elf::Elf;
use crate::report::{Scan, Unknown};

/// Where the arguments are at a `syscall` instruction and at a call.
const KERNEL: [Loc; 6] = [RDI, RSI, RDX, R10, R8, R9];
const CALL: [Loc; 6] = [RDI, RSI, RDX, RCX, R8, R9];
/// Bits of a number that say "x32" or are damage.
const NUMBERS: u64 = 1 << 12;

/// Adds what the code of one file asks for.
pub(crate) fn asks(view: &View, scan: &mut Scan) {
    let Some(elf) = &view.loaded.elf else {
        return;
    };
    let mut look = Look {
        view,
        elf,
        scan,
        resolver: Resolver::new(elf, view.code, view.steps),
    };
    for &site in &view.code.syscalls {
        look.site(site, &Want::at(RAX), KERNEL);
    }
    let through = view.code.refs.iter().filter(|r| r.kind == Kind::Through);
    for reference in through {
        match elf.slots.get(&reference.to).map(String::as_str) {
            Some("syscall") => {
                let [number, arguments @ ..] = CALL;
                let [a, b, c, d, e] = arguments;
                look.site(
                    reference.from,
                    &Want::at(number),
                    [a, b, c, d, e, Loc::Slot(8)],
                );
            }
            Some(name) => {
                if let Some(syscall) = same_arguments(name) {
                    look.arguments(
                        reference.from,
                        &Want::Is(0),
                        syscall,
                        CALL,
                        &format!("calls {name}"),
                    );
                }
            }
            None => {}
        }
    }
    let path = &view.loaded.member.path;
    let cut = look.resolver.is_exhausted();
    if cut {
        scan.warn(format!("{path}: too much code to follow all values"));
    }
    if view.code.old > 0 {
        let count = view.code.old;
        scan.warn(format!(
            "{path}: {count} places may make 32-bit system calls (int 0x80): not read"
        ));
    }
}

struct Look<'v, 's> {
    view: &'v View<'v>,
    elf: &'v Elf,
    scan: &'s mut Scan,
    resolver: Resolver<'v>,
}

impl Look<'_, '_> {
    /// One place that makes a system call whose number must be found.
    fn site(&mut self, site: u64, number: &Want, places: [Loc; 6]) {
        let outcomes = self.resolver.outcomes(site, std::slice::from_ref(number));
        let mut with_rules: Vec<&str> = Vec::new();
        for outcome in &outcomes {
            let reached = self.view.reaches(site) && self.view.reaches(outcome.at);
            let known = outcome.values[0]
                .filter(|value| is_number(*value))
                .map(|value| value & 0xffff_ffff)
                .filter(|value| *value < NUMBERS);
            let name = known.and_then(|value| syscall_name(value as u32));
            match (name, known) {
                (Some(name), _) => {
                    let what = format!("system call {name}");
                    let evidence = self.view.evidence(outcome.at, reached, what);
                    self.scan.add(format!("syscall:{name}"), evidence);
                    if !of(name).is_empty() && !with_rules.contains(&name) {
                        with_rules.push(name);
                    }
                }
                (None, Some(value)) => {
                    self.unknown(
                        outcome.at,
                        reached,
                        format!("system call {value}, which Linux does not have"),
                    );
                }
                (None, None) if outcome.open && self.is_wrapper(site) => {}
                (None, None) => {
                    let why = if outcome.open {
                        "an argument of a function that is called from elsewhere"
                    } else {
                        "computed"
                    };
                    self.unknown(
                        outcome.at,
                        reached,
                        format!("a system call whose number is {why}"),
                    );
                }
            }
        }
        for name in with_rules {
            self.arguments(site, number, name, places, &format!("system call {name}"));
        }
    }

    /// Whether the function is the C library's `syscall`: its callers are looked at themselves.
    fn is_wrapper(&self, site: u64) -> bool {
        let code = self.view.code;
        let Some(start) = code.function(site).map(|index| code.starts[index]) else {
            return false;
        };
        let mut names = self.elf.exports.iter().chain(&self.elf.local);
        names.any(|symbol| symbol.address == start && symbol.name == "syscall")
            || self.elf.slots.values().any(|name| name == "syscall")
                && !code.syscalls.contains(&site)
    }

    /// The features that the arguments of a known system call mean. `number` tells the callers of a
    /// wrapper that make this call from those that make others.
    fn arguments(
        &mut self,
        site: u64,
        number: &Want,
        syscall: &'static str,
        places: [Loc; 6],
        what: &str,
    ) {
        let own = syscall_number(syscall).map(u64::from);
        for rule in of(syscall) {
            let wanted = rule
                .arguments()
                .iter()
                .map(|index| Want::at(places[*index]));
            let wants: Vec<Want> = std::iter::once(number.clone()).chain(wanted).collect();
            for outcome in self.resolver.outcomes(site, &wants) {
                let other = matches!(number, Want::In(..)) && outcome.values[0] != own;
                if !other {
                    self.features(*rule, site, syscall, &outcome, what);
                }
            }
        }
    }

    fn features(
        &mut self,
        rule: Rule,
        site: u64,
        syscall: &str,
        outcome: &crate::code::Outcome,
        what: &str,
    ) {
        let reached = self.view.reaches(site) && self.view.reaches(outcome.at);
        let text = |address| self.elf.text_at(address).map(str::to_owned);
        for feature in rule.features(syscall, &outcome.values[1..], text) {
            let evidence = self.view.evidence(outcome.at, reached, what.to_owned());
            self.scan.add(feature, evidence);
        }
    }

    fn unknown(&mut self, address: u64, reached: bool, what: String) {
        let file = self.view.loaded.member.path.clone();
        let unknown = Unknown {
            file,
            address,
            what,
            reached,
        };
        if !self.scan.unknown.contains(&unknown) {
            self.scan.unknown.push(unknown);
        }
    }
}
