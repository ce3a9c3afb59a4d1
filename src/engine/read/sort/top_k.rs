//! Documents in an order that no index gives: the thread that reads a range of slots extracts the sort keys, and with a
//! limit keeps only the first documents; then they are sorted. Where the memory of the operation is too short, they are sorted
//! in runs on disk (`sorted`).

use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use super::sorted::{Ranked, RankedForm, SortedDocuments};
use crate::document::RawValue;
use crate::engine::read::fetch::{Found, Match};
use crate::engine::read::scan::{self, Scan};
use crate::engine::store::Store;
use crate::error::{Error, Result};
use crate::query::spill::runs::Runs;
use crate::query::{Ranker, Sort};
use crate::work::{Hold, Work};

/// The minimum number of documents that are collected before surplus ones are dropped.
const MANY: usize = 1_024;

/// The first documents in an order, of documents that come in natural order; or all.
pub(crate) struct TopK<'s> {
    ranker: Ranker<'s>,
    keep: usize,
    /// With a limit: a heap with the last of them on top.
    best: BinaryHeap<Ranked>,
    all: Vec<Ranked>,
    /// The error of a document that cannot be sorted.
    refused: Option<Error>,
    hold: Hold,
    runs: Runs<RankedForm>,
    /// From how many bytes on they are written to disk: if the operation holds too much, and in any case.
    bounds: (usize, usize),
    /// Set by the last document that was kept: most documents are not.
    full: bool,
}

impl<'s> TopK<'s> {
    /// The first `keep`; `usize::MAX` for all.
    pub(crate) fn new(sort: &'s Sort, keep: usize, work: &Work) -> TopK<'s> {
        TopK::within(sort, keep, work, (work.sliver(), usize::MAX))
    }

    /// Those of one range of several that are read at a time.
    fn part(sort: &'s Sort, keep: usize, work: &Work) -> TopK<'s> {
        TopK::within(sort, keep, work, (work.sliver(), 2 * work.sliver()))
    }

    fn within(sort: &'s Sort, keep: usize, work: &Work, bounds: (usize, usize)) -> TopK<'s> {
        // Where there is nowhere to write to, a sort is not limited: it holds references to documents in memory.
        let hold = match work.spills() {
            true => Hold::movable("sort", work),
            false if work.refuses_disk() => Hold::new("sort", work),
            false => Hold::new("sort", &Work::default()),
        };
        TopK {
            ranker: Ranker::new(sort),
            keep,
            best: BinaryHeap::new(),
            all: Vec::new(),
            refused: None,
            hold,
            runs: Runs::new(RankedForm, keep, work),
            bounds,
            full: false,
        }
    }

    /// Adds a document. It may be called under a lock; [`TopK::relieve`] may not.
    pub(crate) fn add(&mut self, document: RawValue<'_>, found: impl FnOnce() -> Found) -> Result<()> {
        if self.keep == usize::MAX {
            let ranked = Ranked::of(self.ranker.key(document)?, found());
            self.count(&ranked)?;
            self.all.push(ranked);
            return Ok(());
        }
        let full = self.best.len() >= self.keep;
        // Later documents with an equal key come after.
        if let Some(worst) = self.best.peek().filter(|_| full)
            && !self.ranker.is_before(document, &worst.key)?
        {
            return Ok(());
        }
        if full {
            let gone = self.best.pop();
            self.hold.release(gone.as_ref().map_or(0, Ranked::weight));
        }
        let ranked = Ranked::of(self.ranker.key(document)?, found());
        if !self.runs.is_behind(&ranked) {
            self.count(&ranked)?;
            self.best.push(ranked);
        }
        Ok(())
    }

    fn count(&mut self, ranked: &Ranked) -> Result<()> {
        self.hold.add(ranked.weight())?;
        self.full = self.hold.is_over(self.bounds.0, self.bounds.1);
        Ok(())
    }

    /// Whether [`TopK::relieve`] is due.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Writes what there is to disk.
    pub(crate) fn relieve(&mut self) -> Result<()> {
        self.all.extend(std::mem::take(&mut self.best));
        let mut all = std::mem::take(&mut self.all);
        all.sort_unstable();
        self.runs.add(all)?;
        self.hold.release(usize::MAX);
        self.full = false;
        Ok(())
    }

    /// Takes over the documents of a later range.
    fn absorb(&mut self, part: TopK<'_>) -> Result<()> {
        let TopK { best, all, hold, runs, .. } = part;
        let bytes = hold.bytes();
        drop(hold);
        self.hold.add(bytes)?;
        self.runs.absorb(runs);
        self.all.extend(best);
        self.all.extend(all);
        if self.keep != usize::MAX && self.all.len() >= self.keep.saturating_mul(2).max(MANY) {
            self.all.sort_unstable();
            let gone = self.all.drain(self.keep.min(self.all.len())..);
            let gone: usize = gone.map(|one| one.weight()).sum();
            self.hold.release(gone);
        }
        if self.hold.is_over(self.bounds.0, self.bounds.1) { self.relieve() } else { Ok(()) }
    }

    /// The documents, sorted.
    pub(crate) fn into_sorted(mut self) -> Result<SortedDocuments> {
        self.all.extend(self.best);
        if self.runs.is_empty() {
            return Ok(SortedDocuments::in_memory(in_order(&self.all, self.keep), self.hold));
        }
        self.all.sort_unstable();
        SortedDocuments::on_disk(self.runs.merged(self.all, self.hold)?)
    }
}

/// The first `keep` of them. Heads and indexes take little memory: they are sorted instead, and keys are compared only where
/// heads are equal.
fn in_order(ranked: &[Ranked], keep: usize) -> Vec<Found> {
    let mut order: Vec<(u64, usize)> =
        ranked.iter().enumerate().map(|(number, one)| (one.key.head(), number)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| ranked.get(a.1).cmp(&ranked.get(b.1))));
    let found = |(_, number): (u64, usize)| ranked.get(number).map(|one| one.found.clone());
    order.into_iter().take(keep).filter_map(found).collect()
}

/// The first `keep` documents in this order; `usize::MAX` for all.
pub(crate) fn sorted(store: &Store, scan: &Scan<'_>, sort: &Sort, keep: usize) -> Result<SortedDocuments> {
    let (shapes, work) = (scan.collection.shapes(), scan.filter.work());
    let start = || TopK::part(sort, keep, work);
    let visit = |part: &mut TopK<'_>, one: Match<'_>| {
        let added = part.add(RawValue::new(one.span.of(one.block), shapes), || one.to_found());
        if let Err(error) = added {
            part.refused = Some(error);
            return ControlFlow::Break(());
        }
        if part.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let relieve = |part: &mut TopK<'_>| {
        if part.refused.is_some() {
            return Ok(ControlFlow::Break(()));
        }
        part.relieve()?;
        Ok(ControlFlow::Continue(()))
    };
    let mut whole = TopK::within(sort, keep, work, (work.sliver(), work.memory() / 2));
    scan::fold_with(store, scan, start, visit, relieve, |mut part| {
        if let Some(error) = part.refused.take() {
            return Err(error);
        }
        whole.absorb(part)?;
        Ok(ControlFlow::Continue(()))
    })?;
    whole.into_sorted()
}
