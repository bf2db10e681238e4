//! Redo: the records of the logs, applied to the pages of a database.
//!
//! The database is not touched: changed pages are kept beside it, and reading through [`Redo`] shows the recovered state.
//! They are in memory, and with [`Redo::spill_to`] no more of them than there is room for.
//!
//! Every record names the page that it changes, the counter of changes of that page before, and after. A page that
//! already has the later counter is left alone; one that has the earlier counter is changed; anything else means that
//! the page is not the one that the server had, and redo stops there. It never goes on with a guess. One case waits until
//! the end of the logs: a page that was never written, or is too old, may be made new by a later record, because the server
//! gave it away and took it again; if none does, redo has failed at the first record that needed it.
//!
//! | records | what redo does |
//! |---|---|
//! | Insert, Replace, ReplaceD, FlagDelete, Delete, FlagInsert, FlagInsertAndReplaceData, Delta, Delta64 | change one node |
//! | SetExternalHeader, NewPage, EmptyTree | change one page, or empty several |
//! | CreateSingleExtentFDP, CreateMultipleExtentFDP, ConvertFDP2 | make the root pages of a tree |
//! | MacroBegin … MacroCommit with Split2 or Merge2 | split or merge pages on every level at once |
//! | Begin, Begin0, Commit, Commit0, Rollback, Refresh | follow the transactions |
//! | Undo, UndoInfo | take back one change; the content before it, written ahead of a page |
//! | CreateDB, AttachDB, DetachDB, SetDbVersion, ExtendDB | follow the database |
//! | Init, Term, Backup2, Trace, CommitCtx, ScanCheck, MacroInfo, … | nothing |
//! | PageMove, RootPageMove, ShrinkDB, TrimDB, Scrub, and old forms | stop: not supported |
//!
//! When the logs end, [`Redo::roll_back`] takes back what transactions did that never committed, as recovery does.

mod changed;
mod diff;
mod error;
mod macros;
mod merge;
mod node;
mod overlay;
mod preimage;
mod record;
mod session;
mod space;
mod split;
mod undo;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use changed::PageStore;
pub use error::{RedoError, Stop};
pub use undo::RolledBack;

use crate::bytes::Bytes;
use crate::header::DatabaseHeader;
use crate::log::{LogHeader, RecordType};
use crate::page::PageImage;
use crate::position::LogPosition;
use crate::signature::Signature;
use crate::source::{PageNumber, PageSource};
use error::Fault;
use overlay::Overlay;
use session::Session;

/// The records of the logs, applied to a database that stays as it is.
#[derive(Debug)]
pub struct Redo<S> {
    overlay: Overlay<S>,
    signature: Option<Signature>,
    dbid: Option<u8>,
    sessions: BTreeMap<u16, Session>,
    progress: Progress,
}

/// How far redo came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records that were looked at.
    pub records: u64,
    /// Records of this database that changed pages.
    pub applied: u64,
    /// Records of this database whose pages had the change already.
    pub skipped: u64,
    /// Transactions that committed.
    pub committed: u64,
    /// The last record that was applied or skipped.
    pub position: LogPosition,
    /// The highest counter of changes that was seen.
    pub dbtime: u64,
    /// The highest object number that was seen.
    pub last_object: u32,
    /// Version that the database was raised to: version, update major, update minor.
    pub version: Option<[u32; 3]>,
}

impl<S: PageSource> Redo<S> {
    /// Starts over a database.
    ///
    /// # Errors
    /// [`RedoError::Layout`]: the page size of the source is none.
    pub fn new(source: S, header: &DatabaseHeader) -> Result<Self, RedoError> {
        let reserved_tags = u8::from(header.update_major >= DatabaseHeader::RESERVED_TAGS);
        Ok(Redo {
            overlay: Overlay::new(source, reserved_tags)?,
            signature: Some(header.signature),
            dbid: u8::try_from(header.dbid).ok().filter(|dbid| *dbid != 0),
            sessions: BTreeMap::new(),
            progress: Progress { dbtime: header.dbtime, last_object: header.last_object, ..Progress::default() },
        })
    }

