//! The page as a browser lays it out: headless Chromium measures it, wide and narrow, light and dark.

use std::fs;
use std::time::Duration;

use lupine_tool::Tool;
use serde_json::Value;

use crate::tests::{crossing, run};
use crate::{Report, html};

/// The browser.
const CHROMIUM: &str = "chromium-headless-shell";

/// Leaves in the title what the page came to. Everything that overflows scrolls in a box of its own.
const MEASURE: &str = r#"<script>
document.querySelectorAll("details").forEach(one => one.open = true);
const luminance = colour => {
  const part = text => { const c = text / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
  const [r, g, b] = colour.match(/[\d.]+/g).map(part);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const style = what => getComputedStyle(document.querySelector(what));
const back = luminance(style("body").backgroundColor);
const contrast = what => {
  const own = luminance(style(what).color);
  return (Math.max(own, back) + 0.05) / (Math.min(own, back) + 0.05);
};
const seen = what => [...document.querySelectorAll(what)].filter(one => one.getBoundingClientRect().width > 0).length;
document.title = JSON.stringify({
  width: innerWidth, needed: document.documentElement.scrollWidth, dark: back < 0.5,
  fetched: performance.getEntriesByType("resource").length,
  bars: seen(".bars u"), intervals: seen(".bars s"), dots: seen(".dots .track i"), lines: seen("polyline"),
  contrast: Math.min(...["body", ".failure", "em.better", "figcaption", ".axis", "summary"].map(contrast)),
});
</script>"#;

/// What the page came to in a window of that width.
fn look(width: u32, dark: bool) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let runs = [("runs/before".into(), run()), ("c".into(), crossing())];
    let page = html(&Report::of(&runs)).replace("</body>", &format!("{MEASURE}</body>"));
    let file = dir.path().join("page.html");
    fs::write(&file, page).unwrap();
    let output = Tool::new(CHROMIUM)
        .args(["--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("--user-data-dir={}", dir.path().display()))
        .arg(format!("--window-size={width},900"))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .arg(format!("file://{}", file.display()))
        .timeout(Duration::from_secs(120))
        .run()
        .unwrap();
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, rest) = page.split_once("<title>").unwrap();
    let (title, _) = rest.split_once("</title>").unwrap();
    serde_json::from_str(title).unwrap_or_else(|error| panic!("{error}: {title}"))
}

#[test]
fn it_is_drawn_whole_and_readable_and_fetches_nothing() {
    for (width, dark) in [(400, true), (1200, false), (400, false), (1200, true)] {
        let seen = look(width, dark);
        let number = |name: &str| seen[name].as_f64().unwrap();
        assert_eq!(seen["width"], width, "{seen}");
        assert!(number("needed") <= f64::from(width), "it overflows: {seen}");
        assert_eq!(seen["dark"], dark, "{seen}");
        assert_eq!(seen["fetched"], 0, "{seen}");
        for plot in ["bars", "intervals", "dots", "lines"] {
            assert!(number(plot) >= 2.0, "no {plot}: {seen}");
        }
        // What WCAG wants of text.
        assert!(number("contrast") >= 4.5, "{seen}");
    }
}
