//! The input of a pipeline: the documents of collections, as one view sees them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sink;
use crate::document::{Collation, RawValue, Value};
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::Mutex;
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Plan, Query};
use crate::engine::read::fetch::{Match, ReadContext};
use crate::engine::read::layers::defined_views::{self, Below};
use crate::engine::read::layers::own::OwnDocuments;
use crate::engine::read::layers::source::Source;
use crate::engine::read::missing_indexes;
use crate::engine::read::results::QueryResults;
use crate::engine::read::scan::{self, RANGE, Scan};
use crate::engine::state::collection::Collection;
use crate::engine::state::namespace::within;
use crate::engine::state::slab::Span;
use crate::engine::store::Store;
use crate::error::Result;
use crate::query::aggregate::{Access, Destination, Gather, Home, Merged, Part, Row, Rows, Stored};
use crate::query::{Filter, Sort};
use crate::storage::{Block, BlockPlace, FileId, Lsn};
use crate::work::{Hold, Work};

/// Documents that a scan reads at a time.
const TAKEN: usize = 256;
/// About the bytes that a row of a stored document takes.
const ROW: usize = 128;

/// What a pipeline sees of the database.
pub(crate) struct Pipe {
    pub(crate) store: Arc<Store>,
    pub(crate) source: Source,
    /// The database in which it finds its collections; empty for the default one.
    pub(crate) database: String,
    pub(crate) interrupt: Interrupt,
    /// The hint for its first scan.
    pub(crate) hint: Mutex<Option<Hint>>,
    /// The LSN of its newest commit.
    pub(crate) written: AtomicU64,
    /// The work of the operation.
    pub(crate) work: Work,
    /// The views that it has met, and their pipelines.
    pub(crate) views: Mutex<Vec<(String, Below)>>,
    /// How strings compare.
    pub(crate) collation: Collation,
}

impl Pipe {
    fn rows(
        &self,
        collection: Option<Arc<Collection>>,
        filter: Filter,
        sort: Option<Sort>,
        hint: Option<Hint>,
    ) -> CollectionRows {
        CollectionRows {
            store: self.store.clone(),
            interrupt: self.interrupt.clone(),
            lsn: self.source.lsn(),
            own: collection.as_ref().and_then(|collection| self.source.own(collection)),
            collection,
            filter,
            sort,
            hint,
            results: None,
            scans: false,
            taken: Vec::new().into_iter(),
        }
    }

    /// The collection of this plain name.
    fn collection(&self, name: &str) -> Result<Option<Arc<Collection>>> {
        Ok(self.source.collection(&within(&self.database, name)?).cloned())
    }

    /// Notes that the documents of a collection that a filter matches are read.
    fn note(&self, name: &str, filter: &Filter) -> Result<()> {
        self.source.note(&within(&self.database, name)?, filter)
    }

    /// The full name of a collection that is written.
    fn full_name(&self, into: &Destination) -> Result<String> {
        match &into.database {
            None => within(&self.database, &into.collection),
            Some(name) => within(self.store.databases().find(name)?, &into.collection),
        }
    }

    pub(crate) fn settle<T>(&self, committed: Committed<T>) -> Result<T> {
        self.written.fetch_max(committed.lsn.0, Ordering::AcqRel);
        committed.result
    }
}

impl Access for Pipe {
    fn view(&self, name: &str) -> Result<Option<Below>> {
        if !self.collection(name)?.is_some_and(|collection| collection.is_view()) {
            return Ok(None);
        }
        if let Some((_, known)) = self.views.lock().iter().find(|(known, _)| known == name) {
            return Ok(Some(known.clone()));
        }
        let below = defined_views::below(&self.source, &self.database, name, &self.collation, &self.work)?;
        self.views.lock().push((name.to_owned(), below.clone()));
        Ok(Some(below))
    }

    fn scan(&self, collection: &str, filter: Filter) -> Result<Box<dyn Rows>> {
        self.note(collection, &filter)?;
        let collection = self.collection(collection)?;
        let hint = self.hint.lock().take();
        Ok(Box::new(self.rows(collection, filter, None, hint)))
    }

