//! `lupine run`.

mod base;
mod behind;
mod check;
mod from_manifest;
mod linked;
mod served;

use std::collections::BTreeSet;
use std::fs::File;

use lupine_init::GuestSpec;
use lupine_store::Store;
use miette::{Report, Result};

use super::Context;
use crate::cli::values::{Publish, SignalNumber};
use crate::cli::{Network, Part, RunOptions, split_command};
use crate::monitor::{Inbox, Launch, Monitor, NetworkPlan, start_detached, terminal_size};
use crate::state::{Created, GuestDir, Record, Refusals, State};
use crate::tap::{self, Tap};
use crate::{OWN_FAILURE, guest_spec, pipeline, printer, shares};

use base::Base;
pub use base::bare;
use check::check;
pub use linked::parameters;

/// Runs an image or a bundle; gives the application's exit status.
pub fn run(context: &Context<'_>, mut options: RunOptions) -> Result<u8> {
    if let Some(file) = options.file.clone() {
        from_manifest::apply(&file, &mut options)?;
    }
    check(&options)?;
    imply_parts(&mut options);
    let store = context.store()?;
    let state = context.state()?;
    let words = options.image_and_command.clone();
    let (image, command) = split_command(&words);
    if let Some(name) = &options.name {
        // Better said now than after a kernel was built.
        state.check_free(name)?;
    }
    let in_use = pipeline::use_cache(&store)?;
    let base = Base::find(&store, context.reporter, image, command, &options)?;
    if !base.network {
        options.network = Network::None;
    }
    context.reporter.finish();
    behind::learn(context, &state, &store, &options, &base)?;
    let status = launch(context, &store, &state, &options, &base, in_use);
    status.or_else(|(status, report)| {
        printer::report(&report);
        Ok(status)
    })
}

/// Whether the flags make no sense without a network card.
fn wants_card(options: &RunOptions) -> bool {
    !options.publish.is_empty() || matches!(options.network, Network::Tap(_))
}

/// What run's own flags ask of the kernel.
fn imply_parts(options: &mut RunOptions) {
    let parts = [
        (Part::Volumes, !options.app.volume.is_empty()),
        (Part::Terminal, options.tty),
        (Part::Network, wants_card(options)),
        (Part::NoNetwork, options.network == Network::None),
    ];
    for (part, wanted) in parts {
        if wanted && !options.build.with.contains(&part) {
            options.build.with.push(part);
        }
    }
}

/// From here on the exit status matters as much as the message.
fn launch(
    context: &Context<'_>,
    store: &Store,
    state: &State,
    options: &RunOptions,
    base: &Base,
    in_use: File,
) -> Result<u8, (u8, Report)> {
    let failed = |report: Report| (OWN_FAILURE, report);
    let ports = settle(&options.publish).map_err(failed)?;
    // From before the guest is recorded, so that Ctrl-C never leaves it half-made.
    let inbox = (!options.detach).then(Inbox::catching_signals);
    let inbox = inbox.transpose().map_err(failed)?;
    let mut created = create(context, state, options, base, &ports).map_err(failed)?;
    let launch = prepare(&mut created, options, base, ports).map_err(|report| {
        give_up(state, &created);
        failed(report)
    })?;
    // The guest's record says from now on what it uses.
    drop(in_use);
    let Created {
        dir, lock, record, ..
    } = created;
    match inbox {
        None => detach(state, store, &dir, lock, &launch),
        Some(inbox) => {
            let monitor = Monitor {
                refusals: Refusals::open(&dir.path).map_err(|e| failed(e.into()))?,
                told: BTreeSet::new(),
                asked_to_end: false,
                has_settled: false,
                state,
                store,
                dir,
                lock,
                record,
                launch,
                reporter: context.reporter,
                attached: true,
                notify: None,
            };
            monitor.run(&inbox).map(|end| end.status).map_err(failed)
        }
    }
}

fn create(
    context: &Context<'_>,
    state: &State,
    options: &RunOptions,
    base: &Base,
    ports: &[Publish],
) -> Result<Created> {
    let created = state.create(options.name.as_deref(), |name| {
        record(name, options, base, ports)
    })?;
    if created.replaced {
        let name = &created.dir.name;
        let note = format!("replaced guest {name}, which was killed or never ran");
        context.reporter.line(&note);
    }
    Ok(created)
}

/// Puts away a guest that cannot be booted.
fn give_up(state: &State, created: &Created) {
    if let Some(device) = &created.record.tap {
        tap::remove(device);
    }
    // Its lock is free soon: what is left is then a dead guest, to be swept.
    let _ = state.remove_own(&created.dir);
}

fn detach(
    state: &State,
    store: &Store,
    dir: &GuestDir,
    lock: File,
    launch: &Launch,
) -> Result<u8, (u8, Report)> {
    start_detached(state, store, dir, lock, launch)?;
    printer::line(&dir.name);
    Ok(0)
}

