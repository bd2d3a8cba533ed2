use std::net::Ipv4Addr;

use super::*;

fn spec() -> VmSpec {
    let rootfs = ("/k/root, old.ext2".into(), "ext2".into());
    VmSpec::plain("/k/vmlinux".into(), rootfs, 64, "/run/guest".into())
}

fn shown(spec: &VmSpec, accelerator: Accelerator) -> String {
    let text = Qemu.command(spec, accelerator).unwrap().display();
    let text = text.replace("security_model=none", "security_model=passthrough");
    text.replace(" -", "\n-")
}

#[test]
fn the_least_guest() {
    insta::assert_snapshot!(shown(&spec(), Accelerator::Tcg));
}

#[test]
fn only_memory_above_4_gib_could_need_bounce_buffers() {
    for (mem_mib, without) in [(3072, false), (3073, true)] {
        let spec = VmSpec { mem_mib, ..spec() };
        let line = command_line(&spec, Accelerator::Kvm).unwrap();
        assert_eq!(line.contains("swiotlb=noforce"), without, "{mem_mib}");
    }
}

#[test]
fn a_guest_with_everything() {
    let spec = VmSpec {
        cpus: 2,
        rootfs: ("/k/root.erofs".into(), "erofs".into()),
        network: NetworkSpec::User {
            publish: vec![
                Publish {
                    ip: Ipv4Addr::LOCALHOST,
                    host_port: 8080,
                    guest_port: 80,
                    udp: false,
                },
                Publish {
                    ip: Ipv4Addr::UNSPECIFIED,
                    host_port: 5353,
                    guest_port: 53,
                    udp: true,
                },
            ],
            loopback: true,
        },
        shares: vec![Share {
            tag: "v0".into(),
            dir: "/data,1".into(),
            read_only: true,
        }],
        terminal: true,
        vmm_args: vec!["-d".into(), "int".into()],
        kernel_args: vec!["mitigations=off".into()],
        ..spec()
    };
    insta::assert_snapshot!(shown(&spec, Accelerator::Kvm));
}

#[test]
fn a_cpio_is_an_initrd() {
    let spec = VmSpec {
        rootfs: ("/k/root.cpio".into(), "cpio".into()),
        network: NetworkSpec::Tap {
            device: "tap0".into(),
        },
        ..spec()
    };
    insta::assert_snapshot!(shown(&spec, Accelerator::Tcg));
}

#[test]
fn a_plain_guest_is_told_nothing_that_makes_booting_quicker() {
    let quick = shown(&spec(), Accelerator::Tcg);
    let plain = VmSpec {
        parameters: Parameters::Plain,
        ..spec()
    };
    let plain = shown(&plain, Accelerator::Tcg);
    assert_eq!(
        quick
            .replace("quiet ", "")
            .replace(" no_timer_check nolapic_timer", ""),
        plain
    );
}

#[test]
fn without_init_the_kernel_starts_the_program() {
    let words = ["/bin/hello", "-n", "world"].map(String::from);
    let spec = VmSpec {
        bare: Some(words.into()),
        ..spec()
    };
    insta::assert_snapshot!(shown(&spec, Accelerator::Tcg));
}

#[test]
fn a_kernel_without_terminals_gets_a_port_and_no_virtio_device() {
    let spec = VmSpec {
        rootfs: ("/k/root.cpio".into(), "cpio".into()),
        bare: Some(vec!["/hello".into()]),
        port_console: true,
        ..spec()
    };
    let shown = shown(&spec, Accelerator::Tcg);
    assert!(
        shown.contains("isa-debugcon,iobase=0xe8,chardev=terminal"),
        "{shown}"
    );
    assert!(!shown.contains("virtio"), "{shown}");
}

#[test]
fn a_kernel_with_a_program_of_its_own_gets_no_disk_and_no_init() {
    let spec = VmSpec {
        rootfs: (std::path::PathBuf::new(), NO_ROOT.into()),
        bare: Some(Vec::new()),
        ..spec()
    };
    let shown = shown(&spec, Accelerator::Tcg);
    for absent in ["root=", "init=", "-drive", "-initrd"] {
        assert!(!shown.contains(absent), "{absent}: {shown}");
    }
    assert!(shown.contains("console=hvc0"), "{shown}");
}

#[test]
fn words_that_the_kernel_would_keep_are_refused() {
    for word in ["a=b", "x.y", "two words", "\"", "", "--", "quiet"] {
        let spec = VmSpec {
            bare: Some(vec!["/bin/hello".into(), word.into()]),
            ..spec()
        };
        let error = Qemu.command(&spec, Accelerator::Tcg).unwrap_err();
        assert!(matches!(error, VmError::BareWord { .. }), "{word}: {error}");
    }
}

#[test]
fn options_that_would_break_out_of_their_place_are_refused() {
    let tap = NetworkSpec::Tap {
        device: "t,script=/x".into(),
    };
    let share = Share {
        tag: "a,b".into(),
        dir: "/".into(),
        read_only: false,
    };
    let spec = [
        VmSpec {
            network: tap,
            ..spec()
        },
        VmSpec {
            shares: vec![share],
            ..spec()
        },
    ];
    for spec in spec {
        let error = Qemu.command(&spec, Accelerator::Tcg).unwrap_err();
        assert!(matches!(error, VmError::Unspeakable { .. }), "{error}");
    }
}
