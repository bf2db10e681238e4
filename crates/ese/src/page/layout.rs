//! What depends on the size of a page.

/// How pages of one size are laid out: up to 8 KiB small, above large (`FIsSmallPage`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    // INVARIANT: one of SIZES.
    page_size: usize,
}

const SIZES: [usize; 5] = [2048, 4096, 8192, 16_384, 32_768];

impl Layout {
    /// The layout of pages with `page_size` bytes; `None` when there are no pages of that size.
    #[must_use]
    pub fn of(page_size: usize) -> Option<Layout> {
        SIZES.contains(&page_size).then_some(Layout { page_size })
    }

    /// Size of a page in bytes.
    #[must_use]
    pub fn page_size(self) -> usize {
        self.page_size
    }

    /// Whether offsets of tags have 13 bits, and flags of nodes are in the tag.
    #[must_use]
    pub fn is_small(self) -> bool {
        self.page_size <= 8192
    }

    /// Size of the page header in bytes: `PGHDR` or `PGHDR2`.
    #[must_use]
    pub fn header_size(self) -> usize {
        if self.is_small() { 40 } else { 80 }
    }

    /// Bytes behind the page header, tags included.
    #[must_use]
    pub fn data_size(self) -> usize {
        self.page_size - self.header_size()
    }

    /// The bits of a tag that are an offset or a size.
    pub(crate) fn tag_mask(self) -> u16 {
        if self.is_small() { 0x1fff } else { 0x7fff }
    }
}
