//! Stage bundle.
