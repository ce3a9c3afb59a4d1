//! A running find: one view, read batch by batch.
//!
//! Batches are found on demand, unless they have to be sorted first (`results`).

use crate::document::{Collation, RawKind, weight};
use crate::engine::operation::input::{check_part, parse_filter_with};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::fetch::{Match, ReadContext};
use super::layers::own::OwnDocuments;
use super::layers::source::Source;
use super::point;
use super::results::QueryResults;
use crate::document::incoming;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::nonblocking::{NONBLOCKING_DOCUMENTS, would_block};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::FindOptions;
use crate::engine::operation::response::{Answer, Answered, Document};
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Query};
use crate::engine::state::collection::Collection;
use crate::engine::state::idle_readers::Ticket;
use crate::engine::store::Store;
use crate::error::Result;
use crate::options::{BATCH_BYTES, BATCH_DOCUMENTS};
use crate::query::expression::Constants;
use crate::query::{Filter, Projection, Sort};

/// The context of an operation's expressions at a time (ms): the variables of the option `let`, its collation, which is that of
/// its collection unless it names one, and its budget.
pub(crate) fn constants(
    store: &Store,
    variables: Option<&Incoming>,
    now: i64,
    interrupt: &Interrupt,
    collection: Option<&Collection>,
) -> Result<Constants> {
    let work = store.work(interrupt);
    let default = collection.map_or(Collation::SIMPLE, Collection::collation);
    let Some(variables) = variables else {
        return Ok(Constants::none(store.seed()).within(&work).under(default));
    };
    incoming::check(variables.bytes(), &variables.shapes)?;
    // `[variables or null, collation]`, or the variables alone.
    let (variables, named) = match variables.raw().as_array() {
        Some(parts) => (parts.get(0), parts.get(1)),
        None => (Some(variables.raw()), None),
    };
    let collation = named.map(Collation::parse).transpose()?;
    let is_named = collation.is_some();
    let collation = collation.unwrap_or(default);
    let constants = match variables.filter(|variables| !matches!(variables.kind(), RawKind::Null)) {
        Some(variables) => Constants::parse(variables, (now, store.seed()), &work, &collation)?,
        None => Constants::none(store.seed()).within(&work).under(collation),
    };
    Ok(if is_named { constants.named() } else { constants })
}

/// The same context for a write of a bulk write that names its own collation: `[null, collation]`.
pub(crate) fn under_own_collation(constants: &Constants, given: &Incoming) -> Result<Constants> {
    incoming::check(given.bytes(), &given.shapes)?;
    let collation = given.raw().as_array().and_then(|parts| parts.get(1));
    let collation = collation.map(Collation::parse).transpose()?.unwrap_or_default();
    Ok(constants.clone().under(collation).named())
}

/// What a find asks for.
pub(crate) struct Asked {
    pub(crate) filter: Filter,
    pub(crate) sort: Option<Sort>,
    pub(crate) projection: Option<Projection>,
    pub(crate) hint: Option<Hint>,
}

impl Asked {
    /// Checks and compiles it.
    pub(crate) fn parse(filter: &Incoming, options: &FindOptions, constants: &Constants) -> Result<Asked> {
        let filter = parse_filter_with(filter, constants)?;
        check_part(options.sort.as_ref())?;
        check_part(options.projection.as_ref())?;
        let sort =
            options.sort.as_ref().map(|sort| Sort::parse_with(sort.raw(), constants)).transpose()?.flatten();
        let projection = options.projection.as_ref();
        let projection =
            projection.map(|one| Projection::parse_with(one.raw(), constants)).transpose()?.flatten();
        Ok(Asked { filter, sort, projection, hint: Hint::of(options.hint.as_ref())? })
    }
}

/// A find, from its first batch to its last.
pub(crate) struct Cursor {
    source: Source,
    collection: Option<Arc<Collection>>,
    /// What its transaction had written to the collection when it was opened.
    own: Option<Arc<OwnDocuments>>,
    filter: Filter,
    sort: Option<Sort>,
    projection: Option<Projection>,
    skip: u64,
    /// Documents still to be returned; `None` for all.
    left: Option<u64>,
    /// Milliseconds left for batches.
    time: Option<u64>,
    hint: Option<Hint>,
    /// Set with the first batch.
    results: Option<QueryResults>,
    /// Found and not returned yet: the projection made the documents before them too large for one batch.
    rest: VecDeque<Document>,
    done: bool,
}

impl Cursor {
    /// A cursor on a source.
    pub(crate) fn open(
        source: Source,
        name: &str,
        filter: &Incoming,
        options: &FindOptions,
        constants: &Constants,
        limits: &Limits,
    ) -> Result<Cursor> {
        let Asked { filter, sort, projection, hint } = Asked::parse(filter, options, constants)?;
        source.note(name, &filter)?;
        let collection = source.collection(name).cloned();
        // The documents of a view are computed elsewhere.
        would_block(|| collection.as_ref().is_some_and(|collection| collection.is_view()))?;
        let own = collection.as_ref().and_then(|collection| source.own(collection));
        let left = (options.limit > 0).then_some(options.limit);
        Ok(Cursor {
            source,
            collection,
            own,
            filter,
            sort,
            projection,
            skip: options.skip,
            left,
            time: limits.max_time,
            hint,
            results: None,
            rest: VecDeque::new(),
            done: false,
        })
    }

