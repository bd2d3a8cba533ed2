//! A loaded image and what its configuration declares.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oci_spec::image::{Config, ImageConfiguration};

/// The label of images whose servers may listen on loopback only, as [`LOOPBACK`].
pub(crate) const LISTENS: &str = "lupine.listens";
/// What [`LISTENS`] says then.
pub(crate) const LOOPBACK: &str = "loopback";

/// An image whose manifest, configuration and layers are in the store.
#[derive(Debug, Clone)]
pub struct Image {
    /// The reference it was loaded by, in full.
    pub reference: String,
    /// Digest of the manifest, `sha256:HEX`.
    pub digest: String,
    /// The OCI image configuration.
    pub config: ImageConfiguration,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
}

/// One layer blob in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Digest of the blob as it is, `sha256:HEX`.
    pub digest: String,
    /// OCI or Docker media type.
    pub media_type: String,
    /// Length of the blob in bytes.
    pub bytes: u64,
    /// The blob.
    pub path: PathBuf,
}

/// Protocol of an exposed port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Image {
    fn section(&self) -> Option<&Config> {
        self.config.config().as_ref()
    }

    fn list(&self, pick: impl Fn(&Config) -> &Option<Vec<String>>) -> Vec<String> {
        let list = self.section().and_then(|config| pick(config).clone());
        list.unwrap_or_default()
    }

    fn text(&self, pick: impl Fn(&Config) -> &Option<String>) -> String {
        let text = self.section().and_then(|config| pick(config).clone());
        text.unwrap_or_default()
    }

    /// The declared entrypoint, empty where there is none.
    pub fn entrypoint(&self) -> Vec<String> {
        self.list(Config::entrypoint)
    }

    /// The declared default arguments (or, without an entrypoint, command).
    pub fn cmd(&self) -> Vec<String> {
        self.list(Config::cmd)
    }

    /// `KEY=VALUE` entries.
    pub fn env(&self) -> Vec<String> {
        self.list(Config::env)
    }

    /// `user[:group]`; empty means root.
    pub fn user(&self) -> String {
        self.text(Config::user)
    }

    /// Working directory; empty means `/`.
    pub fn workdir(&self) -> String {
        self.text(Config::working_dir)
    }

    /// Ports that the image says it serves, sorted; entries that are no port are left out.
    pub fn exposed_ports(&self) -> Vec<(u16, Proto)> {
        let declared = self.list(Config::exposed_ports);
        let mut ports: Vec<_> = declared.iter().filter_map(|text| port(text)).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Directories that the image declares as volumes, sorted.
    pub fn volumes(&self) -> Vec<String> {
        let mut volumes = self.list(Config::volumes);
        volumes.sort_unstable();
        volumes
    }

    /// The signal that ends the application, for example `SIGQUIT`, where declared.
    pub fn stop_signal(&self) -> Option<String> {
        self.section()
            .and_then(|config| config.stop_signal().clone())
    }

    /// Labels by key.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.section().and_then(|config| config.labels().clone());
        labels.unwrap_or_default().into_iter().collect()
    }

    /// Whether its servers may listen on loopback only, as Debian packages many, and are to be
    /// reached there: the label `lupine.listens=loopback`.
    pub fn listens_on_loopback(&self) -> bool {
        self.labels().get(LISTENS).is_some_and(|on| on == LOOPBACK)
    }
}

fn port(text: &str) -> Option<(u16, Proto)> {
    let (number, proto) = text.split_once('/').unwrap_or((text, "tcp"));
    let proto = match proto.to_ascii_lowercase().as_str() {
        "tcp" => Proto::Tcp,
        "udp" => Proto::Udp,
        _ => return None,
    };
    Some((number.parse().ok()?, proto))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_configuration_declares() {
        let json = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},
            "config":{"ExposedPorts":{"53/udp":{},"80":{},"x/tcp":{}},"Cmd":["a"],"Volumes":{"/data":{}},
            "StopSignal":"SIGQUIT","User":"7:8","Labels":{"k":"v"}}}"#;
        let image = Image {
            reference: "dir:x".into(),
            digest: String::new(),
            config: serde_json::from_str(json).unwrap(),
            layers: Vec::new(),
        };
        assert_eq!(image.exposed_ports(), [(53, Proto::Udp), (80, Proto::Tcp)]);
        assert_eq!(image.cmd(), ["a"]);
        assert!(image.entrypoint().is_empty());
        assert_eq!(image.volumes(), ["/data"]);
        assert_eq!(image.stop_signal().as_deref(), Some("SIGQUIT"));
        assert_eq!(image.user(), "7:8");
        assert_eq!(image.labels()["k"], "v");
    }
}
