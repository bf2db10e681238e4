//! What the crate promises, by subject.

mod checksums;
mod logs;
mod samples;
