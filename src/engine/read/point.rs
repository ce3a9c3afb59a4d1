//! Reads by `_id`: the documents of a view, in memory or on disk.

use std::sync::Arc;

use crate::document::RawValue;
use crate::engine::exec::nonblocking::{NONBLOCKING_BYTES, nonblocking, would_block};
use crate::engine::exec::prefetch::Prefetch;
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::{Put, Records};
use crate::engine::operation::response::{Answer, Document};
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Content, SlotId, Span, Version};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, Lsn};

/// The result of a read that must not block.
pub enum Hot {
    /// The document.
    Found(Arc<Collection>, Document),
    /// The document, which was on disk, and is in memory now.
    Loaded(Arc<Collection>, Document),
    /// There is no such document.
    Missing,
    /// It is on disk, or the system would have to read it from there: read it where blocking is allowed.
    Wait,
}

/// The maximum number of documents that the calling thread reads at once from what the system has in memory.
const MOST_LOADED: usize = 32;
/// How often documents are read again because a commit was published meanwhile.
const STATES: usize = 3;

/// A collection and documents of it, in the order of the request; `None` for each that is missing.
pub(crate) type HotMany = (Option<Arc<Collection>>, Vec<Option<Document>>);

/// Reads without blocking a document of the newest published state: from memory, or from what the system has of its file in memory.
pub(crate) fn get_hot(store: &Store, name: &str, id: RawValue<'_>) -> Hot {
    let Some(collection) = store.views().collection(name) else { return Hot::Missing };
    match collection.find_in_memory(&key_of(id), || store.views().published()) {
        Some(None) if collection.is_view() => Hot::Wait,
        Some(None) => Hot::Missing,
        Some(Some((_, Version { content: Content::Hot(block, span), .. }))) => {
            let document = Document::of_block(&block, span);
            Hot::Found(collection, document)
        }
        Some(Some((slot, version))) => match load_cached(store, &collection, slot, &version) {
            Some((block, span)) => Hot::Loaded(collection, Document::of_block(&block, span)),
            None => Hot::Wait,
        },
        None => Hot::Wait,
    }
}

/// Reads a version on disk, if the system has it in memory.
fn load_cached(
    store: &Store,
    collection: &Collection,
    slot: SlotId,
    version: &Version,
) -> Option<(Arc<Block>, Span)> {
    nonblocking(|| load(store, collection, slot, version)).and_then(Result::ok).flatten()
}

/// Reads documents without blocking, in the order of their `_id`s, until they have `most` bytes; also returns how many of them
/// were on disk. `None` when one would have to be read from there, or many.
pub(crate) fn get_many_hot<'i>(
    store: &Store,
    name: &str,
    ids: impl Iterator<Item = RawValue<'i>>,
    most: usize,
) -> Option<(HotMany, usize)> {
    let mut loaded = 0;
    let collection = store.views().collection(name);
    let mut documents = Vec::with_capacity(ids.size_hint().0);
    let mut bytes = 0;
    for id in ids {
        let found = match &collection {
            Some(collection) if collection.is_view() => return None,
            Some(collection) => collection.find_in_memory(&key_of(id), || store.views().published())?,
            None => None,
        };
        documents.push(match found {
            None => None,
            Some((_, Version { content: Content::Hot(block, span), .. })) => {
                bytes += span.len();
                Some(Document::of_block(&block, span))
            }
            Some((slot, version)) => {
                loaded += 1;
                let collection = collection.as_ref().filter(|_| loaded <= MOST_LOADED)?;
                let (block, span) = load_cached(store, collection, slot, &version)?;
                bytes += span.len();
                Some(Document::of_block(&block, span))
            }
        });
        if bytes > most {
            break;
        }
    }
    prefetch(&documents);
    Some(((collection, documents), loaded))
}

/// Whether the newest published state has the document, without blocking; `None` where that is on disk.
pub(crate) fn has(store: &Store, name: &str, id: RawValue<'_>) -> Option<bool> {
    let Some(collection) = store.views().collection(name) else { return Some(false) };
    let found = collection.find_in_memory(&key_of(id), || store.views().published())?;
    (found.is_some() || !collection.is_view()).then_some(found.is_some())
}

