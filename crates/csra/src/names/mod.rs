//! Lists of file names, \[MS-CSRA\] 2.2.4: what a backup consists of, and where a restore puts it.

mod file_name;
mod file_type;
mod list;
mod local;

pub use file_name::{FileName, NameError};
pub use file_type::FileType;
pub use list::{ListError, NameList, Prefix};
