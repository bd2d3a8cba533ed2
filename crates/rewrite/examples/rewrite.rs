//! Rewrites a file: `rewrite IN OUT`, and says what was done.

#![expect(clippy::print_stdout, reason = "the result")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut names = std::env::args().skip(1);
    let from = names.next().ok_or("rewrite IN OUT")?;
    let to = names.next().ok_or("rewrite IN OUT")?;
    let bytes = std::fs::read(&from)?;
    println!(
        "{from}: privileged: {:?}",
        lupine_rewrite::privileged(bytes.clone())?
    );
    let rewritten = lupine_rewrite::rewrite(bytes)?;
    let report = &rewritten.report;
    println!(
        "{} sites, {} calls, {} traps",
        report.sites, report.calls, report.traps
    );
    for (why, count) in &report.left {
        println!("{count} left: {why}");
    }
    if let Some(bytes) = rewritten.bytes {
        std::fs::copy(&from, &to)?;
        std::fs::write(&to, bytes)?;
    }
    Ok(())
}
