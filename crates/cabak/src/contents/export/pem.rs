//! One PEM file per certificate, and one per revocation list.

use std::io::{BufWriter, Write};
use std::path::Path;

use adcs::{Filter, Join, Scan, SerialNumber, Table};
use anyhow::Context;

use super::{Work, Written, create_for_row};
use crate::contents::pem::PemWriter;
use crate::target::cannot_write;

/// `<request id>-<serial>.pem`, and `crl-<row id>-<number>.pem`. Bytes are written as they are, whether or not they decode.
pub(super) fn write(work: &mut Work<'_>, directory: &Path, filter: Option<&Filter>) -> anyhow::Result<Written> {
    work.begin("certificates", &[Table::Certificates, Table::Crls]);
    let mut scans = [
        Scan::of(Table::Requests).columns(["RequestID"]),
        Scan::of(Table::Certificates).columns(["SerialNumber", "RawCertificate"]),
    ];
    if let Some(filter) = filter {
        filter.need(&mut scans);
    }
    let mut entries = Join::new(work.database, &scans)?;
    let (mut certificates, mut crls) = (0, 0);
    while let Some(entry) = entries.next()? {
        let Some(row) = entry.certificate() else { continue };
        work.step()?;
        let Some(der) = row.get("RawCertificate").binary() else { continue };
        if filter.is_some_and(|filter| !filter.matches(&entry)) {
            continue;
        }
        // The number is from a database that anybody may have filled; only digits become part of a name.
        let serial = row.get("SerialNumber").text().and_then(SerialNumber::parse);
        let serial = serial.map_or_else(|| "unknown".to_owned(), |serial| serial.to_string());
        let serial: String = serial.chars().take(LONGEST_SERIAL).collect();
        let (file, path) = create_for_row(directory, &format!("{:08}-{serial}", entry.id()), "pem")?;
        let write = |out| PemWriter::begin(out, "CERTIFICATE").and_then(|mut pem| pem.write_all(der).and(pem.finish()));
        write(BufWriter::new(file)).and_then(|mut out| out.flush()).with_context(|| cannot_write(&path))?;
        certificates += 1;
    }
    if filter.is_none() {
        let mut rows = work.database.scan(&Scan::of(Table::Crls).columns(["CRLNumber"]))?;
        while let Some(row) = rows.next()? {
            work.step()?;
            let number = row.get("CRLNumber").long().unwrap_or(0);
            let (file, path) = create_for_row(directory, &format!("crl-{:08}-{number}", row.id()), "pem")?;
            let place = || cannot_write(&path);
            let mut pem = PemWriter::begin(BufWriter::new(file), "X509 CRL").with_context(place)?;
            if rows.copy_value("CRLRawCRL", &mut pem)? == 0 {
                drop(pem);
                std::fs::remove_file(&path).with_context(place)?;
                continue;
            }
            pem.finish().and_then(|mut out| out.flush()).with_context(place)?;
            crls += 1;
        }
    }
    Ok(vec![("certificates", certificates), ("crls", crls)])
}

/// Serial numbers have at most 40 digits; a damaged one may be longer than a file name.
const LONGEST_SERIAL: usize = 64;
