//! Debian's docker-registry, started on loopback for one test. `crates/lupine/tests` includes this file too.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use lupine_tool::{Running, Tool};

/// A running docker-registry; gone when dropped.
pub struct Registry {
    /// HOST:PORT.
    pub address: String,
    _process: Running,
    _dir: tempfile::TempDir,
}

impl Registry {
    /// With a login, nothing is given without it.
    pub fn start(login: Option<(&str, &str)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let auth = login.map_or(String::new(), |(user, password)| {
            let made = Tool::new("htpasswd").args(["-Bbn", user, password]).run();
            let file = dir.path().join("htpasswd");
            fs::write(&file, made.unwrap().stdout).unwrap();
            format!(
                "auth:\n  htpasswd:\n    realm: test\n    path: {}\n",
                file.display()
            )
        });
        let config = dir.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n{auth}",
            dir.path().join("data").display()
        );
        fs::write(&config, text).unwrap();
        let process = Tool::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .log_to(dir.path().join("log"))
            .spawn()
            .unwrap();
        let started = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "docker-registry does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            address,
            _process: process,
            _dir: dir,
        }
    }

    /// Pushes the image `tag` of an OCI layout.
    pub fn push(&self, layout: &Path, tag: &str, to: &str, creds: Option<&str>) {
        let mut tool = Tool::new("skopeo")
            .args([
                "--insecure-policy",
                "copy",
                "--all",
                "--dest-tls-verify=false",
            ])
            .timeout(Duration::from_secs(60));
        if let Some(creds) = creds {
            tool = tool.args(["--dest-creds", creds]);
        }
        let from = format!("oci:{}:{tag}", layout.display());
        let to = format!("docker://{}/{to}", self.address);
        tool.arg(from).arg(to).run().unwrap();
    }
}
