//! Shows a scan: `cargo run --release -p lupine-scan --example scan -- ROOT PROGRAM [ARGUMENT...]`.
#![allow(clippy::print_stdout, reason = "this is a program for a terminal")]

#[path = "../tests/it/root.rs"]
mod root;

use std::time::Instant;

use lupine_scan::{Breadth, Scan, Start, scan};

fn main() {
    let mut args = std::env::args().skip(1);
    let root = root::Root(args.next().unwrap_or_else(|| "/".into()).into());
    let start = Start {
        argv: args.collect(),
        ..Start::default()
    };
    let begun = Instant::now();
    let found = scan(&root, &start);
    let took = begun.elapsed();
    list(&found);
    println!(
        "{} files, {} system calls whole, {} reach, {} features, {} unknown ({} reached), {took:.2?}",
        found.closure.len(),
        found.syscalls(Breadth::Whole).len(),
        found.syscalls(Breadth::Reach).len(),
        found.features.len(),
        found.unknown.len(),
        found
            .unknown
            .iter()
            .filter(|unknown| unknown.reached)
            .count(),
    );
}

fn list(found: &Scan) {
    for member in &found.closure {
        println!(
            "file {} {:?} {} bytes: {}",
            member.path, member.kind, member.bytes, member.why
        );
    }
    for (feature, known) in &found.features {
        let breadth = if known.reached { "reach" } else { "whole" };
        println!("{breadth} {feature} {} places", known.places);
        known
            .evidence
            .iter()
            .for_each(|evidence| println!("    {evidence}"));
    }
    for unknown in &found.unknown {
        let breadth = if unknown.reached { "reach" } else { "whole" };
        println!(
            "unknown {breadth} {}:{:#x} {}",
            unknown.file, unknown.address, unknown.what
        );
    }
    found
        .warnings
        .iter()
        .for_each(|warning| println!("warning {warning}"));
}
