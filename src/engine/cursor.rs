//! A find in progress: one view, read batch by batch.
//!
//! Without a sort the cursor is a slot number and batches are found as they are asked for. With one, the
//! first batch reads everything that matches; with a limit it keeps only the first `skip + limit` in a heap.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::collection::Collection;
use super::limits::{Limits, Watch};
use super::operation::{Document, FindOptions, Incoming};
use super::scan::{Found, Scan};
use super::store::Store;
use super::views::View;
use crate::document::{RawValue, incoming};
use crate::error::Result;
use crate::query::{Filter, Projection, Sort};

/// Documents in a batch that names no size.
const BATCH: usize = 1_000;
/// Bytes after which a batch ends, whatever its size.
const BATCH_BYTES: usize = 4 << 20;

/// Checks an incoming filter and compiles it.
pub fn parse_filter(filter: &Incoming) -> Result<Filter> {
    incoming::check(filter.bytes(), &filter.shapes)?;
    Filter::parse(filter.raw())
}

/// Checks an incoming sort or projection.
pub fn check_part(part: Option<&Incoming>) -> Result<()> {
    part.map_or(Ok(()), |part| incoming::check(part.bytes(), &part.shapes))
}

/// A find, from its first batch to its last.
pub struct Cursor {
    view: View,
    collection: Option<Arc<Collection>>,
    filter: Filter,
    sort: Option<Sort>,
    projection: Option<Projection>,
    skip: u64,
    /// Documents still to be answered; `None` for all.
    left: Option<u64>,
    /// Milliseconds that may still be spent on batches.
    time: Option<u64>,
    state: State,
}

enum State {
    Fresh,
    Scanning { next: u64, end: u64 },
    Sorted(std::vec::IntoIter<Document>),
    Done,
}

impl Cursor {
    /// A cursor on the newest published state.
    pub fn open(
        store: &Store,
        name: &str,
        filter: &Incoming,
        options: &FindOptions,
        limits: &Limits,
    ) -> Result<Cursor> {
        let filter = parse_filter(filter)?;
        check_part(options.sort.as_ref())?;
        check_part(options.projection.as_ref())?;
        let sort = options.sort.as_ref().map(|sort| Sort::parse(sort.raw())).transpose()?.flatten();
        let projection =
            options.projection.as_ref().map(|one| Projection::parse(one.raw())).transpose()?.flatten();
        let view = store.view();
        let collection = view.catalogue().get(name).cloned();
        let left = (options.limit > 0).then_some(options.limit);
        Ok(Cursor {
            view,
            collection,
            filter,
            sort,
            projection,
            skip: options.skip,
            left,
            time: limits.max_time,
            state: State::Fresh,
        })
    }

    /// The collection it reads, if there is one.
    pub fn collection(&self) -> Option<&Arc<Collection>> {
        self.collection.as_ref()
    }

    /// Whether everything was answered.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The next documents, `size` at most (0: as many as suit).
    pub fn next_batch(&mut self, store: &Store, size: u32, watch: &Watch) -> Result<Vec<Document>> {
        let watch = watch.clone().within(self.time, store.now());
        watch.check(|| store.now())?;
        let batch = self.next_within(store, size, &watch);
        self.time = watch.left(store.now());
        batch
    }

    fn next_within(&mut self, store: &Store, size: u32, watch: &Watch) -> Result<Vec<Document>> {
        let Some(collection) = self.collection.clone() else {
            self.state = State::Done;
            return Ok(Vec::new());
        };
        if matches!(self.state, State::Fresh) {
            self.state = self.begin(store, &collection, watch)?;
        }
        let size = if size == 0 { BATCH } else { size as usize };
        let wanted = self.left.map_or(size, |left| size.min(usize::try_from(left).unwrap_or(usize::MAX)));
        let mut batch = self.fill(store, &collection, wanted, watch)?;
        if let Some(left) = &mut self.left {
            *left -= batch.len() as u64;
            if *left == 0 {
                self.state = State::Done;
            }
        }
        if let Some(projection) = &self.projection {
            for document in &mut batch {
                if let Some(raw) = document.stored(&collection) {
                    *document = Document::Projected(projection.apply(raw, &self.filter)?);
                }
            }
        }
        Ok(batch)
    }

    fn begin(&mut self, store: &Store, collection: &Collection, watch: &Watch) -> Result<State> {
        let end = collection.slab().end();
        let Some(sort) = &self.sort else {
            // A filter that names one `_id` needs no scan.
            if let Some(slot) = self.slot_of_id(collection) {
                return Ok(State::Scanning { next: slot, end: slot + 1 });
            }
            return Ok(State::Scanning { next: 0, end });
        };
        let keep = self
            .left
            .map_or(usize::MAX, |left| usize::try_from(left.saturating_add(self.skip)).unwrap_or(usize::MAX));
        let scan = Scan { collection, bounds: (0, end), view: self.view.lsn(), filter: &self.filter, watch };
        let sorted = store.sorted(&scan, sort, keep)?;
        let skip = usize::try_from(std::mem::take(&mut self.skip)).unwrap_or(usize::MAX);
        let document = |(_, _, block, span): Found| Document::of_block(&block, span);
        let documents: Vec<_> = sorted.into_iter().skip(skip).map(document).collect();
        Ok(State::Sorted(documents.into_iter()))
    }

    fn slot_of_id(&self, collection: &Collection) -> Option<u64> {
        let id = self.filter.id()?;
        let mut bytes = Vec::new();
        crate::document::encode::encode_plain(id, &mut bytes);
        let key = super::key::key_of(RawValue::new(&bytes, collection.shapes()));
        let found = collection.find(&key, || self.view.lsn());
        // Without a document any empty range will do.
        Some(found.map_or_else(|| collection.slab().end(), |(slot, _, _)| slot.0))
    }

    fn fill(
        &mut self,
        store: &Store,
        collection: &Collection,
        wanted: usize,
        watch: &Watch,
    ) -> Result<Vec<Document>> {
        let mut batch = Vec::new();
        match &mut self.state {
            State::Fresh | State::Done => {}
            State::Sorted(rest) => {
                let mut bytes = 0;
                for document in rest.by_ref() {
                    bytes += document.stored(collection).map_or(0, |raw| raw.bytes().len());
                    batch.push(document);
                    if batch.len() == wanted || bytes > BATCH_BYTES {
                        break;
                    }
                }
                if rest.as_slice().is_empty() {
                    self.state = State::Done;
                }
            }
            State::Scanning { next, end } => {
                let skip = &mut self.skip;
                let mut bytes = 0;
                let bounds = (*next, *end);
                *next = store.scan(
                    collection,
                    bounds,
                    self.view.lsn(),
                    &self.filter,
                    watch,
                    |_, _, block, span| {
                        if *skip > 0 {
                            *skip -= 1;
                            return ControlFlow::Continue(());
                        }
                        bytes += span.len();
                        batch.push(Document::of_block(block, span));
                        if batch.len() >= wanted || bytes > BATCH_BYTES {
                            ControlFlow::Break(())
                        } else {
                            ControlFlow::Continue(())
                        }
                    },
                )?;
                if *next >= *end {
                    self.state = State::Done;
                }
            }
        }
        Ok(batch)
    }
}
