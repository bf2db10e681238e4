//! Sets of Windows CAs: an ESE database and its logs.
//!
//! [`inspect`] reads every byte once and applies the rules of ESE; [`Replay`] rolls the logs forward over the database, which
//! stays as it is, and takes back what never committed; [`proof`] puts both together, checks the trees that came out, and
//! says what a restore would come to.

mod advice;
mod inspect;
pub mod layout;
mod pages;
pub mod proof;
mod replay;
mod spill;

pub(crate) use advice::{Advice, advice};
pub use inspect::{Inspection, inspect};
pub use pages::Pages;
pub use replay::{Reach, Replay};

use std::path::{Path, PathBuf};

use crate::source::LogFile;

/// The files of a set, and where work on them may be done.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    /// The copy of the database.
    pub database: Option<&'a PathBuf>,
    /// The logs, ascending.
    pub logs: &'a [LogFile],
    /// Directory for changed pages that memory has no room for; that for temporary files, if not said.
    pub scratch: Option<&'a Path>,
}

/// What is read at once.
const BLOCK: usize = 1 << 20;
