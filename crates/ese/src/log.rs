//! Transaction logs: header, segments, records.

mod file_name;
mod header;
mod legacy;
mod record;
mod scan;

pub use file_name::FileName;
pub use header::{Attachment, LogHeader};
pub use record::{RecordFault, RecordType, size_of_record};
pub use scan::{LogFault, LogFaultKind, LogScan, LogSummary, Records};

/// Size of a segment of a log of version 8, and of the header of every log.
pub const SEGMENT_SIZE: usize = 4096;

/// Size of the header of a segment.
pub const SEGMENT_HEADER_SIZE: usize = 40;
