//! Stage needs.
