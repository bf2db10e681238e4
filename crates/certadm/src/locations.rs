//! Where a CA keeps its database, and the restore map that is made of it.

use csra::names::{FileName, FileType, NameList, Prefix};

use crate::error::Error;

/// The answer of `CertSrvRestoreGetDatabaseLocationsW`; its bytes are the content of `certbkxp.dat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseLocations {
    names: Vec<FileName>,
    bytes: Vec<u8>,
}

impl DatabaseLocations {
    pub(crate) fn from_list(list: NameList) -> Self {
        let bytes = list.to_bytes();
        DatabaseLocations { names: list.names, bytes }
    }

    /// Reads a restore map.
    ///
    /// # Errors
    /// [`Error::RestoreMap`]: not a list of names in UTF-16, or an empty one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let list =
            NameList::from_bytes(bytes, Prefix::Typed).map_err(|error| Error::RestoreMap { source: error.into() })?;
        let names = list.names;
        if names.is_empty() {
            return Err(Error::RestoreMap { source: "it is empty".into() });
        }
        Ok(DatabaseLocations { names, bytes: bytes.to_vec() })
    }

    /// All places.
    #[must_use]
    pub fn names(&self) -> &[FileName] {
        &self.names
    }

    /// The databases, as the server names them.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.of(FileType::Database)
    }

    /// The directory of the logs.
    #[must_use]
    pub fn log_directory(&self) -> Option<&str> {
        self.of(FileType::LogDirectory).next()
    }

    /// The directory of the checkpoint.
    #[must_use]
    pub fn checkpoint_directory(&self) -> Option<&str> {
        self.of(FileType::CheckpointDirectory).next()
    }

    /// The content of `certbkxp.dat`: the names as the server sends them, UTF-16LE.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn of(&self, wanted: FileType) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |name| name.file_type() == Some(wanted)).map(FileName::path)
    }
}

/// What a type in a list of names is called.
#[must_use]
pub fn file_type_name(file_type: Option<FileType>) -> &'static str {
    match file_type {
        Some(FileType::Database) => "database",
        Some(FileType::Log) => "log",
        Some(FileType::LogDirectory) => "log directory",
        Some(FileType::CheckpointDirectory) => "checkpoint directory",
        Some(FileType::PatchFile) => "patch file",
        Some(_) | None => "file",
    }
}
