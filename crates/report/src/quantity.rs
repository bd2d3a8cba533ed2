//! Values as people read them.

use lupine_bench::Unit;

/// A value with its unit, scaled.
pub(crate) fn quantity(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Bytes => format!("{} KB", grouped(value / 1e3, 0)),
        Unit::Count | Unit::Guests => grouped(value, 0),
        Unit::PerRequest => grouped(value, 0),
        Unit::Instructions if value < 1e6 => grouped(value, 0),
        Unit::Instructions => format!("{} M", grouped(value / 1e6, 2)),
        Unit::Kib => format!("{} MiB", grouped(value / 1024.0, 1)),
        Unit::Mib => format!("{} MiB", grouped(value, 0)),
        Unit::Nanoseconds if value < 1e4 => format!("{} ns", grouped(value, 0)),
        Unit::Nanoseconds if value < 1e6 => format!("{} µs", grouped(value / 1e3, 1)),
        Unit::Nanoseconds if value < 1e10 => format!("{} ms", grouped(value / 1e6, 1)),
        Unit::Nanoseconds => format!("{} s", grouped(value / 1e9, 1)),
        Unit::PerSecond => format!("{}/s", grouped(value, 0)),
    }
}

/// A ratio with as many digits as matter.
pub(crate) fn ratio(value: f64) -> String {
    format!("{value:.3}")
}

/// A ratio beside an axis.
pub(crate) fn mark(value: f64) -> String {
    let text = ratio(value);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() { "0" } else { text }.into()
}

/// Thousands apart.
fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) = match text.find('.') {
        Some(point) => text.split_at(point),
        None => (text.as_str(), ""),
    };
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!(quantity(Unit::Bytes, 11_746_016.0), "11,746 KB");
        assert_eq!(quantity(Unit::Instructions, 23_512_345.0), "23.51 M");
        assert_eq!(quantity(Unit::Instructions, 35_683.0), "35,683");
        assert_eq!(quantity(Unit::Nanoseconds, 227_340_000.0), "227.3 ms");
        assert_eq!(quantity(Unit::Nanoseconds, 900.4), "900 ns");
        assert_eq!(quantity(Unit::Nanoseconds, 183e9), "183.0 s");
        assert_eq!(quantity(Unit::Kib, 39_000.0), "38.1 MiB");
        assert_eq!(quantity(Unit::Count, -1234.0), "-1,234");
        assert_eq!(quantity(Unit::Count, 999.0), "999");
        assert_eq!([0.0, 0.8, 1.0, 20.0].map(mark), ["0", "0.8", "1", "20"]);
    }
}
