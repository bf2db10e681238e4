//! Requests and certificates, with their attributes and extensions.

use adcs::{CaDatabase, Entry, Join, Scan, Table, words};
use serde_json::json;

use super::change::{self, Change};
use super::numbers::{Gap, Numbers, in_turn};
use super::report::{Kind, Report};

const TABLES: [Table; 4] =
    [Table::Requests, Table::Certificates, Table::RequestAttributes, Table::CertificateExtensions];

const ISSUED: i64 = 20;
const REVOKED: i64 = 21;

pub(super) fn compare(before: &dyn CaDatabase, after: &dyn CaDatabase, report: &mut Report<'_>) -> anyhow::Result<()> {
    let scans = TABLES.map(Scan::of);
    let mut before = Join::new(before, &scans)?;
    let mut after = Join::new(after, &scans)?;
    let (mut left, mut right) = (before.next()?, after.next()?);
    let (mut earlier, mut later) = (Numbers::default(), Numbers::default());
    let mut replaced = 0_u64;
    while let Some(order) = in_turn(left.as_ref().map(Entry::id), right.as_ref().map(Entry::id)) {
        report.step()?;
        if let Some(entry) = right.as_ref().filter(|_| order.is_ge()) {
            // Which numbers are new is known: all smaller ones of the earlier set have been read.
            if let Some(gap) = later.next(entry.id()).and_then(|gap| gap.above(earlier.highest)) {
                missing(gap, report)?;
            }
        }
        if let Some(entry) = left.as_ref().filter(|_| order.is_le()) {
            earlier.next(entry.id());
        }
        match (&left, &right) {
            (Some(left), Some(right)) if order.is_eq() => replaced += u64::from(both(left, right, report)?),
            (Some(left), _) if order.is_lt() => {
                report.tell(Kind::Deleted, &line(left), &[], json!({ "request": left.id(), "was": facts(left) }))?;
            }
            (_, Some(right)) => {
                let kind = of_state(state(right));
                report.tell(kind, &line(right), &[], json!({ "request": right.id(), "is": facts(right) }))?;
            }
            _ => {}
        }
        if order.is_le() {
            left = before.next()?;
        }
        if order.is_ge() {
            right = after.next()?;
        }
    }
    if later.highest < earlier.highest {
        let (from, to) = (earlier.highest, later.highest);
        let text = format!(
            "the highest request went from {from} back to {to}: the second set is older, was restored from an older one, or its newest \
             requests were deleted"
        );
        report.tell(Kind::Rollback, &text, &[], json!({ "of": "requests", "before": from, "after": to }))?;
    }
    if replaced > 0 {
        let text =
            "request numbers were given out again: the CA was restored from an older backup, and went on from there";
        report.tell(Kind::Rollback, text, &[], json!({ "of": "requests", "given_again": replaced }))?;
    }
    Ok(())
}

/// A request that both sets have. Whether its number now belongs to another one.
fn both(before: &Entry, after: &Entry, report: &mut Report<'_>) -> anyhow::Result<bool> {
    // Most are the same, and comparing them by column takes its time.
    let changes = if before.is_same(after) { Vec::new() } else { changes(before, after) };
    if changes.is_empty() {
        return Ok(false);
    }
    let id = before.id();
    if is_other(before, after) {
        let text = format!("{}, was {}", line(after), line(before));
        let fields = json!({ "request": id, "was": facts(before), "is": facts(after) });
        report.tell(Kind::Replaced, &text, &[], fields)?;
        return Ok(true);
    }
    let (was, is) = (state(before), state(after));
    let kind = match (was, is) {
        (Some(REVOKED), Some(ISSUED)) => Kind::Unrevoked,
        (was, is) if was != is => of_state(is),
        _ => Kind::Changed,
    };
    let below: Vec<String> = changes.iter().map(Change::text).collect();
    let fields = json!({
        "request": id,
        "is": facts(after),
        "changes": changes.iter().map(Change::json).collect::<Vec<_>>(),
    });
    report.tell(kind, &line(after), &below, fields)?;
    Ok(false)
}

fn changes(before: &Entry, after: &Entry) -> Vec<Change> {
    let mut changes = change::of_rows("Request.", before.request(), after.request());
    changes.extend(change::of_rows("", before.certificate(), after.certificate()));
    for (table, what, name, value) in [
        (Table::RequestAttributes, "attribute", "AttributeName", "AttributeValue"),
        (Table::CertificateExtensions, "extension", "ExtensionName", "ExtensionRawValue"),
    ] {
        changes.extend(change::of_lists(what, name, value, before.of(table), after.of(table)));
    }
    changes
}

/// A number belongs to another request when the bytes of the request differ, or the serial numbers of two certificates.
fn is_other(before: &Entry, after: &Entry) -> bool {
    let differ = |before: Option<&adcs::Row>, after: Option<&adcs::Row>, column: &str| {
        let (Some(before), Some(after)) = (before, after) else { return false };
        let (before, after) = (before.get(column), after.get(column));
        !before.is_null() && !after.is_null() && before != after
    };
    differ(before.request(), after.request(), "RawRequest")
        || differ(before.certificate(), after.certificate(), "SerialNumber")
}

fn state(entry: &Entry) -> Option<i64> {
    entry.request()?.get("Disposition").long()
}

fn of_state(state: Option<i64>) -> Kind {
    match state {
        Some(9) => Kind::Pending,
        Some(ISSUED) => Kind::Issued,
        Some(REVOKED) => Kind::Revoked,
        Some(30) => Kind::Failed,
        Some(31) => Kind::Denied,
        _ => Kind::Added,
    }
}

fn missing(gap: Gap, report: &mut Report<'_>) -> anyhow::Result<()> {
    let text = format!("requests {} were made after the first set and are not in the second", gap.text());
    report.tell(Kind::NumbersMissing, &text, &[], json!({ "first": gap.first, "last": gap.last }))
}

/// One request in a line.
fn line(entry: &Entry) -> String {
    let mut text = format!("request {}", entry.id());
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!(", {name}{value}"));
        }
    };
    let certificate = |column: &str| entry.certificate().map_or_else(String::new, |row| row.get(column).to_string());
    let request = |column: &str| entry.request().map_or_else(String::new, |row| row.get(column).to_string());
    add("serial ", certificate("SerialNumber"));
    let subject = certificate("DistinguishedName");
    add("", if subject.is_empty() { request("DistinguishedName") } else { subject });
    add("from ", request("RequesterName"));
    text
}

fn facts(entry: &Entry) -> serde_json::Value {
    let certificate = |column: &str| entry.certificate().map(|row| crate::contents::json_of(row.get(column)));
    let request = |column: &str| entry.request().map(|row| crate::contents::json_of(row.get(column)));
    json!({
        "disposition": state(entry).map(|state| words::disposition(state).map_or_else(|| state.to_string(), str::to_owned)),
        "serial": certificate("SerialNumber"),
        "subject": certificate("DistinguishedName").filter(|name| !name.is_null()).or_else(|| request("DistinguishedName")),
        "requester": request("RequesterName"),
    })
}
