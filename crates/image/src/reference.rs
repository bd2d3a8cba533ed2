//! What people type to name an image.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::ImageError;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// A registry: `docker://REF`, or the bare `REF`.
    Docker(DockerRef),
    /// An OCI image layout: `oci:DIR[:TAG]`.
    Oci {
        /// The directory with `index.json`.
        dir: PathBuf,
        /// Which image, where there are several.
        tag: Option<String>,
    },
    /// A tar file of an OCI image layout: `oci-archive:FILE[:TAG]`.
    OciArchive {
        /// The tar file, compressed or not.
        file: PathBuf,
        /// Which image, where there are several.
        tag: Option<String>,
    },
    /// What `docker save` writes: `docker-archive:FILE[:TAG]`.
    DockerArchive {
        /// The tar file, compressed or not.
        file: PathBuf,
        /// Which image, where there are several: `NAME:TAG` or only the tag.
        tag: Option<String>,
    },
    /// A directory as root file system: `dir:DIR`.
    Dir(PathBuf),
    /// A Debian root file system with these packages: `deb:PKG[,PKG...]`.
    Deb(Vec<String>),
}

/// An image in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerRef {
    /// Host and, where given, port: `docker.io`, `127.0.0.1:5000`, `[::1]:5000`.
    pub registry: String,
    /// Path within the registry: `library/redis`.
    pub repository: String,
    /// The tag; `latest` unless a tag or digest was given.
    pub tag: Option<String>,
    /// `sha256:HEX` of the manifest or index.
    pub digest: Option<String>,
}

/// Greatest length of repository and registry together, as registries have it.
const NAME_MAX: usize = 255;
/// Greatest length of a tag.
const TAG_MAX: usize = 128;

impl DockerRef {
    /// What the registry's manifest address ends in: the digest, else the tag.
    pub fn selector(&self) -> &str {
        let tag = self.tag.as_deref().unwrap_or("latest");
        self.digest.as_deref().unwrap_or(tag)
    }
}

impl fmt::Display for DockerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, path, tag) = match self {
            Self::Docker(reference) => return write!(f, "docker://{reference}"),
            Self::Deb(packages) => return write!(f, "deb:{}", packages.join(",")),
            Self::Dir(dir) => return write!(f, "dir:{}", dir.display()),
            Self::Oci { dir, tag } => ("oci", dir, tag),
            Self::OciArchive { file, tag } => ("oci-archive", file, tag),
            Self::DockerArchive { file, tag } => ("docker-archive", file, tag),
        };
        write!(f, "{scheme}:{}", path.display())?;
        tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))
    }
}

impl FromStr for ImageRef {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        parse(text).map_err(|why| ImageError::BadReference {
            reference: text.into(),
            why,
        })
    }
}

fn parse(text: &str) -> Result<ImageRef, String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.chars().any(char::is_control) {
        return Err("it contains a control character".into());
    }
    if let Some(rest) = text.strip_prefix("docker://") {
        return parse_docker(rest).map(ImageRef::Docker);
    }
    match text.split_once(':') {
        Some(("oci", rest)) => path_tag(rest).map(|(dir, tag)| ImageRef::Oci { dir, tag }),
        Some(("oci-archive", rest)) => {
            path_tag(rest).map(|(file, tag)| ImageRef::OciArchive { file, tag })
        }
        Some(("docker-archive", rest)) => {
            path_tag(rest).map(|(file, tag)| ImageRef::DockerArchive { file, tag })
        }
        Some(("dir", "")) => Err("the directory is missing".into()),
        Some(("dir", rest)) => Ok(ImageRef::Dir(rest.into())),
        Some(("deb", rest)) => parse_packages(rest).map(ImageRef::Deb),
        Some((scheme, rest)) if rest.starts_with("//") => {
            Err(format!("the scheme {scheme}:// is not known"))
        }
        _ => parse_docker(text).map(ImageRef::Docker),
    }
}

/// The path ends at the first colon, as skopeo has it.
fn path_tag(text: &str) -> Result<(PathBuf, Option<String>), String> {
    let (path, tag) = match text.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (text, None),
    };
    match (path, tag) {
        ("", _) => Err("the path is missing".into()),
        (_, Some("")) => Err("the tag after the colon is missing".into()),
        (path, tag) => Ok((path.into(), tag.map(Into::into))),
    }
}

fn parse_packages(text: &str) -> Result<Vec<String>, String> {
    let packages: Vec<String> = text.split(',').map(|name| name.trim().into()).collect();
    match packages.iter().find(|name| !is_package(name)) {
        Some(name) if name.is_empty() => Err("a package name is missing".into()),
        Some(name) => Err(format!("{name} is no name of a Debian package")),
        None => Ok(packages),
    }
}

/// Debian policy 5.6.7, and nothing that apt or mmdebstrap would take as an option or pattern.
fn is_package(name: &str) -> bool {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(first)
        && name.len() >= 2
        && name.chars().all(|c| first(c) || "+-.".contains(c))
        && !name.ends_with(['+', '-'])
        || matches!(name, "g++" | "c++")
}

fn parse_docker(text: &str) -> Result<DockerRef, String> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
        None => (text, None),
    };
    let (rest, tag) = split_tag(rest)?;
    let (registry, repository) = split_registry(rest);
    check_repository(&repository)?;
    if registry.len() + repository.len() > NAME_MAX {
        return Err(format!("the name is longer than {NAME_MAX} characters"));
    }
    let tag = match (tag, &digest) {
        (None, None) => Some("latest".into()),
        (tag, _) => tag,
    };
    Ok(DockerRef {
        registry,
        repository,
        tag,
        digest,
    })
}

