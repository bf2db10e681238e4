//! What a database file holds beside its pages: headers, and the trailer page of a backup copy.

mod database;
mod scan;
mod state;
mod trailer;

pub use database::{DatabaseHeader, HeaderCopy, read_header};
pub use scan::{DatabaseFault, DatabaseScan, DatabaseSummary};
pub use state::DatabaseState;
pub use trailer::Trailer;

/// The page sizes that a database may have.
pub const PAGE_SIZES: [usize; 5] = [2048, 4096, 8192, 0x4000, 0x8000];
