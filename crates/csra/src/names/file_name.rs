use super::FileType;
use super::local;

/// One name of a list, \[MS-CSRA\] 2.2.4 (db-filename): a type, and a path in UNC form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileName {
    // INVARIANT: `FileType::from_code` gives it back.
    file_type: Option<FileType>,
    // INVARIANT: not empty, without NUL.
    path: String,
}

impl FileName {
    /// A file of that type. Names of dynamic files have no type.
    ///
    /// # Errors
    /// [`NameError::Empty`], [`NameError::Nul`] when the path would end its list early, [`NameError::Type`] for a code that
    /// cannot be a type.
    pub fn new(file_type: Option<FileType>, path: impl Into<String>) -> Result<Self, NameError> {
        let path = path.into();
        if path.is_empty() {
            return Err(NameError::Empty);
        }
        if path.contains('\0') {
            return Err(NameError::Nul);
        }
        if let Some(file_type) = file_type
            && FileType::from_code(file_type.code()) != Some(file_type)
        {
            return Err(NameError::Type { code: file_type.code() });
        }
        Ok(Self { file_type, path })
    }

    /// What it is.
    #[must_use]
    pub fn file_type(&self) -> Option<FileType> {
        self.file_type
    }

    /// The path without its type, as BackupOpenFile wants it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last component of the path, to be used as the name of a local file.
    ///
    /// A server chooses the path: what cannot be one harmless file in one directory, here or on Windows, is refused.
    ///
    /// # Errors
    /// [`NameError::NotLocal`] for a name that is empty, `.` or `..`, longer than 255 bytes, contains a separator, a colon,
    /// a wildcard, a control character or one that reverses the direction of text, ends in a dot or a space, or is that of a
    /// device (`NUL`, `COM1.txt`).
    pub fn local_name(&self) -> Result<&str, NameError> {
        let last = match self.path.rsplit_once('\\') {
            Some((_, last)) => last,
            None => &self.path,
        };
        match local::objection(last) {
            None => Ok(last),
            Some(reason) => Err(NameError::NotLocal { name: last.to_owned(), reason }),
        }
    }
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing there.
    #[error("empty file name")]
    Empty,
    /// A NUL inside, which would end the name early.
    #[error("file name with a NUL inside")]
    Nul,
    /// A first character that cannot be a type.
    #[error("U+{code:04X} is not a file type")]
    Type {
        /// The character.
        code: u16,
    },
    /// The last component cannot be the name of a local file.
    #[error("{name:?} cannot be a local file name: {reason}")]
    NotLocal {
        /// The last component.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
