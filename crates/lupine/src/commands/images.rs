//! `lupine pull`, `lupine images` and `lupine rmi`.

use lupine_image::{ImageRecord, ImageRef};
use miette::{Result, miette};
use serde_json::{Value, json};

use super::{Context, for_each};
use crate::cli::{FetchOptions, ListArgs, PullArgs, PullPolicy, RmiArgs};
use crate::pipeline::Pipeline;
use crate::printer;
use crate::state::now_ms;

/// Loads an image, from its source even when it is in the cache.
pub fn pull(context: &Context<'_>, args: &PullArgs) -> Result<u8> {
    let store = context.store()?;
    let pipeline = Pipeline::new(&store, context.reporter)?;
    let fetch = FetchOptions {
        platform: args.platform.clone(),
        pull: PullPolicy::Always,
    };
    let image = pipeline.load(&args.image, &fetch)?;
    context.reporter.finish();
    let bytes: u64 = image.layers.iter().map(|layer| layer.bytes).sum();
    if args.format.is_json() {
        printer::json(&json!({
            "reference": image.reference,
            "digest": image.digest,
            "bytes": bytes,
            "layers": image.layers.len(),
        }));
    } else {
        context.reporter.line(&format!(
            "{}: {}, {} in {} layers",
            image.reference,
            image.digest,
            printer::size(bytes),
            image.layers.len()
        ));
        printer::line(&image.reference);
    }
    Ok(0)
}

/// Lists loaded images, the newest first.
pub fn images(context: &Context<'_>, args: &ListArgs) -> Result<u8> {
    let mut records = lupine_image::list(&context.store()?)?;
    records.sort_by_key(|record| std::cmp::Reverse(record.loaded_at));
    if args.format.is_json() {
        printer::json(&records.iter().map(to_json).collect::<Vec<_>>());
    } else if context.quiet() {
        for record in &records {
            printer::line(&record.reference);
        }
    } else {
        let now = now_ms() / 1000;
        let rows: Vec<_> = records.iter().map(|record| row(record, now)).collect();
        printer::line(&printer::table(
            &["IMAGE", "DIGEST", "SIZE", "LOADED"],
            &rows,
        ));
    }
    Ok(0)
}

fn to_json(record: &ImageRecord) -> Value {
    json!({
        "reference": record.reference,
        "digest": record.digest,
        "bytes": record.bytes,
        "loaded_at": record.loaded_at,
    })
}

fn row(record: &ImageRecord, now: u64) -> Vec<String> {
    let hex = record.digest.rsplit(':').next().unwrap_or_default();
    vec![
        record.reference.clone(),
        hex.chars().take(12).collect(),
        printer::size(record.bytes),
        format!("{} ago", printer::age(now.saturating_sub(record.loaded_at))),
    ]
}

/// Forgets images; `cache prune` then removes what only they used.
pub fn rmi(context: &Context<'_>, args: &RmiArgs) -> Result<u8> {
    let store = context.store()?;
    for_each(&args.images, |name| {
        let reference: ImageRef = name.parse()?;
        if !lupine_image::forget(&store, &reference)? {
            return Err(miette!(
                help = "lupine images lists those there are",
                "no image {name} is loaded"
            ));
        }
        printer::line(name);
        Ok(())
    })
}
