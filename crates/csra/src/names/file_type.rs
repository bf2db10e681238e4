/// What a listed file is: the first character of its name, \[MS-CSRA\] 2.2.4 and 3.1.4.1.28 (CSBFT of certbcli.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// `D`: a database file.
    Database,
    /// `!`: a transaction log.
    Log,
    /// `%`: a patch file, which old versions of the database engine list among the logs.
    PatchFile,
    /// U+0082: the directory that logs are restored to.
    LogDirectory,
    /// U+0083: the directory that system files (the checkpoint) are restored to.
    CheckpointDirectory,
    /// Another character: U+000F says that the server itself does not know.
    Unknown(u16),
}

impl FileType {
    /// The type behind a first character; `None` for what cannot be one: NUL, a backslash (the name begins already) and half
    /// a surrogate pair.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            0x44 => Self::Database,
            0x21 => Self::Log,
            0x25 => Self::PatchFile,
            0x82 => Self::LogDirectory,
            0x83 => Self::CheckpointDirectory,
            0 | 0x5C | 0xD800..=0xDFFF => return None,
            other => Self::Unknown(other),
        })
    }

    /// The first character.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Database => 0x44,
            Self::Log => 0x21,
            Self::PatchFile => 0x25,
            Self::LogDirectory => 0x82,
            Self::CheckpointDirectory => 0x83,
            Self::Unknown(code) => code,
        }
    }

    /// Whether the name is that of a directory.
    #[must_use]
    pub fn is_directory(self) -> bool {
        self.code() & 0x80 != 0
    }
}
