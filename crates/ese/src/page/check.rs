//! All that can be said about a page by itself.

use crate::error::Error;
use crate::jet::JetError;
use crate::page::{Page, PageFlags, Tag};

impl Page<'_> {
    /// Checks the page by itself (`ErrCheckPage`): counts, flags, tags that overlap or reach into free space, sizes
    /// within nodes, keys in order, every byte accounted for.
    ///
    /// # Errors
    /// [`Error::Page`] with the first problem.
    pub fn check(&self) -> Result<(), Error> {
        self.check_header()?;
        if self.header.tag_count == 0 {
            return Ok(());
        }
        self.check_tags()?;
        self.check_nodes()
    }

    fn check_header(&self) -> Result<(), Error> {
        let (header, size) = (self.header(), self.layout().data_size());
        let too_many = |what: &str, count: u16| Err(self.tag_damage(format!("{count} {what}, more than a page has")));
        if usize::from(header.free) > size {
            return too_many("free bytes", header.free);
        }
        if header.uncommitted_free > header.free {
            return too_many("uncommitted free bytes", header.uncommitted_free);
        }
        if usize::from(header.first_free) > size {
            return too_many("bytes of data", header.first_free);
        }
        let flags = self.flags();
        let unused = flags.intersects(PageFlags::EMPTY | PageFlags::PRE_INIT);
        if header.tag_count == 0 && !unused {
            return Err(self.tag_damage("no tags".to_owned()));
        }
        for pair in [
            PageFlags::EMPTY | PageFlags::PRE_INIT,
            PageFlags::LEAF | PageFlags::PARENT_OF_LEAF,
            PageFlags::INDEX | PageFlags::LONG_VALUE,
        ] {
            if flags.contains(pair) {
                return Err(self.tag_damage(format!("contradicting flags {:#x}", flags.bits())));
            }
        }
        Ok(())
    }

    fn check_tags(&self) -> Result<(), Error> {
        let count = usize::from(self.header.tag_count);
        let mut tags = Vec::with_capacity(count);
        for index in 0..count {
            let (_, line) = self.line(index)?;
            let Some(tag) = self.tag(index).filter(|_| !line.is_empty()) else {
                if index < usize::from(self.header.reserved_tag_count()) {
                    continue;
                }
                return Err(self.tag_damage(format!("tag {index} is empty")));
            };
            if u32::from(tag.offset) + u32::from(tag.size) > u32::from(self.header.first_free) {
                return Err(self.tag_damage(format!("tag {index} ends in the free space")));
            }
            tags.push((tag.offset, tag.size, index));
        }
        tags.sort_unstable();
        for pair in tags.windows(2) {
            let [(offset, size, index), (next_offset, _, next_index)] = pair else { continue };
            if offset + size > *next_offset {
                return Err(self.tag_damage(format!("tags {index} and {next_index} overlap")));
            }
        }
        let used: usize = tags.iter().map(|(_, size, _)| usize::from(*size)).sum();
        let accounted = used + usize::from(self.header.free) + count * Tag::SIZE;
        if accounted != self.layout().data_size() {
            let problem = format!("{accounted} bytes accounted for, of {}", self.layout().data_size());
            return Err(self.tag_damage(problem));
        }
        Ok(())
    }

    fn check_nodes(&self) -> Result<(), Error> {
        let node_damage = |problem| Err(self.damage(problem, JetError::NODE_CORRUPTED));
        let mut last = None;
        for (index, node) in self.nodes().enumerate() {
            let node = node?;
            let end_of_inner = !self.is_leaf() && index + 1 == self.node_count();
            if node.key.is_empty() && !end_of_inner {
                return node_damage(format!("node {index} has no key"));
            }
            if node.data.is_empty() {
                return node_damage(format!("node {index} has no data"));
            }
            if last.is_some_and(|last| last > node.key) && !end_of_inner {
                return node_damage(format!("node {index} is out of order"));
            }
            if !self.is_leaf() && node.child().is_none() {
                return node_damage(format!("node {index} names no child page"));
            }
            last = Some(node.key);
        }
        Ok(())
    }

    fn tag_damage(&self, problem: String) -> Error {
        self.damage(problem, JetError::PAGE_TAG_CORRUPTED)
    }
}
