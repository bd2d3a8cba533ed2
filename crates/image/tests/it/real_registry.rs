//! Debian's docker-registry on loopback, images pushed by skopeo.

use std::fs;

use lupine_image::{
    DockerRef, ImageError, ImageRef, LoadOptions, Pull, RegistryError, flatten, forget, list,
};

use crate::made::{self, Made, Pack, tar};
use crate::registry::Registry;
use crate::{in_child, is_child, load, load_with, store};

fn registry_error(error: ImageError) -> RegistryError {
    match error {
        ImageError::Registry(error) => *error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_pushed_image_is_pulled_once_and_known_without_a_network() {
    let (dir, store) = store();
    let registry = Registry::start(None);
    let shared = tar(&[("lib", "the lower layer")]);
    let first = Made::new(&[
        (shared.clone(), Pack::Gzip),
        (tar(&[("hello", "1")]), Pack::Zstd),
    ]);
    let second = Made::new(&[(shared, Pack::Gzip), (tar(&[("hello", "2")]), Pack::Gzip)]);
    let layout = dir.path().join("layout");
    made::layout(&layout, &[("one", &first), ("two", &second)]);
    registry.push(&layout, "one", "team/app:1", None);
    registry.push(&layout, "two", "team/app:2", None);
    let reference = format!("docker://{}/team/app:1", registry.address);

    let never = load_with(&store, &reference, Pull::Never).unwrap_err();
    assert!(matches!(never, ImageError::NotPulled { .. }), "{never}");
    let image = load(&store, &reference).unwrap();
    assert_eq!(image.digest, first.digest());
    assert_eq!(image.cmd(), ["/hello"]);
    let tree = flatten(&store, &image, &LoadOptions::default()).unwrap();
    assert_eq!(tree.read("hello", 9).unwrap(), b"1");
    assert_eq!(tree.read("/lib", 99).unwrap(), b"the lower layer");

    let bare = reference
        .trim_start_matches("docker://")
        .replace(":1", ":2");
    let other = load(&store, &bare).unwrap();
    assert_eq!(other.layers[0], image.layers[0], "the layer is shared");
    let by_digest = format!("{}/team/app@{}", registry.address, image.digest);
    assert_eq!(load(&store, &by_digest).unwrap().digest, image.digest);

    let records = list(&store).unwrap();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|r| r.bytes > 0 && r.loaded_at > 0));
    let address = registry.address.clone();
    drop(registry);
    assert_eq!(load(&store, &reference).unwrap().digest, image.digest);
    assert_eq!(
        load_with(&store, &by_digest, Pull::Always).unwrap().digest,
        image.digest
    );
    let error = registry_error(load_with(&store, &reference, Pull::Always).unwrap_err());
    assert!(
        matches!(&error, RegistryError::NotThere { registry, .. } if *registry == address),
        "{error}"
    );
    assert_eq!(
        load(&store, &reference).unwrap().digest,
        image.digest,
        "nothing is lost"
    );
    assert!(forget(&store, &reference.parse().unwrap()).unwrap());
    assert!(load(&store, &reference).is_err());
}

#[test]
fn what_a_registry_lacks_is_named() {
    let (dir, store) = store();
    let registry = Registry::start(None);
    let layout = dir.path().join("layout");
    made::layout(&layout, &[("one", &Made::hello("1"))]);
    registry.push(&layout, "one", "app:1", None);
    for name in ["app:2", "nope:1"] {
        let error = load(&store, &format!("{}/{name}", registry.address)).unwrap_err();
        let error = registry_error(error);
        assert!(matches!(error, RegistryError::NotFound { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_multi_arch_image_gives_the_one_for_here_or_names_the_others() {
    let (dir, store) = store();
    let registry = Registry::start(None);
    let image = |arch, text| Made::of(arch, &[(tar(&[("hello", text)]), Pack::Gzip)]);
    let (arm, amd) = (image("arm64", "arm"), image("amd64", "amd"));
    let both = dir.path().join("both");
    made::multi_arch_layout(&both, "x", &[&arm, &amd]);
    registry.push(&both, "x", "both", None);
    let loaded = load(&store, &format!("{}/both", registry.address)).unwrap();
    assert_eq!(loaded.digest, amd.digest());

    let other = dir.path().join("other");
    made::multi_arch_layout(&other, "x", &[&arm, &image("s390x", "z")]);
    registry.push(&other, "x", "other", None);
    let error = load(&store, &format!("{}/other", registry.address)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it has: linux/arm64, linux/s390x"),
        "{error}"
    );

    let single = dir.path().join("single");
    made::layout(&single, &[("x", &arm)]);
    registry.push(&single, "x", "single", None);
    let error = load(&store, &format!("{}/single", registry.address)).unwrap_err();
    assert!(matches!(error, ImageError::NoPlatform { .. }), "{error}");
}

#[test]
fn a_password_is_asked_for_and_taken_from_docker_config() {
    let (dir, store) = store();
    let registry = Registry::start(Some(("me", "se:cret")));
    let layout = dir.path().join("layout");
    made::layout(&layout, &[("one", &Made::hello("1"))]);
    registry.push(&layout, "one", "app", Some("me:se:cret"));
    drop(store);
    // base64 of me:se:cret and of me:wrong
    for (auth, outcome) in [
        (Some("bWU6c2U6Y3JldA=="), "loaded"),
        (Some("bWU6d3Jvbmc="), "refused the stored one"),
        (None, "there is none stored"),
    ] {
        let auths = auth.map_or("{}".into(), |auth| {
            format!(
                r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#,
                registry.address
            )
        });
        fs::write(dir.path().join("config.json"), auths).unwrap();
        in_child(
            &[],
            "real_registry::with_the_credentials_of_the_environment",
            &[
                ("DOCKER_CONFIG", dir.path().to_str().unwrap()),
                ("LUPINE_TEST_IMAGE", &format!("{}/app", registry.address)),
                ("LUPINE_TEST_OUTCOME", outcome),
            ],
        );
    }
}

/// The other half of the test above.
#[test]
fn with_the_credentials_of_the_environment() {
    if !is_child() {
        return;
    }
    let (_dir, store) = store();
    let image = std::env::var("LUPINE_TEST_IMAGE").unwrap();
    let outcome = match load(&store, &image) {
        Ok(_) => "loaded".into(),
        Err(error) => error.to_string(),
    };
    let expected = std::env::var("LUPINE_TEST_OUTCOME").unwrap();
    assert!(outcome.contains(&expected), "{outcome}");
}

#[test]
fn references_keep_their_registry() {
    let reference: ImageRef = "127.0.0.1:5000/a/b:c".parse().unwrap();
    let ImageRef::Docker(DockerRef {
        registry,
        repository,
        ..
    }) = reference
    else {
        panic!("no docker reference");
    };
    assert_eq!(
        (registry.as_str(), repository.as_str()),
        ("127.0.0.1:5000", "a/b")
    );
}
