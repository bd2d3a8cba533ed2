//! What a user would pick instead: the same image in a container on the host's kernel. [`Container`].

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lupine_bench::{Application, Kind, Measurement, Row, Suite, Unit};
use lupine_init::{GuestSpec, account, environment};
use lupine_store::At;
use lupine_tool::Tool;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde_json::{Value, json};

use super::program::{TIMED_MS, in_time};
use super::subject::{PROGRAM_PATH, options, program};
use super::{Bench, measured, nanoseconds};
use crate::discovery::{HostCommand, Ports};
use crate::monitor::wait_for;
use crate::pipeline::Pipeline;

/// How long a container may take.
const LIMIT: Duration = Duration::from_secs(300);
/// Where its files are, beside its configuration.
const ROOT: &str = "rootfs";
/// What docker leaves to root in a container.
const CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// An image for `runc`, with the host's network.
pub struct Container {
    /// Its files, as a cpio archive.
    files: PathBuf,
    /// What runs in it.
    spec: GuestSpec,
    check: Option<HostCommand>,
}

impl Container {
    /// Packs what the row says.
    ///
    /// # Errors
    /// Those of the image and rootfs stages.
    pub fn of_row(pipeline: &Pipeline<'_>, row: &Row, application: &Application) -> Result<Self> {
        let mut options = options(&row.flags)?;
        options.build.fs = Some("cpio".into());
        let Application { image, command, .. } = application;
        let prepared = pipeline.prepare(image, command, &options.build)?;
        let own = pipeline.own_spec(&prepared);
        let files = pipeline.rootfs_with(&[program()], &prepared, &own, &options.build)?;
        let check = application.check.as_deref().map(HostCommand::parse);
        Ok(Self {
            files: files.path,
            spec: prepared.spec,
            check: check.transpose()?,
        })
    }

    /// Two containers of one key are the same.
    pub fn key(&self) -> String {
        let name = self.files.file_name().unwrap_or_default();
        format!("runc {}", name.display())
    }

    /// Measures a suite that means something without a guest.
    ///
    /// # Errors
    /// Any other suite; a host without `runc`, or on which that does not work.
    pub fn measure(
        &self,
        bench: &Bench<'_>,
        kind: Kind,
        suite: &Suite,
    ) -> Result<Vec<Measurement>> {
        let staging = bench.store.staging()?;
        let dir = staging.path();
        self.unpack(dir)?;
        match kind {
            Kind::Start => {
                let time = self.start(dir)?;
                Ok(vec![measured("run", Unit::Nanoseconds, nanoseconds(time))])
            }
            Kind::Operations => self.operations(dir, &suite.operations),
            _ => Err(miette!("the suite {} is about guests", suite.name)),
        }
    }

    fn unpack(&self, dir: &Path) -> Result<()> {
        let root = dir.join(ROOT);
        fs::create_dir(&root).at("make", &root)?;
        let files = fs::File::open(&self.files).at("read", &self.files)?;
        let cpio = Tool::new("cpio").args(["--extract", "--make-directories", "--quiet"]);
        let unpacked = cpio.stdin(files).current_dir(&root).timeout(LIMIT).run();
        unpacked.wrap_err("containers need root, who may make all of an image's files")?;
        Ok(())
    }

    fn operations(&self, dir: &Path, operations: &[String]) -> Result<Vec<Measurement>> {
        let words = [PROGRAM_PATH.to_owned(), TIMED_MS.to_string()];
        let spec = GuestSpec {
            argv: words.iter().chain(operations).cloned().collect(),
            user: String::new(),
            ..self.spec.clone()
        };
        let output = runc(dir, &spec)?.run()?;
        Ok(in_time(&String::from_utf8_lossy(&output.stdout)))
    }

