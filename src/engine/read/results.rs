//! The results of a query, batch by batch: in natural order, in the order of an index, or sorted in memory.
//!
//! For sorting in memory everything that matches is read first; with a limit only the first documents are kept, in a heap. A
//! scan in the order of an index that finds too little is abandoned: another plan has the same results, so the documents
//! that were returned already are skipped there.

use std::ops::ControlFlow;

use super::backward::ReverseScan;
use super::fetch::{Examined, Match, ReadContext};
use super::layers::overlay::Overlay;
use super::missing_indexes;
use super::scan::Scan;
use super::selection::{Pause, Selection};
use super::sort::SortedDocuments;
use super::sort::top_k::{self, TopK};
use crate::document::RawValue;
use crate::engine::plan::planner::{self, Plan, Query};
use crate::engine::state::index::Index;
use crate::error::Result;
use crate::query::Sort;

/// An index scan is abandoned after it has read one in so many documents of the collection.
const PATIENCE: u64 = 4;
/// And at least so many.
const LEAST: u64 = 1_000;

/// The results of a query.
pub(crate) struct QueryResults {
    state: State,
    /// The maximum number of documents, including those that are skipped first.
    wanted: Option<u64>,
    /// Documents returned.
    given: u64,
    examined: Examined,
    scans: bool,
    noted: bool,
    end: u64,
    /// What the transaction of the query has written, merged into the rest.
    overlay: Option<Overlay>,
}

enum State {
    Selecting(Selection),
    Sorted(SortedDocuments),
    ReverseScan(ReverseScan),
    Done,
}

impl QueryResults {
    /// Starts a plan for this query.
    pub(crate) fn open(
        reading: &ReadContext<'_>,
        query: &Query<'_>,
        plan: &Plan<Index>,
    ) -> Result<QueryResults> {
        let end = reading.collection.slab().end();
        let mut results = QueryResults {
            state: State::Done,
            wanted: query.wanted,
            given: 0,
            examined: Examined::default(),
            scans: matches!(plan, Plan::Scan),
            noted: false,
            end,
            overlay: Overlay::of(reading, query, plan)?,
        };
        match (query.sort, plan) {
            (None, Plan::Scan) if query.is_backward() => {
                results.state = State::ReverseScan(ReverseScan::from(end))
            }
            (Some(_), Plan::Index(access)) if access.order.is_some() => {
                let mut selection = Selection::open(reading, plan, end)?;
                if query.wanted.is_some() && !access.covers && query.hint.is_none() {
                    selection = selection.within(reading.collection.count() / PATIENCE + LEAST);
                }
                results.state = State::Selecting(selection);
            }
            (Some(sort), plan) => results.sort(reading, sort, plan)?,
            (None, plan) => results.state = State::Selecting(Selection::open(reading, plan, end)?),
        }
        Ok(results)
    }

    /// No results.
    pub(crate) fn none() -> QueryResults {
        let examined = Examined::default();
        QueryResults {
            state: State::Done,
            wanted: None,
            given: 0,
            examined,
            scans: false,
            noted: true,
            end: 0,
            overlay: None,
        }
    }

    /// Whether nothing was returned, or read to be returned.
    pub(crate) fn is_fresh(&self) -> bool {
        self.given == 0 && self.overlay.is_none() && matches!(self.state, State::Selecting(_))
    }

    /// What was read so far.
    pub(crate) fn examined(&self) -> Examined {
        match &self.state {
            State::Selecting(selection) => Examined {
                keys: self.examined.keys + selection.examined.keys,
                documents: self.examined.documents + selection.examined.documents,
            },
            _ => self.examined,
        }
    }

    /// Whether everything was returned.
    pub(crate) fn is_done(&self) -> bool {
        if let Some(overlay) = &self.overlay {
            return overlay.is_done();
        }
        match &self.state {
            State::Done => true,
            State::Selecting(selection) => selection.is_done(),
            State::Sorted(rest) => rest.is_done(),
            State::ReverseScan(backward) => backward.is_done(),
        }
    }

