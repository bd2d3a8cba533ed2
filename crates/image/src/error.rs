//! Everything that can go wrong between a reference and a tree.

use lupine_store::StoreError;
use lupine_tool::ToolError;

/// Why an image could not be loaded or flattened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ImageError {
    /// The reference could not be understood.
    #[error("{reference:?} names no image: {why}")]
    #[diagnostic(help(
        "write NAME[:TAG], docker://NAME[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], dir:DIR or deb:PACKAGE[,PACKAGE]"
    ))]
    BadReference {
        /// What was given.
        reference: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing may be pulled, and the image is not in the store.
    #[error("{reference} is not in the store and pulling is off")]
    #[diagnostic(help("pull it first: lupine pull {reference}"))]
    NotPulled {
        /// The image.
        reference: String,
    },
    /// A layout or an archive does not hold that tag.
    #[error("{place} {}; it has: {}", no_tag(tag), list_or_none(present))]
    #[diagnostic(help("write one of these after a colon behind the path"))]
    NoSuchTag {
        /// The directory or file.
        place: String,
        /// The tag that was asked for; `None` when there are several images and none was named.
        tag: Option<String>,
        /// What is there.
        present: Vec<String>,
    },
    /// The image does not exist for this machine.
    #[error(
        "{reference} has no linux/amd64 image; it has: {}",
        list_or_none(present)
    )]
    #[diagnostic(help("choose another tag or image that has linux/amd64"))]
    NoPlatform {
        /// The image.
        reference: String,
        /// The platforms that it has, as `os/architecture[/variant]`.
        present: Vec<String>,
    },
    /// A manifest, index or configuration could not be understood.
    #[error("{what} of {place} is malformed: {why}")]
    #[diagnostic(help(
        "the image was made wrongly, or is no container image; make or push it again"
    ))]
    Malformed {
        /// Which document.
        what: &'static str,
        /// Of which image or file.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// Bytes that do not have the digest they go by.
    #[error("{what} has digest {actual}, not {expected}")]
    #[diagnostic(help(
        "nothing was kept of it; the image or the way to it is damaged: try again, or push the image again"
    ))]
    WrongDigest {
        /// Which thing, with its place.
        what: String,
        /// The digest that was promised.
        expected: String,
        /// The digest of what came.
        actual: String,
    },
    /// A layer that cannot be unpacked.
    #[error("layer {layer} is corrupt: {why}")]
    #[diagnostic(help("push or save the image again; its layer cannot be unpacked by anyone"))]
    CorruptLayer {
        /// Digest of the layer.
        layer: String,
        /// What is wrong.
        why: String,
    },
    /// A layer entry that points out of its root.
    #[error("layer {layer} is refused: {path} {why}")]
    #[diagnostic(help(
        "the layer tries to write outside its root file system; do not trust this image"
    ))]
    Escape {
        /// Digest of the layer.
        layer: String,
        /// The entry.
        path: String,
        /// How it would escape.
        why: &'static str,
    },
    /// More than the limits allow.
    #[error("{place} is refused: more than {limit} {what}")]
    #[diagnostic(help("if this image is to be trusted, raise the limit"))]
    TooMuch {
        /// Layer, image or file.
        place: String,
        /// What there is too much of, with its unit.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The packages could not be installed.
    #[error("cannot make a root file system with {packages}: {why}")]
    #[diagnostic(help("{}", debian_help(source)))]
    Debian {
        /// The packages, separated by commas.
        packages: String,
        /// What went wrong, in apt's words where it said so.
        why: String,
        /// All that mmdebstrap said.
        source: Box<ToolError>,
    },
    /// The registry or the way to it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Registry(#[from] Box<RegistryError>),
    /// A file of the store or of a local image.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// A host program.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tool(#[from] ToolError),
}

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RegistryError {
    /// Nobody answers there.
    #[error("registry {registry} is not there: {why}")]
    #[diagnostic(help("check the name, the port and the network; is the registry running?"))]
    NotThere {
        /// Host and port.
        registry: String,
        /// What the network said.
        why: String,
    },
    /// 401: no credentials, or wrong ones.
    #[error(
        "registry {registry} wants a login for {repository}{}",
        if *had_credentials { " and refused the stored one" } else { "; there is none stored" }
    )]
    #[diagnostic(help(
        "log in: docker login {registry} (or: skopeo login --authfile ~/.docker/config.json {registry}); on Docker Hub a misspelt name answers this too"
    ))]
    Unauthorized {
        /// Host and port.
        registry: String,
        /// The image's repository.
        repository: String,
        /// Whether credentials were sent.
        had_credentials: bool,
    },
    /// 403.
    #[error("registry {registry} denies access to {repository}{}", said(message))]
    #[diagnostic(help("ask for access to the repository, or log in as someone who has it"))]
    Denied {
        /// Host and port.
        registry: String,
        /// The image's repository.
        repository: String,
        /// What the registry said.
        message: String,
    },
    /// 404 for the manifest.
    #[error("registry {registry} has no {repository}:{selector}{}", said(message))]
    #[diagnostic(help(
        "check the name and the tag; skopeo list-tags docker://{registry}/{repository} shows the tags"
    ))]
    NotFound {
        /// Host and port.
        registry: String,
        /// The image's repository.
        repository: String,
        /// Tag or digest.
        selector: String,
        /// What the registry said.
        message: String,
    },
    /// 404 for a blob that the manifest names.
    #[error("registry {registry} lost blob {digest} of {repository}")]
    #[diagnostic(help("the image is incomplete in the registry; push it again"))]
    BlobNotFound {
        /// Host and port.
        registry: String,
        /// The image's repository.
        repository: String,
        /// The blob.
        digest: String,
    },
    /// 429, again and again.
    #[error(
        "registry {registry} limits the rate of pulls (429){}",
        wait(retry_after_s)
    )]
    #[diagnostic(help("wait, or log in to have a higher limit: docker login {registry}"))]
    RateLimited {
        /// Host and port.
        registry: String,
        /// How many seconds the registry wants us to wait.
        retry_after_s: Option<u64>,
    },
    /// 5xx, again and again.
    #[error(
        "registry {registry} failed with status {status} for {what}{}",
        said(message)
    )]
    #[diagnostic(help("the fault is the registry's; try again later. What arrived is kept"))]
    ServerFailed {
        /// Host and port.
        registry: String,
        /// HTTP status.
        status: u16,
        /// What was asked for.
        what: String,
        /// What the registry said.
        message: String,
    },
    /// The connection broke, again and again.
    #[error("registry {registry} died half-way through {what}: {why}")]
    #[diagnostic(help(
        "try again; the bytes that arrived are kept and the transfer goes on where it stopped"
    ))]
    Broken {
        /// Host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// What the network said.
        why: String,
    },
    /// Something that no registry should answer.
    #[error("registry {registry} answered {what} with {why}")]
    #[diagnostic(help("is this address a container registry?"))]
    Unexpected {
        /// Host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// What came.
        why: String,
    },
}

impl From<RegistryError> for ImageError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(Box::new(error))
    }
}

fn list_or_none(items: &[String]) -> String {
    if items.is_empty() {
        return "nothing".into();
    }
    items.join(", ")
}

fn no_tag(tag: &Option<String>) -> String {
    match tag {
        Some(tag) => format!("has no image {tag}"),
        None => "holds more than one image, or none, and no tag was given".into(),
    }
}

fn said(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    format!(": {message}")
}

fn wait(seconds: &Option<u64>) -> String {
    seconds.map_or(String::new(), |s| format!(" and asks to wait {s} s"))
}

fn debian_help(source: &ToolError) -> String {
    let text = source.to_string();
    if text.contains("Unable to locate package") || text.contains("has no installation candidate") {
        return "check the package's name: apt-cache search NAME".into();
    }
    if text.contains("unable to pick chroot mode") {
        return "without root, mmdebstrap needs user namespaces and newuidmap: apt-get install uidmap".into();
    }
    match source {
        ToolError::Missing { program } => format!("install it: apt-get install {program}"),
        _ => "check that apt-get update works on this host; without root, mmdebstrap also needs a range for you in /etc/subuid".into(),
    }
}
