//! What a recorder says once, through `--report FD`: whether the program runs.

/// Bytes of a report.
pub const REPORT: usize = 5;
/// First byte of a report: the program runs, its exec succeeded.
pub const RUNS: u8 = b'r';
/// The recorder cannot trace.
pub const NOT_TRACED: u8 = b't';
/// The process cannot become the program's user.
pub const NO_USER: u8 = b'u';
/// The program was not found, or cannot be run.
pub const NO_PROGRAM: u8 = b'p';

/// A report: how far it came, and the error number that ended it, or 0.
pub fn encode_report(step: u8, errno: u32) -> [u8; REPORT] {
    let [a, b, c, d] = errno.to_le_bytes();
    [step, a, b, c, d]
}

/// Reads what [`encode_report`] made.
pub fn decode_report(report: [u8; REPORT]) -> (u8, u32) {
    let [step, a, b, c, d] = report;
    (step, u32::from_le_bytes([a, b, c, d]))
}