    /// Calls a function with each document in order until it stops. The function may run under a lock: it may only read or
    /// clone.
    pub(crate) fn run(
        &mut self,
        reading: &ReadContext<'_>,
        sort: Option<&Sort>,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        match self.overlay.take() {
            None => self.run_below(reading, sort, visit)?,
            Some(mut overlay) => {
                let merged = overlay.run(
                    reading,
                    sort,
                    |mut gather| self.run_below(reading, sort, &mut gather),
                    visit,
                );
                self.overlay = Some(overlay);
                merged?;
            }
        }
        self.note(reading, sort);
        Ok(())
    }

    /// [`QueryResults::run`] for the documents that the view sees.
    fn run_below(
        &mut self,
        reading: &ReadContext<'_>,
        sort: Option<&Sort>,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        loop {
            match &mut self.state {
                State::Done => break,
                State::Sorted(rest) => {
                    while let Some(found) = rest.next()? {
                        self.given += 1;
                        if visit(found.as_match()).is_break() {
                            break;
                        }
                    }
                    break;
                }
                State::ReverseScan(backward) => {
                    let given = &mut self.given;
                    self.examined.documents += backward.run(reading, &mut |found| {
                        *given += 1;
                        visit(found)
                    })?;
                    break;
                }
                State::Selecting(selection) => {
                    let given = &mut self.given;
                    let pause = selection.run(reading, &mut |found| {
                        *given += 1;
                        visit(found)
                    })?;
                    match (pause, sort) {
                        (Pause::Costly, Some(sort)) => self.give_up(reading, sort)?,
                        _ => break,
                    }
                }
            }
        }
        Ok(())
    }

    fn give_up(&mut self, reading: &ReadContext<'_>, sort: &Sort) -> Result<()> {
        self.examined = self.examined();
        self.state = State::Done;
        let query = Query::of(reading.filter);
        let plan = planner::plan(reading.collection, &query, reading.view)?;
        self.scans = matches!(plan, Plan::Scan);
        self.sort(reading, sort, &plan)?;
        if let State::Sorted(rest) = &mut self.state {
            for _ in 0..self.given {
                rest.next()?;
            }
        }
        Ok(())
    }

    fn sort(&mut self, reading: &ReadContext<'_>, sort: &Sort, plan: &Plan<Index>) -> Result<()> {
        let keep = self.wanted.map_or(usize::MAX, |wanted| usize::try_from(wanted).unwrap_or(usize::MAX));
        let found = if matches!(plan, Plan::Scan) {
            self.examined.documents += self.end;
            top_k::sorted(reading.store, &Scan::of(reading, self.end), sort, keep)?
        } else {
            let mut best = TopK::new(sort, keep, reading.filter.work());
            let mut selection = Selection::open(reading, plan, self.end)?;
            let shapes = reading.collection.shapes();
            loop {
                let mut added = Ok(());
                selection.run(reading, &mut |one| {
                    added = best.add(RawValue::new(one.span.of(one.block), shapes), || one.to_found());
                    let goes_on = added.is_ok() && !best.is_full();
                    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
                added?;
                if !best.is_full() {
                    break;
                }
                best.relieve()?;
            }
            self.examined.keys += selection.examined.keys;
            self.examined.documents += selection.examined.documents;
            best.into_sorted()?
        };
        self.state = State::Sorted(found);
        Ok(())
    }

    /// Records a scan that an index would have saved.
    fn note(&mut self, reading: &ReadContext<'_>, sort: Option<&Sort>) {
        if self.scans && !self.noted {
            let returned = match &self.state {
                State::Sorted(rest) => self.given + rest.len(),
                _ => self.given,
            };
            self.noted =
                missing_indexes::note_scan(reading.store, reading, sort, self.examined().documents, returned);
        }
    }
}