/// Reads a document of the newest published state, from disk if necessary.
pub(crate) fn get(store: &Store, collection: &Collection, key: &Key) -> Result<Option<(Arc<Block>, Span)>> {
    let find = || collection.find_again(key, || store.views().published());
    match find()? {
        None => return Ok(None),
        Some((_, Version { content: Content::Hot(block, span), .. })) => return Ok(Some((block, span))),
        Some(_) => {}
    }
    // The hold is taken before the slot is read, so that the file that it names stays readable.
    let _hold = store.views().hold();
    let Some((slot, version)) = find()? else { return Ok(None) };
    let read = load(store, collection, slot, &version);
    store.cool();
    read
}

/// Reads a document as the view at this LSN sees it, from disk if necessary. The caller holds the view.
pub(crate) fn at(
    store: &Store,
    collection: &Collection,
    key: &Key,
    lsn: Lsn,
) -> Result<Option<(SlotId, Arc<Block>, Span)>> {
    let Some((slot, version)) = collection.find(key, || lsn)? else { return Ok(None) };
    Ok(load(store, collection, slot, &version)?.map(|(block, span)| (slot, block, span)))
}

/// Reads this version of a slot, from disk if necessary, and keeps it in memory.
fn load(
    store: &Store,
    collection: &Collection,
    slot: SlotId,
    version: &Version,
) -> Result<Option<(Arc<Block>, Span)>> {
    let Some(disk) = version.on_disk() else { return in_memory(version) };
    Ok(Some((store.read_by_key(collection, slot, &disk)?, disk.span())))
}

/// The block of a version in memory.
fn in_memory(version: &Version) -> Result<Option<(Arc<Block>, Span)>> {
    let Content::Hot(block, span) = &version.content else { return Ok(None) };
    would_block(|| span.len() > NONBLOCKING_BYTES)?;
    Ok(Some((block.clone(), *span)))
}

/// A document with its version and times.
pub(crate) fn versioned(block: &Arc<Block>, span: Span) -> Result<Answer> {
    let put = span
        .record(block)
        .ok_or_else(|| Error::new(Kind::Internal, "a slot names no document record of its block"))?;
    Ok(Answer::Versioned {
        document: Document::of_block(block, span),
        version: put.version,
        created_at: put.created_at,
        modified_at: put.modified_at,
    })
}

/// A document with its version; the answer has what a projection has made of it.
pub(crate) fn with_version(document: Document, projected: Option<Document>) -> Result<Answer> {
    let put = match &document {
        Document::Stored { block, range } => {
            Records::put_of(&block.bytes, range.start as usize..range.end as usize)
        }
        Document::Projected(_) => None,
    };
    let Put { version, created_at, modified_at, .. } =
        put.ok_or_else(|| Error::new(Kind::Internal, "a document was found that is none of its block"))?;
    Ok(Answer::Versioned { document: projected.unwrap_or(document), version, created_at, modified_at })
}

/// Reads all of so many documents, of one state, without blocking. `None` as well when they have more than `most` bytes, or when commits
/// went on being published meanwhile: a view sees them where blocking is allowed.
pub(crate) fn get_all_hot<'i>(
    store: &Store,
    name: &str,
    (ids, count): (impl Iterator<Item = RawValue<'i>> + Clone, usize),
    most: usize,
) -> Option<(HotMany, usize)> {
    for _ in 0..STATES {
        let state = store.views().published();
        let found = get_many_hot(store, name, ids.clone(), most)?;
        if found.0.1.len() < count {
            return None;
        }
        if store.views().published() == state {
            return Some(found);
        }
    }
    None
}

/// Prefetches documents for the encoder, which goes from one to the next.
fn prefetch(documents: &[Option<Document>]) {
    let mut prefetch = Prefetch::default();
    for document in documents.iter().flatten() {
        if let Document::Stored { block, range } = document {
            prefetch.bytes(block.bytes.get(range.start as usize..range.end as usize).unwrap_or_default());
        }
    }
}
