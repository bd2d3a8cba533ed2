//! Trying again, politely and not for ever.

use std::time::Duration;

use crate::ImageError;

/// Attempts that bring nothing new before giving up.
const ATTEMPTS: u32 = 5;
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A registry that asks for a longer pause than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why an attempt failed.
pub(crate) enum Failure {
    /// Trying again would not help.
    Final(ImageError),
    /// Trying again may help.
    Retry {
        /// What to say when it does not.
        error: ImageError,
        /// The pause that the registry asks for.
        after: Option<Duration>,
        /// Whether the attempt brought more than any before.
        progressed: bool,
    },
}

impl<E: Into<ImageError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

impl Failure {
    /// A failure that may pass.
    pub fn passing(error: impl Into<ImageError>) -> Self {
        Self::Retry {
            error: error.into(),
            after: None,
            progressed: false,
        }
    }
}

/// Runs `attempt` until it succeeds, fails for good, or has failed too often in a row.
pub(crate) fn retry<T>(mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, ImageError> {
    let mut failed = 0;
    loop {
        let (error, after) = match attempt() {
            Ok(value) => return Ok(value),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Retry {
                error,
                after,
                progressed,
            }) => {
                failed = if progressed { 1 } else { failed + 1 };
                (error, after)
            }
        };
        let pause = after.unwrap_or(FIRST_PAUSE * 2_u32.pow(failed.min(ATTEMPTS) - 1));
        if failed >= ATTEMPTS || pause > LONGEST_PAUSE {
            return Err(error);
        }
        std::thread::sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> ImageError {
        ImageError::NotPulled {
            reference: "x".into(),
        }
    }

    #[test]
    fn it_ends() {
        let mut attempts = 0;
        let result: Result<(), _> = retry(|| {
            attempts += 1;
            Err(Failure::Retry {
                error: error(),
                after: Some(Duration::ZERO),
                progressed: false,
            })
        });
        assert!(result.is_err());
        assert_eq!(attempts, ATTEMPTS);
    }

    #[test]
    fn a_long_pause_is_not_waited_for() {
        let mut attempts = 0;
        let result: Result<(), _> = retry(|| {
            attempts += 1;
            Err(Failure::Retry {
                error: error(),
                after: Some(Duration::from_secs(3600)),
                progressed: true,
            })
        });
        assert!(result.is_err());
        assert_eq!(attempts, 1);
    }
}
