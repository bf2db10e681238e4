//! What is in a set: certificates, requests, revocation lists, and how two sets differ.
//!
//! Every command here works on [`adcs::CaDatabase`], and so on every set that [`crate::source`] can open. Values come from
//! databases that anybody may have filled: what reaches a terminal or a CSV file goes through [`crate::output::plain`].

pub mod certs;
pub mod crls;
pub mod diff;
pub mod export;
pub mod locations;
pub mod logs;
mod pem;
pub mod show;
mod table;

use adcs::filter::FilterError;
use adcs::{Catalog, Field, FileTime, Filter, UnknownField, Value};
use base64ct::{Base64, Encoding};
use serde_json::{Value as Json, json};

use crate::exit::{Exit, Failure};
use crate::moment;

/// The filter of `--where`.
fn filter(text: Option<&str>, catalog: &Catalog) -> anyhow::Result<Option<Filter>> {
    text.map(|text| Filter::parse(text, catalog, now())).transpose().map_err(|error| wrong(&error))
}

/// Says what is wrong with the filter of `--where` before the database is known, which may have columns of its own.
fn check_filter(text: Option<&str>) -> anyhow::Result<()> {
    match text.map(|text| Filter::parse(text, &Catalog::standard(), now())) {
        Some(Err(error)) if !error.unknown_field => Err(wrong(&error)),
        _ => Ok(()),
    }
}

fn now() -> FileTime {
    FileTime::from_date_time(moment::now())
}

fn wrong(error: &FilterError) -> anyhow::Error {
    Failure::new(Exit::Usage, format!("--where: {error}"))
        .hint("for example: --where \"disposition=issued and notafter<now+30d and template~web\"")
        .into()
}

/// The fields of a list of names, separated by commas.
fn fields(names: &str, catalog: &Catalog) -> anyhow::Result<Vec<Field>> {
    let field = |name: &str| catalog.field(name.trim()).map_err(|error| unknown(&error));
    names.split(',').map(field).collect()
}

fn unknown(error: &UnknownField) -> anyhow::Error {
    Failure::new(Exit::Usage, format!("--columns: {error}")).hint("for example: --columns id,serial,subject,san").into()
}

/// A value for programs: bytes in base64, times as RFC 3339.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Long(number) => json!(number),
        Value::Date(time) => json!(time.to_string()),
        Value::Text(text) => json!(text),
        Value::Binary(bytes) => json!(Base64::encode_string(bytes)),
        Value::Unread(size) => json!({ "bytes": size }),
        Value::Unreadable(why) => json!({ "error": why }),
    }
}

/// What a person is shown as a value, for programs: a number stays one.
fn json_of_text(value: &Value, text: &str) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Long(number) if number.to_string() == text => json!(number),
        _ => json!(text),
    }
}
