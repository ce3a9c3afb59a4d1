//! Writes the checkpoint of the state at a clean close; its encoding is in `format/checkpoint`. What the database has not looked
//! at since it began from an earlier checkpoint is copied from there.

use super::snapshot;
use crate::engine::format::checkpoint::{
    CollectionContents, Contents, IndexContents, SLOTS, SlotsBuilder, is_dense, tree_key,
};
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::{Content, SlotId, Version};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::index::{Range, ScanDirection};
use crate::storage::pages::entries::Entry;
use crate::storage::runs::tree_writer::{Root, RowsWriter, TreeWriter};
use crate::storage::{BlockPlace, FileId, Lsn, PageSink, SnapshotSink};

/// Entries of an index that are taken at once.
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

/// Writes the checkpoint of the newest state, if that is the state at this LSN; no more commits follow.
pub(crate) fn leave(store: &Store, lsn: Lsn, out: &mut dyn PageSink) -> Result<Option<Vec<u8>>> {
    let (catalogue, next_number) = {
        let applied = store.applied();
        if applied.lsn != lsn {
            return Ok(None);
        }
        (applied.catalogue.clone(), applied.next_number)
    };
    // Entries that commits have superseded, and a view still needed, would stay for ever.
    store.views().reclaim();
    if store.views().has_garbage() {
        return Ok(None);
    }
    let mut payloads = Payloads::default();
    let shapes: Vec<_> = catalogue
        .iter()
        .map(|(name, collection)| (name.clone(), collection.clone(), collection.logged_shapes()))
        .collect();
    snapshot::write_database(store, &shapes, lsn, next_number, &mut payloads)?;
    let mut contents = Contents { payloads: payloads.0, ..Contents::default() };
    let mut tree = 1;
    for (_, collection, _) in &shapes {
        let Some(one) = write_collection(collection, (lsn, &mut tree), &mut contents.files, out)? else {
            return Ok(None);
        };
        contents.collections.push(one);
    }
    Ok(contents.encode())
}

/// Writes the trees of a collection; `None` when one cannot hold what there is.
fn write_collection(
    collection: &Collection,
    (lsn, tree): (Lsn, &mut u32),
    files: &mut Vec<FileId>,
    out: &mut dyn PageSink,
) -> Result<Option<CollectionContents>> {
    let mut next_tree = || std::mem::replace(tree, *tree + 1);
    let end = collection.slab().end();
    if !is_dense(end, collection.tally().now().documents) {
        return Ok(None);
    }
    let slots = write_slots(collection, next_tree(), files, out)?;
    let Some(ids) = write_ids(collection, next_tree(), out)? else { return Ok(None) };
    let mut indexes = Vec::new();
    for index in collection.indexes().iter().filter(|index| index.is_ready(lsn)) {
        let tree = write_index(index, next_tree(), out)?;
        indexes.push(IndexContents { multikey: index.multikey(), truncated: index.is_truncated(), tree });
    }
    let tally = collection.tally().now();
    let keys = ids.map_or(0, |ids| ids.pointer.net);
    if u64::try_from(keys) != Ok(tally.documents) {
        let what =
            format!("{keys} keys were found of {} documents, so no checkpoint is left", tally.documents);
        return Err(Error::new(Kind::Internal, what));
    }
    Ok(Some(CollectionContents {
        number: collection.number(),
        end,
        documents: tally.documents,
        live_bytes: collection.slab().live_bytes(),
        digest: tally.digest,
        slots,
        ids,
        indexes,
    }))
}

fn write_slots(
    collection: &Collection,
    tree: u32,
    files: &mut Vec<FileId>,
    out: &mut dyn PageSink,
) -> Result<Option<Root>> {
    let slab = collection.slab();
    let mut rows = RowsWriter::new(tree, false);
    let (mut builder, mut record) = (SlotsBuilder::default(), Vec::new());
    let mut first = 0;
    while first < slab.end() {
        let mut add = |at: usize, version: &Version| match &version.content {
            Content::Hot(block, span) => builder.push(at, block.place, *span),
            Content::Cold(place, span) => builder.push(at, **place, *span),
            Content::Vacant | Content::Tombstone => {}
        };
        slab.peek(first, &mut add)?;
        builder.finish(files, &mut record);
        if !record.is_empty() {
            rows.push(out, first / SLOTS as u64, &record)?;
        }
        first += SLOTS as u64;
    }
    rows.finish(out)
}

/// The tree of keys; the outer `None` when a key is too long for one.
fn write_ids(collection: &Collection, tree: u32, out: &mut dyn PageSink) -> Result<Option<Option<Root>>> {
    let slab = collection.slab();
    let mut own: Vec<(Vec<u8>, u64)> = Vec::new();
    let mut fits = true;
    collection.each_key(|key, slot| match tree_key(key) {
        Some(key) => own.push((key, slot.0)),
        None => fits = false,
    });
    if !fits {
        return Ok(None);
    }
    own.sort_unstable();
    let mut own = own.into_iter().peekable();
    let mut writer = TreeWriter::new(tree, false);
    let mut push = |key: &[u8], slot: u64, out: &mut dyn PageSink| -> Result<()> {
        match slab.has_document(SlotId(slot)) {
            true => writer.push(out, Entry { key, slot, plus: true }),
            false => Ok(()),
        }
    };
    if let Some(base) = collection.base() {
        base.each_key(|key, slot| {
            while let Some((before, slot)) = own.next_if(|(before, _)| before.as_slice() < key) {
                push(&before, slot, out)?;
            }
            // What memory knows of a key is newer.
            match own.peek().is_some_and(|(same, _)| same == key) {
                true => Ok(()),
                false => push(key, slot.0, out),
            }
        })?;
    }
    for (key, slot) in own {
        push(&key, slot, out)?;
    }
    writer.finish(out).map(Some)
}

fn write_index(index: &Index, tree: u32, out: &mut dyn PageSink) -> Result<Option<Root>> {
    let mut writer = TreeWriter::new(tree, false);
    let mut after: Option<Vec<u8>> = None;
    let mut written = Ok(());
    loop {
        let next =
            index.page(&Range::all(), after.as_deref(), ScanDirection::Forward, TOGETHER, |key, slot| {
                if written.is_ok() {
                    written = writer.push(out, Entry { key, slot: slot.0, plus: true });
                }
            })?;
        std::mem::replace(&mut written, Ok(()))?;
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    writer.finish(out)
}