    fn find(&self, collection: &str, filter: Filter) -> Result<Option<Vec<Row>>> {
        let name = collection;
        let Some(collection) = self.collection(name)? else { return Ok(Some(Vec::new())) };
        let query = Query::of(&filter);
        let plan = planner::plan(&collection, &query, self.source.lsn())?;
        if matches!(plan, Plan::Scan) {
            return Ok(None);
        }
        self.note(name, &filter)?;
        let mut rows = self.rows(Some(collection.clone()), filter.clone(), None, None);
        let reading = ReadContext::new(&self.store, &collection, self.source.lsn(), &filter, &self.interrupt)
            .over(rows.own.as_deref());
        rows.results = Some(QueryResults::open(&reading, &query, &plan)?);
        let mut found = Vec::new();
        let (mut hold, mut outcome) = (Hold::new("$lookup", &self.work), Ok(()));
        while rows.run(&mut |collection, Match { slot, block, span, .. }| {
            let stored = StoredDocument::of(collection, block, span);
            outcome = hold.add(ROW + stored.owned());
            found.push((slot, Row::Stored(Arc::new(stored))));
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })? {
            std::mem::replace(&mut outcome, Ok(()))?;
        }
        outcome?;
        // An index has the documents of several values in the order of the values.
        found.sort_by_key(|(slot, _)| *slot);
        Ok(Some(found.into_iter().map(|(_, row)| row).collect()))
    }

    fn count(&self, collection: &str) -> Result<u64> {
        Ok(self.collection(collection)?.map_or(0, |collection| collection.count()))
    }

    fn scan_sorted(
        &self,
        collection: &str,
        filter: &Filter,
        sort: &Sort,
        keep: usize,
    ) -> Result<Option<Box<dyn Rows>>> {
        let name = collection;
        let Some(collection) = self.collection(name)? else { return Ok(None) };
        let wanted = (keep != usize::MAX).then_some(keep as u64);
        let hint = self.hint.lock().clone();
        let query = Query { sort: Some(sort), wanted, hint: hint.as_ref(), ..Query::of(filter) };
        let plan = planner::plan(&collection, &query, self.source.lsn())?;
        if !plan.gives_order() {
            return Ok(None);
        }
        self.note(name, filter)?;
        self.hint.lock().take();
        let mut rows = self.rows(Some(collection.clone()), filter.clone(), Some(sort.clone()), None);
        let view = self.source.lsn();
        let reading = ReadContext::new(&self.store, &collection, view, filter, &self.interrupt)
            .over(rows.own.as_deref());
        let results = QueryResults::open(&reading, &query, &plan)?;
        rows.results = Some(results);
        Ok(Some(Box::new(rows)))
    }

    fn new_id(&self) -> Value {
        self.store.new_id()
    }

    fn replace_all(&self, into: &Destination, documents: Vec<Value>) -> Result<()> {
        self.settle(sink::replace_all(&self.store, &self.full_name(into)?, &documents, &self.interrupt))
    }

    fn merge(&self, into: &Destination, documents: Vec<Value>, merged: Merged<'_>) -> Result<()> {
        self.settle(sink::merge(&self.store, &self.full_name(into)?, &documents, merged, &self.interrupt))
    }
}

/// A document in its stored form.
struct StoredDocument {
    collection: Arc<Collection>,
    block: Arc<Block>,
    range: std::ops::Range<usize>,
    /// Whether the block is only for this document.
    alone: bool,
}

impl StoredDocument {
    /// A document of a block. A block that was read for this pipeline is not kept for one of its documents.
    fn of(collection: &Arc<Collection>, block: &Arc<Block>, span: Span) -> StoredDocument {
        if block.transient {
            return StoredDocument::alone(collection, span.of(block).into());
        }
        let (collection, range) = (collection.clone(), span.within(block));
        StoredDocument { collection, block: block.clone(), range, alone: false }
    }

    fn alone(collection: &Arc<Collection>, bytes: Box<[u8]>) -> StoredDocument {
        let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: bytes.len() as u32 };
        let (collection, range) = (collection.clone(), 0..bytes.len());
        let block = Arc::new(Block { place, base: 0, bytes, transient: true });
        StoredDocument { collection, block, range, alone: true }
    }
}

impl Stored for StoredDocument {
    fn raw(&self) -> RawValue<'_> {
        RawValue::new(self.block.bytes.get(self.range.clone()).unwrap_or_default(), self.collection.shapes())
    }

    fn owned(&self) -> usize {
        if self.alone { 64 + self.range.len() } else { 0 }
    }

    fn home(&self) -> Option<Arc<dyn Home>> {
        Some(Arc::new(CollectionHome(self.collection.clone())))
    }
}

/// The collection of documents that were written to disk.
struct CollectionHome(Arc<Collection>);

impl Home for CollectionHome {
    fn number(&self) -> u64 {
        u64::from(self.0.number())
    }

    fn row(&self, document: Vec<u8>) -> Arc<dyn Stored> {
        Arc::new(StoredDocument::alone(&self.0, document.into_boxed_slice()))
    }
}

