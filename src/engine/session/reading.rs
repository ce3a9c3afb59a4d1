//! The reads of a session.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::cursors::Open;
use super::info;
use super::session::Session;
use crate::document::{Collation, Path, Value};
use crate::engine::aggregate::aggregation::Aggregation;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::nonblocking::{is_nonblocking, would_block};
use crate::engine::explain::subject;
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::input::{Incoming, incoming_key, parse_filter, parse_filter_with, text_of};
use crate::engine::operation::request::Operation;
use crate::engine::operation::response::{Answer, Answered, CollectionInfo, Document};
use crate::engine::plan::hint::Hint;
use crate::engine::read::distinct::Distinct;
use crate::engine::read::find::Cursor;
use crate::engine::read::layers::defined_views;
use crate::engine::read::layers::source::Source;
use crate::engine::read::{count, distinct, point};
use crate::engine::state::collection::Collection;
use crate::engine::state::namespace::parts;
use crate::engine::state::rules::view_definition::no_view;
use crate::engine::state::slab::Span;
use crate::engine::transaction::work::Work;
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::query::expression::Constants;
use crate::storage::Block;

/// The collection of a read, and the transaction that it is part of.
pub(super) type Reads<'r> = (Option<&'r Collection>, Option<&'r Work>);

impl Session {
    /// A read, of the newest published state or of what a transaction sees.
    pub(super) fn read(
        &self,
        name: &str,
        operation: Operation,
        constants: &Constants,
        (limits, interrupt): (&Limits, &Interrupt),
        work: Option<&Work>,
    ) -> Answered {
        let store = &*self.store;
        let collection = match work {
            None => store.views().collection(name),
            Some(work) => work.collection(name),
        };
        let of_other = matches!(
            operation,
            Operation::More { .. }
                | Operation::CloseCursor { .. }
                | Operation::ListCollections { .. }
                | Operation::ListDatabases { .. }
        );
        if !of_other && collection.as_ref().is_some_and(|collection| collection.is_view()) {
            return self.read_view(name, operation, constants, interrupt, work);
        }
        let reads = (collection.as_deref(), work);
        let answer = match operation {
            Operation::Get { id, meta } => self.get(reads, &id, meta),
            Operation::GetMany { ids } => self.get_many((name, work), &ids),
            Operation::Has { id } => {
                incoming_key(&id).and_then(|key| self.has(reads, &key)).map(Answer::Bool)
            }
            Operation::Count { filter, skip, limit, hint } => parse_filter_with(&filter, constants)
                .and_then(|filter| {
                    let part = (skip, limit);
                    self.count((name, reads), &filter, part, hint.as_ref(), interrupt)
                })
                .map(Answer::Count),
            Operation::Find { filter, options } => {
                return match Cursor::open(self.source(work), name, &filter, &options, constants, limits) {
                    Err(error) => Answered::failed(error),
                    Ok(cursor) if options.meta => cursor.first_with_version(store, interrupt),
                    Ok(cursor) => self.cursors.first_batch(
                        store,
                        Open::Find(Box::new(cursor)),
                        options.batch,
                        interrupt,
                    ),
                };
            }
            Operation::Distinct { key, filter, hint } => parse_filter_with(&filter, constants)
                .and_then(|filter| {
                    let by = (&key, constants.collation());
                    self.distinct((name, work), by, &filter, hint.as_ref(), interrupt)
                })
                .map(Answer::Values),
            Operation::Explain { operation, verbosity } => {
                subject::explain(&self.store, name, &operation, operation.hint(), verbosity, interrupt)
                    .map(Answer::Value)
            }
            Operation::More { cursor, batch } => return self.cursors.more(store, cursor, batch, interrupt),
            Operation::CloseCursor { cursor } => {
                self.cursors.close(cursor);
                Ok(Answer::Done)
            }
            Operation::ListIndexes => Ok(Answer::Values(info::list_indexes(store, name))),
            Operation::Stats => Ok(Answer::Value(info::collection_stats(store, name))),
            Operation::ListCollections { filter } => {
                self.list(name, filter.as_ref()).map(Answer::Collections)
            }
            Operation::ListDatabases { filter } => {
                listed(filter.as_ref()).map(|filter| Answer::Values(info::list_databases(store, &filter)))
            }
            _ => Err(Error::new(Kind::Internal, "a write was taken for a read")),
        };
        Answered { collection, answer }
    }

