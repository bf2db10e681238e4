//! What certsrvd does, by subject. `openssl` judges what it issues: `apt install openssl`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod access;
mod accounts;
mod adopt;
mod audit;
mod command_line;
mod configuration;
mod control;
mod crash;
mod crl;
mod init;
mod keys;
mod listen;
mod network;
mod passphrase;
mod place;
mod policy;
mod requests;
mod restore;
mod revocation;
mod schema;
mod wording;
