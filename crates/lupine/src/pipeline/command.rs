//! How an image is run when nobody says otherwise.

use lupine_image::Image;
use lupine_init::GuestSpec;
use lupine_rootfs::Format;

/// PATH of an image that sets none, as docker has it.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Docker's rules: an entry point given by hand also drops the image's
/// command; a command given by hand replaces it.
pub fn command_line(
    image_entrypoint: Vec<String>,
    image_command: Vec<String>,
    entrypoint: Option<&str>,
    command: &[String],
) -> Vec<String> {
    let (mut argv, default) = match entrypoint {
        Some("") => (Vec::new(), Vec::new()),
        Some(program) => (vec![program.to_owned()], Vec::new()),
        None => (image_entrypoint, image_command),
    };
    if command.is_empty() {
        argv.extend(default);
    } else {
        argv.extend(command.iter().cloned());
    }
    argv
}

/// The image's own specification, with `command` and `entrypoint` in place of its own.
pub fn default_spec(
    image: &Image,
    command: &[String],
    entrypoint: Option<&str>,
    format: Format,
) -> GuestSpec {
    let mut env = image.env();
    if !env.iter().any(|entry| entry.starts_with("PATH=")) {
        env.insert(0, DEFAULT_PATH.into());
    }
    GuestSpec {
        argv: command_line(image.entrypoint(), image.cmd(), entrypoint, command),
        env,
        cwd: image.workdir(),
        user: image.user(),
        overlay: format.read_only(),
        loopback: image.listens_on_loopback(),
        ..GuestSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_entry_points_combine_as_dockers_do() {
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let combined = |entrypoint: Option<&str>, command: &str| {
            command_line(
                words("entry e"),
                words("cmd c"),
                entrypoint,
                &words(command),
            )
            .join(" ")
        };
        assert_eq!(combined(None, ""), "entry e cmd c");
        assert_eq!(combined(None, "x y"), "entry e x y");
        assert_eq!(combined(Some("sh"), ""), "sh");
        assert_eq!(combined(Some("sh"), "-c x"), "sh -c x");
        assert_eq!(combined(Some(""), "x"), "x");
    }
}
