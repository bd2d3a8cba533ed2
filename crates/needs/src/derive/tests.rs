use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::subject::Port;

fn tables() -> &'static Tables {
    static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::builtin().unwrap());
    &TABLES
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|s| (*s).to_owned()).collect()
}

fn run(argv: &[&str]) -> Subject {
    Subject {
        argv: strings(argv),
        ..Subject::default()
    }
}

fn app(subject: &Subject) -> Needs {
    derive(tables(), subject, &Machine::default(), Profile::App)
}

fn names(needs: &Needs) -> Vec<&str> {
    needs.features().collect()
}

fn applications(subject: &Subject) -> Vec<String> {
    let tables = tables();
    let found = matched(tables, subject);
    found
        .into_iter()
        .map(|(name, ..)| name.to_owned())
        .collect()
}

#[test]
fn applications_are_found_in_the_chain_and_behind_wrappers() {
    for (argv, expected) in [
        (&["redis-server", "--port", "1"][..], &["redis"][..]),
        (&["/usr/sbin/nginx", "-g", "daemon off;"], &["nginx"]),
        (&["tini", "--", "mongod"], &["mongo"]),
        (&["/bin/sh", "-c", "exec redis-server --port 1"], &["redis"]),
        (&["/bin/bash", "-lc", "cd /x && node server.js"], &["node"]),
        (&["python3.11", "-m", "http.server"], &["python"]),
        (&["php-fpm8.2", "-F"], &["php"]),
        (&["mysqld_safe"], &["mariadb", "mysql"]),
        (&["echo", "redis-server"], &[]),
        (&["sh", "-c", "echo hello"], &[]),
        (&["hello"], &["hello-world"]),
        (&["sh"], &[]),
        (&[], &[]),
    ] {
        assert_eq!(applications(&run(argv)), expected, "{argv:?}");
    }
    let script = Subject {
        script: true,
        chain: strings(&["/usr/local/bin/docker-entrypoint.sh", "/bin/dash"]),
        ..run(&["docker-entrypoint.sh", "redis-server"])
    };
    assert_eq!(applications(&script), ["redis"]);
    let link = Subject {
        chain: strings(&["/usr/bin/redis-check-rdb"]),
        ..run(&["redis-server"])
    };
    assert_eq!(applications(&link), ["redis"]);
}

#[test]
fn hello_needs_nothing_but_its_machine() {
    assert_eq!(names(&app(&run(&["hello"]))), ["ext2", "inet", "net"]);
    let machine = Machine {
        network: false,
        ..Machine::default()
    };
    let needs = derive(tables(), &run(&["hello"]), &machine, Profile::App);
    assert_eq!(names(&needs), ["ext2"]);
}

#[test]
fn an_unknown_program_gets_the_general_kernel_and_is_told_so() {
    let needs = app(&run(&["/opt/frobnicate", "-x"]));
    let tables = tables();
    for feature in &tables.general {
        assert!(needs.get(feature).is_some(), "{feature}");
    }
    let need = needs.get("io-uring").unwrap();
    assert_eq!(need.state, State::Assumed);
    assert_eq!(
        need.evidence[0].text,
        "no entry for frobnicate in applications.toml: the general kernel"
    );
}

#[test]
fn what_the_image_declares() {
    let subject = Subject {
        ports: vec![Port {
            number: 53,
            udp: true,
        }],
        user: "nobody:nogroup".into(),
        script: true,
        chain: strings(&["/entry.sh"]),
        linker: Some("/lib64/ld-linux-x86-64.so.2".into()),
        ..run(&["hello"])
    };
    let needs = app(&subject);
    let text = |feature: &str| {
        needs
            .get(feature)
            .unwrap()
            .evidence
            .last()
            .unwrap()
            .text
            .clone()
    };
    assert_eq!(
        text("multiuser"),
        "the image runs as user \"nobody:nogroup\""
    );
    assert_eq!(
        text("binfmt-script"),
        "/entry.sh is a script, or a shell that starts scripts"
    );
    assert!(text("futex").starts_with("linked with /lib64/ld-linux-x86-64.so.2"));
    let net = needs.get("net").unwrap();
    assert_eq!(net.evidence[0].text, "the image exposes port 53/udp");
    assert_eq!(net.evidence[1].text, "the machine has a network card");
    for root in ["", "root", "0", "0:0", "root:www"] {
        let subject = Subject {
            user: root.into(),
            ..run(&["hello"])
        };
        assert!(app(&subject).get("multiuser").is_none(), "{root}");
    }
}

#[test]
fn what_the_machine_needs() {
    let machine = |fs: &str| Machine {
        fs: fs.into(),
        network: false,
        volumes: true,
        cpus: 2,
        terminal: true,
        vmm: "qemu".into(),
    };
    let base = |fs: &str| {
        derive(
            tables(),
            &run(&["redis-server"]),
            &machine(fs),
            Profile::Base,
        )
    };
    assert_eq!(
        names(&base("ext4")),
        ["9p", "devpts", "ext4", "smp", "terminal"]
    );
    assert_eq!(
        names(&base("erofs")),
        [
            "9p", "devpts", "erofs", "overlay", "shmem", "smp", "terminal", "tmpfs"
        ]
    );
    assert!(base("cpio").get("initrd").is_some());
}

