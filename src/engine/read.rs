//! Reading by `_id`, and scanning: documents a view sees, hot or cold.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::collection::Collection;
use super::key::{Key, key_of};
use super::limits::Watch;
use super::operation::{Answer, Document, Incoming};
use super::slab::{Content, SlotId, Span, Version};
use super::store::Store;
use crate::document::{RawValue, incoming};
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::storage::{Block, BlockPlace, Lsn};

/// Slots that a scan passes between two looks at its limits.
const PAGE: u64 = 1_024;

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

    /// Calls with each document from slot `from` on, below slot `to`, that the view sees and the filter
    /// matches, in natural order, until told to stop; answers the slot to go on from.
    ///
    /// Documents in memory are matched where they lie; a page that holds cold ones is copied out first and
    /// read without its lock.
    pub fn scan(
        &self,
        collection: &Collection,
        bounds: (u64, u64),
        view: Lsn,
        filter: &Filter,
        watch: &Watch,
        mut visit: impl FnMut(SlotId, Lsn, &Arc<Block>, Span) -> ControlFlow<()>,
    ) -> Result<u64> {
        let (mut from, end) = bounds;
        let shapes = collection.shapes();
        let mut last: Option<(Arc<BlockPlace>, Arc<Block>)> = None;
        while from < end {
            watch.check(|| self.now())?;
            let to = end.min(from.saturating_add(PAGE));
            let mut met_cold = None;
            let mut stopped = false;
            from = collection.slab().scan(from, to, view, |slot, Version { lsn, content }| match content {
                Content::Hot(block, span) => {
                    let bytes = span.of(block);
                    if filter.matches(RawValue::new(bytes, shapes))
                        && visit(slot, *lsn, block, *span).is_break()
                    {
                        stopped = true;
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                }
                Content::Cold(place, span) => {
                    met_cold = Some((slot, *lsn, place.clone(), *span));
                    ControlFlow::Break(())
                }
                Content::Vacant | Content::Tombstone => ControlFlow::Continue(()),
            });
            if stopped {
                return Ok(from);
            }
            let Some((slot, lsn, place, span)) = met_cold else { continue };
            let block = match &last {
                Some((known, block)) if Arc::ptr_eq(known, &place) => block.clone(),
                _ => self.read_cold(*place)?,
            };
            let bytes = span.of(&block);
            if filter.matches(RawValue::new(bytes, shapes)) && visit(slot, lsn, &block, span).is_break() {
                return Ok(from);
            }
            last = Some((place, block));
        }
        Ok(from)
    }
}
