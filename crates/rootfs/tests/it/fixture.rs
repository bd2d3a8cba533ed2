//! An image with every oddity, made here as a docker archive.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lupine_image::{ImageRef, LoadOptions, Tree, flatten, load};
use lupine_init::GuestSpec;
use lupine_rootfs::{Format, Replaced, Request, Rootfs, RootfsError, pack};
use lupine_store::Store;
use lupine_tool::Quiet;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header, HeaderMode};

/// What stands for PID 1 in these tests.
pub const INIT: &[u8] = b"\x7fELF pretends to be PID 1";
/// A file capability set: cap_net_raw=ep.
pub const CAPABILITY: [u8; 20] = [
    1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
/// Names that a careless tool trips over.
pub const ODD_NAMES: [&[u8]; 6] = [
    b"new\nline",
    b"sp ace",
    b"\xff\xfe not utf-8",
    b"-dash",
    b"back\\slash",
    b"'quote\"",
];
/// Modification time of everything, 2020-09-13.
pub const MTIME: u64 = 1_600_000_000;

/// Little room, so that whole images are quickly compared.
pub const ROOM: u64 = 2;

/// One layer under construction.
pub struct Layer {
    builder: Builder<Vec<u8>>,
}

/// Metadata of an entry.
#[derive(Clone, Copy)]
pub struct Meta {
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
}

/// Root's, with `mode`.
pub fn root(mode: u32) -> Meta {
    Meta {
        mode,
        uid: 0,
        gid: 0,
    }
}

impl Layer {
    pub fn new() -> Self {
        Self {
            builder: Builder::new(Vec::new()),
        }
    }

    fn header(kind: EntryType, meta: Meta) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(meta.mode);
        header.set_uid(meta.uid);
        header.set_gid(meta.gid);
        header.set_mtime(MTIME);
        header.set_size(0);
        header
    }

    pub fn directory(&mut self, path: &str, meta: Meta) {
        let mut header = Self::header(EntryType::Directory, meta);
        self.builder
            .append_data(&mut header, path, io::empty())
            .unwrap();
    }

    pub fn file(&mut self, path: impl AsRef<[u8]>, meta: Meta, bytes: &[u8]) {
        let mut header = Self::header(EntryType::Regular, meta);
        header.set_size(bytes.len() as u64);
        let path = Path::new(std::ffi::OsStr::from_bytes(path.as_ref())).to_owned();
        self.builder.append_data(&mut header, path, bytes).unwrap();
    }

    pub fn xattr(&mut self, name: &str, value: &[u8]) {
        let name = format!("SCHILY.xattr.{name}");
        self.builder
            .append_pax_extensions([(&name[..], value)])
            .unwrap();
    }

    pub fn link(&mut self, path: &str, kind: EntryType, target: &str) {
        let mut header = Self::header(kind, root(0o777));
        self.builder.append_link(&mut header, path, target).unwrap();
    }

    pub fn device(&mut self, path: &str, kind: EntryType, major: u32, minor: u32) {
        let mut header = Self::header(kind, root(0o660));
        header.set_device_major(major).unwrap();
        header.set_device_minor(minor).unwrap();
        self.builder
            .append_data(&mut header, path, io::empty())
            .unwrap();
    }

    /// A file of `bytes` bytes that holds only `pieces` (offset and text).
    pub fn sparse(&mut self, path: &str, bytes: u64, pieces: &[(u64, Vec<u8>)]) {
        let mut file = tempfile::tempfile().unwrap();
        file.set_len(bytes).unwrap();
        for (at, piece) in pieces {
            file.write_all_at(piece, *at).unwrap();
        }
        // Else the header would say who runs the test, and when.
        self.builder.mode(HeaderMode::Deterministic);
        self.builder.append_file(path, &mut file).unwrap();
    }

    fn into_bytes(self) -> Vec<u8> {
        self.builder.into_inner().unwrap()
    }
}

