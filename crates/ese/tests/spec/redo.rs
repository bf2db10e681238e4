//! Redo of the logs of the samples.

use std::collections::BTreeMap;

use ese::header::{DatabaseHeader, read_header};
use ese::log::{LogHeader, LogScan};
use ese::page::{NodeFlags, Page, PageImage};
use ese::redo::Redo;
use ese::{PageNumber, PageSource, checksum};

use crate::samples::{self, Sample};

/// No pages at all.
struct Nothing(usize);

impl PageSource for Nothing {
    fn page_size(&self) -> usize {
        self.0
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(0)
    }

    fn read_page(&self, _: PageNumber, _: &mut [u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// The logs of some folders, one file a generation, the longest when there are several.
fn logs(folders: &[&str]) -> BTreeMap<u32, Vec<u8>> {
    let mut logs: BTreeMap<u32, (u64, Vec<u8>)> = BTreeMap::new();
    for (name, bytes) in samples::files(|bytes| LogHeader::parse(bytes).is_some()) {
        if folders.iter().any(|folder| name.starts_with(folder)) {
            let mut scan = LogScan::new();
            scan.push(&bytes, &mut |_, _| {});
            let summary = scan.finish();
            let generation = summary.header.unwrap().generation;
            if logs.get(&generation).is_none_or(|(records, _)| *records < summary.records) {
                logs.insert(generation, (summary.records, bytes));
            }
        }
    }
    logs.into_iter().map(|(generation, (_, bytes))| (generation, bytes)).collect()
}

fn replay<S: PageSource>(redo: &mut Redo<S>, logs: &BTreeMap<u32, Vec<u8>>) -> Result<(), String> {
    for bytes in logs.values() {
        redo.begin_log(&LogHeader::parse(bytes).unwrap());
        let mut scan = LogScan::new();
        let mut stop = None;
        scan.push(bytes, &mut |position, record| {
            if stop.is_none() {
                stop = redo.apply(position, record).err();
            }
        });
        if let Some(stop) = stop {
            return Err(stop.to_string());
        }
    }
    redo.roll_back().map(|_| ()).map_err(|stop| stop.to_string())
}

fn sample(name: &str) -> Option<Sample> {
    samples::databases().into_iter().find(|sample| sample.name == name)
}

fn settled(mut image: PageImage) -> PageImage {
    image.uncommitted_free = 0;
    for node in &mut image.nodes {
        node.flags -= NodeFlags::VERSION;
    }
    // The kind of the last write is chosen when a page is written.
    image.flags -= ese::page::PageFlags::FLUSH_TYPE;
    image
}

/// Compares every page of the recovered database with the file that Windows wrote: how many are the same, which differ.
fn compare<S: PageSource>(redo: &Redo<S>, file: &Sample) -> (usize, Vec<String>) {
    let (mut same, mut different) = (0, Vec::new());
    let (mut found, mut expected) = (vec![0; file.page_size()], vec![0; file.page_size()]);
    for number in (1..=file.last_page().0).map(PageNumber) {
        file.read_page(number, &mut expected).unwrap();
        let read = redo.read_page(number, &mut found);
        if checksum::verify_page(&expected, number) == checksum::Verdict::Blank {
            assert!(read.is_err() || found.iter().all(|byte| *byte == 0), "page {number} was never written");
            continue;
        }
        let image = |bytes: &[u8]| settled(PageImage::of(&Page::new(number, bytes).unwrap()).unwrap());
        let (found, expected) = (image(&found), image(&expected));
        if found == expected {
            same += 1;
        } else {
            different.push(format!("page {number}: {found:#?} instead of {expected:#?}"));
        }
    }
    (same, different)
}

#[test]
fn server_2022_is_rebuilt_from_its_logs_alone() {
    let Some(expected) = sample("server2022-b/SRUDB.dat") else { return };
    let logs = logs(&["server2022-a/SRU00001", "server2022-b/"]);
    assert_eq!(logs.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let (header, _) = read_header(&expected.bytes).unwrap();
    let mut redo = Redo::from_nothing(Nothing(expected.page_size()), header.update_major).unwrap();
    let result = replay(&mut redo, &logs);
    println!("{:?}", redo.progress());
    assert_eq!(result, Ok(()));
    assert_eq!(compare(&redo, &expected), (73, Vec::new()));
}

#[test]
fn server_2022_a_rolls_forward_to_b() {
    let (Some(start), Some(expected)) = (sample("server2022-a/SRUDB.dat"), sample("server2022-b/SRUDB.dat")) else {
        return;
    };
    let logs = logs(&["server2022-b/"]);
    let (header, _) = read_header(&start.bytes).unwrap();
    let mut redo = Redo::new(&start, &header).unwrap();
    let result = replay(&mut redo, &logs);
    println!("{:?}", redo.progress());
    assert_eq!(result, Ok(()));
    assert_eq!(compare(&redo, &expected), (73, Vec::new()));
}

#[test]
fn a_fuzzy_copy_rolls_forward_to_the_file_that_windows_wrote() {
    for (copy, folder, pages) in
        [("synthetic/fuzzy_apt.edb", "win10-apt/", 325), ("synthetic/fuzzy_win10.edb", "win10-sans/", 104)]
    {
        let Some(start) = sample(copy) else { return };
        let expected = sample(&format!("{folder}SRUDB.dat")).unwrap();
        let (header, _) = read_header(&start.bytes).unwrap();
        let mut redo = Redo::new(&start, &header).unwrap();
        let mut logs = logs(&[folder]);
        logs.retain(|generation, _| *generation >= header.this_backup.low);
        let result = replay(&mut redo, &logs);
        println!("{copy}: {:?}", redo.progress());
        assert_eq!(result, Ok(()), "{copy}");
        assert_eq!(compare(&redo, &expected), (pages, Vec::new()), "{copy}");
    }
}

#[test]
fn replaying_over_the_finished_database_changes_nothing() {
    for folder in ["server2022-b/", "win10-apt/", "win10-sans/", "win10-rathbun/"] {
        let Some(start) = sample(&format!("{folder}SRUDB.dat")) else { return };
        let (header, _): (DatabaseHeader, _) = read_header(&start.bytes).unwrap();
        let mut redo = Redo::new(&start, &header).unwrap();
        let result = replay(&mut redo, &logs(&[folder]));
        println!("{folder}: {:?}", redo.progress());
        assert_eq!((result, redo.changed_pages()), (Ok(()), 0), "{folder}");
        let mut bytes = vec![0; redo.page_size()];
        redo.read_page(PageNumber(4), &mut bytes).unwrap();
        assert_eq!(checksum::verify_page(&bytes, PageNumber(4)), checksum::Verdict::Sound);
    }
}
