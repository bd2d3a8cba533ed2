//! `lupine build`, `lupine kernel` and `lupine rootfs`.

use std::path::PathBuf;

use lupine_bundle::{ExposedPort, ImageName, KernelFiles, Parts, RootfsFile};
use lupine_image::{Image, Proto};
use lupine_kernel::KernelImage;
use lupine_needs::Profile;
use lupine_rootfs::Rootfs;
use miette::{IntoDiagnostic, Result};

use super::Context;
use crate::cli::{BuildArgs, BuildOptions, KernelArgs, KernelFormat, RootfsArgs};
use crate::pipeline::{Pipeline, Prepared, copy_out};
use crate::printer;

/// Makes a bundle and prints where it lies.
pub fn build(context: &Context<'_>, args: &BuildArgs) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let (image, command) = args.target.split();
    let prepared = pipeline.prepare(image, command, &args.options)?;
    let kernel = pipeline.kernel(&prepared, &args.options, false)?;
    let rootfs = pipeline.rootfs(&prepared, &prepared.spec, &args.options)?;
    let dir = args.output.clone().unwrap_or_else(|| default_dir(image));
    let (programs, _) = pipeline.programs(&prepared, &args.options)?;
    let mut parts = parts(&prepared, &kernel, &rootfs, &args.options)?;
    parts.rootfs.changed = &programs.changed;
    let bundle = lupine_bundle::assemble(&dir, &parts)?;
    if args.format.is_json() {
        let mut value = serde_json::to_value(&bundle.manifest).into_diagnostic()?;
        value["dir"] = serde_json::json!(bundle.dir);
        printer::json(&value);
    } else {
        printer::line(&bundle.dir.display().to_string());
    }
    Ok(0)
}

/// Builds a kernel alone.
pub fn kernel(context: &Context<'_>, args: &KernelArgs) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let (image, command) = args.target.split();
    let prepared = pipeline.prepare(image, command, &args.options)?;
    let bzimage = args.format == KernelFormat::BzImage;
    let kernel = pipeline.kernel(&prepared, &args.options, bzimage)?;
    let file = match (&kernel.bzimage, bzimage) {
        (Some(file), true) => file,
        _ => &kernel.vmlinux,
    };
    copy_out(file, &args.output)?;
    context.reporter.line(&format!(
        "{}: Linux {}, {} options, for {}",
        args.output.display(),
        kernel.metadata.version,
        kernel.metadata.options_set,
        args.options.kernel.vmm
    ));
    Ok(0)
}

/// Packs a root file system alone.
pub fn rootfs(context: &Context<'_>, args: &RootfsArgs) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let (image, command) = args.target.split();
    let prepared = pipeline.prepare(image, command, &args.options)?;
    let rootfs = pipeline.rootfs(&prepared, &prepared.spec, &args.options)?;
    copy_out(&rootfs.path, &args.output)?;
    context.reporter.line(&format!(
        "{}: {}, {}",
        args.output.display(),
        rootfs.format,
        printer::size(rootfs.bytes)
    ));
    Ok(0)
}

fn parts<'a>(
    prepared: &'a Prepared,
    kernel: &'a KernelImage,
    rootfs: &'a Rootfs,
    options: &'a BuildOptions,
) -> Result<Parts<'a>> {
    let image = &prepared.image;
    Ok(Parts {
        image: ImageName {
            reference: image.reference.clone(),
            digest: image.digest.clone(),
        },
        profile: Profile::from(options.kernel.profile).name(),
        vmm: &options.kernel.vmm,
        kernel: KernelFiles {
            vmlinux: &kernel.vmlinux,
            bzimage: kernel.bzimage.as_deref(),
            config: &kernel.config,
            symbols: kernel.symbols.as_deref(),
            files: kernel.files.as_deref(),
            key: &kernel.key,
            series: &kernel.metadata.series,
            version: &kernel.metadata.version,
            options_set: kernel.metadata.options_set,
        },
        rootfs: RootfsFile {
            path: &rootfs.path,
            format: rootfs.format.name(),
            key: &rootfs.key,
            changed: &[],
        },
        spec: &prepared.spec,
        entrypoint: entrypoint(image, options),
        mem_mib: prepared.needs.mem_mib,
        exposed_ports: exposed_ports(image),
        stop_signal: image.stop_signal(),
        labels: image.labels(),
        needs: serde_json::to_value(&prepared.needs).into_diagnostic()?,
    })
}

fn entrypoint(image: &Image, options: &BuildOptions) -> Vec<String> {
    match options.entrypoint.as_deref() {
        None => image.entrypoint(),
        Some("") => Vec::new(),
        Some(program) => vec![program.to_owned()],
    }
}

fn exposed_ports(image: &Image) -> Vec<ExposedPort> {
    let port = |(port, proto)| ExposedPort {
        port,
        udp: proto == Proto::Udp,
    };
    image.exposed_ports().into_iter().map(port).collect()
}

/// `./NAME.bundle` after the image, without registry, tag and digest.
fn default_dir(image: &str) -> PathBuf {
    let path = image.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or(path);
    let last = last
        .strip_prefix("deb:")
        .or(last.strip_prefix("dir:"))
        .unwrap_or(last);
    let name = last.split([':', '@', ',']).next().unwrap_or(last);
    let name = if name.is_empty() { "image" } else { name };
    PathBuf::from(format!("{name}.bundle"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_named_after_its_image() {
        let name = |image| default_dir(image).display().to_string();
        assert_eq!(name("redis"), "redis.bundle");
        assert_eq!(
            name("docker://localhost:5000/a/redis:7@sha256:12"),
            "redis.bundle"
        );
        assert_eq!(name("deb:redis-server,curl"), "redis-server.bundle");
        assert_eq!(name("dir:/srv/root/"), "root.bundle");
        assert_eq!(name("oci:layout:tag"), "oci.bundle");
    }
}
