//! Stage kconfig.
