//! Machine code: one linear sweep over a file notes system calls and references; functions are
//! looked at closely only where a value is asked for.

mod body;
mod query;
mod reach;
mod resolve;
mod step;
mod sweep;

pub(crate) use reach::{Part, Reach, reach};
pub use resolve::numbers;
pub(crate) use resolve::{Outcome, Resolver, Want};
pub(crate) use step::{Loc, R8, R9, R10, RAX, RCX, RDI, RDX, RSI, as_address, is_number};
pub use sweep::{Code, Kind, Ref, sweep};
