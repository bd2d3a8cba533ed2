//! Packs an image's root file system in all formats and says how long it took:
//! `LUPINE_CACHE=/tmp/cache cargo run --release -p lupine-rootfs --example pack -- INIT deb:redis-server [COMMAND...]`.
#![allow(clippy::print_stdout, reason = "this is a program for a terminal")]

use std::os::unix::fs::MetadataExt;
use std::time::Instant;

use lupine_image::{ImageRef, LoadOptions, flatten, load};
use lupine_init::GuestSpec;
use lupine_rootfs::{Format, ROOM_MIB, Replaced, Request, pack};
use lupine_store::Store;
use lupine_tool::Quiet;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = std::env::var_os("LUPINE_CACHE").ok_or("set LUPINE_CACHE to a directory")?;
    let mut args = std::env::args().skip(1);
    let init = std::fs::read(args.next().ok_or("name the program that is to be PID 1")?)?;
    let reference: ImageRef = args.next().ok_or("name an image")?.parse()?;
    let store = Store::open(cache)?;
    let options = LoadOptions::default();
    let image = load(&store, &reference, &options)?;
    let tree = flatten(&store, &image, &options)?;
    let mut argv: Vec<String> = args.collect();
    if argv.is_empty() {
        argv = image.entrypoint();
        argv.extend(image.cmd());
    }
    for format in Format::ALL {
        let spec = GuestSpec {
            argv: argv.clone(),
            env: image.env(),
            overlay: format.read_only(),
            ..GuestSpec::default()
        };
        let request = Request {
            tree: &tree,
            tree_digest: &image.digest,
            replaced: &Replaced::default(),
            spec: &spec,
            init: &init,
            programs: &[],
            format,
            room_mib: ROOM_MIB,
        };
        let started = Instant::now();
        let rootfs = pack(&store, &request, &Quiet)?;
        let packed = started.elapsed();
        let started = Instant::now();
        pack(&store, &request, &Quiet)?;
        println!(
            "{format:8} {:>10} bytes, {:>10} on disk, packed in {packed:?}, found again in {:?}: {}",
            rootfs.bytes,
            rootfs.path.metadata()?.blocks() * 512,
            started.elapsed(),
            rootfs.path.display()
        );
    }
    Ok(())
}
