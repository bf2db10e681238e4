//! The content of a page before a split or a merge, as the record holds it.

use super::error::Fault;
use crate::bytes::Bytes;
use crate::compression::{CompressionError, decompress};
use crate::page::{Layout, Page, PageImage, Tag};
use crate::source::PageNumber;

const DEHYDRATED: u32 = 1;
const COMPRESSED: u32 = 2;

/// Makes the page that `bytes` stand for. Its counter of changes is that of the state after the record; it is set back to
/// `before`.
pub(super) fn decode(
    bytes: &[u8],
    flags: u32,
    number: PageNumber,
    layout: Layout,
    before: u64,
) -> Result<PageImage, Fault> {
    let mut page = if flags & COMPRESSED != 0 {
        decompress(bytes).map_err(|error| match error {
            CompressionError::Unsupported(what) => Fault::UnsupportedDetail(what),
            _ => Fault::Record("the page in the record cannot be decompressed"),
        })?
    } else {
        bytes.to_vec()
    };
    if flags & DEHYDRATED != 0 {
        page = rehydrate(page, layout).ok_or(Fault::Record("the page in the record is cut"))?;
    }
    if page.len() != layout.page_size() {
        return Err(Fault::Record("the page in the record has not the size of a page"));
    }
    let page = Page::new(number, &page).map_err(Fault::Read)?;
    let mut image = PageImage::of(&page).map_err(Fault::Read)?;
    image.dbtime = before;
    Ok(image)
}

/// Puts the gap back between the data and the tags of a page, and counts it as free.
fn rehydrate(mut page: Vec<u8>, layout: Layout) -> Option<Vec<u8>> {
    let gap = layout.page_size().checked_sub(page.len())?;
    let tags = usize::from(page.u16_at(34)? & 0x0FFF) * Tag::SIZE;
    let at = page.len().checked_sub(tags)?;
    let free = page.u16_at(28)?.checked_add(u16::try_from(gap).ok()?)?;
    page.splice(at..at, std::iter::repeat_n(0, gap));
    page.get_mut(28..30)?.copy_from_slice(&free.to_le_bytes());
    Some(page)
}
