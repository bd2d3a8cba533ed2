//! A guest that meets something its kernel lacks says so, once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lupine_recorder::{Record, features, refusal};
use lupine_tool::Tool;
use lupine_vm::{Accelerator, Event, Qemu, boot};

use crate::guest::{KERNEL, Lupine, vm_spec};

/// `lacks.c` and a file that is no program.
fn image(root: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/lacks.c");
    let gcc = Tool::new("gcc").args(["-O1", "-static", "-o"]);
    gcc.arg(root.join("lacks")).arg(source).run().unwrap();
    let nonsense = root.join("nonsense");
    fs::write(&nonsense, "nonsense").unwrap();
    fs::set_permissions(&nonsense, PermissionsExt::from_mode(0o755)).unwrap();
    for dir in ["dev", "proc", "sys", "tmp"] {
        fs::create_dir(root.join(dir)).unwrap();
    }
}

/// What the kernel of a guest said, which ran the program alone.
fn said(dir: &Path) -> Vec<String> {
    let (root, bundle) = (dir.join("root"), dir.join("bundle"));
    fs::create_dir(&root).unwrap();
    image(&root);
    let reference = format!("dir:{}", root.display());
    let words = [
        "--entrypoint",
        "/lacks",
        "-o",
        bundle.to_str().unwrap(),
        &reference,
    ];
    let built = Lupine::new().lupine(&[&["build"], KERNEL.as_slice(), &words].concat());
    assert_eq!(built.status, 0, "{built:?}");
    let bundle = lupine_bundle::open(&bundle).unwrap();
    let spec = vm_spec(&bundle, dir.into());
    let guest = boot(&Qemu, &spec, Accelerator::Tcg, &bundle.manifest.spec).unwrap();
    let events: Vec<Event> = guest.events().iter().collect();
    let lines = events.into_iter().filter_map(|event| match event {
        Event::Refusal(line) => Some(line),
        _ => None,
    });
    lines.collect()
}

fn words(record: &Record) -> (String, u16, Option<&str>, &str) {
    let features = features(record).join(" ");
    (
        features,
        record.errno,
        record.string.as_deref(),
        &record.comm,
    )
}

#[test]
fn what_the_kernel_lacks_is_said_once_with_who_asked_first() {
    let dir = tempfile::tempdir().unwrap();
    let lines = said(dir.path());
    let records: Vec<Record> = lines.iter().map(|line| refusal(line).unwrap()).collect();
    // Init has its own wishes.
    let of_the_program =
        |record: &&Record| ["lacks", "first one", "second"].contains(&record.comm.as_str());
    let found: Vec<_> = records.iter().filter(of_the_program).map(words).collect();
    let first = |features: &str, errno: u16, string: Option<&'static str>| {
        (features.to_owned(), errno, string, "first one")
    };
    let expected = [
        first("syscall:socket family:15 protocol:15:3:2", 97, None),
        first("syscall:keyctl case:keyctl:0:0", 38, None),
        first("syscall:mount fs:no?such", 19, Some("no?such")),
        // A name with a control character is told, and is no feature's.
        first("syscall:openat", 2, Some("/dev/none\t\\")),
        first("syscall:openat path:/proc/*/none", 2, Some("/proc/*/none")),
        first("syscall:execve path:/nonsense", 8, Some("/nonsense")),
        first("syscall:prctl case:prctl:0:123456", 22, None),
    ];
    assert_eq!(found, expected, "{lines:#?}");
}
