//! The log files `edbNNNNN.log` and `edb.log`: header, records, end mark. `docs/formats/certlog.md` has every byte.
//!
//! [`LogReader`] reads one file from any [`std::io::Read`] and checks all that can be checked without its neighbours; what ties
//! files together is checked by [`crate::set::verify_chain`].

mod error;
mod header;
mod open_log;
mod reader;
mod record;

pub use error::{LogDamage, LogError};
pub use header::{HEADER_SIZE, Header};
pub use reader::LogReader;
pub use record::{EndMark, PageImage, Record, SyncNote};

pub use crate::wal::WalPosition;
pub(crate) use open_log::{OPEN_LOG, OpenLog, TEMPORARY_LOG, Tail};