    /// A count or distinct values of the newest published state, on a thread that must not block.
    pub(super) fn try_reading(&self, name: &str, operation: &Operation, interrupt: &Interrupt) -> Answered {
        let collection = self.store.views().collection(name);
        let read = || {
            would_block(|| collection.as_ref().is_some_and(|collection| collection.is_view()))?;
            let collation = collection.as_deref().map_or(Collation::SIMPLE, Collection::collation);
            let constants = Constants::default().under(collation);
            match operation {
                Operation::Count { filter, skip, limit, hint } => {
                    let reads = (collection.as_deref(), None);
                    self.count(
                        (name, reads),
                        &parse_filter_with(filter, &constants)?,
                        (*skip, *limit),
                        hint.as_ref(),
                        interrupt,
                    )
                    .map(Answer::Count)
                }
                Operation::Distinct { key, filter, hint } => {
                    let filter = parse_filter_with(filter, &constants)?;
                    let by = (key, constants.collation());
                    self.distinct((name, None), by, &filter, hint.as_ref(), interrupt).map(Answer::Values)
                }
                _ => Err(Error::new(Kind::Internal, "a query was taken for another operation")),
            }
        };
        let answer = read();
        Answered { collection, answer }
    }

    /// A read of a view: a pipeline on the collection below it.
    fn read_view(
        &self,
        name: &str,
        operation: Operation,
        constants: &Constants,
        interrupt: &Interrupt,
        work: Option<&Work>,
    ) -> Answered {
        let store = &self.store;
        let opened = |pipeline: &Incoming, hint: Option<&Incoming>| {
            let source = self.source(work);
            Aggregation::open(store, source, name, (pipeline, constants), hint, interrupt)
        };
        let read = || {
            if let Operation::Explain { operation, verbosity } = &operation {
                return subject::explain(store, name, operation, operation.hint(), *verbosity, interrupt)
                    .map(Answer::Value);
            }
            if let Operation::GetMany { ids } = &operation {
                // All of one state, in the order of the request.
                let mut found = HashMap::<Key, Value>::new();
                opened(&defined_views::by_ids(ids)?, None)?.each(interrupt, |document| {
                    let key = document.get("_id").map(key_of);
                    key.into_iter()
                        .for_each(|key| _ = found.entry(key).or_insert_with(|| document.to_value()));
                    ControlFlow::Continue(())
                })?;
                let of = |id: &Incoming| found.get(&key_of(id.raw())).cloned().map(Document::Projected);
                return Ok(Answer::Documents(ids.iter().map(of).collect()));
            }
            let Some((pipeline, hint)) = defined_views::as_pipeline(&operation)? else {
                return Err(no_view(name));
            };
            let mut rows = opened(&pipeline, hint.as_ref())?;
            Ok(match &operation {
                Operation::Get { meta: true, .. } => return Err(no_view(name)),
                Operation::Find { options, .. } if options.meta => return Err(no_view(name)),
                Operation::Get { .. } => Answer::Document(rows.next_batch(1, interrupt)?.into_iter().next()),
                Operation::Has { .. } => Answer::Bool(!rows.next_batch(1, interrupt)?.is_empty()),
                Operation::Count { .. } => Answer::Count(rows.count(interrupt)?),
                Operation::Distinct { key, .. } => {
                    let path = Path::parse(&text_of(key)?);
                    let collation = if path.is_id() { &Collation::SIMPLE } else { constants.collation() };
                    let mut found = Distinct::under(collation);
                    rows.each(interrupt, |document| {
                        found.add_all(&path, document);
                        found.flow()
                    })?;
                    Answer::Values(found.into_values(&path)?)
                }
                Operation::Find { options, .. } => {
                    let batch = options.batch;
                    return self.cursors.first_batch(store, Open::Aggregate(rows), batch, interrupt).answer;
                }
                _ => return Err(no_view(name)),
            })
        };
        Answered::plain(read())
    }

