//! What happens when a registry fails in the ways that registries fail.

use std::sync::Arc;

use lupine_image::{ImageError, RegistryError};
use lupine_store::Store;

use crate::made::{Made, Pack, digest, tar};
use crate::rude_server::{Reply, Request, RudeServer};
use crate::{in_child, is_child, load, store};

/// Answers as a good registry would.
fn good(image: &Made, request: &Request) -> Reply {
    if request.path.contains("/manifests/") {
        return Reply::ok(image.manifest_bytes());
    }
    let wanted = request.path.rsplit('/').next().unwrap_or_default();
    let Some(blob) = image.blobs.iter().find(|blob| digest(blob) == wanted) else {
        return Reply::status(404, "");
    };
    match request.range {
        Some(from) => {
            let from = from as usize;
            let range = format!("bytes {from}-{}/{}", blob.len() - 1, blob.len());
            Reply::status(206, &blob[from..]).header("content-range", range)
        }
        None => Reply::ok(blob.clone()),
    }
}

/// Of a size that takes several reads and does not compress.
fn big_image() -> Arc<Made> {
    let mut state: u32 = 1;
    let noise = (0..300_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    });
    let text: String = noise.collect();
    Arc::new(Made::new(&[(tar(&[("hello", &text)]), Pack::Plain)]))
}

fn is_layer(image: &Made, request: &Request) -> bool {
    request.path.ends_with(&digest(&image.blobs[0]))
}

fn pull(store: &Store, server: &RudeServer) -> Result<lupine_image::Image, ImageError> {
    load(store, &format!("{}/app:1", server.address))
}

fn failure(store: &Store, server: &RudeServer) -> RegistryError {
    match pull(store, server).unwrap_err() {
        ImageError::Registry(error) => *error,
        other => panic!("{other}"),
    }
}

fn partials(store: &Store) -> Vec<String> {
    store.keys("partial").unwrap()
}

#[test]
fn too_many_requests_are_waited_for_as_long_as_asked() {
    let (_dir, store) = store();
    let image = Arc::new(Made::hello("1"));
    let server = RudeServer::start(move |request, before| match before {
        0 => Reply::status(429, "").header("retry-after", "1"),
        1 => Reply::status(503, ""),
        _ => good(&image, request),
    });
    pull(&store, &server).unwrap();
}

