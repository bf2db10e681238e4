//! A certification authority for Linux with a database that backs up over MS-CSRA.
//!
//! The program `certsrvd` is [`cli::main`]; everything else is here so that it can be tested. What an administrator needs to
//! know is in `docs/certsrvd.md`.
//!
//! | from the outside in | |
//! |---|---|
//! | [`cli`] | arguments, where a CA is found, what is printed, exit codes |
//! | [`serve`], [`stop`] | the running server: its threads, and how it ends |
//! | [`restore`] | what happens before it answers: a registered restore |
//! | [`control`] | the questions that can be asked, and the socket that carries them |
//! | [`object`], `unc` | the CA as a DCOM object: ICertAdminD and ICertAdminD2 over the network; its names of files |
//! | [`authority`] | the CA: every operation, one transaction each, in the tables of AD CS ([`disposition`], [`subject`]) |
//! | [`pkcs10`], [`policy`] | requests, and whether they are granted |
//! | [`certificate`], [`revocation_list`], [`key`] | what is signed, and with what |
//! | [`accounts`], [`lockout`], [`passphrase`] | who may log on, and the secret of the key |
//! | [`configuration`], [`data_directory`], [`durable`], [`filetime`] | files and their forms |
//! | [`audit`], [`failure`] | what is written down, and what is told |
//!
//! Commands and the control socket go one way: a [`control::Request`] that [`authority::Authority::execute`] answers, in the
//! server while it runs, otherwise in the command itself. Whoever opens an [`authority::Authority`] holds the lock of its data
//! directory.

pub mod accounts;
pub mod audit;
pub mod authority;
pub mod certificate;
pub mod cli;
pub mod configuration;
pub mod control;
pub mod data_directory;
pub mod disposition;
pub mod durable;
pub mod failure;
pub mod filetime;
pub mod key;
pub mod lockout;
pub mod object;
pub mod passphrase;
pub mod pkcs10;
pub mod policy;
pub mod restore;
pub mod revocation_list;
pub mod serve;
pub mod stop;
pub mod subject;

mod unc;
