//! What is on disk below the collections in memory: the trees of the checkpoint that a database was opened from, or of the
//! one that was written last while it is open.
//!
//! A checkpoint never changes. Memory holds what commits have changed since, and, page by page, what was read:
//! - slots are filled from the checkpoint 64 at a time, when one of them is looked at, and go back there (`slab`);
//! - a key that is not in the directory in memory is looked up here (`collection`);
//! - an index merges the entries here with those in memory, and leaves out those that commits have removed (`index`).
//!
//! A thread that must not block reads only pages that are in memory, here or in the system's page cache; where one is missing
//! it is refused (`nonblocking`). So does a commit under its lock, which then gives the lock back, reads the page, and begins
//! again (`commit/path`).

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::engine::exec::nonblocking::{blocked, is_device_refused, is_nonblocking, may_read_cached};
use crate::engine::format::checkpoint::{self, CollectionContents, SLOTS, tree_key};
use crate::engine::format::key::Key;
use crate::engine::state::version::{Content, SlotId, Version};
use crate::error::{Error, Kind, Result};
use crate::index::{Range, ScanDirection, cut};
use crate::storage::pages::target::{Target, entry_bytes};
use crate::storage::runs::cursor::Cursor;
use crate::storage::runs::file::RunFile;
use crate::storage::runs::page::Page as Leaf;
use crate::storage::runs::page_store::{Access, PageStore};
use crate::storage::runs::rows::Found;
use crate::storage::runs::tree::Tree;
use crate::storage::{FileId, Lsn};

/// Bytes of pages of a checkpoint that stay in memory, where no memory limit says otherwise.
const CACHE: usize = 128 << 20;
/// A memory limit from which on what was read stays in memory until that fills up.
pub(crate) const LARGE_LIMIT: u64 = 64 << 20;
/// The least that a memory limit leaves.
const LEAST: usize = 1 << 20;

thread_local! {
    /// The checkpoint in which this thread missed a page since it last asked.
    static MISSED: RefCell<Option<Arc<Base>>> = const { RefCell::new(None) };
}

/// The checkpoint in which this thread has missed a page, because the device was refused.
pub(crate) fn take_missed() -> Option<Arc<Base>> {
    MISSED.with_borrow_mut(Option::take)
}

/// The checkpoint that a database was opened from.
pub(crate) struct Base {
    pages: PageStore,
    run: u64,
    /// The files that documents are in.
    files: Vec<FileId>,
    /// The state that it holds.
    lsn: Lsn,
    /// Whether what was read may stay in memory.
    keeps: AtomicBool,
    /// No version in it is newer than this to a reader.
    since: AtomicU64,
    /// Whether slots go back to it.
    takes_back: AtomicBool,
}

/// The slots and keys of one collection in a checkpoint.
pub(crate) struct CollectionBase {
    base: Arc<Base>,
    end: u64,
    slots: Option<Tree>,
    ids: Option<Tree>,
}

/// The entries of one index in a checkpoint.
pub(crate) struct IndexBase {
    base: Arc<Base>,
    tree: Tree,
}

/// Entries of an index, as bytes: key and slot.
#[derive(Default)]
pub(crate) struct Page {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Whether there are more.
    pub(crate) more: bool,
}

impl Page {
    /// The entries, in the requested order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = begins.zip(self.ends.iter().copied()).collect::<Vec<_>>();
        ranges.into_iter().map(|(begin, end)| self.bytes.get(begin..end).unwrap_or_default())
    }

    /// Adds an entry behind the others.
    pub(crate) fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len());
    }
}

impl Base {
    /// The checkpoint in this file.
    pub(crate) fn new(file: RunFile, files: Vec<FileId>, lsn: Lsn, memory_limit: Option<u64>) -> Arc<Base> {
        let share = |limit: u64| usize::try_from(limit / 2).unwrap_or(usize::MAX).max(LEAST);
        let pages = PageStore::new(memory_limit.map_or(CACHE, share));
        let run = file.run();
        pages.add(file);
        let keeps = AtomicBool::new(memory_limit.is_none_or(|limit| limit >= LARGE_LIMIT));
        Arc::new(Base {
            pages,
            run,
            files,
            lsn,
            keeps,
            since: AtomicU64::new(lsn.0),
            takes_back: AtomicBool::new(true),
        })
    }

