//! One module a subject, one test a rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod check;
mod checksums;
mod composed;
mod compression;
mod damage;
mod logs;
mod page;
mod page_image;
mod reader;
mod record;
mod redo;
mod samples;
mod sets;
