//! Backs up, verifies and restores certification authorities from Linux, and proves that every backup restores.
//!
//! This library is the program `cabak` in pieces that tests can hold; `docs/cabak.md` is its manual. The way through it
//! is [`cli`] → [`command`] → one module per command: [`preflight`], [`scenario`] (backup), [`verify`], [`restore`],
//! [`snapshots`], and [`contents`] (what is in a set). They share [`medium`] (where sets are kept), [`source`] (what a set is, wherever it
//! comes from), [`manifest`] (what a set says about itself), [`chain`]
//! (which sets belong together), [`table`] (the functions of Certadm.dll, built in or loaded), and [`output`], [`exit`], [`interrupt`], [`credentials`], [`moment`].
//!
//! Three rules hold everywhere: a set becomes visible in one step and only when it is durable and verified; a name from
//! a server never becomes a path except by its last component; and logs leave the CA last of all.

pub mod chain;
pub mod cli;
pub mod command;
pub mod contents;
pub mod credentials;
pub mod exit;
pub mod interrupt;
pub mod manifest;
pub mod medium;
pub mod moment;
pub mod output;
mod platform;
pub mod preflight;
pub mod recover;
pub mod restore;
pub mod scenario;
pub mod snapshots;
pub mod source;
pub mod table;
mod target;
pub mod verify;
pub mod windows;

pub use command::{run, usage_error};
pub use exit::Exit;
