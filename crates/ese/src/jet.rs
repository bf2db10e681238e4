//! The error codes of ESE.

use std::fmt;

/// An error code of ESE (`JET_err…` of `esent.h`), as Windows would report the same finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JetError(pub i32);

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $code:literal, $name:literal;)*) => {
        impl JetError {
            $($(#[$doc])* pub const $constant: JetError = JetError($code);)*

            /// Its name in `esent.h`; empty for a code that this crate never reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($code => $name,)*
                    _ => "",
                }
            }
        }
    };
}

codes! {
    /// A page does not link to the pages that should follow it.
    BAD_PAGE_LINK = -327, "JET_errBadPageLink";
    /// A page that a parent page names is not the child that it should be.
    BAD_PARENT_PAGE_LINK = -338, "JET_errBadParentPageLink";
    /// The tree of the available extents of a table is damaged.
    SP_AVAIL_EXT_CORRUPTED = -341, "JET_errSPAvailExtCorrupted";
    /// The tree of the extents that a table owns is damaged.
    SP_OWN_EXT_CORRUPTED = -343, "JET_errSPOwnExtCorrupted";
    /// The offset, the size or the number of the tags of a page is wrong.
    PAGE_TAG_CORRUPTED = -357, "JET_errPageTagCorrupted";
    /// The sizes within a node do not fit the node.
    NODE_CORRUPTED = -358, "JET_errNodeCorrupted";
    /// A long value has no data where its row says so.
    LV_CORRUPTED = -1526, "JET_errLVCorrupted";
    /// A log file is damaged.
    LOG_FILE_CORRUPT = -501, "JET_errLogFileCorrupt";
    /// The name of a log file names another generation than its header.
    LOG_GENERATION_MISMATCH = -513, "JET_errLogGenerationMismatch";
    /// A log file of a version that is not understood.
    BAD_LOG_VERSION = -514, "JET_errBadLogVersion";
    /// The creation times of two logs that follow each other do not agree.
    INVALID_LOG_SEQUENCE = -515, "JET_errInvalidLogSequence";
    /// The current log is missing.
    MISSING_LOG_FILE = -528, "JET_errMissingLogFile";
    /// The signature of a log is not that of the others.
    BAD_LOG_SIGNATURE = -530, "JET_errBadLogSignature";
    /// The signature of a checkpoint is not that of the logs.
    BAD_CHECKPOINT_SIGNATURE = -532, "JET_errBadCheckpointSignature";
    /// The checkpoint is damaged.
    CHECKPOINT_CORRUPT = -533, "JET_errCheckpointCorrupt";
    /// The trailer page of a backup copy is missing or damaged.
    BAD_PATCH_PAGE = -535, "JET_errBadPatchPage";
    /// Logs that the database needs are missing.
    REQUIRED_LOG_FILES_MISSING = -543, "JET_errRequiredLogFilesMissing";
    /// The database was not closed in order and has not been recovered.
    DATABASE_DIRTY_SHUTDOWN = -550, "JET_errDatabaseDirtyShutdown";
    /// Times of the database and of its logs do not agree.
    CONSISTENT_TIME_MISMATCH = -551, "JET_errConsistentTimeMismatch";
    /// The trailer page belongs to another backup.
    DATABASE_PATCH_FILE_MISMATCH = -552, "JET_errDatabasePatchFileMismatch";
    /// The last log of the set is too old.
    ENDING_RESTORE_LOG_TOO_LOW = -553, "JET_errEndingRestoreLogTooLow";
    /// The first log of the set is too new.
    STARTING_RESTORE_LOG_TOO_HIGH = -554, "JET_errStartingRestoreLogTooHigh";
    /// A log of the set has another signature.
    GIVEN_LOG_FILE_HAS_BAD_SIGNATURE = -555, "JET_errGivenLogFileHasBadSignature";
    /// A log file has another size than it should.
    LOG_FILE_SIZE_MISMATCH = -541, "JET_errLogFileSizeMismatch";
    /// The last write of a log of the set was cut; a restore does not repair it.
    LOG_TORN_WRITE_DURING_HARD_RESTORE = -570, "JET_errLogTornWriteDuringHardRestore";
    /// A log of the set does not continue the one before it.
    GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS = -556, "JET_errGivenLogFileIsNotContiguous";
    /// A log between the first and the last is missing.
    MISSING_RESTORE_LOG_FILES = -557, "JET_errMissingRestoreLogFiles";
    /// A page is older than the state a log record changes: a write was lost.
    DB_TIME_TOO_OLD = -566, "JET_errDbTimeTooOld";
    /// A page is newer than the state a log record changes, and older than its result.
    DB_TIME_TOO_NEW = -567, "JET_errDbTimeTooNew";
    /// A log of the set is damaged; a restore does not repair it.
    LOG_CORRUPT_DURING_HARD_RESTORE = -573, "JET_errLogCorruptDuringHardRestore";
    /// A log does not have the content that its successor was told.
    LOG_SEQUENCE_CHECKSUM_MISMATCH = -590, "JET_errLogSequenceChecksumMismatch";
    /// A segment of a log does not fit its checksum.
    LOG_READ_VERIFY_FAILURE = -612, "JET_errLogReadVerifyFailure";
    /// The database is not a backup copy.
    RESTORE_OF_NON_BACKUP_DATABASE = -615, "JET_errRestoreOfNonBackupDatabase";
    /// A page, or the header, does not fit its checksum.
    READ_VERIFY_FAILURE = -1018, "JET_errReadVerifyFailure";
    /// A page that is in use has never been written.
    PAGE_NOT_INITIALIZED = -1019, "JET_errPageNotInitialized";
    /// Reading failed.
    DISK_IO = -1022, "JET_errDiskIO";
    /// No database, or a damaged one.
    DATABASE_CORRUPTED = -1206, "JET_errDatabaseCorrupted";
    /// Page sizes do not agree.
    PAGE_SIZE_MISMATCH = -1213, "JET_errPageSizeMismatch";
    /// A log names another database than the one at hand.
    ATTACHED_DATABASE_MISMATCH = -1216, "JET_errAttachedDatabaseMismatch";
    /// A file is missing.
    FILE_NOT_FOUND = -1811, "JET_errFileNotFound";
    /// The catalog contradicts itself.
    CATALOG_CORRUPTED = -1220, "JET_errCatalogCorrupted";
    /// No such table.
    OBJECT_NOT_FOUND = -1305, "JET_errObjectNotFound";
    /// The primary index of a table is damaged: its rows.
    PRIMARY_INDEX_CORRUPTED = -1413, "JET_errPrimaryIndexCorrupted";
    /// An index leads to a row that does not exist.
    SECONDARY_INDEX_CORRUPTED = -1414, "JET_errSecondaryIndexCorrupted";
    /// No such column.
    COLUMN_NOT_FOUND = -1507, "JET_errColumnNotFound";
    /// A compressed value cannot be decompressed.
    DECOMPRESSION_FAILED = -1620, "JET_errDecompressionFailed";
    /// A database of a version that is not understood.
    INVALID_DATABASE_VERSION = -1209, "JET_errInvalidDatabaseVersion";
}

impl fmt::Display for JetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "" => self.0.fmt(f),
            name => write!(f, "{} {name}", self.0),
        }
    }
}

impl fmt::Debug for JetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
