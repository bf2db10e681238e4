//! NDR, the transfer syntax of stub data: C706 chapter 14, little-endian (NDR20).
//!
//! [`Encoder`] writes and [`Decoder`] reads one stub from front to back. Every primitive aligns itself to its own size,
//! relative to the start of the stub; constructed types are the caller's business and are put together from primitives,
//! [`Encoder::referent`] and [`Decoder::referent`] for pointers, and the strings and arrays that the protocols above use.
//!
//! ```
//! use dcerpc::ndr::{Decoder, Encoder};
//!
//! let mut stub = Encoder::new();
//! stub.unique_string(Some("CA"));
//! stub.u32(7); // aligned behind the six bytes of "CA" and its terminator
//! let bytes = stub.into_bytes();
//! assert_eq!(bytes.len(), 4 + 12 + 6 + 2 + 4);
//!
//! let mut stub = Decoder::new(&bytes);
//! assert_eq!(stub.unique_string(64)?.as_deref(), Some("CA"));
//! assert_eq!(stub.u32()?, 7);
//! # Ok::<(), dcerpc::ndr::Error>(())
//! ```

mod decoder;
mod encoder;
mod error;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::Error;