fn parse_digest(text: &str) -> Result<String, String> {
    let hex = text
        .strip_prefix("sha256:")
        .ok_or("the digest does not start with sha256:")?;
    let ok = hex.len() == 64
        && hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if ok {
        Ok(text.into())
    } else {
        Err("the digest is not 64 lower case hexadecimal digits".into())
    }
}

/// A colon after the last slash starts the tag; before it, it starts a port.
fn split_tag(text: &str) -> Result<(&str, Option<String>), String> {
    let name_start = text.rfind('/').map_or(0, |at| at + 1);
    let Some(colon) = text[name_start..].find(':').map(|at| at + name_start) else {
        return Ok((text, None));
    };
    let tag = &text[colon + 1..];
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if tag.is_empty() {
        return Err("the tag after the colon is missing".into());
    }
    let ok = tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-');
    if !ok || tag.len() > TAG_MAX {
        return Err(format!("{tag} is no valid tag"));
    }
    Ok((&text[..colon], Some(tag.into())))
}

/// The first component is a registry when it could be a host: it has a dot, a port, or is localhost.
fn split_registry(text: &str) -> (String, String) {
    let (registry, repository) = match text.split_once('/') {
        Some((host, rest))
            if host.contains(['.', ':']) || host == "localhost" || host.starts_with('[') =>
        {
            (host, rest)
        }
        _ => ("docker.io", text),
    };
    let registry = match registry {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        other => other,
    };
    let library = registry == "docker.io" && !repository.contains('/') && !repository.is_empty();
    let repository = if library {
        format!("library/{repository}")
    } else {
        repository.into()
    };
    (registry.into(), repository)
}

fn check_repository(repository: &str) -> Result<(), String> {
    if repository.is_empty() {
        return Err("the name of the image is missing".into());
    }
    if repository.chars().any(|c| c.is_ascii_uppercase()) {
        return Err("the name of an image is lower case".into());
    }
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = |part: &str| {
        part.starts_with(end)
            && part.ends_with(end)
            && part.chars().all(|c| end(c) || "._-".contains(c))
    };
    match repository.split('/').find(|part| !good(part)) {
        Some("") => Err("the name has an empty component".into()),
        Some(part) => Err(format!("{part} is no valid component of a name")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn docker(text: &str) -> String {
        text.parse::<ImageRef>().unwrap().to_string()
    }

    #[test]
    fn a_bare_name_is_an_image_of_docker_io() {
        assert_eq!(docker("redis"), "docker://docker.io/library/redis:latest");
        assert_eq!(
            docker("docker://bitnami/redis:7"),
            "docker://docker.io/bitnami/redis:7"
        );
        assert_eq!(
            docker("localhost:5000/a"),
            "docker://localhost:5000/a:latest"
        );
        assert_eq!(docker("[::1]:5000/a:b"), "docker://[::1]:5000/a:b");
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(
            docker(&format!("r.example/a/b@{digest}")),
            format!("docker://r.example/a/b@{digest}")
        );
    }

    #[test]
    fn paths_and_packages() {
        assert_eq!(
            "oci:/a/b:7".parse::<ImageRef>().unwrap(),
            ImageRef::Oci {
                dir: "/a/b".into(),
                tag: Some("7".into())
            }
        );
        assert_eq!(
            "docker-archive:x.tar:redis:7".parse::<ImageRef>().unwrap(),
            ImageRef::DockerArchive {
                file: "x.tar".into(),
                tag: Some("redis:7".into())
            }
        );
        assert_eq!(
            "deb:redis-server,libc6".parse::<ImageRef>().unwrap(),
            ImageRef::Deb(vec!["redis-server".into(), "libc6".into()])
        );
    }

    #[test]
    fn malformed_references_say_why() {
        for (text, why) in [
            ("", "empty"),
            ("Redis", "lower case"),
            ("redis:", "tag"),
            ("redis:a b", "a b"),
            ("redis@sha256:12", "64"),
            ("redis@md5:12", "sha256"),
            ("a//b", "empty component"),
            ("oci:", "path"),
            ("oci:a:", "tag"),
            ("dir:", "directory"),
            ("deb:", "package"),
            ("deb:a,,b", "no name of a Debian package"),
            ("deb:--setup-hook=x", "--setup-hook"),
            ("deb:redis-", "redis-"),
            ("ftp://x/y", "ftp"),
            ("docker://", "name"),
            ("re\ndis", "control"),
        ] {
            let error = text.parse::<ImageRef>().unwrap_err().to_string();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_display_parses_back(text in "\\PC{0,40}") {
            if let Ok(reference) = text.parse::<ImageRef>() {
                prop_assert_eq!(reference.to_string().parse::<ImageRef>().unwrap(), reference);
            }
        }

        #[test]
        fn docker_names_parse_back(text in "([a-z0-9.]{1,5}(:[0-9]{1,3})?/)?[a-z0-9]{1,4}(/[a-z0-9_-]{1,4})?(:[A-Za-z0-9_]{1,5})?") {
            if let Ok(reference) = text.parse::<ImageRef>() {
                prop_assert_eq!(reference.to_string().parse::<ImageRef>().unwrap(), reference);
            }
        }
    }
}
