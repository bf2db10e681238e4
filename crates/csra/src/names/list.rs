use dcerpc::ndr::{self, Decoder, Encoder};

use super::{FileName, FileType, NameError};
use crate::limits;

/// A list of file names, \[MS-CSRA\] 3.1.4.1.20 and 2.2.4.
///
/// UTF-16 names, each with a terminating NUL, and one more NUL at the end; the counts on the wire include all of them. The
/// same bytes are what Windows tools keep as `certbkxp.dat`. An empty list is a null pointer and a count of zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameList {
    /// The names, in the order of the list.
    pub names: Vec<FileName>,
}

/// Whether the names of a list begin with a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// They do: database files, logs, database locations. A name that begins with a backslash has none after all.
    Typed,
    /// They do not: dynamic files.
    Bare,
}

impl NameList {
    /// A list of these names.
    #[must_use]
    pub fn new(names: Vec<FileName>) -> Self {
        Self { names }
    }

    /// The paths of the files of one type, as BackupOpenFile wants them.
    pub fn paths(&self, file_type: FileType) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |name| name.file_type() == Some(file_type)).map(FileName::path)
    }

    /// The UTF-16 code units: the names, and the NUL at the end. Nothing for an empty list.
    #[must_use]
    pub fn to_units(&self) -> Vec<u16> {
        let mut units = Vec::new();
        for name in &self.names {
            units.extend(name.file_type().map(FileType::code));
            units.extend(name.path().encode_utf16());
            units.push(0);
        }
        if !units.is_empty() {
            units.push(0);
        }
        units
    }

    /// Reads UTF-16 code units. The list may end with one NUL or several; the specification says "null-terminated", Windows
    /// means two.
    ///
    /// # Errors
    /// [`ListError`] with the position of the first name that cannot be read.
    pub fn from_units(units: &[u16], prefix: Prefix) -> Result<Self, ListError> {
        let mut names = Vec::new();
        let mut position = 0;
        while let Some(length) = units[position..].iter().position(|&unit| unit == 0) {
            let name = &units[position..position + length];
            if name.is_empty() {
                break;
            }
            names.push(read_name(name, prefix, position)?);
            position += length + 1;
        }
        match units[position..].iter().position(|&unit| unit != 0) {
            None => Ok(Self { names }),
            Some(0) => Err(ListError::Unterminated { at: position }),
            Some(_) => Err(ListError::AfterEnd { at: position }),
        }
    }

    /// The list as bytes, UTF-16LE: the content of `certbkxp.dat`. Two NULs for an empty list.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut units = self.to_units();
        if units.is_empty() {
            units = vec![0, 0];
        }
        units.into_iter().flat_map(u16::to_le_bytes).collect()
    }

    /// Reads the list from bytes, UTF-16LE.
    ///
    /// # Errors
    /// [`ListError`]; [`ListError::OddLength`] when there is half a code unit.
    pub fn from_bytes(bytes: &[u8], prefix: Prefix) -> Result<Self, ListError> {
        let (units, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(ListError::OddLength { length: bytes.len() });
        }
        let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        Self::from_units(&units, prefix)
    }

    /// Writes `[out, size_is(, *pcwc)] WCHAR**, [out] LONG* pcwc`.
    pub(crate) fn encode(&self, stub: &mut Encoder) {
        let units = self.to_units();
        if units.is_empty() {
            stub.null();
            stub.u32(0);
            return;
        }
        let count = u32::try_from(units.len()).unwrap_or(u32::MAX);
        stub.referent();
        stub.u32(count);
        for unit in units {
            stub.u16(unit);
        }
        stub.u32(count);
    }

    /// Reads `[out, size_is(, *pcwc)] WCHAR**, [out] LONG* pcwc`.
    pub(crate) fn decode(stub: &mut Decoder<'_>, prefix: Prefix) -> Result<Self, crate::Error> {
        let mut units = Vec::new();
        if stub.referent()? {
            let count = stub.count(limits::NAME_LIST, 2)?;
            let bytes = stub.bytes(2 * count)?;
            units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        }
        let claimed = stub.u32()?;
        if claimed as u64 != units.len() as u64 {
            return Err(ndr::Error::Contradiction {
                at: stub.position() - 4,
                field: "count of characters",
                found: claimed.into(),
                expected: units.len() as u64,
            }
            .into());
        }
        Ok(Self::from_units(&units, prefix)?)
    }
}

impl FromIterator<FileName> for NameList {
    fn from_iter<I: IntoIterator<Item = FileName>>(names: I) -> Self {
        Self::new(names.into_iter().collect())
    }
}

impl IntoIterator for NameList {
    type Item = FileName;
    type IntoIter = std::vec::IntoIter<FileName>;

    fn into_iter(self) -> Self::IntoIter {
        self.names.into_iter()
    }
}

impl<'a> IntoIterator for &'a NameList {
    type Item = &'a FileName;
    type IntoIter = std::slice::Iter<'a, FileName>;

    fn into_iter(self) -> Self::IntoIter {
        self.names.iter()
    }
}

fn read_name(units: &[u16], prefix: Prefix, at: usize) -> Result<FileName, ListError> {
    let (file_type, path) = match (prefix, units) {
        (Prefix::Typed, [code, rest @ ..]) if *code != u16::from(b'\\') => {
            let file_type = FileType::from_code(*code).ok_or(ListError::Text { at })?;
            (Some(file_type), rest)
        }
        _ => (None, units),
    };
    let path = String::from_utf16(path).map_err(|_| ListError::Text { at })?;
    FileName::new(file_type, path).map_err(|source| ListError::Name { at, source })
}

/// Why a list cannot be read. Positions are in UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// Half a code unit.
    #[error("a list of {length} bytes is not UTF-16")]
    OddLength {
        /// Bytes that there are.
        length: usize,
    },
    /// The last name lacks its NUL.
    #[error("the name at {at} is not terminated")]
    Unterminated {
        /// Where the name starts.
        at: usize,
    },
    /// Something follows the end of the list.
    #[error("the list goes on after its end at {at}")]
    AfterEnd {
        /// Where the list ends.
        at: usize,
    },
    /// An unpaired surrogate.
    #[error("the name at {at} is not UTF-16")]
    Text {
        /// Where the name starts.
        at: usize,
    },
    /// A name that cannot be one: a type without a path.
    #[error("the name at {at}: {source}")]
    Name {
        /// Where the name starts.
        at: usize,
        /// What is wrong with it.
        source: NameError,
    },
}
