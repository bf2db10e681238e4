//! `cabak certs`: the certificates of a set.

use std::path::PathBuf;

use adcs::{Catalog, Field, Join, Scan, Table};
use serde_json::json;

use super::table::{self, Form, Heading};
use crate::exit::Exit;
use crate::output::Reporter;
use crate::source::{Opening, Source};
use crate::verify::stop_if;

/// What `cabak certs` was asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The set.
    pub set: PathBuf,
    /// Where it may be recovered.
    pub scratch: Option<PathBuf>,
    /// Only those for which this holds.
    pub filter: Option<String>,
    /// Requests without a certificate too.
    pub all: bool,
    /// The fields to show.
    pub columns: Option<String>,
    /// CSV instead of a table.
    pub csv: bool,
}

/// For people: what fits a line.
const SHORT: &str = "id,disposition,serial,notafter,template,requester,subject";
/// For programs.
const LONG: &str = "id,disposition,serial,notbefore,notafter,template,requester,subject,upn,submitted,resolved,revoked,reason,\
                    status,message,hash";

/// Lists them. What logs would add that are missing or damaged is told, and in the exit code.
///
/// # Errors
/// Exit code 2: the expression or a column. Those of [`Source::find`] and [`Source::open`].
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let source = Source::find(&request.set)?;
    // What is wrong with the expression is said before a long recovery.
    super::check_filter(request.filter.as_deref())?;
    let opened = source.open(&Opening { scratch: request.scratch.as_deref(), cancel }, reporter)?;
    let catalog = Catalog::of(opened.database());
    let filter = super::filter(request.filter.as_deref(), &catalog)?;
    let form = Form::choose(request.csv, reporter);
    let columns = request.columns.as_deref().unwrap_or(if form == Form::Text { SHORT } else { LONG });
    let fields = super::fields(columns, &catalog)?;
    // Who asks for a disposition means those without a certificate too.
    let all = request.all
        || filter.as_ref().is_some_and(|filter| filter.fields().iter().any(|field| field.is_column("Disposition")));

    let mut scans =
        [Scan::of(Table::Requests).columns(["Disposition"]), Scan::of(Table::Certificates).columns(["SerialNumber"])];
    fields.iter().for_each(|field| field.need(&mut scans));
    if let Some(filter) = &filter {
        filter.need(&mut scans);
    }
    let headings = fields.iter().map(heading).collect();
    let table = table::Table::begin(form, "certificate", headings, reporter)?;
    let mut entries = Join::new(opened.database(), &scans)?;
    let mut count: u64 = 0;
    while let Some(entry) = entries.next()? {
        stop_if(cancel)?;
        if !(all || entry.has_certificate()) || filter.as_ref().is_some_and(|filter| !filter.matches(&entry)) {
            continue;
        }
        count += 1;
        let cells = fields.iter().map(|field| {
            let text = field.text(&entry);
            let value = super::json_of_text(&field.value(&entry), &text);
            (text, value)
        });
        table.row(cells.collect(), reporter)?;
    }
    reporter.flush_rows()?;
    if form == Form::Json {
        reporter.result("", &json!({ "event": "result", "set": source.name, "certificates": count }));
    }
    if count == 0 && !all && form == Form::Text {
        let text = "no certificate matches; requests that came to none (pending, denied, failed) are listed with --all";
        reporter.info(text, json!({}));
    }
    Ok(opened.exit())
}

fn heading(field: &Field) -> Heading {
    let width = match field.name() {
        "id" => 6,
        "disposition" => 11,
        "serial" => 34,
        "template" => 18,
        "requester" => 22,
        name if ["notbefore", "notafter", "submitted", "resolved", "revoked"].contains(&name) => 20,
        name => name.len(),
    };
    Heading { name: field.name().to_owned(), width }
}
