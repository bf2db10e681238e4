//! Logs of the samples.

use ese::log::{LogHeader, LogScan};

use crate::samples;

#[test]
fn every_log_that_windows_wrote_scans() {
    for (name, bytes) in samples::files(|bytes| LogHeader::parse(bytes).is_some()) {
        let mut scan = LogScan::new();
        for piece in bytes.chunks(1000) {
            scan.push(piece, &mut |_, _| {});
        }
        let summary = scan.finish();
        let header = summary.header.as_ref().expect("it has a header");
        println!("{name}: gen {:x} {:?} valid {} empty {} records {} sum {:x} prev {:x} end {} closed {} faults {:?} {:?}", header.generation, header.version, summary.valid, summary.empty, summary.records, summary.segments_sum, header.previous_segments, summary.end, summary.closed_in_order, summary.faults, header.attachments);
    }
}
