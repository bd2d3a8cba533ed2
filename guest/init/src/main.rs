//! PID 1 of a guest: mounts, network, then the application, then power off.
//!
//! It goes on where it can and says what it could not do; the host hears all
//! of it through the control port (see the crate `lupine-init`).
#![no_std]
#![no_main]

extern crate alloc;

mod child;
mod files;
#[path = "../../shared/heap.rs"]
mod heap;
mod link;
mod localnet;
mod mounts;
mod network;
mod recorder;
#[path = "../../shared/runtime.rs"]
mod runtime;
mod serve;
mod start;
mod sys;
mod text;

use alloc::string::String;
use alloc::vec::Vec;

use lupine_init::{Frame, GuestSpec, MARK_INIT_START, MARK_PORT};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::system::RebootCommand;

use crate::link::Link;
use crate::text::failed;

fn main() -> ! {
    sys::write_port(MARK_PORT, MARK_INIT_START);
    fill_stdio();
    let mut warnings = Vec::new();
    mounts::dev(&mut warnings);
    let (mut link, spec) = Link::open();
    let last = match spec {
        Some(spec) => run(&mut link, &spec, warnings),
        None => Frame::Refused(
            125,
            "the host sent no specification and the image has none".into(),
        ),
    };
    rustix::fs::sync();
    link.finish(&last);
    // With reboot=t on the command line a triple fault, which ends QEMU at once.
    let _ = rustix::system::reboot(RebootCommand::Restart);
    rustix::runtime::exit_group(0)
}

/// Without a console the kernel starts us with no open files; what we open
/// next must not become somebody's stdout.
fn fill_stdio() {
    while let Ok(file) = openat(CWD, "/", OFlags::RDONLY, Mode::empty()) {
        if rustix::fd::AsRawFd::as_raw_fd(&file) > 2 {
            break;
        }
        core::mem::forget(file);
    }
}

/// Prepares the guest, runs the application, and says how that ended.
fn run(link: &mut Link, spec: &GuestSpec, mut warnings: Vec<String>) -> Frame {
    prepare(spec, &mut warnings);
    for warning in warnings {
        link.send(&Frame::Warning(warning));
    }
    for mount in &spec.mounts {
        // An application without its data would do harm; Docker refuses as well.
        if let Err(why) = mounts::share(mount) {
            return Frame::Refused(126, why);
        }
    }
    if let Err(error) = sys::watch_children() {
        link.send(&Frame::Warning(failed(&["watch children"], error)));
    }
    match child::start(spec, link.is_framed()) {
        Ok(child) => {
            link.send(&Frame::Started);
            serve::serve(link, child)
        }
        Err((status, why)) => Frame::Refused(status, why),
    }
}

fn prepare(spec: &GuestSpec, warnings: &mut Vec<String>) {
    if spec.overlay
        && let Err(error) = mounts::overlay()
    {
        warnings.push(failed(
            &["put a writable layer over the root file system"],
            error,
        ));
    }
    mounts::all(warnings);
    if let Err(error) = files::seed(&spec.seed) {
        warnings.push(failed(&["seed the random pool"], error));
    }
    if !spec.hostname.is_empty()
        && let Err(error) = rustix::system::sethostname(spec.hostname.as_bytes())
    {
        warnings.push(failed(&["set the host name"], error));
    }
    network::start(spec, warnings);
    files::etc(spec);
}
