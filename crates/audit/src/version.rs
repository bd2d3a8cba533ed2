//! Versions of Linux, and the ranges in which CVE records name them.

use std::cmp::Ordering;

/// A version: `6.12.117`, `6.13-rc2`. Missing numbers are 0, so `6.12` is `6.12.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: Vec<u64>,
    /// Number of the candidate; a release is greater than all of its candidates.
    candidate: u64,
}

impl Version {
    /// Reads a version; `None` for anything else, such as a commit.
    pub fn parse(text: &str) -> Option<Self> {
        let (numbers, candidate) = match text.split_once("-rc") {
            Some((numbers, candidate)) => (numbers, number(candidate)?),
            None => (text, u64::MAX),
        };
        let mut numbers = numbers.split('.').map(number).collect::<Option<Vec<_>>>()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self { numbers, candidate })
    }

    /// The version of a kernel that was built: what its builder appended (`-mine`, `+`) is left out.
    pub fn of_kernel(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (release, rest) = text.split_at(end.unwrap_or(text.len()));
        let candidate = rest.strip_prefix("-rc").map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            format!("-rc{}", &rest[..end.unwrap_or(rest.len())])
        });
        Self::parse(&format!("{release}{}", candidate.unwrap_or_default()))
    }

    /// The numbers up to a place; those that are not written are 0.
    fn first(&self, count: usize) -> impl Iterator<Item = u64> + '_ {
        let zeros = std::iter::repeat(&0);
        self.numbers.iter().chain(zeros).take(count).copied()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then(self.candidate.cmp(&other.candidate))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// There is none: `*`.
    Open,
    /// Below this version.
    Before(Version),
    /// Up to and with this version.
    Through(Version),
    /// Up to and with all that begin with these numbers: `5.4.*`.
    Within(Vec<u64>),
}

impl End {
    /// Reads `lessThan`.
    pub(crate) fn before(text: &str) -> Option<Self> {
        match text {
            "*" => Some(Self::Open),
            _ => Version::parse(text).map(Self::Before),
        }
    }

    /// Reads `lessThanOrEqual`.
    pub(crate) fn through(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Open);
        }
        match text.strip_suffix(".*") {
            Some(prefix) => {
                let numbers = prefix.split('.').map(number).collect::<Option<_>>()?;
                Some(Self::Within(numbers))
            }
            None => Version::parse(text).map(Self::Through),
        }
    }

    /// Whether a version lies before this end.
    pub(crate) fn holds(&self, version: &Version) -> bool {
        match self {
            Self::Open => true,
            Self::Before(end) => version < end,
            Self::Through(end) => version <= end,
            Self::Within(prefix) => version.first(prefix.len()).le(prefix.iter().copied()),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_in_order() {
        let order = [
            "0", "2.6.12", "4.19", "4.19.1", "4.19.10", "5.4-rc1", "5.4-rc10", "5.4", "6.12.117",
        ];
        assert!(
            order
                .windows(2)
                .all(|pair| version(pair[0]) < version(pair[1]))
        );
        assert_eq!(version("5.4"), version("5.4.0"));
        for text in [
            "",
            "x",
            "5.",
            "5.x",
            "1da177e4c3f4",
            "5.4.*",
            "-rc1",
            "5-rc",
            "+5",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_builder_appended_is_no_part_of_the_version() {
        for (text, wanted) in [
            ("6.12.117", "6.12.117"),
            ("6.12.1-lupine", "6.12.1"),
            ("6.13.0-rc2+", "6.13-rc2"),
            ("6.1.0.5_x", "6.1.0.5"),
        ] {
            assert_eq!(Version::of_kernel(text), Version::parse(wanted), "{text}");
        }
        assert_eq!(Version::of_kernel("next"), None);
    }

    #[test]
    fn ends_of_ranges() {
        for (end, inside, outside) in [
            (End::before("5.10.5"), "5.10.4", "5.10.5"),
            (End::through("5.10.5"), "5.10.5", "5.10.6"),
            (End::through("5.4.*"), "5.4.999", "5.5"),
            (End::through("5.*"), "5.19.17", "6.0"),
            (End::before("5.5-rc1"), "5.4.9", "5.5-rc1"),
        ] {
            let end = end.unwrap();
            assert!(end.holds(&version(inside)), "{end:?} {inside}");
            assert!(!end.holds(&version(outside)), "{end:?} {outside}");
        }
        assert!(End::through("*").unwrap().holds(&version("99")));
        assert!(End::before("5.4.*").is_none() && End::through("a.*").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.*rc-]{0,12}|.{0,12}") {
            let _ = (Version::parse(&text), End::before(&text), End::through(&text));
            if let Some(version) = Version::parse(&text) {
                prop_assert_eq!(Version::of_kernel(&text), Some(version));
            }
        }
    }
}
