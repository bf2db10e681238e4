//! `cabak logs`: the log generations of a set, by their headers.

use std::path::Path;

use serde_json::json;

use super::table::{self, Form, Heading};
use crate::exit::{Exit, Failure, classify};
use crate::output::Reporter;
use crate::source::{LogHeader, Source};

const HEADINGS: [(&str, usize); 6] =
    [("generation", 10), ("file", 14), ("size", 9), ("created", 20), ("previous_created", 20), ("signature", 0)];

/// Lists them. Gaps, damaged logs, and logs of another database are told.
///
/// # Errors
/// Those of [`Source::find`] and [`Source::log_header`].
pub fn run(set: &Path, csv: bool, reporter: &mut Reporter) -> anyhow::Result<Exit> {
    let source = Source::find(set)?;
    let form = Form::choose(csv, reporter);
    let headings = HEADINGS.map(|(name, width)| Heading { name: name.to_owned(), width }).to_vec();
    let mut warnings = Vec::new();
    let mut damaged = 0;
    let mut before: Option<LogHeader> = None;
    let mut table = None;
    for log in &source.logs {
        let name = log.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let header = match source.log_header(log) {
            Ok(header) => header,
            Err(error) if classify(&error).0 == Exit::VerifyFailed => {
                warnings.push(format!("{error:#}"));
                damaged += 1;
                before = None;
                continue;
            }
            Err(error) => return Err(error),
        };
        let table = match &table {
            Some(table) => table,
            None => table.insert(table::Table::begin(form, "log", headings.clone(), reporter)?),
        };
        if header.generation != log.generation {
            warnings.push(format!("{name} says that it is generation {:#x}", header.generation));
        }
        if let Some(before) = &before {
            if header.generation > before.generation.saturating_add(1) {
                let (first, last) = (before.generation.saturating_add(1), header.generation - 1);
                warnings.push(match first == last {
                    true => format!("generation {first:#x} is missing"),
                    false => format!("generations {first:#x} to {last:#x} are missing"),
                });
            } else if header.previous_created != before.created {
                warnings.push(format!("{name} was not written after generation {:#x}", before.generation));
            }
            if header.signature != before.signature {
                warnings.push(format!("{name} belongs to another database, or to the time before a restore"));
            }
        }
        let text = |text: &Option<String>| (text.clone().unwrap_or_default(), json!(text));
        let number = format!("{:#x}", header.generation);
        table.row(
            vec![
                (number, json!(header.generation)),
                (name.clone(), json!(name)),
                (header.size.to_string(), json!(header.size)),
                text(&header.created),
                text(&header.previous_created),
                (header.signature.clone(), json!(header.signature)),
            ],
            reporter,
        )?;
        before = Some(header);
    }
    reporter.flush_rows()?;
    for warning in &warnings {
        reporter.warn(warning);
    }
    let count = source.logs.len() as u64 - damaged;
    if form == Form::Json {
        reporter.result("", &json!({ "event": "result", "set": source.name, "logs": count, "warnings": warnings }));
    } else if count == 0 && damaged == 0 && form == Form::Text {
        reporter.info(&format!("{} has no logs", source.name), json!({}));
    }
    if damaged > 0 {
        let text = format!("{}: {damaged} of {} logs have no readable header", source.name, source.logs.len());
        return Err(Failure::new(Exit::VerifyFailed, text).hint("`cabak verify SET` says what else is wrong").into());
    }
    Ok(Exit::Success)
}
