//! Sizes in docker's spelling: a number with b, k, m or g.

use super::Parsed;

const MIB: u64 = 1 << 20;
/// Less than this boots no kernel of ours; it is almost always a missing unit.
const LEAST_BYTES: u64 = 64 << 10;

/// Bytes of `text`; without a unit it is bytes, as with docker.
fn bytes(text: &str) -> Parsed<u64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower
        .strip_suffix("ib")
        .or(lower.strip_suffix('b'))
        .unwrap_or(&lower);
    let split = lower
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(lower.len());
    let (number, unit) = lower.split_at(split);
    let shift = match unit {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err("expected a size such as 512m or 1g".into()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a size such as 512m or 1g")?;
    number
        .checked_shl(shift)
        .filter(|bytes| bytes >> shift == number)
        .ok_or_else(|| format!("{text} is more than any machine has"))
}

/// Memory in MiB, rounded up.
pub fn memory(text: &str) -> Parsed<u32> {
    let bytes = bytes(text)?;
    if bytes < LEAST_BYTES {
        return Err(format!(
            "{text} is {bytes} bytes: did you mean {}m",
            text.trim_end_matches(['b', 'B', 'k', 'K'])
        ));
    }
    u32::try_from(bytes.div_ceil(MIB))
        .ok()
        .filter(|mib| *mib <= 16 << 20)
        .ok_or_else(|| format!("{text} is more than a guest can have"))
}

/// Free space in MiB, rounded up; zero is allowed.
pub fn room(text: &str) -> Parsed<u64> {
    Ok(bytes(text)?.div_ceil(MIB))
}
