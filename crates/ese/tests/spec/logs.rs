//! Log files: the scan, and the links between files.

use std::collections::BTreeMap;

use ese::log::{LogFaultKind, LogHeader, LogScan, LogSummary, SEGMENT_SIZE};

use crate::samples;

fn scan(bytes: &[u8]) -> LogSummary {
    let mut scan = LogScan::new();
    // Pieces of an odd size: nothing may depend on where they end.
    for piece in bytes.chunks(1009) {
        scan.push(piece, &mut |_, _| {});
    }
    scan.finish()
}

fn logs() -> Vec<(String, Vec<u8>)> {
    samples::files(|bytes| LogHeader::parse(bytes).is_some())
}

#[test]
fn every_log_that_windows_wrote_is_sound_and_continues_the_one_before() {
    let mut runs: BTreeMap<_, BTreeMap<u32, (String, LogSummary)>> = BTreeMap::new();
    let (mut files, mut segments, mut records, mut links) = (0, 0, 0, 0);
    for (name, bytes) in logs() {
        let summary = scan(&bytes);
        assert_eq!(summary.faults, [], "{name}");
        let header = summary.header.clone().unwrap();
        files += 1;
        segments += summary.valid;
        records += summary.records;
        runs.entry(header.signature.0).or_default().insert(header.generation, (name, summary));
    }
    for run in runs.values() {
        for (generation, (name, next)) in run {
            let Some((_, previous)) = generation.checked_sub(1).and_then(|before| run.get(&before)) else { continue };
            let next = next.header.as_ref().unwrap();
            // The same generation at an earlier time is a shorter file.
            if previous.closed_in_order {
                continue;
            }
            links += 1;
            assert_eq!(next.previous_created, previous.header.as_ref().unwrap().created, "{name}");
            assert_eq!(next.previous_segments, previous.segments_sum, "{name}");
        }
    }
    println!("{files} logs, {segments} segments, {records} records, {links} links");
}

#[test]
fn a_wrong_bit_in_a_log_is_found_wherever_it_is() {
    let Some((name, bytes)) = logs().into_iter().find(|(name, _)| name.ends_with("server2022-b/SRU00003.log")) else {
        return;
    };
    let sectors = bytes.len() / SEGMENT_SIZE;
    for at in (0..(sectors - 1) * SEGMENT_SIZE).step_by(61) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x10;
        let summary = scan(&broken);
        let [fault] = summary.faults.as_slice() else { panic!("{name}: byte {at}: {:?}", summary.faults) };
        let expected = match at {
            ..SEGMENT_SIZE => LogFaultKind::Header,
            _ if at % SEGMENT_SIZE < 8 => LogFaultKind::Segment,
            _ => LogFaultKind::Correctable,
        };
        assert_eq!(fault.kind, expected, "{name}: byte {at}: {fault}");
    }
}

#[test]
fn a_log_that_is_cut_or_longer_is_found() {
    for (name, bytes) in logs().into_iter().take(3) {
        for length in [0, 1, 4095, 4096, 8192, bytes.len() - 4096, bytes.len() - 1] {
            assert!(!scan(&bytes[..length]).faults.is_empty(), "{name}: {length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(scan(&longer).faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [LogFaultKind::Size]);
    }
}

#[test]
fn a_segment_of_zeros_in_the_middle_is_found_and_at_the_end_changes_the_sum() {
    for (name, bytes) in logs().into_iter().take(5) {
        let whole = scan(&bytes);
        let last = usize::from(whole.end.segment) - 1;
        for segment in 1..=last {
            let mut broken = bytes.clone();
            broken[segment * SEGMENT_SIZE..(segment + 1) * SEGMENT_SIZE].fill(0);
            let summary = scan(&broken);
            if segment < last {
                assert_eq!(summary.faults.len(), 1, "{name}: {segment}: {:?}", summary.faults);
                assert_eq!(summary.faults[0].offset, ((segment + 1) * SEGMENT_SIZE) as u64);
            }
            assert_ne!(summary.segments_sum, whole.segments_sum, "{name}: {segment}");
        }
    }
}

#[test]
fn the_shadow_of_a_cut_write_is_recognised() {
    for (name, bytes) in logs().into_iter().take(5) {
        let last = usize::from(scan(&bytes).end.segment) - 1;
        let range = last * SEGMENT_SIZE..(last + 1) * SEGMENT_SIZE;
        let mut torn = bytes.clone();
        torn.copy_within(range.clone(), range.end);
        // The shadow alone is no damage.
        assert_eq!(scan(&torn).faults, [], "{name}");
        for (at, byte) in torn[range.start + 2000..range.end].iter_mut().enumerate() {
            *byte = (at * at + 3 * at) as u8;
        }
        let kinds: Vec<_> = scan(&torn).faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [LogFaultKind::Torn], "{name}");
    }
}

#[test]
fn a_header_survives_being_written_again() {
    for (name, bytes) in logs() {
        let header = LogHeader::parse(&bytes).unwrap();
        let again = LogHeader::parse(&header.to_bytes()).unwrap();
        assert_eq!(again, header, "{name}");
    }
}

#[test]
fn names_of_logs_are_read_in_both_lengths() {
    use ese::log::FileName;
    let parse = |name: &str| FileName::parse(name).map(|name| (name.base, name.generation));
    assert_eq!(parse("edb00001.log"), Some(("edb".to_owned(), Some(1))));
    assert_eq!(parse("edb0000A.LOG"), Some(("edb".to_owned(), Some(10))));
    assert_eq!(parse("edb00123456.log"), Some(("edb".to_owned(), Some(0x12_3456))));
    assert_eq!(parse("edb.log"), Some(("edb".to_owned(), None)));
    for name in ["edb00000.log", "edbtmp.log", "edb0001.log", "edb000001.log", "edb.chk", "ed.log", "edb00001", "é.log"]
    {
        assert_eq!(parse(name), None, "{name}");
    }
    assert_eq!(FileName { base: "edb".to_owned(), generation: Some(0x10_0000) }.to_string(), "edb00100000.log");
    assert_eq!(FileName { base: "edb".to_owned(), generation: Some(0xABC) }.to_string(), "edb00ABC.log");
}
