//! Writes a checkpoint: of the state at a clean close, or, while the database is open, at a cut (`rebase`). Its encoding is in
//! `format/checkpoint`. What is not in memory is copied from the checkpoint before.

use std::sync::Arc;

use super::places::SlotTrees;
use super::snapshot;
use crate::engine::format::checkpoint::{
    CollectionContents, Contents, IndexContents, SLOTS, SlotsBuilder, is_dense, tree_key,
};
use crate::engine::format::key::Key;
use crate::engine::state::base::CollectionBase;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::index::{Index, Layer};
use crate::engine::state::slab::{Content, Life, SlotId, Version};
use crate::engine::state::tally::Tally;
use crate::engine::store::{Applied, Store};
use crate::error::{Error, Kind, Result};
use crate::index::entry::split_entry;
use crate::index::{Range, ScanDirection};
use crate::storage::pages::entries::Entry;
use crate::storage::runs::tree_writer::{Root, RowsWriter, TreeWriter};
use crate::storage::{BlockPlace, FileId, Lsn, PageSink, SnapshotSink};

/// Entries of an index that are read at once.
const TOGETHER: usize = 1_024;

/// Payloads of collection 0, collected instead of written.
#[derive(Default)]
struct Payloads(Vec<Vec<u8>>);

impl SnapshotSink for Payloads {
    fn block(&mut self, _collection: u32, _documents: u32, payload: &[u8]) -> Result<BlockPlace> {
        self.0.push(payload.to_vec());
        Ok(BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: 0 })
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

/// A state that a checkpoint is written of. Commits may follow; what a view of it sees must stay until it is written.
pub(crate) struct Captured {
    lsn: Lsn,
    next_number: u32,
    /// How often documents had been moved (`RebaseOrder`).
    pub(super) moves: u64,
    shapes: Vec<(Arc<str>, Arc<Collection>, usize)>,
    /// By collection.
    options: Vec<Arc<CollectionOptions>>,
    pub(super) collections: Vec<CapturedCollection>,
}

impl Captured {
    /// The numbers of the trees of slots, by collection.
    pub(super) fn slot_trees(&self) -> Vec<u32> {
        let mut next = 1;
        let number = |one: &CapturedCollection| {
            let own = next;
            next += 2 + one.indexes.len() as u32;
            own
        };
        self.collections.iter().map(number).collect()
    }