    /// Starts over nothing: the logs go back to the creation of the database. `update_major` is the format of its pages.
    ///
    /// # Errors
    /// [`RedoError::Layout`]: the page size of the source is none.
    pub fn from_nothing(source: S, update_major: u32) -> Result<Self, RedoError> {
        let reserved_tags = u8::from(update_major >= DatabaseHeader::RESERVED_TAGS);
        Ok(Redo {
            overlay: Overlay::new(source, reserved_tags)?,
            signature: None,
            dbid: None,
            sessions: BTreeMap::new(),
            progress: Progress::default(),
        })
    }

    /// Keeps no more than `room` changed pages in memory from now on, at least one; the others go to `store`.
    pub fn spill_to(&mut self, store: Box<dyn PageStore>, room: usize) {
        self.overlay.spill_to(store, room);
    }

    /// Comes before the records of each log: learns by which number the log calls the database.
    pub fn begin_log(&mut self, header: &LogHeader) {
        self.overlay.raise_ceiling();
        for attachment in &header.attachments {
            if self.signature == Some(attachment.signature) {
                self.dbid = Some(attachment.dbid);
            }
        }
    }

    /// Applies one record.
    ///
    /// # Errors
    /// [`RedoError::Stopped`]: the record does not fit the pages, or is of a kind that cannot be applied. The pages are
    /// as they were before it. [`RedoError::Store`]: the store failed.
    pub fn apply(&mut self, position: LogPosition, record: &[u8]) -> Result<(), RedoError> {
        self.progress.records += 1;
        let kind = RecordType(record.first().copied().unwrap_or_default());
        self.overlay.begin(position, kind);
        let applied = self.dispatch(kind, record).map_err(|fault| fault.into_error(position, kind))?;
        match applied {
            Applied::Changed => self.progress.applied += 1,
            Applied::Already => self.progress.skipped += 1,
            Applied::NotAPage => {}
        }
        self.progress.position = position;
        Ok(())
    }

    /// How far it came.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Number of pages that were changed.
    #[must_use]
    pub fn changed_pages(&self) -> usize {
        self.overlay.changed().len()
    }

