//! From requests to a `.config`, by the kernel's own Kconfig.

use std::fs;
use std::path::PathBuf;

use lupine_kconfig::{Allowed, DotConfig, Merged, Symbols, check};
use lupine_store::{At, Store};

use crate::build::Inputs;
use crate::identity::{Key, REQUESTS};
use crate::make::{self, Make};
use crate::source::SourceTree;
use crate::{Data, KernelError, Options, symbols, workspace};

/// File of `kernel/` that lists requests which may be dropped.
const ALLOWED: &str = "config/allowed.config";

/// What a kernel shall be.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// What is asked for, and nothing else; all of it has to survive.
    Requests(&'a Merged),
    /// A whole `.config`, perhaps another version's: what it leaves open takes Kconfig's defaults.
    Config(&'a str),
}

impl Wanted<'_> {
    /// As Kconfig reads it.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Requests(merged) => merged.to_config(),
            Self::Config(text) => text.into(),
        }
    }

    /// For keys: the two mean different things by the same text.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Requests(_) => "request",
            Self::Config(_) => "config",
        }
    }
}

/// What the kernel's Kconfig made of the requests.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The options that are set.
    pub config: DotConfig,
    /// The `.config` as Kconfig wrote it.
    pub text: String,
    /// The source it was resolved against.
    pub source: SourceTree,
}

/// Resolves requests with the kernel's `allnoconfig` (what nobody asks for stays off
/// where Kconfig allows it) and checks that every request survived.
///
/// # Errors
/// No source, a dropped request ([`KernelError::Check`] names what it depends on), a
/// missing compiler, a Kconfig that fails.
pub fn resolve(
    store: &Store,
    merged: &Merged,
    options: &Options<'_>,
) -> Result<Resolved, KernelError> {
    let inputs = Inputs::find(store, options)?;
    resolve_with(store, Wanted::Requests(merged), options, &inputs)
}

pub(crate) fn resolve_with(
    store: &Store,
    wanted: Wanted<'_>,
    options: &Options<'_>,
    inputs: &Inputs,
) -> Result<Resolved, KernelError> {
    let source = inputs.source_tree(store, options)?;
    let key = Key::new("resolved")
        .field(wanted.kind(), wanted.text())
        .field("source", &source.key)
        .field("tools", inputs.toolchain.key())
        .finish();
    let text = match store.get(REQUESTS, &key) {
        Some(file) => fs::read_to_string(&file).at("read", &file)?,
        None => {
            let text = run_kconfig(store, wanted, options, inputs, &source)?;
            let dir = store.root().join(REQUESTS);
            fs::create_dir_all(&dir).at("make", &dir)?;
            lupine_store::write_atomically(&dir.join(&key), text.as_bytes())?;
            text
        }
    };
    let config = DotConfig::parse(&text)?;
    if let Wanted::Requests(merged) = wanted {
        verify(store, options.data, merged, &config, &source)?;
    }
    Ok(Resolved {
        config,
        text,
        source,
    })
}

/// Checks a resolved configuration. Kconfig's files are only read, which takes seconds,
/// when a request was dropped and the reason has to be told.
pub(crate) fn verify(
    store: &Store,
    data: &Data,
    merged: &Merged,
    config: &DotConfig,
    source: &SourceTree,
) -> Result<(), KernelError> {
    let allowed = allowed(data)?;
    if check(merged, config, None, &allowed).is_ok() {
        return Ok(());
    }
    // Without symbols the error still names the options.
    let symbols: Option<Symbols> = symbols::symbols(store, source).ok();
    check(merged, config, symbols.as_ref(), &allowed).map_err(|e| KernelError::Check(Box::new(e)))
}

/// The requests that may be dropped.
pub(crate) fn allowed(data: &Data) -> Result<Allowed, KernelError> {
    Ok(match data.text(ALLOWED) {
        Some(text) => Allowed::parse(ALLOWED, text)?,
        None => Allowed::default(),
    })
}

fn run_kconfig(
    store: &Store,
    wanted: Wanted<'_>,
    options: &Options<'_>,
    inputs: &Inputs,
    source: &SourceTree,
) -> Result<String, KernelError> {
    crate::toolchain::check()?;
    let progress = options.progress;
    let out = workspace::open(store, source, &inputs.toolchain, "conf", progress)?;
    progress.step("resolving the kernel's configuration");
    let make = Make::new(&out, 1, "conf");
    let (file, make) = match wanted {
        Wanted::Requests(_) => {
            let make = make.env("KCONFIG_ALLCONFIG", "asked.config");
            ("asked.config", make.arg("allnoconfig"))
        }
        Wanted::Config(_) => (".config", make.arg("olddefconfig")),
    };
    let asked = out.join(file);
    fs::write(&asked, wanted.text()).at("write", &asked)?;
    let log = make.log.clone();
    if !make.run(&mut |_| ())? {
        let kind = |errors: Vec<String>, log: PathBuf| KernelError::Kconfig {
            tail: errors.join("\n"),
            log,
        };
        let (error, sound) = make::failed(store, &log, "kconfig", kind);
        if sound {
            out.done()?;
        }
        return Err(error);
    }
    let config = out.join(".config");
    let text = fs::read_to_string(&config).at("read", &config)?;
    out.done()?;
    Ok(text)
}
