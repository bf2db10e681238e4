//! A page with its bytes.

use crate::error::Error;
use crate::jet::JetError;
use crate::page::{Layout, Page, PageHeader};
use crate::source::{PageNumber, PageSource};

/// Room for one page, filled from a source as often as needed.
#[derive(Debug)]
pub(crate) struct PageBuffer {
    loaded: Option<(PageNumber, PageHeader, Layout)>,
    bytes: Vec<u8>,
}

impl PageBuffer {
    pub(crate) fn new(page_size: usize) -> PageBuffer {
        PageBuffer { loaded: None, bytes: vec![0; page_size] }
    }

    /// Reads a page, as [`Page::new`] accepts it.
    pub(crate) fn load<S: PageSource + ?Sized>(&mut self, source: &S, number: PageNumber) -> Result<Page<'_>, Error> {
        self.loaded = None;
        if number.0 == 0 || number > source.last_page() {
            let problem = format!("no such page, the last is {}", source.last_page());
            return Err(Error::Page { page: number, problem, code: JetError::BAD_PAGE_LINK });
        }
        source.read_page(number, &mut self.bytes).map_err(|source| Error::Read { page: number, source })?;
        let page = Page::new(number, &self.bytes)?;
        self.loaded = Some((number, page.header, page.layout));
        Ok(page)
    }

    /// The page that was read last; `None` before that, and after a failure.
    pub(crate) fn page(&self) -> Option<Page<'_>> {
        let (number, header, layout) = self.loaded?;
        Some(Page { number, header, layout, bytes: &self.bytes })
    }
}