/// Everything that an image may hold, and that small tools can read back quickly.
pub fn oddities() -> Layer {
    let mut layer = Layer::new();
    layer.directory("etc", root(0o755));
    layer.file("etc/passwd", root(0o644), b"root:x:0:0::/:/bin/sh\n");
    layer.directory("usr/bin", root(0o755));
    layer.file("usr/bin/sudo", root(0o4755), b"#!/bin/sh\n");
    layer.xattr("security.capability", &CAPABILITY);
    layer.file("usr/bin/ping", root(0o755), &vec![7; 5000]);
    let owner = Meta {
        mode: 0o2640,
        uid: 1001,
        gid: 100_000,
    };
    layer.directory(
        "srv",
        Meta {
            mode: 0o2775,
            ..owner
        },
    );
    layer.file("srv/data", owner, b"owned");
    layer.link("srv-second", EntryType::Link, "srv/data");
    layer.link("a-first", EntryType::Link, "srv/data");
    layer.file("srv/large", owner, &noise(5 << 20));
    layer.file("srv/empty", owner, b"");
    layer.link("bin", EntryType::Symlink, "usr/bin");
    layer.link("long", EntryType::Symlink, &"dir/".repeat(50));
    layer.directory("dev", root(0o755));
    layer.device("dev/null", EntryType::Char, 1, 3);
    layer.device("dev/wide", EntryType::Char, 300, 70_000);
    layer.device("dev/sda", EntryType::Block, 8, 0);
    layer.device("srv/fifo", EntryType::Fifo, 0, 0);
    layer.directory("odd", root(0o700));
    for name in ODD_NAMES {
        layer.file([b"odd/", name].concat(), root(0o600), name);
    }
    layer.directory("many", root(0o755));
    for n in 0..700 {
        layer.file(format!("many/{n:0100}"), root(0o644), b"");
    }
    layer.directory(".lupine", root(0o777));
    layer.file(".lupine/init", root(0o777), b"an impostor");
    // Apart, so that an extent tree has leaves and chunks have gaps.
    let pieces: Vec<_> = (0..400)
        .map(|n| (n << 16, format!("piece {n}").into_bytes()))
        .collect();
    layer.sparse("srv/sparse", 400 << 16, &pieces);
    layer
}

/// Bytes without a pattern, always the same.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..bytes).map(next).collect()
}

/// A store with one image in it.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub tree: Tree,
    pub digest: String,
    pub replaced: Replaced,
}

impl Bench {
    pub fn new(layer: Layer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("image.tar");
        docker_archive(&archive, layer);
        let reference: ImageRef = format!("docker-archive:{}", archive.display())
            .parse()
            .unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        let options = LoadOptions::default();
        let image = load(&store, &reference, &options).unwrap();
        let tree = flatten(&store, &image, &options).unwrap();
        Self {
            dir,
            store,
            tree,
            digest: image.digest,
            replaced: Replaced::default(),
        }
    }

    pub fn pack(&self, format: Format) -> Rootfs {
        self.pack_into(&self.store, format, ROOM).unwrap()
    }

    pub fn pack_into(
        &self,
        store: &Store,
        format: Format,
        room_mib: u64,
    ) -> Result<Rootfs, RootfsError> {
        let request = Request {
            tree: &self.tree,
            tree_digest: &self.digest,
            replaced: &self.replaced,
            spec: &spec(),
            init: INIT,
            programs: &[],
            format,
            room_mib,
        };
        pack(store, &request, &Quiet)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// The specification that these tests pack.
pub fn spec() -> GuestSpec {
    GuestSpec {
        argv: vec!["/usr/bin/ping".into()],
        ..GuestSpec::default()
    }
}

fn docker_archive(path: &Path, layer: Layer) {
    let layer = layer.into_bytes();
    let digest: String = Sha256::digest(&layer)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["/usr/bin/ping"]}},
            "rootfs":{{"type":"layers","diff_ids":["sha256:{digest}"]}}}}"#
    );
    let manifest = r#"[{"Config":"config.json","RepoTags":["odd:1"],"Layers":["layer.tar"]}]"#;
    let mut builder = Builder::new(File::create(path).unwrap());
    for (name, bytes) in [
        ("manifest.json", manifest.as_bytes()),
        ("config.json", config.as_bytes()),
        ("layer.tar", &layer),
    ] {
        let mut header = Layer::header(EntryType::Regular, root(0o644));
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    builder.into_inner().unwrap().flush().unwrap();
}

/// Runs a tool that must succeed and returns what it printed.
pub fn run(program: &str, args: &[&str]) -> String {
    let output = lupine_tool::Tool::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .run()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
