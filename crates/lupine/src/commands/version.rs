//! `lupine version`.

use miette::Result;
use serde_json::json;

use crate::cli::Output;
use crate::printer;

/// Writes the versions of Lupine and of the kernel it builds.
pub fn version(output: Output) -> Result<u8> {
    let data = lupine_kernel::Data::builtin()?;
    let lupine = env!("CARGO_PKG_VERSION");
    if output.is_json() {
        printer::json(&json!({
            "lupine": lupine,
            "kernel": { "series": data.pin.series, "version": data.pin.version },
        }));
    } else {
        printer::line(&format!("lupine {lupine}"));
        printer::line(&format!(
            "Linux {} (series {})",
            data.pin.version, data.pin.series
        ));
    }
    Ok(0)
}
