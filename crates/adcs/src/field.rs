//! What a person names: columns, their short names, and what only the certificate itself tells.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::{CaDatabase, Column, Entry, Kind, Scan, SerialNumber, Table, Value, schema, words};

/// The columns of Requests and Certificates that a database has.
#[derive(Clone, Debug)]
pub struct Catalog {
    requests: Arc<[Column]>,
    certificates: Arc<[Column]>,
}

impl Catalog {
    /// That of a database.
    #[must_use]
    pub fn of(database: &dyn CaDatabase) -> Self {
        Self { requests: database.columns(Table::Requests), certificates: database.columns(Table::Certificates) }
    }

    /// The columns that [MS-CSRA] names.
    #[must_use]
    pub fn standard() -> Self {
        Self { requests: schema::standard(Table::Requests), certificates: schema::standard(Table::Certificates) }
    }

    /// What a name stands for: a short name ([`Field::short_names`]), a column of Certificates or Requests, or `Request.` and a column of
    /// Requests. A column that both tables have is that of the certificate, and of the request where there is none.
    ///
    /// # Errors
    /// [`UnknownField`].
    pub fn field(&self, name: &str) -> Result<Field, UnknownField> {
        let short = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
        match short {
            Some((short, Short::Column(column))) => {
                let field = self.column(column).ok_or_else(|| UnknownField { name: (*column).to_owned() })?;
                Ok(Field { name: (*short).to_owned(), ..field })
            }
            Some((short, Short::Decoded(decoded))) => {
                Ok(Field { source: Source::Decoded(*decoded), name: (*short).to_owned() })
            }
            None => {
                let field = self.column(name).ok_or_else(|| UnknownField { name: name.to_owned() })?;
                // `$NotAfter` is the column that `notafter` is short for: one field has one name.
                let short = SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(&field.name));
                let name = short.map_or_else(|| field.name.clone(), |(short, _)| (*short).to_owned());
                Ok(Field { name, ..field })
            }
        }
    }

    fn column(&self, name: &str) -> Option<Field> {
        let (request_only, plain) = match name.split_once('.') {
            Some((table, column)) if table.eq_ignore_ascii_case("Request") => (true, column),
            _ => (false, name),
        };
        let find = |columns: &[Column], table| {
            let canonical = schema::canonical(table, plain).unwrap_or(plain);
            columns.iter().find(|column| column.name.eq_ignore_ascii_case(canonical)).cloned()
        };
        let request = find(&self.requests, Table::Requests);
        let certificate = if request_only { None } else { find(&self.certificates, Table::Certificates) };
        let column = certificate.as_ref().or(request.as_ref())?.clone();
        let name = if request_only { format!("Request.{}", column.name) } else { column.name.clone() };
        let request = request.is_some().then(|| column.name.clone());
        let certificate = certificate.map(|column| column.name);
        Some(Field { source: Source::Column { certificate, request, kind: column.kind }, name })
    }
}

/// Something that can be asked for of an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    source: Source,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A column of one of the tables, or of both; that of the certificate counts first.
    Column { certificate: Option<String>, request: Option<String>, kind: Kind },
    /// What the certificate itself says.
    Decoded(Decoded),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decoded {
    AlternativeNames,
    ExtendedKeyUsage,
    Issuer,
    SignatureAlgorithm,
}

enum Short {
    Column(&'static str),
    Decoded(Decoded),
}

const SHORT: &[(&str, Short)] = &[
    ("id", Short::Column("RequestID")),
    ("request", Short::Column("RequestID")),
    ("serial", Short::Column("SerialNumber")),
    ("disposition", Short::Column("Request.Disposition")),
    ("notbefore", Short::Column("NotBefore")),
    ("notafter", Short::Column("NotAfter")),
    ("subject", Short::Column("DistinguishedName")),
    ("requester", Short::Column("Request.RequesterName")),
    ("caller", Short::Column("Request.CallerName")),
    ("template", Short::Column("CertificateTemplate")),
    ("revoked", Short::Column("Request.RevokedEffectiveWhen")),
    ("reason", Short::Column("Request.RevokedReason")),
    ("submitted", Short::Column("Request.SubmittedWhen")),
    ("resolved", Short::Column("Request.ResolvedWhen")),
    ("status", Short::Column("Request.StatusCode")),
    ("message", Short::Column("Request.DispositionMessage")),
    ("type", Short::Column("Request.RequestType")),
    ("hash", Short::Column("CertificateHash")),
    ("thumbprint", Short::Column("CertificateHash")),
    ("upn", Short::Column("UPN")),
    ("email", Short::Column("EMail")),
    ("san", Short::Decoded(Decoded::AlternativeNames)),
    ("eku", Short::Decoded(Decoded::ExtendedKeyUsage)),
    ("issuer", Short::Decoded(Decoded::Issuer)),
    ("algorithm", Short::Decoded(Decoded::SignatureAlgorithm)),
];

/// How a value compares and shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Nature {
    Number,
    /// A number with words for some of its values.
    Words(&'static [(i64, &'static str)]),
    /// 32 bits, written in hexadecimal, and what they say.
    Code(fn(u32) -> String),
    Date,
    Text,
    Serial,
    /// Hexadecimal digits with blanks between them, or not.
    Digits,
    Oid,
    Binary,
}

