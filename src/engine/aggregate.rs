//! Aggregation: pipelines over a view, answered by batches, and what their last stage writes.
//!
//! The whole pipeline reads one view, collections of `$lookup` and `$unionWith` included. What `$out` and `$merge` write goes
//! through the one commit path; the answer waits until the last of it is published.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::collection::Collection;
use super::commit::{Committed, Current, Over};
use super::hint::Hint;
use super::hits::Hits;
use super::key::{Key, key_of};
use super::limits::Watch;
use super::merge;
use super::operation::{Document, Incoming};
use super::plan::{Plan, Query};
use super::scan::RANGE;
use super::select::Reading;
use super::slab::{SlotId, Span};
use super::store::Store;
use super::views::View;
use parking_lot::Mutex;

use crate::document::{MAX_DOCUMENT, RawValue, Shapes, Value, encode_plain, id, incoming, weight};
use crate::error::{Error, Kind, Result};
use crate::query::aggregate::{Access, Gather, Merged, Part, Row, Rows, Stored, writes};
use crate::query::expression::{Constants, Env};
use crate::query::made::check_size;
use crate::query::{Filter, Pipeline, Sort};
use crate::storage::{Block, Lsn};
use crate::work::Work;

/// Documents in a batch that names no size.
const BATCH: usize = 1_000;
/// Bytes, about, after which a batch ends, whatever its size.
const BATCH_BYTES: usize = 4 << 20;
/// Documents that a scan takes at a time.
const TAKEN: usize = 256;
/// Bytes that one commit of `$merge` holds at most, about.
pub(super) const COMMIT_BYTES: usize = super::insert::BYTES;

/// Whether a pipeline, not checked yet, ends in a stage that writes.
pub fn is_write(pipeline: &Incoming) -> bool {
    incoming::check(pipeline.bytes(), &pipeline.shapes).is_ok() && writes(pipeline.raw())
}

/// A pipeline in progress.
pub struct Aggregation {
    rows: Box<dyn Rows>,
    reading: Arc<Pipe>,
    work: Work,
    done: bool,
}

impl Aggregation {
    /// A pipeline on the newest published state.
    pub fn open(
        store: &Arc<Store>,
        name: &str,
        (pipeline, constants): (&Incoming, &Constants),
        hint: Option<&Incoming>,
        watch: &Watch,
    ) -> Result<Aggregation> {
        incoming::check(pipeline.bytes(), &pipeline.shapes)?;
        let pipeline = Pipeline::parse_with(pipeline.raw(), constants)?;
        let view = store.view();
        let now = store.now();
        let env = Arc::new(Env::new(now, store.seed()).within(constants.work().clone()));
        let reading = Arc::new(Pipe {
            store: store.clone(),
            view,
            watch: watch.clone(),
            hint: Mutex::new(Hint::of(hint)?),
            written: AtomicU64::new(0),
        });
        let access: Arc<dyn Access> = reading.clone();
        let rows = pipeline.open(name, &env, &access)?;
        Ok(Aggregation { rows, reading, work: constants.work().clone(), done: false })
    }

    /// Whether everything was answered.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The newest commit that the pipeline made, or rests on.
    pub fn written(&self) -> Lsn {
        Lsn(self.reading.written.load(Ordering::Acquire))
    }

    /// The next documents, `size` at most (0: as many as suit).
    pub fn next_batch(&mut self, size: u32, watch: &Watch) -> Result<Vec<Document>> {
        self.reading.watch.check(|| self.reading.store.now())?;
        watch.clone().no_later_than(&self.reading.watch).take_over(&self.work);
        let size = if size == 0 { BATCH } else { size as usize };
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < size && bytes < BATCH_BYTES {
            match self.rows.next() {
                Ok(Some(row)) => {
                    let value = row.into_value();
                    let weight = weight(&value);
                    // It is no less than half of what the document takes encoded.
                    if weight > MAX_DOCUMENT / 2 {
                        check_size("the pipeline", &value)?;
                    }
                    bytes += weight;
                    batch.push(Document::Projected(value));
                }
                Ok(None) => {
                    self.done = true;
                    break;
                }
                Err(error) => {
                    self.done = true;
                    return Err(error);
                }
            }
        }
        Ok(batch)
    }
}

/// What a pipeline sees of the database.
pub(super) struct Pipe {
    pub(super) store: Arc<Store>,
    view: View,
    pub(super) watch: Watch,
    /// What its first scan was told to use.
    hint: Mutex<Option<Hint>>,
    /// The number of its newest commit.
    written: AtomicU64,
}

