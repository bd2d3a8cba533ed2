//! Where values stand on an axis that begins at zero: [`Scale`].

/// Marks on an axis, at least.
const MARKS: f64 = 4.0;

/// An axis from zero to a round number.
pub(crate) struct Scale {
    /// From one mark to the next.
    step: f64,
    /// What the end stands for.
    greatest: f64,
}

impl Scale {
    /// An axis on which `greatest` has room.
    pub(crate) fn to(greatest: f64) -> Self {
        let step = step(greatest);
        Self {
            step,
            greatest: (greatest / step).ceil().max(1.0) * step,
        }
    }

    /// The part of the axis below a value.
    pub(crate) fn share(&self, value: f64) -> f64 {
        (value / self.greatest).clamp(0.0, 1.0)
    }

    /// The values at which it is marked, from zero.
    pub(crate) fn marks(&self) -> impl Iterator<Item = f64> {
        let count = (self.greatest / self.step).round() as u32;
        let step = self.step;
        (0..=count).map(move |mark| step * f64::from(mark))
    }
}

/// A round number that goes into `greatest` often enough: 1, 2 or 5 times a power of ten.
fn step(greatest: f64) -> f64 {
    let most = greatest.max(f64::MIN_POSITIVE) / MARKS;
    let power = 10_f64.powf(most.log10().floor());
    let round = [5.0, 2.0, 1.0].map(|digit| digit * power);
    round
        .into_iter()
        .find(|step| *step <= most)
        .unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_at_round_numbers() {
        for (greatest, expected) in [
            (1.0, 0.2),
            (1.3, 0.2),
            (8.1, 2.0),
            (40.0, 10.0),
            (21_000.0, 5000.0),
        ] {
            assert!((step(greatest) / expected - 1.0).abs() < 1e-9, "{greatest}");
        }
    }

    #[test]
    fn the_greatest_value_has_room() {
        for greatest in [0.0, 1.0, 9.99, 12_345.0] {
            let scale = Scale::to(greatest);
            assert!(scale.share(greatest) <= 1.0);
            assert!(scale.marks().last().unwrap() >= greatest);
            assert!((4..12).contains(&scale.marks().count()) || greatest == 0.0);
        }
    }
}
