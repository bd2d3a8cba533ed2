//! The recorder against real programs on this machine: busybox, and `asks.c`.

mod ends;
mod processes;
mod records;
mod refusals;
mod run;
mod signals;
