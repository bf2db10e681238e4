//! One module a subject, one test a rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod checksums;
mod logs;
mod page;
mod page_image;
mod redo;
mod samples;
mod sets;