#[test]
fn a_feature_is_as_sure_as_the_surest_that_needs_it() {
    let needs = app(&run(&["postgres"]));
    assert_eq!(needs.get("shmem").unwrap().state, State::Required);
    assert_eq!(needs.get("advise").unwrap().state, State::Used);
    assert_eq!(needs.get("timerfd").unwrap().state, State::Shared);
    let least = needs.clone().least();
    assert!(least.get("timerfd").is_none() && least.get("signalfd").is_some());
    assert!(least.get("advise").is_none());
    let all = needs.needs.iter();
    assert!(all.clone().all(|n| !n.evidence.is_empty()));
    assert!(all.clone().is_sorted_by_key(|n| &n.feature));
}

#[test]
fn memory_is_asked_for_by_applications_that_need_more() {
    assert_eq!(app(&run(&["redis-server"])).mem_mib, None);
    assert_eq!(app(&run(&["elasticsearch"])).mem_mib, Some(2048));
}

#[test]
fn who_uses_the_network() {
    let tables = tables();
    assert_eq!(uses_network(tables, &run(&["redis-server"])), Some(true));
    assert_eq!(uses_network(tables, &run(&["hello"])), Some(false));
    assert_eq!(uses_network(tables, &run(&["frobnicate"])), None);
}

#[test]
fn redis_in_full() {
    let subject = Subject {
        chain: strings(&["/usr/bin/redis-check-rdb"]),
        linker: Some("/lib64/ld-linux-x86-64.so.2".into()),
        ..run(&["redis-server"])
    };
    let needs = app(&subject);
    let text: String = needs
        .needs
        .iter()
        .flat_map(|need| {
            let head = format!("{} ({:?})\n", need.feature, need.state);
            let evidence = need
                .evidence
                .iter()
                .map(|e| format!("    {:?}: {}\n", e.source, e.text));
            std::iter::once(head).chain(evidence)
        })
        .collect();
    insta::assert_snapshot!(text);
}

proptest! {
    #[test]
    fn any_subject_has_needs_in_order_that_do_not_change(
        argv in prop::collection::vec("[a-z/ -]{0,12}|redis-server|sh|-c|hello", 0..5),
        user in "[a-z0-9:]{0,6}",
        script: bool,
        cpus in 0u32..4,
    ) {
        let subject = Subject { argv, user, script, ..Subject::default() };
        let machine = Machine { cpus, ..Machine::default() };
        let tables = tables();
        for profile in [Profile::Base, Profile::General, Profile::Top20, Profile::App] {
            let needs = derive(tables, &subject, &machine, profile);
            prop_assert!(needs.needs.is_sorted_by_key(|n| &n.feature));
            prop_assert!(needs.needs.iter().all(|n| !n.evidence.is_empty()));
            prop_assert_eq!(&needs, &derive(tables, &subject, &machine, profile));
            for need in &needs.needs {
                for inner in &tables.features[&need.feature].needs {
                    prop_assert!(needs.get(inner).is_some());
                }
            }
        }
    }
}

fn learned(minimized: bool) -> Subject {
    let need = |feature: &str, state| Need {
        feature: feature.into(),
        options: vec![crate::Setting {
            option: "CONFIG_EPOLL".into(),
            value: "y".into(),
            why: "seen".into(),
        }],
        state,
        evidence: vec![Evidence {
            source: Source::Trace,
            text: "seen".into(),
        }],
    };
    Subject {
        learned: Some(crate::Learned {
            needs: vec![need("epoll", State::Used), need("eventfd", State::Optional)],
            minimized,
        }),
        ..run(&["redis-server"])
    }
}

#[test]
fn what_runs_have_shown_stands_in_for_the_table() {
    let tables = Tables::builtin().unwrap();
    let machine = Machine::default();
    let needs = derive(&tables, &learned(true), &machine, Profile::App);
    assert_eq!(needs.get("epoll").unwrap().state, State::Used);
    assert!(needs.get("sysvipc").is_none(), "{needs:?}");
    assert!(!needs.built().any(|need| need.feature == "eventfd"));
}

#[test]
fn what_it_was_seen_to_work_without_is_optional_even_if_its_c_library_uses_it() {
    let tables = Tables::builtin().unwrap();
    let mut subject = learned(true);
    subject.linker = Some("/lib64/ld-linux-x86-64.so.2".into());
    let state = |subject: &Subject| {
        let needs = derive(&tables, subject, &Machine::default(), Profile::App);
        needs.get("rseq").unwrap().state
    };
    assert_eq!(state(&subject), State::Used);
    let learned = subject.learned.as_mut().unwrap();
    let mut rseq = learned.needs[1].clone();
    rseq.feature = "rseq".into();
    learned.needs.push(rseq);
    assert_eq!(state(&subject), State::Optional);
}

#[test]
fn until_it_was_minimised_its_kernel_shares_with_others() {
    let tables = Tables::builtin().unwrap();
    let needs = derive(&tables, &learned(false), &Machine::default(), Profile::App);
    assert_eq!(needs.get("sysvipc").unwrap().state, State::Shared);
}
