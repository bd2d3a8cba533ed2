//! The tables against what is known from elsewhere.

mod coverage;
mod requests;
mod tables;
