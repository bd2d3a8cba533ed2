//! What the Kconfig files of a source say, read by nom-kconfig.
use crate::{KernelError, SourceTree};
use lupine_kconfig::Symbols;
use lupine_store::Store;
/// x
pub fn symbols(_store: &Store, source: &SourceTree) -> Result<Symbols, KernelError> {
    Err(KernelError::Symbols {
        path: source.dir.clone(),
        why: "not yet".into(),
    })
}
