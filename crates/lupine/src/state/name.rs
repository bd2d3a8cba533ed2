//! Names for guests that were given none.

const ADJECTIVES: [&str; 32] = [
    "amber", "bold", "brisk", "calm", "clear", "dapper", "eager", "early", "fleet", "fond",
    "gentle", "grand", "green", "hardy", "keen", "kind", "lively", "lucid", "mellow", "mild",
    "neat", "noble", "plain", "proud", "quick", "quiet", "rapid", "sage", "spry", "steady",
    "swift", "warm",
];
const NOUNS: [&str; 32] = [
    "aster", "birch", "bluebell", "bramble", "cedar", "clover", "cowslip", "daisy", "dune", "elm",
    "fern", "fox", "foxglove", "gorse", "hazel", "heather", "heron", "iris", "juniper", "larch",
    "lark", "lily", "lupin", "maple", "moss", "otter", "rowan", "sorrel", "thistle", "violet",
    "willow", "wolf",
];

/// An adjective and a noun for which `taken` says no.
pub fn free_name(taken: impl Fn(&str) -> bool) -> String {
    // RandomState is seeded by the system: no further dependency for a name.
    use std::hash::BuildHasher;
    let seed = std::collections::hash_map::RandomState::new();
    (0u64..)
        .map(|attempt| {
            let bits = seed.hash_one(attempt);
            let adjective = ADJECTIVES[(bits % 32) as usize];
            let noun = NOUNS[(bits / 32 % 32) as usize];
            // When names get scarce a number makes them plentiful again.
            match attempt {
                0..64 => format!("{adjective}_{noun}"),
                _ => format!("{adjective}_{noun}_{}", bits / 1024 % 100_000),
            }
        })
        .find(|name| !taken(name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_name_is_found_even_when_all_plain_ones_are_taken() {
        assert!(free_name(|_| false).contains('_'));
        let name = free_name(|name| name.matches('_').count() == 1);
        assert_eq!(name.matches('_').count(), 2);
        assert!(crate::cli::values::guest_name(&name).is_ok());
    }
}