    /// Whether what was looked up once may stay in memory.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps.load(Ordering::Relaxed)
    }

    /// Says whether it may from now on.
    pub(crate) fn set_keeps(&self, keeps: bool) {
        self.keeps.store(keeps, Ordering::Relaxed);
    }

    /// The state that it holds.
    pub(crate) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The commit that versions in it are of, as far as readers are concerned: none that reads from it is older.
    pub(crate) fn since(&self) -> Lsn {
        Lsn(self.since.load(Ordering::Acquire))
    }

    /// Comes below only those slots that have not changed since this commit.
    pub(crate) fn begin_since(&self, lsn: Lsn) {
        self.since.fetch_min(lsn.0, Ordering::AcqRel);
    }

    /// Says whether slots in memory may go back to it. They may not where a compaction has moved the documents since, and
    /// while a reader may be there that is older than its state.
    pub(crate) fn set_takes_back(&self, takes_back: bool) {
        self.takes_back.store(takes_back, Ordering::Release);
    }

    /// Whether they may.
    pub(crate) fn takes_back(&self) -> bool {
        self.takes_back.load(Ordering::Acquire)
    }

    /// The files that documents are in.
    pub(crate) fn files(&self) -> &[FileId] {
        &self.files
    }

    /// The error of a record of slots that cannot be read.
    pub(crate) fn malformed_slots(&self) -> Error {
        self.damaged("a record of slots is malformed")
    }

    /// Notes that this file was found damaged, if it is the checkpoint's.
    pub(crate) fn note_damage(&self, path: Option<&Path>) {
        if let Ok(file) = self.pages.file(self.run)
            && path == Some(file.path())
        {
            file.damaged().store(true, Ordering::Release);
        }
    }

    /// Bytes of its pages in memory.
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.pages.cache().bytes() as u64
    }

    /// Pages read so far.
    pub(crate) fn pages_read(&self) -> u64 {
        self.pages.pages_read()
    }

    fn access() -> Access {
        match is_nonblocking() {
            false if is_device_refused() => Access::PageCache,
            false => Access::Read,
            true if may_read_cached() => Access::PageCache,
            true => Access::Resident,
        }
    }

    /// The error of a page that is not in memory, where the device must not be waited for.
    fn missed(self: &Arc<Base>) -> Error {
        if is_nonblocking() {
            return blocked();
        }
        MISSED.with_borrow_mut(|missed| *missed = Some(self.clone()));
        Error::new(Kind::Internal, "a page had to be read under a lock; please report it")
    }

    /// Reads the page that this thread missed last.
    pub(crate) fn read_missed(&self) -> Result<()> {
        self.pages.read_missed()
    }

    fn damaged(&self, what: &str) -> Error {
        match self.pages.file(self.run) {
            Ok(file) => file.corrupt(0, what),
            Err(error) => error,
        }
    }
}

impl CollectionBase {
    /// A collection of the checkpoint, and its indexes; `tree` is the number of the first of its trees.
    pub(crate) fn of(
        base: &Arc<Base>,
        contents: &CollectionContents,
        tree: u32,
    ) -> (CollectionBase, Vec<Option<IndexBase>>) {
        let slots = contents.slots.map(|root| Tree::of_rows(tree, base.run, root));
        let ids = contents.ids.map(|root| Tree::of_keys(tree + 1, base.run, root));
        let indexes = contents.indexes.iter().enumerate().map(|(n, index)| {
            let root = index.tree?;
            let tree = Tree::of_keys(tree + 2 + n as u32, base.run, root);
            Some(IndexBase { base: base.clone(), tree })
        });
        (CollectionBase { base: base.clone(), end: contents.end, slots, ids }, indexes.collect())
    }

    /// The checkpoint.
    pub(crate) fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// One past the last slot.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The slot of this key in the state of the checkpoint.
    pub(crate) fn slot_of(&self, key: &Key) -> Result<Option<SlotId>> {
        let (Some(ids), Some(key)) = (&self.ids, tree_key(key)) else { return Ok(None) };
        let found = ids.leaf(&self.base.pages, Target::Before(&key), Base::access())?;
        let Some((leaf, at)) = found else { return Err(self.base.missed()) };
        let entries = leaf.entries();
        Ok((at < entries.len() && entries.has_key(at, &key)).then(|| SlotId(entries.slot(at))))
    }

    /// The versions in the 64 slots from this multiple of 64 on, each with its place among them.
    pub(crate) fn versions(&self, first: u64) -> Result<Vec<(usize, Version)>> {
        let Some(tree) = &self.slots else { return Ok(Vec::new()) };
        let found = tree.row(&self.base.pages, first / SLOTS as u64, Base::access())?;
        let row = match &found {
            Found::Missed => return Err(self.base.missed()),
            Found::Nothing => return Ok(Vec::new()),
            Found::Row(row) => row.record(),
        };
        let decoded = checkpoint::slots(row, &self.base.files);
        let (blocks, slots) = decoded.ok_or_else(|| self.base.malformed_slots())?;
        let blocks: Vec<_> = blocks.into_iter().map(Arc::new).collect();
        let version = |block: usize, span| Version {
            lsn: self.base.since(),
            content: Content::Cold(blocks[block].clone(), span),
        };
        Ok(slots.into_iter().map(|(at, block, span)| (at, version(block, span))).collect())
    }

