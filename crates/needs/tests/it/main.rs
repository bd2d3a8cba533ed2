//! The tables against what is known from elsewhere.

mod coverage;
mod tables;
