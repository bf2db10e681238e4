//! `cabak show`: everything that a set has about one request.

use std::path::PathBuf;

use adcs::decode::{self, DecodeError};
use adcs::{CaDatabase, Entry, Join, Row, Scan, SerialNumber, Table, Value, show_column};
use serde_json::{Map, Value as Json, json};

use super::pem::pem;
use crate::exit::{Exit, Failure};
use crate::output::{Reporter, plain};
use crate::source::{Opening, Source};
use crate::verify::stop_if;

/// What `cabak show` was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The set.
    pub set: PathBuf,
    /// Where it may be recovered.
    pub scratch: Option<PathBuf>,
    /// Which request.
    pub which: Which,
}

/// One request of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its number.
    Request(i64),
    /// By the serial number of its certificate.
    Serial(SerialNumber),
}

impl Which {
    /// What a person types: decimal digits are the number of a request, as long as they fit one (31 bits); everything else in
    /// hexadecimal digits is a serial number, and so is all that follows `serial:`.
    ///
    /// # Errors
    /// Neither, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let serial = |text: &str| SerialNumber::parse(text).map(Self::Serial);
        let wanted = "the number of a request (12) or a serial number (4f2aa3c19d, serial:12) is wanted";
        if let Some(text) = text.strip_prefix("serial:") {
            return serial(text).ok_or_else(|| wanted.to_owned());
        }
        match text.parse::<i32>() {
            Ok(number) if number > 0 => Ok(Self::Request(number.into())),
            _ => serial(text).ok_or_else(|| wanted.to_owned()),
        }
    }
}

/// Shows it.
///
/// # Errors
/// Exit code 10: there is no such request. Those of [`Source::find`] and [`Source::open`].
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let source = Source::find(&request.set)?;
    let opened = source.open(&Opening { scratch: request.scratch.as_deref(), cancel }, reporter)?;
    let database = opened.database();
    let none = |what: String| {
        Failure::new(Exit::NotFound, format!("{} has no {what}", source.name))
            .hint("`cabak certs SET --all` lists all requests")
    };
    let ids = match &request.which {
        Which::Request(id) => vec![*id],
        Which::Serial(serial) => with_serial(database, serial, cancel)?,
    };
    let mut shown = 0;
    for id in ids {
        if let Some(entry) = entry(database, id)? {
            shown += 1;
            reporter.result(&text(&entry), &fields(&entry));
        }
    }
    match (&request.which, shown) {
        (_, 1..) => Ok(opened.exit()),
        (Which::Request(id), _) => Err(none(format!("request {id}")).into()),
        (Which::Serial(serial), _) => Err(none(format!("certificate with the serial number {serial}")).into()),
    }
}

/// The requests whose certificates have a serial number; more than one only where a CA broke its own rules.
fn with_serial(database: &dyn CaDatabase, serial: &SerialNumber, cancel: &certadm::Cancel) -> anyhow::Result<Vec<i64>> {
    let mut rows = database.scan(&Scan::of(Table::Certificates).columns(["SerialNumber"]))?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        stop_if(cancel)?;
        if row.get("SerialNumber").text().and_then(SerialNumber::parse).as_ref() == Some(serial) {
            ids.push(row.id());
        }
    }
    Ok(ids)
}

fn entry(database: &dyn CaDatabase, id: i64) -> anyhow::Result<Option<Entry>> {
    const TABLES: [Table; 4] =
        [Table::Requests, Table::Certificates, Table::RequestAttributes, Table::CertificateExtensions];
    Ok(Join::new(database, &TABLES.map(|table| Scan::of(table).id(id)))?.next()?)
}

/// The raw request of an entry.
fn raw_request(entry: &Entry) -> Option<&[u8]> {
    entry.request()?.get("RawRequest").binary()
}

fn text(entry: &Entry) -> String {
    let mut page = Page::default();
    for table in [Table::Requests, Table::Certificates] {
        for row in entry.of(table) {
            page.heading(table.name());
            page.row(row);
        }
    }
    for (table, name, value) in [
        (Table::RequestAttributes, "AttributeName", "AttributeValue"),
        (Table::CertificateExtensions, "ExtensionName", "ExtensionRawValue"),
    ] {
        if entry.of(table).next().is_some() {
            page.heading(table.name());
        }
        for row in entry.of(table) {
            page.named(row, name, value);
        }
    }
    if let Some(decoded) = entry.decoded() {
        page.heading("The certificate says");
        page.certificate(decoded);
    }
    if let Some(raw) = raw_request(entry) {
        page.heading("The request says");
        page.request(&decode::Request::decode(raw));
    }
    if let Some(der) = entry.certificate().and_then(|row| row.get("RawCertificate").binary()) {
        page.block(&pem("CERTIFICATE", der));
    }
    if let Some(raw) = raw_request(entry) {
        page.block(&pem(label(raw), raw));
    }
    page.text.trim_end().to_owned()
}

fn label(raw: &[u8]) -> &'static str {
    decode::Request::decode(raw).map_or("CERTIFICATE REQUEST", |request| request.form.pem_label())
}

