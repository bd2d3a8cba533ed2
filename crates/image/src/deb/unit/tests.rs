use proptest::prelude::*;

use super::*;

fn server_of(text: &str) -> Server {
    Unit::parse(text).server().unwrap()
}

fn script(text: &str) -> String {
    server_of(text).cmd[2].clone()
}

#[test]
fn a_unit_is_started_as_systemd_would() {
    let server = server_of(
        "[Unit]\nExecStart=/no\n[Service]\nType=notify\nUser=ircd\nGroup=irc\nKillSignal=SIGINT\n\
         WorkingDirectory=-/var/lib/x\nEnvironment=\"A=b c\" D=e\nEnvironmentFile=-/etc/default/x\n\
         ExecStartPre=-/bin/check --all\nExecStart=@/usr/sbin/x x \\\n  --dir %t/x $OPTIONS (a) 'b;c'\n",
    );
    assert_eq!(
        (server.user.as_str(), server.workdir.as_str()),
        ("ircd:irc", "/var/lib/x")
    );
    assert_eq!(server.env, ["A=b c", "D=e"]);
    assert_eq!(server.stop_signal.as_deref(), Some("SIGINT"));
    let lines: Vec<&str> = server.cmd[2].lines().collect();
    assert_eq!(
        lines[0],
        "set -a; [ ! -r /etc/default/x ] || . /etc/default/x; set +a"
    );
    assert_eq!(lines[1], "/bin/check --all || :");
    assert!(lines[2].starts_with("exec /usr/sbin/x "), "{}", lines[2]);
    assert!(
        lines[2].ends_with("--dir /run/x $OPTIONS \\(a\\) 'b;c'"),
        "{}",
        lines[2]
    );
}

#[test]
fn one_that_goes_into_the_background_is_waited_for() {
    let text = script("[Service]\nType=forking\nPIDFile=%t/x.pid\nExecStart=/usr/sbin/x\n");
    assert!(text.starts_with("trap 'kill -TERM $(cat /run/x.pid)' TERM\n/usr/sbin/x || exit\n"));
    assert!(text.contains("--pid=\"$(cat /run/x.pid)\""), "{text}");
}

#[test]
fn what_needs_root_before_the_server_gets_it() {
    let server =
        server_of("[Service]\nUser=u\nExecStartPre=+/bin/mkdir /run/u\nExecStart=/usr/sbin/x\n");
    assert_eq!(server.user, "");
    let last = server.cmd[2].lines().last().unwrap();
    assert_eq!(
        last,
        "exec setpriv --reuid=u --regid=u --init-groups /usr/sbin/x"
    );
}

#[test]
fn what_does_not_stay_is_no_server() {
    assert!(
        Unit::parse("[Service]\nType=oneshot\nExecStart=/x\n")
            .server()
            .is_none()
    );
    assert!(
        Unit::parse("[Service]\nExecStart=/x\nExecStart=\n")
            .server()
            .is_none()
    );
}

/// A tree with these files.
fn tree(files: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut builder = tar::Builder::new(file.reopen().unwrap());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, text.as_bytes())
            .unwrap();
    }
    builder.finish().unwrap();
    file
}

#[test]
fn a_package_is_found_by_its_name_its_files_or_its_program() {
    let unit = |program: &str| format!("[Service]\nExecStart={program}\n");
    let (a, b, c) = (unit("/a"), unit("/b"), unit("/c"));
    let tree = tree(&[
        ("./usr/lib/systemd/system/named.service", &a),
        ("./usr/lib/systemd/system/other.service", &b),
        ("./usr/lib/systemd/system/gear.service", &c),
        ("./usr/lib/systemd/system/x@.service", &b),
        (
            "./var/lib/dpkg/info/bind9.list",
            "/lib/systemd/system/named.service\n",
        ),
        ("./usr/sbin/plain", ""),
        ("./usr/sbin/old", ""),
        ("./etc/init.d/old", ""),
        ("./etc/init.d/keeper", ""),
        ("./var/lib/dpkg/info/zoo-data.list", "/etc/init.d/keeper\n"),
    ]);
    let start = |package: &str| server(tree.path(), &[package.to_owned()]).unwrap().cmd;
    assert_eq!(start("bind9")[2], "exec /a");
    assert_eq!(start("gear-server")[2], "exec /c");
    assert_eq!(start("gear-imap-sqlite")[2], "exec /c");
    assert!(start("plain-extras").is_empty());
    assert_eq!(start("plain"), ["/usr/sbin/plain"]);
    assert!(start("old")[2].contains("/etc/init.d/old start || exit\n"));
    assert!(start("zoo-data")[2].contains("/etc/init.d/keeper start || exit\n"));
    assert!(start("nothing").is_empty());
}