    /// The LSN of the state.
    pub(super) fn lsn(&self) -> Lsn {
        self.lsn
    }
}

/// A collection of that state.
pub(super) struct CapturedCollection {
    pub(super) collection: Arc<Collection>,
    end: u64,
    live_bytes: u64,
    tally: Tally,
    /// Its indexes, and their entries.
    pub(super) indexes: Vec<(Arc<Index>, Option<Arc<Layer>>)>,
}

/// Keys that the directory in memory has, each with the slot that was written for it.
type Entered = Vec<(Key, SlotId)>;

/// What was written of a state.
pub(super) struct Written {
    pub(super) contents: Contents,
    /// By collection.
    pub(super) entered: Vec<Entered>,
}

/// The newest applied state; the caller holds the commit lock.
pub(crate) fn capture(applied: &Applied, moves: u64) -> Captured {
    let lsn = applied.lsn;
    let (mut shapes, mut collections) = (Vec::new(), Vec::new());
    for (name, collection) in applied.catalogue.iter() {
        shapes.push((name.clone(), collection.clone(), collection.logged_shapes()));
        let indexes = collection.indexes();
        collection.slab().begin_changes(collection.slab().end());
        collections.push(CapturedCollection {
            collection: collection.clone(),
            end: collection.slab().end(),
            live_bytes: collection.slab().live_bytes(),
            tally: collection.tally().now(),
            indexes: indexes
                .iter()
                .filter(|index| index.is_ready(lsn))
                .map(|index| (index.clone(), index.freeze()))
                .collect(),
        });
    }
    let options = snapshot::options_of(applied);
    Captured { lsn, next_number: applied.next_number, moves, shapes, options, collections }
}

/// Writes the checkpoint that a close leaves at this LSN, if that is the newest state; no more commits follow.
pub(crate) fn leave(store: &Store, lsn: Lsn, out: &mut dyn PageSink) -> Result<Option<Vec<u8>>> {
    let captured = {
        let applied = store.applied();
        if applied.lsn != lsn {
            return Ok(None);
        }
        capture(&applied, 0)
    };
    let written = write(store, &captured, &|| Ok(()), None, out)?;
    Ok(written.and_then(|written| written.contents.encode()))
}

/// Writes the pages of a checkpoint, but for the trees of slots where those were written before; `None` when it cannot hold what
/// there is. `check` is called often.
pub(super) fn write(
    store: &Store,
    captured: &Captured,
    check: &dyn Fn() -> Result<()>,
    slots: Option<&SlotTrees>,
    out: &mut dyn PageSink,
) -> Result<Option<Written>> {
    let mut payloads = Payloads::default();
    let past = snapshot::past_names(store, captured.lsn);
    let (lsn, next) = (captured.lsn, captured.next_number);
    let names = (&captured.shapes[..], &captured.options[..]);
    snapshot::write_database(store.newest_time(), names, lsn, next, &past, &mut payloads)?;
    let mut contents = Contents { payloads: payloads.0, ..Contents::default() };
    let mut entered = Vec::new();
    let files = slots.map_or_else(Vec::new, |slots| slots.files.clone());
    let mut writer = Writer { view: captured.lsn, tree: 1, files, check, out };
    for (at, one) in captured.collections.iter().enumerate() {
        let slots = slots.map(|slots| slots.trees.get(at).and_then(|(_, root)| *root));
        let Some((written, keys)) = writer.collection(one, slots)? else { return Ok(None) };
        contents.collections.push(written);
        entered.push(keys);
    }
    contents.files = writer.files;
    Ok(Some(Written { contents, entered }))
}

/// Writes the trees of one checkpoint.
struct Writer<'w> {
    view: Lsn,
    /// The number of the next tree.
    tree: u32,
    /// The files that documents are in.
    files: Vec<FileId>,
    check: &'w dyn Fn() -> Result<()>,
    out: &'w mut dyn PageSink,
}

