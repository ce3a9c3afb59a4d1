//! Reading by `_id`, counting, different values: documents a view sees, hot or cold.

use std::sync::Arc;

use super::collection::Collection;
use super::key::{Key, key_of};
use super::limits::Watch;
use super::operation::{Answer, Document, Incoming};
use super::scan::Scan;
use super::slab::{Content, Span};
use super::store::Store;
use crate::document::{Path, RawValue, Value, incoming};
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::storage::Block;

/// What a read that must not wait finds.
pub enum Hot {
    /// The document.
    Found(Arc<Collection>, Document),
    /// No such document.
    Missing,
    /// It is on disk: ask again where waiting is allowed.
    Wait,
}

impl Document {
    pub(super) fn of_block(block: &Arc<Block>, span: Span) -> Document {
        let range = span.within(block);
        Document::Stored { block: block.clone(), range: range.start as u32..range.end as u32 }
    }
}

/// The key of an `_id` as it came over the boundary.
pub fn incoming_key(id: &Incoming) -> Result<Key> {
    incoming::check(id.bytes(), &id.shapes)?;
    Ok(key_of(id.raw()))
}

impl Store {
    /// Reads without waiting: a document in memory, in the newest published state.
    pub fn get_hot(&self, name: &str, id: RawValue<'_>) -> Hot {
        let Some(collection) = self.views().collection(name) else { return Hot::Missing };
        match collection.find(&key_of(id), || self.views().published()) {
            None => Hot::Missing,
            Some((_, _, Content::Hot(block, span))) => {
                let document = Document::of_block(&block, span);
                Hot::Found(collection, document)
            }
            Some(_) => Hot::Wait,
        }
    }

    /// Whether the newest published state has the document. Never waits.
    pub fn has(&self, name: &str, id: RawValue<'_>) -> bool {
        self.views()
            .collection(name)
            .is_some_and(|collection| collection.find(&key_of(id), || self.views().published()).is_some())
    }

    /// Reads a document of the newest published state, from disk where it must.
    pub fn get(&self, collection: &Collection, key: &Key) -> Result<Option<(Arc<Block>, Span)>> {
        let find = || collection.find(key, || self.views().published());
        match find() {
            None => return Ok(None),
            Some((_, _, Content::Hot(block, span))) => return Ok(Some((block, span))),
            Some(_) => {}
        }
        // Held before the slot is looked at, so that the file it names is not forgotten before it is read.
        let _hold = self.views().hold();
        match find() {
            None => Ok(None),
            Some((slot, lsn, content)) => {
                let loaded = self.load(&content)?;
                if matches!(content, Content::Cold(..))
                    && let Some((block, span)) = &loaded
                    && let Some(alone) = span.alone(block)
                {
                    // Asked for by key, so likely to be asked for again; its neighbours stay on disk.
                    let alone = Arc::new(alone);
                    collection.slab().warm(slot, lsn, alone.clone());
                    self.cool();
                    return Ok(Some((alone, *span)));
                }
                Ok(loaded)
            }
        }
    }

    /// Reads a document with its version and times.
    pub fn get_versioned(&self, collection: &Collection, key: &Key) -> Result<Option<Answer>> {
        let Some((block, span)) = self.get(collection, key)? else { return Ok(None) };
        let put = span
            .record(&block)
            .ok_or_else(|| Error::new(Kind::Internal, "a slot names no document record of its block"))?;
        Ok(Some(Answer::Versioned {
            document: Document::of_block(&block, span),
            version: put.version,
            created_at: put.created_at,
            modified_at: put.modified_at,
        }))
    }

    /// The block of a version, from memory or disk.
    pub fn load(&self, content: &Content) -> Result<Option<(Arc<Block>, Span)>> {
        match content {
            Content::Vacant | Content::Tombstone => Ok(None),
            Content::Hot(block, span) => Ok(Some((block.clone(), *span))),
            Content::Cold(place, span) => Ok(Some((self.read_cold(**place)?, *span))),
        }
    }

    /// Counts the documents of a view that match.
    pub fn count(&self, name: &str, filter: &Filter, skip: u64, limit: u64, watch: &Watch) -> Result<u64> {
        let view = self.view();
        let Some(collection) = view.catalogue().get(name) else { return Ok(0) };
        let enough = if limit == 0 { u64::MAX } else { skip.saturating_add(limit) };
        let scan = Scan { collection, bounds: (0, collection.slab().end()), view: view.lsn(), filter, watch };
        Ok(self.count_scan(&scan, enough)?.saturating_sub(skip))
    }

    /// The different values that a path leads to in the documents of a view that match, in the order in which they
    /// are met: elements in place of arrays, and nothing where there is none.
    pub fn distinct(&self, name: &str, path: &Path, filter: &Filter, watch: &Watch) -> Result<Vec<Value>> {
        let view = self.view();
        let Some(collection) = view.catalogue().get(name) else { return Ok(Vec::new()) };
        let scan = Scan { collection, bounds: (0, collection.slab().end()), view: view.lsn(), filter, watch };
        self.distinct_scan(&scan, path)
    }
}