    fn count(
        &self,
        (name, (collection, work)): (&str, Reads<'_>),
        filter: &Filter,
        (skip, limit): (u64, u64),
        hint: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Result<u64> {
        if work.is_none() && skip == 0 && limit == 0 && hint.is_none() && filter.is_all() {
            return Ok(collection.map_or(0, Collection::count));
        }
        let hint = Hint::of(hint)?;
        let source = self.source(work);
        count::matches(&self.store, (&source, name), filter, (skip, limit), hint.as_ref(), interrupt)
    }

    fn distinct(
        &self,
        (name, work): (&str, Option<&Work>),
        (key, collation): (&Incoming, &Collation),
        filter: &Filter,
        hint: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Result<Vec<Value>> {
        let path = Path::parse(&text_of(key)?);
        let hint = Hint::of(hint)?;
        let source = self.source(work);
        let collation = if path.is_id() { &Collation::SIMPLE } else { collation };
        distinct::values(&self.store, (&source, name), (&path, collation), filter, hint.as_ref(), interrupt)
    }

    /// All documents are of one state, however many commits there are meanwhile.
    fn get_many(&self, (name, work): (&str, Option<&Work>), ids: &[Incoming]) -> Result<Answer> {
        let source = self.source(work);
        let collection = source.collection(name).map(|collection| &**collection);
        would_block(|| collection.is_some_and(Collection::is_view))?;
        let get = |id: &Incoming| {
            let key = incoming_key(id)?;
            let found = match (collection, work) {
                (None, _) => None,
                (Some(collection), None) => point::at(&self.store, collection, &key, source.lsn())?
                    .map(|(_, block, span)| (block, span)),
                (Some(collection), Some(work)) => work.document(collection, &key)?,
            };
            Ok(found.map(|(block, span)| Document::of_block(&block, span)))
        };
        let documents = ids.iter().map(get).collect::<Result<Vec<_>>>();
        drop(source);
        if !is_nonblocking() {
            self.store.cool();
        }
        documents.map(Answer::Documents)
    }

    pub(super) fn get(&self, reads: Reads<'_>, id: &Incoming, meta: bool) -> Result<Answer> {
        let found = self.document(reads, &incoming_key(id)?)?;
        match found {
            Some((block, span)) if meta => point::versioned(&block, span),
            found => Ok(Answer::Document(found.map(|(block, span)| Document::of_block(&block, span)))),
        }
    }

    /// The document with this key, in the newest published state or as a transaction sees it.
    fn document(&self, (collection, work): Reads<'_>, key: &Key) -> Result<Option<(Arc<Block>, Span)>> {
        let Some(collection) = collection else { return Ok(None) };
        // The documents of a view are computed elsewhere.
        would_block(|| collection.is_view())?;
        match work {
            None => point::get(&self.store, collection, key),
            Some(work) => work.document(collection, key),
        }
    }

    fn has(&self, (collection, work): Reads<'_>, key: &Key) -> Result<bool> {
        let Some(collection) = collection else { return Ok(false) };
        match work {
            None => Ok(collection.find_again(key, || self.store.views().published())?.is_some()),
            Some(work) => Ok(work.document(collection, key)?.is_some()),
        }
    }

    /// The newest published state, or what a transaction sees.
    fn source(&self, work: Option<&Work>) -> Source {
        work.map_or_else(|| Source::newest(&self.store), Work::source)
    }

    /// Lists the collections of a database, by its full name.
    fn list(&self, name: &str, filter: Option<&Incoming>) -> Result<Vec<CollectionInfo>> {
        let filter = listed(filter)?;
        let catalogue = self.store.views().catalogue();
        let all = catalogue.of(parts(name).0).map(|(name, collection)| CollectionInfo {
            name: parts(name).1.to_owned(),
            number: collection.number(),
            count: collection.count(),
            options: collection.options().to_value(),
        });
        Ok(all.filter(|row| filter.is_all() || row.matches(&filter)).collect())
    }
}

/// The filter of a listing.
fn listed(filter: Option<&Incoming>) -> Result<Filter> {
    filter.map_or_else(|| Ok(Filter::all()), parse_filter)
}
