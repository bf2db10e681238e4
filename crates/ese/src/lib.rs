//! ESE (JET Blue) databases and their transaction logs: verify them, read them, roll them forward.
//!
//! The crate opens no file and never writes into what it is given. Bytes come in through [`PageSource`], or are pushed in
//! while they pass; whatever they hold, nothing here panics, loops or allocates by what they claim.
//!
//! The tables of a copy, with a log rolled forward over it:
//!
//! ```no_run
//! use ese::header::read_header;
//! use ese::log::{LogHeader, LogScan};
//! use ese::redo::Redo;
//! use ese::{Database, Format, PageNumber, PageSource};
//!
//! struct File {
//!     bytes: Vec<u8>,
//!     page_size: usize,
//! }
//!
//! impl PageSource for File {
//!     fn page_size(&self) -> usize {
//!         self.page_size
//!     }
//!
//!     fn last_page(&self) -> PageNumber {
//!         // In front are two pages of header; a backup puts a trailer behind the last one.
//!         PageNumber((self.bytes.len() / self.page_size) as u32 - 3)
//!     }
//!
//!     fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> std::io::Result<()> {
//!         let offset = page.offset(self.page_size) as usize;
//!         let bytes = self.bytes.get(offset..offset + buffer.len()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
//!         buffer.copy_from_slice(bytes);
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bytes = std::fs::read("DataBase/CA.edb")?;
//! let (header, _) = read_header(&bytes)?;
//! let mut redo = Redo::new(File { bytes, page_size: header.page_size }, &header)?;
//!
//! let log = std::fs::read("DataBase/edb00001.log")?;
//! redo.begin_log(&LogHeader::parse(&log).ok_or("no log")?);
//! let (mut scan, mut stop) = (LogScan::new(), None);
//! scan.push(&log, &mut |position, record| {
//!     if stop.is_none() {
//!         stop = redo.apply(position, record).err();
//!     }
//! });
//! assert!(stop.is_none() && scan.finish().faults.is_empty());
//! redo.roll_back()?;
//!
//! let database = Database::open(&redo, Format { version: header.version, update: header.update_major })?;
//! for table in database.tables() {
//!     println!("{}: {} columns", table.name(), table.columns().count());
//! }
//! assert!(database.check()?.is_sound());
//! # Ok(())
//! # }
//! ```

mod backup_info;
mod bytes;
pub mod catalog;
pub mod check;
mod checkpoint;
pub mod checksum;
pub mod compose;
pub mod compression;
mod database;
mod error;
pub mod header;
mod index_key;
mod jet;
pub mod log;
mod long_value;
mod moment;
pub mod page;
mod position;
pub mod record;
pub mod redo;
pub mod set;
mod signature;
mod source;
mod table;
mod text;
pub mod tree;
mod value;

pub use backup_info::BackupInfo;
pub use checkpoint::Checkpoint;
pub use database::{Database, Format};
pub use error::Error;
pub use index_key::index_key;
pub use jet::JetError;
pub use long_value::{LongValueHeader, LongValueId, LongValues};
pub use moment::LogTime;
pub use position::LogPosition;
pub use signature::Signature;
pub use source::{ObjectId, PageNumber, PageSource};
pub use table::{IndexRows, Row, Rows, Table};
pub use text::{Text, decode as decode_text};
pub use value::{LongValue, Value};
