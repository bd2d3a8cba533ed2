//! Which files are found, in made trees.

use lupine_scan::{Limits, MemberKind, Scan, Start, scan};

use super::memory::{Memory, compile, start};

/// A program without libraries that contains these texts.
fn program(texts: &[&str]) -> Vec<u8> {
    let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    let source = format!(
        "const char *const texts[] = {{ {} }}; void _start(void) {{ for (;;); }}",
        texts.join(", ")
    );
    compile(&source, &["-O1", "-static", "-nostdlib"])
}

/// A library that does nothing.
fn library() -> Vec<u8> {
    compile("int x;", &["-shared", "-nostdlib"])
}

fn paths(scan: &Scan) -> Vec<&str> {
    scan.closure
        .iter()
        .map(|member| member.path.as_str())
        .collect()
}

fn why(scan: &Scan, path: &str) -> String {
    let member = scan.closure.iter().find(|member| member.path == path);
    member
        .unwrap_or_else(|| panic!("{path} is not in {:?}", scan.closure))
        .why
        .to_string()
}

#[test]
fn a_script_leads_to_its_interpreter_and_to_programs() {
    let elf = program(&["x"]);
    let script = "#!/bin/sh\r\nset -e\r\n# not nginx\r\nif [ \"$1\" = redis-server ]; then\r\n  exec gosu redis \"$0\"\r\nfi\r\nmount -t proc none /proc/sys/fs\r\necho 1 > /dev/null\r\n";
    let files = [
        "/bin/sh",
        "/usr/bin/gosu",
        "/usr/bin/redis-server",
        "/usr/sbin/nginx",
        "/bin/echo",
    ];
    let files = files.iter().fold(Memory::default(), |files, path| {
        files.with(path, elf.clone())
    });
    let scan = files
        .with("/entry.sh", script)
        .scan("/entry.sh redis-server");
    assert_eq!(scan.closure[0].kind, MemberKind::Script);
    assert_eq!(why(&scan, "/bin/sh"), "interpreter of /entry.sh");
    assert_eq!(why(&scan, "/usr/bin/gosu"), "a word in /entry.sh");
    assert_eq!(
        why(&scan, "/usr/bin/redis-server"),
        "a word in the command line"
    );
    assert!(!paths(&scan).contains(&"/usr/sbin/nginx") && !paths(&scan).contains(&"/bin/echo"));
    for feature in [
        "binfmt:script",
        "fs:proc",
        "path:/proc/sys/fs",
        "path:/dev/null",
    ] {
        assert!(
            scan.features.contains_key(feature),
            "{feature}: {:?}",
            scan.features.keys()
        );
    }
}

#[test]
fn a_line_for_a_shell() {
    let elf = program(&["x"]);
    let files = Memory::default()
        .with("/bin/sh", elf.clone())
        .with("/usr/bin/serve", elf);
    let mut start = start("sh -c");
    start.argv.push("cd /srv && exec serve --port 80".into());
    let scan = scan(&files, &start);
    assert_eq!(paths(&scan), ["/bin/sh", "/usr/bin/serve"]);
}

#[test]
fn env_and_interpreters_of_interpreters() {
    let elf = program(&["x"]);
    let files = Memory::default()
        .with("/usr/bin/env", elf.clone())
        .with("/usr/bin/python3", elf);
    let files = files
        .with("/app.py", "#!/usr/bin/env -S python3 -u\nimport x\n")
        .with("/run", "#!/app.py\n");
    let scan = files.scan("/run");
    assert_eq!(
        paths(&scan),
        ["/run", "/app.py", "/usr/bin/env", "/usr/bin/python3"]
    );
    assert!(
        scan.warnings
            .iter()
            .any(|warning| warning.contains("python3 script")),
        "{:?}",
        scan.warnings
    );
}

#[test]
fn plugins_named_in_configuration_and_in_the_program() {
    let elf = program(&[
        "/etc/server.conf",
        "/usr/lib/server/modules",
        "libextra.so.2",
        "/usr/bin/tool",
    ]);
    let library = library();
    let files = Memory::default()
        .with("/usr/bin/server", elf.clone())
        .with("/usr/bin/tool", elf)
        .with(
            "/etc/server.conf",
            "include modules.d/*.conf;\n# load_module /usr/lib/no.so\n",
        )
        .with(
            "/etc/modules.d/a.conf",
            "load_module geo.so;\nLoadModule x /opt/mod_x.so\n",
        )
        .with("/usr/lib/server/modules/geo.so", library.clone())
        .with("/opt/mod_x.so", library.clone())
        .with("/usr/lib/no.so", library.clone())
        .with("/lib64/libextra.so.2", library);
    let scan = files.scan("server");
    for path in ["/usr/lib/server/modules/geo.so", "/opt/mod_x.so"] {
        let text = "named in the configuration /etc/modules.d/a.conf";
        assert_eq!(why(&scan, path), text);
    }
    assert_eq!(
        why(&scan, "/lib64/libextra.so.2"),
        "its name stands in /usr/bin/server"
    );
    assert_eq!(
        why(&scan, "/usr/bin/tool"),
        "its name stands in /usr/bin/server"
    );
    assert!(!paths(&scan).contains(&"/usr/lib/no.so"));
}

#[test]
fn name_services_and_extensions() {
    let python = compile(
        "struct passwd; struct passwd *getpwnam(const char *); int main(void) { return getpwnam(\"x\") != 0; }",
        &["-O1"],
    );
    let library = library();
    let files = Memory::default()
        .with("/usr/bin/python3.11", python)
        .with("/etc/nsswitch.conf", "passwd: files ldap\n")
        .with("/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
        .with("/etc/ld.so.conf.d/x.conf", "# x\n/opt/lib\n")
        .with("/opt/lib/libnss_ldap.so.2", library.clone())
        .with("/opt/lib/libc.so.6", library.clone())
        .with("/usr/lib/python3.11/lib-dynload/_ssl.so", library.clone())
        .with("/usr/lib/python3/dist-packages/yaml/_yaml.so", library);
    let scan = files.scan("python3.11");
    assert_eq!(
        why(&scan, "/opt/lib/libnss_ldap.so.2"),
        "a name service that /usr/bin/python3.11 may use"
    );
    assert_eq!(
        why(&scan, "/opt/lib/libc.so.6"),
        "needed by /usr/bin/python3.11"
    );
    for path in [
        "/usr/lib/python3.11/lib-dynload/_ssl.so",
        "/usr/lib/python3/dist-packages/yaml/_yaml.so",
    ] {
        assert_eq!(
            why(&scan, path),
            "an extension that /usr/bin/python3.11 may load"
        );
    }
}

#[test]
fn what_is_cut_off_is_said() {
    let elf = program(&["x"]);
    let files = Memory::default()
        .with("/bin/a", elf.clone())
        .with("/bin/b", elf.clone())
        .with("/bin/c", elf);
    let limits = Limits {
        files: 2,
        file_bytes: 600,
        ..Limits::default()
    };
    let start = Start {
        argv: ["a", "b", "c"].map(str::to_owned).to_vec(),
        limits,
        ..Start::default()
    };
    let scan = scan(&files, &start);
    assert_eq!(scan.closure.len(), 2);
    let text = scan.warnings.join("\n");
    assert!(
        text.contains("cut off at 2 files") && text.contains("only its first"),
        "{text}"
    );
    assert!(text.contains("a segment reaches beyond its end"), "{text}");
}