impl Pipe {
    fn rows(
        &self,
        collection: Option<Arc<Collection>>,
        filter: Filter,
        sort: Option<Sort>,
        hint: Option<Hint>,
    ) -> Scan {
        Scan {
            store: self.store.clone(),
            watch: self.watch.clone(),
            lsn: self.view.lsn(),
            collection,
            filter,
            sort,
            hint,
            hits: None,
            scans: false,
            taken: Vec::new().into_iter(),
        }
    }

    pub(super) fn settle<T>(&self, committed: Committed<T>) -> Result<T> {
        self.written.fetch_max(committed.lsn.0, Ordering::AcqRel);
        committed.result
    }
}

impl Access for Pipe {
    fn scan(&self, collection: &str, filter: Filter) -> Result<Box<dyn Rows>> {
        let collection = self.view.catalogue().get(collection).cloned();
        let hint = self.hint.lock().take();
        Ok(Box::new(self.rows(collection, filter, None, hint)))
    }

    fn scan_sorted(
        &self,
        collection: &str,
        filter: &Filter,
        sort: &Sort,
        keep: usize,
    ) -> Result<Option<Box<dyn Rows>>> {
        let Some(collection) = self.view.catalogue().get(collection).cloned() else { return Ok(None) };
        let wanted = (keep != usize::MAX).then_some(keep as u64);
        let hint = self.hint.lock().clone();
        let query = Query { sort: Some(sort), wanted, hint: hint.as_ref(), ..Query::of(filter) };
        let plan = collection.plan(&query, self.view.lsn())?;
        if !plan.gives_order() {
            return Ok(None);
        }
        self.hint.lock().take();
        let mut rows = self.rows(Some(collection.clone()), filter.clone(), Some(sort.clone()), None);
        let reading = Reading {
            store: &self.store,
            collection: &collection,
            view: self.view.lsn(),
            filter,
            watch: &self.watch,
        };
        rows.hits = Some(Hits::open(&reading, &query, &plan)?);
        Ok(Some(Box::new(rows)))
    }

    fn new_id(&self) -> Value {
        self.store.new_id()
    }

    fn replace_all(&self, collection: &str, documents: Vec<Value>) -> Result<()> {
        let keys = documents.iter().map(key).collect::<Result<Vec<_>>>()?;
        let bytes = documents.iter().map(|one| weight(one) + 64).sum();
        let committed = self.store.commit(bytes, |commit| {
            let target = commit.recreate_collection(collection)?;
            for (document, key) in documents.iter().zip(&keys) {
                match commit.current(&target, key)? {
                    Current::Present(_) => return Err(repeated("$out", document).into()),
                    Current::Absent(place) => {
                        commit.pack_value(&target, document)?;
                        commit.put_packed(&target, key.clone(), Over::Nothing(place))?;
                    }
                }
            }
            Ok(())
        });
        self.settle(committed)
    }

    fn merge(&self, collection: &str, documents: Vec<Value>, merged: Merged<'_>) -> Result<()> {
        merge::merge(self, collection, &documents, merged)
    }
}

/// The directory key of a document.
pub(super) fn key(document: &Value) -> Result<Key> {
    let found = match document {
        Value::Object(fields) => fields.iter().find(|(key, _)| key == "_id").map(|(_, id)| id),
        _ => None,
    };
    let mut plain = Vec::new();
    encode_plain(found.unwrap_or(&Value::Null), &mut plain);
    let raw = RawValue::new(&plain, Shapes::none());
    id::check_id(raw)?;
    Ok(key_of(raw))
}

fn repeated(stage: &str, document: &Value) -> Error {
    let found = match document {
        Value::Object(fields) => fields.first().map_or("missing", |(_, id)| id.type_name()),
        other => other.type_name(),
    };
    let message = format!(
        "{stage} met two documents with the same _id, of type {found}; group by it, or project another _id"
    );
    Error::new(Kind::DuplicateKey, message)
}

/// A document where it is stored.
struct StoredDocument {
    collection: Arc<Collection>,
    block: Arc<Block>,
    range: std::ops::Range<usize>,
}

impl Stored for StoredDocument {
    fn raw(&self) -> RawValue<'_> {
        RawValue::new(self.block.bytes.get(self.range.clone()).unwrap_or_default(), self.collection.shapes())
    }
}

