//! Guests with a card on a tap device, and without any.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use lupine_tool::Tool;

use crate::guest::{Lupine, eventually};

const LIST: [&str; 3] = ["sh", "-c", "ls /sys/class/net; echo end"];

#[test]
fn without_a_network_there_is_loopback_only() {
    let ran = Lupine::new().run(&["--rm", "--network", "none"], &LIST);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "lo\nend\n"),
        "{ran:?}"
    );
    let ran = Lupine::new().run(&["--rm"], &LIST);
    assert_eq!(ran.stdout, "eth0\nlo\nend\n", "{ran:?}");
}

const HTTPD: [&str; 6] = ["httpd", "-f", "-p", "8080", "-h", "/etc"];

/// Asks the guest's server for a file of its image.
fn get(address: &str) -> String {
    let mut text = String::new();
    eventually("the server answers", || {
        let Ok(mut stream) = TcpStream::connect((address, 8080)) else {
            return false;
        };
        stream.write_all(b"GET /passwd HTTP/1.0\r\n\r\n").unwrap();
        stream.read_to_string(&mut text).is_ok()
    });
    text
}

/// Root gets a device of its own, which goes with the guest; others are told what they need.
#[test]
fn a_tap_device_is_made_and_goes_with_its_guest() {
    let lupine = Lupine::new();
    let ran = lupine.run(&["--network", "tap", "--name", "tapped", "-d"], &HTTPD);
    if !nix::unistd::geteuid().is_root() {
        assert!(ran.stderr.contains("needs root"), "{ran:?}");
        return;
    }
    assert_eq!(ran.status, 0, "{ran:?}");
    let record = lupine.inspect("tapped");
    let device = Path::new("/sys/class/net").join(record["tap"].as_str().unwrap());
    assert!(device.exists(), "{record}");
    let text = get(record["address"].as_str().unwrap());
    assert!(text.contains("root:x:0:0"), "{text}");
    let ran = lupine.lupine(&["rm", "-f", "tapped"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(!device.exists(), "it is left behind");
}

/// A device that the administrator made is used as it is, and stays.
#[test]
fn a_given_tap_device_is_used_and_kept() {
    const DEVICE: &str = "luptest0";
    let ip = |words: &[&str]| Tool::new("ip").args(words.iter().copied()).run();
    let lupine = Lupine::new();
    let network = format!("tap={DEVICE},ip=172.29.255.2/30,gw=172.29.255.1");
    let flags = ["--network", &network, "--name", "given"];
    let ran = lupine.run(&flags, &HTTPD);
    assert_eq!(ran.status, 125, "there is no such device: {ran:?}");
    assert!(ran.stderr.contains(DEVICE), "{ran:?}");
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    ip(&["tuntap", "add", "dev", DEVICE, "mode", "tap"]).unwrap();
    ip(&["addr", "add", "172.29.255.1/30", "dev", DEVICE]).unwrap();
    ip(&["link", "set", "dev", DEVICE, "up"]).unwrap();
    let name = lupine.detach(&["--network", &network], &HTTPD);
    let text = get("172.29.255.2");
    lupine.lupine(&["rm", "-f", &name]);
    let removed = ip(&["link", "del", DEVICE]);
    assert!(text.contains("root:x:0:0"), "{text}");
    assert!(removed.is_ok(), "it is not ours to remove");
}
