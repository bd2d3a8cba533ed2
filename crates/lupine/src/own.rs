//! This very program, started again.

use std::path::PathBuf;

use lupine_tool::Tool;
use miette::{IntoDiagnostic, Result, WrapErr};

/// This very program, also when its file was replaced since it was started: by an update for example.
///
/// # Errors
/// When /proc does not say where it lies.
pub fn program() -> Result<Tool> {
    let file = std::env::current_exe()
        .into_diagnostic()
        .wrap_err("cannot find the lupine program itself")?;
    Ok(Tool::new(still_there(file)))
}

/// Else what the kernel runs in this process, whatever has become of its file. Not by way of
/// `/proc/self`: what starts programs is another one for a moment.
fn still_there(file: PathBuf) -> PathBuf {
    if file.exists() {
        file
    } else {
        format!("/proc/{}/exe", std::process::id()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_file_is_gone_is_started_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let gone = still_there(dir.path().join("lupine (deleted)"));
        let own = std::env::current_exe().unwrap();
        let ran = Tool::new(gone).arg("--list").run().unwrap();
        let wanted = Tool::new(own).arg("--list").run().unwrap();
        assert_eq!(ran.stdout, wanted.stdout);
    }
}
