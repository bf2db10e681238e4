//! The types of log records, and how long a record is.

use std::fmt;

use crate::bytes::Bytes;

/// The first byte of a log record, `LRTYP`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u8);

/// Why the bytes at a place in a log are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// A type that this program does not know; a newer version of Windows may.
    UnknownType(RecordType),
    /// It is longer than the place has room for.
    TooLong {
        /// Bytes that it says it has.
        size: usize,
        /// Bytes that there are.
        room: usize,
    },
    /// The pieces of a long record do not fit together.
    Fragments,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordFault::UnknownType(kind) => write!(f, "a record of type {}, which is not known", kind.0),
            RecordFault::TooLong { size, room } => write!(f, "a record of {size} bytes where {room} are left"),
            RecordFault::Fragments => f.write_str("the pieces of a long record do not fit together"),
        }
    }
}

/// Bytes that follow the fixed part of a record.
#[derive(Clone, Copy)]
enum Tail {
    /// None.
    No,
    /// The sum of these 16-bit lengths.
    Short(&'static [usize]),
    /// The sum of these 16-bit lengths and of these 32-bit ones.
    Long(&'static [usize], &'static [usize]),
    /// A 16-bit length whose highest bit is a flag.
    Masked(usize),
    /// A 16-bit length, and four bytes more when the byte behind it has the flag 4.
    CreateDatabase,
}

macro_rules! types {
    ($($number:literal $constant:ident $name:literal $fixed:literal $tail:expr;)*) => {
        impl RecordType {
            $(#[doc = concat!("`lrtyp", $name, "`.")] pub const $constant: RecordType = RecordType($number);)*

            /// Its name in the source of ESE, without the prefix; empty when it is not known.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($number => $name,)*
                    _ => "",
                }
            }

            fn layout(self) -> Option<(usize, Tail)> {
                match self.0 {
                    $($number => Some(($fixed, $tail)),)*
                    _ => None,
                }
            }
        }
    };
}