    /// The version in one slot.
    pub(crate) fn version(&self, slot: u64) -> Result<Option<Version>> {
        let Some(tree) = &self.slots else { return Ok(None) };
        let (number, at) = (slot / SLOTS as u64, (slot % SLOTS as u64) as usize);
        let found = tree.row(&self.base.pages, number, Base::access())?;
        let row = match &found {
            Found::Missed => return Err(self.base.missed()),
            Found::Nothing => return Ok(None),
            Found::Row(row) => row.record(),
        };
        let decoded = checkpoint::slot(row, &self.base.files, at);
        let decoded = decoded.ok_or_else(|| self.base.malformed_slots())?;
        Ok(decoded.map(|(place, span)| Version {
            lsn: self.base.since(),
            content: Content::Cold(Arc::new(place), span),
        }))
    }

    /// The records of slots, in order; none where there are no documents.
    pub(crate) fn slots(&self) -> Result<Option<Cursor<'_>>> {
        let Some(tree) = &self.slots else { return Ok(None) };
        Cursor::at(&self.base.pages, tree.clone(), Target::First, Access::Pass)
    }

    /// Calls a function with every key and its slot, in the order of the tree, until it stops with an error.
    pub(crate) fn each_key(&self, mut visit: impl FnMut(&[u8], SlotId) -> Result<()>) -> Result<()> {
        let Some(ids) = &self.ids else { return Ok(()) };
        let cursor = Cursor::at(&self.base.pages, ids.clone(), Target::First, Access::Pass)?;
        let Some(mut cursor) = cursor else { return Err(self.base.missed()) };
        let mut key = Vec::new();
        while let Some(Some((leaf, from))) = cursor.next_leaf()? {
            let entries = leaf.entries();
            for at in from..entries.len() {
                entries.key(at, &mut key);
                visit(&key, SlotId(entries.slot(at)))?;
            }
        }
        Ok(())
    }
}

impl IndexBase {
    /// Entries.
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.tree.net()).unwrap_or_default()
    }

    /// The number of entries in a range.
    pub(crate) fn count(&self, range: &Range) -> Result<u64> {
        let rank = |target| {
            let rank = self.tree.rank(&self.base.pages, target, Base::access())?;
            rank.ok_or_else(|| self.base.missed())
        };
        let (from, to) = bounds(range);
        Ok(u64::try_from(rank(to)?.saturating_sub(rank(from)?)).unwrap_or_default())
    }

    /// Entries of a range in this direction, at most `max`, starting after `after`.
    pub(crate) fn page(
        &self,
        range: &Range,
        after: Option<&[u8]>,
        direction: ScanDirection,
        max: usize,
    ) -> Result<Page> {
        let (from, to) = bounds(range);
        let start = match (after, direction) {
            (Some(after), ScanDirection::Forward) => Target::Behind(after),
            (Some(after), ScanDirection::Backward) => Target::Before(after),
            (None, ScanDirection::Forward) => from,
            (None, ScanDirection::Backward) => to,
        };
        let cursor = Cursor::at(&self.base.pages, self.tree.clone(), start, Base::access())?;
        let Some(mut cursor) = cursor else { return Err(self.base.missed()) };
        let (mut page, mut key) = (Page::default(), Vec::new());
        loop {
            let mut read = |leaf: &Leaf, at| {
                let entries = leaf.entries();
                entries.key(at, &mut key);
                entries.slot(at)
            };
            let found = match direction {
                ScanDirection::Forward => cursor.next(&mut read)?,
                ScanDirection::Backward => cursor.previous(&mut read)?,
            };
            let Some(found) = found else { return Err(self.base.missed()) };
            let Some(slot) = found else { return Ok(page) };
            let entry = entry_bytes(&key, slot);
            let inside = match direction {
                ScanDirection::Forward => to.is_behind([&entry, &[], &[]]),
                ScanDirection::Backward => !from.is_behind([&entry, &[], &[]]),
            };
            if !inside {
                return Ok(page);
            }
            if page.ends.len() == max {
                page.more = true;
                return Ok(page);
            }
            page.push(&entry);
        }
    }

    /// Slots that have an entry of this key, in order.
    pub(crate) fn slots(&self, key: &[u8]) -> Result<Vec<u64>> {
        let key = cut(key);
        let cursor = Cursor::at(&self.base.pages, self.tree.clone(), Target::Before(key), Base::access())?;
        let Some(mut cursor) = cursor else { return Err(self.base.missed()) };
        let mut slots = Vec::new();
        loop {
            let read = |leaf: &Leaf, at| {
                let entries = leaf.entries();
                entries.has_key(at, key).then(|| entries.slot(at))
            };
            match cursor.next(read)? {
                None => return Err(self.base.missed()),
                Some(Some(Some(slot))) => slots.push(slot),
                Some(None | Some(None)) => return Ok(slots),
            }
        }
    }
}

fn bounds(range: &Range) -> (Target<'_>, Target<'_>) {
    let high = cut(&range.high);
    (Target::Before(cut(&range.low)), if high.is_empty() { Target::End } else { Target::Behind(high) })
}
