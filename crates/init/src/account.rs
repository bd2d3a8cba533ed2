//! Who the application runs as: `user[:group]` against /etc/passwd and /etc/group.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A user of the guest, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Home directory, `/` where none is known.
    pub home: String,
}

/// Resolves `user[:group]`, names or numbers, by the contents of the guest's
/// passwd and group files, as Docker does: an unknown number is taken as it
/// is, with group 0; supplementary groups come from the group file unless a
/// group was named. Empty means root.
///
/// # Errors
/// An unknown name, as a sentence.
pub fn account(user: &str, passwd: &str, group: &str) -> Result<Account, String> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group_name)) => (name, Some(group_name).filter(|text| !text.is_empty())),
        None => (user, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let entry = passwd_entry(name, passwd);
    let number = name.parse().ok();
    let (login, mut account) = match (entry, number) {
        (Some(found), _) => found,
        (None, Some(uid)) => ("", unknown(uid)),
        (None, None) => return Err(nobody("user", name, "/etc/passwd")),
    };
    match group_name {
        Some(wanted) => account.gid = group_number(wanted, group)?,
        None if !login.is_empty() => account.groups = groups_of(login, group),
        None => {}
    }
    Ok(account)
}

fn unknown(uid: u32) -> Account {
    Account {
        uid,
        gid: 0,
        groups: Vec::new(),
        home: "/".into(),
    }
}

fn nobody(what: &str, name: &str, file: &str) -> String {
    ["no ", what, " `", name, "` in the image's ", file].concat()
}

/// The first entry whose name is `name`, otherwise the first whose number is.
fn passwd_entry<'a>(name: &str, passwd: &'a str) -> Option<(&'a str, Account)> {
    let mut by_number = None;
    for line in passwd.lines() {
        let mut fields = line.split(':');
        let (Some(login), Some(_), Some(uid), Some(gid)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (Ok(uid), Ok(gid)) = (uid.parse::<u32>(), gid.parse()) else {
            continue;
        };
        let home = fields.nth(1).filter(|home| !home.is_empty()).unwrap_or("/");
        let account = || Account {
            uid,
            gid,
            groups: Vec::new(),
            home: home.to_string(),
        };
        if login == name {
            return Some((login, account()));
        }
        if by_number.is_none() && name.parse() == Ok(uid) {
            by_number = Some((login, account()));
        }
    }
    by_number
}

/// Name, number and members of each well-formed line.
fn group_lines(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some((name, gid, fields.next().unwrap_or_default()))
    })
}

fn group_number(wanted: &str, group: &str) -> Result<u32, String> {
    group_lines(group)
        .find(|(name, ..)| *name == wanted)
        .map(|(_, gid, _)| gid)
        .or_else(|| wanted.parse().ok())
        .ok_or_else(|| nobody("group", wanted, "/etc/group"))
}

fn groups_of(login: &str, group: &str) -> Vec<u32> {
    group_lines(group)
        .filter(|(.., members)| members.split(',').any(|member| member == login))
        .map(|(_, gid, _)| gid)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\nredis:x:101:103::/var/lib/redis:/bin/false\n7:x:8:9::/seven:\n";
    const GROUP: &str = "root:x:0:\nredis:x:103:\nssl:x:110:www,redis\nadm:x:4:redisx\n";

    #[test]
    fn nothing_means_root() {
        for user in ["", "0", "root", "root:", ":"] {
            let account = account(user, PASSWD, GROUP).unwrap();
            assert_eq!((account.uid, account.gid), (0, 0), "{user}");
            assert_eq!(account.home, "/root");
        }
    }

    #[test]
    fn a_name_brings_its_groups_and_home() {
        let account = account("redis", PASSWD, GROUP).unwrap();
        assert_eq!((account.uid, account.gid), (101, 103));
        assert_eq!(account.groups, vec![110]);
        assert_eq!(account.home, "/var/lib/redis");
    }

    #[test]
    fn a_named_group_replaces_all_groups() {
        let account = account("101:ssl", PASSWD, GROUP).unwrap();
        assert_eq!((account.uid, account.gid), (101, 110));
        assert!(account.groups.is_empty());
    }

    #[test]
    fn unknown_numbers_are_taken_as_they_are() {
        let account = account("4711:4712", PASSWD, "").unwrap();
        assert_eq!((account.uid, account.gid), (4711, 4712));
        assert_eq!(account.home, "/");
    }

    #[test]
    fn a_name_of_digits_goes_before_a_number() {
        assert_eq!(account("7", PASSWD, GROUP).unwrap().uid, 8);
    }

    #[test]
    fn unknown_names_are_named() {
        assert!(account("me", PASSWD, GROUP).unwrap_err().contains("`me`"));
        assert!(account("0:us", PASSWD, GROUP).unwrap_err().contains("`us`"));
    }

    proptest! {
        #[test]
        fn arbitrary_files_never_panic(user: String, passwd: String, group: String) {
            let _ = account(&user, &passwd, &group);
        }
    }
}