    /// From `runc run` to the first answer, or to the end of an application that has none.
    fn start(&self, dir: &Path) -> Result<Duration> {
        let ports: Vec<u16> = self.check.iter().flat_map(HostCommand::ports).collect();
        for port in &ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, *port))
                .into_diagnostic()
                .wrap_err_with(|| format!("it wants port {port} of the host for itself"))?;
        }
        let runc = runc(dir, &self.spec)?;
        let started = Instant::now();
        let Some(check) = &self.check else {
            runc.run()?;
            return Ok(started.elapsed());
        };
        let mut running = runc.log_to(dir.join("log")).spawn()?;
        let over = || started.elapsed() > LIMIT;
        let answers = ports.iter().map(|port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            wait_for(address, &over)
        });
        let answers: Option<Vec<Instant>> = answers.collect();
        let same: Ports = ports.iter().map(|port| (*port, *port)).collect();
        let works = check.retry(&same, LIMIT, &over);
        // It passes the signal on to the container.
        end(dir);
        running.kill();
        works.map_err(|why| miette!("{why}"))?;
        let last = answers.and_then(|all| all.into_iter().max());
        let last = last.ok_or_else(|| miette!("its ports do not answer"))?;
        Ok(last.duration_since(started))
    }
}

/// The command that runs `spec` in the container of `dir`.
fn runc(dir: &Path, spec: &GuestSpec) -> Result<Tool> {
    let read = |name: &str| fs::read_to_string(dir.join(ROOT).join(name)).unwrap_or_default();
    let config = configuration(spec, &read("etc/passwd"), &read("etc/group"))?;
    let file = dir.join("config.json");
    let bytes = serde_json::to_vec(&config).into_diagnostic()?;
    fs::write(&file, bytes).at("write", &file)?;
    let tool = Tool::new("runc").args(["run", "--bundle"]).arg(dir);
    Ok(tool.arg(name(dir)).timeout(LIMIT))
}

/// Ends the container of `dir`, if it runs.
fn end(dir: &Path) {
    // One that has ended by itself cannot be removed, and need not be.
    let _ = Tool::new("runc")
        .args(["delete", "--force", &name(dir)])
        .run();
}

fn name(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default();
    format!("lupine-bench-{}", name.display())
}

/// An OCI runtime configuration: docker's namespaces but for the network, and its capabilities.
fn configuration(spec: &GuestSpec, passwd: &str, group: &str) -> Result<Value> {
    let user = account(&spec.user, passwd, group).map_err(|why| miette!("{why}"))?;
    let cwd = if spec.cwd.is_empty() { "/" } else { &spec.cwd };
    let mount = |target: &str, kind: &str, options: &[&str]| json!({ "destination": target, "type": kind, "source": kind, "options": options });
    let namespaces = ["pid", "ipc", "uts", "mount"];
    Ok(json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": { "uid": user.uid, "gid": user.gid, "additionalGids": user.groups },
            "args": spec.argv,
            "env": environment(spec, &user.home),
            "cwd": cwd,
            "capabilities": { "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES },
            "noNewPrivileges": true,
        },
        "root": { "path": ROOT },
        "hostname": "lupine",
        "mounts": [
            mount("/proc", "proc", &[]),
            mount("/dev", "tmpfs", &["nosuid", "mode=755", "size=64m"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]),
            mount("/run", "tmpfs", &["nosuid", "nodev", "mode=755"]),
            mount("/tmp", "tmpfs", &["nosuid", "nodev", "mode=1777"]),
        ],
        "linux": { "namespaces": namespaces.map(|kind| json!({ "type": kind })) },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_runs_as_its_image_says() {
        let spec = GuestSpec {
            argv: vec!["redis-server".into()],
            user: "redis".into(),
            ..GuestSpec::default()
        };
        let passwd = "redis:x:102:103::/var/lib/redis:/bin/false\n";
        let config = configuration(&spec, passwd, "redis:x:103:\n").unwrap();
        assert_eq!(config["process"]["user"]["uid"], 102);
        assert_eq!(config["process"]["user"]["gid"], 103);
        assert_eq!(config["process"]["cwd"], "/");
        assert_eq!(config["process"]["args"][0], "redis-server");
        assert!(configuration(&spec, "", "").is_err());
    }
}
