//! Rules one by one, then random layers against a model that merges whole layers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn member(what: What, path: &str, link: &str) -> Member {
    Member {
        path: path.into(),
        link: link.into(),
        what,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: 0,
        device: (0, 0),
        xattrs: BTreeMap::new(),
        bytes: 0,
        segments: Vec::new(),
    }
}

fn file(path: &str) -> Member {
    member(What::File, path, "")
}

fn dir(path: &str) -> Member {
    member(What::Directory, path, "")
}

/// The paths after applying `layers`; contents are numbered from 1 in order.
fn paths(layers: &[&[Member]]) -> Result<Vec<String>, Refusal> {
    Ok(applied(layers)?
        .keys()
        .map(|p| String::from_utf8_lossy(p).into_owned())
        .collect())
}

fn applied(layers: &[&[Member]]) -> Result<BTreeMap<Vec<u8>, Node>, Refusal> {
    let mut tree = Applied::new();
    let mut number = 0;
    for layer in layers {
        tree.next_layer();
        for member in *layer {
            number += 1;
            tree.apply(member, number)?;
        }
    }
    Ok(tree.finish().1)
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    let lower = [dir("a"), file("a/x"), file("a/y"), file("a-b")];
    let upper = [file("a/z"), file("a/.wh.x"), file(".wh.a-b")];
    assert_eq!(paths(&[&lower, &upper]).unwrap(), ["a", "a/y", "a/z"]);
    let both = [file("a/x"), file("a/.wh.x")];
    assert_eq!(paths(&[&both]).unwrap(), ["a", "a/x"]);
}

#[test]
fn an_opaque_directory_keeps_only_its_own_layer_in_any_order() {
    let lower = [dir("a"), dir("a/d"), file("a/d/x"), file("b")];
    for upper in [
        [file("a/.wh..wh..opq"), file("a/d/new")],
        [file("a/d/new"), file("a/.wh..wh..opq")],
    ] {
        let paths = paths(&[&lower, &upper]).unwrap();
        assert_eq!(paths, ["a", "a/d", "a/d/new", "b"]);
    }
}

#[test]
fn a_file_replaces_a_directory_and_the_other_way_round() {
    let lower = [dir("a"), file("a/x"), file("b")];
    let upper = [file("a"), dir("b"), file("b/y")];
    assert_eq!(paths(&[&lower, &upper]).unwrap(), ["a", "b", "b/y"]);
}

#[test]
fn parents_that_are_symlinks_are_followed_inside_the_root() {
    let lower = [
        dir("real"),
        member(What::Symlink, "abs", "/real"),
        member(What::Symlink, "up", "../../../real"),
        member(What::Symlink, "dangling", "/not/there"),
    ];
    let upper = [file("abs/x"), file("up/y"), file("dangling/z")];
    assert_eq!(
        paths(&[&lower, &upper]).unwrap(),
        [
            "abs",
            "dangling",
            "not",
            "not/there",
            "not/there/z",
            "real",
            "real/x",
            "real/y",
            "up"
        ]
    );
}

#[test]
fn nothing_leaves_the_root() {
    for bad in [
        file("../x"),
        file("a/../../x"),
        member(What::HardLink, "x", "../../etc/passwd"),
        file(".wh..."),
        file(".wh.."),
    ] {
        let refusal = paths(&[std::slice::from_ref(&bad)]).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Escape(_)),
            "{bad:?}: {refusal:?}"
        );
    }
    let symlink = [
        member(What::Symlink, "x", "/etc"),
        member(What::HardLink, "y", "x/passwd"),
    ];
    let refusal = paths(&[&symlink]).unwrap_err();
    assert!(matches!(&refusal, Refusal::Corrupt(why) if why.contains("not in the image")));
}

#[test]
fn loops_and_files_as_parents_are_corrupt() {
    let looping = [member(What::Symlink, "l", "l"), file("l/x")];
    assert!(matches!(paths(&[&looping]), Err(Refusal::Corrupt(why)) if why.contains("loop")));
    let parent = [file("f"), file("f/x")];
    assert!(
        matches!(paths(&[&parent]), Err(Refusal::Corrupt(why)) if why.contains("no directory"))
    );
}

#[test]
fn hard_links_share_their_content_until_one_is_replaced() {
    let lower = [
        file("a"),
        member(What::HardLink, "b", "/a"),
        member(What::HardLink, "a", "a"),
    ];
    let tree = applied(&[&lower]).unwrap();
    assert_eq!(tree[&b"a"[..]], tree[&b"b"[..]]);
    let tree = applied(&[&lower, &[file("a")]]).unwrap();
    assert_ne!(tree[&b"a"[..]].kind, tree[&b"b"[..]].kind);
}

