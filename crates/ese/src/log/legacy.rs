//! Logs of version 7 (Windows 7, Server 2008 R2 and before): sectors that are covered by a chain of sums.

use super::LogHeader;
use super::record::RecordType;
use super::scan::{LogFault, LogFaultKind, LogSummary};
use crate::bytes::Bytes;
use crate::position::LogPosition;

/// The largest log of this version: 65,536 sectors, all that a position can name, of 512 bytes. No more is held in memory.
pub(super) const LIMIT: u64 = 32 << 20;

const RECORD_SIZE: usize = 22;
const SEED: u32 = 0xFEED_BEAF;
const SHORT_SUM_ON: u8 = 0x9A;
const SHORT_SUM_OFF: u8 = 0xD1;

/// A sum in the log, `LRCHECKSUM`. It covers bytes before and behind itself and names the next one.
///
/// | offset | field |
/// |---|---|
/// | 0 | u8 record type 42 |
/// | 1 | u32 bytes before it that it covers |
/// | 5 | u32 bytes behind it that it covers |
/// | 9 | u32 bytes from its end to the next sum; 0: it is the last |
/// | 13 | u32 sum |
/// | 17 | u32 sum of its sector alone |
/// | 21 | u8 0x9A: the short sum counts; 0xD1: there is none |
struct Sum {
    backwards: u32,
    forwards: u32,
    next: u32,
    stored: u32,
    mode: u8,
}

/// Follows the chain of sums from the first sector behind the header. `file` is as much of the file as there is.
pub(super) fn verify(file: &[u8], header: &LogHeader, summary: &mut LogSummary) {
    let sector = usize::from(header.sector_size);
    let mut at = usize::from(header.header_sectors) * sector;
    loop {
        let Some(sum) = sum_at(file, at) else {
            let problem = "there is no record of checksums where one must be".to_owned();
            return summary.faults.push(LogFault { offset: at as u64, kind: LogFaultKind::Segment, problem });
        };
        let Some(computed) = compute(file, at, &sum, header.generation) else {
            let problem = "a checksum covers more than the file has".to_owned();
            return summary.faults.push(LogFault { offset: at as u64, kind: LogFaultKind::Segment, problem });
        };
        if computed != sum.stored {
            let problem = format!("the checksum is {:#010x}, the content gives {computed:#010x}", sum.stored);
            return summary.faults.push(LogFault { offset: at as u64, kind: LogFaultKind::Segment, problem });
        }
        summary.valid += 1;
        let end = at + RECORD_SIZE + sum.forwards as usize;
        summary.end = LogPosition {
            generation: header.generation,
            segment: u16::try_from(end / sector).unwrap_or(u16::MAX),
            byte: u16::try_from(end % sector).unwrap_or_default(),
        };
        if sum.next == 0 {
            return;
        }
        // The next sum is further on, so this ends.
        at += RECORD_SIZE + sum.next as usize;
    }
}

fn sum_at(file: &[u8], at: usize) -> Option<Sum> {
    let bytes = file.get(at..at.checked_add(RECORD_SIZE)?)?;
    let mode = bytes.u8_at(21)?;
    if bytes.u8_at(0)? != RecordType::CHECKSUM.0 || (mode != SHORT_SUM_ON && mode != SHORT_SUM_OFF) {
        return None;
    }
    Some(Sum {
        backwards: bytes.u32_at(1)?,
        forwards: bytes.u32_at(5)?,
        next: bytes.u32_at(9)?,
        stored: bytes.u32_at(13)?,
        mode,
    })
}

fn compute(file: &[u8], at: usize, sum: &Sum, generation: u32) -> Option<u32> {
    let before = at.checked_sub(sum.backwards as usize)?;
    let behind = at + RECORD_SIZE;
    let end = behind.checked_add(sum.forwards as usize)?;
    let ranges = xor_lanes(file.get(before..at)?, before) ^ xor_lanes(file.get(behind..end)?, behind);
    Some(SEED ^ ranges ^ sum.backwards ^ sum.forwards ^ sum.next ^ u32::from(sum.mode) ^ generation)
}

/// Exclusive or of 32-bit words as they lie in the file: a byte counts in the lane that its offset gives.
fn xor_lanes(bytes: &[u8], offset: usize) -> u32 {
    let mut lanes = [0; 4];
    for (byte, place) in bytes.iter().zip(offset..) {
        lanes[place % 4] ^= byte;
    }
    u32::from_le_bytes(lanes)
}
