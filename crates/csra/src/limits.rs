//! Every limit of this crate in one place, each with its reason.
//!
//! Counts are also held against the bytes that are there before anything is allocated; these limits bound the work.

/// Longest CA name, node path, entry or file path in UTF-16 code units, terminator included: a Windows path.
pub const NAME: usize = 32 * 1024;

/// Longest list of file names in UTF-16 code units: room for some 100,000 log files.
pub const NAME_LIST: usize = 6 * 1024 * 1024;

/// Largest CERTTRANSBLOB in bytes: a CA property, at most a CRL.
pub const BLOB: usize = 8 * 1024 * 1024;

/// Largest string or byte array in a VARIANT, in elements.
pub const VARIANT_ELEMENTS: usize = 1024 * 1024;

/// Strings in a VARIANT.
pub const VARIANT_STRINGS: usize = 16 * 1024;

/// What BackupReadFile reads must be a multiple of this, \[MS-CSRA\] 3.1.4.1.23: the page size of Windows.
pub const READ_UNIT: usize = 4096;

/// Most that one BackupReadFile reads, in bytes: the largest buffer of Certadm.dll.
pub const READ: usize = 4 * 1024 * 1024;

/// Largest restore instruction, in bytes.
pub const RESTORE_INSTRUCTION: usize = 1024 * 1024;
