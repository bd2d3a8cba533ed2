//! Who the program runs as: the recorder stays root, so that setuid programs
//! and capabilities work below it as they do without.

use alloc::vec::Vec;

use crate::sys::{ENOSYS, Result, call};
use crate::text::number;

const SETUID: usize = 105;
const SETGID: usize = 106;
const SETGROUPS: usize = 116;
const CAPSET: usize = 126;
const PRCTL: usize = 157;

const PR_SET_KEEPCAPS: usize = 8;
const PR_CAP_AMBIENT: usize = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;
const CAP_NET_BIND_SERVICE: usize = 10;
/// `_LINUX_CAPABILITY_VERSION_3`: two words a set.
const CAPABILITIES: u32 = 0x2008_0522;

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
    /// (CONFIG_MULTIUSER) knows root alone, and needs not be told. Whoever is
    /// not root keeps what it takes to listen on any port, as PID 1 has it for
    /// programs that are not recorded.
    pub fn assume(&self) -> Result<()> {
        let port = 1_u32 << CAP_NET_BIND_SERVICE;
        // The version and this process; the lower halves of the effective, the permitted and the inheritable set, then the upper ones.
        let (header, sets) = ([CAPABILITIES, 0], [port, port, port, 0, 0, 0]);
        let calls = [
            (PRCTL, [PR_SET_KEEPCAPS, 1, 0]),
            (
                SETGROUPS,
                [self.groups.len(), self.groups.as_ptr() as usize, 0],
            ),
            (SETGID, [self.gid as usize, 0, 0]),
            (SETUID, [self.uid as usize, 0, 0]),
            (
                CAPSET,
                [header.as_ptr() as usize, sets.as_ptr() as usize, 0],
            ),
            (
                PRCTL,
                [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE],
            ),
        ];
        let calls = if self.uid == 0 {
            &calls[1..4]
        } else {
            &calls[..]
        };
        let is_root = self.uid == 0 && self.gid == 0;
        for &(number, [a, b, c]) in calls {
            // SAFETY: the kernel reads the list of groups, of the length said, the header and the sets, both
            // of its own version; the others take numbers.
            match unsafe { call(number, [a, b, c, 0, 0, 0]) } {
                Err(ENOSYS) if is_root => {}
                result => drop(result?),
            }
        }
        Ok(())
    }
}
