//! What a source's Kconfig files say about each symbol: for explanations only, never
//! to decide anything. Reading them takes seconds, so it is done once for each source.

mod walk;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use lupine_kconfig::Symbols;
use lupine_store::{At, Store};
use nom_kconfig::{KconfigFile, KconfigInput, parse_kconfig};

use crate::{KernelError, SourceTree};

/// Store kind of extracted symbols, by the source's key.
const SYMBOLS: &str = "symbols";
/// The parser recurses; menus nest deeper than a thread's usual stack.
const STACK_BYTES: usize = 256 << 20;

/// The symbols of a source, from the store where they were extracted before.
///
/// # Errors
/// A Kconfig file that cannot be read or parsed, or a full disk.
pub fn symbols(store: &Store, source: &SourceTree) -> Result<Symbols, KernelError> {
    if let Some(file) = store.get(SYMBOLS, &source.key) {
        let text = fs::read(&file).at("read", &file)?;
        if let Ok(symbols) = serde_json::from_slice(&text) {
            return Ok(symbols);
        }
    }
    let symbols = extract(&source.dir)?;
    let dir = store.root().join(SYMBOLS);
    fs::create_dir_all(&dir).at("make", &dir)?;
    let text = serde_json::to_vec(&symbols).unwrap_or_default();
    lupine_store::write_atomically(&dir.join(&source.key), &text)?;
    Ok(symbols)
}

fn extract(dir: &Path) -> Result<Symbols, KernelError> {
    let broken = |why: String| KernelError::Symbols {
        path: dir.into(),
        why,
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || parse(dir))
            .map_err(|error| broken(error.to_string()))?
            .join()
            .unwrap_or_else(|_| Err("the parser gave up".into()))
            .map_err(broken)
    })
}

fn parse(dir: &Path) -> Result<Symbols, String> {
    // Without SRCARCH the parser leaves arch/ out and says nothing.
    let variables = [
        ("SRCARCH", "x86"),
        ("ARCH", "x86"),
        ("KERNELVERSION", "6.12"),
    ];
    let variables: HashMap<&str, &str> = variables.into();
    let top = dir.join("Kconfig");
    let file = KconfigFile::new_with_vars(dir.into(), top, &variables, &HashMap::new());
    let text = file.read_to_string().map_err(|error| error.to_string())?;
    let (_, kconfig) = parse_kconfig(KconfigInput::new_extra(&text, file.clone()))
        .map_err(|error| error.to_string().chars().take(200).collect::<String>())?;
    let symbols = walk::collect(dir, &kconfig);
    if symbols.symbols.is_empty() {
        return Err("no symbols in Kconfig".into());
    }
    Ok(symbols)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "mainmenu \"Test\"\n\
        config EXPERT\n\tbool \"Expert\"\n\n\
        menu \"Net\"\n\tdepends on EXPERT\n\
        config NET\n\tbool \"Networking\"\n\tselect CORE if EXPERT\n\tdefault y\n\n\
        if NET\n\
        config INET\n\tbool \"TCP/IP\" if !EXPERT\n\tdepends on CORE || EXPERT\n\n\
        endif\n\
        choice\n\tprompt \"Timer\"\n\
        config HZ_100\n\tbool \"100\"\n\n\
        config HZ_250\n\tbool \"250\"\n\n\
        endchoice\n\
        endmenu\n\
        source \"net/Kconfig\"\n";

    fn extracted() -> Symbols {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("Kconfig"), TOP).unwrap();
        fs::create_dir(dir.path().join("net")).unwrap();
        fs::write(dir.path().join("net/Kconfig"), "\nconfig CORE\n\tbool\n").unwrap();
        extract(dir.path()).unwrap()
    }

    #[test]
    fn dependencies_of_menus_and_conditions_count() {
        let symbols = extracted();
        let inet = &symbols.get("INET").unwrap().definitions[0];
        assert_eq!(inet.depends, ["EXPERT", "NET", "CORE || EXPERT"]);
        assert_eq!(inet.prompt.as_deref(), Some("TCP/IP"));
        assert_eq!(inet.prompt_if.as_deref(), Some("!EXPERT"));
        assert_eq!((inet.file.as_str(), inet.line), ("Kconfig", Some(13)));
    }

    #[test]
    fn selections_choices_and_files_are_recorded() {
        let symbols = extracted();
        let core = symbols.get("CORE").unwrap();
        assert_eq!(core.selected_by[0].by, "NET");
        assert_eq!(core.selected_by[0].condition.as_deref(), Some("EXPERT"));
        assert_eq!(core.definitions[0].file, "net/Kconfig");
        assert_eq!(core.definitions[0].line, Some(2));
        assert!(!core.has_prompt());
        assert_eq!(symbols.get("HZ_250").unwrap().choice, ["HZ_100", "HZ_250"]);
    }

    #[test]
    fn a_directory_without_kconfig_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            extract(dir.path()),
            Err(KernelError::Symbols { .. })
        ));
    }
}
