//! One module a subject, one test a rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod adopt;
mod backup_session;
mod bed;
mod circular;
mod commit;
mod damage;
mod fifty_thousand;
mod generations;
mod large;
mod offline_edit;
mod recovery;
mod salvage;
mod seeds;
mod stop;
