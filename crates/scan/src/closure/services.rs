//! Name services: libraries that glibc opens by `/etc/nsswitch.conf`.

use std::collections::BTreeSet;

use super::Closure;
use crate::files::base_name;
use crate::report::Reason;

/// Functions that look names up.
const LOOK_UP: [&str; 16] = [
    "getpwnam",
    "getpwnam_r",
    "getpwuid",
    "getpwuid_r",
    "getgrnam",
    "getgrnam_r",
    "getgrgid",
    "getgrgid_r",
    "initgroups",
    "getgrouplist",
    "getaddrinfo",
    "getnameinfo",
    "gethostbyname",
    "gethostbyname_r",
    "getservbyname",
    "getprotobyname",
];
/// What glibc does without the file.
const DEFAULT: &str = "hosts: dns files\npasswd: files\ngroup: files";

impl Closure<'_> {
    /// Takes in the services, when something other than the C library looks names up.
    pub(super) fn services(&mut self) {
        let user = self.members.iter().position(|member| {
            let elf = member.elf.as_ref();
            let name = base_name(&member.member.path);
            elf.is_some_and(|elf| elf.imports_any(&LOOK_UP)) && !name.starts_with("libnss_")
        });
        let Some(user) = user else {
            return;
        };
        let by = self.members[user].member.path.clone();
        let text = self.files.read("/etc/nsswitch.conf", 1 << 16);
        let text = text.map_or(DEFAULT.into(), |bytes| {
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let Some(elf) = self.members[user].elf.take() else {
            return;
        };
        for service in services_of(&text) {
            let name = format!("libnss_{service}.so.2");
            self.library(user, &elf, &by, &name, Reason::NameService(by.clone()));
        }
        self.members[user].elf = Some(elf);
    }
}

/// The services of all databases.
fn services_of(text: &str) -> BTreeSet<&str> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let lists = lines.filter_map(|line| line.split_once(':').map(|pair| pair.1));
    let words = lists.flat_map(str::split_whitespace);
    words
        .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_words_without_actions() {
        let text = "# x: y\npasswd: files systemd\nhosts: files [NOTFOUND=return] dns # old\n";
        assert_eq!(
            services_of(text).into_iter().collect::<Vec<_>>(),
            ["dns", "files", "systemd"]
        );
    }
}
