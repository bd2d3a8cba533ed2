//! Flags of `lupine run` that do not go together.

use std::io::IsTerminal;

use miette::{Result, miette};

use crate::cli::{Network, PORT_CONSOLE, RunOptions};
use crate::{shares, tap};

/// What can be refused before anything is done.
pub fn check(options: &RunOptions) -> Result<()> {
    if options.build.kernel.vmm != "qemu" {
        let vmm = &options.build.kernel.vmm;
        return Err(miette!(
            help = format!(
                "lupine kernel --vmm {vmm} -o FILE IMAGE builds a kernel for it, and lupine rootfs its root file system"
            ),
            "only qemu is driven so far: {vmm} guests cannot be run"
        ));
    }
    if options.tty && options.interactive && !options.detach && !std::io::stdin().is_terminal() {
        return Err(miette!(
            help = "leave out -t to pass a pipe or file with -i",
            "-t with -i needs a terminal, and stdin is none"
        ));
    }
    if let Network::Tap(device) = &options.network {
        check_tap(options, device.as_ref())?;
    }
    if !options.publish.is_empty() && options.network == Network::None {
        return Err(miette!(
            help = "leave out --network none",
            "ports of a guest without a network cannot be published"
        ));
    }
    if options.no_init {
        check_no_init(options)?;
    }
    if options.build.kernel.has_port_console() {
        check_port_console(options)?;
    }
    shares::check(&options.app.volume)
}

fn check_tap(options: &RunOptions, device: Option<&crate::cli::values::TapAddress>) -> Result<()> {
    if !options.publish.is_empty() {
        return Err(miette!(
            help =
                "connect to the guest's own address, which lupine ps shows, or use --network user",
            "ports are published only on a user network: on a tap the guest has its own address"
        ));
    }
    match device {
        None => tap::check_root(),
        Some(tap) if !tap::exists(&tap.device) => Err(miette!(
            help = "make it, or let lupine make one: --network tap",
            "there is no network device {}",
            tap.device
        )),
        Some(tap) if tap.address.is_none() => Err(miette!(
            help = format!(
                "say it: --network tap={},ip=192.0.2.2/24,gw=192.0.2.1",
                tap.device
            ),
            "the guest's address on {} is not known",
            tap.device
        )),
        Some(_) => Ok(()),
    }
}

/// The kernel starts a program and does nothing else for it.
fn check_no_init(options: &RunOptions) -> Result<()> {
    let input = options.interactive.then_some("-i");
    let port = (!options.publish.is_empty()).then_some("-p");
    match work_of_init(options, &[]).or(input).or(port) {
        None => Ok(()),
        Some(flag) => Err(miette!(
            help = format!("leave out --no-init or {flag}"),
            "{flag} is init's work, and --no-init leaves init out"
        )),
    }
}

/// A port for output is all that such a kernel has of the machine.
fn check_port_console(options: &RunOptions) -> Result<()> {
    let in_memory = options.build.fs.as_deref() == Some("cpio");
    let needed = [("--no-init", options.no_init), ("--fs cpio", in_memory)];
    match needed.iter().find(|(_, given)| !given) {
        None => Ok(()),
        Some((flag, _)) => Err(miette!(
            help = format!("add {flag}"),
            "a kernel with --feature {PORT_CONSOLE} has no device for a disk or for init, and {flag} is missing"
        )),
    }
}

/// A flag that asks for something only init does, but for those that the kernel can do, too.
pub fn work_of_init(options: &RunOptions, but: &[&str]) -> Option<&'static str> {
    let app = &options.app;
    let given = [
        ("-t", options.tty),
        ("-v", !app.volume.is_empty()),
        ("-e", !app.env.is_empty() || !app.env_file.is_empty()),
        ("-w", app.workdir.is_some()),
        ("-u", app.user.is_some()),
        ("--ulimit", !app.ulimit.is_empty()),
    ];
    let found = given
        .into_iter()
        .find(|(flag, given)| *given && !but.contains(flag));
    found.map(|(flag, _)| flag)
}
