//! `deb:PKG[,PKG...]`: a Debian root file system, made by mmdebstrap.
//!
//! The tree holds Debian's essential packages (some 45 MB: a shell, the core
//! tools, libc, dpkg) because maintainer scripts need them, and the packages
//! that were asked for with what they depend on, and, where the table does not know
//! how to make a server of them, what they recommend. Documentation, translations and
//! whatever only apt needs are left out.
//!
//! An image is kept by its list of packages, as a registry's by its tag: a
//! newer version in the archive is seen with `Pull::Always`, and an older
//! recipe of ours is replaced at once.

mod sources;
mod unit;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use lupine_store::{At, Store};
use lupine_tool::{Progress, Tool, ToolError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::blob::{self, BlobWriter};
use crate::image::{LISTENS, LOOPBACK};
use crate::{ImageError, manifest};

/// The table of well-known servers.
const SERVERS: &str = include_str!("servers.toml");
/// Files that are newer get this time: Debian 12's release day, 2023-06-10.
const EPOCH: &str = "1686355200";
/// A mirror may be slow, but not for ever.
const LIMIT: Duration = Duration::from_secs(3600);
/// PATH in the tree, Debian's own for root.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Left out while packages are unpacked. The last one holds converters between
/// character sets other than Unicode.
const EXCLUDED: [&str; 7] = [
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
    "/usr/lib/x86_64-linux-gnu/gconv/*",
];

/// Before anything is there: /bin and the like are links, as everywhere since
/// Debian 12 (without them apt would install usrmerge, and perl for it), and
/// no maintainer script may start a server. Some scripts (Java's) fail where
/// there is no place for manual pages, which are left out.
const BEFORE_ALL: &str = r#"set -e
for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -sT "usr/$d" "$1/$d"; done
printf '#!/bin/sh\nexit 101\n' > "$1/usr/sbin/policy-rc.d"
chmod 755 "$1/usr/sbin/policy-rc.d"
mkdir -p "$1/etc/apt/preferences.d" "$1/usr/share/man/man1"
printf 'Package: usrmerge\nPin: version *\nPin-Priority: -1\n' > "$1/etc/apt/preferences.d/lupine""#;

/// As soon as apt knows the archive: a package that does not exist is told
/// before minutes are spent on the others.
const CHECK: &str = r#"APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq --simulate install"#;

/// For servers that the table does not know.
const RECOMMENDED: &str = include_str!("recommended.sh");

/// For every server alike, in the table or not.
const DIRECTORIES: &str = include_str!("directories.sh");

/// After everything: what only the installation needed, and what would make
/// two builds differ.
const AFTER_ALL: &str = r#"set -e
cd "$1"
rm -rf usr/sbin/policy-rc.d etc/apt/preferences.d/lupine etc/apt/apt.conf.d/99mmdebstrap etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -rf var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/.pwd.lock
rm -rf usr/share/doc/* usr/share/man/* usr/share/info/* usr/share/locale/* usr/share/lintian/* usr/share/bug/* usr/lib/x86_64-linux-gnu/gconv/*
mkdir -p tmp etc dev proc sys run root var/tmp
chmod 1777 tmp var/tmp
test -e etc/passwd || printf 'root:x:0:0:root:/root:/bin/sh\n' > etc/passwd
test -e etc/hosts || printf '127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n' > etc/hosts
test -e etc/group || printf 'root:x:0:\n' > etc/group
rm -rf var/log/apt/* var/log/alternatives.log var/log/bootstrap.log var/log/dpkg.log
find var/log -type f -exec truncate --size=0 {} +
: > etc/machine-id
rm -f etc/hostname etc/resolv.conf"#;

/// One entry of the table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Server {
    cmd: Vec<String>,
    user: String,
    env: Vec<String>,
    workdir: String,
    ports: Vec<String>,
    volumes: Vec<String>,
    stop_signal: Option<String>,
    variant: Option<String>,
    before: Vec<String>,
    setup: Vec<String>,
    remove: Vec<String>,
    labels: BTreeMap<String, String>,
}

impl Server {
    /// The `config` section of the image's configuration.
    fn section(&self) -> Value {
        let set = |items: &[String]| -> BTreeMap<String, Value> {
            items.iter().map(|item| (item.clone(), json!({}))).collect()
        };
        let mut env = vec![PATH.to_owned()];
        env.extend(self.env.iter().cloned());
        let mut section = json!({
            "Env": env,
            "Cmd": self.cmd,
            "User": self.user,
            "WorkingDir": self.workdir,
            "ExposedPorts": set(&self.ports),
            "Volumes": set(&self.volumes),
            "Labels": self.labels,
        });
        if let Some(signal) = &self.stop_signal {
            section["StopSignal"] = json!(signal);
        }
        section
    }
}

/// The table's entry for the first of the packages that has one. The table is
/// part of the program, and a test reads it: an error here is an empty table.
fn server(packages: &[String]) -> Server {
    let mut table: BTreeMap<String, Server> = toml::from_str(SERVERS).unwrap_or_default();
    let known = packages.iter().find_map(|package| table.remove(package));
    known.unwrap_or_default()
}

/// The recipe for these packages, by its digest: an image of another recipe is made anew.
pub(crate) fn stamp(packages: &[String]) -> String {
    let server = server(packages);
    let found = [include_str!("unit.rs"), include_str!("unit/background.rs")];
    let recipe = format!(
        "{BEFORE_ALL} {RECOMMENDED} {DIRECTORIES} {AFTER_ALL} {EXCLUDED:?} {EPOCH} {LISTENS} {server:?} {found:?}"
    );
    blob::digest_of(recipe.as_bytes())
}

/// Makes the root file system and an image of it; gives the manifest's digest.
pub(crate) fn make(
    store: &Store,
    packages: &[String],
    progress: &dyn Progress,
) -> Result<String, ImageError> {
    let list = packages.join(",");
    progress.step(&format!(
        "installing {list} with mmdebstrap (half a minute to two)"
    ));
    let mut server = server(packages);
    let staging = store.staging()?;
    let tar = staging.path().join("root.tar");
    let install = |server: &Server| {
        let args = arguments(staging.path(), &tar, packages, server)?;
        let run = tool(staging.path()).map(|tool| tool.args(args).run());
        run.flatten().map_err(|error| wrap(&list, error))
    };
    let first = install(&server);
    if server.variant.is_none() && first.as_ref().is_err_and(lacks_required) {
        progress.step(&format!(
            "installing {list} again, with what Debian calls required: one of its scripts needs more than it depends on"
        ));
        server.variant = Some("minbase".into());
        install(&server)?;
    } else {
        first?;
    }
    if server.cmd.is_empty() {
        server = unit::server(&tar, packages).at("read", &tar)?;
        server.labels.insert(LISTENS.into(), LOOPBACK.into());
    }
    let file = File::open(&tar).at("open", &tar)?;
    let bytes = file.metadata().at("look at", &tar)?.len();
    let mut layer = BlobWriter::new(store)?;
    io::copy(&mut BufReader::with_capacity(1 << 17, file), &mut layer).at("copy", &tar)?;
    manifest::make_single(store, &layer.finish()?, bytes, &server.section())
}

/// Whether the script of a package failed: many use a program that is on every ordinary system
/// (useradd for example) without a dependency on its package.
fn lacks_required(error: &ImageError) -> bool {
    matches!(error, ImageError::Debian { why, .. } if why.contains("dpkg: error processing package"))
}

fn wrap(packages: &str, source: ToolError) -> ImageError {
    ImageError::Debian {
        packages: packages.into(),
        why: reason(&source),
        source: Box::new(source),
    }
}

/// What apt, dpkg and mmdebstrap call errors; everything where they call nothing so.
fn reason(error: &ToolError) -> String {
    let text = error.to_string();
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("E: ") || line.starts_with("dpkg: error"))
        .filter(|line| !line.contains("setup failed") && !line.contains("failed to run"))
        .collect();
    if errors.is_empty() {
        return text;
    }
    errors.join("\n")
}

/// mmdebstrap, but for its arguments.
///
/// Root's mmdebstrap mounts /proc, /sys and /dev in the tree that it makes. It
/// gets a mount namespace of its own, so that they vanish with it however it
/// ends, and whoever sweeps its tree can never come into the host's /sys; and
/// a process namespace, so that no dpkg outlives it. For others it does the
/// same by itself.
fn tool(dir: &Path) -> Result<Tool, ToolError> {
    const PROGRAM: &str = "mmdebstrap";
    let program = lupine_tool::find(PROGRAM).ok_or_else(|| ToolError::Missing {
        program: PROGRAM.into(),
    })?;
    let wrap = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let isolated = || Tool::new("unshare").args(wrap);
    // Root in a container may not make namespaces; then it may not mount either.
    let tool = if is_root() && isolated().arg("true").run().is_ok() {
        isolated().arg(program)
    } else {
        Tool::new(program)
    };
    let tool = tool
        .env("SOURCE_DATE_EPOCH", EPOCH)
        .env("LC_ALL", "C.UTF-8")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .log_to(dir.join("log"))
        .timeout(LIMIT);
    // Root's temporary tree lies where it is swept should we be killed. The
    // namespace of others may not look into our directories: they use /tmp.
    Ok(if is_root() {
        tool.env("TMPDIR", dir)
    } else {
        tool
    })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// All arguments; the host's package sources are written to `dir` for them.
fn arguments(
    dir: &Path,
    tar: &Path,
    packages: &[String],
    server: &Server,
) -> Result<Vec<OsString>, ImageError> {
    let sources = sources::of_host();
    let mode = if is_root() { "root" } else { "auto" };
    let mut args = options(packages, server, mode);
    args.push(sources.suite);
    let mut args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    args.push(tar.into());
    for (number, list) in sources.files.iter().enumerate() {
        // The extension tells mmdebstrap which of the two formats it is.
        let path = dir.join(format!("host{number}.{}", list.extension));
        fs::write(&path, &list.text).at("write", &path)?;
        args.push(path.into());
    }
    Ok(args)
}

fn options(packages: &[String], server: &Server, mode: &str) -> Vec<String> {
    let variant = server.variant.as_deref().unwrap_or("essential");
    let mut args = vec![
        format!("--variant={variant}"),
        format!("--mode={mode}"),
        "--format=tar".into(),
        // It would remove the directories that directories.sh makes.
        "--skip=cleanup/run".into(),
        format!("--include={}", included(packages, variant)),
        "--aptopt=Acquire::Languages \"none\"".into(),
        "--aptopt=Acquire::Retries \"3\"".into(),
        // A mirror that goes silent ends the connection, not the patience.
        "--aptopt=Acquire::http::Timeout \"30\"".into(),
        // apt's own user may not look into root's directories, nor is it in every tree.
        "--aptopt=APT::Sandbox::User \"root\"".into(),
        "--dpkgopt=force-unsafe-io".into(),
    ];
    let more = sources::apt_options().into_iter();
    args.extend(more.map(|option| format!("--aptopt={option}")));
    let excluded = EXCLUDED.iter();
    args.extend(excluded.map(|path| format!("--dpkgopt=path-exclude={path}")));
    args.push(format!("--setup-hook={BEFORE_ALL}"));
    // A tree that is only extracted knows no later hooks.
    let words = packages.join(" ");
    let last = if variant == "extract" {
        "extract"
    } else {
        args.push(format!("--extract-hook={CHECK} {words} > /dev/null"));
        "customize"
    };
    let hook = |stage: &str, command: &String| format!("--{stage}-hook={}", in_tree(command));
    args.extend(server.before.iter().map(|c| hook("essential", c)));
    if server.cmd.is_empty() {
        let recommended = quoted(RECOMMENDED);
        args.push(format!(
            "--customize-hook=sh -c {recommended} sh \"$1\" {words}"
        ));
    }
    args.extend(server.setup.iter().map(|c| hook("customize", c)));
    if last == "customize" {
        args.push(format!("--customize-hook={DIRECTORIES}"));
    }
    if !server.remove.is_empty() {
        let globs = server.remove.join(" ");
        args.push(format!("--customize-hook=cd \"$1\" && rm -rf {globs}"));
    }
    args.push(format!("--{last}-hook={AFTER_ALL}"));
    args
}

/// `usr-is-merged` keeps apt from choosing usrmerge (and all of perl) instead.
fn included(packages: &[String], variant: &str) -> String {
    let list = packages.join(",");
    if variant == "extract" {
        return list;
    }
    format!("usr-is-merged,{list}")
}

/// A shell command of the table as a hook: mmdebstrap gives the tree as `$1`.
fn in_tree(command: &str) -> String {
    format!("chroot \"$1\" sh -ec {}", quoted(command))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        let table: BTreeMap<String, Server> = toml::from_str(SERVERS).unwrap();
        for package in ["redis-server", "nginx", "memcached", "postgresql", "hello"] {
            assert!(!table[package].cmd.is_empty(), "{package}");
        }
        for (package, server) in &table {
            let section = server.section().to_string();
            let text = format!(
                r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[]}},"config":{section}}}"#
            );
            manifest::parse_config(text.as_bytes(), package).unwrap();
        }
    }

    #[test]
    fn a_script_that_failed_is_told_from_a_package_that_is_not_there() {
        let error = |why: &str| ImageError::Debian {
            packages: "caddy".into(),
            why: why.into(),
            source: Box::new(ToolError::Missing {
                program: "mmdebstrap".into(),
            }),
        };
        assert!(lacks_required(&error(
            "dpkg: error processing package caddy (--configure):\nE: Sub-process env returned an error code (1)"
        )));
        assert!(!lacks_required(&error("E: Unable to locate package caddi")));
    }

    #[test]
    fn only_errors_are_quoted() {
        let failed = |tail: &str| ToolError::TimedOut {
            program: "mmdebstrap".into(),
            limit: LIMIT,
            tail: tail.into(),
        };
        let tail = "I: x\nE: Unable to locate package y\nE: setup failed: E: apt-get\n";
        assert_eq!(reason(&failed(tail)), "E: Unable to locate package y");
        assert!(reason(&failed("I: x")).contains("I: x"));
    }

    #[test]
    fn the_first_known_package_decides() {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            server(&list(&["curl", "nginx", "redis-server"])).cmd[0],
            "nginx"
        );
        assert!(server(&list(&["curl"])).cmd.is_empty());
    }

    #[test]
    fn table_commands_survive_two_shells() {
        assert_eq!(
            in_tree("echo 'a b'"),
            r#"chroot "$1" sh -ec 'echo '\''a b'\'''"#
        );
    }
}