/// The documents of a collection that match.
struct CollectionRows {
    store: Arc<Store>,
    interrupt: Interrupt,
    // The view lives as long as the pipeline, which owns this context.
    lsn: Lsn,
    collection: Option<Arc<Collection>>,
    /// What the transaction of the pipeline has written to it.
    own: Option<Arc<OwnDocuments>>,
    filter: Filter,
    /// Their order, if it is not the natural one.
    sort: Option<Sort>,
    hint: Option<Hint>,
    results: Option<QueryResults>,
    /// Whether the plan is a full scan.
    scans: bool,
    taken: std::vec::IntoIter<Row>,
}

impl CollectionRows {
    /// Chooses a plan, once, and starts it; false if there is no collection.
    fn open(&mut self) -> Result<bool> {
        let Some(collection) = &self.collection else { return Ok(false) };
        if self.results.is_none() {
            let query = Query { hint: self.hint.as_ref(), ..Query::of(&self.filter) };
            let plan = planner::plan(collection, &query, self.lsn)?;
            let reading = self.reading(collection);
            self.results = Some(QueryResults::open(&reading, &query, &plan)?);
            self.scans = matches!(plan, Plan::Scan) && !query.is_backward();
        }
        Ok(true)
    }

    fn reading<'r>(&'r self, collection: &'r Arc<Collection>) -> ReadContext<'r> {
        ReadContext::new(&self.store, collection, self.lsn, &self.filter, &self.interrupt)
            .over(self.own.as_deref())
    }

    /// Collects everything that a scan finds, on the free cores.
    fn fold(&mut self, collection: &Arc<Collection>, gather: &dyn Gather) -> Result<()> {
        let end = collection.slab().end();
        let reading = self.reading(collection);
        // Each range counts its own documents: one counter of all threads would be most of the time of a group.
        let mut matched = 0_u64;
        let start = || (gather.part(), Ok(()), 0_u64);
        let visit = |(part, outcome, count): &mut (Box<dyn Part + '_>, Result<()>, u64), one: Match<'_>| {
            *count += 1;
            *outcome = part.add(RawValue::new(one.span.of(one.block), collection.shapes()));
            let goes_on = outcome.is_ok() && !part.is_full();
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let relieve = |(part, outcome, _): &mut (Box<dyn Part + '_>, Result<()>, u64)| {
            if outcome.is_err() {
                return Ok(ControlFlow::Break(()));
            }
            part.relieve()?;
            Ok(ControlFlow::Continue(()))
        };
        scan::fold_with(
            &self.store,
            &Scan::of(&reading, end),
            start,
            visit,
            relieve,
            |(part, outcome, count)| {
                outcome?;
                matched += count;
                part.finish()?;
                Ok(ControlFlow::Continue(()))
            },
        )?;
        missing_indexes::note_scan(&self.store, &reading, None, end, matched);
        self.results = Some(QueryResults::none());
        Ok(())
    }

    /// Continues; false at the end.
    fn run(
        &mut self,
        visit: &mut impl FnMut(&Arc<Collection>, Match<'_>) -> ControlFlow<()>,
    ) -> Result<bool> {
        if !self.open()? {
            return Ok(false);
        }
        let (Some(collection), Some(results)) = (&self.collection, &mut self.results) else {
            return Ok(false);
        };
        let reading = ReadContext::new(&self.store, collection, self.lsn, &self.filter, &self.interrupt)
            .over(self.own.as_deref());
        if results.is_done() {
            return Ok(false);
        }
        results.run(&reading, self.sort.as_ref(), &mut |one| visit(collection, one))?;
        Ok(true)
    }
}

impl Rows for CollectionRows {
    fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some(row) = self.taken.next() {
                return Ok(Some(row));
            }
            let mut taken: Vec<Row> = Vec::new();
            let goes_on = self.run(&mut |collection, Match { block, span, .. }| {
                taken.push(Row::Stored(Arc::new(StoredDocument::of(collection, block, span))));
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
            && self.results.as_ref().is_some_and(QueryResults::is_fresh)
        {
            return self.fold(&collection, gather).map(|()| true);
        }
        // The ranges of a scan, so that sums are rounded in the same way.
        let (mut range, mut part) = (0, gather.part());
        let sorted = self.sort.is_some();
        loop {
            let (mut outcome, mut full) = (Ok(()), false);
            let goes_on = self.run(&mut |collection, Match { slot, block, span, .. }| {
                if !sorted && slot.0 / RANGE != range {
                    range = slot.0 / RANGE;
                    outcome = std::mem::replace(&mut part, gather.part()).finish();
                }
                if outcome.is_ok() {
                    outcome = part.add(RawValue::new(span.of(block), collection.shapes()));
                    full = part.is_full();
                }
                if outcome.is_ok() && !full { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            outcome?;
            // Without having read everything the pages are not locked any more.
            if !full || !goes_on {
                break;
            }
            part.relieve()?;
        }
        part.finish()?;
        Ok(true)
    }
}
