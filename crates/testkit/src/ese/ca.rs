//! The database of a Windows CA: the five tables of AD CS, and what a CA does with them.
//!
//! Columns of text are called `$…`, dates are FILETIMEs, hashes and serial numbers are text, as other programs that
//! read such databases report it. Nobody has published one to compare with.

use super::engine::Engine;
use super::format::Format;
use super::row::Row;
use super::schema::{Column, ColumnKind, Table};
use super::set::BackupSet;
use super::table::{RowKey, TableId};
use super::transaction::Session;

/// A request as the CA received it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// PKCS#10 or CMC in DER.
    pub raw: Vec<u8>,
    /// Who asked: `CONTOSO\alice`.
    pub requester: String,
    /// The common name that was asked for.
    pub common_name: String,
    /// Names and values of its attributes.
    pub attributes: Vec<(String, String)>,
    /// When: FILETIME.
    pub submitted: u64,
}

/// A certificate as the CA issues it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// X.509 in DER.
    pub raw: Vec<u8>,
    /// Hexadecimal, in lower case.
    pub serial: String,
    /// SHA-1 of it: pairs of digits with blanks between.
    pub hash: String,
    /// Name or object identifier of its template.
    pub template: String,
    /// The common name of its subject.
    pub common_name: String,
    /// FILETIME.
    pub not_before: u64,
    /// FILETIME.
    pub not_after: u64,
    /// Object identifiers, flags and values.
    pub extensions: Vec<(String, u32, Vec<u8>)>,
}

/// A revocation list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    /// CertificateList in DER.
    pub raw: Vec<u8>,
    /// Its number.
    pub number: u32,
    /// Entries in it.
    pub count: u32,
    /// FILETIME.
    pub this_update: u64,
    /// FILETIME.
    pub next_update: u64,
}

/// What became of a request, in numbers (`DB_DISP_…`).
pub mod disposition {
    /// It waits.
    pub const PENDING: u32 = 9;
    /// A certificate was issued.
    pub const ISSUED: u32 = 20;
    /// The certificate was revoked.
    pub const REVOKED: u32 = 21;
    /// It failed.
    pub const ERROR: u32 = 30;
    /// It was refused.
    pub const DENIED: u32 = 31;
}

/// The database of a CA.
#[derive(Clone, Debug)]
pub struct CaDatabase {
    /// The engine below, for flushes, backups and damage.
    pub engine: Engine,
    requests: TableId,
    certificates: TableId,
    attributes: TableId,
    extensions: TableId,
    crls: TableId,
    /// Keys of the rows of every request: in Requests and in Certificates.
    rows: Vec<(RowKey, RowKey)>,
}

/// The session of the CA.
const CA: Session = Session(7);
/// Another one, which leaves something undone.
const SLOW: Session = Session(8);
/// Segments of a log file: 1 MiB.
const SEGMENTS: u16 = 256;
/// Columns of names that Requests and Certificates have.
const NAMES: [&str; 16] = [
    "$Country",
    "$Organization",
    "$OrganizationalUnit",
    "$CommonName",
    "$Locality",
    "$StateOrProvince",
    "$Title",
    "$GivenName",
    "$Initials",
    "$SurName",
    "$DomainComponent",
    "$EMail",
    "$StreetAddress",
    "$UnstructuredName",
    "$UnstructuredAddress",
    "$DeviceSerialNumber",
];

impl CaDatabase {
    /// The empty database of the CA with this name.
    #[must_use]
    pub fn create(format: Format, name: &str, seed: u64) -> Self {
        Self::create_with(format, name, seed, SEGMENTS)
    }

    /// The same, with log files of another size in segments.
    #[must_use]
    pub fn create_with(format: Format, name: &str, seed: u64, segments: u16) -> Self {
        let path = format!(r"C:\Windows\system32\CertLog\{name}.edb");
        let mut engine = Engine::create(format, &path, seed, segments);
        let requests = engine.create_table(requests());
        let certificates = engine.create_table(certificates());
        let attributes = engine.create_table(attributes());
        let extensions = engine.create_table(extensions());
        let crls = engine.create_table(crls());
        CaDatabase { engine, requests, certificates, attributes, extensions, crls, rows: Vec::new() }
    }

    /// Takes a request in, which waits then; its number, from 1.
    pub fn submit(&mut self, request: &Request) -> u32 {
        self.engine.begin(CA);
        let id = self.write_request(CA, request);
        self.engine.commit(CA);
        id
    }

    /// Takes a request in, and never commits that: recovery has to roll it back. One such request at most, the last.
    pub fn submit_and_hang(&mut self, request: &Request) {
        self.engine.begin(SLOW);
        self.write_request(SLOW, request);
        self.rows.pop();
    }

