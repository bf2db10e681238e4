//! Oracles of `certdb`: what must hold for any bytes.

use std::path::Path;

use certdb::log::{HEADER_SIZE, Header, LogReader, Record};
use certdb::set::LogChain;
use certdb::{Checkpoint, PAGE_SIZE, Trailer};

/// Corpus name and oracle of every fuzz target of `certdb`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[
    ("certdb_log", certdb_log),
    ("certdb_chain", certdb_chain),
    ("certdb_checkpoint", certdb_checkpoint),
    ("certdb_trailer", certdb_trailer),
];

/// One log file, as it is and with checksums that fit, so that a search gets behind them.
///
/// # Panics
/// When [`check_log`] does.
pub fn certdb_log(data: &[u8]) {
    check_log(data);
    check_log(&sealed(data));
}

/// One log file: the reader ends, reads no more than there is, and what it accepts is what the file says.
///
/// # Panics
/// When that does not hold.
pub fn check_log(data: &[u8]) {
    let Ok(mut log) = LogReader::new(data) else { return };
    let header = log.header().clone();
    let bytes: &[u8; HEADER_SIZE] = data.first_chunk().expect("a header was read");
    assert_eq!(header.encode(), *bytes, "the header is canonical");
    let (mut images, mut transactions, mut next) = (0, 0, header.first_lsn.0);
    let mut before = log.offset();
    let mut failed = false;
    while let Some(record) = log.next() {
        let Ok(record) = record else {
            failed = true;
            break;
        };
        assert!(log.offset() > before, "each record takes bytes");
        before = log.offset();
        if let Record::Page(page) = record {
            assert_eq!((page.lsn.0, page.image.len()), (next, PAGE_SIZE));
            next += 1;
            images += 1;
            transactions += u32::from(page.commit_pages != 0);
        }
    }
    assert!(log.offset() <= data.len() as u64);
    assert!(log.next().is_none(), "nothing comes after the end or an error");
    if let (Some(end), false) = (log.end_mark(), failed) {
        assert_eq!(log.offset(), data.len() as u64, "nothing follows the end mark");
        assert_eq!((end.images, end.transactions, end.next_lsn.0), (images, transactions, next));
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(data).into();
        assert_eq!(log.digest().0, digest);
    }
}

/// Several log files: a chain that is accepted has consecutive generations of one database, linked by their digests.
///
/// The files are the parts of the input between copies of a separator.
///
/// # Panics
/// When that does not hold.
pub fn certdb_chain(data: &[u8]) {
    let mut chain = LogChain::default();
    let mut previous: Option<(Header, certdb::Digest)> = None;
    for part in split(data) {
        let Ok(info) = chain.follow(Path::new("log"), part, true, &mut |_, _| {}) else { break };
        let header = Header::decode(part.first_chunk().expect("a header was read")).expect("it was decoded before");
        assert_eq!((info.generation, info.size), (header.generation, part.len() as u64));
        if let Some((before, digest)) = previous {
            assert_eq!(Some(header.generation), before.generation.next());
            assert_eq!(header.signature, before.signature);
            assert_eq!(header.previous_digest, digest);
        }
        previous = Some((header, info.digest));
    }
    assert_eq!(chain.report().is_ok(), previous.is_some());
}

/// The checkpoint file: what is read is written as the same bytes.
///
/// # Panics
/// When that does not hold.
pub fn certdb_checkpoint(data: &[u8]) {
    let Some((checkpoint, number)) = Checkpoint::decode(data) else { return };
    assert_eq!(Checkpoint::decode(&checkpoint.encode(number)), Some((checkpoint, number)));
}

/// The trailer of a copy: what is read is written as the same bytes.
///
/// # Panics
/// When that does not hold.
pub fn certdb_trailer(data: &[u8]) {
    let Some(bytes) = data.first_chunk::<PAGE_SIZE>() else { return };
    let Some(trailer) = Trailer::decode(bytes) else { return };
    assert_eq!(trailer.encode(), *bytes);
}

/// Between the files of a chain.
pub const SEPARATOR: &[u8; 8] = b"\0--cut-\0";

/// The same log file with the checksums that its bytes have.
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let Some(header) = bytes.get_mut(..HEADER_SIZE) else { return bytes };
    let (fields, place) = header.split_at_mut(HEADER_SIZE - 4);
    let mut seed = crc32(0, fields);
    place.copy_from_slice(&seed.to_le_bytes());
    let mut at = HEADER_SIZE;
    while let Some(kind) = bytes.get(at + 4) {
        let length = match kind {
            1 => 64 + PAGE_SIZE,
            2 => (at + 64).next_multiple_of(PAGE_SIZE) - at,
            _ => 64,
        };
        let Some(record) = bytes.get_mut(at..at + length) else { break };
        seed = crc32(seed, &record[4..]);
        record[..4].copy_from_slice(&seed.to_le_bytes());
        at += length;
    }
    bytes
}

/// CRC-32 as in zlib, written down once more.
fn crc32(seed: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!seed, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xEDB8_8320 })
    })
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&rest[..at]);
        rest = &rest[at + SEPARATOR.len()..];
    }
    parts.push(rest);
    parts
}
