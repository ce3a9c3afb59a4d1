//! Answers reads by key before the log was read, from a checkpoint of exactly the state that the log will give.
//!
//! A read that cannot be answered for whatever reason, such as a document that does not verify, waits for the log, which
//! reports the error.

use std::path::Path;
use std::sync::Arc;

use super::replay::Replay;
use crate::document::stored::check_document;
use crate::document::{RawKind, incoming};
use crate::engine::format::checkpoint::{decode_state, hash_of, spots};
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::Records;
use crate::engine::index_build::create::existing;
use crate::engine::operation::classify::names_id;
use crate::engine::operation::input::{Incoming, incoming_key};
use crate::engine::operation::request::{FindOptions, Operation};
use crate::engine::operation::response::{Answer, Answered, Document};
use crate::engine::read::point::versioned;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::Span;
use crate::engine::store::Store;
use crate::engine::store::loading::EarlyReads;
use crate::index::Spec;
use crate::storage::{Block, BlockPlace, Checkpoint, FileId, Loader, Lsn, SnapshotBlock, StorageBackend};

/// The maximum number of documents that one operation may read one by one.
const MOST: usize = 1_000;
/// The maximum number of records of one hash that are read.
const CANDIDATES: usize = 16;

/// The state of a checkpoint.
pub(crate) struct Early {
    checkpoint: Checkpoint,
    files: Vec<FileId>,
    catalogue: Catalogue,
}

impl Early {
    /// The state of a checkpoint; `None` when it cannot be read.
    pub(crate) fn new(path: &Path, checkpoint: Checkpoint) -> Option<Early> {
        let state = decode_state(checkpoint.state())?;
        let mut replay = Replay::new(path, None);
        for payload in state.payloads {
            let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: payload.len() as u32 };
            let block =
                Arc::new(Block { place, base: 0, bytes: payload.into_boxed_slice(), transient: false });
            let (index, collection, documents, first_document) = (0, 0, 0, 0);
            let block = SnapshotBlock { lsn: Lsn(0), index, collection, documents, first_document, block };
            replay.database_block(block).ok()?;
        }
        Some(Early { checkpoint, files: state.files, catalogue: replay.finish().catalogue })
    }
}

impl EarlyReads for Early {
    fn collection(&self, name: &str) -> Option<&Arc<Collection>> {
        self.catalogue.get(name)
    }

    fn find(
        &self,
        storage: &dyn StorageBackend,
        collection: &Collection,
        key: &Key,
    ) -> Option<Option<(Arc<Block>, Span)>> {
        let hash = hash_of(collection.number(), key);
        let page = self
            .checkpoint
            .page(hash)
            .inspect_err(|error| tracing::warn!(%error, "a read waits for the log"))
            .ok()?;
        let Some(page) = page else { return Some(None) };
        for spot in spots(&page, hash, &self.files, CANDIDATES)? {
            let block = storage.read(spot.place).ok()?;
            let put = Records::put_at(&block.bytes, spot.start as usize, 0)?;
            // Replay has not reached this document, so it is not validated yet.
            let id = check_document(block.bytes.get(put.document.clone())?, collection.shapes()).ok()?;
            if put.collection == collection.number() && key_of(id) == *key {
                return Some(Some((block, Span::of_put(&put))));
            }
        }
        Some(None)
    }
}

/// The result, if it can be given without the log.
pub(crate) fn answer(
    early: &dyn EarlyReads,
    store: &Store,
    name: &str,
    operation: &Operation,
) -> Option<Answered> {
    let collection = early.collection(name);
    let find = |key: &Key| match collection {
        Some(collection) => early.find(store.storage(), collection, key),
        None => Some(None),
    };
    let answer = match operation {
        Operation::Get { id, meta } => match (find(&incoming_key(id).ok()?)?, meta) {
            (None, _) => Answer::Document(None),
            (Some((block, span)), false) => Answer::Document(Some(Document::of_block(&block, span))),
            (Some((block, span)), true) => versioned(&block, span).ok()?,
        },
        Operation::GetMany { ids } if ids.len() <= MOST => Answer::Documents(
            ids.iter()
                .map(|id| {
                    let found = find(&incoming_key(id).ok()?)?;
                    Some(found.map(|(block, span)| Document::of_block(&block, span)))
                })
                .collect::<Option<_>>()?,
        ),
        Operation::Has { id } => Answer::Bool(find(&incoming_key(id).ok()?)?.is_some()),
        Operation::Find { filter, options } => {
            let documents = find(&key_of_find(filter, options)?)?
                .map(|(block, span)| Document::of_block(&block, span))
                .into_iter()
                .collect();
            Answer::Batch { cursor: 0, documents }
        }
        Operation::CreateIndexes { specs } => {
            let specs = specs.iter().map(spec_of).collect::<Option<Vec<_>>>()?;
            return Some(Answered::plain(Ok(Answer::Names(existing(collection?, &specs)?))));
        }
        _ => return None,
    };
    Some(Answered { collection: collection.cloned(), answer: Ok(answer) })
}

/// The key of the only document that a find can match, if the filter names nothing else.
fn key_of_find(filter: &Incoming, options: &FindOptions) -> Option<Key> {
    incoming::check(filter.bytes(), &filter.shapes).ok()?;
    let RawKind::Object(fields) = filter.raw().kind() else { return None };
    let plain = options.skip == 0 && options.projection.is_none() && options.hint.is_none();
    if !plain || options.sort.is_some() || fields.iter().count() != 1 || !names_id(filter.raw()) {
        return None;
    }
    let id = filter.raw().get("_id")?;
    match id.kind() {
        RawKind::String(_) | RawKind::Int(_) | RawKind::ObjectId(_) => Some(key_of(id)),
        _ => None,
    }
}

fn spec_of(spec: &Incoming) -> Option<Spec> {
    incoming::check(spec.bytes(), &spec.shapes).ok()?;
    Spec::parse(spec.raw()).ok()
}
