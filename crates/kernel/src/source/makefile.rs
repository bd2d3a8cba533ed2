//! What a source's top Makefile says about it.

use std::fs;
use std::path::Path;

use lupine_store::At;

use crate::KernelError;

/// Files that a build inside of the source leaves; kbuild refuses to work beside them.
const BUILD_TRACES: [&str; 3] = [".config", "include/config", "arch/x86/include/generated"];

/// The version of the kernel in `dir`; `origin` is what errors call it.
pub(super) fn check(dir: &Path, origin: &Path, series: &str) -> Result<String, KernelError> {
    let none = |why: &str| KernelError::NoKernel {
        path: origin.into(),
        why: why.into(),
    };
    if !dir.join("Kconfig").is_file() {
        return Err(none("it has no Kconfig"));
    }
    let makefile = dir.join("Makefile");
    if !makefile.is_file() {
        return Err(none("it has no Makefile"));
    }
    let text = fs::read_to_string(&makefile).at("read", &makefile)?;
    let version = version(&text).ok_or_else(|| none("its Makefile names no version"))?;
    let same = version == series
        || version
            .strip_prefix(series)
            .is_some_and(|rest| rest.starts_with(['.', '-']));
    if !same {
        let path = origin.into();
        return Err(KernelError::WrongSeries {
            path,
            version,
            series: series.into(),
        });
    }
    Ok(version)
}

/// Refuses a directory in which a kernel was built.
pub(super) fn check_clean(dir: &Path) -> Result<(), KernelError> {
    match BUILD_TRACES.iter().find(|name| dir.join(name).exists()) {
        None => Ok(()),
        Some(found) => Err(KernelError::Unclean {
            path: dir.into(),
            found: (*found).into(),
        }),
    }
}

/// `VERSION.PATCHLEVEL.SUBLEVELEXTRAVERSION` of a top Makefile.
fn version(text: &str) -> Option<String> {
    let get = |name: &str| {
        text.lines().take(20).find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let number = |name: &str| get(name).filter(|n| n.parse::<u32>().is_ok());
    let (major, minor, sub) = (
        number("VERSION")?,
        number("PATCHLEVEL")?,
        number("SUBLEVEL")?,
    );
    let extra = get("EXTRAVERSION").unwrap_or_default();
    Some(format!("{major}.{minor}.{sub}{extra}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n";

    #[test]
    fn a_version_is_read() {
        assert_eq!(version(TEXT).unwrap(), "6.12.117");
        assert_eq!(version("all:\n"), None);
    }

    #[test]
    fn another_series_and_a_used_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert!(matches!(
            check(dir, dir, "6.12"),
            Err(KernelError::NoKernel { .. })
        ));
        fs::write(dir.join("Kconfig"), "").unwrap();
        fs::write(dir.join("Makefile"), TEXT).unwrap();
        assert_eq!(check(dir, dir, "6.12").unwrap(), "6.12.117");
        assert!(matches!(
            check(dir, dir, "6.1"),
            Err(KernelError::WrongSeries { .. })
        ));
        check_clean(dir).unwrap();
        fs::write(dir.join(".config"), "").unwrap();
        assert!(
            check_clean(dir)
                .unwrap_err()
                .to_string()
                .contains(".config")
        );
    }
}
