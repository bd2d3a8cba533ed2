//! Damaged files are refused or rewritten, and nothing else.

use std::sync::LazyLock;

use lupine_rewrite::{privileged, rewrite};
use proptest::prelude::*;

use crate::Program;

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let source = "#include <unistd.h>\nint main(void) { return getppid() < 0; }\n";
    Program::new("musl-gcc", "c", source, &["-O2", "-static"]).bytes()
});

fn survives(bytes: Vec<u8>) {
    let _ = privileged(bytes.clone());
    let _ = rewrite(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_headers(changes in prop::collection::vec((0usize..512, any::<u8>()), 1..4)) {
        let mut bytes = WHOLE.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        survives(bytes);
    }

    #[test]
    fn damage_anywhere(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let mut bytes = WHOLE.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(bytes);
    }

    #[test]
    fn files_that_are_cut_off(length in any::<prop::sample::Index>()) {
        survives(WHOLE[..length.index(WHOLE.len())].to_vec());
    }
}