    /// Issues the certificate of a request.
    pub fn issue(&mut self, id: u32, certificate: &Certificate, when: u64) {
        self.engine.begin(CA);
        self.settle(id, disposition::ISSUED, 0, "Issued", when);
        let mut row = Row::new();
        put(&mut row, "RawCertificate", &certificate.raw);
        put_text(&mut row, "$CertificateHash", &certificate.hash);
        put_text(&mut row, "$CertificateTemplate", &certificate.template);
        put_text(&mut row, "$SerialNumber", &certificate.serial);
        put(&mut row, "NotBefore", certificate.not_before.to_le_bytes());
        put(&mut row, "NotAfter", certificate.not_after.to_le_bytes());
        put_text(&mut row, "$DistinguishedName", &format!("CN={}", certificate.common_name));
        put_text(&mut row, "$CommonName", &certificate.common_name);
        let key = self.row(id).1.clone();
        self.engine.update_row(CA, self.certificates, &key, row);
        for (name, flags, value) in &certificate.extensions {
            let mut row = Row::new();
            put(&mut row, "RequestID", id.to_le_bytes());
            put_text(&mut row, "$ExtensionName", name);
            put(&mut row, "ExtensionFlags", flags.to_le_bytes());
            put(&mut row, "ExtensionRawValue", value);
            self.engine.insert_row(CA, self.extensions, row);
        }
        self.engine.commit(CA);
    }

    /// Refuses a request.
    pub fn deny(&mut self, id: u32, when: u64) {
        const DENIED_BY_OFFICER: u32 = 0x8009_4014;
        self.engine.begin(CA);
        self.settle(id, disposition::DENIED, DENIED_BY_OFFICER, "Denied by CONTOSO\\officer", when);
        self.engine.commit(CA);
    }

    /// A request fails with an HRESULT.
    pub fn fail(&mut self, id: u32, status: u32, when: u64) {
        self.engine.begin(CA);
        self.settle(id, disposition::ERROR, status, "Error Parsing Request", when);
        self.engine.commit(CA);
    }

    /// Revokes the certificate of a request.
    pub fn revoke(&mut self, id: u32, reason: u32, when: u64) {
        self.engine.begin(CA);
        let mut row = Row::new();
        put(&mut row, "Disposition", disposition::REVOKED.to_le_bytes());
        put_text(&mut row, "$DispositionMessage", "Revoked by CONTOSO\\officer");
        put(&mut row, "RevokedWhen", when.to_le_bytes());
        put(&mut row, "RevokedEffectiveWhen", when.to_le_bytes());
        put(&mut row, "RevokedReason", reason.to_le_bytes());
        let key = self.row(id).0.clone();
        self.engine.update_row(CA, self.requests, &key, row);
        self.engine.commit(CA);
    }

    /// Deletes the rows of a request, as `certutil -deleterow` does. Attributes and extensions stay.
    pub fn delete(&mut self, id: u32) {
        self.engine.begin(CA);
        let (request, certificate) = self.row(id).clone();
        self.engine.delete_row(CA, self.certificates, &certificate);
        self.engine.delete_row(CA, self.requests, &request);
        self.engine.commit(CA);
    }

    /// Publishes a revocation list.
    pub fn publish(&mut self, list: &RevocationList) {
        self.engine.begin(CA);
        let mut row = Row::new();
        put(&mut row, "Number", list.number.to_le_bytes());
        put(&mut row, "MinBase", 0u32.to_le_bytes());
        put(&mut row, "NameId", 0u32.to_le_bytes());
        put(&mut row, "Count", list.count.to_le_bytes());
        put(&mut row, "ThisUpdate", list.this_update.to_le_bytes());
        put(&mut row, "NextUpdate", list.next_update.to_le_bytes());
        put(&mut row, "ThisPublish", list.this_update.to_le_bytes());
        put(&mut row, "NextPublish", list.next_update.to_le_bytes());
        put(&mut row, "PublishFlags", 1u32.to_le_bytes());
        put(&mut row, "RawCRL", &list.raw);
        self.engine.insert_row(CA, self.crls, row);
        self.engine.commit(CA);
    }

