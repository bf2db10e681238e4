//! Revocation lists.

use std::collections::BTreeMap;
use std::io::{self, Write};

use adcs::{CaDatabase, Row, Rows, Scan, Table, Value};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::change::{self, Change};
use super::numbers::{Gap, Numbers, in_turn};
use super::report::{Kind, Report};

const RAW: &str = "CRLRawCRL";

/// Numbers go up for each key of the CA and each partition on their own.
type Sequence = (i64, i64);

pub(super) fn compare(before: &dyn CaDatabase, after: &dyn CaDatabase, report: &mut Report<'_>) -> anyhow::Result<()> {
    // Lists may be larger than memory; of those that could be equal the hash is compared.
    let scan = Scan::of(Table::Crls).inline_limit(64 << 10);
    let mut before = before.scan(&scan)?;
    let mut after = after.scan(&scan)?;
    let (mut left, mut right) = (before.next()?, after.next()?);
    let mut earlier: BTreeMap<Sequence, Numbers> = BTreeMap::new();
    let mut later: BTreeMap<Sequence, Numbers> = BTreeMap::new();
    let mut gaps: Vec<(Sequence, Gap)> = Vec::new();
    while let Some(order) = in_turn(left.as_ref().map(Row::id), right.as_ref().map(Row::id)) {
        report.step()?;
        if let Some(row) = left.as_ref().filter(|_| order.is_le()) {
            earlier.entry(sequence(row)).or_default().next(number(row));
        }
        if let Some(row) = right.as_ref().filter(|_| order.is_ge())
            && let Some(gap) = later.entry(sequence(row)).or_default().next(number(row))
            && gaps.len() < MOST_GAPS
        {
            gaps.push((sequence(row), gap));
        }
        match (&left, &right) {
            (Some(left), Some(right)) if order.is_eq() => {
                let same = same_list(left, right, before.as_mut(), after.as_mut())?;
                both(left, right, same, report)?;
            }
            (Some(left), _) if order.is_lt() => report.tell(Kind::CrlDeleted, &line(left), &[], facts(left))?,
            (_, Some(right)) => report.tell(Kind::CrlAdded, &line(right), &[], facts(right))?,
            _ => {}
        }
        if order.is_le() {
            left = before.next()?;
        }
        if order.is_ge() {
            right = after.next()?;
        }
    }
    for (sequence, gap) in gaps {
        let known = earlier.get(&sequence).map_or(0, |numbers| numbers.highest);
        if let Some(gap) = gap.above(known) {
            let text = format!("CRL numbers {} are in no list of the second set{}", gap.text(), of(sequence));
            let fields = json!({ "key": sequence.0, "partition": sequence.1, "first": gap.first, "last": gap.last });
            report.tell(Kind::CrlNumbersMissing, &text, &[], fields)?;
        }
    }
    for (sequence, numbers) in earlier {
        let (from, to) = (numbers.highest, later.get(&sequence).map_or(0, |numbers| numbers.highest));
        if to < from {
            let text = format!("the highest CRL number went from {from} back to {to}{}", of(sequence));
            let fields =
                json!({ "of": "crls", "key": sequence.0, "partition": sequence.1, "before": from, "after": to });
            report.tell(Kind::Rollback, &text, &[], fields)?;
        }
    }
    Ok(())
}

/// A damaged database could have any number of gaps.
const MOST_GAPS: usize = 1000;

fn both(before: &Row, after: &Row, same: bool, report: &mut Report<'_>) -> anyhow::Result<()> {
    if !same || number(before) != number(after) {
        let text = format!("{}, was {}", line(after), line(before));
        return report.tell(Kind::CrlReplaced, &text, &[], json!({ "was": facts(before), "is": facts(after) }));
    }
    let changes = change::of_rows("", Some(before), Some(after));
    if changes.is_empty() {
        return Ok(());
    }
    let below: Vec<String> = changes.iter().map(Change::text).collect();
    let mut fields = facts(after);
    fields["changes"] = changes.iter().map(Change::json).collect();
    report.tell(Kind::CrlChanged, &line(after), &below, fields)
}

/// Whether two rows, the last that were read, hold the same list.
fn same_list(left: &Row, right: &Row, before: &mut dyn Rows, after: &mut dyn Rows) -> anyhow::Result<bool> {
    match (left.get(RAW), right.get(RAW)) {
        (Value::Unread(left), Value::Unread(right)) if left == right => Ok(digest(before)? == digest(after)?),
        (left, right) => Ok(left == right),
    }
}

fn digest(rows: &mut dyn Rows) -> anyhow::Result<[u8; 32]> {
    let mut hash = Hash(Sha256::new());
    rows.copy_value(RAW, &mut hash)?;
    Ok(hash.0.finalize().into())
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn number(row: &Row) -> i64 {
    row.get("CRLNumber").long().unwrap_or(0)
}

fn sequence(row: &Row) -> Sequence {
    (row.get("CRLNameId").long().unwrap_or(0), row.get("CRLPartitionIndex").long().unwrap_or(0))
}

fn of((key, partition): Sequence) -> String {
    match (key, partition) {
        (0, 0) => String::new(),
        (key, 0) => format!(" (CA key {key})"),
        (key, partition) => format!(" (CA key {key}, partition {partition})"),
    }
}

fn line(row: &Row) -> String {
    let kind = match row.get("CRLMinBase").long() {
        None | Some(0) => "CRL".to_owned(),
        Some(base) => format!("delta of CRL {base},"),
    };
    format!("{kind} {}, of {}, {} entries", number(row), row.get("CRLThisUpdate"), row.get("CRLCount"))
}

fn facts(row: &Row) -> serde_json::Value {
    json!({
        "row": row.id(),
        "number": number(row),
        "min_base": row.get("CRLMinBase").long(),
        "key": sequence(row).0,
        "partition": sequence(row).1,
        "this_update": row.get("CRLThisUpdate").date().map(|time| time.to_string()),
        "entries": row.get("CRLCount").long(),
    })
}
