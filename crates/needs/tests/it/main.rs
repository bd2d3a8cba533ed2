//! The tables against what is known from elsewhere.

mod coverage;
mod oracle;
mod requests;
mod tables;
