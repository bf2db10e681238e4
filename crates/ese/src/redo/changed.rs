//! The changed pages: in memory while there is room, in a store when there is none.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io;

use super::error::Fault;
use crate::page::{Layout, NodeFlags, Page, PageFlags, PageImage};
use crate::source::PageNumber;

/// Where changed pages go that find no room in memory.
pub trait PageStore: fmt::Debug {
    /// Keeps a page, in the place of what it kept of it before. `bytes` is one page.
    ///
    /// # Errors
    /// It was not kept.
    fn write_page(&mut self, page: PageNumber, bytes: &[u8]) -> io::Result<()>;

    /// Gives back a page that was written.
    ///
    /// # Errors
    /// It cannot be read.
    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()>;
}

/// Changed pages. All of them go to the store when memory is full; those that are still needed come back one by one.
#[derive(Debug)]
pub(super) struct ChangedPages {
    layout: Layout,
    images: HashMap<PageNumber, PageImage>,
    /// Counters of changes of the pages in the store. An image in memory is newer than the one in the store.
    stored: HashMap<PageNumber, u64>,
    store: Option<Box<dyn PageStore>>,
    /// How many images memory has room for.
    room: usize,
    settled: bool,
}

impl ChangedPages {
    pub(super) fn new(layout: Layout) -> Self {
        let (images, stored) = (HashMap::new(), HashMap::new());
        ChangedPages { layout, images, stored, store: None, room: usize::MAX, settled: false }
    }

    /// Keeps no more than `room` pages in memory from now on.
    pub(super) fn spill_to(&mut self, store: Box<dyn PageStore>, room: usize) {
        self.store = Some(store);
        self.room = room.max(1);
    }

    /// The numbers of all changed pages, in order.
    pub(super) fn numbers(&self) -> BTreeSet<PageNumber> {
        self.images.keys().chain(self.stored.keys()).copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.images.len() + self.stored.keys().filter(|page| !self.images.contains_key(page)).count()
    }

    /// The counter of changes of a page; `None` when it was not changed.
    pub(super) fn dbtime(&self, page: PageNumber) -> Option<u64> {
        self.images.get(&page).map(|image| image.dbtime).or_else(|| self.stored.get(&page).copied())
    }

    /// A page; `None` when it was not changed.
    pub(super) fn get(&self, page: PageNumber) -> Result<Option<Cow<'_, PageImage>>, Fault> {
        if let Some(image) = self.images.get(&page) {
            return Ok(Some(Cow::Borrowed(image)));
        }
        let Some(store) = self.store.as_ref().filter(|_| self.stored.contains_key(&page)) else { return Ok(None) };
        let mut bytes = vec![0; self.layout.page_size()];
        store.read_page(page, &mut bytes).map_err(Fault::Store)?;
        let mut image = Page::new(page, &bytes).and_then(|page| PageImage::of(&page)).map_err(Fault::Read)?;
        if self.settled {
            settle(&mut image);
        }
        Ok(Some(Cow::Owned(image)))
    }

    /// A page in memory, to be changed in place.
    pub(super) fn in_memory(&mut self, page: PageNumber) -> Option<&mut PageImage> {
        self.images.get_mut(&page)
    }

    /// Makes room for some pages more, so that putting them in cannot fail.
    pub(super) fn make_room(&mut self, pages: usize) -> Result<(), Fault> {
        let Some(store) = &mut self.store else { return Ok(()) };
        if self.images.is_empty() || self.images.len().saturating_add(pages) <= self.room {
            return Ok(());
        }
        // In the order of the file, which a disk likes best.
        let mut numbers: Vec<_> = self.images.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let image = &self.images[&number];
            let bytes = image.to_bytes().map_err(Fault::Read)?;
            store.write_page(number, &bytes).map_err(Fault::Store)?;
            self.stored.insert(number, image.dbtime);
        }
        self.images.clear();
        Ok(())
    }

    pub(super) fn insert(&mut self, image: PageImage) {
        self.images.insert(image.number, image);
    }

    /// Ends the state of a server that runs, on every page.
    pub(super) fn settle(&mut self) {
        self.settled = true;
        self.images.values_mut().for_each(settle);
    }
}

/// No node is versioned, no free space is spoken for.
fn settle(image: &mut PageImage) {
    if image.flags.contains(PageFlags::LEAF) && !image.flags.contains(PageFlags::SPACE_TREE) {
        image.uncommitted_free = 0;
        for node in &mut image.nodes {
            node.flags -= NodeFlags::VERSION;
        }
    }
}
