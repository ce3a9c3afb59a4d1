//! Where the documents of a snapshot are: the trees of slots of its checkpoint, which are written while the snapshot is.
//!
//! The place of a document is known as soon as its block is written, so nothing is kept for it in memory. The pages are in a file from
//! then on, and are read three times: by the proof, in order; for the slots in memory, which get their new places; and later
//! by readers, because the file comes below the slots whether or not the rest of a checkpoint can be written into it.

use std::sync::Arc;

use crate::engine::format::checkpoint::{CollectionContents, SLOTS, SlotsBuilder, slots};
use crate::engine::state::base::{Base, CollectionBase};
use crate::engine::state::slab::{SlotId, Span};
use crate::engine::store::Store;
use crate::error::Result;
use crate::storage::pages::pointer::Pointer;
use crate::storage::runs::cursor::Cursor;
use crate::storage::runs::file::RunFile;
use crate::storage::runs::in_memory::MemoryRun;
use crate::storage::runs::page::Page as Leaf;
use crate::storage::runs::tree_writer::{Root, RowsWriter};
use crate::storage::{BlockPlace, CheckpointSink, FileId, Lsn, PageSink};

/// The trees of slots as they were written, by collection, and the files that they name.
#[derive(Clone, Default)]
pub(super) struct SlotTrees {
    /// The number of the tree, and the tree.
    pub(super) trees: Vec<(u32, Option<Root>)>,
    pub(super) files: Vec<FileId>,
}

/// Where the pages go: into the file of a checkpoint, or into memory, where there is little of them, or no such file can be written.
pub(super) enum PlacePages {
    File(Box<dyn CheckpointSink>),
    Memory(MemoryRun),
}

impl PlacePages {
    /// The pages so far, to be read.
    fn run(&mut self, store: &Store) -> Result<RunFile> {
        match self {
            PlacePages::File(sink) => {
                let (file, end) = sink.so_far()?;
                RunFile::open_unfinished(&store.host(), &file.path, &file.database, file.run, end)
            }
            PlacePages::Memory(pages) => Ok(pages.take()),
        }
    }
}

impl PageSink for PlacePages {
    fn page(&mut self, page: &[u8], net: i64) -> Result<Pointer> {
        match self {
            PlacePages::File(sink) => sink.page(page, net),
            PlacePages::Memory(pages) => pages.page(page, net),
        }
    }
}

/// Writes the trees of slots, block by block.
pub(crate) struct PlacesWriter<'p> {
    out: &'p mut dyn PageSink,
    /// Whether a page could not be written.
    failed: bool,
    /// The numbers of the trees, by collection.
    numbers: Vec<u32>,
    written: SlotTrees,
    rows: RowsWriter,
    builder: SlotsBuilder,
    /// The number of the record that is being built.
    record: u64,
    bytes: Vec<u8>,
}

impl<'p> PlacesWriter<'p> {
    /// `numbers` are those of the trees, by collection.
    pub(super) fn new(out: &'p mut dyn PageSink, numbers: Vec<u32>) -> PlacesWriter<'p> {
        let rows = RowsWriter::new(numbers.first().copied().unwrap_or_default());
        let (builder, written) = (SlotsBuilder::default(), SlotTrees::default());
        PlacesWriter { out, failed: false, numbers, written, rows, builder, record: 0, bytes: Vec::new() }
    }

    /// Whether a page could not be written.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// The documents of the next block, whose slots come after those before.
    pub(super) fn block(&mut self, place: BlockPlace, slots: &[SlotId], spans: &[Span]) -> Result<()> {
        for (slot, span) in slots.iter().zip(spans) {
            let record = slot.0 / SLOTS as u64;
            if record != self.record {
                self.end_record()?;
                self.record = record;
            }
            self.builder.push((slot.0 % SLOTS as u64) as usize, place, *span);
        }
        Ok(())
    }

    fn end_record(&mut self) -> Result<()> {
        self.builder.finish(&mut self.written.files, &mut self.bytes);
        if self.bytes.is_empty() {
            return Ok(());
        }
        let pushed = self.rows.push(self.out, self.record, &self.bytes);
        pushed.inspect_err(|_| self.failed = true)
    }

    /// The collection has no more documents; the next one begins.
    pub(super) fn end_collection(&mut self) -> Result<()> {
        self.end_record()?;
        let ended = self.written.trees.len();
        let number = |at: usize| self.numbers.get(at).copied().unwrap_or_default();
        let rows = std::mem::replace(&mut self.rows, RowsWriter::new(number(ended + 1)));
        let number = number(ended);
        let root = rows.finish(self.out).inspect_err(|_| self.failed = true)?;
        self.written.trees.push((number, root));
        self.record = 0;
        Ok(())
    }

    /// The trees.
    pub(super) fn finish(self) -> SlotTrees {
        self.written
    }
}

/// The trees of slots in a file that is still being written.
pub(crate) struct Places {
    pub(super) base: Arc<Base>,
    /// By collection.
    pub(super) collections: Vec<Arc<CollectionBase>>,
}

impl Places {
    /// Reads the trees of the state at `lsn` that were written into these pages; `ends` are the ends of the slots.
    pub(super) fn read(
        store: &Store,
        lsn: Lsn,
        ends: &[u64],
        trees: &SlotTrees,
        pages: &mut PlacePages,
    ) -> Result<Places> {
        let run = pages.run(store)?;
        let base = base_of(store, run, trees.files.clone(), lsn);
        let collections = trees.trees.iter().zip(ends);
        let collections = collections.map(|((tree, slots), end)| {
            let contents = CollectionContents { end: *end, slots: *slots, ..CollectionContents::default() };
            Arc::new(CollectionBase::of(&base, &contents, *tree).0)
        });
        Ok(Places { collections: collections.collect(), base })
    }

