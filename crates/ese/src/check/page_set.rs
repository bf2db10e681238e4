//! A set of pages, one bit each.

use crate::source::PageNumber;

#[derive(Debug)]
pub(super) struct PageSet {
    words: Vec<u64>,
}

impl PageSet {
    /// Room for the pages up to `last`.
    pub(super) fn new(last: PageNumber) -> PageSet {
        PageSet { words: vec![0; (last.0 / 64) as usize + 1] }
    }

    /// Adds a page; whether it is new. A page behind the last is never new.
    pub(super) fn insert(&mut self, page: PageNumber) -> bool {
        let Some(word) = self.words.get_mut((page.0 / 64) as usize) else { return false };
        let bit = 1 << (page.0 % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub(super) fn contains(&self, page: PageNumber) -> bool {
        self.words.get((page.0 / 64) as usize).is_some_and(|word| word >> (page.0 % 64) & 1 != 0)
    }
}
