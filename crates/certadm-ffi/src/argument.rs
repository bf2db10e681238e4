//! Pointers of a C caller, checked as far as a pointer can be, and turned into values. Here, and in [`crate::library`] for the
//! other direction, memory of others is touched; nowhere else.

use std::ffi::c_void;
use std::ptr;

use crate::abi::{CSEDB_RSTMAPW, LONG, WCHAR};
use crate::failure::Failure;

/// Longest string in code units, its terminator not counted: that of a path of Windows.
const LONGEST: usize = 32_767;

/// Most entries of a restore map. A CA has one database.
const MOST_ENTRIES: LONG = 64;

/// Where a function puts one result.
#[derive(Debug)]
pub(crate) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    /// # Errors
    /// [`Failure::NullResult`].
    ///
    /// # Safety
    /// `pointer` is NULL, or valid for writing a `T` as long as this lives. It need not be aligned.
    pub(crate) unsafe fn new(pointer: *mut T, name: &'static str) -> Result<Self, Failure> {
        if pointer.is_null() { Err(Failure::NullResult(name)) } else { Ok(Out(pointer)) }
    }

    /// As [`Out::new`], where NULL means that the caller does not want the result.
    ///
    /// # Safety
    /// As for [`Out::new`].
    pub(crate) unsafe fn optional(pointer: *mut T) -> Option<Self> {
        (!pointer.is_null()).then_some(Out(pointer))
    }

    /// Puts the result there.
    pub(crate) fn set(&mut self, value: T) {
        // SAFETY: whoever made this promised that the place can be written to; it may be unaligned.
        unsafe { ptr::write_unaligned(self.0, value) }
    }
}

/// A string: up to the first NUL.
///
/// # Errors
/// [`Failure::Argument`] when it is NULL, longer than 32,767 units, or not UTF-16.
///
/// # Safety
/// `pointer` is NULL, or valid for reading up to and including the first NUL; it may be unaligned.
pub(crate) unsafe fn string(pointer: *const WCHAR, name: &'static str) -> Result<String, Failure> {
    // SAFETY: as promised to this function.
    let text = unsafe { optional_string(pointer, name) }?;
    text.ok_or(Failure::argument(name, "is NULL"))
}

/// As [`string`], where NULL means none.
///
/// # Errors
/// As [`string`].
///
/// # Safety
/// As for [`string`].
pub(crate) unsafe fn optional_string(pointer: *const WCHAR, name: &'static str) -> Result<Option<String>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    let mut units = Vec::new();
    loop {
        // No NUL has been seen before this unit.
        let place = pointer.wrapping_add(units.len());
        // SAFETY: up to the first NUL the caller promised that the string can be read.
        let unit = unsafe { ptr::read_unaligned(place) };
        if unit == 0 {
            break;
        }
        if units.len() == LONGEST {
            return Err(Failure::argument(name, "is longer than 32,767 characters"));
        }
        units.push(unit);
    }
    String::from_utf16(&units).map(Some).map_err(|_| Failure::argument(name, "is not UTF-16"))
}

/// A caller's buffer, filled from its beginning. What was never written to is not read either.
#[derive(Debug)]
pub(crate) struct Buffer {
    next: *mut u8,
    left: usize,
}

impl Buffer {
    /// # Errors
    /// [`Failure::Argument`] when it is NULL and not empty.
    ///
    /// # Safety
    /// `size` bytes from `pointer` can be written as long as this lives, or `pointer` is NULL.
    pub(crate) unsafe fn new(pointer: *mut c_void, size: usize, name: &'static str) -> Result<Self, Failure> {
        if pointer.is_null() && size > 0 {
            return Err(Failure::argument(name, "is NULL"));
        }
        Ok(Buffer { next: pointer.cast(), left: size })
    }

    /// Whether there is no room left.
    pub(crate) fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Appends as much of `bytes` as there is room for; returns how much that was.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.left);
        if count > 0 {
            // SAFETY: `count` bytes of the buffer are left, as whoever made it promised; ours are not in it.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.next, count) };
        }
        self.next = self.next.wrapping_add(count);
        self.left -= count;
        count
    }
}

