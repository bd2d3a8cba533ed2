//! Guest instructions, counted by our plugin for QEMU's TCG: [`Counter`].

use std::fs;
use std::path::{Path, PathBuf};

use lupine_store::{At, Store};
use lupine_tool::Tool;

use crate::BenchError;
use crate::suite::hash;

/// `bench/plugin/count.c`, which says what it writes.
const SOURCE: &str = include_str!("../../../bench/plugin/count.c");
/// The first word that it writes.
const MAGIC: u64 = 0x3454_4e55_4f43_504c;
/// Words of a file of counts before the laps, and words of a lap.
const WORDS: usize = 22;
const LAP: usize = 4;
/// Store kind of compiled plugins.
const PLUGINS: &str = "plugins";
/// The file of counts, in the VMM's directory.
const FILE: &str = "counts";

/// Guest instructions until some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Of the firmware and the kernel, without repetitions.
    pub kernel: u64,
    /// Of user space, without repetitions.
    pub user: u64,
    /// Iterations of `rep` string instructions, each of which QEMU executes as an instruction of its own.
    pub repetitions: u64,
}

impl Counts {
    /// What a processor would have executed, as far as it can be told: without repetitions.
    pub fn once(&self) -> u64 {
        self.kernel + self.user
    }

    /// All that QEMU executed, as `-icount` has it.
    pub fn total(&self) -> u64 {
        self.kernel + self.user + self.repetitions
    }
}

/// What a guest has executed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Until now.
    pub now: Counts,
    /// Before the first instruction of the kernel: the firmware's.
    pub kernel_entry: Option<Counts>,
    /// Before the first instruction of user space, if there was one.
    pub first_user: Option<Counts>,
    /// Before PID 1 said that it started.
    pub init_start: Option<Counts>,
    /// Before the main of a program that marks it, as `bench/ukl/ukl.c` does.
    pub main: Option<Counts>,
    /// Between each two marks of [`crate::PROGRAM`].
    pub laps: Vec<Counts>,
}

/// The plugin, compiled at its first use and kept in the store.
///
/// # Errors
/// No compiler, or a compiler's error.
pub fn plugin(store: &Store) -> Result<PathBuf, BenchError> {
    let key = hash(SOURCE);
    if let Some(plugin) = store.get(PLUGINS, &key) {
        return Ok(plugin);
    }
    let staging = store.staging()?;
    let (source, object) = (
        staging.path().join("count.c"),
        staging.path().join("count.so"),
    );
    fs::write(&source, SOURCE).at("write", &source)?;
    Tool::new("gcc")
        .args([
            "-O2",
            "-Wall",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
            "-o",
        ])
        .arg(&object)
        .arg(&source)
        .run()?;
    Ok(store.publish(&object, PLUGINS, &key)?)
}

/// What moves a guest's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Each instruction is a nanosecond, and a guest that waits waits as long as the host: two guests to which nobody
    /// talks execute nearly the same. (`sleep=off` lets a waiting guest skip to its next timer tick: one that waits for
    /// its disk on a busy host then executes any number of them.)
    Instructions,
    /// The host's time: for guests with whom somebody talks.
    Host,
}

/// Counts the instructions of one guest with one processor, under TCG.
#[derive(Debug)]
pub struct Counter {
    file: PathBuf,
    plugin: PathBuf,
}

impl Counter {
    /// For a VMM that runs in `dir`.
    pub fn new(plugin: PathBuf, dir: &Path) -> Self {
        Self {
            file: dir.join(FILE),
            plugin,
        }
    }

    /// What QEMU has to be told.
    pub fn vmm_args(&self, clock: Clock) -> Vec<String> {
        // QEMU wants commas doubled.
        let plugin = self.plugin.display().to_string().replace(',', ",,");
        let mut args = vec!["-plugin".into(), format!("file={plugin},out={FILE}")];
        if clock == Clock::Instructions {
            args.extend(["-icount".into(), "shift=0,sleep=on".into()]);
        }
        args
    }

    /// The counts of this moment, or the last ones.
    ///
    /// # Errors
    /// When the plugin has not written the file.
    pub fn read(&self) -> Result<Marks, BenchError> {
        let bytes = fs::read(&self.file).at("read", &self.file)?;
        Marks::parse(&bytes).ok_or_else(|| BenchError::Counts {
            path: self.file.clone(),
            why: "the plugin has counted nothing".into(),
        })
    }
}

impl Marks {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u64> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| u64::from_ne_bytes(*word))
            .collect();
        let (words, laps) = words.split_at_checked(WORDS)?;
        if words[0] != MAGIC {
            return None;
        }
        let count = usize::try_from(words[21]).ok()?;
        let reached = |counts: Counts| (counts.total() > 0).then_some(counts);
        Some(Self {
            now: Counts::of(&words[1..5]),
            kernel_entry: reached(Counts::of(&words[13..17])),
            first_user: reached(Counts::of(&words[5..9])),
            init_start: reached(Counts::of(&words[9..13])),
            main: reached(Counts::of(&words[17..21])),
            laps: laps.chunks_exact(LAP).take(count).map(Counts::of).collect(),
        })
    }
}

impl Counts {
    fn of(words: &[u64]) -> Self {
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        Self {
            kernel: word(0),
            user: word(1),
            repetitions: word(2) + word(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_the_plugin_writes_them() {
        let mut words = vec![MAGIC, 10, 5, 2, 1];
        words.extend([7, 0, 1, 0, 0, 0, 0, 0]);
        words.extend([3, 0, 0, 1]);
        words.extend([8, 4, 0, 0]);
        words.extend([1, 300, 20, 1, 2, 0, 0, 0, 0]);
        let bytes: Vec<u8> = words.iter().flat_map(|w: &u64| w.to_ne_bytes()).collect();
        let marks = Marks::parse(&bytes).unwrap();
        assert_eq!(marks.now.total(), 18);
        assert_eq!(marks.first_user.unwrap().kernel, 7);
        assert_eq!(marks.init_start, None);
        assert_eq!(marks.kernel_entry.unwrap().total(), 4);
        assert_eq!(marks.main.unwrap().total(), 12);
        let lap = Counts {
            kernel: 300,
            user: 20,
            repetitions: 3,
        };
        assert_eq!(marks.laps, [lap]);
        assert_eq!(Marks::parse(&bytes[8..]), None);
    }

    #[test]
    fn the_plugin_compiles_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let first = plugin(&store).unwrap();
        assert_eq!(&fs::read(&first).unwrap()[..4], b"\x7fELF");
        assert_eq!(plugin(&store).unwrap(), first);
    }
}
