//! Paths inside a tree: bytes, no leading slash, no `.` and no `..`.

/// Why a path of a layer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathError {
    /// It goes above the root.
    Escapes,
    /// It holds a NUL byte, or a component longer than any file system takes.
    Impossible,
}

/// Longest name that Linux file systems take, in bytes.
const NAME_MAX: usize = 255;

/// The path of a layer's entry, made plain. Leading slashes and `./` fall away,
/// as in every tar; `..` is taken literally and may not leave the root.
pub(crate) fn normalise(path: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut plain: Vec<&[u8]> = Vec::new();
    for component in path.split(|&b| b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                plain.pop().ok_or(PathError::Escapes)?;
            }
            _ if component.contains(&0) || component.len() > NAME_MAX => {
                return Err(PathError::Impossible);
            }
            _ => plain.push(component),
        }
    }
    Ok(plain.join(&b'/'))
}

/// The directory that `path` lies in; empty for the root's entries and the root.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&b| b == b'/') {
        Some(at) => &path[..at],
        None => b"",
    }
}

/// The last component.
pub(crate) fn name(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&b| b == b'/') {
        Some(at) => &path[at + 1..],
        None => path,
    }
}

/// `dir` and `name` with a slash between them where one belongs.
pub(crate) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() {
        return name.to_vec();
    }
    [dir, name].join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_paths() {
        assert_eq!(normalise(b"./a//b/").unwrap(), b"a/b");
        assert_eq!(normalise(b"/etc/passwd").unwrap(), b"etc/passwd");
        assert_eq!(normalise(b"a/../b").unwrap(), b"b");
        assert_eq!(normalise(b"./").unwrap(), b"");
        assert_eq!(normalise(b"../x"), Err(PathError::Escapes));
        assert_eq!(normalise(b"a/../../x"), Err(PathError::Escapes));
        assert_eq!(normalise(b"a\0b"), Err(PathError::Impossible));
        assert_eq!(normalise(&[b'x'; 256]), Err(PathError::Impossible));
    }

    proptest! {
        #[test]
        fn a_plain_path_stays_inside_and_is_stable(path in prop::collection::vec(
            prop::sample::select(vec![b'/', b'.', b'a', b'b', 0]), 0..30)) {
            if let Ok(plain) = normalise(&path) {
                prop_assert!(!plain.starts_with(b"/") && !plain.ends_with(b"/"));
                for part in plain.split(|&b| b == b'/') {
                    prop_assert!(part != b"..");
                    prop_assert!(part != b"." );
                    prop_assert!(!part.is_empty() || plain.is_empty());
                }
                prop_assert_eq!(normalise(&plain).unwrap(), plain);
            }
        }
    }
}
