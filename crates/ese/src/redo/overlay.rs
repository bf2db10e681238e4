//! The changed pages, beside the ones of the source.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io;

use super::changed::{ChangedPages, PageStore};
use super::error::{Fault, RedoError, Stop};
use crate::checksum::{self, Verdict};
use crate::error::Error;
use crate::jet::JetError;
use crate::log::RecordType;
use crate::page::{Layout, Page, PageFlags, PageHeader, PageImage};
use crate::position::LogPosition;
use crate::source::{ObjectId, PageNumber, PageSource};

/// The pages of a source with changes laid over them.
#[derive(Debug)]
pub(super) struct Overlay<S> {
    source: S,
    layout: Layout,
    last: PageNumber,
    /// No page behind this one is believed in.
    ceiling: u32,
    reserved_tags: u8,
    changed: ChangedPages,
    /// Counters of pages that were looked at and not changed; `None` for a page that was never written.
    known: RefCell<HashMap<PageNumber, Option<u64>>>,
    /// Pages that are not what a record needs: what the first such record was.
    waiting: RefCell<BTreeMap<PageNumber, Stop>>,
    /// The record that is being applied.
    at: (LogPosition, RecordType),
}

/// Pages by which a database may grow within one log: 1 GiB of 4 KiB pages, for logs of some mebibytes.
const PAGES_PER_LOG: u32 = 0x4_0000;

impl<S: PageSource> Overlay<S> {
    pub(super) fn new(source: S, reserved_tags: u8) -> Result<Self, RedoError> {
        let page_size = source.page_size();
        let layout = Layout::of(page_size).ok_or(RedoError::Layout { page_size })?;
        let last = source.last_page();
        Ok(Overlay {
            source,
            layout,
            last,
            ceiling: last.0.saturating_add(PAGES_PER_LOG),
            reserved_tags,
            changed: ChangedPages::new(layout),
            known: RefCell::default(),
            waiting: RefCell::default(),
            at: (LogPosition::default(), RecordType::NOP),
        })
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn last_page(&self) -> PageNumber {
        self.last
    }

    /// Takes the database to be this long. A log cannot make it longer than its server could have by writing that log.
    pub(super) fn extend(&mut self, last: PageNumber) -> Result<(), Fault> {
        if last.0 > self.ceiling {
            return Err(Fault::page(last, "the page is far behind the end of the database"));
        }
        self.last = self.last.max(last);
        Ok(())
    }

    /// One more log: what it may add to the database.
    pub(super) fn raise_ceiling(&mut self) {
        self.ceiling = self.ceiling.saturating_add(PAGES_PER_LOG);
    }

    pub(super) fn use_reserved_tags(&mut self) {
        self.reserved_tags = 1;
    }

    /// Keeps no more than `room` changed pages in memory from now on.
    pub(super) fn spill_to(&mut self, store: Box<dyn PageStore>, room: usize) {
        self.changed.spill_to(store, room);
    }

    pub(super) fn changed(&self) -> &ChangedPages {
        &self.changed
    }

    /// Ends the state of a server that runs, on every changed page.
    pub(super) fn settle(&mut self) {
        self.changed.settle();
    }

    pub(super) fn begin(&mut self, position: LogPosition, record: RecordType) {
        self.at = (position, record);
    }

    /// Whether a record that leads from `before` to `after` has to be applied to a page.
    ///
    /// A page that was never written, or is too old, waits for a later record that makes it new: the server may have given
    /// it away and taken it again. Until then no record is applied to it.
    pub(super) fn needs(&self, page: PageNumber, before: u64, after: u64) -> Result<bool, Fault> {
        if self.waiting.borrow().contains_key(&page) {
            return Ok(false);
        }
        let fault = match self.dbtime(page)? {
            Some(has) if has >= after => return Ok(false),
            Some(has) if has == before => return Ok(true),
            Some(has) if has > before => return Err(Fault::TooNew { page, has, before, after }),
            Some(has) => Fault::TooOld { page, has, before },
            None => Fault::Blank(page),
        };
        let (position, record) = self.at;
        self.waiting.borrow_mut().insert(page, fault.at(position, record));
        Ok(false)
    }

    /// The first record for which a page has waited in vain.
    pub(super) fn waiting(&self) -> Option<Stop> {
        let waiting = self.waiting.take();
        waiting.into_values().min_by_key(|stop| stop.position)
    }

    /// Whether a record that makes a page new has to be applied.
    pub(super) fn needs_new(&self, page: PageNumber, after: u64) -> Result<bool, Fault> {
        if self.waiting.borrow().contains_key(&page) {
            return Ok(true);
        }
        Ok(self.dbtime(page)?.is_none_or(|has| has < after))
    }

    /// The page as it is now.
    pub(super) fn image(&self, page: PageNumber) -> Result<Cow<'_, PageImage>, Fault> {
        if let Some(image) = self.changed.get(page)? {
            return Ok(image);
        }
        let bytes = self.read_source(page)?.ok_or(Fault::Blank(page))?;
        let image = Page::new(page, &bytes).and_then(|page| PageImage::of(&page)).map_err(Fault::Read)?;
        Ok(Cow::Owned(image))
    }

