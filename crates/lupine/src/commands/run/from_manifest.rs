//! `run -f`: what a manifest says, where no flag says otherwise.

use std::path::Path;

use miette::{Result, WrapErr, miette};

use crate::cli::RunOptions;
use crate::cli::values;
use crate::manifest::{ImagePart, Manifest};

/// Puts what the manifest in `file` says into `options`. Words after the flags are a command
/// for its image.
///
/// # Errors
/// A manifest that cannot be read; a port in it that is none.
pub fn apply(file: &Path, options: &mut RunOptions) -> Result<()> {
    let manifest = Manifest::read(file)?;
    let image = &manifest.image;
    options.image_and_command = words(file, image, &options.image_and_command)?;
    let app = &mut options.app;
    for entry in image.env.iter().rev() {
        let entry = values::env_var(entry).map_err(|why| wrong(file, "env", &why))?;
        // Before the flags' own, so that those win.
        app.env.insert(0, entry);
    }
    app.workdir = app.workdir.take().or_else(|| image.workdir.clone());
    app.user = app.user.take().or_else(|| image.user.clone());
    app.memory = app.memory.or(manifest.machine.mem_mib);
    if options.publish.is_empty() {
        let ports = manifest.machine.publish.iter().map(|p| values::publish(p));
        let ports: Result<_, _> = ports.collect();
        options.publish = ports.map_err(|why| wrong(file, "publish", &why))?;
    }
    let build = &mut options.build;
    build.entrypoint = build.entrypoint.take().or_else(|| image.entrypoint.clone());
    build.kernel.kml = build.kernel.kml.or(manifest.machine.kml);
    build.manifest = Some(manifest);
    Ok(())
}

/// The image and its command. A manifest without an image is told one as the first word.
fn words(file: &Path, image: &ImagePart, given: &[String]) -> Result<Vec<String>> {
    let (reference, own) = match given {
        own if !image.reference.is_empty() => (&image.reference, own),
        [reference, own @ ..] => (reference, own),
        [] => {
            return Err(miette!(
                help = format!("say which: lupine run -f {} IMAGE", file.display()),
                "{} names no image",
                file.display()
            ));
        }
    };
    let command = if own.is_empty() { &image.command } else { own };
    Ok(std::iter::once(reference).chain(command).cloned().collect())
}

fn wrong(file: &Path, key: &str, why: &str) -> miette::Report {
    Err::<(), _>(miette!("{key}: {why}"))
        .wrap_err_with(|| format!("{} is no manifest", file.display()))
        .unwrap_err()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, Kml};
    use crate::manifest::tests::sample;

    fn applied(flags: &[&str]) -> RunOptions {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut manifest = sample();
        manifest.image.env = vec!["A=manifest".into()];
        manifest.machine.kml = Some(Kml::Jump);
        std::fs::write(file.path(), manifest.to_toml()).unwrap();
        let path = file.path().to_str().unwrap();
        let fixed = ["lupine", "run", "-f", path];
        let words = fixed.iter().chain(flags);
        let Command::Run(mut options) = Cli::try_parse_from(words).unwrap().command else {
            unreachable!("that was run");
        };
        apply(file.path(), &mut options).unwrap();
        *options
    }

    #[test]
    fn a_manifest_says_it_all() {
        let options = applied(&[]);
        assert_eq!(
            options.image_and_command,
            ["deb:redis-server", "redis-server", "--save"]
        );
        assert_eq!(options.app.memory, Some(64));
        assert_eq!(options.publish[0].guest_port, 6379);
        assert_eq!(options.build.kernel.kml, Some(Kml::Jump));
        assert!(options.build.manifest.is_some());
    }

    #[test]
    fn flags_and_words_win() {
        let options = applied(&[
            "-m",
            "128m",
            "-e",
            "A=flag",
            "-p",
            "1:2",
            "--kml=call",
            "sh",
            "-c",
            "true",
        ]);
        let words = ["deb:redis-server", "sh", "-c", "true"];
        assert_eq!(options.image_and_command, words);
        assert_eq!(options.app.memory, Some(128));
        assert_eq!(options.publish.len(), 1);
        assert_eq!(options.build.kernel.kml, Some(Kml::Call));
        assert_eq!(
            options.app.env.last().unwrap().value.as_deref(),
            Some("flag")
        );
    }
}