    /// A CA at work, and a backup that is taken meanwhile: requests that wait, are refused, fail, have certificates,
    /// have revoked ones; a revocation list after every ten; rows that are only in the logs; and at the end a request
    /// that was never committed. All of the material is used, in its order.
    #[must_use]
    pub fn sample(
        format: Format,
        name: &str,
        seed: u64,
        material: &[(Request, Certificate)],
        raw_crl: &[u8],
    ) -> BackupSet {
        let mut ca = CaDatabase::create_with(format, name, seed, 32);
        let mut backup = None;
        let begin = material.len() / 2;
        for (index, (request, certificate)) in material.iter().enumerate() {
            let when = request.submitted + HOUR;
            if index == begin {
                ca.engine.flush(1, 2);
                backup = Some(ca.engine.begin_backup());
            }
            if let Some(backup) = &mut backup {
                ca.engine.read_pages(backup, 9);
            }
            if index + 1 == material.len() {
                ca.submit_and_hang(request);
                break;
            }
            let id = ca.submit(request);
            match index % 10 {
                3 => {}
                5 => ca.deny(id, when),
                7 => ca.fail(id, BAD_REQUEST_SUBJECT, when),
                8 => {
                    ca.issue(id, certificate, when);
                    ca.revoke(id, 1, when + HOUR);
                }
                _ => ca.issue(id, certificate, when),
            }
            if index % 10 == 9 {
                let number = (index / 10 + 1) as u32;
                let (this_update, next_update) = (when, when + 7 * 24 * HOUR);
                ca.publish(&RevocationList { raw: raw_crl.to_vec(), number, count: number, this_update, next_update });
                ca.engine.clean_up();
            }
            if index % 7 == 0 {
                ca.engine.flush(1, 3);
            }
        }
        let backup = backup.unwrap_or_else(|| ca.engine.begin_backup());
        ca.engine.finish_backup(backup)
    }

    fn write_request(&mut self, session: Session, request: &Request) -> u32 {
        let id = self.rows.len() as u32 + 1;
        let mut row = Row::new();
        put(&mut row, "RequestID", id.to_le_bytes());
        put(&mut row, "RawRequest", &request.raw);
        put(&mut row, "RequestType", 0x100u32.to_le_bytes());
        put(&mut row, "RequestFlags", 0u32.to_le_bytes());
        put(&mut row, "StatusCode", 0u32.to_le_bytes());
        put(&mut row, "Disposition", disposition::PENDING.to_le_bytes());
        put_text(&mut row, "$DispositionMessage", "Taken Under Submission");
        put(&mut row, "SubmittedWhen", request.submitted.to_le_bytes());
        put_text(&mut row, "$RequesterName", &request.requester);
        put_text(&mut row, "$CallerName", &request.requester);
        put_text(&mut row, "$DistinguishedName", &format!("CN={}", request.common_name));
        put_text(&mut row, "$CommonName", &request.common_name);
        let lines: Vec<String> = request.attributes.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        put_text(&mut row, "$RequestAttributes", &lines.join("\n"));
        let request_key = self.engine.insert_row(session, self.requests, row);
        let mut row = Row::new();
        put(&mut row, "RequestID", id.to_le_bytes());
        let certificate_key = self.engine.insert_row(session, self.certificates, row);
        for (name, value) in &request.attributes {
            let mut row = Row::new();
            put(&mut row, "RequestID", id.to_le_bytes());
            put_text(&mut row, "$AttributeName", name);
            put_text(&mut row, "$AttributeValue", value);
            self.engine.insert_row(session, self.attributes, row);
        }
        self.rows.push((request_key, certificate_key));
        id
    }

    fn settle(&mut self, id: u32, disposition: u32, status: u32, message: &str, when: u64) {
        let mut row = Row::new();
        put(&mut row, "Disposition", disposition.to_le_bytes());
        put(&mut row, "StatusCode", status.to_le_bytes());
        put_text(&mut row, "$DispositionMessage", message);
        put(&mut row, "ResolvedWhen", when.to_le_bytes());
        let key = self.row(id).0.clone();
        self.engine.update_row(CA, self.requests, &key, row);
    }

    fn row(&self, id: u32) -> &(RowKey, RowKey) {
        &self.rows[id as usize - 1]
    }
}

/// An hour in units of FILETIME.
const HOUR: u64 = 3600 * 10_000_000;
/// `CERTSRV_E_BAD_REQUESTSUBJECT`.
const BAD_REQUEST_SUBJECT: u32 = 0x8009_4001;

fn put(row: &mut Row, column: &str, value: impl AsRef<[u8]>) {
    row.insert(column.to_owned(), vec![value.as_ref().to_vec()]);
}

