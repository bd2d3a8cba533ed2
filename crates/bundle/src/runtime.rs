//! The OCI runtime configuration beside the manifest.

use std::collections::HashMap;

use lupine_init::GuestSpec;
use oci_spec::OciSpecError;
use oci_spec::runtime::{
    Process, ProcessBuilder, RootBuilder, Spec, SpecBuilder, User, UserBuilder,
};

use serde_json::Value;

use crate::{BundleError, ExposedPort, Manifest};

/// PATH for an image that sets none, as container runtimes do.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Formats that a guest cannot write to.
const READ_ONLY: [&str; 2] = ["erofs", "squashfs"];

/// The application as an OCI runtime configuration. `root.path` names the image
/// file; a name of a user that is no number goes to `user.username`.
pub(crate) fn runtime_config(manifest: &Manifest) -> Result<Value, BundleError> {
    let failed = |why: String| BundleError::RuntimeConfig { why };
    let spec = build(manifest).map_err(|error| failed(error.to_string()))?;
    // A value sorts its keys; the specification's own maps have no order.
    serde_json::to_value(spec).map_err(|error| failed(error.to_string()))
}

fn build(manifest: &Manifest) -> Result<Spec, OciSpecError> {
    let format = manifest.rootfs.format.as_str();
    let mut spec = SpecBuilder::default()
        .version("1.0.2")
        .root(
            RootBuilder::default()
                .path(&manifest.rootfs.image.file)
                .readonly(READ_ONLY.contains(&format))
                .build()?,
        )
        .process(process(&manifest.spec)?)
        .annotations(annotations(manifest))
        .build()?;
    // The virtual machine isolates: a runtime shall add no namespaces or mounts of its own.
    spec.set_linux(None).set_mounts(None).set_hostname(None);
    if !manifest.spec.hostname.is_empty() {
        spec.set_hostname(Some(manifest.spec.hostname.clone()));
    }
    Ok(spec)
}

fn process(guest: &GuestSpec) -> Result<Process, OciSpecError> {
    let mut env = guest.env.clone();
    if !env.iter().any(|entry| entry.starts_with("PATH=")) {
        env.insert(0, DEFAULT_PATH.into());
    }
    let cwd = if guest.cwd.is_empty() {
        "/"
    } else {
        &guest.cwd
    };
    let mut process = ProcessBuilder::default()
        .terminal(guest.terminal)
        .user(user(&guest.user)?)
        .args(guest.argv.clone())
        .env(env)
        .cwd(cwd)
        .build()?;
    process.set_capabilities(None).set_rlimits(None);
    process.set_no_new_privileges(None);
    Ok(process)
}

fn user(user: &str) -> Result<User, OciSpecError> {
    let (name, group) = user.split_once(':').unwrap_or((user, ""));
    let uid = name.parse().ok();
    let gid = group.parse().ok();
    let builder = UserBuilder::default()
        .uid(uid.unwrap_or(0u32))
        .gid(gid.unwrap_or(0u32));
    match uid {
        None if !name.is_empty() => builder.username(name).build(),
        _ => builder.build(),
    }
}

fn annotations(manifest: &Manifest) -> HashMap<String, String> {
    let own = [
        ("lupine.kernel", manifest.kernel.vmlinux.file.clone()),
        ("lupine.rootfs.format", manifest.rootfs.format.clone()),
        (
            "org.opencontainers.image.ref.name",
            manifest.image.reference.clone(),
        ),
        ("lupine.image.digest", manifest.image.digest.clone()),
        ("lupine.kernel.key", manifest.kernel.key.clone()),
        ("lupine.kernel.version", manifest.kernel.version.clone()),
        // The needs stage's own JSON: features, options, states, evidence.
        ("lupine.needs", manifest.needs.to_string()),
        ("lupine.ports", ports(manifest)),
    ];
    let memory = manifest
        .mem_mib
        .map(|mib| ("lupine.memory.mib", mib.to_string()));
    let own = own.into_iter().chain(memory);
    let own = own.map(|(key, value)| (key.to_owned(), value));
    // Ours last: an image's label must not pose as a fact about the bundle.
    manifest.labels.clone().into_iter().chain(own).collect()
}

/// As in an image's configuration: `6379/tcp,53/udp`.
fn ports(manifest: &Manifest) -> String {
    let port = |port: &ExposedPort| {
        let kind = if port.udp { "udp" } else { "tcp" };
        format!("{}/{kind}", port.port)
    };
    let ports: Vec<String> = manifest.exposed_ports.iter().map(port).collect();
    ports.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::sample;

    #[test]
    fn the_application_is_told_in_oci_terms() {
        let mut manifest = sample();
        manifest.spec.user = "101:102".into();
        manifest.spec.cwd = "/data".into();
        manifest.spec.hostname = "box".into();
        let spec = runtime_config(&manifest).unwrap();
        assert_eq!(spec["process"]["args"][0], "redis-server");
        assert_eq!(spec["process"]["cwd"], "/data");
        assert_eq!(spec["process"]["user"]["uid"], 101);
        assert_eq!(spec["process"]["user"]["gid"], 102);
        assert_eq!(spec["root"]["path"], "rootfs.ext2");
        assert_eq!(spec["hostname"], "box");
        assert_eq!(spec["annotations"]["lupine.kernel"], "vmlinux");
        assert_eq!(spec["annotations"]["lupine.ports"], "6379/tcp");
        assert_eq!(spec["annotations"]["lupine.memory.mib"], "64");
        assert_eq!(spec["annotations"]["lupine.needs"], "[]");
        assert!(
            spec["process"]["env"][0]
                .as_str()
                .unwrap()
                .starts_with("PATH=")
        );
    }

    #[test]
    fn the_same_manifest_gives_the_same_bytes() {
        let mut manifest = sample();
        for n in 0..20 {
            manifest.labels.insert(format!("l{n}"), "v".into());
        }
        let once = serde_json::to_vec(&runtime_config(&manifest).unwrap()).unwrap();
        let again = serde_json::to_vec(&runtime_config(&manifest).unwrap()).unwrap();
        assert_eq!(once, again);
    }

    #[test]
    fn a_named_user_keeps_its_name() {
        let user = user("redis").unwrap();
        assert_eq!(user.username().as_deref(), Some("redis"));
    }
}
