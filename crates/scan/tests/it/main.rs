//! Scans of made programs, of made trees, of the host's programs, and of damage.

mod broken;
mod closure;
mod host;
mod memory;
mod programs;
mod root;
