//! Checks of whole databases.

use ese::check::Report;
use ese::{Database, Error, JetError, PageNumber, PageSource};

use crate::samples::{self, Sample};

fn check(sample: &Sample) -> Result<Report, Error> {
    Database::open(sample, sample.format())?.check()
}

#[test]
fn the_samples_are_sound() {
    for sample in samples::databases() {
        // Backup copies without their logs: pages are missing.
        if sample.is_incomplete() {
            continue;
        }
        let report = check(&sample).unwrap();
        assert_eq!((report.findings, report.further_findings), (Vec::new(), 0), "{}", sample.name);
        assert!(report.rows > 100 && report.pages > 17, "{}", sample.name);
    }
}

/// The findings after `page` of the sample was changed.
fn findings_after(page: u32, change: impl FnOnce(&mut [u8])) -> Option<Vec<String>> {
    let mut sample = samples::database("dissect/multi.edb")?;
    let (start, size) = (PageNumber(page).offset(sample.page_size()), sample.page_size());
    let start = usize::try_from(start).unwrap();
    change(&mut sample.bytes[start..start + size]);
    Some(check(&sample).unwrap().findings.iter().map(ToString::to_string).collect())
}

/// Root of the long values, root of table `multi`, and its first leaf.
fn places() -> Option<(u32, u32)> {
    let sample = samples::database("dissect/multi.edb")?;
    let database = Database::open(&sample, sample.format()).unwrap();
    let table = database.table("multi").unwrap();
    Some((table.definition().long_values().unwrap().page.0, table.definition().tree().page.0))
}

#[test]
fn a_page_that_is_gone_is_found() {
    let Some((long_values, _)) = places() else { return };
    let findings = findings_after(long_values, |page| page.fill(0)).unwrap();
    assert_eq!(
        findings[0],
        format!("page {long_values}: table multi: the page was never written (-1019 JET_errPageNotInitialized)")
    );
    assert!(
        findings[1].ends_with("a row refers to it, and it does not exist (-1526 JET_errLVCorrupted)"),
        "{findings:?}"
    );
}

#[test]
fn a_page_of_another_tree_is_found() {
    let Some((_, rows)) = places() else { return };
    let findings = findings_after(rows, |page| page[24] = 99).unwrap();
    let object = "the page belongs to object 99, not to object";
    assert!(findings[0].starts_with(&format!("page {rows}: table multi: {object}")), "{findings:?}");
}

#[test]
fn bytes_that_are_not_accounted_for_are_found() {
    let Some((_, rows)) = places() else { return };
    let findings = findings_after(rows, |page| page[28] ^= 1).unwrap();
    assert!(findings[0].contains("bytes accounted for, of 4056 (-357 JET_errPageTagCorrupted)"), "{findings:?}");
}

#[test]
fn a_damaged_source_ends_the_check() {
    struct Broken<'a>(&'a Sample);
    impl PageSource for Broken<'_> {
        fn page_size(&self) -> usize {
            self.0.page_size()
        }
        fn last_page(&self) -> PageNumber {
            self.0.last_page()
        }
        fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> std::io::Result<()> {
            if page.0 == 1 {
                return Err(std::io::Error::other("no medium"));
            }
            self.0.read_page(page, buffer)
        }
    }
    let Some(sample) = samples::database("dissect/multi.edb") else { return };
    let database = Database::open(Broken(&sample), sample.format()).unwrap();
    assert_eq!(database.check().unwrap_err().to_string(), "page 1 cannot be read");
    assert_eq!(JetError::DISK_IO.to_string(), "-1022 JET_errDiskIO");
}