    /// The collection it reads, if there is one.
    pub(crate) fn collection(&self) -> Option<&Arc<Collection>> {
        self.collection.as_ref()
    }

    /// What identifies its view.
    pub(crate) fn view(&self) -> Ticket {
        self.source.ticket()
    }

    /// Whether everything was returned.
    pub(crate) fn is_done(&self) -> bool {
        self.done && self.rest.is_empty()
    }

    /// The next documents, at most `size` (0: the default batch).
    pub(crate) fn next_batch(
        &mut self,
        store: &Store,
        size: u32,
        interrupt: &Interrupt,
    ) -> Result<Vec<Document>> {
        let interrupt = interrupt.clone().within(self.time, store.now());
        interrupt.check(|| store.now())?;
        interrupt.take_over(self.filter.work());
        let batch = self.next_within(store, size, &interrupt);
        self.time = interrupt.left(store.now());
        batch
    }

    /// The first document with its version.
    pub(crate) fn first_with_version(mut self, store: &Store, interrupt: &Interrupt) -> Answered {
        let (collection, projection) = (self.collection.clone(), self.projection.take());
        let found = self.next_batch(store, 1, interrupt);
        let answer = found.and_then(|mut documents| {
            let Some((first, collection)) = documents.pop().zip(collection.as_ref()) else {
                return Ok(Answer::Document(None));
            };
            let projected = projection.map(|one| self.project(&one, &first, collection)).transpose()?;
            point::with_version(first, projected)
        });
        Answered { collection, answer }
    }

    fn next_within(&mut self, store: &Store, size: u32, interrupt: &Interrupt) -> Result<Vec<Document>> {
        let Some(collection) = self.collection.clone() else {
            self.done = true;
            return Ok(Vec::new());
        };
        let size = if size == 0 { BATCH_DOCUMENTS } else { size as usize };
        let wanted = self.left.map_or(size, |left| size.min(usize::try_from(left).unwrap_or(usize::MAX)));
        if self.rest.is_empty() {
            let found = self.fill(store, &collection, wanted, interrupt)?;
            if let Some(left) = &mut self.left {
                *left -= found.len() as u64;
                self.done |= *left == 0;
            }
            let Some(projection) = &self.projection else { return Ok(found) };
            if !projection.is_computed() {
                return found
                    .iter()
                    .map(|document| self.project(projection, document, &collection))
                    .collect();
            }
            self.rest = found.into();
        }
        self.compute(&collection, size)
    }

    /// Returns the found documents until their projections fill a batch.
    fn compute(&mut self, collection: &Collection, size: usize) -> Result<Vec<Document>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < size
            && bytes <= BATCH_BYTES
            && let (Some(document), Some(projection)) = (self.rest.front(), &self.projection)
        {
            let made = self.project(projection, document, collection)?;
            if let Document::Projected(value) = &made {
                bytes += weight(value);
            }
            batch.push(made);
            self.rest.pop_front();
        }
        Ok(batch)
    }

    fn project(
        &self,
        projection: &Projection,
        document: &Document,
        collection: &Collection,
    ) -> Result<Document> {
        self.filter.work().step(1)?;
        match document.stored(collection) {
            Some(raw) => Ok(Document::Projected(projection.apply(raw, &self.filter)?)),
            None => Ok(document.clone()),
        }
    }

    fn fill(
        &mut self,
        store: &Store,
        collection: &Arc<Collection>,
        wanted: usize,
        interrupt: &Interrupt,
    ) -> Result<Vec<Document>> {
        let mut batch = Vec::new();
        if self.done {
            return Ok(batch);
        }
        let view = self.source.lsn();
        let reading =
            ReadContext::new(store, collection, view, &self.filter, interrupt).over(self.own.as_deref());
        let results = match &mut self.results {
            Some(results) => results,
            fresh => {
                let query = Query {
                    sort: self.sort.as_ref(),
                    wanted: self.left.map(|left| left.saturating_add(self.skip)),
                    hint: self.hint.as_ref(),
                    ..Query::of(&self.filter)
                };
                let plan = planner::plan(collection, &query, view)?;
                would_block(|| plan.most(self.left, self.skip) > NONBLOCKING_DOCUMENTS as u64)?;
                fresh.insert(QueryResults::open(&reading, &query, &plan)?)
            }
        };
        let (mut bytes, skip) = (0, &mut self.skip);
        results.run(&reading, self.sort.as_ref(), &mut |Match { block, span, .. }| {
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
        })?;
        self.done = results.is_done();
        Ok(batch)
    }
}
