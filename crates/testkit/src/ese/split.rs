//! Splits of pages, logged as one macro.

use ese::PageNumber;
use ese::log::RecordType;
use ese::page::{NodeFlags, PageFlags, PageImage, StoredNode, Tag};

use super::compression;
use super::engine::{Engine, Spot, Tree, shared, stored};
use super::record::{NO_DBTIME, Record};
use super::transaction::{Undo, UndoStep};

/// What a split does beside splitting.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'a> {
    /// Nothing.
    None,
    /// Inserts a node at the place that the path leads to.
    Insert { key: &'a [u8], data: &'a [u8], versioned: bool },
    /// Replaces the data of the node that the path leads to.
    Replace { data: &'a [u8], versioned: bool },
}

/// A node on its way from page to page.
#[derive(Clone, Debug)]
struct Line {
    key: Vec<u8>,
    data: Vec<u8>,
    flags: NodeFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The root gives all nodes to a new page.
    Vertical,
    /// The upper nodes go to a new page on the right.
    Right,
    /// Nothing but the new node goes to a new page, the last one.
    Append,
}

/// The split of one page.
#[derive(Clone, Debug)]
struct Split {
    page: u32,
    new: u32,
    kind: Kind,
    /// `splitoper`: 0 none, 1 insert, 2 replace.
    operation: u8,
    line: usize,
    at: usize,
    lines: Vec<Line>,
    prefix_left: Option<usize>,
    prefix_right: Option<usize>,
    separator: Vec<u8>,
}

/// What a macro does to one page on the way from the root to the leaf.
#[derive(Clone, Debug)]
enum Step {
    /// A separator and the new page are inserted at this line.
    Pointer(Spot),
    Split(Split),
}

impl Step {
    fn page(&self) -> u32 {
        match self {
            Step::Pointer(spot) => spot.page,
            Step::Split(split) => split.page,
        }
    }
}

impl Engine {
    /// Splits the leaf that a path ends at, and whatever is above it and has no room for another pointer. Returns whether
    /// the operation was part of that; if not, it has to be tried again.
    pub(super) fn split(&mut self, session: u16, tree: Tree, path: &[(u32, usize)], operation: Operation<'_>) -> bool {
        let (mut steps, done) = self.plan(tree, path, operation);
        for step in &mut steps {
            if let Step::Split(split) = step {
                split.new = self.take_page(session, tree);
            }
        }
        self.execute(session, tree, &steps, done, operation);
        done
    }

    /// From the root to the leaf; whether the operation is part of it.
    fn plan(&self, tree: Tree, path: &[(u32, usize)], operation: Operation<'_>) -> (Vec<Step>, bool) {
        let Some(((leaf, line), mut above)) = path.split_last().map(|(leaf, above)| (*leaf, above)) else {
            return (Vec::new(), false);
        };
        let mut split = self.plan_page(tree, leaf, line, operation);
        let mut done = split.operation != 0;
        let mut steps = Vec::new();
        while let Some((&(parent, line), rest)) = above.split_last() {
            let separator = split.separator.clone();
            let pointer = split.page.to_le_bytes();
            steps.push(Step::Split(split));
            let room = stored(self.page(parent).prefix(), &separator, &pointer, NodeFlags::empty()).size() + Tag::SIZE;
            if self.has_room(parent, room) {
                steps.push(Step::Pointer(Spot { page: parent, line }));
                steps.reverse();
                return (steps, done);
            }
            let insert = Operation::Insert { key: &separator, data: &pointer, versioned: false };
            split = self.plan_page(tree, parent, line, insert);
            if split.operation == 0 {
                // The root has to grow first; the rest is tried again.
                steps.clear();
                done = false;
            }
            above = rest;
        }
        steps.push(Step::Split(split));
        steps.reverse();
        (steps, done)
    }