/// Picks free ports where the user left it open, and finds those in use.
fn settle(publish: &[Publish]) -> Result<Vec<Publish>> {
    let mut ports: Vec<lupine_vm::Publish> = publish.iter().copied().map(Into::into).collect();
    lupine_vm::settle_ports(&mut ports)?;
    Ok(ports.into_iter().map(Into::into).collect())
}

fn record(name: &str, options: &RunOptions, base: &Base, ports: &[Publish]) -> Record {
    let labels = base.labels.clone().into_iter().chain(options.label.clone());
    let network = match &options.network {
        Network::User => "user".into(),
        Network::None => "none".into(),
        Network::Tap(None) => "tap".into(),
        Network::Tap(Some(tap)) => format!("tap={}", tap.device),
    };
    let mut stats = base.stats.clone();
    stats.memory.mem_mib = options.app.memory.unwrap_or(base.mem_mib);
    stats.cpus = options.build.cpus;
    Record {
        image: base.image.clone(),
        digest: base.digest.clone(),
        command: base.spec.argv.clone(),
        monitor_pid: Some(std::process::id()),
        ports: ports.to_vec(),
        labels: labels.collect(),
        uses: vec![
            base.stats.kernel.path.clone(),
            base.stats.rootfs.path.clone(),
        ],
        cpus: options.build.cpus,
        network,
        address: own_address(&options.network),
        detached: options.detach,
        remove: options.rm,
        stop_signal: stop_signal(options, base).0,
        stats,
        ..Record::new(name)
    }
}

/// Where the host reaches a guest on a tap device that was there before.
fn own_address(network: &Network) -> Option<String> {
    match network {
        Network::Tap(Some(tap)) => tap.address.map(|(address, _)| address.to_string()),
        _ => None,
    }
}

fn stop_signal(options: &RunOptions, base: &Base) -> SignalNumber {
    let declared = || base.stop_signal.as_ref()?.parse().ok();
    options
        .stop_signal
        .or_else(declared)
        .unwrap_or(SignalNumber::TERM)
}

/// Everything that a guest needs outside its virtual machine.
fn prepare(
    created: &mut Created,
    options: &RunOptions,
    base: &Base,
    ports: Vec<Publish>,
) -> Result<Launch> {
    let (network, address) = network(created, options, ports)?;
    let (shares, mounts) = shares::of(&options.app.volume, &created.dir.path)?;
    let mut spec = spec(options, base, &created.dir.name)?;
    spec.network = address;
    spec.mounts = mounts;
    let mut kernel_args = options.kernel_args.clone();
    if base.linked {
        let given = linked::address(&network, spec.network.as_ref());
        kernel_args.extend(linked::parameters(&spec, given.as_ref())?);
    }
    Ok(Launch {
        kernel: base.stats.kernel.path.clone(),
        rootfs: (
            base.stats.rootfs.path.clone(),
            base.stats.rootfs.format.clone(),
        ),
        mem_mib: created.record.stats.memory.mem_mib,
        cpus: options.build.cpus,
        network,
        shares,
        vmm_args: options.vmm_args.clone(),
        kernel_args,
        bare: base.bare.clone(),
        port_console: options.build.kernel.has_port_console(),
        accel: options.app.accel.into(),
        guest: spec,
        stats_file: options.stats.as_deref().map(absolute),
        wait_ready: options.wait_ready,
        on_missing: options.on_missing,
        general: base.general.clone(),
        unknown: base.unknown,
        dispensable: base.dispensable.clone(),
        application: base.application.clone(),
        needs: base.needs.clone(),
    })
}

/// How the guest is connected, and the address that its init gives it.
fn network(
    created: &mut Created,
    options: &RunOptions,
    ports: Vec<Publish>,
) -> Result<(NetworkPlan, Option<lupine_init::Network>)> {
    Ok(match &options.network {
        Network::User => (NetworkPlan::User(ports), None),
        Network::None => (NetworkPlan::None, None),
        Network::Tap(Some(tap)) => (
            NetworkPlan::Tap(tap.device.clone()),
            guest_spec::address(tap),
        ),
        Network::Tap(None) => {
            let tap = Tap::make(&created.dir)?;
            created.record.tap = Some(tap.device.clone());
            created.record.address = Some(tap.guest.to_string());
            created.record.write(&created.dir.path)?;
            (NetworkPlan::Tap(tap.device.clone()), Some(tap.network()))
        }
    })
}

/// What the guest's init is told, but for the network and the mounts.
fn spec(options: &RunOptions, base: &Base, name: &str) -> Result<GuestSpec> {
    let hostname = options.hostname.clone();
    let hostname = hostname.unwrap_or_else(|| name.replace(['_', '.'], "-"));
    let mut own = base.spec.clone();
    if options.tty {
        guest_spec::set(&mut own.env, "TERM", "xterm");
    }
    let mut spec = guest_spec::spec(&own, &options.app, &hostname)?;
    spec.terminal = options.tty;
    spec.stdin = options.interactive;
    if options.tty {
        spec.winsize = terminal_size().unwrap_or_default();
    }
    Ok(spec)
}

/// A detached monitor has another working directory.
fn absolute(path: &std::path::Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}
