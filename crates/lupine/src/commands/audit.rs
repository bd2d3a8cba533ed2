//! `lupine audit`: what a kernel can be attacked by, before and after.

mod built;
mod records;
mod report;

use lupine_audit::{Surface, compare, openvex};
use miette::{Result, miette};

use self::built::Built;
use self::records::Cves;
use self::report::Report;
use super::Context;
use crate::cli::{AuditArgs, AuditFormat};
use crate::pipeline::Pipeline;
use crate::printer;
use crate::state::now_ms;

/// Shows what a bundle's kernel has, against a baseline and against CVE records.
pub fn audit(context: &Context<'_>, args: &AuditArgs) -> Result<u8> {
    if args.format == AuditFormat::Openvex && args.cves.is_none() {
        return Err(miette!(
            help = "name the directory with their JSON files: --cves DIR",
            "an OpenVEX document needs CVE records"
        ));
    }
    let own = Built::open(context, &args.bundle, &args.source)?;
    let cves = match &args.cves {
        Some(dir) => Some(Cves::judge(dir, &own.kernel)?),
        None => None,
    };
    if let (AuditFormat::Openvex, Some(cves)) = (args.format, &cves) {
        return show_openvex(&own, cves, args);
    }
    let baseline = baseline(context, args, &own)?;
    let report = Report {
        name: own.name,
        version: own.kernel.version.clone(),
        surface: Surface::of(&own.kernel),
        baseline: baseline.map(|other| (other.name, compare(&own.kernel, &other.kernel))),
        cves,
    };
    match args.format {
        AuditFormat::Json => printer::json(&report.to_json()),
        _ => printer::line(&report.to_text()),
    }
    Ok(0)
}

fn show_openvex(own: &Built, cves: &Cves, args: &AuditArgs) -> Result<u8> {
    if cves.findings.is_empty() {
        return Err(miette!(
            help = "the same audit without --format openvex says what became of each",
            "no record could be judged, and an OpenVEX document needs a statement"
        ));
    }
    let tool = concat!("lupine ", env!("CARGO_PKG_VERSION"));
    let time = printer::time(time_ms(std::env::var("SOURCE_DATE_EPOCH").ok())?);
    let document = openvex(&cves.findings, &own.product, &args.author, tool, &time);
    printer::json(&document);
    Ok(0)
}

/// What was named, or the general kernel, if that is there already.
fn baseline(context: &Context<'_>, args: &AuditArgs, own: &Built) -> Result<Option<Built>> {
    if let Some(path) = &args.baseline {
        return Built::open(context, path, &args.source).map(Some);
    }
    let Some(manifest) = &own.manifest else {
        return Ok(None);
    };
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    // Without a compiler or a source there is no general kernel to compare with.
    match pipeline.general_kernel(manifest) {
        Ok(Some(kernel)) => Built::of_kernel(context, kernel).map(Some),
        Ok(None) => Ok(None),
        Err(report) => {
            context.reporter.detail(&format!(
                "the general kernel cannot be looked for: {report}"
            ));
            Ok(None)
        }
    }
}

/// Milliseconds since 1970: of `SOURCE_DATE_EPOCH`, which makes documents alike, or now.
fn time_ms(epoch: Option<String>) -> Result<u64> {
    let Some(text) = epoch else {
        return Ok(now_ms());
    };
    let seconds: Option<u64> = text.parse().ok();
    seconds.and_then(|s| s.checked_mul(1000)).ok_or_else(|| {
        miette!(
            help = "set it to whole seconds since 1970, or unset it",
            "SOURCE_DATE_EPOCH={text} is no time"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_can_be_given() {
        assert_eq!(time_ms(Some("2".into())).unwrap(), 2000);
        assert!(time_ms(None).unwrap() > 1_700_000_000_000);
        for text in ["", "x", "-1", "99999999999999999999"] {
            assert!(time_ms(Some(text.into())).is_err(), "{text}");
        }
    }
}
