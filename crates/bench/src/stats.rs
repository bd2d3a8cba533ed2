//! Medians, their intervals, and what is out of line.

/// How sure an interval has to be.
const CONFIDENCE: f64 = 0.95;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;
/// Tukey's fence, in interquartile ranges.
const FENCE: f64 = 1.5;

/// What a series of values comes to.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Summary {
    /// How many values.
    pub count: usize,
    /// Their median.
    pub median: f64,
    /// Bounds of the true median at 95%; `None` for fewer than 6 values, which cannot tell.
    pub interval: Option<(f64, f64)>,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// Values beyond Tukey's fences; they count all the same.
    pub outliers: usize,
}

impl Summary {
    /// `None` without values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            count: sorted.len(),
            median: quantile(&sorted, 0.5)?,
            interval: interval(&sorted),
            least: *sorted.first()?,
            greatest: *sorted.last()?,
            outliers: outliers(&sorted),
        })
    }
}

/// A quantile of sorted values, between two of them where it falls there.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

/// The order statistics between which the true median lies with 95%: any value is on either side of it like a coin.
fn interval(sorted: &[f64]) -> Option<(f64, f64)> {
    let count = sorted.len();
    let mut outside = 0.0;
    // The chance of exactly `cut` values below the median.
    let mut chance = 0.5_f64.powi(i32::try_from(count).ok()?);
    let mut found = None;
    for cut in 0..count / 2 {
        outside += 2.0 * chance;
        if outside > 1.0 - CONFIDENCE {
            break;
        }
        found = Some((sorted[cut], sorted[count - 1 - cut]));
        chance *= (count - cut) as f64 / (cut + 1) as f64;
    }
    found
}

fn outliers(sorted: &[f64]) -> usize {
    let (Some(low), Some(high)) = (quantile(sorted, 0.25), quantile(sorted, 0.75)) else {
        return 0;
    };
    let fence = FENCE * (high - low);
    let beyond = |value: &&f64| **value < low - fence || **value > high + fence;
    sorted.iter().filter(beyond).count()
}

/// Whether so many values tell anything about their median.
pub(crate) fn tells(values: &[f64]) -> bool {
    interval(values).is_some()
}

/// Bounds of the ratio of `b`'s median to `a`'s, by a bootstrap whose random numbers are always the same; all of `count`
/// such bounds hold at 95%. `None` where one has fewer than 6 values, or `a` has a median of 0.
pub(crate) fn ratio_interval(a: &[f64], b: &[f64], count: usize) -> Option<(f64, f64)> {
    if !tells(a) || !tells(b) {
        return None;
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| ratio(random.median(a)?, random.median(b)?))
        .collect();
    ratios.sort_by(f64::total_cmp);
    // Bonferroni: each may be wrong that much more rarely.
    let tail = (1.0 - CONFIDENCE) / 2.0 / count.max(1) as f64;
    Some((quantile(&ratios, tail)?, quantile(&ratios, 1.0 - tail)?))
}

/// `b` to `a`; two zeros are alike, and nothing is a multiple of zero.
pub(crate) fn ratio(a: f64, b: f64) -> Option<f64> {
    if a == b {
        return Some(1.0);
    }
    (a != 0.0).then(|| b / a)
}

/// splitmix64: enough to draw values, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The median of as many values, drawn with replacement.
    fn median(&mut self, values: &[f64]) -> Option<f64> {
        let count = values.len() as u64;
        let mut drawn: Vec<f64> = values
            .iter()
            .map(|_| values[(self.next() % count) as usize])
            .collect();
        drawn.sort_by(f64::total_cmp);
        quantile(&drawn, 0.5)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(count: usize) -> Vec<f64> {
        (1..=count).map(|n| n as f64).collect()
    }

    #[test]
    fn the_interval_is_the_textbooks() {
        // Conover, Practical Nonparametric Statistics: ranks for n = 6, 9, 15, 25 at 95%.
        for (count, low) in [(6, 1.0), (9, 2.0), (15, 4.0), (25, 8.0)] {
            let (got, high) = interval(&numbers(count)).unwrap();
            assert_eq!((got, high), (low, count as f64 + 1.0 - low), "n = {count}");
        }
        assert_eq!(interval(&numbers(5)), None);
    }

    #[test]
    fn one_far_value_is_an_outlier_and_moves_no_median() {
        let mut values = numbers(9);
        values[8] = 1e6;
        let summary = Summary::of(&values).unwrap();
        assert_eq!((summary.median, summary.outliers), (5.0, 1));
        assert_eq!(Summary::of(&numbers(9)).unwrap().outliers, 0);
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn a_doubled_series_has_a_ratio_of_two() {
        let a: Vec<f64> = numbers(20).iter().map(|n| 1000.0 + n).collect();
        let b: Vec<f64> = a.iter().map(|n| n * 2.0).collect();
        let (low, high) = ratio_interval(&a, &b, 1).unwrap();
        assert!(low > 1.97 && high < 2.03 && low < high, "{low} {high}");
        assert_eq!(ratio_interval(&a, &b, 1), Some((low, high)));
        let (lower, higher) = ratio_interval(&a, &b, 100).unwrap();
        assert!(lower < low && high < higher);
    }

    proptest! {
        #[test]
        fn a_median_lies_in_its_interval(values in prop::collection::vec(-1e9..1e9, 1..60usize)) {
            let summary = Summary::of(&values).unwrap();
            let (low, high) = summary.interval.unwrap_or((summary.least, summary.greatest));
            prop_assert!(low <= summary.median && summary.median <= high);
            prop_assert!(summary.least <= low && high <= summary.greatest);
        }
    }
}
