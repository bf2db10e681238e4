//! Revocation lists: make, store, publish.

use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::Duration;

use der::Decode;
use rusqlite::{OptionalExtension, params};
use serde_json::json;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::CrlNumber;

use super::{Authority, Error};
use crate::audit::{Caller, Event};
use crate::control::CrlSummary;
use crate::durable;
use crate::filetime::FileTime;
use crate::revocation_list::{self, Entry};

/// CPF_BASE
const BASE: i64 = 0x1;
/// CPF_COMPLETE
const COMPLETE: i64 = 0x4;
/// CPF_MANUAL
const MANUAL: i64 = 0x40;
/// CPF_FILE_ERROR
const FILE_ERROR: i64 = 0x200;
/// ERROR_WRITE_FAULT as HRESULT: the file could not be written.
const WRITE_FAULT: i64 = 0x8007_001D;

impl Authority {
    /// Makes a new list with the next number, stores it, and publishes it as `crl/<name>.crl`, [MS-CSRA] 3.1.4.1.6.
    ///
    /// # Errors
    /// [`Error::KeyClosed`], [`Error::Issue`], [`Error::Database`], or [`Error::Io`] when the file cannot be written: the
    /// list is in the database then, and the next start publishes it.
    pub fn publish_crl(&self, caller: &Caller) -> Result<CrlSummary, Error> {
        let issuer = self.issuer()?;
        // One list at a time: two of them must not have the same number.
        let _turn = self.crl_turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = FileTime::now();
        let (last_number, entries) = self.read(move |connection| {
            let (number, last_update): (Option<u32>, Option<i64>) =
                connection.query_row("SELECT MAX(CRLNumber), MAX(CRLThisUpdate) FROM CRLs", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            // A revoked certificate stays until it has been in one list that was made after it expired, RFC 5280 3.3.
            let expired_since = last_update.unwrap_or(now.0).min(now.0);
            let mut statement = connection.prepare_cached(
                "SELECT c.SerialNumber, r.RevokedEffectiveWhen, r.RevokedReason FROM Requests r
                 JOIN Certificates c ON c.RequestID = r.RequestID
                 WHERE r.Disposition = 21 AND r.RevokedEffectiveWhen <= ?1 AND r.RevokedReason <> 8
                 AND (c.NotAfter >= ?2 OR c.PublishExpiredCertInCRL = 1) ORDER BY r.RequestID",
            )?;
            let rows = statement.query_map(params![now.0, expired_since], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })?;
            let mut entries = Vec::new();
            for row in rows {
                let (serial, when, reason) = row?;
                let corrupt = || Error::Corrupt { what: format!("revocation of {serial}") };
                entries.push(Entry {
                    serial: hex::decode(&serial).map_err(|_| corrupt())?,
                    when: FileTime(when),
                    reason: u8::try_from(reason).map_err(|_| corrupt())?,
                });
            }
            Ok((number.unwrap_or(0), entries))
        })?;
        // After a restore to an earlier time the database may know less than what has been published.
        let number = last_number.max(self.published_number()).saturating_add(1);
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3600);
        let period = hours(self.configuration.crl.period_hours);
        let this_update = now.minus(Duration::from_secs(u64::from(self.configuration.issuing.clock_skew_minutes) * 60));
        let next_publish = now.plus(period);
        let next_update = next_publish.plus(hours(self.configuration.crl.overlap_hours));
        let der = revocation_list::build(&issuer, number, this_update, next_update, &entries)?;

        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let raw = der.clone();
        let flags = BASE | if *caller == Caller::Server { 0 } else { MANUAL };
        let row = self.write(move |transaction| {
            transaction.execute(
                "INSERT INTO CRLs (CRLNumber, CRLMinBase, CRLNameId, CRLCount, CRLThisUpdate, CRLNextUpdate,
                 CRLThisPublish, CRLNextPublish, CRLPropagationComplete, CRLPublishAttempts, CRLPublishFlags,
                 CRLPublishStatusCode, CRLRawCRL)
                 VALUES (?1, 0, 0, ?2, ?3, ?4, ?5, ?6, ?5, 0, ?7, 0, ?8)",
                params![number, count, this_update.0, next_update.0, now.0, next_publish.0, flags, raw],
            )?;
            Ok(transaction.last_insert_rowid())
        })?;
        self.write_crl_file(row, flags, &der)?;
        let summary = CrlSummary {
            number,
            count,
            this_update: this_update.rfc3339(),
            next_update: next_update.rfc3339(),
            file: self.crl_file().display().to_string(),
        };
        self.record(Event::CrlPublished, caller, json!({ "number": number, "count": count }))?;
        Ok(summary)
    }

    /// Publishes the newest stored list again when the file does not show it: after a crash between the two.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Io`].
    pub fn republish_crl(&self) -> Result<(), Error> {
        let newest = self.read(|connection| {
            Ok(connection
                .query_row(
                    "SELECT CRLRowId, CRLNumber, CRLPublishFlags, CRLRawCRL FROM CRLs ORDER BY CRLNumber DESC LIMIT 1",
                    [],
                    |row| {
                        Ok((
                            row.get::<_, i64>(0)?,
                            row.get::<_, u32>(1)?,
                            row.get::<_, i64>(2)?,
                            row.get::<_, Vec<u8>>(3)?,
                        ))
                    },
                )
                .optional()?)
        })?;
        match newest {
            Some((row, number, flags, der)) if number > self.published_number() => {
                self.write_crl_file(row, flags & (BASE | MANUAL), &der)
            }
            _ => Ok(()),
        }
    }

    /// When the next list is due; `None` when there has been none.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn next_crl_publish(&self) -> Result<Option<FileTime>, Error> {
        self.read(|connection| {
            let next = connection.query_row("SELECT MAX(CRLNextPublish) FROM CRLs", [], |row| row.get(0))?;
            Ok(Option::<i64>::map(next, FileTime))
        })
    }

    /// The newest list in DER.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn newest_crl(&self) -> Result<Option<Vec<u8>>, Error> {
        self.read(|connection| {
            Ok(connection
                .query_row("SELECT CRLRawCRL FROM CRLs ORDER BY CRLNumber DESC LIMIT 1", [], |row| row.get(0))
                .optional()?)
        })
    }

    /// What `status` says about the newest list.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn newest_crl_summary(&self) -> Result<Option<CrlSummary>, Error> {
        let file = self.crl_file().display().to_string();
        self.read(move |connection| {
            let summary = connection
                .query_row(
                    "SELECT CRLNumber, CRLCount, CRLThisUpdate, CRLNextUpdate FROM CRLs
                     ORDER BY CRLNumber DESC LIMIT 1",
                    [],
                    |row| {
                        Ok(CrlSummary {
                            number: row.get(0)?,
                            count: row.get(1)?,
                            this_update: FileTime(row.get(2)?).rfc3339(),
                            next_update: FileTime(row.get(3)?).rfc3339(),
                            file,
                        })
                    },
                )
                .optional()?;
            Ok(summary)
        })
    }

    /// The published file.
    pub fn crl_file(&self) -> PathBuf {
        self.directory.crls().join(format!("{}.crl", self.sanitized_name()))
    }

    fn write_crl_file(&self, row: i64, flags: i64, der: &[u8]) -> Result<(), Error> {
        let path = self.crl_file();
        let written = durable::replace(&path, der, 0o644);
        let (flags, status, problem) = match &written {
            Ok(()) => (flags | COMPLETE, 0, None),
            Err(error) => (flags | FILE_ERROR, WRITE_FAULT, Some(format!("{}: {error}", path.display()))),
        };
        self.write(move |transaction| {
            transaction.execute(
                "UPDATE CRLs SET CRLPublishFlags = ?2, CRLPublishStatusCode = ?3, CRLPublishError = ?4,
                 CRLLastPublish = ?5, CRLPublishAttempts = CRLPublishAttempts + 1 WHERE CRLRowId = ?1",
                params![row, flags, status, problem, FileTime::now().0],
            )?;
            Ok(())
        })?;
        written.map_err(|source| Error::Io { path, source })
    }

    /// The number of the published file; 0 when there is none, or none that can be read.
    fn published_number(&self) -> u32 {
        let Ok(der) = std::fs::read(self.crl_file()) else { return 0 };
        let Ok(list) = <CertificateList>::from_der(&der) else { return 0 };
        let extensions = list.tbs_cert_list.crl_extensions.unwrap_or_default();
        let number = extensions
            .iter()
            .find(|extension| extension.extn_id == <CrlNumber as der::oid::AssociatedOid>::OID)
            .and_then(|extension| CrlNumber::from_der(extension.extn_value.as_bytes()).ok());
        let bytes = number.as_ref().map_or(&[][..], |number| number.0.as_bytes());
        bytes.iter().try_fold(0_u32, |value, &byte| value.checked_mul(256)?.checked_add(byte.into())).unwrap_or(0)
    }
}