#[test]
fn a_rate_limit_of_an_hour_is_told_at_once() {
    let (_dir, store) = store();
    let server = RudeServer::start(|_, _| Reply::status(429, "").header("retry-after", "3600"));
    let error = failure(&store, &server);
    assert!(error.to_string().contains("asks to wait 3600 s"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_broken_server_is_tried_a_few_times() {
    let (_dir, store) = store();
    let server = RudeServer::start(|_, _| {
        Reply::status(500, r#"{"errors":[{"message":"out of\u001b[31m cheese"}]}"#)
    });
    let error = failure(&store, &server);
    assert!(
        matches!(error, RegistryError::ServerFailed { status: 500, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("out of[31m cheese"), "{error}");
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn statuses_that_will_not_pass_are_not_tried_again() {
    for (status, expected) in [
        (403, "denies access"),
        (418, "status 418"),
        (401, "wants a login"),
    ] {
        let (_dir, store) = store();
        let server = RudeServer::start(move |_, _| Reply::status(status, ""));
        let error = failure(&store, &server);
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_transfer_that_breaks_off_goes_on_where_it_stopped() {
    let (_dir, store) = store();
    let image = big_image();
    let twin = image.clone();
    let server = RudeServer::start(move |request, _| {
        let reply = good(&image, request);
        if is_layer(&image, request) && request.range.is_none() {
            return reply.cut(100_000);
        }
        reply
    });
    let loaded = pull(&store, &server).unwrap();
    assert_eq!(loaded.digest, twin.digest());
    let ranges: Vec<_> = server.seen().iter().filter_map(|r| r.range).collect();
    assert_eq!(ranges, [100_000]);
    assert!(partials(&store).is_empty());
}

#[test]
fn a_registry_that_died_is_continued_by_the_next_command() {
    let (_dir, store) = store();
    let image = big_image();
    let twin = image.clone();
    let dying = RudeServer::start(move |request, _| {
        let reply = good(&image, request);
        match request.range {
            None if is_layer(&image, request) => reply.cut(50_000),
            Some(_) => reply.cut(0),
            None => reply,
        }
    });
    let error = failure(&store, &dying);
    assert!(matches!(error, RegistryError::Broken { .. }), "{error}");
    assert_eq!(partials(&store).len(), 1);
    let image = twin.clone();
    let server = RudeServer::start(move |request, _| good(&image, request));
    pull(&store, &server).unwrap();
    assert!(server.seen().iter().any(|r| r.range == Some(50_000)));
    assert!(partials(&store).is_empty());
}

#[test]
fn a_registry_without_ranges_is_read_from_the_start_again() {
    let (_dir, store) = store();
    let image = big_image();
    let server = RudeServer::start(move |request, before| {
        let plain = Request {
            range: None,
            ..request.clone()
        };
        let reply = good(&image, &plain);
        if is_layer(&image, request) && before == 0 {
            return reply.cut(50_000);
        }
        reply
    });
    pull(&store, &server).unwrap();
}

#[test]
fn a_wrong_partial_is_discarded() {
    let (_dir, store) = store();
    let image = big_image();
    let name = digest(&image.blobs[0]).replace(':', "-");
    let partial = store.path("partial", &name);
    std::fs::create_dir_all(partial.parent().unwrap()).unwrap();
    std::fs::write(&partial, vec![7; 1000]).unwrap();
    let server = RudeServer::start(move |request, _| good(&image, request));
    pull(&store, &server).unwrap();
    let ranges: Vec<_> = server.seen().iter().map(|r| r.range).collect();
    assert!(ranges.contains(&Some(1000)));
}

#[test]
fn wrong_bytes_are_refused_and_not_kept() {
    let (_dir, store) = store();
    let image = big_image();
    let server = RudeServer::start(move |request, _| {
        let mut reply = good(&image, request);
        if is_layer(&image, request) {
            reply.body[5] ^= 1;
        }
        reply
    });
    let error = pull(&store, &server).unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
    assert!(partials(&store).is_empty());
    assert!(lupine_image::list(&store).unwrap().is_empty());
}

#[test]
fn a_manifest_that_is_not_the_one_asked_for_is_refused() {
    let (_dir, store) = store();
    let image = Arc::new(Made::hello("1"));
    let server = RudeServer::start(move |request, _| good(&image, request));
    let other = digest(b"other");
    let error = load(&store, &format!("{}/app@{other}", server.address)).unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
}

#[test]
fn a_blob_longer_than_promised_stops_early() {
    let (_dir, store) = store();
    let image = big_image();
    let server = RudeServer::start(move |request, _| {
        let mut reply = good(&image, request);
        if is_layer(&image, request) {
            reply.body.extend(vec![0; 10_000_000]);
        }
        reply
    });
    let error = pull(&store, &server).unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
}

#[test]
fn a_lost_blob_and_a_web_page_are_told() {
    let (_dir, store) = store();
    let image = big_image();
    let server = RudeServer::start(move |request, _| {
        if is_layer(&image, request) {
            return Reply::status(404, "");
        }
        good(&image, request)
    });
    let error = failure(&store, &server);
    assert!(
        matches!(error, RegistryError::BlobNotFound { .. }),
        "{error}"
    );
    let server = RudeServer::start(|_, _| Reply::ok(b"<html>".to_vec()));
    let error = pull(&store, &server).unwrap_err();
    assert!(matches!(error, ImageError::Malformed { .. }), "{error}");
}

#[test]
fn a_bearer_token_is_fetched_and_renewed() {
    let (_dir, store) = store();
    let image = Arc::new(Made::hello("1"));
    let server = RudeServer::start(move |request, before| {
        if request.path.starts_with("/token") {
            assert!(
                request.path.contains("scope=repository%3Aapp%3Apull"),
                "{}",
                request.path
            );
            return Reply::ok(format!(r#"{{"token":"t{before}"}}"#).into_bytes());
        }
        // The first token is good for the manifest only.
        let enough = match request.authorization.as_deref() {
            Some("Bearer t0") => request.path.contains("/manifests/"),
            Some("Bearer t1") => true,
            _ => false,
        };
        if enough {
            return good(&image, request);
        }
        Reply::status(401, "").header("www-authenticate", "BEARER-PLACE")
    });
    let address = server.address.clone();
    let gate = RudeServer::start(move |request, _| forward(&address, request));
    pull(&store, &gate).unwrap();
}

/// Passes a request on and fills in where the token server is.
fn forward(to: &str, request: &Request) -> Reply {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    let authorization = request.authorization.as_ref();
    let authorization = authorization.map_or(String::new(), |a| format!("authorization: {a}\r\n"));
    write!(
        stream,
        "GET {} HTTP/1.1\r\n{authorization}\r\n",
        request.path
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    let reply = Reply::status(status, &answer[end + 4..]);
    if status == 401 {
        let challenge = format!(
            "Bearer realm=\"http://{to}/token\",service=\"x\",scope=\"repository:app:pull\""
        );
        return reply.header("www-authenticate", challenge);
    }
    reply
}

#[test]
fn nobody_there() {
    let (_dir, store) = store();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = load(&store, &format!("{address}/app")).unwrap_err();
    assert!(error.to_string().contains("is not there"), "{error}");
    let error = load(&store, "registry.invalid/app").unwrap_err();
    assert!(
        error.to_string().contains("registry.invalid is not there"),
        "{error}"
    );
}

#[test]
fn a_connection_that_closes_without_an_answer_is_tried_again() {
    let (_dir, store) = store();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let error = load(&store, &format!("{address}/app")).unwrap_err();
    assert!(error.to_string().contains("died half-way"), "{error}");
}

#[test]
fn a_full_disk_is_told_and_the_same_command_works_later() {
    let (dir, _store) = store();
    let image = big_image();
    let server = RudeServer::start(move |request, _| good(&image, request));
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=200k tmpfs {0} && \"$@\" && mount -o remount,size=9m {0} && LUPINE_TEST_ROOM=1 exec \"$@\"",
        disk.display()
    );
    in_child(
        &[
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-ec",
            &script,
            "sh",
        ],
        "rude_registry::on_a_small_disk",
        &[
            ("LUPINE_TEST_DISK", disk.to_str().unwrap()),
            ("LUPINE_TEST_IMAGE", &format!("{}/app", server.address)),
        ],
    );
}

/// The other half of the test above.
#[test]
fn on_a_small_disk() {
    if !is_child() {
        return;
    }
    let store = Store::open(std::env::var("LUPINE_TEST_DISK").unwrap()).unwrap();
    let result = load(&store, &std::env::var("LUPINE_TEST_IMAGE").unwrap());
    if std::env::var_os("LUPINE_TEST_ROOM").is_some() {
        result.unwrap();
        return;
    }
    let error = miette::Report::new(result.unwrap_err());
    let help = error
        .help()
        .map(|help| help.to_string())
        .unwrap_or_default();
    assert!(help.contains("the disk is full"), "{error}: {help}");
}
