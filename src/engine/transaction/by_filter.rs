//! Writes by filter of a transaction: what matches is found as any query finds it, and changed as outside of transactions.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::by_id::settle;
use super::upsert;
use super::work::{Present, Seen, Work};
use crate::document::{RawValue, Value};
use crate::engine::format::key::key_of;
use crate::engine::operation::request::{Reach, Upsert};
use crate::engine::operation::response::UpdateOutcome;
use crate::engine::plan::planner::{self, Query};
use crate::engine::read::fetch::{Found, ReadContext};
use crate::engine::read::results::QueryResults;
use crate::engine::state::collection::Collection;
use crate::engine::write::modification::Modification;
use crate::engine::write::prepared::{Effect, effect, id_of};
use crate::error::Result;

/// Documents that are found before they are changed.
const TOGETHER: usize = 256;

/// Changes the documents that a filter matches; returns the changed document as `answer` requests.
pub(crate) fn modify(
    work: &mut Work,
    modification: &Modification<'_>,
) -> Result<(UpdateOutcome, Option<Value>)> {
    let mut changing = Changing {
        modification,
        outcome: UpdateOutcome { matched: 0, modified: 0, upserted: None },
        answer: None,
    };
    work.note_filter(modification.name, modification.filter)?;
    if let Some(collection) = work.collection(modification.name) {
        collection.check_stores(modification.name)?;
        changing.run(work, &collection)?;
    }
    let Changing { outcome, answer, .. } = changing;
    if outcome.matched == 0 {
        modification.check_version(0)?;
    }
    if outcome.matched > 0 || modification.upsert.0 == Upsert::No {
        return Ok((outcome, answer));
    }
    let (id, answer) = upsert::insert(work, modification)?;
    Ok((UpdateOutcome { matched: 0, modified: 0, upserted: Some(id) }, answer))
}

struct Changing<'m> {
    modification: &'m Modification<'m>,
    outcome: UpdateOutcome,
    answer: Option<Value>,
}

impl Changing<'_> {
    /// The documents of the state before this write: those that it makes are not found again.
    fn run(&mut self, work: &mut Work, collection: &Arc<Collection>) -> Result<()> {
        let Modification { filter, reach, sort, hint, interrupt, .. } = *self.modification;
        let store = work.store.clone();
        let limit = (reach == Reach::One).then_some(1);
        let query = Query { sort, wanted: limit, hint, ..Query::of(filter) };
        let plan = planner::plan(collection, &query, work.lsn())?;
        let own = work.own(collection).filter(|own| !own.is_empty()).cloned();
        let mut reading = ReadContext::new(&store, collection, work.lsn(), filter, interrupt);
        let mut results = Some(QueryResults::open(&reading.over(own.as_deref()), &query, &plan)?);
        let mut own = own;
        let most = if reach == Reach::One { 1 } else { TOGETHER };
        while let Some(found) = results.as_mut() {
            let mut batch: Vec<Found> = Vec::new();
            found.run(&reading.over(own.as_deref()), sort, &mut |one| {
                batch.push(one.to_found());
                if batch.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if batch.len() < most || reach == Reach::One || found.is_done() {
                // The writes below change what was written in place, not a copy.
                results = None;
                own = None;
            }
            for found in batch {
                self.change(work, collection, &found)?;
            }
            reading = ReadContext::new(&store, collection, work.lsn(), filter, interrupt);
        }
        Ok(())
    }

    fn change(&mut self, work: &mut Work, collection: &Arc<Collection>, found: &Found) -> Result<()> {
        let modification = self.modification;
        let one = found.as_match();
        let before = RawValue::new(one.span.of(one.block), collection.shapes());
        let key = key_of(id_of(before)?);
        let own = work.own(collection).and_then(|own| own.key(&key));
        let below = own.map_or(Some(found.slot), |own| own.below);
        let budget = work.store.work(modification.interrupt);
        let name = modification.name;
        let present = Present::of(one.block.clone(), one.span)?;
        modification.check_version(present.version)?;
        self.outcome.matched += 1;
        let (packed, answer) = loop {
            let effect = effect(collection, modification, before, work.now, &budget)?;
            budget.check()?;
            match effect {
                Effect::Passed => return Ok(()),
                Effect::Same(answer) => {
                    self.answer = answer;
                    return Ok(());
                }
                Effect::Deleted(answer) => {
                    let seen = Seen { present: None, below };
                    work.delete(name, collection, &key, &seen)?;
                    self.outcome.modified += 1;
                    self.answer = answer;
                    return Ok(());
                }
                Effect::Replaced(packed, answer) => {
                    if settle(work, collection, &packed)? {
                        break (packed, answer);
                    }
                }
            }
        };
        let seen = Seen { present: Some(present), below };
        work.put(name, collection, &key, &seen, &packed)?;
        self.outcome.modified += 1;
        self.answer = answer;
        Ok(())
    }
}
