//! Extended attributes behind the inode, none of them shared.

use super::shape::unfit;
use crate::pack::keeps;
use crate::plan::Inode;
use crate::{Format, RootfsError};

/// Length of the header before the first attribute.
const HEADER: usize = 12;
/// Prefixes of names and the numbers that stand for them.
const PREFIXES: [(&str, u8); 3] = [("user.", 1), ("trusted.", 4), ("security.", 6)];

/// All attributes as they are stored; empty without any.
pub(super) fn bytes(inode: &Inode) -> Result<Vec<u8>, RootfsError> {
    let mut bytes = Vec::new();
    let kept = inode
        .xattrs
        .iter()
        .filter(|(name, _)| keeps(Format::Erofs, name));
    for (name, value) in kept {
        let Some((name, prefix)) = PREFIXES
            .iter()
            .find_map(|(prefix, number)| Some((name.strip_prefix(prefix)?, *number)))
        else {
            continue;
        };
        let too_long = |_| unfit(inode, "its extended attributes are too long");
        let name_length = u8::try_from(name.len()).map_err(too_long)?;
        let value_length = u16::try_from(value.len()).map_err(too_long)?;
        if bytes.is_empty() {
            bytes.resize(HEADER, 0);
        }
        bytes.extend([name_length, prefix]);
        bytes.extend(value_length.to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    // The inode counts them in units of four bytes, in 16 bits.
    if bytes.len() > 4 * usize::from(u16::MAX) {
        return Err(unfit(inode, "its extended attributes are too long"));
    }
    Ok(bytes)
}

/// The inode's count for `bytes`.
pub(super) fn count(bytes: &[u8]) -> u16 {
    match bytes.len() {
        0 => 0,
        length => ((length - HEADER) / 4 + 1) as u16,
    }
}
