//! Rows of the database: how certificates and requests are written into the columns of the AD CS schema.

use der::Encode;
use rusqlite::{Connection, ToSql, params};
use x509_cert::certificate::Certificate;
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use crate::authority::Error;
use crate::certificate::{serial_text, subject_key_identifier, validity_of};
use crate::disposition::Disposition;
use crate::filetime::FileTime;
use crate::pkcs10::{CertificationRequest, PublicKeyFacts};
use crate::policy::Grant;
use crate::subject::{COLUMNS, Columns};

/// CR_IN_PKCS10, the value of RequestType.
const PKCS10: i64 = 0x100;
/// CR_FLG_SUBJECTUNMODIFIED, the value of RequestFlags: the subject goes into the certificate as it came.
const SUBJECT_UNMODIFIED: i64 = 0x20;
/// EXTENSION_CRITICAL_FLAG
const CRITICAL: i64 = 0x1;
/// EXTENSION_DISABLE_FLAG: it was asked for and is not in the certificate.
const DISABLED: i64 = 0x2;
/// EXTENSION_ORIGIN_REQUEST
const FROM_REQUEST: i64 = 0x0001_0000;
/// EXTENSION_ORIGIN_POLICY
const FROM_POLICY: i64 = 0x0002_0000;
/// EXTENSION_ORIGIN_SERVER
const FROM_SERVER: i64 = 0x0004_0000;

/// A row of Requests that is about to be written.
pub(super) struct NewRequest<'a> {
    /// PKCS#10 in DER; `None` for the CA's own certificate.
    pub(super) request: Option<&'a CertificationRequest>,
    pub(super) subject: &'a Name,
    pub(super) attributes: &'a [(String, String)],
    pub(super) disposition: Disposition,
    pub(super) status: u32,
    pub(super) message: &'a str,
    pub(super) caller: &'a str,
    pub(super) now: FileTime,
}

impl NewRequest<'_> {
    /// Inserts the row with its attributes, and returns its number.
    pub(super) fn insert(&self, connection: &Connection) -> Result<i64, Error> {
        let name = Columns::of(self.subject).map_err(|error| Error::Issue(error.into()))?;
        let attributes: Vec<String> = self.attributes.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let attributes = (!attributes.is_empty()).then(|| attributes.join("\n"));
        let resolved = (self.disposition != Disposition::Pending).then_some(self.now.0);
        let raw_request = self.request.map(CertificationRequest::as_der);
        let request_type = self.request.map(|_| PKCS10);
        let mut columns = vec![
            "RawRequest",
            "RequestAttributes",
            "RequestType",
            "RequestFlags",
            "StatusCode",
            "Disposition",
            "DispositionMessage",
            "SubmittedWhen",
            "ResolvedWhen",
            "RequesterName",
            "CallerName",
            "DistinguishedName",
            "RawName",
        ];
        let mut values: Vec<&dyn ToSql> = vec![
            &raw_request,
            &attributes,
            &request_type,
            &SUBJECT_UNMODIFIED,
            &self.status,
            &self.disposition,
            &self.message,
            &self.now.0,
            &resolved,
            &self.caller,
            &self.caller,
            &name.distinguished_name,
            &name.raw_name,
        ];
        for ((column, _), part) in COLUMNS.iter().zip(&name.parts) {
            columns.push(column);
            values.push(part);
        }
        insert(connection, "Requests", &columns, &values)?;
        let id = connection.last_insert_rowid();
        for (name, value) in self.attributes {
            connection.execute(
                "INSERT OR REPLACE INTO RequestAttributes (AttributeRequestId, AttributeName, AttributeValue)
                 VALUES (?1, ?2, ?3)",
                params![id, name, value],
            )?;
        }
        Ok(id)
    }
}

