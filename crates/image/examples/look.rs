//! Loads images, flattens them and says what they would run:
//! `cargo run -p lupine-image --example look -- deb:redis-server`.
#![allow(clippy::print_stdout, reason = "this is a program for a terminal")]

use std::time::Instant;

use lupine_image::{ImageRef, LoadOptions, flatten, load, program};
use lupine_store::Store;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = std::env::var_os("LUPINE_CACHE").ok_or("set LUPINE_CACHE to a directory")?;
    let store = Store::open(cache)?;
    for text in std::env::args().skip(1) {
        let reference: ImageRef = text.parse()?;
        let options = LoadOptions::default();
        let started = Instant::now();
        let image = load(&store, &reference, &options)?;
        let loaded = started.elapsed();
        let tree = flatten(&store, &image, &options)?;
        let flattened = started.elapsed() - loaded;
        let mut argv = image.entrypoint();
        argv.extend(image.cmd());
        println!("{} {}", image.reference, image.digest);
        println!(
            "  {} layers, {} entries, {} bytes of files; load {loaded:?}, flatten {flattened:?}",
            image.layers.len(),
            tree.len(),
            tree.bytes()
        );
        println!(
            "  user {:?}, ports {:?}",
            image.user(),
            image.exposed_ports()
        );
        let program = program(&tree, &argv, &image.env(), &image.workdir());
        println!("  {:?}", program.argv);
        for link in &program.chain {
            println!("    {link:?}");
        }
        if let Some(problem) = program.problem {
            println!("    problem: {problem}");
        }
    }
    Ok(())
}
