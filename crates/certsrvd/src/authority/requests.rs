//! Requests: submit, list, approve, deny.

use der::EncodePem;
use der::pem::LineEnding;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::json;
use x509_cert::certificate::Certificate;

use super::rows::{NewRequest, insert_certificate};
use super::{Authority, Error};
use crate::audit::{Caller, Event};
use crate::certificate::{Issuer, serial_text};
use crate::configuration::RequestDisposition;
use crate::control::{RequestSummary, Submitted};
use crate::disposition::Disposition;
use crate::filetime::FileTime;
use crate::pkcs10::CertificationRequest;
use crate::policy::{self, Grant};

/// CERTSRV_E_ADMIN_DENIED_REQUEST
const ADMIN_DENIED: u32 = 0x8009_4014;
/// CERTSRV_E_BAD_REQUESTSUBJECT and its like all mean: the policy does not grant it.
const POLICY_DENIED: u32 = 0x8009_4801;
/// Longest attribute name and value, in characters: half the bytes of the columns.
const ATTRIBUTE_LIMITS: (usize, usize) = (127, 4096);
/// Most attributes of one request.
const MAXIMUM_ATTRIBUTES: usize = 64;

impl Authority {
    /// Takes a request in, and issues the certificate at once when the configuration says so.
    ///
    /// A request that the policy refuses is kept with the state [`Disposition::Failed`]; one that is none is an error.
    ///
    /// # Errors
    /// [`Error::Request`], [`Error::KeyClosed`], [`Error::Issue`], [`Error::Database`].
    pub fn submit(&self, caller: &Caller, content: &[u8], attributes: &[String]) -> Result<Submitted, Error> {
        let request = CertificationRequest::parse(content)?;
        let attributes = parse_attributes(attributes)?;
        let now = FileTime::now();
        let submitted = match policy::examine(&request, &self.configuration.issuing) {
            Err(refusal) => {
                let message = format!("Denied by the policy: {refusal}");
                self.insert_request(caller, request, attributes, Disposition::Failed, POLICY_DENIED, message, now)?
            }
            Ok(_) if self.configuration.issuing.request_disposition == RequestDisposition::Pending => {
                let message = "Taken Under Submission".to_owned();
                self.insert_request(caller, request, attributes, Disposition::Pending, 0, message, now)?
            }
            Ok(grant) => {
                let certificate = self.issuer()?.issue(request.subject(), request.public_key(), &grant, now)?;
                self.insert_issued(caller, request, attributes, grant, certificate, now)?
            }
        };
        let event = match submitted.disposition {
            Disposition::Issued => Event::CertificateIssued,
            Disposition::Pending => Event::RequestPending,
            _ => Event::RequestDenied,
        };
        self.record(event, caller, details(&submitted))?;
        Ok(submitted)
    }

