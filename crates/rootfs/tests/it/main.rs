//! Root file systems, read back by the tools that did not make them.

mod common;
mod contents;
mod fixture;
mod metadata;
mod sparse;
mod unprivileged;
