//! What is started, and how much may be looked at.

/// The command whose reach is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// `KEY=VALUE` entries; PATH, LD_LIBRARY_PATH, LD_PRELOAD and JAVA_HOME count.
    pub env: Vec<String>,
    /// The working directory; empty is `/`.
    pub cwd: String,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds of one scan. What they cut off is said in [`crate::Scan::warnings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most files in the closure.
    pub files: usize,
    /// Most bytes that are read of one file.
    pub file_bytes: u64,
    /// Most bytes that are read in all.
    pub bytes: u64,
    /// Most steps of following values backwards, per file.
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 1500,
            file_bytes: 256 << 20,
            bytes: 1 << 30,
            steps: 50_000_000,
        }
    }
}

impl Start {
    /// The value of an environment variable; of several, the last.
    pub(crate) fn var(&self, key: &str) -> Option<&str> {
        let values = self.env.iter().rev();
        let mut values = values.filter_map(|entry| entry.strip_prefix(key)?.strip_prefix('='));
        values.next()
    }
}
