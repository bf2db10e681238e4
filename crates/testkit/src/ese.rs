//! ESE (JET Blue) databases, transaction logs and backup sets, composed from nothing.
//!
//! An [`Engine`] is a database with its logs, in memory. Whatever is done to it changes its pages and is written to
//! its logs as the engine of Windows does it; the same calls make the same bytes. [`Engine::begin_backup`] copies it
//! while it is in use, into a [`BackupSet`] with the truth beside it. [`CaDatabase`] is the database of a CA. None of
//! this uses what crate `ese` knows of records and redo: it is a second opinion, and the two judge each other.
//!
//! ```
//! use testkit::ese::{Column, ColumnKind, Engine, Format, Row, Session, Table};
//!
//! let mut engine = Engine::create(Format::SERVER_2022, r"C:\ca\ca.edb", 1, 64);
//! let table = Table::new("things").column(Column::new("Id", ColumnKind::Long)).primary("Primary", &["Id"]);
//! let table = engine.create_table(table);
//! let session = Session(7);
//! engine.begin(session);
//! engine.insert_row(session, table, Row::from([("Id".to_owned(), vec![vec![1, 0, 0, 0]])]));
//! engine.commit(session);
//! let mut backup = engine.begin_backup();
//! engine.read_pages(&mut backup, 20);
//! engine.flush(1, 2);
//! let set = engine.finish_backup(backup);
//! assert_eq!(set.truth.tables["things"].len(), 1);
//! ```
//!
//! # What the logs hold
//!
//! | records | when |
//! |---|---|
//! | Init2, CreateDB, ExtendDB, SetDbVersion, CreateDBFinish | a database is created |
//! | ShutDownMark, Term2, Init2, AttachDB | it is closed and opened again |
//! | Begin0, Begin, Commit, Commit0, Rollback | transactions, and those within them |
//! | CreateMultipleExtentFDP, CreateSingleExtentFDP, ConvertFDP2 | a tree is created; it needs a second extent |
//! | NewPage | a page comes into use, from Server 2022 on |
//! | Insert, Replace, ReplaceD, FlagDelete | rows, index entries, long values, and the trees of extents |
//! | FlagInsert, FlagInsertAndReplaceData | the same key again while its deleted node is there |
//! | Delta | a long value loses a reference |
//! | Delete | deleted nodes are removed when their transaction is over |
//! | SetExternalHeader | the bit map of free pages changes |
//! | MacroBegin, Split2, Insert or Replace, MacroCommit, MacroInfo | a page is split: vertically, to the right, or by appending; inner pages too. Before-images whole, without their gap, in XPRESS, or both |
//! | MacroBegin, Merge2, MacroCommit, MacroInfo | a leaf goes into its right neighbour, or leaves the tree empty |
//! | EmptyTree | a tree loses its last node |
//! | Undo, UndoInfo | a roll-back; a page is written to disk with changes that are not committed |
//! | Backup2 | a backup begins, collects its logs, ends |
//! | NOP2, FragmentBegin, Fragment | a segment is filled up; a record crosses into the next |
//!
//! # What differs from Windows
//!
//! - Keys of UTF-16 text are code units in upper case, not the sort keys of Windows.
//! - A tree of extents keeps to its root page, an extent that is given back is not joined with its neighbours.
//! - Nodes keep the mark of a version for ever; the free bytes that a roll-back may claim are kept free and not
//!   counted in the page.
//! - The catalog has no MSysObjids, MSysLocales and their like, and nobody has opened such a file in Windows.

mod authority;
mod backup;
mod ca;
mod catalog;
mod clock;
mod compression;
mod diff;
mod disk;
mod engine;
mod format;
mod key;
mod log;
mod long_value;
mod merge;
mod record;
mod row;
mod schema;
mod set;
mod space;
mod split;
mod table;
mod transaction;
mod tree;

pub use authority::Authority;
pub use backup::HotBackup;
pub use ca::{CaDatabase, Certificate, Request, RevocationList, disposition};
pub use engine::Engine;
pub use format::Format;
pub use row::Row;
pub use schema::{Column, ColumnKind, Index, Storage, Table};
pub use set::{BackupSet, Part, Truth};
pub use table::{RowKey, TableId};
pub use transaction::Session;
