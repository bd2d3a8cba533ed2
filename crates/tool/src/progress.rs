//! How a stage tells a person what it is doing, without knowing a terminal.

/// Receives what a stage does. The binary draws it; tests ignore it.
pub trait Progress: Send + Sync {
    /// A step begins, for example `building kernel 1f2e3d`. It ends the step before.
    fn step(&self, what: &str);
    /// `done` units out of `total` (bytes, objects or files); `None` where unknown.
    fn advance(&self, done: u64, total: Option<u64>);
    /// Something a person should read even when all went well.
    fn note(&self, what: &str);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&self, _what: &str) {}
    fn advance(&self, _done: u64, _total: Option<u64>) {}
    fn note(&self, _what: &str) {}
}
