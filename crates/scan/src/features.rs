//! From code and texts to features.

mod asks;
mod imports;
mod rules;
mod texts;

pub(crate) use asks::asks;
pub(crate) use imports::imports;
pub(crate) use texts::{script, texts};

use crate::closure::Loaded;
use crate::code::{Code, Reach};
use crate::report::Evidence;

/// What the look at one file needs.
pub(crate) struct View<'v> {
    /// The file's number among those that have code.
    pub file: usize,
    pub loaded: &'v Loaded,
    pub code: &'v Code,
    pub reach: &'v Reach,
    pub steps: usize,
}

impl View<'_> {
    /// Evidence at an address in code.
    fn evidence(&self, address: u64, reached: bool, what: String) -> Evidence {
        Evidence {
            unreached: !reached,
            file: self.loaded.member.path.clone(),
            address: Some(address),
            what,
        }
    }

    fn reaches(&self, address: u64) -> bool {
        self.reach.code(self.file, self.code, address)
    }
}
