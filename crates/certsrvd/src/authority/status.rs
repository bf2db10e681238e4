//! `status`: what an administrator looks at first.

use sha2::{Digest, Sha256};

use super::{Authority, Error, database_options};
use crate::certificate::validity_of;
use crate::control::{DatabaseStatus, Status};
use crate::disposition::Disposition;

impl Authority {
    /// What is known about the CA.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Accounts`].
    pub fn status(&self) -> Result<Status, Error> {
        let requests = self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT Disposition, COUNT(*) FROM Requests WHERE Disposition <> 15 GROUP BY 1")?;
            let rows = statement
                .query_map([], |row| Ok((row.get::<_, Disposition>(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        let database = self.database.status();
        let file = self.directory.database().join(database_options(&self.configuration, &self.directory).database_name);
        let accounts = self.accounts.list()?.accounts.len();
        Ok(Status {
            authority: self.name().to_owned(),
            running: self.addresses.get().is_some(),
            endpoint_mapper: self.addresses.get().map(|(endpoint_mapper, _)| endpoint_mapper.to_string()),
            object: self.addresses.get().map(|(_, object)| object.to_string()),
            not_after: validity_of(&self.certificate).1.rfc3339(),
            fingerprint: hex::encode(Sha256::digest(&self.certificate_der)),
            requests,
            crl: self.newest_crl_summary()?,
            database: DatabaseStatus {
                file: file.display().to_string(),
                log_generation: database.current.0,
                circular_logging: self.configuration.database.circular_logging,
                backup_in_progress: database.backup_running,
                full_backup_required: database.full_required.as_ref().map(ToString::to_string),
                stopped: database.stopped.as_ref().map(ToString::to_string),
            },
            accounts: u64::try_from(accounts).unwrap_or(u64::MAX),
        })
    }
}
