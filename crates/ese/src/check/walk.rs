//! A walk over all pages of a tree that doubts everything.

use crate::check::page_set::PageSet;
use crate::check::{Finding, Report};
use crate::error::Error;
use crate::jet::JetError;
use crate::page::buffer::PageBuffer;
use crate::page::{Node, Page, PageFlags};
use crate::source::{ObjectId, PageNumber, PageSource};
use crate::tree::{DEPTH_LIMIT, Entry, check_child, check_root, check_used};

/// Walks over one tree: each page is sound by itself, belongs to the tree and to no other; keys ascend and are within
/// what the parent page says; leaves link to their neighbours and they back. Inner pages need no links.
pub(super) struct Walk<'w, S> {
    pub(super) source: &'w S,
    pub(super) objid: ObjectId,
    pub(super) table: Option<&'w str>,
    pub(super) seen: &'w mut PageSet,
    pub(super) report: &'w mut Report,
}

struct Level {
    buffer: PageBuffer,
    next_child: usize,
    bounds: Bounds,
}

/// Keys on a page are not below the one and below the other.
#[derive(Clone, Default)]
struct Bounds {
    low: Vec<u8>,
    high: Option<Vec<u8>>,
}

/// The leaf to the left.
#[derive(Clone, Copy)]
enum Left {
    /// It could not be read.
    Unknown,
    /// There is none: this is the first one.
    None,
    Leaf {
        number: PageNumber,
        next: Option<PageNumber>,
    },
}

impl<S: PageSource> Walk<'_, S> {
    /// Calls `visit` with every node of the leaves that exists, in order. A part of the tree that cannot be read is a
    /// finding, and left out.
    pub(super) fn run(
        &mut self,
        root: PageNumber,
        mut visit: impl FnMut(&mut Report, &Entry<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.report.trees += 1;
        let mut left = Left::None;
        let mut path = Vec::new();
        let mut pending = Some((root, Bounds::default()));
        loop {
            if let Some((number, bounds)) = pending.take() {
                match self.enter(&path, number, bounds) {
                    Ok(level) => {
                        if let Some(leaf) = level.buffer.page().filter(Page::is_leaf) {
                            self.check_links(&leaf, left);
                            left = Left::Leaf { number, next: leaf.header().next };
                        }
                        path.push(level);
                    }
                    Err(error) => {
                        left = Left::Unknown;
                        self.report.take(self.table, error)?;
                    }
                }
            }
            let Some(level) = path.last_mut() else { break };
            let Some(page) = level.buffer.page() else { break };
            if page.is_leaf() {
                for node in page.nodes().filter(|node| node.as_ref().is_ok_and(|node| !node.is_deleted())) {
                    visit(self.report, &Entry { node: node?, page })?;
                }
                path.pop();
            } else if level.next_child < page.node_count() {
                pending = child(&page, level.next_child, &level.bounds);
                level.next_child += 1;
            } else {
                path.pop();
            }
        }
        if let Left::Leaf { number, next: Some(next) } = left {
            self.add(number, format!("the last leaf links to page {next}"), JetError::BAD_PAGE_LINK);
        }
        Ok(())
    }

    fn enter(&mut self, path: &[Level], number: PageNumber, bounds: Bounds) -> Result<Level, Error> {
        let mut buffer = PageBuffer::new(self.source.page_size());
        let page = buffer.load(self.source, number)?;
        if !self.seen.insert(number) {
            let problem = "the page is used twice".to_owned();
            return Err(page.damage(problem, JetError::BAD_PAGE_LINK));
        }
        self.report.pages += 1;
        page.check()?;
        match path.last().and_then(|level| level.buffer.page()) {
            Some(parent) => check_child(&parent, &page, self.objid)?,
            None => check_root(&page, self.objid)?,
        }
        check_used(&page)?;
        if path.len() >= DEPTH_LIMIT {
            return Err(page.damage(format!("more than {DEPTH_LIMIT} levels"), JetError::BAD_PARENT_PAGE_LINK));
        }
        if let Some(problem) = disorder(&page, &bounds)? {
            self.add(number, problem, JetError::BAD_PARENT_PAGE_LINK);
        }
        Ok(Level { buffer, next_child: 0, bounds })
    }

    fn check_links(&mut self, leaf: &Page<'_>, left: Left) {
        let (number, previous) = (leaf.number(), leaf.header().previous);
        let expected = match left {
            Left::Unknown => return,
            Left::None => None,
            Left::Leaf { number: left, next } => {
                if next != Some(number) {
                    let problem = format!("links to {}, not to page {number}", name(next));
                    self.add(left, problem, JetError::BAD_PAGE_LINK);
                }
                Some(left)
            }
        };
        if previous != expected {
            let problem = format!("links back to {}, not to {}", name(previous), name(expected));
            self.add(number, problem, JetError::BAD_PAGE_LINK);
        }
    }

    fn add(&mut self, page: PageNumber, problem: String, code: JetError) {
        self.report.add(Finding { page: Some(page), table: self.table.map(str::to_owned), problem, code });
    }
}

fn name(page: Option<PageNumber>) -> String {
    page.map_or_else(|| "no page".to_owned(), |page| format!("page {page}"))
}

/// The child at `index` and what its keys are between.
fn child(page: &Page<'_>, index: usize, own: &Bounds) -> Option<(PageNumber, Bounds)> {
    let node = page.node(index).ok()?;
    let low = match index.checked_sub(1) {
        Some(before) => page.node(before).ok()?.key.to_vec(),
        None => own.low.clone(),
    };
    let last = index + 1 == page.node_count();
    let high = if last && node.key.is_empty() { own.high.clone() } else { Some(node.key.to_vec()) };
    Some((node.child()?, Bounds { low, high }))
}

/// What is wrong with the order of the keys of a page.
fn disorder(page: &Page<'_>, bounds: &Bounds) -> Result<Option<String>, Error> {
    let unique = !page.flags().contains(PageFlags::NON_UNIQUE_KEYS);
    let mut last: Option<Node<'_>> = None;
    for (index, node) in page.nodes().enumerate() {
        let node = node?;
        if !page.is_leaf() && index + 1 == page.node_count() && node.key.is_empty() {
            break;
        }
        if let Some(last) = last {
            let order = if unique || !page.is_leaf() {
                last.key.cmp(&node.key)
            } else {
                last.key.cmp(&node.key).then_with(|| last.data.cmp(node.data))
            };
            if !order.is_lt() {
                return Ok(Some(format!("the key of node {index} does not follow the one before")));
            }
        }
        // Where keys are not unique, the data goes on where the key ends.
        let mut key = node.key.to_vec();
        if !unique && page.is_leaf() {
            key.extend_from_slice(node.data);
        }
        let within = key >= bounds.low
            && bounds.high.as_ref().is_none_or(|high| if page.is_leaf() { key < *high } else { key <= *high });
        if !within {
            return Ok(Some(format!("the key of node {index} is not between those of its parent")));
        }
        last = Some(node);
    }
    Ok(None)
}
