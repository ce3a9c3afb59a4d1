//! Writes the pages of a tree: leaves as they fill, and an inner page as soon as there are enough pages below it. So memory holds
//! one page of each level.

use super::HIGHEST;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::PageSink;
use crate::storage::pages::entries::{EntriesBuilder, Entry};
use crate::storage::pages::inner::{self, Child, separator};
use crate::storage::pages::pointer::Pointer;
use crate::storage::pages::rows::RowsBuilder;
use crate::storage::pages::target::{entry_bytes, slot_bytes};

/// About the length of a page.
const PAGE: usize = 4 << 10;

/// A tree in a run file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its topmost page.
    pub pointer: Pointer,
    /// Levels of inner pages; 0 where the root is a leaf.
    pub height: u8,
}

/// The inner pages above pages that come in order.
struct Levels {
    tree: u32,
    /// For each level the pages that have no inner page yet, and about the length of that inner page.
    open: Vec<(Vec<Child>, usize)>,
    page: Vec<u8>,
}

impl Levels {
    fn new(tree: u32) -> Levels {
        Levels { tree, open: Vec::new(), page: Vec::new() }
    }

    fn push(&mut self, out: &mut dyn PageSink, level: usize, child: Child) -> Result<()> {
        if level > usize::from(HIGHEST) {
            return Err(Error::new(Kind::Limit, format!("a tree has at most {HIGHEST} levels")));
        }
        if self.open.len() == level {
            self.open.push((Vec::new(), 0));
        }
        let Some((children, length)) = self.open.get_mut(level) else {
            return Err(Error::new(Kind::Internal, "a level of a tree was left out"));
        };
        let own = inner::len_of(&child);
        // Two pages below are the least that make an inner page smaller than what is below it.
        if children.len() >= 2 && *length + own > PAGE {
            let full = std::mem::take(children);
            *length = 0;
            let above = self.inner(out, full)?;
            self.push(out, level + 1, above)?;
        }
        if let Some((children, length)) = self.open.get_mut(level) {
            children.push(child);
            *length += own;
        }
        Ok(())
    }

    fn inner(&mut self, out: &mut dyn PageSink, children: Vec<Child>) -> Result<Child> {
        self.page.clear();
        inner::encode(&children, self.tree, &mut self.page);
        let net = children.iter().map(|child| child.pointer.net).sum();
        let pointer = out.page(&self.page, net)?;
        let low = children.into_iter().next().map(|child| child.low).unwrap_or_default();
        Ok(Child { low, pointer })
    }

    /// The topmost page and its height; `None` for a tree without pages.
    fn finish(mut self, out: &mut dyn PageSink) -> Result<Option<(Pointer, u8)>> {
        let mut level = 0;
        while level < self.open.len() {
            let children = std::mem::take(&mut self.open[level].0);
            if level + 1 == self.open.len()
                && let [top] = &children[..]
            {
                return Ok(Some((top.pointer, level as u8)));
            }
            if !children.is_empty() {
                let above = self.inner(out, children)?;
                self.push(out, level + 1, above)?;
            }
            level += 1;
        }
        Ok(None)
    }

    /// The tree below the topmost page; `None` for a tree without pages.
    fn root(self, out: &mut dyn PageSink) -> Result<Option<Root>> {
        Ok(self.finish(out)?.map(|(pointer, height)| Root { pointer, height }))
    }
}

/// Writes a tree of keys.
pub struct TreeWriter {
    levels: Levels,
    entries: EntriesBuilder,
    /// The last entry of the page before.
    last: Vec<u8>,
    page: Vec<u8>,
}

impl TreeWriter {
    /// A tree with this number.
    pub fn new(tree: u32) -> TreeWriter {
        TreeWriter {
            levels: Levels::new(tree),
            entries: EntriesBuilder::default(),
            last: Vec::new(),
            page: Vec::new(),
        }
    }

    /// Adds an entry, which must come after the last one.
    pub fn push(&mut self, out: &mut dyn PageSink, entry: Entry<'_>) -> Result<()> {
        if !self.entries.is_empty() && self.entries.len_with(entry) > PAGE {
            self.leaf(out)?;
        }
        self.entries.push(entry);
        Ok(())
    }

    fn leaf(&mut self, out: &mut dyn PageSink) -> Result<()> {
        let bytes = |entry: Option<Entry<'_>>| {
            entry.map(|entry| entry_bytes(entry.key, entry.slot)).unwrap_or_default()
        };
        let low = if self.last.is_empty() {
            Vec::new()
        } else {
            separator(&self.last, &bytes(self.entries.first()))
        };
        self.last = bytes(self.entries.last());
        let net = self.entries.net();
        self.page.clear();
        self.entries.finish(self.levels.tree, &mut self.page);
        let pointer = out.page(&self.page, net)?;
        self.levels.push(out, 0, Child { low, pointer })
    }

    /// The tree; `None` if it has no entries.
    pub fn finish(mut self, out: &mut dyn PageSink) -> Result<Option<Root>> {
        if !self.entries.is_empty() {
            self.leaf(out)?;
        }
        self.levels.root(out)
    }
}

/// Writes a tree of rows.
pub struct RowsWriter {
    levels: Levels,
    rows: RowsBuilder,
    /// The last slot of the page before.
    last: Option<u64>,
    page: Vec<u8>,
}

impl RowsWriter {
    /// A tree with this number.
    pub fn new(tree: u32) -> RowsWriter {
        RowsWriter { levels: Levels::new(tree), rows: RowsBuilder::default(), last: None, page: Vec::new() }
    }

    /// Adds the record of a slot after the last one; an empty one is a tombstone.
    pub fn push(&mut self, out: &mut dyn PageSink, slot: u64, record: &[u8]) -> Result<()> {
        if !self.rows.is_empty() && self.rows.len_with(slot, record).is_none_or(|length| length > PAGE) {
            self.leaf(out)?;
        }
        self.rows.push(slot, record);
        Ok(())
    }

    fn leaf(&mut self, out: &mut dyn PageSink) -> Result<()> {
        let low = match self.last {
            None => Vec::new(),
            Some(last) => separator(&slot_bytes(last), &slot_bytes(self.rows.first())),
        };
        self.last = self.rows.last();
        let net = self.rows.net();
        self.page.clear();
        self.rows.finish(self.levels.tree, &mut self.page);
        let pointer = out.page(&self.page, net)?;
        self.levels.push(out, 0, Child { low, pointer })
    }

    /// The tree; `None` if it has no rows.
    pub fn finish(mut self, out: &mut dyn PageSink) -> Result<Option<Root>> {
        if !self.rows.is_empty() {
            self.leaf(out)?;
        }
        self.levels.root(out)
    }
}
