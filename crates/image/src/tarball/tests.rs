//! Our writer against our reader, the tar crate against our reader, and rubbish.

use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;

use super::*;
use crate::apply::Applied;
use crate::{Kind, Node};

fn any_node() -> impl Strategy<Value = Node> {
    let kind = prop_oneof![
        Just(Kind::Directory),
        prop::collection::vec(1u8.., 0..200).prop_map(Kind::Symlink),
        (0u32..0o7_777_777, 0u32..0o7_777_777).prop_map(|(a, b)| Kind::CharDevice(a, b)),
        (0u32..99, 0u32..99).prop_map(|(a, b)| Kind::BlockDevice(a, b)),
        Just(Kind::Fifo),
        (0u64..2000).prop_map(|bytes| Kind::File { content: 0, bytes }),
    ];
    let xattrs = prop::collection::btree_map(
        "[a-z.]{1,9}",
        prop::collection::vec(any::<u8>(), 0..9),
        0..3,
    );
    (
        kind,
        0u32..0o10000,
        any::<u32>(),
        any::<u32>(),
        -9_999_999_999i64..99_999_999_999,
        xattrs,
    )
        .prop_map(|(kind, mode, uid, gid, mtime, xattrs)| Node {
            kind,
            mode,
            uid,
            gid,
            mtime,
            xattrs,
        })
}

fn any_path() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("no NUL and no slash", |b| *b != 0 && *b != b'/');
    prop::collection::vec(byte, 1..250)
}

fn write(list: &[(Vec<u8>, Node)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (path, node) in list {
        match node.kind {
            Kind::File { bytes, .. } => {
                let data = vec![7; bytes as usize];
                writer.file(path, node, bytes, &data[..]).unwrap();
            }
            _ => writer.entry(path, node).unwrap(),
        }
    }
    writer.finish().unwrap()
}

/// Reads all members as the unpacker would, up to the first error.
fn read_all(bytes: &[u8]) {
    let mut members = Members::new(bytes);
    let mut tree = Applied::new();
    tree.next_layer();
    while let Ok(Some(member)) = members.next() {
        let _ = tree.apply(&member, 0);
        let _ = std::io::copy(&mut members, &mut std::io::sink());
    }
}

proptest! {
    #[test]
    fn what_we_write_reads_back(list in prop::collection::vec((any_path(), any_node()), 0..6)) {
        let bytes = write(&list);
        let mut members = Members::new(&bytes[..]);
        for (path, node) in &list {
            let member = members.next().unwrap().unwrap();
            let mut name = path.clone();
            if node.is_directory() {
                name.push(b'/');
            }
            prop_assert_eq!(&member.path, &name);
            prop_assert_eq!((member.mode, member.uid, member.gid), (node.mode, node.uid, node.gid));
            prop_assert_eq!((member.mtime, &member.xattrs), (node.mtime, &node.xattrs));
            match &node.kind {
                Kind::File { bytes, .. } => {
                    let mut data = Vec::new();
                    members.read_to_end(&mut data).unwrap();
                    prop_assert_eq!((data.len() as u64, member.bytes), (*bytes, *bytes));
                }
                Kind::Symlink(target) => prop_assert_eq!(&member.link, target),
                Kind::CharDevice(a, b) | Kind::BlockDevice(a, b) => {
                    prop_assert_eq!(member.device, (*a, *b));
                }
                _ => {}
            }
        }
        prop_assert!(members.next().unwrap().is_none());
    }

    #[test]
    fn the_tar_crate_reads_what_we_write(path in "[a-zé]{1,150}", bytes in 0u64..2000) {
        let node = Node { kind: Kind::File { content: 0, bytes }, ..Node::implied_directory() };
        let tar = write(&[(path.clone().into_bytes(), node)]);
        let mut archive = tar::Archive::new(&tar[..]);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        prop_assert_eq!(entry.path_bytes().into_owned(), path.into_bytes());
        prop_assert_eq!(entry.size(), bytes);
    }

    #[test]
    fn damaged_tars_never_panic(
        list in prop::collection::vec((any_path(), any_node()), 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = write(&list);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            // A right checksum lets the damage through to the fields.
            mend(&mut bytes[at / BLOCK * BLOCK..][..BLOCK]);
        }
        read_all(&bytes);
        read_all(&bytes[..cut.index(bytes.len())]);
    }
}

fn mend(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&b| u32::from(b)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

#[test]
fn numbers_in_base_256() {
    let mut header = tar::Header::new_gnu();
    header.set_path("x").unwrap();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_uid(4_000_000_000);
    header.set_gid(3_000_000_000);
    header.set_mtime(1 << 40);
    header.set_cksum();
    let mut members = Members::new(&header.as_bytes()[..]);
    let member = members.next().unwrap().unwrap();
    assert_eq!(
        (member.uid, member.gid, member.mtime),
        (4_000_000_000, 3_000_000_000, 1 << 40)
    );
    assert_eq!(member.xattrs, BTreeMap::new());
}
