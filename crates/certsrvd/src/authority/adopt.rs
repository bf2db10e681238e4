//! Taking the database as it is now, whatever its logs say.

use std::path::PathBuf;

use certdb::{Database, OpenError};
use serde_json::json;

use super::{Error, database_options};
use crate::audit::{AuditLog, Caller, Event};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;

/// A database that was adopted. The next backup has to be full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The database.
    pub database: PathBuf,
    /// Generation with which its logs begin anew.
    pub generation: u32,
    /// Where its earlier logs are now, when there were any. They do not lead to the database as it is.
    pub earlier_logs: Option<PathBuf>,
    /// Why it could not be opened.
    pub reason: String,
}

/// Adopts the database of the CA in `directory`: it begins new logs, and the earlier ones are moved aside. The caller holds
/// the lock of the data directory, and no restore is registered.
///
/// # Errors
/// [`Error::NothingToAdopt`] for a database that goes with its logs, [`Error::Open`] for one that is missing, damaged or in
/// use, [`Error::Audit`].
pub fn adopt(directory: &DataDirectory, configuration: &Configuration, caller: &Caller) -> Result<Adopted, Error> {
    let open_error = |source| Error::open(directory, source);
    let audit = AuditLog::open(&directory.audit()).map_err(|source| Error::Io { path: directory.audit(), source })?;
    let options = database_options(configuration, directory);
    let reason = match Database::open(&directory.database(), &options) {
        Ok(database) => {
            database.close().map_err(|stop| Error::Database(stop.into()))?;
            return Err(Error::NothingToAdopt { path: directory.database().join(options.database_name) });
        }
        Err(error) if is_adoptable(&error) => error.to_string(),
        Err(error) => return Err(open_error(error)),
    };
    let database = Database::adopt(&directory.database(), &options).map_err(open_error)?;
    let generation = database.status().current;
    let aside = options.log_directory.join(format!("before-{:05x}", generation.0));
    let adopted = Adopted {
        database: database.path().to_owned(),
        generation: generation.0,
        earlier_logs: aside.is_dir().then_some(aside),
        reason,
    };
    database.close().map_err(|stop| Error::Database(stop.into()))?;
    let details = json!({
        "reason": adopted.reason,
        "generation": adopted.generation,
        "earlier_logs": adopted.earlier_logs,
    });
    audit.record(Event::DatabaseAdopted, caller, details).map_err(Error::Audit)?;
    Ok(adopted)
}

/// Whether the database file is whole and only its logs do not lead to it.
pub(super) fn is_adoptable(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Restored { .. }
            | OpenError::LogsMissing { .. }
            | OpenError::ForeignLog { .. }
            | OpenError::LogDamaged { .. }
            | OpenError::LogTooShort { .. }
            | OpenError::EditedOffline { .. }
            | OpenError::WalDoesNotFollow { .. }
    )
}
