//! Root file systems, read back by the tools that did not make them.

mod common;
mod ext;
mod fixture;
