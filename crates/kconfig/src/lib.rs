//! Kconfig values: what is asked for, merged from fragments, and what became of it.
//!
//! ```text
//! fragments --merge--> Merged --to_config--> (the kernel's own olddefconfig) --> DotConfig
//! Merged + DotConfig + Symbols --check--> what was dropped, and by which dependency
//!                              --explain--> why an option has the value it has
//! ```
//!
//! This crate opens no file and runs nothing: it takes values and returns values.
//! The solver is the kernel's own; [`Symbols`] is only consulted to explain its verdict.

mod check;
mod diff;
mod dotconfig;
mod explain;
mod expression;
mod fragment;
mod merge;
mod symbols;
mod value;

pub use check::{Allowed, AllowedDrop, CheckError, Dropped, check};
pub use diff::{Difference, diff};
pub use dotconfig::{DotConfig, DotConfigError};
pub use explain::{Explanation, Reason, explain};
pub use expression::{Blame, Expression, ExpressionError, Tristate};
pub use fragment::{Fragment, FragmentError, Layer, Line};
pub use merge::{MergeError, Merged, Origin, Request, merge};
pub use symbols::{Default, Definition, Kind, Selector, Symbol, Symbols};
pub use value::{Value, ValueError};

/// The prefix that options carry everywhere but in Kconfig files.
pub const PREFIX: &str = "CONFIG_";

/// `CONFIG_X` and `X` both give `X`, the name as Kconfig files write it.
pub fn bare(option: &str) -> &str {
    option.strip_prefix(PREFIX).unwrap_or(option)
}