/// Writes the row of Certificates and those of CertificateExtensions for an issued certificate.
pub(super) fn insert_certificate(
    connection: &Connection,
    id: i64,
    certificate: &Certificate,
    key: PublicKeyFacts,
    grant: Option<&Grant>,
    template: Option<&str>,
) -> Result<(), Error> {
    let encoding = |error: der::Error| Error::Issue(error.into());
    let body = certificate.tbs_certificate();
    let der = certificate.to_der().map_err(encoding)?;
    let name = Columns::of(body.subject()).map_err(encoding)?;
    let (not_before, not_after) = validity_of(certificate);
    let public_key = body.subject_public_key_info();
    let parameters = public_key.algorithm.parameters.as_ref().map(Encode::to_der).transpose().map_err(encoding)?;

    let hash = spaced_hex(&sha1_of(&der));
    let serial = serial_text(certificate);
    let identifier = spaced_hex(&subject_key_identifier(certificate));
    let algorithm = key.algorithm.to_string();
    let raw_key = public_key.subject_public_key.raw_bytes();
    let upn = grant.and_then(|grant| grant.upn.clone());
    let email = grant.and_then(|grant| grant.email.clone());
    let zero = 0_i64;
    let mut columns = vec![
        "RequestID",
        "RawCertificate",
        "CertificateHash",
        "CertificateTemplate",
        "EnrollmentFlags",
        "GeneralFlags",
        "PrivateKeyFlags",
        "SerialNumber",
        "IssuerNameId",
        "NotBefore",
        "NotAfter",
        "SubjectKeyIdentifier",
        "RawPublicKey",
        "PublicKeyLength",
        "PublicKeyAlgorithm",
        "RawPublicKeyAlgorithmParameters",
        "PublishExpiredCertInCRL",
        "UPN",
        "DistinguishedName",
        "RawName",
    ];
    let mut values: Vec<&dyn ToSql> = vec![
        &id,
        &der,
        &hash,
        &template,
        &zero,
        &zero,
        &zero,
        &serial,
        &zero,
        &not_before.0,
        &not_after.0,
        &identifier,
        &raw_key,
        &key.bits,
        &algorithm,
        &parameters,
        &zero,
        &upn,
        &name.distinguished_name,
        &name.raw_name,
    ];
    for ((column, _), part) in COLUMNS.iter().zip(&name.parts) {
        columns.push(column);
        // EMail is the rfc822Name of the alternative names where there is one, [MS-CSRA] 3.1.1.1.2.
        values.push(if *column == "EMail" && email.is_some() { &email } else { part });
    }
    insert(connection, "Certificates", &columns, &values)?;

    for extension in body.extensions().into_iter().flatten() {
        let origin = origin_of(extension, grant);
        insert_extension(connection, id, extension, origin)?;
    }
    for extension in grant.iter().flat_map(|grant| &grant.left_out) {
        insert_extension(connection, id, extension, FROM_REQUEST | DISABLED)?;
    }
    Ok(())
}

fn origin_of(extension: &Extension, grant: Option<&Grant>) -> i64 {
    use der::oid::db::rfc5280::{
        ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_DISTRIBUTION_POINTS, ID_CE_SUBJECT_ALT_NAME,
        ID_CE_SUBJECT_KEY_IDENTIFIER, ID_PE_AUTHORITY_INFO_ACCESS,
    };
    let server = [
        ID_CE_AUTHORITY_KEY_IDENTIFIER,
        ID_CE_SUBJECT_KEY_IDENTIFIER,
        ID_CE_CRL_DISTRIBUTION_POINTS,
        ID_PE_AUTHORITY_INFO_ACCESS,
    ];
    if grant.is_none() || server.contains(&extension.extn_id) {
        FROM_SERVER
    } else if extension.extn_id == ID_CE_SUBJECT_ALT_NAME {
        FROM_REQUEST
    } else {
        FROM_POLICY
    }
}

fn insert_extension(connection: &Connection, id: i64, extension: &Extension, flags: i64) -> Result<(), Error> {
    let flags = flags | if extension.critical { CRITICAL } else { 0 };
    connection.execute(
        "INSERT OR IGNORE INTO CertificateExtensions
         (ExtensionRequestId, ExtensionName, ExtensionFlags, ExtensionRawValue) VALUES (?1, ?2, ?3, ?4)",
        params![id, extension.extn_id.to_string(), flags, extension.extn_value.as_bytes()],
    )?;
    Ok(())
}

/// The names of tables and columns come from this file alone.
fn insert(connection: &Connection, table: &str, columns: &[&str], values: &[&dyn ToSql]) -> Result<(), Error> {
    let places = vec!["?"; columns.len()].join(", ");
    let statement = format!("INSERT INTO {table} ({}) VALUES ({places})", columns.join(", "));
    connection.prepare_cached(&statement)?.execute(values)?;
    Ok(())
}

/// Hexadecimal bytes with blanks between them, as Windows stores hashes.
fn spaced_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn sha1_of(bytes: &[u8]) -> [u8; 20] {
    use sha1::Digest;
    sha1::Sha1::digest(bytes).into()
}
