//! The content of a checkpoint of the state in memory; its encoding is in `format/checkpoint`.

use std::ops::ControlFlow;

use super::snapshot;
use crate::document::RawValue;
use crate::engine::format::checkpoint::{Entries, SEGMENT, SNAPSHOT, hash_of};
use crate::engine::format::key::key_of;
use crate::engine::format::record::varint;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::Content;
use crate::engine::store::Store;
use crate::error::Result;
use crate::storage::{BlockPlace, CheckpointContents, FileId, Lsn, SnapshotSink};

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

/// The checkpoint of the newest state, if that is the state at this LSN; no more commits follow.
pub(crate) fn contents(store: &Store, lsn: Lsn) -> Option<CheckpointContents> {
    let (catalogue, next_number) = {
        let applied = store.applied();
        (applied.lsn == lsn).then(|| (applied.catalogue.clone(), applied.next_number))?
    };
    let mut payloads = Payloads::default();
    let shapes: Vec<_> = catalogue
        .iter()
        .map(|(name, collection)| (name.clone(), collection.clone(), collection.logged_shapes()))
        .collect();
    snapshot::write_database(store, &shapes, lsn, next_number, &mut payloads).ok()?;
    let mut entries = Entries::default();
    for (_, collection, _) in &shapes {
        gather(collection, &mut entries)?;
    }
    let mut state = Vec::new();
    varint(&mut state, entries.files.len() as u64);
    for file in &entries.files {
        let (kind, id) = match file {
            FileId::Segment(id) => (SEGMENT, *id),
            FileId::Snapshot(id) => (SNAPSHOT, *id),
            FileId::Memory => return None,
        };
        varint(&mut state, kind);
        varint(&mut state, id);
    }
    varint(&mut state, payloads.0.len() as u64);
    for payload in &payloads.0 {
        varint(&mut state, payload.len() as u64);
        state.extend_from_slice(payload);
    }
    Some(CheckpointContents { state, pages: entries.into_pages() })
}

/// All documents of a collection; `None` when one is not on disk.
fn gather(collection: &Collection, entries: &mut Entries) -> Option<()> {
    let before = entries.list.len();
    entries.list.reserve(collection.count() as usize);
    let (slab, number) = (collection.slab(), collection.number());
    let mut whole = Some(());
    // In memory order, which is several times as fast as by key; a document on disk does not have its key in memory.
    slab.scan(0, slab.end(), Lsn::NEWEST, |_, version| {
        let Content::Hot(block, span) = &version.content else { return ControlFlow::Break(()) };
        let id = RawValue::new(span.of(block), collection.shapes()).get("_id");
        whole = whole.and(id).and_then(|id| {
            let hash = hash_of(number, &key_of(id));
            entries.push(hash, block.place, *span)
        });
        if whole.is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if whole.is_none() || entries.list.len() - before == collection.count() as usize {
        return whole;
    }
    entries.list.truncate(before);
    collection.each_key(|key, slot| {
        let place = slab.newest(slot, |version| match &version.content {
            Content::Hot(block, span) => Some((block.place, *span)),
            Content::Cold(place, span) => Some((**place, *span)),
            Content::Vacant | Content::Tombstone => None,
        });
        if let Some((place, span)) = place.flatten() {
            whole = whole.and(entries.push(hash_of(number, key), place, span));
        }
    });
    // Documents that a checkpoint does not name would be reported as missing.
    whole.filter(|()| entries.list.len() - before == collection.count() as usize)
}