/// The entries of a restore map: old names and new names.
///
/// # Errors
/// [`Failure::Argument`] for a count that is negative, large, or without entries, and for names as [`string`].
///
/// # Safety
/// `entries` is NULL, or valid for reading `count` entries, whose pointers are as [`string`] wants them.
pub(crate) unsafe fn restore_map(entries: *const CSEDB_RSTMAPW, count: LONG) -> Result<Vec<(String, String)>, Failure> {
    if !(0..=MOST_ENTRIES).contains(&count) {
        return Err(Failure::argument("crstmap", "is negative or larger than 64"));
    }
    if count > 0 && entries.is_null() {
        return Err(Failure::argument("rgrstmap", "is NULL, and crstmap is not 0"));
    }
    let mut map = Vec::new();
    for at in 0..count.unsigned_abs() as usize {
        let place = entries.wrapping_add(at);
        // SAFETY: `at` is below the count of entries that can be read, as promised.
        let entry = unsafe { ptr::read_unaligned(place) };
        // SAFETY: the names of the entries are strings, as promised.
        let old = unsafe { string(entry.pwszDatabaseName, "pwszDatabaseName") }?;
        // SAFETY: as above.
        let new = unsafe { string(entry.pwszNewDatabaseName, "pwszNewDatabaseName") }?;
        map.push((old, new));
    }
    Ok(map)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<WCHAR> {
        text.encode_utf16().chain([0]).collect()
    }

    #[test]
    fn a_string_ends_at_its_first_nul() {
        let mut text = wide("Contoso é CA");
        text.extend([0x41, 0xD800]);
        // SAFETY: it has a NUL.
        let read = unsafe { string(text.as_ptr(), "name") };
        assert_eq!(read.ok().as_deref(), Some("Contoso é CA"));
    }

    #[test]
    fn strings_that_are_none_are_refused() {
        let endless = vec![0x41; LONGEST + 1];
        let halved = [0xD800, 0x41, 0];
        for (text, problem) in [
            (std::ptr::null(), "name is NULL"),
            (endless.as_ptr(), "name is longer than 32,767 characters"),
            (halved.as_ptr(), "name is not UTF-16"),
        ] {
            // SAFETY: NULL; read up to its last unit only; with a NUL.
            let refused = unsafe { string(text, "name") };
            assert_eq!(refused.map_err(|failure| failure.to_string()), Err(problem.to_owned()));
        }
    }

    #[test]
    fn an_unaligned_string_is_read_and_an_unaligned_result_written() {
        let mut bytes = [0_u8; 9];
        bytes[1] = b'A';
        // SAFETY: the units at 1 and 3 are within the array, the second one is NUL.
        let text = unsafe { string(bytes.as_ptr().wrapping_add(1).cast(), "name") };
        assert_eq!(text.ok().as_deref(), Some("A"));
        // SAFETY: four bytes are left behind the first.
        let mut out = unsafe { Out::new(bytes.as_mut_ptr().wrapping_add(1).cast::<u32>(), "out") }.unwrap();
        out.set(0x0403_0201);
        assert_eq!(bytes, [0, 1, 2, 3, 4, 0, 0, 0, 0]);
    }

    #[test]
    fn a_buffer_takes_what_fits() {
        let mut bytes = [9_u8; 5];
        // SAFETY: four of five bytes.
        let mut buffer = unsafe { Buffer::new(bytes.as_mut_ptr().cast(), 4, "pvBuffer") }.unwrap();
        assert_eq!((buffer.append(&[1, 2, 3]), buffer.append(&[]), buffer.append(&[4, 5])), (3, 0, 1));
        assert!(buffer.is_full());
        assert_eq!(buffer.append(&[6]), 0);
        assert_eq!(bytes, [1, 2, 3, 4, 9]);
        // SAFETY: NULL.
        assert!(unsafe { Buffer::new(std::ptr::null_mut(), 1, "pvBuffer") }.is_err());
        // SAFETY: NULL.
        assert!(unsafe { Buffer::new(std::ptr::null_mut(), 0, "pvBuffer") }.unwrap().is_full());
    }

    #[test]
    fn a_restore_map_has_as_many_entries_as_it_says() {
        let (mut old, mut new) = (wide("old"), wide("new"));
        let entry = CSEDB_RSTMAPW { pwszDatabaseName: old.as_mut_ptr(), pwszNewDatabaseName: new.as_mut_ptr() };
        let half = CSEDB_RSTMAPW { pwszNewDatabaseName: std::ptr::null_mut(), ..entry };
        // SAFETY: one entry of two strings.
        let map = unsafe { restore_map(&entry, 1) };
        assert_eq!(map.ok(), Some(vec![("old".to_owned(), "new".to_owned())]));
        for (entries, count) in
            [(&raw const entry, -1), (&raw const entry, 65), (std::ptr::null(), 1), (&raw const half, 1)]
        {
            // SAFETY: none is read, or one that is there.
            assert!(unsafe { restore_map(entries, count) }.is_err());
        }
        // SAFETY: none is read.
        assert_eq!(unsafe { restore_map(std::ptr::null(), 0) }.ok(), Some(Vec::new()));
    }
}