types! {
    0 NOP "Nop" 1 Tail::No;
    1 INIT "Init" 568 Tail::No;
    2 TERM "Term" 18 Tail::No;
    3 MS "MS" 9 Tail::No;
    4 END "End" 1 Tail::No;
    5 BEGIN "Begin" 4 Tail::No;
    6 COMMIT "Commit" 4 Tail::No;
    7 ROLLBACK "Rollback" 4 Tail::No;
    8 BEGIN0 "Begin0" 8 Tail::No;
    9 COMMIT0 "Commit0" 8 Tail::No;
    10 REFRESH "Refresh" 7 Tail::No;
    11 MACRO_BEGIN "MacroBegin" 11 Tail::No;
    12 MACRO_COMMIT "MacroCommit" 11 Tail::No;
    13 MACRO_ABORT "MacroAbort" 11 Tail::No;
    14 CREATE_DB "CreateDB" 43 Tail::CreateDatabase;
    15 ATTACH_DB "AttachDB" 75 Tail::Short(&[72]);
    16 DETACH_DB "DetachDB" 7 Tail::Short(&[4]);
    17 RECOVERY_UNDO "RecoveryUndo" 1 Tail::No;
    18 RECOVERY_QUIT "RecoveryQuit" 18 Tail::No;
    19 FULL_BACKUP "FullBackup" 3 Tail::Short(&[1]);
    20 INC_BACKUP "IncBackup" 3 Tail::Short(&[1]);
    21 JET_OP "JetOp" 4 Tail::No;
    22 TRACE "Trace" 5 Tail::Short(&[3]);
    23 SHUT_DOWN_MARK "ShutDownMark" 1 Tail::No;
    24 CREATE_MULTIPLE_EXTENT_FDP "CreateMultipleExtentFDP" 56 Tail::No;
    25 CREATE_SINGLE_EXTENT_FDP "CreateSingleExtentFDP" 48 Tail::No;
    26 CONVERT_FDP_OBSOLETE "ConvertFDP" 60 Tail::No;
    27 SPLIT "Split" 102 Tail::Short(&[96, 98, 100]);
    28 MERGE "Merge" 88 Tail::Short(&[86]);
    29 INSERT "Insert" 50 Tail::Short(&[44, 46, 48]);
    30 FLAG_INSERT "FlagInsert" 48 Tail::Short(&[44, 46]);
    31 FLAG_INSERT_AND_REPLACE_DATA "FlagInsertAndReplaceData" 52 Tail::Short(&[44, 46]);
    32 FLAG_DELETE "FlagDelete" 44 Tail::No;
    33 REPLACE "Replace" 50 Tail::Masked(44);
    34 REPLACE_D "ReplaceD" 50 Tail::Masked(44);
    35 DELETE "Delete" 44 Tail::No;
    36 UNDO_INFO "UndoInfo" 56 Tail::Short(&[44, 46, 54]);
    37 DELTA "Delta" 54 Tail::Short(&[44, 46]);
    38 SET_EXTERNAL_HEADER "SetExternalHeader" 46 Tail::Short(&[44]);
    39 UNDO "Undo" 51 Tail::Short(&[44, 46]);
    42 CHECKSUM "Checksum" 22 Tail::No;
    45 EXT_RESTORE "ExtRestore" 3 Tail::Short(&[1]);
    46 BACKUP "Backup" 5 Tail::Short(&[3]);
    48 EMPTY_TREE "EmptyTree" 46 Tail::Short(&[44]);
    49 INIT2 "Init2" 576 Tail::No;
    50 TERM2 "Term2" 26 Tail::No;
    51 RECOVERY_UNDO2 "RecoveryUndo2" 9 Tail::No;
    52 RECOVERY_QUIT2 "RecoveryQuit2" 26 Tail::No;
    53 BEGIN_DT "BeginDT" 8 Tail::No;
    54 PREP_COMMIT "PrepCommit" 7 Tail::Long(&[], &[3]);
    57 FORCE_WRITE_LOG "ForceWriteLog" 3 Tail::No;
    58 CONVERT_FDP "ConvertFDP2" 68 Tail::No;
    59 EXT_RESTORE2 "ExtRestore2" 3 Tail::Short(&[1]);
    60 BACKUP2 "Backup2" 35 Tail::Short(&[33]);
    61 FORCE_LOG_ROLLOVER "ForceLogRollover" 5 Tail::Short(&[3]);
    62 SPLIT2 "Split2" 110 Tail::Long(&[100, 96, 98], &[106]);
    63 MERGE2 "Merge2" 96 Tail::Long(&[86], &[92]);
    64 SCRUB "Scrub" 54 Tail::Short(&[52]);
    65 PAGE_MOVE "PageMove" 96 Tail::Long(&[], &[88, 92]);
    66 PAGE_PATCH_REQUEST "PagePatchRequest" 46 Tail::No;
    67 MACRO_INFO "MacroInfo" 5 Tail::Long(&[], &[1]);
    68 EXTEND_DB "ExtendDB" 5 Tail::Long(&[], &[1]);
    69 COMMIT_CTX "CommitCtx" 5 Tail::Long(&[], &[1]);
    70 SCAN_CHECK "ScanCheck" 5 Tail::Long(&[], &[1]);
    71 NOP2 "NOP2" 5 Tail::Long(&[], &[1]);
    72 RE_ATTACH "ReAttach" 5 Tail::Long(&[], &[1]);
    73 MACRO_INFO2 "MacroInfo2" 5 Tail::Long(&[], &[1]);
    74 FREE_FDP "FreeFDP" 5 Tail::Long(&[], &[1]);
    75 IGNORED9 "Ignored9" 5 Tail::Long(&[], &[1]);
    76 FRAGMENT_BEGIN "FragmentBegin" 7 Tail::Short(&[5]);
    77 FRAGMENT "Fragment" 3 Tail::Short(&[1]);
    78 SHRINK_DB "ShrinkDB" 10 Tail::No;
    79 CREATE_DB_FINISH "CreateDBFinish" 4 Tail::No;
    80 RECOVERY_QUIT_KEEP_ATTACHMENTS "RecoveryQuitKeepAttachments" 26 Tail::No;
    81 TRIM_DB "TrimDB" 10 Tail::No;
    82 IGNORED10 "Ignored10" 5 Tail::Long(&[], &[1]);
    83 IGNORED11 "Ignored11" 5 Tail::Long(&[], &[1]);
    84 IGNORED12 "Ignored12" 5 Tail::Long(&[], &[1]);
    85 IGNORED13 "Ignored13" 5 Tail::Long(&[], &[1]);
    86 IGNORED14 "Ignored14" 5 Tail::Long(&[], &[1]);
    87 IGNORED15 "Ignored15" 5 Tail::Long(&[], &[1]);
    88 IGNORED16 "Ignored16" 5 Tail::Long(&[], &[1]);
    89 IGNORED17 "Ignored17" 5 Tail::Long(&[], &[1]);
    90 IGNORED18 "Ignored18" 5 Tail::Long(&[], &[1]);
    91 IGNORED19 "Ignored19" 5 Tail::Long(&[], &[1]);
    92 SET_DB_VERSION "SetDbVersion" 14 Tail::No;
    93 DELTA64 "Delta64" 58 Tail::Short(&[44, 46]);
    94 SHRINK_DB2 "ShrinkDB2" 10 Tail::No;
    95 NEW_PAGE "NewPage" 20 Tail::No;
    96 ROOT_PAGE_MOVE "RootPageMove" 16 Tail::No;
    97 SIGNAL_ATTACH_DB "SignalAttachDb" 2 Tail::No;
    98 SCAN_CHECK2 "ScanCheck2" 27 Tail::No;
    99 SHRINK_DB3 "ShrinkDB3" 18 Tail::No;
    100 EXTENT_FREED "ExtentFreed" 11 Tail::No;
    101 EXTENT_FREED2 "ExtentFreed2" 19 Tail::No;
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "" => write!(f, "type {}", self.0),
            name => write!(f, "{name} ({})", self.0),
        }
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The length of the record at the start of `bytes`, `CbLGSizeOfRec`. It is not longer than `bytes`.
///
/// # Errors
/// See [`RecordFault`].
pub fn size_of_record(bytes: &[u8]) -> Result<usize, RecordFault> {
    let room = bytes.len();
    let kind = RecordType(bytes.u8_at(0).ok_or(RecordFault::TooLong { size: 1, room })?);
    let (fixed, tail) = kind.layout().ok_or(RecordFault::UnknownType(kind))?;
    let too_long = RecordFault::TooLong { size: fixed, room };
    if fixed > room {
        return Err(too_long);
    }
    let short = |offset: usize| bytes.u16_at(offset).map(usize::from).ok_or(too_long);
    let long = |offset: usize| bytes.u32_at(offset).map(|length| length as usize).ok_or(too_long);
    let mut size = fixed;
    match tail {
        Tail::No => {}
        Tail::Short(lengths) => {
            for offset in lengths {
                size += short(*offset)?;
            }
        }
        Tail::Long(lengths, long_lengths) => {
            for offset in lengths {
                size += short(*offset)?;
            }
            for offset in long_lengths {
                size = size.saturating_add(long(*offset)?);
            }
        }
        Tail::Masked(offset) => size += short(offset)? & 0x7FFF,
        Tail::CreateDatabase => {
            size += short(40)?;
            if bytes.u8_at(42).is_some_and(|flags| flags & 4 != 0) {
                size += 4;
            }
        }
    }
    if size > room { Err(RecordFault::TooLong { size, room }) } else { Ok(size) }
}
