//! Executes write requests: their parts are validated and decoded, and the outcome becomes a result.

use super::session::Session;
use crate::document::{Value, incoming};
use crate::engine::commit::Committed;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::LongMutex;
use crate::engine::operation::input::{Incoming, check_part, parse_filter_with};
use crate::engine::operation::request::{Operation, Reach, Upsert};
use crate::engine::operation::response::{Answer, UpdateOutcome};
use crate::engine::plan::hint::Hint;
use crate::engine::read::find;
use crate::engine::write::by_filter;
use crate::engine::write::by_id;
use crate::engine::write::find_and_modify::ReturnedDocument;
use crate::engine::write::modification::{Change, Modification};
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::query::{Filter, Sort, Update};

/// The context of a write: its limits, the context of its expressions, and what was read ahead for it.
pub(super) type Seen<'s> = (&'s Interrupt, &'s Constants, Option<&'s LongMutex<ReadAhead>>);

impl Session {
    /// Writes that make one commit, unless they are large; `None` for any other operation.
    pub(crate) fn write(
        &self,
        name: &str,
        operation: &Operation,
        interrupt: &Interrupt,
    ) -> Option<Committed<Answer>> {
        let store = &*self.store;
        let (operation, variables) = operation.with_variables();
        let by_id = matches!(
            operation,
            Operation::Insert { .. } | Operation::Set { .. } | Operation::DeleteId { .. }
        );
        let constants =
            match if by_id { Ok(Constants::default()) } else { self.constants(name, variables, interrupt) } {
                Ok(constants) => constants,
                Err(error) => return Some(Committed::failed(error)),
            };
        let seen = (interrupt, &constants, None);
        Some(match operation {
            Operation::Insert { documents, order } => {
                by_id::insert_within(store, name, documents, *order, interrupt).map(Answer::Inserted)
            }
            Operation::Set { entries } => by_id::set(store, name, entries),
            Operation::DeleteId { id, if_version } => by_id::delete(store, name, id, *if_version),
            Operation::FindOneAnd { write, sort, projection, returned } => {
                match ReturnedDocument::parse(sort.as_ref(), projection.as_ref(), *returned, &constants) {
                    Err(error) => Committed::failed(error),
                    Ok(returned_document) => {
                        self.modify(name, write, seen, &returned_document, |_, outcome, document| {
                            Answer::Modified { document, outcome }
                        })
                    }
                }
            }
            Operation::Update { .. } | Operation::Replace { .. } | Operation::Delete { .. } => {
                self.modify(name, operation, seen, &ReturnedDocument::default(), |change, outcome, _| {
                    match change {
                        Operation::Delete { .. } => Answer::Count(outcome.matched),
                        _ => Answer::Updated(outcome),
                    }
                })
            }
            _ => return None,
        })
    }

    /// The operation itself, and the context of its expressions.
    pub(crate) fn taken_apart(
        &self,
        name: &str,
        operation: Operation,
        interrupt: &Interrupt,
    ) -> Result<(Operation, Constants)> {
        match operation {
            Operation::Let { variables, operation } => {
                Ok((*operation, self.constants(name, Some(&variables), interrupt)?))
            }
            plain => Ok((plain, self.constants(name, None, interrupt)?)),
        }
    }

    fn constants(
        &self,
        name: &str,
        variables: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Result<Constants> {
        let collection = self.store.views().collection(name);
        let now = self.store.statement_time();
        find::constants(&self.store, variables, now, interrupt, collection.as_deref())
    }

    /// Runs one write by filter and builds its result.
    pub(crate) fn modify<T>(
        &self,
        name: &str,
        write: &Operation,
        seen: Seen<'_>,
        returned_document: &ReturnedDocument,
        shape: impl FnOnce(&Operation, UpdateOutcome, Option<Value>) -> T,
    ) -> Committed<T> {
        let modify =
            |modification: &Modification<'_>| by_filter::modify_and_return(&self.store, modification);
        let parsed = self.modify_parsed(name, write, seen, returned_document, modify);
        let committed = parsed.unwrap_or_else(|error| {
            // Nothing was read, so the result depends on no state.
            Committed::failed(error)
        });
        let Committed { result, lsn } = committed;
        Committed { result: result.map(|(outcome, document)| shape(write, outcome, document)), lsn }
    }

    /// Parses a write by filter, and runs it by a function.
    pub(super) fn modify_parsed<T>(
        &self,
        name: &str,
        write: &Operation,
        (interrupt, constants, ahead): Seen<'_>,
        returned_document: &ReturnedDocument,
        modify: impl FnOnce(&Modification<'_>) -> T,
    ) -> Result<T> {
        // A write of a bulk write may name its own collation.
        let own_constants;
        let (write, own) = write.with_variables();
        let constants = match own {
            Some(own) => {
                own_constants = find::under_own_collation(constants, own)?;
                &own_constants
            }
            None => constants,
        };
        let answer =
            returned_document.returned.map(|returned| (returned, returned_document.projection.as_ref()));
        let hint = Hint::of(write.hint())?;
        let own = write.sort().map(|sort| sort_of(sort, constants)).transpose()?.flatten();
        let run = |filter: &Filter, reach: Reach, change: Change<'_>, upsert: (Upsert, Option<&Incoming>)| {
            let sort = returned_document.sort.as_ref().or(own.as_ref());
            modify(&Modification {
                name,
                filter,
                reach,
                change,
                upsert,
                sort,
                hint: hint.as_ref(),
                if_version: write.if_version(),
                answer,
                interrupt,
                ahead,
            })
        };
        match write {
            Operation::Update { sort: Some(_), reach: Reach::Many, .. } => {
                let message = "sort says which one document is updated; leave it out of an update of many";
                Err(Error::new(Kind::BadQuery, message))
            }
            Operation::Update { filter, update, array_filters, reach, upsert, new_id, .. } => {
                let filter = parse_filter_with(filter, constants)?;
                incoming::check(update.bytes(), &update.shapes)?;
                check_part(array_filters.as_ref())?;
                let array_filters = array_filters.as_ref().map(Incoming::raw);
                let update = Update::parse_with(update.raw(), array_filters, constants)?;
                Ok(run(&filter, *reach, Change::Update(&update), (*upsert, Some(new_id))))
            }
            Operation::Replace { filter, document, upsert, new_id, .. } => {
                let filter = parse_filter_with(filter, constants)?;
                incoming::check(document.bytes(), &document.shapes)?;
                Ok(run(&filter, Reach::One, Change::Replace(document), (*upsert, Some(new_id))))
            }
            Operation::Delete { filter, reach, .. } => {
                let filter = parse_filter_with(filter, constants)?;
                Ok(run(&filter, *reach, Change::Delete, (Upsert::No, None)))
            }
            _ => Err(Error::new(Kind::Internal, "another operation was taken for a write by filter")),
        }
    }
}

fn sort_of(sort: &Incoming, constants: &Constants) -> Result<Option<Sort>> {
    incoming::check(sort.bytes(), &sort.shapes)?;
    Sort::parse_with(sort.raw(), constants)
}
