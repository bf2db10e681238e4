//! Every limit of this crate in one place, each with its reason.
//!
//! Counts are also held against the bytes that are there before anything is allocated; these limits bound the work.

/// Extensions in an ORPCTHIS or ORPCTHAT. Two kinds are defined, \[MS-DCOM\] 2.2.21; both are ignored here.
pub const EXTENSIONS: usize = 16;

/// Largest extension, in bytes: error information has three strings.
pub const EXTENSION: usize = 64 * 1024;

/// Largest marshaled object reference, in bytes. Activation properties of Windows stay below 2 KiB.
pub const OBJREF: usize = 64 * 1024;

/// Interfaces in one activation request or query; \[MS-DCOM\] 2.2.28.1 allows 0x8000, real clients ask for one.
pub const INTERFACES: usize = 64;

/// Interface references in one RemAddRef or RemRelease: a client that lets everything go at once.
pub const INTERFACE_REFERENCES: usize = 4096;

/// Protocol sequences in one request; \[MS-DCOM\] 2.2.28.1 allows 0x8000, about twenty exist.
pub const PROTOCOL_SEQUENCES: usize = 64;

/// Properties of an activation blob: MAX_ACTPROP_LIMIT of \[MS-DCOM\] 2.2.28.1.
pub const PROPERTIES: usize = 10;

/// Objects added to or deleted from a ping set by one ComplexPing.
pub const PINGED_OBJECTS: usize = 4096;

/// Longest name in UTF-16 code units, terminator included.
pub const NAME: usize = 32 * 1024;