    fn plan_page(&self, tree: Tree, page: u32, line: usize, operation: Operation<'_>) -> Split {
        let image = self.page(page);
        let leaf = image.flags.contains(PageFlags::LEAF);
        let before = lines(image);
        let mut after = before.clone();
        let number = match operation {
            Operation::None => 0,
            Operation::Insert { key, data, versioned } => {
                let flags = if versioned { NodeFlags::VERSION } else { NodeFlags::empty() };
                after.insert(line, Line { key: key.to_vec(), data: data.to_vec(), flags });
                1
            }
            Operation::Replace { data, versioned } => {
                let node = &mut after[line];
                node.data = data.to_vec();
                node.flags.set(NodeFlags::VERSION, node.flags.contains(NodeFlags::VERSION) || versioned);
                2
            }
        };
        let mut split = Split {
            page,
            new: 0,
            kind: Kind::Right,
            operation: number,
            line,
            at: 0,
            lines: after,
            prefix_left: None,
            prefix_right: None,
            separator: Vec::new(),
        };
        if page == tree.root {
            split.kind = Kind::Vertical;
            split.prefix_right = best_prefix(&split.lines);
            if !self.fits(tree, &split.lines, split.prefix_right) {
                split.operation = 0;
                split.line = 0;
                split.lines = before;
                split.prefix_right = best_prefix(&split.lines);
            }
            return split;
        }
        let count = split.lines.len();
        if leaf && number == 1 && line + 1 == count && image.next.is_none() {
            split.kind = Kind::Append;
            split.at = line;
            split.prefix_right = Some(0);
        } else {
            let middle = count / 2;
            let mut candidates: Vec<usize> = (1..count).collect();
            candidates.sort_by_key(|at| at.abs_diff(middle));
            for at in candidates {
                let (left, right) = split.lines.split_at(at);
                let (prefix_left, prefix_right) = (best_prefix(left), best_prefix(right));
                if self.fits(tree, left, prefix_left) && self.fits(tree, right, prefix_right) {
                    (split.at, split.prefix_left, split.prefix_right) = (at, prefix_left, prefix_right);
                    break;
                }
            }
            if split.at == 0 {
                // The new node alone is too much for any half: the old ones go first, and it finds its place later.
                return self.plan_page(tree, page, 0, Operation::None);
            }
        }
        split.separator = if leaf {
            separator(&split.lines[split.at - 1], &split.lines[split.at], tree.unique)
        } else {
            split.lines[split.at - 1].key.clone()
        };
        split
    }

    fn execute(&mut self, session: u16, tree: Tree, steps: &[Step], done: bool, operation: Operation<'_>) {
        let right = |engine: &Engine, split: &Split| {
            let image = engine.page(split.page);
            if split.kind == Kind::Right { image.next } else { None }
        };
        let mut changed = Vec::new();
        for step in steps {
            changed.push(step.page());
            if let Step::Split(split) = step {
                changed.push(split.new);
                changed.extend(right(self, split).map(|PageNumber(page)| page));
            }
        }
        for page in &changed {
            self.mark(*page);
        }
        let after = self.next_dbtime();
        let leaf = steps.last().map_or(0, Step::page);
        let version = match operation {
            Operation::Insert { versioned, .. } | Operation::Replace { versioned, .. } if done => {
                self.version(versioned)
            }
            _ => 0,
        };
        self.append(Record::new(RecordType::MACRO_BEGIN).short(session.into()).quad(after));
        let mut parent = (0, NO_DBTIME);
        for step in steps {
            let before = self.page(step.page()).dbtime;
            let record = self.split_record(session, tree, step, parent, right, after);
            self.append(record);
            parent = (step.page(), before);
        }
        if done {
            self.log_operation(session, tree, steps, operation, version, (NO_DBTIME, after));
        }
        self.append(Record::new(RecordType::MACRO_COMMIT).short(session.into()).quad(after));
        let numbers: Vec<u8> = changed.iter().flat_map(|page| page.to_le_bytes()).collect();
        self.append(Record::new(RecordType::MACRO_INFO).long(numbers.len() as u32).bytes(&numbers));
        let old = (version != 0).then(|| self.operand(steps, operation)).flatten();
        for (index, step) in steps.iter().enumerate() {
            let below = match steps.get(index + 1) {
                Some(Step::Split(split)) => Some(split.clone()),
                _ => None,
            };
            self.apply(tree, step, below.as_ref(), after);
        }
        debug_assert!(self.page(leaf).dbtime == after);
        if let (Some((key, data, step)), Some(state)) = (old, self.sessions.get_mut(&session)) {
            let data = if tree.unique { Vec::new() } else { data };
            let level = state.level;
            state.undo.push(Undo { tree, key, data, version, level, step, logged: false });
        }
    }

    /// What a roll-back of the operation needs.
    fn operand(&self, steps: &[Step], operation: Operation<'_>) -> Option<(Vec<u8>, Vec<u8>, UndoStep)> {
        let Some(Step::Split(split)) = steps.last() else { return None };
        match operation {
            Operation::None => None,
            Operation::Insert { key, data, .. } => Some((key.to_vec(), data.to_vec(), UndoStep::Insert)),
            Operation::Replace { .. } => {
                let old = self.page(split.page).nodes[split.line].data.clone();
                Some((split.lines[split.line].key.clone(), old.clone(), UndoStep::Replace(old)))
            }
        }
    }