/// The documents of a collection that match.
struct Scan {
    store: Arc<Store>,
    watch: Watch,
    // The view lives as long as the pipeline, which holds this reading.
    lsn: Lsn,
    collection: Option<Arc<Collection>>,
    filter: Filter,
    /// The order that they come in, if not the natural one.
    sort: Option<Sort>,
    hint: Option<Hint>,
    hits: Option<Hits>,
    /// Whether the plan is to read everything.
    scans: bool,
    taken: std::vec::IntoIter<Row>,
}

impl Scan {
    /// Chooses a plan, once, and begins by it; false where there is no collection.
    fn open(&mut self) -> Result<bool> {
        let Some(collection) = &self.collection else { return Ok(false) };
        if self.hits.is_none() {
            let query = Query { hint: self.hint.as_ref(), ..Query::of(&self.filter) };
            let plan = collection.plan(&query, self.lsn)?;
            let reading = self.reading(collection);
            self.hits = Some(Hits::open(&reading, &query, &plan)?);
            self.scans = matches!(plan, Plan::Scan) && !query.is_backward();
        }
        Ok(true)
    }

    fn reading<'r>(&'r self, collection: &'r Arc<Collection>) -> Reading<'r> {
        Reading { store: &self.store, collection, view: self.lsn, filter: &self.filter, watch: &self.watch }
    }

    /// Gathers all that a scan finds, on the cores that are free.
    fn fold(&mut self, collection: &Arc<Collection>, gather: &dyn Gather) -> Result<()> {
        let end = collection.slab().end();
        let reading = self.reading(collection);
        let matched = AtomicU64::new(0);
        let start = || (gather.part(), Ok(()));
        let visit =
            |(part, outcome): &mut (Box<dyn Part + '_>, Result<()>), _, _, block: &Arc<Block>, span: Span| {
                matched.fetch_add(1, Ordering::Relaxed);
                *outcome = part.add(RawValue::new(span.of(block), collection.shapes()));
                if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
        self.store.fold(&reading.scan(end), start, visit, |(part, outcome)| {
            outcome?;
            part.finish()?;
            Ok(ControlFlow::Continue(()))
        })?;
        self.store.note_scan(&reading, None, end, matched.into_inner());
        self.hits = Some(Hits::none());
        Ok(())
    }

    /// Goes on; false at the end.
    fn run(
        &mut self,
        visit: &mut impl FnMut(&Arc<Collection>, SlotId, &Arc<Block>, Span) -> ControlFlow<()>,
    ) -> Result<bool> {
        if !self.open()? {
            return Ok(false);
        }
        let (Some(collection), Some(hits)) = (&self.collection, &mut self.hits) else { return Ok(false) };
        let reading = Reading {
            store: &self.store,
            collection,
            view: self.lsn,
            filter: &self.filter,
            watch: &self.watch,
        };
        if hits.is_done() {
            return Ok(false);
        }
        hits.run(&reading, self.sort.as_ref(), &mut |slot, _, block, span| {
            visit(collection, slot, block, span)
        })?;
        Ok(true)
    }
}

impl Rows for Scan {
    fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.taken.next() {
                return Ok(Some(row));
            }
            let mut taken: Vec<Row> = Vec::new();
            let goes_on = self.run(&mut |collection, _, block, span| {
                let (collection, range) = (collection.clone(), span.within(block));
                let block = block.clone();
                taken.push(Row::Stored(Arc::new(StoredDocument { collection, block, range })));
                if taken.len() == TAKEN { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if !goes_on {
                return Ok(None);
            }
            self.taken = taken.into_iter();
        }
    }

    fn gather(&mut self, gather: &dyn Gather) -> Result<bool> {
        if self.taken.len() > 0 {
            return Ok(false);
        }
        if !self.open()? {
            return Ok(true);
        }
        if let Some(collection) = self.collection.clone()
            && self.scans
            && self.hits.as_ref().is_some_and(Hits::is_fresh)
        {
            return self.fold(&collection, gather).map(|()| true);
        }
        // The ranges are those of a scan, so that sums are rounded alike.
        let (mut range, mut part) = (0, gather.part());
        let sorted = self.sort.is_some();
        let mut outcome = Ok(());
        self.run(&mut |collection, slot, block, span| {
            if !sorted && slot.0 / RANGE != range {
                range = slot.0 / RANGE;
                outcome = std::mem::replace(&mut part, gather.part()).finish();
            }
            if outcome.is_ok() {
                outcome = part.add(RawValue::new(span.of(block), collection.shapes()));
            }
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome?;
        part.finish()?;
        Ok(true)
    }
}
