//! The whole stage against the fake kernel tree, and its resolution against the real one.

mod fake;
mod patching;
mod real;
mod sources;
mod survival;
mod world;
