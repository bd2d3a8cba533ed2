use super::*;
use std::net::Ipv4Addr;

#[test]
fn sizes_are_dockers() {
    assert_eq!(memory("512m"), Ok(512));
    assert_eq!(memory("1G"), Ok(1024));
    assert_eq!(memory("1GiB"), Ok(1024));
    assert_eq!(memory("4m"), Ok(4));
    assert_eq!(memory("1048577"), Ok(2));
    assert!(memory("512").unwrap_err().contains("did you mean 512m"));
    assert!(memory("lots").unwrap_err().contains("512m"));
    assert!(memory("99999999999g").is_err());
    assert_eq!(room("0"), Ok(0));
}

#[test]
fn ports_are_dockers() {
    let one = |text| publish(text).unwrap();
    let local = Ipv4Addr::LOCALHOST;
    let expect = |ip, host_port, guest_port, udp| Publish {
        ip,
        host_port,
        guest_port,
        udp,
    };
    assert_eq!(one("8080:80"), expect(local, 8080, 80, false));
    assert_eq!(one("80"), expect(local, 0, 80, false));
    assert_eq!(one("0:80"), expect(local, 0, 80, false));
    assert_eq!(one(":80"), expect(local, 0, 80, false));
    assert_eq!(
        one("127.0.0.2::80"),
        expect(Ipv4Addr::new(127, 0, 0, 2), 0, 80, false)
    );
    assert_eq!(
        one("0.0.0.0:53:53/udp"),
        expect(Ipv4Addr::UNSPECIFIED, 53, 53, true)
    );
    for bad in [
        "",
        "x:80",
        "80:x",
        "1:2:3:4",
        "80:0",
        "80:80/sctp",
        "70000:80",
        "[::1]:80:80",
        "80-90:80-90",
    ] {
        assert!(publish(bad).is_err(), "{bad}");
    }
}

#[test]
fn volumes_are_dockers_without_names() {
    let volume = |text: &str| super::volume(text);
    assert_eq!(
        volume("./a:/b:ro"),
        Ok(Volume {
            source: "./a".into(),
            target: "/b".into(),
            read_only: true
        })
    );
    assert!(!volume("/a:/b").unwrap().read_only);
    assert!(volume("data:/b").unwrap_err().contains("./data:/b"));
    assert!(volume("/a").is_err());
    assert!(volume("/a:b").is_err());
    assert!(volume("/a:/b:rx").is_err());
}

#[test]
fn environment_may_lack_a_value() {
    assert_eq!(env_var("A").unwrap().value, None);
    assert_eq!(env_var("A=").unwrap().value.as_deref(), Some(""));
    assert_eq!(env_var("A=b=c").unwrap().value.as_deref(), Some("b=c"));
    assert!(env_var("=x").is_err());
}

#[test]
fn signals_have_names_and_numbers() {
    for text in ["15", "TERM", "SIGTERM", "sigterm"] {
        assert_eq!(text.parse::<SignalNumber>().unwrap(), SignalNumber::TERM);
    }
    assert!("0".parse::<SignalNumber>().is_err());
    assert!("NOPE".parse::<SignalNumber>().is_err());
    assert_eq!(SignalNumber::TERM.to_string(), "SIGTERM");
}

#[test]
fn networks_are_named() {
    assert_eq!(network("user"), Ok(Network::User));
    assert_eq!(network("tap"), Ok(Network::Tap(None)));
    let Ok(Network::Tap(Some(tap))) = network("tap=tap7,ip=192.0.2.2/24,gw=192.0.2.1") else {
        panic!("not a tap");
    };
    assert_eq!(tap.device, "tap7");
    assert_eq!(tap.address, Some((Ipv4Addr::new(192, 0, 2, 2), 24)));
    for bad in ["bridge", "tap=", "tap=a,b", "tap=a,ip=1.2.3.4", "tap=../x"] {
        assert!(network(bad).is_err(), "{bad}");
    }
}

#[test]
fn kernel_options_are_checked() {
    assert_eq!(
        kernel_option("SMP=y"),
        Ok(("CONFIG_SMP".into(), "y".into()))
    );
    assert!(kernel_option("CONFIG_SMP=m").unwrap_err().contains("=y"));
    for bad in ["CONFIG_SMP", "=y", "CONFIG_=y", "CONFIG_A B=y", "CONFIG_A="] {
        assert!(kernel_option(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_rest_says_what_is_right() {
    assert!(guest_name("../x").is_err());
    assert!(guest_name("redis-1").is_ok());
    assert!(platform("linux/arm64").unwrap_err().contains("linux/amd64"));
    assert!(cpus("1.5").is_err());
    assert_eq!(cpus("2"), Ok(2));
    assert!(workdir("x").is_err());
    assert!(file_system("btrfs").unwrap_err().contains("erofs"));
    assert_eq!(tail("all"), Ok(Tail::All));
    assert_eq!(
        ulimit("nofile=1:-1"),
        Ok(Ulimit {
            resource: 7,
            soft: 1,
            hard: u64::MAX
        })
    );
    assert!(ulimit("nofile=2:1").is_err());
    assert!(ulimit("files=1").unwrap_err().contains("nofile"));
}
