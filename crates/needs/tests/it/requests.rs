//! What the data in `kernel/` asks of the kernel's solver. A change of data shows here.

use lupine_kconfig::{Allowed, Fragment, Layer, Merged, Value, merge};
use lupine_needs::{Machine, Needs, Profile, Subject, Tables, derive};

macro_rules! fragment {
    ($layer:ident, $path:literal) => {
        Fragment::parse(
            $path,
            Layer::$layer,
            include_str!(concat!("../../../../kernel/config/", $path)),
        )
        .unwrap()
    };
}

fn vmms() -> [Fragment; 3] {
    [
        fragment!(Vmm, "vmm/qemu.config"),
        fragment!(Vmm, "vmm/firecracker.config"),
        fragment!(Vmm, "vmm/kata.config"),
    ]
}

fn features() -> [Fragment; 7] {
    [
        fragment!(Feature, "feature/tiny.config"),
        fragment!(Feature, "feature/debug.config"),
        fragment!(Feature, "feature/mitigations.config"),
        fragment!(Feature, "feature/no-mitigations.config"),
        fragment!(Feature, "feature/checks.config"),
        fragment!(Feature, "feature/fast.config"),
        fragment!(Feature, "feature/port-console.config"),
    ]
}

fn requests(vmm: &Fragment, needs: &Needs, feature: Option<&Fragment>) -> Merged {
    let mut fragments = vec![
        fragment!(Base, "base.config"),
        fragment!(Arch, "arch/x86_64.config"),
        vmm.clone(),
    ];
    for need in &needs.needs {
        let settings = need.options.iter().map(|s| {
            let value: Value = s.value.parse().unwrap();
            (s.option.as_str(), value, s.why.as_str())
        });
        fragments.push(Fragment::from_settings(
            &need.feature,
            Layer::Need,
            settings,
        ));
    }
    fragments.extend(feature.cloned());
    merge(&fragments).unwrap()
}

fn of(program: &str, fs: &str, cpus: u32, profile: Profile) -> Needs {
    let tables = Tables::builtin().unwrap();
    let subject = Subject {
        argv: vec![program.into()],
        ..Subject::default()
    };
    let machine = Machine {
        fs: fs.into(),
        cpus,
        ..Machine::default()
    };
    derive(&tables, &subject, &machine, profile)
}

#[test]
fn nothing_contradicts_anything_else() {
    let tables = Tables::builtin().unwrap();
    let mut all: Vec<Needs> = Vec::new();
    for fs in ["ext2", "ext4", "erofs", "squashfs", "cpio"] {
        all.push(of("", fs, 2, Profile::Base));
        all.push(of("", fs, 2, Profile::General));
    }
    for application in tables.applications.values() {
        all.push(of(&application.programs[0], "ext2", 1, Profile::App));
    }
    for vmm in &vmms() {
        for needs in &all {
            requests(vmm, needs, None);
            for feature in &features() {
                requests(vmm, needs, Some(feature));
            }
        }
    }
}

#[test]
fn all_features_together_agree() {
    let tables = Tables::builtin().unwrap();
    let mut options = std::collections::BTreeMap::new();
    for (name, feature) in &tables.features {
        for setting in &feature.options {
            let first = options
                .entry(&setting.option)
                .or_insert((name, &setting.value));
            assert_eq!(
                first.1, &setting.value,
                "{name} and {} disagree on {}",
                first.0, setting.option
            );
        }
    }
}

#[test]
fn allowed_drops_are_asked_for_somewhere() {
    let text = include_str!("../../../../kernel/config/allowed.config");
    let allowed = Allowed::parse("allowed.config", text).unwrap();
    let mut asked = vec![
        fragment!(Base, "base.config"),
        fragment!(Arch, "arch/x86_64.config"),
        fragment!(Vmm, "vmm/qemu.config"),
    ];
    asked.extend(features());
    let general = of("", "ext2", 1, Profile::General);
    let of_needs = general.needs.iter().flat_map(|need| &need.options);
    let of_needs: Vec<&str> = of_needs.map(|setting| setting.option.as_str()).collect();
    // The command asks for this one, by what a scan finds.
    let of_scans = ["CONFIG_X86_64_SYSCALLS"];
    for option in allowed.drops.keys() {
        let mut lines = asked.iter().flat_map(|f| &f.lines);
        let is_asked = lines.any(|l| l.option == *option && allowed.permits(option, &l.value));
        let names = [&of_needs[..], &of_scans].concat();
        assert!(is_asked || names.contains(&option.as_str()), "{option}");
    }
}

#[test]
fn the_requests_of_redis() {
    let needs = of("redis-server", "ext2", 1, Profile::App);
    insta::assert_snapshot!(requests(&vmms()[0], &needs, None).to_config());
}

#[test]
fn the_requests_of_a_tiny_hello() {
    let needs = of("hello", "ext2", 1, Profile::App);
    insta::assert_snapshot!(requests(&vmms()[0], &needs, Some(&features()[0])).to_config());
}

#[test]
fn the_requests_of_the_general_kernel() {
    let needs = of("", "ext2", 1, Profile::General);
    insta::assert_snapshot!(requests(&vmms()[0], &needs, None).to_config());
}