    fn log_operation(
        &mut self,
        session: u16,
        tree: Tree,
        steps: &[Step],
        operation: Operation<'_>,
        version: u32,
        times: (u64, u64),
    ) {
        let Some(Step::Split(split)) = steps.last() else { return };
        let spot = Spot { page: split.page, line: split.line };
        let record = match operation {
            Operation::None => return,
            Operation::Insert { key, data, .. } => self
                .node_record(RecordType::INSERT, session, tree, spot, version, times)
                .short(key.len())
                .short(0)
                .short(data.len())
                .bytes(key)
                .bytes(data),
            Operation::Replace { data, .. } => {
                let old = self.page(split.page).nodes[split.line].data.len();
                self.node_record(RecordType::REPLACE, session, tree, spot, version, times)
                    .short(data.len())
                    .short(old)
                    .short(data.len())
                    .bytes(data)
            }
        };
        self.append(record);
    }

    fn split_record(
        &mut self,
        session: u16,
        tree: Tree,
        step: &Step,
        (parent, parent_before): (u32, u64),
        right: impl Fn(&Engine, &Split) -> Option<PageNumber>,
        after: u64,
    ) -> Record {
        let page = step.page();
        let times = (self.page(page).dbtime, after);
        let spot = Spot { page, line: 0 };
        let head = self.page_record(RecordType::SPLIT2, session, tree, spot, false, times);
        let Step::Split(split) = step else {
            return head
                .long(0)
                .long(0)
                .quad(NO_DBTIME)
                .long(parent)
                .quad(parent_before)
                .long(tree.fdp)
                .long(tree.objid)
                .bytes(&[0; 42]);
        };
        let (new_flags, split_flags) = self.split_flags(split);
        let right = right(self, split);
        let right_before = right.map_or(NO_DBTIME, |PageNumber(page)| self.page(page).dbtime);
        let old_prefix = self.page(page).prefix().to_vec();
        let new_prefix = split.prefix_left.map_or(&[][..], |line| &split.lines[line].key);
        let (flags, image) = if self.needs_image(split) { self.before_image(page, after) } else { (0, Vec::new()) };
        let line = |line: Option<usize>| line.map_or(u32::MAX, |line| line as u32);
        head.long(split.new)
            .long(right.map_or(0, |PageNumber(page)| page))
            .quad(right_before)
            .long(parent)
            .quad(parent_before)
            .long(tree.fdp)
            .long(tree.objid)
            .byte(split.kind as u8)
            .byte(split.operation)
            .short(split.line)
            .short(split.at)
            .short(split.lines.len())
            .long(new_flags.bits())
            .long(split_flags.bits())
            .short(0)
            .short(0)
            .long(line(split.prefix_left))
            .long(line(split.prefix_right))
            .short(old_prefix.len())
            .short(new_prefix.len())
            .short(split.separator.len())
            .long(flags)
            .long(image.len() as u32)
            .bytes(&split.separator)
            .bytes(&old_prefix)
            .bytes(new_prefix)
            .bytes(&image)
    }

    /// Whether nodes move that could be lost: the new page can be on disk and the old one not, or the other way round.
    fn needs_image(&self, split: &Split) -> bool {
        match split.kind {
            Kind::Append => false,
            Kind::Vertical => true,
            Kind::Right => !(split.operation == 1 && split.at + 1 == split.lines.len() && split.line == split.at),
        }
    }

    /// A page as it is, in one of the forms in which a log holds it, with the flags that say which.
    pub(super) fn before_image(&mut self, page: u32, after: u64) -> (u32, Vec<u8>) {
        const DEHYDRATED: u32 = 1;
        const XPRESS: u32 = 2;
        let layout = self.format.layout();
        let mut image = self.page(page).clone();
        // The page is stamped before the record is written.
        image.dbtime = after;
        let mut bytes = image.to_bytes().unwrap_or_default();
        let mut flags = 0;
        let data: usize = image.reserved.iter().map(Vec::len).chain(image.nodes.iter().map(StoredNode::size)).sum();
        let tags = (image.reserved.len() + image.nodes.len()) * Tag::SIZE;
        let end = layout.header_size() + data;
        let short = (end + tags).next_multiple_of(4);
        if short <= bytes.len() * 9 / 10 && self.random.below(4) != 0 {
            let gone = bytes.len() - short;
            let tags: Vec<u8> = bytes[bytes.len() - tags..].to_vec();
            bytes.truncate(short - tags.len());
            bytes.extend(tags);
            let free = u16::from_le_bytes([bytes[28], bytes[29]]) - gone as u16;
            bytes[28..30].copy_from_slice(&free.to_le_bytes());
            flags |= DEHYDRATED;
        }
        if self.random.below(4) != 0
            && let Some(packed) = compression::xpress(&bytes)
        {
            bytes = packed;
            flags |= XPRESS;
        }
        (flags, bytes)
    }

