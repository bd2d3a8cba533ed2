//! A kernel that was built, with the lists of what is in it.

use std::fs;
use std::path::{Path, PathBuf};

use lupine_audit::{Kernel, Product};
use lupine_bundle::Manifest;
use lupine_kernel::KernelImage;
use lupine_store::At;
use miette::{Result, WrapErr, miette};

use crate::cli::SourceOptions;
use crate::commands::Context;
use crate::pipeline::{Pipeline, Purpose, is_config};

/// A kernel and what is compiled into it.
pub struct Built {
    /// Where it lies.
    pub name: String,
    /// What is compiled into it.
    pub kernel: Kernel,
    /// What it is called elsewhere.
    pub product: Product,
    /// The bundle that it is in, if it is in one.
    pub manifest: Option<Manifest>,
}

/// Where the lists of a kernel are.
struct Lists {
    symbols: Option<PathBuf>,
    files: Option<PathBuf>,
    /// The kernel in the cache.
    entry: PathBuf,
}

impl Built {
    /// The kernel of a bundle, in a directory of the cache, or of a configuration: one that is
    /// in the cache, or one that is built for this.
    ///
    /// # Errors
    /// When there is none, or it has no list of its symbols; those of the kernel stage.
    pub fn open(context: &Context<'_>, path: &Path, source: &SourceOptions) -> Result<Self> {
        if lupine_bundle::is_bundle(path) {
            return Self::of_bundle(context, path);
        }
        if is_config(path) {
            return Self::of_config(context, path, source);
        }
        // The name of a cache's directory is the kernel's key.
        let whole = path.canonicalize().unwrap_or_else(|_| path.into());
        match lupine_kernel::open(&whole) {
            Some(kernel) => Self::of_kernel(context, kernel),
            None => Err(miette!(
                help = "make a bundle: lupine build IMAGE -o DIR; lupine cache ls says where the cache is",
                "{} is neither a bundle nor a kernel's directory in the cache",
                path.display()
            )),
        }
    }

    fn of_config(context: &Context<'_>, path: &Path, source: &SourceOptions) -> Result<Self> {
        let store = context.store()?;
        let known = match path.is_file() {
            true => lupine_kernel::of_config(&store, &fs::read(path).at("read", path)?)?,
            false => None,
        };
        let kernel = match known {
            Some(kernel) => kernel,
            None => Pipeline::new(&store, context.reporter)?
                .baseline(path, source, false, Purpose::Inspect)
                .wrap_err_with(|| format!("no kernel can be built from {}", path.display()))?,
        };
        Self::of_kernel(context, kernel)
    }

    fn of_bundle(context: &Context<'_>, path: &Path) -> Result<Self> {
        let bundle = lupine_bundle::open(path)?;
        let part = &bundle.manifest.kernel;
        let place = |member: &Option<_>| member.as_ref().map(|m| bundle.path_of(m));
        let lists = Lists {
            symbols: place(&part.symbols),
            files: place(&part.files),
            entry: context.store()?.path("kernels", &part.key),
        };
        let product = Product {
            version: part.version.clone(),
            sha256: part.vmlinux.sha256.clone(),
        };
        let mut built = Self::read(context, path, product, &lists)?;
        built.manifest = Some(bundle.manifest);
        Ok(built)
    }

    /// A kernel of the cache.
    ///
    /// # Errors
    /// When it has no list of its symbols.
    pub fn of_kernel(context: &Context<'_>, kernel: KernelImage) -> Result<Self> {
        let product = Product {
            version: kernel.metadata.version,
            sha256: kernel.metadata.vmlinux.sha256,
        };
        let lists = Lists {
            symbols: kernel.symbols,
            files: kernel.files,
            entry: kernel.dir.clone(),
        };
        Self::read(context, &kernel.dir, product, &lists)
    }

    fn read(context: &Context<'_>, path: &Path, product: Product, lists: &Lists) -> Result<Self> {
        let again = format!(
            "build it again: rm -r {}, then lupine build IMAGE -o DIR with the same flags",
            lists.entry.display()
        );
        let name = path.display().to_string();
        let Some(symbols) = &lists.symbols else {
            return Err(miette!(
                help = again,
                "{name} was made by a lupine that kept no list of the kernel's symbols"
            ));
        };
        let read = |path: &PathBuf| fs::read_to_string(path).at("read", path);
        let symbols = read(symbols)?;
        let files = lists.files.as_ref().map(read).transpose()?;
        if files.is_none() {
            context.reporter.line(&format!(
                "{name} was made by a lupine that kept no list of compiled files; {again}"
            ));
        }
        Ok(Self {
            name,
            kernel: Kernel::parse(&product.version, &symbols, files.as_deref()),
            product,
            manifest: None,
        })
    }
}