    /// The documents of a collection, in the order of their slots.
    pub(super) fn of_collection(&self, at: usize) -> Result<Option<SlotReader<'_>>> {
        self.collections.get(at).map(|below| SlotReader::new(below)).transpose()
    }
}

/// A file of this state that comes below what is in memory; nothing goes back to it before it is there.
pub(super) fn base_of(store: &Store, run: RunFile, files: Vec<FileId>, lsn: Lsn) -> Arc<Base> {
    let base = Base::new(run, files, lsn, store.options().memory_limit.bytes());
    base.set_keeps(store.has_room());
    base.set_takes_back(false);
    base
}

/// A document in a snapshot.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) slot: SlotId,
    pub(super) place: BlockPlace,
    pub(super) span: Span,
}

/// Reads a tree of slots.
pub(super) struct SlotReader<'p> {
    base: &'p Base,
    cursor: Option<Cursor<'p>>,
    /// The page of the tree, and the record in it that comes next.
    leaf: Option<(Arc<Leaf>, usize)>,
    /// What was read of the record before.
    read: std::vec::IntoIter<Placed>,
}

impl<'p> SlotReader<'p> {
    pub(super) fn new(below: &'p CollectionBase) -> Result<SlotReader<'p>> {
        let (base, cursor) = (&**below.base(), below.slots()?);
        Ok(SlotReader { base, cursor, leaf: None, read: Vec::new().into_iter() })
    }

    /// The next document.
    pub(super) fn next(&mut self) -> Result<Option<Placed>> {
        loop {
            if let Some(next) = self.read.next() {
                return Ok(Some(next));
            }
            let Some((_, placed)) = self.next_record(|_| Some(()))? else { return Ok(None) };
            self.read = placed.into_iter();
        }
    }

    /// The documents of the next record for whose first slot there is an answer, and that.
    pub(super) fn next_record<T>(
        &mut self,
        wanted: impl Fn(u64) -> Option<T>,
    ) -> Result<Option<(T, Vec<Placed>)>> {
        loop {
            while let Some((leaf, at)) = &mut self.leaf
                && *at < leaf.len()
            {
                let (rows, n) = (leaf.rows(), *at);
                *at += 1;
                let first = rows.slot(n) * SLOTS as u64;
                let Some(answer) = wanted(first) else { continue };
                let decoded = slots(rows.record(n), self.base.files());
                let (blocks, slots) = decoded.ok_or_else(|| self.base.malformed_slots())?;
                let placed = slots.into_iter().map(|(n, block, span)| Placed {
                    slot: SlotId(first + n as u64),
                    place: blocks[block],
                    span,
                });
                return Ok(Some((answer, placed.collect())));
            }
            let Some(cursor) = &mut self.cursor else { return Ok(None) };
            let Some(Some(leaf)) = cursor.next_leaf()? else { return Ok(None) };
            self.leaf = Some(leaf);
        }
    }
}
