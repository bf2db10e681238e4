//! Lists of names for C, and `CertSrvBackupFree`.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{LazyLock, Mutex, PoisonError};

use certadm::{FileName, FileType, NameList};

use crate::abi::{CSBFT_UNKNOWN, DWORD, WCHAR};
use crate::failure::Failure;

/// The lists that callers hold, by their addresses. Freeing takes one out of here: an address that is not here, freed already
/// or never ours, has no effect.
static LISTS: LazyLock<Mutex<HashMap<usize, Vec<WCHAR>>>> = LazyLock::new(Mutex::default);

/// A list as a caller gets it: where it is, and its size in bytes.
pub(crate) struct List {
    pub(crate) units: *mut WCHAR,
    pub(crate) size: DWORD,
}

impl List {
    /// Names that begin with their type.
    ///
    /// # Errors
    /// [`Failure::NoMemory`] when its size has no number.
    pub(crate) fn typed(names: Vec<FileName>) -> Result<Self, Failure> {
        // A caller skips the first unit of each name; where a server sent none, there must be one to skip.
        let with_type = |name: FileName| match name.file_type() {
            Some(_) => Ok(name),
            None => FileName::new(FileType::from_code(CSBFT_UNKNOWN), name.path()),
        };
        let names: Result<Vec<_>, _> = names.into_iter().map(with_type).collect();
        Self::of_names(names.map_err(|_| Failure::argument("the list of the server", "has a name without a path"))?)
    }

    /// Names without types.
    ///
    /// # Errors
    /// [`Failure::NoMemory`] when its size has no number.
    pub(crate) fn bare(names: Vec<FileName>) -> Result<Self, Failure> {
        let bare = names.into_iter().map(|name| FileName::new(None, name.path()));
        let names: Result<Vec<_>, _> = bare.collect();
        Self::of_names(names.map_err(|_| Failure::argument("the list of the server", "has a name without a path"))?)
    }

    fn of_names(names: Vec<FileName>) -> Result<Self, Failure> {
        let mut units = NameList::new(names).to_units();
        if units.is_empty() {
            // An empty list is two NULs, so that every loop over a list ends.
            units = vec![0, 0];
        }
        let size = DWORD::try_from(units.len() * size_of::<WCHAR>()).map_err(|_| Failure::NoMemory)?;
        let start = units.as_mut_ptr();
        // Moving a vector leaves its units where they are.
        LISTS.lock().unwrap_or_else(PoisonError::into_inner).insert(start.addr(), units);
        Ok(List { units: start, size })
    }
}

/// Frees a list; nothing happens for NULL, and for what is not a list of ours.
pub(crate) fn free(list: *mut c_void) {
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    let freed = lists.remove(&list.addr());
    if lists.is_empty() {
        // Nobody else frees the table when the library is unloaded.
        *lists = HashMap::new();
    }
    drop(lists);
    drop(freed);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn read(list: &List) -> Vec<u16> {
        let count = list.size as usize / 2;
        // SAFETY: the list has so many units.
        unsafe { std::slice::from_raw_parts(list.units, count) }.to_vec()
    }

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn every_name_of_a_typed_list_begins_with_its_type() {
        let names = vec![
            FileName::new(Some(FileType::Database), r"\\ca\x.edb").unwrap(),
            FileName::new(None, r"\\ca\y").unwrap(),
        ];
        let list = List::typed(names).unwrap();
        assert_eq!(read(&list), wide("\u{44}\\\\ca\\x.edb\0\u{0F}\\\\ca\\y\0\0"));
        free(list.units.cast());
    }

    #[test]
    fn dynamic_files_have_no_type_and_an_empty_list_is_two_nuls() {
        let crl = List::bare(vec![FileName::new(None, r"\\ca\x.crl").unwrap()]).unwrap();
        let none = List::bare(Vec::new()).unwrap();
        assert_eq!(read(&crl), wide("\\\\ca\\x.crl\0\0"));
        assert_eq!((read(&none), none.size), (vec![0, 0], 4));
        free(crl.units.cast());
        free(none.units.cast());
    }

    #[test]
    fn freeing_twice_or_something_else_does_nothing() {
        let list = List::bare(Vec::new()).unwrap();
        let mut other = 7_u32;
        free(std::ptr::null_mut());
        free((&raw mut other).cast());
        free(list.units.cast());
        free(list.units.cast());
        assert_eq!(other, 7);
    }

    #[test]
    fn a_caller_may_write_to_its_list() {
        let list = List::bare(vec![FileName::new(None, "ab").unwrap()]).unwrap();
        // SAFETY: the first unit of a list of three.
        unsafe { list.units.write(0x41) };
        assert_eq!(read(&list), wide("Ab\0\0"));
        free(list.units.cast());
    }
}
