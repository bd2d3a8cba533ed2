//! Builds `guest/init` for the guest and leaves it in OUT_DIR.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "embed")]
    embed::build();
}

#[cfg(feature = "embed")]
mod embed {
    use std::path::{Path, PathBuf};

    use lupine_tool::Tool;

    /// Variables of the outer cargo that must not reach the inner one: flags
    /// for the host, wrappers such as clippy's, another target directory.
    const FOREIGN: [&str; 10] = [
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MAKEFLAGS",
        "CARGO_TARGET_DIR",
        "MAKEFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
    ];

    pub(crate) fn build() {
        let out = PathBuf::from(variable("OUT_DIR"));
        let package = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../../guest/init");
        for part in ["src", "Cargo.toml", "Cargo.lock", "build.rs", "layout.ld"] {
            println!("cargo::rerun-if-changed={}", package.join(part).display());
        }
        println!("cargo::rerun-if-changed=src");
        let target = out.join("guest-init");
        let cargo = inner_cargo()
            .args([
                "build",
                "--release",
                "--locked",
                "--quiet",
                "--manifest-path",
            ])
            .arg(package.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target);
        let command = cargo.display();
        if let Err(error) = cargo.run() {
            panic!("cannot build PID 1 with: {command}\n{error}");
        }
        let built = target.join("release/lupine-guest-init");
        if let Err(error) = std::fs::copy(&built, out.join("lupine-guest-init")) {
            panic!("cannot copy {}: {error}", built.display());
        }
    }

    fn inner_cargo() -> Tool {
        let vars = std::env::vars_os()
            .filter(|(key, _)| !FOREIGN.iter().any(|foreign| key.as_os_str() == *foreign));
        let tool = Tool::new(variable("CARGO"))
            .env_clear()
            .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f"));
        vars.fold(tool, |tool, (key, value)| tool.env(key, value))
    }

    /// Panic messages name source files: keeps this machine's paths out of them.
    fn flags() -> [String; 2] {
        let cargo_home = std::env::var("CARGO_HOME")
            .or_else(|_| std::env::var("HOME").map(|home| home + "/.cargo"))
            .unwrap_or_default();
        let repository = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../..");
        let repository = repository.canonicalize().unwrap_or(repository);
        [
            format!("--remap-path-prefix={cargo_home}=/cargo"),
            format!("--remap-path-prefix={}=/lupine", repository.display()),
        ]
    }

    fn variable(name: &str) -> String {
        match std::env::var(name) {
            Ok(value) => value,
            Err(error) => panic!("cargo did not set {name}: {error}"),
        }
    }
}
