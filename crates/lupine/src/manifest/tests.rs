use proptest::prelude::*;

use super::*;

pub fn sample() -> Manifest {
    Manifest {
        version: VERSION,
        image: ImagePart {
            reference: "deb:redis-server".into(),
            digest: Some("sha256:12".into()),
            command: vec!["redis-server".into(), "--save".into()],
            ..ImagePart::default()
        },
        machine: MachinePart {
            mem_mib: Some(64),
            publish: vec!["6379:6379".into()],
            ports: vec![6379],
            kml: None,
        },
        check: CheckPart {
            check: Some("redis-cli -p {port:6379} ping".into()),
            ..CheckPart::default()
        },
        kernel: Some(KernelPart {
            key: "k".into(),
            version: "6.12.117".into(),
            minimized: false,
        }),
        needs: vec![NeedPart {
            feature: "epoll".into(),
            options: vec!["CONFIG_EPOLL".into()],
            state: State::Required,
            evidence: vec!["trace: redis-server asked for syscall:epoll_wait".into()],
        }],
    }
}

#[test]
fn it_is_read_as_it_was_written() {
    let text = sample().to_toml();
    assert_eq!(Manifest::parse(&text).unwrap(), sample());
    insta::assert_snapshot!(text);
}

#[test]
fn unknown_keys_and_other_versions_are_refused() {
    let text = sample().to_toml();
    let error = Manifest::parse(&text.replace("mem_mib", "memory")).unwrap_err();
    assert!(error.to_string().contains("memory"), "{error}");
    let error = Manifest::parse(&text.replace("version = 1", "version = 2")).unwrap_err();
    assert!(error.to_string().contains('2'), "{error}");
}

#[test]
fn an_option_without_its_prefix_or_with_a_value_is_refused() {
    let text = sample().to_toml();
    for wrong in ["EPOLL", "CONFIG_", "CONFIG_EPOLL=y"] {
        let text = text.replace("\"CONFIG_EPOLL\"", &format!("{wrong:?}"));
        let error = Manifest::parse(&text).unwrap_err();
        assert!(error.to_string().contains(wrong), "{error}");
    }
}

#[test]
fn what_is_saved_is_found_by_digest_and_command() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Saved::of(&crate::state::State::at(dir.path()).unwrap());
    let argv = sample().image.command;
    let key = Saved::key("sha256:12", &argv);
    assert_ne!(key, Saved::key("sha256:12", &argv[..1]));
    assert!(saved.find(&key).unwrap().is_none());
    saved.keep(&key, &sample()).unwrap();
    assert_eq!(saved.find(&key).unwrap(), Some(sample()));
    let held = saved.try_lock().unwrap();
    assert!(held.is_some() && saved.try_lock().unwrap().is_none());
}

proptest! {
    #[test]
    fn damaged_text_never_panics(at in 0usize..1000, with: String) {
        let mut text = sample().to_toml();
        let at = (0..=at % text.len()).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.insert_str(at, &with);
        let _ = Manifest::parse(&text);
    }
}