impl Field {
    /// The short names; every column by its own name comes on top.
    pub fn short_names() -> impl Iterator<Item = &'static str> {
        SHORT.iter().map(|(name, _)| *name)
    }

    /// Its short name, or that of the column; in their own case, however they were written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is the column with that name in [MS-CSRA].
    #[must_use]
    pub fn is_column(&self, wanted: &str) -> bool {
        match &self.source {
            Source::Column { certificate, request, .. } => {
                [certificate, request].into_iter().flatten().any(|name| name.eq_ignore_ascii_case(wanted))
            }
            Source::Decoded(_) => false,
        }
    }

    /// Adds the columns that it needs to the scans of a join.
    pub fn need(&self, scans: &mut [Scan]) {
        let mut need = |table, name: &str| {
            for scan in scans.iter_mut().filter(|scan| scan.table == table) {
                if let Some(columns) = &mut scan.columns {
                    columns.push(name.to_owned());
                }
            }
        };
        match &self.source {
            Source::Column { certificate, request, .. } => {
                if let Some(name) = certificate {
                    need(Table::Certificates, name);
                }
                if let Some(name) = request {
                    need(Table::Requests, name);
                }
            }
            Source::Decoded(_) => need(Table::Certificates, "RawCertificate"),
        }
    }

    /// Its value, as the database has it.
    #[must_use]
    pub fn value<'a>(&self, entry: &'a Entry) -> Cow<'a, Value> {
        let decoded = match &self.source {
            Source::Column { certificate, request, .. } => {
                let row = |table: Option<&'a crate::Row>, name: &Option<String>| Some(table?.get(name.as_ref()?));
                let found = row(entry.certificate(), certificate).filter(|value| !value.is_null());
                let found = found.or_else(|| row(entry.request(), request));
                return Cow::Borrowed(found.unwrap_or(&Value::Null));
            }
            Source::Decoded(decoded) => decoded,
        };
        let Some(Ok(certificate)) = entry.decoded() else { return Cow::Owned(Value::Null) };
        let list = |texts: &[String]| if texts.is_empty() { Value::Null } else { Value::Text(texts.join(", ")) };
        Cow::Owned(match decoded {
            Decoded::AlternativeNames => list(&certificate.alternative_names),
            Decoded::ExtendedKeyUsage => list(&certificate.extended_key_usage),
            Decoded::Issuer => Value::Text(certificate.issuer.clone()),
            Decoded::SignatureAlgorithm => Value::Text(certificate.signature_algorithm.clone()),
        })
    }

    /// Its value for people: words for dispositions, reasons and codes. Empty when there is none; what a certificate would
    /// tell that does not decode is said so in brackets.
    #[must_use]
    pub fn text(&self, entry: &Entry) -> String {
        if let (Source::Decoded(_), Some(Err(error))) = (&self.source, entry.decoded()) {
            return format!("({error})");
        }
        show(self.nature(), &self.value(entry))
    }

    pub(crate) fn nature(&self) -> Nature {
        match &self.source {
            Source::Column { certificate, request, kind } => {
                nature(certificate.as_ref().or(request.as_ref()).map_or("", String::as_str), *kind)
            }
            Source::Decoded(_) => Nature::Text,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The value of a column for people: words for what has some, hexadecimal digits for bytes.
#[must_use]
pub fn show_column(column: &Column, value: &Value) -> String {
    show(nature(&column.name, column.kind), value)
}

fn nature(name: &str, kind: Kind) -> Nature {
    match (kind, name) {
        (Kind::Long, "Disposition") => Nature::Words(words::DISPOSITIONS),
        (Kind::Long, "RevokedReason") => Nature::Words(words::REASONS),
        (Kind::Long, "StatusCode" | "CRLPublishStatusCode") => {
            Nature::Code(|code| words::status(code).unwrap_or_default().to_owned())
        }
        (Kind::Long, "RequestType") => {
            Nature::Code(|code| words::request_type(i64::from(code)).unwrap_or_default().to_owned())
        }
        (Kind::Long, "RequestFlags") => Nature::Code(words::request_flags),
        (Kind::Long, "CRLPublishFlags") => Nature::Code(words::publish_flags),
        (Kind::Long, "ExtensionFlags") => Nature::Code(words::extension_flags),
        (Kind::Long, name) if name.ends_with("Flags") => Nature::Code(|_| String::new()),
        (Kind::Long, _) => Nature::Number,
        (Kind::Date, _) => Nature::Date,
        (Kind::Binary, _) => Nature::Binary,
        (Kind::Text, "SerialNumber") => Nature::Serial,
        (
            Kind::Text,
            "CertificateHash" | "SubjectKeyIdentifier" | "EndorsementKeyHash" | "EndorsementCertificateHash",
        ) => Nature::Digits,
        (Kind::Text, "ExtensionName" | "PublicKeyAlgorithm") => Nature::Oid,
        (Kind::Text, _) => Nature::Text,
    }
}

fn show(nature: Nature, value: &Value) -> String {
    match (nature, value) {
        (Nature::Words(list), Value::Long(number)) => {
            words::word(list, *number).map_or_else(|| number.to_string(), str::to_owned)
        }
        (Nature::Code(in_words), Value::Long(number)) => match value.code().map(|code| (code, in_words(code))) {
            Some((code, words)) if words.is_empty() => format!("{code:#x}"),
            Some((code, words)) => format!("{code:#x} ({words})"),
            None => number.to_string(),
        },
        (Nature::Serial, Value::Text(text)) => match SerialNumber::parse(text) {
            Some(_) => text.replace([' ', ':'], "").to_lowercase(),
            None => text.clone(),
        },
        (Nature::Digits, Value::Text(text)) => text.replace(' ', ""),
        (Nature::Oid, Value::Text(oid)) => match words::oid(oid) {
            Some(name) => format!("{oid} ({name})"),
            None => oid.clone(),
        },
        _ => value.to_string(),
    }
}

/// A name that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{name}' is no field; there are {} and every column of Requests and Certificates by its name",
    Field::short_names().collect::<Vec<_>>().join(", ")
)]
pub struct UnknownField {
    /// The name.
    pub name: String,
}