proptest! {
    #[test]
    fn any_text_is_some_unit(text: String) {
        let _ = Unit::parse(&text).server();
        let _ = Unit::parse(&format!("[Service]\nExecStart={text}")).server();
    }
}

/// A server that goes into the background, writes its number and, when it is asked to end, that it was.
const DAEMON: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit\n\
    case $1 in\n\
    stop) kill \"$(cat pid)\";;\n\
    status) kill -0 \"$(cat pid)\";;\n\
    *) (trap 'echo asked > end; exit' TERM; while sleep 0.05; do :; done) & echo $! > pid;;\n\
    esac\n";

/// Runs a script about [`DAEMON`], asks it to end, and gives what the daemon wrote.
fn ended(script: impl Fn(&str, &str) -> String) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let daemon = file("daemon");
    std::fs::write(&daemon, DAEMON).unwrap();
    let text = script(&format!("sh {daemon}"), &file("pid"));
    let running = lupine_tool::Tool::new("sh")
        .args(["-c", &text])
        .spawn()
        .unwrap();
    while !dir.path().join("pid").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let kill = lupine_tool::Tool::new("kill").arg(running.pid().to_string());
    kill.run().unwrap();
    let _ = running.wait();
    std::fs::read_to_string(file("end")).unwrap_or_default()
}

#[test]
fn who_is_asked_to_end_asks_the_server_in_the_background() {
    let by_pid = |start: &str, pid: &str| background::of_pid_file(start, pid, "TERM");
    assert_eq!(ended(by_pid), "asked\n");
    let by_script = |start: &str, _: &str| background::of_init_script(start);
    assert_eq!(ended(by_script), "asked\n");
}

#[test]
fn of_several_units_the_one_that_waits_for_the_others_is_started() {
    let unit = |name: &str, text: &str| {
        let unit = Unit::parse(&format!("{text}[Service]\nExecStart=/usr/sbin/{name}\n"));
        (name.to_owned(), unit)
    };
    let place = |name: &str| format!("/lib/systemd/system/{name}.service");
    let installed = Installed {
        units: BTreeMap::from([
            unit("all-ad-dc", "[Unit]\nAfter=network.target\n"),
            unit("nmbd", "[Unit]\nAfter=network-online.target\n"),
            unit(
                "smbd",
                "[Unit]\nAfter=network.target nmbd.service winbind.service\n",
            ),
        ]),
        files: ["all-ad-dc", "nmbd", "smbd"].map(place).into(),
        ..Installed::default()
    };
    let server = installed.start("samba").unwrap();
    assert_eq!(server.cmd[2], "exec /usr/sbin/smbd");
}

#[test]
fn a_script_of_the_packages_name_comes_before_a_unit_of_another() {
    let helper = Unit::parse("[Service]\nExecStart=/etc/resolvconf/postfix\n");
    let nothing = Unit::parse("[Service]\nType=oneshot\nExecStart=/bin/true\n");
    let place = |name: &str| format!("/lib/systemd/system/{name}.service");
    let installed = Installed {
        units: BTreeMap::from([
            ("postfix".to_owned(), nothing),
            ("postfix-resolvconf".to_owned(), helper),
        ]),
        files: ["postfix", "postfix-resolvconf"].map(place).into(),
        scripts: ["postfix".to_owned()].into(),
        ..Installed::default()
    };
    let server = installed.start("postfix").unwrap();
    assert!(
        server.cmd[2].contains("/etc/init.d/postfix start"),
        "{server:?}"
    );
}
