//! `cabak diff`: what happened to a CA between two sets, as its database tells.
//!
//! Both databases are read once, side by side, in the order of the numbers; in memory are the rows of one request of each.

mod change;
mod crls;
mod numbers;
mod report;
mod requests;

use std::path::PathBuf;

use adcs::{CaDatabase, Table};
use serde_json::json;

use crate::exit::Exit;
use crate::output::Reporter;
use crate::source::{Opening, Source};

use report::Report;

/// What `cabak diff` was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The earlier set.
    pub before: PathBuf,
    /// The later set.
    pub after: PathBuf,
    /// Where they may be recovered.
    pub scratch: Option<PathBuf>,
}

/// Compares, and tells the differences.
///
/// # Errors
/// Those of [`Source::find`] and [`Source::open`].
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let opening = Opening { scratch: request.scratch.as_deref(), cancel };
    let sources = [Source::find(&request.before)?, Source::find(&request.after)?];
    let before = sources[0].open(&opening, reporter)?;
    let after = sources[1].open(&opening, reporter)?;
    let whole = [&before, &after].iter().all(|opened| opened.exit() == Exit::Success);
    let [before, after] = [before.database(), after.database()];

    let rows = |database: &dyn CaDatabase| database.row_count(Table::Requests).unwrap_or(0);
    if let [Some(first), Some(second)] = sources.each_ref().map(Source::authority)
        && first != second
    {
        reporter.warn(&format!("the sets are of different CAs, by their names: {first} and {second}"));
    }
    reporter.begin_counting("comparison", rows(before).max(rows(after)));
    let mut report = Report::new(reporter, cancel);
    requests::compare(before, after, &mut report)?;
    crls::compare(before, after, &mut report)?;
    let counts = report.finish()?;

    let is_same = counts.is_empty();
    let text = if is_same {
        "no differences".to_owned()
    } else {
        counts.iter().map(|(what, count)| format!("{count} {}", what.replace('_', " "))).collect::<Vec<_>>().join(", ")
    };
    let [first, second] = &sources;
    reporter.result(
        &format!("{} -> {}: {text}", first.name, second.name),
        &json!({
            "event": "result",
            "before": first.name,
            "after": second.name,
            "same": is_same,
            "counts": counts,
        }),
    );
    Ok(match (whole, is_same) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Success,
        (true, false) => Exit::Different,
    })
}
