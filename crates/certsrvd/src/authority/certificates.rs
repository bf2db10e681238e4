//! Certificates: list, show, revoke, release.

use der::EncodePem;
use der::pem::LineEnding;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::json;
use x509_cert::certificate::Certificate;

use super::requests::MAXIMUM_ROWS;
use super::{Authority, Error};
use crate::audit::{Caller, Event};
use crate::control::CertificateSummary;
use crate::disposition::{Disposition, RevocationReason};
use crate::filetime::FileTime;

/// The columns that [`summary`] reads.
const SUMMARY: &str = "c.RequestID, r.Disposition, c.SerialNumber, c.DistinguishedName, c.NotBefore, c.NotAfter,
    c.CertificateHash, r.RevokedEffectiveWhen, r.RevokedReason";
/// The value of RevokedReason after a release from hold: 0xFFFFFFFF in a column of signed longs.
const RELEASED: i64 = -1;
/// The value of RevokedReason of a certificate on hold.
const HOLD: i64 = RevocationReason::CertificateHold.number() as i64;
/// RevokedReason without a reason.
const UNSPECIFIED: i64 = RevocationReason::Unspecified.number() as i64;

impl Authority {
    /// Lists certificates of requests behind number `after`, at most `limit` of them.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn certificates(
        &self,
        only: Option<Disposition>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<CertificateSummary>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {SUMMARY} FROM Certificates c JOIN Requests r ON r.RequestID = c.RequestID
                 WHERE c.RequestID > ?1 AND c.SerialNumber IS NOT NULL AND (?2 IS NULL OR r.Disposition = ?2)
                 ORDER BY c.RequestID LIMIT ?3"
            ))?;
            let rows = statement.query_map(params![after, only, limit.min(MAXIMUM_ROWS)], summary)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One certificate with its PEM, by serial number or, when `by_request`, by the number of its request.
    ///
    /// # Errors
    /// [`Error::NoSuchCertificate`], [`Error::NoSuchRequest`], [`Error::Argument`], [`Error::Database`].
    pub fn certificate_of(&self, selector: &str, by_request: bool) -> Result<(CertificateSummary, String), Error> {
        let (column, key, missing): (_, Box<dyn rusqlite::ToSql + Send + Sync>, _) = if by_request {
            let problem = format!("{selector:?} is no request number");
            let id: i64 = selector.parse().map_err(|_| Error::Argument { problem })?;
            ("c.RequestID", Box::new(id), Error::NoSuchRequest { id })
        } else {
            let serial = normal_serial(selector)?;
            ("c.SerialNumber", Box::new(serial.clone()), Error::NoSuchCertificate { serial })
        };
        let (summary, der) = self
            .read(move |connection| {
                let mut statement = connection.prepare_cached(&format!(
                    "SELECT {SUMMARY}, c.RawCertificate FROM Certificates c
                     JOIN Requests r ON r.RequestID = c.RequestID WHERE {column} = ?1"
                ))?;
                let found = statement.query_row([key], |row| Ok((summary(row)?, row.get::<_, Vec<u8>>(9)?)));
                Ok(found.optional()?)
            })?
            .ok_or(missing)?;
        let corrupt = |_| Error::Corrupt { what: format!("RawCertificate of request {}", summary.request_id) };
        let certificate = <Certificate as der::Decode>::from_der(&der).map_err(corrupt)?;
        let pem = certificate.to_pem(LineEnding::LF).map_err(corrupt)?;
        Ok((summary, pem))
    }

    /// Revokes a certificate, [MS-CSRA] 3.1.4.1.8. The next CRL names it. A certificate that is revoked already gets the
    /// new reason and date.
    ///
    /// # Errors
    /// [`Error::NoSuchCertificate`], [`Error::WrongDisposition`], [`Error::RevokedForGood`], [`Error::ReasonKept`],
    /// [`Error::Database`].
    pub fn revoke(
        &self,
        caller: &Caller,
        serial: &str,
        reason: RevocationReason,
        when: Option<FileTime>,
    ) -> Result<(), Error> {
        let when = when.unwrap_or_else(FileTime::now);
        let hold = reason == RevocationReason::CertificateHold;
        let unspecified = reason == RevocationReason::Unspecified;
        let change = Change { disposition: Disposition::Revoked, reason: reason.number().into(), when };
        let serial = self.change_revocation(caller, serial, change, move |serial, row| match row {
            (Disposition::Issued, _) => Ok(()),
            (Disposition::Revoked, Some(old)) if hold && old != HOLD => {
                Err(Error::RevokedForGood { serial: serial.to_owned() })
            }
            (Disposition::Revoked, Some(old)) if unspecified && old != HOLD && old != UNSPECIFIED => {
                Err(Error::ReasonKept { serial: serial.to_owned() })
            }
            _ => Ok(()),
        })?;
        let details = json!({ "serial": serial, "reason": reason, "effective": when.rfc3339() });
        self.record(Event::CertificateRevoked, caller, details)
    }

    /// Releases a certificate from hold, [MS-CSRA] 3.1.4.1.8 with reason 0xFFFFFFFF.
    ///
    /// # Errors
    /// [`Error::NoSuchCertificate`], [`Error::NotOnHold`], [`Error::Database`].
    pub fn release(&self, caller: &Caller, serial: &str) -> Result<(), Error> {
        let change = Change { disposition: Disposition::Issued, reason: RELEASED, when: FileTime::now() };
        let serial = self.change_revocation(caller, serial, change, |serial, row| match row {
            (Disposition::Revoked, Some(HOLD)) => Ok(()),
            _ => Err(Error::NotOnHold { serial: serial.to_owned() }),
        })?;
        self.record(Event::CertificateRevoked, caller, json!({ "serial": serial, "released": true }))
    }

    /// Returns the serial number as the database has it. `check` sees the row inside the transaction.
    fn change_revocation(
        &self,
        caller: &Caller,
        serial: &str,
        change: Change,
        check: impl FnOnce(&str, (Disposition, Option<i64>)) -> Result<(), Error> + Send + 'static,
    ) -> Result<String, Error> {
        let serial = normal_serial(serial)?;
        let message = format!("Revoked by {}", caller.name());
        self.write(move |transaction| {
            let (id, disposition, reason) = transaction
                .query_row(
                    "SELECT r.RequestID, r.Disposition, r.RevokedReason FROM Certificates c
                     JOIN Requests r ON r.RequestID = c.RequestID WHERE c.SerialNumber = ?1",
                    [&serial],
                    |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Disposition>(1)?, row.get::<_, Option<i64>>(2)?)),
                )
                .optional()?
                .ok_or_else(|| Error::NoSuchCertificate { serial: serial.clone() })?;
            if !matches!(disposition, Disposition::Issued | Disposition::Revoked) {
                return Err(Error::WrongDisposition { id, disposition, required: "issued", action: "revoked" });
            }
            check(&serial, (disposition, reason))?;
            transaction.execute(
                "UPDATE Requests SET Disposition = ?2, DispositionMessage = ?3, RevokedReason = ?4,
                 RevokedEffectiveWhen = ?5, RevokedWhen = ?6 WHERE RequestID = ?1",
                params![id, change.disposition, message, change.reason, change.when.0, FileTime::now().0],
            )?;
            Ok(serial)
        })
    }
}

