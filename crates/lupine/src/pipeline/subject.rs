//! What an image says about the program that it starts, for the needs stage.

use lupine_image::{Image, Link, Proto, Tree};
use lupine_init::GuestSpec;
use lupine_needs::{Port, Subject};

/// Shells, which are likely to start scripts.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "busybox"];

/// The facts about `image` when it runs as `spec` says.
pub fn of(image: &Image, tree: &Tree, spec: &GuestSpec) -> Subject {
    let program = lupine_image::program(tree, &spec.argv, &spec.env, &spec.cwd);
    let scripts = program
        .chain
        .iter()
        .any(|link| matches!(link, Link::Script { .. }));
    let chain: Vec<String> = program.chain.iter().map(path_of).collect();
    Subject {
        argv: spec.argv.clone(),
        script: scripts || chain.iter().any(|path| is_shell(path)),
        chain,
        linker: program.chain.iter().find_map(linker_of),
        ports: image
            .exposed_ports()
            .into_iter()
            .map(|(number, proto)| Port {
                number,
                udp: proto == Proto::Udp,
            })
            .collect(),
        user: spec.user.clone(),
        volumes: image.volumes(),
        learned: None,
    }
}

fn path_of(link: &Link) -> String {
    match link {
        Link::Script { path, .. } | Link::Elf { path, .. } => path.clone(),
    }
}

fn linker_of(link: &Link) -> Option<String> {
    match link {
        Link::Elf { interpreter, .. } => interpreter.clone(),
        Link::Script { .. } => None,
    }
}

fn is_shell(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    SHELLS.contains(&name)
}