    /// The pages that were changed, in the order of their numbers.
    ///
    /// # Errors
    /// Each: what the store says.
    pub fn changed(&self) -> impl Iterator<Item = std::io::Result<Cow<'_, PageImage>>> {
        let changed = self.overlay.changed();
        changed.numbers().into_iter().filter_map(|page| changed.get(page).map_err(Fault::into_io).transpose())
    }

    /// The transactions that are open now.
    #[must_use]
    pub fn open_transactions(&self) -> usize {
        self.sessions.values().filter(|session| session.is_open()).count()
    }

    fn dispatch(&mut self, kind: RecordType, record: &[u8]) -> Result<Applied, Fault> {
        match kind {
            RecordType::INSERT
            | RecordType::FLAG_INSERT
            | RecordType::FLAG_INSERT_AND_REPLACE_DATA
            | RecordType::FLAG_DELETE
            | RecordType::REPLACE
            | RecordType::REPLACE_D
            | RecordType::DELETE
            | RecordType::DELTA
            | RecordType::DELTA64
            | RecordType::UNDO
            | RecordType::UNDO_INFO
            | RecordType::SET_EXTERNAL_HEADER
            | RecordType::EMPTY_TREE => self.node_record(kind, record),
            RecordType::NEW_PAGE => self.new_page(record),
            RecordType::CREATE_SINGLE_EXTENT_FDP => self.create_single_extent(record),
            RecordType::CREATE_MULTIPLE_EXTENT_FDP => self.create_multiple_extent(record),
            RecordType::CONVERT_FDP => self.convert_extent(record),
            RecordType::MACRO_BEGIN => self.macro_begin(record),
            RecordType::MACRO_COMMIT => self.macro_commit(record),
            RecordType::MACRO_ABORT => self.macro_abort(record),
            RecordType::SPLIT2 | RecordType::MERGE2 => self.macro_record(record),
            RecordType::BEGIN
            | RecordType::BEGIN0
            | RecordType::BEGIN_DT
            | RecordType::COMMIT
            | RecordType::COMMIT0
            | RecordType::ROLLBACK
            | RecordType::REFRESH => self.transaction(kind, record),
            RecordType::CREATE_DB | RecordType::ATTACH_DB => Ok(self.attach(kind, record)),
            RecordType::SET_DB_VERSION => Ok(self.set_version(record)),
            RecordType::EXTEND_DB => self.extend(record),
            RecordType::INIT
            | RecordType::INIT2
            | RecordType::TERM
            | RecordType::TERM2
            | RecordType::RECOVERY_QUIT
            | RecordType::RECOVERY_QUIT2 => {
                // Sessions do not outlive the engine.
                self.sessions.clear();
                Ok(Applied::NotAPage)
            }
            RecordType::PAGE_MOVE
            | RecordType::SCRUB
            | RecordType::SHRINK_DB
            | RecordType::SHRINK_DB2
            | RecordType::SHRINK_DB3
            | RecordType::TRIM_DB
            | RecordType::ROOT_PAGE_MOVE
            | RecordType::SPLIT
            | RecordType::MERGE
            | RecordType::CONVERT_FDP_OBSOLETE => self.unsupported(kind, record),
            _ => Ok(Applied::NotAPage),
        }
    }

    /// A kind of record that cannot be applied is no harm when it is about another database.
    fn unsupported(&self, kind: RecordType, record: &[u8]) -> Result<Applied, Fault> {
        let dbid = match kind {
            RecordType::SHRINK_DB | RecordType::SHRINK_DB2 | RecordType::SHRINK_DB3 | RecordType::TRIM_DB => {
                record.u8_at(1)
            }
            RecordType::ROOT_PAGE_MOVE => record.u8_at(9),
            _ => record.u8_at(3),
        };
        if dbid.is_some() && dbid == self.dbid { Err(Fault::Unsupported) } else { Ok(Applied::NotAPage) }
    }

    fn attach(&mut self, kind: RecordType, record: &[u8]) -> Applied {
        let signature = Signature::at(record, if kind == RecordType::CREATE_DB { 12 } else { 16 });
        // Over nothing, the first database that the logs create is the one.
        let ours = match self.signature {
            Some(_) => signature == self.signature,
            None => kind == RecordType::CREATE_DB,
        };
        if ours {
            self.signature = signature;
            self.dbid = record.u8_at(3);
        }
        Applied::NotAPage
    }

    fn set_version(&mut self, record: &[u8]) -> Applied {
        let version = || Some([record.u32_at(2)?, record.u32_at(6)?, record.u32_at(10)?]);
        if record.u8_at(1) == self.dbid
            && let Some(version) = version()
        {
            self.progress.version = Some(version);
            if version[1] >= DatabaseHeader::RESERVED_TAGS {
                self.overlay.use_reserved_tags();
            }
        }
        Applied::NotAPage
    }

    fn extend(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        if record.u8_at(5) == self.dbid
            && let Some(last) = record.u32_at(6)
        {
            self.overlay.extend(PageNumber(last))?;
        }
        Ok(Applied::NotAPage)
    }

    /// Whether a record is about this database.
    fn is_ours(&self, dbid: u8) -> bool {
        self.dbid == Some(dbid)
    }

    fn saw(&mut self, dbtime: u64, object: u32) {
        self.progress.dbtime = self.progress.dbtime.max(dbtime);
        self.progress.last_object = self.progress.last_object.max(object);
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applied {
    /// Pages changed.
    Changed,
    /// The pages had the change already.
    Already,
    /// It is about no page of this database.
    NotAPage,
}

impl<S: PageSource> PageSource for Redo<S> {
    fn page_size(&self) -> usize {
        self.overlay.layout().page_size()
    }

    fn last_page(&self) -> PageNumber {
        self.overlay.last_page()
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> std::io::Result<()> {
        self.overlay.read_page(page, buffer)
    }
}