/// Lines for a person.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn heading(&mut self, heading: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(heading);
        self.text.push('\n');
    }

    /// A name and its value; what several lines say becomes several lines.
    fn line(&mut self, name: &str, value: &str) {
        for (at, part) in value.split('\n').enumerate() {
            let name = if at == 0 { plain(name) } else { "".into() };
            let line = format!("  {name:<32} {}", plain(part.trim_end_matches('\r')));
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    fn list(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.line(name, &values.join("\n"));
        }
    }

    fn block(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
    }

    /// Every column that has a value.
    fn row(&mut self, row: &Row) {
        for (column, value) in row.iter().filter(|(_, value)| !value.is_null()) {
            self.line(&column.name, &summary(value, show_column(column, value)));
        }
    }

    fn named(&mut self, row: &Row, name: &str, value: &str) {
        let shown = |wanted: &str| {
            let found = row.iter().find(|(column, _)| column.name == wanted);
            found.map_or_else(String::new, |(column, value)| summary(value, show_column(column, value)))
        };
        let mut text = shown(value);
        let flags = shown("ExtensionFlags");
        if !flags.is_empty() {
            text = format!("{flags}: {text}");
        }
        self.line(&shown(name), &text);
    }

    fn certificate(&mut self, decoded: &Result<decode::Certificate, DecodeError>) {
        let certificate = match decoded {
            Ok(certificate) => certificate,
            Err(error) => return self.line("Error", &error.to_string()),
        };
        self.line("Subject", &certificate.subject);
        self.line("Issuer", &certificate.issuer);
        self.line("Serial number", &certificate.serial.to_string());
        self.line("Valid", &format!("{} to {}", certificate.not_before, certificate.not_after));
        self.list("Alternative names", &certificate.alternative_names);
        self.list("Key usage", &certificate.key_usage);
        self.list("Extended key usage", &certificate.extended_key_usage);
        self.line("Is of a CA", if certificate.authority { "yes" } else { "no" });
        self.line("Key", &certificate.key_algorithm);
        self.line("Signed with", &certificate.signature_algorithm);
        self.line("SHA-1", &certificate.thumbprint);
    }

    fn request(&mut self, decoded: &Result<decode::Request, DecodeError>) {
        let request = match decoded {
            Ok(request) => request,
            Err(error) => return self.line("Error", &error.to_string()),
        };
        self.line("Form", request.form.name());
        for (name, value) in [
            ("Subject", &request.subject),
            ("Key", &request.key_algorithm),
            ("Signed with", &request.signature_algorithm),
        ] {
            if let Some(value) = value {
                self.line(name, value);
            }
        }
        self.list("Alternative names", &request.alternative_names);
        for extension in &request.extensions {
            let critical = if extension.critical { ", critical" } else { "" };
            let name = adcs::words::oid(&extension.oid).map_or_else(String::new, |name| format!(" ({name})"));
            self.line("Asks for", &format!("{}{name}{critical}, {} bytes", extension.oid, extension.size));
        }
        for (name, value) in &request.attributes {
            self.line("Attribute", &format!("{name}{}", value.as_ref().map_or_else(String::new, |v| format!(": {v}"))));
        }
    }
}

/// Long bytes by their length and beginning: PEM and JSON have all of them.
fn summary(value: &Value, text: String) -> String {
    const BEGINNING: usize = 24;
    match value {
        Value::Binary(bytes) if bytes.len() > BEGINNING => {
            format!("{}… ({} bytes)", hex::encode(&bytes[..BEGINNING]), bytes.len())
        }
        _ => text,
    }
}

fn fields(entry: &Entry) -> Json {
    let row = |row: &Row| {
        let columns = row.iter().map(|(column, value)| (column.name.clone(), super::json_of(value)));
        Json::Object(columns.collect::<Map<_, _>>())
    };
    let rows = |table| entry.of(table).map(row).collect::<Vec<_>>();
    let words = |row: Option<&Row>| {
        let worded = row.into_iter().flat_map(Row::iter).filter_map(|(column, value)| {
            let text = show_column(column, value);
            (value.long().is_some() && text != value.to_string()).then(|| (column.name.clone(), Json::from(text)))
        });
        Json::Object(worded.collect::<Map<_, _>>())
    };
    let raw_certificate = entry.certificate().and_then(|row| row.get("RawCertificate").binary());
    json!({
        "event": "request",
        "id": entry.id(),
        "request": entry.request().map(row),
        "certificate": entry.certificate().map(row),
        "attributes": rows(Table::RequestAttributes),
        "extensions": rows(Table::CertificateExtensions),
        "words": words(entry.request()),
        "decoded_certificate": entry.decoded().map(|decoded| match decoded {
            Ok(certificate) => json!({
                "subject": certificate.subject,
                "issuer": certificate.issuer,
                "serial": certificate.serial.to_string(),
                "not_before": certificate.not_before.to_string(),
                "not_after": certificate.not_after.to_string(),
                "alternative_names": certificate.alternative_names,
                "key_usage": certificate.key_usage,
                "extended_key_usage": certificate.extended_key_usage,
                "authority": certificate.authority,
                "key_algorithm": certificate.key_algorithm,
                "signature_algorithm": certificate.signature_algorithm,
                "sha1": certificate.thumbprint,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        }),
        "decoded_request": raw_request(entry).map(|raw| match decode::Request::decode(raw) {
            Ok(request) => json!({
                "form": request.form.name(),
                "subject": request.subject,
                "key_algorithm": request.key_algorithm,
                "signature_algorithm": request.signature_algorithm,
                "alternative_names": request.alternative_names,
                "extensions": request.extensions.iter().map(|extension| &extension.oid).collect::<Vec<_>>(),
                "attributes": request.attributes,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        }),
        "certificate_pem": raw_certificate.map(|der| pem("CERTIFICATE", der)),
        "request_pem": raw_request(entry).map(|raw| pem(label(raw), raw)),
    })
}
