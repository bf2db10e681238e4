//! Rolling back what never committed.

use super::Redo;
use super::error::{Fault, RedoError};
use super::node::take_back;
use super::session::Version;
use crate::log::RecordType;
use crate::page::{Page, PageImage};
use crate::source::{PageNumber, PageSource};

/// What was rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RolledBack {
    /// Transactions that were open.
    pub transactions: usize,
    /// Changes that were taken back.
    pub changes: usize,
}

/// No tree is deeper.
const DEPTH_LIMIT: usize = 32;

impl<S: PageSource> Redo<S> {
    /// Takes back what open transactions did, the last change first, as recovery does when the logs end.
    ///
    /// # Errors
    /// [`RedoError::Stopped`]: a page waited in vain for a record that makes it new; or a node that was changed is not where
    /// its key belongs. What was taken back before stays so.
    pub fn roll_back(&mut self) -> Result<RolledBack, RedoError> {
        if let Some(stop) = self.overlay.waiting() {
            return Err(RedoError::Stopped(stop));
        }
        let position = self.progress.position;
        let mut rolled_back = RolledBack::default();
        for session in std::mem::take(&mut self.sessions).into_values() {
            if !session.is_open() {
                continue;
            }
            rolled_back.transactions += 1;
            for version in session.backwards() {
                self.take_back(version).map_err(|fault| fault.into_error(position, RecordType::UNDO))?;
                rolled_back.changes += 1;
            }
        }
        Ok(rolled_back)
    }

    /// Ends the state of a server that runs: no node is versioned, no free space is spoken for.
    pub fn settle(&mut self) {
        self.overlay.settle();
    }

    fn take_back(&mut self, version: &Version) -> Result<(), Fault> {
        let (page, at) = self.find(version)?;
        self.progress.dbtime += 1;
        let dbtime = self.progress.dbtime;
        self.overlay.modify(page, usize::MAX, |image| {
            take_back(&mut image.nodes[at], &version.undo)
                .ok_or_else(|| Fault::page(page, format!("node {at} has not what is to be taken back")))?;
            image.dbtime = dbtime;
            Ok(())
        })
    }

    /// Where the node of a version is now.
    fn find(&self, version: &Version) -> Result<(PageNumber, usize), Fault> {
        // A pointer leads to keys below its own; in a tree with equal keys, to keys and data.
        let bookmark = [version.key.as_slice(), version.bookmark_data.as_deref().unwrap_or_default()].concat();
        let mut number = version.root;
        let mut bytes = vec![0; self.overlay.layout().page_size()];
        for _ in 0..DEPTH_LIMIT {
            let read = |source| Fault::Read(crate::Error::Read { page: number, source });
            self.overlay.read_page(number, &mut bytes).map_err(read)?;
            let page = Page::new(number, &bytes).map_err(Fault::Read)?;
            if page.header().objid != version.objid {
                let problem = format!("the page belongs to object {}, not {}", page.header().objid, version.objid);
                return Err(Fault::page(number, problem));
            }
            if page.is_leaf() {
                let image = PageImage::of(&page).map_err(Fault::Read)?;
                if let Some(at) = find_node(&image, version) {
                    return Ok((number, at));
                }
                return Err(Fault::page(number, "the node of an open transaction is not on its page"));
            }
            let index = page.child_for(&bookmark).map_err(Fault::Read)?;
            let node = page.node(index).map_err(Fault::Read)?;
            number = node.child().ok_or_else(|| Fault::page(number, format!("node {index} leads to no page")))?;
        }
        Err(Fault::page(version.root, "the tree is too deep"))
    }
}

fn find_node(image: &PageImage, version: &Version) -> Option<usize> {
    (0..image.nodes.len()).find(|at| {
        let data = version.bookmark_data.as_ref().is_none_or(|data| image.nodes[*at].data == *data);
        data && image.key(*at).as_ref() == Some(&version.key)
    })
}