#[derive(Clone, Copy)]
struct Change {
    disposition: Disposition,
    reason: i64,
    when: FileTime,
}

fn summary(row: &Row<'_>) -> rusqlite::Result<CertificateSummary> {
    let time =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(|time| FileTime(time).rfc3339()));
    let disposition = row.get(1)?;
    let is_revoked = disposition == Disposition::Revoked;
    Ok(CertificateSummary {
        request_id: row.get(0)?,
        disposition,
        serial: row.get(2)?,
        subject: row.get(3)?,
        not_before: time(4)?,
        not_after: time(5)?,
        hash: row.get(6)?,
        revoked: time(7)?.filter(|_| is_revoked),
        reason: row.get::<_, Option<i64>>(8)?.and_then(RevocationReason::from_number).filter(|_| is_revoked),
    })
}

/// A serial number as people write it (upper case, blanks, colons, leading zero bytes) in the form of the database.
fn normal_serial(text: &str) -> Result<String, Error> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ':')).collect::<String>().to_lowercase();
    if digits.is_empty() || digits.len() > 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Error::Argument { problem: format!("{text:?} is no serial number") });
    }
    let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
    let mut rest = digits.as_str();
    while rest.len() > 2 && rest.starts_with("00") {
        rest = &rest[2..];
    }
    Ok(rest.to_owned())
}