impl Writer<'_> {
    /// Writes the trees of a collection, but for that of its slots if it is there; `None` when one cannot hold what there is.
    fn collection(
        &mut self,
        one: &CapturedCollection,
        slots: Option<Option<Root>>,
    ) -> Result<Option<(CollectionContents, Entered)>> {
        let CapturedCollection { collection, end, live_bytes, tally, indexes: layers } = one;
        if !is_dense(*end, tally.documents) {
            return Ok(None);
        }
        let number = self.next_tree();
        let slots = match slots {
            Some(slots) => slots,
            None => self.slots(collection, *end, number)?,
        };
        let Some((ids, entered)) = self.ids(collection)? else { return Ok(None) };
        let mut indexes = Vec::new();
        for (index, layer) in layers {
            let tree = self.index(layer.as_deref())?;
            indexes.push(IndexContents { multikey: index.multikey(), truncated: index.is_truncated(), tree });
        }
        let keys = ids.map_or(0, |ids| ids.pointer.net);
        if u64::try_from(keys) != Ok(tally.documents) {
            let what =
                format!("{keys} keys were found of {} documents, so no checkpoint is left", tally.documents);
            return Err(Error::new(Kind::Internal, what));
        }
        let (number, documents, digest) = (collection.number(), tally.documents, tally.digest);
        let (end, live_bytes) = (*end, *live_bytes);
        let one = CollectionContents { number, end, documents, live_bytes, digest, slots, ids, indexes };
        Ok(Some((one, entered)))
    }

    fn next_tree(&mut self) -> u32 {
        self.tree += 1;
        self.tree - 1
    }

    fn slots(&mut self, collection: &Collection, end: u64, tree: u32) -> Result<Option<Root>> {
        let slab = collection.slab();
        let mut rows = RowsWriter::new(tree);
        let (mut builder, mut record) = (SlotsBuilder::default(), Vec::new());
        for first in (0..end).step_by(SLOTS) {
            (self.check)()?;
            slab.peek(first, self.view, |at, version: &Version| match &version.content {
                Content::Hot(block, span) => builder.push(at, block.place, *span),
                Content::Cold(place, span) => builder.push(at, **place, *span),
                Content::Vacant | Content::Tombstone => {}
            })?;
            builder.finish(&mut self.files, &mut record);
            if !record.is_empty() {
                rows.push(self.out, first / SLOTS as u64, &record)?;
            }
        }
        rows.finish(self.out)
    }

    /// The tree of keys, and those of them that the directory in memory has; `None` when a key is too long for a tree.
    fn ids(&mut self, collection: &Collection) -> Result<Option<(Option<Root>, Entered)>> {
        let (slab, view) = (collection.slab(), self.view);
        let slot_in_view = |mut slot: SlotId| loop {
            match slab.life(slot, view)? {
                Life::Document => return Ok::<_, Error>(Some(slot)),
                Life::Before(earlier) => slot = earlier,
                Life::None => return Ok(None),
            }
        };
        let mut own: Vec<(Vec<u8>, SlotId)> = Vec::new();
        let mut entered = Vec::new();
        let mut fits = true;
        collection.each_key(|key, slot| match tree_key(key) {
            Some(bytes) => {
                own.push((bytes, slot));
                entered.push((key.clone(), slot));
            }
            None => fits = false,
        });
        if !fits {
            return Ok(None);
        }
        own.sort_unstable();
        let mut own = own.into_iter().peekable();
        let mut writer = TreeWriter::new(self.next_tree());
        let (out, check) = (&mut *self.out, self.check);
        let mut push = |key: &[u8], slot: SlotId, base: Option<&Arc<CollectionBase>>| -> Result<()> {
            let is_below = base.is_some_and(|base| slab.is_below(slot, base));
            match if is_below { Some(slot) } else { slot_in_view(slot)? } {
                Some(SlotId(slot)) => writer.push(out, Entry { key, slot, plus: true }),
                None => Ok(()),
            }
        };
        if let Some(base) = collection.base() {
            base.each_key(|key, slot| {
                check()?;
                while let Some((before, slot)) = own.next_if(|(before, _)| before.as_slice() < key) {
                    push(&before, slot, None)?;
                }
                // The slot of a key in memory is newer.
                match own.peek().is_some_and(|(same, _)| same == key) {
                    true => Ok(()),
                    false => push(key, slot, Some(&base)),
                }
            })?;
        }
        for (key, slot) in own {
            push(&key, slot, None)?;
        }
        let mut written = Entered::new();
        for (key, slot) in entered {
            if slab.life(slot, view)? == Life::Document {
                written.push((key, slot));
            }
        }
        Ok(Some((writer.finish(self.out)?, written)))
    }

    fn index(&mut self, layer: Option<&Layer>) -> Result<Option<Root>> {
        let mut writer = TreeWriter::new(self.next_tree());
        let Some(layer) = layer else { return writer.finish(self.out) };
        let mut after: Option<Vec<u8>> = None;
        loop {
            (self.check)()?;
            let page = layer.page(&Range::all(), after.as_deref(), ScanDirection::Forward, TOGETHER)?;
            for entry in page.iter() {
                let (key, slot) = split_entry(entry);
                writer.push(self.out, Entry { key, slot, plus: true })?;
            }
            if !page.more {
                break;
            }
            after = page.iter().next_back().map(<[u8]>::to_vec);
        }
        writer.finish(self.out)
    }
}