#[test]
fn aufs_leftovers_are_ignored() {
    let layer = [
        dir(".wh..wh.plnk"),
        file(".wh..wh.plnk/1.2"),
        file(".wh..wh.aufs"),
        file("x"),
    ];
    assert_eq!(paths(&[&layer]).unwrap(), ["x"]);
}

/// One thing that a random layer says about one path.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Says {
    File,
    Dir,
    White,
    Opaque,
}

fn random_layers() -> impl Strategy<Value = Vec<BTreeMap<String, Says>>> {
    let path = prop::collection::vec(prop::sample::select(vec!["a", "b", "a-", "c"]), 1..4);
    let says = prop::sample::select(vec![
        Says::File,
        Says::Dir,
        Says::Dir,
        Says::White,
        Says::Opaque,
    ]);
    let layer = prop::collection::vec((path.prop_map(|p| p.join("/")), says), 0..8);
    prop::collection::vec(layer.prop_map(|l| l.into_iter().collect()), 1..5)
}

fn to_member(path: &str, says: Says) -> Member {
    let (dir_of, name) = path.rsplit_once('/').map_or(("", path), |(d, n)| (d, n));
    match says {
        Says::File => file(path),
        Says::Dir => dir(path),
        Says::White => file(&format!("{dir_of}/.wh.{name}")),
        Says::Opaque => file(&format!("{path}/.wh..wh..opq")),
    }
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Merges a whole layer at once: first what it hides, then what it has.
fn model(lower: &BTreeMap<String, bool>, layer: &BTreeMap<String, Says>) -> BTreeMap<String, bool> {
    let hides = |path: &str, says: Says| layer.get(path) == Some(&says);
    let own: BTreeSet<&str> = layer
        .iter()
        .filter(|(_, s)| matches!(s, Says::File | Says::Dir))
        .flat_map(|(p, _)| ancestors(p).chain([p.as_str()]))
        .collect();
    let mut merged: BTreeMap<String, bool> = lower
        .iter()
        .filter(|(path, _)| {
            let gone = hides(path, Says::White)
                || ancestors(path).any(|a| {
                    hides(a, Says::White) || hides(a, Says::Opaque) || hides(a, Says::File)
                });
            !gone
        })
        .map(|(path, is_dir)| (path.clone(), *is_dir))
        .collect();
    for path in own {
        let is_dir = layer.get(path) != Some(&Says::File);
        merged.insert(path.into(), is_dir);
    }
    let files: Vec<String> = merged
        .iter()
        .filter(|(_, d)| !**d)
        .map(|(p, _)| p.clone())
        .collect();
    merged.retain(|path, _| !ancestors(path).any(|a| files.iter().any(|f| f == a)));
    merged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn random_layers_agree_with_the_model(layers in random_layers(), reverse: bool) {
        let mut tree = Applied::new();
        let mut expected = BTreeMap::new();
        for layer in &layers {
            tree.next_layer();
            let mut members: Vec<Member> = layer.iter().map(|(p, s)| to_member(p, *s)).collect();
            // Markers may stand before or after what they do not hide; parents come first.
            members.sort_by_key(|m| (reverse ^ name(&m.path).starts_with(WHITEOUT), m.path.clone()));
            for member in &members {
                // A file where a directory must be is an error, not a merge.
                let applied = tree.apply(member, 1);
                prop_assume!(applied.is_ok());
            }
            expected = model(&expected, layer);
        }
        let (_, nodes) = tree.finish();
        let got: BTreeMap<String, bool> = nodes
            .iter()
            .map(|(p, n)| (String::from_utf8_lossy(p).into_owned(), n.is_directory()))
            .collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn every_parent_is_a_directory(entries in prop::collection::vec(
        (prop::sample::select(vec![What::File, What::Directory, What::Symlink, What::HardLink]),
         "[ab./]{1,7}", "[ab./]{1,5}"), 0..20)) {
        let mut tree = Applied::new();
        tree.next_layer();
        for (what, path, link) in entries {
            let _ = tree.apply(&member(what, &path, &link), 1);
        }
        let (_, nodes) = tree.finish();
        for path in nodes.keys() {
            prop_assert_eq!(&normalise(path).unwrap(), path);
            let above = parent(path);
            prop_assert!(above.is_empty() || nodes[above].is_directory());
        }
    }
}
