//! One module a subject, one test a rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod check;
mod composed;
mod compression;
mod damage;
mod page;
mod reader;
mod record;
mod samples;
