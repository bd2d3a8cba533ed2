//! Extended headers: `LENGTH KEY=VALUE\n`, LENGTH counting the whole record.

use std::io;

/// The records of an extended header, in their order.
pub(crate) fn parse(mut bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut records = Vec::new();
    while bytes.first().is_some_and(|&b| b != 0) {
        let (record, rest) = split(bytes).ok_or_else(|| bad("its length is wrong"))?;
        let equals = record.iter().position(|&b| b == b'=');
        let equals = equals.ok_or_else(|| bad("it has no equals sign"))?;
        let key = std::str::from_utf8(&record[..equals]).map_err(|_| bad("its key is no text"))?;
        records.push((key.to_owned(), record[equals + 1..].to_vec()));
        bytes = rest;
    }
    Ok(records)
}

/// `KEY=VALUE` of the first record, and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|&b| b == b' ')?;
    let digits = std::str::from_utf8(&bytes[..space]).ok()?;
    let length: usize = digits.parse().ok()?;
    let record = bytes.get(space + 1..length)?;
    let record = record.strip_suffix(b"\n")?;
    Some((record, &bytes[length..]))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a pax record is malformed: {why}"),
    )
}

/// Appends one record.
pub(crate) fn push(bytes: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    // The length counts its own digits, which may add a digit.
    let mut length = rest + rest.to_string().len();
    length = rest + length.to_string().len();
    bytes.extend(format!("{length} {key}=").bytes());
    bytes.extend(value);
    bytes.push(b'\n');
}

/// A decimal number, as pax records hold them.
pub(crate) fn number(value: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.trim().parse().map_err(|_| bad("it is no number"))
}

/// Whole seconds of a decimal time, rounded down.
pub(crate) fn seconds(value: &[u8]) -> io::Result<i64> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().map_err(|_| bad("it is no time"))?;
    let below = text.starts_with('-') && fraction.bytes().any(|b| b != b'0');
    Ok(seconds.saturating_sub(i64::from(below)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_read_back(records in prop::collection::vec(
            ("[a-zA-Z.]{1,8}", prop::collection::vec(any::<u8>(), 0..120)), 0..5)) {
            let mut bytes = Vec::new();
            for (key, value) in &records {
                push(&mut bytes, key, value);
            }
            prop_assert_eq!(parse(&bytes).unwrap(), records);
        }

        #[test]
        fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn times_round_down() {
        assert_eq!(seconds(b"12.9").unwrap(), 12);
        assert_eq!(seconds(b"-1.5").unwrap(), -2);
        assert!(seconds(b"x").is_err());
    }
}
