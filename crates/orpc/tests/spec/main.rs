//! The crate through its public surface; modules are named after the part of the specifications that they check.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod activation;
mod exporter;
mod loopback;
mod ntlm_acceptor;
mod ntlm_messages;
mod ntlm_protection;
mod ntlm_vectors;
mod support;