    /// Issues the certificate of a request that waits. A denied one is considered again.
    ///
    /// # Errors
    /// [`Error::NoSuchRequest`], [`Error::WrongDisposition`], and those of [`Authority::submit`].
    pub fn approve(&self, caller: &Caller, id: i64) -> Result<Submitted, Error> {
        let (disposition, raw) = self.read(move |connection| {
            connection
                .query_row("SELECT Disposition, RawRequest FROM Requests WHERE RequestID = ?1", [id], |row| {
                    Ok((row.get::<_, Disposition>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
                })
                .optional()?
                .ok_or(Error::NoSuchRequest { id })
        })?;
        check_open(id, disposition)?;
        let raw = raw.ok_or_else(|| Error::Corrupt { what: format!("request {id} has no RawRequest") })?;
        let request = CertificationRequest::parse(&raw)?;
        let now = FileTime::now();
        let grant = policy::examine(&request, &self.configuration.issuing)
            .map_err(|refusal| Error::Argument { problem: format!("the policy refuses request {id}: {refusal}") })?;
        let certificate = self.issuer()?.issue(request.subject(), request.public_key(), &grant, now)?;
        let submitted = issued(id, &certificate)?;
        let message = submitted.message.clone();
        self.write(move |transaction| {
            let template = transaction
                .query_row(
                    "SELECT AttributeValue FROM RequestAttributes
                     WHERE AttributeRequestId = ?1 AND AttributeName = 'CertificateTemplate'",
                    [id],
                    |row| row.get::<_, Option<String>>(0),
                )
                .optional()?
                .flatten();
            // Somebody may have decided since it was read.
            let changed = transaction.execute(
                "UPDATE Requests SET Disposition = ?2, StatusCode = 0, DispositionMessage = ?3, ResolvedWhen = ?4
                 WHERE RequestID = ?1 AND Disposition IN (9, 31)",
                params![id, Disposition::Issued, message, now.0],
            )?;
            if changed == 0 {
                return Err(not_open(id, Disposition::Issued));
            }
            insert_certificate(transaction, id, &certificate, request.key_facts(), Some(&grant), template.as_deref())
        })?;
        self.record(Event::CertificateIssued, caller, details(&submitted))?;
        Ok(submitted)
    }

    /// Refuses a request that waits, [MS-CSRA] 3.1.4.1.4.
    ///
    /// # Errors
    /// [`Error::NoSuchRequest`], [`Error::WrongDisposition`], [`Error::Database`].
    pub fn deny(&self, caller: &Caller, id: i64) -> Result<Submitted, Error> {
        let message = format!("Denied by {}", caller.name());
        let submitted = Submitted {
            request_id: id,
            disposition: Disposition::Denied,
            message: message.clone(),
            serial: None,
            pem: None,
        };
        self.write(move |transaction| {
            let disposition: Disposition = transaction
                .query_row("SELECT Disposition FROM Requests WHERE RequestID = ?1", [id], |row| row.get(0))
                .optional()?
                .ok_or(Error::NoSuchRequest { id })?;
            if disposition != Disposition::Pending {
                return Err(Error::WrongDisposition { id, disposition, required: "pending", action: "denied" });
            }
            transaction.execute(
                "UPDATE Requests SET Disposition = ?2, StatusCode = ?3, DispositionMessage = ?4, ResolvedWhen = ?5
                 WHERE RequestID = ?1",
                params![id, Disposition::Denied, ADMIN_DENIED, message, FileTime::now().0],
            )?;
            Ok(())
        })?;
        self.record(Event::RequestDenied, caller, details(&submitted))?;
        Ok(submitted)
    }

    /// Lists requests behind number `after`, at most `limit` of them. The CA's own certificate is not among them.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn requests(&self, only: Option<Disposition>, after: i64, limit: u32) -> Result<Vec<RequestSummary>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT RequestID, Disposition, DispositionMessage, SubmittedWhen, RequesterName, DistinguishedName
                 FROM Requests WHERE RequestID > ?1 AND Disposition <> 15 AND (?2 IS NULL OR Disposition = ?2)
                 ORDER BY RequestID LIMIT ?3",
            )?;
            let rows = statement.query_map(params![after, only, limit.min(MAXIMUM_ROWS)], request_summary)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    #[expect(clippy::too_many_arguments, reason = "each is a column")]
    fn insert_request(
        &self,
        caller: &Caller,
        request: CertificationRequest,
        attributes: Vec<(String, String)>,
        disposition: Disposition,
        status: u32,
        message: String,
        now: FileTime,
    ) -> Result<Submitted, Error> {
        let caller = caller.name();
        let text = message.clone();
        let request_id = self.write(move |transaction| {
            let row = NewRequest {
                request: Some(&request),
                subject: request.subject(),
                attributes: &attributes,
                disposition,
                status,
                message: &text,
                caller: &caller,
                now,
            };
            row.insert(transaction)
        })?;
        Ok(Submitted { request_id, disposition, message, serial: None, pem: None })
    }

    fn insert_issued(
        &self,
        caller: &Caller,
        request: CertificationRequest,
        attributes: Vec<(String, String)>,
        grant: Grant,
        certificate: Certificate,
        now: FileTime,
    ) -> Result<Submitted, Error> {
        let mut submitted = issued(0, &certificate)?;
        let caller = caller.name();
        let message = submitted.message.clone();
        submitted.request_id = self.write(move |transaction| {
            let row = NewRequest {
                request: Some(&request),
                subject: request.subject(),
                attributes: &attributes,
                disposition: Disposition::Issued,
                status: 0,
                message: &message,
                caller: &caller,
                now,
            };
            let id = row.insert(transaction)?;
            let template = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case("CertificateTemplate"));
            let template = template.map(|(_, value)| value.as_str());
            insert_certificate(transaction, id, &certificate, request.key_facts(), Some(&grant), template)?;
            Ok(id)
        })?;
        Ok(submitted)
    }

