//! Who the program runs as: the recorder stays root, so that setuid programs
//! and capabilities work below it as they do without.

use alloc::vec::Vec;

use crate::sys::{ENOSYS, Result, call};
use crate::text::number;

const SETUID: usize = 105;
const SETGID: usize = 106;
const SETGROUPS: usize = 116;

/// Numbers of a user, a group and further groups.
pub struct User {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

impl User {
    /// Reads `UID:GID` or `UID:GID:GROUP,GROUP...`.
    pub fn read(text: &[u8]) -> Option<Self> {
        let id = |text: &[u8]| u32::try_from(number(text)?).ok();
        let mut parts = text.splitn(3, |byte| *byte == b':');
        let (uid, gid) = (id(parts.next()?)?, id(parts.next()?)?);
        let groups = parts.next().filter(|groups| !groups.is_empty());
        let groups = match groups {
            Some(groups) => groups
                .split(|byte| *byte == b',')
                .map(id)
                .collect::<Option<_>>()?,
            None => Vec::new(),
        };
        Some(Self { uid, gid, groups })
    }

    /// This process becomes the user, for ever. A kernel without users
    /// (CONFIG_MULTIUSER) knows root alone, and needs not be told.
    pub fn assume(&self) -> Result<()> {
        let is_root = self.uid == 0 && self.gid == 0;
        let groups = [self.groups.len(), self.groups.as_ptr() as usize];
        let calls = [
            (SETGROUPS, groups),
            (SETGID, [self.gid as usize, 0]),
            (SETUID, [self.uid as usize, 0]),
        ];
        for (number, [a, b]) in calls {
            // SAFETY: the kernel reads the list, of the length said; the others take a number.
            match unsafe { call(number, [a, b, 0, 0, 0, 0]) } {
                Err(ENOSYS) if is_root => {}
                result => drop(result?),
            }
        }
        Ok(())
    }
}