    /// Flags of the new page, and of the page that is split, afterwards.
    fn split_flags(&self, split: &Split) -> (PageFlags, PageFlags) {
        let kept = PageFlags::all() - PageFlags::NEW_CHECKSUM_FORMAT - PageFlags::FLUSH_TYPE;
        let old = self.page(split.page).flags & kept;
        if split.kind != Kind::Vertical {
            return (old, old);
        }
        let level = PageFlags::LEAF | PageFlags::PARENT_OF_LEAF;
        let above = if old.contains(PageFlags::LEAF) { PageFlags::PARENT_OF_LEAF } else { PageFlags::empty() };
        (old - PageFlags::ROOT, (old - level) | above)
    }

    fn apply(&mut self, tree: Tree, step: &Step, below: Option<&Split>, after: u64) {
        let split = match step {
            Step::Pointer(spot) => {
                let Some(below) = below else { return };
                let image = self.page_mut(spot.page);
                let node = stored(image.prefix(), &below.separator, &below.page.to_le_bytes(), NodeFlags::empty());
                image.nodes.insert(spot.line, node);
                image.nodes[spot.line + 1].data = below.new.to_le_bytes().to_vec();
                image.dbtime = after;
                return;
            }
            Step::Split(split) => split,
        };
        let (new_flags, split_flags) = self.split_flags(split);
        let checksum = PageFlags::NEW_CHECKSUM_FORMAT;
        let mut new = self.new_page(split.new, tree, new_flags, after);
        let prefix = |line: Option<usize>, lines: &[Line]| line.map_or(Vec::new(), |line| lines[line].key.clone());
        let place = |prefix: &[u8], lines: &[Line]| -> Vec<StoredNode> {
            lines.iter().map(|line| stored(prefix, &line.key, &line.data, line.flags)).collect()
        };
        let (left, right) = split.lines.split_at(split.at);
        new.reserved[0] = prefix(split.prefix_right, right);
        new.nodes = place(&new.reserved[0], right);
        let leaf = new_flags.contains(PageFlags::LEAF);
        let next = self.page(split.page).next;
        if leaf && split.kind != Kind::Vertical {
            new.previous = PageNumber::some(split.page);
            new.next = next;
            if let Some(PageNumber(next)) = next {
                let next = self.page_mut(next);
                next.previous = PageNumber::some(split.new);
                next.dbtime = after;
            }
        }
        let old = self.page_mut(split.page);
        old.dbtime = after;
        old.flags = split_flags | checksum;
        match split.kind {
            Kind::Vertical => {
                old.nodes = vec![stored(&[], &[], &split.new.to_le_bytes(), NodeFlags::empty())];
            }
            Kind::Append => old.next = PageNumber::some(split.new),
            Kind::Right => {
                old.reserved[0] = prefix(split.prefix_left, left);
                old.nodes = place(&old.reserved[0], left);
                if leaf {
                    old.next = PageNumber::some(split.new);
                }
            }
        }
        if let Some(below) = below {
            let line = split.line + 1;
            let pages = if line >= split.at { (&mut new, line - split.at) } else { (old, line) };
            pages.0.nodes[pages.1].data = below.new.to_le_bytes().to_vec();
        }
        self.pages.insert(split.new, new);
    }

    fn fits(&self, tree: Tree, lines: &[Line], prefix: Option<usize>) -> bool {
        let prefix = prefix.map_or(&[][..], |line| &lines[line].key);
        let size = |line: &Line| {
            let node = stored(prefix, &line.key, &line.data, line.flags);
            node.size() + Tag::SIZE + self.longest_before(tree, &line.key).saturating_sub(line.data.len())
        };
        lines.iter().map(size).sum::<usize>() + prefix.len() + Tag::SIZE <= self.format.layout().data_size()
    }
}

fn lines(image: &PageImage) -> Vec<Line> {
    image
        .nodes
        .iter()
        .enumerate()
        .map(|(line, node)| Line {
            key: image.key(line).unwrap_or_default(),
            data: node.data.clone(),
            flags: node.flags - NodeFlags::COMPRESSED,
        })
        .collect()
}

/// The line whose key, as a prefix, saves most; `None` when none saves anything.
fn best_prefix(lines: &[Line]) -> Option<usize> {
    let saves = |line: &usize| {
        let prefix = &lines[*line].key;
        let saved: isize =
            lines.iter().map(|line| shared(prefix, &line.key) as isize).map(|common| (common - 2).max(0)).sum();
        saved - prefix.len() as isize
    };
    let candidates = [0, lines.len() / 2, lines.len().saturating_sub(1)];
    candidates.into_iter().filter(|line| *line < lines.len()).max_by_key(saves).filter(|line| saves(line) > 0)
}

/// The shortest key above the left node and not above the right one.
fn separator(left: &Line, right: &Line, unique: bool) -> Vec<u8> {
    let bookmark = |line: &Line| if unique { line.key.clone() } else { [&line.key[..], &line.data].concat() };
    let (left, mut right) = (bookmark(left), bookmark(right));
    let common = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    right.truncate(common + 1);
    right
}
