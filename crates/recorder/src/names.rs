//! Names and numbers of x86_64 system calls up to Linux 6.12, and of errors.

/// `NUMBER NAME` a line.
const CALLS: &str = include_str!("syscalls.txt");
const ERRORS: &str = include_str!("errnos.txt");

/// Number of the system call of this name.
pub fn syscall_number(name: &str) -> Option<u32> {
    number(CALLS, name)
}

/// Name of the system call with this number.
pub fn syscall_name(nr: u32) -> Option<&'static str> {
    name(CALLS, nr)
}

/// Number of the error of this name, such as `ENOSYS`.
pub fn errno_number(name: &str) -> Option<u32> {
    number(ERRORS, name)
}

/// Name of the error with this number.
pub fn errno_name(errno: u16) -> Option<&'static str> {
    name(ERRORS, errno.into())
}

fn entries(table: &'static str) -> impl Iterator<Item = (u32, &'static str)> {
    table.lines().filter_map(|line| {
        let (number, name) = line.split_once(' ')?;
        Some((number.parse().ok()?, name))
    })
}

fn number(table: &'static str, wanted: &str) -> Option<u32> {
    entries(table)
        .find(|(_, name)| *name == wanted)
        .map(|(number, _)| number)
}

fn name(table: &'static str, wanted: u32) -> Option<&'static str> {
    entries(table)
        .find(|(number, _)| *number == wanted)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!(syscall_number("eventfd2"), Some(290));
        assert_eq!(syscall_name(462), Some("mseal"));
        assert_eq!(errno_number("EAFNOSUPPORT"), Some(97));
        assert_eq!(errno_name(38), Some("ENOSYS"));
        assert_eq!((syscall_number(""), syscall_name(400)), (None, None));
    }

    #[test]
    fn every_line_is_read() {
        assert_eq!(entries(CALLS).count(), CALLS.lines().count());
        assert_eq!(entries(ERRORS).count(), ERRORS.lines().count());
    }
}
