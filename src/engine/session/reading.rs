//! The reads of a session.

use super::cursors::Source;
use super::info;
use super::session::Session;
use crate::document::{Path, Value};
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::explain::subject;
use crate::engine::operation::input::{Incoming, incoming_key, parse_filter, parse_filter_with, text_of};
use crate::engine::operation::request::Operation;
use crate::engine::operation::response::{Answer, Answered, CollectionInfo, Document};
use crate::engine::plan::hint::Hint;
use crate::engine::read::find::Cursor;
use crate::engine::read::{count, distinct, point};
use crate::engine::state::collection::Collection;
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::query::expression::Constants;

impl Session {
    pub(super) fn read(
        &self,
        name: &str,
        operation: Operation,
        constants: &Constants,
        limits: &Limits,
        interrupt: &Interrupt,
    ) -> Answered {
        let store = &*self.store;
        let collection = store.views().collection(name);
        let answer = match operation {
            Operation::Get { id, meta } => self.get(collection.as_deref(), &id, meta),
            Operation::GetMany { ids } => self.get_many(collection.as_deref(), &ids),
            Operation::Has { id } => incoming_key(&id).and_then(|key| {
                let Some(collection) = &collection else { return Ok(Answer::Bool(false)) };
                let found = collection.find_again(&key, || store.views().published())?;
                Ok(Answer::Bool(found.is_some()))
            }),
            Operation::Count { filter, skip, limit, hint } => parse_filter_with(&filter, constants)
                .and_then(|filter| {
                    let part = (skip, limit);
                    self.count((name, collection.as_deref()), &filter, part, hint.as_ref(), interrupt)
                })
                .map(Answer::Count),
            Operation::Find { filter, options } => {
                return match Cursor::open(store, name, &filter, &options, constants, limits) {
                    Err(error) => Answered::failed(error),
                    Ok(cursor) => self.cursors.first_batch(
                        store,
                        Source::Find(Box::new(cursor)),
                        options.batch,
                        interrupt,
                    ),
                };
            }
            Operation::Distinct { key, filter, hint } => parse_filter_with(&filter, constants)
                .and_then(|filter| self.distinct(name, &key, &filter, hint.as_ref(), interrupt))
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
            Operation::ListCollections { filter } => self.list(filter.as_ref()).map(Answer::Collections),
            _ => Err(Error::new(Kind::Internal, "a write was taken for a read")),
        };
        Answered { collection, answer }
    }

    fn count(
        &self,
        (name, collection): (&str, Option<&Collection>),
        filter: &Filter,
        (skip, limit): (u64, u64),
        hint: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Result<u64> {
        if skip == 0 && limit == 0 && hint.is_none() && filter.is_all() {
            return Ok(collection.map_or(0, Collection::count));
        }
        let hint = Hint::of(hint)?;
        count::matches(&self.store, name, filter, (skip, limit), hint.as_ref(), interrupt)
    }

    fn distinct(
        &self,
        name: &str,
        key: &Incoming,
        filter: &Filter,
        hint: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Result<Vec<Value>> {
        let path = Path::parse(&text_of(key)?);
        let hint = Hint::of(hint)?;
        distinct::values(&self.store, name, &path, filter, hint.as_ref(), interrupt)
    }

    fn get_many(&self, collection: Option<&Collection>, ids: &[Incoming]) -> Result<Answer> {
        let get = |id: &Incoming| {
            let key = incoming_key(id)?;
            let Some(collection) = collection else { return Ok(None) };
            let found = point::get(&self.store, collection, &key)?;
            Ok(found.map(|(block, span)| Document::of_block(&block, span)))
        };
        ids.iter().map(get).collect::<Result<Vec<_>>>().map(Answer::Documents)
    }

    fn get(&self, collection: Option<&Collection>, id: &Incoming, meta: bool) -> Result<Answer> {
        let key = incoming_key(id)?;
        let Some(collection) = collection else { return Ok(Answer::Document(None)) };
        if meta {
            return Ok(point::get_versioned(&self.store, collection, &key)?.unwrap_or(Answer::Document(None)));
        }
        let found = point::get(&self.store, collection, &key)?;
        Ok(Answer::Document(found.map(|(block, span)| Document::of_block(&block, span))))
    }

    fn list(&self, filter: Option<&Incoming>) -> Result<Vec<CollectionInfo>> {
        let filter = filter.map_or_else(|| Ok(Filter::all()), parse_filter)?;
        let catalogue = self.store.views().catalogue();
        let all = catalogue.iter().map(|(name, collection)| CollectionInfo {
            name: name.to_string(),
            number: collection.number(),
            count: collection.count(),
        });
        Ok(all.filter(|row| filter.is_all() || row.matches(&filter)).collect())
    }
}
