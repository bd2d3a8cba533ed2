//! The command as users meet it. Guests are real: QEMU boots kernels that the
//! first test to need one builds, into a cache that later runs find again.

mod accelerator;
mod audit;
mod bad_input;
mod bench;
mod cli;
mod crash;
mod detached;
mod discovery;
mod guest;
mod kml;
mod kml_checks;
mod lists;
mod network;
mod port_console;
mod pulled;
mod recorder;
mod refusals;
#[path = "../../../image/tests/it/registry.rs"]
mod registry;
mod run;
mod ukl;