fn put_text(row: &mut Row, column: &str, value: &str) {
    put(row, column, value.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
}

fn with(table: Table, kind: ColumnKind, names: &[&str]) -> Table {
    names.iter().fold(table, |table, name| table.column(Column::new(name, kind)))
}

/// Short text: in the record, and compressed nowhere. Long values are tagged.
fn text(table: Table, names: &[&str]) -> Table {
    with(table, ColumnKind::LongText, names)
}

fn requests() -> Table {
    let table = with(Table::new("Requests"), ColumnKind::Long, &["RequestID"]);
    let table = with(table, ColumnKind::LongBinary, &["RawRequest", "RawArchivedKey"]);
    let table = text(table, &["$KeyRecoveryHashes"]);
    let table = with(table, ColumnKind::LongBinary, &["RawOldCertificate"]);
    let table = text(table, &["$RequestAttributes"]);
    let table = with(table, ColumnKind::Long, &["RequestType", "RequestFlags", "StatusCode", "Disposition"]);
    let table = text(table, &["$DispositionMessage"]);
    let dates = ["SubmittedWhen", "ResolvedWhen", "RevokedWhen", "RevokedEffectiveWhen"];
    let table = with(table, ColumnKind::DateTime, &dates);
    let table = with(table, ColumnKind::Long, &["RevokedReason"]);
    let who = ["$RequesterName", "$CallerName", "$SignerPolicies", "$SignerApplicationPolicies"];
    let table = with(text(table, &who), ColumnKind::Long, &["Officer"]);
    let table = with(text(table, &["$DistinguishedName"]), ColumnKind::LongBinary, &["RawName"]);
    let table = with(text(table, &NAMES), ColumnKind::LongBinary, &["AttestationChallenge"]);
    let table = text(table, &["$EndorsementKeyHash", "$EndorsementCertificateHash"]);
    let table = with(table, ColumnKind::LongBinary, &["RawPrecertificate"]);
    table
        .column(Column::new("CRLPartitionIndex", ColumnKind::Long))
        .primary("RequestID", &["RequestID"])
        .index("Disposition", &["Disposition"], false)
        .index("SubmittedWhen", &["SubmittedWhen"], false)
        .index("ResolvedWhen", &["ResolvedWhen"], false)
        .index("RevokedEffectiveWhen", &["RevokedEffectiveWhen"], false)
        .index("$RequesterName", &["$RequesterName"], false)
        .index("$CallerName", &["$CallerName"], false)
}

fn certificates() -> Table {
    let table = with(Table::new("Certificates"), ColumnKind::Long, &["RequestID"]);
    let table = with(table, ColumnKind::LongBinary, &["RawCertificate"]);
    let table = text(table, &["$CertificateHash", "$CertificateTemplate"]);
    let table = with(table, ColumnKind::Long, &["EnrollmentFlags", "GeneralFlags", "PrivateKeyFlags"]);
    let table = with(text(table, &["$SerialNumber"]), ColumnKind::Long, &["IssuerNameID"]);
    let table = with(table, ColumnKind::DateTime, &["NotBefore", "NotAfter"]);
    let table = with(text(table, &["$SubjectKeyIdentifier"]), ColumnKind::LongBinary, &["PublicKey"]);
    let table = with(table, ColumnKind::Long, &["PublicKeyLength"]);
    let table = with(text(table, &["$PublicKeyAlgorithm"]), ColumnKind::LongBinary, &["PublicKeyParams"]);
    let table = with(table, ColumnKind::Long, &["PublishExpiredCertInCRL"]);
    let table = with(text(table, &["$UPN", "$DistinguishedName"]), ColumnKind::LongBinary, &["RawName"]);
    text(table, &NAMES)
        .primary("RequestID", &["RequestID"])
        .index("$CertificateHash", &["$CertificateHash"], false)
        .index("$CertificateTemplate", &["$CertificateTemplate"], false)
        .index("$SerialNumber", &["$SerialNumber"], false)
        .index("NotAfter", &["NotAfter"], false)
        .index("$UPN", &["$UPN"], false)
}

fn attributes() -> Table {
    let table = with(Table::new("RequestAttributes"), ColumnKind::Long, &["RequestID"]);
    text(table, &["$AttributeName", "$AttributeValue"])
        .primary("RequestIDAttributeName", &["RequestID", "$AttributeName"])
}

fn extensions() -> Table {
    let table = with(Table::new("CertificateExtensions"), ColumnKind::Long, &["RequestID"]);
    let table = with(text(table, &["$ExtensionName"]), ColumnKind::Long, &["ExtensionFlags"]);
    with(table, ColumnKind::LongBinary, &["ExtensionRawValue"])
        .primary("RequestIDExtensionName", &["RequestID", "$ExtensionName"])
}

fn crls() -> Table {
    let table = Table::new("CRLs").column(Column::new("RowId", ColumnKind::Long).auto_increment());
    let table = with(table, ColumnKind::Long, &["Number", "MinBase", "NameId", "Count"]);
    let dates = ["ThisUpdate", "NextUpdate", "ThisPublish", "NextPublish", "Effective", "PropgationComplete"];
    let table = with(table, ColumnKind::DateTime, &dates);
    let table = with(table, ColumnKind::DateTime, &["LastPublished"]);
    let table = with(table, ColumnKind::Long, &["PublishAttempts", "PublishFlags", "PublishStatusCode"]);
    let table = with(text(table, &["$PublishError"]), ColumnKind::LongBinary, &["RawCRL"]);
    table.column(Column::new("CRLPartitionIndex", ColumnKind::Long)).primary("RowId", &["RowId"]).index(
        "Number",
        &["Number"],
        false,
    )
}