    /// The CA as an issuer.
    ///
    /// # Errors
    /// [`Error::KeyClosed`].
    pub(super) fn issuer(&self) -> Result<Issuer<'_>, Error> {
        Ok(Issuer {
            certificate: &self.certificate,
            key: self.key.as_ref().ok_or(Error::KeyClosed)?,
            issuing: &self.configuration.issuing,
        })
    }
}

/// Most rows of one answer.
pub(super) const MAXIMUM_ROWS: u32 = 1000;

fn issued(request_id: i64, certificate: &Certificate) -> Result<Submitted, Error> {
    Ok(Submitted {
        request_id,
        disposition: Disposition::Issued,
        message: "Issued".to_owned(),
        serial: Some(serial_text(certificate)),
        pem: Some(certificate.to_pem(LineEnding::LF).map_err(|error| Error::Issue(error.into()))?),
    })
}

fn details(submitted: &Submitted) -> serde_json::Value {
    json!({
        "request_id": submitted.request_id,
        "disposition": submitted.disposition,
        "message": submitted.message,
        "serial": submitted.serial,
    })
}

fn check_open(id: i64, disposition: Disposition) -> Result<(), Error> {
    match disposition {
        Disposition::Pending | Disposition::Denied => Ok(()),
        other => Err(not_open(id, other)),
    }
}

fn not_open(id: i64, disposition: Disposition) -> Error {
    Error::WrongDisposition { id, disposition, required: "pending or denied", action: "approved" }
}

fn request_summary(row: &Row<'_>) -> rusqlite::Result<RequestSummary> {
    Ok(RequestSummary {
        request_id: row.get(0)?,
        disposition: row.get(1)?,
        message: row.get(2)?,
        submitted: row.get::<_, Option<i64>>(3)?.map(|time| FileTime(time).rfc3339()),
        requester: row.get(4)?,
        subject: row.get(5)?,
    })
}

/// Request attributes, [MS-WCCE] 2.2.2.7: `name:value`.
fn parse_attributes(attributes: &[String]) -> Result<Vec<(String, String)>, Error> {
    if attributes.len() > MAXIMUM_ATTRIBUTES {
        return Err(Error::Argument { problem: format!("more than {MAXIMUM_ATTRIBUTES} request attributes") });
    }
    let parse = |attribute: &String| {
        let problem = || Error::Argument { problem: format!("{attribute:?} is no request attribute (name:value)") };
        let (name, value) = attribute.split_once(':').ok_or_else(problem)?;
        let (name, value) = (name.trim(), value.trim());
        let (longest_name, longest_value) = ATTRIBUTE_LIMITS;
        let fits = name.chars().count() <= longest_name && value.chars().count() <= longest_value;
        if name.is_empty() || !fits || attribute.chars().any(char::is_control) {
            return Err(problem());
        }
        Ok((name.to_owned(), value.to_owned()))
    };
    attributes.iter().map(parse).collect()
}
