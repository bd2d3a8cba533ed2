//! The tables against what is known from elsewhere.

mod coverage;
mod features;
mod map;
mod oracle;
mod requests;
mod tables;
