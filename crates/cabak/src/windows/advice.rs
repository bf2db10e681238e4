//! What the codes of ESE mean to who has to restore, and what to do next.

use ese::JetError;

/// The words for one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What Windows means by it: lowercase, no final period.
    pub(crate) meaning: &'static str,
    /// The next action: lowercase, no final period.
    pub(crate) action: &'static str,
}

const OTHER_SET: &str = "use another set, and take a new full backup";
const FIND_LOGS: &str =
    "put the missing logs beside the others: they are in an earlier or later backup, or still on the CA";

/// Explains a code.
pub(crate) fn advice(code: JetError) -> Advice {
    let (meaning, action) = match code {
        JetError::LOG_FILE_CORRUPT => ("a log is damaged", OTHER_SET),
        JetError::LOG_GENERATION_MISMATCH => (
            "the name of a log and its content are of different generations",
            "give the file the name of its generation, or find the right one",
        ),
        JetError::BAD_LOG_VERSION => (
            "a log has something that this version does not replay",
            "restore it on Windows to be sure, or use a newer cabak",
        ),
        JetError::BAD_PATCH_PAGE => ("the copy of the database was cut, or never finished", OTHER_SET),
        JetError::LOG_FILE_SIZE_MISMATCH => ("a log was cut, or something was appended to it", OTHER_SET),
        JetError::REQUIRED_LOG_FILES_MISSING => ("logs that the database needs are missing", FIND_LOGS),
        JetError::DATABASE_DIRTY_SHUTDOWN => (
            "the database was not closed in order, and is useless without its logs",
            "copy the logs of the CA too; or take a backup, which has them",
        ),
        JetError::DATABASE_PATCH_FILE_MISMATCH => (
            "the database and its trailer, or its logs, are of different backups",
            "put together what belongs together",
        ),
        JetError::ENDING_RESTORE_LOG_TOO_LOW => ("logs at the end are missing", FIND_LOGS),
        JetError::STARTING_RESTORE_LOG_TOO_HIGH => ("logs at the beginning are missing", FIND_LOGS),
        JetError::MISSING_RESTORE_LOG_FILES => ("logs in between are missing", FIND_LOGS),
        JetError::GIVEN_LOG_FILE_HAS_BAD_SIGNATURE => {
            ("a log comes from another CA, or from another time of this one", "put together what belongs together")
        }
        JetError::GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS => {
            ("a log does not follow the one before it", "put together what belongs together")
        }
        JetError::DB_TIME_TOO_OLD => {
            ("a page is older than the logs say: a write to the disk of the CA was lost", OTHER_SET)
        }
        JetError::DB_TIME_TOO_NEW => ("a page is not what the logs say", OTHER_SET),
        JetError::LOG_TORN_WRITE_DURING_HARD_RESTORE => {
            ("the last write to a log was cut; a running CA repairs this, a restore does not", OTHER_SET)
        }
        JetError::LOG_CORRUPT_DURING_HARD_RESTORE => ("a log of the set is damaged", OTHER_SET),
        JetError::LOG_SEQUENCE_CHECKSUM_MISMATCH => ("a log lost something that it once held", OTHER_SET),
        JetError::LOG_READ_VERIFY_FAILURE => {
            ("one bit of a log is wrong, and known", "it restores; check the disk that the set is on")
        }
        JetError::RESTORE_OF_NON_BACKUP_DATABASE => (
            "this is no backup copy: it was taken from the directory of a CA",
            "`certutil -restoreDB` refuses it; copying it back by hand works when the database was closed in order",
        ),
        JetError::READ_VERIFY_FAILURE => ("a page of the database is damaged", OTHER_SET),
        JetError::PAGE_NOT_INITIALIZED => ("a page that is in use was never written", OTHER_SET),
        JetError::DATABASE_CORRUPTED => ("the database is damaged", OTHER_SET),
        JetError::INVALID_DATABASE_VERSION => {
            ("the database has a version that is not known", "use a newer cabak, or restore it on Windows to be sure")
        }
        _ => ("the database contradicts itself", OTHER_SET),
    };
    Advice { meaning, action }
}

/// What to do about a fault that ESE goes on in spite of.
pub(crate) const CORRECTABLE: Advice = Advice {
    meaning: "correctable: one bit is wrong, and which one is known; Windows corrects it too",
    action: "it restores; check the disk that the set is on, and take a new full backup",
};
