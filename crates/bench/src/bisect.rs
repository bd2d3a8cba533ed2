//! The smallest number that will do: [`smallest`].

/// The smallest number in `least..=greatest` for which `enough` says yes, if whatever is greater than one that is
/// enough is enough as well. `None` when even `greatest` is not.
///
/// # Errors
/// The first that `enough` gives.
pub fn smallest<E>(
    least: u32,
    greatest: u32,
    mut enough: impl FnMut(u32) -> Result<bool, E>,
) -> Result<Option<u32>, E> {
    if least > greatest || !enough(greatest)? {
        return Ok(None);
    }
    let (mut low, mut high) = (least, greatest);
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(high))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_smallest(least in 0u32..50, span in 0u32..500, wanted in 0u32..600) {
            let greatest = least + span;
            let Ok(found) = smallest(least, greatest, |n| Ok::<_, Infallible>(n >= wanted));
            let expected = (least..=greatest).find(|n| *n >= wanted);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn nothing_between_wrong_bounds() {
        assert_eq!(smallest(2, 1, |_| Ok::<_, ()>(true)), Ok(None));
        assert_eq!(smallest(1, 9, |_| Err::<bool, _>("no")), Err("no"));
    }
}
