//! Runs a program under the recorder and reads what it wrote.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lupine_recorder::{End, Line, RECORDER, Record, features, parse};
use lupine_tool::{Running, Tool};

/// A program that hangs shall fail its test, not stop all of them.
const LIMIT: Duration = Duration::from_secs(120);

/// Puts a file into the tests' directory at once, whole, and executable.
fn place(name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = dir.join(name);
    let fresh = dir.join(format!("{name}.{}", std::process::id()));
    fill(&fresh);
    std::fs::set_permissions(&fresh, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::rename(&fresh, &path).unwrap();
    path
}

/// The recorder as a file.
pub fn recorder() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let path = place("recorder", |path| std::fs::write(path, RECORDER).unwrap());
        path.to_str().unwrap().into()
    })
}

/// `asks.c`, compiled.
pub fn asks() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/asks.c");
        let path = place("asks", |path| {
            let gcc = Tool::new("gcc").args(["-O1", "-pthread", "-static", "-o"]);
            gcc.arg(path).arg(source).run().unwrap();
        });
        path.to_str().unwrap().into()
    })
}

/// A recorder that runs.
pub struct Started {
    pub running: Running,
    pub dir: tempfile::TempDir,
}

/// What a recorder left.
pub struct Run {
    /// Exit status; `None` if a signal ended the recorder itself.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    pub lines: Vec<Line>,
    pub stdout: String,
    pub stderr: String,
}

/// Starts `recorder OPTIONS -- PROGRAM`.
pub fn start(options: &[&str], program: &[&str]) -> Started {
    start_with(&[], options, program, "")
}

/// `PREFIX recorder OPTIONS -- PROGRAM`.
fn start_with(prefix: &[&str], options: &[&str], program: &[&str], stdin: &str) -> Started {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| File::create(dir.path().join(name)).unwrap();
    std::fs::write(dir.path().join("stdin"), stdin).unwrap();
    let lines = dir.path().join("lines");
    let running = Tool::new("sh")
        .args(["-c", "exec 3>\"$0\"; exec \"$@\""])
        .arg(&lines)
        .args(prefix)
        .args([recorder(), "--output", "3"])
        .args(options)
        .arg("--")
        .args(program)
        .stdin(File::open(dir.path().join("stdin")).unwrap())
        .stdout(file("stdout"))
        .log_to(dir.path().join("stderr"))
        .spawn()
        .unwrap();
    Started { running, dir }
}

impl Started {
    /// The text of `lines`, `stdout` or `stderr` so far.
    pub fn text(&self, name: &str) -> String {
        let bytes = std::fs::read(self.dir.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until `name` holds `text`.
    pub fn until(&self, name: &str, text: &str) {
        let started = Instant::now();
        while !self.text(name).contains(text) {
            assert!(
                started.elapsed() < LIMIT,
                "no {text:?} in {name}: {}",
                self.text(name)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the recorder's end.
    pub fn finish(mut self) -> Run {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.running.try_status().unwrap() {
                break status;
            }
            assert!(
                started.elapsed() < LIMIT,
                "too slow: {}",
                self.text("lines")
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = self.text("lines");
        let lines = text.split_inclusive('\n');
        let lines = lines.map(|line| parse(line.as_bytes()).unwrap_or_else(|_| panic!("{line:?}")));
        Run {
            status: status.code(),
            signal: status.signal(),
            lines: lines.collect(),
            stdout: self.text("stdout"),
            stderr: self.text("stderr"),
        }
    }
}

/// Runs `recorder OPTIONS -- PROGRAM` to its end.
pub fn run(options: &[&str], program: &[&str]) -> Run {
    start(options, program).finish()
}

/// As [`run`], with this on stdin.
pub fn run_with(program: &[&str], stdin: &str) -> Run {
    start_with(&[], &[], program, stdin).finish()
}

/// As [`run`], and what the recorder reports to its parent.
pub fn run_reporting(options: &[&str], program: &[&str]) -> (Run, Vec<u8>) {
    let report = tempfile::NamedTempFile::new().unwrap();
    let script = format!("exec 4>{}; exec \"$@\"", report.path().display());
    let prefix = ["sh", "-c", &script, "sh"];
    let options = [&["--report", "4"], options].concat();
    let run = start_with(&prefix, &options, program, "").finish();
    (run, std::fs::read(report.path()).unwrap())
}

/// As [`run`], where the recorder cannot read other processes' memory at once.
pub fn run_blind(options: &[&str], program: &[&str]) -> Run {
    start_with(&[asks(), "blind"], options, program, "").finish()
}

/// Runs `asks` with some words, and rules.
pub fn ask(rules: &[&str], words: &[&str]) -> Run {
    let rules: Vec<String> = rules
        .iter()
        .map(|rule| rule.parse::<lupine_recorder::Rule>().unwrap().encode())
        .collect();
    let options: Vec<&str> = rules.iter().flat_map(|rule| ["--refuse", rule]).collect();
    let program = [&[asks()], words].concat();
    run(&options, &program)
}

impl Run {
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.lines.iter().filter_map(|line| match line {
            Line::Record(record) => Some(record),
            _ => None,
        })
    }

    /// Whether something was recorded with this feature and answer.
    pub fn has(&self, feature: &str, errno: u16) -> bool {
        self.records().any(|record| {
            record.errno == errno && features(record).iter().any(|one| one == feature)
        })
    }

    pub fn ends(&self) -> Vec<&End> {
        let ends = self.lines.iter().filter_map(|line| match line {
            Line::Exit(end) => Some(end),
            _ => None,
        });
        ends.collect()
    }

    /// How often each rule refused, in the rules' order.
    pub fn hits(&self) -> Vec<u64> {
        let hits = self.lines.iter().filter_map(|line| match line {
            Line::Hits(_, count) => Some(*count),
            _ => None,
        });
        hits.collect()
    }

    /// Rules that refused at least once.
    pub fn first_hits(&self) -> usize {
        let is_hit = |line: &&Line| matches!(line, Line::Hit(_));
        self.lines.iter().filter(is_hit).count()
    }

    /// What was refused last to processes of this name.
    pub fn last_refusal(&self, comm: &str) -> Option<&Record> {
        self.lines.iter().find_map(|line| match line {
            Line::LastRefusal {
                comm: name, record, ..
            } if name == comm => Some(record),
            _ => None,
        })
    }
}
