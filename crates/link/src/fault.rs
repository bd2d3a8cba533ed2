//! Where in the program, or in the kernel, a fault was: from an address that the kernel named.

use std::path::{Path, PathBuf};

use lupine_tool::Tool;

/// A place in code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address, in hexadecimal.
    pub address: String,
    /// The function.
    pub function: String,
    /// `FILE:LINE`, where the code was compiled with that.
    pub line: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.line {
            Some(line) => write!(f, "in {}, {line}", self.function),
            None => write!(f, "in {}, at {}", self.function, self.address),
        }
    }
}

/// Where the names lie that were taken out of `kernel`: beside it.
pub fn names(kernel: &Path) -> PathBuf {
    kernel.with_added_extension("names")
}

/// The place of the last fault that `log`, the kernel's messages, tells of; `names` is what was taken
/// out of the kernel ([`crate::Vmlinux`]). None if nothing faulted, or nothing is known of it.
pub fn fault(log: &str, names: &Path) -> Option<Place> {
    let address = log.lines().rev().find_map(address)?;
    let ask = Tool::new("addr2line").args(["-f", "-C", "-s", "-e"]);
    let said = ask.arg(names).arg(address).run().ok()?.stdout;
    place(address, &String::from_utf8_lossy(&said))
}

/// `NAME[1]: segfault at ADDRESS ip ADDRESS sp ...`, or `RIP: SEGMENT:ADDRESS` of a dump of registers.
fn address(line: &str) -> Option<&str> {
    let after = |mark: &str| line.split_once(mark).map(|(_, rest)| rest);
    let fault = after("]: segfault at ").and_then(|rest| rest.split_once(" ip "));
    let trap = || after(" ip:");
    let dump = || after("RIP: ")?.split_once(':').map(|(_, rest)| rest);
    let text = fault.map(|(_, rest)| rest).or_else(trap).or_else(dump)?;
    let text = text.trim_start_matches("0x");
    let end = text.find(|c: char| !c.is_ascii_hexdigit());
    let digits = &text[..end.unwrap_or(text.len())];
    (digits.len() > 1).then_some(digits)
}

/// Two lines of addr2line.
fn place(address: &str, said: &str) -> Option<Place> {
    let (function, line) = said.trim_end().split_once('\n')?;
    if function == "??" {
        return None;
    }
    let line = line.split(" (discriminator").next().unwrap_or(line);
    Some(Place {
        address: address.trim_start_matches('0').into(),
        function: function.into(),
        line: (!line.contains('?')).then(|| line.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_an_address_in_several_ways() {
        let segfault = "[    0.51] hello[1]: segfault at 8 ip 0000000000400abc sp 00007ffe error 4 in hello[400000+1000]";
        assert_eq!(address(segfault), Some("0000000000400abc"));
        let trap = "[    0.51] traps: hello[1] trap divide error ip:400abc sp:7ffe error:0";
        assert_eq!(address(trap), Some("400abc"));
        let dump = "[    0.51] RIP: 0010:0xffffffff81001234";
        assert_eq!(address(dump), Some("ffffffff81001234"));
        assert_eq!(address("[    0.51] Run /init as init process"), None);
        assert_eq!(address("[    0.51] RIP: 0010:memcpy+0x3/0x10"), None);
    }

    #[test]
    fn a_place_has_a_function_and_maybe_a_line() {
        let with = place("0000400abc", "main\nhello.c:12 (discriminator 3)\n").unwrap();
        assert_eq!(with.to_string(), "in main, hello.c:12");
        let without = place("0000400abc", "memcpy\n??:?\n").unwrap();
        assert_eq!(without.to_string(), "in memcpy, at 400abc");
        assert_eq!(place("4", "??\n??:0\n"), None);
    }
}