    /// Takes out the page to change it; [`put`](Self::put) puts it back.
    pub(super) fn take(&mut self, page: PageNumber) -> Result<PageImage, Fault> {
        self.image(page).map(Cow::into_owned)
    }

    /// Changes a page by at most `growth` bytes; the change must not fail half way. When it makes something of the page
    /// that no page can be, the page stays as it was.
    pub(super) fn modify<T>(
        &mut self,
        page: PageNumber,
        growth: usize,
        change: impl FnOnce(&mut PageImage) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        // In place where nothing can go wrong afterwards.
        if let Some(image) = self.changed.in_memory(page)
            && image.free().is_some_and(|free| free >= growth)
            && image.nodes.len() + image.reserved.len() < PageHeader::MOST_TAGS.into()
            && !image.reserved.is_empty()
        {
            return change(image);
        }
        let mut image = self.take(page)?;
        let result = change(&mut image)?;
        self.put([image])?;
        Ok(result)
    }

    /// Puts pages in the place of what was there, all or none.
    pub(super) fn put(&mut self, images: impl IntoIterator<Item = PageImage>) -> Result<(), Fault> {
        let images: Vec<_> = images.into_iter().collect();
        for image in &images {
            if let Some(problem) = image.problem() {
                return Err(Fault::page(image.number, problem));
            }
        }
        for image in &images {
            self.extend(image.number)?;
        }
        self.changed.make_room(images.len())?;
        for image in images {
            self.known.borrow_mut().remove(&image.number);
            self.waiting.borrow_mut().remove(&image.number);
            self.changed.insert(image);
        }
        Ok(())
    }

    /// A page that is allocated and not in use.
    pub(super) fn pre_init(&self, page: PageNumber, objid: ObjectId, dbtime: u64) -> PageImage {
        let flags = PageFlags::PRE_INIT | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT;
        PageImage { reserved: Vec::new(), ..PageImage::new(page, self.layout, objid, flags, dbtime) }
    }

    /// A page without nodes.
    pub(super) fn empty(&self, page: PageNumber, objid: ObjectId, flags: PageFlags, dbtime: u64) -> PageImage {
        let flags = (flags | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT) - PageFlags::PRE_INIT;
        PageImage { reserved_tags: self.reserved_tags, ..PageImage::new(page, self.layout, objid, flags, dbtime) }
    }

    pub(super) fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        if let Some(image) = self.changed.get(page).map_err(Fault::into_io)? {
            let bytes = image.to_bytes().map_err(io::Error::other)?;
            if buffer.len() != bytes.len() {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            buffer.copy_from_slice(&bytes);
            return Ok(());
        }
        if page > self.source.last_page() && page <= self.last {
            buffer.fill(0);
            return Ok(());
        }
        self.source.read_page(page, buffer)
    }

    /// The counter of changes of a page; `None` when it was never written.
    fn dbtime(&self, page: PageNumber) -> Result<Option<u64>, Fault> {
        if page.0 == 0 {
            return Err(Fault::Record("the record names page 0"));
        }
        if let Some(dbtime) = self.changed.dbtime(page) {
            return Ok(Some(dbtime));
        }
        if let Some(known) = self.known.borrow().get(&page) {
            return Ok(*known);
        }
        let dbtime = self.read_source(page)?.and_then(|bytes| PageHeader::parse(&bytes)).map(|h| h.dbtime);
        self.known.borrow_mut().insert(page, dbtime);
        Ok(dbtime)
    }

    /// The bytes of a page of the source, checked; `None` when it was never written.
    fn read_source(&self, page: PageNumber) -> Result<Option<Vec<u8>>, Fault> {
        if page > self.source.last_page() {
            return Ok(None);
        }
        let mut bytes = vec![0; self.layout.page_size()];
        self.source.read_page(page, &mut bytes).map_err(|source| Fault::Read(Error::Read { page, source }))?;
        match checksum::verify_page(&bytes, page) {
            Verdict::Sound => Ok(Some(bytes)),
            Verdict::Blank => Ok(None),
            Verdict::Correctable { bits } => {
                checksum::correct(&mut bytes, &bits);
                Ok(Some(bytes))
            }
            Verdict::Damaged { stored, computed } => {
                let problem = format!("the page has the checksum {stored:#018x}, its content gives {computed:#018x}");
                Err(Fault::Read(Error::Page { page, problem, code: JetError::READ_VERIFY_FAILURE }))
            }
        }
    }
}
