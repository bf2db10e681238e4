//! Keys in two pieces.

use std::cmp::Ordering;
use std::fmt;

/// The key of a node (`KEY`): a prefix out of the external header of the page, then the rest.
///
/// Keys compare as bytes, the shorter one first.
#[derive(Clone, Copy, Default)]
pub struct Key<'a> {
    /// What it shares with the external header.
    pub prefix: &'a [u8],
    /// What the node itself holds.
    pub suffix: &'a [u8],
}

impl Key<'_> {
    /// In bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    /// Whether it has no bytes: the last key of an inner page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its order beside a key in one piece.
    #[must_use]
    pub fn cmp_bytes(&self, other: &[u8]) -> Ordering {
        match other.split_at_checked(self.prefix.len()) {
            Some((start, rest)) => self.prefix.cmp(start).then_with(|| self.suffix.cmp(rest)),
            // `other` ends within the prefix.
            None => match self.prefix.get(..other.len()).unwrap_or_default().cmp(other) {
                Ordering::Equal => Ordering::Greater,
                order => order,
            },
        }
    }

    /// Both pieces in one.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        [self.prefix, self.suffix].concat()
    }

    /// Replaces what is in `buffer` by both pieces.
    pub fn copy_to(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(self.prefix);
        buffer.extend_from_slice(self.suffix);
    }

    fn bytes(&self) -> impl Iterator<Item = &u8> {
        self.prefix.iter().chain(self.suffix)
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key<'_> {}

impl PartialOrd for Key<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
